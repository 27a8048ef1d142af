//! The slips themselves: one line of one file each, drawn from a seed.

use std::collections::{BTreeMap, BTreeSet};

use super::Slip;
use crate::flash::Random;

/// Draws for each slip that is asked for, before the files count as exhausted.
const TRIES: usize = 200;
/// Longer than any text of a schema.
const LONG: usize = 70_000;
/// More items than any list of a schema.
const MANY: usize = 2_000;

/// What a person can get wrong in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A letter of a key, or of a column's head.
    MisspeltKey,
    /// A letter of a table's head.
    MisspeltSection,
    /// The line again: a key, a table or a row.
    Twice,
    /// A value of another type.
    WrongType,
    /// A number far too large.
    OutOfRange,
    /// A letter of a value: of an alternative, an address, a label, a model.
    WrongWord,
    /// A quote, a bracket or a cell is missing.
    Broken,
    /// A label has no value.
    MissingLabel,
    /// An id lacks a digit.
    ShortId,
    /// A device has another one's name.
    TakenName,
    /// A health check that no firmware has.
    UnknownCheck,
    /// A text or list that is far too long.
    TooLarge,
}

/// All of them.
pub const KINDS: [Kind; 12] = [
    Kind::MisspeltKey,
    Kind::MisspeltSection,
    Kind::Twice,
    Kind::WrongType,
    Kind::OutOfRange,
    Kind::WrongWord,
    Kind::Broken,
    Kind::MissingLabel,
    Kind::ShortId,
    Kind::TakenName,
    Kind::UnknownCheck,
    Kind::TooLarge,
];

/// Folders that count alike, however many files lie in them; the empty one is the settings' file.
const PLACES: [&str; 5] = ["steadfast.toml", "schemas/", "inventory/", "labels/", "layers/"];

/// Up to `count` different slips in these files, always the same ones for a seed.
#[must_use]
pub fn slips(files: &BTreeMap<String, String>, seed: u64, count: usize) -> Vec<Slip> {
    let mut random = Random::new(seed);
    let places: Vec<Vec<(&String, &String)>> = PLACES
        .iter()
        .map(|place| files.iter().filter(|(path, _)| path.starts_with(place) && is_read(path)).collect::<Vec<_>>())
        .filter(|files: &Vec<_>| !files.is_empty())
        .collect();
    let (mut slips, mut seen) = (Vec::new(), BTreeSet::new());
    for _ in 0..count * TRIES {
        if slips.len() == count {
            break;
        }
        let place = &places[random.below(places.len())];
        let (path, text) = place[random.below(place.len())];
        let kind = KINDS[random.below(KINDS.len())];
        let drawn = File { path, text }.slip(kind, &mut random);
        if let Some(slip) = drawn.filter(|slip| slip.text != *text)
            && seen.insert((slip.path.clone(), slip.line, slip.text.lines().nth(slip.line - 1).map(str::to_owned)))
        {
            slips.push(slip);
        }
    }
    slips
}

fn is_read(path: &str) -> bool {
    path.ends_with(".toml") || (path.starts_with("inventory/") && path.ends_with(".csv"))
}

struct File<'f> {
    path: &'f str,
    text: &'f str,
}

/// A line of TOML that stands by itself.
enum Line<'l> {
    Head { name: &'l str },
    Pair { key: &'l str, value: &'l str },
}

impl File<'_> {
    fn slip(&self, kind: Kind, random: &mut Random) -> Option<Slip> {
        let lines: Vec<&str> = self.text.lines().collect();
        let index = random.below(lines.len());
        if self.path.ends_with(".csv") {
            return self.row(kind, &lines, index, random);
        }
        if kind == Kind::UnknownCheck {
            return self.check(&lines);
        }
        let line = read(lines.get(index)?)?;
        let (new, names) = match line {
            Line::Head { name } => (self.head(kind, lines[index], name, random)?, self.names(&lines, index, name)),
            Line::Pair { key, value } => {
                let pair = self.pair(kind, (key, value), random)?;
                let named = if kind == Kind::MisspeltKey { pair.split(" =").next() } else { None };
                let mut names = self.names(&lines, index, key);
                names.extend(named.map(str::to_owned));
                (pair, names)
            }
        };
        Some(self.with(kind, &lines, (index, &new), names))
    }

    fn with(&self, kind: Kind, lines: &[&str], (index, new): (usize, &str), names: Vec<String>) -> Slip {
        let mut lines = lines.to_vec();
        lines[index] = new;
        Slip { kind, path: self.path.to_owned(), line: index + 1, text: lines.join("\n") + "\n", names }
    }

    /// A check that nobody has, in a layer that says nothing of health.
    fn check(&self, lines: &[&str]) -> Option<Slip> {
        let fits = self.path.starts_with("layers/") && !lines.iter().any(|line| line.trim().starts_with("[health"));
        let mut text = self.text.to_owned();
        text += "\n[health]\nchecks = [\"sensr\"]\n";
        let names = vec!["health.checks".to_owned()];
        let (kind, path) = (Kind::UnknownCheck, self.path.to_owned());
        fits.then(|| Slip { kind, path, line: text.lines().count(), text, names })
    }

    fn head(&self, kind: Kind, line: &str, name: &str, random: &mut Random) -> Option<String> {
        match kind {
            Kind::MisspeltSection => Some(line.replace(name, &misspelt(name, random)?)),
            // A list takes the same head again.
            Kind::Twice if !line.starts_with("[[") => Some(format!("{line}\n{line}")),
            Kind::Broken => Some(line.trim_end().trim_end_matches(']').to_owned()),
            _ => None,
        }
    }

    fn pair(&self, kind: Kind, (key, value): (&str, &str), random: &mut Random) -> Option<String> {
        let words = self.path.starts_with("schemas/") && !matches!(key, "restart" | "risk" | "checks" | "type");
        let text = value.starts_with('"');
        match kind {
            Kind::MisspeltKey => Some(format!("{} = {value}", misspelt(key, random)?)),
            Kind::Twice => Some(format!("{key} = {value}\n{key} = {value}")),
            Kind::WrongType => Some(format!("{key} = {}", if text { "7.5" } else { "\"seven\"" })),
            Kind::OutOfRange if !self.path.starts_with("schemas/") && value.parse::<f64>().is_ok() => {
                Some(format!("{key} = {}000000000000", value.split('.').next()?))
            }
            // Prose of a schema reaches no device, and neither does another default while no schema has its name.
            // A level with `?` need not have files yet.
            Kind::WrongWord if !words && key != "layers" && value.contains('"') => {
                let mut parts: Vec<String> = value.split('"').map(str::to_owned).collect();
                let quoted = parts.len() / 2;
                let part = parts.get_mut(random.below(quoted) * 2 + 1)?;
                *part = misspelt(part, random)?;
                Some(format!("{key} = {}", parts.join("\"")))
            }
            Kind::Broken if value.ends_with(['"', ']', '}']) => Some(format!("{key} = {}", &value[..value.len() - 1])),
            Kind::MissingLabel if self.path.starts_with("inventory/") && !key.starts_with("set.") => {
                Some(String::new())
            }
            Kind::MissingLabel if self.path.starts_with("labels/") => Some(String::new()),
            Kind::ShortId if key == "device" || key == "id" => {
                Some(format!("{key} = {}\"", value.get(..value.len().checked_sub(2)?)?))
            }
            Kind::TooLarge if text && !words => Some(format!("{key} = \"{}\"", "x".repeat(LONG))),
            // A set of paths, in which one may stand twice.
            Kind::TooLarge if key == "final" || key == "unset" => None,
            Kind::TooLarge if value.starts_with('[') && value.len() > 2 && !words => {
                let items = &value[1..value.len() - 1];
                Some(format!("{key} = [{}]", vec![items; MANY].join(", ")))
            }
            _ => None,
        }
    }

    /// What a plan can call this line by.
    fn names(&self, lines: &[&str], index: usize, key: &str) -> Vec<String> {
        let above = lines[..index].iter().rev().filter_map(|line| read(line));
        let section = above.into_iter().find_map(|line| match line {
            Line::Head { name } => Some(name.to_owned()),
            Line::Pair { .. } => None,
        });
        let stem = self.path.rsplit('/').next().and_then(|name| name.strip_suffix(".toml")).unwrap_or_default();
        match self.path.split('/').next() {
            Some("labels") => vec![stem.to_owned(), key.to_owned()],
            // A schema with another id is another schema, and devices have to be given firmware for it.
            Some("schemas") => vec!["schema ".to_owned()],
            Some("steadfast.toml") => vec!["the fleet's".to_owned()],
            Some("inventory") => {
                let first = lines[..=index].iter().rposition(|line| line.trim() == "[[device]]").unwrap_or(0);
                let block = lines[first..].iter().take_while(|line| !line.is_empty());
                let name = block.filter_map(|line| line.strip_prefix("name = ")).next().unwrap_or("no name");
                vec![name.trim_matches('"').to_owned()]
            }
            _ => {
                let section = section.filter(|section| section != "append");
                let path = section.map_or_else(|| key.to_owned(), |section| format!("{section}.{key}"));
                // A list's or map's items are shown under the field.
                vec![path.split('.').take(2).collect::<Vec<_>>().join(".")]
            }
        }
    }

    fn row(&self, kind: Kind, lines: &[&str], index: usize, random: &mut Random) -> Option<Slip> {
        let heads: Vec<&str> = lines.first()?.split(',').collect();
        let mut cells: Vec<String> = lines.get(index)?.split(',').map(str::to_owned).collect();
        let name_at = heads.iter().position(|head| *head == "name")?;
        if lines[index].contains('"') || cells.len() != heads.len() || lines.len() < 3 {
            return None;
        }
        let column = random.below(heads.len());
        let mut names = vec![cells[name_at].clone()];
        if index == 0 {
            if kind != Kind::MisspeltKey {
                return None;
            }
            cells[column] = misspelt(&cells[column], random)?;
            names = lines[1..].iter().filter_map(|line| line.split(',').nth(name_at)).map(str::to_owned).collect();
            return Some(self.with(kind, lines, (0, &cells.join(",")), names));
        }
        let own = heads[column].starts_with("set.");
        let label = !own && !["device", "name", "public_key"].contains(&heads[column]);
        match kind {
            Kind::Twice => return Some(self.with(kind, lines, (index, &format!("{0}\n{0}", lines[index])), names)),
            Kind::ShortId if heads[column] == "device" => drop(cells[column].pop()),
            Kind::TakenName => {
                let other = 1 + random.below(lines.len() - 1);
                cells[name_at] = lines[other].split(',').nth(name_at)?.to_owned();
            }
            Kind::MissingLabel if label => cells[column].clear(),
            Kind::WrongWord if label || heads[column] == "name" => {
                cells[column] = misspelt(&cells[column], random)?;
                names.push(cells[column].clone());
            }
            Kind::WrongType if own => cells[column] = "seven".to_owned(),
            Kind::OutOfRange if own => cells[column] = "9000000000000".to_owned(),
            Kind::TooLarge if own => cells[column] = "x".repeat(LONG),
            Kind::Broken => drop(cells.pop()),
            _ => return None,
        }
        Some(self.with(kind, lines, (index, &cells.join(",")), names))
    }
}

/// A line as it stands by itself; `None` for others, such as those of a list over several lines.
fn read(line: &str) -> Option<Line<'_>> {
    let line = line.trim();
    let table: toml::Table = line.parse().ok()?;
    if line.starts_with('[') {
        return Some(Line::Head { name: line.trim_matches(['[', ']']) });
    }
    let (key, value) = line.split_once(" = ")?;
    // A comment at its end is no part of the value.
    (table.len() == 1 && !value.contains('#')).then_some(Line::Pair { key, value })
}

/// The same with two letters swapped, one left out, doubled, or another; `None` for nothing to misspell.
fn misspelt(word: &str, random: &mut Random) -> Option<String> {
    let mut letters: Vec<char> = word.chars().collect();
    let spots: Vec<usize> = (0..letters.len()).filter(|at| letters[*at].is_ascii_alphanumeric()).collect();
    let at = *spots.get(random.below(spots.len()))?;
    match random.below(4) {
        0 if at + 1 < letters.len() && letters[at + 1].is_ascii_alphanumeric() => letters.swap(at, at + 1),
        1 if letters.len() > 1 => drop(letters.remove(at)),
        2 => letters.insert(at, letters[at]),
        _ => letters[at] = if letters[at] == 'q' { 'p' } else { 'q' },
    }
    let new: String = letters.into_iter().collect();
    (new != word).then_some(new)
}
