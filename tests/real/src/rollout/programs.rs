//! The project's own programs, run as an operator runs them: one after the other, or in the background until dropped.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

/// Where `steadfast` and `steadfast-gateway` are.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// Those in a folder.
    ///
    /// # Errors
    /// When one of them is not there.
    pub(crate) fn find(folder: &Path) -> Result<Self> {
        for name in ["steadfast", "steadfast-gateway"] {
            let path = folder.join(name);
            ensure!(path.is_file(), "there is no {}; run this as `cargo xtask real`, which builds it", path.display());
        }
        Ok(Self { folder: folder.to_owned() })
    }

    fn command(&self, name: &str) -> Command {
        Command::new(self.folder.join(name))
    }

    /// Runs `steadfast` in a fleet's folder; what it printed.
    ///
    /// # Errors
    /// When it fails, with what it said.
    pub(crate) fn steadfast<S: AsRef<OsStr>>(&self, fleet: &Path, arguments: &[S]) -> Result<String> {
        let output = self.command("steadfast").args(arguments).current_dir(fleet).output()?;
        if !output.status.success() {
            let words: Vec<_> = arguments.iter().map(|word| word.as_ref().to_string_lossy()).collect();
            bail!("steadfast {} failed:\n{}", words.join(" "), String::from_utf8_lossy(&output.stderr).trim_end());
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    /// Starts the control plane on a free port of loopback, with its data in a new folder.
    ///
    /// # Errors
    /// When it ends before it listens.
    pub(super) fn serve(&self, fleet: &Path, data: &Path) -> Result<(Running, SocketAddr)> {
        fs::create_dir_all(data)?;
        let log = data.with_extension("log");
        let mut command = self.command("steadfast");
        command.arg("serve").arg("--data").arg(data).args(["--listen", "127.0.0.1:0"]);
        command.arg("--keyring").arg(fleet.join("keys/keyring"));
        command.arg("--director-key").arg(fleet.join("keys/director.key"));
        let mut child = command.stdout(Stdio::piped()).stderr(File::create(&log)?).spawn()?;
        let output = child.stdout.take();
        let running = Running(child);
        let mut line = String::new();
        output.map_or(Ok(0), |output| BufReader::new(output).read_line(&mut line))?;
        let address = line.trim().strip_prefix("http://").and_then(|address| address.parse().ok());
        let said = || format!("the server did not start; it said:\n{}", fs::read_to_string(&log).unwrap_or_default());
        Ok((running, address.with_context(said)?))
    }

    /// Starts a gateway in the folder of its `gateway.toml`; its log goes to `log` there.
    ///
    /// # Errors
    /// When there is no such program.
    pub(super) fn gateway(&self, folder: &Path, log: &Path) -> Result<Running> {
        let mut command = self.command("steadfast-gateway");
        command.arg("run").current_dir(folder).stdin(Stdio::null()).stderr(File::create(log)?);
        Ok(Running(command.spawn()?))
    }
}

/// A program in the background, which does not outlive this value.
pub(super) struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing else to be done about it.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
