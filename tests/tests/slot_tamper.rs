//! A slot against wrong bytes: from the source, and at rest.

use embassy_futures::block_on;
use steadfast_core::content::ObjectRef;
use steadfast_core::flash::layout::Slot;
use steadfast_core::flash::slot::{Intact, Store};
use steadfast_core::flash::stage::{ObjectSource, Target};
use steadfast_core::refusal::Refusal;
use steadfast_tests::figures::tell;
use steadfast_tests::flash::{INTERNAL, Internal};
use steadfast_tests::samples::{Configuration, bytes, reference};

/// What a source does wrong.
#[derive(Clone, Copy)]
enum Fault {
    None,
    /// It flips one bit of this byte of this object.
    Flip {
        index: usize,
        byte: usize,
    },
    /// It has no bytes of this object from here on.
    Ends {
        index: usize,
        byte: usize,
    },
    /// It hands out erased bytes of this object from one byte on, and breaks off at another.
    Blanks {
        index: usize,
        from: usize,
        end: usize,
    },
    /// It claims more than it was asked for.
    Boasts,
    /// It never hands out more than so many bytes.
    Trickles(usize),
}

struct Source<'a>(&'a Configuration, Fault);

impl ObjectSource for Source<'_> {
    async fn read(&mut self, index: usize, _: ObjectRef, offset: u32, buffer: &mut [u8]) -> Result<usize, Refusal> {
        let (offset, bytes) = (offset as usize, self.0.bytes(index));
        let end = match self.1 {
            Fault::Ends { index: bad, byte: end } | Fault::Blanks { index: bad, end, .. } if bad == index => end,
            _ => bytes.len(),
        };
        let most = if let Fault::Trickles(most) = self.1 { most } else { buffer.len() };
        let count = buffer.len().min(end.saturating_sub(offset)).min(most);
        buffer[..count].copy_from_slice(&bytes[offset..offset + count]);
        match self.1 {
            Fault::Flip { index: bad, byte } if bad == index && (offset..offset + count).contains(&byte) => {
                buffer[byte - offset] ^= 1 << (byte % 8);
            }
            Fault::Blanks { index: bad, from, .. } if bad == index => {
                let honest = from.saturating_sub(offset).min(count);
                buffer[honest..count].fill(INTERNAL.layout.erased);
            }
            Fault::Boasts => return Ok(count + 1),
            _ => {}
        }
        Ok(count)
    }
}

fn configuration() -> Configuration {
    let objects = [("alarms", bytes(1, 40)), ("network", bytes(2, 2500)), ("sampling", bytes(3, 777))];
    Configuration::new(&objects, Some(bytes(4, 300)))
}

/// The places of its objects, and how long they are.
fn objects(configuration: &Configuration) -> impl Iterator<Item = (usize, usize)> {
    [0, 1, 2, 4].into_iter().map(|index| (index, configuration.bytes(index).len()))
}

fn stage(
    flash: &mut Internal,
    configuration: &Configuration,
    target: Target<'_>,
    fault: Fault,
) -> Result<Intact, Refusal> {
    let mut store = Store { flash, layout: &INTERNAL.layout, chunk: &mut [0; 512] };
    block_on(store.stage(&configuration.wanted(target), &mut Source(configuration, fault)))
}

fn read_back(flash: &mut Internal, slot: Slot, configuration: &Configuration) -> Option<Intact> {
    let mut store = Store { flash, layout: &INTERNAL.layout, chunk: &mut [0; 512] };
    block_on(store.read_back(slot, &configuration.content()))
}

/// Whether a whole round of scrubbing finds nothing. Every configuration here has a private object behind its four entries.
fn is_sound(flash: &mut Internal, intact: &Intact) -> bool {
    let mut store = Store { flash, layout: &INTERNAL.layout, chunk: &mut [0; 512] };
    [1, 2, 3, 4, 0].iter().enumerate().all(|(index, next)| block_on(store.scrub(intact, index)) == Some(*next))
}

fn filled(configuration: &Configuration, slot: Slot) -> (Internal, Intact) {
    let mut flash = Internal::new(INTERNAL);
    let intact = stage(&mut flash, configuration, Target::Slot(slot), Fault::None).expect("an empty slot takes it");
    (flash, intact)
}

#[test]
fn every_flipped_byte_of_every_object_is_refused_and_made_good() {
    let configuration = configuration();
    let mut cases = 0;
    for (index, length) in objects(&configuration) {
        for byte in 0..length {
            let mut flash = Internal::new(INTERNAL);
            let fault = Fault::Flip { index, byte };
            let staged = stage(&mut flash, &configuration, Target::Slot(Slot::A), fault);
            assert_eq!(staged, Err(Refusal::OBJECT_MISMATCH), "object {index}, byte {byte}");
            assert_eq!(read_back(&mut flash, Slot::A, &configuration), None, "object {index}, byte {byte}");
            let honest = stage(&mut flash, &configuration, Target::Slot(Slot::A), Fault::None);
            assert!(honest.is_ok(), "object {index}, byte {byte}: {honest:?}");
            assert_eq!(flash.image.sins, Vec::<String>::new());
            cases += 1;
        }
    }
    tell(&format!("tamper: {cases} flipped bytes from the source"));
}

#[test]
fn an_object_that_ends_early_is_unavailable_and_made_good() {
    let configuration = configuration();
    for (index, length) in objects(&configuration) {
        for byte in (0..length).step_by(7) {
            let mut flash = Internal::new(INTERNAL);
            let fault = Fault::Ends { index, byte };
            let staged = stage(&mut flash, &configuration, Target::Slot(Slot::A), fault);
            assert_eq!(staged, Err(Refusal::OBJECT_UNAVAILABLE), "object {index}, byte {byte}");
            let honest = stage(&mut flash, &configuration, Target::Slot(Slot::A), Fault::None);
            assert!(honest.is_ok(), "object {index}, byte {byte}: {honest:?}");
            assert_eq!(flash.image.sins, Vec::<String>::new());
        }
    }
}

/// Whoever is in between and holds no key can send such bytes, and break the link before they turn out wrong.
#[test]
fn erased_bytes_and_a_broken_link_make_no_word_be_programmed_twice() {
    let configuration = Configuration::new(&[("alarms", bytes(1, 40)), ("network", bytes(2, 9000))], None);
    let target = Target::Slot(Slot::A);
    let places = || (0..9000).step_by(600);
    for (from, end) in places().flat_map(|from| places().map(move |end| (from, end))).filter(|(from, end)| from < end) {
        let mut flash = Internal::new(INTERNAL);
        for end in [end, end + 300] {
            let staged = stage(&mut flash, &configuration, target, Fault::Blanks { index: 1, from, end });
            assert!(staged.is_err(), "{from} to {end}");
        }
        let honest = |flash: &mut Internal| stage(flash, &configuration, target, Fault::None);
        // What stands where it goes on is taken for the object's until all of it is there.
        let staged = honest(&mut flash).or_else(|_| honest(&mut flash));
        assert!(staged.is_ok(), "{from} to {end}: {staged:?}");
        assert_eq!(flash.image.sins, Vec::<String>::new(), "{from} to {end}");
    }
}

#[test]
fn a_source_that_claims_more_than_it_was_asked_for_is_refused() {
    let staged = stage(&mut Internal::new(INTERNAL), &configuration(), Target::Slot(Slot::A), Fault::Boasts);
    assert_eq!(staged, Err(Refusal::OBJECT_UNAVAILABLE));
}

#[test]
fn a_source_that_trickles_does_not_hold_a_device_for_ever() {
    let staged =
        |most| stage(&mut Internal::new(INTERNAL), &configuration(), Target::Slot(Slot::A), Fault::Trickles(most));
    assert!(staged(200).is_ok(), "several helpings a piece are well");
    for most in [1, 100] {
        assert_eq!(staged(most), Err(Refusal::OBJECT_UNAVAILABLE));
    }
}

/// The ranges of a slot that hold something: header, manifest, objects. What is between them is padding.
fn parts(configuration: &Configuration) -> Vec<(usize, usize)> {
    let sizes = [128, configuration.manifest.len()].into_iter().chain(objects(configuration).map(|(_, length)| length));
    let mut start = 0_usize;
    sizes
        .map(|size| (start, size, start = (start + size).next_multiple_of(32)))
        .map(|(at, size, ())| (at, size))
        .collect()
}

#[test]
fn every_flipped_byte_at_rest_is_seen_and_made_good() {
    let configuration = configuration();
    let (flash, intact) = filled(&configuration, Slot::B);
    let start = INTERNAL.layout.b.start as usize;
    let mut cases = 0;
    assert!(is_sound(&mut flash.clone(), &intact));
    for (from, size) in parts(&configuration) {
        for byte in from..from + size {
            let mut flash = flash.clone();
            flash.image.flip(start + byte, 1 << (byte % 8));
            assert_eq!(read_back(&mut flash, Slot::B, &configuration), None, "byte {byte}");
            assert!(!is_sound(&mut flash, &intact), "byte {byte}");
            let mut repaired = stage(&mut flash, &configuration, Target::Slot(Slot::B), Fault::None);
            if repaired == Err(Refusal::OBJECT_MISMATCH) {
                // The part that stood in the last block was gone on with before it was known to be rotten.
                repaired = stage(&mut flash, &configuration, Target::Slot(Slot::B), Fault::None);
            }
            assert_eq!(repaired, Ok(intact.clone()), "byte {byte}");
            assert_eq!(flash.image.sins, Vec::<String>::new());
            cases += 1;
        }
    }
    tell(&format!("tamper: {cases} flipped bytes at rest"));
}

#[test]
fn a_section_that_changed_since_it_was_read_back_is_not_handed_out() {
    let configuration = configuration();
    let (mut flash, intact) = filled(&configuration, Slot::A);
    let (network, _) = parts(&configuration)[3];
    flash.image.flip(INTERNAL.layout.a.start as usize + network + 5, 1);
    let mut store = Store { flash: &mut flash, layout: &INTERNAL.layout, chunk: &mut [0; 512] };
    let mut buffer = [0; 4096];
    assert_eq!(block_on(intact.section(&mut store, "network", &mut buffer)), Err(Refusal::READ_BACK));
    assert!(block_on(intact.section(&mut store, "sampling", &mut buffer)).is_ok());
    assert_eq!(block_on(intact.section(&mut store, "sampling", &mut buffer[..776])), Err(Refusal::TOO_LARGE));
    assert_eq!(block_on(intact.section(&mut store, "nowhere", &mut buffer)), Ok(None));
}

#[test]
fn every_changed_byte_of_a_manifest_is_seen_when_a_section_is_sought() {
    let configuration = configuration();
    let (flash, intact) = filled(&configuration, Slot::A);
    for byte in 0..configuration.manifest.len() {
        let mut flash = flash.clone();
        flash.image.flip(INTERNAL.layout.a.start as usize + 128 + byte, 1 << (byte % 8));
        let mut store = Store { flash: &mut flash, layout: &INTERNAL.layout, chunk: &mut [0; 512] };
        let section = block_on(intact.section(&mut store, "network", &mut [0; 4096])).map(|_| ());
        assert!(section.is_err(), "byte {byte}");
    }
}

#[test]
fn a_rotten_donor_object_is_fetched_instead() {
    let configuration = configuration();
    let (mut flash, donor) = filled(&configuration, Slot::A);
    let (network, _) = parts(&configuration)[3];
    flash.image.flip(INTERNAL.layout.a.start as usize + network + 5, 1);
    let staged = stage(&mut flash, &configuration, Target::Beside(&donor), Fault::Flip { index: 0, byte: 0 });
    assert_eq!(staged.map(|intact| intact.slot()), Ok(Slot::B), "alarms is copied, network fetched");
    let mut flash = filled(&configuration, Slot::A).0;
    flash.image.flip(INTERNAL.layout.a.start as usize + network + 5, 1);
    let staged = stage(&mut flash, &configuration, Target::Beside(&donor), Fault::Flip { index: 1, byte: 0 });
    assert_eq!(staged, Err(Refusal::OBJECT_MISMATCH), "network is fetched");
}

#[test]
fn what_the_other_slot_holds_already_needs_no_write() {
    let configuration = configuration();
    let (mut flash, _) = filled(&configuration, Slot::B);
    flash.journal.clear();
    assert!(stage(&mut flash, &configuration, Target::Slot(Slot::B), Fault::Boasts).is_ok());
    assert!(flash.journal.is_empty());
}

#[test]
fn a_configuration_larger_than_the_slot_is_refused_before_flash_is_touched() {
    let room = INTERNAL.layout.a.length as usize - 128;
    let manifest = Configuration::new(&[("all", Vec::new())], None).manifest.len() + 1;
    let largest = (room - manifest.next_multiple_of(32)) & !31;
    for (length, fits) in [(largest, true), (largest + 1, false), (100_000, false)] {
        let configuration = Configuration::new(&[("all", bytes(1, length))], None);
        let mut flash = Internal::new(INTERNAL);
        let staged = stage(&mut flash, &configuration, Target::Slot(Slot::A), Fault::None);
        assert_eq!(staged.map(|_| ()), if fits { Ok(()) } else { Err(Refusal::DOES_NOT_FIT) }, "{length}");
        assert_eq!(flash.journal.is_empty(), !fits);
    }
}

#[test]
fn content_ids_tell_private_objects_apart_at_rest() {
    let configuration = configuration();
    let (mut flash, _) = filled(&configuration, Slot::A);
    let mut other = configuration.clone();
    other.private = Some(bytes(5, 300));
    assert_ne!(reference(other.bytes(4)), reference(configuration.bytes(4)));
    assert_eq!(read_back(&mut flash, Slot::A, &other), None);
    other.private = None;
    assert_eq!(read_back(&mut flash, Slot::A, &other), None);
}
