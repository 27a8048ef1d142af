//! Schemas: a firmware's description, the ELF file that holds it, the text that a person writes. The first byte chooses.
//!
//! Claims: nothing panics; a description that decodes has one encoding.

#![no_main]

use libfuzzer_sys::fuzz_target;
use steadfast::schema::{self, Schema};

fuzz_target!(|bytes: &[u8]| {
    let Some((format, bytes)) = bytes.split_first() else { return };
    match format {
        0 => {
            if let Ok(schema) = Schema::decode(bytes) {
                assert_eq!(schema.encode(), bytes);
            }
        }
        1 => _ = schema::from_file("fuzz", bytes),
        _ => {
            let Ok(text) = std::str::from_utf8(bytes) else { return };
            _ = schema::from_toml(text, "fuzz");
        }
    }
});
