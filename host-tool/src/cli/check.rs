//! `steadfast check`: everything that is wrong with a fleet, before anybody merges it.

use clap::Args;
use serde_json::{Value, json};
use steadfast::compile::{Compiled, compile};
use steadfast::diagnostics::{Code, Diagnostics, Severity};

use super::reading::Reading;
use super::{Exit, Format, color};

/// Arguments of `steadfast check`.
#[derive(Args, Debug)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    reading: Reading,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs `steadfast check`. Ends with 8 when the only trouble is a live schema that cannot express a value.
pub(crate) fn run(args: &CheckArgs) -> anyhow::Result<Exit> {
    let outcome = args.reading.open().and_then(|fleet| compile(&fleet));
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
        }
        Format::Json => println!("{:#}", document(diagnostics, outcome.as_ref().ok())),
    }
    Ok(exit(diagnostics))
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
