//! Names, ids and keys that only one device of a fleet may have.
//!
//! An index holds the places of rows and no copies of what it finds them by, so that the one of a large fleet fits into the
//! processor's cache.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::inventory::Row;

/// What no other row may have, as bytes.
pub(super) type Unique = fn(&Row) -> Option<&[u8]>;

pub(super) fn name_of(row: &Row) -> Option<&[u8]> {
    Some(row.name.as_bytes())
}

pub(super) fn id_of(row: &Row) -> Option<&[u8]> {
    Some(&row.id.0)
}

pub(super) fn key_of(row: &Row) -> Option<&[u8]> {
    row.public_key.as_ref().map(|key| &key[..])
}

/// Finds rows by what is to be unique.
#[derive(Default)]
pub(super) struct Index {
    hasher: DefaultHashBuilder,
    places: HashTable<u32>,
}

impl Index {
    /// Makes room for so many more rows.
    pub(super) fn reserve(&mut self, more: usize, (rows, of): (&[Row], Unique)) {
        self.places.reserve(more, |place| hash(&self.hasher, &rows[*place as usize], of));
    }

    /// The row that agrees with this one in what `of` takes from both.
    pub(super) fn find<'r>(&self, rows: &'r [Row], row: &Row, of: Unique) -> Option<&'r Row> {
        let value = of(row)?;
        let same = |place: &u32| of(&rows[*place as usize]) == Some(value);
        self.places.find(hash(&self.hasher, row, of), same).map(|place| &rows[*place as usize])
    }

    /// Enters the last row.
    pub(super) fn add_last(&mut self, rows: &[Row], of: Unique) {
        let Some(row) = rows.last().filter(|row| of(row).is_some()) else { return };
        let again = |place: &u32| hash(&self.hasher, &rows[*place as usize], of);
        self.places.insert_unique(hash(&self.hasher, row, of), rows.len() as u32 - 1, again);
    }
}

fn hash(hasher: &DefaultHashBuilder, row: &Row, of: Unique) -> u64 {
    hasher.hash_one(of(row))
}

#[cfg(test)]
mod tests {
    use crate::diagnostics::{Code, FileId, Findings};
    use crate::fleet::inventory::Inventory;

    fn file(devices: std::ops::Range<u32>) -> String {
        devices.fold("device,name,model\n".to_owned(), |text, device| format!("{text}{device:032x},d{device},sensor\n"))
    }

    #[test]
    fn every_repetition_is_found_while_the_index_grows() {
        let mut findings = Findings::default();
        let mut inventory = Inventory::new(&mut findings);
        inventory.csv(FileId(0), &file(1..700));
        inventory.csv(FileId(1), &file(600..5_000));
        inventory.csv(FileId(2), &file(1..5_000));
        assert_eq!(inventory.rows.len(), 4_999);
        assert_eq!(findings.codes(), vec![Code::DuplicateDevice; 100 + 4_999]);
    }
}
