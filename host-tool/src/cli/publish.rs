//! `steadfast publish`: a commit, compiled, signed and handed to a server; or a pack that was signed before.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use steadfast::client::{Client, ClientError};
use steadfast::diagnostics::{Code, Diagnostic};
use steadfast::fleet::{At, Fleet};
use steadfast::git::{GitError, Repository};
use steadfast::keys::{Chain, KeyFile, Signer};
use steadfast::lineage::{self, Lineage, LineageError};
use steadfast::pack::Pack;
use steadfast::policy::{Rules, Verdicts};
use steadfast::serve::api::{FleetInfo, ProblemCode, Published, ReleaseInfo};
use steadfast::sign;
use steadfast::words::counted;
use steadfast_core::statement::SIGNATURE_BYTES;

use super::before::{self, Read};
use super::judging::{self, Judging};
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
    #[command(flatten)]
    judging: Judging,
    /// Do everything but the upload.
    #[arg(long)]
    dry_run: bool,
}

/// A release that is ready to go.
struct Parcel {
    pack: Pack,
    signatures: Vec<u8>,
}

/// What is to be published.
enum Given<'a> {
    /// A commit, still to be compiled.
    Commit(Box<Fleet>),
    /// A pack, and where it lies.
    Pack(Box<Pack>, &'a Path),
}

/// Why there is nothing to publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Overtaken {
    Already,
    Superseded,
}

/// Runs `steadfast publish`. What stands here alone is checked before the server is asked: keys, tree, commit. A job that lost the
/// race to a newer commit says `superseded` and ends with a code of its own.
pub(crate) fn run(args: &PublishArgs) -> anyhow::Result<Exit> {
    if args.reading.worktree {
        return Err(anyhow!("a worktree is never published; commit, and publish the commit"));
    }
    let client = Client::new(&args.server)?;
    let chain = verify::chain(&args.reading.fleet, None)?;
    let keys = signing::keys(&args.key)?;
    signing::require_publishers(&keys, chain.newest())?;
    let given = given(args)?;
    let known = client.fleet()?;
    if known.fleet != chain.fleet().to_string() {
        return Err(anyhow!("this server is of fleet {}, this repository is {}", known.fleet, chain.fleet()));
    }
    if let (Some(end), Some(newest)) = (overtaken(args, &given, &known)?, &known.newest) {
        return Ok(nothing(end, newest));
    }
    let progress = Progress::new();
    let given = compiled(args, (given, &known), &progress)?;
    if let Some(verdicts) = verdicts(args, &given, &known)? {
        judging::tell(&verdicts);
        if verdicts.denies() {
            return Ok(Exit::Denied);
        }
    }
    let parcel = parcel((given, &keys), &chain, &progress)?;
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

/// Reads what is to be published: a dirty tree, an unknown commit or a damaged pack ends here.
fn given(args: &PublishArgs) -> anyhow::Result<Given<'_>> {
    match args.pack.as_deref() {
        Some(path) => Ok(Given::Pack(Box::new(reading::pack(path)?), path)),
        None if args.key.is_empty() => Err(anyhow!("a release has to be signed: name a publisher's key with --key")),
        None => Ok(Given::Commit(Box::new(args.reading.open()?))),
    }
}

/// Whether there is nothing to publish. A pack is judged by its commit, where its repository is at hand.
fn overtaken(args: &PublishArgs, given: &Given<'_>, known: &FleetInfo) -> anyhow::Result<Option<Overtaken>> {
    let Some(published) = &known.newest else { return Ok(None) };
    let repository = match (Repository::discover(&args.reading.fleet), given) {
        (Err(GitError::NotARepository(_)), Given::Pack(..)) => return Ok(None),
        (repository, _) => repository.map_err(LineageError::from)?,
    };
    repository.require_whole_history().map_err(LineageError::from)?;
    let commit = match given {
        Given::Pack(pack, _) => match repository.commit(&pack.release().commit.to_string()) {
            Err(GitError::UnknownCommit(_)) => return Ok(None),
            commit => commit.map_err(LineageError::from)?,
        },
        Given::Commit(fleet) => repository.commit(&fleet.source.commit.to_string()).map_err(LineageError::from)?,
    };
    Ok(match lineage::compare(&repository, commit, &published.commit)? {
        Lineage::Superseded => Some(Overtaken::Superseded),
        // A pack may be the same commit under a new publisher epoch: the server decides.
        // A server that has lost its copy needs it again.
        Lineage::Same if matches!(given, Given::Commit(_)) && known.served => Some(Overtaken::Already),
        Lineage::Same | Lineage::Follows => None,
    })
}

/// Says why nothing was published, in one line.
fn nothing(end: Overtaken, newest: &ReleaseInfo) -> Exit {
    let (sequence, commit) = (newest.sequence, short_commit(&newest.commit));
    match end {
        Overtaken::Already => {
            println!("release {sequence} of commit {commit} is published already");
            Exit::Fine
        }
        Overtaken::Superseded => {
            println!("superseded: release {sequence} ({commit}) is newer; nothing was published");
            eprintln!("to go back: `git revert` what should go, then publish");
            Exit::Superseded
        }
    }
}

/// As much of a commit's id as git shows.
fn short_commit(commit: &str) -> String {
    commit.chars().take(7).collect()
}

/// What was given, with the fleet that it is of; none for a pack whose commit is not here.
struct Known<'a> {
    pack: Option<(Pack, &'a Path)>,
    fleet: Option<Box<Read>>,
}

/// Compiles what is to be published. Of a pack that is the commit that it names, for rules to look at.
fn compiled<'a>(
    args: &PublishArgs,
    (given, known): (Given<'a>, &FleetInfo),
    progress: &Progress,
) -> anyhow::Result<Known<'a>> {
    let (pack, path) = match given {
        Given::Commit(fleet) => {
            let compiled = making::compiled(&fleet, progress)?;
            return Ok(Known { pack: None, fleet: Some(Box::new((*fleet, compiled))) });
        }
        Given::Pack(pack, path) => (*pack, path),
    };
    let at = At::Commit(pack.release().commit.to_string());
    let elsewhere = |one: &Diagnostic| matches!(one.code(), Code::NotARepository | Code::UnknownCommit);
    let published = known.newest.iter().map(|newest| At::Commit(newest.commit.clone()));
    let judged = published.chain([at.clone()]).any(|at| Rules::are_at(&args.reading.fleet, &at));
    let fleet = if judged {
        match before::read(&args.reading.fleet, &at) {
            Ok(read) => Some(Box::new(read)),
            Err(diagnostics) if diagnostics.list().iter().all(elsewhere) => {
                eprintln!("no rule was asked: the commit of this pack is not in {}", args.reading.fleet.display());
                None
            }
            Err(diagnostics) => return Err(diagnostics.into()),
        }
    } else {
        None
    };
    Ok(Known { pack: Some((pack, path)), fleet })
}

/// What the rules say of the way from the last published release to this one.
fn verdicts(args: &PublishArgs, given: &Known<'_>, known: &FleetInfo) -> anyhow::Result<Option<Verdicts>> {
    let Some(new) = &given.fleet else { return Ok(None) };
    let published = known.newest.as_ref();
    let point = published.map(|newest| (format!("release {}", newest.sequence), newest.commit.clone()));
    args.judging.since(&args.reading.fleet, point, new)
}

fn parcel((given, keys): (Known<'_>, &[KeyFile]), chain: &Chain, progress: &Progress) -> anyhow::Result<Parcel> {
    let (pack, beside) = match (given.pack, &given.fleet) {
        (Some((pack, path)), _) => (pack, reading::signatures(path)?),
        (None, Some(fleet)) => {
            let (fleet, compiled) = &**fleet;
            (making::built(fleet, compiled, (chain.newest().publisher_epoch, progress))?, Vec::new())
        }
        (None, None) => return Err(anyhow!("there is nothing to publish")),
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
            let release = &published.release;
            println!("{verb} release {} ({}){}", release.sequence, release.digest, hit(&published));
            Ok(Exit::Fine)
        }
        Err(error) if error.code() == Some(ProblemCode::Superseded) => {
            println!("superseded: {error}; nothing was published");
            Ok(Exit::Superseded)
        }
        Err(error) => Err(refused(error)),
    }
}

/// How many devices it changes, where the server can tell.
fn hit(published: &Published) -> String {
    let all = published.devices;
    match published.changed {
        Some(1) => format!("; 1 of {} changes", counted(all as usize, "device")),
        Some(changed) => format!("; {changed} of {} change", counted(all as usize, "device")),
        None => format!("; for {}", counted(all as usize, "device")),
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
