//! Reads `#[config(...)]` and documentation, and refuses what serde would do to the layout.

use syn::meta::ParseNestedMeta;
use syn::punctuated::Punctuated;
use syn::{Attribute, Error, Expr, ExprLit, Ident, Lit, LitStr, Meta, Result, Token, parenthesized};

use crate::names::{MAX_DOC_BYTES, MAX_UNIT_BYTES, check_list, check_name};

/// Attributes of serde that change neither names nor bytes.
const HARMLESS_SERDE: [&str; 3] = ["crate", "bound", "deny_unknown_fields"];

/// What stands on a struct.
#[derive(Default)]
pub(crate) struct Container {
    pub(crate) root: bool,
    pub(crate) removed: Vec<LitStr>,
}

/// What stands on a field of a section, a nested struct or a variant.
#[derive(Default)]
pub(crate) struct FieldAttributes {
    pub(crate) unit: Option<LitStr>,
    pub(crate) range: Option<Expr>,
    pub(crate) default: Option<Default>,
    pub(crate) was: Option<LitStr>,
    pub(crate) absent_means: Option<Expr>,
    pub(crate) key: Option<LitStr>,
}

/// How a field says what it is when nothing sets it.
pub(crate) enum Default {
    /// `default`: what its type says.
    OfType,
    /// `default = ...`.
    Is(Expr),
}

/// What stands on a field of the root.
#[derive(Default)]
pub(crate) struct SectionAttributes {
    pub(crate) restart: Option<Ident>,
    pub(crate) risk: Option<Ident>,
    pub(crate) secret: bool,
    pub(crate) checks: Vec<LitStr>,
    pub(crate) was: Option<LitStr>,
}

impl Container {
    pub(crate) fn parse(attributes: &[Attribute]) -> Result<Self> {
        let mut container = Self::default();
        each_config(attributes, |name, meta| {
            match name {
                "root" => container.root = true,
                "removed" => container.removed = texts(&meta)?,
                _ => return Err(meta.error("a struct takes `root` and `removed(\"name\", ...)`")),
            }
            Ok(())
        })?;
        container.removed.iter().try_for_each(|name| check_name(&name.value(), name.span()))?;
        check_list(&container.removed, "removed")?;
        Ok(container)
    }
}

impl FieldAttributes {
    pub(crate) fn parse(attributes: &[Attribute]) -> Result<Self> {
        refuse_serde(attributes)?;
        let mut field = Self::default();
        each_config(attributes, |name, meta| {
            match name {
                "unit" => field.unit = Some(meta.value()?.parse()?),
                "range" => field.range = Some(meta.value()?.parse()?),
                "default" if meta.input.peek(Token![=]) => field.default = Some(Default::Is(meta.value()?.parse()?)),
                "default" => field.default = Some(Default::OfType),
                "was" => field.was = Some(old_name(&meta)?),
                "absent_means" => field.absent_means = Some(meta.value()?.parse()?),
                "key" => field.key = Some(meta.value()?.parse()?),
                _ => {
                    return Err(meta.error("a field takes `unit`, `range`, `default`, `was`, `absent_means` and `key`"));
                }
            }
            Ok(())
        })?;
        if let Some(unit) =
            field.unit.as_ref().filter(|unit| unit.value().is_empty() || unit.value().len() > MAX_UNIT_BYTES)
        {
            return Err(Error::new_spanned(unit, format!("a unit has 1 to {MAX_UNIT_BYTES} bytes")));
        }
        Ok(field)
    }
}

impl SectionAttributes {
    pub(crate) fn parse(attributes: &[Attribute]) -> Result<Self> {
        refuse_serde(attributes)?;
        let mut section = Self::default();
        each_config(attributes, |name, meta| {
            match name {
                "restart" => section.restart = Some(word(&meta, &["nothing", "task", "device"])?),
                "risk" => section.risk = Some(word(&meta, &["low", "connectivity", "safety"])?),
                "secret" => section.secret = true,
                "checks" => section.checks = texts(&meta)?,
                "was" => section.was = Some(old_name(&meta)?),
                _ => {
                    return Err(
                        meta.error("a section takes `restart`, `risk`, `checks(\"name\", ...)`, `secret` and `was`")
                    );
                }
            }
            Ok(())
        })?;
        section.checks.iter().try_for_each(|name| check_name(&name.value(), name.span()))?;
        check_list(&section.checks, "checks")?;
        Ok(section)
    }
}

/// The documentation comment, one line for each line of it.
pub(crate) fn doc(attributes: &[Attribute]) -> Result<String> {
    let mut lines = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("doc")) {
        if let Meta::NameValue(pair) = &attribute.meta
            && let Expr::Lit(ExprLit { lit: Lit::Str(line), .. }) = &pair.value
        {
            lines.extend(line.value().lines().map(|line| line.trim().to_owned()));
        }
    }
    let text = lines.join("\n").trim().to_owned();
    match attributes.first() {
        Some(first) if text.len() > MAX_DOC_BYTES => Err(Error::new_spanned(
            first,
            format!("this documentation has {} bytes: at most {MAX_DOC_BYTES} fit", text.len()),
        )),
        _ => Ok(text),
    }
}

/// Refuses every attribute of serde that is not known to leave names and bytes alone.
pub(crate) fn refuse_serde(attributes: &[Attribute]) -> Result<()> {
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        let metas = attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)?;
        for meta in &metas {
            if !HARMLESS_SERDE.iter().any(|name| meta.path().is_ident(name)) {
                return Err(Error::new_spanned(
                    meta,
                    "this serde attribute would make bytes and schema disagree: remove it",
                ));
            }
        }
    }
    Ok(())
}

/// Refuses `#[config(...)]` where nothing can be said.
pub(crate) fn refuse_config(attributes: &[Attribute], what: &str) -> Result<()> {
    match attributes.iter().find(|attribute| attribute.path().is_ident("config")) {
        Some(attribute) => Err(Error::new_spanned(attribute, format!("{what} takes no `config` attribute"))),
        None => Ok(()),
    }
}

fn each_config(attributes: &[Attribute], mut take: impl FnMut(&str, ParseNestedMeta<'_>) -> Result<()>) -> Result<()> {
    let mut seen: Vec<String> = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("config")) {
        attribute.parse_nested_meta(|meta| {
            let name = meta.path.get_ident().map(Ident::to_string).unwrap_or_default();
            if seen.contains(&name) {
                return Err(meta.error(format!("`{name}` is given twice")));
            }
            take(&name, meta)?;
            seen.push(name);
            Ok(())
        })?;
    }
    Ok(())
}

fn old_name(meta: &ParseNestedMeta<'_>) -> Result<LitStr> {
    let name: LitStr = meta.value()?.parse()?;
    check_name(&name.value(), name.span())?;
    Ok(name)
}

fn texts(meta: &ParseNestedMeta<'_>) -> Result<Vec<LitStr>> {
    let content;
    parenthesized!(content in meta.input);
    Ok(Punctuated::<LitStr, Token![,]>::parse_terminated_with(&content, |input| input.parse())?.into_iter().collect())
}

fn word(meta: &ParseNestedMeta<'_>, words: &[&str]) -> Result<Ident> {
    let ident: Ident = meta.value()?.parse()?;
    if words.iter().any(|word| ident == word) {
        Ok(ident)
    } else {
        Err(Error::new_spanned(&ident, format!("one of {}", words.join(", "))))
    }
}
