//! What the reader must refuse: every truncation, every flipped bit, and packs whose parts are each sound but do not belong
//! together.

use std::collections::BTreeMap;

use steadfast_core::digest::Digest;

use super::*;
use crate::release::{build, sample};

fn pack() -> Pack {
    build(&sample::fleet(6, 1, 2000), sample::ISSUE).unwrap()
}

/// The digest at the end, made to fit again: accidents are caught by it, so malice must be caught by the rest.
fn resealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.len() - 32;
    let digest = Digest::of(&bytes[..end]);
    bytes[end..].copy_from_slice(&digest.0);
    bytes
}

#[test]
fn every_truncation_is_refused() {
    let bytes = pack().bytes().to_vec();
    for length in 0..bytes.len() {
        assert!(Pack::parse(bytes[..length].to_vec()).is_err(), "{length}");
    }
    assert!(Pack::parse([&bytes[..], &[0]].concat()).is_err());
}

#[test]
fn every_flipped_bit_is_refused() {
    let bytes = pack().bytes().to_vec();
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(Pack::parse(flipped).is_err(), "bit {bit}");
    }
}

#[test]
fn a_resealed_change_is_refused_or_changes_what_is_signed() {
    let good = pack();
    for bit in 0..(good.bytes().len() - 32) * 8 {
        let mut flipped = good.bytes().to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        if let Ok(other) = Pack::parse(resealed(flipped)) {
            let signed = (other.fleet(), other.digest()) != (good.fleet(), good.digest());
            assert!(signed, "bit {bit} changes nothing that is signed");
        }
    }
}

#[test]
fn every_resealed_truncation_is_refused() {
    let bytes = pack().bytes().to_vec();
    for length in 32..bytes.len() {
        assert!(Pack::parse(resealed(bytes[..length].to_vec())).is_err(), "{length}");
    }
}

/// A sample's parts, encoded after an edit.
fn drafted(edit: impl FnOnce(&mut Vec<Vec<u8>>, &mut BTreeMap<Digest, Vec<u8>>)) -> Result<Pack, PackError> {
    let good = pack();
    let compiled = sample::fleet(6, 1, 2000);
    let (mut manifests, mut objects) = (compiled.manifests, compiled.objects);
    edit(&mut manifests, &mut objects);
    Pack::parse(encode(&Draft {
        fleet: good.fleet(),
        statement: good.statement(),
        roster: &good.roster().encode(),
        leaves: &good.leaves().encode(),
        manifests: &manifests,
        objects: &objects,
    }))
}

#[test]
fn parts_that_do_not_belong_together_are_refused() {
    assert!(drafted(|_, _| {}).is_ok());
    assert!(drafted(|manifests, _| manifests.swap(0, 1)).is_err());
    assert!(drafted(|manifests, _| manifests.push(manifests[0].clone())).is_err());
    assert!(drafted(|manifests, _| drop(manifests.pop())).is_err());
    assert!(drafted(|_, objects| drop(objects.pop_first())).is_err());
    assert!(drafted(|_, objects| drop(objects.insert(Digest::of(b"more"), b"more".to_vec()))).is_err());
    assert!(drafted(|_, objects| objects.first_entry().unwrap().get_mut().push(0)).is_err());
}

#[test]
fn what_is_no_pack_says_so() {
    assert!(matches!(Pack::parse(Vec::new()), Err(PackError::NotAPack)));
    assert!(matches!(Pack::parse(b"PK\x03\x04 a zip file".to_vec()), Err(PackError::NotAPack)));
    let mut later = pack().bytes().to_vec();
    later[7] = 2;
    assert!(matches!(Pack::parse(later), Err(PackError::Version(2))));
    assert!(matches!(Pack::open(Path::new("/nonexistent.pack")), Err(PackError::Unreadable(..))));
}
