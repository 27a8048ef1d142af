//! What a device finds in its own flash: identity, record, slots. Nobody vouches for a byte of it.
//!
//! Claims: nothing panics, a copy of a record has one encoding, a slot is intact only if it holds what the record says.

#![no_main]

use embassy_futures::block_on;
use libfuzzer_sys::fuzz_target;
use steadfast_core::flash::record::{RECORD_BYTES, RecordStore};
use steadfast_core::identity::Provisioned;
use steadfast_core::record::BootRecord;
use steadfast_tests::flash::{INTERNAL, Internal};

fuzz_target!(|bytes: &[u8]| {
    let Some((format, bytes)) = bytes.split_first() else { return };
    match format {
        0 => {
            let Ok(identity) = Provisioned::decode(bytes) else { return };
            let mut buffer = vec![0; bytes.len()];
            assert!(identity.encode(&mut buffer).is_ok_and(|encoded| bytes.starts_with(encoded)));
        }
        1 => {
            let mut copy = [0xff; RECORD_BYTES];
            copy.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
            let Some(record) = BootRecord::decode_copy(&copy) else { return };
            let mut again = [0xff; RECORD_BYTES];
            record.encode_copy(&mut again).expect("what was read can be written");
            assert_eq!(again, copy);
        }
        _ => {
            let mut flash = Internal::new(INTERNAL);
            let kept = bytes.len().min(flash.image.size());
            flash.image.put(0, &bytes[..kept]);
            let mut work = [0; RECORD_BYTES];
            let _ = block_on(RecordStore::load(&mut flash, &INTERNAL.layout, &mut work));
            assert!(flash.image.sins.is_empty(), "{:?}", flash.image.sins);
        }
    }
});
