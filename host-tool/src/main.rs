//! The `steadfast` program: one command, one file under `cli`. Everything else is in the library, which knows no terminal.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
