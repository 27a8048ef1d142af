//! An emulated board with a flash image, until somebody ends it: its log in words.
//!
//! `cargo xtask run-board IMAGE` builds the firmware and runs this.

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use steadfast::demo::machine::Machine;
use steadfast_tests::qemu::{Board, QemuError};

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let machine = arguments.next().and_then(|name| Machine::ALL.into_iter().find(|known| *known.name() == *name));
    let (Some(machine), Some(image)) = (machine, arguments.next()) else {
        eprintln!("error: run this as `cargo xtask run-board IMAGE`");
        return ExitCode::FAILURE;
    };
    match run(machine, image.into()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(machine: Machine, image: PathBuf) -> Result<(), QemuError> {
    for line in Board::new(machine, &image)?.start()?.lines() {
        println!("{:>10.3} {:<5} {}", line.at_us as f64 / 1e6, line.level, line.text);
    }
    Ok(())
}
