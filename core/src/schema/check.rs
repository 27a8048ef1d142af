//! What a description must keep and the derive cannot see, because it sees one type at a time: depth, ranges against the width of
//! their type, defaults against type and range, keys of lists.

use super::encode::{float_end, int_end, millis_end};
use super::{Bounds, Enum, Field, FloatKind, Literal, MAX_DEPTH, Schema, Struct, Type};
use crate::config::{Duration, MAX_DURATION_MS};

/// Compiles only if every section keeps the rules.
pub const fn check_schema(schema: &Schema) {
    let mut i = 0;
    while i < schema.sections.len() {
        assert!(matches!(schema.sections[i].ty, Type::Struct(_)), "a section must be a struct");
        check_type(schema.sections[i].ty);
        i += 1;
    }
}

/// Compiles only if the type keeps the rules.
pub const fn check_type(ty: &Type) {
    check(ty, Bounds::NONE, 0);
}

/// Compiles only if the field keeps the rules. The derive calls it for each field, so that the error stands there.
pub const fn check_field(field: &Field) {
    if field.bounds.key.is_some() {
        assert!(outer_list(field.ty).is_some(), "a key needs a list of structs");
    }
    check(field.ty, field.bounds, 0);
    check_literals(field);
}

const fn check(ty: &Type, bounds: Bounds, depth: usize) {
    assert!(depth <= MAX_DEPTH, "this type is nested deeper than 8 levels");
    let range = Bounds { key: None, ..bounds };
    match ty {
        Type::Int(kind) => {
            let (min, max) = (int_end(bounds.min, kind.min()), int_end(bounds.max, kind.max()));
            assert!(
                kind.min() <= min && min <= max && max <= kind.max(),
                "the range does not fit the type of the field"
            );
        }
        Type::Float(kind) => check_float(*kind, bounds),
        Type::Duration => {
            let (min, max) = (millis_end(bounds.min, 0), millis_end(bounds.max, MAX_DURATION_MS));
            assert!(min <= max && max <= MAX_DURATION_MS, "the range of a duration ends before 100 years");
        }
        Type::List { item, .. } => {
            check_key(item, bounds.key);
            check(item, range, depth + 1);
        }
        Type::Option(inner) => check(inner, bounds, depth + 1),
        Type::Map { key, value, .. } => {
            check(key, Bounds::NONE, depth + 1);
            check(value, range, depth + 1);
        }
        Type::Struct(body) => {
            no_range(bounds);
            check_fields(body, depth + 1);
        }
        Type::Enum(choice) => {
            no_range(bounds);
            check_variants(choice, depth + 1);
        }
        _ => no_range(bounds),
    }
}

const fn check_float(kind: FloatKind, bounds: Bounds) {
    let (min, max) = (float_end(bounds.min, -kind.max()), float_end(bounds.max, kind.max()));
    assert!(-kind.max() <= min && min <= max && max <= kind.max(), "the range does not fit the type of the field");
}

const fn no_range(bounds: Bounds) {
    assert!(bounds.min.is_none() && bounds.max.is_none(), "a range needs a number or a duration");
    assert!(bounds.key.is_none(), "a key needs a list of structs");
}

const fn check_fields(body: &Struct, depth: usize) {
    let mut i = 0;
    while i < body.fields.len() {
        let field = &body.fields[i];
        check(field.ty, field.bounds, depth);
        i += 1;
    }
}

const fn outer_list(ty: &Type) -> Option<&Type> {
    match ty {
        Type::List { item, .. } => Some(item),
        Type::Option(inner) => outer_list(inner),
        _ => None,
    }
}

const fn check_variants(choice: &Enum, depth: usize) {
    let mut i = 0;
    while i < choice.variants.len() {
        if let Some(ty) = choice.variants[i].payload {
            check(ty, Bounds::NONE, depth);
        }
        i += 1;
    }
}

const fn check_key(item: &Type, key: Option<&str>) {
    let Some(key) = key else { return };
    let Type::Struct(body) = item else { panic!("a key needs a list of structs") };
    let mut i = 0;
    while i < body.fields.len() {
        if same(body.fields[i].name, key) {
            assert!(is_key(body.fields[i].ty), "a list's key must be an integer, text or an address");
            return;
        }
        i += 1;
    }
    panic!("the key names no field of the list's items");
}

const fn is_key(ty: &Type) -> bool {
    matches!(ty, Type::Int(_) | Type::Text { .. } | Type::Ipv4Addr | Type::Ipv6Addr | Type::IpAddr | Type::Mac)
}

const fn check_literals(field: &Field) {
    if let Some(literal) = &field.default {
        assert!(fits(literal, field.ty, field.bounds), "the default does not fit the type and range of the field");
    }
    if let Some(literal) = &field.absent_means {
        assert!(fits(literal, field.ty, field.bounds), "`absent_means` does not fit the type and range of the field");
    }
}

const fn fits(literal: &Literal, ty: &Type, bounds: Bounds) -> bool {
    match (ty, literal) {
        (Type::Option(inner), _) => fits(literal, inner, bounds),
        (Type::Bool, Literal::Bool(_)) => true,
        (Type::Int(kind), Literal::Int(value)) => {
            int_end(bounds.min, kind.min()) <= *value && *value <= int_end(bounds.max, kind.max())
        }
        (Type::Float(kind), Literal::Float(value)) => {
            float_end(bounds.min, -kind.max()) <= *value && *value <= float_end(bounds.max, kind.max())
        }
        (Type::Text { max_bytes }, Literal::Text(text)) => text.len() <= *max_bytes as usize,
        (Type::Duration, Literal::Text(text)) => {
            let value = Duration::literal(text).as_millis();
            millis_end(bounds.min, 0) <= value && value <= millis_end(bounds.max, MAX_DURATION_MS)
        }
        (Type::Enum(choice), Literal::Text(text)) => has_plain_variant(choice, text),
        (Type::List { max, item }, Literal::List(items)) => {
            items.len() <= *max as usize && all_fit(items, item, bounds)
        }
        (Type::Map { .. }, Literal::List(items)) => items.is_empty(),
        // The derive has parsed these with the standard library.
        (Type::Ipv4Addr | Type::Ipv6Addr | Type::IpAddr, Literal::Text(_)) => true,
        (Type::Ipv4Net | Type::Ipv6Net | Type::IpNet | Type::Mac, Literal::Text(_)) => true,
        _ => false,
    }
}

const fn all_fit(items: &[Literal], item: &Type, bounds: Bounds) -> bool {
    let mut i = 0;
    while i < items.len() {
        if !fits(&items[i], item, bounds) {
            return false;
        }
        i += 1;
    }
    true
}

const fn has_plain_variant(choice: &Enum, name: &str) -> bool {
    let mut i = 0;
    while i < choice.variants.len() {
        if same(choice.variants[i].name, name) {
            return choice.variants[i].payload.is_none();
        }
        i += 1;
    }
    false
}

const fn same(a: &str, b: &str) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a.as_bytes()[i] != b.as_bytes()[i] {
            return false;
        }
        i += 1;
    }
    true
}
