//! `steadfast init`: a small fleet that works, to start from, with what people and machines need to work on it.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use steadfast::fleet::starter::{self, Extent};
use steadfast::git::Repository;

use super::Exit;

/// Arguments of `steadfast init`.
#[derive(Args, Debug)]
pub(crate) struct InitArgs {
    /// The folder; it is made if it is not there. Nothing in it is overwritten.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// What to call the fleet; the folder's name unless given.
    #[arg(long)]
    name: Option<String>,
    /// Only what a fleet cannot do without: one device, and no rollout file, simulated gateways or jobs for continuous integration.
    #[arg(long)]
    minimal: bool,
    /// Say what would be written, and write nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Runs `steadfast init`.
pub(crate) fn run(args: &InitArgs) -> anyhow::Result<Exit> {
    let name = match &args.name {
        Some(name) => name.clone(),
        None => folder_name(&args.folder)?,
    };
    let extent = extent(args);
    let files = starter::files(&name, extent)?;
    let taken: Vec<_> = files.iter().map(|file| args.folder.join(&file.path)).filter(|path| path.exists()).collect();
    if let Some(first) = taken.first() {
        bail!("{} is there already, and init overwrites nothing; choose an empty folder", first.display());
    }
    for file in &files {
        let path = args.folder.join(&file.path);
        if args.dry_run {
            println!("would write {}", path.display());
            continue;
        }
        write(&path, &file.content).with_context(|| format!("{} cannot be written", path.display()))?;
        println!("wrote {}", path.display());
    }
    if extent == Extent::Below {
        eprintln!(
            "no jobs for continuous integration were written: they belong to the top of the repository, with --fleet in each command"
        );
    }
    if !args.dry_run {
        eprintln!("next: edit the layers, try `steadfast check --worktree --fleet {}`, commit", args.folder.display());
    }
    Ok(Exit::Fine)
}

fn extent(args: &InitArgs) -> Extent {
    if args.minimal {
        return Extent::Least;
    }
    if is_below_a_repository(&args.folder) { Extent::Below } else { Extent::Repository }
}

/// Whether the folder lies, or will lie, in a repository of which it is not the top.
fn is_below_a_repository(folder: &Path) -> bool {
    let Ok(whole) = std::path::absolute(folder) else { return false };
    let there = whole.ancestors().find(|folder| folder.is_dir());
    !whole.join(".git").exists() && there.is_some_and(|there| Repository::discover(there).is_ok())
}

fn folder_name(folder: &Path) -> anyhow::Result<String> {
    let whole = std::path::absolute(folder).with_context(|| format!("{} is no path", folder.display()))?;
    let name = whole.file_name().map(|name| name.to_string_lossy().into_owned());
    name.context("the folder has no name to call the fleet by; give one with --name")
}

fn write(path: &Path, content: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    // Never over a file that came up in between.
    let mut file = std::fs::File::create_new(path)?;
    std::io::Write::write_all(&mut file, content.as_bytes())
}
