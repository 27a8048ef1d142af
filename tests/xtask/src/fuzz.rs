//! `cargo xtask fuzz`: bytes from anywhere against every decoder, and events from anywhere against the driver.
//!
//! The targets in `tests/fuzz` are laid out as cargo-fuzz wants them, so `cargo fuzz run` works where that is installed. This command
//! needs nothing but the stable compiler: it asks LLVM for the same coverage, and for the same checks of arithmetic. Inputs that reach
//! something new are kept in the target folder; those worth sharing are in `tests/fuzz/corpus`.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::{fs, thread};

use anyhow::{Context, Result, bail};

use crate::paths;

/// Every target.
const TARGETS: [&str; 7] = ["statements", "messages", "flash", "schema", "pack", "http", "driver"];

/// What libFuzzer needs of a compiler, as cargo-fuzz asks for it.
const FLAGS: [&str; 8] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cdebug-assertions",
    "-Coverflow-checks",
];

/// Longest input, in bytes: two of the largest envelopes, or a whole small flash.
const INPUT_MAX_BYTES: usize = 1 << 15;

/// An input that takes longer is a finding, in seconds.
const INPUT_SECONDS_MAX: u64 = 20;

/// How long to fuzz.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Minutes in all, in equal shares; two targets at once are done in half of the time.
    #[arg(long, value_name = "N", conflicts_with = "seconds")]
    minutes: Option<u64>,
    /// Seconds for each target.
    #[arg(long, value_name = "N", default_value = "30")]
    seconds: u64,
    /// Only these targets.
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
}

/// What came of one target.
struct Outcome {
    target: String,
    executions: u64,
    finding: Option<PathBuf>,
}

/// Builds the targets and runs each for its share, as many at once as there are processors.
///
/// # Errors
/// When one does not build, or finds something: the input's file is named.
pub(crate) fn run(options: &Options) -> Result<()> {
    let chosen: Vec<&str> = if options.targets.is_empty() {
        TARGETS.to_vec()
    } else {
        options.targets.iter().map(String::as_str).collect()
    };
    if let Some(unknown) = chosen.iter().find(|target| !TARGETS.contains(target)) {
        bail!("there is no fuzz target `{unknown}`; there are {}", TARGETS.join(", "));
    }
    let programs = build()?;
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let seconds = options.minutes.map_or(options.seconds, |minutes| minutes * 60 / chosen.len() as u64);
    println!("{} targets, {seconds} s each, {processors} at once", chosen.len());
    let mut outcomes = Vec::new();
    for together in chosen.chunks(processors) {
        let running =
            together.iter().map(|target| Run::start(&programs, target, seconds)).collect::<Result<Vec<_>>>()?;
        for run in running {
            outcomes.push(run.finish()?);
        }
    }
    report(&outcomes)
}

fn report(outcomes: &[Outcome]) -> Result<()> {
    for Outcome { target, executions, finding } in outcomes {
        let finding = finding.as_ref().map_or("nothing found".to_owned(), |file| format!("FOUND {}", file.display()));
        println!("{target:<12} {executions:>12} executions  {finding}");
    }
    println!("{:<12} {:>12} executions", "in all", outcomes.iter().map(|outcome| outcome.executions).sum::<u64>());
    let found: Vec<&str> =
        outcomes.iter().filter(|outcome| outcome.finding.is_some()).map(|outcome| outcome.target.as_str()).collect();
    if found.is_empty() {
        return Ok(());
    }
    bail!("findings in {}; to see one again, run the target's program with the file as its argument", found.join(", "))
}

/// Builds all targets and returns the folder of their programs.
fn build() -> Result<PathBuf> {
    let target = paths::host_target().join("fuzz");
    let mut command = Command::new(env!("CARGO"));
    command
        .args(["build", "--locked", "--release", "--package", "steadfast-fuzz", "--bins", "--target", host()?.as_str()])
        .args(["--config", "profile.release.lto=false", "--config", "profile.release.codegen-units=16"])
        .env("RUSTFLAGS", FLAGS.join(" "))
        .env("CARGO_TARGET_DIR", &target)
        .current_dir(paths::workspace());
    let status = command.status().with_context(|| format!("cannot run {command:?}"))?;
    if !status.success() {
        bail!("the fuzz targets do not build; the messages stand above");
    }
    Ok(target.join(host()?).join("release"))
}

/// This machine's own triple. Named, the flags do not reach build scripts and macros, which have no main of libFuzzer's.
fn host() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("cannot run rustc -vV")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc -vV names no host")?;
    Ok(host.to_owned())
}

/// A target at work.
struct Run {
    target: String,
    findings: PathBuf,
    log: PathBuf,
    child: Child,
}

impl Run {
    fn start(programs: &Path, target: &str, seconds: u64) -> Result<Self> {
        let scratch = paths::host_target().join("fuzz/work").join(target);
        let (corpus, findings) = (scratch.join("corpus"), scratch.join("findings"));
        for folder in [&corpus, &findings] {
            fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        let log = scratch.join("log");
        let out = fs::File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut command = Command::new(programs.join(target));
        command.arg(&corpus);
        let shared = paths::workspace().join("tests/fuzz/corpus").join(target);
        if shared.is_dir() {
            command.arg(shared);
        }
        command
            .arg(format!("-artifact_prefix={}/", findings.display()))
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-max_len={INPUT_MAX_BYTES}"))
            .arg(format!("-timeout={INPUT_SECONDS_MAX}"))
            .arg("-print_final_stats=1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(out);
        let child = command.spawn().with_context(|| format!("cannot run {command:?}"))?;
        Ok(Self { target: target.to_owned(), findings, log, child })
    }

    fn finish(mut self) -> Result<Outcome> {
        let status = self.child.wait()?;
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let executions = log.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
        let executions = executions.and_then(|count| count.trim().parse().ok()).unwrap_or(0);
        let finding = (!status.success()).then(|| newest(&self.findings).unwrap_or(self.log));
        Ok(Outcome { target: self.target, executions, finding })
    }
}

/// The file that was written last.
fn newest(folder: &Path) -> Option<PathBuf> {
    let files = fs::read_dir(folder).ok()?.flatten();
    files.max_by_key(|file| file.metadata().and_then(|data| data.modified()).ok()).map(|file| file.path())
}
