//! `cargo xtask test`: everything that must hold before a change is taken. With `--quick`, what a developer waits for.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::{board, paths, power_cuts, programs, signatures};

/// Tests that run at once, on whatever machine: the slowest ones wait for deadlines of half a minute and need no processor.
const THREADS: &str = "4";

/// What holds the tests of more than one crate.
const TESTS: &str = "steadfast-tests";

/// Its tests that run an emulated board.
const NEED_A_BOARD: [&str; 4] = ["board", "board_update", CHAOS, "e2e"];

/// The one that meddles with boards that take updates, and what its cases start with.
const CHAOS: &str = "chaos";

/// How much to test.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The inner loop: nothing that needs the emulated board, and of the power cuts a sample.
    #[arg(long, conflicts_with_all = ["full", "replay"])]
    quick: bool,

    /// All power cuts, other faults of flash, and a thousand updates of each emulated board under chaos, of which an ordinary run takes
    /// a sample; and nothing else.
    #[arg(long, conflicts_with = "replay")]
    full: bool,

    /// One case that failed, by the line that it printed.
    #[arg(long, value_name = "CASE")]
    replay: Option<String>,

    /// Where published test data lies: Ed25519 signatures in `wycheproof/` and `ed25519-speccheck/`.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// Builds what the tests need, and runs those of every crate that builds for this machine.
///
/// # Errors
/// At the first thing that fails.
pub(crate) fn run(options: &Options) -> Result<()> {
    match &options.replay {
        Some(case) => return replay(case),
        None if options.full => return full(),
        None if options.quick => quick(),
        None => all(),
    }?;
    let Some(data) = &options.data else {
        println!("Left out: {}.", signatures::LEFT_OUT);
        return Ok(());
    };
    if options.quick { signatures::here(data) } else { signatures::everywhere(data) }
}

/// The tests whose cases are counted and can be replayed.
fn of_flash() -> Command {
    let mut tests = cargo_test();
    tests.args(["--package", TESTS]).args(power_cuts::SUITES.map(|name| ["--test", name]).as_flattened());
    tests
}

/// The tests that a case is of.
fn of(case: &str) -> Result<Command> {
    if case.split('/').next() == Some(CHAOS) { chaos() } else { Ok(of_flash()) }
}

/// Runs one case. A line that meets nothing, since it is old or misspelt, must not look like one that passed: so the cases that the tests
/// measured are counted.
fn replay(case: &str) -> Result<()> {
    let mut tests = of(case)?;
    tests.env("STEADFAST_CASE", case).stderr(Stdio::piped());
    let mut running = tests.spawn().with_context(|| format!("cannot run {tests:?}"))?;
    let mut count = 0;
    for line in running.stderr.take().into_iter().flat_map(|told| BufReader::new(told).lines()) {
        let line = line.context("cannot read what the tests tell")?;
        eprintln!("{line}");
        count += cases_told(&line);
    }
    if !running.wait().context("cannot wait for the tests")?.success() {
        bail!("the case fails; its messages stand above");
    }
    match count {
        0 => bail!("no such case: {case}"),
        1 => println!("replayed 1 case"),
        _ => println!("replayed {count} cases"),
    }
    Ok(())
}

/// How many cases a line tells of: a test of flash counts them, a life in chaos is one.
fn cases_told(line: &str) -> usize {
    let Some(told) = line.trim_start().strip_prefix("measured: ") else { return 0 };
    match told.strip_suffix(" distinct cases") {
        Some(counted) => counted.rsplit(' ').next().and_then(|count| count.parse().ok()).unwrap_or(0),
        None => usize::from(told.contains(CHAOS)),
    }
}

/// The test of boards that live in chaos.
fn chaos() -> Result<Command> {
    let mut tests = cargo_test();
    tests.args(["--package", TESTS, "--test", CHAOS]);
    give_boards(&mut tests)?;
    Ok(tests)
}

/// The power cuts, then the chaos: together they would starve each other.
fn full() -> Result<()> {
    let start = Instant::now();
    power_cuts::run(of_flash())?;
    let cuts = start.elapsed();
    demand(chaos()?.env("STEADFAST_FULL", "1"))?;
    println!("power cuts: {} s, chaos: {} s", cuts.as_secs(), (start.elapsed() - cuts).as_secs());
    Ok(())
}

fn all() -> Result<()> {
    let mut tests = test_workspace();
    give_boards(&mut tests)?;
    demand(&mut tests)
}

/// Builds what runs beside tests, and tells them where it lies.
fn give_boards(tests: &mut Command) -> Result<()> {
    for board in &board::BOARDS {
        tests.env(board.variable(), board::build(board)?).env(board.next_variable(), board::build_next(board)?);
    }
    let programs = programs::build()?;
    tests.env("STEADFAST_PROGRAM", programs.steadfast).env("STEADFAST_GATEWAY_PROGRAM", programs.gateway);
    Ok(())
}

fn quick() -> Result<()> {
    demand(test_workspace().args(["--exclude", TESTS]))?;
    let mut tests = cargo_test();
    tests.args(["--package", TESTS, "--lib"]).env("STEADFAST_QUICK", "1");
    let names = names()?;
    for name in names.iter().filter(|name| !NEED_A_BOARD.contains(&name.as_str())) {
        tests.args(["--test", name]);
    }
    demand(&mut tests)?;
    println!("Left out by --quick: {}, and all but a sample of the power cuts.", NEED_A_BOARD.join(", "));
    Ok(())
}

/// The test programs of the crate `tests`: its files, and its folders with a main.rs.
fn names() -> Result<BTreeSet<String>> {
    let folder = paths::workspace().join("tests/tests");
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let names: BTreeSet<String> =
        entries.flatten().filter_map(|entry| Some(entry.path().file_stem()?.to_str()?.to_owned())).collect();
    if let Some(gone) = NEED_A_BOARD.iter().find(|name| !names.contains(**name)) {
        bail!("{} has no test `{gone}` any more: take it out of the list in xtask", folder.display());
    }
    Ok(names)
}

/// All that builds for this machine; of the device's side, what does not need the device.
fn test_workspace() -> Command {
    let mut command = cargo_test();
    command.args(["--workspace", "--exclude", "steadfast-fuzz"]);
    command.args(board::BOARDS.iter().flat_map(|board| ["--exclude", board.package]));
    command
}

fn cargo_test() -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.args(["test", "--locked"]).current_dir(paths::workspace()).env("RUST_TEST_THREADS", THREADS);
    command
}

fn demand(tests: &mut Command) -> Result<()> {
    let status = tests.status().with_context(|| format!("cannot run {tests:?}"))?;
    if status.success() { Ok(()) } else { bail!("tests failed; their messages stand above") }
}
