//! What a check counts as, from activation to activation.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::mpsc::{self, Receiver};

use tempfile::TempDir;

use super::*;
use crate::command::Program;
use crate::log::Format;

/// Longer than any test takes; who waits so long waits for what does not come.
const LONG: Duration = Duration::from_secs(600);
const SHORT: Duration = Duration::from_millis(50);

fn shell(script: &str, folder: &Path) -> Probe {
    let command = ["sh", "-c", script].map(String::from).into();
    Probe::Command(Program { command, folder: folder.into(), timeout: LONG })
}

fn check(probe: Probe, grace: Duration) -> CheckConfig {
    CheckConfig { probe, interval: SHORT, grace }
}

fn checks(check: CheckConfig) -> (Checks, Receiver<Wake>) {
    let (wake, woken) = mpsc::channel();
    let named = BTreeMap::from([("app".to_owned(), check)]);
    (Checks::new(&named, wake, Log::to(Format::Text, std::io::sink())), woken)
}

fn start(checks: &Checks) {
    checks.pause();
    checks.start(Check::Passed, Vec::new());
}

/// Waits until the check says something of that kind.
fn until(checks: &mut Checks, woken: &Receiver<Wake>, wanted: impl Fn(&Check) -> bool) -> Check {
    loop {
        let said = checks.check("app");
        if wanted(&said) {
            return said;
        }
        woken.recv_timeout(LONG).unwrap();
    }
}

fn passed(said: &Check) -> bool {
    *said == Check::Passed
}

fn failed(said: &Check) -> bool {
    matches!(said, Check::Failed(_))
}

#[test]
fn a_check_follows_what_its_command_says_and_wakes_the_loop() {
    let folder = TempDir::new().unwrap();
    let (mut checks, woken) = checks(check(shell("cat broken 2>/dev/null && exit 1 || exit 0", folder.path()), LONG));
    assert_eq!(checks.check("app"), Check::Waiting);
    start(&checks);
    until(&mut checks, &woken, passed);
    fs::write(folder.path().join("broken"), "too hot\n").unwrap();
    // It has passed, so there is no grace any more.
    let said = until(&mut checks, &woken, failed);
    assert_eq!(said, Check::Failed(detail("too hot")));
    fs::remove_file(folder.path().join("broken")).unwrap();
    until(&mut checks, &woken, passed);
    checks.stop();
}

#[test]
fn within_the_grace_a_check_that_never_passed_is_only_waiting() {
    let folder = TempDir::new().unwrap();
    let script = "echo x >> runs; test -e ready";
    let (mut checks, woken) = checks(check(shell(script, folder.path()), LONG));
    start(&checks);
    while fs::read(folder.path().join("runs")).unwrap_or_default().len() < 6 {
        assert_eq!(checks.check("app"), Check::Waiting);
        thread::sleep(SHORT);
    }
    fs::write(folder.path().join("ready"), "").unwrap();
    until(&mut checks, &woken, passed);
    checks.stop();
}

#[test]
fn an_activation_forgets_what_was_said_and_ends_what_still_runs() {
    let folder = TempDir::new().unwrap();
    // The first run never ends; were it waited for, the second would not begin.
    let script = "test -e second && exit 0; touch second; sleep 1000000";
    let (mut checks, woken) = checks(check(shell(script, folder.path()), Duration::ZERO));
    start(&checks);
    while !folder.path().join("second").exists() {
        thread::sleep(SHORT);
    }
    start(&checks);
    until(&mut checks, &woken, passed);
    checks.pause();
    assert_eq!(checks.check("app"), Check::Waiting);
    checks.stop();
}

#[test]
fn a_check_that_nobody_configured_fails_at_once_and_reload_tells_of_the_reload() {
    let (mut checks, _woken) = checks(check(shell("exit 0", Path::new("/")), LONG));
    assert_eq!(checks.check("reload"), Check::Waiting);
    assert!(failed(&checks.check("other")));
    checks.start(Check::Failed(detail("no")), Vec::new());
    assert_eq!(checks.check("reload"), Check::Failed(detail("no")));
    checks.stop();
}

#[test]
fn words_are_cut_to_what_a_report_can_carry() {
    assert_eq!(detail(&"ä".repeat(30)).as_str(), "ä".repeat(20));
}

/// A server that gives one connection one answer and keeps it open; the empty answer is silence.
fn serve(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/health", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        // A request's head ends in an empty line.
        BufReader::new(&stream).lines().find(|line| line.as_ref().is_ok_and(String::is_empty)).unwrap().unwrap();
        stream.write_all(answer.as_bytes()).unwrap();
        thread::sleep(LONG);
    });
    url
}

#[test]
fn a_status_of_success_passes_and_every_other_fails() {
    let ok = "HTTP/1.1 204 No Content\r\n\r\n";
    assert_eq!(probe(&serve(ok), LONG), Verdict::Passed);
    let busy = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(probe(&serve(busy), LONG), Verdict::Failed("HTTP status 503".into()));
    let moved = "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(probe(&serve(moved), LONG), Verdict::Failed("HTTP status 302".into()));
}

#[test]
fn a_probe_that_gets_no_answer_fails_when_its_time_is_up() {
    let Verdict::Failed(words) = probe(&serve(""), SHORT) else { panic!("it answered") };
    assert!(words.contains("timeout"), "{words}");
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(matches!(probe(&format!("http://{gone}/"), LONG), Verdict::Failed(_)));
}
