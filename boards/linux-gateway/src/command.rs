//! Runs a command of the gateway's own configuration: bounded in time and in what is kept of its output.
//!
//! A command gets a process group of its own, so that what it started in turn ends with it when its time is up. A command that ends
//! by itself may leave processes behind: reload commands do.

use std::io::{self, PipeReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs};

use rustix::process::{Pid, Signal, kill_process_group};

/// How much of the end of a command's output is kept: enough for its last line.
const OUTPUT_MAX_BYTES: usize = 4096;

/// How often a running command is looked at: first and longest pause.
const LOOK: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(50));

/// How long to wait for the rest of the output of a command that has ended. What it left behind may hold its output open for ever.
const DRAIN: Duration = Duration::from_millis(200);

/// A command, ready to be run.
#[derive(Clone, Debug)]
pub struct Program {
    /// The program and its arguments; not empty.
    pub command: Vec<String>,
    /// Its working directory.
    pub folder: PathBuf,
    /// How long it may take.
    pub timeout: Duration,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Well.
    Passed,
    /// Not well, and why.
    Failed(String),
    /// It was called off.
    Cancelled,
}

impl Program {
    /// The program's path, or its name in the search path.
    #[must_use]
    pub fn name(&self) -> &str {
        self.command.first().map_or("", String::as_str)
    }

    /// Whether the program can be found and may be executed by somebody.
    #[must_use]
    pub fn is_there(&self) -> bool {
        let executable = |path: &Path| {
            fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
        };
        if self.name().contains('/') {
            return executable(Path::new(self.name()));
        }
        let places = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&places).any(|folder| executable(&folder.join(self.name())))
    }

    /// Runs it to its end, until its time is up, or for as long as `go_on` says. `variables` are added to its environment.
    pub fn run(&self, variables: &[(&str, String)], go_on: &dyn Fn() -> bool) -> Verdict {
        let name = self.name();
        let (mut child, output) = match self.spawn(name, variables) {
            Ok(started) => started,
            Err(error) => return Verdict::Failed(format!("cannot run {name}: {error}")),
        };
        let output = Tail::follow(output);
        let deadline = Instant::now() + self.timeout;
        let mut pause = LOOK.0;
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return judge(status, &output.words()),
                Ok(None) if !go_on() => return end(&mut child, Verdict::Cancelled),
                Ok(None) if Instant::now() >= deadline => {
                    let late = format!("still running after {} s", self.timeout.as_secs_f64());
                    return end(&mut child, Verdict::Failed(late));
                }
                Ok(None) => thread::sleep(pause),
                Err(error) => return end(&mut child, Verdict::Failed(format!("cannot wait for {name}: {error}"))),
            }
            pause = (pause * 2).min(LOOK.1);
        }
    }

    fn spawn(&self, name: &str, variables: &[(&str, String)]) -> io::Result<(Child, PipeReader)> {
        let (reader, writer) = io::pipe()?;
        // The command is dropped at the end, and with it this side's copies of the writer.
        let mut command = Command::new(name);
        command.args(self.command.iter().skip(1)).current_dir(&self.folder).process_group(0);
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
        Ok((command.spawn()?, reader))
    }
}

fn judge(status: ExitStatus, words: &str) -> Verdict {
    match (status.success(), words) {
        (true, _) => Verdict::Passed,
        (false, "") => Verdict::Failed(status.to_string()),
        (false, words) => Verdict::Failed(words.into()),
    }
}

/// Ends a command and all that it started.
fn end(child: &mut Child, verdict: Verdict) -> Verdict {
    // Both fail only for what has ended already.
    let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
    let _ = child.wait();
    verdict
}

/// The end of a command's output, read as it comes, so that a command never blocks on a full pipe.
struct Tail {
    bytes: Arc<Mutex<Vec<u8>>>,
    ended: mpsc::Receiver<()>,
}

impl Tail {
    fn follow(mut output: PipeReader) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let (done, ended) = mpsc::channel();
        let kept = Arc::clone(&bytes);
        thread::spawn(move || {
            let mut piece = [0; OUTPUT_MAX_BYTES];
            while let Ok(count @ 1..) = output.read(&mut piece) {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.extend_from_slice(&piece[..count]);
                let surplus = kept.len().saturating_sub(OUTPUT_MAX_BYTES);
                kept.drain(..surplus);
            }
            let _ = done.send(());
        });
        Self { bytes, ended }
    }

    /// The last line that is not blank.
    fn words(&self) -> String {
        let _ = self.ended.recv_timeout(DRAIN);
        let bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&bytes);
        text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, timeout: Duration) -> Program {
        Program { command: ["sh", "-c", script].map(String::from).into(), folder: "/".into(), timeout }
    }

    fn run(script: &str) -> Verdict {
        shell(script, Duration::from_secs(60)).run(&[("WORD", "value".into())], &|| true)
    }

    fn failed(words: &str) -> Verdict {
        Verdict::Failed(words.into())
    }

    #[test]
    fn a_failure_is_told_in_the_commands_last_words() {
        assert_eq!(run("echo fine"), Verdict::Passed);
        assert_eq!(run("echo first; echo last >&2; echo; exit 3"), failed("last"));
        assert_eq!(run("exit 3"), failed("exit status: 3"));
        assert_eq!(run("echo $WORD $PWD; exit 1"), failed("value /"));
    }

    #[test]
    fn a_flood_of_output_neither_blocks_nor_hides_the_last_line() {
        assert_eq!(
            run("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; echo end; exit 1"),
            failed("end")
        );
    }

    #[test]
    fn a_command_that_does_not_end_is_ended_with_all_that_it_started() {
        let folder = tempfile::TempDir::new().unwrap();
        let pid = folder.path().join("pid");
        let script = format!("sleep 1000 & echo $! > {}; wait", pid.display());
        let verdict = shell(&script, Duration::from_millis(300)).run(&[], &|| true);
        assert_eq!(verdict, failed("still running after 0.3 s"));
        let pid: u32 = fs::read_to_string(pid).unwrap().trim().parse().unwrap();
        // Gone, or dead and not yet collected by its new parent; dying takes a moment, and living on hangs here.
        let status = || fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        while !(status().is_empty() || status().contains(") Z ")) {
            thread::sleep(LOOK.1);
        }
    }

    #[test]
    fn a_command_can_be_called_off() {
        assert_eq!(shell("sleep 1000", Duration::from_secs(900)).run(&[], &|| false), Verdict::Cancelled);
    }

    #[test]
    fn what_a_command_leaves_behind_does_not_hold_it_up() {
        // Were its output waited for, this would not end.
        let Verdict::Failed(pid) = run("sleep 1000000 & echo $!; exit 1") else { panic!("it failed") };
        assert!(Command::new("kill").arg(pid).status().unwrap().success());
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let missing = Program { command: vec!["/no/such".into()], folder: "/".into(), timeout: Duration::from_secs(1) };
        let Verdict::Failed(words) = missing.run(&[], &|| true) else { panic!("it ran") };
        assert!(words.contains("/no/such"), "{words}");
        assert!(!missing.is_there());
        assert!(shell("", Duration::ZERO).is_there(), "in the search path");
        assert!(!Program { command: vec!["/etc/passwd".into()], ..missing }.is_there(), "not executable");
    }
}
