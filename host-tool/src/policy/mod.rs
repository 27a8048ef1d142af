//! Rules over a plan: what a fleet's own people forbid, or want to be told.
//!
//! A rule is Rego (the language of the Open Policy Agent), evaluated here and not by another program. It sees a document made of the
//! plan ([`input`]) and answers with messages under `deny` and `warn`. Two things hold throughout: a rule that cannot be evaluated
//! denies, and the rules of both commits are asked, so that a change cannot take away the rule that forbids it.
//!
//! A verdict is a function of the two commits and the approvals: rules have no clock, no network, no chance and no files.

mod approvals;
mod cases;
mod engine;
mod fault;
mod input;
mod lint;
mod source;
mod verdict;

#[cfg(test)]
mod tests;

use crate::diagnostics::Diagnostics;
use crate::git::CommitInfo;
use crate::plan::{Ends, Plan, Side};

pub use approvals::{Approval, ApprovalError, approvals};
pub use cases::{Case, Outcome, cases};
pub use engine::SECONDS_PER_RULE;
pub(crate) use input::civil;
pub use input::document;
pub(crate) use source::RULE_ENDING;
pub use source::Rules;
pub use verdict::{From, Verdict, Verdicts};

use engine::Engine;
use input::Wanted;

/// What rules are asked about.
#[derive(Clone, Copy)]
pub struct Question<'q> {
    /// The fleet before; none where everything is new.
    pub base: Option<Side<'q>>,
    /// The fleet after.
    pub head: Side<'q>,
    /// What becomes of it.
    pub plan: &'q Plan,
    /// What was compared.
    pub ends: &'q Ends,
    /// What git knows of the base's commit and the head's; nothing of a worktree.
    pub commits: [Option<&'q CommitInfo>; 2],
    /// Who agreed.
    pub approvals: &'q [Approval],
}

/// Whose rules are asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Whose {
    /// Those of the base as well as those of the head.
    #[default]
    Both,
    /// Only those of the head: the way out when the base's cannot be evaluated any more.
    Head,
}

/// Asks every rule; `None` where there is none to ask.
///
/// # Errors
/// Faults in the rules of the head, each with its place. Rules of the base that are broken deny instead.
pub fn judge(question: &Question<'_>, whose: Whose) -> Result<Option<Verdicts>, Diagnostics> {
    let new = Rules::of(question.head.fleet);
    let old = question.base.map(|base| Rules::of(base.fleet)).filter(|_| whose == Whose::Both).unwrap_or_default();
    if new.is_empty() && old.is_empty() {
        return Ok(None);
    }
    let engine = Engine::new(&new)?;
    let same = new.same(&old);
    let mention = |word| new.mention(word) || old.mention(word);
    let input = input::value(question, Wanted { names: mention("names"), renamed: mention("renamed") });
    let mut verdicts = Verdicts::default();
    verdicts.add(engine.ask(&input), From::Head);
    if same {
        verdicts.asked_both();
    } else if !old.is_empty() {
        match Engine::new(&old) {
            Ok(engine) => verdicts.add(engine.ask(&input), From::Base),
            Err(broken) => verdicts.broken_base(&broken),
        }
    }
    Ok(Some(verdicts.finish()))
}
