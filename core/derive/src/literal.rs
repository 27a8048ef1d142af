//! Values of `default` and `absent_means`: one form for the description, one for the compiled-in value.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Error, Expr, ExprLit, ExprUnary, Lit, LitStr, Result, UnOp};

use crate::kind::Kind;
use crate::names::{MAX_LITERAL_BYTES, MAX_LITERAL_ITEMS, snake};
use crate::range::Ends;

/// The two forms of a value.
pub(crate) struct Literal {
    /// A `steadfast_core::schema::Literal`.
    pub(crate) described: TokenStream,
    /// An expression of the field's type.
    pub(crate) value: TokenStream,
}

impl Literal {
    /// `expr` as a value of a type of `kind`, held against the ends of the field's range.
    pub(crate) fn of(expr: &Expr, kind: &Kind, ends: &Ends) -> Result<Self> {
        match kind {
            Kind::Bool => plain(expr, "Bool", is_lit(expr, |lit| matches!(lit, Lit::Bool(_))), "`true` or `false`"),
            Kind::Int(name) => {
                ends.check_int(expr, integer(expr, name)?)?;
                plain(expr, "Int", true, "")
            }
            Kind::Float(_) => plain(
                expr,
                "Float",
                is_lit(unsigned(expr), |lit| matches!(lit, Lit::Float(_))),
                "a number with a decimal point, like `1.0`",
            ),
            Kind::Text => {
                let text = text_of(expr, "text in quotes")?;
                Ok(Self { described: described_text(text), value: quote!(::steadfast_core::config::text(#text)) })
            }
            Kind::Duration => {
                let text = text_of(expr, "text, like \"90s\" or \"1h30m\"")?;
                Ok(Self { described: described_text(text), value: duration(text) })
            }
            Kind::Address(name) => {
                let text = text_of(expr, "an address in quotes")?;
                let value = address(name, &text.value());
                let value = value.ok_or_else(|| Error::new_spanned(text, format!("not a valid `{name}`")))?;
                Ok(Self { described: described_text(text), value })
            }
            Kind::Option(inner) => {
                let Self { described, value } = Self::of(expr, inner, ends)?;
                Ok(Self { described, value: quote!(::core::option::Option::Some(#value)) })
            }
            Kind::List(item) => Self::list(expr, item, ends),
            Kind::Map(_) => match expr {
                Expr::Array(array) if array.elems.is_empty() => Ok(Self {
                    described: quote!(::steadfast_core::schema::Literal::List(&[])),
                    value: quote!(::core::default::Default::default()),
                }),
                _ => Err(Error::new_spanned(expr, "a map can only be empty here: `[]`")),
            },
            Kind::Other => Self::variant(expr),
        }
    }

    fn list(expr: &Expr, item: &Kind, ends: &Ends) -> Result<Self> {
        let Expr::Array(array) = expr else { return Err(Error::new_spanned(expr, "a list, like `[1, 2]` or `[]`")) };
        if array.elems.len() > MAX_LITERAL_ITEMS {
            return Err(Error::new_spanned(expr, format!("at most {MAX_LITERAL_ITEMS} items")));
        }
        let items = array.elems.iter().map(|expr| Self::of(expr, item, ends)).collect::<Result<Vec<_>>>()?;
        let (described, values): (Vec<_>, Vec<_>) = items.into_iter().map(|item| (item.described, item.value)).unzip();
        Ok(Self {
            described: quote!(::steadfast_core::schema::Literal::List(&[#(#described),*])),
            value: quote!(::steadfast_core::config::list([#(#values),*])),
        })
    }

    fn variant(expr: &Expr) -> Result<Self> {
        match expr {
            Expr::Path(path) if path.path.segments.len() > 1 => {
                let name = path.path.segments.last().map(|last| snake(&last.ident.to_string())).unwrap_or_default();
                Ok(Self {
                    described: quote!(::steadfast_core::schema::Literal::Text(#name)),
                    value: path.to_token_stream(),
                })
            }
            _ => Err(Error::new_spanned(
                expr,
                "a value of this type must be a variant without data, like `Mode::Fast`; for a nested struct write `default` alone",
            )),
        }
    }
}

/// The compiled-in form of a duration: a constant, so that text which is none does not compile.
pub(crate) fn duration(text: &LitStr) -> TokenStream {
    let call = quote::quote_spanned!(text.span()=> ::steadfast_core::config::Duration::literal(#text));
    quote!(const { #call })
}

/// An integer literal, with its sign, within the named type.
pub(crate) fn integer(expr: &Expr, name: &str) -> Result<i128> {
    let wrong = |why: String| Error::new_spanned(expr, why);
    let Expr::Lit(ExprLit { lit: Lit::Int(digits), .. }) = unsigned(expr) else {
        return Err(wrong("a whole number".into()));
    };
    let magnitude: i128 = digits.base10_parse()?;
    let value = if is_negative(expr) { -magnitude } else { magnitude };
    let (min, max) = limits(name);
    let suffix_fits = digits.suffix().is_empty() || digits.suffix() == name;
    if value < min || value > max || !suffix_fits {
        return Err(wrong(format!("this is no `{name}`, which goes from {min} to {max}")));
    }
    Ok(value)
}

/// The literal behind a minus sign.
pub(crate) fn unsigned(expr: &Expr) -> &Expr {
    match expr {
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => expr,
        Expr::Group(group) => unsigned(&group.expr),
        _ => expr,
    }
}

pub(crate) fn is_lit(expr: &Expr, is: impl Fn(&Lit) -> bool) -> bool {
    matches!(expr, Expr::Lit(ExprLit { lit, .. }) if is(lit))
}

fn is_negative(expr: &Expr) -> bool {
    matches!(expr, Expr::Unary(ExprUnary { op: UnOp::Neg(_), .. }))
}

fn limits(name: &str) -> (i128, i128) {
    let bits: u32 = name[1..].parse().unwrap_or(64);
    if name.starts_with('u') {
        (0, (1_i128 << bits) - 1)
    } else {
        (-(1_i128 << (bits - 1)), (1_i128 << (bits - 1)) - 1)
    }
}

fn plain(expr: &Expr, variant: &str, fits: bool, wanted: &str) -> Result<Literal> {
    if !fits {
        return Err(Error::new_spanned(expr, format!("a value of this type is {wanted}")));
    }
    let variant = syn::Ident::new(variant, proc_macro2::Span::call_site());
    Ok(Literal { described: quote!(::steadfast_core::schema::Literal::#variant(#expr)), value: quote!(#expr) })
}

pub(crate) fn text_of<'a>(expr: &'a Expr, wanted: &str) -> Result<&'a LitStr> {
    match expr {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if text.value().len() <= MAX_LITERAL_BYTES => Ok(text),
        _ => Err(Error::new_spanned(
            expr,
            format!("a value of this type is {wanted}, at most {MAX_LITERAL_BYTES} bytes"),
        )),
    }
}

fn described_text(text: &LitStr) -> TokenStream {
    quote!(::steadfast_core::schema::Literal::Text(#text))
}

fn address(name: &str, text: &str) -> Option<TokenStream> {
    match name {
        "Ipv4Addr" => text.parse().ok().map(v4),
        "Ipv6Addr" => text.parse().ok().map(v6),
        "IpAddr" => Some(match text.parse().ok()? {
            IpAddr::V4(address) => tagged(quote!(::core::net::IpAddr::V4), v4(address)),
            IpAddr::V6(address) => tagged(quote!(::core::net::IpAddr::V6), v6(address)),
        }),
        "Ipv4Net" => net(text).filter(|(address, _)| address.is_ipv4()).map(net_tokens),
        "Ipv6Net" => net(text).filter(|(address, _)| address.is_ipv6()).map(net_tokens),
        "IpNet" => {
            let (address, bits) = net(text)?;
            let tag = if address.is_ipv4() { quote!(V4) } else { quote!(V6) };
            Some(tagged(quote!(::steadfast_core::config::IpNet::#tag), net_tokens((address, bits))))
        }
        _ => mac(text),
    }
}

fn v4(address: Ipv4Addr) -> TokenStream {
    let octets = address.octets();
    quote!(::core::net::Ipv4Addr::new(#(#octets),*))
}

fn v6(address: Ipv6Addr) -> TokenStream {
    let segments = address.segments();
    quote!(::core::net::Ipv6Addr::new(#(#segments),*))
}

fn tagged(tag: TokenStream, inner: TokenStream) -> TokenStream {
    quote!(#tag(#inner))
}

fn net(text: &str) -> Option<(IpAddr, u8)> {
    let (address, bits) = text.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let bits: u8 = bits.parse().ok()?;
    (bits <= if address.is_ipv4() { 32 } else { 128 }).then_some((address, bits))
}

fn net_tokens((address, bits): (IpAddr, u8)) -> TokenStream {
    match address {
        IpAddr::V4(address) => {
            let address = v4(address);
            quote!(const { ::steadfast_core::config::Ipv4Net::literal(#address, #bits) })
        }
        IpAddr::V6(address) => {
            let address = v6(address);
            quote!(const { ::steadfast_core::config::Ipv6Net::literal(#address, #bits) })
        }
    }
}

fn mac(text: &str) -> Option<TokenStream> {
    let octet = |pair: &str| if pair.len() == 2 { u8::from_str_radix(pair, 16).ok() } else { None };
    let octets = text.split(':').map(octet).collect::<Option<Vec<u8>>>()?;
    (octets.len() == 6).then(|| quote!(::steadfast_core::config::Mac([#(#octets),*])))
}
