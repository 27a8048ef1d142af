//! What the evaluator says is wrong, as a place in a rule file.

use crate::diagnostics::{Code, Finding, Place};

use super::Rules;

/// What starts the line of an error that says where.
const ARROW: &str = "--> ";

/// What starts the line that says what.
const ERROR: &str = "error: ";

/// Longest sentence that is taken over, in characters.
const SENTENCE_CHARS: usize = 300;

/// A fault with file, line and column, where the evaluator names them.
pub(super) struct Fault {
    /// What is wrong.
    pub(super) message: String,
    /// File, line and column, both from 1.
    pub(super) at: Option<(String, usize, usize)>,
}

impl Fault {
    /// Reads an error, which comes as the text of an excerpt:
    /// ```text
    /// --> FILE:LINE:COLUMN
    ///   |
    /// 2 | deny contains msg if {
    ///   |                  ^
    /// error: WHAT
    /// ```
    pub(super) fn read(error: &str) -> Self {
        let lines = || error.lines().map(str::trim);
        let at = lines().find_map(|line| line.strip_prefix(ARROW)).and_then(place);
        let said = lines().find_map(|line| line.strip_prefix(ERROR));
        let said = said.or_else(|| lines().find(|line| !line.is_empty())).unwrap_or("no reason is given");
        let message = said.trim_end_matches(':').chars().take(SENTENCE_CHARS).collect();
        Self { message, at }
    }

    /// In one line, for a verdict.
    pub(super) fn line(&self) -> String {
        match &self.at {
            Some((file, line, column)) => format!("{} ({file}:{line}:{column})", self.message),
            None => self.message.clone(),
        }
    }

    /// As a finding in these files.
    pub(super) fn finding(&self, rules: &Rules) -> Finding {
        let finding = Finding::new(Code::BadRule, self.message.clone());
        let finding = finding.help("`steadfast policy test` shows it again; a rule that is broken lets nothing pass");
        let place = self.at.as_ref().and_then(|(path, line, column)| {
            let file = rules.file(path)?;
            let text = &rules.sources.file(file).text;
            let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
            let within = text[start..].char_indices().nth(column.saturating_sub(1)).map_or(0, |(at, _)| at);
            Some(Place::new(file, start + within..start + within + 1))
        });
        match place {
            Some(place) => finding.at(place),
            None => finding,
        }
    }
}

/// `FILE:LINE:COLUMN`, where the file's name may hold colons.
fn place(text: &str) -> Option<(String, usize, usize)> {
    let (rest, column) = text.rsplit_once(':')?;
    let (file, line) = rest.rsplit_once(':')?;
    Some((file.to_owned(), line.parse().ok()?, column.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_and_sentence_are_read_from_an_error() {
        let fault = Fault::read("\n--> policy/a:b.rego:2:58\n  |\n2 | x\n  | ^\nerror: expecting expression\n");
        assert_eq!(fault.at, Some(("policy/a:b.rego".to_owned(), 2, 58)));
        assert_eq!(fault.line(), "expecting expression (policy/a:b.rego:2:58)");
        let cyclic = Fault::read("\n--> a:1:1\n |\nerror: recursion detected when evaluating rule:\n--> b:2:2\ncyclic");
        assert_eq!(cyclic.line(), "recursion detected when evaluating rule (a:1:1)");
        assert_eq!(Fault::read("not a valid rule path").line(), "not a valid rule path");
    }
}
