//! What a device reads: manifests, envelopes, answers, its own flash; and the poll, which a server reads.

use embassy_futures::block_on;
use serde_json::{Map, Value};
use steadfast::flash::Image;
use steadfast_core::answer::{Answer, Asked, Fresh, inline};
use steadfast_core::codec;
use steadfast_core::digest::Digest;
use steadfast_core::envelope::{Envelope, Trust, Verified};
use steadfast_core::flash::layout::{Layout, Region, Slot};
use steadfast_core::flash::record::{RECORD_BYTES, RecordStore};
use steadfast_core::flash::slot::{Intact, Store};
use steadfast_core::id::{DeviceId, SchemaId};
use steadfast_core::keyring::Keyring;
use steadfast_core::manifest::{Manifest, Reach};
use steadfast_core::poll::{Poll, PollFlags};
use steadfast_core::record::{BootRecord, SlotRecord};
use steadfast_core::refusal::Refusal;
use steadfast_core::statement::Signed;

use super::super::manifest::shown;
use super::super::slot::{flash, layout};
use super::super::{Vector, cast};
use super::{Fault, Known, Says, hex, pair, says};

pub(super) fn manifest(bytes: &[u8]) -> Result<Says, Fault> {
    let manifest = Manifest::parse(bytes)?;
    let settings = manifest.settings;
    let numbers = [settings.poll_seconds, settings.freshness_seconds, settings.lost_contact_seconds, settings.attempt];
    let objects: Vec<Value> = manifest.objects().map(|entry| shown(&entry)).collect();
    Ok(says([
        ("digest", hex(&Digest::of(bytes).0)),
        ("settings", numbers.to_vec().into()),
        ("reach", if manifest.policy.reach == Reach::Server { "server" } else { "none" }.into()),
        ("trial_seconds", manifest.policy.trial_seconds.into()),
        ("boots", manifest.policy.boots.into()),
        ("checks", manifest.checks().collect::<Vec<_>>().into()),
        ("objects", objects.into()),
    ]))
}

/// Whom a device believes, from the context.
fn trust<'a>(vector: &Vector, keyring: &'a Keyring) -> Trust<'a> {
    Trust {
        fleet: vector.fleet(),
        device: DeviceId(vector.array("device")),
        schema: SchemaId(vector.array("schema")),
        keyring,
        accepted: vector.position("accepted"),
        floor: vector.position("floor"),
    }
}

pub(super) fn envelope(vector: &Vector, bytes: &[u8]) -> Result<Says, Fault> {
    let keyring = vector.keyring();
    let trust = trust(vector, &keyring);
    let order = vector.context.contains_key("assignment").then(|| vector.bytes("assignment"));
    let fresh = match &order {
        Some(order) => {
            let asked = Asked { fleet: &trust.fleet, keyring: &keyring, poll: &vector.bytes("poll") };
            Some(asked.verify_assignment(&codec::decode(order)?)?)
        }
        None => None,
    };
    let verified = trust.verify(bytes, fresh.as_ref())?;
    let mut says = placed(&verified);
    says.insert("manifest".to_owned(), hex(&verified.content().manifest.0));
    Ok(says)
}

fn placed(verified: &Verified) -> Says {
    let content_id = hex(&verified.content().id().0);
    says([("content_id", content_id), ("position", pair(verified.position())), ("floor", pair(verified.floor()))])
}

pub(super) fn poll(bytes: &[u8]) -> Result<Says, Fault> {
    let poll = Poll::decode(bytes)?;
    Ok(says([
        ("format", poll.format.into()),
        ("device", hex(&poll.device.0)),
        ("keyring_version", poll.keyring_version.into()),
        ("schema", hex(&poll.schema.0)),
        ("running", hex(&poll.running.0)),
        ("accepted", pair(poll.accepted)),
        ("nonce", hex(&poll.nonce)),
        ("signed", poll.flags.has(PollFlags::SIGNED).into()),
        ("preparing", poll.flags.has(PollFlags::PREPARING).into()),
        ("refused", poll.refused.map_or(Value::Null, |refused| hex(&refused))),
    ]))
}

fn told(answer: &str, fresh: &Fresh) -> Says {
    let unchanged = fresh.unchanged();
    says([
        ("answer", answer.into()),
        ("poll_after_seconds", unchanged.poll_after_seconds.into()),
        ("report_wanted", unchanged.report_wanted.into()),
        ("challenge", hex(&cast::encode(&unchanged.challenge))),
    ])
}

pub(super) fn answer(vector: &Vector, bytes: &[u8]) -> Result<Says, Fault> {
    let keyring = vector.keyring();
    let trust = trust(vector, &keyring);
    let poll = vector.bytes("poll");
    let asked = Asked { fleet: &trust.fleet, keyring: &keyring, poll: &poll };
    if bytes.is_empty() {
        return Ok(says([("answer", "nothing new".into())]));
    }
    match Answer::decode(bytes)? {
        Answer::Unchanged(signed) => Ok(told("unchanged", &asked.verify_unchanged(&signed)?)),
        Answer::Keyring(signed) => {
            let next = keyring.verify_next(&trust.fleet, &signed)?.accept();
            Ok(says([("answer", "keyring".into()), ("version", next.version.into())]))
        }
        Answer::Adopt { assignment, proof } => {
            let fresh = asked.verify_assignment(&assignment)?;
            if !vector.context.contains_key("running_manifest") {
                return Err(Refusal::NOT_IN_RELEASE.into());
            }
            let running = vector.content("running_manifest", "running_private");
            let verified = trust.verify_proof(&proof, running, Some(&fresh))?;
            let mut says = told("adopt", &fresh);
            says.extend(placed(&verified));
            Ok(says)
        }
        Answer::Changed { assignment, envelope, inline } => changed(&asked, &trust, (&assignment, envelope, inline)),
    }
}

fn changed(
    asked: &Asked<'_>,
    trust: &Trust<'_>,
    (assignment, bytes, along): (&Signed<'_>, &[u8], &[u8]),
) -> Result<Says, Fault> {
    let fresh = asked.verify_assignment(assignment)?;
    let verified = trust.verify(bytes, Some(&fresh))?;
    let envelope: Envelope<'_> = codec::decode(bytes)?;
    let manifest = Manifest::parse(envelope.manifest)?;
    let size = |place: usize| manifest.objects().nth(place).map(|entry| entry.object().map_or(0, |object| object.size));
    let found = manifest.objects().enumerate().filter_map(|(place, entry)| {
        let bytes = inline(along, place, size)?;
        (Digest::of(bytes) == entry.object()?.digest).then(|| hex(bytes))
    });
    let mut says = told("changed", &fresh);
    says.extend(placed(&verified));
    says.insert("inline".to_owned(), found.collect());
    Ok(says)
}

const NOT_COUNTED: &str = "it does not count";

pub(super) fn record_copy(bytes: &[u8]) -> Result<Says, Fault> {
    let copy = bytes.try_into().expect("a copy has 768 bytes");
    let record = BootRecord::decode_copy(copy).ok_or(Fault::Refused(NOT_COUNTED.to_owned()))?;
    let slot = |held: &Option<SlotRecord>| held.as_ref().map_or(Value::Null, |held| hex(&held.content.id().0));
    Ok(says([
        ("generation", record.generation.into()),
        ("a", slot(&record.a)),
        ("b", slot(&record.b)),
        ("confirmed", record.confirmed.map(|slot| if slot == Slot::A { "a" } else { "b" }).into()),
        ("boots_left", record.trial.map(|trial| trial.boots_left).into()),
        ("accepted", pair(record.accepted)),
        ("floor", pair(record.floor)),
        ("keyring_version", record.keyring.version.into()),
        ("rejected", record.rejected.len().into()),
        ("ending", (record.outcome.ending as u8).into()),
        ("detail", record.outcome.detail.as_str().into()),
    ]))
}

pub(super) fn record_region(vector: &Vector, bytes: &[u8]) -> Result<Says, Fault> {
    let (erase_bytes, blocks) = (vector.number("erase_bytes"), vector.number("blocks"));
    let region = Region { start: 0, length: erase_bytes * blocks, erase_bytes };
    let erased = vector.number("erased") as u8;
    let layout = Layout { record: region, a: region, b: region, erased };
    let mut image = Image::new(bytes.to_vec(), erased);
    let (_, record) = block_on(RecordStore::load(&mut image, &layout, &mut [0; RECORD_BYTES]))?;
    let record = record.ok_or(Fault::Refused(NOT_COUNTED.to_owned()))?;
    Ok(says([("accepted", pair(record.accepted)), ("generation", record.generation.into())]))
}

pub(super) fn slot(vector: &Vector, bytes: &[u8]) -> Result<Says, Fault> {
    let erased = vector.number("erased") as u8;
    let mut image = flash(bytes, erased);
    let mut store = Store { flash: &mut image, layout: &layout(erased), chunk: &mut [0; 256] };
    let content = vector.content("manifest", "private");
    let intact = block_on(store.read_back(Slot::A, &content)).ok_or(Fault::Refused("it is not intact".to_owned()))?;
    block_on(contents(&intact, &mut store)).map_err(Fault::from)
}

/// The bytes of all sections and of the private object.
async fn contents(intact: &Intact, store: &mut Store<'_, Image>) -> Result<Says, Refusal> {
    let mut buffer = [0; 1024];
    let manifest = intact.manifest(store, &mut buffer).await?;
    let mut sections = Map::new();
    for entry in manifest.objects().filter(|entry| entry.object().is_some()) {
        let mut object = [0; 1024];
        let bytes = intact.section(store, entry.section, &mut object).await?.expect("the manifest names it");
        sections.insert(entry.section.to_owned(), hex(bytes));
    }
    let mut object = [0; 1024];
    let private = intact.private(store, &mut object).await?.map(hex).unwrap_or(Value::Null);
    Ok(says([("sections", sections.into()), ("private", private)]))
}
