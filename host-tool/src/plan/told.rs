//! The words that a plan is told in, for a terminal and for a merge request alike.

use serde::Serialize;
use serde_json::Value as Json;
use steadfast_core::manifest::{Restart, Risk};

use super::{Change, Group, Kind, Named, Plan, Relabel, Worth};
use crate::words::counted;

/// How many devices are named before the rest is only counted.
const EXAMPLES: usize = 3;

/// The shortest that a value is cut to, in characters.
const VALUE_CHARS_MIN: usize = 20;

/// What was compared with what.
#[derive(Clone, Debug, Serialize)]
pub struct Ends {
    /// Before.
    pub base: Base,
    /// After.
    pub head: Head,
}

/// Where a plan starts from.
#[derive(Clone, Debug, Serialize)]
pub struct Base {
    /// Whether there was something to compare with.
    pub state: BaseState,
    /// As it was asked for.
    pub revision: Option<String>,
    /// Its full id.
    pub commit: Option<String>,
}

/// What the base is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BaseState {
    /// It was compared with the head.
    Compared,
    /// There is no commit, or no fleet in it: everything is new.
    Absent,
    /// It does not compile, so nothing is known of before: everything is shown as new.
    Broken,
}

/// What a plan leads to.
#[derive(Clone, Debug, Serialize)]
pub struct Head {
    /// As it was asked for.
    pub revision: String,
    /// Its full id; of a worktree, that of the commit below it. All zeros where there is none.
    pub commit: String,
    /// Whether files were read as they lie in the folder.
    pub worktree: bool,
}

impl Ends {
    /// Both in one line, and a second one where the base is of no use.
    pub(super) fn lines(&self) -> Vec<String> {
        let head = if self.head.worktree {
            "the files as they lie".to_owned()
        } else {
            point(&self.head.revision, &self.head.commit)
        };
        let base = match (&self.base.revision, &self.base.commit) {
            (Some(revision), Some(commit)) => point(revision, commit),
            _ => "nothing".to_owned(),
        };
        let note = match self.base.state {
            BaseState::Compared => None,
            BaseState::Absent => Some("there is no fleet before this: every device is new"),
            BaseState::Broken => {
                Some("the base does not compile, so nothing is known of before: every device is shown as new")
            }
        };
        [format!("from {base} to {head}")].into_iter().chain(note.map(str::to_owned)).collect()
    }
}

/// `HEAD (1234567)`, or only the id.
fn point(revision: &str, commit: &str) -> String {
    let short: String = commit.chars().take(7).collect();
    if commit.starts_with(revision) { short } else { format!("{revision} ({short})") }
}

/// A section's risk as a word.
#[must_use]
pub(super) fn risk_word(risk: Risk) -> &'static str {
    match risk {
        Risk::Low => "low",
        Risk::Connectivity => "connectivity",
        Risk::Safety => "safety",
    }
}

/// What restarts, as a word.
#[must_use]
pub(super) fn restart_word(restart: Restart) -> &'static str {
    match restart {
        Restart::Nothing => "nothing",
        Restart::Task => "task",
        Restart::Device => "device",
    }
}

/// The plan in a sentence.
pub(super) fn title(plan: &Plan) -> String {
    let counts = &plan.counts;
    let verb = if counts.changed == 1 { "changes" } else { "change" };
    let mut parts = vec![format!("{} of {} {verb}", counts.changed, counted(counts.devices, "device"))];
    let rest = [
        (counts.new, "new"),
        (counts.gone, "gone"),
        (counts.moved, "of another model"),
        (counts.relabelled, "relabelled"),
        (counts.renamed, "renamed"),
        (counts.rekeyed, "with another key"),
    ];
    parts.extend(rest.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")));
    parts.join(", ")
}

/// What all devices together download; none where nothing changes.
pub(super) fn download(plan: &Plan) -> Option<String> {
    (plan.counts.changed > 0).then(|| format!("{} to download in all", bytes(plan.counts.bytes)))
}

/// Bytes as people read them.
pub(super) fn bytes(count: u64) -> String {
    match count {
        0..10_000 => counted(count as usize, "byte"),
        10_000..10_000_000 => format!("{} KB", count / 1000),
        _ => format!("{} MB", count / 1_000_000),
    }
}

/// Devices in few words: `role=ap: 388 devices`.
pub(super) fn devices(named: &Named) -> String {
    let count = counted(named.count, "device");
    match &named.labels {
        _ if named.count == 1 => named.list[0].name.to_string(),
        Some(labels) if labels.is_empty() => format!("the whole fleet: {count}"),
        Some(labels) => {
            let all: Vec<String> = labels.iter().map(|(label, value)| format!("{label}={value}")).collect();
            format!("{}: {count}", all.join(", "))
        }
        None => {
            let names: Vec<&str> = named.list.iter().take(EXAMPLES).map(|member| &*member.name).collect();
            let more = if named.count > EXAMPLES { ", …" } else { "" };
            format!("{}{more}: {count}", names.join(", "))
        }
    }
}

/// A group in a line: what happens to whom.
pub(super) fn heading(group: &Group) -> String {
    let verb = match group.kind {
        Kind::Changed => "change",
        Kind::New => "new",
        Kind::Gone => "gone",
    };
    format!("{verb}: {}", devices(&group.devices))
}

/// What a changing group's devices go through: sections, restart, risk, bytes, models and schemas.
pub(super) fn price(group: &Group) -> String {
    let effect = &group.effect;
    let mut parts = Vec::new();
    parts.extend(effect.moved_from.as_ref().map(|old| format!("model {old} -> {}", effect.model)));
    if !effect.sections.is_empty() {
        let names: Vec<&str> = effect.sections.iter().map(|section| section.name.as_str()).collect();
        parts.push(names.join(", "));
    }
    match effect.restart {
        Restart::Nothing => {}
        Restart::Task => parts.push("restarts a task".to_owned()),
        Restart::Device => parts.push("restarts the device".to_owned()),
    }
    if effect.risk > Risk::Low {
        parts.push(format!("risk: {}", risk_word(effect.risk)));
    }
    if group.bytes.least == group.bytes.most {
        parts.push(format!("{} each", bytes(group.bytes.most)));
    } else {
        parts.push(format!("{} to {} each", group.bytes.least, bytes(group.bytes.most)));
    }
    parts.extend(schemas(group));
    parts.join("; ")
}

/// Live schemas, where they are not all in one case.
fn schemas(group: &Group) -> Option<String> {
    let all = &group.effect.schemas;
    let (first, rest) = all.split_first()?;
    if first.change == super::effect::Standing::Differs && rest.iter().all(|schema| schema.change == first.change) {
        return None;
    }
    let one = |schema: &super::effect::SchemaChange| {
        let id: String = schema.schema.to_string().chars().take(8).collect();
        format!("{id} {:?}", schema.change).to_lowercase()
    };
    Some(format!("schemas: {}", all.iter().map(one).collect::<Vec<_>>().join(", ")))
}

/// A field's change in a line of so many characters; values that do not fit are cut.
pub(super) fn change(change: &Change, chars: usize) -> String {
    let fixed = change.path.chars().count() + " =  -> ".len() + 2;
    let room = chars.saturating_sub(fixed).max(2 * VALUE_CHARS_MIN);
    let (old, new) = (worth(&change.old), worth(&change.new));
    let unit = change.unit.as_deref().map(|unit| format!(" {unit}")).unwrap_or_default();
    match (&change.old, &change.new) {
        (Worth::Secret, Worth::Secret) => format!("~ {}: a secret changes", change.path),
        (Worth::Missing, _) => cut(&format!("+ {} = {new}{unit}", change.path), chars),
        (_, Worth::Missing) => cut(&format!("- {} = {old}{unit}", change.path), chars),
        _ => {
            // Each may take what the other leaves.
            let (a, b) = (old.chars().count(), new.chars().count() + unit.chars().count());
            let most = |other: usize| room.saturating_sub(other.min(room / 2));
            let (old, new) = (cut(&old, most(b)), cut(&format!("{new}{unit}"), most(a)));
            cut(&format!("~ {} = {old} -> {new}", change.path), chars)
        }
    }
}

/// A label's change.
pub(super) fn relabel(label: &str, change: &Relabel) -> String {
    let word = |value: &Option<std::sync::Arc<str>>| value.as_deref().unwrap_or("(none)").to_owned();
    format!("{label}: {} -> {}", word(&change.old), word(&change.new))
}

fn worth(worth: &Worth) -> String {
    match worth {
        Worth::Set(value) => visible(value),
        Worth::Default(value) => format!("{} (default)", visible(value)),
        Worth::Unset => "(unset)".to_owned(),
        Worth::Missing => "(none)".to_owned(),
        Worth::Secret => "(secret)".to_owned(),
    }
}

/// JSON in one line, in which nothing hides.
fn visible(value: &Json) -> String {
    crate::words::visible(&value.to_string())
}

/// At most so many characters, the last of them `…` where something was cut.
pub(super) fn cut(text: &str, chars: usize) -> String {
    if text.chars().count() <= chars {
        return text.to_owned();
    }
    let start: String = text.chars().take(chars.saturating_sub(1)).collect();
    format!("{start}…")
}
