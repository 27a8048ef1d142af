//! `steadfast verify`: whether devices will take a pack, and whether it is what its commit compiles to.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use serde_json::json;
use steadfast::fleet::{At, Fleet};
use steadfast::keys::{Chain, Home};
use steadfast::pack::Pack;
use steadfast::serve::api::FleetInfo;
use steadfast::sign::{self, Verdict};
use steadfast::words::counted;

use super::progress::Progress;
use super::{Exit, Format, making, reading};

/// Arguments of `steadfast verify`.
#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    /// The pack's file; its signatures lie beside it.
    pack: PathBuf,
    /// The fleet's folder, with its keyrings.
    #[arg(long, default_value = ".", value_name = "FOLDER")]
    fleet: PathBuf,
    /// A folder of keyrings, instead of the fleet's.
    #[arg(long, value_name = "FOLDER")]
    keyring: Option<PathBuf>,
    /// Compile the commit again and compare the packs byte by byte.
    #[arg(long)]
    recompute: bool,
    /// How to print the verdict.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs `steadfast verify`. Ends with 7 when anything is not what it claims to be.
pub(crate) fn run(args: &VerifyArgs) -> anyhow::Result<Exit> {
    let chain = chain(&args.fleet, args.keyring.as_deref())?;
    let progress = Progress::new();
    progress.step("reading the pack");
    let verdict = check(args, &chain, &progress)?;
    drop(progress);
    let signers: Vec<String> = verdict.signers.iter().map(ToString::to_string).collect();
    match args.format {
        Format::Text => println!(
            "good: release for {}, {}, {}; signed by {}{}",
            counted(verdict.devices, "device"),
            counted(verdict.manifests, "configuration"),
            counted(verdict.objects, "object"),
            signers.join(", "),
            if args.recompute { "; the commit compiles to the same bytes" } else { "" }
        ),
        Format::Json => println!(
            "{:#}",
            json!({
                "format": 1,
                "good": true,
                "leaves": verdict.leaves,
                "devices": verdict.devices,
                "manifests": verdict.manifests,
                "objects": verdict.objects,
                "signers": signers,
                "recomputed": args.recompute,
            })
        ),
    }
    Ok(Exit::Fine)
}

/// The keyrings to believe: those of a folder, or the fleet's.
pub(crate) fn chain(fleet: &Path, keyring: Option<&Path>) -> anyhow::Result<Chain> {
    match keyring {
        Some(folder) => Ok(Chain::load(folder)?),
        None => Ok(Home::open(fleet)?.chain()?),
    }
}

/// Refuses a server of another fleet.
pub(crate) fn same_fleet(known: &FleetInfo, chain: &Chain) -> anyhow::Result<()> {
    if known.fleet == chain.fleet().to_string() {
        return Ok(());
    }
    Err(anyhow!("this server is of fleet {}, this repository is {}", known.fleet, chain.fleet()))
}

fn check(args: &VerifyArgs, chain: &Chain, progress: &Progress) -> anyhow::Result<Verdict> {
    let pack = reading::pack(&args.pack)?;
    let signatures = reading::signatures(&args.pack)?;
    progress.step("verifying every leaf");
    let verdict = sign::verify(&pack, chain.fleet(), chain.newest(), &signatures);
    let verdict = verdict.map_err(|error| Exit::Unverified.with(error))?;
    if args.recompute {
        recompute(&args.fleet, &pack, progress)?;
    }
    Ok(verdict)
}

/// Compiles a pack's commit again and compares byte by byte.
///
/// # Errors
/// Exit code 7 when they differ.
pub(crate) fn recompute(folder: &Path, pack: &Pack, progress: &Progress) -> anyhow::Result<()> {
    let commit = pack.release().commit.to_string();
    let fleet = Fleet::open(folder, &At::Commit(commit.clone()))?;
    let again = making::release(&fleet, pack.release().publisher_epoch, progress)?;
    if again.bytes() == pack.bytes() {
        return Ok(());
    }
    Err(Exit::Unverified.with(anyhow!(
        "commit {commit} compiles to another pack (digest {} instead of {}): do not sign or publish this one; ask who built it, \
         and with which version of this program",
        again.digest(),
        pack.digest()
    )))
}
