//! How long a commit takes to become a signed pack, and how much memory: 1,000, 10,000 and 100,000 generated devices.
//!
//! `cargo xtask bench compile` runs it, optimised. Each size is measured in a process of its own, so that its peak of memory is its
//! own; generating the fleet and its commit is not measured. What counts is the ratio between the sizes, which are measured side by side.

use std::path::Path;
use std::process::Command;
use std::time::Instant;
use std::{env, fs};

use steadfast::compile::compile;
use steadfast::fleet::{At, Fleet};
use steadfast::keys::{KeyFile, Purpose, Signer};
use steadfast::release::{self, Issue};
use steadfast::sign;
use steadfast_core::id::FleetId;
use steadfast_tests::fleetgen::{Measures, generate};

/// The sizes, in devices.
const SIZES: [u32; 3] = [1_000, 10_000, 100_000];

/// Each size is measured so often, and the fastest run counts: what else the machine does only ever slows a run.
const RUNS: usize = 5;

/// From 10,000 to 100,000 devices, time may grow by at most this factor.
const GROWTH_MAX: f64 = 12.0;

fn main() {
    match env::args_os().nth(1) {
        Some(folder) => measure(Path::new(&folder)),
        None => compare(),
    }
}

fn compare() {
    println!(
        "{:>8}  {:>9}  {:>9}  {:>9}  {:>9}  {:>9}  {:>12}",
        "devices", "read s", "compile s", "build s", "sign s", "total s", "memory MiB"
    );
    let folders = SIZES.map(|devices| {
        let folder = generate(Measures::of(devices));
        folder.init();
        folder
    });
    // Size after size in each round, so that a busy spell of the machine slows all of them.
    let rounds = [(); RUNS].map(|()| folders.each_ref().map(|folder| Figures::of(folder.path())));
    let best = |size: usize| rounds.iter().map(|round| round[size]).min_by(|a, b| a.total().total_cmp(&b.total()));
    let totals = [0, 1, 2].map(|size| {
        let devices = SIZES[size];
        let best = best(size).expect("there are rounds");
        let Figures([read, compile, build, sign, memory]) = best;
        let total = best.total();
        println!("{devices:>8}  {read:>9.3}  {compile:>9.3}  {build:>9.3}  {sign:>9.4}  {total:>9.3}  {memory:>12.0}");
        total
    });
    let growth = totals[2] / totals[1];
    println!("from {} to {} devices: {growth:.1} times as long (bound: {GROWTH_MAX})", SIZES[1], SIZES[2]);
    assert!(growth <= GROWTH_MAX, "compiling grows faster than the fleet");
}

/// Seconds of reading, compiling, building and signing, and the peak of memory in MiB.
#[derive(Clone, Copy)]
struct Figures([f64; 5]);

impl Figures {
    /// Measures one run in a process of its own.
    fn of(folder: &Path) -> Self {
        let program = env::current_exe().expect("this program has a path");
        let output = Command::new(program).arg(folder).output().expect("this program runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let line = String::from_utf8(output.stdout).expect("figures are text");
        let figures: Vec<f64> = line.split_whitespace().map(|word| word.parse().expect("a figure")).collect();
        Self(figures.try_into().expect("five figures"))
    }

    fn total(&self) -> f64 {
        let Self([read, compile, build, sign, _]) = self;
        read + compile + build + sign
    }
}

/// One size: seconds of each step, and the peak of memory in MiB.
fn measure(folder: &Path) {
    let start = Instant::now();
    let fleet = Fleet::open(folder, &At::Head).expect("the generated fleet is right");
    let read = start.elapsed();
    let compiled = compile(&fleet).expect("the generated fleet compiles");
    let compiled_at = start.elapsed();
    let pack = release::build(&compiled, Issue { fleet: FleetId([7; 16]), epoch: 1 }).expect("it makes a release");
    let built = start.elapsed();
    let key = KeyFile::generate(Purpose::Publisher).expect("a key");
    sign::sign(&pack, [&key as &dyn Signer]).expect("a key in memory signs");
    let signed = start.elapsed();
    let steps = [read, compiled_at - read, built - compiled_at, signed - built];
    let seconds: Vec<String> = steps.iter().map(|step| step.as_secs_f64().to_string()).collect();
    println!("{} {}", seconds.join(" "), peak_mebibytes());
}

/// The most memory that this process has had, as Linux tells it.
fn peak_mebibytes() -> f64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux tells about processes");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("it tells the peak");
    let kibibytes: f64 = line.trim().trim_end_matches("kB").trim().parse().expect("in kB");
    kibibytes / 1024.0
}
