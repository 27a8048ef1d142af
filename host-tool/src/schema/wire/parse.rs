//! Reads a description. Whatever the encoder would have written otherwise is refused, with its offset.

use steadfast_core::schema::{
    FloatKind, IntKind, MAX_DEPTH, MAX_DESCRIPTION_BYTES, MAX_FIELDS, MAX_LITERAL_ITEMS, MAX_REMOVED, MAX_SECTIONS,
    MAX_VARIANTS, Restart, Risk, VERSION,
};

use super::{literal_tag, tag};
use crate::schema::{Draft, Field, Literal, SchemaError, Section, Type, Variant};

/// Numbers of a description fit 65 bits and their sign; this many groups of seven bits are enough.
const VARINT_BYTES_MAX: u32 = 10;

type Parsed<T> = Result<T, SchemaError>;

/// Reads all of `bytes`.
pub(in crate::schema) fn decode(bytes: &[u8]) -> Parsed<Draft> {
    if bytes.len() > MAX_DESCRIPTION_BYTES {
        return Err(SchemaError::TooLarge { bytes: bytes.len() });
    }
    let mut input = In { bytes, at: 0 };
    match input.byte()? {
        VERSION => {}
        found => return Err(SchemaError::Version { found }),
    }
    let name = input.text()?;
    let sections = input.list(MAX_SECTIONS, In::section)?;
    let removed = input.list(MAX_REMOVED, In::text)?;
    if input.at == bytes.len() {
        Ok(Draft { name, sections, removed })
    } else {
        Err(input.wrong("bytes behind the end"))
    }
}

struct In<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl In<'_> {
    fn section(&mut self) -> Parsed<Section> {
        Ok(Section {
            name: self.text()?,
            doc: self.text()?,
            restart: self.one_of([Restart::Nothing, Restart::Task, Restart::Device])?,
            risk: self.one_of([Risk::Low, Risk::Connectivity, Risk::Safety])?,
            secret: self.flag()?,
            checks: self.list(MAX_FIELDS, Self::text)?,
            was: self.maybe(Self::text)?,
            fields: self.list(MAX_FIELDS, |input| input.field(1))?,
            removed: self.list(MAX_REMOVED, Self::text)?,
        })
    }

    fn field(&mut self, depth: usize) -> Parsed<Field> {
        Ok(Field {
            name: self.text()?,
            doc: self.text()?,
            ty: self.ty(depth)?,
            unit: self.maybe(Self::text)?,
            default: self.maybe(|input| input.literal(0))?,
            was: self.maybe(Self::text)?,
            absent_means: self.maybe(|input| input.literal(0))?,
        })
    }

    fn ty(&mut self, depth: usize) -> Parsed<Type> {
        if depth > MAX_DEPTH {
            return Err(self.wrong("types nested too deeply"));
        }
        let boxed = |input: &mut Self| input.ty(depth + 1).map(Box::new);
        Ok(match self.byte()? {
            tag::BOOL => Type::Bool,
            tag::INT => Type::Int { kind: self.one_of(IntKind::ALL)?, min: self.signed()?, max: self.signed()? },
            tag::FLOAT => Type::Float { kind: self.one_of(FloatKind::ALL)?, min: self.float()?, max: self.float()? },
            tag::TEXT => Type::Text { max_bytes: self.bound()? },
            tag::LIST => Type::List { max: self.bound()?, item: boxed(self)?, key: self.maybe(Self::text)? },
            tag::MAP => Type::Map { max: self.bound()?, key: boxed(self)?, value: boxed(self)? },
            tag::STRUCT => Type::Struct {
                name: self.text()?,
                fields: self.list(MAX_FIELDS, |input| input.field(depth + 1))?,
                removed: self.list(MAX_REMOVED, Self::text)?,
            },
            tag::OPTION => Type::Option(boxed(self)?),
            tag::ENUM => {
                Type::Enum { name: self.text()?, variants: self.list(MAX_VARIANTS, |input| input.variant(depth + 1))? }
            }
            tag::IPV4_ADDR => Type::Ipv4Addr,
            tag::IPV6_ADDR => Type::Ipv6Addr,
            tag::IP_ADDR => Type::IpAddr,
            tag::IPV4_NET => Type::Ipv4Net,
            tag::IPV6_NET => Type::Ipv6Net,
            tag::IP_NET => Type::IpNet,
            tag::MAC => Type::Mac,
            tag::DURATION => Type::Duration { min_ms: self.millis()?, max_ms: self.millis()? },
            _ => return Err(self.wrong("an unknown type")),
        })
    }

    fn variant(&mut self, depth: usize) -> Parsed<Variant> {
        Ok(Variant { name: self.text()?, doc: self.text()?, payload: self.maybe(|input| input.ty(depth))? })
    }

    fn literal(&mut self, depth: usize) -> Parsed<Literal> {
        Ok(match self.byte()? {
            literal_tag::BOOL => Literal::Bool(self.flag()?),
            literal_tag::INT => Literal::Int(self.signed()?),
            literal_tag::FLOAT => Literal::Float(self.float()?),
            literal_tag::TEXT => Literal::Text(self.text()?),
            literal_tag::LIST if depth < MAX_DEPTH => {
                Literal::List(self.list(MAX_LITERAL_ITEMS, |input| input.literal(depth + 1))?)
            }
            _ => return Err(self.wrong("an unknown value")),
        })
    }

    fn one_of<T: Copy, const N: usize>(&mut self, all: [T; N]) -> Parsed<T> {
        let number = usize::from(self.byte()?);
        all.get(number).copied().ok_or_else(|| self.wrong("an unknown kind"))
    }

    fn list<T>(&mut self, max: usize, item: impl Fn(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let count = self.varint()?;
        if count > max as u128 {
            return Err(self.wrong("too many items"));
        }
        (0..count).map(|_| item(self)).collect()
    }

    fn maybe<T>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<Option<T>> {
        if self.flag()? { read(self).map(Some) } else { Ok(None) }
    }

    fn text(&mut self) -> Parsed<String> {
        let len = self.bound()? as usize;
        let bytes = self.take(len)?.to_vec();
        String::from_utf8(bytes).map_err(|_| self.wrong("text that is not UTF-8"))
    }

    fn float(&mut self) -> Parsed<f64> {
        let bytes = self.take(8)?.try_into().expect("eight bytes were taken");
        let value = f64::from_le_bytes(bytes);
        if value.is_finite() { Ok(value) } else { Err(self.wrong("a number that is not finite")) }
    }

    fn millis(&mut self) -> Parsed<u64> {
        u64::try_from(self.varint()?).map_err(|_| self.wrong("a number too large"))
    }

    fn bound(&mut self) -> Parsed<u32> {
        u32::try_from(self.varint()?).map_err(|_| self.wrong("a number too large"))
    }

    fn signed(&mut self) -> Parsed<i128> {
        let value = self.varint()?;
        let magnitude = (value >> 1).cast_signed();
        Ok(if value & 1 == 0 { magnitude } else { !magnitude })
    }

    fn varint(&mut self) -> Parsed<u128> {
        let mut value = 0_u128;
        for group in 0..VARINT_BYTES_MAX {
            let byte = self.byte()?;
            if byte == 0 && group > 0 {
                return Err(self.wrong("a number longer than it needs to be"));
            }
            value |= u128::from(byte & 0x7f) << (7 * group);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.wrong("a number too large"))
    }

    fn flag(&mut self) -> Parsed<bool> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.wrong("neither yes nor no")),
        }
    }

    fn byte(&mut self) -> Parsed<u8> {
        Ok(self.take(1)?[0])
    }

    fn take(&mut self, len: usize) -> Parsed<&[u8]> {
        let end = self.at.checked_add(len).filter(|end| *end <= self.bytes.len());
        let Some(end) = end else {
            return Err(SchemaError::Malformed { at: self.bytes.len(), what: "it ends too early" });
        };
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn wrong(&self, what: &'static str) -> SchemaError {
        SchemaError::Malformed { at: self.at.saturating_sub(1), what }
    }
}
