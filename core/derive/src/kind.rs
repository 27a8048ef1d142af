//! What a field's type is, as far as its tokens tell. Types that no configuration can hold are refused here, by name, with the
//! type to use instead; an unknown name is left to the trait `Value`.

use syn::{Error, GenericArgument, PathArguments, Result, Type, TypePath};

/// The family of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    /// With its name.
    Int(&'static str),
    /// With its name.
    Float(&'static str),
    Text,
    List(Box<Kind>),
    Map(Box<Kind>),
    Option(Box<Kind>),
    /// `Ipv4Addr` to `IpNet` and `Mac`, with its name.
    Address(&'static str),
    Duration,
    /// A struct, an enum or an alias.
    Other,
}

const INTS: [&str; 8] = ["u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64"];
const FLOATS: [&str; 2] = ["f32", "f64"];
const ADDRESSES: [&str; 7] = ["Ipv4Addr", "Ipv6Addr", "IpAddr", "Ipv4Net", "Ipv6Net", "IpNet", "Mac"];

impl Kind {
    /// The kind of `ty`.
    pub(crate) fn of(ty: &Type) -> Result<Self> {
        match ty {
            Type::Path(path) => of_path(ty, path),
            Type::Group(group) => Self::of(&group.elem),
            Type::Paren(paren) => Self::of(&paren.elem),
            Type::Array(_) => {
                Err(unfit(ty, "an array has no bound of its own in the format: use `heapless::Vec<T, N>`"))
            }
            Type::Tuple(_) => Err(unfit(ty, "the values of a tuple have no names: use a struct")),
            Type::Reference(_) | Type::Ptr(_) => {
                Err(unfit(ty, "a configuration owns its values: use `heapless::String<N>` or `heapless::Vec<T, N>`"))
            }
            _ => Err(unfit(ty, "this type cannot stand in a configuration")),
        }
    }

    /// The number that a range is about, inside options, lists and map values.
    pub(crate) fn innermost(&self) -> &Self {
        match self {
            Self::Option(inner) | Self::List(inner) | Self::Map(inner) => inner.innermost(),
            other => other,
        }
    }
}

fn of_path(ty: &Type, path: &TypePath) -> Result<Kind> {
    let Some(last) = path.path.segments.last() else { return Ok(Kind::Other) };
    let name = last.ident.to_string();
    let arguments = generic_types(&last.arguments);
    let is_named = |list: &[&'static str]| list.iter().find(|known| **known == name).copied();
    if let Some(int) = is_named(&INTS) {
        return Ok(Kind::Int(int));
    }
    if let Some(float) = is_named(&FLOATS) {
        return Ok(Kind::Float(float));
    }
    if let Some(address) = is_named(&ADDRESSES) {
        return Ok(Kind::Address(address));
    }
    if path.path.segments.iter().any(|segment| segment.ident == "time") && name == "Duration" {
        return Err(unfit(ty, "use `steadfast_core::config::Duration`, which has one form on the wire"));
    }
    match (name.as_str(), arguments.as_slice()) {
        ("bool", _) => Ok(Kind::Bool),
        ("Duration", _) => Ok(Kind::Duration),
        ("String", [_]) => Ok(Kind::Text),
        ("Vec", [Some(item), _]) => Ok(Kind::List(Box::new(Kind::of(item)?))),
        ("LinearMap", [_, Some(value), _]) => Ok(Kind::Map(Box::new(Kind::of(value)?))),
        ("Option", [Some(inner)]) => of_option(ty, inner),
        _ => unfit_name(ty, &name),
    }
}

fn of_option(ty: &Type, inner: &Type) -> Result<Kind> {
    match Kind::of(inner)? {
        Kind::Option(_) => {
            Err(unfit(ty, "no file can tell an absent option from an option that holds none: use one `Option`"))
        }
        inner => Ok(Kind::Option(Box::new(inner))),
    }
}

fn unfit_name(ty: &Type, name: &str) -> Result<Kind> {
    Err(unfit(
        ty,
        match name {
            "usize" | "isize" => "this type has another width on another machine: use `u32`, `u64`, `i32` or `i64`",
            "u128" | "i128" => "integers have at most 64 bits: use `u64` or `i64`",
            "char" => "use `heapless::String<4>`",
            "String" => "this text has no bound: use `heapless::String<N>`",
            "Vec" => "this list has no bound: use `heapless::Vec<T, N>`",
            "HashMap" | "BTreeMap" | "IndexMap" | "FnvIndexMap" => {
                "use `heapless::LinearMap<K, V, N>`, which is bounded and keeps its order"
            }
            "Box" | "Rc" | "Arc" | "Cow" => "a device has no allocator: use the type itself",
            _ => return Ok(Kind::Other),
        },
    ))
}

/// The generic arguments; `None` for one that is no type.
fn generic_types(arguments: &PathArguments) -> Vec<Option<&Type>> {
    let PathArguments::AngleBracketed(list) = arguments else { return Vec::new() };
    let mut types = Vec::new();
    for argument in &list.args {
        types.push(if let GenericArgument::Type(ty) = argument { Some(ty) } else { None });
    }
    types
}

fn unfit(ty: &Type, message: &str) -> Error {
    Error::new_spanned(ty, message)
}
