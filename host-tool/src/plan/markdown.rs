//! A plan as a comment on a merge request: numbers in a table, then each group folded away.
//!
//! Nothing of a fleet's data is taken for markup: what stands outside a block of code is escaped.

use super::told::{self, Ends};
use super::{Group, Kind, Plan};
use crate::policy::Verdict;
use crate::words::counted;

/// Most bytes of the text. GitHub takes comments of at most 65,536 characters, and others want to say something in one, too.
pub const MARKDOWN_BYTES: usize = 65_000;

/// Room for the sentence that says what was left out.
const LAST_BYTES: usize = 300;

/// Longest line of a field, in characters.
const WIDTH: usize = 300;

/// Most fields of one group, so that the first one leaves room for others.
const FIELDS: usize = 100;

/// Most warnings, and most lines about rows of the inventory.
const ASIDE: usize = 50;

/// Most verdicts of each kind.
const VERDICTS: usize = 10;

/// Most characters of a line outside of groups.
const LINE_CHARS: usize = 500;

/// The plan within [`MARKDOWN_BYTES`].
#[must_use]
pub fn markdown(plan: &Plan, ends: &Ends) -> String {
    let mut out = format!("### {}\n\n", escaped(&told::title(plan)));
    ends.lines().iter().for_each(|line| out.push_str(&format!("{}\n", escaped(line))));
    out.push_str(&table(plan));
    let mut notes = verdicts(plan);
    notes.extend(plan.warnings.iter().take(ASIDE).map(warning));
    notes.extend(
        (plan.warnings.len() > ASIDE).then(|| format!("> and {} more warnings\n\n", plan.warnings.len() - ASIDE)),
    );
    notes.extend(rows(plan));
    notes.iter().for_each(|note| out.push_str(note));
    for (group, place) in plan.groups.iter().zip(0..) {
        let block = block(group);
        if out.len() + block.len() + LAST_BYTES > MARKDOWN_BYTES {
            let rest = &plan.groups[place..];
            let devices = rest.iter().map(|group| group.devices.count).sum();
            let (groups, devices) = (counted(rest.len(), "group"), counted(devices, "device"));
            out.push_str(&format!(
                "Left out for want of room: {groups} with {devices}. `steadfast plan --all` shows them.\n"
            ));
            break;
        }
        out.push_str(&block);
    }
    out
}

fn table(plan: &Plan) -> String {
    let counts = &plan.counts;
    let mut rows = vec![("change", counts.changed), ("stay as they are", counts.unchanged)];
    let rest = [
        ("new", counts.new),
        ("gone", counts.gone),
        ("of another model", counts.moved),
        ("relabelled", counts.relabelled),
        ("renamed", counts.renamed),
        ("with another key", counts.rekeyed),
    ];
    rows.extend(rest.into_iter().filter(|(_, count)| *count > 0));
    let rows: String = rows.into_iter().map(|(word, count)| format!("| {word} | {count} |\n")).collect();
    let bytes = told::download(plan).map(|line| format!("{line}\n\n")).unwrap_or_default();
    format!("\n| devices | |\n|---|---:|\n{rows}\n{bytes}")
}

fn verdicts(plan: &Plan) -> Vec<String> {
    let Some(verdicts) = &plan.policy else { return Vec::new() };
    let mut notes = vec![format!("{}\n\n", escaped(&verdicts.summary()))];
    for (list, word) in [(&verdicts.denied, "Denied"), (&verdicts.warned, "Warned")] {
        let line = |verdict: &Verdict| escaped(&told::cut(&verdict.line(), LINE_CHARS));
        notes.extend(list.iter().take(VERDICTS).map(|verdict| format!("> **{word}** by {}\n\n", line(verdict))));
        notes.extend((list.len() > VERDICTS).then(|| format!("> and {} more\n\n", list.len() - VERDICTS)));
    }
    notes
}

fn warning(warning: &super::Warning) -> String {
    let devices = warning.devices.as_ref().map(|devices| format!(" ({})", told::devices(devices))).unwrap_or_default();
    let line = told::cut(&format!("{}{devices}", warning.message), LINE_CHARS);
    format!("> **Warning:** {}\n\n", escaped(&line))
}

/// What differs in the rows of the inventory.
fn rows(plan: &Plan) -> Vec<String> {
    let labels = plan.relabelled.iter().map(|one| {
        let labels: Vec<String> = one.labels.iter().map(|(label, change)| told::relabel(label, change)).collect();
        format!("labels of {}; {}", told::devices(&one.devices), labels.join(", "))
    });
    let names = plan.renamed.iter().map(|one| format!("name: {} -> {}", one.old, one.new));
    let keys = plan.rekeyed.iter().map(|devices| format!("another key: {}", told::devices(devices)));
    let all: Vec<String> = keys.chain(labels).chain(names).collect();
    let mut lines: Vec<String> =
        all.iter().take(ASIDE).map(|line| format!("- {}\n", escaped(&told::cut(line, LINE_CHARS)))).collect();
    lines.extend((all.len() > ASIDE).then(|| format!("- and {} more\n", all.len() - ASIDE)));
    lines.extend((!lines.is_empty()).then(|| "\n".to_owned()));
    lines
}

fn block(group: &Group) -> String {
    let heading = told::cut(&told::heading(group), LINE_CHARS);
    if group.kind != Kind::Changed {
        return format!("- {}\n\n", escaped(&format!("{heading} (model {})", group.effect.model)));
    }
    let fields = &group.effect.fields;
    let mut lines: String =
        fields.iter().take(FIELDS).map(|field| format!("{}\n", told::change(field, WIDTH))).collect();
    if fields.len() > FIELDS {
        lines.push_str(&format!("and {}\n", counted(fields.len() - FIELDS, "more field")));
    }
    let price = told::cut(&told::price(group), LINE_CHARS);
    format!(
        "<details><summary><b>{}</b><br>{}</summary>\n\n```text\n{lines}```\n\n</details>\n\n",
        escaped(&heading),
        escaped(&price)
    )
}

/// Text that stays text: no markup, no HTML, no mention of anybody.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '@' | '#' | '*' | '`' | '[' | ']' | '\\' | '|' | '~' | '!' => {
                out.push_str(&format!("&#{};", u32::from(letter)))
            }
            '_' => out.push_str("&#95;"),
            '\n' | '\r' => out.push(' '),
            letter => out.push(letter),
        }
    }
    out
}
