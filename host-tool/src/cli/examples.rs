//! The examples with which each command's `--help`, manual page and reference entry open.
//!
//! One table for all of them, so that a test can walk it: every command has examples, and every example is understood by the
//! very parser that users meet. A command that only groups others shows the first example of each.

use std::fmt::Write as _;

use clap::Command;

/// What help shows, in which order: purpose, examples, usage, arguments.
const TEMPLATE: &str = "{about-with-newline}\n{before-help}{usage-heading} {usage}\n\n{all-args}{after-help}";

/// A command line, and what it does.
type Example = (&'static str, &'static str);

const EXAMPLES: &[&[Example]] = &[
    &[
        ("steadfast build", "the checked-out commit, into a file named after its release"),
        ("steadfast build --commit v1.4 --out /tmp", "another commit, another folder"),
    ],
    &[
        ("steadfast check", "the checked-out commit, as a CI job does"),
        ("steadfast check --worktree", "the files as they lie here, committed or not"),
        ("steadfast check --fleet fleets/prod --format json", "one fleet of several, for a program"),
    ],
    &[
        ("steadfast completions bash > ~/.local/share/bash-completion/completions/steadfast", ""),
        ("steadfast completions zsh > ~/.zfunc/_steadfast", ""),
    ],
    &[("steadfast demo --board-elf firmware.elf --gateway steadfast-gateway", "`cargo xtask demo` builds both first")],
    &[
        ("steadfast device enroll sensor-1", "a key for a device that the inventory has without one"),
        ("steadfast device enroll roof --model sensor --label site=office", "a new device"),
    ],
    &[
        ("steadfast device list", "all devices with their labels"),
        ("steadfast device list --worktree --format json", "those of the files as they lie here"),
    ],
    &[(
        "steadfast endorse --key keys/publisher-2.key --server http://127.0.0.1:8440 --out endorsements",
        "compile here, and agree",
    )],
    &[
        ("steadfast explain sensor-1", "every value, and each layer that set it"),
        ("steadfast explain sensor-1 sampling.period_ms", "one field"),
        ("steadfast explain sensor-1 --blame", "who wrote each line, and when"),
    ],
    &[(
        "steadfast flash sensor-1 --board board.toml --key keys/device/sensor-1.key --server 192.0.2.1:8440 --out sensor-1.img",
        "",
    )],
    &[
        ("steadfast fmt", "every TOML file of the fleet in this folder"),
        ("steadfast fmt --check", "say which are not formatted, and change nothing; for CI"),
    ],
    &[
        ("steadfast init ../myfleet", "a folder of its own"),
        ("steadfast init fleets/prod --name prod", "one of several fleets in a repository"),
    ],
    &[
        ("steadfast inspect fleet-1-42.pack", "what the release is, and who signed it"),
        ("steadfast inspect fleet-1-42.pack --device sensor-1", "what one device would get"),
    ],
    &[
        ("steadfast keys new", "a root, a publisher and a director key into keys/"),
        ("steadfast keys new --publisher 3 --publisher-threshold 2", "two of three must sign a release"),
    ],
    &[
        ("steadfast keys show", "the fleet's keyrings"),
        ("steadfast keys show keys/publisher.key", "what a key is for, and its public half"),
    ],
    &[("steadfast man ~/.local/share/man/man1", "then `man steadfast-plan` works")],
    &[
        ("steadfast plan", "what the last commit changed"),
        ("steadfast plan --worktree", "what would change if the files were committed as they lie"),
        ("steadfast plan --base origin/main", "what this branch changes"),
        ("steadfast plan --base origin/main --format markdown > comment.md", "the same, for a merge request"),
    ],
    &[
        ("steadfast policy test", "the rules in policy/, as they lie in the folder"),
        ("steadfast policy test policy/safety", "one folder of them"),
    ],
    &[
        ("steadfast publish --server http://127.0.0.1:8440 --key keys/publisher.key", "build, sign, hand over"),
        ("steadfast publish --server http://127.0.0.1:8440 --pack fleet-1-42.pack", "what others have signed"),
    ],
    &[
        ("steadfast schema add firmware.elf --model sensor", "what this firmware can be told"),
        ("steadfast schema add firmware.elf --model sensor --dry-run", "only say where it would go"),
    ],
    &[("steadfast schema check", "what becomes of each device under every live schema")],
    &[("steadfast schema docs", "reference pages and a JSON Schema for editors, into docs/")],
    &[("steadfast schema list", "every schema of the fleet")],
    &[
        ("steadfast schema show sensor", "each field with type, bounds and default"),
        ("steadfast schema show sensor --format json-schema > sensor.schema.json", "for an editor"),
    ],
    &[
        ("steadfast serve --data ../data --keyring keys/keyring --director-key keys/director.key", "the first time"),
        ("steadfast serve --data ../data --listen 0.0.0.0:8440", "from then on, open to a network"),
    ],
    &[
        ("steadfast sign fleet-1-42.pack --key keys/publisher.key", "the signature goes beside the pack"),
        ("steadfast sign fleet-1-42.pack --key keys/publisher.key --dry-run", "say what would be signed"),
    ],
    &[
        ("steadfast status --server http://127.0.0.1:8440", "every device"),
        ("steadfast status --server http://127.0.0.1:8440 --label site=office", "those of one site"),
    ],
    &[
        ("steadfast verify fleet-1-42.pack", "would devices take it?"),
        ("steadfast verify fleet-1-42.pack --recompute", "and is it what its commit compiles to?"),
    ],
    &[("steadfast why sensor-1 --server http://127.0.0.1:8440", "one device on one screen")],
];

/// What somebody does who meets the program for the first time.
const FIRST: &[Example] = &[
    ("steadfast init ../myfleet", "a small fleet that works, to start from"),
    ("steadfast check --worktree", "what is wrong with it"),
    ("steadfast plan --base origin/main", "what a branch changes, device by device"),
    ("steadfast publish --server http://127.0.0.1:8440 --key keys/publisher.key", "the checked-out commit"),
];

/// Puts examples at the head of a command's help, and of all below it.
pub(crate) fn add(command: Command) -> Command {
    below(command, "steadfast")
}

fn below(mut command: Command, path: &str) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    for name in names {
        command = command.mut_subcommand(&name, |sub| below(sub, &format!("{path} {name}")));
    }
    let style = *command.get_styles().get_header();
    let text = format!("{style}Examples:{style:#}\n{}", lines(&of(path)));
    command.help_template(TEMPLATE).before_help(text)
}

/// The examples of a command by its whole name, `steadfast device enroll`.
pub(crate) fn of(path: &str) -> Vec<Example> {
    if path == "steadfast" {
        return FIRST.to_vec();
    }
    let own = EXAMPLES.iter().find(|examples| examples.iter().all(|(line, _)| is_of(line, path)));
    let first_of_each =
        || EXAMPLES.iter().filter_map(|examples| examples.first()).filter(|(line, _)| is_of(line, path));
    own.map_or_else(|| first_of_each().copied().collect(), |own| own.to_vec())
}

fn is_of(line: &str, path: &str) -> bool {
    line.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

/// The examples as lines, what they do in one column.
pub(crate) fn lines(examples: &[Example]) -> String {
    let width = examples.iter().filter(|(_, what)| !what.is_empty()).map(|(line, _)| line.len()).max().unwrap_or(0);
    let mut text = String::new();
    for (line, what) in examples {
        let _ = match what.is_empty() {
            true => writeln!(text, "  {line}"),
            false => writeln!(text, "  {line:width$}  {what}"),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::command;
    use super::*;

    /// Every command with its whole name.
    fn walk(command: &Command, path: &str, each: &mut impl FnMut(&Command, &str)) {
        each(command, path);
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            walk(sub, &format!("{path} {}", sub.get_name()), each);
        }
    }

    #[test]
    fn every_command_opens_its_help_with_examples() {
        walk(&command(), "steadfast", &mut |command, path| {
            let help = command.clone().render_long_help().to_string();
            let (examples, usage) = (help.find("Examples:\n  steadfast "), help.find("Usage:"));
            assert!(examples.is_some() && examples < usage, "`{path}` has none: add them to EXAMPLES\n{help}");
        });
    }

    #[test]
    fn every_example_is_understood() {
        for (line, _) in EXAMPLES.iter().copied().flatten().chain(FIRST) {
            let words = line.split(" > ").next().unwrap_or_default().split_whitespace();
            let parsed = command().try_get_matches_from(words);
            assert!(parsed.is_ok(), "{line}\n{}", parsed.unwrap_err());
        }
    }

    #[test]
    fn no_example_is_of_a_command_that_does_not_exist_any_more() {
        let mut shown = Vec::new();
        walk(&command(), "steadfast", &mut |_, path| shown.extend(of(path)));
        for (line, _) in EXAMPLES.iter().copied().flatten() {
            assert!(shown.iter().any(|(known, _)| known == line), "{line}");
        }
    }
}
