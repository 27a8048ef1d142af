//! `steadfast publish`: a commit, compiled, signed and handed to a server; or a pack that was signed before.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
use steadfast::client::{Client, ClientError};
use steadfast::fleet::Fleet;
use steadfast::git::{GitError, Repository};
use steadfast::keys::{Chain, Signer};
use steadfast::lineage::{self, Lineage, LineageError};
use steadfast::pack::Pack;
use steadfast::serve::api::{FleetInfo, ProblemCode};
use steadfast::sign;
use steadfast_core::statement::SIGNATURE_BYTES;

use super::progress::Progress;
use super::reading::{self, Reading};
use super::{Exit, making, sign as signing, verify};

/// Arguments of `steadfast publish`.
#[derive(Args, Debug)]
pub(crate) struct PublishArgs {
    #[command(flatten)]
    reading: Reading,
    /// The server's address, as http://HOST:PORT.
    #[arg(long, value_name = "URL")]
    server: String,
    /// A publisher's private key file; may be given several times.
    #[arg(long, value_name = "FILE")]
    key: Vec<PathBuf>,
    /// Publish this pack with the signatures beside it, instead of compiling a commit.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["commit", "worktree"])]
    pack: Option<PathBuf>,
    /// Do everything but the upload.
    #[arg(long)]
    dry_run: bool,
}

/// A release that is ready to go.
struct Parcel {
    pack: Pack,
    signatures: Vec<u8>,
}

/// Runs `steadfast publish`. A job that lost the race to a newer commit ends well and says `superseded`.
pub(crate) fn run(args: &PublishArgs) -> anyhow::Result<Exit> {
    if args.reading.worktree {
        return Err(anyhow!("a worktree is never published; commit, and publish the commit"));
    }
    let client = Client::new(&args.server)?;
    let known = client.fleet()?;
    let chain = verify::chain(&args.reading.fleet, None)?;
    if known.fleet != chain.fleet().to_string() {
        return Err(anyhow!("the server serves fleet {}, and this is fleet {}", known.fleet, chain.fleet()));
    }
    let progress = Progress::new();
    let given = args.pack.as_deref().map(reading::pack).transpose()?;
    if let Some(end) = overtaken(args, given.as_ref(), &known)? {
        drop(progress);
        println!("{end}");
        return Ok(Exit::Fine);
    }
    let parcel = parcel((args, given), &chain, &progress)?;
    progress.step("verifying every leaf");
    let verdict = sign::verify(&parcel.pack, chain.fleet(), chain.newest(), &parcel.signatures);
    verdict.map_err(|error| Exit::Unverified.with(error))?;
    if args.dry_run {
        drop(progress);
        println!("would publish release {} ({})", parcel.pack.release().sequence, parcel.pack.digest());
        return Ok(Exit::Fine);
    }
    send_keyrings(&client, &chain, &known)?;
    upload(&client, &parcel, progress)
}

/// Whether there is nothing to publish, and why. A pack is judged by its commit, where its repository is at hand.
fn overtaken(args: &PublishArgs, given: Option<&Pack>, known: &FleetInfo) -> anyhow::Result<Option<&'static str>> {
    let Some(published) = &known.newest else { return Ok(None) };
    let repository = match Repository::discover(&args.reading.fleet) {
        Err(GitError::NotARepository(_)) if given.is_some() => return Ok(None),
        repository => repository.map_err(LineageError::from)?,
    };
    repository.require_whole_history().map_err(LineageError::from)?;
    let commit = match given {
        Some(pack) => match repository.commit(&pack.release().commit.to_string()) {
            Err(GitError::UnknownCommit(_)) => return Ok(None),
            commit => commit.map_err(LineageError::from)?,
        },
        None => repository.commit(args.reading.commit.as_deref().unwrap_or("HEAD")).map_err(LineageError::from)?,
    };
    Ok(match lineage::compare(&repository, commit, &published.commit)? {
        Lineage::Superseded => Some("superseded"),
        // A pack may be the same commit under a new publisher epoch: the server decides.
        // A server that has lost its copy needs it again.
        Lineage::Same if given.is_none() && known.served => Some("published already"),
        Lineage::Same | Lineage::Follows => None,
    })
}

fn parcel((args, given): (&PublishArgs, Option<Pack>), chain: &Chain, progress: &Progress) -> anyhow::Result<Parcel> {
    let keys = signing::keys(&args.key)?;
    let (pack, beside) = match given.zip(args.pack.as_deref()) {
        Some((pack, path)) => (pack, reading::signatures(path)?),
        None => {
            let fleet: Fleet = args.reading.open()?;
            (making::release(&fleet, chain.newest().publisher_epoch, progress)?, Vec::new())
        }
    };
    let own = sign::sign(&pack, keys.iter().map(|key| key as &dyn Signer))?;
    Ok(Parcel { pack, signatures: merged(&own, &beside) })
}

/// Two runs of entries as one, each key once: what was signed just now rather than what lay beside an older pack.
fn merged(own: &[u8], beside: &[u8]) -> Vec<u8> {
    let mut entries: Vec<&[u8]> = own.chunks(SIGNATURE_BYTES).chain(beside.chunks(SIGNATURE_BYTES)).collect();
    entries.sort_by_key(|entry| &entry[..4]);
    entries.dedup_by_key(|entry| &entry[..4]);
    entries.concat()
}

/// Brings the server's keyrings up to the repository's.
fn send_keyrings(client: &Client, chain: &Chain, known: &FleetInfo) -> anyhow::Result<()> {
    if known.keyring_version > chain.newest().version {
        return Err(anyhow!(
            "the server has keyring {}, and this repository only {}; pull, then publish again",
            known.keyring_version,
            chain.newest().version
        ));
    }
    for version in known.keyring_version + 1..=chain.newest().version {
        chain.version(version).map_or(Ok(()), |keyring| client.send_keyring(keyring))?;
        eprintln!("sent keyring {version}");
    }
    Ok(())
}

fn upload(client: &Client, parcel: &Parcel, progress: Progress) -> anyhow::Result<Exit> {
    let total = parcel.pack.bytes().len() as u64;
    progress.bytes(&format!("sending {total} bytes"), total);
    let published = client.publish(&parcel.pack, &parcel.signatures, |bytes| progress.advance(bytes));
    drop(progress);
    match published {
        Ok(published) => {
            let verb = if published.known { "published already:" } else { "published" };
            println!("{verb} release {} ({})", published.release.sequence, published.release.digest);
            Ok(Exit::Fine)
        }
        Err(error) if error.code() == Some(ProblemCode::Superseded) => {
            println!("superseded");
            eprintln!("{error}");
            Ok(Exit::Fine)
        }
        Err(error) => Err(refused(error)),
    }
}

fn refused(error: ClientError) -> anyhow::Error {
    match error.code() {
        Some(ProblemCode::Unverified) => Exit::Unverified.with(error),
        _ => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_own_signature_stands_for_a_stale_one_beside() {
        let entry = |key: u8, byte: u8| [[key; 4].to_vec(), vec![byte; SIGNATURE_BYTES - 4]].concat();
        let beside = [entry(1, 0), entry(2, 0)].concat();
        assert_eq!(merged(&entry(2, 9), &beside), [entry(1, 0), entry(2, 9)].concat());
        assert_eq!(merged(&entry(1, 9), &beside), [entry(1, 9), entry(2, 0)].concat());
    }
}
