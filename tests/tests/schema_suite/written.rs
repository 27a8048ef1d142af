//! Schemas written by hand compile to the same descriptions, and errors stand where they are.
#![expect(dead_code, reason = "types that are only described")]

use steadfast::schema::{Literal, Schema, Type, from_toml};
use steadfast_core::config::{Config, Configuration, Duration, IpNet, Mac, heapless};

/// The types that `WRITTEN` describes.
#[derive(Config)]
#[config(root, removed("legacy"))]
struct Gateway {
    /// How packets leave.
    #[config(restart = device, risk = connectivity, checks("uplink"), was = "net")]
    network: Network,
    #[config(restart = nothing, secret)]
    extras: Extras,
}

#[derive(Config)]
#[config(removed("dns"))]
struct Network {
    /// The name of the host.
    #[config(default = "router", was = "name")]
    hostname: heapless::String<63>,
    #[config(unit = "bytes", range = 576..=9000, default = 1500)]
    mtu: u16,
    #[config(range = "1s"..="1h", default = "30s")]
    timeout: Duration,
    #[config(key = "name")]
    peers: heapless::Vec<Peer, 8>,
    vlans: heapless::LinearMap<u16, heapless::Vec<IpNet, 4>, 16>,
    #[config(default = Mode::Bridge, absent_means = Mode::Bridge)]
    mode: Mode,
}

#[derive(Config)]
struct Peer {
    name: heapless::String<16>,
    mac: Option<Mac>,
    #[config(range = 0.0..=1.0, default = 1.0)]
    share: f32,
}

#[derive(Config)]
enum Mode {
    Bridge,
    Routed(IpNet),
    Tunnel { port: u16, peer: Peer },
}

#[derive(Config)]
struct Extras {
    #[config(default = true)]
    on: bool,
    table: heapless::LinearMap<heapless::String<8>, i64, 4>,
}

const WRITTEN: &str = r#"
name = "gateway"
removed = ["legacy"]

[section.network]
doc = "How packets leave."
restart = "device"
risk = "connectivity"
checks = ["uplink"]
was = "net"
removed = ["dns"]

[section.network.fields]
hostname = { type = "text", max = 63, default = "router", was = "name", doc = "The name of the host." }
mtu = { type = "u16", min = 576, max = 9000, unit = "bytes", default = 1500 }
timeout = { type = "duration", min = "1s", max = "1h", default = "30s" }
peers = { type = "list", max = 8, key = "name", item = "peer" }
vlans = { type = "map", max = 16, key = "u16", value = { type = "list", max = 4, item = "ip_net" } }
mode = { type = "mode", default = "bridge", absent_means = "bridge" }

[section.extras]
restart = "nothing"
secret = true
[section.extras.fields]
on = { type = "bool", default = true }
table = { type = "map", max = 4, key = { type = "text", max = 8 }, value = "i64" }

[type.peer.fields]
name = { type = "text", max = 16 }
mac = { type = "mac", optional = true }
share = { type = "f32", min = 0, max = 1, default = 1 }

[type.mode.variants]
bridge = {}
routed = { payload = "ip_net" }
tunnel.fields = { port = "u16", peer = "peer" }
"#;

#[test]
fn the_text_is_the_same_schema_as_the_types() {
    let written = from_toml(WRITTEN, "other").unwrap();
    assert_eq!(written.id, Gateway::SCHEMA_ID);
    assert_eq!(written.name, "gateway");
    assert_eq!(written.section("network").unwrap().doc, "How packets leave.");
    assert_eq!(Schema::decode(&written.encode()), Ok(written));
}

#[test]
fn an_empty_table_is_an_empty_map() {
    let text = r#"section.a.fields.m = { type = "map", max = 2, key = "u8", value = "u8", default = {} }"#;
    let schema = from_toml(text, "n").unwrap();
    assert_eq!(schema.name, "n");
    assert_eq!(schema.sections[0].fields[0].default, Some(Literal::List(Vec::new())));
    assert!(matches!(schema.sections[0].fields[0].ty, Type::Map { max: 2, .. }));
}

#[test]
fn every_mistake_is_named_at_its_place() {
    // The text, the line and column, and a piece of the message.
    let cases = [
        ("name = ", (1, 8), "string values must be quoted"),
        ("", (1, 1), "at least one `[section.NAME]`"),
        ("[section.a]\nrestrat = 'task'", (2, 1), "did you mean `restart`"),
        ("[section.a]\nrestart = 'tsk'", (2, 11), "one of nothing, task, device"),
        ("[section.a]\nsecret = 1", (2, 10), "true or false"),
        ("[section.a]\nchecks = 'x'", (2, 10), "list of texts"),
        ("[section.a]\nchecks = ['X']", (1, 10), "`X` is no name"),
        ("[section.A]", (1, 10), "`A` is no name"),
        ("section = 1", (1, 11), "must be a table, not a whole number"),
        ("[section.a.fields]\nx = 'u9'", (2, 5), "did you mean `u8`"),
        ("[section.a.fields]\nx = 'gizmo'", (2, 5), "define it under `[type.gizmo]`"),
        ("[section.a.fields]\nx = 'text'", (2, 5), "a text has a bound"),
        ("[section.a.fields]\nx = { type = 'text' }", (2, 1), "needs `max`"),
        ("[section.a.fields]\nx = { max = 4 }", (2, 1), "needs `type`"),
        ("[section.a.fields]\nx = { type = 'u8', item = 'u8' }", (2, 20), "unknown key `item`"),
        ("[section.a.fields]\nx = { type = 'u8', max = 256 }", (2, 1), "0 to 256 is no range of u8"),
        (
            "[section.a.fields]\nx = { type = 'u8', min = 5, default = 4 }",
            (2, 39),
            "no value of the field's type and range",
        ),
        ("[section.a.fields]\nx = { type = 'u8', default = 1979-05-27 }", (2, 30), "a date cannot be given here"),
        ("[section.a.fields]\nx = { type = 'duration', max = '5' }", (2, 32), "a duration, like"),
        ("[section.a.fields]\nx = { type = 'list', max = -1, item = 'u8' }", (2, 28), "0 to 4294967295"),
        (
            "[section.a.fields]\nx = { type = 'map', max = 1, key = 'bool', value = 'u8' }",
            (2, 1),
            "a map's key must be",
        ),
        ("[section.a.fields]\nx = 'u8'\ny = { type = 'u8', was = 'x' }", (1, 10), "names two things"),
        ("[section.a.fields]\nx = 't'\n[type.t.fields]\ny = 't'", (4, 5), "contains itself"),
        ("[section.a.fields]\nx = 't'\n[type.t]", (3, 7), "either `fields` or `variants`"),
        ("[section.a.fields]\nx = 't'\n[type.t.fields]\nY = 'u8'", (4, 1), "`Y` is no name"),
        ("[section.a]\n[type.u8.fields]", (2, 7), "is a type already"),
    ];
    for (text, at, piece) in cases {
        let error = from_toml(text, "n").unwrap_err();
        assert!(error.message.contains(piece), "{text}\nexpected {piece:?}, found {error}");
        assert_eq!(error.position(text), at, "{text}\n{error}");
    }
}

#[test]
fn types_that_multiply_are_stopped() {
    let mut text = String::from("[section.a.fields]\nx = 't0'\n");
    for i in 0..7 {
        text += &format!("[type.t{i}.fields]\n");
        (0..60).for_each(|j| text += &format!("f{j} = 't{}'\n", i + 1));
    }
    text += "[type.t7.fields]\nx = 'u8'\n";
    let error = from_toml(&text, "n").unwrap_err();
    assert!(error.message.contains("more than 4096 fields"), "{error}");
}
