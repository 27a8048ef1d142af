//! A fleet in a temporary folder: its repository, its keys, its server.
//!
//! The repository starts as a copy of the example fleet with short intervals; devices are enrolled in it, and others that never come
//! online fill its tree. Every step is a command line of `git` or `steadfast`, as a user would type it.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use steadfast_core::digest::Digest;
use tempfile::TempDir;

use super::DemoError;
use super::machine::Machine;
use super::process::{self, Process};
use crate::client::Client;
use crate::serve::api::Why;

/// Leaves of the tree: devices enrolled and devices that fill it.
pub const LEAVES: usize = 40;

/// Devices of the example's own inventory that are kept.
const EXAMPLE_DEVICES: usize = 5;

/// How often the world is looked at while something is waited for.
const LOOK: Duration = Duration::from_millis(50);

/// Patience with anything that must happen; for hangs only, since an emulated board on a busy machine runs twenty times slower.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// Reports that are shown of a device that did not do what was waited for.
const REPORTS_SHOWN: usize = 5;

/// Commits get a date of their own, a minute after the one before, so that the same story gives the same ids.
const FIRST_COMMIT_SECONDS: u64 = 1_767_225_600;

/// Seconds between two commits.
const COMMIT_SECONDS: u64 = 60;

/// Where the programs and the project's files are.
#[derive(Clone, Debug)]
pub struct Tools {
    /// The `steadfast` program.
    pub steadfast: PathBuf,
    /// The `steadfast-gateway` program.
    pub gateway: PathBuf,
    /// The emulated board.
    pub machine: Machine,
    /// Its firmware.
    pub board_elf: PathBuf,
    /// The project's folder, with `examples` and `boards`.
    pub project: PathBuf,
}

/// The models of the example fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// The emulated microcontroller.
    Sensor,
    /// The Linux gateway.
    Gateway,
}

impl Model {
    /// Its name in the fleet.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Sensor => "sensor",
            Self::Gateway => "gateway",
        }
    }

    /// How its devices reach this machine's loopback.
    #[must_use]
    pub fn loopback(self) -> &'static str {
        match self {
            // QEMU's user network.
            Self::Sensor => "10.0.2.2",
            Self::Gateway => "127.0.0.1",
        }
    }
}

/// See the module.
pub struct World {
    folder: TempDir,
    tools: Tools,
    server: Mutex<Option<Process>>,
    address: SocketAddr,
    commits: Mutex<u64>,
    stop: Arc<AtomicBool>,
}

impl World {
    /// Makes the fleet with these devices, publishes its first commit, and serves it.
    ///
    /// # Errors
    /// [`DemoError`].
    pub fn new(tools: Tools, devices: &[(&str, Model)], stop: Arc<AtomicBool>) -> Result<Self, DemoError> {
        let folder =
            TempDir::with_prefix("steadfast-").map_err(|error| DemoError::File(std::env::temp_dir(), error))?;
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut world = Self { folder, tools, server: Mutex::new(None), address, commits: Mutex::new(0), stop };
        copy(&world.tools.project.join("examples/fleet"), &world.fleet())?;
        world.quicken()?;
        world.git(&["init", "--quiet", "--initial-branch=main"])?;
        world.steadfast(&["keys", "new", "--out", &world.text("keys")])?;
        world.fill(LEAVES.saturating_sub(EXAMPLE_DEVICES + devices.len()))?;
        for (name, model) in devices {
            world.enroll(name, *model)?;
        }
        world.commit("the fleet")?;
        world.address = world.serve()?;
        world.publish()?;
        Ok(world)
    }

    /// The temporary folder, for whatever else devices need.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The fleet repository.
    #[must_use]
    pub fn fleet(&self) -> PathBuf {
        self.folder().join("fleet")
    }

    /// The programs.
    #[must_use]
    pub fn tools(&self) -> &Tools {
        &self.tools
    }

    /// Where the server listens, now or when it comes back.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A file of the temporary folder, as an argument.
    #[must_use]
    pub fn text(&self, file: &str) -> String {
        self.folder().join(file).to_string_lossy().into_owned()
    }

    /// Writes a file of the fleet repository.
    ///
    /// # Errors
    /// [`DemoError::File`].
    pub fn write(&self, path: &str, text: &str) -> Result<(), DemoError> {
        write(&self.fleet().join(path), text.as_bytes())
    }

    /// Replaces a text that a file of the fleet repository has exactly once.
    ///
    /// # Errors
    /// [`DemoError::File`], [`DemoError::Otherwise`].
    pub fn edit(&self, path: &str, from: &str, to: &str) -> Result<(), DemoError> {
        let file = self.fleet().join(path);
        let text = fs::read_to_string(&file).map_err(|error| DemoError::File(file.clone(), error))?;
        if text.matches(from).count() != 1 {
            return Err(DemoError::Otherwise(format!("{path} does not have `{from}` once:\n{text}")));
        }
        write(&file, text.replace(from, to).as_bytes())
    }

    /// Commits everything and returns the commit's id.
    ///
    /// # Errors
    /// [`DemoError::Failed`].
    pub fn commit(&self, message: &str) -> Result<String, DemoError> {
        self.git(&["add", "--all"])?;
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message])?;
        self.git(&["rev-parse", "HEAD"])
    }

    /// Publishes the checked-out commit.
    ///
    /// # Errors
    /// [`DemoError::Failed`].
    pub fn publish(&self) -> Result<(), DemoError> {
        self.steadfast(&["publish", "--server", &self.url(), "--key", &self.text("keys/publisher.key")]).map(drop)
    }

    /// Runs `git` in the fleet repository with a fixed author and nobody's own settings.
    ///
    /// # Errors
    /// [`DemoError::NotStarted`], [`DemoError::Failed`].
    pub fn git(&self, arguments: &[&str]) -> Result<String, DemoError> {
        let mut commits = self.commits.lock().unwrap_or_else(PoisonError::into_inner);
        *commits += 1;
        let date = format!("{} +0000", FIRST_COMMIT_SECONDS + *commits * COMMIT_SECONDS);
        let mut git = Command::new("git");
        git.current_dir(self.fleet()).args(["-c", "commit.gpgsign=false", "-c", "core.hooksPath=/dev/null"]);
        git.args(arguments).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
        for who in ["AUTHOR", "COMMITTER"] {
            git.env(format!("GIT_{who}_NAME"), "Ada Example").env(format!("GIT_{who}_EMAIL"), "ada@example.org");
            git.env(format!("GIT_{who}_DATE"), &date);
        }
        Ok(process::run(&mut git)?.trim().to_owned())
    }

    /// Runs `steadfast` with the fleet repository as its working directory; returns what it prints.
    ///
    /// # Errors
    /// [`DemoError::NotStarted`], [`DemoError::Failed`].
    pub fn steadfast(&self, arguments: &[&str]) -> Result<String, DemoError> {
        process::run(Command::new(&self.tools.steadfast).current_dir(self.fleet()).args(arguments))
    }

    /// What the server knows of a device.
    ///
    /// # Errors
    /// [`DemoError::Server`].
    pub fn why(&self, device: &str) -> Result<Why, DemoError> {
        Ok(Client::new(&self.url())?.why(device)?)
    }

    /// The server's address for people and programs that manage the fleet.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until `done` says what came of it.
    ///
    /// # Errors
    /// [`DemoError::Missing`] after [`PATIENCE`], [`DemoError::Stopped`], and those of `done`.
    pub fn wait<T>(
        &self,
        what: &str,
        mut done: impl FnMut(&mut String) -> Result<Option<T>, DemoError>,
    ) -> Result<T, DemoError> {
        let (start, mut seen) = (Instant::now(), String::new());
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Err(DemoError::Stopped);
            }
            if let Some(value) = done(&mut seen)? {
                return Ok(value);
            }
            if start.elapsed() > PATIENCE {
                return Err(DemoError::Missing { what: what.to_owned(), seen });
            }
            thread::sleep(LOOK);
        }
    }

    /// Waits until a device is said to be as `done` wants.
    ///
    /// # Errors
    /// As [`World::wait`].
    pub fn wait_for_device(&self, device: &str, what: &str, done: impl Fn(&Why) -> bool) -> Result<Why, DemoError> {
        self.wait(&format!("{device}: {what}"), |seen| {
            let why = self.why(device)?;
            let reports = why.reports.get(..REPORTS_SHOWN).unwrap_or(&why.reports);
            *seen = format!("{:?}, waiting for {}, reports: {reports:?}", why.device, why.waiting_for);
            Ok(done(&why).then_some(why))
        })
    }

    /// Kills the server, as a power cut would.
    pub fn kill_server(&self) {
        drop(self.server.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Starts the server, which listens where it did before.
    ///
    /// # Errors
    /// [`DemoError::Ended`] when it does not start.
    pub fn serve(&self) -> Result<SocketAddr, DemoError> {
        let mut serve = Command::new(&self.tools.steadfast);
        serve.args(["serve", "--listen", &self.address.to_string(), "--data", &self.text("data")]);
        serve.args(["--director-key", &self.text("keys/director.key")]);
        serve.arg("--keyring").arg(self.fleet().join("keys/keyring"));
        let log = self.folder().join("serve.log");
        let (process, line) = Process::start_until_first_line("steadfast serve", &mut serve, &log)?;
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(process);
        let address = line.trim_start_matches("http://").parse();
        address.map_err(|_| DemoError::Strange(format!("`steadfast serve` printed no address but `{line}`")))
    }

    /// Short intervals, and the server that each device was flashed with.
    fn quicken(&self) -> Result<(), DemoError> {
        self.edit("layers/common.toml", "poll_seconds = 60", "poll_seconds = 1")?;
        self.edit("layers/common.toml", "trial_seconds = 120", "trial_seconds = 30")?;
        for model in [Model::Sensor, Model::Gateway] {
            let server = format!("server = \"{}:8440\"", model.loopback());
            self.edit(&format!("layers/model/{}.toml", model.word()), &server, "server = \"\"")?;
        }
        Ok(())
    }

    /// Devices that never come online, so that the tree is as high as a fleet's.
    fn fill(&self, devices: usize) -> Result<(), DemoError> {
        let mut inventory = "device,name,model,site\n".to_owned();
        for number in 1..=devices {
            let id = &Digest::of(&number.to_le_bytes()).to_string()[..32];
            let _ = writeln!(inventory, "{id},boston-shelf-{number},sensor,boston");
        }
        self.write("inventory/shelf.csv", &inventory)
    }

    fn enroll(&self, name: &str, model: Model) -> Result<(), DemoError> {
        let key = self.text(&format!("keys/{name}.key"));
        let enroll = ["device", "enroll", name, "--model", model.word(), "--label", "site=boston", "--key", &key];
        self.steadfast(&enroll).map(drop)
    }
}

fn copy(from: &Path, to: &Path) -> Result<(), DemoError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| DemoError::File(path, error)
    };
    for entry in fs::read_dir(from).map_err(failed(from))? {
        let entry = entry.map_err(failed(from))?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to)?;
        } else {
            write(&to, &fs::read(&from).map_err(failed(&from))?)?;
        }
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), DemoError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(path, bytes));
    written.map_err(|error| DemoError::File(path.to_owned(), error))
}
