//! Fields and types of a hand-written schema. Named types stand under `[type.NAME]` and are put in where they are used.

use std::ops::Range;

use steadfast_core::config::{Duration, MAX_DURATION_MS};
use steadfast_core::schema::{FloatKind, IntKind, MAX_DEPTH};
use toml::Spanned;
use toml::de::DeValue;

use super::table::{Table, float, integer, literal, text, wrong};
use super::{MAX_EXPANDED_FIELDS, Spans, TextError};
use crate::diagnostics::closest;
use crate::schema::check::Place;
use crate::schema::{Field, Literal, Type, Variant};

type Read<T> = Result<T, TextError>;

/// Types that take no parameter.
const PLAIN: [(&str, Type); 8] = [
    ("bool", Type::Bool),
    ("ipv4_addr", Type::Ipv4Addr),
    ("ipv6_addr", Type::Ipv6Addr),
    ("ip_addr", Type::IpAddr),
    ("ipv4_net", Type::Ipv4Net),
    ("ipv6_net", Type::Ipv6Net),
    ("ip_net", Type::IpNet),
    ("mac", Type::Mac),
];
/// Types with parameters, beside numbers.
const PARAMETRIC: [&str; 4] = ["text", "list", "map", "duration"];
/// What a field may say beside its type.
const OF_FIELD: [&str; 6] = ["doc", "unit", "default", "was", "absent_means", "optional"];

/// The named types, and how much of them was put in so far.
pub(super) struct Types<'a> {
    named: Vec<(&'a str, Table<'a>)>,
    open: Vec<&'a str>,
    fields: usize,
}

impl<'a> Types<'a> {
    pub(super) fn new(root: &Table<'a>) -> Read<Self> {
        let mut named = Vec::new();
        for (name, span, value) in root.table("type")?.map(|types| types.entries()).unwrap_or_default() {
            if is_built_in(name) {
                return Err(TextError::new(span, format!("`{name}` is a type already: choose another name")));
            }
            let table = Table::of(value, span)?;
            table.only(&["fields", "variants", "removed"])?;
            named.push((name, table));
        }
        Ok(Self { named, open: Vec::new(), fields: 0 })
    }

    pub(super) fn fields(&mut self, table: &Table<'a>, outer: &Place, spans: &mut Spans) -> Read<Vec<Field>> {
        let mut fields = Vec::new();
        for (name, span, value) in table.named()? {
            self.fields += 1;
            if self.fields > MAX_EXPANDED_FIELDS {
                return Err(TextError::new(
                    span,
                    format!("with its types put in, this schema has more than {MAX_EXPANDED_FIELDS} fields"),
                ));
            }
            let place = outer.inside(name);
            spans.entry(place.to_string()).or_insert_with(|| span.clone());
            fields.push(self.field(name, span, value, (&place, spans))?);
        }
        Ok(fields)
    }

    fn field(
        &mut self,
        name: &str,
        span: Range<usize>,
        value: &'a Spanned<DeValue<'a>>,
        (place, spans): (&Place, &mut Spans),
    ) -> Read<Field> {
        let mut field = Field {
            name: name.to_owned(),
            doc: String::new(),
            ty: Type::Bool,
            unit: None,
            default: None,
            was: None,
            absent_means: None,
        };
        let DeValue::Table(inner) = value.get_ref() else {
            field.ty = self.spec(value, (place, spans))?;
            return Ok(field);
        };
        let table = Table::new(inner, span);
        let ty = self.ty(&table, &OF_FIELD, (place, spans))?;
        field.ty = if table.flag("optional")? { Type::Option(Box::new(ty)) } else { ty };
        field.doc = table.text("doc")?.unwrap_or_default();
        field.unit = table.text("unit")?;
        field.was = table.text("was")?;
        field.default = table.value("default").map(|value| value_of(value, &field.ty)).transpose()?;
        field.absent_means = table.value("absent_means").map(|value| value_of(value, &field.ty)).transpose()?;
        Ok(field)
    }

    /// A type by its name alone, or as a table with parameters.
    fn spec(&mut self, value: &'a Spanned<DeValue<'a>>, at: (&Place, &mut Spans)) -> Read<Type> {
        match value.get_ref() {
            DeValue::String(name) => self.by_name(name, None, value.span(), at),
            DeValue::Table(inner) => self.ty(&Table::new(inner, value.span()), &[], at),
            _ => Err(wrong(value, "a type is its name, or a table with `type` and what belongs to it")),
        }
    }

    fn ty(&mut self, table: &Table<'a>, besides: &[&str], at: (&Place, &mut Spans)) -> Read<Type> {
        let value = table.needs("type", "this")?;
        let name = text(value)?;
        let parameters: &[&str] = match name {
            "text" => &["max"],
            "list" => &["max", "item", "key"],
            "map" => &["max", "key", "value"],
            _ if name == "duration" || int(name).is_some() || float_kind(name).is_some() => &["min", "max"],
            _ => &[],
        };
        table.only(&[&["type"], parameters, besides].concat())?;
        self.by_name(name, Some(table), value.span(), at)
    }

    fn by_name(
        &mut self,
        name: &str,
        table: Option<&Table<'a>>,
        span: Range<usize>,
        at: (&Place, &mut Spans),
    ) -> Read<Type> {
        if let Some((_, ty)) = PLAIN.iter().find(|(plain, _)| *plain == name) {
            return Ok(ty.clone());
        }
        let parameter = |key| table.and_then(|table| table.value(key));
        if let Some(kind) = int(name) {
            let end = |key, otherwise| parameter(key).map_or(Ok(otherwise), integer);
            return Ok(Type::Int { kind, min: end("min", kind.min())?, max: end("max", kind.max())? });
        }
        if let Some(kind) = float_kind(name) {
            let end = |key, otherwise| parameter(key).map_or(Ok(otherwise), float);
            return Ok(Type::Float { kind, min: end("min", -kind.max())?, max: end("max", kind.max())? });
        }
        match (name, table) {
            ("duration", _) => {
                let end = |key, otherwise| parameter(key).map_or(Ok(otherwise), duration);
                Ok(Type::Duration { min_ms: end("min", 0)?, max_ms: end("max", MAX_DURATION_MS)? })
            }
            ("text", Some(table)) => Ok(Type::Text { max_bytes: table.count("max", "a text")? }),
            ("list", Some(table)) => self.list(table, at),
            ("map", Some(table)) => self.map(table, at),
            ("text" | "list" | "map", None) => {
                Err(TextError::new(span, format!("a {name} has a bound: write {{ type = \"{name}\", max = ... }}")))
            }
            _ => self.named(name, span, at),
        }
    }

    fn list(&mut self, table: &Table<'a>, (place, spans): (&Place, &mut Spans)) -> Read<Type> {
        let item = Box::new(self.spec(table.needs("item", "a list")?, (place, spans))?);
        Ok(Type::List { max: table.count("max", "a list")?, item, key: table.text("key")? })
    }

    fn map(&mut self, table: &Table<'a>, (place, spans): (&Place, &mut Spans)) -> Read<Type> {
        let key = Box::new(self.spec(table.needs("key", "a map")?, (place, spans))?);
        let value = Box::new(self.spec(table.needs("value", "a map")?, (place, spans))?);
        Ok(Type::Map { max: table.count("max", "a map")?, key, value })
    }

    fn named(&mut self, name: &str, span: Range<usize>, (place, spans): (&Place, &mut Spans)) -> Read<Type> {
        let Some((name, table)) = self.named.iter().find(|(known, _)| *known == name).cloned() else {
            return Err(TextError::new(span, self.unknown(name)));
        };
        if self.open.contains(&name) || self.open.len() > MAX_DEPTH {
            return Err(TextError::new(
                span,
                format!("type `{name}` contains itself, or types are nested deeper than {MAX_DEPTH} levels"),
            ));
        }
        self.open.push(name);
        let ty = self.definition(name, &table, (place, spans));
        self.open.pop();
        ty
    }

    fn definition(&mut self, name: &str, table: &Table<'a>, (place, spans): (&Place, &mut Spans)) -> Read<Type> {
        let removed = table.texts("removed")?;
        match (table.table("fields")?, table.value("variants")) {
            (Some(fields), None) => {
                Ok(Type::Struct { name: name.into(), fields: self.fields(&fields, place, spans)?, removed })
            }
            (None, Some(variants)) => {
                Ok(Type::Enum { name: name.into(), variants: self.variants(variants, (place, spans))? })
            }
            _ => Err(TextError::new(table.span(), format!("type `{name}` needs either `fields` or `variants`"))),
        }
    }

    fn variants(
        &mut self,
        value: &'a Spanned<DeValue<'a>>,
        (place, spans): (&Place, &mut Spans),
    ) -> Read<Vec<Variant>> {
        if let DeValue::Array(names) = value.get_ref() {
            let plain = |name: &str| Variant { name: name.to_owned(), doc: String::new(), payload: None };
            return names.iter().map(|name| text(name).map(plain)).collect();
        }
        let mut variants = Vec::new();
        for (name, span, value) in Table::of(value, value.span())?.named()? {
            let table = Table::of(value, span.clone())?;
            table.only(&["doc", "fields", "payload"])?;
            let place = place.inside(name);
            spans.entry(place.to_string()).or_insert(span);
            let payload = match (table.table("fields")?, table.value("payload")) {
                (None, None) => None,
                (None, Some(payload)) => Some(self.spec(payload, (&place, spans))?),
                (Some(fields), None) => {
                    let fields = self.fields(&fields, &place, spans)?;
                    Some(Type::Struct { name: name.into(), fields, removed: Vec::new() })
                }
                _ => return Err(TextError::new(table.span(), "a variant has `payload` or `fields`, not both")),
            };
            variants.push(Variant { name: name.to_owned(), doc: table.text("doc")?.unwrap_or_default(), payload });
        }
        Ok(variants)
    }

    fn unknown(&self, name: &str) -> String {
        let built_in = PLAIN.iter().map(|(name, _)| *name).chain(PARAMETRIC);
        let numbers = IntKind::ALL.map(IntKind::name).into_iter().chain(FloatKind::ALL.map(FloatKind::name));
        let known = built_in.chain(numbers).chain(self.named.iter().map(|(name, _)| *name));
        match closest(name, known) {
            Some(near) => format!("unknown type `{name}`: did you mean `{near}`?"),
            None => format!("unknown type `{name}`: define it under `[type.{name}]`"),
        }
    }
}

fn is_built_in(name: &str) -> bool {
    PLAIN.iter().any(|(plain, _)| *plain == name)
        || PARAMETRIC.contains(&name)
        || int(name).is_some()
        || float_kind(name).is_some()
}

fn int(name: &str) -> Option<IntKind> {
    IntKind::ALL.into_iter().find(|kind| kind.name() == name)
}

fn float_kind(name: &str) -> Option<FloatKind> {
    FloatKind::ALL.into_iter().find(|kind| kind.name() == name)
}

fn duration(value: &Spanned<DeValue<'_>>) -> Read<u64> {
    let duration = Duration::from_text(text(value)?);
    duration.map(Duration::as_millis).ok_or_else(|| wrong(value, "a duration, like \"250ms\", \"90s\" or \"1h30m\""))
}

/// A literal of a field: whole numbers also stand for floating-point ones.
fn value_of(value: &Spanned<DeValue<'_>>, ty: &Type) -> Read<Literal> {
    let literal = widened(literal(value)?, ty);
    if ty.takes(&literal) { Ok(literal) } else { Err(wrong(value, "this is no value of the field's type and range")) }
}

fn widened(literal: Literal, ty: &Type) -> Literal {
    match (literal, ty) {
        (literal, Type::Option(inner)) => widened(literal, inner),
        (Literal::Int(value), Type::Float { .. }) => Literal::Float(value as f64),
        (Literal::List(items), Type::List { item, .. }) => {
            Literal::List(items.into_iter().map(|literal| widened(literal, item)).collect())
        }
        (literal, _) => literal,
    }
}
