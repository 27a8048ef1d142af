//! What a change costs on the wire: the bodies of poll and answer, without HTTP headers. The figures are printed.

use std::collections::BTreeMap;

use super::*;
use crate::serve::answer::Question;
use crate::serve::challenge::Challenger;
use crate::serve::told::Told;
use crate::serve::world::{Newest, Shelf};

/// Now, for challenges: a time whose encoding has the length of today's.
const NOW_SECONDS: u64 = 1_800_000_000;

/// A world in which a fleet went from one release to the next, with one field changed.
fn world(fleet: &Fleet, before: &Pack, devices: u32) -> World {
    let after = build(&sample::fleet(devices, 1_000_001, 3000), sample::ISSUE).unwrap();
    let mut shelf = Shelf::default();
    shelf.add(before);
    shelf.add(&after);
    let director = fleet.planned.keys.iter().find(|(_, key)| key.purpose() == Purpose::Director).unwrap().1.clone();
    let signatures = fleet.sign(&after);
    World {
        challenger: Challenger::new(director.seed()),
        director,
        chain: Arc::new(fleet.planned.chain.clone()),
        newest: Some(Arc::new(Newest::new(after, signatures))),
        floors: Arc::new(BTreeMap::new()),
        shelf: Arc::new(shelf),
    }
}

/// Bytes of the answer to a device that runs the first release, and of its poll.
fn one_field(devices: u32) -> (usize, usize) {
    let fleet = Fleet::new();
    // Two devices have all the configurations that the whole fleet had.
    let before = build(&sample::fleet(2, 1_000_000, 2000), sample::ISSUE).unwrap();
    let world = world(&fleet, &before, devices);
    let mut device = Device::new(1);
    device.running = before.content(&before.leaves().of(&device.id()).next().unwrap()).id();
    device.accepted = Position { epoch: 1, sequence: 1_000_000 };
    let poll = device.poll();
    let told = Told::new(&device.report(world.challenger.issue(device.id(), NOW_SECONDS, 0)));
    let decoded = Poll::decode(&poll).unwrap();
    let question = Question { bytes: &poll, poll: &decoded, told: Some(&told), now_seconds: NOW_SECONDS };
    let answer = world.answer(&question);
    device.take(fleet.keyring(), &poll, &answer);
    (poll.len(), answer.len())
}

#[test]
fn one_changed_field_at_40_devices_costs_at_most_1126_bytes() {
    let (poll, answer) = one_field(40);
    println!("one changed field, 40 devices: poll {poll} bytes, answer {answer} bytes");
    assert!(poll <= 64 && answer <= 1126 - 64, "{poll} {answer}");
}

#[test]
fn one_changed_field_at_50_000_devices_leaves_room_for_a_million() {
    let (poll, answer) = one_field(50_000);
    // 2^16 leaves have 16 hashes in a path, 2^20 have 20; index and number of leaves stay within three bytes each.
    let million = answer + 4 * 32;
    println!("one changed field, 50,000 devices: answer {answer} bytes; 1,000,000 devices: {million} bytes");
    assert!(poll <= 64 && million <= 1433 - 64, "{poll} {million}");
}
