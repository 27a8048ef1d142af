//! `steadfast publish`: a commit, compiled, signed and handed to a server; or a pack that was signed before.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use steadfast::client::{Client, ClientError};
use steadfast::diagnostics::{Code, Diagnostic};
use steadfast::fleet::{At, Fleet};
use steadfast::git::Repository;
use steadfast::keys::Chain;
use steadfast::pack::Pack;
use steadfast::policy::{Rules, Verdicts};
use steadfast::serve::api::{FleetInfo, ProblemCode, Published};
use steadfast::sign;
use steadfast::words::counted;
use steadfast_core::statement::SIGNATURE_BYTES;

use super::before::{self, Read};
use super::holders::{self, Holders, Publishers};
use super::judging::{self, Judging};
use super::progress::Progress;
use super::reading::{self, Reading};
use super::standing::{Candidate, Descent, Last, Origin, Standing, number};
use super::vouching::Vouching;
use super::{Exit, endorsing, making, verify};

/// Arguments of `steadfast publish`.
#[derive(Args, Debug)]
pub(crate) struct PublishArgs {
    #[command(flatten)]
    reading: Reading,
    /// The server's address, as http://HOST:PORT.
    #[arg(long, value_name = "URL")]
    server: String,
    #[command(flatten)]
    holders: Holders,
    /// Another publisher's endorsement, or a folder of such files; may be given several times. What is compiled here must be what it says.
    #[arg(long, value_name = "PATH")]
    endorsement: Vec<PathBuf>,
    /// Publish this pack with the signatures beside it, instead of compiling a commit.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["commit", "worktree"])]
    pack: Option<PathBuf>,
    #[command(flatten)]
    descent: Descent,
    #[command(flatten)]
    vouching: Vouching,
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

/// Runs `steadfast publish`. What stands here alone is checked before the server is asked: keys, tree, commit. A job that lost the
/// race to a newer commit says `superseded` and ends with a code of its own.
pub(crate) fn run(args: &PublishArgs) -> anyhow::Result<Exit> {
    if args.reading.worktree {
        return Err(anyhow!("a worktree is never published; commit, and publish the commit"));
    }
    let client = Client::new(&args.server)?;
    let chain = verify::chain(&args.reading.fleet, None)?;
    let publishers = args.holders.open()?;
    publishers.require_in(chain.newest())?;
    let given = given(args)?;
    let known = client.fleet()?;
    verify::same_fleet(&known, &chain)?;
    let last = known.newest.as_ref().map(Last::from);
    if let Some(last) = &last {
        match standing(args, &given, (last, chain.newest().publisher_epoch))? {
            Standing::Superseded => return Ok(last.superseded()),
            // A pack may be the same commit under a new publisher epoch: the server decides.
            // A server that has lost its copy needs it again.
            Standing::Same if matches!(given, Given::Commit(_)) && known.served => {
                println!("{} of commit {} is published already", last.label, last.short_commit());
                return Ok(Exit::Fine);
            }
            Standing::Same | Standing::Follows => {}
        }
    }
    vouched(args, &given, last.as_ref())?;
    let progress = Progress::new();
    let given = compiled(args, (given, &known), &progress)?;
    if let Some(verdicts) = verdicts(args, &given, &known)? {
        judging::tell(&verdicts);
        if verdicts.denies() {
            return Ok(Exit::Denied);
        }
    }
    let mut parcel = parcel((given, &publishers), &chain, &progress)?;
    let endorsed = endorsing::signatures(&args.endorsement, &parcel.pack, chain.newest())?;
    parcel.signatures = merged(&parcel.signatures, &endorsed);
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
        None if args.holders.is_empty() && args.endorsement.is_empty() => Err(holders::none()),
        None => Ok(Given::Commit(Box::new(args.reading.open()?))),
    }
}

/// What becomes of what was given, after the last published release; none where nothing is published.
fn standing(args: &PublishArgs, given: &Given<'_>, (last, epoch): (&Last, u32)) -> anyhow::Result<Standing> {
    let (commit, number, origin) = match given {
        Given::Commit(fleet) => (fleet.source.commit, number((epoch, fleet)), Origin::Commit),
        Given::Pack(pack, _) => {
            let release = pack.release();
            (release.commit, Some((release.publisher_epoch, release.sequence)), Origin::Pack)
        }
    };
    let candidate = Candidate { folder: &args.reading.fleet, commit: commit.to_string(), number, origin };
    candidate.stand(last, &args.descent)
}

/// Demands a signed commit where the fleet, as it is published, asks for one. A pack may be far from its commit: then, as with rules, that is
/// said, and those who signed it have looked.
fn vouched(args: &PublishArgs, given: &Given<'_>, last: Option<&Last>) -> anyhow::Result<()> {
    let commit = match given {
        Given::Commit(fleet) => fleet.source.commit.to_string(),
        Given::Pack(pack, _) => pack.release().commit.to_string(),
    };
    let folder = &args.reading.fleet;
    let here = Repository::discover(folder).is_ok_and(|repository| repository.commit(&commit).is_ok());
    if matches!(given, Given::Pack(..)) && !here && !args.vouching.is_asked() {
        eprintln!("nobody looked who signed the commit of this pack, which is not in {}", folder.display());
        return Ok(());
    }
    args.vouching.require(folder, &commit, args.descent.before(folder, last)).map(drop)
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
    let point = known.newest.as_ref().map(|newest| Last::from(newest).point());
    args.judging.since(&args.reading.fleet, point, new)
}

fn parcel((given, publishers): (Known<'_>, &Publishers), chain: &Chain, progress: &Progress) -> anyhow::Result<Parcel> {
    let (pack, beside) = match (given.pack, &given.fleet) {
        (Some((pack, path)), _) => (pack, reading::signatures(path)?),
        (None, Some(fleet)) => {
            let (fleet, compiled) = &**fleet;
            (making::built(fleet, compiled, (chain.newest().publisher_epoch, progress))?, Vec::new())
        }
        (None, None) => return Err(anyhow!("there is nothing to publish")),
    };
    let own = sign::sign(&pack, publishers.all())?;
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
