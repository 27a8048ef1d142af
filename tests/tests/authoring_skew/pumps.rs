//! A fleet of pumps that run three versions of one firmware: sections and fields were renamed twice, ranges were widened, a section and
//! fields came.

use steadfast::compile::{Compiled, compile};
use steadfast::fleet::{At, Fleet};
use steadfast::pack::Pack;
use steadfast::release::{Issue, build};
use steadfast_core::config::{Value, decode};
use steadfast_core::digest::Digest;
use steadfast_core::id::DeviceId;
use steadfast_core::manifest::Manifest;
use steadfast_tests::fleet_folder::FleetFolder;

/// How many pumps there are; all but the last are in Berlin.
pub(crate) const DEVICES: u8 = 3;

/// A firmware's schema, as the host reads it out of the program.
macro_rules! schema {
    ($root:ty) => {
        pub(crate) fn schema() -> steadfast::schema::Schema {
            use steadfast_core::config::Configuration as _;
            const DESCRIPTION: [u8; encoded_bytes(<$root>::SCHEMA, Prose::Kept)] = encode(<$root>::SCHEMA, Prose::Kept);
            steadfast::schema::Schema::decode(&DESCRIPTION).unwrap()
        }
    };
}

/// The oldest.
pub(crate) mod v1 {
    use steadfast_core::config::heapless::String;
    use steadfast_core::config::{Config, Duration};
    use steadfast_core::schema::{Prose, encode, encoded_bytes};

    #[derive(Config, Debug, PartialEq)]
    pub(crate) struct Net {
        #[config(default = "")]
        pub(crate) server: String<32>,
    }

    #[derive(Config, Debug, PartialEq)]
    pub(crate) struct Sampling {
        #[config(unit = "ms", range = 10..=60_000, default = 1000)]
        pub(crate) period: u16,
        #[config(default = Mode::Slow)]
        pub(crate) mode: Mode,
    }

    #[derive(Config, Debug, PartialEq)]
    pub(crate) enum Mode {
        Slow,
        Window { limit: u8, wait: Duration },
    }

    #[derive(Config)]
    #[config(root)]
    pub(crate) struct Pump {
        #[config(restart = device, risk = connectivity)]
        net: Net,
        sampling: Sampling,
    }

    schema!(Pump);
}

/// Renames, and a field that came.
pub(crate) mod v2 {
    use steadfast_core::config::heapless::String;
    use steadfast_core::config::{Config, Duration};
    use steadfast_core::schema::{Prose, encode, encoded_bytes};

    #[derive(Config, Debug, PartialEq)]
    pub(crate) struct Network {
        #[config(default = "")]
        pub(crate) server: String<32>,
    }

    #[derive(Config, Debug, PartialEq)]
    pub(crate) struct Sampling {
        #[config(default = 1, absent_means = 1)]
        pub(crate) burst: u8,
        #[config(unit = "ms", range = 10..=60_000, default = 1000, was = "period")]
        pub(crate) period_ms: u16,
        #[config(default = Mode::Slow)]
        pub(crate) mode: Mode,
    }

    #[derive(Config, Debug, PartialEq)]
    pub(crate) enum Mode {
        Window { limit: u8, wait: Duration },
        Slow,
    }

    #[derive(Config)]
    #[config(root)]
    pub(crate) struct Pump {
        #[config(restart = device, risk = connectivity, was = "net")]
        network: Network,
        sampling: Sampling,
    }

    schema!(Pump);
}

/// Renames of what was renamed before, a wider range, another alternative, a new section.
pub(crate) mod v3 {
    use steadfast_core::config::heapless::String;
    use steadfast_core::config::{Config, Duration};
    use steadfast_core::schema::{Prose, encode, encoded_bytes};

    #[derive(Config, Debug, PartialEq)]
    pub(crate) struct Uplink {
        #[config(was = "server")]
        pub(crate) address: Option<String<64>>,
    }

    #[derive(Config, Debug, PartialEq)]
    pub(crate) struct Sampling {
        #[config(default = Mode::Slow)]
        pub(crate) mode: Mode,
        #[config(unit = "ms", range = 10..=3_600_000, default = 1000, was = "period_ms")]
        pub(crate) interval_ms: u32,
        #[config(range = 1..=100, default = 1, absent_means = 1)]
        pub(crate) burst: u8,
    }

    #[derive(Config, Debug, PartialEq)]
    pub(crate) enum Mode {
        Idle,
        Slow,
        Window {
            #[config(was = "limit")]
            upper: u8,
            wait: Duration,
        },
    }

    #[derive(Config, Debug, PartialEq)]
    pub(crate) struct Display {
        #[config(default = 3, absent_means = 5)]
        pub(crate) brightness: u8,
    }

    #[derive(Config)]
    #[config(root)]
    pub(crate) struct Pump {
        #[config(restart = device, risk = connectivity, was = "network")]
        uplink: Uplink,
        sampling: Sampling,
        #[config(restart = nothing)]
        display: Display,
    }

    schema!(Pump);
}

/// The fleet's repository.
pub(crate) struct Pumps {
    pub(crate) folder: FleetFolder,
}

/// A release of it.
pub(crate) struct Release {
    pub(crate) compiled: Compiled,
    pack: Pack,
}

/// The sections that one device gets under one schema.
pub(crate) type Content = Vec<(String, Digest)>;

impl Pumps {
    pub(crate) fn new() -> Self {
        let folder = FleetFolder::new();
        let schemas = [v1::schema(), v2::schema(), v3::schema()];
        let files = schemas.each_ref().map(|schema| format!("{}.schema", schema.short_id()));
        for (schema, file) in schemas.iter().zip(&files) {
            folder.write(&format!("schemas/pump/{file}"), schema.encode());
        }
        let settings = format!(
            "layers = [\"common\", \"site/{{site}}\"]\n[fleet]\nname = \"pumps\"\nid = \"000102030405060708090a0b0c0d0e0f\"\n\
             [models.pump]\nschemas = {files:?}\nslot_bytes = 4096\n"
        );
        folder.write("steadfast.toml", settings);
        let site = |device: u8| if device == DEVICES { "paris" } else { "berlin" };
        let row = |device: u8| format!("{device:032x},p{device},pump,{}\n", site(device));
        folder.write(
            "inventory/all.csv",
            "device,name,model,site\n".to_owned() + &(1..=DEVICES).map(row).collect::<String>(),
        );
        for layer in ["common", "site/berlin", "site/paris"] {
            folder.write(&format!("layers/{layer}.toml"), "");
        }
        Self { folder }
    }

    pub(crate) fn read(&self) -> (Fleet, Compiled) {
        let fleet = Fleet::open(self.folder.path(), &At::Worktree).unwrap();
        let compiled = compile(&fleet).unwrap();
        (fleet, compiled)
    }

    /// Compiles and packs.
    pub(crate) fn pack(&self) -> Release {
        let (fleet, compiled) = self.read();
        let pack = build(&compiled, Issue { fleet: fleet.settings.id, epoch: 1 }).unwrap();
        Release { compiled, pack }
    }
}

impl Release {
    /// What a device gets under each live schema that it gets anything for, oldest first.
    pub(crate) fn of(&self, device: u8) -> Vec<Content> {
        let mut id = [0; 16];
        id[15] = device;
        let order = [v1::schema().id, v2::schema().id, v3::schema().id];
        let mut places: Vec<_> = self.pack.leaves().of(&DeviceId(id)).collect();
        places.sort_by_key(|place| order.iter().position(|schema| *schema == place.schema));
        let content = |place| {
            let manifest = Manifest::parse(self.pack.manifest(place)).unwrap();
            manifest.objects().map(|entry| (entry.section.to_owned(), entry.object().unwrap().digest)).collect()
        };
        places.iter().map(content).collect()
    }

    /// A section of a content, as its firmware decodes it.
    pub(crate) fn section<T: Value>(&self, content: &Content, name: &str) -> T {
        let (_, digest) = content.iter().find(|(section, _)| section == name).unwrap();
        decode(self.pack.object(digest).unwrap()).unwrap()
    }
}
