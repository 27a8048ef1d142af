//! `cargo xtask mutants`: the tests are tested. Each patch in `tests/mutants/` plants one known bug in a copy of the tree;
//! the suites that its first lines name must fail there, and all of them must pass before anything is planted: a suite that is red
//! anyway would find every bug.
//!
//! ```text
//! What the bug is, in a sentence.
//! Suites: record_power_cuts slot_tamper
//!
//! diff --git ...
//! ```

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use crate::paths;

/// One planted bug.
struct Mutant {
    patch: PathBuf,
    suites: Vec<String>,
}

/// Plants every bug, one at a time, and demands that it is found.
///
/// # Errors
/// When a bug is not found, a patch does not apply, or a suite does not compile; after all were tried.
pub(crate) fn run() -> Result<()> {
    let scratch = paths::host_target().join("mutants");
    let mutants = mutants()?;
    let tree = copy_tree(&scratch)?;
    seed_target(&scratch)?;
    let suites: BTreeSet<&str> = mutants.iter().flat_map(|mutant| &mutant.suites).map(String::as_str).collect();
    pass_clean(&suites, |suite| cargo_test(&tree, &scratch, suite).output().context("cannot run cargo"))?;
    let mut missed = Vec::new();
    for mutant in &mutants {
        let started = Instant::now();
        let name = mutant.patch.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        apply(&tree, &mutant.patch, Direction::Plant)?;
        let found = hunt(&tree, &scratch, mutant);
        apply(&tree, &mutant.patch, Direction::Remove)?;
        match found? {
            Some(finding) => println!("{name}: found by {finding} ({} s)", started.elapsed().as_secs()),
            None => {
                println!("{name}: NOT FOUND by {}", mutant.suites.join(", "));
                missed.push(name);
            }
        }
    }
    ensure!(missed.is_empty(), "the tests let these bugs pass: {}", missed.join(", "));
    println!("{} planted bugs, all found", mutants.len());
    Ok(())
}

/// Runs each suite once on the tree as it is.
fn pass_clean(suites: &BTreeSet<&str>, mut run: impl FnMut(&str) -> Result<Output>) -> Result<()> {
    for suite in suites {
        let ran = run(suite)?;
        let words = || String::from_utf8_lossy(&[ran.stdout.as_slice(), &ran.stderr].concat()).into_owned();
        ensure!(ran.status.success(), "{suite} fails without any planted bug, so it cannot find one:\n{}", words());
    }
    println!("{} suites pass without a planted bug", suites.len());
    Ok(())
}

fn mutants() -> Result<Vec<Mutant>> {
    let folder = paths::workspace().join("tests/mutants");
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut patches: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    patches.retain(|path| path.extension().is_some_and(|extension| extension == "patch"));
    patches.sort();
    ensure!(!patches.is_empty(), "no patches in {}", folder.display());
    patches.into_iter().map(read_mutant).collect()
}

fn read_mutant(patch: PathBuf) -> Result<Mutant> {
    let text = fs::read_to_string(&patch).with_context(|| format!("cannot read {}", patch.display()))?;
    let suites = text.lines().find_map(|line| line.strip_prefix("Suites: "));
    let suites = suites.with_context(|| format!("{} has no line `Suites: ...`", patch.display()))?;
    Ok(Mutant { suites: suites.split_whitespace().map(str::to_string).collect(), patch })
}

/// Copies what git tracks, and what it would; files that are the same keep their time, so that cargo builds less.
fn copy_tree(scratch: &Path) -> Result<PathBuf> {
    let (from, tree) = (paths::workspace(), scratch.join("tree"));
    let mut list = Command::new("git");
    list.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(&from);
    let names = String::from_utf8(output(&mut list)?.stdout).context("a file name that is not UTF-8")?;
    for name in names.split_terminator('\0').filter(|name| from.join(name).is_file()) {
        let (source, copy) = (from.join(name), tree.join(name));
        let bytes = fs::read(&source).with_context(|| format!("cannot read {}", source.display()))?;
        if fs::read(&copy).is_ok_and(|old| old == bytes) {
            continue;
        }
        fs::create_dir_all(copy.parent().unwrap_or(&tree))?;
        fs::write(&copy, bytes).with_context(|| format!("cannot write {}", copy.display()))?;
    }
    Ok(tree)
}

/// Gives the copy a target folder with the dependencies that are built already.
fn seed_target(scratch: &Path) -> Result<()> {
    let (from, to) = (paths::host_target().join("debug"), scratch.join("target/debug"));
    if to.exists() || !from.exists() {
        return Ok(());
    }
    fs::create_dir_all(&to)?;
    for part in ["deps", "build", ".fingerprint"] {
        output(Command::new("cp").arg("-a").arg(from.join(part)).arg(&to))?;
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Direction {
    Plant,
    Remove,
}

fn apply(tree: &Path, patch: &Path, direction: Direction) -> Result<()> {
    let mut command = Command::new("git");
    command.arg("apply").current_dir(tree);
    // The copy lies inside another repository, which is none of its business.
    command.env("GIT_CEILING_DIRECTORIES", tree.parent().unwrap_or(tree));
    if let Direction::Remove = direction {
        command.arg("--reverse");
    }
    output(command.arg(patch)).with_context(|| format!("{} does not fit the tree any more", patch.display()))?;
    Ok(())
}

/// Runs the suites; returns the test that failed, and after how many cases.
fn hunt(tree: &Path, scratch: &Path, mutant: &Mutant) -> Result<Option<String>> {
    for suite in &mutant.suites {
        let built = cargo_test(tree, scratch, suite).arg("--no-run").output().context("cannot run cargo")?;
        if !built.status.success() {
            let words = String::from_utf8_lossy(&built.stderr);
            bail!("{suite} with {} does not compile:\n{words}", mutant.patch.display());
        }
        let ran = cargo_test(tree, scratch, suite).output().context("cannot run cargo")?;
        if !ran.status.success() {
            return Ok(Some(finding(suite, &String::from_utf8_lossy(&ran.stdout))));
        }
    }
    Ok(None)
}

fn cargo_test(tree: &Path, scratch: &Path, suite: &str) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.args(["test", "--locked", "--package", "steadfast-tests", "--test", suite]).current_dir(tree);
    command.env("CARGO_TARGET_DIR", scratch.join("target"));
    command.env_remove("STEADFAST_QUICK").env_remove("STEADFAST_CASE").env_remove("STEADFAST_FULL");
    command
}

/// Which test of a suite failed first, and after how many cases when it counts them.
fn finding(suite: &str, output: &str) -> String {
    let failed = |line: &&str| line.starts_with("test ") && line.ends_with("... FAILED");
    let test =
        output.lines().find(failed).map_or("a test", |line| &line["test ".len()..line.len() - " ... FAILED".len()]);
    let cases = output.lines().find_map(|line| line.strip_prefix("found after ")?.split_once(" cases"));
    let after = cases.map_or(String::new(), |(count, _)| format!(" after {count} cases"));
    format!("{suite}::{test}{after}")
}

fn output(command: &mut Command) -> Result<Output> {
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    ensure!(output.status.success(), "{command:?} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suite_that_is_red_anyway_finds_nothing() {
        let ran = |suite: &str| output_of(if suite == "red" { "false" } else { "true" });
        assert!(pass_clean(&["green", "red"].into(), ran).unwrap_err().to_string().starts_with("red fails without"));
        let mut runs = 0;
        pass_clean(&["green", "greener"].into(), |suite| {
            runs += 1;
            ran(suite)
        })
        .unwrap();
        assert_eq!(runs, 2);
    }

    fn output_of(program: &str) -> Result<Output> {
        Ok(Command::new(program).output()?)
    }
}
