//! `steadfast sign`: a publisher's signature beside a pack.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use steadfast::keys::{Chain, ChainError, Home, HomeError, KeyFile, Purpose, Signer};
use steadfast::pack::Pack;
use steadfast::sign;
use steadfast_core::id::KeyId;
use steadfast_core::keyring::Keyring;

use super::{Exit, reading};

/// Arguments of `steadfast sign`.
#[derive(Args, Debug)]
pub(crate) struct SignArgs {
    /// The pack's file. The signature goes beside it, as PACK.KEYID.sig.
    pack: PathBuf,
    /// A publisher's private key file; may be given several times.
    #[arg(long, required = true, value_name = "FILE")]
    key: Vec<PathBuf>,
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
    let keys = keys(&args.key)?;
    if let Some(chain) = at_hand(&args.fleet, &pack)? {
        require_publishers(&keys, chain.newest())?;
    }
    let release = pack.release();
    eprintln!("release {} of commit {}, digest {}", release.sequence, release.commit, pack.digest());
    eprintln!("for fleet {}, publisher epoch {}, floor {}", pack.fleet(), release.publisher_epoch, release.floor);
    let signatures = sign::sign(&pack, keys.iter().map(|key| key as &dyn Signer))?;
    if args.dry_run {
        return Ok(Exit::Fine);
    }
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

/// Refuses keys whose signatures no device would believe.
pub(crate) fn require_publishers(keys: &[KeyFile], keyring: &Keyring) -> anyhow::Result<()> {
    let strangers: Vec<KeyId> = keys.iter().map(|key| key.public_key().id()).collect();
    match sign::stranger(keyring, &strangers) {
        Some(words) => Err(anyhow!("{words}; another key belongs there, or a newer keyring is elsewhere: pull")),
        None => Ok(()),
    }
}

/// Publisher keys from their files.
pub(crate) fn keys(paths: &[PathBuf]) -> anyhow::Result<Vec<KeyFile>> {
    Ok(paths.iter().map(|path| KeyFile::load_for(path, Purpose::Publisher)).collect::<Result<_, _>>()?)
}
