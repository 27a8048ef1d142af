//! From the network's data to the files of a fleet repository.
//!
//! The levels of the data become the levels of layers: role, chip family (`target`), hardware, site, host. All devices are of
//! one model, `router`; what the data calls a model is a label, which implies the chip family. Invariant: each value of the
//! data ends up in a file or on the list of what was left out.

mod hosts;
mod inventory;
mod left_out;
mod network;
mod shape;
mod vars;

use std::collections::{BTreeMap, BTreeSet};

pub(crate) use left_out::{Dropped, LeftOut};
use shape::Layer;

use crate::source::{Ignored, SiteRole, Source, Vars, group_name};
pub(crate) use hosts::Host;
pub(crate) use inventory::{TABLE, device_id};

/// The schema that all devices have.
pub(crate) const SCHEMA: &str = include_str!("../../schema/router.toml");

/// The levels of the repository, and how its sections reach the devices.
const SETTINGS: &str = include_str!("../../schema/steadfast.toml");

/// The section with the networks of a site.
pub(crate) const NETWORK: &str = "network";

/// What holds for every device: asked often, because the devices of a rehearsal are watched by somebody who waits.
const COMMON: &str = "[agent]\npoll_seconds = 1\n\n[health]\ntrial_seconds = 60\n";

/// Fields that hold one of several alternatives with its data.
const ALTERNATIVES: [&str; 2] = ["kind", "trigger"];

/// Why a key of the data is not carried over.
const NO_VARIABLE: &str = "no variable of this name is known";

/// The files of a fleet repository.
#[derive(Debug, Default)]
pub(crate) struct Fleet {
    /// Their content by path.
    pub(crate) files: BTreeMap<String, String>,
    /// The hosts by name, with what their row in the inventory says.
    pub(crate) hosts: Vec<Host>,
    /// What is not carried over.
    pub(crate) left_out: Vec<Dropped>,
    /// How many values the layers and the inventory set.
    pub(crate) values: usize,
}

/// Converts everything.
pub(crate) fn convert(source: Source) -> Fleet {
    let mut left_out = LeftOut::default();
    for Ignored { file, key } in &source.ignored {
        left_out.add(&format!("{file}: {key}"), NO_VARIABLE.to_owned());
    }
    let mut fleet = Fleet::default();
    fleet.files.insert("steadfast.toml".to_owned(), SETTINGS.to_owned());
    fleet.files.insert("schemas/router/router.toml".to_owned(), SCHEMA.to_owned());
    fleet.files.insert("layers/common.toml".to_owned(), COMMON.to_owned());
    let hosts = hosts::all(&source);
    fleet.groups(&source, &hosts, &mut left_out);
    let mut sites = source.sites.clone();
    for site in &mut sites {
        fleet.site(site, (&hosts, &source), &mut left_out);
    }
    fleet.values += inventory::write(&hosts, &mut fleet.files);
    fleet.hosts = hosts;
    fleet.left_out = left_out.list;
    fleet
}

impl Fleet {
    /// Layers of the roles, chip families and models that hosts have.
    fn groups(&mut self, source: &Source, hosts: &[Host], left_out: &mut LeftOut) {
        let roles: BTreeSet<SiteRole> = hosts.iter().map(|host| host.role).collect();
        for role in roles {
            let mut vars = source.roles.get(role.word()).cloned().unwrap_or_default();
            let path = format!("role/{}", role.word());
            let mut layer = group_layer(&path, &mut vars, left_out);
            layer.system.role = Some(vars::role_word(role));
            self.layer(&path, "final = [\"system.role\"]\n\n", &layer);
        }
        let models: BTreeSet<&str> = hosts.iter().map(|host| host.hardware.as_str()).collect();
        let mut targets = BTreeSet::new();
        for model in models {
            let Some(mut vars) = source.models.get(&group_name(model)).cloned() else { continue };
            if let Some(target) = vars.target.take() {
                let label = group_name(&target);
                self.files.insert(format!("labels/hardware/{model}.toml"), format!("target = \"{label}\"\n"));
                targets.insert(label);
            }
            let path = format!("hardware/{model}");
            let layer = group_layer(&path, &mut vars, left_out);
            self.layer(&path, "", &layer);
        }
        for target in targets {
            if let Some(mut vars) = source.targets.get(&target).cloned() {
                let path = format!("target/{target}");
                let layer = group_layer(&path, &mut vars, left_out);
                self.layer(&path, "", &layer);
            }
        }
    }

    /// The layer of a site and those of its hosts.
    fn site(&mut self, site: &mut Vars, (all, source): (&[Host], &Source), left_out: &mut LeftOut) {
        let Some(name) = site.location.clone() else { return left_out.add("", "a site without a name".to_owned()) };
        let before = left_out.enter(&name);
        let plan = hosts::channels(site, (all, source), left_out);
        // Defaults for the hosts of the site; their rows have them.
        (site.role, site.model) = (None, None);
        let members = std::mem::take(&mut site.hosts);
        let layer = vars::layer(site, left_out);
        left_out.rest("", site, &[]);
        self.layer(&format!("site/{name}"), "", &layer);
        left_out.leave(before);
        for mut host in members {
            let Some(name) = host.hostname.take() else { continue };
            (host.role, host.model) = (None, None);
            let before = left_out.enter(&name);
            inventory::take_cells(&mut host);
            let mut layer = vars::layer(&mut host, left_out);
            layer.wireless.radios = plan.get(&name).cloned().unwrap_or_default();
            left_out.rest("", &host, &[]);
            left_out.leave(before);
            self.layer(&format!("host/{name}"), "", &layer);
        }
    }

    /// Writes a layer, unless nothing stands in it and its level is optional.
    fn layer(&mut self, path: &str, head: &str, layer: &Layer) {
        let mut table = toml::Table::try_from(layer).unwrap_or_default();
        let values = prune(&mut table);
        if values > 0 || !path.starts_with("host/") {
            self.values += values;
            self.files.insert(format!("layers/{path}.toml"), format!("{head}{table}"));
        }
    }
}

fn group_layer(path: &str, vars: &mut Vars, left_out: &mut LeftOut) -> Layer {
    let before = left_out.enter(path);
    let layer = vars::layer(vars, left_out);
    left_out.rest("", vars, &[]);
    left_out.leave(before);
    layer
}

/// Takes empty tables and lists out; the number of values that stay.
fn prune(table: &mut toml::Table) -> usize {
    let mut values = 0;
    table.retain(|name, value| {
        let alternative = ALTERNATIVES.contains(&name);
        values += match &mut *value {
            // The only entry names an alternative, also when there is nothing to say about it.
            toml::Value::Table(table) if alternative => {
                1 + table.iter_mut().map(|(_, data)| prune_value(data)).sum::<usize>()
            }
            value => prune_value(value),
        };
        alternative || !is_empty(value)
    });
    values
}

fn prune_value(value: &mut toml::Value) -> usize {
    match value {
        toml::Value::Table(table) => prune(table),
        toml::Value::Array(items) => items.iter_mut().map(prune_value).sum(),
        _ => 1,
    }
}

fn is_empty(value: &toml::Value) -> bool {
    match value {
        toml::Value::Table(table) => table.is_empty(),
        toml::Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{sample, source};

    fn sample() -> Fleet {
        convert(source::read(sample::network().path()).unwrap())
    }

    #[test]
    fn nothing_disappears_without_a_word() {
        let left_out: Vec<String> = sample().left_out.iter().map(ToString::to_string).collect();
        let expected = [
            "hardware/box-large.unheard_of: has no use here",
            "locations/north.yml: networks.2.ingres",
            "location__channel_assignments_fast__to_merge.nobody: there is no such host",
            "location__channel_assignments_slow__to_merge.north-ap: its hardware has no radio `slow`",
            "networks.wg0.ntp: has no use here",
        ];
        for line in expected {
            assert!(left_out.iter().any(|one| one.contains(line)), "{line} is not among {left_out:#?}");
        }
        assert_eq!(left_out.len(), expected.len(), "{left_out:#?}");
    }

    #[test]
    fn each_level_of_the_data_becomes_a_level_of_layers() {
        let files = sample().files;
        let has = |path: &str, line: &str| files[path].lines().any(|one| one == line);
        assert!(has("layers/role/ap.toml", "profile = \"open\""));
        assert!(has("layers/target/chip_one.toml", "multicore = true"));
        assert!(has("labels/hardware/box-small.toml", "target = \"chip_one\""));
        assert!(has("layers/hardware/box-small.toml", "product = \"Small\""));
        assert!(has("layers/site/north.toml", "[network.networks.kind.uplink]"));
        assert!(has("layers/host/north-ap.toml", "power = 17"));
        assert!(!files.contains_key("layers/host/south-gw.toml"), "a host without values of its own has no layer");
        assert!(files[TABLE].contains(",corerouter,box-small,north,north-core,02:00:5e:00:00:01\n"));
    }

    #[test]
    fn converting_twice_gives_the_same_files() {
        assert_eq!(sample().files, sample().files);
    }
}
