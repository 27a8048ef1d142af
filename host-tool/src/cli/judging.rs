//! What `plan`, `check` and `publish` share about rules: their options, and asking them.

use std::path::{Path, PathBuf};

use clap::Args;
use steadfast::fleet::At;
use steadfast::git::{CommitInfo, GitError, Repository};
use steadfast::plan::{BaseState, Ends, Head, Plan, Side, plan};
use steadfast::policy::{self, Question, Rules, Verdicts, Whose};

use super::before::{self, Point, Read};
use super::color;

/// Options for rules.
#[derive(Args, Debug)]
pub(crate) struct Judging {
    /// Who approved the change: a JSON file that rules see; docs/guide-policy.md has its form.
    #[arg(long, value_name = "FILE")]
    approvals: Option<PathBuf>,
    /// Ask only the rules that the change brings, and not those from before it. For when the old ones cannot be evaluated any more.
    #[arg(long)]
    new_rules_only: bool,
}

/// Two fleets that are compared.
#[derive(Clone, Copy)]
pub(crate) struct Compared<'c> {
    /// The fleet's folder.
    pub(crate) folder: &'c Path,
    pub(crate) base: Option<Side<'c>>,
    pub(crate) head: Side<'c>,
    pub(crate) ends: &'c Ends,
}

impl Judging {
    /// Asks the rules about a plan and keeps in it what they say. Whether it may go on.
    ///
    /// # Errors
    /// Broken rules of the head, and what keeps approvals or git from being read.
    pub(crate) fn ask(&self, plan: &mut Plan, compared: Compared<'_>) -> anyhow::Result<bool> {
        let approvals = self.approvals.as_deref().map(policy::approvals).transpose()?.unwrap_or_default();
        let Compared { folder, base, head, ends } = compared;
        if self.lost(&compared) {
            plan.policy = Some(Verdicts::of_unknown_change());
            return Ok(false);
        }
        let from = ends.base.commit.as_deref().map(|commit| info(folder, commit)).transpose()?.flatten();
        let to = if ends.head.worktree { None } else { info(folder, &ends.head.commit)? };
        let commits = [from.as_ref(), to.as_ref()];
        let question = Question { base, head, plan: &*plan, ends, commits, approvals: &approvals };
        let whose = if self.new_rules_only { Whose::Head } else { Whose::Both };
        plan.policy = policy::judge(&question, whose)?;
        Ok(!plan.policy.as_ref().is_some_and(Verdicts::denies))
    }

    /// Whether there are rules, and nothing of the base to ask them about.
    fn lost(&self, compared: &Compared<'_>) -> bool {
        let base = &compared.ends.base;
        let at = base.commit.as_ref().map(|commit| At::Commit(commit.clone()));
        let old = || at.is_some_and(|at| Rules::are_at(compared.folder, &at));
        base.state == BaseState::Broken && !self.new_rules_only && (!compared.head.fleet.rules.is_empty() || old())
    }

    /// Asks the rules about the way from one commit, of whatever age, to a fleet; `None` where neither has any.
    ///
    /// # Errors
    /// Those of [`Self::ask`].
    pub(crate) fn since(&self, folder: &Path, point: Option<Point>, new: &Read) -> anyhow::Result<Option<Verdicts>> {
        let (fleet, compiled) = new;
        let commit = point.as_ref().map(|(_, commit)| commit.clone());
        let old = commit.as_ref().is_some_and(|commit| Rules::are_at(folder, &At::Commit(commit.clone())));
        if fleet.rules.is_empty() && (!old || self.new_rules_only) {
            return Ok(None);
        }
        let (base, before) = before::at(folder, point, fleet);
        let head = Head {
            revision: "HEAD".to_owned(),
            commit: fleet.source.commit.to_string(),
            worktree: fleet.source.worktree,
        };
        let ends = Ends { base, head };
        let base = before.as_ref().map(|(fleet, compiled)| Side { fleet, compiled });
        let head = Side { fleet, compiled };
        let mut plan = plan(base, head);
        self.ask(&mut plan, Compared { folder, base, head, ends: &ends })?;
        Ok(plan.policy)
    }
}

/// Says on standard error what rules said.
pub(crate) fn tell(verdicts: &Verdicts) {
    eprintln!("{}", verdicts.summary());
    let red = |text: String| match color() {
        steadfast::diagnostics::Color::Always => format!("\u{1b}[31m{text}\u{1b}[0m"),
        steadfast::diagnostics::Color::Never => text,
    };
    verdicts.denied.iter().for_each(|one| eprintln!("{}", red(format!("denied by {}", one.line()))));
    verdicts.warned.iter().for_each(|one| eprintln!("warned by {}", one.line()));
}

/// What git knows of a commit; nothing where there is no repository, or no commit yet.
fn info(folder: &Path, commit: &str) -> anyhow::Result<Option<CommitInfo>> {
    let repository = match Repository::discover(folder) {
        Err(GitError::NotARepository(_)) => return Ok(None),
        repository => repository.map_err(before::told)?,
    };
    let id = match repository.commit(commit) {
        Err(GitError::UnknownCommit(_) | GitError::NoCommit) => return Ok(None),
        id => id.map_err(before::told)?,
    };
    Ok(Some(repository.commit_info(id).map_err(before::told)?))
}
