//! Enums, with and without data.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DataEnum, DeriveInput, Error, Fields, Result, Variant};

use crate::attributes::{doc, refuse_config, refuse_serde};
use crate::fields::{self, Expanded, maybe};
use crate::kind::Kind;
use crate::names::{MAX_VARIANTS, Taken, type_name, variant_name};

/// Writes `Value`. A variant's tag is its place in the enum.
pub(crate) fn expand(input: &DeriveInput, data: &DataEnum) -> Result<TokenStream> {
    refuse_config(&input.attrs, "an enum")?;
    let ident = &input.ident;
    let name = type_name(ident)?;
    if data.variants.is_empty() || data.variants.len() > MAX_VARIANTS {
        return Err(Error::new_spanned(ident, format!("an enum has 1 to {MAX_VARIANTS} variants")));
    }
    let variants = fields::all(data.variants.iter().zip(0_u8..).map(|(variant, tag)| One::of(variant, tag)))?;
    let mut taken = Taken::default();
    variants.iter().zip(&data.variants).try_for_each(|(one, variant)| taken.take(&one.name, variant.ident.span()))?;
    let (described, arms) = (variants.iter().map(|one| &one.described), variants.iter().map(|one| &one.arm));
    let checks: TokenStream = variants.iter().map(|one| one.checks.clone()).collect();
    Ok(quote! {
        #[automatically_derived]
        impl ::steadfast_core::config::Value for #ident {
            const TYPE: &'static ::steadfast_core::schema::Type =
                &::steadfast_core::schema::Type::Enum(::steadfast_core::schema::Enum {
                    name: #name,
                    variants: &[#(#described),*],
                });

            fn read(
                __reader: &mut ::steadfast_core::config::Reader<'_>,
            ) -> ::core::result::Result<Self, ::steadfast_core::config::Malformed> {
                match __reader.tag()? {
                    #(#arms)*
                    _ => ::core::result::Result::Err(::steadfast_core::config::Malformed::Variant),
                }
            }
        }

        #checks
        const _: () = ::steadfast_core::schema::check_type(<#ident as ::steadfast_core::config::Value>::TYPE);
    })
}

struct One {
    name: String,
    /// A `steadfast_core::schema::Variant`.
    described: TokenStream,
    /// Reads it.
    arm: TokenStream,
    checks: TokenStream,
}

impl One {
    fn of(variant: &Variant, tag: u8) -> Result<Self> {
        refuse_config(&variant.attrs, "a variant")?;
        refuse_serde(&variant.attrs)?;
        let ident = &variant.ident;
        let name = variant_name(ident)?;
        let doc = doc(&variant.attrs)?;
        let (payload, read, checks) = payload(variant, &name)?;
        let payload = maybe(payload);
        Ok(Self {
            described: quote!(::steadfast_core::schema::Variant { name: #name, doc: #doc, payload: #payload }),
            arm: quote!(#tag => { #read }),
            checks,
            name,
        })
    }
}

/// The type that a variant carries, how it is read, and what to check.
fn payload(variant: &Variant, name: &str) -> Result<(Option<TokenStream>, TokenStream, TokenStream)> {
    let ident = &variant.ident;
    match &variant.fields {
        Fields::Unit => Ok((None, quote!(::core::result::Result::Ok(Self::#ident)), TokenStream::new())),
        Fields::Unnamed(unnamed) if unnamed.unnamed.len() == 1 => {
            let field = &unnamed.unnamed[0];
            refuse_config(&field.attrs, "the value of a variant without field names")?;
            refuse_serde(&field.attrs)?;
            if let Kind::Option(_) = Kind::of(&field.ty)? {
                return Err(Error::new_spanned(&field.ty, "a variant that may carry nothing: use two variants"));
            }
            let value = &field.ty;
            let value = quote!(<#value as ::steadfast_core::config::Value>);
            let read = quote!(#value::read(__reader).map(Self::#ident));
            Ok((Some(quote!(#value::TYPE)), read, TokenStream::new()))
        }
        Fields::Named(named) if !named.named.is_empty() => {
            let Expanded { reads, idents, described, checks, .. } = fields::expand(named, &[])?;
            let ty = quote! {
                &::steadfast_core::schema::Type::Struct(::steadfast_core::schema::Struct {
                    name: #name,
                    fields: &[#(#described),*],
                    removed: &[],
                })
            };
            let read = quote!(#reads ::core::result::Result::Ok(Self::#ident { #(#idents),* }));
            Ok((Some(ty), read, checks))
        }
        _ => Err(Error::new_spanned(variant, "a variant has no data, one value, or fields with names")),
    }
}
