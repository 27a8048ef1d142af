//! From a git commit to running devices and back: the programs that users run, an emulated microcontroller, a Linux gateway.
//!
//! Needs what `cargo xtask test` builds, and fails without it. Nothing waits for a time, everything for an event.

mod demo;
mod hostile;
mod ordinary;
mod power_cuts;
mod scrub;
mod swap;
mod trials;

use steadfast::demo::DemoError;
use steadfast::demo::machine::Machine;
use steadfast::demo::world::Model;
use steadfast_tests::stage::{Actor, Stage};

/// What every test ends with.
type Outcome = Result<(), DemoError>;

/// A fleet with a board and a gateway online, which run the first configuration.
fn both(machine: Machine) -> Result<(Stage, [Actor; 2]), DemoError> {
    let (stage, mut actors) = both_off(machine)?;
    for actor in &mut actors {
        actor.switch_on();
    }
    for actor in &actors {
        stage.wait_until_current(&actor.device.name)?;
    }
    Ok((stage, actors))
}

/// The same before they are switched on.
fn both_off(machine: Machine) -> Result<(Stage, [Actor; 2]), DemoError> {
    let stage = Stage::new(machine, &[("board", Model::Sensor), ("gateway", Model::Gateway)])?;
    let actors = [stage.actor("board", Model::Sensor)?, stage.actor("gateway", Model::Gateway)?];
    Ok((stage, actors))
}
