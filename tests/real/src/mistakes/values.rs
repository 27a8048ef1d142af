//! Wrong values in layers: of every kind that a schema can tell.

use steadfast::diagnostics::Code;

use super::Mistake;
use super::plant::Plant::{After, End, Instead};

const SITE: &str = "layers/site/";
const HOST: &str = "layers/host/";
const ROLE: &str = "layers/role/";
const HARDWARE: &str = "layers/hardware/";

pub(super) const MISTAKES: &[Mistake] = &[
    Mistake {
        class: "unknown key",
        what: "a field that the section lacks",
        code: Code::UnknownField,
        plant: After { at: (SITE, "[network]"), text: "ipv6_prefx = \"2001:db8::/56\"", fault: 1 },
    },
    Mistake {
        class: "unknown key",
        what: "a field that an item of a nested list lacks",
        code: Code::UnknownField,
        plant: After { at: (HOST, "[wireless.radios.channel]"), text: "powr = 7", fault: 1 },
    },
    Mistake {
        class: "unknown key",
        what: "a section that no model has",
        code: Code::UnknownSection,
        plant: End { at: (HOST, ""), text: "\n[wirelss]\nprofile = \"x\"", fault: 2 },
    },
    Mistake {
        class: "wrong type",
        what: "a number in quotes",
        code: Code::WrongType,
        plant: Instead { at: (SITE, "vid = "), from: "vid = ", to: "vid = \"1\" # " },
    },
    Mistake {
        class: "wrong type",
        what: "a fraction for a whole number",
        code: Code::WrongType,
        plant: Instead { at: (SITE, "mtu = "), from: "mtu = ", to: "mtu = 0.5 # " },
    },
    Mistake {
        class: "wrong type",
        what: "one text for a list of texts",
        code: Code::WrongType,
        plant: Instead { at: (HARDWARE, "switched = ["), from: "switched = ", to: "switched = \"lan1\" # " },
    },
    Mistake {
        class: "wrong type",
        what: "a number alone for a duration",
        code: Code::WrongType,
        plant: Instead { at: (ROLE, "boot_timeout = "), from: "boot_timeout = ", to: "boot_timeout = 300 # " },
    },
    Mistake {
        class: "wrong type",
        what: "an alternative without its data",
        code: Code::WrongType,
        plant: Instead { at: (HARDWARE, "trigger = \"off\""), from: "off", to: "switch" },
    },
    Mistake {
        class: "boolean as text",
        what: "\"yes\"",
        code: Code::WrongType,
        plant: Instead { at: (SITE, "untagged = true"), from: "true", to: "\"yes\"" },
    },
    Mistake {
        class: "boolean as number",
        what: "1",
        code: Code::WrongType,
        plant: Instead {
            at: (SITE, "inbound_filtering = "),
            from: "inbound_filtering = ",
            to: "inbound_filtering = 1 # ",
        },
    },
    Mistake {
        class: "out of range",
        what: "a VLAN that 802.1Q does not have",
        code: Code::OutOfRange,
        plant: Instead { at: (SITE, "vid = "), from: "vid = ", to: "vid = 4095 # " },
    },
    Mistake {
        class: "out of range",
        what: "a channel that no band has",
        code: Code::OutOfRange,
        plant: Instead { at: (HOST, "number = "), from: "number = ", to: "number = 200 # " },
    },
    Mistake {
        class: "out of range",
        what: "a negative metric",
        code: Code::OutOfRange,
        plant: Instead { at: (SITE, "metric = "), from: "metric = ", to: "metric = -1 # " },
    },
    Mistake {
        class: "out of range",
        what: "a number that no field could hold",
        code: Code::OutOfRange,
        plant: Instead {
            at: (SITE, "ipv6_subnet = "),
            from: "ipv6_subnet = ",
            to: "ipv6_subnet = 1_000_000_000_000_000_000_000_000_000_000_000_000_000_000 # ",
        },
    },
    Mistake {
        class: "lossy number",
        what: "more digits than the field keeps",
        code: Code::LossyNumber,
        plant: Instead { at: (SITE, "factor = "), from: "factor = ", to: "factor = 0.123456789 # " },
    },
    Mistake {
        class: "bad address",
        what: "an octet too large",
        code: Code::BadValue,
        plant: Instead { at: (SITE, "address = "), from: "address = ", to: "address = \"192.0.2.256\" # " },
    },
    Mistake {
        class: "bad prefix",
        what: "33 bits of an IPv4 address",
        code: Code::BadValue,
        plant: Instead { at: (SITE, "prefix = "), from: "prefix = ", to: "prefix = \"192.0.2.0/33\" # " },
    },
    Mistake {
        class: "bad prefix",
        what: "IPv6 where IPv4 belongs",
        code: Code::BadValue,
        plant: Instead { at: (SITE, "prefix = "), from: "prefix = ", to: "prefix = \"2001:db8::/32\" # " },
    },
    Mistake {
        class: "bad duration",
        what: "a unit that does not exist",
        code: Code::BadValue,
        plant: Instead { at: (ROLE, "boot_timeout = "), from: "boot_timeout = ", to: "boot_timeout = \"5x\" # " },
    },
    Mistake {
        class: "unknown enum variant",
        what: "a radio mode",
        code: Code::UnknownVariant,
        plant: Instead { at: (HARDWARE, "mode = "), from: "mode = ", to: "mode = \"vth\" # " },
    },
    Mistake {
        class: "unknown enum variant",
        what: "a kind of network, with its data",
        code: Code::UnknownVariant,
        plant: Instead { at: (SITE, "[network.networks.kind.dhcp]"), from: "dhcp]", to: "dchp]" },
    },
    Mistake {
        class: "too long text",
        what: "33 letters for 32",
        code: Code::TooLong,
        plant: Instead {
            at: (HOST, "profile = "),
            from: "profile = ",
            to: "profile = \"abcdefghijklmnopqrstuvwxyzabcdefg\" # ",
        },
    },
    Mistake {
        class: "too many list items",
        what: "nine DNS servers for eight",
        code: Code::WrongCount,
        plant: Instead {
            at: (SITE, "dns_servers = ["),
            from: "dns_servers = [",
            to: "dns_servers = [\"192.0.2.1\", \"192.0.2.2\", \"192.0.2.3\", \"192.0.2.4\", \"192.0.2.5\", \"192.0.2.6\", \"192.0.2.7\", \"192.0.2.8\", \"192.0.2.9\"] # ",
        },
    },
    Mistake {
        class: "duplicate keyed list item",
        what: "two networks of one name",
        code: Code::DuplicateEntry,
        plant: End {
            at: (SITE, "[network]"),
            text: "\n[[network.networks]]\nname = \"twice\"\nkind = { mesh = {} }\n\n[[network.networks]]\nname = \"twice\"\nkind = { mesh = {} }",
            fault: 6,
        },
    },
    Mistake {
        class: "missing value",
        what: "a channel for a radio that the hardware lacks",
        code: Code::MissingValue,
        plant: End { at: (HOST, "[[wireless.radios]]"), text: "\n[[wireless.radios]]\nname = \"third\"", fault: 2 },
    },
];
