//! Reports, as a server takes them.

use steadfast_core::answer::Challenge;
use steadfast_core::id::{ContentId, DeviceId, FirmwareId};
use steadfast_core::outcome::{Ending, Outcome};
use steadfast_core::position::Position;
use steadfast_core::refusal::Refusal;
use steadfast_core::report::{Checks, Refused, Report, ReportBody, TrialState};
use steadfast_core::statement::Kind;

use super::cast::{
    DEVICE, FLEET, OTHER_FLEET, SCHEMA, encode, flipped, key, longer, overlong, shorter, sign, sign_for,
};
use super::{Vector, hex};

const RUNNING: ContentId = ContentId(*b"what is running.");
const TRIED: ContentId = ContentId(*b"what was tried..");

fn report() -> Report {
    Report {
        challenge: Challenge { issued_seconds: 1_800_000_000, code: [0xC1; 8] },
        running: RUNNING,
        confirmed: RUNNING,
        schema: SCHEMA.prefix(),
        firmware: FirmwareId(*b"1.2.3\0\0\0"),
        accepted: Position { epoch: 3, sequence: 40 },
        floor: Position { epoch: 3, sequence: 30 },
        keyring_version: 1,
        trial: TrialState::None,
        outcome: Outcome::none(),
        checks: Checks { passed: 0b11, failed: 0 },
        refused: None,
        stale: false,
    }
}

/// A device that went back, and says why with the longest words there are.
fn rolled_back() -> Report {
    let detail = "sensor: cannot sample as often as 10 ms.".try_into().expect("it fits");
    let outcome = Outcome { ending: Ending::RolledBack, content: TRIED, reason: Refusal::CHECK_FAILED, detail };
    let refused = Some(Refused { content: TRIED, reason: Refusal::REJECTED_BEFORE });
    Report { outcome, refused, stale: true, checks: Checks { passed: 0x8001, failed: 0x7FFE }, ..report() }
}

fn body(statement: &[u8], signature: &[u8]) -> Vec<u8> {
    encode(&ReportBody { device: DEVICE, statement, signature })
}

fn signed(statement: &[u8]) -> Vec<u8> {
    body(statement, &sign(Kind::Report, &DEVICE.0, statement, &["device"]))
}

fn known(vector: Vector) -> Vector {
    vector.with("fleet", hex(&FLEET.0)).with("device_key", hex(&key("device").0))
}

fn good(name: &str, report: &Report) -> Vector {
    let outcome = &report.outcome;
    let trial = match report.trial {
        TrialState::None => ("none", None),
        TrialState::Staged(content) => ("staged", Some(content)),
        TrialState::Running(content) => ("running", Some(content)),
        TrialState::Asking(content) => ("asking", Some(content)),
        TrialState::Suspended(content) => ("suspended", Some(content)),
    };
    let vector = Vector::good("report", name, &signed(&encode(report)))
        .gives("device", hex(&DEVICE.0))
        .gives("challenge", hex(&encode(&report.challenge)))
        .gives("running", hex(&report.running.0))
        .gives("accepted", vec![report.accepted.epoch, report.accepted.sequence])
        .gives("floor", vec![report.floor.epoch, report.floor.sequence])
        .gives("trial", trial.0)
        .gives("trial_content", trial.1.map(|content| hex(&content.0)))
        .gives("ending", outcome.ending as u8)
        .gives("reason", outcome.reason.0)
        .gives("detail", outcome.detail.as_str())
        .gives("checks", vec![report.checks.passed, report.checks.failed])
        .gives("refused", report.refused.map(|refused| refused.reason.0))
        .gives("stale", report.stale);
    known(vector)
}

/// Vectors of reports.
pub(super) fn vectors() -> Vec<Vector> {
    let with = |trial| Report { trial, ..report() };
    let mut vectors = vec![
        good("all is well", &report()),
        good("rolled back, with words", &rolled_back()),
        good("a reason that nobody knows yet", &unknown_reason()),
        good("staged", &with(TrialState::Staged(TRIED))),
        good("on trial", &with(TrialState::Running(TRIED))),
        good("asking", &with(TrialState::Asking(TRIED))),
        good("suspended", &with(TrialState::Suspended(TRIED))),
    ];
    vectors.extend(bad());
    vectors
}

fn unknown_reason() -> Report {
    let outcome = Outcome { reason: Refusal(9999), ..rolled_back().outcome };
    Report { outcome, ..report() }
}

fn bad() -> Vec<Vector> {
    let statement = encode(&report());
    let right = sign(Kind::Report, &DEVICE.0, &statement, &["device"]);
    let case = |name, bytes: &[u8], refusal| known(Vector::bad("report", name, bytes, refusal));
    let signed_otherwise = |name, signature: Vec<u8>, refusal| case(name, &body(&statement, &signature), refusal);
    let other_device = sign(Kind::Report, &DeviceId([0x22; 16]).0, &statement, &["device"]);
    let other_fleet = sign_for(&OTHER_FLEET, Kind::Report, &DEVICE.0, &statement, &["device"]);
    let as_release = sign(Kind::Release, &DEVICE.0, &statement, &["device"]);
    let long = encode(&rolled_back());
    let words = long.windows(7).position(|bytes| bytes == b"sensor:").expect("the words are there");
    let too_long_words = [&long[..words - 1], &[41], b"x", &long[words..]].concat();
    let malformed = Refusal::MALFORMED;
    vec![
        signed_otherwise("signed with another key", sign(Kind::Report, &DEVICE.0, &statement, &["nobody"]), FEW),
        signed_otherwise("not signed", Vec::new(), FEW),
        signed_otherwise("signed as another device", other_device, Refusal::BAD_SIGNATURE),
        signed_otherwise("signed for another fleet", other_fleet, Refusal::BAD_SIGNATURE),
        signed_otherwise("signed as a release", as_release, Refusal::BAD_SIGNATURE),
        signed_otherwise("a flipped bit of the signature", flipped(&right, 50), Refusal::BAD_SIGNATURE),
        signed_otherwise("a signature cut off", shorter(&right), malformed),
        case("a byte behind the body", &longer(&body(&statement, &right)), malformed),
        case("a byte behind the statement", &signed(&longer(&statement)), malformed),
        case("an over-long number in the statement", &signed(&overlong(&statement, statement.len() - 4)), malformed),
        case("words of 41 bytes", &signed(&too_long_words), malformed),
        case("longer than 420 bytes", &[&body(&statement, &right)[..], &[0; 420]].concat(), Refusal::TOO_LARGE),
    ]
}

const FEW: Refusal = Refusal::TOO_FEW_SIGNATURES;
