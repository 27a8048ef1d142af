//! Slots: a configuration as it lies in flash.

use embassy_futures::block_on;
use serde_json::{Map, Value};
use steadfast::flash::Image;
use steadfast_core::content::{Content, ObjectRef};
use steadfast_core::digest::Digest;
use steadfast_core::flash::layout::{Layout, Region, Slot};
use steadfast_core::flash::slot::Store;
use steadfast_core::flash::stage::{ObjectSource, Target};
use steadfast_core::manifest::{Draft, Entry, Flags, Kind, Policy, Reach, Restart, Risk, Settings};
use steadfast_core::refusal::Refusal;

use super::cast::{encode, flipped, overlong};
use super::manifest::object;
use super::{Vector, hex};
use crate::samples::Configuration;

const HEADER_BYTES: usize = 128;
const REGION: Region = Region { start: 0, length: 8192, erase_bytes: 2048 };

/// A flash that is nothing but slot A.
pub(super) fn layout(erased: u8) -> Layout {
    Layout { record: REGION, a: REGION, b: REGION, erased }
}

/// Slot A of a flash that begins with these bytes and is erased behind them.
pub(super) fn flash(begins: &[u8], erased: u8) -> Image {
    let mut bytes = begins.to_vec();
    bytes.resize(REGION.length as usize, erased);
    Image::new(bytes, erased)
}

/// Sections of these objects and, if there is something private, a section `wifi` in it. Made here and not by what other tests share: these
/// bytes are frozen.
fn configuration(objects: &[(&'static str, Vec<u8>)], private: Option<Vec<u8>>) -> Configuration {
    let flags = Flags::new(Restart::Task, Risk::Low);
    let config = |bytes: &[u8]| Kind::Config(object(bytes));
    let mut entries: Vec<Entry<'_>> =
        objects.iter().map(|(section, bytes)| Entry { section, kind: config(bytes), flags }).collect();
    entries.extend(private.as_ref().map(|_| Entry { section: "wifi", kind: Kind::Private, flags }));
    let draft = Draft {
        settings: Settings { poll_seconds: 60, freshness_seconds: 3600, lost_contact_seconds: 0, attempt: 0 },
        policy: Policy { reach: Reach::Server, trial_seconds: 60, boots: 3 },
        checks: &["link", "sensor"],
        objects: &entries,
    };
    let manifest = draft.encode(&mut [0; 1024]).expect("a sound manifest").to_vec();
    let objects = objects.iter().map(|(_, bytes)| Some(bytes.clone())).chain(private.as_ref().map(|_| None)).collect();
    Configuration { manifest, objects, private }
}

/// Bytes that no other seed gives: digests of the seed and a counter.
fn bytes(seed: u8, length: usize) -> Vec<u8> {
    let digests = (0_u32..).flat_map(|count| Digest::of(&[&[seed][..], &count.to_le_bytes()].concat()).0);
    digests.take(length).collect()
}

struct Source<'a>(&'a Configuration);

impl ObjectSource for Source<'_> {
    async fn read(&mut self, index: usize, _: ObjectRef, offset: u32, buffer: &mut [u8]) -> Result<usize, Refusal> {
        let rest = &self.0.bytes(index)[offset as usize..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}

/// What lies in flash when the device has staged it, up to the last grain that it needs.
fn staged(configuration: &Configuration, erased: u8) -> Vec<u8> {
    let mut flash = flash(&[], erased);
    let mut store = Store { flash: &mut flash, layout: &layout(erased), chunk: &mut [0; 256] };
    let wanted = configuration.wanted(Target::Slot(Slot::A));
    block_on(store.stage(&wanted, &mut Source(configuration))).expect("an empty slot takes it");
    let grains = |bytes: &[u8]| bytes.len().next_multiple_of(32);
    let objects: usize = configuration.objects.iter().flatten().map(|object| grains(object)).sum();
    let private = configuration.private.as_deref().map_or(0, grains);
    flash.bytes()[..HEADER_BYTES + grains(&configuration.manifest) + objects + private].to_vec()
}

fn wanting(vector: Vector, content: &Content, erased: u8) -> Vector {
    let vector = vector.with("manifest", hex(&content.manifest.0)).with("erased", erased);
    match content.private {
        Some(object) => vector.with("private", vec![Value::from(hex(&object.digest.0)), object.size.into()]),
        None => vector,
    }
}

/// Vectors of slots.
pub(super) fn vectors() -> Vec<Vector> {
    let mut vectors = intact();
    vectors.extend(damaged());
    vectors
}

fn sample() -> Configuration {
    configuration(&[("alarms", bytes(1, 40)), ("network", bytes(2, 333))], Some(bytes(4, 65)))
}

fn intact() -> Vec<Vector> {
    let good = |name, sample: &Configuration, names: &[&str], erased| {
        let objects = sample.objects.iter().flatten();
        let sections: Map<String, Value> =
            names.iter().zip(objects).map(|(name, bytes)| ((*name).to_owned(), hex(bytes).into())).collect();
        let vector = Vector::good("slot", name, &staged(sample, erased)).gives("sections", sections);
        let vector = vector.gives("private", sample.private.as_deref().map(hex));
        wanting(vector, &sample.content(), erased)
    };
    let names = ["alarms", "network"];
    let grain = configuration(&[("alarms", bytes(1, 32)), ("network", Vec::new())], None);
    let mut gap = good("what stands in the gaps is not looked at", &sample(), &names, 0xFF);
    let whole = staged(&sample(), 0xFF);
    gap.bytes = hex(&flipped(&whole, whole.len() - 1));
    vec![
        good("two objects and a private one", &sample(), &names, 0xFF),
        good("a flash whose erased bytes are zeros", &sample(), &names, 0x00),
        good("an object of exactly 32 bytes, and an empty one", &grain, &names, 0xFF),
        good("no objects", &configuration(&[], None), &[], 0xFF),
        gap,
    ]
}

/// A header of any body, rightly checked.
fn header(body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    body.resize(HEADER_BYTES - 16, 0);
    [&Digest::of(&[b"steadfast.slot.v1\0", &body[..]].concat()).0[..16], &body].concat()
}

fn damaged() -> Vec<Vector> {
    let sample = sample();
    let whole = staged(&sample, 0xFF);
    let bad = |name, bytes: &[u8]| {
        wanting(Vector::refused("slot", name, bytes, "the slot is not intact"), &sample.content(), 0xFF)
    };
    let parts = &whole[HEADER_BYTES..];
    let objects_at = HEADER_BYTES + sample.manifest.len().next_multiple_of(32);
    let headed = |body: &[u8]| [&header(body)[..], parts].concat();
    let body = encode(&(sample.content(), sample.manifest.len() as u32));
    let other = Content { manifest: Digest::of(b"another"), private: sample.content().private };
    let without = Content { private: None, ..sample.content() };
    let size = sample.manifest.len() as u32;
    assert_eq!(headed(&body), whole, "the header is made here as core makes it");
    vec![
        bad("erased flash", &[]),
        bad("a flipped bit of the header's check", &flipped(&whole, 0)),
        bad("a flipped bit of the header", &flipped(&whole, 20)),
        bad("a flipped bit of the zeros in the header", &flipped(&whole, HEADER_BYTES - 1)),
        bad("the header of another content", &headed(&encode(&(other, size)))),
        bad("a header that names no private object", &headed(&encode(&(without, size)))),
        bad("a header with another size of the manifest", &headed(&encode(&(sample.content(), size - 1)))),
        bad("an over-long number in the header", &headed(&overlong(&body, 65))),
        bad("something behind the header's fields", &headed(&[&body[..], &[1]].concat())),
        bad("a flipped bit of the manifest", &flipped(&whole, HEADER_BYTES + 30)),
        bad("a flipped bit of the first object", &flipped(&whole, objects_at)),
        bad("a flipped bit of the second object", &flipped(&whole, objects_at + 64 + 300)),
        bad("a flipped bit of the private object", &flipped(&whole, objects_at + 64 + 352)),
        bad("the private object is missing", &whole[..objects_at + 64 + 352]),
    ]
}
