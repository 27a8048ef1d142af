//! The sample application: a thermometer with alarms. Its health truly depends on its configuration.

pub mod alarms;
pub mod config;
pub mod network;
pub mod sampling;
mod sensor;

use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::watch::Watch;
use steadfast_core::config::{Defaults, Section};
use steadfast_firmware::application::NoSection;

use crate::flash::Flash;

/// The application's side of Steadfast.
pub type Application = steadfast_firmware::application::Application<Flash>;
/// The right to one section.
pub type Subscriber<S> = steadfast_firmware::application::Subscriber<S, Flash>;

/// The latest averaged temperature in thousandths of a degree Celsius. One task listens.
pub type Readings = Watch<NoopRawMutex, i32, 1>;

/// The section's values, or the firmware's own where there are none.
fn or_defaults<S: Section + Defaults>(section: Result<S, NoSection>) -> S {
    section.unwrap_or_else(|why| {
        defmt::warn!("`{=str}` by the firmware's defaults: {}", S::NAME, why);
        S::defaults()
    })
}
