//! `cargo xtask real --data DIR`: a community network's real configuration as a fleet.
//!
//! The data is converted to a fleet repository and compiled as a whole. Some of its hosts run as gateways and take a change. Then
//! it is broken on purpose, one value at a time: each mistake must be found where it was made. Nothing of the data is part of this project.

mod convert;
mod figures;
mod mistakes;
mod repository;
mod role;
mod rollout;
#[cfg(test)]
mod sample;
mod slips;
mod source;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use clap::Parser;

use convert::Fleet;
use repository::Repository;
use rollout::Programs;

#[derive(Parser)]
#[command(name = "steadfast-real", about = "A community network's real configuration as a fleet.")]
struct Arguments {
    /// The network's data: the folder with `locations/` and `group_vars/`, or the one above it.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Where repositories are written; what an earlier run wrote is replaced.
    #[arg(long, value_name = "DIR")]
    work: PathBuf,
    /// Where `steadfast` and `steadfast-gateway` are.
    #[arg(long, value_name = "DIR")]
    programs: PathBuf,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let start = Instant::now();
    let programs = Programs::find(&arguments.programs)?;
    let source = source::read(&arguments.data)?;
    println!("# The data\n\n{} sites with {} values\n", source.sites.len(), source.values);
    let fleet = convert::convert(source);
    print_conversion(&fleet);
    let repository = Repository::write(&arguments.work.join("fleet"), &fleet.files)?;
    let commit = repository.commit("the network as it is")?;
    println!("# Compiled as a whole\n\n{} at commit {commit}", repository.folder().display());
    figures::whole(&repository)?.print();
    rollout::run(&arguments.work, &fleet, &repository, &programs)?;
    role::run(&arguments.work.join("role"), &fleet, &programs)?;
    mistakes::run(&arguments.work.join("mistakes"), &fleet)?;
    slips::run(&arguments.work.join("slips"), &fleet)?;
    println!("{} s in all", start.elapsed().as_secs());
    Ok(())
}

fn print_conversion(fleet: &Fleet) {
    let count = |folder: &str| fleet.files.keys().filter(|path| path.starts_with(folder)).count();
    println!("# Converted\n");
    println!("{} hosts, {} values in {} files", fleet.hosts.len(), fleet.values, fleet.files.len());
    let levels = ["role", "target", "hardware", "site", "host"];
    let layers = levels.map(|level| format!("{} {level}", count(&format!("layers/{level}/"))));
    println!("layers: 1 common, {}\n", layers.join(", "));
    println!("{} mistakes of the data itself, which no device can use:", fleet.left_out.len());
    fleet.left_out.iter().for_each(|one| println!("  {one}"));
    println!();
}
