//! How long a plan takes, and how much memory: one line changed in the layer of all devices, and one in the layer of a site.
//!
//! `cargo xtask bench plan` runs it, optimised, on the fleets of `bench compile`. Each plan is made in a process of its own, from two commits to
//! its text; generating the fleet and its commits is not measured. What the rules of the starter pack cost comes on top, and is shown beside it.

use std::env;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use steadfast::diagnostics::Color;
use steadfast::fleet::{At, Fleet};
use steadfast::git::Repository;
use steadfast::plan::{Base, BaseState, Ends, Head, Length, Side, compile_both, plan, text};
use steadfast::policy::{Question, Whose, judge};
use steadfast_tests::fleet_folder::FleetFolder;
use steadfast_tests::fleetgen::{Measures, generate};
use steadfast_tests::used;

/// The sizes, in devices.
const SIZES: [u32; 2] = [100_000, 1_000_000];

/// Each plan is made so often, and the run with the least work counts: what else the machine does only ever slows a run.
const RUNS: usize = 3;

/// Seconds that a plan for the last size may take, on two processors.
const SECONDS_MAX: f64 = 5.0;

/// Figures of one run: seconds in which the head is read, both commits are compiled, and the plan is made and written; seconds of
/// processors; MiB; the number of devices that change; and seconds for rules.
type Figures = [f64; 7];

fn main() {
    match env::args_os().nth(1) {
        Some(folder) => measure(Path::new(&folder)),
        None => compare(),
    }
}

fn compare() {
    println!(
        "{:>8}  {:>6}  {:>8}  {:>7}  {:>9}  {:>7}  {:>8}  {:>7}  {:>10}  {:>7}",
        "devices", "change", "changed", "read s", "compile s", "plan s", "total s", "CPU s", "memory MiB", "rules s"
    );
    let mut slowest: f64 = 0.0;
    for devices in SIZES {
        let folder = generate(Measures::of(devices));
        rules().for_each(|(name, text)| folder.write(&format!("policy/{name}"), &text));
        folder.init();
        slowest = 0.0;
        folder.replace("layers/common.toml", "ntp.example", "ntp2.example");
        folder.commit("a line in common");
        slowest = slowest.max(line(devices, "common", &folder));
        folder.replace("layers/site/s7.toml", "1007", "2007");
        folder.commit("a line of a site");
        slowest = slowest.max(line(devices, "site", &folder));
    }
    println!("bound for the last size: {SECONDS_MAX} s");
    assert!(slowest <= SECONDS_MAX, "a plan takes too long");
}

/// Prints the figures of one change, and gives its seconds.
fn line(devices: u32, change: &str, folder: &FleetFolder) -> f64 {
    let runs = [(); RUNS].map(|()| run(folder.path()));
    let best = runs.into_iter().min_by(|a, b| a[3].total_cmp(&b[3])).expect("there are runs");
    let [read, compile, plan, cpu, memory, changed, rules] = best;
    let total = read + compile + plan;
    println!(
        "{devices:>8}  {change:>6}  {changed:>8}  {read:>7.3}  {compile:>9.3}  {plan:>7.3}  {total:>8.3}  {cpu:>7.2}  {memory:>10.0}  {rules:>7.3}"
    );
    total
}

/// The starter pack's files, by name.
fn rules() -> impl Iterator<Item = (String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host-tool/starter/policy");
    std::fs::read_dir(folder).expect("the starter pack is there").map(|file| {
        let path = file.expect("it can be listed").path();
        let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
        (name, std::fs::read_to_string(path).expect("rules are text"))
    })
}

fn run(folder: &Path) -> Figures {
    let program = env::current_exe().expect("this program has a path");
    let output = Command::new(program).arg(folder).output().expect("this program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let line = String::from_utf8(output.stdout).expect("figures are text");
    let figures: Vec<f64> = line.split_whitespace().map(|word| word.parse().expect("a figure")).collect();
    figures.try_into().expect("seven figures")
}

/// Plans what the last commit changes, as `steadfast plan` does.
fn measure(folder: &Path) {
    let start = Instant::now();
    let fleet = Fleet::open(folder, &At::Head).expect("the generated fleet is right");
    let read = start.elapsed();
    let repository = Repository::discover(folder).expect("the fleet lies in a repository");
    let commit = repository.commit("HEAD~1").expect("it has two commits").to_string();
    let (compiled, before) = compile_both(&fleet, folder, &commit);
    let compiled = compiled.expect("the generated fleet compiles");
    let (before, compiled_before) = before.expect("the commit before is right, too");
    let compiled_at = start.elapsed();
    let base = Side { fleet: &before, compiled: &compiled_before };
    let plan = plan(Some(base), Side { fleet: &fleet, compiled: &compiled });
    let ends = Ends {
        base: Base { state: BaseState::Compared, revision: Some("HEAD~1".to_owned()), commit: Some(commit) },
        head: Head { revision: "HEAD".to_owned(), commit: fleet.source.commit.to_string(), worktree: false },
    };
    let written = text(&plan, &ends, (Length::Screen, Color::Never));
    let planned = start.elapsed();
    assert!(!written.is_empty());
    let steps = [read, compiled_at - read, planned - compiled_at].map(|step| step.as_secs_f64());
    let rest = [used::cpu_seconds(), used::peak_mebibytes(), plan.counts.changed as f64];
    let asked = Instant::now();
    let head = Side { fleet: &fleet, compiled: &compiled };
    let question = Question { base: Some(base), head, plan: &plan, ends: &ends, commits: [None, None], approvals: &[] };
    let verdicts = judge(&question, Whose::Both).expect("the starter pack is right").expect("it has rules");
    assert!(verdicts.denies(), "there is no canary");
    let rest = [rest[0], rest[1], rest[2], asked.elapsed().as_secs_f64()];
    let figures: Vec<String> = steps.iter().chain(&rest).map(f64::to_string).collect();
    println!("{}", figures.join(" "));
}
