//! Where a mistake goes: found by what a line begins with, because the data is nobody's to quote here.

use crate::convert::{Fleet, Host};

/// A file of the repository: the first one below a folder that has a line with this beginning.
pub(super) type At = (&'static str, &'static str);

/// How a mistake comes into the repository. Texts may say `{name}`, `{site}` and `{hardware}` of the first device in the table, and
/// `{other}` for another device's hardware.
pub(super) enum Plant {
    /// In that line, one text takes the place of another.
    Instead { at: At, from: &'static str, to: &'static str },
    /// Lines come after that line; the fault is on the named one of them, from 1.
    After { at: At, text: &'static str, fault: usize },
    /// Lines come at the end of the file that has that line; the fault is on the named one of them, from 1.
    End { at: At, text: &'static str, fault: usize },
    /// The first device's row is another.
    Row(fn(&mut Vec<String>)),
    /// There is one row more, made from the first device's.
    MoreRow(fn(&mut Vec<String>)),
    /// The table's header is another.
    Header(fn(&mut Vec<String>)),
    /// There is a new file; the fault is on this line.
    File { path: &'static str, text: &'static str, fault: usize },
}

/// A mistake, worked out for one repository.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Planted {
    /// The file.
    pub(super) path: String,
    /// Its content with the mistake.
    pub(super) text: String,
    /// The line that is at fault, from 1.
    pub(super) line: usize,
}

impl Planted {
    /// The line that is at fault, as it stands there.
    pub(super) fn excerpt(&self) -> &str {
        self.text.lines().nth(self.line - 1).unwrap_or_default()
    }
}

impl Plant {
    /// Finds the place; `None` when the repository has no such line.
    pub(super) fn work_out(&self, fleet: &Fleet) -> Option<Planted> {
        let fill = |text: &str| fill(text, fleet);
        match *self {
            Self::Instead { at: (folder, start), from, to } => {
                let (path, mut lines, index) =
                    find(fleet, folder, |line| line.starts_with(start) && line.contains(from))?;
                lines[index] = lines[index].replacen(from, &fill(to)?, 1);
                Some(planted(path, lines, index))
            }
            Self::After { at: (folder, start), text, fault } => {
                let (path, mut lines, index) = find(fleet, folder, |line| line.starts_with(start))?;
                lines.splice(index + 1..index + 1, fill(text)?.lines().map(str::to_owned));
                Some(planted(path, lines, index + fault))
            }
            Self::End { at: (folder, start), text, fault } => {
                let (path, mut lines, _) = find(fleet, folder, |line| line.starts_with(start))?;
                let index = lines.len() + fault - 1;
                lines.extend(fill(text)?.lines().map(str::to_owned));
                Some(planted(path, lines, index))
            }
            Self::Header(edit) => row(fleet, 0, |lines, cells| lines[0] = edited(edit, cells)),
            Self::Row(edit) => row(fleet, 1, |lines, cells| lines[1] = edited(edit, cells)),
            Self::MoreRow(edit) => {
                let last = fleet.files.get(crate::convert::TABLE)?.lines().count();
                let mut planted = row(fleet, 1, |lines, cells| lines.push(edited(edit, cells)))?;
                planted.line = last + 1;
                Some(planted)
            }
            Self::File { path, text, fault } => Some(Planted { path: fill(path)?, text: fill(text)?, line: fault }),
        }
    }
}

fn edited(edit: fn(&mut Vec<String>), mut cells: Vec<String>) -> String {
    edit(&mut cells);
    cells.join(",")
}

fn planted(path: &str, lines: Vec<String>, index: usize) -> Planted {
    Planted { path: path.to_owned(), text: lines.join("\n") + "\n", line: index + 1 }
}

/// The first file below `folder` with such a line: its path, all of its lines, and which one it is.
fn find<'a>(fleet: &'a Fleet, folder: &str, wanted: impl Fn(&str) -> bool) -> Option<(&'a str, Vec<String>, usize)> {
    fleet.files.iter().filter(|(path, _)| path.starts_with(folder)).find_map(|(path, text)| {
        let index = text.lines().position(&wanted)?;
        Some((path.as_str(), text.lines().map(str::to_owned).collect(), index))
    })
}

fn row(fleet: &Fleet, index: usize, edit: impl FnOnce(&mut Vec<String>, Vec<String>)) -> Option<Planted> {
    let path = crate::convert::TABLE;
    let mut lines: Vec<String> = fleet.files.get(path)?.lines().map(str::to_owned).collect();
    let cells = lines.get(index)?.split(',').map(str::to_owned).collect();
    edit(&mut lines, cells);
    Some(planted(path, lines, index))
}

fn fill(text: &str, fleet: &Fleet) -> Option<String> {
    let table = fleet.files.get(crate::convert::TABLE)?;
    let first = table.lines().nth(1)?.split(',').nth(1)?;
    let Host { name, site, hardware, .. } = fleet.hosts.iter().find(|host| host.name == first)?;
    let other = fleet.hosts.iter().find(|host| host.hardware != *hardware)?;
    let text = text.replace("{name}", name).replace("{site}", site).replace("{hardware}", hardware);
    Some(text.replace("{other}", &other.hardware))
}
