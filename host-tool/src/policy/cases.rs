//! Rules' own cases: rules whose names begin with `test_`, as people who know Rego write them.

use crate::diagnostics::Diagnostics;

use super::Rules;
use super::engine::Engine;

/// A case and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// File and line.
    pub place: String,
    /// As `policy.safety.test_denies_without_approval`.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    Held,
    /// It does not, and why.
    Failed(String),
}

/// Runs every case, in the order of files and lines.
///
/// # Errors
/// Faults in the rules.
pub fn cases(rules: &Rules) -> Result<Vec<Case>, Diagnostics> {
    let engine = Engine::new(rules)?;
    let mut cases = Vec::new();
    for package in &engine.packages {
        for case in &package.cases {
            let at = rules.sources.position(case.place);
            let outcome = match engine.try_case(&package.path, &case.name) {
                Ok(()) => Outcome::Held,
                Err(why) => Outcome::Failed(why),
            };
            let name = format!("{}.{}", package.path.trim_start_matches("data."), case.name);
            cases.push(Case { place: format!("{}:{}", at.path, at.line), name, outcome });
        }
    }
    Ok(cases)
}
