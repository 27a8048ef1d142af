//! What a description must keep and the derive cannot see, because it sees one type at a time: depth, ranges against the width of
//! their type, defaults against type and range, keys of lists.

use super::encode::{float_end, int_end, millis_end};
use super::{Bounds, Enum, Field, FloatKind, Literal, MAX_DEPTH, RESERVED_SECTIONS, Schema, Struct, Type};
use crate::config::{Duration, MAX_DURATION_MS};

/// Compiles only if every section keeps the rules.
pub const fn check_schema(schema: &Schema) {
    let mut i = 0;
    while i < schema.sections.len() {
        assert!(matches!(schema.sections[i].ty, Type::Struct(_)), "a section must be a struct");
        assert!(!is_reserved(schema.sections[i].name), "agent, append, final, health, match and unset name no section");
        check_type(schema.sections[i].ty);
        i += 1;
    }
}

const fn is_reserved(name: &str) -> bool {
    let mut i = 0;
    while i < RESERVED_SECTIONS.len() {
        if is_same(name.as_bytes(), RESERVED_SECTIONS[i].as_bytes()) {
            return true;
        }
        i += 1;
    }
    false
}

const fn is_same(a: &[u8], b: &[u8]) -> bool {
    let mut i = 0;
    while i < a.len() && i < b.len() && a[i] == b[i] {
        i += 1;
    }
    i == a.len() && i == b.len()
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

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;
    use std::string::String;

    use super::super::{IntKind, Number, Variant};
    use super::*;

    const U8: &Type = &Type::Int(IntKind::U8);
    const DEEP: &Type = &Type::Option(&Type::Option(&Type::Option(&Type::Option(&Type::Option(&Type::Option(
        &Type::Option(&Type::Option(&Type::Option(&Type::Bool))),
    ))))));
    const PEER: &Type = &Type::Struct(Struct { name: "Peer", fields: &[PEER_NAME, PEER_ON], removed: &[] });
    const PEER_NAME: Field = field("name", &Type::Text { max_bytes: 4 });
    const PEER_ON: Field = field("on", &Type::Bool);
    const MODE: &Type = &Type::Enum(Enum {
        name: "Mode",
        variants: &[
            Variant { name: "off", doc: "", payload: None },
            Variant { name: "rate", doc: "", payload: Some(U8) },
        ],
    });

    const fn field(name: &'static str, ty: &'static Type) -> Field {
        Field { name, doc: "", ty, bounds: Bounds::NONE, unit: None, default: None, was: None, absent_means: None }
    }

    const fn ints(min: i128, max: i128) -> Bounds {
        Bounds { min: Some(Number::Int(min)), max: Some(Number::Int(max)), key: None }
    }

    const fn key(key: &'static str) -> Bounds {
        Bounds { key: Some(key), ..Bounds::NONE }
    }

    /// What the compiler would say about the field; empty when it compiles.
    fn refusal(ty: &'static Type, bounds: Bounds, default: Option<Literal>) -> String {
        let refused = catch_unwind(|| check_field(&Field { bounds, default, ..field("f", ty) }));
        refused.err().map_or(String::new(), |panic| (*panic.downcast_ref::<&str>().unwrap()).into())
    }

    #[test]
    fn what_fits_compiles() {
        let list: &Type = &Type::List { max: 2, item: PEER };
        let numbers: &Type = &Type::Option(&Type::List { max: 2, item: U8 });
        let literal = Literal::List(&[Literal::Int(3), Literal::Int(4)]);
        assert_eq!(refusal(list, key("name"), Some(Literal::List(&[]))), "");
        assert_eq!(refusal(numbers, ints(3, 4), Some(literal)), "");
        assert_eq!(refusal(MODE, Bounds::NONE, Some(Literal::Text("off"))), "");
        let millis = Bounds { min: Some(Number::Millis(1)), ..Bounds::NONE };
        assert_eq!(refusal(&Type::Duration, millis, Some(Literal::Text("1ms"))), "");
    }

    #[test]
    fn ranges_must_fit_their_type() {
        for (ty, bounds) in [(U8, ints(0, 256)), (U8, ints(-1, 5)), (U8, ints(6, 5))] {
            assert_eq!(refusal(ty, bounds, None), "the range does not fit the type of the field");
        }
        for ty in [&Type::Bool, MODE, PEER] {
            assert_eq!(refusal(ty, ints(0, 1), None), "a range needs a number or a duration");
        }
        let long = Bounds { max: Some(Number::Millis(MAX_DURATION_MS + 1)), ..Bounds::NONE };
        assert_eq!(refusal(&Type::Duration, long, None), "the range of a duration ends before 100 years");
    }

    #[test]
    fn defaults_must_fit_type_and_range() {
        let two: &Type = &Type::List { max: 2, item: U8 };
        let wrong = [
            (U8, ints(1, 5), Literal::Int(6)),
            (U8, Bounds::NONE, Literal::Int(256)),
            (U8, Bounds::NONE, Literal::Text("1")),
            (&Type::Text { max_bytes: 3 }, Bounds::NONE, Literal::Text("four")),
            (MODE, Bounds::NONE, Literal::Text("rate")),
            (MODE, Bounds::NONE, Literal::Text("on")),
            (two, Bounds::NONE, Literal::List(&[Literal::Int(1), Literal::Int(1), Literal::Int(1)])),
            (two, ints(1, 5), Literal::List(&[Literal::Int(6)])),
        ];
        for (ty, bounds, default) in wrong {
            assert_eq!(refusal(ty, bounds, Some(default)), "the default does not fit the type and range of the field");
        }
    }

    #[test]
    fn a_key_must_tell_structs_apart() {
        let list: &Type = &Type::List { max: 2, item: PEER };
        assert_eq!(refusal(list, key("nothing"), None), "the key names no field of the list's items");
        assert_eq!(refusal(list, key("on"), None), "a list's key must be an integer, text or an address");
        assert_eq!(refusal(U8, key("name"), None), "a key needs a list of structs");
        assert_eq!(refusal(&Type::List { max: 2, item: U8 }, key("name"), None), "a key needs a list of structs");
    }

    #[test]
    fn nesting_is_bounded() {
        assert_eq!(refusal(DEEP, Bounds::NONE, None), "this type is nested deeper than 8 levels");
    }
}
