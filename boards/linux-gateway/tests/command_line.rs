//! The program itself: what it prints, what it refuses, how it ends.

mod fleet;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_steadfast-gateway");

/// A folder with a gateway that has a server address at which nobody listens.
fn site() -> TempDir {
    let folder = TempDir::new().unwrap();
    let config = format!("image = 'gateway.img'\ntarget = 'configuration'\nschema = '{}'\n", fleet::SCHEMA);
    fs::write(folder.path().join("gateway.toml"), config).unwrap();
    fleet::flash(&folder.path().join("gateway.img"), "127.0.0.1:1");
    folder
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).current_dir(folder).output().unwrap()
}

fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// A gateway that does not outlive its test.
struct Running(Child);

impl Running {
    /// Sends a signal and waits for the end; returns the exit status, if it ended by itself.
    fn end(mut self, signal: &str) -> Option<i32> {
        assert!(Command::new("kill").args([signal, &self.0.id().to_string()]).status().unwrap().success());
        self.0.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Only a failed test finds it still running.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a gateway and waits for its first lines, up to one that has `words`.
fn start(folder: &Path, words: &str) -> (Running, String) {
    let child = Command::new(PROGRAM).arg("run").current_dir(folder).stderr(Stdio::piped()).spawn();
    let mut child = Running(child.unwrap());
    let mut lines = BufReader::new(child.0.stderr.take().unwrap()).lines();
    let mut said = String::new();
    loop {
        let line = lines.next().unwrap_or_else(|| panic!("it ended: {said}")).unwrap();
        said += &format!("{line}\n");
        if line.contains(words) {
            // The pipe stays open for as long as the gateway may write.
            std::thread::spawn(move || lines.for_each(drop));
            return (child, said);
        }
    }
}

#[test]
fn a_sound_gateway_is_fine_and_shows_what_it_remembers() {
    let folder = site();
    let output = run(folder.path(), &["check"]);
    assert!(output.status.success(), "{output:?}");
    let output = run(folder.path(), &["show"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(&fleet::DEVICE.to_string()) && text.contains("confirmed   nothing"), "{text}");
    let output = run(folder.path(), &["show", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&json["generation"], &json["keyring"], &json["floor"]), (&0.into(), &1.into(), &"1.1".into()));
}

#[test]
fn a_second_gateway_on_one_image_is_refused_and_the_first_goes_on() {
    let folder = site();
    let (mut first, _) = start(folder.path(), "booted");
    assert!(refused(folder.path(), &["run"]).contains("in use"));
    assert!(refused(folder.path(), &["check"]).contains("in use"));
    assert!(run(folder.path(), &["show"]).status.success(), "looking needs no lock");
    assert!(first.0.try_wait().unwrap().is_none());
    assert_eq!(first.end("-TERM"), Some(0));
}

#[test]
fn a_stop_is_told_from_a_crash_by_the_next_start() {
    let folder = site();
    for (signal, status, after) in
        [("-TERM", Some(0), "an ordinary end"), ("-KILL", None, "an ordinary end"), ("-INT", Some(0), "a crash")]
    {
        let (gateway, said) = start(folder.path(), "booted");
        assert!(said.contains(&format!("after {after}")), "{said}");
        assert_eq!(gateway.end(signal), status);
    }
    assert!(start(folder.path(), "booted").1.contains("after an ordinary end"));
}

#[test]
fn bad_input_is_an_error_that_names_it() {
    let folder = site();
    let config = folder.path().join("gateway.toml");
    let image = folder.path().join("gateway.img");
    let text = fs::read_to_string(&config).unwrap();
    for command in ["run", "check", "show"] {
        assert!(refused(folder.path(), &[command, "--config", "none.toml"]).contains("none.toml"));
        fs::write(&config, format!("{text}relaod = 1\n")).unwrap();
        let words = refused(folder.path(), &[command]);
        assert!(words.contains("gateway.toml") && words.contains("line 4") && words.contains("relaod"), "{words}");
        fs::write(&config, &text).unwrap();
    }

    fs::write(&config, format!("{text}reload.command = ['./none']\n")).unwrap();
    let words = refused(folder.path(), &["check"]);
    assert!(words.contains("/none of `reload.command`"), "{words}");
    fs::write(&config, &text).unwrap();

    let whole = fs::read(&image).unwrap();
    fs::write(&image, &whole[..whole.len() - 1]).unwrap();
    assert!(refused(folder.path(), &["run"]).contains("bytes where the layout says"));
    let mut damaged = whole.clone();
    damaged[20] ^= 1;
    fs::write(&image, damaged).unwrap();
    assert!(refused(folder.path(), &["run"]).contains("holds no identity"));
    fleet::flash(&image, "");
    assert!(refused(folder.path(), &["check"]).contains("set `server`"));
    fs::remove_file(&image).unwrap();
    assert!(refused(folder.path(), &["check"]).contains("gateway.img"));

    fleet::flash(&image, "127.0.0.1:1");
    // A file where the target's folder should be.
    fs::write(folder.path().join("configuration"), "").unwrap();
    assert!(refused(folder.path(), &["check"]).contains("target folder"));
}
