//! `steadfast sign`: a publisher's signature beside a pack.

use std::path::PathBuf;

use clap::Args;
use steadfast::keys::{KeyFile, Purpose, Signer};
use steadfast::sign;

use super::{Exit, reading};

/// Arguments of `steadfast sign`.
#[derive(Args, Debug)]
pub(crate) struct SignArgs {
    /// The pack's file. The signature goes beside it, as PACK.KEYID.sig.
    pack: PathBuf,
    /// A publisher's private key file; may be given several times.
    #[arg(long, required = true, value_name = "FILE")]
    key: Vec<PathBuf>,
    /// Say what would be signed, and sign nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Runs `steadfast sign`.
pub(crate) fn run(args: &SignArgs) -> anyhow::Result<Exit> {
    let pack = reading::pack(&args.pack)?;
    let keys = keys(&args.key)?;
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

/// Publisher keys from their files.
pub(crate) fn keys(paths: &[PathBuf]) -> anyhow::Result<Vec<KeyFile>> {
    Ok(paths.iter().map(|path| KeyFile::load_for(path, Purpose::Publisher)).collect::<Result<_, _>>()?)
}
