//! The fleet that a change starts from, for whoever compares.

use std::path::Path;

use anyhow::anyhow;
use steadfast::compile::{Compiled, compile};
use steadfast::diagnostics::{Code, Diagnostics};
use steadfast::fleet::{At, Fleet};
use steadfast::git::{GitError, Repository};
use steadfast::plan::{Base, BaseState, Whole, read_base};

use super::color;

/// A commit: what it was called, and its full id.
pub(crate) type Point = (String, String);

/// A fleet, read and compiled.
pub(crate) type Read = (Fleet, Compiled);

/// Reads and compiles a fleet.
pub(crate) fn read(folder: &Path, at: &At) -> Result<Read, Diagnostics> {
    let fleet = Fleet::open(folder, at)?;
    let compiled = compile(&fleet)?;
    Ok((fleet, compiled))
}

/// The head's first parent, or for a worktree what is checked out; none where nothing comes before it.
pub(crate) fn parent(folder: &Path, head: &Fleet) -> anyhow::Result<Option<Point>> {
    let repository = match Repository::discover(folder) {
        Err(GitError::NotARepository(_)) if head.source.worktree => return Ok(None),
        repository => repository.map_err(told)?,
    };
    if !repository.has_commits() {
        return Ok(None);
    }
    let commit = repository.commit(&head.source.commit.to_string()).map_err(told)?;
    if head.source.worktree {
        return Ok(Some(("HEAD".to_owned(), commit.to_string())));
    }
    let parent = repository.first_parent(commit).map_err(told)?;
    Ok(parent.map(|parent| (parent.to_string(), parent.to_string())))
}

/// The fleet at this point, if there is one, read by way of the one that comes after it.
pub(crate) fn at(folder: &Path, point: Option<Point>, head: &Fleet) -> (Base, Option<Read>) {
    let before = point.as_ref().map(|(_, commit)| read_base(head, folder, commit));
    end(point, before)
}

/// Where a plan starts, from what was read there; what is wrong with it goes to standard error.
pub(crate) fn end(point: Option<Point>, before: Option<Whole>) -> (Base, Option<Read>) {
    let (Some((revision, commit)), Some(before)) = (point, before) else {
        return (Base { state: BaseState::Absent, revision: None, commit: None }, None);
    };
    let (state, before) = match before {
        Ok(before) => (BaseState::Compared, Some(before)),
        Err(diagnostics) if diagnostics.list().iter().all(|one| one.code() == Code::NoFleet) => {
            (BaseState::Absent, None)
        }
        Err(diagnostics) => {
            eprint!("{}", diagnostics.to_text(color()));
            eprintln!("the errors above are those of the base, {revision} ({commit}); the head compiles");
            (BaseState::Broken, None)
        }
    };
    (Base { state, revision: Some(revision), commit: Some(commit) }, before)
}

/// An error of git with its remedy.
pub(crate) fn told(error: GitError) -> anyhow::Error {
    anyhow!("{error}; {}", error.help())
}
