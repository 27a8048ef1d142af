//! One thing in several live schemas: what a section or field is called in each of them.
//!
//! A schema knows only what a name was just before (`was`). Through the live schemas between, a chain of renames leads back further.

use super::{Field, Schema, Section};

/// What has a name now, and may have had another.
pub trait Named {
    /// Its name in this schema.
    fn name(&self) -> &str;
    /// The name that older schemas have for it.
    fn was(&self) -> Option<&str>;
}

impl Named for Section {
    fn name(&self) -> &str {
        &self.name
    }

    fn was(&self) -> Option<&str> {
        self.was.as_deref()
    }
}

impl Named for Field {
    fn name(&self) -> &str {
        &self.name
    }

    fn was(&self) -> Option<&str> {
        self.was.as_deref()
    }
}

/// Every name that something has had, the present one first, and what it was in each schema between that has it. `between` is what
/// these schemas have in its place, newest first.
pub fn lineage<'m, T: Named>(newest: &'m T, between: &[&'m [T]]) -> (Vec<&'m str>, Vec<&'m T>) {
    let mut names: Vec<&str> = std::iter::once(newest.name()).chain(newest.was()).collect();
    let mut forebears = Vec::new();
    for all in between {
        if let Some(one) = names.iter().find_map(|name| all.iter().find(|one| one.name() == *name)) {
            names.extend(one.was());
            forebears.push(one);
        }
    }
    (names, forebears)
}

/// The sections of the live schemas between the newest and an older one, newest first. `live` is oldest first.
pub fn between(live: &[Schema], older: usize) -> Vec<&[Section]> {
    let between = live.get(older + 1..live.len().saturating_sub(1)).unwrap_or_default();
    between.iter().rev().map(|schema| schema.sections.as_slice()).collect()
}

/// For each section of a live schema the newest schema's section that it has become, if any, as an index.
pub fn successors(live: &[Schema], older: usize) -> Vec<Option<usize>> {
    let (Some(newest), between) = (live.last(), between(live, older)) else { return Vec::new() };
    let names: Vec<Vec<&str>> = newest.sections.iter().map(|section| lineage(section, &between).0).collect();
    let successor = |section: &Section| names.iter().position(|names| names.contains(&section.name.as_str()));
    live[older].sections.iter().map(successor).collect()
}
