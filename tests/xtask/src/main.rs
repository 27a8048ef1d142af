//! The project's own commands, run as `cargo xtask COMMAND` from anywhere in the tree.
//!
//! Each command first sets up what it needs (see `setup`), so that a fresh clone needs git and a Rust toolchain only.
//! A command is listed here when it works, not before.

mod bench;
mod board;
mod cycles;
mod demo;
mod fuzz;
mod mutants;
mod paths;
mod power_cuts;
mod programs;
mod real;
mod run_board;
mod setup;
mod signatures;
mod size;
mod test;
mod toolchain;
mod vectors;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's own commands.", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure, and print the figures.
    Bench(bench::Options),
    /// Install what is missing: QEMU, Python and a toolchain for bare metal.
    Setup,
    /// Build the firmware of the emulated boards and print where it lies.
    BuildBoard,
    /// Run an emulated board with a flash image, its log in words.
    RunBoard(run_board::Options),
    /// Convert a community network's real configuration, compile it as a whole, and break it on purpose.
    Real(real::Options),
    /// Plant known bugs in a copy of the tree, one at a time, and see that the tests find each.
    Mutants,
    /// Show a fleet on this machine: a commit reaches a microcontroller and a gateway, and a bad one is rolled back.
    Demo,
    /// Judge published Ed25519 signatures on this machine and on every emulated board.
    Signatures(signatures::Options),
    /// Count the instructions of verifying, staging and booting on two processors.
    Cycles,
    /// Print flash and RAM by component, of the board's firmware and of the core alone, and hold them against targets and committed figures.
    Size(size::Options),
    /// Feed the decoders and the driver with generated input for a while, and count executions.
    Fuzz(fuzz::Options),
    /// Run all tests of the project.
    Test(test::Options),
    /// Write docs/spec/vectors anew, after a format has got another version.
    Vectors,
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Bench(options) => bench::run(&options),
        Command::Setup => setup::run().map(|_| ()),
        Command::BuildBoard => board::build_all(),
        Command::RunBoard(options) => run_board::run(&options),
        Command::Real(options) => real::run(&options),
        Command::Mutants => mutants::run(),
        Command::Demo => demo::run(),
        Command::Signatures(options) => signatures::run(&options),
        Command::Cycles => cycles::run(),
        Command::Size(options) => size::run(&options),
        Command::Fuzz(options) => fuzz::run(&options),
        Command::Test(options) => test::run(&options),
        Command::Vectors => vectors::run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
