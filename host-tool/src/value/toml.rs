//! TOML into values with places.

use std::sync::Arc;

use ::toml::Spanned;
use ::toml::de::{DeFloat, DeInteger, DeTable, DeValue};

use super::{Entry, Node, Table, Value};
use crate::diagnostics::{Code, FileId, Finding, Findings, Place};

/// Digits that a double always keeps.
const EXACT_DIGITS: usize = 15;

/// Digits beyond which a double cannot keep all.
const MOST_DIGITS: usize = 17;

/// Reads a whole file. What cannot be read is reported and left out, so that one run shows every fault.
pub fn read_toml(file: FileId, text: &str, findings: &mut Findings) -> Table {
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let place = Place::new(file, error.span().unwrap_or(0..0));
        findings.add(syntax(error.message()).at(place));
    }
    Reader { file, findings }.table(document.get_ref())
}

fn syntax(message: &str) -> Finding {
    if message.contains("duplicate key") {
        let help = "keep one of the two; a table's header may stand only once, too";
        return Finding::new(Code::DuplicateKey, "this key stands twice").help(help);
    }
    Finding::new(Code::Syntax, message.to_owned()).help("the file is TOML 1.1: https://toml.io/")
}

struct Reader<'a> {
    file: FileId,
    findings: &'a mut Findings,
}

impl Reader<'_> {
    fn table(&mut self, table: &DeTable<'_>) -> Table {
        let mut entries = Vec::with_capacity(table.len());
        for (name, value) in table {
            let key = Place::new(self.file, name.span());
            if let Some(node) = self.node(value) {
                entries.push(Entry { name: name.get_ref().as_ref().into(), key, node });
            }
        }
        Table::new(entries)
    }

    fn node(&mut self, value: &Spanned<DeValue<'_>>) -> Option<Node> {
        let place = Place::new(self.file, value.span());
        let value = match value.get_ref() {
            DeValue::String(text) => Value::Text(text.as_ref().into()),
            DeValue::Boolean(value) => Value::Bool(*value),
            DeValue::Integer(integer) => self.integer(integer, place)?,
            DeValue::Float(float) => self.float(float, place)?,
            DeValue::Datetime(_) => Value::Moment,
            DeValue::Array(items) => Value::List(Arc::new(items.iter().filter_map(|item| self.node(item)).collect())),
            DeValue::Table(table) => Value::Table(Arc::new(self.table(table))),
        };
        Some(Node { value, place })
    }

    fn integer(&mut self, integer: &DeInteger<'_>, place: Place) -> Option<Value> {
        let number = i128::from_str_radix(integer.as_str(), integer.radix()).ok();
        if number.is_none() {
            self.findings.add(
                Finding::new(Code::OutOfRange, "no field holds so large a number")
                    .at(place)
                    .help("is a digit too many?"),
            );
        }
        number.map(Value::Int)
    }

    fn float(&mut self, float: &DeFloat<'_>, place: Place) -> Option<Value> {
        match exact_float(float.as_str()) {
            Ok(number) => Some(Value::Float(number)),
            Err(nearest) => {
                self.findings.add(lossy(float.as_str(), nearest).at(place));
                None
            }
        }
    }
}

fn lossy(written: &str, nearest: f64) -> Finding {
    let message = format!("{written} cannot be kept exactly");
    Finding::new(Code::LossyNumber, message).help(format!("the nearest number is {nearest}"))
}

/// The number that `text` means, or, when a double cannot keep all of its digits, the nearest one.
pub(super) fn exact_float(text: &str) -> Result<f64, f64> {
    let number: f64 = text.parse().unwrap_or(f64::NAN);
    let digits = significant_digits(text);
    let kept = number.is_finite() || text.contains("inf") || text.contains("nan");
    let exact = digits.len() <= EXACT_DIGITS || digits.len() <= MOST_DIGITS && keeps(number, &digits);
    if kept && exact { Ok(number) } else { Err(number) }
}

/// Whether the number, written with as many digits, reads the same.
fn keeps(number: f64, digits: &str) -> bool {
    significant_digits(&format!("{number:.*e}", digits.len() - 1)) == *digits
}

/// The digits of the mantissa without leading and trailing zeros.
fn significant_digits(text: &str) -> String {
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_a_double_cannot_keep_are_told_apart() {
        for kept in ["0.1", "1e300", "-2.50", "123456789012345.0", "0.30000000000000004"] {
            assert!(exact_float(kept).is_ok(), "{kept}");
        }
        for lost in ["9007199254740993.0", "9007199254740993e-1", "0.12345678901234567890", "1e400"] {
            assert!(exact_float(lost).is_err(), "{lost}");
        }
    }

    #[test]
    fn every_fault_of_a_file_is_reported() {
        let mut findings = Findings::default();
        let table = read_toml(FileId(0), "a = 1\na = 2\nb = \nc = 3\n", &mut findings);
        assert_eq!(table.node("c").and_then(Node::int), Some(3));
        let codes = findings.codes();
        assert!(codes.contains(&Code::DuplicateKey) && codes.contains(&Code::Syntax), "{codes:?}");
    }
}
