//! What rules said, read strictly: an answer that is no set of messages denies.

use serde::Serialize;
use serde_json::Value as Json;

use crate::diagnostics::Diagnostics;
use crate::words::{counted, visible};

/// Most messages of one rule; what comes after is counted.
const MESSAGES_MAX: usize = 100;

/// Longest message, in characters.
const MESSAGE_CHARS: usize = 1000;

/// What all rules say of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verdicts {
    /// How many rules (a package's `deny` or `warn`) were asked, each commit's counted for itself.
    pub rules: usize,
    /// Whose rules were asked.
    pub asked: Vec<From>,
    /// Why the change is refused; empty when it is not.
    pub denied: Vec<Verdict>,
    /// What it should be known for.
    pub warned: Vec<Verdict>,
}

/// One message of one rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Verdict {
    /// The package, as `policy.safety`.
    pub rule: String,
    /// What it says.
    pub message: String,
    /// The device that it names, as it names it.
    pub device: Option<String>,
    /// The field that it names.
    pub field: Option<String>,
    /// Whose rule it is: of the base, of the head, or of both.
    pub from: Vec<From>,
}

/// A commit's rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum From {
    /// Those before the change.
    Base,
    /// Those that it brings.
    Head,
}

/// What one rule said, or why it could not.
pub(super) struct Answer {
    /// The package's path, as `data.policy.safety`.
    pub(super) rule: String,
    /// `deny` or `warn`.
    pub(super) kind: &'static str,
    /// `None` of a rule that holds for nothing.
    pub(super) said: Result<Option<Json>, String>,
}

/// All answers to one question.
pub(super) struct Answers {
    /// How many there should be.
    pub(super) rules: usize,
    pub(super) answers: Vec<Answer>,
}

impl Verdicts {
    /// Whether the change is refused.
    #[must_use]
    pub fn denies(&self) -> bool {
        !self.denied.is_empty()
    }

    /// What is said of a change from a commit that cannot be compiled: what it changes is not known, so it does not pass.
    #[must_use]
    pub fn of_unknown_change() -> Self {
        let mut verdicts = Self::default();
        let why = "the commit where the change starts does not compile, so no rule can say what changes; \
            --new-rules-only takes every device for new";
        verdicts.deny("policy", why.to_owned(), From::Base);
        verdicts.denied.iter_mut().for_each(|one| one.from.clear());
        verdicts
    }

    /// How many were asked and what came of it, in a line.
    #[must_use]
    pub fn summary(&self) -> String {
        let whose = match self.asked.as_slice() {
            [From::Head] => "the head's alone",
            [From::Base] => "the base's alone",
            [] => "nobody's",
            _ => "the base's and the head's",
        };
        let denied = if self.denied.is_empty() { "none denies".to_owned() } else { denials(self.denied.len()) };
        format!("policy: {} asked ({whose}): {denied}", counted(self.rules, "rule"))
    }

    pub(super) fn add(&mut self, asked: Answers, from: From) {
        if asked.answers.len() != asked.rules {
            self.deny("policy", "the evaluator failed before every rule had answered".to_owned(), from);
        }
        self.rules += asked.rules;
        if asked.rules > 0 {
            self.asked.push(from);
        }
        asked.answers.iter().for_each(|answer| self.answer(answer, from));
    }

    /// The base's rules are the head's.
    pub(super) fn asked_both(&mut self) {
        self.asked = vec![From::Base, From::Head];
        for verdict in self.denied.iter_mut().chain(&mut self.warned) {
            verdict.from = vec![From::Base, From::Head];
        }
    }

    /// What cannot be asked does not pass.
    pub(super) fn broken_base(&mut self, broken: &Diagnostics) {
        let first = broken.list().first();
        let what = first.map(|one| match one.position() {
            Some(at) => format!("{} ({}:{}:{})", one.message(), at.path, at.line, at.column),
            None => one.message().to_owned(),
        });
        let what = what.unwrap_or_default();
        let way = "--new-rules-only asks the head's alone";
        self.deny("policy", format!("the rules of the base cannot be read: {what}; {way}"), From::Base);
    }

    /// In order, what both commits' rules say once.
    pub(super) fn finish(mut self) -> Self {
        for list in [&mut self.denied, &mut self.warned] {
            list.sort();
            let mut once: Vec<Verdict> = Vec::new();
            for verdict in list.drain(..) {
                let alike = |other: &&mut Verdict| {
                    let key =
                        |one: &Verdict| (one.rule.clone(), one.message.clone(), one.device.clone(), one.field.clone());
                    key(other) == key(&verdict)
                };
                match once.last_mut().filter(alike) {
                    Some(last) => last.from.extend(verdict.from),
                    None => once.push(verdict),
                }
            }
            *list = once;
        }
        self.asked.sort();
        self
    }

    fn answer(&mut self, answer: &Answer, from: From) {
        let rule = answer.rule.trim_start_matches("data.");
        let kind = answer.kind;
        let messages = match &answer.said {
            Ok(Some(Json::Array(items))) => items,
            Ok(None) => return,
            Ok(Some(_)) => return self.deny(rule, format!("`{kind}` is no set of messages"), from),
            Err(why) => return self.deny(rule, format!("`{kind}` cannot be evaluated: {why}"), from),
        };
        for item in messages.iter().take(MESSAGES_MAX) {
            match verdict(item, rule, from) {
                Some(verdict) if kind == "deny" => self.denied.push(verdict),
                Some(verdict) => self.warned.push(verdict),
                None => self.deny(rule, format!("`{kind}` has something that is neither text nor has a `msg`"), from),
            }
        }
        if let Some(more) = messages.len().checked_sub(MESSAGES_MAX).filter(|more| *more > 0) {
            let more = Verdict { message: format!("and {more} more of this rule"), ..Verdict::new(rule, from) };
            if kind == "deny" { self.denied.push(more) } else { self.warned.push(more) }
        }
    }

    fn deny(&mut self, rule: &str, message: String, from: From) {
        self.denied.push(Verdict { message, ..Verdict::new(rule, from) });
    }
}

fn denials(count: usize) -> String {
    if count == 1 { "denied for one reason".to_owned() } else { format!("denied for {count} reasons") }
}

impl Verdict {
    /// The message in a line, with what it is about and whose rule says so.
    #[must_use]
    pub fn line(&self) -> String {
        let about: Vec<&str> = self.device.iter().chain(&self.field).map(String::as_str).collect();
        let about = if about.is_empty() { String::new() } else { format!(" ({})", about.join(", ")) };
        let whose = match self.from.as_slice() {
            [From::Base] => ", as it was before this change",
            [From::Head] => ", which this change brings",
            _ => "",
        };
        visible(&format!("{}{whose}: {}{about}", self.rule, self.message))
    }

    fn new(rule: &str, from: From) -> Self {
        Self { rule: rule.to_owned(), message: String::new(), device: None, field: None, from: vec![from] }
    }
}

/// A message, bare or with a device and a field.
fn verdict(item: &Json, rule: &str, from: From) -> Option<Verdict> {
    let text = |value: &Json| value.as_str().map(|text| text.chars().take(MESSAGE_CHARS).collect::<String>());
    let named = |name: &str| item.get(name).and_then(text);
    let message = text(item).or_else(|| named("msg"))?;
    Some(Verdict { message, device: named("device"), field: named("field"), ..Verdict::new(rule, from) })
}
