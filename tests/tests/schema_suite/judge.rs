//! The judge: `postcard-schema-ng` and `postcard-dyn-ng`, who know postcard and nothing of this project.
//!
//! They ignore bounds, and know maps only by text; what they cannot say is left out of what they are asked.

use postcard_schema_ng::schema::owned::{OwnedData, OwnedDataModelType as Dmt, OwnedNamedField, OwnedVariant};
use steadfast::schema::{Field, FloatKind, IntKind, Type, Variant};

/// A type of a schema in the judge's words.
pub(crate) fn dmt(ty: &Type) -> Dmt {
    match ty {
        Type::Bool => Dmt::Bool,
        Type::Int { kind, .. } => int(*kind),
        Type::Float { kind: FloatKind::F32, .. } => Dmt::F32,
        Type::Float { kind: FloatKind::F64, .. } => Dmt::F64,
        Type::Text { max_bytes } => Dmt::String { max_len: Some(*max_bytes as usize) },
        Type::List { max, item, .. } => Dmt::Seq { element: dmt(item).into(), max_len: Some(*max as usize) },
        Type::Map { max, key, value } => {
            Dmt::Map { key: dmt(key).into(), val: dmt(value).into(), max_len: Some(*max as usize) }
        }
        Type::Struct { name, fields, .. } => {
            Dmt::Struct { name: name.as_str().into(), data: OwnedData::Struct(named(fields)) }
        }
        Type::Option(inner) => Dmt::Option(dmt(inner).into()),
        Type::Enum { name, variants } => {
            Dmt::Enum { name: name.as_str().into(), variants: variants.iter().map(variant).collect() }
        }
        Type::Ipv4Addr => address("Ipv4Addr", 4),
        Type::Ipv6Addr => address("Ipv6Addr", 16),
        Type::IpAddr => either("IpAddr", [address("Ipv4Addr", 4), address("Ipv6Addr", 16)]),
        Type::Ipv4Net => net(4),
        Type::Ipv6Net => net(16),
        Type::IpNet => either("IpNet", [net(4), net(16)]),
        Type::Mac => octets(6),
        Type::Duration { .. } => Dmt::U64,
    }
}

/// The fields of a section or a struct.
pub(crate) fn named(fields: &[Field]) -> Box<[OwnedNamedField]> {
    fields.iter().map(|field| OwnedNamedField { name: field.name.as_str().into(), ty: dmt(&field.ty) }).collect()
}

fn int(kind: IntKind) -> Dmt {
    match kind {
        IntKind::U8 => Dmt::U8,
        IntKind::U16 => Dmt::U16,
        IntKind::U32 => Dmt::U32,
        IntKind::U64 => Dmt::U64,
        IntKind::I8 => Dmt::I8,
        IntKind::I16 => Dmt::I16,
        IntKind::I32 => Dmt::I32,
        IntKind::I64 => Dmt::I64,
    }
}

fn variant(variant: &Variant) -> OwnedVariant {
    let data = match &variant.payload {
        None => OwnedData::Unit,
        // A variant with named fields carries a struct of the variant's own name.
        Some(Type::Struct { name, fields, .. }) if *name == variant.name => OwnedData::Struct(named(fields)),
        Some(ty) => OwnedData::Newtype(dmt(ty).into()),
    };
    OwnedVariant { name: variant.name.as_str().into(), data }
}

fn octets(count: usize) -> Dmt {
    Dmt::Tuple(vec![Dmt::U8; count].into())
}

fn address(name: &str, count: usize) -> Dmt {
    let field = OwnedNamedField { name: "octets".into(), ty: octets(count) };
    Dmt::Struct { name: name.into(), data: OwnedData::Struct([field].into()) }
}

fn net(count: usize) -> Dmt {
    let address = OwnedNamedField { name: "address".into(), ty: octets(count) };
    let bits = OwnedNamedField { name: "prefix_bits".into(), ty: Dmt::U8 };
    Dmt::Struct { name: "Net".into(), data: OwnedData::Struct([address, bits].into()) }
}

fn either(name: &str, [v4, v6]: [Dmt; 2]) -> Dmt {
    let variant = |name: &str, ty: Dmt| OwnedVariant { name: name.into(), data: OwnedData::Newtype(ty.into()) };
    Dmt::Enum { name: name.into(), variants: [variant("V4", v4), variant("V6", v6)].into() }
}
