//! `match`: which devices a patch is for, as an expression in CEL over their labels.
//!
//! Every label of the fleet is a variable, and empty for a device that lacks it: a label is never empty, so `site != ""`
//! asks whether there is one. `labels` holds only those that the device has, for `has(labels.site)` and for names that are
//! no identifiers.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use cel::common::ast::{Expr, IdedExpr, LiteralValue};
use cel::parser::ParseError;
use cel::{Context, Env, ExecutionError, Program, Value as Cel};
use steadfast_core::id::DeviceId;

use super::PlainLabels;
use crate::diagnostics::{Code, Finding, Place, closest};
use crate::value::Node;

/// Longest expression, in bytes: nobody reviews a longer one, and the parser's work stays small.
const EXPRESSION_BYTES: usize = 4096;

/// What else an expression can name. Only `name` and `id` differ between devices with the same labels.
const VARIABLES: [&str; 4] = ["model", "name", "id", LABELS];

/// The map of a device's own labels.
const LABELS: &str = "labels";

/// The functions that there are; operators and macros apart.
const FUNCTIONS: [&str; 9] = ["contains", "startsWith", "endsWith", "size", "int", "uint", "double", "string", "bool"];

/// A parsed expression.
pub(super) struct Match {
    program: Program,
    written: Written,
    /// The variables that it names, each once.
    variables: BTreeSet<String>,
}

/// What an expression is asked about.
pub(super) struct Subject<'a> {
    pub(super) name: &'a str,
    pub(super) id: DeviceId,
    pub(super) model: &'a str,
    pub(super) labels: &'a PlainLabels,
}

/// Where an expression stands in its file.
#[derive(Clone)]
struct Written {
    text: Arc<str>,
    whole: Place,
    /// The offset of its first byte in the file; unknown when the quotes hold escapes.
    start: Option<usize>,
}

/// Something that an expression names, and the node that does so.
struct Named<'e> {
    node: u64,
    what: What<'e>,
}

enum What<'e> {
    Variable(&'e str),
    Label(&'e str),
    Function(&'e str),
}

impl Match {
    /// Parses the value of `match`; `source` is its file's text, `known` the labels that the fleet has.
    ///
    /// # Errors
    /// No text, broken syntax, or what no device has.
    pub(super) fn parse(node: &Node, source: &str, known: &BTreeSet<Arc<str>>) -> Result<Self, Finding> {
        let Some(text) = node.text().filter(|text| text.len() <= EXPRESSION_BYTES) else {
            let message = format!("`match` is an expression: a text of at most {EXPRESSION_BYTES} bytes");
            return Err(bad(message).at(node.place));
        };
        let written = Written::new(text, node.place, source);
        let program = Program::compile(text).map_err(|faults| written.syntax(faults.errors.first()))?;
        let mut named = Vec::new();
        names(program.expression(), &mut Vec::new(), &mut named);
        if let Some(finding) = named.iter().find_map(|named| unknown(named, known).map(|finding| (finding, named))) {
            let (finding, named) = finding;
            let offsets = program.source_info().offset_for(named.node);
            return Err(finding.at(written.token(offsets, named.text())));
        }
        let variable = |named: &Named<'_>| match named.what {
            What::Variable(name) => Some(name.to_owned()),
            _ => None,
        };
        let variables = named.iter().filter_map(variable).collect();
        Ok(Self { program, written, variables })
    }

    /// Whether devices with the same model and labels may get different answers.
    pub(super) fn of_device(&self) -> bool {
        ["name", "id"].iter().any(|name| self.variables.contains(*name))
    }

    /// Where the expression stands.
    pub(super) fn place(&self) -> Place {
        self.written.whole
    }

    /// Whether it is true of a device.
    ///
    /// # Errors
    /// When it is neither true nor false.
    pub(super) fn holds(&self, environment: &Arc<Env>, subject: &Subject<'_>) -> Result<bool, Finding> {
        let mut context = Context::with_env(environment.clone());
        for name in &self.variables {
            context.add_variable_from_value(name.as_str(), subject.value(name));
        }
        let fault = match self.program.execute(&context) {
            Ok(Cel::Bool(holds)) => return Ok(holds),
            Ok(_) => bad("`match` is neither true nor false".to_owned()),
            Err(ExecutionError::NoSuchKey(label)) => {
                let finding = bad(format!("some devices do not have the label `{label}`"));
                return Err(finding.at(self.place()).help(format!("ask before: has(labels.{label}) && …")));
            }
            // Most of the others quote values, which would be another error for each device.
            Err(ExecutionError::NoSuchOverload(error)) => bad(format!("`match` cannot be worked out: {error}")),
            Err(_) => bad("`match` cannot be worked out: its values do not go together".to_owned()),
        };
        Err(fault.at(self.place()))
    }
}

impl Subject<'_> {
    fn value(&self, variable: &str) -> Cel {
        match variable {
            "model" => self.model.into(),
            "name" => self.name.into(),
            "id" => self.id.to_string().into(),
            LABELS => {
                let pairs = self.labels.iter().map(|(name, value)| (name.to_string(), value.to_string()));
                pairs.collect::<HashMap<String, String>>().into()
            }
            label => self.labels.get(label).map_or("", |value| value).into(),
        }
    }
}

fn bad(message: String) -> Finding {
    let help = "compare labels with texts, as in match = 'site == \"berlin\" && model == \"sensor\"'";
    Finding::new(Code::BadMatch, message).help(help)
}

impl<'e> Named<'e> {
    fn text(&self) -> &'e str {
        match self.what {
            What::Variable(text) | What::Label(text) | What::Function(text) => text,
        }
    }
}

/// Everything that an expression names, variables of its own macros apart.
fn names<'e>(expression: &'e IdedExpr, bound: &mut Vec<&'e str>, found: &mut Vec<Named<'e>>) {
    let node = expression.id;
    match &expression.expr {
        Expr::Ident(name) if !bound.contains(&name.as_str()) => {
            found.push(Named { node, what: What::Variable(name) });
        }
        Expr::Select(select) => {
            if is_labels(&select.operand) {
                found.push(Named { node: select.operand.id, what: What::Label(&select.field) });
            }
            names(&select.operand, bound, found);
        }
        Expr::Call(call) => {
            if let [map, IdedExpr { id, expr: Expr::Literal(LiteralValue::String(label)) }] = &call.args[..]
                && is_labels(map)
            {
                found.push(Named { node: *id, what: What::Label(label.inner()) });
            }
            if call.func_name.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
                found.push(Named { node, what: What::Function(&call.func_name) });
            }
            call.target.iter().map(|target| &**target).chain(&call.args).for_each(|part| names(part, bound, found));
        }
        Expr::Comprehension(inner) => {
            names(&inner.iter_range, bound, found);
            names(&inner.accu_init, bound, found);
            let outer = bound.len();
            bound.extend([&*inner.iter_var, &*inner.accu_var]);
            bound.extend(inner.iter_var2.as_deref());
            [&inner.loop_cond, &inner.loop_step, &inner.result].into_iter().for_each(|part| names(part, bound, found));
            bound.truncate(outer);
        }
        Expr::List(list) => list.elements.iter().for_each(|part| names(part, bound, found)),
        // Maps and structures have no use here; what is wrong in them shows when they are worked out.
        _ => {}
    }
}

fn is_labels(expression: &IdedExpr) -> bool {
    matches!(&expression.expr, Expr::Ident(name) if name == LABELS)
}

fn unknown(named: &Named<'_>, known: &BTreeSet<Arc<str>>) -> Option<Finding> {
    let labels = || known.iter().map(|label| &**label);
    match named.what {
        What::Variable(name) if VARIABLES.contains(&name) || known.contains(name) => None,
        What::Label(name) if known.contains(name) => None,
        What::Function(name) if FUNCTIONS.contains(&name) => None,
        What::Function(name) => {
            let finding = Finding::new(Code::BadMatch, format!("there is no function `{name}` here"));
            Some(match closest(name, FUNCTIONS) {
                Some(near) => finding.help(format!("did you mean `{near}`?")),
                None => finding.help(format!("the functions are {}", FUNCTIONS.join(", "))),
            })
        }
        What::Variable(name) | What::Label(name) => {
            let finding = Finding::new(Code::UnknownLabel, format!("no device of this fleet has a label `{name}`"));
            // `rack-row` reads as a difference.
            if let Some(whole) =
                labels().find(|label| label.strip_prefix(name).is_some_and(|rest| rest.starts_with('-')))
            {
                return Some(finding.help(format!("a label with `-` is written labels[\"{whole}\"]")));
            }
            Some(match closest(name, labels().chain(["model", "name"])) {
                Some(near) => finding.help(format!("did you mean `{near}`?")),
                None => {
                    let all: Vec<&str> = ["model", "name", "id"].into_iter().chain(labels()).collect();
                    finding.help(format!("an expression can name {}; texts stand in quotes", all.join(", ")))
                }
            })
        }
    }
}

impl Written {
    fn new(text: &Arc<str>, whole: Place, source: &str) -> Self {
        let (from, to) = (whole.start as usize, whole.end as usize);
        let start = source.get(from..to).and_then(|quoted| quoted.find(&**text)).map(|at| from + at);
        Self { text: text.clone(), whole, start }
    }

    /// The place of a token. The parser knows a name by its own offset, a call by that of its parenthesis.
    fn token(&self, offsets: Option<(u32, u32)>, token: &str) -> Place {
        let at = offsets.map_or(0, |(start, _)| start as usize);
        let after = || self.text.get(at..)?.find(token).map(|found| at + found);
        let before = || self.text.get(..at)?.rfind(token);
        let found = if self.text.get(at..).is_some_and(|rest| rest.starts_with('(')) { before() } else { after() };
        found.map_or(self.whole, |at| self.span(at, token.len()))
    }

    fn span(&self, at: usize, len: usize) -> Place {
        self.start.map_or(self.whole, |start| Place::new(self.whole.file, start + at..start + at + len))
    }

    /// A fault of syntax; the parser counts lines and columns from 1.
    fn syntax(&self, fault: Option<&ParseError>) -> Finding {
        let Some(fault) = fault else { return bad("`match` is no expression".to_owned()).at(self.whole) };
        let message = fault.msg.trim_start_matches("Syntax error: ").lines().next().unwrap_or_default();
        let (line, column) = (fault.pos.0.max(1) as usize - 1, fault.pos.1.max(1) as usize - 1);
        let line_start: usize = self.text.split_inclusive('\n').take(line).map(str::len).sum();
        let rest = self.text.get(line_start..).unwrap_or_default();
        let at = line_start + rest.char_indices().nth(column).map_or(rest.len(), |(at, _)| at);
        let len = self.text[at..].chars().next().map_or(1, char::len_utf8);
        bad(format!("`match` is no expression: {message}")).at(self.span(at, len))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::FileId;
    use crate::value::Value;

    fn parse(text: &str) -> Result<Match, Finding> {
        let source = format!("match = '{text}'");
        let node = Node { value: Value::Text(text.into()), place: Place::new(FileId(0), 8..source.len()) };
        let known = ["site", "region", "rack-row"].into_iter().map(Arc::from).collect();
        Match::parse(&node, &source, &known)
    }

    fn holds(text: &str) -> Result<bool, Finding> {
        let labels = [("site", "köln"), ("rack-row", "7")];
        let labels: PlainLabels = labels.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let subject = Subject { name: "s1", id: DeviceId([7; 16]), model: "sensor", labels: &labels };
        parse(text)?.holds(&Arc::new(Env::stdlib()), &subject)
    }

    #[test]
    fn expressions_are_worked_out() {
        let id = format!("id == \"{}\"", DeviceId([7; 16]));
        let yes = [
            "true",
            "site == \"köln\" && model == \"sensor\"",
            "site in [\"köln\", \"bonn\"]",
            "region == \"\" && !has(labels.region) && has(labels.site)",
            "labels[\"rack-row\"] == \"7\" && int(labels[\"rack-row\"]) > 6",
            "name.startsWith(\"s\") && name.size() == 2",
            "[\"köln\"].exists(each, each == site)",
            "has(labels.region) && labels.region == \"eu\" || site.contains(\"ö\")",
            &id,
        ];
        for text in yes {
            assert_eq!(holds(text), Ok(true), "{text}");
            assert_eq!(holds(&format!("!({text})")), Ok(false), "{text}");
        }
    }

    #[test]
    fn only_name_and_id_ask_for_each_device() {
        assert!(!parse("site == \"name\" && model != labels.region").unwrap().of_device());
        assert!(parse("site == name").unwrap().of_device());
        assert!(parse("id.endsWith(\"0\")").unwrap().of_device());
    }

    #[test]
    fn what_is_wrong_is_found_where_it_stands() {
        let cases = [
            ("sitr == \"köln\"", Code::UnknownLabel, "sitr"),
            ("site == \"köln\" && regoin == \"\"", Code::UnknownLabel, "regoin"),
            ("has(labels.sitr)", Code::UnknownLabel, "sitr"),
            ("labels[\"rack\"] == \"\"", Code::UnknownLabel, "rack"),
            ("site.startWith(\"k\")", Code::BadMatch, "startWith"),
            ("site = \"köln\"", Code::BadMatch, "="),
            ("\"köln\" = site", Code::BadMatch, "="),
            ("site == \"köln\" && ", Code::BadMatch, ""),
        ];
        for (text, code, token) in cases {
            let finding = parse(text).err().unwrap();
            let at = 9 + text.rfind(token).unwrap();
            let found = finding.place().unwrap().start as usize;
            assert_eq!((finding.code(), found), (code, at), "{text}: {}", finding.message());
        }
    }

    #[test]
    fn what_is_no_truth_is_refused() {
        for text in ["site", "1 + 1", "site < 5", "labels.region == \"eu\"", "int(site) == 1"] {
            assert_eq!(holds(text).err().map(|finding| finding.code()), Some(Code::BadMatch), "{text}");
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic() {
        let parts = [
            "site", "(", ")", "[", "]", "{", "}", "\"", "'", ".", "?", ":", "&&", "!", "-", "9", "in", "has(", "\\",
            "é", "`", "b'", "0x", "\n", ",", "==",
        ];
        let mut state = 1_u32;
        for _ in 0..3000 {
            let mut text = String::new();
            for _ in 0..state % 9 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                text.push_str(parts[(state >> 16) as usize % parts.len()]);
            }
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let _ = holds(&text);
        }
    }
}
