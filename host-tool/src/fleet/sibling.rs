//! A fleet at another commit from which it differs by nothing but values: the devices, their models and whose which layer is were
//! read already.
//!
//! Git names contents by their digests, so equal ids are equal files. What is not surely the same gives no sibling, and is read as a whole.

use std::path::Path;
use std::sync::Arc;

use super::origin::{self, At, Origin};
use super::{Fleet, Whence, conflicts, import, lint};
use crate::diagnostics::{Findings, Sources};

/// The folder in which a sibling's files may differ.
const LAYERS: &str = "layers/";

impl Fleet {
    /// This fleet at another commit, when the two differ by the content of layers alone and nothing is wrong with either. `None` says nothing
    /// about that commit: [`Fleet::open`] does. Warnings are not gathered.
    #[must_use]
    pub fn sibling(&self, folder: &Path, commit: &str) -> Option<Self> {
        if self.source.worktree || self.findings.has_errors() {
            return None;
        }
        let at = |revision: String| origin::open(folder, &At::Commit(revision)).ok();
        let here = at(self.source.commit.to_string())?;
        let Origin { mut files, mut source, history, below, .. } = at(commit.to_owned())?;
        let changed = here.files.changed(&files)?;
        if !changed.iter().all(|path| path.starts_with(LAYERS)) {
            return None;
        }
        let viewpoint = import::Viewpoint { commit: history.first().copied(), below: &below };
        if import::take(&self.settings.imports, &viewpoint, &mut files).has_errors() {
            return None;
        }
        (source.sequence, source.floor) = origin::place_in_history(&history, &self.settings).ok()?;
        files.sources = Sources::clone(&self.sources);
        let mut findings = Findings::default();
        let layers = self.layers.with_changed(&changed, (&mut files, &mut findings))?;
        lint::sections(&self.models, (&self.devices, &layers), &mut findings);
        conflicts::patches(&self.models, (&self.devices, &layers), &mut findings);
        let (settings, models, devices) = (self.settings.clone(), self.models.clone(), self.devices.clone());
        // Neither differs: what is not a layer is the same file.
        let (rules, rollout) = (self.rules.clone(), self.rollout.clone());
        let whence = Whence::new(&history, below, &mut files);
        let sources = Arc::new(files.sources);
        let sibling = Self { source, settings, models, devices, layers, rules, rollout, sources, whence, findings };
        (!sibling.findings.has_errors()).then_some(sibling)
    }
}
