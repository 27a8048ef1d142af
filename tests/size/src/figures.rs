//! The committed figures of the core alone: bytes by target and component, one line each, so that a change of size shows in review.
//!
//! ```text
//! target  what  flash  RAM
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};

use crate::component::Component;
use crate::image::{Image, Size};

/// What the sum is called in the file.
pub(crate) const ALL: &str = "all";

/// What the stack is called in the file; it counts as RAM.
pub(crate) const STACK: &str = "stack";

/// What another compiler may add to a figure: one part in so many.
const TOLERANCE: u64 = 100;

/// Figures by target and what they are of.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures(BTreeMap<(String, String), Size>);

impl Figures {
    /// Reads the file; none there is no figures.
    ///
    /// # Errors
    /// When a line is not a figure.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let figures = lines.map(|line| figure(line).with_context(|| format!("not a figure: {line}")));
        figures.collect::<Result<_>>().map(Self)
    }

    /// Writes the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let mut text = String::from(
            "# Bytes of the core alone: target, component, flash, RAM. `cargo xtask size --write` rewrites them.\n",
        );
        for ((target, what), size) in &self.0 {
            writeln!(text, "{target}\t{what}\t{}\t{}", size.flash, size.ram)?;
        }
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Puts the figures of one image in the place of what there was for its target.
    pub(crate) fn replace(&mut self, target: &str, image: &Image) {
        self.0.retain(|(known, _), _| known != target);
        let sizes = Component::ALL.into_iter().map(|component| (component.name(), image.of(component)));
        let stack = Size { flash: 0, ram: image.stack().unwrap_or_default() };
        for (what, size) in sizes.chain([(ALL, image.total()), (STACK, stack)]) {
            if size != Size::default() {
                self.0.insert((target.to_owned(), what.to_owned()), size);
            }
        }
    }

    /// The figure of one component, or of [`ALL`].
    pub(crate) fn of(&self, target: &str, what: &str) -> Size {
        self.0.get(&(target.to_owned(), what.to_owned())).copied().unwrap_or_default()
    }
}

/// Whether `bytes` are more than the committed figure allows.
pub(crate) fn has_grown(bytes: u64, committed: u64) -> bool {
    bytes > committed + committed / TOLERANCE
}

fn figure(line: &str) -> Option<((String, String), Size)> {
    let mut columns = line.split('\t');
    let mut next = || columns.next();
    let (target, what) = (next()?.to_owned(), next()?.to_owned());
    Some(((target, what), Size { flash: next()?.parse().ok()?, ram: next()?.parse().ok()? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_may_grow_by_a_hundredth_and_no_more() {
        assert!(!has_grown(40_000, 40_000) && !has_grown(40_400, 40_000));
        assert!(has_grown(40_401, 40_000));
    }

    #[test]
    fn a_line_reads_back_and_others_are_refused() {
        let key = ("thumbv7em-none-eabi".to_owned(), "cryptography".to_owned());
        assert_eq!(figure("thumbv7em-none-eabi\tcryptography\t19466\t0"), Some((key, Size { flash: 19466, ram: 0 })));
        assert_eq!(figure("thumbv7em-none-eabi cryptography 19466 0"), None);
    }
}
