//! The compiler for bare metal: rustup's where it has the target, else Debian's.
//!
//! Debian's `rustc-web` comes with the sources of `core` but without compiled targets, so `core` is built along
//! (`-Zbuild-std`, which asks for RUSTC_BOOTSTRAP), and without rust-lld: the one of the toolchain that started us links for it, or
//! the package `lld-19`. Debian's own `lld` is too old to shorten RISC-V's calls.
//! rustup's programs come first in PATH, hence Debian's are named by their full path, as dpkg tells it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What builds for one bare-metal target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Toolchain {
    /// The cargo that started us, with a target that rustup installed.
    Rustup,
    /// Debian's own cargo and rustc, by path.
    Debian {
        /// Path of cargo.
        cargo: PathBuf,
        /// Path of rustc.
        rustc: PathBuf,
        /// Path of LLD.
        linker: PathBuf,
    },
}

impl Toolchain {
    /// Finds a compiler for `target`; none when neither rustup nor Debian has one.
    pub(crate) fn find(target: &str) -> Option<Self> {
        if rustup_has(target) {
            return Some(Self::Rustup);
        }
        debian()
    }

    /// A cargo command for `target`, up to and including the options of the toolchain.
    pub(crate) fn cargo(&self, subcommand: &str, target: &str) -> Command {
        match self {
            Self::Rustup => {
                let mut command = Command::new(env!("CARGO"));
                command.args([subcommand, "--target", target]);
                command
            }
            Self::Debian { cargo, rustc, linker } => {
                let mut command = Command::new(cargo);
                command.args([subcommand, "--target", target, "-Zbuild-std=core"]);
                command.env("RUSTC", rustc).env("RUSTC_BOOTSTRAP", "1");
                command.env(format!("CARGO_TARGET_{}_LINKER", target.replace(['-', '.'], "_").to_uppercase()), linker);
                command
            }
        }
    }
}

fn rustup_has(target: &str) -> bool {
    let listed = Command::new("rustup").args(["target", "list", "--installed"]).output();
    listed.is_ok_and(|output| {
        output.status.success() && String::from_utf8_lossy(&output.stdout).lines().any(|line| line.trim() == target)
    })
}

fn debian() -> Option<Toolchain> {
    // Cargo starts us with RUSTUP_TOOLCHAIN and the like; they mean nothing to Debian's programs.
    let cargo = installed_program("cargo-web", "/bin/cargo")?;
    let rustc = installed_program("rustc-web", "/bin/rustc")?;
    let has_sources = package_files("rust-web-src")?.lines().any(|line| line.ends_with("library/core/Cargo.toml"));
    let linker = rust_lld().or_else(|| in_path("ld.lld-19"))?;
    has_sources.then_some(Toolchain::Debian { cargo, rustc, linker })
}

/// The linker that comes with the toolchain of the cargo that started us, where it is rustup's.
fn rust_lld() -> Option<PathBuf> {
    let hosts = Path::new(env!("CARGO")).ancestors().nth(2)?.join("lib/rustlib").read_dir().ok()?;
    hosts.flatten().map(|host| host.path().join("bin/rust-lld")).find(|file| file.is_file())
}

/// The file of an installed Debian package whose path ends as told; the shortest, if several do.
fn installed_program(package: &str, ending: &str) -> Option<PathBuf> {
    let files = package_files(package)?;
    let found = files.lines().filter(|line| line.ends_with(ending) && Path::new(line).is_file());
    found.min_by_key(|line| line.len()).map(PathBuf::from)
}

fn package_files(package: &str) -> Option<String> {
    let output = Command::new("dpkg").args(["-L", package]).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Where PATH finds a program.
pub(crate) fn in_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}
