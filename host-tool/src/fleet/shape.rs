//! The shapes of what the tool itself reads: `steadfast.toml`, and the sections `agent` and `health` that every model has.
//!
//! They are schemas like those of a firmware, so that one checker and one set of messages serves all.

use steadfast_core::clamp;
use steadfast_core::manifest::{CHECKS_MAX, NAME_MAX_BYTES};

use crate::schema::{Field, IntKind, Literal, ON_UNSUPPORTED, Restart, Risk, Section, Type, Variant};

/// The reserved section of agent settings.
pub const AGENT: &str = "agent";
/// The reserved section of the health policy.
pub const HEALTH: &str = "health";

/// Most models of a fleet.
const MODELS_MAX: u32 = 4096;
/// Most folders from which layers are imported.
const IMPORTS_MAX: u32 = 16;
/// Most levels of layers.
const LEVELS_MAX: u32 = 64;
/// Longest path or name in `steadfast.toml`, in bytes.
const TEXT_BYTES: u32 = 256;
/// How long lost contact may last at most before the other slot is tried, in seconds: a year.
pub const LOST_CONTACT_SECONDS_MAX: u32 = 365 * 24 * 60 * 60;
/// Trial deadline unless a layer sets one: long enough for a slow link and a few polls.
const TRIAL_SECONDS_DEFAULT: u32 = 120;
/// Boots of a trial unless a layer sets them: one for the change, two for bad luck.
const BOOTS_DEFAULT: u8 = 3;

fn field(name: &str, doc: &str, ty: Type) -> Field {
    Field { name: name.to_owned(), doc: doc.to_owned(), ty, unit: None, default: None, was: None, absent_means: None }
}

fn or(field: Field, default: Literal) -> Field {
    Field { default: Some(default), ..field }
}

fn text() -> Type {
    Type::Text { max_bytes: TEXT_BYTES }
}

fn list(max: u32, item: Type) -> Type {
    Type::List { max, item: Box::new(item), key: None }
}

fn seconds(least: u32, most: u32) -> Type {
    Type::Int { kind: IntKind::U32, min: least.into(), max: most.into() }
}

fn count(least: u32) -> Type {
    seconds(least, u32::MAX)
}

fn choice(name: &str, alternatives: &[&str]) -> Type {
    let variant = |name: &&str| Variant { name: (*name).to_owned(), doc: String::new(), payload: None };
    Type::Enum { name: name.to_owned(), variants: alternatives.iter().map(variant).collect() }
}

fn structure(name: &str, fields: Vec<Field>) -> Type {
    Type::Struct { name: name.to_owned(), fields, removed: Vec::new() }
}

fn optional(ty: Type) -> Type {
    Type::Option(Box::new(ty))
}

/// The keys of `steadfast.toml`.
#[must_use]
pub(super) fn settings() -> Vec<Field> {
    let fleet = vec![
        field("name", "what people call the fleet", text()),
        field("id", "32 hexadecimal digits, written by `steadfast init`", text()),
        or(field("sequence_offset", "added to the count of commits", count(0)), Literal::Int(0)),
        field(
            "allowed_signers",
            "the file with the SSH keys of which one must sign each published commit",
            optional(text()),
        ),
        field("floor", "the full id of the oldest commit that devices may be moved back to", optional(text())),
    ];
    let model = vec![
        field("schemas", "live schema files, oldest first", optional(list(16, text()))),
        field("render", "a file for each section instead of postcard", optional(choice("Render", &["json", "toml"]))),
        field("slot_bytes", "how many bytes one slot of the board holds", count(1)),
        field(
            ON_UNSUPPORTED,
            "\"hold\": devices keep what they have where their older firmware cannot express a value",
            optional(choice("OnUnsupported", &["hold"])),
        ),
    ];
    let import = vec![
        field("path", "another folder of this repository, seen from the fleet's", text()),
        field("rev", "the full id of the commit at which it is read", text()),
    ];
    vec![
        field("tool", "the version of steadfast that builds this fleet", optional(text())),
        field("layers", "the levels of layers, later ones win", list(LEVELS_MAX, text())),
        field("import", "layers of other folders", optional(list(IMPORTS_MAX, structure("Import", import)))),
        field("fleet", "what the fleet is", structure("Fleet", fleet)),
        field(
            "models",
            "a table for each model",
            Type::Map { max: MODELS_MAX, key: Box::new(text()), value: Box::new(structure("Model", model)) },
        ),
    ]
}

/// The sections `agent` and `health`, with the bounds that the device clamps to anyway.
#[must_use]
pub fn reserved_sections() -> [Section; 2] {
    let default = steadfast_core::manifest::Settings::DEFAULT;
    let number = |n: u32| Literal::Int(n.into());
    let poll = seconds(clamp::POLL_SECONDS_MIN, clamp::POLL_SECONDS_MAX);
    let freshness = seconds(clamp::FRESHNESS_SECONDS_MIN, clamp::FRESHNESS_SECONDS_MAX);
    let trial = seconds(clamp::TRIAL_SECONDS_MIN, clamp::TRIAL_SECONDS_MAX);
    let boots = Type::Int { kind: IntKind::U8, min: clamp::BOOTS_MIN.into(), max: clamp::BOOTS_MAX.into() };
    let check = Type::Text { max_bytes: NAME_MAX_BYTES as u32 };
    let agent = vec![
        or(field("poll_seconds", "between polls", poll), number(default.poll_seconds)),
        or(field("freshness_seconds", "without an answer until stale", freshness), number(default.freshness_seconds)),
        field(
            "lost_contact_seconds",
            "without an answer until the other slot is tried",
            optional(seconds(1, LOST_CONTACT_SECONDS_MAX)),
        ),
        or(field("attempt", "change it to try again what was rejected", count(0)), number(default.attempt)),
    ];
    let health = vec![
        or(
            field("reach", "whether a trial must reach the server", choice("Reach", &["server", "none"])),
            Literal::Text("server".to_owned()),
        ),
        or(field("trial_seconds", "the deadline of a trial's boot", trial), number(TRIAL_SECONDS_DEFAULT)),
        or(field("boots", "how many boots a trial has", boots), number(BOOTS_DEFAULT.into())),
        field(
            "checks",
            "the checks that must pass; all of the schema's unless set",
            optional(list(CHECKS_MAX as u32, check)),
        ),
    ];
    [section(AGENT, agent), section(HEALTH, health)]
}

fn section(name: &str, fields: Vec<Field>) -> Section {
    Section {
        name: name.to_owned(),
        doc: String::new(),
        restart: Restart::Nothing,
        risk: Risk::Low,
        secret: false,
        checks: Vec::new(),
        was: None,
        fields,
        removed: Vec::new(),
    }
}
