//! How long a commit takes to become a signed pack, and how much memory: 1,000 to 1,000,000 generated devices.
//!
//! `cargo xtask bench compile` runs it, optimised. A million devices have 10,000 distinct configurations, 100,000 of them a value of their own
//! besides, and three firmwares are in the field. Each size is measured in a process of its own, so that its peak of memory is its
//! own; generating the fleet and its commit is not measured.

use std::env;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use steadfast::compile::compile;
use steadfast::fleet::{At, Fleet};
use steadfast::keys::{KeyFile, Purpose, Signer};
use steadfast::release::{self, Issue};
use steadfast::sign;
use steadfast::whole::{self, Over};
use steadfast_core::id::FleetId;
use steadfast_tests::fleetgen::{Measures, generate};
use steadfast_tests::used;

/// The sizes, in devices.
const SIZES: [u32; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// Each size is measured so often, and the run with the least work counts: what else the machine does only ever slows a run.
const RUNS: usize = 3;

/// From each size to the next, ten times as large, work may grow by at most this factor: a hundred thousand devices nearly fit the
/// processor's caches, a million do not.
const GROWTH_MAX: f64 = 20.0;

/// Seconds that a million devices may take, on two processors.
const SECONDS_MAX: f64 = 20.0;

/// MiB that they may take.
const MEMORY_MAX: f64 = 2048.0;

fn main() {
    match env::args_os().nth(1) {
        Some(folder) => measure(Path::new(&folder)),
        None => compare(),
    }
}

fn compare() {
    println!(
        "{:>8}  {:>8}  {:>9}  {:>8}  {:>8}  {:>8}  {:>8}  {:>10}  {:>10}",
        "devices", "read s", "compile s", "build s", "sign s", "total s", "CPU s", "memory MiB", "per CPU s"
    );
    let folders = SIZES.map(|devices| {
        let folder = generate(Measures::of(devices));
        folder.init();
        folder
    });
    // Size after size in each round, so that a busy spell of the machine slows all of them.
    let rounds = [(); RUNS].map(|()| folders.each_ref().map(|folder| Figures::of(folder.path())));
    let mut last: Option<Figures> = None;
    for (devices, size) in SIZES.into_iter().zip(0..) {
        let all = rounds.iter().map(|round| round[size]);
        let best = all.min_by(|a, b| a.cpu().total_cmp(&b.cpu())).expect("there are rounds");
        let Figures([read, compile, build, sign, cpu, memory]) = best;
        let total = best.total();
        // A process too short to be counted counts as one tick.
        let rate = f64::from(devices) / cpu.max(0.01);
        println!(
            "{devices:>8}  {read:>8.3}  {compile:>9.3}  {build:>8.3}  {sign:>8.3}  {total:>8.3}  {cpu:>8.2}  {memory:>10.0}  {rate:>10.0}"
        );
        if let Some(last) = last.filter(|last| last.cpu() >= 0.1) {
            assert!(cpu <= GROWTH_MAX * last.cpu(), "work grows faster than the fleet");
        }
        last = Some(best);
    }
    let million = last.expect("there are sizes");
    println!("bounds for the last: {SECONDS_MAX} s, {MEMORY_MAX} MiB");
    let Figures([.., memory]) = million;
    assert!(million.total() <= SECONDS_MAX && memory <= MEMORY_MAX, "a million devices take too much");
}

/// Seconds of reading, compiling, building and signing, seconds of processors, and the peak of memory in MiB.
#[derive(Clone, Copy)]
struct Figures([f64; 6]);

impl Figures {
    /// Measures one run in a process of its own.
    fn of(folder: &Path) -> Self {
        let program = env::current_exe().expect("this program has a path");
        let output = Command::new(program).arg(folder).output().expect("this program runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let line = String::from_utf8(output.stdout).expect("figures are text");
        let figures: Vec<f64> = line.split_whitespace().map(|word| word.parse().expect("a figure")).collect();
        Self(figures.try_into().expect("six figures"))
    }

    fn total(&self) -> f64 {
        let Self([read, compile, build, sign, ..]) = self;
        read + compile + build + sign
    }

    fn cpu(&self) -> f64 {
        let Self([.., cpu, _]) = self;
        *cpu
    }
}

/// One size: seconds of each step, of processors, and the peak of memory in MiB.
fn measure(folder: &Path) {
    let start = Instant::now();
    let fleet = Fleet::open(folder, &At::Head).expect("the generated fleet is right");
    let read = start.elapsed();
    let compiled = compile(&fleet).expect("the generated fleet compiles");
    let compiled_at = start.elapsed();
    let pack = release::build(&compiled, Issue { fleet: FleetId([7; 16]), epoch: 1 }).expect("it makes a release");
    let built = start.elapsed();
    let key = KeyFile::generate(Purpose::Publisher).expect("a key");
    let signatures = sign::sign(&pack, [&key as &dyn Signer]).expect("a key in memory signs");
    let file = folder.join(".git/release.pack");
    whole::write(&file, pack.bytes(), (whole::PUBLIC, Over::File)).expect("the pack can be written");
    sign::save(&file, &signatures).expect("its signatures can be written");
    let signed = start.elapsed();
    let steps = [read, compiled_at - read, built - compiled_at, signed - built];
    let seconds: Vec<String> = steps.iter().map(|step| step.as_secs_f64().to_string()).collect();
    println!("{} {} {}", seconds.join(" "), used::cpu_seconds(), used::peak_mebibytes());
}
