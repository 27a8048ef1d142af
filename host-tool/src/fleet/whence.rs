//! Where in history a fleet's files are, for whoever asks who wrote a line.

use std::collections::BTreeMap;

use gix::ObjectId;

use super::files::Files;

/// The commits and paths behind the names that messages use.
#[derive(Clone, Debug, Default)]
pub struct Whence {
    /// The commit that was read, or the one below a worktree; none where nothing is committed.
    head: Option<ObjectId>,
    /// The fleet's folder, seen from the repository's top.
    below: String,
    /// Imported files.
    imported: BTreeMap<String, (ObjectId, String)>,
}

impl Whence {
    pub(super) fn new(history: &[ObjectId], below: String, files: &mut Files) -> Self {
        Self { head: history.first().copied(), below, imported: std::mem::take(&mut files.pinned) }
    }

    /// The commit at which a file was read and its path from the repository's top; none where nothing is committed.
    #[must_use]
    pub fn of(&self, shown: &str) -> Option<(ObjectId, String)> {
        let own = || {
            let path = if self.below.is_empty() { shown.to_owned() } else { format!("{}/{shown}", self.below) };
            Some((self.head?, path))
        };
        self.imported.get(shown).cloned().or_else(own)
    }
}
