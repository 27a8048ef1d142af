//! What can be configured: three sections. The linker keeps their description in the ELF file, for `steadfast schema add`.
//!
//! With the feature `next` this is the firmware after the present one, which knows a field by another name and type: tests swap the two.

use steadfast_core::config::{Config, Duration, heapless};

/// Everything.
#[derive(Config)]
#[config(root)]
pub struct Thermometer {
    /// How the device reaches its server.
    #[config(restart = device, risk = connectivity)]
    network: Network,
    /// How the sensor is read.
    #[config(restart = task, checks("sensor"))]
    sampling: Sampling,
    /// When somebody is told.
    #[config(restart = nothing, checks("alarms"))]
    alarms: Alarms,
}

/// How the device reaches its server.
#[derive(Config, Debug, PartialEq, Eq)]
pub struct Network {
    /// `host:port` of the Steadfast server; empty for the one that the device was flashed with.
    #[cfg(not(feature = "next"))]
    #[config(default = "")]
    pub server: heapless::String<64>,
    /// `host:port` of the Steadfast server, unless it is the one that the device was flashed with.
    #[cfg(feature = "next")]
    #[config(was = "server")]
    pub address: Option<heapless::String<64>>,
}

/// How the sensor is read.
#[derive(Config, Debug, PartialEq, Eq)]
pub struct Sampling {
    /// From one measurement to the next. The sensor itself needs 50 ms for one.
    #[config(unit = "ms", range = 10..=3_600_000, default = 1000)]
    pub period_ms: u32,
    /// Measurements that make one reading.
    #[config(range = 1..=64, default = 4)]
    pub average: u8,
}

/// When somebody is told.
#[derive(Config, Debug, PartialEq, Eq)]
pub struct Alarms {
    /// Too cold below this; must be lower than `high`.
    #[config(unit = "m°C", range = -40_000..=125_000, default = 2000)]
    pub low: i32,
    /// Too warm above this.
    #[config(unit = "m°C", range = -40_000..=125_000, default = 30_000)]
    pub high: i32,
    /// An alarm is not repeated before this has passed.
    #[config(range = "1s"..="1d", default = "10m")]
    pub quiet: Duration,
    /// Who is told.
    #[config(default = [])]
    pub contacts: heapless::Vec<heapless::String<32>, 4>,
}

steadfast_core::export_schema!(Thermometer);
