//! The demonstration itself: it comes as told, and leaves nothing behind, stopped or not.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use steadfast::demo::machine::Machine;
use steadfast_tests::on_each_board;
use steadfast_tests::stage::tools;

on_each_board!(
    the_demonstration_comes_as_told_and_leaves_nothing_behind,
    a_demonstration_that_is_stopped_leaves_nothing_behind,
);

/// The demonstration, with temporary files in a folder of its own.
fn start(machine: Machine, temporary: &Path) -> Child {
    let tools = tools(machine);
    let mut demo = Command::new(tools.steadfast);
    demo.args(["demo", "--board", machine.name(), "--board-elf"])
        .arg(tools.board_elf)
        .arg("--gateway")
        .arg(tools.gateway);
    demo.arg("--project").arg(tools.project).env("TMPDIR", temporary);
    demo.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
}

/// Command lines of running programs that name something of this folder.
fn left_running(folder: &Path) -> Vec<String> {
    let folder = folder.to_string_lossy();
    let processes = fs::read_dir("/proc").expect("Linux tells of its processes").flatten();
    let lines = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).filter(|line| line.contains(&*folder)).collect()
}

fn demand_nothing_left(folder: &Path) {
    assert_eq!(fs::read_dir(folder).expect("the folder is there").count(), 0, "temporary files are left");
    assert_eq!(left_running(folder), [""; 0], "programs are left");
}

fn the_demonstration_comes_as_told_and_leaves_nothing_behind(machine: Machine) {
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let output = start(machine, temporary.path()).wait_with_output().expect("it ends");
    let [told, errors] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success(), "{told}\n{errors}");
    for words in [
        "of 3 sections only `sampling` was sent",
        "board    tried it and rolled back by itself: a health check failed: sensor: the sensor needs 50 ms",
        "gateway  tried it and rolled back by itself",
        "| board (sensor)",
        "board    lost power",
        "gateway  took the update up again",
        "update with a power cut",
        "Everything came as told",
    ] {
        assert!(told.contains(words), "`{words}` is missing in:\n{told}");
    }
    demand_nothing_left(temporary.path());
}

fn a_demonstration_that_is_stopped_leaves_nothing_behind(machine: Machine) {
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let mut demo = start(machine, temporary.path());
    let mut lines = BufReader::new(demo.stdout.take().expect("its output")).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("release 1 confirmed")), "it gets that far");
    assert_ne!(left_running(temporary.path()), [""; 0], "its devices run");
    let killed = Command::new("kill").args(["-INT", &demo.id().to_string()]).status().expect("kill is there");
    assert!(killed.success());
    lines.for_each(drop);
    assert_eq!(demo.wait().expect("it ends").code(), Some(1));
    demand_nothing_left(temporary.path());
}
