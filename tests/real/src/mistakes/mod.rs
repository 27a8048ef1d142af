//! Wrong values, planted one at a time in a copy of the converted repository: each must be an error in its place.
//!
//! An error in the right file and line, and nothing anywhere else: whoever made the mistake must find it by what is
//! printed, and must not be sent to look at what is right.

mod plant;
mod relations;
mod structure;
mod values;

use std::path::Path;

use anyhow::{Context, Result, bail};
use comfy_table::{ContentArrangement, Table};
use steadfast::compile::compile;
use steadfast::diagnostics::{Code, Diagnostics, Severity};
use steadfast::fleet::{At, Fleet as Read};

use crate::convert::Fleet;
use crate::repository::Repository;
use plant::{Plant, Planted};

/// The fewest mistakes that must have been planted: less means that the data has no place for them.
const PLANTED_MIN: usize = 30;
/// Widest line of the table, in characters.
const WIDTH: u16 = 150;

/// A mistake and what must be said about it.
struct Mistake {
    class: &'static str,
    what: &'static str,
    code: Code,
    plant: Plant,
}

/// Plants everything and prints what was said.
///
/// # Errors
/// When a mistake passes, is reported elsewhere or as something else; or when most of them found no place.
pub(crate) fn run(folder: &Path, fleet: &Fleet) -> Result<()> {
    let ground = Ground { repository: Repository::write(folder, &fleet.files)?, fleet };
    println!("# Mistakes, planted one at a time in {}\n", folder.display());
    let mut table = Table::new();
    table.load_style(comfy_table::presets::UTF8_HORIZONTAL_ONLY);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
    table.set_header(["mistake", "planted", "reported", "devices"]);
    let (mut wrong, mut planted) = (Vec::new(), 0);
    for mistake in values::MISTAKES.iter().chain(structure::MISTAKES) {
        let Mistake { class, what, code, plant } = mistake;
        let Some(one) = plant.work_out(fleet) else {
            table.add_row([&format!("{class}: {what}"), "the data has no place for it", "", ""]);
            continue;
        };
        planted += 1;
        let found = ground.with(&one)?;
        let verdict = judge(&one, *code, found.as_ref().err());
        let devices = found.err().map_or(0, |list| list.list().first().map_or(0, |first| first.devices()));
        let report = verdict.as_ref().unwrap_or_else(|reason| reason);
        let place = format!("{}:{}\n{}", one.path, one.line, shortened(one.excerpt()));
        table.add_row([&format!("{class}: {what}"), &place, report, &devices.to_string()]);
        wrong.extend(verdict.err().map(|reason| format!("{class}: {what}: {reason}")));
    }
    println!("{table}\n{planted} planted, {} reported in their place\n", planted - wrong.len());
    ground.uncovered()?;
    if !wrong.is_empty() {
        bail!("mistakes that were not reported as they should:\n  {}", wrong.join("\n  "));
    }
    if planted < PLANTED_MIN {
        bail!("only {planted} of at least {PLANTED_MIN} mistakes found a place in this data");
    }
    Ok(())
}

/// The copy that is broken and mended.
struct Ground<'f> {
    repository: Repository,
    fleet: &'f Fleet,
}

impl Ground<'_> {
    /// What is said about the repository with this mistake in it.
    fn with(&self, planted: &Planted) -> Result<Result<(), Diagnostics>> {
        self.repository.put(&planted.path, planted.text.as_bytes())?;
        let found = Read::open(self.repository.folder(), &At::Worktree).and_then(|fleet| compile(&fleet)).map(drop);
        match self.fleet.files.get(&planted.path) {
            Some(text) => self.repository.put(&planted.path, text.as_bytes())?,
            None => self.repository.remove(&planted.path)?,
        }
        Ok(found)
    }

    /// Plants what no schema can tell, and says so.
    fn uncovered(&self) -> Result<()> {
        println!("Not covered by a schema, which judges each value by itself (rules over the whole plan come later):");
        for (what, plant) in relations::UNCOVERED {
            let planted = plant.work_out(self.fleet).with_context(|| format!("the data has no place for {what}"))?;
            if let Err(found) = self.with(&planted)? {
                bail!("{what} is reported now; it belongs among the mistakes that must be:\n{found}");
            }
            println!("  {what}: accepted ({}:{})", planted.path, planted.line);
        }
        println!();
        Ok(())
    }
}

/// The report in one line if it is right, or what is wrong with it.
fn judge(planted: &Planted, code: Code, found: Option<&Diagnostics>) -> Result<String, String> {
    let errors: Vec<_> =
        found.iter().flat_map(|list| list.list()).filter(|one| one.severity() == Severity::Error).collect();
    let Some(first) = errors.first() else { return Err("nothing was reported".to_owned()) };
    let here = |at: &&steadfast::diagnostics::Position| *at.path == planted.path && at.line == planted.line;
    for error in &errors {
        if error.position().filter(here).is_none() {
            let at = error.position().map_or("nowhere".to_owned(), |at| format!("{}:{}", at.path, at.line));
            return Err(format!("{}: {} is reported at {at}", error.code().name(), error.message()));
        }
    }
    if first.code() != code {
        return Err(format!("{} where {} belongs: {}", first.code().name(), code.name(), first.message()));
    }
    let at = first.position().map_or(String::new(), |at| format!("{}:{}:{}", at.path, at.line, at.column));
    Ok(format!("{at}\n{}: {}", code.name(), first.message()))
}

fn shortened(line: &str) -> String {
    const SHOWN: usize = 60;
    if line.chars().count() <= SHOWN { line.to_owned() } else { line.chars().take(SHOWN).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{convert, sample, source};

    fn sample() -> Fleet {
        convert::convert(source::read(sample::network().path()).unwrap())
    }

    #[test]
    fn every_mistake_has_a_place_in_a_small_network_and_is_found_there() {
        let fleet = sample();
        for Mistake { class, what, plant, .. } in values::MISTAKES.iter().chain(structure::MISTAKES) {
            assert!(plant.work_out(&fleet).is_some(), "{class}: {what}");
        }
        run(&tempfile::tempdir().unwrap().path().join("mistakes"), &fleet).unwrap();
    }

    #[test]
    fn an_error_in_another_place_is_no_success() {
        let fleet = sample();
        let mistake = &values::MISTAKES[0];
        let planted = mistake.plant.work_out(&fleet).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let ground =
            Ground { repository: Repository::write(&folder.path().join("here"), &fleet.files).unwrap(), fleet: &fleet };
        let found = ground.with(&planted).unwrap().unwrap_err();
        assert!(judge(&planted, mistake.code, Some(&found)).is_ok());
        let elsewhere = Planted { line: planted.line + 1, ..planted };
        assert!(judge(&elsewhere, mistake.code, Some(&found)).is_err());
        assert!(judge(&elsewhere, mistake.code, None).is_err());
        assert!(ground.with(&elsewhere).unwrap().is_err(), "the mistake is planted again");
    }
}
