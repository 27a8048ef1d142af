//! What is signed, and what proves it: keyrings, releases, envelopes, manifests. The first byte chooses the format.
//!
//! Claims: nothing panics; what decodes has exactly one encoding; nothing that was not signed verifies.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use steadfast_core::envelope::Envelope;
use steadfast_core::id::FleetId;
use steadfast_core::keyring::Keyring;
use steadfast_core::manifest::Manifest;
use steadfast_core::release::Release;
use steadfast_core::statement::Signed;
use steadfast_core::{codec, tree};
use steadfast_tests::life::Fleet;

/// Its keys are made once.
static KEYRING: LazyLock<Keyring> = LazyLock::new(|| Fleet::new().keyring(1));

fuzz_target!(|bytes: &[u8]| {
    let Some((format, bytes)) = bytes.split_first() else { return };
    let mut buffer = vec![0; bytes.len()];
    match format {
        0 => {
            if let Ok(keyring) = Keyring::decode(bytes) {
                assert_eq!(codec::encode(&keyring, &mut buffer), Ok(bytes));
            }
        }
        1 => {
            if let Ok(release) = Release::decode(bytes) {
                assert_eq!(codec::encode(&release, &mut buffer), Ok(bytes));
            }
        }
        2 => {
            let Ok(envelope) = codec::decode::<Envelope<'_>>(bytes) else { return };
            assert_eq!(codec::encode(&envelope, &mut buffer), Ok(bytes));
        }
        3 => {
            let Ok(manifest) = Manifest::parse(bytes) else { return };
            assert!(manifest.objects().count() <= usize::from(u8::MAX));
            assert!(manifest.checks().all(|check| !check.is_empty()));
        }
        4 => {
            let Some((count, path)) = bytes.split_first_chunk::<8>() else { return };
            let [index, leaves] = [0, 4].map(|at| u32::from_le_bytes(std::array::from_fn(|byte| count[at + byte])));
            let leaf = steadfast_core::digest::Digest::of(b"leaf");
            if tree::root(leaf, index, leaves, path).is_ok() {
                assert!(index < leaves && path.len() <= 32 * 24);
            }
        }
        _ => {
            let Ok(signed) = codec::decode::<Signed<'_>>(bytes) else { return };
            assert!(KEYRING.verify_next(&FleetId([7; 16]), &signed).is_err(), "nobody signed that");
        }
    }
});
