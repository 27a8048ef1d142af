//! Tables of a hand-written schema, read key by key with their places.

use std::ops::Range;

use steadfast_core::manifest::is_name;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::TextError;
use crate::diagnostics::closest;
use crate::schema::Literal;
use crate::schema::check::not_a_name;

type Read<T> = Result<T, TextError>;
/// A key, where it stands, and what it is set to.
type Entry<'a> = (&'a str, Range<usize>, &'a Spanned<DeValue<'a>>);

/// A table and where it stands.
#[derive(Clone)]
pub(super) struct Table<'a> {
    inner: &'a DeTable<'a>,
    span: Range<usize>,
}

impl<'a> Table<'a> {
    pub(super) fn new(inner: &'a DeTable<'a>, span: Range<usize>) -> Self {
        Self { inner, span }
    }

    /// `value` as a table, which is called `span` in messages.
    pub(super) fn of(value: &'a Spanned<DeValue<'a>>, span: Range<usize>) -> Read<Self> {
        match value.get_ref() {
            DeValue::Table(inner) => Ok(Self { inner, span }),
            other => Err(wrong(value, format!("this must be a table, not {}", kind(other)))),
        }
    }

    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Names, places and values in the order in which they stand in the file.
    pub(super) fn entries(&self) -> Vec<Entry<'a>> {
        let mut entries: Vec<_> =
            self.inner.iter().map(|(key, value)| (key.get_ref().as_ref(), key.span(), value)).collect();
        entries.sort_by_key(|(_, span, _)| span.start);
        entries
    }

    /// [`Self::entries`], each of whose keys must be able to name something in a schema.
    pub(super) fn named(&self) -> Read<Vec<Entry<'a>>> {
        let entries = self.entries();
        match entries.iter().find(|(name, ..)| !is_name(name)) {
            Some((name, span, _)) => Err(TextError::new(span.clone(), not_a_name(name))),
            None => Ok(entries),
        }
    }

    /// Refuses every key but these.
    pub(super) fn only(&self, known: &[&str]) -> Read<()> {
        for (key, span, _) in self.entries() {
            if !known.contains(&key) {
                let hint = match closest(key, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("known here: {}", known.join(", ")),
                };
                return Err(TextError::new(span, format!("unknown key `{key}`: {hint}")));
            }
        }
        Ok(())
    }

    pub(super) fn value(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.inner.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
    }

    /// The value of `key`, which must be there.
    pub(super) fn needs(&self, key: &str, what: &str) -> Read<&'a Spanned<DeValue<'a>>> {
        self.value(key).ok_or_else(|| TextError::new(self.span(), format!("{what} needs `{key}`")))
    }

    pub(super) fn table(&self, key: &str) -> Read<Option<Self>> {
        self.value(key).map(|value| Self::of(value, value.span())).transpose()
    }

    pub(super) fn text(&self, key: &str) -> Read<Option<String>> {
        self.value(key).map(text).transpose().map(|text| text.map(str::to_owned))
    }

    pub(super) fn texts(&self, key: &str) -> Read<Vec<String>> {
        let Some(value) = self.value(key) else { return Ok(Vec::new()) };
        let DeValue::Array(items) = value.get_ref() else { return Err(wrong(value, "this must be a list of texts")) };
        items.iter().map(|item| text(item).map(str::to_owned)).collect()
    }

    pub(super) fn flag(&self, key: &str) -> Read<bool> {
        match self.value(key) {
            None => Ok(false),
            Some(value) => value.get_ref().as_bool().ok_or_else(|| wrong(value, "this must be true or false")),
        }
    }

    pub(super) fn word<T: Copy>(&self, key: &str, words: &[(&str, T)]) -> Read<Option<T>> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let given = text(value)?;
        let known = words.iter().find(|(word, _)| *word == given).map(|(_, meaning)| *meaning);
        let all = || words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
        known.map(Some).ok_or_else(|| wrong(value, format!("one of {}", all())))
    }

    /// A count, at most 32 bits.
    pub(super) fn count(&self, key: &str, what: &str) -> Read<u32> {
        let value = self.needs(key, what)?;
        u32::try_from(integer(value)?).map_err(|_| wrong(value, format!("this must be 0 to {}", u32::MAX)))
    }
}

pub(super) fn text<'a>(value: &'a Spanned<DeValue<'a>>) -> Read<&'a str> {
    match value.get_ref() {
        DeValue::String(text) => Ok(text),
        other => Err(wrong(value, format!("this must be text, not {}", kind(other)))),
    }
}

pub(super) fn integer(value: &Spanned<DeValue<'_>>) -> Read<i128> {
    match value.get_ref() {
        DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix())
            .map_err(|_| wrong(value, "this number is larger than any integer of a schema")),
        other => Err(wrong(value, format!("this must be a whole number, not {}", kind(other)))),
    }
}

pub(super) fn float(value: &Spanned<DeValue<'_>>) -> Read<f64> {
    match value.get_ref() {
        DeValue::Float(number) => match number.as_str().parse() {
            Ok(number) if f64::is_finite(number) => Ok(number),
            _ => Err(wrong(value, "this number is not finite")),
        },
        _ => integer(value).map(|number| number as f64),
    }
}

/// A value as a literal of the schema.
pub(super) fn literal(value: &Spanned<DeValue<'_>>) -> Read<Literal> {
    Ok(match value.get_ref() {
        DeValue::Boolean(truth) => Literal::Bool(*truth),
        DeValue::Integer(_) => Literal::Int(integer(value)?),
        DeValue::Float(_) => Literal::Float(float(value)?),
        DeValue::String(text) => Literal::Text(text.to_string()),
        DeValue::Array(items) => Literal::List(items.iter().map(literal).collect::<Result<_, _>>()?),
        // Stands for the map without entries.
        DeValue::Table(table) if table.is_empty() => Literal::List(Vec::new()),
        other => return Err(wrong(value, format!("{} cannot be given here: put defaults on its fields", kind(other)))),
    })
}

pub(super) fn wrong(value: &Spanned<DeValue<'_>>, message: impl Into<String>) -> TextError {
    TextError::new(value.span(), message)
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
