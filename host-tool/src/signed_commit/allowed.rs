//! OpenSSH's file of allowed signers (`man ssh-keygen`, ALLOWED SIGNERS): who may sign, with which keys, for what, and when.
//!
//! ```text
//! ann@example.com,ben@example.com namespaces="git",valid-before="20270101Z" ssh-ed25519 AAAA... a comment
//! ```
//!
//! Read more strictly than OpenSSH does where the same list could mean two things on two machines: times are in UTC and say so by
//! their `Z`. Keys of other types than ssh-ed25519 are passed over; nothing that they sign is believed here.

use ssh_key::PublicKey as SshKey;
use steadfast_core::statement::PublicKey;

use super::object::NAMESPACE;
use crate::policy::civil;

/// Who may sign.
#[derive(Clone, Debug, Default)]
pub struct AllowedSigners {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    line: usize,
    principals: String,
    key: PublicKey,
    terms: Terms,
}

/// Under which conditions a key counts.
#[derive(Clone, Debug, Default)]
struct Terms {
    namespaces: Option<String>,
    /// Both as 14 digits from year to second.
    after: Option<String>,
    before: Option<String>,
}

/// Why a key may not sign a commit; with the number of the line that nearly allowed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    Unknown,
    Namespace(usize),
    Time(usize),
}

impl AllowedSigners {
    /// Reads a list.
    ///
    /// # Errors
    /// The number of a line, and what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, (usize, String)> {
        let mut entries = Vec::new();
        for (line, number) in text.lines().zip(1..) {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                entries.extend(entry(line, number).map_err(|why| (number, why))?);
            }
        }
        Ok(Self { entries })
    }

    /// Whom the list has with this key, for a commit of that time in seconds since 1970.
    pub(super) fn who(&self, key: &PublicKey, seconds: i64) -> Result<&str, Unfit> {
        let mut unfit = Unfit::Unknown;
        let now = stamp(seconds);
        for entry in self.entries.iter().filter(|entry| entry.key == *key) {
            if !entry.terms.are_for_git() {
                unfit = Unfit::Namespace(entry.line);
            } else if !entry.terms.hold_at(&now) {
                unfit = Unfit::Time(entry.line);
            } else {
                return Ok(&entry.principals);
            }
        }
        Err(unfit)
    }
}

impl Terms {
    fn are_for_git(&self) -> bool {
        let listed = |names: &String| names.split(',').any(|name| name == NAMESPACE || name == "*");
        self.namespaces.as_ref().is_none_or(listed)
    }

    fn hold_at(&self, now: &str) -> bool {
        self.after.as_ref().is_none_or(|after| now >= after.as_str())
            && self.before.as_ref().is_none_or(|before| now <= before.as_str())
    }
}

/// A line's entry; none for a key of another type.
fn entry(line: &str, number: usize) -> Result<Option<Entry>, String> {
    let words = outside_quotes(line, |letter| letter == ' ' || letter == '\t')?;
    let mut words = words.into_iter().filter(|word| !word.is_empty());
    let principals = words.next().map(unquoted).unwrap_or_default().to_owned();
    let mut word = words.next().ok_or("there is no key")?;
    let mut terms = Terms::default();
    if !is_key_type(word) {
        terms = read_terms(word)?;
        word = words.next().ok_or("there is no key")?;
    }
    let digits = words.next().ok_or("there is no key")?;
    if word != "ssh-ed25519" {
        return if is_key_type(word) { Ok(None) } else { Err(format!("`{word}` is no type of key")) };
    }
    let key = SshKey::from_openssh(&format!("{word} {digits}")).map_err(|error| format!("its key: {error}"))?;
    let key = key.key_data().ed25519().map(|key| PublicKey(key.0)).filter(PublicKey::is_usable);
    Ok(Some(Entry { line: number, principals, key: key.ok_or("its key is none that can sign")?, terms }))
}

fn is_key_type(word: &str) -> bool {
    ["ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-"].iter().any(|start| word.starts_with(start))
}

fn read_terms(options: &str) -> Result<Terms, String> {
    let mut terms = Terms::default();
    for option in outside_quotes(options, |letter| letter == ',')? {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let value = unquoted(value);
        let slot = match name.to_ascii_lowercase().as_str() {
            "namespaces" => terms.namespaces.replace(value.to_owned()),
            "valid-after" => terms.after.replace(moment(value)?),
            "valid-before" => terms.before.replace(moment(value)?),
            "cert-authority" => return Err("certificates are not read; list the keys that sign".to_owned()),
            _ => return Err(format!("`{name}` is no option")),
        };
        if slot.is_some() {
            return Err(format!("`{name}` stands twice"));
        }
    }
    Ok(terms)
}

/// `YYYYMMDDZ`, `YYYYMMDDHHMMZ` or `YYYYMMDDHHMMSSZ`, as 14 digits.
fn moment(value: &str) -> Result<String, String> {
    let digits = value.strip_suffix('Z').unwrap_or_default();
    if matches!(digits.len(), 8 | 12 | 14) && digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Ok(format!("{digits:0<14}"));
    }
    Err(format!("`{value}` is no time in UTC, as in 20270131Z or 202701312359Z"))
}

/// The same of a number of seconds since 1970.
fn stamp(seconds: i64) -> String {
    let (day, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, date) = civil(day);
    format!("{year:04}{month:02}{date:02}{:02}{:02}{:02}", second / 3600, second / 60 % 60, second % 60)
}

/// The parts of a text between separators that are not in quotes.
fn outside_quotes(text: &str, separates: impl Fn(char) -> bool) -> Result<Vec<&str>, String> {
    let mut quoted = false;
    let split = |letter: char| {
        quoted ^= letter == '"';
        !quoted && separates(letter)
    };
    let parts = text.split(split).collect();
    if text.matches('"').count().is_multiple_of(2) {
        Ok(parts)
    } else {
        Err("a quotation mark has no partner".to_owned())
    }
}

fn unquoted(word: &str) -> &str {
    word.strip_prefix('"').and_then(|word| word.strip_suffix('"')).unwrap_or(word)
}
