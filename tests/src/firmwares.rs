//! Configurations of two firmwares, for fleets in tests: between them every kind of value that layers can set.

use steadfast_core::config::Configuration;
use steadfast_core::schema::{Prose, encode, encoded_bytes};

pub use router::Router;
pub use sensor::Sensor;

/// The sensor's schema, as its firmware carries it.
pub const SENSOR: [u8; encoded_bytes(Sensor::SCHEMA, Prose::Kept)] = encode(Sensor::SCHEMA, Prose::Kept);
/// The router's.
pub const ROUTER: [u8; encoded_bytes(Router::SCHEMA, Prose::Kept)] = encode(Router::SCHEMA, Prose::Kept);

/// A microcontroller.
pub mod sensor {
    use serde::Serialize;
    use steadfast_core::config::heapless::{String, Vec};
    use steadfast_core::config::{Config, Duration};

    /// How a device reaches its server.
    #[derive(Clone, Config, Debug, PartialEq, Serialize)]
    pub struct Network {
        /// Host and port of the server.
        pub server: String<64>,
        /// Where the time comes from.
        pub ntp: Option<String<64>>,
        /// How long to wait for an answer.
        #[config(range = "100ms"..="1m", default = "5s")]
        pub timeout: Duration,
    }

    /// How a sensor samples.
    #[derive(Clone, Config, Debug, PartialEq, Serialize)]
    pub struct Sampling {
        /// Between two samples.
        #[config(unit = "ms", range = 10..=3_600_000, default = 1000)]
        pub period_ms: u32,
        /// What it does between samples.
        #[config(default = Mode::Sleep)]
        pub mode: Mode,
        /// Multiplied with each sample.
        #[config(range = 0.0..=10.0, default = 1.0)]
        pub gain: f32,
    }

    /// What a sensor does between samples.
    #[derive(Clone, Config, Debug, PartialEq, Serialize)]
    pub enum Mode {
        /// Nothing.
        Sleep,
        /// Averages so many.
        Average(u8),
        /// Keeps what is beyond.
        Window {
            /// Lower bound.
            low: i16,
            /// Upper bound.
            high: i16,
        },
    }

    /// When a sensor raises an alarm.
    #[derive(Clone, Config, Debug, PartialEq, Serialize)]
    pub struct Alarms {
        /// Whether it does at all.
        #[config(default = true)]
        pub enabled: bool,
        /// Below this.
        #[config(default = -20)]
        pub low: i16,
        /// Above this.
        #[config(default = 60)]
        pub high: i16,
        /// Who is told.
        #[config(default = [])]
        pub recipients: Vec<String<32>, 4>,
    }

    /// A microcontroller's configuration.
    #[derive(Config)]
    #[config(root)]
    pub struct Sensor {
        /// The way to the server.
        #[config(restart = device, risk = connectivity)]
        pub network: Network,
        /// What it measures.
        #[config(restart = task, checks("sensor"))]
        pub sampling: Sampling,
        /// What it warns of.
        #[config(restart = nothing, checks("alarms"))]
        pub alarms: Alarms,
    }
}

/// A gateway, whose sections are rendered as files.
pub mod router {
    use std::net::Ipv4Addr;

    use serde::Serialize;
    use steadfast_core::config::heapless::{LinearMap, String, Vec};
    use steadfast_core::config::{Config, Duration, IpNet, Mac};

    /// How a device reaches its server.
    #[derive(Clone, Config, Debug, PartialEq, Serialize)]
    pub struct Network {
        /// Host and port of the server.
        pub server: String<64>,
        /// Where the time comes from.
        pub ntp: Option<String<64>>,
        /// How long to wait for an answer.
        #[config(range = "100ms"..="1m", default = "5s")]
        pub timeout: Duration,
    }

    /// What a router connects.
    #[derive(Clone, Config, Debug, PartialEq, Serialize)]
    pub struct Routing {
        /// By number.
        #[config(key = "vid", default = [])]
        pub vlans: Vec<Vlan, 16>,
        /// Names of neighbours.
        #[config(default = [])]
        pub hosts: LinearMap<String<32>, Host, 8>,
        /// How much a packet of each class costs.
        #[config(default = [])]
        pub costs: LinearMap<u16, u32, 8>,
    }

    /// A virtual network.
    #[derive(Clone, Config, Debug, PartialEq, Serialize)]
    pub struct Vlan {
        /// Its number.
        #[config(range = 1..=4094)]
        pub vid: u16,
        /// Its addresses.
        pub prefix: Option<IpNet>,
        /// Whether it has no tag.
        #[config(default = false)]
        pub untagged: bool,
    }

    /// A neighbour.
    #[derive(Clone, Config, Debug, PartialEq, Serialize)]
    pub struct Host {
        /// Its hardware address.
        pub mac: Mac,
        /// Its address.
        pub address: Option<Ipv4Addr>,
    }

    /// A gateway's configuration, rendered as files.
    #[derive(Config)]
    #[config(root)]
    pub struct Router {
        /// The way to the server.
        #[config(restart = device, risk = connectivity)]
        pub network: Network,
        /// What it connects.
        #[config(restart = task, checks("routes"))]
        pub routing: Routing,
    }
}
