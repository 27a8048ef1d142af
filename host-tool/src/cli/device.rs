//! `steadfast device`: ids and keys for devices, and who is there.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde_json::json;
use steadfast::enroll::{self, Request};
use steadfast::fleet::{At, Fleet};
use steadfast::hex;

use super::reading::Reading;
use super::status::label;
use super::{Exit, Format};

/// Arguments of `steadfast device`.
#[derive(Args, Debug)]
pub(crate) struct DeviceArgs {
    #[command(subcommand)]
    command: DeviceCommand,
}

#[derive(Subcommand, Debug)]
enum DeviceCommand {
    /// Give a device an id and a key: a new row in the inventory, or a key for a row that has none.
    Enroll(EnrollArgs),
    /// List the devices of a fleet.
    List(ListArgs),
}

#[derive(Args, Debug)]
struct EnrollArgs {
    /// The device's name.
    name: String,
    /// Its model, for a device that the inventory does not have yet.
    #[arg(long)]
    model: Option<String>,
    /// A label of a new device; may be given several times.
    #[arg(long, value_name = "KEY=VALUE", value_parser = label)]
    label: Vec<(String, String)>,
    /// The inventory file for a new device, relative to the fleet's folder; inventory/devices.csv unless given.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Where to put the private key; keys/device/NAME.key in the fleet's folder unless given.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The fleet's folder: the one with `steadfast.toml`.
    #[arg(long, default_value = ".", value_name = "FOLDER")]
    fleet: PathBuf,
    /// Say what would be written, and write nothing.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Args, Debug)]
struct ListArgs {
    #[command(flatten)]
    reading: Reading,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs `steadfast device`.
pub(crate) fn run(args: &DeviceArgs) -> anyhow::Result<Exit> {
    match &args.command {
        DeviceCommand::Enroll(args) => enroll(args),
        DeviceCommand::List(args) => list(args),
    }
}

fn enroll(args: &EnrollArgs) -> anyhow::Result<Exit> {
    let fleet = Fleet::open(&args.fleet, &At::Worktree)?;
    if let Some(model) = args.model.as_deref().filter(|name| !fleet.settings.models.iter().any(|m| &*m.name == *name)) {
        let known: Vec<&str> = fleet.settings.models.iter().map(|model| &*model.name).collect();
        bail!("steadfast.toml has no model `{model}`; it has {}", known.join(", "));
    }
    let request = Request {
        name: args.name.clone(),
        model: args.model.clone(),
        labels: args.label.iter().cloned().collect(),
        file: args.file.clone(),
    };
    let enrolled = enroll::enroll(&args.fleet, &request)?;
    let key = args.key.clone().unwrap_or_else(|| key_path(&args.fleet, &args.name));
    if args.dry_run {
        println!("would write {} and {}", key.display(), enrolled.file.display());
        return Ok(Exit::Fine);
    }
    enrolled.write(&key)?;
    ignore_keys(&args.fleet)?;
    println!("{}", enrolled.device);
    eprintln!("wrote {} (keep it secret) and {}", key.display(), enrolled.file.display());
    eprintln!("next: `steadfast check --worktree`, commit {}, then `steadfast flash`", enrolled.file.display());
    Ok(Exit::Fine)
}

/// Where a device's private key is unless a file is named.
fn key_path(fleet: &Path, name: &str) -> PathBuf {
    fleet.join("keys/device").join(format!("{name}.key"))
}

fn ignore_keys(fleet: &Path) -> anyhow::Result<()> {
    let folder = fleet.join("keys");
    if folder.is_dir() { super::keys::ignore(&folder).context("keys could come into git") } else { Ok(()) }
}

fn list(args: &ListArgs) -> anyhow::Result<Exit> {
    let fleet = args.reading.open()?;
    if fleet.findings().has_errors() {
        eprint!("{}", fleet.diagnose(fleet.findings().clone()).to_text(super::color()));
    }
    let mut devices: Vec<_> = fleet.devices.iter().collect();
    devices.sort_by(|a, b| a.name.cmp(&b.name));
    match args.format {
        Format::Json => {
            let devices: Vec<_> = devices
                .iter()
                .map(|device| {
                    json!({
                        "device": device.id.to_string(),
                        "name": &*device.name,
                        "model": &*fleet.model(device).name,
                        "labels": device.labels.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect::<std::collections::BTreeMap<_, _>>(),
                        "public_key": device.public_key.map(|key| hex::encode(&key)),
                    })
                })
                .collect();
            println!("{:#}", json!({ "format": 1, "devices": devices }));
        }
        Format::Text => {
            let mut table = Table::new();
            table.load_style(NOTHING);
            table.set_header(["DEVICE", "MODEL", "ID", "ENROLLED", "LABELS"]);
            for device in devices {
                let labels: Vec<String> = device.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
                let enrolled = if device.public_key.is_some() { "yes" } else { "no" };
                let model = &fleet.model(device).name;
                table.add_row([&*device.name, model, &device.id.to_string(), enrolled, &labels.join(" ")]);
            }
            table.lines().for_each(|line| println!("{}", line.trim_end()));
        }
    }
    // Rows with faults are not listed.
    Ok(if fleet.findings().has_errors() { Exit::Error } else { Exit::Fine })
}
