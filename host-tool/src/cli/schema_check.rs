//! `steadfast schema check`: what a new schema means for the firmware that is in the field.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use serde_json::{Value, json};
use steadfast::fleet::SETTINGS_FILE;
use steadfast::schema::{self, Remark, Schema, Verdict, compare};

use super::{Exit, Format};

/// Arguments of `steadfast schema check`.
#[derive(Args, Debug)]
pub(crate) struct CheckArgs {
    /// The new firmware's ELF file, or a schema file. Unless given, the newest live schema of each model is looked at.
    firmware: Option<PathBuf>,
    /// The model whose devices run it. Can be left out when the fleet has only one.
    #[arg(long)]
    model: Option<String>,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// A new schema against one that is live.
struct Compared {
    model: String,
    new: Schema,
    old: Schema,
    remarks: Vec<Remark>,
}

/// Runs `steadfast schema check`. Ends with 8 when a difference is unsafe.
pub(crate) fn run(fleet: &Path, args: &CheckArgs) -> anyhow::Result<Exit> {
    let compared = match &args.firmware {
        Some(firmware) => {
            let model = args.model.clone().map_or_else(|| super::schema::only_model(fleet), Ok)?;
            let mut live = live(fleet, &model)?;
            let new = schema::load(firmware)?;
            // It may have been added already; what comes after it is newer still.
            live.truncate(live.iter().position(|known| known.id == new.id).unwrap_or(live.len()));
            against(&model, &new, &live)
        }
        None => {
            let mut all = Vec::new();
            for model in models(fleet)?.into_iter().filter(|model| args.model.as_ref().is_none_or(|one| one == model)) {
                let mut live = live(fleet, &model)?;
                let newest = live.pop();
                all.extend(newest.into_iter().flat_map(|newest| against(&model, &newest, &live)));
            }
            all
        }
    };
    match args.format {
        Format::Text => print!("{}", text(&compared)),
        Format::Json => println!("{:#}", document(&compared)),
    }
    let refused = compared.iter().flat_map(|one| &one.remarks).any(|remark| remark.verdict == Verdict::Unsafe);
    Ok(if refused { Exit::SchemaSkew } else { Exit::Fine })
}

fn against(model: &str, new: &Schema, live: &[Schema]) -> Vec<Compared> {
    let one = |(index, old): (usize, &Schema)| {
        let between: Vec<&Schema> = live[index + 1..].iter().rev().collect();
        Compared { model: model.to_owned(), new: new.clone(), old: old.clone(), remarks: compare(new, &between, old) }
    };
    live.iter().enumerate().map(one).collect()
}

/// The models that have schemas.
fn models(fleet: &Path) -> anyhow::Result<Vec<String>> {
    let mut models: Vec<String> = schema::list(fleet)?.into_iter().map(|stored| stored.model).collect();
    models.dedup();
    Ok(models)
}

/// The live schemas of a model, oldest first: those that the settings name, or the only one that there is.
fn live(fleet: &Path, model: &str) -> anyhow::Result<Vec<Schema>> {
    let folder = fleet.join(schema::FOLDER).join(model);
    let settings = fleet.join(SETTINGS_FILE);
    let text = std::fs::read_to_string(&settings).with_context(|| format!("{} cannot be read", settings.display()))?;
    let table: toml::Table = text.parse().with_context(|| format!("{} cannot be read", settings.display()))?;
    let named = table.get("models").and_then(|models| models.get(model)?.get("schemas")?.as_array());
    let paths: Vec<PathBuf> = match named {
        Some(names) => names.iter().filter_map(|name| Some(folder.join(name.as_str()?))).collect(),
        None => schema::list(fleet)?.into_iter().filter(|one| one.model == model).map(|one| one.path).collect(),
    };
    if named.is_none() && paths.len() > 1 {
        bail!(
            "there are {} schemas in {}, and {SETTINGS_FILE} names none of them as live",
            paths.len(),
            folder.display()
        );
    }
    paths.iter().map(|path| Ok(schema::load(path)?)).collect()
}

fn text(compared: &[Compared]) -> String {
    let mut out = String::new();
    if compared.is_empty() {
        out.push_str("no other schema is live, so nothing can disagree\n");
    }
    for one in compared {
        let name = |schema: &Schema| format!("{} ({})", schema.name, schema.short_id());
        out.push_str(&format!("{}: {} against the live {}\n", one.model, name(&one.new), name(&one.old)));
        if one.remarks.is_empty() {
            out.push_str("  no difference\n");
        }
        for remark in &one.remarks {
            out.push_str(&format!("  {:<6}  {} {}\n", remark.verdict.word(), remark.path, remark.what));
            if !remark.help.is_empty() {
                out.push_str(&format!("          {}\n", remark.help));
            }
        }
    }
    out
}

fn document(compared: &[Compared]) -> Value {
    let remark = |remark: &Remark| json!({ "verdict": remark.verdict.word(), "path": remark.path, "what": remark.what, "help": remark.help });
    let one = |one: &Compared| {
        json!({
            "model": one.model,
            "new": one.new.id.to_string(),
            "old": one.old.id.to_string(),
            "remarks": one.remarks.iter().map(remark).collect::<Vec<_>>(),
        })
    };
    json!({ "format": 1, "compared": compared.iter().map(one).collect::<Vec<_>>() })
}
