//! A schema for people: a reference page in Markdown, which reads as plain text too.

use std::fmt::{self, Display, Write};

use steadfast_core::config::{Duration, MAX_DURATION_MS};

use super::{Field, Literal, Restart, Risk, Schema, Section, Type, Variant};

impl Schema {
    /// The reference page of this schema in Markdown.
    pub fn page(&self) -> String {
        let mut page = format!("# {}\n\nSchema `{}`\n", self.name, self.id);
        self.sections.iter().for_each(|section| add_section(&mut page, section));
        page
    }
}

fn add_section(page: &mut String, section: &Section) {
    let mut facts = vec![
        format!("risk {}", risk(section.risk)),
        format!("a change restarts {}", restarted(section.restart)),
        format!("at most {} bytes", section.max_bytes()),
    ];
    if section.secret {
        facts.push("secret".into());
    }
    if !section.checks.is_empty() {
        facts.push(format!("checks {}", section.checks.join(", ")));
    }
    facts.extend(section.was.iter().map(|was| format!("formerly `{was}`")));
    let doc = if section.doc.is_empty() { String::new() } else { format!("{}\n\n", section.doc) };
    // Writing to a string cannot fail.
    let _ = write!(page, "\n## {}\n\n{doc}{}.\n\n", section.name, capitalised(&facts.join("; ")));
    page.push_str("| field | type | default | |\n|---|---|---|---|\n");
    add_fields(page, "", &section.fields);
}

fn add_fields(page: &mut String, outer: &str, fields: &[Field]) {
    for field in fields {
        let path = format!("{outer}{}", field.name);
        let default =
            field.default.as_ref().map(|literal| format!("`{literal}`")).unwrap_or_else(|| without_default(&field.ty));
        let unit = field.unit.as_ref().map(|unit| format!(" {unit}")).unwrap_or_default();
        let formerly = field.was.as_ref().map(|was| format!(" (formerly `{was}`)")).unwrap_or_default();
        let doc = cell(&field.doc);
        let _ = writeln!(page, "| `{path}` | {}{unit} | {default} | {doc}{formerly} |", Described(&field.ty));
        add_inside(page, &path, &field.ty);
    }
}

/// Rows for what a field holds: `peers[].name`, `mode.custom.share`.
fn add_inside(page: &mut String, path: &str, ty: &Type) {
    match ty {
        Type::Option(inner) => add_inside(page, path, inner),
        Type::List { item, .. } => add_inside(page, &format!("{path}[]"), item),
        Type::Map { value, .. } => add_inside(page, &format!("{path}.*"), value),
        Type::Struct { fields, .. } => add_fields(page, &format!("{path}."), fields),
        Type::Enum { variants, .. } => variants.iter().for_each(|variant| add_variant(page, path, variant)),
        _ => {}
    }
}

fn add_variant(page: &mut String, path: &str, variant: &Variant) {
    let Some(payload) = &variant.payload else {
        if !variant.doc.is_empty() {
            let _ = writeln!(page, "| `{path} = \"{}\"` | | | {} |", variant.name, cell(&variant.doc));
        }
        return;
    };
    let path = format!("{path}.{}", variant.name);
    let doc = cell(&variant.doc);
    let _ = writeln!(page, "| `{path}` | {} | | {doc} |", Described(payload));
    add_inside(page, &path, payload);
}

fn risk(risk: Risk) -> &'static str {
    match risk {
        Risk::Low => "low",
        Risk::Connectivity => "connectivity",
        Risk::Safety => "safety",
    }
}

fn restarted(scope: Restart) -> &'static str {
    match scope {
        Restart::Nothing => "nothing",
        Restart::Task => "its task",
        Restart::Device => "the device",
    }
}

fn cell(text: &str) -> String {
    text.replace('\n', " ").replace('|', "\\|")
}

fn without_default(ty: &Type) -> String {
    match ty {
        Type::Option(_) => "absent".into(),
        Type::Struct { .. } => String::new(),
        _ => "**must be set**".into(),
    }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars).collect()
}

/// A type in a few words.
struct Described<'a>(&'a Type);

impl Display for Described<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Type::Bool => f.write_str("true or false"),
            Type::Int { min, max, .. } => write!(f, "whole number, {min} to {max}"),
            Type::Float { kind, min, max } if *max == kind.max() && *min == -kind.max() => f.write_str("number"),
            Type::Float { kind, min, max } if *max == kind.max() => write!(f, "number, {min} or more"),
            Type::Float { kind, min, max } if *min == -kind.max() => write!(f, "number, {max} or less"),
            Type::Float { min, max, .. } => write!(f, "number, {min} to {max}"),
            Type::Text { max_bytes } => write!(f, "text, at most {max_bytes} bytes"),
            Type::List { max, item, .. } => write!(f, "list of at most {max}: {}", Self(item)),
            Type::Map { max, key, value } => write!(f, "map of at most {max}: {} to {}", Self(key), Self(value)),
            Type::Struct { .. } => f.write_str("table"),
            Type::Option(inner) => write!(f, "optional {}", Self(inner)),
            Type::Enum { variants, .. } => {
                let names: Vec<_> = variants.iter().map(|variant| format!("`{}`", variant.name)).collect();
                write!(f, "one of {}", names.join(", "))
            }
            Type::Ipv4Addr => f.write_str("IPv4 address"),
            Type::Ipv6Addr => f.write_str("IPv6 address"),
            Type::IpAddr => f.write_str("IP address"),
            Type::Ipv4Net => f.write_str("IPv4 address and prefix length"),
            Type::Ipv6Net => f.write_str("IPv6 address and prefix length"),
            Type::IpNet => f.write_str("IP address and prefix length"),
            Type::Mac => f.write_str("MAC address"),
            Type::Duration { min_ms, max_ms } => {
                let text = |ms: &u64| Duration::from_millis(*ms).unwrap_or_default();
                match (*min_ms, *max_ms) {
                    (0, MAX_DURATION_MS) => f.write_str("duration"),
                    (_, MAX_DURATION_MS) => write!(f, "duration, {} or more", text(min_ms)),
                    _ => write!(f, "duration, {} to {}", text(min_ms), text(max_ms)),
                }
            }
        }
    }
}

impl Display for Literal {
    /// As in a layer.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Int(value) => value.fmt(f),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Text(value) => write!(f, "{value:?}"),
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(ToString::to_string).collect();
                write!(f, "[{}]", items.join(", "))
            }
        }
    }
}
