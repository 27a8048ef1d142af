//! Wrong patches: expressions, places and conflicts.

use steadfast::diagnostics::Code;
use steadfast_tests::fleet_folder::FleetFolder;

use super::{BERLIN, Case, SETTINGS, US, append};

const PATCH: &str = "layers/patches/a.toml";
const OTHER: &str = "layers/patches/b.toml";

/// Puts patches before the level of single devices, and two of them in.
fn patched(folder: &FleetFolder, first: &str, second: &str) {
    folder.replace(SETTINGS, "\"device/{name}?\"", "\"patches/*\", \"device/{name}?\"");
    folder.write(PATCH, first);
    folder.write(OTHER, second);
}

/// A patch for Berlin, where two sensors are.
const FOR_BERLIN: &str = "match = 'site == \"berlin\"'\n";

/// A patch with this in it, beside one that sets the period of all sensors of the EU, of which there are three.
fn beside(folder: &FleetFolder, patch: &str) {
    let second = "match = 'region == \"eu\" && model == \"sensor\"'\n[sampling]\nperiod_ms = 700\n";
    patched(folder, &format!("{FOR_BERLIN}{patch}"), second);
}

pub(super) const PATCH_CASES: &[Case] = &[
    ("no expression", |f| patched(f, "[sampling]\ngain = 2.0\n", FOR_BERLIN), (Code::MissingMatch, PATCH, 1, 0)),
    ("an expression that is none", |f| patched(f, "match = 'site == '\n", FOR_BERLIN), (Code::BadMatch, PATCH, 1, 0)),
    ("a single equals sign", |f| patched(f, "\n\nmatch = 'site = \"x\"'\n", FOR_BERLIN), (Code::BadMatch, PATCH, 3, 0)),
    ("an expression that is a number", |f| patched(f, "match = 7\n", FOR_BERLIN), (Code::BadMatch, PATCH, 1, 0)),
    (
        "a misspelt label",
        |f| patched(f, "match = '''\nmodel == \"sensor\" &&\nsiet == \"berlin\"'''\n", FOR_BERLIN),
        (Code::UnknownLabel, PATCH, 3, 0),
    ),
    (
        "a misspelt label asked for",
        |f| patched(f, "match = 'has(labels.siet)'\n", FOR_BERLIN),
        (Code::UnknownLabel, PATCH, 1, 0),
    ),
    (
        "a misspelt function",
        |f| patched(f, "match = 'site.startWith(\"b\")'\n", FOR_BERLIN),
        (Code::BadMatch, PATCH, 1, 0),
    ),
    ("an expression that gives a text", |f| patched(f, "match = 'site'\n", FOR_BERLIN), (Code::BadMatch, PATCH, 1, 6)),
    ("a label compared by size", |f| patched(f, "match = 'site < 3'\n", FOR_BERLIN), (Code::BadMatch, PATCH, 1, 6)),
    (
        "a label that some devices lack",
        |f| {
            append(f, "labels/site/boston.toml", "zone = \"dry\"");
            patched(f, "match = 'labels.zone == \"dry\"'\n", FOR_BERLIN);
        },
        (Code::BadMatch, PATCH, 1, 4),
    ),
    ("an expression in an ordinary layer", |f| f.write(US, FOR_BERLIN), (Code::StrayMatch, US, 1, 2)),
    (
        "a patch that is an ordinary layer, too",
        |f| {
            patched(f, FOR_BERLIN, FOR_BERLIN);
            f.replace(SETTINGS, "\"common\"", "\"common\", \"patches/a\"");
        },
        (Code::BadLevel, SETTINGS, 1, 6),
    ),
    ("two patches for one value", |f| beside(f, "[sampling]\nperiod_ms = 800\n"), (Code::PatchConflict, OTHER, 3, 2)),
    ("a value and its section unset", |f| beside(f, "unset = [\"sampling\"]\n"), (Code::PatchConflict, OTHER, 3, 2)),
    (
        "a value and the same made final",
        |f| beside(f, "final = [\"sampling.period_ms\"]\n"),
        (Code::PatchConflict, OTHER, 3, 2),
    ),
    (
        "a list set and appended to",
        |f| {
            let append = "[append]\nalarms.recipients = [\"a\"]\n";
            let set = "[alarms]\nrecipients = [\"b\"]\n";
            patched(f, &format!("{FOR_BERLIN}{append}"), &format!("{FOR_BERLIN}{set}"));
        },
        (Code::PatchConflict, OTHER, 3, 2),
    ),
    (
        "two patches for one item of a list",
        |f| {
            let item = |prefix: &str| {
                format!("match = 'name == \"r1\"'\n[[routing.vlans]]\nvid = 10\nprefix = \"{prefix}\"\n")
            };
            patched(f, &item("10.1.0.1/24"), &item("10.2.0.1/24"));
        },
        (Code::PatchConflict, OTHER, 4, 1),
    ),
    (
        "a final value patched",
        |f| {
            f.replace(BERLIN, "[alarms]", "final = [\"alarms\"]\n[alarms]");
            beside(f, "[alarms]\nhigh = 70\n");
        },
        (Code::FinalValue, PATCH, 3, 2),
    ),
    ("a wrong value in a patch", |f| beside(f, "[alarms]\nlow = \"x\"\n"), (Code::WrongType, PATCH, 3, 2)),
    ("an unknown section in a patch", |f| beside(f, "[alarm]\nlow = 1\n"), (Code::UnknownSection, PATCH, 2, 2)),
];
