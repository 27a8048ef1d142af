//! Whole updates in one process: a gateway with a file as flash, a server over HTTP, and an application of shell scripts.

mod fleet;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use fleet::{Published, Server};
use serde_json::Value;
use steadfast_core::outcome::Ending;
use steadfast_core::refusal::Refusal;
use steadfast_gateway::board::Board;
use steadfast_gateway::config::GatewayConfig;
use steadfast_gateway::gateway::{Gateway, Stopper};
use steadfast_gateway::log::{Format, Log};
use steadfast_gateway::notify::Notify;
use steadfast_gateway::show::Summary;
use tempfile::TempDir;

/// Longer than any of these tests takes; who waits so long waits for what does not come.
const LONG: Duration = Duration::from_secs(120);

/// A gateway's folder with the sample application.
struct Site {
    folder: TempDir,
}

impl Site {
    fn new(server: &Server) -> Self {
        let folder = TempDir::new().unwrap();
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample");
        for name in ["gateway.toml", "reload", "check-sensor", "check-alarms"] {
            fs::copy(sample.join(name), folder.path().join(name)).unwrap();
        }
        let site = Self { folder };
        site.edit("gateway.toml", &"0".repeat(64), &fleet::SCHEMA.to_string());
        site.edit("gateway.toml", "interval_seconds = 1", "interval_seconds = 0.1");
        fleet::flash(&site.path("gateway.img"), &server.address);
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn edit(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from), "{from}");
        fs::write(self.path(name), text.replace(from, to)).unwrap();
    }

    fn in_force(&self, file: &str) -> String {
        fs::read_to_string(self.path("configuration/current").join(file)).unwrap_or_default()
    }

    fn taken(&self) -> Vec<String> {
        fs::read_to_string(self.path("taken")).unwrap_or_default().lines().map(String::from).collect()
    }

    fn summary(&self) -> Summary {
        Summary::read(&self.config()).unwrap()
    }

    fn config(&self) -> GatewayConfig {
        GatewayConfig::load(&self.path("gateway.toml")).unwrap()
    }

    fn start(&self) -> Running {
        self.start_after(|| {})
    }

    /// Starts a gateway that was open already when `accident` happened.
    fn start_after(&self, accident: impl FnOnce()) -> Running {
        let events = Events::default();
        let log = Log::to(Format::Json, events.clone());
        let (gateway, stopper) = Gateway::open(self.config(), log, Notify::nobody()).unwrap();
        accident();
        Running { events, stopper, thread: Some(thread::spawn(move || gateway.run().unwrap())) }
    }
}

/// The log, as values.
#[derive(Clone, Default)]
struct Events {
    inner: Arc<(Mutex<Vec<Value>>, Condvar)>,
}

impl Write for Events {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        eprint!("{}", String::from_utf8_lossy(line));
        self.inner.0.lock().unwrap().push(serde_json::from_slice(line)?);
        self.inner.1.notify_all();
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Running {
    events: Events,
    stopper: Stopper,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// Waits for an event of that kind with these members, from the start of the log.
    fn until(&self, event: &str, members: &[(&str, &str)]) -> Value {
        let wanted =
            |value: &Value| value["event"] == event && members.iter().all(|(name, wanted)| value[name] == **wanted);
        let log = self.events.inner.0.lock().unwrap();
        let missing = |log: &mut Vec<Value>| !log.iter().any(wanted);
        let (log, _) = self.events.inner.1.wait_timeout_while(log, LONG, missing).unwrap();
        log.iter().find(|value| wanted(value)).unwrap_or_else(|| panic!("no {event} with {members:?}")).clone()
    }

    fn stop(mut self) {
        self.stopper.stop();
        self.thread.take().unwrap().join().unwrap();
    }
}

const NETWORK: (&str, &str) = ("network", "{\n  \"server\": \"\"\n}\n");
const SLOW: (&str, &str) = ("sampling", "{\n  \"average\": 4,\n  \"period_ms\": 1000\n}\n");
const FAST: (&str, &str) = ("sampling", "{\n  \"average\": 4,\n  \"period_ms\": 500\n}\n");
const TOO_FAST: (&str, &str) = ("sampling", "{\n  \"average\": 4,\n  \"period_ms\": 20\n}\n");
const CHECKS: &[&str] = &["sensor"];

fn good(sequence: u32) -> Published {
    Published::new(sequence, &[NETWORK, SLOW], CHECKS)
}

#[test]
fn a_good_configuration_is_confirmed_and_a_bad_one_rolled_back_with_its_reason() {
    let server = Server::start();
    let site = Site::new(&server);
    let gateway = site.start();
    gateway.until("activated", &[]);
    assert!(!site.path("configuration/current").exists(), "nothing is configured yet");

    let first = good(1);
    server.publish(&first);
    gateway.until("confirmed", &[("content", &first.id())]);
    assert_eq!(site.in_force("sampling.json"), SLOW.1);
    assert_eq!(site.taken(), [first.id()]);

    let bad = Published::new(2, &[NETWORK, TOO_FAST], CHECKS);
    server.publish(&bad);
    let ended = gateway.until("ended", &[("content", &bad.id())]);
    assert_eq!(
        (ended["ending"].as_str(), ended["detail"].as_str()),
        (Some("rolled back"), Some("sensor: the sensor needs 50 ms"))
    );
    let report = server.report(|report| report.outcome.ending == Ending::RolledBack);
    assert_eq!((report.running, report.outcome.reason), (first.content.id(), Refusal::CHECK_FAILED));
    assert_eq!(site.in_force("sampling.json"), SLOW.1);
    assert_eq!(site.taken(), [first.id(), bad.id(), first.id()]);

    // What was rejected stays rejected; the next good one is taken.
    server.report(|report| report.refused.is_some_and(|refused| refused.reason == Refusal::REJECTED_BEFORE));
    let third = Published::new(3, &[NETWORK, FAST], CHECKS);
    server.publish(&third);
    gateway.until("confirmed", &[("content", &third.id())]);
    assert_eq!(site.in_force("sampling.json"), FAST.1);
    gateway.stop();
    let summary = site.summary();
    assert_eq!((summary.confirmed, summary.trial, summary.accepted), (Some(third.id()), None, Some("1.3".into())));
}

#[test]
fn an_unchanged_file_is_not_fetched_again() {
    let server = Server::start();
    let site = Site::new(&server);
    let gateway = site.start();
    let large = format!("{{ \"table\": \"{}\" }}", "x".repeat(200_000));
    let with = |sequence, sampling| Published::new(sequence, &[NETWORK, ("large", &large), sampling], CHECKS);
    let (first, second) = (with(1, SLOW), with(2, FAST));
    server.publish(&first);
    gateway.until("confirmed", &[("content", &first.id())]);
    assert_eq!(server.fetched(&large), large.len(), "fetched once, nothing twice");
    server.publish(&second);
    gateway.until("confirmed", &[("content", &second.id())]);
    assert_eq!(server.fetched(&large), large.len());
    assert_eq!(server.fetched(FAST.1), FAST.1.len());
    assert_eq!(site.in_force("large.json"), large);
    gateway.stop();
}

#[test]
fn a_reload_that_fails_rejects_the_configuration_with_its_last_words() {
    let server = Server::start();
    let site = Site::new(&server);
    let refuses = "grep -q '\"period_ms\": 500' \"$STEADFAST_CURRENT/sampling.json\" && { echo no fives; exit 1; }\n";
    site.edit("reload", "set -eu\n", refuses);
    let gateway = site.start();
    let first = good(1);
    server.publish(&first);
    gateway.until("confirmed", &[("content", &first.id())]);

    // Without a check of that name, it counts as a configuration that the application could not read.
    let unnamed = Published::new(2, &[NETWORK, FAST], CHECKS);
    server.publish(&unnamed);
    let ended = gateway.until("ended", &[("content", &unnamed.id())]);
    assert_eq!(
        (ended["reason"].as_u64(), ended["detail"].as_str()),
        (Some(Refusal::UNDECODABLE.0.into()), Some("no fives"))
    );

    let named = Published::new(3, &[NETWORK, FAST], &["reload", "sensor"]);
    server.publish(&named);
    let ended = gateway.until("ended", &[("content", &named.id())]);
    assert_eq!(
        (ended["reason"].as_u64(), ended["detail"].as_str()),
        (Some(Refusal::CHECK_FAILED.0.into()), Some("reload: no fives"))
    );

    let passing = Published::new(4, &[NETWORK, SLOW], &["reload", "sensor"]);
    server.publish(&passing);
    gateway.until("confirmed", &[("content", &passing.id())]);
    gateway.stop();
}

#[test]
fn a_start_finds_what_is_in_place_and_reloads_nothing() {
    let server = Server::start();
    let site = Site::new(&server);
    let gateway = site.start();
    let first = good(1);
    server.publish(&first);
    gateway.until("confirmed", &[("content", &first.id())]);
    gateway.stop();
    let gateway = site.start();
    gateway.until("activated", &[("content", &first.id()), ("reload", "not_needed")]);
    gateway.stop();
    assert_eq!(site.taken(), [first.id()]);
}

#[test]
fn a_stop_in_the_middle_of_a_trial_is_resumed_by_the_next_start() {
    let server = Server::start();
    let site = Site::new(&server);
    site.edit("check-sensor", "set -eu\n", "test -e ready || exit 1\n");
    site.edit("gateway.toml", "grace_seconds = 0", "grace_seconds = 600");
    let first = good(1);
    server.publish(&first);
    let gateway = site.start();
    gateway.until("trial", &[("content", &first.id()), ("stage", "running")]);
    gateway.until("activated", &[("content", &first.id())]);
    gateway.stop();
    assert_eq!(site.summary().trial, Some(first.id()));

    fs::write(site.path("ready"), "").unwrap();
    let gateway = site.start();
    let booted = gateway.until("booted", &[("trial", &first.id())]);
    assert_eq!(booted["confirmed"], Value::Null);
    gateway.until("confirmed", &[("content", &first.id())]);
    gateway.stop();
    assert_eq!(site.taken(), [first.id()], "its files were in place");
}

#[test]
fn the_configuration_says_which_server_is_asked_from_then_on() {
    let (flashed, configured) = (Server::start(), Server::start());
    let site = Site::new(&flashed);
    let network = format!("{{ \"server\": \"{}\" }}", configured.address);
    let moved = Published::new(1, &[("network", &network), SLOW], CHECKS);
    flashed.publish(&moved);
    let gateway = site.start();
    gateway.until("confirmed", &[("content", &moved.id())]);
    gateway.until("reached", &[("server", &configured.address)]);
    configured.report(|report| report.running == moved.content.id());

    let back = Published::new(2, &[NETWORK, SLOW], CHECKS);
    let polls = flashed.polls();
    flashed.publish(&back);
    configured.publish(&back);
    gateway.until("confirmed", &[("content", &back.id())]);
    assert!(flashed.polls() > polls, "an empty address stands for the flashed one");

    let nonsense = Published::new(3, &[("network", "{ \"server\": \"nowhere\" }"), SLOW], CHECKS);
    flashed.publish(&nonsense);
    let ended = gateway.until("ended", &[("content", &nonsense.id())]);
    assert!(ended["detail"].as_str().unwrap().starts_with("network.server: `nowhere`"), "{ended}");
    gateway.stop();
}

#[test]
fn files_that_cannot_be_put_in_place_end_the_trial_without_blame_and_leave_the_old_ones() {
    let server = Server::start();
    let site = Site::new(&server);
    let gateway = site.start();
    let first = good(1);
    server.publish(&first);
    gateway.until("confirmed", &[("content", &first.id())]);
    // Stands for a disk without space: a file where the new folder would be made, which stops even root.
    fs::write(site.path("configuration/releases/.new"), "").unwrap();
    let second = Published::new(2, &[NETWORK, FAST], CHECKS);
    server.publish(&second);
    gateway.until("not_activated", &[("content", &second.id())]);
    let ended = gateway.until("ended", &[("content", &second.id()), ("ending", "rolled back")]);
    assert_eq!(ended["reason"].as_u64(), Some(Refusal::FLASH_FAILED.0.into()), "{ended}");
    gateway.until("activated", &[("content", &first.id()), ("reload", "not_needed")]);
    assert_eq!(site.in_force("sampling.json"), SLOW.1);
    gateway.stop();
}

#[test]
fn a_server_that_is_away_changes_nothing_and_is_asked_again() {
    let server = Server::start();
    let site = Site::new(&server);
    site.edit("gateway.toml", "# server = \"192.0.2.1:8440\"", "server = \"127.0.0.1:1\"");
    let gateway = site.start();
    gateway.until("unreached", &[("server", "127.0.0.1:1")]);
    gateway.stop();
    assert_eq!(site.summary().generation, Some(0), "nothing was written");
}

#[test]
fn a_server_that_has_nothing_for_this_schema_is_said() {
    let server = Server::start();
    let site = Site::new(&server);
    let gateway = site.start();
    gateway.until("unlisted", &[("schema", &fleet::SCHEMA.to_string())]);
    let good = good(1);
    server.publish(&good);
    gateway.until("confirmed", &[("content", &good.id())]);
    gateway.stop();
}

#[test]
fn a_first_configuration_that_is_refused_leaves_nothing_behind() {
    let server = Server::start();
    let site = Site::new(&server);
    let gateway = site.start();
    let bad = Published::new(1, &[NETWORK, TOO_FAST], CHECKS);
    server.publish(&bad);
    gateway.until("ended", &[("content", &bad.id()), ("ending", "rolled back")]);
    gateway.until("activated", &[("reload", "done"), ("server", &server.address)]);
    server.report(|report| report.outcome.ending == Ending::RolledBack);
    gateway.stop();
    assert!(!site.path("configuration/current").exists());
    assert_eq!(site.taken(), [bad.id(), "defaults".into()]);
}

#[test]
fn an_image_that_cannot_be_read_or_lost_its_slots_takes_nothing_away_from_the_application() {
    let server = Server::start();
    let site = Site::new(&server);
    let gateway = site.start();
    let first = good(1);
    server.publish(&first);
    gateway.until("confirmed", &[("content", &first.id())]);
    gateway.stop();

    let image = site.path("gateway.img");
    let whole = fs::read(&image).unwrap();
    let write = |bytes: &[u8]| fs::write(&image, bytes).unwrap();
    let slots = Board::built_in().layout.a.start as usize;
    let without_slots = [&whole[..slots], &vec![0xFF; whole.len() - slots]].concat();
    for damaged in [&[], &without_slots[..]] {
        // A server that orders nothing, so that the state lasts.
        let silent = Server::start();
        site.edit("gateway.toml", "image =", &format!("server = \"{}\"\nimage =", silent.address));
        let gateway = site.start_after(|| write(damaged));
        gateway.until("activated", &[("reload", "kept"), ("server", &silent.address)]);
        assert_eq!(site.in_force("sampling.json"), SLOW.1);
        gateway.stop();
        site.edit("gateway.toml", &format!("server = \"{}\"\n", silent.address), "");
        write(&whole);
    }

    let gateway = site.start_after(|| write(&without_slots));
    gateway.until("activated", &[("reload", "kept")]);
    // It is what is confirmed, so it needs no trial.
    gateway.until("activated", &[("content", &first.id())]);
    gateway.stop();
    assert_eq!(site.taken(), [first.id()], "fetched again, and in place all the time");
}
