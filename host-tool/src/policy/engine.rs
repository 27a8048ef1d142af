//! The Rego evaluator: rules are read once, then asked. Nothing that it does takes longer than its limit or ends the program.

use std::num::NonZeroU32;
use std::time::Duration;

use regorus::Value;
use regorus::utils::limits::ExecutionTimerConfig;
use serde_json::Value as Json;

use super::Rules;
use super::fault::Fault;
use super::lint;
use super::verdict::{Answer, Answers};
use crate::diagnostics::{Code, Diagnostics, Finding, Findings, Place};

/// How long one rule may take, in seconds. Rules over a million devices take tenths; one that takes longer is in a loop.
pub const SECONDS_PER_RULE: u64 = 10;

/// Steps between two looks at the clock: some microseconds.
const STEPS_PER_LOOK: NonZeroU32 = NonZeroU32::new(1000).unwrap();

/// The stack that rules are read and evaluated on. Functions that call themselves are refused, so nothing in a rule needs much of it;
/// an expression may be nested deeply.
const STACK_BYTES: usize = 64 << 20;

/// A package of rules.
#[derive(Clone, Debug)]
pub(super) struct Package {
    /// As `data.policy.safety`.
    pub(super) path: String,
    /// What it answers.
    pub(super) kinds: Vec<&'static str>,
    /// Its own cases.
    pub(super) cases: Vec<lint::Case>,
}

/// Rules, ready to be asked.
pub(super) struct Engine {
    inner: regorus::Engine,
    pub(super) packages: Vec<Package>,
}

impl Engine {
    /// Reads rules and finds what is wrong with them without asking them anything.
    ///
    /// # Errors
    /// Each fault with its place.
    pub(super) fn new(rules: &Rules) -> Result<Self, Diagnostics> {
        let read = apart(|| read(rules)).unwrap_or_else(|| {
            let mut findings = Findings::default();
            findings.add(Finding::new(Code::BadRule, "the rules cannot be read: the evaluator failed"));
            Err(findings)
        });
        read.map_err(|findings| findings.finish(&rules.sources, |_| ""))
    }

    /// What each package answers to `deny` and `warn`.
    pub(super) fn ask(&self, input: &Json) -> Answers {
        let asked = apart(|| {
            let mut engine = self.inner.clone();
            let Ok(input) = serde_json::from_value::<Value>(input.clone()) else { return Vec::new() };
            engine.set_input(input);
            let mut answers = Vec::new();
            for package in &self.packages {
                for kind in &package.kinds {
                    let said = engine.eval_rule(format!("{}.{kind}", package.path));
                    let said = said.map_err(|error| Fault::read(&error.to_string()).line());
                    let said = said.and_then(|value| match value {
                        Value::Undefined => Ok(None),
                        value => serde_json::to_value(&value).map(Some).map_err(|error| error.to_string()),
                    });
                    answers.push(Answer { rule: package.path.clone(), kind, said });
                }
            }
            answers
        });
        let rules = self.packages.iter().map(|package| package.kinds.len()).sum();
        Answers { rules, answers: asked.unwrap_or_default() }
    }

    /// Runs one case.
    ///
    /// # Errors
    /// Why it did not hold.
    pub(super) fn try_case(&self, package: &str, case: &str) -> Result<(), String> {
        let path = format!("{package}.{case}");
        let said = apart(|| self.inner.clone().eval_rule(path).map_err(|error| Fault::read(&error.to_string()).line()));
        match said.unwrap_or_else(|| Err("the evaluator failed".to_owned()))? {
            Value::Bool(true) => Ok(()),
            Value::Undefined => Err("it does not hold".to_owned()),
            other => Err(format!("it is {other}, not true")),
        }
    }
}

/// Runs something on a stack of its own; `None` when it panics.
fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("rules".to_owned()).stack_size(STACK_BYTES);
        thread.spawn_scoped(scope, work).ok()?.join().ok()
    })
}

fn read(rules: &Rules) -> Result<Engine, Findings> {
    let mut inner = regorus::Engine::new();
    // A function that is handed the wrong thing would otherwise make its rule silent, which is a pass.
    inner.set_strict_builtin_errors(true);
    inner.set_execution_timer_config(ExecutionTimerConfig {
        limit: Duration::from_secs(SECONDS_PER_RULE),
        check_interval: STEPS_PER_LOOK,
    });
    let mut findings = Findings::default();
    let mut paths = Vec::new();
    for (path, text) in rules.texts() {
        match inner.add_policy(path.to_owned(), text.to_owned()) {
            Ok(package) => paths.push((path, package)),
            Err(error) => findings.add(Fault::read(&error.to_string()).finding(rules)),
        }
    }
    if findings.has_errors() {
        return Err(findings);
    }
    // The first question, whatever it is, makes the evaluator look at all rules together.
    if let Err(error) = inner.eval_query("true".to_owned(), false) {
        findings.add(Fault::read(&error.to_string()).finding(rules));
        return Err(findings);
    }
    let told = |message: String| Finding::new(Code::BadRule, message);
    match inner.get_ast_as_json().map(|text| serde_json::from_str(&text)) {
        Ok(Ok(trees)) => {
            let packages = packages((rules, &trees), &paths, &mut findings);
            if !findings.has_errors() {
                return Ok(Engine { inner, packages });
            }
        }
        Ok(Err(error)) => findings.add(told(error.to_string())),
        Err(error) => findings.add(told(error.to_string())),
    }
    Err(findings)
}

fn packages((rules, trees): (&Rules, &Json), paths: &[(&str, String)], findings: &mut Findings) -> Vec<Package> {
    let linted = lint::rules((rules, trees), paths, findings);
    let mut packages: Vec<Package> = Vec::new();
    for ((file, path), file_has) in paths.iter().zip(linted) {
        let kinds = ["deny", "warn"].into_iter().filter(|kind| file_has.names.iter().any(|name| name == kind));
        let kinds: Vec<&'static str> = kinds.collect();
        if kinds.is_empty() && file_has.cases.is_empty() && !used((file, path), rules, paths) {
            let message = format!("{file} has neither `deny` nor `warn`, and nothing else uses its package");
            let help = "begin a rule with `deny contains msg if {` or `warn contains msg if {`, or remove the file";
            let finding = Finding::new(Code::BadRule, message).help(help);
            findings.add(match rules.file(file) {
                Some(file) => finding.at(Place::new(file, 0..1)),
                None => finding,
            });
        }
        match packages.iter_mut().find(|package| package.path == *path) {
            Some(package) => {
                package.kinds.extend(kinds);
                package.kinds.sort_unstable();
                package.kinds.dedup();
                package.cases.extend(file_has.cases);
            }
            None => packages.push(Package { path: path.clone(), kinds, cases: file_has.cases }),
        }
    }
    packages
}

/// Whether a file adds to the package of another one, or another one names its package.
fn used((own, package): (&str, &str), rules: &Rules, paths: &[(&str, String)]) -> bool {
    let others = || paths.iter().zip(rules.texts()).filter(|((file, _), _)| *file != own);
    others().any(|((_, path), (_, text))| path == package || text.contains(package))
}
