//! Cells of a table without types: the schema says what they are.

use super::Value;
use super::path::strip_option;
use super::toml::exact_float;
use crate::schema::Type;

/// What a cell means to a field of this type. `None` for a type that one cell cannot hold; text that does not read as the
/// type stays text, so that the type's own check reports it.
pub(super) fn typed_cell(ty: &Type, text: &str) -> Option<Value> {
    let as_text = || Value::Text(text.into());
    Some(match strip_option(ty) {
        Type::Bool => match text {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => as_text(),
        },
        Type::Int { .. } => text.parse().map_or_else(|_| as_text(), Value::Int),
        Type::Float { .. } => match text.parse::<i128>() {
            Ok(number) => Value::Int(number),
            Err(_) if text.parse::<f64>().is_err() => as_text(),
            Err(_) => exact_float(text).map_or_else(|_| as_text(), Value::Float),
        },
        Type::List { .. } | Type::Map { .. } | Type::Struct { .. } => return None,
        _ => as_text(),
    })
}
