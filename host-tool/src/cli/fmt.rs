//! `steadfast fmt`: one form for a fleet's TOML files, so that a review shows changes and nothing else.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use steadfast::fleet::{SETTINGS_FILE, toml_files};
use steadfast::format::format;
use steadfast::whole::{self, Over};
use steadfast::words::counted;

use super::Exit;

/// Arguments of `steadfast fmt`.
#[derive(Args, Debug)]
#[command(after_help = "\
It changes white space and nothing else: comments, order and values stay. Ends with 2 when --check finds a file of another form.")]
pub(crate) struct FmtArgs {
    /// The fleet's folder: the one with `steadfast.toml`.
    #[arg(long, default_value = ".", value_name = "FOLDER")]
    fleet: PathBuf,
    /// Name the files of another form, with the first line that would change, and change nothing.
    #[arg(long, visible_alias = "dry-run")]
    check: bool,
}

/// Runs `steadfast fmt`. All files are read first: where one is no TOML, none is written.
pub(crate) fn run(args: &FmtArgs) -> anyhow::Result<Exit> {
    if !args.fleet.join(SETTINGS_FILE).is_file() {
        bail!("{} has no {SETTINGS_FILE}; name the fleet's folder with --fleet", args.fleet.display());
    }
    let files = toml_files(&args.fleet).with_context(|| format!("{} cannot be listed", args.fleet.display()))?;
    let mut changes = Vec::new();
    for path in &files {
        let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let formatted = format(&text).map_err(|error| anyhow!("{}: {error}", path.display()))?;
        if formatted != text {
            changes.push((path, first_difference(&text, &formatted), formatted));
        }
    }
    for (path, line, formatted) in &changes {
        if args.check {
            println!("{}:{line}: not formatted", path.display());
        } else {
            save(path, formatted).with_context(|| format!("{} cannot be written", path.display()))?;
            println!("formatted {}", path.display());
        }
    }
    eprintln!("{}, {} of another form", counted(files.len(), "file"), changes.len());
    Ok(if args.check && !changes.is_empty() { Exit::Changes } else { Exit::Fine })
}

/// The number of the first line that differs, from 1.
fn first_difference(before: &str, after: &str) -> usize {
    let same = before.split('\n').zip(after.split('\n')).take_while(|(before, after)| before == after);
    same.count() + 1
}

/// Writes a file as a whole, with the permissions that it had.
fn save(path: &Path, text: &str) -> std::io::Result<()> {
    let mode = fs::metadata(path)?.permissions().mode() & 0o777;
    whole::write(path, text.as_bytes(), (mode, Over::File))
}
