//! The roster: the devices of a release by name, model, labels and public key, as the server needs them.
//!
//! It travels inside the pack and is bound by the release's first leaf. Words that many devices share stand once:
//!
//! ```text
//! words: count, texts ascending      devices: count, ascending by id:
//!                                      id (16)  name  model  labels: count, (key, value)...  public key: 00 | 01 key (32)
//! ```
//!
//! Names, models, keys and values are places in the list of words. Invariant: a [`Roster`] has exactly one encoding.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use steadfast_core::id::DeviceId;
use steadfast_core::statement::PublicKey;
use thiserror::Error;

use crate::compile::RosterEntry;
use crate::fleet::PlainLabels;

/// Longest encoded roster: 2^20 devices with 1 KiB each.
pub const ROSTER_MAX_BYTES: usize = 1 << 30;

/// Why bytes are no roster.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RosterError {
    /// Not one canonical encoding.
    #[error("the roster does not decode")]
    Malformed,
    /// Words or devices out of order, repeated, unused or outside the list.
    #[error("the roster's {0}")]
    Unsound(&'static str),
}

/// The devices of one release. See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roster {
    words: Vec<String>,
    devices: Vec<Row>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Row {
    device: DeviceId,
    name: u32,
    model: u32,
    labels: Vec<(u32, u32)>,
    public_key: Option<PublicKey>,
}

/// One device of a roster.
#[derive(Clone, Copy, Debug)]
pub struct Listed<'a> {
    roster: &'a Roster,
    row: &'a Row,
}

impl Roster {
    /// The roster of compiled entries, which ascend by device id.
    #[must_use]
    pub fn new(entries: &[RosterEntry]) -> Self {
        let shared = shared_labels(entries);
        let models: HashSet<&str> = entries.iter().map(|entry| &*entry.model).collect();
        let labels = shared.values().flat_map(|labels| labels.iter()).flat_map(|(key, value)| [&**key, &**value]);
        // Each word with the device that it names, if it names one.
        let mut texts: Vec<(&str, Option<usize>)> = models.into_iter().chain(labels).map(|word| (word, None)).collect();
        texts.extend(entries.iter().enumerate().map(|(device, entry)| (&*entry.name, Some(device))));
        texts.sort_unstable();

        let mut words: Vec<String> = Vec::with_capacity(texts.len());
        let mut names = vec![0; entries.len()];
        let mut places: HashMap<&str, u32> = HashMap::new();
        for (word, device) in texts {
            if words.last().is_none_or(|last| last != word) {
                words.push(word.to_owned());
            }
            let place = words.len() as u32 - 1;
            match device {
                Some(device) => names[device] = place,
                None => _ = places.insert(word, place),
            }
        }
        let pairs =
            |labels: &PlainLabels| labels.iter().map(|(key, value)| (places[&**key], places[&**value])).collect();
        let shared: HashMap<_, Vec<(u32, u32)>> = shared.iter().map(|(at, labels)| (*at, pairs(labels))).collect();
        let row = |(entry, name): (&RosterEntry, u32)| Row {
            device: entry.device,
            name,
            model: places[&*entry.model],
            labels: shared[&Arc::as_ptr(&entry.labels)].clone(),
            public_key: entry.public_key.map(PublicKey),
        };
        Self { words, devices: entries.iter().zip(names).map(row).collect() }
    }

    /// Its one encoding.
    ///
    /// # Panics
    /// Never: growing a vector cannot fail.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_extend(self, Vec::new()).expect("a vector takes every byte")
    }

    /// Decodes a roster and checks its invariants.
    ///
    /// # Errors
    /// [`RosterError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, RosterError> {
        if bytes.len() > ROSTER_MAX_BYTES {
            return Err(RosterError::Malformed);
        }
        let roster: Self = postcard::from_bytes(bytes).map_err(|_| RosterError::Malformed)?;
        // postcard takes over-long numbers and leaves what follows alone.
        if roster.encode() != bytes {
            return Err(RosterError::Malformed);
        }
        roster.check()?;
        Ok(roster)
    }

    /// How many devices it lists.
    #[must_use]
    pub fn len(&self) -> usize {
        self.devices.len()
    }

    /// Whether it lists none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.devices.is_empty()
    }

    /// The device of that id.
    #[must_use]
    pub fn device(&self, id: &DeviceId) -> Option<Listed<'_>> {
        let place = self.devices.binary_search_by(|row| row.device.cmp(id)).ok()?;
        Some(Listed { roster: self, row: &self.devices[place] })
    }

    /// The device of that name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<Listed<'_>> {
        self.devices().find(|device| device.name() == name)
    }

    /// Every device, ascending by id.
    pub fn devices(&self) -> impl ExactSizeIterator<Item = Listed<'_>> {
        self.devices.iter().map(|row| Listed { roster: self, row })
    }

    fn check(&self) -> Result<(), RosterError> {
        if !self.words.is_sorted_by(|a, b| a < b) {
            return Err(RosterError::Unsound("words are not in ascending order"));
        }
        if !self.devices.is_sorted_by(|a, b| a.device < b.device) {
            return Err(RosterError::Unsound("devices are not in ascending order"));
        }
        let mut used = vec![false; self.words.len()];
        let mut named = vec![false; self.words.len()];
        for row in &self.devices {
            if !row.labels.is_sorted_by(|a, b| a.0 < b.0) {
                return Err(RosterError::Unsound("labels are not in ascending order"));
            }
            for word in row.words() {
                *used.get_mut(word as usize).ok_or(RosterError::Unsound("words are fewer than it uses"))? = true;
            }
            if std::mem::replace(&mut named[row.name as usize], true) {
                return Err(RosterError::Unsound("names are not unique"));
            }
        }
        if used.contains(&false) { Err(RosterError::Unsound("words are not all used")) } else { Ok(()) }
    }
}

impl Row {
    fn words(&self) -> impl Iterator<Item = u32> {
        let labels = self.labels.iter().flat_map(|(key, value)| [*key, *value]);
        [self.name, self.model].into_iter().chain(labels)
    }
}

impl<'a> Listed<'a> {
    /// Its id.
    #[must_use]
    pub fn device(&self) -> DeviceId {
        self.row.device
    }

    /// Its name, unique in the roster.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.word(self.row.name)
    }

    /// Its model.
    #[must_use]
    pub fn model(&self) -> &'a str {
        self.word(self.row.model)
    }

    /// Its labels, implied ones included.
    #[must_use]
    pub fn labels(&self) -> BTreeMap<&'a str, &'a str> {
        self.row.labels.iter().map(|(key, value)| (self.word(*key), self.word(*value))).collect()
    }

    /// The key with which it signs reports; `None` for a device that was never enrolled.
    #[must_use]
    pub fn public_key(&self) -> Option<PublicKey> {
        self.row.public_key
    }

    fn word(&self, place: u32) -> &'a str {
        &self.roster.words[place as usize]
    }
}

/// The sets of labels, each once: the devices of a site share theirs.
fn shared_labels(entries: &[RosterEntry]) -> HashMap<*const PlainLabels, &PlainLabels> {
    entries.iter().map(|entry| (Arc::as_ptr(&entry.labels), &*entry.labels)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries() -> Vec<RosterEntry> {
        let labels = |ring: &str| Arc::new([("ring".into(), ring.into())].into());
        let entry = |id: u8, name: &str, ring| RosterEntry {
            device: DeviceId([id; 16]),
            name: name.into(),
            model: "sensor".into(),
            labels: labels(ring),
            public_key: (id == 2).then_some([9; 32]),
        };
        vec![entry(1, "roof", "canary"), entry(2, "cellar", "rest")]
    }

    #[test]
    fn a_roster_reads_back() {
        let roster = Roster::new(&entries());
        let back = Roster::decode(&roster.encode()).unwrap();
        assert_eq!(back, roster);
        let cellar = back.named("cellar").unwrap();
        assert_eq!((cellar.device(), cellar.model()), (DeviceId([2; 16]), "sensor"));
        assert_eq!(cellar.labels(), [("ring", "rest")].into());
        assert_eq!(cellar.public_key(), Some(PublicKey([9; 32])));
        assert_eq!(back.device(&DeviceId([1; 16])).unwrap().name(), "roof");
        assert!(back.device(&DeviceId([3; 16])).is_none());
    }

    #[test]
    fn only_the_one_encoding_is_taken() {
        let good = Roster::new(&entries());
        let mut changed: Vec<(&str, Roster)> = Vec::new();
        let mut change = |name, edit: fn(&mut Roster)| {
            let mut roster = good.clone();
            edit(&mut roster);
            changed.push((name, roster));
        };
        change("words", |r| r.words.swap(0, 1));
        change("unused", |r| r.words.push("zzz".to_owned()));
        change("devices", |r| r.devices.swap(0, 1));
        change("twice", |r| r.devices[1].device = r.devices[0].device);
        change("name", |r| r.devices[1].name = r.devices[0].name);
        change("outside", |r| r.devices[0].model = 99);
        change("labels", |r| {
            let label = r.devices[0].labels[0];
            r.devices[0].labels.push(label);
        });
        for (name, roster) in changed {
            assert!(Roster::decode(&roster.encode()).is_err(), "{name}");
        }
    }

    #[test]
    fn truncations_are_refused() {
        let bytes = Roster::new(&entries()).encode();
        for length in 0..bytes.len() {
            assert!(Roster::decode(&bytes[..length]).is_err(), "{length}");
        }
    }
}
