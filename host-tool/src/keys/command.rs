//! A key that another program holds: a token, a vault, a person at another machine. The program gets the bytes to sign on standard input
//! and gives the signature on standard output.
//!
//! ```toml
//! public_key = "64 hexadecimal digits"
//! command = ["/usr/local/bin/token-sign", "--slot", "2"]
//! deadline_seconds = 60       # 60 unless given
//! ```
//!
//! Such a file is its holder's, like a key, and no setting of a fleet: whoever could write it there would run programs on the machine that
//! publishes. Nothing that the program says is believed: what it gives is verified under the public key before anybody sees it.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;
use steadfast_core::statement::PublicKey;
use thiserror::Error;

use super::{SignError, Signer};
use crate::hex;

/// A signature in hexadecimal digits and the end of a line: the most that is read of an answer.
const ANSWER_MAX_BYTES: usize = 130;

/// No file with a command is longer.
const FILE_MAX_BYTES: u64 = 8192;

/// How long a program may take unless its file says otherwise: long enough for a person to touch a token.
const DEADLINE_SECONDS: u64 = 60;

/// The longest deadline: a working day, for people who are asked elsewhere.
const DEADLINE_SECONDS_MAX: u64 = 8 * 60 * 60;

/// Between two looks at a program that runs.
const LOOK: Duration = Duration::from_millis(5);

/// Why a file with a command cannot be used.
#[derive(Debug, Error)]
pub enum CommandFileError {
    /// The file system said no.
    #[error("the signer file {} cannot be read: {}", .0.display(), .1)]
    Unreadable(PathBuf, io::Error),
    /// Whoever can write it can run programs as whoever signs.
    #[error(
        "{path} can be written by others (mode {mode:04o}), who could name another program in it; look at what it says, then run \
         `chmod go-w {path}`",
        path = .0.display(),
        mode = .1
    )]
    Exposed(PathBuf, u32),
    /// Not such a file.
    #[error(
        "{path} is no signer file: {why}; it says `public_key` as 64 hexadecimal digits, `command` as a list of the program and its \
         arguments, and `deadline_seconds`, 1 to {DEADLINE_SECONDS_MAX}, if {DEADLINE_SECONDS} is not right",
        path = .0.display(),
        why = .1
    )]
    Malformed(PathBuf, String),
}

/// What stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    public_key: String,
    command: Vec<String>,
    deadline_seconds: Option<u64>,
}

/// A program that holds a key.
#[derive(Clone, Debug)]
pub struct CommandSigner {
    public_key: PublicKey,
    program: String,
    arguments: Vec<String>,
    deadline: Duration,
}

/// Why a program gave no signature.
#[derive(Debug, Error)]
enum Failure {
    #[error("`{0}` cannot be run: {1}; correct `command` in its signer file")]
    Unstartable(String, io::Error),
    #[error(
        "`{0}` was not done after {1} seconds, and was stopped; see what it waits for, or raise `deadline_seconds`"
    )]
    Late(String, u64),
    #[error("`{0}` ended with {1}; what it said stands above")]
    Failed(String, ExitStatus),
    #[error("`{0}` gave {1}, and a signature is 64 bytes, or 128 hexadecimal digits")]
    NoSignature(String, String),
}

impl CommandSigner {
    /// Reads a signer file that nobody else can change.
    ///
    /// # Errors
    /// [`CommandFileError`].
    pub fn load(path: &Path) -> Result<Self, CommandFileError> {
        let unreadable = |error| CommandFileError::Unreadable(path.to_owned(), error);
        let malformed = |why: &str| CommandFileError::Malformed(path.to_owned(), why.trim_end().to_owned());
        let file = File::open(path).map_err(unreadable)?;
        let mode = file.metadata().map_err(unreadable)?.permissions().mode() & 0o7777;
        let mut text = String::new();
        file.take(FILE_MAX_BYTES).read_to_string(&mut text).map_err(unreadable)?;
        let written: Written = toml::from_str(&text).map_err(|error| malformed(error.message()))?;
        if mode & 0o022 != 0 {
            return Err(CommandFileError::Exposed(path.to_owned(), mode));
        }
        let key = hex::decode(&written.public_key).map(PublicKey).filter(PublicKey::is_usable);
        let mut words = written.command.into_iter();
        let seconds = written.deadline_seconds.unwrap_or(DEADLINE_SECONDS);
        if !(1..=DEADLINE_SECONDS_MAX).contains(&seconds) {
            return Err(malformed(&format!("a deadline of {seconds} seconds")));
        }
        Ok(Self {
            public_key: key.ok_or_else(|| malformed("`public_key` is no public key"))?,
            program: words.next().ok_or_else(|| malformed("`command` is empty"))?,
            arguments: words.collect(),
            deadline: Duration::from_secs(seconds),
        })
    }

    /// Runs the program on these bytes and takes what it gives for a signature, which it may not be.
    fn ask(&self, message: &[u8]) -> Result<[u8; 64], Failure> {
        let end = Instant::now() + self.deadline;
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| Failure::Unstartable(self.program.clone(), error))?;
        if let Some(mut input) = child.stdin.take() {
            // A new pipe takes a whole message at once. A program that does not want it has failed, and says so by what it gives.
            let _ = input.write_all(message);
        }
        let answer = child.stdout.take().map(read_aside);
        let status = ended(&mut child, end).ok_or_else(|| self.late())?;
        if !status.success() {
            return Err(Failure::Failed(self.program.clone(), status));
        }
        // What the program started may live on and hold its output open.
        let rest = end.saturating_duration_since(Instant::now());
        let answer = answer.and_then(|answer| answer.recv_timeout(rest).ok()).ok_or_else(|| self.late())?;
        signature(&answer).ok_or_else(|| Failure::NoSignature(self.program.clone(), told(&answer)))
    }

    fn late(&self) -> Failure {
        Failure::Late(self.program.clone(), self.deadline.as_secs())
    }
}

impl Signer for CommandSigner {
    fn public_key(&self) -> PublicKey {
        self.public_key
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignError> {
        let failed = |failure: Failure| SignError { key: self.public_key.id().to_string(), why: failure.to_string() };
        self.ask(message).map_err(failed)
    }
}

/// Reads an answer, and no more of it than an answer is long, without holding up who waits for it.
fn read_aside(output: ChildStdout) -> Receiver<Vec<u8>> {
    let (send, receive) = channel();
    thread::spawn(move || {
        let mut answer = Vec::new();
        // What was read until then is judged by its length. Nobody waits any more after the deadline.
        let _ = output.take(ANSWER_MAX_BYTES as u64 + 1).read_to_end(&mut answer);
        let _ = send.send(answer);
    });
    receive
}

/// How the program ended; `None` when it had to be stopped.
fn ended(child: &mut Child, end: Instant) -> Option<ExitStatus> {
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        if Instant::now() >= end {
            // It may have ended by itself just now.
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        thread::sleep(LOOK);
    }
}

/// The signature in an answer: raw, or in hexadecimal digits on a line.
fn signature(answer: &[u8]) -> Option<[u8; 64]> {
    if let Ok(raw) = answer.try_into() {
        return Some(raw);
    }
    hex::decode(std::str::from_utf8(answer).ok()?.trim_end())
}

/// What an answer was, if it was none.
fn told(answer: &[u8]) -> String {
    match answer.len() {
        0 => "nothing".to_owned(),
        long if long > ANSWER_MAX_BYTES => format!("more than {ANSWER_MAX_BYTES} bytes"),
        length => format!("{length} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::keys::{KeyFile, Purpose, checked};

    /// A signer whose program is this script.
    fn signer(folder: &Path, key: &KeyFile, script: &str) -> CommandSigner {
        let path = folder.join("signer.toml");
        let key = hex::encode(&key.public_key().0);
        let text = format!(
            "public_key = \"{key}\"\ncommand = [\"sh\", \"-c\", '{script}', \"sign\", \"{}\"]\ndeadline_seconds = 20\n",
            folder.display()
        );
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        CommandSigner::load(&path).unwrap()
    }

    #[test]
    fn a_program_gets_the_bytes_and_gives_a_signature_raw_or_in_digits() {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyFile::generate(Purpose::Publisher).unwrap();
        let signature = Signer::sign(&key, b"bytes to sign").unwrap();
        fs::write(folder.path().join("raw"), signature).unwrap();
        fs::write(folder.path().join("digits"), hex::encode(&signature) + "\n").unwrap();
        fs::write(folder.path().join("expected"), b"bytes to sign").unwrap();
        for form in ["raw", "digits"] {
            let script = format!("cmp - $1/expected && cat $1/{form}");
            assert_eq!(checked(&signer(folder.path(), &key, &script), b"bytes to sign").unwrap(), signature, "{form}");
        }
        let other = checked(&signer(folder.path(), &key, "cmp -s - $1/expected && cat $1/raw"), b"other bytes");
        assert!(other.unwrap_err().to_string().contains("ended with exit status: 1"));
    }

    #[test]
    fn what_is_no_signature_of_this_key_over_these_bytes_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let keys = [0; 2].map(|_| KeyFile::generate(Purpose::Publisher).unwrap());
        fs::write(folder.path().join("theirs"), Signer::sign(&keys[1], b"bytes").unwrap()).unwrap();
        fs::write(folder.path().join("other"), Signer::sign(&keys[0], b"bites").unwrap()).unwrap();
        for (script, why) in [
            ("cat $1/theirs", "does not verify under this key"),
            ("cat $1/other", "does not verify under this key"),
            ("head -c 63 $1/theirs", "gave 63 bytes"),
            ("cat $1/theirs $1/theirs", "gave 128 bytes"),
            ("cat /dev/zero; true", "gave more than 130 bytes"),
            ("true", "gave nothing"),
            ("echo no; exit 3", "ended with exit status: 3"),
            ("kill -9 $$", "ended with signal: 9"),
        ] {
            let refused = checked(&signer(folder.path(), &keys[0], script), b"bytes").unwrap_err().to_string();
            assert!(
                refused.contains(why) && refused.contains(&keys[0].public_key().id().to_string()),
                "{script}: {refused}"
            );
        }
    }

    #[test]
    fn a_program_that_does_not_end_is_stopped_at_its_deadline() {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyFile::generate(Purpose::Publisher).unwrap();
        for script in ["exec sleep 1000", "sleep 3 & cat"] {
            let mut slow = signer(folder.path(), &key, script);
            slow.deadline = Duration::from_millis(100);
            assert!(slow.sign(b"bytes").unwrap_err().to_string().contains("was not done after"), "{script}");
        }
        let mut gone = signer(folder.path(), &key, "true");
        gone.program = "/nowhere/at/all".to_owned();
        assert!(gone.sign(b"bytes").unwrap_err().to_string().contains("correct `command`"));
    }

    #[test]
    fn files_that_others_can_change_or_that_say_something_else_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("signer.toml");
        let key = hex::encode(&KeyFile::generate(Purpose::Publisher).unwrap().public_key().0);
        let good = format!("public_key = \"{key}\"\ncommand = [\"true\"]\n");
        let load = |text: &str, mode| {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            CommandSigner::load(&path).map(drop).map_err(|error| error.to_string())
        };
        load(&good, 0o644).unwrap();
        for mode in [0o664, 0o646] {
            assert!(load(&good, mode).unwrap_err().contains("chmod go-w"), "{mode:o}");
        }
        for (text, why) in [
            (good.replace("\"true\"", ""), "`command` is empty"),
            (good.replace(&key, &"0".repeat(64)), "no public key"),
            (good.replace(&key, "12"), "no public key"),
            (format!("{good}shell = true\n"), "unknown field `shell`"),
            (format!("{good}deadline_seconds = 0\n"), "a deadline of 0 seconds"),
            (format!("{good}deadline_seconds = 28801\n"), "a deadline of 28801 seconds"),
            ("# A fleet\n".to_owned(), "missing field"),
        ] {
            let refused = load(&text, 0o600).unwrap_err();
            assert!(refused.contains(why), "{text}: {refused}");
        }
        assert!(CommandSigner::load(&folder.path().join("nowhere")).is_err());
    }
}
