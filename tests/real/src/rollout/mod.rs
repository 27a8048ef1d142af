//! A handful of hosts run as gateways with their real values: they take the first release, then a change of one value
//! in one site's layer. The site's hosts download the section that changed, all others nothing at all.

mod host;
mod programs;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use comfy_table::Table;
use steadfast::client::Client;
use steadfast::demo::relay::Tally;
use steadfast::serve::api::Standing;
use steadfast_core::answer::ANSWER_MAX_BYTES;
use steadfast_core::content::ObjectRef;

use crate::convert::{Fleet, Host, NETWORK};
use crate::figures;
use crate::repository::Repository;
use crate::source::SiteRole;
use host::Gateway;
pub(crate) use programs::Programs;

/// How long all hosts together may take to arrive; an idle machine needs a few seconds.
const ARRIVAL: Duration = Duration::from_secs(90);
/// Between two looks at the server.
const LOOK: Duration = Duration::from_millis(100);
/// Polls with the new release published, after which a host that was to download something would have begun.
const POLLS_WITHOUT_NEWS: usize = 3;
/// The most that an answer without news may have, in bytes.
const NO_NEWS_BYTES: usize = 64;
/// What the value becomes: a prefix for documentation (RFC 3849), which no real site has.
const CHANGED: &str = "ipv6_prefix = \"2001:db8:5afe::/56\"";

/// Who takes part.
struct Cast {
    /// The site whose layer changes.
    site: String,
    /// Two of its hosts, and one of each role elsewhere.
    hosts: Vec<Host>,
}

/// Enrols some hosts, starts them, publishes twice, and prints what each did.
///
/// # Errors
/// When a host does not arrive, has other files than were compiled for it, or downloads what it does not need.
pub(crate) fn run(work: &Path, fleet: &Fleet, repository: &Repository, programs: &Programs) -> Result<()> {
    let cast = cast(fleet).context("no site of this data has both a core router and an access point")?;
    let folder = work.join("gateways");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    println!("# Some hosts as gateways, in {}\n", folder.display());
    let root = repository.folder();
    programs.steadfast(root, &["keys", "new"])?;
    for host in &cast.hosts {
        programs.steadfast(root, &["device", "enroll", &host.name])?;
    }
    let first = repository.commit("some hosts are enrolled")?;
    println!("checked: {}", programs.steadfast(root, &["check"])?);
    let (_server, address) = programs.serve(root, &folder.join("server"))?;
    let url = format!("http://{address}");
    let publish = ["publish", "--server", &url, "--key", "keys/publisher.key"];
    println!("commit {first}: {}", programs.steadfast(root, &publish)?);
    let start = |host| Gateway::start(host, (root, &folder), programs, address);
    let mut gateways = cast.hosts.iter().map(start).collect::<Result<Vec<_>>>()?;
    let client = Client::new(&url)?;
    arrival(&client, &gateways)?;
    let arrived = settled(&mut gateways, &figures::whole(repository)?)?;

    change(repository, &cast.site)?;
    let second = repository.commit("one site has another prefix")?;
    println!("commit {second}: {}\n", programs.steadfast(root, &publish)?);
    let polls: Vec<usize> = gateways.iter().map(Gateway::polls).collect();
    arrival(&client, &gateways)?;
    wait("polls of hosts without news", &gateways, || {
        Ok(gateways.iter().zip(&polls).all(|(gateway, before)| gateway.polls() >= before + POLLS_WITHOUT_NEWS))
    })?;
    let changed = settled(&mut gateways, &figures::whole(repository)?)?;
    print(&gateways, &arrived, &changed);
    judge(&cast.site, &gateways, (&arrived, &changed))
}

/// Two hosts of one site that has a core router and an access point, and one of each role from other sites.
fn cast(fleet: &Fleet) -> Option<Cast> {
    let of = |role, site: &dyn Fn(&str) -> bool| {
        fleet.hosts.iter().find(|host| host.role == role && site(&host.site)).cloned()
    };
    let core = fleet
        .hosts
        .iter()
        .find(|core| core.role == SiteRole::Corerouter && of(SiteRole::Ap, &|site| site == core.site).is_some())?;
    let site = core.site.clone();
    let near = of(SiteRole::Ap, &|other| other == site)?;
    let far = [SiteRole::Gateway, SiteRole::Corerouter, SiteRole::Ap];
    let far = far.into_iter().filter_map(|role| of(role, &|other| other != site));
    let hosts = [core.clone(), near].into_iter().chain(far).collect();
    Some(Cast { site, hosts })
}

/// Waits until the server knows from signed reports that every host runs what the newest release has for it.
fn arrival(client: &Client, gateways: &[Gateway]) -> Result<()> {
    wait("hosts that run what they should", gateways, || {
        let (devices, _) = client.devices()?;
        let current = |gateway: &Gateway| {
            devices.iter().any(|info| info.name == gateway.host.name && info.standing == Standing::Current)
        };
        Ok(gateways.iter().all(current))
    })
}

fn wait(what: &str, gateways: &[Gateway], done: impl Fn() -> Result<bool>) -> Result<()> {
    let end = Instant::now() + ARRIVAL;
    while !done()? {
        if Instant::now() > end {
            let logs = gateways.iter().map(|gateway| format!("{}\n{}", gateway.host.name, gateway.log()));
            bail!("waited {} s for {what}\n{}", ARRIVAL.as_secs(), logs.collect::<Vec<_>>().join("\n"));
        }
        thread::sleep(LOOK);
    }
    Ok(())
}

/// A host that runs what it should.
struct Settled {
    /// Its files.
    sections: BTreeMap<String, ObjectRef>,
    /// What passed between it and the server until then.
    traffic: Tally,
}

/// Demands the right files, and takes down the traffic.
fn settled(gateways: &mut [Gateway], whole: &figures::Whole) -> Result<Vec<Settled>> {
    let settled = |gateway: &mut Gateway| {
        Ok(Settled { sections: gateway.sections(&whole.compiled)?, traffic: gateway.traffic() })
    };
    gateways.iter_mut().map(settled).collect()
}

fn change(repository: &Repository, site: &str) -> Result<()> {
    let path = format!("layers/site/{site}.toml");
    let text = fs::read_to_string(repository.folder().join(&path))?;
    let change = |line: &str| if line.starts_with("ipv6_prefix = ") { CHANGED } else { line }.to_owned() + "\n";
    let changed: String = text.lines().map(change).collect();
    ensure!(changed != text, "{path} has no prefix that could change");
    Ok(repository.put(&path, changed.as_bytes())?)
}

fn print(gateways: &[Gateway], arrived: &[Settled], changed: &[Settled]) {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    let columns = [
        "host",
        "role",
        "site",
        "files",
        "first: answers",
        "objects",
        "change: answers",
        "objects",
        "polls",
        "reports",
    ];
    table.set_header(columns);
    for ((gateway, first), second) in gateways.iter().zip(arrived).zip(changed) {
        let Host { name, role, site, .. } = &gateway.host;
        let files: u32 = first.sections.values().map(|object| object.size).sum();
        let mut row = vec![name.clone(), role.word().to_owned(), site.clone()];
        row.push(format!("{} ({files} bytes)", first.sections.len()));
        let (first, second) = (&first.traffic, &second.traffic);
        let down = [first.polls, first.objects, second.polls, second.objects];
        row.extend(down.map(|traffic| format!("{} bytes", traffic.bodies_down)));
        row.extend([second.polls.exchanges.to_string(), second.reports.exchanges.to_string()]);
        table.add_row(row);
    }
    println!("{table}\n");
}

/// The site's hosts take one section, the others nothing.
fn judge(site: &str, gateways: &[Gateway], (arrived, changed): (&[Settled], &[Settled])) -> Result<()> {
    for ((Gateway { host, .. }, before), after) in gateways.iter().zip(arrived).zip(changed) {
        let name = &host.name;
        let other = |(section, object): &(&String, &ObjectRef)| before.sections.get(*section) != Some(*object);
        let others: Vec<(&String, &ObjectRef)> = after.sections.iter().filter(other).collect();
        let names: Vec<&str> = others.iter().map(|(section, _)| section.as_str()).collect();
        let wanted: &[&str] = if host.site == site { &[NETWORK] } else { &[] };
        ensure!(names == wanted, "of {name} these sections changed: {names:?}; that should be {wanted:?}");
        let news: usize = others.iter().map(|(_, object)| object.size as usize + ANSWER_MAX_BYTES).sum();
        let Tally { polls, objects, .. } = after.traffic;
        let (most, bytes) = (news + polls.exchanges * NO_NEWS_BYTES, polls.bodies_down + objects.bodies_down);
        ensure!(bytes <= most, "{name} downloaded {bytes} bytes, and {most} are enough for what changed");
    }
    println!("the hosts of {site} took the one section that changed; the others downloaded nothing\n");
    Ok(())
}
