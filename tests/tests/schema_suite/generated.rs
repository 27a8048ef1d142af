//! Schemas that nobody wrote: any description survives its bytes, and no value that the judge encodes is longer than promised.

use postcard_dyn_ng::to_stdvec_dyn;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::{Map, Value, json};
use steadfast::schema::{Draft, Field, FloatKind, IntKind, Restart, Risk, Schema, Section, Type, Variant};

use crate::judge;

fn int() -> impl Strategy<Value = Type> {
    let kind = prop::sample::select(IntKind::ALL.to_vec());
    (kind, any::<i128>(), any::<i128>()).prop_map(|(kind, a, b)| {
        let inside = |value: i128| kind.min() + value.rem_euclid(kind.max() - kind.min() + 1);
        let (a, b) = (inside(a), inside(b));
        Type::Int { kind, min: a.min(b), max: a.max(b) }
    })
}

fn scalar() -> impl Strategy<Value = Type> {
    prop_oneof![
        Just(Type::Bool),
        int(),
        (-1e6..0.0_f64, 0.0..1e6_f64).prop_map(|(min, max)| Type::Float { kind: FloatKind::F64, min, max }),
        Just(Type::Float { kind: FloatKind::F32, min: -1.0, max: 1.0 }),
        (0..300_u32).prop_map(|max_bytes| Type::Text { max_bytes }),
        Just(Type::Ipv4Addr),
        Just(Type::Ipv6Addr),
        Just(Type::IpAddr),
        Just(Type::Ipv4Net),
        Just(Type::Ipv6Net),
        Just(Type::IpNet),
        Just(Type::Mac),
        (0..1000_u64, 1000..1_000_000_000_u64).prop_map(|(min_ms, max_ms)| Type::Duration { min_ms, max_ms }),
    ]
}

fn ty() -> impl Strategy<Value = Type> {
    scalar().prop_recursive(4, 24, 4, |inner| {
        let not_option = inner.clone().prop_filter("no option of an option", |ty| !matches!(ty, Type::Option(_)));
        let text = (0..20_u32).prop_map(|max_bytes| Type::Text { max_bytes });
        prop_oneof![
            (0..4_u32, inner.clone()).prop_map(|(max, item)| Type::List { max, item: item.into(), key: None }),
            (0..4_u32, text, inner.clone()).prop_map(|(max, key, value)| Type::Map {
                max,
                key: key.into(),
                value: value.into()
            }),
            not_option.clone().prop_map(|inner| Type::Option(inner.into())),
            fields(inner.clone()).prop_map(|fields| Type::Struct { name: "S".into(), fields, removed: Vec::new() }),
            vec(option::of(not_option), 1..4)
                .prop_map(|payloads| Type::Enum { name: "E".into(), variants: variants(payloads) }),
        ]
    })
}

fn variants(payloads: Vec<Option<Type>>) -> Vec<Variant> {
    let variant = |(i, payload)| Variant { name: format!("v{i}"), doc: String::new(), payload };
    payloads.into_iter().enumerate().map(variant).collect()
}

fn fields(ty: impl Strategy<Value = Type>) -> impl Strategy<Value = Vec<Field>> {
    let extra = (option::of("[a-z°]{1,8}"), "\\PC{0,30}");
    vec((ty, extra), 0..5).prop_map(|all| {
        let field = |(i, (ty, (unit, doc)))| Field {
            name: format!("f{i}"),
            doc,
            ty,
            unit,
            default: None,
            was: (i == 0).then(|| "old".into()),
            absent_means: None,
        };
        all.into_iter().enumerate().map(field).collect()
    })
}

fn schema() -> impl Strategy<Value = Schema> {
    vec((fields(ty()), any::<bool>()), 1..4).prop_map(|sections| {
        let section = |(i, (fields, secret))| Section {
            name: format!("s{i}"),
            doc: String::new(),
            restart: Restart::Device,
            risk: Risk::Low,
            secret,
            checks: vec![format!("check_{i}")],
            was: None,
            fields,
            removed: vec!["gone".into()],
        };
        let sections = sections.into_iter().enumerate().map(section).collect();
        Schema::new(Draft { name: "generated".into(), sections, removed: Vec::new() }).unwrap()
    })
}

/// A value near the upper end of what the type allows, by the judge's JSON; `pick` chooses where there is a choice.
fn large(ty: &Type, pick: usize) -> Value {
    match ty {
        Type::Bool => json!(true),
        Type::Int { min, max, .. } => {
            let furthest = if min.unsigned_abs() > max.unsigned_abs() { min } else { max };
            u64::try_from(*furthest).map_or_else(|_| json!(*furthest as i64), |value| json!(value))
        }
        Type::Float { max, .. } => json!(max),
        Type::Text { max_bytes } => json!("x".repeat(*max_bytes as usize)),
        Type::List { max, item, .. } => (0..*max).map(|_| large(item, pick)).collect(),
        Type::Map { max, key, value } => Value::Object(entries(*max, key, &large(value, pick))),
        Type::Struct { fields, .. } => struct_of(fields, pick),
        Type::Option(inner) => large(inner, pick),
        Type::Enum { variants, .. } => {
            let variant = &variants[pick % variants.len()];
            match &variant.payload {
                None => json!(variant.name),
                Some(payload) => json!({ &variant.name: large(payload, pick) }),
            }
        }
        Type::Ipv4Addr => json!({ "octets": vec![255; 4] }),
        Type::Ipv6Addr => json!({ "octets": vec![255; 16] }),
        Type::IpAddr => json!({ "V6": { "octets": vec![255; 16] } }),
        Type::Ipv4Net => json!({ "address": vec![255; 4], "prefix_bits": 32 }),
        Type::Ipv6Net => json!({ "address": vec![255; 16], "prefix_bits": 128 }),
        Type::IpNet => json!({ "V6": { "address": vec![255; 16], "prefix_bits": 128 } }),
        Type::Mac => json!(vec![255; 6]),
        Type::Duration { max_ms, .. } => json!(max_ms),
    }
}

fn entries(max: u32, key: &Type, value: &Value) -> Map<String, Value> {
    let Type::Text { max_bytes } = key else { panic!("the judge knows only text as key") };
    let width = *max_bytes as usize;
    let keys = (0..max).map(|i| format!("{i:0width$}")).filter(|key| key.len() == width);
    keys.map(|key| (key, value.clone())).collect()
}

fn struct_of(fields: &[Field], pick: usize) -> Value {
    Value::Object(fields.iter().map(|field| (field.name.clone(), large(&field.ty, pick))).collect())
}

fn is_exact(ty: &Type) -> bool {
    match ty {
        // Not every key of the longest length is there, and the largest variant is not always the one picked.
        Type::Map { .. } | Type::Enum { .. } => false,
        Type::List { item, .. } | Type::Option(item) => is_exact(item),
        Type::Struct { fields, .. } => fields.iter().all(|field| is_exact(&field.ty)),
        _ => true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, rng_seed: RngSeed::Fixed(7), ..ProptestConfig::default() })]

    #[test]
    fn any_schema_survives_its_bytes(schema in schema()) {
        prop_assert_eq!(Schema::decode(&schema.encode()), Ok(schema));
    }

    #[test]
    fn the_largest_size_is_never_exceeded_and_often_reached(ty in ty(), pick in 0..4_usize) {
        let bytes = to_stdvec_dyn(&judge::dmt(&ty), &large(&ty, pick)).unwrap();
        prop_assert!(bytes.len() as u64 <= ty.max_bytes(), "{} of {} bytes", bytes.len(), ty.max_bytes());
        if is_exact(&ty) {
            prop_assert_eq!(bytes.len() as u64, ty.max_bytes());
        }
    }
}
