//! The network's own data, as its YAML files have it.
//!
//! A variable may stand at any level (role, chip family, model, site, host), so one struct serves all of them. What the
//! structs do not name is not lost silently: [`read`](read::read) gives it back as [`Ignored`].

mod read;
mod vars;

pub(crate) use read::{Ignored, read};
pub(crate) use vars::{
    Antenna, Led, MeshLink, Network, NetworkRole, RadioDevice, Routed, SiteRole, Trigger, Tuning, Vars,
};

use std::collections::BTreeMap;

/// Everything that was read.
#[derive(Debug, Default)]
pub(crate) struct Source {
    /// Variables by role, in the data's spelling.
    pub(crate) roles: BTreeMap<String, Vars>,
    /// Variables by chip family, with `_` for every character that a file name could not have.
    pub(crate) targets: BTreeMap<String, Vars>,
    /// Variables by model, spelt likewise.
    pub(crate) models: BTreeMap<String, Vars>,
    /// Sites, each with its hosts, in the order of their files.
    pub(crate) sites: Vec<Vars>,
    /// Keys that mean nothing to the structs of this module.
    pub(crate) ignored: Vec<Ignored>,
    /// How many single values the files hold.
    pub(crate) values: usize,
}

/// The name under which a group of hosts is filed: `-` and `/` become `_`.
pub(crate) fn group_name(name: &str) -> String {
    name.replace(['-', '/'], "_")
}
