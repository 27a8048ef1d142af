//! The decoder takes every value's postcard bytes, no others, and the judge reads the same out of them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use postcard_dyn_ng::{from_slice_dyn, to_stdvec_dyn};
use postcard_schema_ng::Schema as _;
use postcard_schema_ng::schema::owned::{OwnedData, OwnedDataModelType as Dmt, OwnedVariant};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use steadfast::schema::Schema;
use steadfast_core::config::heapless::{LinearMap, String, Vec};
use steadfast_core::config::{Duration, IpNet, Ipv4Net, Ipv6Net, Mac, Malformed, Value, decode};

use crate::judge;
use crate::sample::{DESCRIPTION, Mode, Nested, Plain, Route, Special};

fn section(name: &str) -> Dmt {
    let schema = Schema::decode(&DESCRIPTION).unwrap();
    let section = schema.section(name).unwrap();
    Dmt::Struct { name: name.into(), data: OwnedData::Struct(judge::named(&section.fields)) }
}

fn text<const N: usize>() -> impl Strategy<Value = String<N>> {
    vec(any::<char>(), 0..=N).prop_map(|chars| {
        let mut text = String::new();
        chars.into_iter().for_each(|c| drop(text.push(c)));
        text
    })
}

fn list<T: std::fmt::Debug, const N: usize>(item: impl Strategy<Value = T>) -> impl Strategy<Value = Vec<T, N>> {
    vec(item, 0..=N).prop_map(|items| items.into_iter().collect())
}

fn map<K, V, const N: usize>(
    key: impl Strategy<Value = K>,
    value: impl Strategy<Value = V>,
) -> impl Strategy<Value = LinearMap<K, V, N>>
where
    K: Ord + std::fmt::Debug,
    V: std::fmt::Debug,
{
    btree_map(key, value, 0..=N).prop_map(|entries| entries.into_iter().collect())
}

fn route() -> impl Strategy<Value = Route> {
    (text(), 0..=1000_u32).prop_map(|(name, metric)| Route { name, metric })
}

fn mode() -> impl Strategy<Value = Mode> {
    prop_oneof![
        Just(Mode::Off),
        any::<u16>().prop_map(Mode::FixedRate),
        (0.0..=1.0_f32, text()).prop_map(|(share, name)| Mode::Custom { share, name }),
        route().prop_map(Mode::Routed),
    ]
}

fn plain() -> impl Strategy<Value = Plain> {
    let numbers = (any::<bool>(), 1..=200_u8, any::<i8>(), 10..=3600_u16, -100..=i16::MAX, any::<u32>());
    let more = (
        i32::MIN..=5,
        any::<u64>(),
        any::<i64>(),
        -40.0..=85.1_f32,
        any::<f64>().prop_filter("finite", |v| v.is_finite()),
    );
    let lists = (text(), list(1..=9_u16), list(route()), option::of(any::<u32>()), option::of(list(any::<bool>())));
    let rest = (mode(), any::<Ipv4Addr>(), any::<Ipv6Addr>(), any::<IpAddr>());
    (numbers, more, lists, rest).prop_map(|((on, a, b, c, d, e), (f, g, h, i, j), (k, l, m, n, o), (p, q, r, s))| {
        Plain { on, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s }
    })
}

fn special() -> impl Strategy<Value = Special> {
    let v4 = || (any::<Ipv4Addr>(), 0..=32_u8).prop_map(|(address, bits)| Ipv4Net::new(address, bits).unwrap());
    let v6 = || (any::<Ipv6Addr>(), 0..=128_u8).prop_map(|(address, bits)| Ipv6Net::new(address, bits).unwrap());
    let net = prop_oneof![v4().prop_map(IpNet::V4), v6().prop_map(IpNet::V6)];
    let duration = |ms: std::ops::RangeInclusive<u64>| ms.prop_map(|ms| Duration::from_millis(ms).unwrap());
    let single = (duration(1000..=3_600_000), any::<[u8; 6]>().prop_map(Mac), v4(), v6(), net);
    let maps = (map(any::<u16>(), 1..=9_u8), map(text(), route()), map(any::<IpAddr>(), option::of(any::<bool>())));
    let nested = (list(mode()), any::<u8>()).prop_map(|(modes, r#type)| Nested { modes, r#type });
    let rest = (list(route()), nested, option::of(duration(0..=u64::from(u32::MAX))));
    (single, maps, rest).prop_map(
        |((timeout, mac, v4, v6, net), (by_number, by_name, by_address), (routes, nested, maybe))| Special {
            timeout,
            mac,
            v4,
            v6,
            net,
            by_number,
            by_name,
            by_address,
            routes,
            nested,
            maybe,
        },
    )
}

fn bytes_of(value: &impl serde::Serialize) -> std::vec::Vec<u8> {
    let mut buffer = [0; 4096];
    postcard::to_slice(value, &mut buffer).unwrap().to_vec()
}

proptest! {
    #[test]
    fn plain_values_pass_device_and_judge(value in plain()) {
        let bytes = bytes_of(&value);
        prop_assert!(bytes.len() <= Plain::MAX_BYTES);
        let judged = from_slice_dyn(&section("plain"), &bytes).unwrap();
        prop_assert_eq!(to_stdvec_dyn(&section("plain"), &judged).unwrap(), bytes.clone());
        prop_assert_eq!(decode::<Plain>(&bytes), Ok(value));
    }

    #[test]
    fn special_values_pass_the_device(value in special()) {
        let bytes = bytes_of(&value);
        prop_assert!(bytes.len() <= Special::MAX_BYTES);
        prop_assert_eq!(decode::<Special>(&bytes), Ok(value));
    }

    #[test]
    fn damaged_bytes_are_refused_or_are_another_value(value in special(), at in any::<proptest::sample::Index>(), bit in 0..8) {
        let mut bytes = bytes_of(&value);
        let at = at.index(bytes.len());
        bytes[at] ^= 1_u8 << bit;
        if let Ok(other) = decode::<Special>(&bytes) {
            prop_assert_eq!(bytes_of(&other), bytes);
        }
    }

    #[test]
    fn truncated_and_prolonged_bytes_are_refused(value in plain(), len in any::<proptest::sample::Index>()) {
        let mut bytes = bytes_of(&value);
        prop_assert!(decode::<Plain>(&bytes[..len.index(bytes.len())]).is_err());
        bytes.push(0);
        prop_assert_eq!(decode::<Plain>(&bytes), Err(Malformed::Trailing));
    }

    #[test]
    fn any_bytes_are_refused_or_are_the_value_they_came_from(bytes in vec(prop_oneof![0..4_u8, any::<u8>()], 0..200)) {
        if let Ok(value) = decode::<Plain>(&bytes) {
            prop_assert_eq!(bytes_of(&value), bytes.clone());
        }
        if let Ok(value) = decode::<Special>(&bytes) {
            prop_assert_eq!(bytes_of(&value), bytes);
        }
    }
}

#[test]
fn the_judge_sees_the_layout_that_we_describe() {
    let theirs = lower(&Dmt::from(Plain::SCHEMA));
    let Dmt::Struct { data, .. } = section("plain") else { panic!() };
    assert_eq!(Dmt::Struct { name: "Plain".into(), data }, theirs);
}

/// The judge's names for variants, in our spelling; addresses keep theirs.
fn lower(ty: &Dmt) -> Dmt {
    match ty {
        Dmt::Option(inner) => Dmt::Option(lower(inner).into()),
        Dmt::Seq { element, max_len } => Dmt::Seq { element: lower(element).into(), max_len: *max_len },
        Dmt::Struct { name, data } => Dmt::Struct { name: name.clone(), data: lower_data(data) },
        Dmt::Enum { name, variants } if **name == *"Mode" => {
            Dmt::Enum { name: name.clone(), variants: variants.iter().map(lower_variant).collect() }
        }
        other => other.clone(),
    }
}

fn lower_data(data: &OwnedData) -> OwnedData {
    match data {
        OwnedData::Struct(fields) => {
            let mut fields = fields.clone();
            fields.iter_mut().for_each(|field| field.ty = lower(&field.ty));
            OwnedData::Struct(fields)
        }
        OwnedData::Newtype(inner) => OwnedData::Newtype(lower(inner).into()),
        other => other.clone(),
    }
}

fn lower_variant(variant: &OwnedVariant) -> OwnedVariant {
    let name = match &*variant.name {
        "FixedRate" => "fixed_rate".to_owned(),
        other => other.to_lowercase(),
    };
    OwnedVariant { name: name.as_str().into(), data: lower_data(&variant.data) }
}

#[test]
fn every_bound_is_held() {
    let refuses = |bytes: &[u8], why| assert_eq!(decode::<Special>(bytes).err(), Some(why));
    let mut special = <Special as steadfast_core::config::Defaults>::defaults();
    assert!(decode::<Special>(&bytes_of(&special)).is_ok());
    special.timeout = Duration::from_millis(999).unwrap();
    refuses(&bytes_of(&special), Malformed::OutOfRange);
    special.timeout = Duration::from_millis(3_600_001).unwrap();
    refuses(&bytes_of(&special), Malformed::OutOfRange);
    special.timeout = Duration::from_millis(1000).unwrap();
    special.by_number.insert(1, 10).unwrap();
    refuses(&bytes_of(&special), Malformed::OutOfRange);
    special.by_number.clear();
    special.by_number.insert(2, 1).unwrap();
    special.by_number.insert(1, 1).unwrap();
    refuses(&bytes_of(&special), Malformed::KeyOrder);
    special.by_number.clear();
    special.nested.modes.push(Mode::Custom { share: f32::NAN, name: String::new() }).unwrap();
    refuses(&bytes_of(&special), Malformed::OutOfRange);

    assert!(decode::<LinearMap<u8, u8, 2>>(&[2, 7, 0, 8, 0]).is_ok());
    assert_eq!(decode::<LinearMap<u8, u8, 2>>(&[2, 7, 0, 7, 0]).err(), Some(Malformed::KeyOrder));
    assert_eq!(decode::<Vec<u8, 2>>(&[3, 0, 0, 0]), Err(Malformed::TooLong));
    assert_eq!(decode::<String<2>>(b"\x03abc"), Err(Malformed::TooLong));
    assert_eq!(decode::<String<2>>(b"\x02\xff\xff"), Err(Malformed::Text));
    assert_eq!(decode::<Mode>(&[4]), Err(Malformed::Variant));
    assert_eq!(decode::<Ipv4Net>(&[0, 0, 0, 0, 33]), Err(Malformed::OutOfRange));
    assert_eq!(decode::<IpAddr>(&[2, 0, 0, 0, 0]), Err(Malformed::Variant));
    assert_eq!(decode::<bool>(&[2]), Err(Malformed::Flag));
    assert_eq!(decode::<f32>(&f32::INFINITY.to_le_bytes()), Err(Malformed::OutOfRange));
}
