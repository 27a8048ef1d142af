//! What a server or a co-signer is handed: packs, rosters, leaf tables, keyring files. The first byte chooses.
//!
//! Claims: nothing panics, and what decodes has exactly one encoding.

#![no_main]

use libfuzzer_sys::fuzz_target;
use steadfast::keys::KeyringFile;
use steadfast::pack::{MAGIC, Pack};
use steadfast::release::leaves::Leaves;
use steadfast::release::roster::Roster;
use steadfast_core::digest::Digest;

fuzz_target!(|bytes: &[u8]| {
    let Some((format, bytes)) = bytes.split_first() else { return };
    match format {
        0 => {
            // Magic and checksum are given: guessing them finds nothing.
            let mut pack = MAGIC.to_vec();
            pack.extend_from_slice(bytes);
            let check = Digest::of(&pack);
            pack.extend_from_slice(&check.0);
            let _ = Pack::parse(pack);
        }
        1 => {
            if let Ok(roster) = Roster::decode(bytes) {
                assert_eq!(roster.encode(), bytes);
            }
        }
        2 => {
            if let Ok(leaves) = Leaves::decode(bytes) {
                assert_eq!(leaves.encode(), bytes);
            }
        }
        _ => {
            if let Ok(file) = KeyringFile::decode(bytes) {
                assert_eq!(file.encode(), bytes);
            }
        }
    }
});
