//! Who wrote a line of a fleet, and when: the commit that last changed it, as `git blame` has it.
//!
//! History is walked once for all lines, newest commits first. A commit that leaves a file as it was is passed by comparing ids, folder by folder, so
//! that only commits that touch one of the files cost more than a look at their trees. A line belongs to the first commit none of
//! whose parents has it; with a merge, all parents are asked. A file that was moved as a whole is followed to where it was.

use std::collections::hash_map::{Entry, HashMap};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use gix::ObjectId;
use imara_diff::{Algorithm, Diff, InternedInput};

use crate::compile::Explanation;
use crate::diagnostics::Position;
use crate::fleet::Fleet;
use crate::git::{Beside, GitError, History, Node, Repository};

/// Who last changed a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The commit's full id.
    pub commit: String,
    /// The author's name.
    pub author: String,
    /// The author's address.
    pub email: String,
    /// The author's day, `YYYY-MM-DD`.
    pub date: String,
}

/// Lines of a file at a commit.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// Where history begins for them.
    pub commit: ObjectId,
    /// The file, seen from the repository's top.
    pub path: String,
    /// The file as it is. Lines in it that the commit does not have are nobody's.
    pub text: &'a str,
    /// The lines, from 1.
    pub lines: BTreeSet<usize>,
}

/// Files and lines with their last change. What is not in it is not committed.
pub type Blame = BTreeMap<(Arc<str>, usize), Arc<Written>>;

/// Everything that an explanation quotes.
///
/// # Errors
/// [`GitError`] for a clone that lacks a part of its history.
pub fn of_explanation(git: &Repository, fleet: &Fleet, explanation: &Explanation) -> Result<Blame, GitError> {
    git.require_whole_history()?;
    let mut wanted: BTreeMap<Arc<str>, BTreeSet<usize>> = BTreeMap::new();
    for Position { path, line, .. } in explanation.positions() {
        wanted.entry(path.clone()).or_default().insert(*line);
    }
    let (mut names, mut asked) = (Vec::new(), Vec::new());
    for (shown, lines) in wanted {
        let known = fleet.whence.of(&shown).zip(fleet.sources.named(&shown));
        if let Some(((commit, path), file)) = known {
            asked.push(Asked { commit, path, text: &file.text, lines });
            names.push(shown);
        }
    }
    let found = lines(git, &asked)?.into_iter().zip(&names);
    Ok(found.flat_map(|(file, name)| file.into_iter().map(|(line, by)| ((name.clone(), line), by))).collect())
}

/// For each file its lines with their last change; lines that are not committed are left out.
///
/// # Errors
/// [`GitError::Broken`].
pub fn lines(git: &Repository, asked: &[Asked<'_>]) -> Result<Vec<BTreeMap<usize, Arc<Written>>>, GitError> {
    let mut walk =
        Walk { history: History::new(git), pending: BTreeMap::new(), found: vec![BTreeMap::new(); asked.len()] };
    for (file, one) in asked.iter().enumerate() {
        walk.begin(file, one)?;
    }
    while let Some(((_, commit), suspects)) = walk.pending.pop_last() {
        let node = walk.history.node(commit)?;
        let parents = node.parents.iter().map(|parent| walk.history.node(*parent)).collect::<Result<Vec<_>, _>>()?;
        suspects.into_iter().try_for_each(|suspect| walk.judge((&node, &parents), suspect))?;
    }
    let Walk { history, found, .. } = walk;
    let mut authors: HashMap<ObjectId, Arc<Written>> = HashMap::new();
    let mut files = vec![BTreeMap::new(); asked.len()];
    for (file, found) in files.iter_mut().zip(found) {
        for (line, commit) in found {
            let by = match authors.entry(commit) {
                Entry::Occupied(known) => known.get().clone(),
                Entry::Vacant(new) => new.insert(Arc::new(history.written(commit)?)).clone(),
            };
            file.insert(line, by);
        }
    }
    Ok(files)
}

/// A walk back through history.
struct Walk<'g> {
    history: History<'g>,
    /// Commits to look at, by time, and what may be theirs.
    pending: BTreeMap<(i64, ObjectId), Vec<Suspect>>,
    /// For each file that was asked for, its lines with their commits.
    found: Vec<BTreeMap<usize, ObjectId>>,
}

/// Lines of a file that a commit has and may have brought.
struct Suspect {
    /// Which of the files that were asked for it is, under whatever name.
    file: usize,
    /// Its name at this commit.
    path: String,
    /// Its content at this commit.
    blob: ObjectId,
    /// Where a line is at this commit, from 0, and where it was asked for, from 1.
    lines: Vec<(usize, usize)>,
}

impl Walk<'_> {
    /// Lines that are at the commit as they were asked for.
    fn begin(&mut self, file: usize, asked: &Asked<'_>) -> Result<(), GitError> {
        let node = self.history.node(asked.commit)?;
        let Some(blob) = self.history.blob(&node, &asked.path)? else { return Ok(()) };
        let committed = self.history.read(blob)?;
        let kept = kept(&committed, asked.text.as_bytes());
        let line = |line: &usize| Some((kept.get(line.checked_sub(1)?).copied()??, *line));
        let lines = asked.lines.iter().filter_map(line).collect();
        self.pass(&node, Suspect { file, path: asked.path.clone(), blob, lines });
        Ok(())
    }

    /// Hands lines to a commit that has them.
    fn pass(&mut self, to: &Node, suspect: Suspect) {
        if suspect.lines.is_empty() {
            return;
        }
        let suspects = self.pending.entry((to.seconds, to.id)).or_default();
        let same = |known: &&mut Suspect| (known.file, &known.path) == (suspect.file, &suspect.path);
        match suspects.iter_mut().find(same) {
            Some(known) => known.lines.extend(suspect.lines),
            None => suspects.push(suspect),
        }
    }

    /// Finds out which lines a commit has from its parents. The others are its own.
    fn judge(&mut self, (node, parents): (&Node, &[Rc<Node>]), mut suspect: Suspect) -> Result<(), GitError> {
        let mut sides = Vec::with_capacity(parents.len());
        for parent in parents {
            let side = self.history.beside(node, parent, &suspect.path)?;
            if side == Beside::Same {
                self.pass(parent, suspect);
                return Ok(());
            }
            sides.push((parent, side));
        }
        for (parent, side) in sides {
            match side {
                Beside::Other(blob) => {
                    let kept = kept(&self.history.read(blob)?, &self.history.read(suspect.blob)?);
                    let before = |(here, asked): &(usize, usize)| {
                        kept.get(*here).copied().flatten().map(|before| (before, *asked)).ok_or((*here, *asked))
                    };
                    let (theirs, ours): (Vec<_>, Vec<_>) = suspect.lines.iter().map(before).partition(Result::is_ok);
                    suspect.lines = ours.into_iter().filter_map(Result::err).collect();
                    let lines = theirs.into_iter().flatten().collect();
                    self.pass(parent, Suspect { file: suspect.file, path: suspect.path.clone(), blob, lines });
                }
                Beside::Absent => {
                    if let Some(path) = self.history.moved_from((node, parent), suspect.blob)? {
                        self.pass(parent, Suspect { path, ..suspect });
                        return Ok(());
                    }
                }
                Beside::Same => {}
            }
        }
        let own = suspect.lines.into_iter().map(|(_, asked)| (asked, node.id));
        self.found[suspect.file].extend(own);
        Ok(())
    }
}

/// For each line of `after`, counted from 0, where `before` has it.
fn kept(before: &[u8], after: &[u8]) -> Vec<Option<usize>> {
    let lines = |text: &[u8]| imara_diff::sources::byte_lines(text).count();
    if before == after {
        return (0..lines(after)).map(Some).collect();
    }
    let input = InternedInput::new(before, after);
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_lines(&input);
    let mut kept = vec![None; input.after.len()];
    let (mut from, mut to) = (0, 0);
    let mut equal = |(from, to): (usize, usize), end: usize| {
        kept[to..end].iter_mut().zip(from..).for_each(|(line, before)| *line = Some(before));
    };
    for hunk in diff.hunks() {
        equal((from, to), hunk.after.start as usize);
        (from, to) = (hunk.before.end as usize, hunk.after.end as usize);
    }
    equal((from, to), input.after.len());
    kept
}

#[cfg(test)]
mod tests {
    use super::kept;

    #[test]
    fn lines_are_found_where_they_were() {
        assert_eq!(kept(b"a\nb\nc\n", b"x\na\nc\nd\n"), [None, Some(0), Some(2), None]);
        assert_eq!(kept(b"a\nb\n", b"a\nb\n"), [Some(0), Some(1)]);
        assert_eq!(kept(b"", b"a\n"), [None]);
    }
}
