//! The command line of `steadfast-gateway`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use anyhow::Context;
use clap::{Parser, Subcommand};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use steadfast_gateway::config::GatewayConfig;
use steadfast_gateway::gateway::Gateway;
use steadfast_gateway::log::{Format, Log};
use steadfast_gateway::notify::Notify;
use steadfast_gateway::show::Summary;

/// Steadfast's agent for Linux gateways: pulls this device's configuration, tries it, and goes back to what worked.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run until SIGTERM
    Run {
        #[command(flatten)]
        site: SiteArguments,
        /// How each change of state is written to standard error
        #[arg(long, value_enum, default_value_t)]
        log: Format,
    },
    /// Check the gateway's configuration, its image and its target, and change nothing that runs
    Check {
        #[command(flatten)]
        site: SiteArguments,
    },
    /// Print what the image remembers
    Show {
        #[command(flatten)]
        site: SiteArguments,
        /// How it is printed
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

#[derive(clap::Args)]
struct SiteArguments {
    /// The gateway's own configuration
    #[arg(long, value_name = "FILE", default_value = "gateway.toml")]
    config: PathBuf,
}

fn main() -> ExitCode {
    match act(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn act(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Run { site, log } => run(&site, log),
        Command::Check { site } => check(&site),
        Command::Show { site, format } => show(&site, format),
    }
}

fn run(site: &SiteArguments, format: Format) -> anyhow::Result<()> {
    let config = GatewayConfig::load(&site.config)?;
    let mut signals = Signals::new([SIGTERM, SIGINT]).context("cannot listen for signals")?;
    let (gateway, stopper) = Gateway::open(config, Log::to_stderr(format), Notify::from_environment())?;
    thread::spawn(move || signals.forever().for_each(|_| stopper.stop()));
    Ok(gateway.run()?)
}

fn check(site: &SiteArguments) -> anyhow::Result<()> {
    let config = GatewayConfig::load(&site.config)?;
    config.find_programs()?;
    Gateway::open(config, Log::to_stderr(Format::Text), Notify::nobody())?;
    println!("{}: fine", site.config.display());
    Ok(())
}

fn show(site: &SiteArguments, format: Format) -> anyhow::Result<()> {
    let summary = Summary::read(&GatewayConfig::load(&site.config)?)?;
    match format {
        Format::Text => print!("{summary}"),
        Format::Json => println!("{}", serde_json::to_string(&summary)?),
    }
    Ok(())
}
