//! `steadfast explain`: where each value of a device comes from.

use anyhow::anyhow;
use clap::Args;
use serde_json::{Value, json};
use steadfast::blame::{self, Blame, Written};
use steadfast::compile::{Behind, Explained, Explanation, Touch, explain};
use steadfast::diagnostics::{Position, closest};
use steadfast::fleet::{Device, Fleet};
use steadfast::git::{GitError, Repository};
use steadfast::value::FieldPath;

use super::reading::Reading;
use super::{Exit, Format};

/// Digits of a commit's id that people are shown.
const COMMIT_DIGITS: usize = 10;

/// Arguments of `steadfast explain`.
#[derive(Args, Debug)]
pub(crate) struct ExplainArgs {
    /// The device's name, or its id.
    device: String,
    /// A section or field, as in `network.servers`. Everything unless given.
    field: Option<String>,
    #[command(flatten)]
    reading: Reading,
    /// Show with each line the commit that wrote it, its author and day.
    #[arg(long)]
    blame: bool,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs `steadfast explain`.
pub(crate) fn run(args: &ExplainArgs) -> anyhow::Result<Exit> {
    let fleet = args.reading.open()?;
    let device = find(&fleet, &args.device)?;
    let below =
        args.field.as_deref().map(|field| FieldPath::parse(field).ok_or_else(|| bad_path(field))).transpose()?;
    let explanation = explain(&fleet, device, below.as_ref());
    if let (Some(field), true) = (&args.field, explanation.fields.is_empty()) {
        return Err(no_field(&fleet, device, field));
    }
    let blame = args.blame.then(|| blamed(args, &fleet, &explanation)).transpose()?;
    let shown = Shown { fleet: &fleet, device, explanation: &explanation, blame: blame.as_ref() };
    match args.format {
        Format::Text => print!("{}", text(&shown)),
        Format::Json => println!("{:#}", document(&shown)),
    }
    Ok(Exit::Fine)
}

/// What is printed.
struct Shown<'a> {
    fleet: &'a Fleet,
    device: &'a Device,
    explanation: &'a Explanation,
    /// Who wrote its lines, where that was asked for.
    blame: Option<&'a Blame>,
}

fn blamed(args: &ExplainArgs, fleet: &Fleet, explanation: &Explanation) -> anyhow::Result<Blame> {
    let told = |error: GitError| anyhow!("{error}; {}", error.help());
    let git = Repository::discover(&args.reading.fleet).map_err(told)?;
    blame::of_explanation(&git, fleet, explanation).map_err(told)
}

fn find<'f>(fleet: &'f Fleet, name: &str) -> anyhow::Result<&'f Device> {
    let by_id = || fleet.devices.iter().find(|device| device.id.to_string() == name);
    fleet.device(name).or_else(by_id).ok_or_else(|| {
        let near = closest(name, fleet.devices.iter().map(|device| &*device.name));
        let hint = near.map_or_else(
            || "`steadfast check` shows rows with faults".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        anyhow!("the inventory has no device `{name}`; {hint}")
    })
}

fn bad_path(field: &str) -> anyhow::Error {
    anyhow!("`{field}` is no path to a field; write it like network.servers")
}

fn no_field(fleet: &Fleet, device: &Device, field: &str) -> anyhow::Error {
    let all = explain(fleet, device, None);
    let names = all.fields.iter().map(|one| one.field.as_str());
    let hint = closest(field, names)
        .map_or_else(|| "leave the field out to see all of them".to_owned(), |near| format!("did you mean `{near}`?"));
    anyhow!("`{field}` is no field of {}; {hint}", device.name)
}

fn text(shown: &Shown<'_>) -> String {
    let Shown { fleet, device, explanation, blame } = *shown;
    let labels: Vec<String> = device.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let model = &fleet.model(device).name;
    let mut out =
        format!("{} ({model}{}{})\n", device.name, if labels.is_empty() { "" } else { ", " }, labels.join(", "));
    if device.chain.is_none() {
        out.push_str("  one of its layers is missing; `steadfast check` says which\n");
    }
    for (condition, position) in &explanation.patches {
        out.push_str(&format!("  patched, because {condition}  ({})\n", at(position)));
    }
    for field in &explanation.fields {
        out.push_str(&field_text(field, blame));
    }
    for (section, position) in &explanation.skipped {
        out.push_str(&format!("skipped: {} sets `{section}`, which the model {model} does not have\n", at(position)));
    }
    for Behind { schema, section, position } in &explanation.behind {
        let schema = schema.prefix();
        out.push_str(&format!(
            "skipped: {} sets `{section}`, which firmware with schema {schema} does not have\n",
            at(position)
        ));
    }
    out
}

fn field_text(field: &Explained, blame: Option<&Blame>) -> String {
    let value = match &field.value {
        Some(value) => value.to_string(),
        None if field.wrong => "wrong, see `steadfast check`".to_owned(),
        None => "absent".to_owned(),
    };
    let default = if is_default(field) { "  (default)" } else { "" };
    let mut out = format!("{} = {value}{default}\n", field.field);
    for touch in &field.history {
        out.push_str(&touch_text(touch, blame));
    }
    out
}

fn touch_text(touch: &Touch, blame: Option<&Blame>) -> String {
    let mark = if touch.wins { '*' } else { ' ' };
    let by = blame.map(|blame| format!("  ({})", by(blame, &touch.position))).unwrap_or_default();
    format!("  {mark} {:<36} {} {}{by}\n", at(&touch.position), touch.action.word(), touch.text)
}

/// Who wrote a line, in a few words.
fn by(blame: &Blame, position: &Position) -> String {
    let Some(written) = written(blame, position) else { return "not committed".to_owned() };
    let commit: String = written.commit.chars().take(COMMIT_DIGITS).collect();
    format!("{commit} {} {}", written.date, written.author)
}

fn written<'b>(blame: &'b Blame, position: &Position) -> Option<&'b Written> {
    blame.get(&(position.path.clone(), position.line)).map(|written| &**written)
}

/// Whether no layer gave the value.
fn is_default(field: &Explained) -> bool {
    !field.wrong && field.value.is_some() && !field.history.iter().any(|touch| touch.wins)
}

fn at(position: &Position) -> String {
    format!("{}:{}:{}", position.path, position.line, position.column)
}

fn document(shown: &Shown<'_>) -> Value {
    let Shown { fleet, device, explanation, blame } = *shown;
    let place =
        |position: &Position| json!({ "file": &*position.path, "line": position.line, "column": position.column });
    let touch = |touch: &Touch| {
        let mut one = json!({ "at": place(&touch.position), "action": touch.action.word(), "text": touch.text, "wins": touch.wins });
        if let Some(blame) = blame {
            one["blame"] = written(blame, &touch.position).map_or(
                Value::Null,
                |by| json!({ "commit": by.commit, "author": by.author, "email": by.email, "date": by.date }),
            );
        }
        one
    };
    let field = |field: &Explained| {
        let history: Vec<Value> = field.history.iter().map(touch).collect();
        json!({ "field": field.field, "value": field.value, "wrong": field.wrong, "default": is_default(field), "history": history })
    };
    let skipped =
        explanation.skipped.iter().map(|(section, position)| json!({ "section": section, "at": place(position) }));
    let behind = explanation
        .behind
        .iter()
        .map(|one| json!({ "schema": one.schema.to_string(), "section": one.section, "at": place(&one.position) }));
    let patches =
        explanation.patches.iter().map(|(condition, position)| json!({ "match": condition, "at": place(position) }));
    let labels: serde_json::Map<String, Value> =
        device.labels.iter().map(|(name, value)| (name.to_string(), json!(&**value))).collect();
    json!({
        "format": 1,
        "device": device.id.to_string(),
        "name": &*device.name,
        "model": &*fleet.model(device).name,
        "labels": labels,
        "layers": explanation.layers,
        "patches": patches.collect::<Vec<_>>(),
        "fields": explanation.fields.iter().map(field).collect::<Vec<_>>(),
        "skipped": skipped.collect::<Vec<_>>(),
        "behind": behind.collect::<Vec<_>>(),
    })
}
