//! One host of the network as a gateway on this machine: its own image, files, health checks, and a relay that counts.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, ensure};
use steadfast::compile::Compiled;
use steadfast::demo::relay::{Relay, Tally, Traffic};
use steadfast_core::content::ObjectRef;
use steadfast_core::manifest::Manifest;

use super::programs::{Programs, Running};
use crate::convert::{Host, device_id};

/// The layout of a gateway's image.
const BOARD: &str = include_str!("../../../../boards/linux-gateway/board.toml");

/// A gateway that runs.
pub(super) struct Gateway {
    pub(super) host: Host,
    folder: PathBuf,
    relay: Relay,
    before: Tally,
    _running: Running,
}

impl Gateway {
    /// Writes the host's image and settings, and starts it. It knows its server by the relay's address.
    pub(super) fn start(
        host: &Host,
        (fleet, folder): (&Path, &Path),
        programs: &Programs,
        server: SocketAddr,
    ) -> Result<Self> {
        let folder = folder.join(&host.name);
        fs::create_dir_all(&folder)?;
        let relay = Relay::start(server)?;
        let board = folder.join("board.toml");
        fs::write(&board, BOARD)?;
        let image = folder.join("gateway.img");
        let key = fleet.join("keys/device").join(format!("{}.key", host.name));
        let mut flash = vec!["flash".to_owned(), host.name.clone(), "--server".to_owned(), relay.address().to_string()];
        for (option, path) in [("--board", &board), ("--key", &key), ("--out", &image)] {
            flash.extend([option.to_owned(), path.display().to_string()]);
        }
        programs.steadfast(fleet, &flash)?;
        fs::write(folder.join("gateway.toml"), settings(host)?)?;
        let running = programs.gateway(&folder, &folder.join("gateway.log"))?;
        Ok(Self { host: host.clone(), folder, relay, before: Tally::default(), _running: running })
    }

    /// What passed between it and the server since the last time this was asked.
    pub(super) fn traffic(&mut self) -> Tally {
        let all = self.relay.tally();
        let before = std::mem::replace(&mut self.before, all);
        Tally {
            polls: since(all.polls, before.polls),
            reports: since(all.reports, before.reports),
            objects: since(all.objects, before.objects),
        }
    }

    /// How often it has polled so far.
    pub(super) fn polls(&self) -> usize {
        self.relay.tally().polls.exchanges
    }

    /// What it said.
    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.folder.join("gateway.log")).unwrap_or_default()
    }

    /// Demands that the files that the host's programs read are those of the compiled release, byte for byte; which they
    /// are, by section.
    pub(super) fn sections(&self, compiled: &Compiled) -> Result<BTreeMap<String, ObjectRef>> {
        let name = &self.host.name;
        let id = device_id(name);
        let leaf = compiled.leaves.iter().find(|leaf| leaf.device == id);
        let bytes = leaf.and_then(|leaf| compiled.manifests.get(leaf.manifest as usize));
        let bytes = bytes.with_context(|| format!("the release has no configuration for {name}"))?;
        let manifest = Manifest::parse(bytes).map_err(|refusal| anyhow!("a manifest is refused: {refusal}"))?;
        let mut sections = BTreeMap::new();
        for entry in manifest.objects() {
            let path = self.folder.join("configuration/current").join(format!("{}.json", entry.section));
            let found = fs::read(&path).with_context(|| format!("{} is not there", path.display()))?;
            let object = entry.object().with_context(|| format!("`{}` is no file", entry.section))?;
            let wanted = compiled.objects.get(&object.digest);
            ensure!(wanted == Some(&found), "{} is not what was compiled for {name}", path.display());
            sections.insert(entry.section.to_owned(), object);
        }
        Ok(sections)
    }
}

/// What was added to a sum.
fn since(now: Traffic, then: Traffic) -> Traffic {
    Traffic {
        exchanges: now.exchanges - then.exchanges,
        heads_up: now.heads_up - then.heads_up,
        bodies_up: now.bodies_up - then.bodies_up,
        heads_down: now.heads_down - then.heads_down,
        bodies_down: now.bodies_down - then.bodies_down,
    }
}

/// Its checks read the files that it was given: the host's name must be in one, the site's prefix in the other.
fn settings(host: &Host) -> Result<String> {
    let schema = steadfast::schema::from_toml(crate::convert::SCHEMA, "router")?;
    let name = &host.name;
    Ok(format!(
        r#"image = "gateway.img"
target = "configuration"
schema = "{}"

[checks.links]
command = ["grep", "--quiet", "\"ipv6_prefix\": \"2", "configuration/current/network.json"]
interval_seconds = 1

[checks.names]
command = ["grep", "--quiet", "\"hostname\": \"{name}\"", "configuration/current/system.json"]
interval_seconds = 1
"#,
        schema.id
    ))
}
