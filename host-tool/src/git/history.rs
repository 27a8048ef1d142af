//! Git's history as a walk back from a line needs it: commits with their trees, and what parents have in place of a file.
//!
//! What was looked up is remembered: a commit is asked for as a parent and then by itself, and most folders are those of the commit before.

use std::collections::HashMap;
use std::rc::Rc;

use gix::ObjectId;
use gix::objs::tree::EntryMode;

use super::{GitError, Repository, broken};
use crate::blame::Written;

/// A commit.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its id.
    pub id: ObjectId,
    /// The id of its top folder.
    pub tree: ObjectId,
    /// When it was committed, in Unix seconds.
    pub seconds: i64,
    /// What it was made on top of.
    pub parents: Vec<ObjectId>,
}

/// What a parent has in place of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// The same content.
    Same,
    /// Another content.
    Other(ObjectId),
    /// No such file.
    Absent,
}

/// Bytes of objects that are kept unpacked: neighbours in history share most of theirs.
const OBJECT_BYTES: usize = 4 << 20;
/// Commits, and names in folders, that are remembered before all are forgotten.
const REMEMBERED: usize = 1 << 16;

/// A history that is walked.
pub struct History<'g> {
    git: &'g Repository,
    inner: gix::Repository,
    nodes: HashMap<ObjectId, Rc<Node>>,
    /// What a folder has under a name.
    entries: HashMap<(ObjectId, Box<str>), Found>,
}

/// A file or folder, if there is one.
type Found = Option<(EntryMode, ObjectId)>;

impl<'g> History<'g> {
    /// The history of a repository, of which nothing is known yet.
    #[must_use]
    pub fn new(git: &'g Repository) -> Self {
        let mut inner = git.inner.clone();
        inner.object_cache_size_if_unset(OBJECT_BYTES);
        Self { git, inner, nodes: HashMap::new(), entries: HashMap::new() }
    }

    /// A commit as a walk through history needs it.
    ///
    /// # Errors
    /// [`GitError::Broken`] when it is missing.
    pub fn node(&mut self, id: ObjectId) -> Result<Rc<Node>, GitError> {
        if let Some(known) = self.nodes.get(&id) {
            return Ok(known.clone());
        }
        let commit = self.inner.find_commit(id).map_err(broken)?;
        let tree = commit.tree_id().map_err(broken)?.detach();
        let seconds = commit.time().map_err(broken)?.seconds;
        let node = Rc::new(Node { id, tree, seconds, parents: commit.parent_ids().map(gix::Id::detach).collect() });
        if self.nodes.len() >= REMEMBERED {
            self.nodes.clear();
        }
        self.nodes.insert(id, node.clone());
        Ok(node)
    }

    fn entry(&mut self, tree: ObjectId, name: &str) -> Result<Found, GitError> {
        let key = (tree, Box::from(name));
        if let Some(known) = self.entries.get(&key) {
            return Ok(*known);
        }
        let folder = self.inner.find_tree(tree).map_err(broken)?;
        let found = folder.find_entry(name).map(|entry| (entry.mode(), entry.object_id()));
        if self.entries.len() >= REMEMBERED {
            self.entries.clear();
        }
        self.entries.insert(key, found);
        Ok(found)
    }

    /// The content of a plain file at a commit; none where there is no such file.
    ///
    /// # Errors
    /// [`GitError::Broken`].
    pub fn blob(&self, commit: &Node, path: &str) -> Result<Option<ObjectId>, GitError> {
        let tree = self.inner.find_tree(commit.tree).map_err(broken)?;
        let entry = tree.lookup_entry_by_path(path).map_err(broken)?;
        Ok(entry.filter(|entry| entry.mode().is_blob()).map(|entry| entry.object_id()))
    }

    /// What a commit's parent has in place of a file that the commit has. Folders that are the same are not opened.
    ///
    /// # Errors
    /// [`GitError::Broken`].
    pub fn beside(&mut self, commit: &Node, parent: &Node, path: &str) -> Result<Beside, GitError> {
        let (mut ours, mut theirs) = (commit.tree, parent.tree);
        let mut steps = path.split('/').peekable();
        while let Some(step) = steps.next() {
            if ours == theirs {
                return Ok(Beside::Same);
            }
            let (own, other) = (self.entry(ours, step)?, self.entry(theirs, step)?);
            let (Some((_, own)), Some((mode, id))) = (own, other) else { return Ok(Beside::Absent) };
            let expected = if steps.peek().is_some() { mode.is_tree() } else { mode.is_blob() };
            if !expected {
                return Ok(Beside::Absent);
            }
            (ours, theirs) = (own, id);
        }
        Ok(if ours == theirs { Beside::Same } else { Beside::Other(theirs) })
    }

    /// Where a parent has a file of this content that the commit has there no more: it was moved.
    ///
    /// # Errors
    /// [`GitError::Broken`].
    pub fn moved_from(&self, (commit, parent): (&Node, &Node), blob: ObjectId) -> Result<Option<String>, GitError> {
        let before = self.git.files(parent.id, "")?;
        let same = before.into_iter().filter(|(_, file)| file.plain && file.id == blob);
        for (path, _) in same {
            if self.blob(commit, &path)?.is_none() {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    /// A file's content.
    ///
    /// # Errors
    /// [`GitError::Broken`].
    pub fn read(&self, id: ObjectId) -> Result<Vec<u8>, GitError> {
        self.git.read(id)
    }

    /// A commit's author and day.
    ///
    /// # Errors
    /// [`GitError::Broken`].
    pub fn written(&self, id: ObjectId) -> Result<Written, GitError> {
        let commit = self.inner.find_commit(id).map_err(broken)?;
        let author = commit.author().map_err(broken)?;
        let date = author.time().map_err(broken)?.format_or_unix(gix::date::time::format::SHORT);
        let (name, email) = (author.name.to_string(), author.email.to_string());
        Ok(Written { commit: id.to_string(), author: name, email, date })
    }
}
