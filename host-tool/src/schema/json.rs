//! A schema for editors: JSON Schema (draft 7, which every editor reads), for completion and for red lines while a layer is written.
//!
//! An editor sees one layer, and a layer is a part: nothing is required in it. So this is looser than `steadfast check`, which has the last word,
//! and never stricter. For all models of a fleet together it is closed: a section that none of them has is marked. For a single schema it is
//! open, because a layer may hold sections of other models, too.

mod patterns;

use serde_json::{Map, Value, json};
use steadfast_core::config::Duration;

use super::check::ON_UNSUPPORTED;
use super::{Field, Literal, Schema, Section, Type, Variant};

/// The dialect.
const DIALECT: &str = "http://json-schema.org/draft-07/schema#";

impl Schema {
    /// The JSON Schema of a layer for this schema alone; sections of other schemas are let through.
    pub fn json_schema(&self) -> Value {
        let mut schema = layer_schema(&[self], &[]);
        schema["$id"] = json!(format!("steadfast:schema:{}", self.id));
        schema["title"] = json!(self.name);
        schema["additionalProperties"] = json!(true);
        schema
    }
}

/// The JSON Schema of a fleet's layers: sections of these schemas, those that every model has, and the words at a layer's head. Anything else
/// is refused. A section of which several schemas have different versions may be any of them.
pub fn layer_schema(schemas: &[&Schema], reserved: &[Section]) -> Value {
    let mut versions: Vec<(&str, Vec<Value>)> = Vec::new();
    for section in reserved.iter().chain(schemas.iter().flat_map(|schema| &schema.sections)) {
        let version = described(of_fields(&section.fields), &section.doc, None);
        match versions.iter_mut().find(|(name, _)| *name == section.name) {
            Some((_, known)) if known.contains(&version) => {}
            Some((_, known)) => known.push(version),
            None => versions.push((&section.name, vec![version])),
        }
    }
    let one = |versions: Vec<Value>| match <[Value; 1]>::try_from(versions) {
        Ok([only]) => only,
        Err(several) => json!({ "anyOf": several }),
    };
    let sections: Map<String, Value> =
        versions.into_iter().map(|(name, versions)| (name.to_owned(), one(versions))).collect();
    let mut properties = sections.clone();
    let fields =
        |doc: &str| json!({ "type": "array", "items": { "type": "string", "minLength": 1 }, "description": doc });
    properties.insert("append".into(), json!({
        "type": "object", "properties": sections, "additionalProperties": false, "description": "Items to add to lists.",
    }));
    properties.insert("unset".into(), fields("Fields whose earlier values go away."));
    properties.insert("final".into(), fields("Fields that no later layer may change."));
    let text = "Which devices the patch is for: an expression over their labels (CEL).";
    properties.insert("match".into(), json!({ "type": "string", "minLength": 1, "description": text }));
    let text = "Devices whose older firmware cannot express a value of this layer keep what they have.";
    properties.insert(ON_UNSUPPORTED.into(), json!({ "enum": ["hold"], "description": text }));
    json!({ "$schema": DIALECT, "type": "object", "properties": properties, "additionalProperties": false })
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
    match ty {
        Type::Bool => json!({ "type": "boolean" }),
        Type::Int { min, max, .. } => json!({ "type": "integer", "minimum": number(*min), "maximum": number(*max) }),
        Type::Float { min, max, .. } => json!({ "type": "number", "minimum": min, "maximum": max }),
        // Counts characters where we count bytes; never too strict.
        Type::Text { max_bytes } => json!({ "type": "string", "maxLength": max_bytes }),
        Type::List { max, item, .. } => json!({ "type": "array", "maxItems": max, "items": of(item) }),
        Type::Map { max, key, value } => json!({
            "type": "object", "maxProperties": max, "propertyNames": of_key(key), "additionalProperties": of(value),
        }),
        Type::Struct { fields, .. } => of_fields(fields),
        Type::Option(inner) => of(inner),
        Type::Enum { variants, .. } => of_variants(variants),
        Type::Duration { min_ms, max_ms } => {
            let end = |ms: u64| Duration::from_millis(ms).unwrap_or_default();
            let range = format!("{} to {}", end(*min_ms), end(*max_ms));
            json!({ "type": "string", "minLength": 2, "pattern": patterns::DURATION, "$comment": range })
        }
        ty => json!({ "type": "string", "pattern": patterns::address(ty) }),
    }
}

/// A map's key as the name of a property, which is text.
fn of_key(ty: &Type) -> Value {
    match ty {
        Type::Int { .. } => json!({ "pattern": patterns::INTEGER }),
        ty => of(ty),
    }
}

fn of_variants(variants: &[Variant]) -> Value {
    if variants.iter().all(|variant| variant.payload.is_none() && variant.doc.is_empty()) {
        return json!({ "enum": variants.iter().map(|variant| &variant.name).collect::<Vec<_>>() });
    }
    json!({ "oneOf": variants.iter().map(of_variant).collect::<Vec<_>>() })
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
