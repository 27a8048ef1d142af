//! The bytes of a description, made by the compiler.
//!
//! One encoder for three uses: counting (a buffer of no bytes), the bytes themselves, and their digest. Layout: postcard, as drawn
//! in `docs/spec/schema.md`; each function below writes one of its tables, in the order of that document.

use super::sha256::sha256;
use super::{
    Bounds, FRAME_BYTES, Field, FloatKind, IntKind, Literal, MAGIC, MAX_DESCRIPTION_BYTES, Number, Schema, Section,
    Struct, Type, VERSION, Variant,
};
use crate::config::MAX_DURATION_MS;
use crate::id::SchemaId;

/// Whether the texts that only people read are written: documentation, the names of types and of the schema.
#[derive(Clone, Copy)]
pub enum Prose {
    /// As the firmware carries it.
    Kept,
    /// As the id is computed: each such text is empty.
    Dropped,
}

/// The length of the description in bytes.
#[must_use]
pub const fn encoded_bytes(schema: &Schema, prose: Prose) -> usize {
    written::<0>(schema, prose).len
}

/// The description; `N` is its [`encoded_bytes`].
#[must_use]
pub const fn encode<const N: usize>(schema: &Schema, prose: Prose) -> [u8; N] {
    let out = written::<N>(schema, prose);
    assert!(out.len == N, "the array must have exactly the length of the description");
    out.bytes
}

/// The description behind magic and length, as it stands in the ELF section; `N` is its [`encoded_bytes`] and [`FRAME_BYTES`].
#[must_use]
pub const fn framed<const N: usize>(schema: &Schema) -> [u8; N] {
    let length = ((N - FRAME_BYTES) as u32).to_le_bytes();
    let mut out = Out::<N> { bytes: [0; N], len: 0, prose: Prose::Kept };
    out.raw(&MAGIC);
    out.raw(&length);
    out.schema(schema);
    assert!(out.len == N, "the array must have exactly the length of frame and description");
    out.bytes
}

/// The name of the schema; `N` is the [`encoded_bytes`] without prose.
#[must_use]
pub const fn id<const N: usize>(schema: &Schema) -> SchemaId {
    let bytes = encode::<N>(schema, Prose::Dropped);
    SchemaId(sha256(&bytes, N))
}

const fn written<const N: usize>(schema: &Schema, prose: Prose) -> Out<N> {
    let mut out = Out { bytes: [0; N], len: 0, prose };
    out.schema(schema);
    assert!(
        out.len <= MAX_DESCRIPTION_BYTES,
        "the description of this schema is longer than 64 KiB: shorten its documentation"
    );
    out
}

/// Goes on counting when the bytes are full.
struct Out<const N: usize> {
    bytes: [u8; N],
    len: usize,
    prose: Prose,
}

impl<const N: usize> Out<N> {
    const fn schema(&mut self, schema: &Schema) {
        self.byte(VERSION);
        self.prose(schema.name);
        self.count(schema.sections.len());
        let mut i = 0;
        while i < schema.sections.len() {
            self.section(&schema.sections[i]);
            i += 1;
        }
        self.texts(schema.removed);
    }

    const fn section(&mut self, section: &Section) {
        let Type::Struct(body) = section.ty else { panic!("a section must be a struct") };
        self.text(section.name);
        self.prose(section.doc);
        self.byte(section.restart as u8);
        self.byte(section.risk as u8);
        self.byte(section.secret as u8);
        self.texts(section.checks);
        self.maybe(section.was);
        self.fields(body);
    }

    const fn fields(&mut self, body: &Struct) {
        self.count(body.fields.len());
        let mut i = 0;
        while i < body.fields.len() {
            self.field(&body.fields[i]);
            i += 1;
        }
        self.texts(body.removed);
    }

    const fn field(&mut self, field: &Field) {
        self.text(field.name);
        self.prose(field.doc);
        self.ty(field.ty, field.bounds);
        self.maybe(field.unit);
        self.literal_or_none(&field.default);
        self.maybe(field.was);
        self.literal_or_none(&field.absent_means);
    }

    const fn ty(&mut self, ty: &Type, bounds: Bounds) {
        let range = Bounds { key: None, ..bounds };
        match ty {
            Type::Bool => self.byte(0),
            Type::Int(kind) => self.int_type(*kind, bounds),
            Type::Float(kind) => self.float_type(*kind, bounds),
            Type::Text { max_bytes } => {
                self.byte(3);
                self.count(*max_bytes as usize);
            }
            Type::List { max, item } => {
                self.byte(4);
                self.count(*max as usize);
                self.ty(item, range);
                self.maybe(bounds.key);
            }
            Type::Map { max, key, value } => {
                self.byte(5);
                self.count(*max as usize);
                self.ty(key, Bounds::NONE);
                self.ty(value, range);
            }
            Type::Struct(body) => {
                self.byte(6);
                self.prose(body.name);
                self.fields(body);
            }
            Type::Option(inner) => {
                self.byte(7);
                self.ty(inner, bounds);
            }
            Type::Enum(choice) => {
                self.byte(8);
                self.prose(choice.name);
                self.variants(choice.variants);
            }
            Type::Ipv4Addr => self.byte(9),
            Type::Ipv6Addr => self.byte(10),
            Type::IpAddr => self.byte(11),
            Type::Ipv4Net => self.byte(12),
            Type::Ipv6Net => self.byte(13),
            Type::IpNet => self.byte(14),
            Type::Mac => self.byte(15),
            Type::Duration => self.duration_type(bounds),
        }
    }

    const fn int_type(&mut self, kind: IntKind, bounds: Bounds) {
        self.byte(1);
        self.byte(kind as u8);
        self.signed(int_end(bounds.min, kind.min()));
        self.signed(int_end(bounds.max, kind.max()));
    }

    const fn float_type(&mut self, kind: FloatKind, bounds: Bounds) {
        self.byte(2);
        self.byte(kind as u8);
        self.raw(&float_end(bounds.min, -kind.max()).to_le_bytes());
        self.raw(&float_end(bounds.max, kind.max()).to_le_bytes());
    }

    const fn duration_type(&mut self, bounds: Bounds) {
        self.byte(16);
        self.varint(millis_end(bounds.min, 0) as u128);
        self.varint(millis_end(bounds.max, MAX_DURATION_MS) as u128);
    }

    const fn variants(&mut self, variants: &[Variant]) {
        self.count(variants.len());
        let mut i = 0;
        while i < variants.len() {
            self.text(variants[i].name);
            self.prose(variants[i].doc);
            match variants[i].payload {
                None => self.byte(0),
                Some(ty) => {
                    self.byte(1);
                    self.ty(ty, Bounds::NONE);
                }
            }
            i += 1;
        }
    }

    const fn literal_or_none(&mut self, literal: &Option<Literal>) {
        match literal {
            None => self.byte(0),
            Some(literal) => {
                self.byte(1);
                self.literal(literal);
            }
        }
    }

    const fn literal(&mut self, literal: &Literal) {
        match literal {
            Literal::Bool(value) => {
                self.byte(0);
                self.byte(*value as u8);
            }
            Literal::Int(value) => {
                self.byte(1);
                self.signed(*value);
            }
            Literal::Float(value) => {
                self.byte(2);
                self.raw(&value.to_le_bytes());
            }
            Literal::Text(value) => {
                self.byte(3);
                self.text(value);
            }
            Literal::List(items) => {
                self.byte(4);
                self.count(items.len());
                let mut i = 0;
                while i < items.len() {
                    self.literal(&items[i]);
                    i += 1;
                }
            }
        }
    }

    const fn prose(&mut self, text: &str) {
        match self.prose {
            Prose::Kept => self.text(text),
            Prose::Dropped => self.text(""),
        }
    }

    const fn maybe(&mut self, text: Option<&str>) {
        match text {
            None => self.byte(0),
            Some(text) => {
                self.byte(1);
                self.text(text);
            }
        }
    }

    const fn texts(&mut self, texts: &[&str]) {
        self.count(texts.len());
        let mut i = 0;
        while i < texts.len() {
            self.text(texts[i]);
            i += 1;
        }
    }

    const fn text(&mut self, text: &str) {
        self.count(text.len());
        self.raw(text.as_bytes());
    }

    /// Zigzag: small magnitudes stay short.
    const fn signed(&mut self, value: i128) {
        self.varint(((value << 1) ^ (value >> 127)) as u128);
    }

    const fn count(&mut self, count: usize) {
        self.varint(count as u128);
    }

    const fn varint(&mut self, mut value: u128) {
        while value > 0x7f {
            self.byte(value as u8 | 0x80);
            value >>= 7;
        }
        self.byte(value as u8);
    }

    const fn raw(&mut self, bytes: &[u8]) {
        let mut i = 0;
        while i < bytes.len() {
            self.byte(bytes[i]);
            i += 1;
        }
    }

    const fn byte(&mut self, byte: u8) {
        if self.len < N {
            self.bytes[self.len] = byte;
        }
        self.len += 1;
    }
}

/// The end of a range, or what the type itself allows.
pub(super) const fn int_end(end: Option<Number>, otherwise: i128) -> i128 {
    match end {
        None => otherwise,
        Some(Number::Int(value)) => value,
        Some(_) => panic!("the range of an integer must be given in integers"),
    }
}

/// The end of a range, or what the type itself allows.
pub(super) const fn float_end(end: Option<Number>, otherwise: f64) -> f64 {
    match end {
        None => otherwise,
        Some(Number::Float(value)) => value,
        Some(_) => panic!("the range of a floating-point number must be given with a decimal point"),
    }
}

/// The end of a range, or what the type itself allows.
pub(super) const fn millis_end(end: Option<Number>, otherwise: u64) -> u64 {
    match end {
        None => otherwise,
        Some(Number::Millis(value)) => value,
        Some(_) => panic!("the range of a duration must be given as text, like \"90s\""),
    }
}
