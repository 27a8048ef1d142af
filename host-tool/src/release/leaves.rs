//! The leaf table: which device may run which manifest under which schema, each id once.
//!
//! ```text
//! schemas: count, ids ascending      devices: count, ascending by id:
//!                                      id (16)  leaves: count, ascending by schema:
//!                                        schema  manifest  private: 00 | 01 digest (32) size
//! ```
//!
//! Schemas and manifests are named by their places. In memory the table is flat: a million devices are three vectors.
//! The tree has one leaf more than the table: the first, which binds the roster.

use std::ops::Range;

use serde::Serialize;
use steadfast_core::codec;
use steadfast_core::content::{Content, ObjectRef};
use steadfast_core::digest::Digest;
use steadfast_core::id::{DeviceId, SchemaId, SchemaPrefix};
use steadfast_core::refusal::Refusal;
use steadfast_core::release::LEAVES_MAX;
use steadfast_core::tree::Leaf;
use thiserror::Error;

use crate::compile::CompiledLeaf;

/// Why bytes are no leaf table.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LeavesError {
    /// Not one canonical encoding.
    #[error("the leaf table does not decode")]
    Malformed,
    /// Entries out of order, repeated, unused or outside a list.
    #[error("the leaf table's {0}")]
    Unsound(&'static str),
}

/// What one device may run under one schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Place of the schema.
    schema: u32,
    /// Place of the manifest.
    pub manifest: u32,
    /// The device's sealed secrets; boxed, because most devices have none.
    pub private: Option<Box<ObjectRef>>,
}

impl Row {
    /// Decodes one from the start of `bytes` and returns what follows it.
    fn take(bytes: &[u8]) -> Result<(Self, &[u8]), Refusal> {
        let (schema, rest) = codec::take(bytes)?;
        let (manifest, rest) = codec::take(rest)?;
        let (private, rest): (Option<ObjectRef>, _) = codec::take(rest)?;
        Ok((Self { schema, manifest, private: private.map(Box::new) }, rest))
    }
}

/// The leaf table of one release. See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leaves {
    schemas: Vec<SchemaId>,
    devices: Vec<DeviceId>,
    /// Where each device's rows end.
    ends: Vec<u32>,
    rows: Vec<Row>,
}

/// One row with where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The leaf's index in the tree.
    pub index: u32,
    /// For whom.
    pub device: DeviceId,
    /// Under which schema.
    pub schema: SchemaId,
    /// What.
    pub row: &'a Row,
}

impl Place<'_> {
    /// The private object that the leaf binds.
    #[must_use]
    pub fn private(&self) -> Option<ObjectRef> {
        self.row.private.as_deref().copied()
    }

    /// The leaf, given the digest of its manifest.
    #[must_use]
    pub fn leaf(&self, manifest: Digest) -> Leaf {
        Leaf::new(self.device, self.schema, Content { manifest, private: self.private() })
    }
}

/// Least bytes of a device with its rows: an id, a count, a row.
const DEVICE_MIN_BYTES: usize = 16 + 1 + ROW_MIN_BYTES;

/// Least bytes of a row: two places, and no private object.
const ROW_MIN_BYTES: usize = 3;

/// Refuses a count of items that the rest of the bytes cannot hold.
fn require_room(count: u32, least_bytes: usize, rest: &[u8]) -> Result<(), LeavesError> {
    let room = rest.len() / least_bytes;
    if count as usize <= room { Ok(()) } else { Err(LeavesError::Malformed) }
}

/// The leaf that binds a roster; always the first.
#[must_use]
pub fn roster_leaf(roster: Digest) -> Leaf {
    Leaf::new(DeviceId::NONE, SchemaId([0; 32]), Content { manifest: roster, private: None })
}

impl Leaves {
    /// The table of compiled leaves, which ascend strictly by (device, schema).
    #[must_use]
    pub fn new(compiled: &[CompiledLeaf]) -> Self {
        let mut schemas: Vec<SchemaId> = compiled.iter().map(|leaf| leaf.schema).collect();
        schemas.sort_unstable();
        schemas.dedup();
        let mut table = Self { schemas, rows: Vec::with_capacity(compiled.len()), ..Self::default() };
        for leaves in compiled.chunk_by(|a, b| a.device == b.device) {
            table.devices.push(leaves[0].device);
            table.rows.extend(leaves.iter().map(|leaf| Row {
                schema: table.schemas.partition_point(|schema| *schema < leaf.schema) as u32,
                manifest: leaf.manifest,
                private: None,
            }));
            table.ends.push(table.rows.len() as u32);
        }
        table
    }

    /// Its one encoding.
    ///
    /// # Panics
    /// Never: growing a vector cannot fail.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        const FITS: &str = "a vector takes every byte";
        let mut bytes = postcard::to_extend(&(&self.schemas, self.devices.len() as u32), Vec::new()).expect(FITS);
        for (place, device) in self.devices.iter().enumerate() {
            let rows = &self.rows[self.rows_of(place)];
            bytes = postcard::to_extend(&(device, rows), bytes).expect(FITS);
        }
        bytes
    }

    /// Decodes a table and checks its invariants; whether manifests exist is for the pack to say.
    ///
    /// # Errors
    /// [`LeavesError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, LeavesError> {
        let malformed = |_| LeavesError::Malformed;
        let mut table = Self::default();
        let (schemas, mut rest): (u32, _) = codec::take(bytes).map_err(malformed)?;
        for _ in 0..schemas {
            let (schema, after) = codec::take(rest).map_err(malformed)?;
            table.schemas.push(schema);
            rest = after;
        }
        let (count, after): (u32, _) = codec::take(rest).map_err(malformed)?;
        rest = after;
        require_room(count, DEVICE_MIN_BYTES, rest)?;
        for _ in 0..count {
            let (device, after): (DeviceId, _) = codec::take(rest).map_err(malformed)?;
            let (rows, after): (u32, _) = codec::take(after).map_err(malformed)?;
            rest = after;
            require_room(rows, ROW_MIN_BYTES, rest)?;
            if table.rows.len() + rows as usize >= LEAVES_MAX as usize {
                return Err(LeavesError::Unsound("leaves are more than 2^24"));
            }
            for _ in 0..rows {
                let (row, after) = Row::take(rest).map_err(malformed)?;
                table.rows.push(row);
                rest = after;
            }
            table.devices.push(device);
            table.ends.push(u32::try_from(table.rows.len()).map_err(|_| LeavesError::Malformed)?);
        }
        table.check(rest)?;
        Ok(table)
    }

    fn check(&self, rest: &[u8]) -> Result<(), LeavesError> {
        let unsound = |what| Err(LeavesError::Unsound(what));
        if !rest.is_empty() {
            return Err(LeavesError::Malformed);
        }
        if !self.schemas.is_sorted_by(|a, b| a < b) {
            return unsound("schemas are not in ascending order");
        }
        if !self.devices.is_sorted_by(|a, b| a < b) || self.devices.first() == Some(&DeviceId::NONE) {
            return unsound("devices are not in ascending order, or one has no id");
        }
        let mut used = vec![false; self.schemas.len()];
        for place in 0..self.devices.len() {
            let rows = &self.rows[self.rows_of(place)];
            if rows.is_empty() || !rows.is_sorted_by(|a, b| a.schema < b.schema) {
                return unsound("leaves of a device are missing or not in ascending order");
            }
            for row in rows {
                let schema = used.get_mut(row.schema as usize);
                *schema.ok_or(LeavesError::Unsound("schemas are fewer than it uses"))? = true;
            }
        }
        if used.contains(&false) { unsound("schemas are not all used") } else { Ok(()) }
    }

    /// How many leaves the tree has: the rows and the roster's leaf.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.rows.len() as u32 + 1
    }

    /// The devices, ascending.
    #[must_use]
    pub fn devices(&self) -> &[DeviceId] {
        &self.devices
    }

    /// The schemas, ascending.
    #[must_use]
    pub fn schemas(&self) -> &[SchemaId] {
        &self.schemas
    }

    /// Every row in the order of the tree, from the leaf after the roster's on.
    pub fn places(&self) -> impl Iterator<Item = Place<'_>> {
        (0..self.devices.len()).flat_map(move |device| self.rows_of(device).map(move |row| self.place(device, row)))
    }

    /// The rows of one device; none when it is not in the release.
    pub fn of(&self, device: &DeviceId) -> impl Iterator<Item = Place<'_>> {
        let found = self.devices.binary_search(device).ok();
        found.into_iter().flat_map(move |device| self.rows_of(device).map(move |row| self.place(device, row)))
    }

    /// The row of a device for the schema that starts so.
    #[must_use]
    pub fn find(&self, device: &DeviceId, schema: SchemaPrefix) -> Option<Place<'_>> {
        self.of(device).find(|place| place.schema.prefix() == schema)
    }

    fn rows_of(&self, device: usize) -> Range<usize> {
        let start = if device == 0 { 0 } else { self.ends[device - 1] as usize };
        start..self.ends[device] as usize
    }

    fn place(&self, device: usize, row: usize) -> Place<'_> {
        Place {
            index: row as u32 + 1,
            device: self.devices[device],
            schema: self.schemas[self.rows[row].schema as usize],
            row: &self.rows[row],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(device: u8, schema: u8, manifest: u32) -> CompiledLeaf {
        CompiledLeaf { device: DeviceId([device; 16]), schema: SchemaId([schema; 32]), manifest }
    }

    fn table() -> Leaves {
        Leaves::new(&[leaf(1, 5, 0), leaf(1, 7, 1), leaf(2, 7, 0), leaf(9, 5, 2)])
    }

    #[test]
    fn a_table_reads_back_and_finds_its_rows() {
        let table = Leaves::decode(&table().encode()).unwrap();
        assert_eq!(table, self::table());
        assert_eq!(table.count(), 5);
        let place = table.find(&DeviceId([2; 16]), SchemaPrefix([7; 8])).unwrap();
        assert_eq!((place.index, place.row.manifest), (3, 0));
        assert!(table.find(&DeviceId([2; 16]), SchemaPrefix([5; 8])).is_none());
        assert!(table.find(&DeviceId([3; 16]), SchemaPrefix([5; 8])).is_none());
        let indexes: Vec<u32> = table.places().map(|place| place.index).collect();
        assert_eq!(indexes, [1, 2, 3, 4]);
    }

    #[test]
    fn a_private_object_reads_back() {
        let mut table = table();
        let object = ObjectRef { digest: Digest::of(b"sealed"), size: 6 };
        table.rows[1].private = Some(Box::new(object));
        let back = Leaves::decode(&table.encode()).unwrap();
        assert_eq!(back.find(&DeviceId([1; 16]), SchemaPrefix([7; 8])).unwrap().private(), Some(object));
    }

    #[test]
    fn only_the_one_encoding_is_taken() {
        let mut changed: Vec<(&str, Leaves)> = Vec::new();
        let mut change = |name, edit: fn(&mut Leaves)| {
            let mut table = table();
            edit(&mut table);
            changed.push((name, table));
        };
        change("schemas", |t| t.schemas.swap(0, 1));
        change("unused", |t| t.schemas.push(SchemaId([8; 32])));
        change("devices", |t| t.devices.swap(0, 1));
        change("nobody", |t| t.devices[0] = DeviceId::NONE);
        change("rows", |t| t.rows.swap(0, 1));
        change("twice", |t| t.rows[1].schema = 0);
        change("outside", |t| t.rows[3].schema = 2);
        change("empty", |t| t.ends[1] = 2);
        for (name, table) in changed {
            assert!(Leaves::decode(&table.encode()).is_err(), "{name}");
        }
        let bytes = table().encode();
        assert!(Leaves::decode(&[&bytes[..], &[0]].concat()).is_err());
        for length in 0..bytes.len() {
            assert!(Leaves::decode(&bytes[..length]).is_err(), "{length}");
        }
    }
}
