//! What this process has used, as Linux tells it.

use std::fs;

/// Linux counts the time of processes that have ended in hundredths of a second.
const TICKS_PER_SECOND: f64 = 100.0;

/// Seconds of processors that this process has used, for itself and in the kernel, to the nanosecond.
#[must_use]
pub fn cpu_seconds() -> f64 {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    used.tv_sec as f64 + used.tv_nsec as f64 / 1e9
}

/// Seconds of processors that processes have used which this one started, and which have ended.
///
/// # Panics
/// Elsewhere than on Linux.
#[must_use]
pub fn children_cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux tells about processes");
    // After the program's name, which may hold anything, they are the fourteenth and fifteenth.
    let (_, rest) = stat.rsplit_once(')').expect("it tells the name");
    let ticks = rest.split_whitespace().skip(13).take(2).map(|word| word.parse::<f64>().expect("a number of ticks"));
    ticks.sum::<f64>() / TICKS_PER_SECOND
}

/// The most memory that this process has had, in MiB.
///
/// # Panics
/// Elsewhere than on Linux.
#[must_use]
pub fn peak_mebibytes() -> f64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux tells about processes");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("it tells the peak");
    let kibibytes: f64 = line.trim().trim_end_matches("kB").trim().parse().expect("in kB");
    kibibytes / 1024.0
}
