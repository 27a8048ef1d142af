//! The parts of a firmware, and to which of them a source file or a symbol belongs.

/// A part of a firmware.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Component {
    Formats,
    Verify,
    Store,
    Agent,
    Driver,
    Configuration,
    Encoding,
    Crypto,
    Firmware,
    Network,
    Embassy,
    Board,
    Log,
    Rust,
    Constants,
}

/// Where a source file counts, by a part of its path; the first that fits.
const FILES: [(&str, Component); 28] = [
    ("core/src/verify", Component::Verify),
    ("core/src/keyring", Component::Verify),
    ("core/src/statement", Component::Verify),
    ("core/src/tree", Component::Verify),
    ("core/src/flash/", Component::Store),
    ("core/src/record", Component::Store),
    ("core/src/agent", Component::Agent),
    ("core/src/driver", Component::Driver),
    ("core/src/config", Component::Configuration),
    ("core/src/", Component::Formats),
    ("firmware/src/", Component::Firmware),
    ("boards/", Component::Board),
    ("/curve25519-dalek-", Component::Crypto),
    ("/ed25519-", Component::Crypto),
    ("/sha2-", Component::Crypto),
    ("/digest-", Component::Crypto),
    ("/block-buffer-", Component::Crypto),
    ("/subtle-", Component::Crypto),
    ("/zeroize-", Component::Crypto),
    ("/postcard-", Component::Encoding),
    ("/serde", Component::Encoding),
    ("/heapless-", Component::Encoding),
    ("/smoltcp-", Component::Network),
    ("/embassy-net-", Component::Network),
    ("/managed-", Component::Network),
    ("/defmt-", Component::Log),
    ("/embassy-", Component::Embassy),
    ("/.cargo/registry/", Component::Embassy),
];

/// Where a symbol counts, by the first crate in its name.
const CRATES: [(&str, Component); 9] = [
    ("steadfast_core", Component::Driver),
    ("steadfast_firmware", Component::Firmware),
    ("curve25519_dalek", Component::Crypto),
    ("sha2", Component::Crypto),
    ("smoltcp", Component::Network),
    ("embassy_net", Component::Network),
    ("defmt", Component::Log),
    ("embassy_", Component::Embassy),
    ("core::", Component::Rust),
];

impl Component {
    /// In the order of the table.
    pub(crate) const ALL: [Self; 15] = [
        Self::Formats,
        Self::Verify,
        Self::Store,
        Self::Agent,
        Self::Driver,
        Self::Configuration,
        Self::Encoding,
        Self::Crypto,
        Self::Firmware,
        Self::Network,
        Self::Embassy,
        Self::Board,
        Self::Log,
        Self::Rust,
        Self::Constants,
    ];

    /// For people.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Formats => "core: formats",
            Self::Verify => "core: verification",
            Self::Store => "core: record and slots",
            Self::Agent => "core: agent",
            Self::Driver => "core: driver",
            Self::Configuration => "core: configuration types",
            Self::Encoding => "encoding (postcard, heapless)",
            Self::Crypto => "cryptography",
            Self::Firmware => "firmware",
            Self::Network => "network (embassy-net, smoltcp)",
            Self::Embassy => "embassy and run time",
            Self::Board => "board and application",
            Self::Log => "log (defmt)",
            Self::Rust => "Rust's own library",
            Self::Constants => "constants without a name",
        }
    }

    /// The component of a source file; none for Rust's own library.
    pub(crate) fn of_file(path: &str) -> Option<Self> {
        if path.contains("/library/") {
            return None;
        }
        FILES.iter().find(|(part, _)| path.contains(part)).map(|(_, component)| *component)
    }

    /// The component of a symbol.
    pub(crate) fn of_symbol(name: &str) -> Self {
        // The compiler's own names for constants that have none.
        if name.starts_with(".L") {
            return Self::Constants;
        }
        let starts = |part: &str| name.trim_start_matches(['<', '&']).starts_with(part);
        CRATES.iter().find(|(part, _)| starts(part)).map_or(Self::Board, |(_, component)| *component)
    }
}
