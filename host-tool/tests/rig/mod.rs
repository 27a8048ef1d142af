//! A fleet in a folder with git, keys and commits, and the program run on it as a script would.

// Each test file uses its own part of the rig.
#![allow(dead_code)]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// A fleet repository in a temporary folder.
pub(crate) struct Fleet {
    folder: tempfile::TempDir,
}

/// What a finished command left.
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Done {
    fn new(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// The output of a command that must have ended well.
    pub(crate) fn fine(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self.out
    }

    /// What a command that must have ended so said on standard error.
    pub(crate) fn failed(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        self.err
    }
}

/// Runs the program in a folder.
pub(crate) fn steadfast(folder: &Path, arguments: &[&str]) -> Done {
    Done::new(Command::new(env!("CARGO_BIN_EXE_steadfast")).current_dir(folder).args(arguments).output().unwrap())
}

/// Runs git in a folder, as nobody in particular.
pub(crate) fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut git = Command::new("git");
    git.current_dir(folder).args(arguments).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
    for role in ["AUTHOR", "COMMITTER"] {
        git.env(format!("GIT_{role}_NAME"), "Ann").env(format!("GIT_{role}_EMAIL"), "ann@example.com");
        git.env(format!("GIT_{role}_DATE"), "2026-01-02T03:04:05Z");
    }
    Done::new(git.output().unwrap()).fine()
}

impl Fleet {
    /// A fleet as `init` writes it, with keys, its one device enrolled, and one commit.
    pub(crate) fn new() -> Self {
        let fleet = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(fleet.path()).unwrap();
        fleet.run(&["init", "--minimal", "--name", "trial"]).fine();
        fleet.run(&["keys", "new"]).fine();
        fleet.run(&["device", "enroll", "sensor-1"]).fine();
        git(&fleet.path(), &["init", "-q", "-b", "main"]);
        fleet.commit("first");
        fleet
    }

    /// The repository.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("fleet")
    }

    /// A path beside it.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the program in the repository.
    pub(crate) fn run(&self, arguments: &[&str]) -> Done {
        steadfast(&self.path(), arguments)
    }

    /// Commits everything.
    pub(crate) fn commit(&self, message: &str) {
        git(&self.path(), &["add", "-A"]);
        git(&self.path(), &["commit", "-q", "--allow-empty", "-m", message]);
    }

    /// Sets the sampling period and commits.
    pub(crate) fn set_period(&self, period_ms: u32) {
        std::fs::create_dir_all(self.path().join("layers/device")).unwrap();
        let text = format!("sampling.period_ms = {period_ms}\n");
        std::fs::write(self.path().join("layers/device/sensor-1.toml"), text).unwrap();
        self.commit(&format!("sample every {period_ms} ms"));
    }

    /// Builds and signs the checked-out commit's pack.
    pub(crate) fn pack(&self, name: &str) -> PathBuf {
        let path = self.beside(name);
        self.run(&["build", "--out", path.to_str().unwrap()]).fine();
        self.run(&["sign", path.to_str().unwrap(), "--key", "keys/publisher.key"]).fine();
        path
    }

    /// Starts a server for it, whose data lies beside the repository.
    pub(crate) fn serve(&self) -> Server {
        Server::start(self.serve_command(&[]))
    }

    /// The command that starts a server, run by another program if one is given.
    pub(crate) fn serve_command(&self, through: &[&str]) -> Command {
        let program = env!("CARGO_BIN_EXE_steadfast");
        let mut words = through.iter().copied().chain([program]);
        let mut command = Command::new(words.next().unwrap());
        command.args(words).current_dir(self.path()).arg("serve").arg("--data").arg(self.beside("data"));
        command.args(["--listen", "127.0.0.1:0", "--keyring", "keys/keyring", "--director-key", "keys/director.key"]);
        command
    }
}

/// A server in a process of its own; killed when it goes out of scope.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) url: String,
}

impl Server {
    /// Starts it and waits until it answers.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        assert!(url.starts_with("http://"), "the server did not start: {url}");
        Self { child, url: url.trim_end().to_owned() }
    }

    /// Ends it without a warning.
    pub(crate) fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
