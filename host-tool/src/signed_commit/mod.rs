//! Whether a commit is signed by somebody whom the fleet allows: SSH signatures, as git makes them with `gpg.format = ssh`, checked in process.
//!
//! `allowed_signers` of `[fleet]` names a file in OpenSSH's form for allowed signers. Which commit's file counts decides everything: it is
//! that of the last published release, never that of the commit in question, so that nobody lets himself in. Only where that one has
//! no list, the commit's own is asked: the day on which a fleet begins to ask.
//!
//! The signature of a commit covers its whole tree and all of its history, so the published commit alone is looked at.

mod allowed;
mod object;
#[cfg(test)]
mod tests;

use std::path::Path;

use gix::ObjectId;
use serde::Deserialize;

pub use allowed::AllowedSigners;
use allowed::Unfit;

use crate::diagnostics::{Code, Finding};
use crate::fleet::{SETTINGS_FILE, folder_from_top, join, path_from_top};
use crate::git::Repository;
use crate::words::visible;

/// Longest list that is read.
const LIST_MAX_BYTES: usize = 1 << 20;

/// A commit whose signature is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Question<'q> {
    /// The fleet's folder.
    pub folder: &'q Path,
    /// The commit, by its full id.
    pub commit: &'q str,
    /// The commit whose list decides, by its full id: the last published one, or the one before.
    pub before: Option<&'q str>,
    /// A list that its owner keeps outside of the repository. It stands for all others.
    pub list: Option<&'q Path>,
}

/// Who signed a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vouched {
    /// As the list calls him.
    pub principals: String,
    /// The list, and where it was read.
    pub list: String,
}

/// A list, and what messages call it.
struct List {
    signers: AllowedSigners,
    shown: String,
}

/// What is read of `steadfast.toml`: as little as possible, because another version may have written the rest.
#[derive(Deserialize)]
struct Settings {
    fleet: FleetSettings,
}

#[derive(Deserialize)]
struct FleetSettings {
    id: String,
    allowed_signers: Option<String>,
}

/// Checks a commit's signature; `None` where nobody asks for one.
///
/// # Errors
/// A commit that is not signed by an allowed signer, or a list that cannot be read.
pub fn check(question: &Question<'_>) -> Result<Option<Vouched>, Finding> {
    let repository = Repository::discover(question.folder)?;
    // A replacement ref would show another commit under this id.
    repository.require_whole_history()?;
    let commit = repository.commit(question.commit)?;
    let Some(list) = decisive(question, (&repository, commit))? else { return Ok(None) };
    let raw = repository.raw_commit(commit)?;
    let signer = object::signer(&raw, repository.hash()).map_err(|fault| {
        let code = if fault == object::Fault::Unsigned { Code::UnsignedCommit } else { Code::BadCommitSignature };
        Finding::new(code, format!("commit {commit} {}; {} decides", visible(&fault.to_string()), list.shown))
            .help(fault.help())
    })?;
    let seconds = repository.commit_info(commit)?.seconds;
    let principals = list.signers.who(&signer.key, seconds).map_err(|unfit| {
        let message = format!("commit {commit} is signed by {}, {}", signer.fingerprint, told(&unfit, &list.shown));
        let help = "have somebody sign it who is in the list, or publish a commit that adds the key first: it counts from the next one on";
        Finding::new(Code::BadCommitSignature, message).help(help)
    })?;
    Ok(Some(Vouched { principals: principals.to_owned(), list: list.shown }))
}

fn told(unfit: &Unfit, list: &str) -> String {
    match unfit {
        Unfit::Unknown => format!("a key that {list} does not have"),
        Unfit::Namespace(line) => format!("a key that line {line} of {list} allows for other things than git"),
        Unfit::Time(line) => format!("a key that line {line} of {list} did not allow when it was made"),
    }
}

/// The list that decides; `None` where there is none.
fn decisive(question: &Question<'_>, (repository, commit): (&Repository, ObjectId)) -> Result<Option<List>, Finding> {
    if let Some(path) = question.list {
        return on_disk(path).map(Some);
    }
    let unreadable = |error| bad_list(format!("{} cannot be read: {error}", question.folder.display()));
    let below = folder_from_top(repository, &question.folder.canonicalize().map_err(unreadable)?)?;
    let own = settings(repository, commit, &below)?.ok_or_else(|| no_settings(commit))?;
    // Also where another one decides: a list that cannot be read would let nobody publish the commit after this one.
    let list = own.allowed_signers.map(|path| at(repository, commit, (&below, &path))).transpose()?;
    let before = question.before.map(|before| repository.commit(before)).transpose()?;
    if let Some(before) = before {
        let (below, then) = then(repository, before, (&below, &own.id))?;
        if let Some(path) = &then.allowed_signers {
            return at(repository, before, (&below, path)).map(Some);
        }
    }
    Ok(list)
}

/// Demands that a list in a file can be read.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn require_file(path: &Path) -> Result<(), Finding> {
    on_disk(path).map(drop)
}

/// Demands that the list of this path, seen from the fleet's folder, can be read at a commit.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn require_list(
    repository: &Repository,
    commit: ObjectId,
    (below, path): (&str, &str),
) -> Result<(), Finding> {
    at(repository, commit, (below, path)).map(drop)
}

fn on_disk(path: &Path) -> Result<List, Finding> {
    let unreadable = |error: std::io::Error| bad_list(format!("{} cannot be read: {error}", path.display()));
    let bytes = std::fs::read(path).map_err(unreadable)?;
    parse(&bytes, path.display().to_string())
}

/// A fleet's folder and settings at an earlier commit, at which it may have been in another folder.
fn then(
    repository: &Repository,
    commit: ObjectId,
    (below, id): (&str, &str),
) -> Result<(String, FleetSettings), Finding> {
    if let Some(found) = settings(repository, commit, below)?.filter(|found| found.id == id) {
        return Ok((below.to_owned(), found));
    }
    for path in repository.files(commit, "")?.into_keys() {
        let Some(folder) = path.strip_suffix(SETTINGS_FILE) else { continue };
        let folder = folder.trim_end_matches('/');
        if let Ok(Some(found)) = settings(repository, commit, folder)
            && found.id == id
        {
            return Ok((folder.to_owned(), found));
        }
    }
    Err(no_settings(commit))
}

fn settings(repository: &Repository, commit: ObjectId, below: &str) -> Result<Option<FleetSettings>, Finding> {
    let Some(bytes) = repository.file_at(commit, &join(below, SETTINGS_FILE))? else { return Ok(None) };
    let text = String::from_utf8_lossy(&bytes);
    let read = toml::from_str::<Settings>(&text).map(|settings| Some(settings.fleet));
    read.map_err(|_| no_settings(commit))
}

/// The list of this path, seen from the fleet's folder, at a commit.
fn at(repository: &Repository, commit: ObjectId, (below, path): (&str, &str)) -> Result<List, Finding> {
    let shown = format!("{} of commit {}", visible(path), commit.to_hex_with_len(7));
    let whole = path_from_top(below, path).ok_or_else(|| bad_list(format!("{shown} leads out of the repository")))?;
    let bytes = repository.file_at(commit, &whole)?.ok_or_else(|| bad_list(format!("{shown} is not there")))?;
    parse(&bytes, shown)
}

fn parse(bytes: &[u8], shown: String) -> Result<List, Finding> {
    let text = std::str::from_utf8(bytes).ok().filter(|text| text.len() <= LIST_MAX_BYTES);
    let text = text.ok_or_else(|| bad_list(format!("{shown} is no text of at most {LIST_MAX_BYTES} bytes")))?;
    match AllowedSigners::parse(text) {
        Ok(signers) => Ok(List { signers, shown }),
        Err((line, why)) => Err(bad_list(format!("line {line} of {shown} cannot be used: {}", visible(&why)))),
    }
}

fn bad_list(message: String) -> Finding {
    let help = "a line is `NAME ssh-ed25519 KEY`, as in `man ssh-keygen` under ALLOWED SIGNERS; `allowed_signers` in steadfast.toml names the \
                file, and --allowed-signers another one for this once";
    Finding::new(Code::BadAllowedSigners, message).help(help)
}

fn no_settings(commit: ObjectId) -> Finding {
    let message = format!("whether commits of this fleet must be signed cannot be read at commit {commit}");
    let help =
        format!("its {SETTINGS_FILE} is not there or cannot be read; name a list of your own with --allowed-signers");
    Finding::new(Code::BadAllowedSigners, message).help(help)
}
