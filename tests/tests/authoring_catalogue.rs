//! A catalogue of wrong inputs. Each is one change to a correct fleet, and must be found as exactly one error, with its kind, file,
//! line and the number of devices hit, and with a next step. What is printed of it is kept in `authoring_catalogue/*.txt`.

#[path = "authoring_catalogue/others.rs"]
mod others;
#[path = "authoring_catalogue/patches.rs"]
mod patches;
#[path = "authoring_catalogue/snapshots.rs"]
mod snapshots;

use patches::PATCH_CASES;
use snapshots::{Said, compare, must_have_its_parts};
use steadfast::diagnostics::{Code, Severity};
use steadfast_tests::fleet_folder::FleetFolder;
use steadfast_tests::fleetgen::small;

/// What a change must be found as: kind, file and line (`""` for none), devices.
type Expected = (Code, &'static str, usize, usize);

/// Name, change, finding.
type Case = (&'static str, fn(&FleetFolder), Expected);

const SETTINGS: &str = "steadfast.toml";
const CSV: &str = "inventory/sensors.csv";
const ROUTERS: &str = "inventory/routers.toml";
const COMMON: &str = "layers/common.toml";
const EU: &str = "layers/region/eu.toml";
const US: &str = "layers/region/us.toml";
const ROUTER: &str = "layers/model/router.toml";
const SENSOR: &str = "layers/model/sensor.toml";
const BERLIN: &str = "layers/site/berlin.toml";
const R2: &str = "layers/device/r2.toml";

/// Appends a line to a file.
fn append(folder: &FleetFolder, path: &str, line: &str) {
    let text = std::fs::read_to_string(folder.path().join(path)).unwrap();
    folder.write(path, format!("{text}{line}\n"));
}

const SETTINGS_CASES: &[Case] = &[
    ("a misspelt key", |f| f.replace(SETTINGS, "layers =", "layrs ="), (Code::UnknownField, SETTINGS, 1, 0)),
    ("a missing key", |f| f.replace(SETTINGS, "name = \"small\"\n", ""), (Code::MissingValue, SETTINGS, 3, 0)),
    ("a number for a name", |f| f.replace(SETTINGS, "\"small\"", "7"), (Code::WrongType, SETTINGS, 4, 0)),
    ("a short fleet id", |f| f.replace(SETTINGS, "0e0f", "0e"), (Code::BadId, SETTINGS, 5, 0)),
    ("an unknown format", |f| f.replace(SETTINGS, "\"json\"", "\"yaml\""), (Code::UnknownVariant, SETTINGS, 8, 0)),
    ("no slot size", |f| f.replace(SETTINGS, "slot_bytes = 4096\n", ""), (Code::MissingValue, SETTINGS, 11, 0)),
    ("another tool", |f| f.replace(SETTINGS, "layers", "tool = \"99.0.0\"\nlayers"), (Code::WrongTool, SETTINGS, 1, 0)),
    ("a level outside", |f| f.replace(SETTINGS, "\"common\"", "\"../common\""), (Code::BadLevel, SETTINGS, 1, 0)),
    ("a pattern level", |f| f.replace(SETTINGS, "\"common\"", "\"patches/x*\""), (Code::BadLevel, SETTINGS, 1, 0)),
    ("an unknown label", |f| f.replace(SETTINGS, "{region}", "{regoin}"), (Code::MissingLabel, SETTINGS, 1, 6)),
    (
        "a floor of nowhere",
        |f| f.replace(SETTINGS, "\n\n[models.router]", "\nfloor = \"v1\"\n\n[models.router]"),
        (Code::BadFloor, SETTINGS, 6, 0),
    ),
    (
        "a schema that is not there",
        |f| append(f, SETTINGS, "schemas = [\"none.schema\"]"),
        (Code::UnreadableFile, SETTINGS, 13, 0),
    ),
    (
        "a model without schemas",
        |f| append(f, SETTINGS, "[models.pump]\nslot_bytes = 1"),
        (Code::NoSchema, SETTINGS, 13, 0),
    ),
    (
        "two schemas, unnamed",
        |f| f.write("schemas/sensor/b.toml", "[section.a.fields]\nb = \"u8\"\n"),
        (Code::AmbiguousSchema, SETTINGS, 11, 0),
    ),
    ("a slot that is too small", |f| f.replace(SETTINGS, "4096", "256"), (Code::TooLarge, SETTINGS, 11, 4)),
    ("broken TOML", |f| f.replace(SETTINGS, "[fleet]", "[fleet"), (Code::Syntax, SETTINGS, 3, 0)),
    ("no fleet at all", |f| f.remove(SETTINGS), (Code::NoFleet, "", 0, 0)),
    (
        "a hand-written schema with a fault",
        |f| {
            f.replace(SETTINGS, "4096\n", "4096\nschemas = [\"x.toml\"]\n");
            f.write("schemas/sensor/x.toml", "[section.network.fields]\nserver = \"txt\"\n");
        },
        (Code::BadSchema, "schemas/sensor/x.toml", 2, 0),
    ),
    (
        "a section with a reserved name",
        |f| {
            f.replace(SETTINGS, "4096\n", "4096\nschemas = [\"x.toml\"]\n");
            f.write("schemas/sensor/x.toml", "[section.health.fields]\na = \"u8\"\n");
        },
        (Code::BadSchema, "schemas/sensor/x.toml", 1, 0),
    ),
];

const INVENTORY_CASES: &[Case] = &[
    ("a device named twice", |f| f.replace(CSV, ",s2,", ",s1,"), (Code::DuplicateDevice, CSV, 3, 0)),
    ("an id used twice", |f| f.replace(CSV, "0002,s2", "0001,s2"), (Code::DuplicateDevice, CSV, 3, 0)),
    ("a device in two files", |f| f.replace(ROUTERS, "\"r1\"", "\"s4\""), (Code::DuplicateDevice, CSV, 5, 0)),
    (
        "a key used twice",
        |f| {
            let key = "ab".repeat(32);
            f.write(
                "inventory/more.csv",
                format!(
                    "device,name,model,site,public_key\n{:032x},x1,sensor,paris,{key}\n{:032x},x2,sensor,paris,{key}\n",
                    80, 81
                ),
            );
        },
        (Code::DuplicateDevice, "inventory/more.csv", 3, 0),
    ),
    ("a short id", |f| f.replace(CSV, "0002,s2", "2,s2"), (Code::BadId, CSV, 3, 0)),
    ("an id of zeros", |f| f.replace(CSV, "0002,s2", "0000,s2"), (Code::BadId, CSV, 3, 0)),
    ("no name", |f| f.replace(CSV, ",s2,", ",,"), (Code::BadName, CSV, 3, 0)),
    ("a name that leads elsewhere", |f| f.replace(CSV, ",s2,", ",../s2,"), (Code::BadName, CSV, 3, 0)),
    ("no model", |f| f.replace(CSV, ",s2,sensor", ",s2,"), (Code::MissingModel, CSV, 3, 0)),
    ("an unknown model", |f| f.replace(CSV, ",s2,sensor", ",s2,sensr"), (Code::UnknownModel, CSV, 3, 0)),
    ("a missing cell", |f| f.replace(CSV, "s2,sensor,berlin,", "s2,sensor,berlin"), (Code::WrongCount, CSV, 3, 0)),
    ("a missing column", |f| f.replace(CSV, "device,name,model", "device,name,modle"), (Code::MissingKey, CSV, 1, 0)),
    ("a column twice", |f| f.replace(CSV, "model,site", "model,model"), (Code::DuplicateKey, CSV, 1, 0)),
    ("a strange column", |f| f.replace(CSV, "model,site", "model,Site No"), (Code::BadName, CSV, 1, 0)),
    ("an open quote", |f| f.replace(CSV, ",s2,", ",\"s2,"), (Code::Syntax, CSV, 3, 0)),
    (
        "a short public key",
        |f| f.replace(ROUTERS, "\"r1\"", "\"r1\"\npublic_key = \"abcd\""),
        (Code::BadId, ROUTERS, 4, 0),
    ),
    ("no [[device]]", |f| append(f, ROUTERS, "[devcie]\nname = \"x\""), (Code::UnknownKey, ROUTERS, 13, 0)),
    (
        "a table for a label",
        |f| f.replace(ROUTERS, "site = \"boston\"", "site = {}"),
        (Code::WrongType, ROUTERS, 11, 0),
    ),
    (
        "a device without its id",
        |f| f.replace(ROUTERS, "device = \"000000000000000000000000000000f2\"\n", ""),
        (Code::MissingKey, ROUTERS, 7, 0),
    ),
    ("an own value out of range", |f| f.replace(CSV, ",250", ",5"), (Code::OutOfRange, CSV, 4, 1)),
    ("an own value of another type", |f| f.replace(CSV, ",250", ",fast"), (Code::WrongType, CSV, 4, 1)),
    (
        "an own list in a cell",
        |f| {
            f.replace(CSV, "set.sampling.period_ms", "set.alarms.recipients");
            f.replace(CSV, ",250", ",me");
        },
        (Code::WrongType, CSV, 4, 1),
    ),
    ("an own value for no field", |f| f.replace(CSV, "period_ms", "perod_ms"), (Code::UnknownField, CSV, 1, 1)),
    (
        "an own value for no section",
        |f| f.replace(CSV, "set.sampling", "set.smapling"),
        (Code::UnknownSection, CSV, 1, 1),
    ),
    ("an own value without a field", |f| f.replace(CSV, "set.sampling.period_ms", "set."), (Code::BadPath, CSV, 1, 0)),
    ("an inventory that is not text", |f| f.write(CSV, [0xff, 0xfe, 0x00]), (Code::NotText, CSV, 1, 0)),
];

const LABEL_CASES: &[Case] = &[
    (
        "a site that does not exist",
        |f| {
            f.replace(SETTINGS, "site/{site}?", "site/{site}");
            f.write("layers/site/paris.toml", "");
            f.write("layers/site/boston.toml", "");
            f.replace(CSV, "s4,sensor,boston", "s4,sensor,bostn");
            f.replace("labels/site/boston.toml", "us", "us");
            f.write("labels/site/bostn.toml", "region = \"us\"\n");
        },
        (Code::MissingLayer, CSV, 5, 1),
    ),
    (
        "a region without its layer",
        |f| f.replace("labels/site/boston.toml", "us", "ue"),
        (Code::MissingLayer, "labels/site/boston.toml", 1, 2),
    ),
    (
        "a device without a label",
        |f| f.replace(CSV, "s4,sensor,boston", "s4,sensor,"),
        (Code::MissingLabel, SETTINGS, 1, 1),
    ),
    (
        "labels in a circle",
        |f| {
            append(f, "labels/site/boston.toml", "zone = \"z\"");
            f.write("labels/zone/z.toml", "site = \"boston\"\n");
        },
        (Code::LabelCycle, "labels/zone/z.toml", 1, 0),
    ),
    (
        "labels that contradict",
        |f| {
            append(f, "labels/site/boston.toml", "zone = \"z\"");
            f.write("labels/zone/z.toml", "region = \"eu\"\n");
        },
        (Code::LabelConflict, "labels/zone/z.toml", 1, 0),
    ),
    (
        "a number with a fraction for a label",
        |f| f.write("labels/site/paris.toml", "region = 1.5\n"),
        (Code::WrongType, "labels/site/paris.toml", 1, 0),
    ),
    (
        "a model that is implied",
        |f| append(f, "labels/site/boston.toml", "model = \"sensor\""),
        (Code::BadName, "labels/site/boston.toml", 2, 0),
    ),
    (
        "a file outside of its label",
        |f| f.write("labels/boston.toml", ""),
        (Code::BadLevel, "labels/boston.toml", 1, 0),
    ),
    (
        "a label that is no file name",
        |f| f.replace("labels/site/boston.toml", "us", "u/s"),
        (Code::BadName, "labels/site/boston.toml", 1, 2),
    ),
];

const LAYER_CASES: &[Case] = &[
    ("an unknown section", |f| f.replace(EU, "[sampling]", "[smapling]"), (Code::UnknownSection, EU, 4, 4)),
    ("an unknown field", |f| f.replace(EU, "period_ms", "period_s"), (Code::UnknownField, EU, 5, 3)),
    (
        "a key twice",
        |f| f.replace(EU, "period_ms = 500", "period_ms = 500\nperiod_ms = 600"),
        (Code::DuplicateKey, EU, 6, 4),
    ),
    ("a table twice", |f| append(f, EU, "[network]\nntp = \"x\""), (Code::DuplicateKey, EU, 6, 4)),
    ("broken TOML", |f| f.replace(EU, "= 500", "= "), (Code::Syntax, EU, 5, 4)),
    ("no field of its own", |f| f.write(US, "sampling = 500\n"), (Code::WrongType, US, 1, 1)),
    ("text for a number", |f| f.replace(EU, "500", "\"500\""), (Code::WrongType, EU, 5, 3)),
    ("a fraction for a whole number", |f| f.replace(EU, "500", "500.0"), (Code::WrongType, EU, 5, 3)),
    ("a number for a truth", |f| append(f, SENSOR, "enabled = 1"), (Code::WrongType, SENSOR, 3, 4)),
    ("a truth in words", |f| append(f, SENSOR, "enabled = \"yes\""), (Code::WrongType, SENSOR, 3, 4)),
    ("a date for a number", |f| f.replace(EU, "500", "2026-01-01"), (Code::WrongType, EU, 5, 3)),
    ("below the range", |f| f.replace(EU, "500", "9"), (Code::OutOfRange, EU, 5, 3)),
    ("above the range", |f| f.replace(EU, "500", "3600001"), (Code::OutOfRange, EU, 5, 3)),
    ("beyond the type", |f| append(f, SENSOR, "low = 40000"), (Code::OutOfRange, SENSOR, 3, 4)),
    (
        "beyond every type",
        |f| f.replace(EU, "500", "999999999999999999999999999999999999999999"),
        (Code::OutOfRange, EU, 5, 4),
    ),
    ("more digits than kept", |f| append(f, EU, "gain = 1.23456789"), (Code::LossyNumber, EU, 6, 3)),
    (
        "more digits than any field keeps",
        |f| append(f, EU, "gain = 1.2345678901234567890"),
        (Code::LossyNumber, EU, 6, 4),
    ),
    ("no number at all", |f| append(f, EU, "gain = nan"), (Code::OutOfRange, EU, 6, 3)),
    ("a factor out of range", |f| append(f, EU, "gain = 10.5"), (Code::OutOfRange, EU, 6, 3)),
    ("a duration without unit", |f| f.replace(EU, "\"10s\"", "10"), (Code::WrongType, EU, 2, 4)),
    ("a duration that does not read", |f| f.replace(EU, "10s", "10 sec"), (Code::BadValue, EU, 2, 4)),
    ("a duration out of range", |f| f.replace(EU, "10s", "2m"), (Code::OutOfRange, EU, 2, 4)),
    ("an unknown alternative", |f| f.replace(US, "{ average = 4 }", "\"slep\""), (Code::UnknownVariant, US, 2, 1)),
    (
        "an alternative without its data",
        |f| f.replace(US, "{ average = 4 }", "\"average\""),
        (Code::WrongType, US, 2, 1),
    ),
    (
        "an alternative with too much data",
        |f| f.replace(US, "{ average = 4 }", "{ sleep = 4 }"),
        (Code::WrongType, US, 2, 1),
    ),
    (
        "two alternatives at once",
        |f| f.replace(US, "average = 4", "average = 4, sleep = 1"),
        (Code::WrongType, US, 2, 1),
    ),
    ("a bound of the data", |f| f.replace(US, "average = 4", "average = 400"), (Code::OutOfRange, US, 2, 1)),
    (
        "a field of the data missing",
        |f| f.replace(US, "average = 4", "window = { low = 1 }"),
        (Code::MissingValue, US, 2, 1),
    ),
    ("too long a text", |f| f.replace(COMMON, "10.0.2.2:8080", &"x".repeat(65)), (Code::TooLong, COMMON, 2, 6)),
    (
        "too many items",
        |f| f.replace(SENSOR, "\"ops@example\"", "\"a\", \"b\", \"c\", \"d\", \"e\""),
        (Code::WrongCount, SENSOR, 2, 4),
    ),
    (
        "a value that nobody sets",
        |f| f.replace(COMMON, "server = \"10.0.2.2:8080\"\n", ""),
        (Code::MissingValue, COMMON, 1, 6),
    ),
    (
        "an item without its key",
        |f| f.replace(ROUTER, "vid = 20\n", "untagged = true\n"),
        (Code::MissingValue, ROUTER, 5, 2),
    ),
    ("two items with one key", |f| f.replace(ROUTER, "vid = 20", "vid = 10"), (Code::DuplicateEntry, ROUTER, 5, 2)),
    ("no prefix", |f| f.replace(ROUTER, "10.1.0.1/24", "10.1.0.1"), (Code::BadValue, ROUTER, 3, 2)),
    ("too long a prefix", |f| f.replace(ROUTER, "10.1.0.1/24", "10.1.0.1/33"), (Code::BadValue, ROUTER, 3, 2)),
    ("no MAC address", |f| append(f, ROUTER, "[routing.hosts.a]\nmac = \"02:00:5e\""), (Code::BadValue, ROUTER, 8, 2)),
    (
        "no IPv4 address",
        |f| append(f, ROUTER, "[routing.hosts.a]\nmac = \"02:00:5e:10:00:01\"\naddress = \"::1\""),
        (Code::BadValue, ROUTER, 9, 2),
    ),
    (
        "a map's key that is no number",
        |f| append(f, ROUTER, "[routing.costs]\nhigh = 1"),
        (Code::WrongType, ROUTER, 8, 2),
    ),
    ("a map's key out of range", |f| append(f, ROUTER, "[routing.costs]\n65536 = 1"), (Code::OutOfRange, ROUTER, 8, 2)),
    (
        "a map's key in two spellings",
        |f| append(f, ROUTER, "[routing.costs]\n7 = 1\n07 = 2"),
        (Code::DuplicateEntry, ROUTER, 8, 2),
    ),
    (
        "too long a map's key",
        |f| append(f, ROUTER, &format!("[routing.hosts.{}]\nmac = \"02:00:5e:10:00:01\"", "h".repeat(33))),
        (Code::TooLong, ROUTER, 7, 2),
    ),
    ("a layer that is not text", |f| f.write(US, [b'a', 0xff]), (Code::NotText, US, 1, 2)),
];

const HEAD_CASES: &[Case] = &[
    ("unset of no field", |f| f.replace(BERLIN, "network.ntp", "network.npt"), (Code::UnknownField, BERLIN, 1, 2)),
    ("unset of no section", |f| f.replace(BERLIN, "network.ntp", "netwrok.ntp"), (Code::UnknownSection, BERLIN, 1, 2)),
    ("unset of nothing", |f| f.replace(BERLIN, "network.ntp", "alarms.low"), (Code::UnsetOfNothing, BERLIN, 1, 2)),
    ("unset of no path", |f| f.replace(BERLIN, "network.ntp", "network..ntp"), (Code::BadPath, BERLIN, 1, 2)),
    (
        "unset that is no list",
        |f| f.replace(BERLIN, "[\"network.ntp\"]", "\"network.ntp\""),
        (Code::WrongType, BERLIN, 1, 2),
    ),
    (
        "unset of what must be set",
        |f| f.replace(BERLIN, "network.ntp", "network.server"),
        (Code::MissingValue, COMMON, 1, 2),
    ),
    (
        "a final value changed",
        |f| f.replace(COMMON, "[network]", "final = [\"network.timeout\"]\n[network]"),
        (Code::FinalValue, EU, 2, 4),
    ),
    (
        "a final value unset",
        |f| f.replace(COMMON, "[network]", "final = [\"network.ntp\"]\n[network]"),
        (Code::FinalValue, BERLIN, 1, 2),
    ),
    (
        "a final value in the inventory",
        |f| f.replace(EU, "[network]", "final = [\"sampling\"]\n[network]"),
        (Code::FinalValue, CSV, 4, 1),
    ),
    (
        "a final list appended to",
        |f| {
            f.replace(ROUTER, "[[routing.vlans]]\nvid = 10", "final = [\"routing.vlans\"]\n[[routing.vlans]]\nvid = 10")
        },
        (Code::FinalValue, R2, 2, 1),
    ),
    (
        "final of no field",
        |f| f.replace(COMMON, "[network]", "final = [\"network.sever\"]\n[network]"),
        (Code::UnknownField, COMMON, 1, 6),
    ),
    (
        "append to a text",
        |f| f.replace(R2, "routing.vlans = [{ vid = 30, untagged = true }]", "network.server = \"x\""),
        (Code::BadAppend, R2, 2, 1),
    ),
    ("append that is no table", |f| f.write(R2, "append = [1]\n"), (Code::WrongType, R2, 1, 1)),
    ("append for no section", |f| f.replace(R2, "routing.", "rooting."), (Code::UnknownSection, R2, 2, 1)),
    ("append of an item with a known key", |f| f.replace(R2, "vid = 30", "vid = 4095"), (Code::OutOfRange, R2, 2, 1)),
];

const POLICY_CASES: &[Case] = &[
    (
        "a poll every day and a bit",
        |f| append(f, COMMON, "[agent]\npoll_seconds = 86401"),
        (Code::OutOfRange, COMMON, 5, 6),
    ),
    ("no trial at all", |f| append(f, COMMON, "[health]\ntrial_seconds = 0"), (Code::OutOfRange, COMMON, 5, 6)),
    ("too many boots", |f| append(f, COMMON, "[health]\nboots = 9"), (Code::OutOfRange, COMMON, 5, 6)),
    (
        "contact lost too soon",
        |f| append(f, COMMON, "[agent]\nlost_contact_seconds = 3600"),
        (Code::BadAgent, COMMON, 5, 6),
    ),
    ("a misspelt setting", |f| append(f, COMMON, "[agent]\npoll_secs = 60"), (Code::UnknownField, COMMON, 5, 6)),
    ("an unknown check", |f| append(f, SENSOR, "[health]\nchecks = [\"sensr\"]"), (Code::UnknownCheck, SENSOR, 4, 4)),
    ("a waived round trip", |f| append(f, SENSOR, "[health]\nreach = \"none\""), (Code::RoundTripWaived, SENSOR, 4, 4)),
    ("an unknown reach", |f| append(f, SENSOR, "[health]\nreach = \"never\""), (Code::UnknownVariant, SENSOR, 4, 4)),
];

fn try_all(group: &str, cases: &[Case]) {
    let (mut missed, mut said) = (Vec::new(), Vec::new());
    for (name, change, expected) in cases {
        let folder = small();
        change(&folder);
        let diagnostics = folder.compile().err().unwrap_or_default();
        let errors: Vec<_> = diagnostics.list().iter().filter(|one| one.severity() == Severity::Error).collect();
        let found = errors.first().map(|one| {
            let position = one.position().map_or((String::new(), 0), |at| (at.path.to_string(), at.line));
            (one.code(), position.0, position.1, one.devices())
        });
        let (code, file, line, devices) = *expected;
        if errors.len() != 1 || found != Some((code, file.to_owned(), line, devices)) {
            missed.push(format!("{name}: expected {expected:?}, found\n{diagnostics}"));
        }
        said.push(Said::new(name, &folder, diagnostics));
    }
    assert!(missed.is_empty(), "{} of {} cases:\n\n{}", missed.len(), cases.len(), missed.join("\n"));
    must_have_its_parts(&said);
    compare(group, &said);
}

#[test]
fn every_wrong_setting_is_found_in_its_place() {
    try_all("settings", SETTINGS_CASES);
}

#[test]
fn every_wrong_row_is_found_in_its_place() {
    try_all("inventory", INVENTORY_CASES);
}

#[test]
fn every_wrong_label_is_found_in_its_place() {
    try_all("labels", LABEL_CASES);
}

#[test]
fn every_wrong_value_is_found_in_its_place() {
    try_all("layers", LAYER_CASES);
}

#[test]
fn every_wrong_head_of_a_layer_is_found_in_its_place() {
    try_all("heads", HEAD_CASES);
}

#[test]
fn every_wrong_patch_is_found_in_its_place() {
    try_all("patches", PATCH_CASES);
}

#[test]
fn every_wrong_policy_is_found_in_its_place() {
    try_all("policy", POLICY_CASES);
}
