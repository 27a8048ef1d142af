//! `steadfast policy`: a fleet's rules by themselves.

use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::json;
use steadfast::policy::{Case, Outcome, Rules, cases};
use steadfast::words::{counted, visible};

use super::{Exit, Format};

/// Try a fleet's rules.
#[derive(Args, Debug)]
pub(crate) struct PolicyArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the cases beside the rules: every rule whose name begins with `test_` has to hold.
    Test(TestArgs),
}

#[derive(Args, Debug)]
struct TestArgs {
    /// The folder that holds the rules and their cases.
    #[arg(default_value = "policy", value_name = "FOLDER")]
    folder: PathBuf,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs `steadfast policy`.
pub(crate) fn run(args: &PolicyArgs) -> anyhow::Result<Exit> {
    let Command::Test(args) = &args.command;
    let all = cases(&Rules::in_folder(&args.folder)?)?;
    if all.is_empty() {
        bail!("there is no case in {}; write rules whose names begin with `test_`", args.folder.display());
    }
    let failed = all.iter().filter(|case| case.outcome != Outcome::Held).count();
    match args.format {
        Format::Text => {
            all.iter().for_each(|case| println!("{}", line(case)));
            println!("{}, {failed} failed", counted(all.len(), "case"));
        }
        Format::Json => {
            let one = |case: &Case| {
                let why = match &case.outcome {
                    Outcome::Held => None,
                    Outcome::Failed(why) => Some(why),
                };
                json!({ "name": case.name, "place": case.place, "held": why.is_none(), "why": why })
            };
            println!("{:#}", json!({ "format": 1, "cases": all.iter().map(one).collect::<Vec<_>>() }));
        }
    }
    Ok(if failed == 0 { Exit::Fine } else { Exit::Error })
}

fn line(case: &Case) -> String {
    match &case.outcome {
        Outcome::Held => format!("held    {}", case.name),
        Outcome::Failed(why) => format!("FAILED  {} ({}): {}", case.name, case.place, visible(why)),
    }
}
