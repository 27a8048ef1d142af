//! The description: what the compiler wrote is what the host reads and writes, and the id covers all of it but the prose.

use steadfast::schema::{Field, Literal, Restart, Risk, Schema, SchemaError, Section, Type};
use steadfast_core::config::{Configuration, Declared, Defaults, Section as _, Value};
use steadfast_core::manifest::Flags;

use crate::sample::{DESCRIPTION, Firmware, Keys, Mode, Plain, Special};

fn schema() -> Schema {
    Schema::decode(&DESCRIPTION).unwrap()
}

fn field<'a>(schema: &'a Schema, section: &str, name: &str) -> &'a Field {
    schema.section(section).unwrap().fields.iter().find(|field| field.name == name).unwrap()
}

#[test]
fn the_host_reads_and_writes_what_the_compiler_wrote() {
    let schema = schema();
    assert_eq!(schema.encode(), DESCRIPTION);
    assert_eq!(schema.id, Firmware::SCHEMA_ID);
    assert_eq!(schema.name, "Firmware");
    assert_eq!(schema.removed, ["legacy"]);
}

#[test]
fn everything_said_in_the_types_arrives() {
    let schema = schema();
    let plain = schema.section("plain").unwrap();
    assert_eq!((plain.restart, plain.risk, plain.secret), (Restart::Nothing, Risk::Low, false));
    assert_eq!(plain.doc, "Everything plain.");
    assert_eq!(plain.checks, ["sensor", "clock"]);
    assert_eq!(plain.removed, ["gone"]);
    let special = schema.section("special").unwrap();
    assert_eq!((special.restart, special.risk), (Restart::Device, Risk::Connectivity));
    assert_eq!(special.was.as_deref(), Some("network"));
    assert!(schema.section("keys").unwrap().secret);
    assert_eq!(schema.checks(), ["clock", "sensor"]);

    let c = field(&schema, "plain", "c");
    assert_eq!(c.doc, "How often a sample is taken.\nIn a second line.");
    assert_eq!((c.unit.as_deref(), c.was.as_deref()), (Some("ms"), Some("period")));
    assert_eq!((c.default.clone(), c.absent_means.clone()), (Some(Literal::Int(1000)), Some(Literal::Int(500))));
    assert!(matches!(c.ty, Type::Int { min: 10, max: 3600, .. }));
    assert!(matches!(field(&schema, "plain", "d").ty, Type::Int { min: -100, max: 32_767, .. }));
    assert!(matches!(field(&schema, "plain", "i").ty, Type::Float { min: -40.0, max: 85.1, .. }));
    assert!(matches!(field(&schema, "special", "timeout").ty, Type::Duration { min_ms: 1000, max_ms: 3_600_000 }));
    assert_eq!(field(&schema, "plain", "p").default, Some(Literal::Text("off".into())));
    assert_eq!(field(&schema, "special", "nested").default, None);
    assert!(
        field(&schema, "special", "nested").ty
            == Type::Struct {
                name: "Nested".into(),
                removed: Vec::new(),
                fields: match &field(&schema, "special", "nested").ty {
                    Type::Struct { fields, .. } if fields[1].name == "type" => fields.clone(),
                    other => panic!("{other:?}"),
                },
            }
    );
}

#[test]
fn ranges_and_keys_reach_inside() {
    let schema = schema();
    let Type::List { item, .. } = &field(&schema, "plain", "l").ty else { panic!() };
    assert!(matches!(**item, Type::Int { min: 1, max: 9, .. }));
    let Type::Map { key, value, .. } = &field(&schema, "special", "by_number").ty else { panic!() };
    assert!(matches!((&**key, &**value), (Type::Int { min: 0, max: 65_535, .. }, Type::Int { min: 1, max: 9, .. })));
    let Type::List { key, .. } = &field(&schema, "special", "routes").ty else { panic!() };
    assert_eq!(key.as_deref(), Some("name"));
}

#[test]
fn the_firmware_knows_its_sections() {
    let largest = |name: &str| u32::try_from(schema().section(name).unwrap().max_bytes()).unwrap();
    let declared = |name, restart, risk, secret| Declared {
        name,
        flags: Flags::new(restart, risk),
        secret,
        max_bytes: largest(name),
    };
    assert_eq!(
        Firmware::SECTIONS,
        [
            declared("plain", Restart::Nothing, Risk::Low, false),
            declared("special", Restart::Device, Risk::Connectivity, false),
            declared("keys", Restart::Task, Risk::Safety, true),
        ]
    );
    assert_eq!(Firmware::CHECKS, ["clock", "sensor"]);
    assert_eq!((Special::NAME, Keys::CHECKS), ("special", ["sensor"].as_slice()));
    assert_eq!(Plain::MAX_BYTES as u32, largest("plain"));
    assert_eq!(Firmware::MAX_SECTION_BYTES as u32, largest("plain").max(largest("special")));
}

#[test]
fn compiled_in_values_are_the_defaults() {
    let special = Special::defaults();
    assert_eq!(special.timeout.to_string(), "1m30s");
    assert_eq!(special.mac.to_string(), "02:00:5e:10:00:01");
    assert_eq!((special.v4.to_string(), special.v6.to_string()), ("10.0.0.1/8".into(), "fe80::1/64".into()));
    assert_eq!(special.net.to_string(), "192.168.0.1/24");
    assert_eq!(special.nested.modes.as_slice(), [Mode::Off]);
    assert_eq!(special.maybe.unwrap().as_millis(), 300_000);
    assert!(special.by_name.is_empty() && special.routes.is_empty());
}

#[test]
fn prose_does_not_change_the_id() {
    let mut draft = draft();
    draft.name = "Other".into();
    for section in &mut draft.sections {
        section.doc = "Otherwise.".into();
        section.fields.iter_mut().for_each(rename_types);
    }
    let other = Schema::new(draft).unwrap();
    assert_eq!(other.id, Firmware::SCHEMA_ID);
    assert_ne!(other.encode(), DESCRIPTION);
}

fn rename_types(field: &mut Field) {
    field.doc = "Otherwise.".into();
    if let Type::Struct { name, .. } | Type::Enum { name, .. } = &mut field.ty {
        *name = "Other".into();
    }
}

fn draft() -> steadfast::schema::Draft {
    let Schema { name, sections, removed, .. } = schema();
    steadfast::schema::Draft { name, sections, removed }
}

#[test]
fn anything_but_prose_changes_the_id() {
    type Change = (&'static str, fn(&mut Vec<Section>));
    let changes: [Change; 14] = [
        ("section name", |s| s[0].name = "plainer".into()),
        ("restart", |s| s[0].restart = Restart::Task),
        ("risk", |s| s[0].risk = Risk::Safety),
        ("secrecy", |s| s[0].secret = true),
        ("checks", |s| s[0].checks.reverse()),
        ("section was", |s| s[1].was = None),
        ("order of sections", |s| s.swap(0, 1)),
        ("order of fields", |s| s[0].fields.swap(0, 1)),
        ("field name", |s| s[0].fields[0].name = "off".into()),
        ("unit", |s| s[0].fields[3].unit = Some("s".into())),
        ("default", |s| s[0].fields[3].default = Some(Literal::Int(999))),
        ("field was", |s| s[0].fields[3].was = None),
        ("absent_means", |s| s[0].fields[3].absent_means = None),
        ("type", |s| s[0].fields[0].ty = Type::Option(Box::new(Type::Bool))),
    ];
    let mut ids = vec![Firmware::SCHEMA_ID];
    for (what, change) in changes {
        let mut draft = draft();
        change(&mut draft.sections);
        let id = Schema::new(draft).unwrap().id;
        assert!(!ids.contains(&id), "{what} changed and the id did not");
        ids.push(id);
    }
}

#[test]
fn every_truncation_is_refused() {
    for len in 0..DESCRIPTION.len() {
        assert!(Schema::decode(&DESCRIPTION[..len]).is_err(), "{len} bytes");
    }
    let longer = [&DESCRIPTION[..], &[0]].concat();
    assert!(matches!(Schema::decode(&longer), Err(SchemaError::Malformed { .. })));
}

#[test]
fn every_flipped_bit_is_refused_or_another_description() {
    for at in 0..DESCRIPTION.len() {
        for bit in 0..8 {
            let mut bytes = DESCRIPTION;
            bytes[at] ^= 1 << bit;
            if let Ok(schema) = Schema::decode(&bytes) {
                assert_eq!(schema.encode(), bytes, "byte {at} bit {bit}: two forms of one description");
            }
        }
    }
}

#[test]
fn another_version_is_named() {
    let mut bytes = DESCRIPTION;
    bytes[0] = 9;
    let error = Schema::decode(&bytes).unwrap_err();
    assert_eq!(error, SchemaError::Version { found: 9 });
    assert!(error.to_string().contains("format 9"), "{error}");
}

#[test]
fn nesting_without_end_is_refused() {
    let head = &[1, 0, 1, 1, b's', 0, 0, 0, 0, 0, 0, 1, 1, b'f', 0];
    let bytes = [&head[..], &[7; 60_000]].concat();
    assert!(matches!(Schema::decode(&bytes), Err(SchemaError::Malformed { what: "types nested too deeply", .. })));
}
