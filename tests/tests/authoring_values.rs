//! Values and merging against judges that work differently: postcard's own encoder on the firmware's own types, and a merge that
//! knows nothing of sharing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use proptest::prelude::*;
use steadfast::diagnostics::{FileId, Findings, Place};
use steadfast::schema::Schema;
use steadfast::value::{Node, Value, check_fields, encode_fields, read_toml};
use steadfast_core::config::heapless::{LinearMap, String as Text, Vec as List};
use steadfast_core::config::{self, Duration, IpNet, Mac, Section};
use steadfast_tests::firmwares::router::{Host, Routing, Vlan};
use steadfast_tests::firmwares::sensor::{Alarms, Mode, Network, Sampling};
use steadfast_tests::firmwares::{ROUTER, SENSOR};
use steadfast_tests::fleetgen::small;

/// What a section's TOML becomes, through reading, checking and encoding.
fn encoded(description: &[u8], section: &str, toml: &str) -> Vec<u8> {
    let schema = Schema::decode(description).unwrap();
    let mut findings = Findings::default();
    let table = read_toml(FileId(0), toml, &mut findings);
    assert!(!findings.has_errors(), "{toml}");
    let node = Node { value: Value::Table(table.into()), place: Place::new(FileId(0), 0..0) };
    let fields = check_fields(section, &schema.section(section).unwrap().fields, &node);
    encode_fields(&fields.unwrap_or_else(|faults| panic!("{faults:?}\n{toml}")))
}

/// The bytes that postcard and the derive make of the same value, which the device takes.
fn judged<T: serde::Serialize + Section + PartialEq + std::fmt::Debug>(value: &T) -> Vec<u8> {
    let mut buffer = [0; 4096];
    let bytes = postcard::to_slice(value, &mut buffer).unwrap().to_vec();
    assert_eq!(config::decode::<T>(&bytes).unwrap(), *value);
    bytes
}

fn text<const N: usize>() -> impl Strategy<Value = Text<N>> {
    let pattern = format!("[ -~&&[^\"\\\\]]{{0,{N}}}");
    prop_oneof![proptest::string::string_regex(&pattern).unwrap(), Just("ñ°".to_owned())]
        .prop_map(|text| text.as_str().try_into().unwrap())
}

fn mode() -> impl Strategy<Value = (String, Mode)> {
    prop_oneof![
        Just(("\"sleep\"".to_owned(), Mode::Sleep)),
        any::<u8>().prop_map(|n| (format!("{{ average = {n} }}"), Mode::Average(n))),
        any::<(i16, i16)>().prop_map(|(low, high)| {
            (format!("{{ window = {{ high = {high}, low = {low} }} }}"), Mode::Window { low, high })
        }),
    ]
}

fn host() -> impl Strategy<Value = (String, Host)> {
    (any::<[u8; 6]>(), any::<Option<[u8; 4]>>()).prop_map(|(mac, address)| {
        let host = Host { mac: Mac(mac), address: address.map(Into::into) };
        let address = host.address.map(|address| format!(", address = \"{address}\"")).unwrap_or_default();
        (format!("{{ mac = \"{}\"{address} }}", host.mac), host)
    })
}

fn vlan() -> impl Strategy<Value = (String, Vlan)> {
    let net = prop_oneof![
        Just(None),
        (any::<[u8; 4]>(), 0..=32_u8)
            .prop_map(|(octets, bits)| Some(format!("{}/{bits}", std::net::Ipv4Addr::from(octets)))),
        (any::<[u8; 16]>(), 0..=128_u8)
            .prop_map(|(octets, bits)| Some(format!("{}/{bits}", std::net::Ipv6Addr::from(octets)))),
    ];
    (1..=4094_u16, net, any::<bool>()).prop_map(|(vid, net, untagged)| {
        let prefix = net.as_deref().map(|net| IpNet::from_text(net).unwrap());
        let written = net.map(|net| format!("prefix = \"{net}\", ")).unwrap_or_default();
        (format!("{{ vid = {vid}, {written}untagged = {untagged} }}"), Vlan { vid, prefix, untagged })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn sampling_is_its_postcard(period_ms in 10..=3_600_000_u32, mode in mode(), gain in 0.0..=10.0_f32) {
        let toml = format!("mode = {}\ngain = {gain:?}\nperiod_ms = {period_ms}\n", mode.0);
        let value = Sampling { period_ms, mode: mode.1, gain };
        prop_assert_eq!(encoded(&SENSOR, "sampling", &toml), judged(&value));
    }

    #[test]
    fn network_is_its_postcard(server in text::<64>(), ntp in proptest::option::of(text::<64>()), ms in 100..=60_000_u64) {
        let mut toml = format!("timeout = \"{ms}ms\"\nserver = \"{server}\"\n");
        if let Some(ntp) = &ntp {
            writeln!(toml, "ntp = \"{ntp}\"").unwrap();
        }
        let value = Network { server, ntp, timeout: Duration::from_millis(ms).unwrap() };
        prop_assert_eq!(encoded(&SENSOR, "network", &toml), judged(&value));
    }

    #[test]
    fn alarms_are_their_postcard(enabled: bool, low: i16, high: i16, recipients in proptest::collection::vec(text::<32>(), 0..=4)) {
        let quoted: Vec<_> = recipients.iter().map(|text| format!("\"{text}\"")).collect();
        let toml = format!("enabled = {enabled}\nlow = {low}\nhigh = {high}\nrecipients = [{}]\n", quoted.join(", "));
        let recipients = List::from_slice(&recipients).unwrap();
        prop_assert_eq!(encoded(&SENSOR, "alarms", &toml), judged(&Alarms { enabled, low, high, recipients }));
    }

    #[test]
    fn routing_is_its_postcard(
        vlans in proptest::collection::btree_map(any::<u8>(), vlan(), 0..8),
        hosts in proptest::collection::btree_map("[a-z.]{1,32}", host(), 0..8),
        costs in proptest::collection::btree_map(any::<u16>(), any::<u32>(), 0..8),
    ) {
        let mut numbered: Vec<(String, Vlan)> = vlans.into_values().collect();
        numbered.dedup_by_key(|(_, vlan)| vlan.vid);
        let mut seen = BTreeSet::new();
        numbered.retain(|(_, vlan)| seen.insert(vlan.vid));
        let list: Vec<&str> = numbered.iter().map(|(written, _)| written.as_str()).collect();
        let mut toml = format!("vlans = [{}]\n[hosts]\n", list.join(", "));
        let (mut by_name, mut by_class) = (LinearMap::new(), LinearMap::new());
        for (name, (written, host)) in hosts {
            writeln!(toml, "\"{name}\" = {written}").unwrap();
            by_name.insert(name.as_str().try_into().unwrap(), host).unwrap();
        }
        toml.push_str("[costs]\n");
        for (class, cost) in costs {
            writeln!(toml, "{class} = {cost}").unwrap();
            by_class.insert(class, cost).unwrap();
        }
        let vlans = List::from_iter(numbered.into_iter().map(|(_, vlan)| vlan));
        prop_assert_eq!(encoded(&ROUTER, "routing", &toml), judged(&Routing { vlans, hosts: by_name, costs: by_class }));
    }

    #[test]
    fn layers_merge_like_a_flat_list_of_assignments(layers in proptest::collection::vec(layer(), 4).prop_map(sensible)) {
        let folder = small();
        folder.remove("layers/device/r2.toml");
        for (path, layer) in ["common", "model/sensor", "region/us", "device/s4"].iter().zip(&layers) {
            folder.write(&format!("layers/{path}.toml"), written(layer));
        }
        // What other devices need and this test does not look at.
        folder.write("layers/site/boston.toml", "[network]\nserver = \"x\"\n");
        folder.write("inventory/routers.toml", "");
        folder.write("inventory/sensors.csv", format!("device,name,model,site\n{:032x},s4,sensor,boston\n", 4));
        let compiled = folder.compile().unwrap();
        let mut values: BTreeMap<&str, i64> = [("alarms.low", -20), ("alarms.high", 60), ("sampling.period_ms", 1000)].into();
        let defaults = values.clone();
        for layer in &layers {
            for (field, change) in layer {
                match change {
                    Change::Unset => values.insert(field, defaults[field]),
                    Change::Set(value) => values.insert(field, *value),
                };
            }
        }
        let find = |bytes: &[u8]| compiled.objects.values().any(|object| object == bytes);
        let alarms = Alarms {
            enabled: true,
            low: values["alarms.low"] as i16,
            high: values["alarms.high"] as i16,
            recipients: List::new(),
        };
        let sampling = Sampling { period_ms: values["sampling.period_ms"] as u32, mode: Mode::Sleep, gain: 1.0 };
        prop_assert!(find(&judged(&alarms)) && find(&judged(&sampling)));
    }
}

#[derive(Clone, Debug)]
enum Change {
    Unset,
    Set(i64),
}

const FIELDS: [&str; 3] = ["alarms.low", "alarms.high", "sampling.period_ms"];

fn layer() -> impl Strategy<Value = BTreeMap<&'static str, Change>> {
    let change = prop_oneof![Just(Change::Unset), (10..1000_i64).prop_map(Change::Set)];
    proptest::collection::btree_map(proptest::sample::select(&FIELDS[..]), change, 0..=3)
}

/// Without what unsets a field that nobody has set: that is an error.
fn sensible(mut layers: Vec<BTreeMap<&'static str, Change>>) -> Vec<BTreeMap<&'static str, Change>> {
    let mut set = BTreeSet::new();
    for layer in &mut layers {
        layer.retain(|field, change| match change {
            Change::Unset => set.remove(field),
            Change::Set(_) => {
                set.insert(*field);
                true
            }
        });
    }
    layers
}

fn written(layer: &BTreeMap<&str, Change>) -> String {
    let unset: Vec<_> =
        layer.iter().filter(|(_, change)| matches!(change, Change::Unset)).map(|(f, _)| format!("\"{f}\"")).collect();
    let mut text = format!("unset = [{}]\n", unset.join(", "));
    for (field, change) in layer {
        if let Change::Set(value) = change {
            writeln!(text, "{field} = {value}").unwrap();
        }
    }
    text
}

#[test]
fn the_newest_of_two_schemas_names_fields_for_both() {
    let folder = small();
    let old = "[section.network.fields]\nserver = { type = \"text\", max = 64 }\n\n[section.sampling.fields]\nperiod = { type = \"u32\", default = 7 }\n";
    let new = "[section.network.fields]\nserver = { type = \"text\", max = 64 }\n\n[section.sampling.fields]\n\
        period_ms = { type = \"u32\", default = 7, was = \"period\" }\nburst = { type = \"u8\", default = 1, absent_means = 1 }\n";
    folder.write("schemas/pump/old.toml", old);
    folder.write("schemas/pump/new.toml", new);
    let settings = std::fs::read_to_string(folder.path().join("steadfast.toml")).unwrap();
    folder.write(
        "steadfast.toml",
        settings + "[models.pump]\nslot_bytes = 4096\nschemas = [\"old.toml\", \"new.toml\"]\n",
    );
    folder.write("inventory/pumps.csv", format!("device,name,model,region\n{:032x},p1,pump,us\n", 99));
    folder.write("layers/model/pump.toml", "");
    folder.write("layers/common.toml", "[network]\nserver = \"s\"\n[sampling]\nperiod_ms = 300\n");
    folder.write("layers/region/us.toml", "");
    // Unsets the time server, which the common layer above no longer has.
    folder.write("layers/site/berlin.toml", "");
    folder.write("layers/device/p1.toml", "[sampling]\nburst = 1\n");
    let compiled = folder.compile().unwrap();
    assert_eq!(compiled.leaves.iter().filter(|leaf| leaf.device.0[15] == 99).count(), 2);
    // 300 as a varint, alone and with the burst of 1.
    let has = |bytes: &[u8]| compiled.objects.values().any(|object| object == bytes);
    assert!(has(&[0xac, 2]) && has(&[0xac, 2, 1]));
    folder.write("layers/device/p1.toml", "[sampling]\nburst = 2\n");
    let diagnostics = folder.compile().unwrap_err();
    let [one] = diagnostics.list() else { panic!("{diagnostics}") };
    assert_eq!((one.code().name().as_str(), one.devices()), ("schema-skew", 1));
    assert_eq!(one.position().unwrap().line, 2);
}
