//! The command line: what is common to all commands. Each command is one file with its `Args` and a `run`.
//!
//! Data goes to standard output, everything else to standard error. Exit codes are stable: scripts are built on them.

mod before;
mod build;
pub(crate) mod check;
mod demo;
mod device;
mod endorse;
mod endorsing;
mod examples;
pub(crate) mod explain;
mod flash;
mod fmt;
mod holders;
pub(crate) mod init;
mod inspect;
mod judging;
mod keys;
mod making;
mod manual;
mod plan;
mod policy;
mod progress;
mod publish;
pub(crate) mod reading;
mod schema;
mod schema_check;
mod serve;
mod sign;
mod standing;
mod status;
mod verify;
mod vouching;
mod why;

use std::fmt::Display;
use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
use steadfast::diagnostics::{Color, Diagnostics};

/// GitOps for fleets of microcontrollers and gateways.
///
/// Exit codes: 0 fine, 1 error, 2 changes (only with `plan --exit-code` and `fmt --check`), 3 denied by a rule, 5 a device is unhealthy, 7 verification failed, 8 schema skew, 9 superseded.
#[derive(Parser)]
#[command(name = "steadfast", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Compile a commit into a pack.
    Build(build::BuildArgs),
    /// Check every device of a fleet and show all that is wrong.
    Check(check::CheckArgs),
    /// Print a script with which a shell completes commands and options.
    Completions(manual::CompletionsArgs),
    /// Show a whole fleet on this machine, and what becomes of good and bad commits.
    Demo(demo::DemoArgs),
    /// Give devices ids and keys, and list them.
    Device(device::DeviceArgs),
    /// Sign a commit's release after compiling it here, for others to publish.
    Endorse(endorse::EndorseArgs),
    /// Show where the values of a device come from.
    Explain(explain::ExplainArgs),
    /// Write a device's identity and first configuration into a flash image.
    Flash(flash::FlashArgs),
    /// Give the fleet's TOML files one form.
    Fmt(fmt::FmtArgs),
    /// Write a small working fleet into a folder.
    Init(init::InitArgs),
    /// Show what is in a pack.
    Inspect(inspect::InspectArgs),
    /// Make a fleet's keys and keyring, and show them.
    Keys(keys::KeysArgs),
    /// Write manual pages.
    Man(manual::ManArgs),
    /// Show what a change does to every device, before it is merged.
    Plan(plan::PlanArgs),
    /// Try a fleet's rules.
    Policy(policy::PolicyArgs),
    /// Compile and sign a commit, or take a signed pack, and hand it to a server.
    Publish(publish::PublishArgs),
    /// Take schemas out of firmware, list them, show them.
    Schema(schema::SchemaArgs),
    /// Run the server that devices ask.
    Serve(serve::ServeArgs),
    /// Sign a pack.
    Sign(sign::SignArgs),
    /// Show what devices should run, what they run, and how they are.
    Status(status::StatusArgs),
    /// Check whether devices will take a pack.
    Verify(verify::VerifyArgs),
    /// Show everything about one device on one screen.
    Why(why::WhyArgs),
}

/// How a command ends. The numbers never change their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// All is well.
    Fine = 0,
    /// Something went wrong; standard error says what.
    Error = 1,
    /// Something changes; only where it was asked for.
    Changes = 2,
    /// A rule of the fleet refuses the change.
    Denied = 3,
    /// A device is unhealthy, or a rollout was aborted.
    Unhealthy = 5,
    /// Something signed, digested or recomputed is not what it claims to be.
    Unverified = 7,
    /// A firmware's schema and the fleet's disagree.
    SchemaSkew = 8,
    /// A newer commit is published, so this one was not.
    Superseded = 9,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// What a shell sees of a program that SIGPIPE ended: 128 and the signal's number.
const EXIT_SIGPIPE: i32 = 141;

/// How data is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs: one JSON document.
    Json,
}

/// An error that ends the program with another code than 1.
#[derive(Debug)]
struct Coded {
    exit: Exit,
    error: anyhow::Error,
}

impl Exit {
    /// Wraps `error` so that the program ends with this.
    pub(crate) fn with(self, error: impl Into<anyhow::Error>) -> anyhow::Error {
        Coded { exit: self, error: error.into() }.into()
    }
}

impl Display for Coded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Coded {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

/// The commands, their options and their help.
fn command() -> clap::Command {
    examples::add(Cli::command())
}

/// Runs the command that was asked for and reports its error.
pub(crate) fn run() -> ExitCode {
    end_quietly_with_the_reader();
    let parsed = command().try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(told) => return misused(&told),
    };
    match dispatch(&cli.command) {
        Ok(exit) => exit.into(),
        Err(error) => {
            report(&error);
            error.downcast_ref::<Coded>().map_or(Exit::Error, |coded| coded.exit).into()
        }
    }
}

/// Shows help, the version, or what is wrong with the arguments. That is an error like any other: clap's own 2 means changes here.
fn misused(told: &clap::Error) -> ExitCode {
    // Nobody is left to be told that nobody reads.
    let _ = told.print();
    if told.use_stderr() { Exit::Error } else { Exit::Fine }.into()
}

fn dispatch(command: &Command) -> anyhow::Result<Exit> {
    match command {
        Command::Build(args) => build::run(args),
        Command::Check(args) => check::run(args),
        Command::Completions(args) => manual::completions(args),
        Command::Demo(args) => demo::run(args),
        Command::Device(args) => device::run(args),
        Command::Endorse(args) => endorse::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Flash(args) => flash::run(args),
        Command::Fmt(args) => fmt::run(args),
        Command::Init(args) => init::run(args),
        Command::Inspect(args) => inspect::run(args),
        Command::Keys(args) => keys::run(args),
        Command::Man(args) => manual::pages(args),
        Command::Plan(args) => plan::run(args),
        Command::Policy(args) => policy::run(args),
        Command::Publish(args) => publish::run(args),
        Command::Schema(args) => schema::run(args),
        Command::Serve(args) => serve::run(args),
        Command::Sign(args) => sign::run(args),
        Command::Status(args) => status::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Why(args) => why::run(args),
    }
}

/// `println!` panics when nobody reads any more, as behind `| head`. That is no fault: the program ends, as others do then.
fn end_quietly_with_the_reader() {
    let ordinary = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let words = panic.payload_as_str().unwrap_or_default();
        if words.starts_with("failed printing to stdout") && words.contains("Broken pipe") {
            std::process::exit(EXIT_SIGPIPE);
        }
        ordinary(panic);
    }));
}

/// Whether standard error takes colours: a terminal, and nobody said `NO_COLOR` (no-color.org).
pub(crate) fn color() -> Color {
    color_of(&std::io::stderr())
}

/// The same of any stream.
pub(crate) fn color_of(stream: &impl IsTerminal) -> Color {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if stream.is_terminal() && !refused { Color::Always } else { Color::Never }
}

/// One line for what happened, one for each cause. Diagnostics bring their own form.
fn report(error: &anyhow::Error) {
    let inner = error.downcast_ref::<Coded>().map_or(error, |coded| &coded.error);
    if let Some(diagnostics) = inner.downcast_ref::<Diagnostics>() {
        eprint!("{}", diagnostics.to_text(color()));
        return;
    }
    eprintln!("error: {error}");
    for cause in error.chain().skip(1) {
        eprintln!("  because: {cause}");
    }
}
