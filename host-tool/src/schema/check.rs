//! The rules of a description, with the place where one is broken. They hold for exported and for hand-written schemas alike, and
//! are the same that the derive and `steadfast_core::schema` hold a firmware's own types against.

use std::collections::BTreeSet;

use steadfast_core::config::MAX_DURATION_MS;
use steadfast_core::manifest::is_name;
use steadfast_core::schema::{
    MAX_CHECKS, MAX_DEPTH, MAX_DOC_BYTES, MAX_FIELDS, MAX_LITERAL_BYTES, MAX_LITERAL_ITEMS, MAX_NAME_BYTES,
    MAX_REMOVED, MAX_SECTIONS, MAX_TYPE_NAME_BYTES, MAX_UNIT_BYTES, MAX_VARIANTS, RESERVED_SECTIONS,
};

use super::{Draft, Field, Literal, SchemaError, Section, Type, Variant};

/// A word at the head of layers, like those that core reserves: what becomes of devices whose older firmware cannot express a value.
pub(crate) const ON_UNSUPPORTED: &str = "on_unsupported";

type Checked = Result<(), SchemaError>;

/// Passes when every rule holds.
pub(super) fn check(draft: &Draft) -> Checked {
    let place = Place("the schema".into());
    place.holds(draft.name.len() <= MAX_TYPE_NAME_BYTES, || {
        format!("its name has more than {MAX_TYPE_NAME_BYTES} bytes")
    })?;
    place.count("sections", draft.sections.len(), 1..=MAX_SECTIONS)?;
    let was = draft.sections.iter().filter_map(|section| section.was.as_deref());
    place.names(draft.sections.iter().map(|section| section.name.as_str()), was, &draft.removed)?;
    let checks: BTreeSet<&str> =
        draft.sections.iter().flat_map(|section| &section.checks).map(String::as_str).collect();
    place.count("different checks", checks.len(), 0..=MAX_CHECKS)?;
    draft.sections.iter().try_for_each(check_section)
}

fn check_section(section: &Section) -> Checked {
    let place = Place::section(&section.name);
    let name = section.name.as_str();
    place.holds(!RESERVED_SECTIONS.contains(&name) && name != ON_UNSUPPORTED, || {
        format!("`{}` means something else in a layer and can name no section", section.name)
    })?;
    place.doc(&section.doc)?;
    let mut seen = BTreeSet::new();
    for check in &section.checks {
        place.holds(is_name(check), || not_a_name(check))?;
        place.holds(seen.insert(check), || format!("check `{check}` is named twice"))?;
    }
    check_fields(&place, &section.fields, &section.removed)?;
    section.fields.iter().try_for_each(|field| check_field(&place, field, 1))
}

fn check_fields(place: &Place, fields: &[Field], removed: &[String]) -> Checked {
    place.count("fields", fields.len(), 0..=MAX_FIELDS)?;
    let was = fields.iter().filter_map(|field| field.was.as_deref());
    place.names(fields.iter().map(|field| field.name.as_str()), was, removed)
}

fn check_field(outer: &Place, field: &Field, depth: usize) -> Checked {
    let place = outer.inside(&field.name);
    place.doc(&field.doc)?;
    if let Some(unit) = &field.unit {
        place.count("bytes of unit", unit.len(), 1..=MAX_UNIT_BYTES)?;
    }
    check_type(&place, &field.ty, depth)?;
    for (what, literal) in [("default", &field.default), ("absent_means", &field.absent_means)] {
        if let Some(literal) = literal {
            place.holds(field.ty.takes(literal), || format!("`{what}` is no value of its type and range"))?;
        }
    }
    Ok(())
}

fn check_type(place: &Place, ty: &Type, depth: usize) -> Checked {
    place.holds(depth <= MAX_DEPTH, || format!("types are nested deeper than {MAX_DEPTH} levels"))?;
    match ty {
        Type::Int { kind, min, max } => {
            place.holds(kind.min() <= *min && min <= max && *max <= kind.max(), || not_a_range(min, max, kind.name()))
        }
        Type::Float { kind, min, max } => {
            place.holds(-kind.max() <= *min && min <= max && *max <= kind.max(), || not_a_range(min, max, kind.name()))
        }
        Type::Duration { min_ms, max_ms } => place
            .holds(min_ms <= max_ms && *max_ms <= MAX_DURATION_MS, || not_a_range(min_ms, max_ms, "duration in ms")),
        Type::List { item, key, .. } => {
            check_type(place, item, depth + 1)?;
            key.as_ref().map_or(Ok(()), |key| check_key(place, item, key))
        }
        Type::Map { key, value, .. } => {
            place.holds(key.is_key(), || "a map's key must be an integer, text, an address or a MAC address".into())?;
            check_type(place, key, depth + 1)?;
            check_type(place, value, depth + 1)
        }
        Type::Option(inner) => {
            place
                .holds(!matches!(**inner, Type::Option(_)), || "an option of an option has no form in a file".into())?;
            check_type(place, inner, depth + 1)
        }
        Type::Struct { name, fields, removed } => {
            place.type_name(name)?;
            check_fields(place, fields, removed)?;
            fields.iter().try_for_each(|field| check_field(place, field, depth + 1))
        }
        Type::Enum { name, variants } => {
            place.type_name(name)?;
            check_variants(place, variants, depth + 1)
        }
        _ => Ok(()),
    }
}

fn check_variants(outer: &Place, variants: &[Variant], depth: usize) -> Checked {
    outer.count("variants", variants.len(), 1..=MAX_VARIANTS)?;
    outer.names(variants.iter().map(|variant| variant.name.as_str()), std::iter::empty(), &[])?;
    for variant in variants {
        let place = outer.inside(&variant.name);
        place.doc(&variant.doc)?;
        if let Some(payload) = &variant.payload {
            place.holds(!matches!(payload, Type::Option(_)), || {
                "a variant that may carry nothing: use two variants".into()
            })?;
            check_type(&place, payload, depth)?;
        }
    }
    Ok(())
}

fn check_key(place: &Place, item: &Type, key: &str) -> Checked {
    let Type::Struct { fields, .. } = item else {
        return place.holds(false, || "a list's key needs items that are structs".into());
    };
    let named = fields.iter().find(|field| field.name == key);
    place.holds(named.is_some_and(|field| field.ty.is_key()), || {
        format!("key `{key}` must name a field of the items that is an integer, text, an address or a MAC address")
    })
}

/// Where a rule is judged.
pub(super) struct Place(String);

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Place {
    pub(super) fn section(name: &str) -> Self {
        Self(format!("section `{name}`"))
    }

    pub(super) fn inside(&self, name: &str) -> Self {
        let separator = if self.0.contains(", field") { "." } else { ", field " };
        Self(format!("{}{separator}{name}", self.0))
    }

    fn holds(&self, holds: bool, rule: impl FnOnce() -> String) -> Checked {
        if holds { Ok(()) } else { Err(SchemaError::Rule { place: self.0.clone(), rule: rule() }) }
    }

    fn count(&self, what: &str, count: usize, allowed: std::ops::RangeInclusive<usize>) -> Checked {
        self.holds(allowed.contains(&count), || {
            format!("{count} {what}, {} to {} are allowed", allowed.start(), allowed.end())
        })
    }

    fn doc(&self, doc: &str) -> Checked {
        self.count("bytes of documentation", doc.len(), 0..=MAX_DOC_BYTES)
    }

    fn type_name(&self, name: &str) -> Checked {
        self.count("bytes in the name of a type", name.len(), 0..=MAX_TYPE_NAME_BYTES)
    }

    /// No name may mean two things, now or formerly.
    fn names<'a>(
        &self,
        current: impl Iterator<Item = &'a str>,
        was: impl Iterator<Item = &'a str>,
        removed: &'a [String],
    ) -> Checked {
        self.count("removed names", removed.len(), 0..=MAX_REMOVED)?;
        let mut taken = BTreeSet::new();
        for name in current.chain(was).chain(removed.iter().map(String::as_str)) {
            self.holds(is_name(name), || not_a_name(name))?;
            self.holds(taken.insert(name), || format!("`{name}` names two things, now or formerly"))?;
        }
        Ok(())
    }
}

pub(super) fn not_a_name(name: &str) -> String {
    format!("`{name}` is no name: a letter, then letters, digits and `_`, lower case, at most {MAX_NAME_BYTES}")
}

fn not_a_range(min: impl std::fmt::Display, max: impl std::fmt::Display, kind: &str) -> String {
    format!("{min} to {max} is no range of {kind}")
}

impl Type {
    /// Whether a map can be keyed by it, and a list merged by such a field.
    pub(super) fn is_key(&self) -> bool {
        matches!(
            self,
            Self::Int { .. } | Self::Text { .. } | Self::Ipv4Addr | Self::Ipv6Addr | Self::IpAddr | Self::Mac
        )
    }

    /// Whether a literal of a schema is a value of this type and range.
    pub fn takes(&self, literal: &Literal) -> bool {
        use steadfast_core::config::{Duration, IpNet, Ipv4Net, Ipv6Net, Mac};
        match (self, literal) {
            (Self::Option(inner), _) => inner.takes(literal),
            (Self::Bool, Literal::Bool(_)) => true,
            (Self::Int { min, max, .. }, Literal::Int(value)) => min <= value && value <= max,
            (Self::Float { min, max, .. }, Literal::Float(value)) => min <= value && value <= max,
            (Self::List { max, item, .. }, Literal::List(items)) => {
                items.len() <= MAX_LITERAL_ITEMS.min(*max as usize) && items.iter().all(|literal| item.takes(literal))
            }
            (Self::Map { .. }, Literal::List(items)) => items.is_empty(),
            (_, Literal::Text(text)) if text.len() > MAX_LITERAL_BYTES => false,
            (Self::Text { max_bytes }, Literal::Text(text)) => text.len() <= *max_bytes as usize,
            (Self::Enum { variants, .. }, Literal::Text(text)) => {
                variants.iter().any(|variant| variant.name == *text && variant.payload.is_none())
            }
            (Self::Duration { min_ms, max_ms }, Literal::Text(text)) => {
                Duration::from_text(text).is_some_and(|value| (*min_ms..=*max_ms).contains(&value.as_millis()))
            }
            (Self::Ipv4Addr, Literal::Text(text)) => text.parse::<std::net::Ipv4Addr>().is_ok(),
            (Self::Ipv6Addr, Literal::Text(text)) => text.parse::<std::net::Ipv6Addr>().is_ok(),
            (Self::IpAddr, Literal::Text(text)) => text.parse::<std::net::IpAddr>().is_ok(),
            (Self::Ipv4Net, Literal::Text(text)) => Ipv4Net::from_text(text).is_some(),
            (Self::Ipv6Net, Literal::Text(text)) => Ipv6Net::from_text(text).is_some(),
            (Self::IpNet, Literal::Text(text)) => IpNet::from_text(text).is_some(),
            (Self::Mac, Literal::Text(text)) => Mac::from_text(text).is_some(),
            _ => false,
        }
    }
}
