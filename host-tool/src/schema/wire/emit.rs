//! Writes a description.

use steadfast_core::schema::{Prose, VERSION};

use super::{literal_tag, tag};
use crate::schema::{Field, Literal, Schema, Section, Type, Variant};

/// The description of `schema`, with or without the texts that only people read.
pub(in crate::schema) fn encode(schema: &Schema, prose: Prose) -> Vec<u8> {
    let mut out = Out { bytes: vec![VERSION], prose };
    out.prose(&schema.name);
    out.each(&schema.sections, Out::section);
    out.each(&schema.removed, |out, name| out.text(name));
    out.bytes
}

struct Out {
    bytes: Vec<u8>,
    prose: Prose,
}

impl Out {
    fn section(&mut self, section: &Section) {
        self.text(&section.name);
        self.prose(&section.doc);
        self.bytes.extend([section.restart as u8, section.risk as u8, section.secret.into()]);
        self.each(&section.checks, |out, name| out.text(name));
        self.maybe(section.was.as_deref());
        self.fields(&section.fields, &section.removed);
    }

    fn fields(&mut self, fields: &[Field], removed: &[String]) {
        self.each(fields, Self::field);
        self.each(removed, |out, name| out.text(name));
    }

    fn field(&mut self, field: &Field) {
        self.text(&field.name);
        self.prose(&field.doc);
        self.ty(&field.ty);
        self.maybe(field.unit.as_deref());
        self.maybe_literal(field.default.as_ref());
        self.maybe(field.was.as_deref());
        self.maybe_literal(field.absent_means.as_ref());
    }

    fn ty(&mut self, ty: &Type) {
        match ty {
            Type::Bool => self.tag(tag::BOOL),
            Type::Int { kind, min, max } => {
                self.bytes.extend([tag::INT, *kind as u8]);
                self.signed(*min);
                self.signed(*max);
            }
            Type::Float { kind, min, max } => {
                self.bytes.extend([tag::FLOAT, *kind as u8]);
                self.bytes.extend(min.to_le_bytes());
                self.bytes.extend(max.to_le_bytes());
            }
            Type::Text { max_bytes } => {
                self.tag(tag::TEXT);
                self.varint((*max_bytes).into());
            }
            Type::List { max, item, key } => {
                self.tag(tag::LIST);
                self.varint((*max).into());
                self.ty(item);
                self.maybe(key.as_deref());
            }
            Type::Map { max, key, value } => {
                self.tag(tag::MAP);
                self.varint((*max).into());
                self.ty(key);
                self.ty(value);
            }
            Type::Struct { name, fields, removed } => {
                self.tag(tag::STRUCT);
                self.prose(name);
                self.fields(fields, removed);
            }
            Type::Option(inner) => {
                self.tag(tag::OPTION);
                self.ty(inner);
            }
            Type::Enum { name, variants } => {
                self.tag(tag::ENUM);
                self.prose(name);
                self.each(variants, Self::variant);
            }
            Type::Ipv4Addr => self.tag(tag::IPV4_ADDR),
            Type::Ipv6Addr => self.tag(tag::IPV6_ADDR),
            Type::IpAddr => self.tag(tag::IP_ADDR),
            Type::Ipv4Net => self.tag(tag::IPV4_NET),
            Type::Ipv6Net => self.tag(tag::IPV6_NET),
            Type::IpNet => self.tag(tag::IP_NET),
            Type::Mac => self.tag(tag::MAC),
            Type::Duration { min_ms, max_ms } => {
                self.tag(tag::DURATION);
                self.varint((*min_ms).into());
                self.varint((*max_ms).into());
            }
        }
    }

    fn variant(&mut self, variant: &Variant) {
        self.text(&variant.name);
        self.prose(&variant.doc);
        self.present(variant.payload.as_ref(), Self::ty);
    }

    fn maybe_literal(&mut self, literal: Option<&Literal>) {
        self.present(literal, Self::literal);
    }

    fn literal(&mut self, literal: &Literal) {
        match literal {
            Literal::Bool(value) => self.bytes.extend([literal_tag::BOOL, (*value).into()]),
            Literal::Int(value) => {
                self.tag(literal_tag::INT);
                self.signed(*value);
            }
            Literal::Float(value) => {
                self.tag(literal_tag::FLOAT);
                self.bytes.extend(value.to_le_bytes());
            }
            Literal::Text(value) => {
                self.tag(literal_tag::TEXT);
                self.text(value);
            }
            Literal::List(items) => {
                self.tag(literal_tag::LIST);
                self.each(items, Self::literal);
            }
        }
    }

    fn prose(&mut self, text: &str) {
        match self.prose {
            Prose::Kept => self.text(text),
            Prose::Dropped => self.text(""),
        }
    }

    fn maybe(&mut self, text: Option<&str>) {
        self.present(text, Self::text);
    }

    fn present<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        match value {
            None => self.tag(0),
            Some(value) => {
                self.tag(1);
                write(self, value);
            }
        }
    }

    fn each<T>(&mut self, items: &[T], write: impl Fn(&mut Self, &T)) {
        self.varint(items.len() as u128);
        items.iter().for_each(|item| write(self, item));
    }

    fn text(&mut self, text: &str) {
        self.varint(text.len() as u128);
        self.bytes.extend(text.as_bytes());
    }

    /// Zigzag: small magnitudes stay short.
    fn signed(&mut self, value: i128) {
        self.varint(((value << 1) ^ (value >> 127)).cast_unsigned());
    }

    fn varint(&mut self, mut value: u128) {
        while value > 0x7f {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    fn tag(&mut self, tag: u8) {
        self.bytes.push(tag);
    }
}
