//! Ranges of numbers and durations.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, Expr, Ident, Lit, RangeLimits, Result};

use crate::kind::Kind;
use crate::literal::{duration, integer, is_lit, text_of, unsigned};

/// Both ends of a range, the upper one included; absent where the range is open.
#[derive(Default)]
pub(crate) struct Ends {
    min: Option<End>,
    max: Option<End>,
}

struct End {
    /// A `steadfast_core::schema::Number`.
    described: TokenStream,
    /// An expression of the number's type.
    value: TokenStream,
    /// When the number is an integer of known type.
    int: Option<i128>,
}

impl Ends {
    /// The range `expr` of a field whose innermost type is `kind`.
    pub(crate) fn of(expr: &Expr, kind: &Kind) -> Result<Self> {
        let Expr::Range(range) = expr else {
            return Err(Error::new_spanned(expr, "a range, like `1..=10`, `1..` or `..=10`"));
        };
        if matches!(range.limits, RangeLimits::HalfOpen(_)) && range.end.is_some() {
            return Err(Error::new_spanned(expr, "write the last value that is allowed: `1..=9`, not `1..10`"));
        }
        let end = |side: &Option<Box<Expr>>| side.as_deref().map(|expr| End::of(expr, kind)).transpose();
        let ends = Self { min: end(&range.start)?, max: end(&range.end)? };
        match (&ends.min, &ends.max) {
            (None, None) => Err(Error::new_spanned(expr, "this range allows everything: remove it")),
            (Some(End { int: Some(min), .. }), Some(End { int: Some(max), .. })) if min > max => {
                Err(Error::new_spanned(expr, "this range is empty: the smaller number stands first"))
            }
            _ => Ok(ends),
        }
    }

    /// The fields `min` and `max` of a `steadfast_core::schema::Bounds`.
    pub(crate) fn described(&self) -> TokenStream {
        let side = |end: &Option<End>| match end {
            None => quote!(::core::option::Option::None),
            Some(End { described, .. }) => quote!(::core::option::Option::Some(#described)),
        };
        let (min, max) = (side(&self.min), side(&self.max));
        quote!(min: #min, max: #max)
    }

    /// Statements that refuse a value of `field` outside.
    pub(crate) fn checks(&self, field: &Ident) -> TokenStream {
        let require = quote!(::steadfast_core::config::require);
        let min = self.min.iter().map(|End { value, .. }| {
            quote_spanned!(value.span()=> #require(::steadfast_core::config::Bounded::at_least(&#field, #value))?;)
        });
        let max = self.max.iter().map(|End { value, .. }| {
            quote_spanned!(value.span()=> #require(::steadfast_core::config::Bounded::at_most(&#field, #value))?;)
        });
        quote!(#(#min)* #(#max)*)
    }

    /// Refuses an integer outside, at its own place.
    pub(crate) fn check_int(&self, expr: &Expr, value: i128) -> Result<()> {
        let below = self.min.as_ref().and_then(|end| end.int).is_some_and(|min| value < min);
        let above = self.max.as_ref().and_then(|end| end.int).is_some_and(|max| value > max);
        if below || above { Err(Error::new_spanned(expr, "this is outside the range of the field")) } else { Ok(()) }
    }
}

impl End {
    fn of(expr: &Expr, kind: &Kind) -> Result<Self> {
        match kind.innermost() {
            Kind::Int(name) => {
                let int = integer(expr, name)?;
                Ok(Self {
                    described: quote!(::steadfast_core::schema::Number::Int(#expr)),
                    value: quote!(#expr),
                    int: Some(int),
                })
            }
            Kind::Float(_) => Self::float(expr),
            Kind::Duration => Self::duration(expr),
            // An alias, perhaps: the literal says what it must be, and the compiler whether it is.
            Kind::Other if is_lit(unsigned(expr), |lit| matches!(lit, Lit::Int(_))) => Ok(Self {
                described: quote!(::steadfast_core::schema::Number::Int(#expr)),
                value: quote!(#expr),
                int: None,
            }),
            Kind::Other if is_lit(expr, |lit| matches!(lit, Lit::Str(_))) => Self::duration(expr),
            Kind::Other => Self::float(expr),
            _ => Err(Error::new_spanned(expr, "only numbers and durations have a range")),
        }
    }

    fn float(expr: &Expr) -> Result<Self> {
        if !is_lit(unsigned(expr), |lit| matches!(lit, Lit::Float(_))) {
            return Err(Error::new_spanned(expr, "a number with a decimal point, like `1.0`"));
        }
        Ok(Self { described: quote!(::steadfast_core::schema::Number::Float(#expr)), value: quote!(#expr), int: None })
    }

    fn duration(expr: &Expr) -> Result<Self> {
        let value = duration(text_of(expr, "text, like \"90s\" or \"1h30m\"")?);
        Ok(Self { described: quote!(::steadfast_core::schema::Number::Millis(#value.as_millis())), value, int: None })
    }
}
