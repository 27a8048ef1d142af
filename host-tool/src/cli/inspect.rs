//! `steadfast inspect`: what is in a pack.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
use serde_json::{Value, json};
use steadfast::pack::Pack;
use steadfast::release::leaves::Place;
use steadfast::sign;
use steadfast_core::id::DeviceId;
use steadfast_core::manifest::{Entry, Manifest};

use super::{Exit, Format, reading};

/// Arguments of `steadfast inspect`.
#[derive(Args, Debug)]
pub(crate) struct InspectArgs {
    /// The pack's file.
    pack: PathBuf,
    /// Show what this device would get, by its name or id.
    #[arg(long, value_name = "NAME")]
    device: Option<String>,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs `steadfast inspect`. Nothing is said about signatures but who made them: that is for `verify`.
pub(crate) fn run(args: &InspectArgs) -> anyhow::Result<Exit> {
    let pack = reading::pack(&args.pack)?;
    let signers: Vec<String> =
        sign::signers(&reading::signatures(&args.pack)?).iter().map(ToString::to_string).collect();
    let mut document = summary(&pack);
    document["signers"] = json!(signers);
    if let Some(name) = &args.device {
        document["device"] = device(&pack, name)?;
    }
    match args.format {
        Format::Json => println!("{document:#}"),
        Format::Text => print!("{}", text(&document)),
    }
    Ok(Exit::Fine)
}

fn summary(pack: &Pack) -> Value {
    let release = pack.release();
    let object_bytes: usize = pack.objects().map(|(_, range)| range.len()).sum();
    let schemas: Vec<String> = pack.leaves().schemas().iter().map(ToString::to_string).collect();
    json!({
        "format": 1,
        "fleet": pack.fleet().to_string(),
        "digest": pack.digest().to_string(),
        "epoch": release.publisher_epoch,
        "sequence": release.sequence,
        "floor": release.floor,
        "commit": release.commit.to_string(),
        "leaves": release.leaves,
        "root": release.root.to_string(),
        "devices": pack.roster().len(),
        "schemas": schemas,
        "manifests": pack.manifests().len(),
        "objects": pack.objects().len(),
        "object_bytes": object_bytes,
        "pack_bytes": pack.bytes().len(),
    })
}

fn device(pack: &Pack, name: &str) -> anyhow::Result<Value> {
    let by_id = || DeviceId::from_hex(name).and_then(|id| pack.roster().device(&id));
    let listed = pack.roster().named(name).or_else(by_id);
    let listed =
        listed.ok_or_else(|| anyhow!("this pack has no device `{name}`; `steadfast device list` shows all"))?;
    let leaves: Vec<Value> = pack.leaves().of(&listed.device()).map(|place| leaf(pack, &place)).collect();
    Ok(json!({
        "device": listed.device().to_string(),
        "name": listed.name(),
        "model": listed.model(),
        "labels": listed.labels(),
        "enrolled": listed.public_key().is_some(),
        "leaves": leaves,
    }))
}

fn leaf(pack: &Pack, place: &Place<'_>) -> Value {
    let manifest = Manifest::parse(pack.manifest(place)).ok();
    let objects: Vec<Value> = manifest.iter().flat_map(Manifest::objects).map(|entry| object(&entry)).collect();
    json!({
        "schema": place.schema.to_string(),
        "content": pack.content(place).id().to_string(),
        "envelope_bytes": pack.envelope(place, &[]).len(),
        "objects": objects,
    })
}

fn object(entry: &Entry<'_>) -> Value {
    let object = entry.object();
    json!({
        "section": entry.section,
        "bytes": object.map(|object| object.size),
        "digest": object.map(|object| object.digest.to_string()),
    })
}

fn text(document: &Value) -> String {
    let mut text = String::new();
    for key in [
        "fleet",
        "digest",
        "commit",
        "epoch",
        "sequence",
        "floor",
        "leaves",
        "devices",
        "schemas",
        "manifests",
        "objects",
        "object_bytes",
        "pack_bytes",
        "signers",
    ] {
        let _ = writeln!(text, "{key:13} {}", plain(&document[key]));
    }
    let device = &document["device"];
    if device.is_object() {
        let _ =
            writeln!(text, "\n{} ({}, {})", plain(&device["name"]), plain(&device["model"]), plain(&device["device"]));
    }
    for leaf in device["leaves"].as_array().into_iter().flatten() {
        let (schema, bytes) = (plain(&leaf["schema"]), &leaf["envelope_bytes"]);
        let _ = writeln!(
            text,
            "  content {}, schema {schema}, envelope {bytes} bytes and signatures",
            plain(&leaf["content"])
        );
        for object in leaf["objects"].as_array().into_iter().flatten() {
            let (section, bytes) = (plain(&object["section"]), plain(&object["bytes"]));
            let _ = writeln!(text, "    {section:20} {bytes:>7} bytes  {}", plain(&object["digest"]));
        }
    }
    text
}

/// A value without quotes and brackets.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    }
}
