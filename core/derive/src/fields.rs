//! Named fields, of structs and of variants alike.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, Field, FieldsNamed, Ident, LitStr, Result};

use crate::attributes::{Default, FieldAttributes, doc};
use crate::kind::Kind;
use crate::literal::Literal;
use crate::names::{MAX_FIELDS, Taken, field_name};
use crate::range::Ends;

/// What the derive writes for the fields of one struct or variant.
pub(crate) struct Expanded {
    /// Statements that read every field into a variable of its name.
    pub(crate) reads: TokenStream,
    /// The names, for a struct expression.
    pub(crate) idents: Vec<Ident>,
    /// A `steadfast_core::schema::Field` each.
    pub(crate) described: Vec<TokenStream>,
    /// Items that hold each field against the rules, so that the error stands at the field.
    pub(crate) checks: TokenStream,
    /// `name: value` each, when every field has one.
    pub(crate) defaults: Option<Vec<TokenStream>>,
}

/// Expands all fields; reports every wrong one.
pub(crate) fn expand(fields: &FieldsNamed, removed: &[LitStr]) -> Result<Expanded> {
    if let Some(beyond) = fields.named.iter().nth(MAX_FIELDS) {
        return Err(Error::new_spanned(beyond, format!("at most {MAX_FIELDS} fields: group some in a nested struct")));
    }
    let fields = all(fields.named.iter().map(One::of))?;
    check_names(&fields, removed)?;
    Ok(Expanded {
        reads: fields.iter().map(One::read).collect(),
        idents: fields.iter().map(|field| field.ident.clone()).collect(),
        described: fields.iter().map(|field| field.described.clone()).collect(),
        checks: fields.iter().map(One::check).collect(),
        defaults: fields.iter().map(One::compiled_in).collect(),
    })
}

/// All results, or all errors together.
pub(crate) fn all<T>(results: impl Iterator<Item = Result<T>>) -> Result<Vec<T>> {
    let mut values = Vec::new();
    let mut errors: Option<Error> = None;
    for result in results {
        match (result, &mut errors) {
            (Ok(value), _) => values.push(value),
            (Err(error), Some(errors)) => errors.combine(error),
            (Err(error), None) => errors = Some(error),
        }
    }
    errors.map_or(Ok(values), Err)
}

fn check_names(fields: &[One<'_>], removed: &[LitStr]) -> Result<()> {
    let current: Vec<_> = fields.iter().map(|field| (field.name.clone(), field.ident.span())).collect();
    let was: Vec<_> = fields.iter().filter_map(|field| field.attributes.was.as_ref()).collect();
    Taken::check(&current, &was, removed)
}

struct One<'a> {
    field: &'a Field,
    ident: Ident,
    name: String,
    attributes: FieldAttributes,
    ends: Ends,
    /// The value when nothing sets one, as an expression.
    value: Option<TokenStream>,
    described: TokenStream,
}

impl<'a> One<'a> {
    fn of(field: &'a Field) -> Result<Self> {
        let ident = field.ident.clone().ok_or_else(|| Error::new_spanned(field, "a field needs a name"))?;
        let name = field_name(&ident)?;
        let attributes = FieldAttributes::parse(&field.attrs)?;
        let kind = Kind::of(&field.ty)?;
        check_key(&attributes, &kind)?;
        let ends = attributes.range.as_ref().map(|range| Ends::of(range, &kind)).transpose()?.unwrap_or_default();
        let default = match &attributes.default {
            Some(Default::Is(expr)) => Some(Literal::of(expr, &kind, &ends)?),
            _ => None,
        };
        let absent = attributes.absent_means.as_ref().map(|expr| Literal::of(expr, &kind, &ends)).transpose()?;
        let value = value(field, &attributes, &kind, default.as_ref())?;
        let described = described(field, &attributes, &ends, [default.as_ref(), absent.as_ref()])?;
        Ok(Self { field, ident, name, attributes, ends, value, described })
    }

    fn read(&self) -> TokenStream {
        let (ident, ty) = (&self.ident, &self.field.ty);
        let checks = self.ends.checks(ident);
        quote_spanned!(ty.span()=> let #ident = <#ty as ::steadfast_core::config::Value>::read(__reader)?; #checks)
    }

    fn check(&self) -> TokenStream {
        let described = &self.described;
        quote_spanned!(self.field.span()=> const _: () = ::steadfast_core::schema::check_field(&#described);)
    }

    fn compiled_in(&self) -> Option<TokenStream> {
        let ident = &self.ident;
        self.value.as_ref().map(|value| quote!(#ident: #value))
    }
}

fn check_key(attributes: &FieldAttributes, kind: &Kind) -> Result<()> {
    let list = match kind {
        Kind::Option(inner) => inner,
        other => other,
    };
    match (&attributes.key, list) {
        (Some(key), Kind::List(item)) if **item != Kind::Other => {
            Err(Error::new_spanned(key, "a key needs a list of structs"))
        }
        (None, _) | (Some(_), Kind::List(_) | Kind::Other) => Ok(()),
        (Some(key), _) => Err(Error::new_spanned(key, "a key needs a list of structs")),
    }
}

fn value(
    field: &Field,
    attributes: &FieldAttributes,
    kind: &Kind,
    default: Option<&Literal>,
) -> Result<Option<TokenStream>> {
    let ty = &field.ty;
    match (&attributes.default, default, kind) {
        (Some(Default::OfType), _, Kind::Other) => {
            Ok(Some(quote_spanned!(ty.span()=> <#ty as ::steadfast_core::config::Defaults>::defaults())))
        }
        (Some(Default::OfType), _, _) => {
            Err(Error::new_spanned(ty, "`default` alone is for nested structs: write `default = value`"))
        }
        (_, Some(literal), _) => Ok(Some(literal.value.clone())),
        (None, None, Kind::Option(_)) => Ok(Some(quote!(::core::option::Option::None))),
        _ => Ok(None),
    }
}

fn described(
    field: &Field,
    attributes: &FieldAttributes,
    ends: &Ends,
    [default, absent_means]: [Option<&Literal>; 2],
) -> Result<TokenStream> {
    let ty = &field.ty;
    let name = field_name(field.ident.as_ref().ok_or_else(|| Error::new_spanned(field, "a field needs a name"))?)?;
    let doc = doc(&field.attrs)?;
    let range = ends.described();
    let [key, unit, was] = [&attributes.key, &attributes.unit, &attributes.was].map(|text| maybe(text.as_ref()));
    let [default, absent_means] =
        [default, absent_means].map(|literal| maybe(literal.map(|literal| &literal.described)));
    Ok(quote! {
        ::steadfast_core::schema::Field {
            name: #name,
            doc: #doc,
            ty: <#ty as ::steadfast_core::config::Value>::TYPE,
            bounds: ::steadfast_core::schema::Bounds { #range, key: #key },
            unit: #unit,
            default: #default,
            was: #was,
            absent_means: #absent_means,
        }
    })
}

/// `Some(tokens)` or `None`, as tokens.
pub(crate) fn maybe(tokens: Option<impl quote::ToTokens>) -> TokenStream {
    match tokens {
        None => quote!(::core::option::Option::None),
        Some(tokens) => quote!(::core::option::Option::Some(#tokens)),
    }
}
