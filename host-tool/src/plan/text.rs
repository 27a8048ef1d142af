//! A plan on a terminal: numbers, warnings, then a block for each group. A screenful, unless everything is wanted.

use steadfast_core::manifest::Risk;

use super::told::{self, Ends, cut};
use super::{Group, Kind, Plan, Worth};
use crate::diagnostics::Color;
use crate::words::counted;

/// Longest line, in characters.
const WIDTH: usize = 120;
/// Most lines of a screenful.
const LINES: usize = 50;
/// Lines of a screenful that are kept for what is said at its end.
const LAST_LINES: usize = 2;
/// Most warnings, and lines about rows, of a screenful.
const ASIDE: usize = 5;
/// Most fields of a group in a screenful that shows several groups.
const FIELDS: usize = 10;

/// How much is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// At most 50 lines; what was left out is counted.
    Screen,
    /// Every group and field.
    All,
}

/// Escape codes of the few things that are coloured.
#[derive(Clone, Copy)]
enum Ink {
    Bold,
    Red,
    Green,
    Yellow,
}

/// The plan as lines, each with its line end.
#[must_use]
pub fn text(plan: &Plan, ends: &Ends, (length, color): (Length, Color)) -> String {
    let mut page = Page { lines: Vec::new(), color };
    page.add(&told::title(plan), Some(Ink::Bold));
    ends.lines().iter().for_each(|line| page.add(line, None));
    told::download(plan).iter().for_each(|line| page.add(line, None));
    verdicts(plan, length, &mut page);
    warnings(plan, length, &mut page);
    rows(plan, length, &mut page);
    groups(plan, length, &mut page);
    page.lines.concat()
}

struct Page {
    lines: Vec<String>,
    color: Color,
}

impl Page {
    fn add(&mut self, line: &str, ink: Option<Ink>) {
        let line = cut(line, WIDTH);
        let code = ink.filter(|_| self.color == Color::Always).map(|ink| match ink {
            Ink::Bold => "\u{1b}[1m",
            Ink::Red => "\u{1b}[31m",
            Ink::Green => "\u{1b}[32m",
            Ink::Yellow => "\u{1b}[33m",
        });
        self.lines.push(match code {
            Some(code) => format!("{code}{line}\u{1b}[0m\n"),
            None => format!("{line}\n"),
        });
    }

    /// How many lines a group may take.
    fn left(&self, length: Length) -> usize {
        match length {
            Length::Screen => LINES.saturating_sub(self.lines.len() + LAST_LINES),
            Length::All => usize::MAX,
        }
    }
}

fn shown(length: Length, most: usize) -> usize {
    if length == Length::All { usize::MAX } else { most }
}

fn verdicts(plan: &Plan, length: Length, page: &mut Page) {
    let Some(verdicts) = &plan.policy else { return };
    page.add(&verdicts.summary(), verdicts.denies().then_some(Ink::Red));
    for (list, verb, ink) in [(&verdicts.denied, "denied", Ink::Red), (&verdicts.warned, "warned", Ink::Yellow)] {
        for verdict in list.iter().take(shown(length, ASIDE)) {
            let lines = wrapped(&format!("{verb} by {}", verdict.line()), WIDTH);
            lines.iter().for_each(|line| page.add(line, Some(ink)));
        }
        more(list.len(), shown(length, ASIDE), "such verdict", page);
    }
}

fn warnings(plan: &Plan, length: Length, page: &mut Page) {
    for warning in plan.warnings.iter().take(shown(length, ASIDE)) {
        // A sentence that does not fit goes on in the next line: nothing of a warning is cut.
        let mut lines = wrapped(&format!("warning: {}", warning.message), WIDTH);
        lines.extend(warning.devices.as_ref().map(|devices| format!("  {}", told::devices(devices))));
        lines.iter().for_each(|line| page.add(line, Some(Ink::Yellow)));
    }
    more(plan.warnings.len(), shown(length, ASIDE), "warning", page);
}

/// What differs in the rows of the inventory.
fn rows(plan: &Plan, length: Length, page: &mut Page) {
    let labels = plan.relabelled.iter().map(|one| {
        let labels: Vec<String> = one.labels.iter().map(|(label, change)| told::relabel(label, change)).collect();
        format!("labels: {}; {}", told::devices(&one.devices), labels.join(", "))
    });
    let names = plan.renamed.iter().map(|one| format!("name: {} -> {}", one.old, one.new));
    let keys = plan.rekeyed.iter().map(|devices| format!("key: {}", told::devices(devices)));
    let lines: Vec<String> = keys.chain(labels).chain(names).collect();
    lines.iter().take(shown(length, ASIDE)).for_each(|line| page.add(line, None));
    more(lines.len(), shown(length, ASIDE), "such row", page);
}

fn more(all: usize, shown: usize, noun: &str, page: &mut Page) {
    if let Some(more) = all.checked_sub(shown).filter(|more| *more > 0) {
        page.add(&format!("  and {}; --all shows them", counted(more, &format!("more {noun}"))), None);
    }
}

fn groups(plan: &Plan, length: Length, page: &mut Page) {
    let fields = if plan.groups.len() > 1 { shown(length, FIELDS) } else { usize::MAX };
    for (group, place) in plan.groups.iter().zip(0..) {
        // An empty line, a heading, what it costs, a field, and how many more.
        if page.left(length) < 5 {
            let rest = &plan.groups[place..];
            let devices = rest.iter().map(|group| group.devices.count).sum();
            let line = format!("and {} with {}", counted(rest.len(), "more group"), counted(devices, "device"));
            page.add("", None);
            return page.add(&format!("{line}; --all shows them, --format json has every device"), None);
        }
        block(group, (fields, length), page);
    }
}

fn block(group: &Group, (fields, length): (usize, Length), page: &mut Page) {
    page.add("", None);
    let ink = match (group.kind, group.effect.risk) {
        (Kind::New, _) => Ink::Green,
        (Kind::Gone, _) | (_, Risk::Safety) => Ink::Red,
        (_, Risk::Connectivity) => Ink::Yellow,
        (_, Risk::Low) => Ink::Bold,
    };
    page.add(&told::heading(group), Some(ink));
    if group.kind != Kind::Changed {
        return page.add(&format!("  model {}", group.effect.model), None);
    }
    page.add(&format!("  {}", told::price(group)), None);
    let room = page.left(length).saturating_sub(1).min(fields);
    for change in group.effect.fields.iter().take(room) {
        let ink = match (&change.old, &change.new) {
            (Worth::Missing, _) => Some(Ink::Green),
            (_, Worth::Missing) => Some(Ink::Red),
            _ => None,
        };
        page.add(&format!("  {}", told::change(change, WIDTH - 2)), ink);
    }
    more(group.effect.fields.len(), room, "field", page);
}

/// Lines of at most so many characters, broken at spaces; those after the first are indented.
fn wrapped(text: &str, chars: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { continue };
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= chars {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(format!("  {word}"));
        }
    }
    lines
}
