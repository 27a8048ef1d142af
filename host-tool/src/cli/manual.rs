//! `steadfast completions` and `steadfast man`: what shells and `man` are given, made from the same description of the commands
//! that parses them.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;

use super::{Exit, examples};

/// Arguments of `steadfast completions`.
#[derive(Args, Debug)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// Arguments of `steadfast man`.
#[derive(Args, Debug)]
pub(crate) struct ManArgs {
    /// The folder; it is made if it is not there. Pages of the same names are written over.
    folder: PathBuf,
    /// Say what would be written, and write nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Runs `steadfast completions`.
pub(crate) fn completions(args: &CompletionsArgs) -> anyhow::Result<Exit> {
    // Written at once: clap_complete panics where nobody reads any more.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "steadfast", &mut script);
    print!("{}", String::from_utf8_lossy(&script));
    Ok(Exit::Fine)
}

/// Runs `steadfast man`.
pub(crate) fn pages(args: &ManArgs) -> anyhow::Result<Exit> {
    let mut command = super::command();
    command.build();
    below(&command, args)?;
    Ok(Exit::Fine)
}

fn below(command: &Command, args: &ManArgs) -> anyhow::Result<()> {
    let name = command.get_bin_name().unwrap_or(command.get_name());
    let path = args.folder.join(format!("{}.1", name.replace(' ', "-")));
    if args.dry_run {
        println!("would write {}", path.display());
    } else {
        save(&path, command, name).with_context(|| format!("{} cannot be written", path.display()))?;
        println!("wrote {}", path.display());
    }
    command.get_subcommands().filter(|sub| sub.get_name() != "help").try_for_each(|sub| below(sub, args))
}

fn save(path: &Path, command: &Command, name: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, page(command, name)?)
}

/// A page in troff. The examples, which the generator does not know, stand where readers look first.
fn page(command: &Command, name: &str) -> io::Result<Vec<u8>> {
    let man = Man::new(command.clone());
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    writeln!(page, ".SH EXAMPLES\n.nf\n{}.fi", troff(&examples::lines(&examples::of(name))))?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    man.render_version_section(&mut page)?;
    Ok(page)
}

/// Text of which troff takes nothing for an order: backslashes and hyphens are what they are. No line starts with a dot.
fn troff(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-").replace('`', "\\(ga")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_name_examples_and_every_option() {
        let mut command = super::super::command();
        command.build();
        let plan = command.find_subcommand("plan").unwrap();
        let page = String::from_utf8(page(plan, "steadfast plan").unwrap()).unwrap();
        assert!(page.contains(".TH steadfast-plan 1"), "{page}");
        assert!(page.contains("steadfast plan \\-\\-base origin/main"), "{page}");
        for option in plan.get_arguments().filter_map(clap::Arg::get_long) {
            assert!(page.contains(&format!("\\-\\-{}", option.replace('-', "\\-"))), "{option} in {page}");
        }
    }

    /// Every command's help, in the order of the commands.
    fn reference(command: &Command, text: &mut String) {
        let name = command.get_bin_name().unwrap_or(command.get_name());
        let help = command.clone().term_width(160).render_long_help().to_string();
        text.push_str(&format!("\n## `{name}`\n\n```text\n"));
        help.trim().lines().for_each(|line| text.push_str(&format!("{}\n", line.trim_end())));
        text.push_str("```\n");
        command.get_subcommands().filter(|sub| sub.get_name() != "help").for_each(|sub| reference(sub, text));
    }

    /// `STEADFAST_SNAPSHOTS=write cargo test -p steadfast --bin steadfast` writes the page anew.
    #[test]
    fn the_reference_says_what_help_says() {
        let mut text =
            "# Commands\n\nThe help of every command, generated: change the program, not this page.\n".to_owned();
        let mut command = super::super::command();
        command.build();
        reference(&command, &mut text);
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference-commands.md");
        if std::env::var_os("STEADFAST_SNAPSHOTS").is_some_and(|value| value == "write") {
            fs::write(&path, &text).unwrap();
        }
        assert!(fs::read_to_string(&path).unwrap() == text, "{} is not what help says", path.display());
    }

    #[test]
    fn each_shell_gets_a_script_that_knows_the_commands() {
        use clap::ValueEnum as _;
        for shell in Shell::value_variants() {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut super::super::command(), "steadfast", &mut script);
            assert!(String::from_utf8(script).unwrap().contains("explain"), "{shell}");
        }
    }
}
