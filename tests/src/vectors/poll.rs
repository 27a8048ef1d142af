//! Polls.

use steadfast_core::id::ContentId;
use steadfast_core::poll::{FORMAT, Poll, PollFlags};
use steadfast_core::position::Position;
use steadfast_core::refusal::Refusal;

use super::cast::{DEVICE, SCHEMA, encode, longer, overlong, replaced, shorter};
use super::{Vector, hex};

/// The poll of a device that has accepted sequence 40.
pub(super) fn poll() -> Poll {
    Poll {
        format: FORMAT,
        device: DEVICE,
        keyring_version: 1,
        schema: SCHEMA.prefix(),
        running: ContentId(*b"what is running."),
        accepted: Position { epoch: 3, sequence: 40 },
        nonce: *b"a nonce.",
        flags: PollFlags::SIGNED,
        refused: None,
    }
}

/// Vectors of polls.
pub(super) fn vectors() -> Vec<Vector> {
    let whole = encode(&poll());
    let last = whole.len() - 1;
    let bad = |name, bytes: &[u8], refusal| Vector::bad("poll", name, bytes, refusal);
    let first = Poll {
        running: ContentId::NONE,
        accepted: Position::ZERO,
        flags: PollFlags::default(),
        keyring_version: 0,
        ..poll()
    };
    let far = Position { epoch: u32::MAX, sequence: u32::MAX };
    let flags = PollFlags::SIGNED.with(PollFlags::PREPARING);
    let largest = Poll { keyring_version: u32::MAX, accepted: far, flags, refused: Some([0xFF; 4]), ..poll() };
    vec![
        good("an ordinary one", &poll()),
        good("nothing intact, nothing accepted", &first),
        good("something refused", &Poll { refused: Some(*b"nope"), ..poll() }),
        good("the largest numbers", &largest),
        bad("an over-long keyring version", &overlong(&whole, 17), Refusal::MALFORMED),
        bad("a number above 32 bits", &wide(&whole), Refusal::MALFORMED),
        bad("an option that is neither absent nor present", &replaced(&whole, last, 2), Refusal::MALFORMED),
        bad("a byte behind it", &longer(&whole), Refusal::MALFORMED),
        bad("cut off", &shorter(&whole), Refusal::MALFORMED),
        bad("longer than 80 bytes", &[&whole[..], &[0; 40]].concat(), Refusal::TOO_LARGE),
    ]
}

/// The keyring version as 2^32.
fn wide(whole: &[u8]) -> Vec<u8> {
    [&whole[..17], &[0x80, 0x80, 0x80, 0x80, 0x10], &whole[18..]].concat()
}

fn good(name: &str, poll: &Poll) -> Vector {
    Vector::good("poll", name, &encode(poll))
        .gives("format", poll.format)
        .gives("device", hex(&poll.device.0))
        .gives("keyring_version", poll.keyring_version)
        .gives("schema", hex(&poll.schema.0))
        .gives("running", hex(&poll.running.0))
        .gives("accepted", vec![poll.accepted.epoch, poll.accepted.sequence])
        .gives("nonce", hex(&poll.nonce))
        .gives("signed", poll.flags.has(PollFlags::SIGNED))
        .gives("preparing", poll.flags.has(PollFlags::PREPARING))
        .gives("refused", poll.refused.map(|refused| hex(&refused)))
}
