//! A firmware's configuration with every type and attribute that there is. Its section `plain` uses only types that the
//! judge's own derive knows, so that it can look at the same Rust types by itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use postcard_schema_ng::Schema;
use serde::Serialize;
use steadfast_core::config::heapless::{LinearMap, String, Vec};
use steadfast_core::config::{Config, Configuration, Duration, IpNet, Ipv4Net, Ipv6Net, Mac};
use steadfast_core::schema::{Prose, encode, encoded_bytes};

/// Numbers, text and lists.
#[derive(Clone, Config, Debug, PartialEq, Schema, Serialize)]
#[config(removed("gone"))]
pub(crate) struct Plain {
    /// Whether it runs.
    #[config(default = true)]
    pub(crate) on: bool,
    #[config(range = 1..=200, default = 7)]
    pub(crate) a: u8,
    #[config(default = -3)]
    pub(crate) b: i8,
    /// How often a sample is taken.
    /// In a second line.
    #[config(unit = "ms", range = 10..=3_600, default = 1000, was = "period", absent_means = 500)]
    pub(crate) c: u16,
    #[config(range = -100..)]
    pub(crate) d: i16,
    pub(crate) e: u32,
    #[config(range = ..=5)]
    pub(crate) f: i32,
    pub(crate) g: u64,
    pub(crate) h: i64,
    #[config(unit = "°C", range = -40.0..=85.1, default = 21.5)]
    pub(crate) i: f32,
    pub(crate) j: f64,
    #[config(default = "a name")]
    pub(crate) k: String<16>,
    #[config(range = 1..=9, default = [1, 2])]
    pub(crate) l: Vec<u16, 5>,
    pub(crate) m: Vec<Route, 3>,
    pub(crate) n: Option<u32>,
    pub(crate) o: Option<Vec<bool, 2>>,
    #[config(default = Mode::Off)]
    pub(crate) p: Mode,
    #[config(default = "10.0.0.1")]
    pub(crate) q: Ipv4Addr,
    #[config(default = "fe80::1")]
    pub(crate) r: Ipv6Addr,
    #[config(default = "::1")]
    pub(crate) s: IpAddr,
}

/// Where packets go.
#[derive(Clone, Config, Debug, PartialEq, Schema, Serialize)]
pub(crate) struct Route {
    pub(crate) name: String<8>,
    /// Less is better.
    #[config(range = 0..=1000, default = 10)]
    pub(crate) metric: u32,
}

#[derive(Clone, Config, Debug, PartialEq, Schema, Serialize)]
pub(crate) enum Mode {
    /// Does nothing.
    Off,
    FixedRate(u16),
    Custom {
        #[config(range = 0.0..=1.0)]
        share: f32,
        name: String<4>,
    },
    Routed(Route),
}

/// Types that only this project has, and maps.
#[derive(Clone, Config, Debug, PartialEq, Serialize)]
pub(crate) struct Special {
    #[config(range = "1s"..="1h", default = "90s")]
    pub(crate) timeout: Duration,
    #[config(default = "02:00:5e:10:00:01")]
    pub(crate) mac: Mac,
    #[config(default = "10.0.0.1/8")]
    pub(crate) v4: Ipv4Net,
    #[config(default = "fe80::1/64")]
    pub(crate) v6: Ipv6Net,
    #[config(default = "192.168.0.1/24")]
    pub(crate) net: IpNet,
    #[config(range = 1..=9, default = [])]
    pub(crate) by_number: LinearMap<u16, u8, 4>,
    #[config(default = [])]
    pub(crate) by_name: LinearMap<String<8>, Route, 4>,
    #[config(default = [])]
    pub(crate) by_address: LinearMap<IpAddr, Option<bool>, 4>,
    #[config(key = "name", default = [])]
    pub(crate) routes: Vec<Route, 3>,
    #[config(default)]
    pub(crate) nested: Nested,
    #[config(default = "5m")]
    pub(crate) maybe: Option<Duration>,
}

#[derive(Clone, Config, Debug, PartialEq, Serialize)]
pub(crate) struct Nested {
    #[config(default = [Mode::Off])]
    pub(crate) modes: Vec<Mode, 2>,
    #[config(default = 0)]
    pub(crate) r#type: u8,
}

/// The passwords.
#[derive(Config)]
pub(crate) struct Keys {
    #[expect(dead_code, reason = "only described")]
    pub(crate) psk: String<63>,
}

#[derive(Config)]
#[config(root, removed("legacy"))]
pub(crate) struct Firmware {
    /// Everything plain.
    #[config(restart = nothing, checks("sensor", "clock"))]
    pub(crate) plain: Plain,
    #[config(restart = device, risk = connectivity, was = "network")]
    pub(crate) special: Special,
    #[config(secret, risk = safety, checks("sensor"))]
    pub(crate) keys: Keys,
}

steadfast_core::export_schema!(Firmware);

/// What the firmware carries.
pub(crate) const DESCRIPTION: [u8; encoded_bytes(Firmware::SCHEMA, Prose::Kept)] =
    encode(Firmware::SCHEMA, Prose::Kept);
