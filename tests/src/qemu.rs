//! The emulated board: starts QEMU with a flash image, reads its log, pulls the plug.
//!
//! The log comes as defmt frames over the serial line and is decoded with the strings of the very ELF file that runs. Tests wait for
//! lines, never for times; the one time limit is there for boards that hang, and is generous, because an emulated board
//! on a busy machine runs many times slower than on an idle one.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use defmt_decoder::{DecodeError, Table};
use rustix::process::{Pid, Signal, kill_process};
use steadfast::demo::machine::Machine;
use steadfast::flash;

use crate::qmp;

/// A board that has not said in this time what it is waited for never will: far longer than any trial here.
const HANG: Duration = Duration::from_secs(300);
/// QEMU ends in a moment; one that does not in this time is killed.
const ENDING: Duration = Duration::from_secs(20);
/// What it then says.
const TOLD_TO_END: &str = "terminating on signal";
/// Between two looks whether it has.
const LOOK: Duration = Duration::from_millis(2);
/// Lines shown when a board did not do what it should.
const LINES_SHOWN: usize = 60;

/// What can go wrong around an emulated board.
#[derive(Debug, thiserror::Error)]
pub enum QemuError {
    /// A file or the program itself.
    #[error("{what}: {source}")]
    Io {
        /// What was attempted, on what.
        what: String,
        /// The system's word on it.
        source: io::Error,
    },
    /// The ELF file holds no log strings.
    #[error("{0} holds no defmt strings: build it with `cargo xtask build-board`")]
    NoStrings(PathBuf),
    /// Nobody said which firmware to run.
    #[error(
        "no firmware: run this through `cargo xtask test`, or set {0} to what `cargo xtask build-board` prints for this board"
    )]
    NoFirmware(String),
    /// The board did not log the line in time, or QEMU ended.
    #[error("waited for {wanted:?}, but {why}; the board's last lines:\n{log}")]
    Missing {
        /// The text waited for.
        wanted: String,
        /// Hung or ended.
        why: &'static str,
        /// The end of the log.
        log: String,
    },
}

fn io_error(what: impl Into<String>) -> impl FnOnce(io::Error) -> QemuError {
    let what = what.into();
    move |source| QemuError::Io { what, source }
}

/// One line of a board's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Microseconds since the board's reset.
    pub at_us: u64,
    /// `info`, `warn`, `error`; empty for a plain print.
    pub level: String,
    /// The words.
    pub text: String,
}

/// A board that can be switched on: a firmware and a flash image, which outlives every run.
#[derive(Debug, Clone)]
pub struct Board {
    machine: Machine,
    elf: PathBuf,
    flash: PathBuf,
    table: Arc<Table>,
    /// Where QEMU takes orders.
    control: Option<PathBuf>,
    /// Where it takes a debugger's.
    debugger: Option<PathBuf>,
}

impl Board {
    /// A board with the firmware that `cargo xtask` built and the flash image at `flash`.
    ///
    /// # Errors
    /// When there is no firmware, or it has no log strings.
    pub fn new(machine: Machine, flash: &Path) -> Result<Self, QemuError> {
        Self::with_firmware(machine, &firmware(machine)?, flash)
    }

    /// As `new`, with the firmware named.
    ///
    /// # Errors
    /// As for `new`.
    pub fn with_firmware(machine: Machine, elf: &Path, flash: &Path) -> Result<Self, QemuError> {
        let bytes = fs::read(elf).map_err(io_error(format!("cannot read {}", elf.display())))?;
        let table = Table::parse(&bytes).ok().flatten().ok_or_else(|| QemuError::NoStrings(elf.into()))?;
        Ok(Self {
            machine,
            elf: elf.into(),
            flash: flash.into(),
            table: Arc::new(table),
            control: None,
            debugger: None,
        })
    }

    /// The same board with a reset line, whose end is a socket with this path: at most 100 bytes of it.
    #[must_use]
    pub fn with_reset_line(self, socket: &Path) -> Self {
        Self { control: Some(socket.into()), ..self }
    }

    /// The same board with a port for a [`Debugger`](crate::debugger::Debugger), whose end is a socket with this path: at most 100 bytes of it.
    #[must_use]
    pub fn with_debugger(self, socket: &Path) -> Self {
        Self { debugger: Some(socket.into()), ..self }
    }

    /// Switches the board on.
    ///
    /// # Errors
    /// When QEMU cannot be started.
    pub fn start(&self) -> Result<Running, QemuError> {
        let mut command = self.machine.command(&self.elf, &self.flash);
        if let Some(socket) = &self.control {
            command.arg("-qmp").arg(format!("unix:{},server=on,wait=off", socket.display()));
        }
        if let Some(socket) = &self.debugger {
            command.arg("-gdb").arg(format!("unix:{},server=on,wait=off", socket.display()));
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(io_error("cannot start QEMU (`cargo xtask setup`)"))?;
        let (sender, lines) = mpsc::channel();
        let (serial, complaints) = (child.stdout.take(), child.stderr.take());
        thread::spawn(move || complaints.map(pass_on));
        let table = Arc::clone(&self.table);
        thread::spawn(move || serial.map(|serial| decode(serial, &table, &sender)));
        Ok(Running { machine: self.machine, child, lines, recent: VecDeque::new(), control: self.control.clone() })
    }
}

/// The firmware that `cargo xtask` built for a board.
///
/// # Errors
/// When nobody said where it is.
pub fn firmware(machine: Machine) -> Result<PathBuf, QemuError> {
    named(format!("STEADFAST_ELF_{}", machine.name().replace('-', "_").to_uppercase()))
}

/// The firmware after that one, which has another schema.
///
/// # Errors
/// When nobody said where it is.
pub fn next_firmware(machine: Machine) -> Result<PathBuf, QemuError> {
    named(format!("STEADFAST_ELF_{}_NEXT", machine.name().replace('-', "_").to_uppercase()))
}

fn named(variable: String) -> Result<PathBuf, QemuError> {
    std::env::var_os(&variable).map(PathBuf::from).ok_or(QemuError::NoFirmware(variable))
}

/// What `board.toml` says of a board's flash.
///
/// # Panics
/// When it is wrong.
#[must_use]
pub fn description(machine: Machine) -> flash::Board {
    let project = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    flash::Board::load(&machine.description(project)).expect("a board's description")
}

/// Writes an image of erased flash, of exactly the size of the board's.
///
/// # Errors
/// When the file cannot be written.
pub fn write_erased_flash(machine: Machine, path: &Path) -> Result<(), QemuError> {
    fs::write(path, flash::blank(&description(machine)).bytes())
        .map_err(io_error(format!("cannot write {}", path.display())))
}

/// Passes on what QEMU complains of, but not that it was told to end.
fn pass_on(complaints: ChildStderr) {
    let lines = BufReader::new(complaints).lines().map_while(Result::ok);
    lines.filter(|line| !line.contains(TOLD_TO_END)).for_each(|line| eprintln!("{line}"));
}

fn decode(mut serial: ChildStdout, table: &Table, sender: &Sender<Line>) {
    let mut decoder = table.new_stream_decoder();
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = serial.read(&mut buffer) {
        decoder.received(&buffer[..count]);
        loop {
            match decoder.decode() {
                Ok(frame) => {
                    let at_us =
                        frame.display_timestamp().and_then(|time| seconds_as_us(&time.to_string())).unwrap_or(0);
                    let level = frame.level().map_or_else(String::new, |level| level.as_str().into());
                    let line = Line { at_us, level, text: frame.display_message().to_string() };
                    if sender.send(line).is_err() {
                        return;
                    }
                }
                Err(DecodeError::UnexpectedEof) => break,
                // The frame that a power cut tore.
                Err(DecodeError::Malformed) => {}
            }
        }
    }
}

/// defmt shows `us` time stamps in seconds with six digits.
fn seconds_as_us(text: &str) -> Option<u64> {
    let (seconds, fraction) = text.split_once('.')?;
    Some(seconds.parse::<u64>().ok()? * 1_000_000 + fraction.parse::<u64>().ok()?)
}

/// A board under power; dropping it pulls the plug.
#[derive(Debug)]
pub struct Running {
    machine: Machine,
    child: Child,
    lines: Receiver<Line>,
    recent: VecDeque<Line>,
    control: Option<PathBuf>,
}

impl Running {
    /// Pulls the reset line: the processor starts anew, flash and network card stay under power.
    ///
    /// # Errors
    /// When QEMU does not take the order.
    ///
    /// # Panics
    /// For a board without a reset line.
    pub fn reset(&self) -> Result<(), QemuError> {
        let socket = self.control.as_ref().expect("the board has a reset line");
        qmp::system_reset(socket).map_err(io_error("cannot reset the board"))
    }

    /// What it has said that nobody has waited for; does not wait.
    pub fn heard(&mut self) -> Vec<Line> {
        self.lines.try_iter().collect()
    }

    /// Every line from now on, until the board ends; waits as long as it takes.
    pub fn lines(&mut self) -> impl Iterator<Item = Line> {
        self.lines.iter()
    }

    /// The next line whose text contains `wanted`; lines before it are passed over.
    ///
    /// # Errors
    /// When QEMU ends first, or the line does not come in five minutes.
    pub fn wait_for(&mut self, wanted: &str) -> Result<Line, QemuError> {
        self.wait_for_any(&[wanted])
    }

    /// The next line that contains any of these texts.
    ///
    /// # Errors
    /// As for `wait_for`.
    pub fn wait_for_any(&mut self, wanted: &[&str]) -> Result<Line, QemuError> {
        let end = Instant::now() + HANG;
        loop {
            let line = self.next_line(end).map_err(|why| self.missing(wanted, why))?;
            if wanted.iter().any(|text| line.text.contains(text)) {
                return Ok(line);
            }
        }
    }

    /// Goes on listening for so long, whatever comes. For tests that pull the plug at an instant.
    pub fn listen(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while let Ok(line) = self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            self.remember(&line);
        }
    }

    /// The last lines of the log, oldest first.
    pub fn recent(&self) -> impl Iterator<Item = &Line> {
        self.recent.iter()
    }

    /// Pulls the plug: the processor stops where it stands, the flash image stays.
    ///
    /// # Errors
    /// When QEMU cannot be killed.
    pub fn pull_the_plug(mut self) -> Result<(), QemuError> {
        self.kill().map_err(io_error("cannot kill QEMU"))
    }

    /// Pulls the plug, and hands over what the board had said that nobody has waited for.
    #[must_use]
    pub fn cut(mut self) -> Vec<Line> {
        // Already dead is as good.
        let _ = self.kill();
        self.lines.iter().collect()
    }

    /// The last lines of the log, one a row.
    #[must_use]
    pub fn log(&self) -> String {
        let rows = self.recent.iter().map(|line| format!("    {:>10} us {:5} {}\n", line.at_us, line.level, line.text));
        rows.collect()
    }

    /// The last lines of the log, those included that nobody has waited for.
    #[must_use]
    pub fn rest_of_log(&mut self) -> String {
        while let Ok(line) = self.lines.try_recv() {
            self.remember(&line);
        }
        self.log()
    }

    /// QEMU writes the image of SPI flash by threads that lag behind the chip. Killed outright it would lose what the chip has acknowledged,
    /// in any order, which no flash does: it is told to end, which stops the processor at once and finishes those writes.
    fn kill(&mut self) -> io::Result<()> {
        if self.machine == Machine::EmcraftSf2 {
            // Already dead is as good.
            let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
            let end = Instant::now() + ENDING;
            while self.child.try_wait()?.is_none() && Instant::now() < end {
                thread::sleep(LOOK);
            }
        }
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    fn next_line(&mut self, end: Instant) -> Result<Line, &'static str> {
        let left = end.saturating_duration_since(Instant::now());
        let line = self.lines.recv_timeout(left).map_err(|error| match error {
            RecvTimeoutError::Timeout => "it has not come in five minutes",
            RecvTimeoutError::Disconnected => "QEMU has ended",
        })?;
        self.remember(&line);
        Ok(line)
    }

    fn remember(&mut self, line: &Line) {
        if std::env::var_os("STEADFAST_SHOW_LOG").is_some() {
            eprintln!("    {:>10} us {:5} {}", line.at_us, line.level, line.text);
        }
        if self.recent.len() == LINES_SHOWN {
            self.recent.pop_front();
        }
        self.recent.push_back(line.clone());
    }

    fn missing(&self, wanted: &[&str], why: &'static str) -> QemuError {
        QemuError::Missing { wanted: wanted.join("\" or \""), why, log: self.log() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Already dead is as good.
        let _ = self.kill();
    }
}
