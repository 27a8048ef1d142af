//! Single values against their types: ranges, lengths, texts that mean something.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use steadfast_core::config::{Duration, IpNet, Ipv4Net, Ipv6Net, Mac};

use super::{Node, Typed, Value};
use crate::diagnostics::{Code, Finding};
use crate::schema::{FloatKind, IntKind, Type};

/// Checks a value of a type that has no parts. The finding lacks the field's name and place: the caller knows them.
pub(super) fn scalar(ty: &Type, node: &Node) -> Result<Typed<'static>, Finding> {
    match (ty, &node.value) {
        (Type::Bool, Value::Bool(value)) => Ok(Typed::Bool(*value)),
        (Type::Int { kind, min, max }, Value::Int(number)) if (min..=max).contains(&number) => Ok(int(*kind, *number)),
        (Type::Int { .. }, Value::Int(number)) => Err(out_of_range(ty, &number.to_string())),
        (Type::Int { .. }, Value::Float(number)) => Err(fraction(*number)),
        (Type::Float { kind, .. }, Value::Int(number)) => from_int(*kind, *number).and_then(|n| float(ty, *kind, n)),
        (Type::Float { kind, .. }, Value::Float(number)) => float(ty, *kind, *number),
        (Type::Text { max_bytes }, Value::Text(text)) if text.len() <= *max_bytes as usize => {
            Ok(Typed::Text(text.clone()))
        }
        (Type::Text { max_bytes }, Value::Text(text)) => Err(too_long(text.len(), *max_bytes)),
        (Type::Duration { min_ms, max_ms }, Value::Text(text)) => match Duration::from_text(text) {
            Some(span) if (min_ms..=max_ms).contains(&&span.as_millis()) => Ok(Typed::Duration(span)),
            Some(_) => Err(out_of_range(ty, text)),
            None => Err(bad_value(ty, text)),
        },
        (Type::Duration { .. }, Value::Int(number)) => {
            let help = format!("write it with its unit, as in \"{number}ms\" or \"{number}s\"");
            Err(Finding::new(Code::WrongType, "a duration needs a unit").label("a number alone").help(help))
        }
        (_, Value::Text(text)) if is_address(ty) => address(ty, text).ok_or_else(|| bad_value(ty, text)),
        (ty, value) => Err(wrong_type(ty, value)),
    }
}

fn is_address(ty: &Type) -> bool {
    use Type::{IpAddr, IpNet, Ipv4Addr, Ipv4Net, Ipv6Addr, Ipv6Net, Mac};
    matches!(ty, Ipv4Addr | Ipv6Addr | IpAddr | Ipv4Net | Ipv6Net | IpNet | Mac)
}

fn address(ty: &Type, text: &str) -> Option<Typed<'static>> {
    match ty {
        Type::Ipv4Addr => text.parse::<Ipv4Addr>().ok().map(Typed::V4),
        Type::Ipv6Addr => text.parse::<Ipv6Addr>().ok().map(Typed::V6),
        Type::IpAddr => text.parse::<IpAddr>().ok().map(Typed::Ip),
        Type::Ipv4Net => Ipv4Net::from_text(text).map(Typed::Net4),
        Type::Ipv6Net => Ipv6Net::from_text(text).map(Typed::Net6),
        Type::IpNet => IpNet::from_text(text).map(Typed::Net),
        Type::Mac => Mac::from_text(text).map(Typed::Mac),
        _ => None,
    }
}

/// The number as its kind; the range was checked, and lies within the kind's own.
fn int(kind: IntKind, number: i128) -> Typed<'static> {
    match kind {
        IntKind::U8 => Typed::U8(number as u8),
        IntKind::I8 => Typed::I8(number as i8),
        IntKind::U16 | IntKind::U32 | IntKind::U64 => Typed::Unsigned(number as u64),
        IntKind::I16 | IntKind::I32 | IntKind::I64 => Typed::Signed(number as i64),
    }
}

/// A whole number for a floating-point field: only if every digit is kept.
fn from_int(kind: FloatKind, number: i128) -> Result<f64, Finding> {
    let nearest = match kind {
        FloatKind::F32 => f64::from(number as f32),
        FloatKind::F64 => number as f64,
    };
    if nearest as i128 == number { Ok(nearest) } else { Err(lossy(&number.to_string(), &nearest.to_string())) }
}

fn float(ty: &Type, kind: FloatKind, number: f64) -> Result<Typed<'static>, Finding> {
    let Type::Float { min, max, .. } = ty else { return Err(out_of_range(ty, &number.to_string())) };
    if !number.is_finite() || number < *min || number > *max {
        return Err(out_of_range(ty, &number.to_string()));
    }
    if kind == FloatKind::F64 {
        return Ok(Typed::F64(number));
    }
    let narrow = number as f32;
    // Shortest texts: 0.1 is kept as 0.1, although neither width holds it exactly.
    if narrow.to_string().parse() == Ok(number) {
        return Ok(Typed::F32(narrow));
    }
    Err(lossy(&number.to_string(), &narrow.to_string()))
}

fn lossy(written: &str, nearest: &str) -> Finding {
    Finding::new(Code::LossyNumber, format!("cannot keep {written} exactly"))
        .label("more digits than the field has")
        .help(format!("write {nearest}, the nearest number that it can keep"))
}

fn fraction(number: f64) -> Finding {
    let help = if number.fract() == 0.0 { format!("write {number:.0}") } else { "write a whole number".to_owned() };
    Finding::new(Code::WrongType, "takes a whole number").label("has a fraction").help(help)
}

fn too_long(bytes: usize, max_bytes: u32) -> Finding {
    Finding::new(Code::TooLong, format!("takes at most {max_bytes} bytes of text"))
        .label(format!("{bytes} bytes"))
        .help("shorten it; letters beyond ASCII take two bytes or more")
}

fn out_of_range(ty: &Type, written: &str) -> Finding {
    Finding::new(Code::OutOfRange, format!("takes {}", expects(ty)))
        .label(format!("{written} is outside"))
        .help("the range belongs to the firmware's schema; choose a value inside it")
}

fn bad_value(ty: &Type, written: &str) -> Finding {
    Finding::new(Code::BadValue, format!("takes {}", expects(ty)))
        .label(format!("`{written}` is none"))
        .help(format!("write it like {}", example(ty)))
}

/// A value of another type altogether.
pub(super) fn wrong_type(ty: &Type, value: &Value) -> Finding {
    let finding =
        Finding::new(Code::WrongType, format!("takes {}", expects(ty))).label(format!("this is {}", value.kind()));
    match value {
        Value::Cell(_) => finding.help("a cell holds a single value; set this field in a layer"),
        Value::Text(_) if matches!(ty, Type::Bool | Type::Int { .. } | Type::Float { .. }) => {
            finding.help(format!("write it without quotes, like {}", example(ty)))
        }
        _ => finding.help(format!("write it like {}", example(ty))),
    }
}

/// A type in the words of a message.
pub(super) fn expects(ty: &Type) -> String {
    match ty {
        Type::Bool => "true or false".to_owned(),
        Type::Int { min, max, .. } => format!("a whole number from {min} to {max}"),
        Type::Float { kind, min, max } if *max >= kind.max() && *min <= -kind.max() => "a finite number".to_owned(),
        Type::Float { min, max, .. } => format!("a number from {min} to {max}"),
        Type::Text { max_bytes } => format!("text of at most {max_bytes} bytes"),
        Type::List { max, .. } => format!("a list of at most {max} items"),
        Type::Map { max, .. } => format!("a table of at most {max} entries"),
        Type::Struct { .. } => "a table".to_owned(),
        Type::Option(inner) => expects(inner),
        Type::Enum { variants, .. } => {
            let names: Vec<_> = variants.iter().map(|variant| format!("\"{}\"", variant.name)).collect();
            format!("one of {}", names.join(", "))
        }
        Type::Ipv4Addr => "an IPv4 address".to_owned(),
        Type::Ipv6Addr => "an IPv6 address".to_owned(),
        Type::IpAddr => "an IP address".to_owned(),
        Type::Ipv4Net => "an IPv4 address with its prefix length".to_owned(),
        Type::Ipv6Net => "an IPv6 address with its prefix length".to_owned(),
        Type::IpNet => "an IP address with its prefix length".to_owned(),
        Type::Mac => "a MAC address".to_owned(),
        Type::Duration { min_ms, max_ms } => format!("a duration from {} to {}", span(*min_ms), span(*max_ms)),
    }
}

/// How a value of the type is written.
fn example(ty: &Type) -> String {
    match ty {
        Type::Bool => "true".to_owned(),
        Type::Int { min, .. } => min.to_string(),
        Type::Float { min, max, .. } => format!("{:?}", 0.5f64.clamp(*min, *max)),
        Type::Text { .. } => "\"text\"".to_owned(),
        Type::List { item, .. } => format!("[{}]", example(item)),
        Type::Map { value, .. } => format!("{{ key = {} }}", example(value)),
        Type::Struct { fields, .. } => match fields.first() {
            Some(field) => format!("{{ {} = {} }}", field.name, example(&field.ty)),
            None => "{}".to_owned(),
        },
        Type::Option(inner) => example(inner),
        Type::Enum { variants, .. } => match variants.first().map(|first| (&first.name, &first.payload)) {
            Some((name, None)) => format!("\"{name}\""),
            Some((name, Some(payload))) => format!("{{ {name} = {} }}", example(payload)),
            None => String::new(),
        },
        Type::Ipv4Addr | Type::IpAddr => "\"192.0.2.1\"".to_owned(),
        Type::Ipv6Addr => "\"2001:db8::1\"".to_owned(),
        Type::Ipv4Net | Type::IpNet => "\"192.0.2.1/24\"".to_owned(),
        Type::Ipv6Net => "\"2001:db8::1/64\"".to_owned(),
        Type::Mac => "\"02:00:5e:10:00:01\"".to_owned(),
        Type::Duration { .. } => "\"500ms\", \"10s\" or \"1h30m\"".to_owned(),
    }
}

/// A bound of a duration as people write it.
fn span(millis: u64) -> String {
    Duration::from_millis(millis).map_or_else(|| format!("{millis}ms"), |span| span.to_string())
}
