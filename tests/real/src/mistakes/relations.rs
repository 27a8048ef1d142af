//! Mistakes between values, which a schema cannot tell: it judges each value by itself. Rules over the whole plan will.
//!
//! They are planted all the same, so that what is printed is seen and not supposed.

use super::plant::Plant::{self, End, Instead};

const SITE: &str = "layers/site/";

/// What stands in no relation that a schema knows, and how it gets in.
pub(super) const UNCOVERED: &[(&str, Plant)] = &[
    (
        "two networks of a site whose prefixes overlap",
        End {
            at: (SITE, "[network]"),
            text: "\n[[network.networks]]\nname = \"wide\"\nprefix = \"0.0.0.0/0\"\nkind = { mesh = {} }",
            fault: 4,
        },
    ),
    (
        "an assignment to a host that does not exist",
        Instead { at: (SITE, "[network.networks.assignments]"), from: "ments]", to: "ments]\nnobody = 1" },
    ),
    (
        "an assignment outside of its prefix",
        Instead { at: (SITE, "[network.networks.assignments]"), from: "ments]", to: "ments]\nfar = 1000" },
    ),
    (
        "a VLAN that two networks of a site use",
        End {
            at: (SITE, "[network]"),
            text: "\n[[network.networks]]\nname = \"one\"\nvid = 7\nkind = { mesh = {} }\n\n\
                   [[network.networks]]\nname = \"two\"\nvid = 7\nkind = { mesh = {} }",
            fault: 9,
        },
    ),
];
