//! What goes over the wire: polls, answers, reports. The first byte chooses the format.
//!
//! Claims: nothing panics, what decodes has exactly one encoding, and no answer proves anything that no director signed.

#![no_main]

use libfuzzer_sys::fuzz_target;
use steadfast_core::answer::{Answer, Asked, inline};
use steadfast_core::codec;
use steadfast_core::id::FleetId;
use steadfast_core::poll::Poll;
use steadfast_core::report::{Report, ReportBody};
use steadfast_tests::life::Fleet;

fuzz_target!(|bytes: &[u8]| {
    let Some((format, bytes)) = bytes.split_first() else { return };
    let mut buffer = vec![0; bytes.len()];
    match format {
        0 => {
            if let Ok(poll) = Poll::decode(bytes) {
                assert_eq!(codec::encode(&poll, &mut buffer), Ok(bytes));
            }
        }
        1 => {
            let Ok(answer) = Answer::decode(bytes) else { return };
            assert_eq!(codec::encode(&answer, &mut buffer), Ok(bytes));
            let keyring = Fleet::new().keyring(1);
            let asked = Asked { fleet: &FleetId([7; 16]), keyring: &keyring, poll: b"a poll" };
            match answer {
                Answer::Unchanged(signed) => assert!(asked.verify_unchanged(&signed).is_err(), "nobody signed that"),
                Answer::Adopt { assignment, .. } | Answer::Changed { assignment, .. } => {
                    assert!(asked.verify_assignment(&assignment).is_err(), "nobody signed that");
                }
                Answer::Keyring(signed) => {
                    assert!(keyring.verify_next(&FleetId([7; 16]), &signed).is_err(), "nobody signed that");
                }
            }
        }
        2 => {
            if let Ok(body) = ReportBody::decode(bytes) {
                assert_eq!(codec::encode(&body, &mut buffer), Ok(bytes));
            }
        }
        3 => {
            if let Ok(report) = codec::decode::<Report>(bytes) {
                assert_eq!(codec::encode(&report, &mut buffer), Ok(bytes));
            }
        }
        _ => {
            let Some((size, bytes)) = bytes.split_first() else { return };
            let found = inline(bytes, 3, |place| Some(u32::from(*size).wrapping_mul(place as u32 % 5)));
            assert!(found.is_none_or(|object| object.len() == usize::from(*size) * 3));
        }
    }
});
