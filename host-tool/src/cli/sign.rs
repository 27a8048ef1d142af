//! `steadfast sign`: a publisher's signature beside a pack.

use std::path::{Path, PathBuf};

use clap::Args;
use steadfast::keys::{Chain, ChainError, Home, HomeError};
use steadfast::pack::Pack;
use steadfast::sign;

use super::holders::Holders;
use super::progress::Progress;
use super::{Exit, reading, verify};

/// Arguments of `steadfast sign`.
#[derive(Args, Debug)]
pub(crate) struct SignArgs {
    /// The pack's file. The signature goes beside it, as PACK.KEYID.sig.
    pack: PathBuf,
    #[command(flatten)]
    holders: Holders,
    /// Compile the commit again, and sign only if that gives the same pack, byte by byte.
    #[arg(long)]
    recompute: bool,
    /// The fleet's folder, whose newest keyring must name the keys. Where there is none, nothing is compared.
    #[arg(long, default_value = ".", value_name = "FOLDER")]
    fleet: PathBuf,
    /// Say what would be signed, and sign nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Runs `steadfast sign`.
pub(crate) fn run(args: &SignArgs) -> anyhow::Result<Exit> {
    let pack = reading::pack(&args.pack)?;
    let publishers = args.holders.some()?;
    if let Some(chain) = at_hand(&args.fleet, &pack)? {
        publishers.require_in(chain.newest())?;
    }
    if args.recompute {
        verify::recompute(&args.fleet, &pack, &Progress::new())?;
    }
    let release = pack.release();
    eprintln!("release {} of commit {}, digest {}", release.sequence, release.commit, pack.digest());
    eprintln!("for fleet {}, publisher epoch {}, floor {}", pack.fleet(), release.publisher_epoch, release.floor);
    if args.dry_run {
        // Nobody's signatures: whether it may be signed is asked, and no token.
        sign::sign(&pack, [])?;
        return Ok(Exit::Fine);
    }
    let signatures = sign::sign(&pack, publishers.all())?;
    for path in sign::save(&args.pack, &signatures)? {
        println!("{}", path.display());
    }
    Ok(Exit::Fine)
}

/// The keyrings of the pack's fleet, where they are at hand: a pack may be signed far from its repository.
fn at_hand(fleet: &Path, pack: &Pack) -> anyhow::Result<Option<Chain>> {
    let chain = match Home::open(fleet).and_then(|home| home.chain()) {
        Err(HomeError::NoFleet(_) | HomeError::Chain(ChainError::None(_))) => return Ok(None),
        chain => chain?,
    };
    Ok(Some(chain).filter(|chain| chain.fleet() == pack.fleet()))
}
