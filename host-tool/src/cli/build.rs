//! `steadfast build`: one commit, compiled into one pack; the same bytes on every machine.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use steadfast::keys::Home;
use steadfast::whole::{self, Over};
use steadfast::words::counted;

use super::progress::Progress;
use super::reading::Reading;
use super::{Exit, Format, making};

/// Arguments of `steadfast build`.
#[derive(Args, Debug)]
pub(crate) struct BuildArgs {
    #[command(flatten)]
    reading: Reading,
    /// The pack's file, or a folder in which it gets a name of its own.
    #[arg(long, default_value = ".", value_name = "PATH")]
    out: PathBuf,
    /// The publisher epoch; that of the fleet's newest keyring unless given.
    #[arg(long, value_name = "NUMBER")]
    epoch: Option<u32>,
    /// Build, and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// How to print what was built.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs `steadfast build`.
pub(crate) fn run(args: &BuildArgs) -> anyhow::Result<Exit> {
    let fleet = args.reading.open()?;
    let epoch = match args.epoch {
        Some(epoch) => epoch,
        None => Home::open(&args.reading.fleet)?.chain()?.newest().publisher_epoch,
    };
    let progress = Progress::new();
    let pack = making::release(&fleet, epoch, &progress)?;
    let name = format!("{}.pack", making::name(&fleet, &pack));
    let path = if args.out.is_dir() { args.out.join(name) } else { args.out.clone() };
    if !args.dry_run {
        let written = whole::write(&path, pack.bytes(), (whole::PUBLIC, Over::File));
        written.with_context(|| format!("{} cannot be written", path.display()))?;
    }
    drop(progress);
    let release = pack.release();
    match args.format {
        Format::Text => println!(
            "{}\nrelease {} of commit {} for {}, digest {}",
            path.display(),
            release.sequence,
            release.commit,
            counted(pack.leaves().devices().len(), "device"),
            pack.digest()
        ),
        Format::Json => println!(
            "{:#}",
            json!({
                "format": 1,
                "pack": path,
                "bytes": pack.bytes().len(),
                "digest": pack.digest().to_string(),
                "epoch": release.publisher_epoch,
                "sequence": release.sequence,
                "commit": release.commit.to_string(),
            })
        ),
    }
    if !args.dry_run {
        eprintln!("next: steadfast sign {} --key FILE", path.display());
    }
    Ok(Exit::Fine)
}
