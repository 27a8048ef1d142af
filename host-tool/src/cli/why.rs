//! `steadfast why`: one screen about one device: what it should run and runs, who stands behind that, and what it waits for.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use steadfast::client::Client;
use steadfast::git::{Authored, Repository};
use steadfast::serve::api::{ReleaseInfo, Standing, Why};

use super::status::{ago, is_unhealthy};
use super::{Exit, Format};

/// Most reports on the screen.
const REPORTS_SHOWN: usize = 5;

/// Arguments of `steadfast why`.
#[derive(Args, Debug)]
pub(crate) struct WhyArgs {
    /// The device's name or id.
    device: String,
    /// The server's address, as http://HOST:PORT.
    #[arg(long, value_name = "URL")]
    server: String,
    /// A clone of the fleet repository, which knows the authors of commits.
    #[arg(long, default_value = ".", value_name = "FOLDER")]
    fleet: PathBuf,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs `steadfast why`. Ends with 5 when somebody should look at the device.
pub(crate) fn run(args: &WhyArgs) -> anyhow::Result<Exit> {
    let why = Client::new(&args.server)?.why(&args.device)?;
    match args.format {
        Format::Json => println!("{:#}", document(&why, &args.fleet)),
        Format::Text => print!("{}", screen(&why, &args.fleet)),
    }
    Ok(if is_unhealthy(why.device.standing) { Exit::Unhealthy } else { Exit::Fine })
}

/// The server does not know authors: a commit's id is signed, and any clone says whose it is.
fn authored(fleet: &Path, release: Option<&ReleaseInfo>) -> Option<Authored> {
    let repository = Repository::discover(fleet).ok()?;
    let commit = repository.commit(&release?.commit).ok()?;
    repository.authored(commit).ok()
}

fn document(why: &Why, fleet: &Path) -> Value {
    let mut document = json!(why);
    for (key, release) in [("desired", &why.desired), ("running", &why.running)] {
        if let Some(commit) = authored(fleet, release.as_ref()) {
            document[key]["author"] = json!(commit.author);
            document[key]["subject"] = json!(commit.subject);
        }
    }
    document
}

fn screen(why: &Why, fleet: &Path) -> String {
    let device = &why.device;
    let labels: Vec<String> = device.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let mut text = format!("{} ({}) {}\n", device.name, device.model, labels.join(" "));
    let _ = writeln!(text, "  id           {}", device.device);
    let _ = writeln!(text, "  health       {}", device.health);
    release(&mut text, ("desired", device.desired.as_deref()), why.desired.as_ref(), fleet);
    release(&mut text, ("running", device.running.as_deref()), why.running.as_ref(), fleet);
    if let Some(reason) = &device.refusal {
        let head = if device.standing == Standing::Current { "earlier" } else { "last refusal" };
        let of = reason.release.map_or_else(String::new, |release| format!(" of release {release}"));
        let _ = writeln!(text, "  {head:12} {} (refusal {}){of}", reason.words, reason.number);
        if !reason.detail.is_empty() {
            let _ = writeln!(text, "               {}", reason.detail);
        }
    }
    let _ = writeln!(text, "  waiting for  {}", why.waiting_for);
    let _ = writeln!(text, "  last report  {}", ago(device.reported_seconds, why.now_seconds));
    let _ = writeln!(text, "  last seen    {}", ago(device.seen_seconds, why.now_seconds));
    for (index, report) in why.reports.iter().take(REPORTS_SHOWN).enumerate() {
        let head = if index == 0 { "reports" } else { "" };
        let taken = ago(Some(report.taken_seconds), why.now_seconds);
        let _ = writeln!(
            text,
            "  {head:12} {taken}: ran {}, release {}; {}",
            report.running, report.accepted, report.words
        );
    }
    text
}

fn release(text: &mut String, (head, content): (&str, Option<&str>), release: Option<&ReleaseInfo>, fleet: &Path) {
    let _ = writeln!(text, "  {head:12} {}", content.unwrap_or("nothing"));
    let Some(release) = release else { return };
    let _ = writeln!(text, "               release {} of commit {}", release.sequence, release.commit);
    if let Some(commit) = authored(fleet, Some(release)) {
        let _ = writeln!(text, "               by {}: {}", commit.author, commit.subject);
    }
    let _ = writeln!(text, "               signed by {}", release.signers.join(", "));
}

#[cfg(test)]
mod tests {
    use super::super::status::tests::device;
    use super::*;

    #[test]
    fn an_old_refusal_is_told_as_such_with_its_release() {
        let screen = |standing| {
            let (reports, waiting_for) = (Vec::new(), "nothing".to_owned());
            let device = device(standing);
            let why = Why { format: 1, now_seconds: 2, device, desired: None, running: None, waiting_for, reports };
            screen(&why, Path::new("/nonexistent"))
        };
        assert!(screen(Standing::Current).contains("earlier      too hot (refusal 50) of release 3"));
        assert!(screen(Standing::Refused).contains("last refusal too hot (refusal 50) of release 3"));
    }
}
