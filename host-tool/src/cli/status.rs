//! `steadfast status`: what each device should run, what it runs, and how it is.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::bail;
use clap::Args;
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde_json::json;
use steadfast::client::Client;
use steadfast::serve::api::{DeviceInfo, Standing};
use steadfast::words::counted;

use super::{Exit, Format};

/// Characters of a content id that tell contents apart in a table.
const SHORT: usize = 8;

/// Arguments of `steadfast status`.
#[derive(Args, Debug)]
pub(crate) struct StatusArgs {
    /// The server's address, as http://HOST:PORT.
    #[arg(long, value_name = "URL")]
    server: String,
    /// Only devices with this label; may be given several times.
    #[arg(long, value_name = "KEY=VALUE", value_parser = label)]
    label: Vec<(String, String)>,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Reads `key=value`.
pub(crate) fn label(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(key, _)| !key.is_empty());
    pair.map(|(key, value)| (key.to_owned(), value.to_owned())).ok_or_else(|| "write it as key=value".to_owned())
}

/// Runs `steadfast status`. Ends with 5 when somebody should look at a device.
pub(crate) fn run(args: &StatusArgs) -> anyhow::Result<Exit> {
    let client = Client::new(&args.server)?;
    let fleet = client.fleet()?;
    let (mut devices, now_seconds) = client.devices()?;
    let chosen = |info: &DeviceInfo| args.label.iter().all(|(key, value)| info.labels.get(key) == Some(value));
    devices.retain(chosen);
    if devices.is_empty() && !args.label.is_empty() {
        let wanted: Vec<String> = args.label.iter().map(|(key, value)| format!("{key}={value}")).collect();
        bail!("no device has {}; `steadfast why DEVICE` shows a device's labels", wanted.join(" and "));
    }
    devices.sort_by(|a, b| a.name.cmp(&b.name));
    let counts = counts(&devices);
    match args.format {
        Format::Json => {
            let counts: BTreeMap<_, _> = counts.iter().map(|(standing, count)| (key(*standing), count)).collect();
            println!(
                "{:#}",
                json!({ "format": 1, "newest": fleet.newest, "served": fleet.served, "counts": counts, "devices": devices })
            );
        }
        Format::Text => {
            match &fleet.newest {
                Some(newest) => println!("release {} of commit {}", newest.sequence, newest.commit),
                None => println!("no release is published yet"),
            }
            print!("{}", table(&devices, now_seconds));
            println!("{}", summary(&counts));
        }
    }
    if let Some(newest) = fleet.newest.filter(|_| !fleet.served) {
        bail!("the server cannot serve release {}: its copy is missing or damaged; publish it again", newest.sequence);
    }
    let unhealthy = devices.iter().any(|info| is_unhealthy(info.standing));
    Ok(if unhealthy { Exit::Unhealthy } else { Exit::Fine })
}

/// Whether somebody should look: it could not or would not take what it should run, fails a check, or asks for what no release has.
pub(crate) fn is_unhealthy(standing: Standing) -> bool {
    matches!(standing, Standing::Refused | Standing::Retrying | Standing::Failing | Standing::UnknownSchema)
}

fn counts(devices: &[DeviceInfo]) -> BTreeMap<Standing, usize> {
    let mut counts = BTreeMap::new();
    devices.iter().for_each(|info| *counts.entry(info.standing).or_default() += 1);
    counts
}

/// The word that JSON has for it.
fn key(standing: Standing) -> String {
    serde_json::to_value(standing).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn summary(counts: &BTreeMap<Standing, usize>) -> String {
    let total: usize = counts.values().sum();
    let mut text = counted(total, "device");
    for (standing, count) in counts {
        let _ = write!(text, ", {count} {}", key(*standing).replace('_', " "));
    }
    text
}

fn table(devices: &[DeviceInfo], now_seconds: u64) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header(["DEVICE", "MODEL", "DESIRED", "RUNNING", "HEALTH", "LAST REFUSAL", "REPORTED", "SEEN"]);
    for info in devices {
        // What runs as it should has put it behind itself; `why` still tells.
        let refusal = info.refusal.as_ref().filter(|_| info.standing != Standing::Current).map_or_else(
            || "-".to_owned(),
            |reason| match reason.detail.as_str() {
                "" => reason.words.clone(),
                detail => format!("{}: {detail}", reason.words),
            },
        );
        table.add_row([
            info.name.clone(),
            info.model.clone(),
            short(info.desired.as_deref()),
            short(info.running.as_deref()),
            info.health.clone(),
            refusal,
            ago(info.reported_seconds, now_seconds),
            ago(info.seen_seconds, now_seconds),
        ]);
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned() + "\n").collect();
    lines.concat()
}

/// The start of a content id.
pub(crate) fn short(content: Option<&str>) -> String {
    content.map_or_else(|| "-".to_owned(), |content| content.chars().take(SHORT).collect())
}

/// How long ago, in the largest unit that fits.
pub(crate) fn ago(seconds: Option<u64>, now_seconds: u64) -> String {
    let Some(seconds) = seconds else { return "never".to_owned() };
    match now_seconds.saturating_sub(seconds) {
        age @ 0..120 => format!("{age} s ago"),
        age @ 120..7200 => format!("{} min ago", age / 60),
        age @ 7200..172_800 => format!("{} h ago", age / 3600),
        age => format!("{} d ago", age / 86400),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use steadfast::serve::api::Reason;

    use super::*;

    /// A device that once rolled something back.
    pub(crate) fn device(standing: Standing) -> DeviceInfo {
        let reason = Reason { number: 50, words: "too hot".to_owned(), detail: String::new(), release: Some(3) };
        DeviceInfo {
            device: "0".repeat(32),
            name: "roof".to_owned(),
            model: "sensor".to_owned(),
            labels: BTreeMap::new(),
            standing,
            health: "words".to_owned(),
            desired: None,
            running: None,
            accepted: None,
            refusal: Some(reason),
            seen_seconds: Some(1),
            reported_seconds: Some(1),
        }
    }

    #[test]
    fn who_runs_what_it_should_shows_no_old_refusal() {
        assert!(!table(&[device(Standing::Current)], 2).contains("too hot"));
        assert!(table(&[device(Standing::Behind)], 2).contains("too hot"));
    }

    #[test]
    fn a_device_that_asks_for_what_no_release_has_is_looked_at() {
        assert!(is_unhealthy(Standing::UnknownSchema) && !is_unhealthy(Standing::Never));
    }

    #[test]
    fn json_calls_a_date_a_date() {
        assert_eq!(json!(device(Standing::Current))["seen_unix_seconds"], 1);
    }
}
