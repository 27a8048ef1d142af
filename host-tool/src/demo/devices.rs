//! The devices of the demonstration: an emulated microcontroller and a Linux gateway, each with a relay of its own before
//! the server.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::DemoError;
use super::machine::Machine;
use super::process::Process;
use super::relay::Relay;
use super::world::{Model, World};
use crate::schema;

/// The sample application of the gateway.
const SAMPLE: &str = "boards/linux-gateway/sample";

/// A device that can be switched on: what it has outlives every run.
pub struct Device {
    /// Its name in the inventory.
    pub name: String,
    /// What it is.
    pub model: Model,
    /// Its way to the server.
    pub relay: Relay,
    /// Its own folder.
    folder: PathBuf,
    program: PathBuf,
    /// What emulates a microcontroller.
    machine: Machine,
}

impl Device {
    /// Prepares an enrolled device: a relay, a folder, and a flash image with its identity; with a signed pack also its first
    /// configuration.
    ///
    /// # Errors
    /// [`DemoError`].
    pub fn prepare(world: &World, name: &str, model: Model, pack: Option<&Path>) -> Result<Self, DemoError> {
        let relay = Relay::start(world.address()).map_err(DemoError::Network)?;
        let folder = world.folder().join(name);
        fs::create_dir_all(&folder).map_err(|error| DemoError::File(folder.clone(), error))?;
        let program = match model {
            Model::Sensor => world.tools().board_elf.clone(),
            Model::Gateway => world.tools().gateway.clone(),
        };
        let machine = world.tools().machine;
        let device = Self { name: name.to_owned(), model, relay, folder, program, machine };
        device.flash(world, pack)?;
        if model == Model::Gateway {
            device.install_sample(world)?;
        }
        Ok(device)
    }

    /// Its flash.
    #[must_use]
    pub fn image(&self) -> PathBuf {
        self.folder.join("flash.img")
    }

    /// What it said so far, if it says anything that people can read.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// A file of its own folder.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The board's description.
    #[must_use]
    pub fn board(&self, project: &Path) -> PathBuf {
        match self.model {
            Model::Sensor => self.machine.description(project),
            Model::Gateway => project.join("boards/linux-gateway/board.toml"),
        }
    }

    /// Switches it on; dropping what is returned pulls the plug.
    ///
    /// # Errors
    /// [`DemoError::NotStarted`].
    pub fn start(&self) -> Result<Process, DemoError> {
        Process::start(&self.name, &mut self.command(), &self.log())
    }

    /// What switches it on.
    #[must_use]
    pub fn command(&self) -> Command {
        match self.model {
            Model::Sensor => self.machine.command(&self.program, &self.image()),
            Model::Gateway => {
                let mut command = Command::new(&self.program);
                command.args(["run", "--log", "json", "--config"]).arg(self.folder.join("gateway.toml"));
                command
            }
        }
    }

    fn flash(&self, world: &World, pack: Option<&Path>) -> Result<(), DemoError> {
        let server = format!("{}:{}", self.model.loopback(), self.relay.address().port());
        let key = world.text(&format!("keys/{}.key", self.name));
        let (board, image) = (self.board(&world.tools().project), self.image());
        let mut arguments = vec!["flash", &self.name, "--server", &server, "--key", &key];
        let (board, image) = (board.to_string_lossy(), image.to_string_lossy());
        arguments.extend(["--board", &*board, "--out", &*image]);
        let pack = pack.map(Path::to_string_lossy);
        arguments.extend(pack.iter().flat_map(|pack| ["--pack", &**pack]));
        world.steadfast(&arguments).map(drop)
    }

    /// The gateway's own configuration and its application of shell scripts.
    fn install_sample(&self, world: &World) -> Result<(), DemoError> {
        let sample = world.tools().project.join(SAMPLE);
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |error| DemoError::File(path, error)
        };
        for name in ["check-sensor", "check-alarms", "reload"] {
            let (from, to) = (sample.join(name), self.folder.join(name));
            fs::copy(&from, &to).map_err(failed(&from))?;
            fs::set_permissions(&to, fs::Permissions::from_mode(0o755)).map_err(failed(&to))?;
        }
        let from = sample.join("gateway.toml");
        let text = fs::read_to_string(&from).map_err(failed(&from))?;
        let text = text.replace(&"0".repeat(64), &gateway_schema(world)?).replace("gateway.img", "flash.img");
        let to = self.folder.join("gateway.toml");
        fs::write(&to, text).map_err(failed(&to))
    }
}

/// The id of the schema that the fleet has for gateways.
fn gateway_schema(world: &World) -> Result<String, DemoError> {
    let path = world.fleet().join("schemas/gateway/gateway.toml");
    let bytes = fs::read(&path).map_err(|error| DemoError::File(path.clone(), error))?;
    let schema = schema::from_file("gateway.toml", &bytes);
    schema
        .map(|schema| schema.id.to_string())
        .map_err(|error| DemoError::Strange(format!("{}: {error}", path.display())))
}
