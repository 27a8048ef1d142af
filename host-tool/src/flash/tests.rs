//! What is flashed is what a device would have taken, and nothing else.

use std::fs;

use steadfast_core::outcome::Outcome;
use steadfast_core::refusal::Refusal;

use super::*;
use crate::keys::{Plan, Planned, Purpose, RolePlan, Signer};
use crate::release::{build, sample};
use crate::sign;

const BOARD: &str = "
[flash]
bytes = 0x20000
erase_bytes = 4096
[flash.identity]
offset = 0
bytes = 4096
[flash.record]
offset = 4096
bytes = 8192
[flash.slot_a]
offset = 0x4000
bytes = 0x4000
[flash.slot_b]
offset = 0x8000
bytes = 0x4000
";

fn board(text: &str) -> Result<Board, BoardError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("board.toml");
    fs::write(&path, text).unwrap();
    Board::load(&path)
}

fn planned() -> Planned {
    let one = RolePlan { make: 1, known: Vec::new(), threshold: 1 };
    Plan { fleet: sample::ISSUE.fleet, root: one.clone(), publisher: one.clone(), director: one }.carry_out().unwrap()
}

fn identity(planned: &Planned, number: u32) -> Provisioned {
    Provisioned {
        fleet: sample::ISSUE.fleet,
        device: sample::device(number),
        seed: sample::seed(number),
        keyring: planned.chain.newest().clone(),
        floor: Position::ZERO,
        server: "10.0.2.2:8440".parse().unwrap(),
    }
}

fn signed(planned: &Planned) -> (Pack, Vec<u8>) {
    let pack = build(&sample::compiled(5), sample::ISSUE).unwrap();
    let publisher = planned.keys.iter().find(|(_, key)| key.purpose() == Purpose::Publisher).unwrap();
    let signatures = sign::sign(&pack, [&publisher.1 as &dyn Signer]).unwrap();
    (pack, signatures)
}

#[test]
fn a_flashed_device_starts_with_its_own_confirmed_configuration() {
    let (planned, board) = (planned(), board(BOARD).unwrap());
    let (pack, signatures) = signed(&planned);
    let identity = identity(&planned, 3);
    let first = First { pack: &pack, signatures: &signatures, schema: None };
    let mut image = blank(&board);
    let schema = write(&Job { board: &board, identity: &identity, first: Some(first) }, &mut image).unwrap();
    assert_eq!(schema, Some(sample::SCHEMA));
    assert_eq!(Provisioned::decode(image.bytes()), Ok(identity));

    let (_, record) = block_on(RecordStore::load(&mut image, &board.layout, &mut [0; RECORD_BYTES])).unwrap();
    let record = record.unwrap();
    assert_eq!((record.confirmed, record.accepted), (Some(Slot::A), pack.release().position()));
    let held = record.a.unwrap();
    let place = pack.leaves().find(&sample::device(3), sample::SCHEMA.prefix()).unwrap();
    assert_eq!(held.content, pack.content(&place));
    let mut store = Store { flash: &mut image, layout: &board.layout, chunk: &mut [0; CHUNK_BYTES] };
    assert!(block_on(store.read_back(Slot::A, &held.content)).is_some());
}

#[test]
fn what_the_device_would_refuse_is_not_flashed() {
    let (planned, board) = (planned(), board(BOARD).unwrap());
    let (pack, mut signatures) = signed(&planned);
    let flash = |signatures: &[u8], number| {
        let first = First { pack: &pack, signatures, schema: None };
        write(&Job { board: &board, identity: &identity(&planned, number), first: Some(first) }, &mut blank(&board))
    };
    assert!(matches!(flash(&signatures, 9), Err(FlashError::NotInRelease { sequence: 1, schema: None })));
    signatures[20] ^= 1;
    assert!(matches!(flash(&signatures, 3), Err(FlashError::Refused(Refusal::BAD_SIGNATURE))));
}

#[test]
fn an_image_of_another_size_and_a_flashed_one_are_told() {
    let board = board(BOARD).unwrap();
    let wrong = existing(&board, vec![0xFF; 0x1FFFF]).unwrap_err();
    assert!(wrong.to_string().contains("131071 bytes"), "{wrong}");
    let mut image = existing(&board, vec![0xFF; 0x20000]).unwrap();
    assert!(require_free(&board, &image, sample::device(1)).is_ok());
    write(&Job { board: &board, identity: &identity(&planned(), 1), first: None }, &mut image).unwrap();
    assert!(matches!(require_free(&board, &image, sample::device(1)), Err(FlashError::Own)));
    let other = require_free(&board, &image, sample::device(2)).unwrap_err().to_string();
    assert!(other.contains(&sample::device(1).to_string()), "{other}");
}

#[test]
fn a_device_without_a_first_configuration_has_not_lost_a_record() {
    let (planned, board) = (planned(), board(BOARD).unwrap());
    let identity = Provisioned { floor: Position { epoch: 3, sequence: 0 }, ..identity(&planned, 1) };
    let mut image = blank(&board);
    write(&Job { board: &board, identity: &identity, first: None }, &mut image).unwrap();
    let (_, record) = block_on(RecordStore::load(&mut image, &board.layout, &mut [0; RECORD_BYTES])).unwrap();
    let record = record.unwrap();
    assert_eq!((record.confirmed, record.floor, record.outcome), (None, identity.floor, Outcome::none()));
    assert_eq!(record.keyring, identity.keyring);
}

#[test]
fn what_lies_outside_the_regions_stays() {
    let board = board(BOARD).unwrap();
    let mut bytes = vec![0xFF; 0x20000];
    bytes[0xC000..].fill(0x5A);
    let mut image = existing(&board, bytes).unwrap();
    write(&Job { board: &board, identity: &identity(&planned(), 1), first: None }, &mut image).unwrap();
    assert!(image.bytes()[0xC000..].iter().all(|byte| *byte == 0x5A));
}

#[test]
fn a_misspelt_key_is_told_by_name() {
    for (from, to) in
        [("erase_bytes = 4096", "erase_bytes = 4096\nerase_byte = 0"), ("offset = 0x4000", "offest = 0x4000")]
    {
        let error = board(&BOARD.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.contains("erase_byte`") || error.contains("offest"), "{error}");
    }
    for known in ["linux-gateway", "qemu-riscv-virt"] {
        let path = format!("{}/../boards/{known}/board.toml", env!("CARGO_MANIFEST_DIR"));
        Board::load(path.as_ref()).unwrap();
    }
}

#[test]
fn regions_that_do_not_go_together_are_told_by_name() {
    for (from, to, told) in [
        ("offset = 0x8000", "offset = 0x7000", "flash.slot_a and flash.slot_b overlap"),
        ("offset = 0x8000", "offset = 0x1E000", "flash.slot_b ends beyond"),
        ("bytes = 8192", "bytes = 4096", "takes two or three"),
        ("offset = 4096", "offset = 4097", "flash.record must be whole erase blocks"),
        ("bytes = 0x20000", "bytes = 0xFFFFFFFF", "more than"),
    ] {
        let error = board(&BOARD.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
}
