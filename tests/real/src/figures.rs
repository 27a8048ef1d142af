//! The whole network, compiled at a commit and built into a release, in figures.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use comfy_table::Table;
use steadfast::compile::{Compiled, compile};
use steadfast::fleet::{At, Fleet};
use steadfast::pack::Pack;
use steadfast::release::{Issue, build};

use crate::repository::Repository;

/// The publisher epoch of a release that nobody signs.
const EPOCH: u32 = 1;

/// What came of one commit.
pub(crate) struct Whole {
    pub(crate) compiled: Compiled,
    pack: Pack,
    layers: usize,
    reading: Duration,
    compiling: Duration,
    building: Duration,
}

/// Reads, compiles and builds the checked-out commit.
///
/// # Errors
/// Every fault of the repository, as `steadfast check` shows it.
pub(crate) fn whole(repository: &Repository) -> Result<Whole> {
    let start = Instant::now();
    let fleet = Fleet::open(repository.folder(), &At::Head)?;
    let reading = start.elapsed();
    let compiled = compile(&fleet)?;
    let compiling = start.elapsed() - reading;
    let pack = build(&compiled, Issue { fleet: fleet.settings.id, epoch: EPOCH })?;
    let building = start.elapsed() - reading - compiling;
    ensure!(compiled.warnings.list().is_empty(), "the converted repository has warnings:\n{}", compiled.warnings);
    Ok(Whole { layers: fleet.layers.all().len(), compiled, pack, reading, compiling, building })
}

impl Whole {
    /// Prints the figures.
    pub(crate) fn print(&self) {
        let objects: usize = self.compiled.objects.values().map(Vec::len).sum();
        let mut labels: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (label, value) in self.compiled.roster.iter().flat_map(|device| &*device.labels) {
            labels.entry(label).or_default().push(value);
        }
        let labels = labels.into_iter().map(|(label, mut values)| {
            values.sort_unstable();
            values.dedup();
            format!("{} {label}", values.len())
        });
        let labels: Vec<String> = labels.collect();
        let millis = |time: Duration| format!("{} ms", time.as_millis());
        let mut table = Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        table.add_row(["devices", &self.compiled.roster.len().to_string()]);
        table.add_row(["labels", &labels.join(", ")]);
        table.add_row(["layers that devices have", &self.layers.to_string()]);
        table.add_row(["distinct manifests", &self.compiled.manifests.len().to_string()]);
        table.add_row(["distinct sections", &format!("{} ({objects} bytes)", self.compiled.objects.len())]);
        table
            .add_row(["release", &format!("{} bytes, {} leaves", self.pack.bytes().len(), self.pack.release().leaves)]);
        let times = [self.reading, self.compiling, self.building].map(millis);
        table.add_row(["read, compiled, built in", &times.join(", ")]);
        println!("{table}\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{convert, sample, source};

    #[test]
    fn a_converted_network_compiles_without_a_warning() {
        let fleet = convert::convert(source::read(sample::network().path()).unwrap());
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::write(&folder.path().join("fleet"), &fleet.files).unwrap();
        repository.commit("all of it").unwrap();
        let whole = whole(&repository).unwrap();
        assert_eq!(whole.compiled.roster.len(), 3);
        let gateway = whole.compiled.roster.iter().find(|device| &*device.name == "south-gw").unwrap();
        assert_eq!(&*gateway.labels["target"], "chip_two");
    }
}
