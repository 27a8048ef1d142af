//! Wrong files, rows, labels and heads of layers.

use steadfast::diagnostics::Code;

use super::Mistake;
use super::plant::Plant::{After, End, File, Header, Instead, MoreRow, Row};

const SITE: &str = "layers/site/";
const HOST: &str = "layers/host/";
/// The table's columns.
const ID: usize = 0;
const NAME: usize = 1;
const MODEL: usize = 2;
const SITE_LABEL: usize = 5;

/// Puts a text into a cell.
fn set(cells: &mut [String], column: usize, text: &str) {
    if let Some(cell) = cells.get_mut(column) {
        *cell = text.to_owned();
    }
}

pub(super) const MISTAKES: &[Mistake] = &[
    Mistake {
        class: "malformed TOML",
        what: "text without its closing quote",
        code: Code::Syntax,
        plant: Instead { at: (SITE, "prefix = "), from: "prefix = ", to: "prefix = \"" },
    },
    Mistake {
        class: "malformed TOML",
        what: "one key twice",
        code: Code::DuplicateKey,
        plant: After { at: (SITE, "vid = "), text: "vid = 7", fault: 1 },
    },
    Mistake {
        class: "malformed CSV",
        what: "a quote that nobody closes",
        code: Code::Syntax,
        plant: Row(|cells| set(cells, SITE_LABEL, "\"north")),
    },
    Mistake {
        class: "malformed CSV",
        what: "a cell too many",
        code: Code::WrongCount,
        plant: Row(|cells| cells.push("more".to_owned())),
    },
    Mistake {
        class: "bad MAC address",
        what: "five octets, in a cell",
        code: Code::BadValue,
        plant: Row(|cells| {
            let last = cells.len() - 1;
            set(cells, last, "02:00:5e:10:00");
        }),
    },
    Mistake {
        class: "unknown key",
        what: "a column of values for a section that no model has",
        code: Code::UnknownSection,
        plant: Header(|cells| {
            let last = cells.len() - 1;
            set(cells, last, "set.prots.mac.eth0");
        }),
    },
    Mistake {
        class: "duplicate device",
        what: "by name",
        code: Code::DuplicateDevice,
        plant: MoreRow(|cells| set(cells, ID, "00112233445566778899aabbccddeeff")),
    },
    Mistake {
        class: "duplicate device",
        what: "by id",
        code: Code::DuplicateDevice,
        plant: MoreRow(|cells| set(cells, NAME, "another")),
    },
    Mistake {
        class: "bad device id",
        what: "a digit too few",
        code: Code::BadId,
        plant: Row(|cells| set(cells, ID, "0123456789abcdef0123456789abcde")),
    },
    Mistake {
        class: "unknown model",
        what: "in a row",
        code: Code::UnknownModel,
        plant: Row(|cells| set(cells, MODEL, "ruoter")),
    },
    Mistake {
        class: "missing layer",
        what: "a site that has no file",
        code: Code::MissingLayer,
        plant: Row(|cells| set(cells, SITE_LABEL, "nowhere")),
    },
    Mistake {
        class: "contradiction in labels",
        what: "a site that implies other hardware than the row has",
        code: Code::LabelConflict,
        plant: File { path: "labels/site/{site}.toml", text: "hardware = \"{other}\"\n", fault: 1 },
    },
    Mistake {
        class: "circle of labels",
        what: "a site that implies itself",
        code: Code::LabelCycle,
        plant: File { path: "labels/site/{site}.toml", text: "site = \"{site}\"\n", fault: 1 },
    },
    Mistake {
        class: "final overridden",
        what: "a host with another role than its label's",
        code: Code::FinalValue,
        plant: End { at: (HOST, "[[wireless.radios]]"), text: "\n[system]\nrole = \"gateway\"", fault: 3 },
    },
    Mistake {
        class: "unset of nothing",
        what: "a field that no earlier layer set",
        code: Code::UnsetOfNothing,
        plant: Instead {
            at: (SITE, "[network]"),
            from: "[network]",
            to: "unset = [\"ports.power_budget\"]\n[network]",
        },
    },
    Mistake {
        class: "unset of nothing",
        what: "a field that does not exist",
        code: Code::UnknownField,
        plant: Instead { at: (SITE, "[network]"), from: "[network]", to: "unset = [\"wireless.profil\"]\n[network]" },
    },
    Mistake {
        class: "bad append",
        what: "to a text",
        code: Code::BadAppend,
        plant: End { at: (SITE, "[network]"), text: "\n[append.system]\nsite = \"south\"", fault: 3 },
    },
    Mistake {
        class: "bad level",
        what: "a brace that nobody closes",
        code: Code::BadLevel,
        plant: Instead { at: ("steadfast.toml", "layers = "), from: "site/{site}", to: "site/{site" },
    },
    Mistake {
        class: "wrong version",
        what: "a fleet that pins another version of the tool",
        code: Code::WrongTool,
        plant: Instead { at: ("steadfast.toml", "layers = "), from: "layers", to: "tool = \"0.0.1\"\nlayers" },
    },
];
