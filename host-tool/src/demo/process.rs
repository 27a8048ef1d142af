//! Programs that run beside the demonstration and never outlive it.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::DemoError;

/// A running program; dropping it kills it, which for a device is a power cut.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
}

impl Process {
    /// Starts a program that hears nothing; what it says goes to a file.
    ///
    /// # Errors
    /// [`DemoError::File`], [`DemoError::NotStarted`].
    pub fn start(name: &str, command: &mut Command, log: &Path) -> Result<Self, DemoError> {
        let failed = |error| DemoError::File(log.to_owned(), error);
        let out = File::options().create(true).append(true).open(log).map_err(failed)?;
        let errors = out.try_clone().map_err(failed)?;
        Self::spawn(name, tethered(command).stdout(out).stderr(errors))
    }

    /// Starts a program whose first line on standard output is waited for and returned; its errors go to a file.
    ///
    /// # Errors
    /// As [`Process::start`], and [`DemoError::Ended`] when it ends without that line.
    pub fn start_until_first_line(name: &str, command: &mut Command, log: &Path) -> Result<(Self, String), DemoError> {
        let failed = |error| DemoError::File(log.to_owned(), error);
        let errors = File::options().create(true).append(true).open(log).map_err(failed)?;
        let mut process = Self::spawn(name, tethered(command).stdout(Stdio::piped()).stderr(errors))?;
        let mut line = String::new();
        if let Some(out) = process.child.stdout.take() {
            drop(BufReader::new(out).read_line(&mut line));
        }
        if line.is_empty() {
            Err(DemoError::Ended(name.to_owned(), tail(log)))
        } else {
            Ok((process, line.trim().into()))
        }
    }

    fn spawn(name: &str, command: &mut Command) -> Result<Self, DemoError> {
        let child = command.stdin(Stdio::null()).spawn();
        let child = child.map_err(|error| DemoError::NotStarted(name.to_owned(), error))?;
        Ok(Self { name: name.to_owned(), child })
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Already dead is as good.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Comes with util-linux, and sets what the kernel does to a program whose parent ends.
const TETHER: &str = "setpriv";

/// The same program, but killed by the kernel when the thread that starts it ends, even if that is killed and drops nothing. Where
/// [`TETHER`] is missing, only dropping kills.
fn tethered(command: &Command) -> Command {
    let mut tethered = if has_tether() { Command::new(TETHER) } else { Command::new(command.get_program()) };
    if has_tether() {
        tethered.args(["--pdeathsig", "KILL", "--"]).arg(command.get_program());
    }
    tethered.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => tethered.env(name, value),
            None => tethered.env_remove(name),
        };
    }
    command.get_current_dir().map(|folder| tethered.current_dir(folder));
    tethered
}

fn has_tether() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(TETHER).is_file())
}

/// Runs a program to its end and returns its standard output. Exit code 5, an unhealthy device, is an answer too.
///
/// # Errors
/// [`DemoError::NotStarted`], [`DemoError::Failed`].
pub fn run(command: &mut Command) -> Result<String, DemoError> {
    let words = format!("{command:?}");
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| DemoError::NotStarted(words.clone(), error))?;
    if output.status.success() || output.status.code() == Some(UNHEALTHY) {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(DemoError::Failed(words, String::from_utf8_lossy(&output.stderr).into_owned()))
}

/// The exit code of `status` and `why` when a device is unhealthy.
const UNHEALTHY: i32 = 5;

/// Bytes of a log that an error shows.
const TAIL_BYTES: usize = 2000;

/// The end of a log.
pub(super) fn tail(log: &Path) -> String {
    let mut bytes = Vec::new();
    if let Ok(mut file) = File::open(log) {
        drop(file.read_to_end(&mut bytes));
    }
    String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(TAIL_BYTES)..]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_does_not_outlive_who_started_it() {
        if !has_tether() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let start = move || {
            let mut command = Command::new("sh");
            command.args(["-c", "echo ready; exec sleep 600"]);
            Process::start_until_first_line("sleep", &mut command, &log).unwrap()
        };
        // Nothing is dropped; the thread just ends, as a killed program's does.
        let (mut process, line) = std::thread::spawn(start).join().unwrap();
        assert_eq!(line, "ready");
        while process.is_running() {
            std::thread::yield_now();
        }
    }
}
