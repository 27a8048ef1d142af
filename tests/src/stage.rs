//! The stage of the end-to-end tests: a fleet with its server, and devices that can be watched, edited for, and unplugged.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use steadfast::demo::DemoError;
use steadfast::demo::devices::Device;
use steadfast::demo::machine::Machine;
use steadfast::demo::process::Process;
use steadfast::demo::relay::{Passing, Treatment};
use steadfast::demo::watch::Order;
use steadfast::demo::world::{Model, Tools, World};
use steadfast::serve::api::{Standing, Why};

use crate::contents::Contents;
use crate::debugger::Debugger;
use crate::qemu::{self, Line, Running};

/// Programs and files, as `cargo xtask test` says.
///
/// # Panics
/// Without them: nothing is skipped silently.
#[must_use]
pub fn tools(machine: Machine) -> Tools {
    let named = |name: &str| {
        let path = std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_file());
        path.unwrap_or_else(|| {
            panic!("{name} names no file: run this through `cargo xtask test`, which builds it first")
        })
    };
    Tools {
        steadfast: named("STEADFAST_PROGRAM"),
        gateway: named("STEADFAST_GATEWAY_PROGRAM"),
        machine,
        board_elf: qemu::firmware(machine).unwrap_or_else(|error| panic!("{error}")),
        project: PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/..")),
    }
}

/// A device under power.
enum Power {
    Off,
    Board(Running),
    /// Held for as long as it shall run.
    Gateway {
        _process: Process,
    },
}

/// A device on the stage.
pub struct Actor {
    /// The device itself.
    pub device: Device,
    power: Power,
    machine: Machine,
    board: PathBuf,
}

impl Actor {
    /// Switches it on.
    ///
    /// # Panics
    /// When its program does not start.
    pub fn switch_on(&mut self) {
        self.power = match self.device.model {
            Model::Sensor => {
                let firmware = qemu::firmware(self.machine).expect("a firmware");
                return self.switch_on_with(&firmware);
            }
            Model::Gateway => Power::Gateway { _process: self.device.start().expect("the gateway starts") },
        };
    }

    /// Switches a board on that has got this firmware.
    ///
    /// # Panics
    /// When it does not start.
    pub fn switch_on_with(&mut self, firmware: &Path) {
        let board = qemu::Board::with_firmware(self.machine, firmware, &self.device.image()).expect("a board");
        self.power = Power::Board(board.start().expect("QEMU starts"));
    }

    /// Switches a board on, with a debugger that knows it.
    ///
    /// # Panics
    /// When it does not start.
    pub fn switch_on_debugged(&mut self) -> Debugger {
        let firmware = qemu::firmware(self.machine).expect("a firmware");
        let socket = self.device.file("debugger");
        let board = qemu::Board::with_firmware(self.machine, &firmware, &self.device.image()).expect("a board");
        self.power = Power::Board(board.with_debugger(&socket).start().expect("QEMU starts"));
        Debugger::new(self.machine, &self.board, &firmware, &socket)
    }

    /// Pulls the plug.
    pub fn pull_the_plug(&mut self) {
        self.power = Power::Off;
    }

    /// Pulls the plug of a board, and hands over what it had said that nobody has waited for.
    pub fn cut(&mut self) -> Vec<Line> {
        match std::mem::replace(&mut self.power, Power::Off) {
            Power::Board(running) => running.cut(),
            _ => Vec::new(),
        }
    }

    /// The board's log.
    ///
    /// # Panics
    /// For a gateway, or without power.
    pub fn log(&mut self) -> &mut Running {
        match &mut self.power {
            Power::Board(running) => running,
            _ => panic!("{} is no board under power", self.device.name),
        }
    }

    /// What is in its flash at this instant.
    #[must_use]
    pub fn contents(&self) -> Contents {
        Contents::read(&self.device.image(), &self.board)
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = match &mut self.power {
                Power::Board(running) => running.rest_of_log(),
                _ => std::fs::read_to_string(self.device.log()).unwrap_or_default(),
            };
            eprintln!("the log of {}:\n{log}", self.device.name);
        }
    }
}

/// See the module.
pub struct Stage {
    /// Fleet and server.
    pub world: World,
    /// Held from the first edit of a commit until it is published.
    publishing: Mutex<()>,
}

impl Stage {
    /// A fleet with these devices, its first commit published; this machine emulates its sensors. For both models the period of sampling stands in
    /// `layers/site/boston.toml`, and is 100 ms.
    ///
    /// # Errors
    /// [`DemoError`].
    pub fn new(machine: Machine, devices: &[(&str, Model)]) -> Result<Self, DemoError> {
        let world = World::new(tools(machine), devices, Arc::default())?;
        let stage = Self { world, publishing: Mutex::new(()) };
        stage.publish_period(100)?;
        Ok(stage)
    }

    /// Flashes a device, without a configuration, and does not switch it on.
    ///
    /// # Errors
    /// [`DemoError`].
    pub fn actor(&self, name: &str, model: Model) -> Result<Actor, DemoError> {
        self.actor_with(name, model, None)
    }

    /// As `actor`, with a signed pack that has its first configuration.
    ///
    /// # Errors
    /// [`DemoError`].
    pub fn actor_with(&self, name: &str, model: Model, pack: Option<&Path>) -> Result<Actor, DemoError> {
        let device = Device::prepare(&self.world, name, model, pack)?;
        let board = device.board(&self.world.tools().project);
        Ok(Actor { device, power: Power::Off, machine: self.world.tools().machine, board })
    }

    /// Publishes another period of sampling for all devices.
    ///
    /// # Errors
    /// [`DemoError`].
    pub fn publish_period(&self, period_ms: u32) -> Result<(), DemoError> {
        self.world.write("layers/site/boston.toml", &format!("[sampling]\nperiod_ms = {period_ms}\n"))?;
        self.publish(&format!("sample every {period_ms} ms"))
    }

    /// Publishes another period of sampling for one device; several threads may do so.
    ///
    /// # Errors
    /// [`DemoError`].
    pub fn publish_period_for(&self, name: &str, period_ms: u32) -> Result<(), DemoError> {
        let _publishing = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        self.world.write(&format!("layers/device/{name}.toml"), &format!("[sampling]\nperiod_ms = {period_ms}\n"))?;
        self.publish(&format!("{name}: sample every {period_ms} ms"))
    }

    /// Commits what was edited and publishes it.
    ///
    /// # Errors
    /// [`DemoError`].
    pub fn publish(&self, message: &str) -> Result<(), DemoError> {
        self.world.commit(message)?;
        self.world.publish()
    }

    /// Waits until the server knows that a device runs what it should.
    ///
    /// # Errors
    /// [`DemoError::Missing`].
    pub fn wait_until_current(&self, name: &str) -> Result<Why, DemoError> {
        self.world.wait_for_device(name, "runs what git wants", |why| {
            why.device.standing == Standing::Current && why.device.running == why.device.desired
        })
    }

    /// Waits until the server knows that a device refuses what it should run.
    ///
    /// # Errors
    /// [`DemoError::Missing`].
    pub fn wait_until_refused(&self, name: &str) -> Result<Why, DemoError> {
        self.world.wait_for_device(name, "refuses what git wants", |why| why.device.standing == Standing::Refused)
    }
}

/// A relay's script that keeps objects out of answers, so that devices fetch each.
#[must_use]
pub fn nothing_inline(passing: &Passing<'_>) -> Treatment {
    Order::of(passing).map_or(Treatment::Pass, |order| Treatment::Replace(order.without_inline()))
}
