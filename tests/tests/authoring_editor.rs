//! What editors are given: a JSON Schema for layers, judged by a validator that is not ours, and a reference page. Every good layer passes; planted
//! mistakes do not.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use boon::{Compiler, Draft, SchemaIndex, Schemas};
use proptest::prelude::*;
use serde_json::{Value, json};
use steadfast::docs;
use steadfast::fleet::{At, Fleet};
use steadfast::schema::from_toml;
use steadfast_core::config::{IpNet, Ipv4Net, Ipv6Net, Mac};
use steadfast_tests::fleetgen::small;

/// An independent validator of one schema.
struct Judge {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Judge {
    fn new(schema: &Value) -> Self {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.set_default_draft(Draft::V7);
        compiler.add_resource("layer.json", schema.clone()).unwrap();
        let index = compiler.compile("layer.json", &mut schemas).unwrap();
        Self { schemas, index }
    }

    /// What it says of a layer.
    fn layer(&self, text: &str) -> Result<(), String> {
        let table: toml::Table = text.parse().unwrap();
        self.value(&serde_json::to_value(table).unwrap())
    }

    fn value(&self, value: &Value) -> Result<(), String> {
        self.schemas.validate(value, self.index).map_err(|error| error.to_string())
    }
}

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/fleet")
}

fn layers(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(layers(&path)) } else { found.push(path) }
    }
    found.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    found
}

#[test]
fn every_layer_of_good_fleets_passes() {
    let small = small();
    for folder in [example(), small.path().to_owned()] {
        let fleet = Fleet::open(&folder, &At::Worktree).unwrap();
        let judge = Judge::new(&docs::layer_schema(&fleet));
        let files = layers(&folder.join("layers"));
        assert!(files.len() >= 5);
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            judge.layer(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        }
    }
}

const SCHEMA: &str = r#"
[type.peer.fields]
name = { type = "text", max = 8 }
port = { type = "u16", min = 1, default = 80 }

[type.mode.variants]
off = {}
fixed = { payload = "u8" }

[section.values.fields]
count = { type = "i16", min = -5, max = 300, default = 0 }
ratio = { type = "f32", min = 0.0, max = 1.0, default = 0.5 }
on = { type = "bool", default = false }
text = { type = "text", max = 4, default = "" }
list = { type = "list", max = 2, item = "u8", default = [] }
peers = { type = "list", max = 2, key = "name", item = "peer", default = [] }
by_id = { type = "map", max = 2, key = "u16", value = { type = "text", max = 4 }, default = [] }
by_host = { type = "map", max = 2, key = "ipv4_addr", value = "bool", default = [] }
mode = { type = "mode", default = "off" }
level = { type = "level", default = "low" }
wait = { type = "duration", default = "1s" }
v4 = { type = "ipv4_addr", optional = true }
v6 = { type = "ipv6_addr", optional = true }
ip = { type = "ip_addr", optional = true }
net4 = { type = "ipv4_net", optional = true }
net6 = { type = "ipv6_net", optional = true }
net = { type = "ip_net", optional = true }
mac = { type = "mac", optional = true }

[type.level]
variants = ["low", "high"]
"#;

/// Each is one line of a layer that `check` takes, and others that differ in one mistake.
const LINES: &[(&str, &[&str])] = &[
    (
        "values.count = -5",
        &[
            "values.cuont = -5",
            "value.count = -5",
            "values.count = -6",
            "values.count = 301",
            "values.count = \"1\"",
            "values.count = 1.5",
        ],
    ),
    ("values.ratio = 1", &["values.ratio = 1.5", "values.ratio = -0.1", "values.ratio = \"0.5\""]),
    ("values.on = true", &["values.on = \"yes\"", "values.on = 1"]),
    ("values.text = \"four\"", &["values.text = \"fives\"", "values.text = 4"]),
    ("values.list = [1, 2]", &["values.list = [1, 2, 3]", "values.list = [256]", "values.list = 1"]),
    (
        "values.peers = [{ name = \"a\", port = 1 }]",
        &[
            "values.peers = [{ nmae = \"a\" }]",
            "values.peers = [{ name = \"a\", port = 0 }]",
            "values.peers = [{ name = \"too long a name\" }]",
        ],
    ),
    (
        "values.by_id = { 7 = \"a\" }",
        &[
            "values.by_id = { x = \"a\" }",
            "values.by_id = { 1 = \"a\", 2 = \"b\", 3 = \"c\" }",
            "values.by_id = { 7 = 1 }",
        ],
    ),
    ("values.by_host.\"10.0.0.1\" = true", &["values.by_host.\"10.0.0.256\" = true"]),
    (
        "values.mode = { fixed = 3 }",
        &[
            "values.mode = { fixd = 3 }",
            "values.mode = { fixed = 300 }",
            "values.mode = \"fixed\"",
            "values.mode = \"on\"",
        ],
    ),
    ("values.level = \"high\"", &["values.level = \"hihg\"", "values.level = 1"]),
    (
        "values.wait = \"1h30m\"",
        &[
            "values.wait = \"1.5h\"",
            "values.wait = \"90\"",
            "values.wait = 90",
            "values.wait = \"30m1h\"",
            "values.wait = \"\"",
        ],
    ),
    (
        "values.v4 = \"192.0.2.1\"",
        &[
            "values.v4 = \"192.0.2.256\"",
            "values.v4 = \"192.0.2\"",
            "values.v4 = \"::1\"",
            "values.v4 = \"192.0.2.01\"",
        ],
    ),
    (
        "values.v6 = \"2001:db8::1\"",
        &["values.v6 = \"2001:db8::1::2\"", "values.v6 = \"192.0.2.1\"", "values.v6 = \"12345::\""],
    ),
    ("values.ip = \"::ffff:192.0.2.1\"", &["values.ip = \"localhost\"", "values.ip = \"::ffff:192.0.2.256\""]),
    (
        "values.net4 = \"10.0.0.1/8\"",
        &["values.net4 = \"10.0.0.1/33\"", "values.net4 = \"10.0.0.1\"", "values.net4 = \"::/0\""],
    ),
    ("values.net6 = \"fe80::/64\"", &["values.net6 = \"fe80::/129\"", "values.net6 = \"fe80::/064\""]),
    ("values.net = \"0.0.0.0/0\"", &["values.net = \"0.0.0.0/\"", "values.net = \"0.0.0.0/-1\""]),
    (
        "values.mac = \"02:00:5e:10:00:01\"",
        &[
            "values.mac = \"02:00:5e:10:00\"",
            "values.mac = \"02:00:5e-10-00-01\"",
            "values.mac = \"02:00:5e:10:00:0g\"",
        ],
    ),
    ("agent.poll_seconds = 30", &["agent.poll_secs = 30", "agent.poll_seconds = 0", "agent.poll_seconds = \"30s\""]),
    ("health.reach = \"none\"", &["health.reach = \"sever\"", "health.boots = 9"]),
    ("unset = [\"values.text\"]", &["unset = \"values.text\"", "unset = [1]"]),
    ("final = [\"values.text\"]", &["finals = [\"values.text\"]"]),
    ("append.values.list = [1]", &["append.values.lists = [1]", "append = [1]"]),
    ("match = 'site == \"a\"'", &["match = true"]),
    ("on_unsupported = \"hold\"", &["on_unsupported = \"skip\"", "on_unsuported = \"hold\""]),
];

#[test]
fn planted_mistakes_do_not_pass_and_what_they_were_planted_in_does() {
    let folder = steadfast_tests::fleet_folder::FleetFolder::new();
    let settings = "layers = [\"common\"]\n[fleet]\nname = \"f\"\nid = \"00000000000000000000000000000001\"\n[models.m]\nslot_bytes = 4096\n";
    folder.write("steadfast.toml", settings);
    folder.write("schemas/m/m.toml", SCHEMA);
    folder.write("inventory/all.csv", format!("device,name,model\n{:032x},a,m\n", 1));
    folder.write("layers/common.toml", "");
    let fleet = Fleet::open(folder.path(), &At::Worktree).unwrap();
    let judge = Judge::new(&docs::layer_schema(&fleet));
    let mut mistakes = 0;
    for (good, bad) in LINES {
        judge.layer(good).unwrap_or_else(|error| panic!("{good}: {error}"));
        // What the judge lets through, the check takes as well; `match` and `unset` need more around them.
        if !["match", "unset"].iter().any(|word| good.starts_with(word)) {
            folder.write("layers/common.toml", good);
            folder.compile().unwrap_or_else(|error| panic!("{good}: {error}"));
        }
        for line in *bad {
            assert!(judge.layer(line).is_err(), "{line} passes");
            folder.write("layers/common.toml", line);
            assert!(folder.compile().is_err(), "{line} compiles");
            mistakes += 1;
        }
    }
    assert!(mistakes >= 60, "{mistakes}");
    // A single schema leaves room for the sections of other models.
    let alone = Judge::new(&from_toml(SCHEMA, "m").unwrap().json_schema());
    assert!(alone.layer("other.x = 1").is_ok() && alone.layer("values.cuont = 1").is_err());
}

/// Texts that are addresses, nearly addresses, or neither.
fn nearly() -> impl Strategy<Value = String> {
    let swap = |(text, at, with): (String, usize, String)| {
        let mut text: Vec<char> = text.chars().collect();
        let at = at % text.len().max(1);
        text.splice(at..(at + 1).min(text.len()), with.chars());
        text.into_iter().collect::<String>()
    };
    let address = prop_oneof![
        any::<u32>().prop_map(|bits| Ipv4Addr::from(bits).to_string()),
        any::<u128>().prop_map(|bits| Ipv6Addr::from(bits).to_string()),
        // Zeros, which are shortened.
        (any::<u128>(), any::<u8>()).prop_map(|(bits, mask)| {
            let group = |place: u32| if mask >> place & 1 == 1 { 0xffff << (16 * place) } else { 0 };
            Ipv6Addr::from(bits & (0..8).map(group).sum::<u128>()).to_string()
        }),
        "([0-9a-f]{1,2}[:-]){5}[0-9a-f]{1,2}",
        "[0-9a-f:.]{1,20}",
    ];
    let net = (address, proptest::option::of(0..140_u8));
    let text = net.prop_map(|(text, length)| length.map_or(text.clone(), |length| format!("{text}/{length}")));
    (text.clone(), (text, 0..40_usize, "[0-9a-f:./-]{0,3}").prop_map(swap))
        .prop_flat_map(|(a, b)| prop_oneof![Just(a), Just(b)])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn patterns_take_what_the_parsers_take(text in nearly()) {
        let judge = JUDGE.get_or_init(|| Judge::new(&from_toml(SCHEMA, "m").unwrap().json_schema()));
        let takes = |field: &str| judge.value(&json!({ "values": { field: text } })).is_ok();
        prop_assert_eq!(takes("v4"), text.parse::<Ipv4Addr>().is_ok(), "v4 {}", text);
        prop_assert_eq!(takes("v6"), text.parse::<Ipv6Addr>().is_ok(), "v6 {}", text);
        prop_assert_eq!(takes("ip"), text.parse::<IpAddr>().is_ok(), "ip {}", text);
        prop_assert_eq!(takes("net4"), Ipv4Net::from_text(&text).is_some(), "net4 {}", text);
        prop_assert_eq!(takes("net6"), Ipv6Net::from_text(&text).is_some(), "net6 {}", text);
        prop_assert_eq!(takes("net"), IpNet::from_text(&text).is_some(), "net {}", text);
        prop_assert_eq!(takes("mac"), Mac::from_text(&text).is_some(), "mac {}", text);
    }
}

static JUDGE: std::sync::OnceLock<Judge> = std::sync::OnceLock::new();

#[test]
fn the_examples_committed_pages_are_up_to_date() {
    let folder = example();
    let fleet = Fleet::open(&folder, &At::Worktree).unwrap();
    for page in docs::pages(&fleet) {
        let committed = std::fs::read_to_string(folder.join("docs").join(&page.path)).unwrap_or_default();
        assert_eq!(committed, page.text, "{}: run `steadfast schema docs` in examples/fleet", page.path);
    }
}
