//! `steadfast check`: everything that is wrong with a fleet, before anybody merges it.

use anyhow::anyhow;
use clap::Args;
use serde_json::{Value, json};
use steadfast::compile::{Compiled, compile};
use steadfast::diagnostics::{Code, Diagnostics, Severity};
use steadfast::fleet::Fleet;
use steadfast::policy::Verdicts;

use super::before::{self, Read};
use super::judging::{self, Judging};
use super::reading::Reading;
use super::vouching::Vouching;
use super::{Exit, Format, color};

/// Arguments of `steadfast check`.
#[derive(Args, Debug)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    judging: Judging,
    /// Demand that the commit is signed by somebody whom the commit before allows, or the list that --allowed-signers names.
    #[arg(long, conflicts_with = "worktree")]
    signed: bool,
    #[command(flatten)]
    vouching: Vouching,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs `steadfast check`. Ends with 8 when the only trouble is a live schema that cannot express a value.
pub(crate) fn run(args: &CheckArgs) -> anyhow::Result<Exit> {
    let read = args.reading.open().and_then(|fleet| compile(&fleet).map(|compiled| (fleet, compiled)));
    if let (Ok((fleet, _)), true) = (&read, args.signed || args.vouching.is_asked()) {
        signed(args, fleet)?;
    }
    let mut verdicts = None;
    let outcome = match read {
        Ok(read) => match judged(args, &read).map_err(|error| error.downcast::<Diagnostics>()) {
            Ok(said) => {
                verdicts = said;
                Ok(read.1)
            }
            Err(Ok(broken)) => Err(broken),
            Err(Err(error)) => return Err(error),
        },
        Err(diagnostics) => Err(diagnostics),
    };
    let diagnostics = match &outcome {
        Ok(compiled) => &compiled.warnings,
        Err(diagnostics) => diagnostics,
    };
    match args.format {
        Format::Text => {
            eprint!("{}", diagnostics.to_text(color()));
            if let Ok(compiled) = &outcome {
                println!("{}", summary(compiled));
            }
            verdicts.iter().for_each(judging::tell);
        }
        Format::Json => {
            let mut document = document(diagnostics, outcome.as_ref().ok());
            document["policy"] = json!(verdicts);
            println!("{document:#}");
        }
    }
    Ok(if verdicts.is_some_and(|verdicts| verdicts.denies()) { Exit::Denied } else { exit(diagnostics) })
}

/// Demands a signature of the commit; a fleet that asks nobody for one has nothing to check here.
fn signed(args: &CheckArgs, fleet: &Fleet) -> anyhow::Result<()> {
    let folder = &args.reading.fleet;
    let before = before::parent(folder, fleet)?.map(|(_, commit)| commit);
    if args.vouching.require(folder, &fleet.source.commit.to_string(), before.as_deref())? {
        return Ok(());
    }
    Err(anyhow!(
        "nobody says who may sign commits; name a list as `allowed_signers` under [fleet], or with --allowed-signers"
    ))
}

/// What the fleet's rules say of its last commit, or of what differs from it in the folder.
fn judged(args: &CheckArgs, read: &Read) -> anyhow::Result<Option<Verdicts>> {
    if read.0.rules.is_empty() {
        return Ok(None);
    }
    let folder = &args.reading.fleet;
    args.judging.since(folder, before::parent(folder, &read.0)?, read)
}

pub(super) fn exit(diagnostics: &Diagnostics) -> Exit {
    let errors = || diagnostics.list().iter().filter(|one| one.severity() == Severity::Error);
    if errors().next().is_none() {
        Exit::Fine
    } else if errors().all(|one| one.code() == Code::SchemaSkew) {
        Exit::SchemaSkew
    } else {
        Exit::Error
    }
}

fn summary(compiled: &Compiled) -> String {
    let bytes: usize = compiled.objects.values().map(Vec::len).sum();
    let (devices, manifests) = (compiled.roster.len(), compiled.manifests.len());
    let objects = compiled.objects.len();
    format!("no errors. devices: {devices}, different configurations: {manifests}, objects: {objects} ({bytes} bytes)")
}

pub(super) fn document(diagnostics: &Diagnostics, compiled: Option<&Compiled>) -> Value {
    let counts = compiled.map(|compiled| {
        json!({
            "devices": compiled.roster.len(),
            "manifests": compiled.manifests.len(),
            "objects": compiled.objects.len(),
        })
    });
    let mut document = diagnostics.to_value();
    document["compiled"] = counts.unwrap_or(Value::Null);
    document
}
