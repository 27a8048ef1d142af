//! What names may look like. The limits are those of `steadfast_core::schema`, which a test holds this file against.

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::{Error, Ident, LitStr, Result};

pub(crate) const MAX_NAME_BYTES: usize = 32;
pub(crate) const MAX_DOC_BYTES: usize = 1024;
pub(crate) const MAX_UNIT_BYTES: usize = 16;
pub(crate) const MAX_LITERAL_BYTES: usize = 256;
pub(crate) const MAX_LITERAL_ITEMS: usize = 64;
pub(crate) const MAX_FIELDS: usize = 64;
pub(crate) const MAX_VARIANTS: usize = 64;
pub(crate) const MAX_SECTIONS: usize = 32;
pub(crate) const MAX_CHECKS: usize = 16;
pub(crate) const MAX_REMOVED: usize = 64;
pub(crate) const MAX_TYPE_NAME_BYTES: usize = 64;

/// The name of a field or section: as in Rust.
pub(crate) fn field_name(ident: &Ident) -> Result<String> {
    let name = ident.unraw().to_string();
    check_name(&name, ident.span())?;
    Ok(name)
}

/// The name of a variant: `FixedRate` is `fixed_rate`, `HTTPProxy` is `http_proxy`.
pub(crate) fn variant_name(ident: &Ident) -> Result<String> {
    let name = snake(&ident.unraw().to_string());
    check_name(&name, ident.span())?;
    Ok(name)
}

/// The name of a type, for people.
pub(crate) fn type_name(ident: &Ident) -> Result<String> {
    let name = ident.unraw().to_string();
    if name.len() > MAX_TYPE_NAME_BYTES {
        return Err(Error::new_spanned(
            ident,
            format!("the name of a configuration type has at most {MAX_TYPE_NAME_BYTES} bytes"),
        ));
    }
    Ok(name)
}

pub(crate) fn snake(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (i, c) in chars.iter().enumerate() {
        let before = i.checked_sub(1).map(|i| chars[i]);
        let after = chars.get(i + 1);
        let opens_word = before.is_some_and(|b| b.is_lowercase() || b.is_ascii_digit())
            || before.is_some_and(char::is_uppercase) && after.is_some_and(|a| a.is_lowercase());
        if c.is_uppercase() && opens_word {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

pub(crate) fn check_name(name: &str, span: Span) -> Result<()> {
    let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if plain && name.starts_with(|c: char| c.is_ascii_lowercase()) && name.len() <= MAX_NAME_BYTES {
        return Ok(());
    }
    let rule = format!(
        "`{name}` cannot be a name here: a letter, then letters, digits and `_`, lower case, at most {MAX_NAME_BYTES}"
    );
    Err(Error::new(span, rule))
}

/// Bounds a list of names and refuses the same name twice.
pub(crate) fn check_list(names: &[LitStr], attribute: &str) -> Result<()> {
    let max = if attribute == "checks" { MAX_CHECKS } else { MAX_REMOVED };
    if let Some(first_beyond) = names.get(max) {
        return Err(Error::new_spanned(first_beyond, format!("`{attribute}` takes at most {max} names")));
    }
    match names.iter().enumerate().find(|(i, name)| names[..*i].contains(name)) {
        Some((_, name)) => Err(Error::new_spanned(name, "this name is given twice")),
        None => Ok(()),
    }
}

/// Current, former and removed names of one place: none may mean two things.
#[derive(Default)]
pub(crate) struct Taken(Vec<String>);

impl Taken {
    pub(crate) fn take(&mut self, name: &str, span: Span) -> Result<()> {
        if self.0.iter().any(|taken| taken == name) {
            return Err(Error::new(span, format!("`{name}` already names another field here, now or formerly")));
        }
        self.0.push(name.to_owned());
        Ok(())
    }

    /// Every current name first, so that the error stands at the old one.
    pub(crate) fn check(current: &[(String, Span)], was: &[&LitStr], removed: &[LitStr]) -> Result<()> {
        let mut taken = Self::default();
        current.iter().try_for_each(|(name, span)| taken.take(name, *span))?;
        was.iter().try_for_each(|name| taken.take(&name.value(), name.span()))?;
        removed.iter().try_for_each(|name| taken.take(&name.value(), name.span()))
    }
}
