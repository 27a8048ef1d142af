//! The tutorial does what it says: its commands are run as they stand, one after the other, and print what it shows.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

/// Between the outputs of two blocks.
const MARK: &str = "@@@";

/// Stands for what differs each time: in a line, or for any lines.
const ANY: &str = "…";

/// The port of the tutorial.
const PORT: &str = "8440";

/// A block of commands, and what is shown of its output.
struct Step {
    commands: String,
    /// The last command ends with 1.
    fails: bool,
    shown: Option<String>,
}

/// The blocks `sh` and `sh fails`, each with the block `text` that follows before the next one.
fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for (kind, block) in text.split("```").skip(1).step_by(2).filter_map(|block| block.split_once('\n')) {
        match kind {
            "sh" | "sh fails" => steps.push(Step { commands: block.to_owned(), fails: kind != "sh", shown: None }),
            "text" => steps.last_mut().expect("commands come first").shown = Some(block.to_owned()),
            other => panic!("a block of {other:?}"),
        }
    }
    steps
}

/// Whether a text has these lines one after the other, where [`ANY`] is anything.
fn shows(output: &[&str], shown: &[&str]) -> bool {
    (0..=output.len()).any(|start| continues(&output[start..], shown))
}

fn continues(output: &[&str], shown: &[&str]) -> bool {
    match shown.split_first() {
        None => true,
        Some((&ANY, rest)) => shows(output, rest),
        Some((line, rest)) => {
            output.split_first().is_some_and(|(first, others)| is_like(first, line) && continues(others, rest))
        }
    }
}

fn is_like(line: &str, shown: &str) -> bool {
    let mut rest = line;
    let parts: Vec<&str> = shown.split(ANY).collect();
    for (index, part) in parts.iter().enumerate() {
        let at = if index + 1 == parts.len() && rest.ends_with(part) {
            rest.len().checked_sub(part.len())
        } else {
            rest.find(part)
        };
        match at {
            Some(at) if index > 0 || at == 0 => rest = &rest[at + part.len()..],
            _ => return false,
        }
    }
    rest.is_empty()
}

#[test]
fn every_command_of_the_tutorial_does_what_it_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/tutorial.md");
    let steps = steps(&fs::read_to_string(path).unwrap());
    assert!(steps.len() > 10, "{}", steps.len());
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    // Whatever happens, the server ends; and it is waited for, not slept for.
    let ready = format!("until (: > /dev/tcp/127.0.0.1/{free}) 2> /dev/null; do sleep 0.05; done\n");
    let mut script = "set -eu\ntrap 'kill $(jobs -p)' EXIT\n".to_owned();
    for Step { commands, fails, .. } in &steps {
        script += &format!("echo '{MARK}'\n");
        let commands = commands.replace(PORT, &free).replace("sleep 1\n", &ready);
        script += &if *fails { format!("set +e\n{commands}code=$?\nset -e\n[ $code = 1 ]\n") } else { commands };
    }
    let folder = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_steadfast")).parent().unwrap();
    let search = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let who = ["AUTHOR", "COMMITTER"]
        .map(|who| [(format!("GIT_{who}_NAME"), "Ann"), (format!("GIT_{who}_EMAIL"), "ann@example.org")]);
    let mut shell = Command::new("bash");
    shell.arg("-c").arg(format!("exec 2>&1\n{script}")).current_dir(folder.path());
    shell.env("PATH", search).env("GIT_CONFIG_GLOBAL", "/dev/null").envs(who.into_iter().flatten());
    let output = shell.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let outputs: Vec<&str> = text.split(MARK).skip(1).collect();
    let last = steps.get(outputs.len().saturating_sub(1)).map(|step| &step.commands);
    assert!(output.status.success(), "{}\nended in:\n{}", text, last.unwrap());
    for (Step { commands, shown, .. }, output) in steps.iter().zip(outputs) {
        let lines: Vec<&str> = output.lines().collect();
        let shown: Vec<&str> = shown.iter().flat_map(|shown| shown.lines()).collect();
        assert!(shows(&lines, &shown), "{commands}\nprints\n{output}\nand not\n{}", shown.join("\n"));
    }
}
