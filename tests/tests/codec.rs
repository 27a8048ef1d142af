//! The codec of core against judges that know nothing of it: serde's derive and postcard.
//!
//! For a value of each type that travels or is kept: the bytes are postcard's. For every truncation and every change of one byte of
//! them: what the codec reads is what postcard reads, and it refuses what postcard would not write again.

use std::fmt::Debug;

use serde::{Deserialize, Serialize};
use steadfast_core::answer::{Answer, Assignment, Challenge, Head, Unchanged};
use steadfast_core::codec::{self, Wire};
use steadfast_core::content::{Content, ObjectRef};
use steadfast_core::digest::Digest;
use steadfast_core::envelope::{Envelope, Proof};
use steadfast_core::flash::layout::Slot;
use steadfast_core::id::{ContentId, DeviceId, FirmwareId, FleetId, SchemaId, SchemaPrefix};
use steadfast_core::identity::{Provisioned, Seed};
use steadfast_core::keyring::{Director, Keyring, Role};
use steadfast_core::manifest::{Entry, Flags, Kind, Policy, Reach, Restart, Risk, Settings};
use steadfast_core::outcome::{Detail, Ending, Outcome};
use steadfast_core::poll::{Poll, PollFlags};
use steadfast_core::position::Position;
use steadfast_core::record::{BootRecord, Cause, Rejected, SlotRecord, Stage, Standing, Trial};
use steadfast_core::refusal::Refusal;
use steadfast_core::release::{CommitId, Release};
use steadfast_core::report::{Checks, Refused, Report, ReportBody, TrialState};
use steadfast_core::statement::{PublicKey, Signed};
use steadfast_core::tree::Leaf;

const FAR: Position = Position { epoch: u32::MAX, sequence: 300 };
const CHALLENGE: Challenge = Challenge { issued_seconds: 1_800_000_000, code: [0x80; 8] };
const UNCHANGED: Unchanged = Unchanged { poll_after_seconds: 128, report_wanted: true, challenge: CHALLENGE };
const SIGNED: Signed<'_> = Signed { statement: &[1, 0x80, 3], signatures: &[0xff; 68] };
const PROOF: Proof<'_> = Proof { release: &[5; 100], signatures: &[6; 136], index: 999_999, path: &[7; 640] };

fn object(size: u32) -> ObjectRef {
    ObjectRef { digest: Digest([0x81; 32]), size }
}

fn keyring(director: Director) -> Keyring {
    let role = |threshold, first: u8| Role { threshold, keys: (0..3).map(|n| PublicKey([first + n; 32])).collect() };
    Keyring { version: 129, root: role(2, 1), publisher: role(1, 0x7f), director, publisher_epoch: 7 }
}

fn outcome(ending: Ending) -> Outcome {
    let detail = Detail::try_from("sensor: ± 0 °C").expect("short");
    Outcome { ending, content: ContentId([9; 16]), reason: Refusal::CHECK_FAILED, detail }
}

fn record() -> BootRecord {
    let content = Content { manifest: Digest([1; 32]), private: Some(object(77)) };
    let held = SlotRecord { content, schema: SchemaPrefix([2; 8]), position: FAR, standing: Standing::Prepared };
    let trial = Trial {
        slot: Slot::B,
        stage: Stage::Suspended,
        boots_left: 200,
        unreachable: 1,
        crashed: true,
        spent: false,
        cause: Cause::Repair,
        floor: 128,
    };
    let rejected = Rejected { content: [3; 8], firmware: [4; 4], reason: Refusal(300) };
    BootRecord {
        generation: 70_000,
        a: Some(held),
        b: None,
        confirmed: Some(Slot::A),
        trial: Some(trial),
        rejected: [rejected; 2].into_iter().collect(),
        outcome: outcome(Ending::RecordLost),
        ..BootRecord::new(keyring(Director::Heads([PublicKey([8; 32])].into_iter().collect())), FAR)
    }
}

fn report(trial: TrialState) -> Report {
    Report {
        challenge: CHALLENGE,
        running: ContentId([1; 16]),
        confirmed: ContentId::NONE,
        schema: SchemaPrefix([2; 8]),
        firmware: FirmwareId([3; 8]),
        accepted: FAR,
        floor: Position::ZERO,
        keyring_version: 4,
        trial,
        outcome: outcome(Ending::Inconclusive),
        checks: Checks { passed: 0x8001, failed: 2 },
        refused: Some(Refused { content: ContentId([5; 16]), reason: Refusal::READ_BACK }),
        stale: true,
    }
}

/// What postcard reads, provided that it would write the same bytes again.
fn judged<'a, T: Deserialize<'a> + Serialize>(bytes: &'a [u8]) -> Result<T, Refusal> {
    let value: T = postcard::from_bytes(bytes).map_err(|_| Refusal::MALFORMED)?;
    let again = postcard::to_extend(&value, Vec::new()).map_err(|_| Refusal::MALFORMED)?;
    if again == bytes { Ok(value) } else { Err(Refusal::MALFORMED) }
}

/// Compares the codec with its judges on one value and everything near it.
macro_rules! judge {
    ($type:ty, $($value:expr),+ $(,)?) => {
        $({
            let value: $type = $value;
            let bytes = encoded(&value);
            for near in near(&bytes) {
                assert_eq!(codec::decode::<$type>(&near), judged::<$type>(&near), "{near:02x?}");
            }
            assert_eq!(codec::decode::<$type>(&bytes), Ok(value));
        })+
    };
}

fn encoded<'a, T: Wire<'a> + Serialize + Debug>(value: &T) -> Vec<u8> {
    let mut buffer = [0; 4096];
    let bytes = codec::encode(value, &mut buffer).expect("the buffer is large");
    assert_eq!(bytes, postcard::to_extend(value, Vec::new()).expect("a vector takes every byte"), "{value:?}");
    let short = &mut [0; 4096][..bytes.len() - 1];
    assert_eq!(codec::encode(value, short), Err(Refusal::TOO_LARGE));
    bytes.to_vec()
}

/// Every truncation, one byte more, and every change of one byte among the first 300 to a few telling others.
fn near(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = (0..bytes.len()).map(|length| bytes[..length].to_vec()).collect();
    all.push([bytes, &[0]].concat());
    for place in 0..bytes.len().min(300) {
        for other in (0..=8).chain([0x20, 0x7f, 0x80, 0x81, 0xc3, 0xff]) {
            let mut changed = bytes.to_vec();
            changed[place] = other;
            all.push(changed);
        }
    }
    all
}

#[test]
fn what_travels_is_postcard_and_nothing_else_is_taken() {
    judge!(Signed<'_>, SIGNED);
    judge!(Keyring, keyring(Director::None), keyring(Director::Assignments(heapless::Vec::new())));
    for commit in [CommitId::Sha1([0xc1; 20]), CommitId::Sha256([0xc2; 32])] {
        let root = Digest([0xd0; 32]);
        judge!(Release, Release { publisher_epoch: 1, sequence: 128, floor: 127, commit, leaves: 1 << 24, root });
    }
    let (device, schema, manifest) = (DeviceId([1; 16]), SchemaId([2; 32]), Digest([3; 32]));
    judge!(
        Leaf,
        Leaf { device, schema, manifest, private: None },
        Leaf { device, schema, manifest, private: Some(object(500)) }
    );
    judge!(Envelope<'_>, Envelope { proof: PROOF, private: Some(object(128)), manifest: &[4; 200] });
    judge!(Assignment, Assignment { release: Digest([5; 32]), unchanged: UNCHANGED });
    judge!(Head, Head { counter: u64::MAX, release: Digest([6; 32]), not_after: Some(1 << 40) });
    judge!(
        Answer<'_>,
        Answer::Unchanged(SIGNED),
        Answer::Adopt { assignment: SIGNED, proof: PROOF },
        Answer::Changed { assignment: SIGNED, envelope: &[7; 300], inline: &[0, 1, 2] },
        Answer::Keyring(SIGNED),
    );
}

#[test]
fn what_a_device_says_is_postcard_and_nothing_else_is_taken() {
    judge!(
        Poll,
        Poll {
            format: 1,
            device: DeviceId([0xfe; 16]),
            keyring_version: 128,
            schema: SchemaPrefix([2; 8]),
            running: ContentId([3; 16]),
            accepted: FAR,
            nonce: [0xff; 8],
            flags: PollFlags::SIGNED.with(PollFlags::PREPARING),
            refused: Some([1, 2, 3, 4]),
        }
    );
    let content = ContentId([0xaa; 16]);
    judge!(
        Report,
        report(TrialState::None),
        report(TrialState::Staged(content)),
        report(TrialState::Running(content)),
        report(TrialState::Asking(content)),
        report(TrialState::Suspended(content)),
    );
    judge!(ReportBody<'_>, ReportBody { device: DeviceId([1; 16]), statement: &[2; 130], signature: &[3; 68] });
}

#[test]
fn what_is_kept_is_postcard_and_nothing_else_is_taken() {
    judge!(BootRecord, record(), BootRecord::new(keyring(Director::None), Position::ZERO));
    judge!(
        Provisioned,
        Provisioned {
            fleet: FleetId([1; 16]),
            device: DeviceId([2; 16]),
            seed: Seed([3; 32]),
            keyring: keyring(Director::None),
            floor: FAR,
            server: heapless::String::try_from("10.0.2.2:8440").expect("short"),
        }
    );
    judge!(Settings, Settings { poll_seconds: 60, freshness_seconds: 3600, lost_contact_seconds: 0, attempt: 1 });
    judge!(Policy, Policy { reach: Reach::None, trial_seconds: 300, boots: 255 });
    for kind in [Kind::Config(object(1)), Kind::Private, Kind::File(object(1 << 31))] {
        judge!(Entry<'_>, Entry { section: "network", kind, flags: Flags::new(Restart::Device, Risk::Safety) });
    }
}
