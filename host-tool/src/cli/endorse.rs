//! `steadfast endorse`: a publisher's signature without the pack. The commit is compiled here, and compared with what others made of it.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};
use steadfast::client::Client;
use steadfast::fleet::{At, Fleet};
use steadfast::git::Repository;
use steadfast::keys::Chain;
use steadfast::pack::Pack;
use steadfast::sign::{self, Endorsement, EndorsementError};

use super::before::told;
use super::holders::Holders;
use super::judging::{self, Judging};
use super::progress::Progress;
use super::standing::{Candidate, Descent, Last, Origin, Standing, number};
use super::vouching::Vouching;
use super::{Exit, making, verify};

/// Arguments of `steadfast endorse`.
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("after").required(true).args(["server", "since", "first"])))]
pub(crate) struct EndorseArgs {
    /// Another publisher's endorsement: its commit is compiled here, and endorsed only if that makes the same release.
    file: Option<PathBuf>,
    /// The fleet's folder: the one with `steadfast.toml`.
    #[arg(long, default_value = ".", value_name = "FOLDER")]
    fleet: PathBuf,
    /// Endorse this commit instead of the checked-out one.
    #[arg(long, value_name = "REVISION", conflicts_with = "file")]
    commit: Option<String>,
    #[command(flatten)]
    holders: Holders,
    /// Ask this server what is published last: the commit must follow it.
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// The commit that is published last, where no server can be asked.
    #[arg(long, value_name = "REVISION")]
    since: Option<String>,
    /// Nothing is published yet.
    #[arg(long)]
    first: bool,
    #[command(flatten)]
    descent: Descent,
    #[command(flatten)]
    vouching: Vouching,
    #[command(flatten)]
    judging: Judging,
    /// Where to put the endorsement; beside the other publisher's, or here.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Do everything but sign.
    #[arg(long)]
    dry_run: bool,
}

/// Runs `steadfast endorse`. Everything that `publish` asks of a commit is asked here, too, before anybody signs.
pub(crate) fn run(args: &EndorseArgs) -> anyhow::Result<Exit> {
    let chain = verify::chain(&args.fleet, None)?;
    let publishers = args.holders.some()?;
    publishers.require_in(chain.newest())?;
    let theirs = args.file.as_deref().map(|path| load(path).map(|theirs| (theirs, path))).transpose()?;
    let fleet = Fleet::open(&args.fleet, &args.at(theirs.as_ref().map(|(theirs, _)| theirs)))?;
    let last = args.last(&chain)?;
    if let Some(last) = &last {
        let number = number((chain.newest().publisher_epoch, &fleet));
        let commit = fleet.source.commit.to_string();
        let candidate = Candidate { folder: &args.fleet, commit, number, origin: Origin::Commit };
        if candidate.stand(last, &args.descent)? == Standing::Superseded {
            return Ok(last.superseded());
        }
    }
    let before = args.descent.before(&args.fleet, last.as_ref());
    args.vouching.require(&args.fleet, &fleet.source.commit.to_string(), before)?;
    let Some(pack) = allowed(args, fleet, (&chain, last.as_ref()))? else { return Ok(Exit::Denied) };
    if let Some((theirs, path)) = &theirs {
        theirs.require_same(&pack, path).map_err(unverified)?;
    }
    let release = pack.release();
    eprintln!("release {} of commit {}, digest {}", release.sequence, release.commit, pack.digest());
    if args.dry_run {
        return Ok(Exit::Fine);
    }
    let mut signers = Vec::new();
    for signer in publishers.all() {
        let endorsement = Endorsement::of(&pack, signer)?;
        println!("{}", endorsement.save(&args.folder())?.display());
        signers.push(endorsement.key());
    }
    signers.extend(theirs.map(|(theirs, _)| theirs.key()));
    let ids: Vec<_> = signers.iter().map(|key| key.id()).collect();
    match sign::missing(chain.newest(), &ids) {
        Some(missing) => eprintln!("to be published it needs {missing}"),
        None => eprintln!("next: steadfast publish --server URL --endorsement {}", args.folder().display()),
    }
    Ok(Exit::Fine)
}

/// The release of a fleet, compiled here; none where its rules deny it.
fn allowed(args: &EndorseArgs, fleet: Fleet, (chain, last): (&Chain, Option<&Last>)) -> anyhow::Result<Option<Pack>> {
    let progress = Progress::new();
    let compiled = making::compiled(&fleet, &progress)?;
    let read = (fleet, compiled);
    if let Some(verdicts) = args.judging.since(&args.fleet, last.map(Last::point), &read)? {
        judging::tell(&verdicts);
        if verdicts.denies() {
            return Ok(None);
        }
    }
    making::built(&read.0, &read.1, (chain.newest().publisher_epoch, &progress)).map(Some)
}

/// An endorsement's file. One that is not there is an error; one that is not what it claims to be ends with 7.
pub(crate) fn load(path: &Path) -> anyhow::Result<Endorsement> {
    Endorsement::load(path).map_err(unverified)
}

/// What of an endorsement is an error, and what is a verdict.
pub(crate) fn unverified(error: EndorsementError) -> anyhow::Error {
    match error {
        EndorsementError::File(..) => error.into(),
        error => Exit::Unverified.with(error),
    }
}

impl EndorseArgs {
    fn at(&self, theirs: Option<&Endorsement>) -> At {
        match (theirs, &self.commit) {
            (Some(theirs), _) => At::Commit(theirs.release().commit.to_string()),
            (None, Some(revision)) => At::Commit(revision.clone()),
            (None, None) => At::Head,
        }
    }

    /// What is published last, by the server's word or by the caller's.
    fn last(&self, chain: &Chain) -> anyhow::Result<Option<Last>> {
        if let Some(revision) = &self.since {
            let repository = Repository::discover(&self.fleet).map_err(told)?;
            let commit = repository.commit(revision).map_err(told)?.to_string();
            return Ok(Some(Last { label: revision.clone(), number: None, commit }));
        }
        let Some(server) = &self.server else { return Ok(None) };
        let known = Client::new(server)?.fleet()?;
        verify::same_fleet(&known, chain)?;
        Ok(known.newest.as_ref().map(Last::from))
    }

    fn folder(&self) -> PathBuf {
        let beside = self.file.as_deref().and_then(Path::parent).filter(|folder| !folder.as_os_str().is_empty());
        self.out.clone().or_else(|| beside.map(Path::to_owned)).unwrap_or_else(|| PathBuf::from("."))
    }
}
