//! A schema for editors: JSON Schema (draft 2020-12), for completion and for red lines while a layer is written.
//!
//! An editor sees one layer, and a layer is a part: nothing is required in it, and beside sections of this schema it may hold others. So this is
//! looser than `steadfast check`, which has the last word.

use serde_json::{Map, Value, json};
use steadfast_core::config::Duration;

use super::{Field, Literal, Schema, Section, Type, Variant};

/// Text that [`Duration::from_text`] reads.
const DURATION: &str = r"^(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$";
const IPV4_NET: &str = r"^\d{1,3}(\.\d{1,3}){3}/\d{1,2}$";
const IPV6_NET: &str = r"^[0-9A-Fa-f:.]+/\d{1,3}$";
const MAC: &str = r"^[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}$";

impl Schema {
    /// The JSON Schema of a layer for this schema.
    pub fn json_schema(&self) -> Value {
        let sections = self.sections.iter().map(|section| (section.name.clone(), of_section(section)));
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": format!("steadfast:schema:{}", self.id),
            "title": self.name,
            "type": "object",
            "properties": sections.collect::<Map<_, _>>(),
        })
    }
}

fn of_section(section: &Section) -> Value {
    described(of_fields(&section.fields), &section.doc, None)
}

fn of_fields(fields: &[Field]) -> Value {
    let properties: Map<_, _> = fields.iter().map(|field| (field.name.clone(), of_field(field))).collect();
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

fn of_field(field: &Field) -> Value {
    let mut schema = described(of(&field.ty), &field.doc, field.unit.as_deref());
    if let Some(default) = &field.default {
        schema["default"] = of_literal(default, &field.ty);
    }
    schema
}

fn described(mut schema: Value, doc: &str, unit: Option<&str>) -> Value {
    let unit = unit.map(|unit| format!("Unit: {unit}."));
    let text: Vec<&str> =
        [doc, unit.as_deref().unwrap_or_default()].into_iter().filter(|text| !text.is_empty()).collect();
    if !text.is_empty() {
        schema["description"] = json!(text.join("\n"));
    }
    schema
}

fn of(ty: &Type) -> Value {
    let text = |key: &str, value: &str| json!({ "type": "string", key: value });
    match ty {
        Type::Bool => json!({ "type": "boolean" }),
        Type::Int { min, max, .. } => json!({ "type": "integer", "minimum": number(*min), "maximum": number(*max) }),
        Type::Float { min, max, .. } => json!({ "type": "number", "minimum": min, "maximum": max }),
        // Counts characters where we count bytes; never too strict.
        Type::Text { max_bytes } => json!({ "type": "string", "maxLength": max_bytes }),
        Type::List { max, item, .. } => json!({ "type": "array", "maxItems": max, "items": of(item) }),
        Type::Map { max, value, .. } => {
            json!({ "type": "object", "maxProperties": max, "additionalProperties": of(value) })
        }
        Type::Struct { fields, .. } => of_fields(fields),
        Type::Option(inner) => of(inner),
        Type::Enum { variants, .. } => json!({ "oneOf": variants.iter().map(of_variant).collect::<Vec<_>>() }),
        Type::Ipv4Addr => text("format", "ipv4"),
        Type::Ipv6Addr => text("format", "ipv6"),
        Type::IpAddr => json!({ "anyOf": [text("format", "ipv4"), text("format", "ipv6")] }),
        Type::Ipv4Net => text("pattern", IPV4_NET),
        Type::Ipv6Net => text("pattern", IPV6_NET),
        Type::IpNet => json!({ "anyOf": [text("pattern", IPV4_NET), text("pattern", IPV6_NET)] }),
        Type::Mac => text("pattern", MAC),
        Type::Duration { min_ms, max_ms } => {
            let end = |ms: u64| Duration::from_millis(ms).unwrap_or_default();
            let range = format!("{} to {}", end(*min_ms), end(*max_ms));
            json!({ "type": "string", "minLength": 2, "pattern": DURATION, "$comment": range })
        }
    }
}

fn of_variant(variant: &Variant) -> Value {
    let schema = match &variant.payload {
        None => json!({ "const": variant.name }),
        Some(payload) => json!({
            "type": "object",
            "properties": { &variant.name: of(payload) },
            "required": [variant.name],
            "additionalProperties": false,
        }),
    };
    described(schema, &variant.doc, None)
}

fn of_literal(literal: &Literal, ty: &Type) -> Value {
    match (literal, ty) {
        (_, Type::Option(inner)) => of_literal(literal, inner),
        (Literal::List(items), Type::List { item, .. }) => {
            items.iter().map(|literal| of_literal(literal, item)).collect()
        }
        // The map without entries.
        (Literal::List(_), _) => json!({}),
        (Literal::Bool(value), _) => json!(value),
        (Literal::Int(value), _) => number(*value),
        (Literal::Float(value), _) => json!(value),
        (Literal::Text(value), _) => json!(value),
    }
}

/// An integer of at most 64 bits, signed or not.
fn number(value: i128) -> Value {
    u64::try_from(value).map_or_else(|_| json!(value as i64), |value| json!(value))
}
