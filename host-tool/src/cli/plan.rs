//! `steadfast plan`: what a change does to every device, before it is merged.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::{Args, ValueEnum};
use steadfast::compile::compile;
use steadfast::diagnostics::{Color, Diagnostics};
use steadfast::fleet::{At, Fleet};
use steadfast::git::Repository;
use steadfast::plan::{Ends, Head, Length, Plan, Side, compile_both, document, markdown, plan, text};

use super::before::{self, Point, told};
use super::check;
use super::judging::{Compared, Judging};
use super::{Exit, color, color_of};

/// Arguments of `steadfast plan`.
#[derive(Args, Debug)]
#[command(
    after_help = "It reads the repository and nothing else: no network, no credentials. It ends with 3 when a rule in policy/ denies the change."
)]
pub(crate) struct PlanArgs {
    /// The fleet's folder: the one with `steadfast.toml`.
    #[arg(long, default_value = ".", value_name = "FOLDER")]
    fleet: PathBuf,
    /// Compare with the commit at which this one and the head parted, as `git diff BASE...HEAD` does. Unless given: the head's first
    /// parent, or with --worktree the checked-out commit.
    #[arg(long, value_name = "REVISION")]
    base: Option<String>,
    /// Compare with the base itself, also where the head does not descend from it.
    #[arg(long, requires = "base")]
    exact: bool,
    /// What the fleet is to be; the checked-out commit unless given.
    #[arg(long, value_name = "REVISION", conflicts_with = "worktree")]
    head: Option<String>,
    /// Take the files as they lie in the folder for the head.
    #[arg(long)]
    worktree: bool,
    /// Show every group and field instead of a screenful of text.
    #[arg(long)]
    all: bool,
    /// End with 2 when any device changes, comes or goes, and with 0 when none does.
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    judging: Judging,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    format: PlanFormat,
}

/// How a plan is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum PlanFormat {
    /// For people at a terminal.
    #[default]
    Text,
    /// For a comment on a merge request: at most 65,000 bytes.
    Markdown,
    /// For programs: one JSON document, described by docs/plan.schema.json.
    Json,
}

/// Runs `steadfast plan`. A head that does not compile ends like `steadfast check`.
pub(crate) fn run(args: &PlanArgs) -> anyhow::Result<Exit> {
    let fleet = match Fleet::open(&args.fleet, &head_at(args)) {
        Ok(fleet) => fleet,
        Err(diagnostics) => return Ok(broken_head(args, &diagnostics)),
    };
    let wanted = base_commit(args, &fleet);
    let (compiled, before) = match &wanted {
        Ok(Some((_, commit))) => {
            let (compiled, before) = compile_both(&fleet, &args.fleet, commit);
            (compiled, Some(before))
        }
        _ => (compile(&fleet), None),
    };
    let compiled = match compiled {
        Ok(compiled) => compiled,
        Err(diagnostics) => return Ok(broken_head(args, &diagnostics)),
    };
    eprint!("{}", compiled.warnings.to_text(color()));
    let head = Side { fleet: &fleet, compiled: &compiled };
    let (base, before) = before::end(wanted?, before);
    let side = before.as_ref().map(|(fleet, compiled)| Side { fleet, compiled });
    let mut plan = plan(side, head);
    let revision = args.head.clone().unwrap_or_else(|| "HEAD".to_owned());
    let end = Head { revision, commit: fleet.source.commit.to_string(), worktree: args.worktree };
    let ends = Ends { base, head: end };
    let asked = args.judging.ask(&mut plan, Compared { folder: &args.fleet, base: side, head, ends: &ends });
    let allowed = match asked.map_err(|error| error.downcast::<Diagnostics>()) {
        Ok(allowed) => allowed,
        Err(Ok(broken)) => return Ok(broken_head(args, &broken)),
        Err(Err(error)) => return Err(error),
    };
    print(args, &plan, &ends);
    if !allowed {
        return Ok(Exit::Denied);
    }
    Ok(if args.exit_code && !plan.is_empty() { Exit::Changes } else { Exit::Fine })
}

fn print(args: &PlanArgs, plan: &Plan, ends: &Ends) {
    let length = if args.all { Length::All } else { Length::Screen };
    match args.format {
        PlanFormat::Text => print!("{}", text(plan, ends, (length, color_of(&std::io::stdout())))),
        PlanFormat::Markdown => print!("{}", markdown(plan, ends)),
        PlanFormat::Json => println!("{:#}", document(plan, ends)),
    }
}

fn head_at(args: &PlanArgs) -> At {
    match &args.head {
        Some(revision) => At::Commit(revision.clone()),
        None if args.worktree => At::Worktree,
        None => At::Head,
    }
}

/// Shows what `check` shows, on standard output too where a comment or a program expects something there.
fn broken_head(args: &PlanArgs, diagnostics: &Diagnostics) -> Exit {
    match args.format {
        PlanFormat::Json => println!("{:#}", check::document(diagnostics, None)),
        PlanFormat::Markdown => {
            println!("### This does not compile\n\n{}", fenced(&diagnostics.to_text(Color::Never)));
            eprint!("{}", diagnostics.to_text(color()));
        }
        PlanFormat::Text => eprint!("{}", diagnostics.to_text(color())),
    }
    check::exit(diagnostics)
}

/// A block of code that its content cannot end, cut to what a comment takes.
fn fenced(text: &str) -> String {
    let longest = text.split(|letter| letter != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    let most = text.floor_char_boundary(steadfast::plan::MARKDOWN_BYTES / 2);
    let (shown, rest) = text.split_at(most.min(text.len()));
    let rest = if rest.is_empty() { "" } else { "\n… `steadfast check` shows all of it" };
    format!("{fence}text\n{shown}\n{fence}\n{rest}")
}

/// What the base is called, and its full id; none where nothing comes before the head.
fn base_commit(args: &PlanArgs, head: &Fleet) -> anyhow::Result<Option<Point>> {
    let Some(revision) = &args.base else { return before::parent(&args.fleet, head) };
    let repository = Repository::discover(&args.fleet).map_err(told)?;
    let commit = repository.commit(&head.source.commit.to_string()).map_err(told)?;
    let named = repository.commit(revision).map_err(told)?;
    let parted = if args.exact { Some(named) } else { repository.merge_base(named, commit).map_err(told)? };
    let Some(parted) = parted else {
        return Err(anyhow!("{revision} and the head have no commit in common; --exact compares them all the same"));
    };
    let name = if parted == named { revision.clone() } else { format!("where {revision} was left") };
    Ok(Some((name, parted.to_string())))
}
