//! Slots: a configuration as it lies in flash.

use embassy_futures::block_on;
use serde_json::{Map, Value};
use steadfast::flash::Image;
use steadfast_core::content::{Content, ObjectRef};
use steadfast_core::digest::Digest;
use steadfast_core::flash::layout::{Layout, Region, Slot};
use steadfast_core::flash::slot::Store;
use steadfast_core::flash::stage::{ObjectSource, Target};
use steadfast_core::refusal::Refusal;

use super::cast::{encode, flipped, overlong};
use super::{Vector, hex};
use crate::samples::{Configuration, bytes};

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
    Configuration::new(&[("alarms", bytes(1, 40)), ("network", bytes(2, 333))], Some(bytes(4, 65)))
}

fn intact() -> Vec<Vector> {
    let good = |name, configuration: &Configuration, names: &[&str], erased| {
        let objects = configuration.objects.iter().flatten();
        let sections: Map<String, Value> =
            names.iter().zip(objects).map(|(name, bytes)| ((*name).to_owned(), hex(bytes).into())).collect();
        let vector = Vector::good("slot", name, &staged(configuration, erased)).gives("sections", sections);
        let vector = vector.gives("private", configuration.private.as_deref().map(hex));
        wanting(vector, &configuration.content(), erased)
    };
    let names = ["alarms", "network"];
    let grain = Configuration::new(&[("alarms", bytes(1, 32)), ("network", Vec::new())], None);
    let mut gap = good("what stands in the gaps is not looked at", &sample(), &names, 0xFF);
    let whole = staged(&sample(), 0xFF);
    gap.bytes = hex(&flipped(&whole, whole.len() - 1));
    vec![
        good("two objects and a private one", &sample(), &names, 0xFF),
        good("a flash whose erased bytes are zeros", &sample(), &names, 0x00),
        good("an object of exactly 32 bytes, and an empty one", &grain, &names, 0xFF),
        good("no objects", &Configuration::new(&[], None), &[], 0xFF),
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
