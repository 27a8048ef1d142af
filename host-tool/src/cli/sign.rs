//! `steadfast sign`: a publisher's signature beside a pack.

use std::path::PathBuf;

use clap::Args;
use steadfast::keys::{KeyFile, Purpose, Signer};
use steadfast::pack::Pack;
use steadfast::sign;

use super::Exit;

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
    let pack = Pack::open(&args.pack).map_err(|error| Exit::Unverified.with(error))?;
    let keys = keys(&args.key)?;
    eprintln!("release {} of commit {}, digest {}", pack.release().sequence, pack.release().commit, pack.digest());
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
