//! Checked values as the files that a gateway's programs read: JSON or TOML, keys sorted, the same bytes every time.
//!
//! Absent options are left out. Addresses and variants without data are text, durations whole milliseconds, a variant
//! with data is a table with its name as the only key.

use ::toml::Value as Toml;
use serde_json::{Map, Number, Value as Json};
use steadfast_core::config::Duration;

use super::Typed;

/// The format of a rendered file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Render {
    /// RFC 8259, indented by two spaces.
    Json,
    /// TOML 1.0.
    Toml,
}

/// Renders the fields of a section as a file that ends with a line end.
///
/// # Errors
/// A sentence, when the format cannot hold a value: TOML's integers end at 2^63.
pub fn render(fields: &[(&str, Typed<'_>)], format: Render) -> Result<Vec<u8>, String> {
    let json = object(fields);
    let text = match format {
        Render::Json => format!("{json:#}\n"),
        Render::Toml => ::toml::to_string(&toml(&json)?).map_err(|error| error.to_string())?,
    };
    Ok(text.into_bytes())
}

/// The same as TOML. Not by way of serde: what serde_json says of its numbers depends on a feature that any crate in a
/// build can switch on, and a file must not depend on what else was built.
fn toml(json: &Json) -> Result<Toml, String> {
    Ok(match json {
        Json::Null => return Err("TOML has no value for an absent item of a list".to_owned()),
        Json::Bool(value) => Toml::Boolean(*value),
        Json::String(text) => Toml::String(text.clone()),
        Json::Number(number) => toml_number(number)?,
        Json::Array(items) => Toml::Array(items.iter().map(toml).collect::<Result<_, _>>()?),
        Json::Object(fields) => {
            let field = |(name, value): (&String, &Json)| Ok((name.clone(), toml(value)?));
            Toml::Table(fields.iter().map(field).collect::<Result<_, String>>()?)
        }
    })
}

fn toml_number(number: &Number) -> Result<Toml, String> {
    match (number.as_i64(), number.as_u64(), number.as_f64()) {
        (Some(integer), ..) => Ok(Toml::Integer(integer)),
        // The crate would write it, but no other program need read it.
        (None, Some(large), _) => Err(format!("{large} is larger than TOML's integers")),
        (None, None, Some(float)) => Ok(Toml::Float(float)),
        (None, None, None) => Err(format!("TOML cannot hold {number}")),
    }
}

fn object(fields: &[(&str, Typed<'_>)]) -> Json {
    object_with(fields, in_files)
}

fn object_with(fields: &[(&str, Typed<'_>)], span: Spans) -> Json {
    let present = fields.iter().filter(|(_, value)| *value != Typed::Option(None));
    sorted(present.map(|(name, value)| ((*name).to_owned(), json_with(value, span))).collect())
}

/// An object whose keys are in order, also where another crate makes serde_json keep the order of insertion.
fn sorted(mut entries: Vec<(String, Json)>) -> Json {
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    Json::Object(Map::from_iter(entries))
}

/// How durations are written.
type Spans = fn(Duration) -> Json;

/// Whole milliseconds, for programs.
fn in_files(span: Duration) -> Json {
    Json::from(span.as_millis())
}

/// `10m`, for people and as layers have it.
fn in_words(span: Duration) -> Json {
    Json::String(span.to_string())
}

/// A checked value as JSON, as files have it.
#[must_use]
pub fn json(value: &Typed<'_>) -> Json {
    json_with(value, in_files)
}

/// The same as people write it: `10m`, not 600000.
#[must_use]
pub fn plain(value: &Typed<'_>) -> Json {
    json_with(value, in_words)
}

fn json_with(value: &Typed<'_>, span: Spans) -> Json {
    let json = |value: &Typed<'_>| json_with(value, span);
    match value {
        Typed::Bool(value) => Json::Bool(*value),
        Typed::U8(value) => Json::from(*value),
        Typed::I8(value) => Json::from(*value),
        Typed::Unsigned(value) => Json::from(*value),
        Typed::Duration(duration) => span(*duration),
        Typed::Signed(value) => Json::from(*value),
        // Through the shortest text, or 0.1 would become 0.10000000149011612.
        Typed::F32(value) => float(value.to_string().parse().unwrap_or(f64::NAN)),
        Typed::F64(value) => float(*value),
        Typed::List(items) => Json::Array(items.iter().map(json).collect()),
        Typed::Map(entries) => sorted(entries.iter().map(|(key, value)| (step_text(key), json(value))).collect()),
        Typed::Struct(fields) => object_with(fields, span),
        Typed::Option(inner) => inner.as_deref().map_or(Json::Null, json),
        Typed::Variant(_, name, Some(payload)) => Json::Object(Map::from_iter([((*name).to_owned(), json(payload))])),
        _ => Json::String(step_text(value)),
    }
}

fn float(value: f64) -> Json {
    Number::from_f64(value).map_or(Json::Null, Json::Number)
}

/// A map's key, or anything that is text anyway, as it is written.
#[must_use]
pub fn step_text(value: &Typed<'_>) -> String {
    match value {
        Typed::Text(text) => text.to_string(),
        Typed::Variant(_, name, _) => (*name).to_owned(),
        Typed::V4(address) => address.to_string(),
        Typed::V6(address) => address.to_string(),
        Typed::Ip(address) => address.to_string(),
        Typed::Net4(net) => net.to_string(),
        Typed::Net6(net) => net.to_string(),
        Typed::Net(net) => net.to_string(),
        Typed::Mac(mac) => mac.to_string(),
        other => json_scalar(other),
    }
}

fn json_scalar(value: &Typed<'_>) -> String {
    match value {
        Typed::U8(value) => value.to_string(),
        Typed::I8(value) => value.to_string(),
        Typed::Unsigned(value) => value.to_string(),
        Typed::Signed(value) => value.to_string(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use steadfast_core::config::Ipv4Net;

    use super::*;

    #[test]
    fn files_are_sorted_and_leave_out_what_is_absent() {
        let fields = [
            ("zone", Typed::Option(None)),
            ("mode", Typed::Variant(1, "fixed", Some(Box::new(Typed::U8(3))))),
            ("gain", Typed::F32(0.1)),
            ("by_vid", Typed::Map(vec![(Typed::Unsigned(7), Typed::Net4(Ipv4Net::literal([10, 0, 0, 0].into(), 8)))])),
        ];
        let json = String::from_utf8(render(&fields, Render::Json).unwrap()).unwrap();
        let expected = "{\n  \"by_vid\": {\n    \"7\": \"10.0.0.0/8\"\n  },\n  \"gain\": 0.1,\n  \"mode\": {\n    \"fixed\": 3\n  }\n}\n";
        assert_eq!(json, expected);
        let toml = String::from_utf8(render(&fields, Render::Toml).unwrap()).unwrap();
        assert_eq!(toml, "gain = 0.1\n\n[by_vid]\n7 = \"10.0.0.0/8\"\n\n[mode]\nfixed = 3\n");
    }

    #[test]
    fn a_number_that_toml_cannot_hold_is_an_error() {
        assert!(render(&[("n", Typed::Unsigned(u64::MAX))], Render::Toml).is_err());
    }
}
