//! Layers of another folder of the repository, at a pinned commit.
//!
//! Moving the pin is one line of one file, so that a reviewer sees the whole promotion in the change that moves it. For that a
//! file must have one origin: a fleet's own copy would go on hiding what is promoted.

use gix::ObjectId;

use super::files::{Files, SETTINGS_FILE};
use super::settings::Import;
use crate::diagnostics::{Code, Finding, Findings, Place};
use crate::git::Repository;

/// What is taken from an imported folder.
const FOLDER: &str = "layers";

/// Hexadecimal digits of a commit in a file's shown name.
const SHOWN_DIGITS: usize = 10;

/// Where imports are seen from.
pub(super) struct Viewpoint<'a> {
    /// The commit that is compiled, or the one below a worktree.
    pub(super) commit: Option<ObjectId>,
    /// The fleet's folder relative to the repository's top.
    pub(super) below: &'a str,
}

/// Takes over the layers of every import. Gives what is wrong with them.
pub(super) fn take(imports: &[Import], viewpoint: &Viewpoint<'_>, files: &mut Files) -> Findings {
    let mut findings = Findings::default();
    for import in imports {
        if let Err(finding) = take_one(import, viewpoint, files, &mut findings) {
            findings.add(finding);
        }
    }
    findings
}

fn take_one(
    import: &Import,
    viewpoint: &Viewpoint<'_>,
    files: &mut Files,
    findings: &mut Findings,
) -> Result<(), Finding> {
    let (path, place) = &import.path;
    let folder = below_top(viewpoint.below, path).ok_or_else(|| leads_out(path, *place))?;
    let (Some(git), Some(head)) = (&files.repository, viewpoint.commit) else {
        let finding = Finding::new(Code::BadImport, "an import is read from git, and nothing is committed here");
        return Err(finding.at(*place).help("commit the folder that is imported, and name that commit"));
    };
    let commit = pinned(git, import, head)?;
    let listed = git.files(commit, &join(&folder, FOLDER))?;
    if listed.is_empty() {
        let finding = Finding::new(Code::BadImport, format!("{path} has no {FOLDER}/ at this commit"));
        return Err(finding
            .at(*place)
            .note(import.rev.1, "the commit")
            .help("correct the path, or name another commit"));
    }
    let plain = |path: &String| !path.split('/').any(|part| part.starts_with('.'));
    for (name, blob) in listed.into_iter().filter(|(name, _)| plain(name)) {
        let own = format!("{FOLDER}/{name}");
        let shown = format!("{path}/{own}@{}", &import.rev.0[..SHOWN_DIGITS]);
        files.pinned.insert(shown.clone(), (commit, join(&folder, &own)));
        if let Err(other) = files.import(own, blob, shown.clone()) {
            findings.add(twice(&other, &shown, *place));
        }
    }
    Ok(())
}

/// The commit that is named, by its full id and before the one that is compiled: neither can mean something else tomorrow.
fn pinned(git: &Repository, import: &Import, head: ObjectId) -> Result<ObjectId, Finding> {
    let (rev, place) = &import.rev;
    let named = ObjectId::from_hex(rev.as_bytes()).ok();
    // An id of nothing has no descendants.
    let pinned = named.map(|id| git.is_ancestor(id, head).map(|is| is.then_some(id))).transpose()?.flatten();
    pinned.ok_or_else(|| {
        let finding = Finding::new(Code::BadImport, format!("`{rev}` is no commit that led to this one"));
        let path = &import.path.0;
        finding
            .at(*place)
            .help(format!("name one by its full id, as `git log -- {path}` shows it; a branch or tag could move"))
    })
}

fn leads_out(path: &str, place: Place) -> Finding {
    let finding = Finding::new(Code::BadImport, format!("`{path}` leads out of the repository")).at(place);
    finding.help(format!("name a folder of this repository, seen from where {SETTINGS_FILE} lies, as in \"../shared\""))
}

fn twice(one: &str, other: &str, place: Place) -> Finding {
    let finding = Finding::new(Code::ImportConflict, format!("{one} and {other} are the same layer")).at(place);
    finding.help("keep one of them; to change values of an imported layer, set them in a later level")
}

/// A path seen from `below`, as seen from the top; `None` when it leads out, or is none.
pub(crate) fn below_top(below: &str, path: &str) -> Option<String> {
    if path.is_empty() || path.starts_with('/') {
        return None;
    }
    let mut steps: Vec<&str> = below.split('/').filter(|step| !step.is_empty()).collect();
    for step in path.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop()?;
            }
            step => steps.push(step),
        }
    }
    Some(steps.join("/"))
}

pub(crate) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_in_the_repository() {
        assert_eq!(below_top("fleets/prod", "../../shared").as_deref(), Some("shared"));
        assert_eq!(below_top("fleets/prod", "../test/./").as_deref(), Some("fleets/test"));
        assert_eq!(below_top("prod", "..").as_deref(), Some(""));
        for wrong in ["", "/shared", "../../../shared", "../../x/../../y"] {
            assert_eq!(below_top("fleets/prod", wrong), None, "{wrong}");
        }
    }
}
