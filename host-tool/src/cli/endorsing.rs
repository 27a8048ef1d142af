//! The endorsements that `publish` is given: read, compared with what was compiled here, and turned into signatures.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use steadfast::pack::Pack;
use steadfast::sign::{ENDING, Endorsement};
use steadfast_core::keyring::Keyring;

use super::endorse::{load, unverified};

/// The signature entries of endorsements, ascending. A file that is named must be about this very release; a folder may hold those of
/// other commits and epochs.
///
/// # Errors
/// With 7 for what is damaged, or about another content of the same commit.
pub(crate) fn signatures(paths: &[PathBuf], pack: &Pack, keyring: &Keyring) -> anyhow::Result<Vec<u8>> {
    let mut entries = Vec::new();
    for path in paths {
        let files = if path.is_dir() { listed(path)? } else { vec![path.clone()] };
        for file in &files {
            let endorsement = load(file)?;
            if path.is_dir() && is_elsewhere(&endorsement, pack) {
                continue;
            }
            endorsement.require_same(pack, file).map_err(unverified)?;
            if !keyring.publisher.keys.contains(&endorsement.key()) {
                let (key, version) = (endorsement.key().id(), keyring.version);
                eprintln!("{} does not count: its key {key} is not in keyring {version}", file.display());
                continue;
            }
            entries.push(endorsement.entry());
        }
    }
    entries.sort_unstable();
    entries.dedup();
    Ok(entries.concat())
}

fn is_elsewhere(endorsement: &Endorsement, pack: &Pack) -> bool {
    let (theirs, ours) = (endorsement.release(), pack.release());
    (theirs.commit, theirs.publisher_epoch) != (ours.commit, ours.publisher_epoch)
}

/// The endorsements in a folder, in the order of their names.
fn listed(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let unreadable = || format!("the folder {} cannot be read", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(unreadable)? {
        let path = entry.with_context(unreadable)?.path();
        if path.extension().is_some_and(|ending| ending == ENDING) {
            files.push(path);
        }
    }
    files.sort_unstable();
    Ok(files)
}
