//! Sets up a machine: finds QEMU, Python and a compiler for bare metal, installs the Debian packages where they are missing.
//!
//! With root or a sudo that asks nothing it installs and says so; otherwise it prints the one line to run, and stops. It changes
//! nothing else on the machine, and nothing at all when everything is there.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::toolchain::{Toolchain, in_path};

/// The bare-metal targets that the project builds for.
pub(crate) const TARGETS: [&str; 4] = [RISCV32, THUMBV7M, "thumbv7em-none-eabi", "thumbv6m-none-eabi"];
/// The target of the emulated board with a RISC-V processor.
pub(crate) const RISCV32: &str = "riscv32imac-unknown-none-elf";
/// The target of the emulated board with an Arm processor.
pub(crate) const THUMBV7M: &str = "thumbv7m-none-eabi";

/// Programs, and the packages that they come in. Python runs docs/spec/verify.py in a test.
const PROGRAMS: [(&str, &str); 3] =
    [("qemu-system-riscv32", "qemu-system-misc"), ("qemu-system-arm", "qemu-system-arm"), ("python3", "python3")];
const TOOLCHAIN_PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "lld-19"];

/// Makes sure that every tool is there.
///
/// # Errors
/// When something is missing and cannot be installed from here; the message says what to run.
pub(crate) fn run() -> Result<()> {
    let packages = missing_packages();
    if packages.is_empty() {
        return Ok(());
    }
    if in_path("apt-get").is_none() {
        bail!(
            "missing: {}. This is no Debian, so install {} your way and the compiler's targets with:\n    {}",
            packages.join(", "),
            PROGRAMS.map(|(program, _)| program).join(", "),
            rustup_line(),
        );
    }
    install(&packages)?;
    let still = missing_packages();
    if !still.is_empty() {
        bail!(
            "installed, but still not usable: {}. With rustup, run instead:\n    {}",
            still.join(", "),
            rustup_line()
        );
    }
    Ok(())
}

fn missing_packages() -> Vec<&'static str> {
    let mut missing = Vec::new();
    missing.extend(PROGRAMS.iter().filter(|(program, _)| in_path(program).is_none()).map(|(_, package)| package));
    if TARGETS.iter().any(|target| Toolchain::find(target).is_none()) {
        missing.extend(TOOLCHAIN_PACKAGES);
    }
    missing
}

fn rustup_line() -> String {
    format!("rustup target add {}", TARGETS.join(" "))
}

fn install(packages: &[&str]) -> Result<()> {
    let line = format!("apt-get install -y --no-install-recommends {}", packages.join(" "));
    let Some(prefix) = root_prefix() else {
        bail!("missing Debian packages; run this once, then again what you ran:\n    sudo {line}");
    };
    eprintln!("Installing Debian packages: {prefix}{line}");
    // A machine that never ran `apt-get update` knows no packages; an old list is no reason to fail.
    let _ = shell(&format!("{prefix}apt-get update -q"));
    shell(&format!("{prefix}env DEBIAN_FRONTEND=noninteractive {line}"))
}

/// What to put before a command so that it runs as root; none when that would need a password.
fn root_prefix() -> Option<&'static str> {
    if succeeds("sh", &["-c", "test \"$(id -u)\" = 0"]) {
        return Some("");
    }
    succeeds("sudo", &["-n", "true"]).then_some("sudo -n ")
}

fn succeeds(program: &str, arguments: &[&str]) -> bool {
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn shell(line: &str) -> Result<()> {
    // apt's own lines are progress: they go to standard error with ours.
    let status = Command::new("sh").args(["-c", &format!("{line} >&2")]).status().context("cannot run sh")?;
    if !status.success() {
        bail!("this failed, run it by hand to see why:\n    {line}");
    }
    Ok(())
}
