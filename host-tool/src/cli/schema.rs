//! `steadfast schema`: what firmwares can be told. Takes schemas out of firmware, lists them, shows them, writes pages about them.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use comfy_table::Table;
use comfy_table::presets;
use serde_json::json;
use steadfast::docs;
use steadfast::fleet::{At, Fleet, SETTINGS_FILE};
use steadfast::schema::{self, Added, Schema, Stored};

use super::schema_check::{self, CheckArgs};
use super::{Exit, Format};

/// Take schemas out of firmware, list them, show them.
#[derive(Args, Debug)]
pub(crate) struct SchemaArgs {
    /// The fleet repository, or the folder of one fleet in it.
    #[arg(long, default_value = ".", global = true)]
    fleet: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Put a firmware's schema into the fleet repository.
    Add(AddArgs),
    /// List the schemas of the fleet repository.
    List(ListArgs),
    /// Show what a schema allows.
    Show(ShowArgs),
    /// Say what a new schema means for the firmware that is in the field. Ends with 8 when a difference is unsafe.
    Check(CheckArgs),
    /// Write a reference page for each model, and a JSON Schema of the layers for editors.
    Docs(DocsArgs),
}

#[derive(Args, Debug)]
struct AddArgs {
    /// The firmware's ELF file, or a file that holds only its schema description.
    firmware: PathBuf,
    /// The model whose devices run it. Can be left out when the fleet has only one.
    #[arg(long)]
    model: Option<String>,
    /// Say what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Args, Debug)]
struct ListArgs {
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Args, Debug)]
struct ShowArgs {
    /// A schema's id or the beginning of it, a model with a single schema, or a file: firmware, exported or hand-written.
    schema: String,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    format: Page,
}

#[derive(Args, Debug)]
struct DocsArgs {
    /// The folder that the pages are written into, seen from the fleet's.
    #[arg(long, default_value = "docs", value_name = "FOLDER")]
    out: PathBuf,
    /// Write nothing, and end with 1 when a page is not as it would be written.
    #[arg(long)]
    check: bool,
    /// Say what would be written, and write nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Forms of a reference page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Page {
    /// For people; plain text that is also Markdown.
    #[default]
    Markdown,
    /// For editors: JSON Schema, draft 7.
    JsonSchema,
}

/// Runs `steadfast schema`.
pub(crate) fn run(args: &SchemaArgs) -> anyhow::Result<Exit> {
    match &args.command {
        Command::Add(add) => run_add(&args.fleet, add),
        Command::List(list) => run_list(&args.fleet, list.format),
        Command::Show(show) => run_show(&args.fleet, show),
        Command::Check(check) => schema_check::run(&args.fleet, check),
        Command::Docs(docs) => run_docs(&args.fleet, docs),
    }
}

fn run_add(fleet: &Path, args: &AddArgs) -> anyhow::Result<Exit> {
    let schema = schema::load(&args.firmware)?;
    let model = match &args.model {
        Some(model) => model.clone(),
        None => only_model(fleet)?,
    };
    let path = schema::place(fleet, &model, &schema)?;
    if args.dry_run {
        println!("would write {}", path.display());
        return Ok(Exit::Fine);
    }
    match schema::add(fleet, &model, &schema)? {
        Added::New(path) => println!("added {}", path.display()),
        Added::Redocumented(path) => println!("updated the documentation in {}", path.display()),
        Added::Unchanged(path) => println!("{} is already there", path.display()),
    }
    let others = schema::beside(&path)?;
    if !others.is_empty() && !is_named(fleet, &model, &path) {
        let are = if others.len() == 1 { "is" } else { "are" };
        eprintln!(
            "{} {are} there too: remove what no device runs any more, or list the live ones under",
            others.join(", ")
        );
        eprintln!("[models.{model}] in steadfast.toml, oldest first: schemas = [{}]", quoted(&others, &path));
    }
    Ok(Exit::Fine)
}

/// Whether the settings name this schema as live. What cannot be read is for `steadfast check` to say.
fn is_named(fleet: &Path, model: &str, path: &Path) -> bool {
    let text = std::fs::read_to_string(fleet.join(SETTINGS_FILE)).unwrap_or_default();
    let settings: toml::Table = text.parse().unwrap_or_default();
    let names = settings.get("models").and_then(|models| models.get(model)?.get("schemas")?.as_array());
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    names.is_some_and(|names| names.iter().any(|known| known.as_str() == Some(&*name)))
}

fn quoted(others: &[String], path: &Path) -> String {
    let own = path.file_name().unwrap_or_default().to_string_lossy();
    let all = others.iter().map(String::as_str).chain([&*own]);
    all.map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}

pub(super) fn only_model(fleet: &Path) -> anyhow::Result<String> {
    let mut models: Vec<String> =
        schema::list(fleet).unwrap_or_default().into_iter().map(|stored| stored.model).collect();
    models.dedup();
    match models.as_slice() {
        [model] => Ok(model.clone()),
        [] => bail!("this fleet has no model with a schema yet: name the model with --model"),
        several => bail!("which model runs this firmware? Name it with --model: {}", several.join(", ")),
    }
}

fn run_list(fleet: &Path, format: Format) -> anyhow::Result<Exit> {
    let stored = schema::list(fleet)?;
    match format {
        Format::Json => {
            println!("{:#}", json!({ "format": 1, "schemas": stored.iter().map(as_json).collect::<Vec<_>>() }))
        }
        Format::Text => {
            let mut table = Table::new();
            table.load_style(presets::NOTHING).set_header([
                "MODEL",
                "SCHEMA",
                "NAME",
                "SECTIONS",
                "BYTES AT MOST",
                "FILE",
            ]);
            table.add_rows(stored.iter().map(row));
            println!("{table}");
        }
    }
    Ok(Exit::Fine)
}

fn row(stored: &Stored) -> [String; 6] {
    let schema = &stored.schema;
    let sections: Vec<&str> = schema.sections.iter().map(|section| section.name.as_str()).collect();
    let (model, path) = (stored.model.clone(), stored.path.display().to_string());
    [model, schema.short_id(), schema.name.clone(), sections.join(", "), schema.max_bytes().to_string(), path]
}

fn as_json(stored: &Stored) -> serde_json::Value {
    let schema = &stored.schema;
    let sections =
        schema.sections.iter().map(|section| json!({ "name": section.name, "max_bytes": section.max_bytes() }));
    json!({
        "model": stored.model,
        "id": schema.id.to_string(),
        "name": schema.name,
        "file": stored.path,
        "sections": sections.collect::<Vec<_>>(),
    })
}

fn run_show(fleet: &Path, args: &ShowArgs) -> anyhow::Result<Exit> {
    let schema = find(fleet, &args.schema)?;
    match args.format {
        Page::Markdown => print!("{}", schema.page()),
        Page::JsonSchema => println!("{:#}", schema.json_schema()),
    }
    Ok(Exit::Fine)
}

fn run_docs(folder: &Path, args: &DocsArgs) -> anyhow::Result<Exit> {
    let fleet = Fleet::open(folder, &At::Worktree)?;
    let out = folder.join(&args.out);
    let mut differing = 0;
    for page in docs::pages(&fleet) {
        let path = out.join(&page.path);
        if std::fs::read_to_string(&path).is_ok_and(|text| text == page.text) {
            continue;
        }
        differing += 1;
        if args.check || args.dry_run {
            println!("would write {}", path.display());
            continue;
        }
        std::fs::create_dir_all(&out).with_context(|| format!("{} cannot be made", out.display()))?;
        std::fs::write(&path, &page.text).with_context(|| format!("{} cannot be written", path.display()))?;
        println!("wrote {}", path.display());
    }
    if differing == 0 {
        println!("every page is up to date");
    }
    Ok(if args.check && differing > 0 { Exit::Error } else { Exit::Fine })
}

fn find(fleet: &Path, wanted: &str) -> anyhow::Result<Schema> {
    if Path::new(wanted).is_file() {
        return Ok(schema::load(Path::new(wanted))?);
    }
    let is_wanted =
        |stored: &Stored| stored.model == wanted || stored.schema.id.to_string().starts_with(&wanted.to_lowercase());
    let stored =
        schema::list(fleet).with_context(|| format!("`{wanted}` is no file, and there is no fleet to look in"))?;
    let mut found: Vec<Stored> = stored.into_iter().filter(is_wanted).collect();
    found.dedup_by_key(|stored| stored.schema.id);
    match found.len() {
        1 => Ok(found.remove(0).schema),
        0 => {
            bail!("`{wanted}` is no file, no model and no schema id of this fleet; `steadfast schema list` lists them")
        }
        count => {
            let ids: Vec<String> = found.iter().map(|stored| stored.schema.short_id()).collect();
            bail!("`{wanted}` could be any of {count} schemas; name one by its id: {}", ids.join(", "))
        }
    }
}
