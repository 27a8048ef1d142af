//! Sections and nested structs.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, FieldsNamed, Result};

use crate::attributes::Container;
use crate::fields::{self, Expanded};
use crate::names::type_name;

/// Writes `Value`, and `Defaults` when every field has a value to start from.
pub(crate) fn expand(input: &DeriveInput, container: &Container, fields: &FieldsNamed) -> Result<TokenStream> {
    let ident = &input.ident;
    let name = type_name(ident)?;
    let removed = &container.removed;
    let Expanded { reads, idents, described, checks, defaults } = fields::expand(fields, removed)?;
    let defaults = defaults.map(|values| {
        quote! {
            #[automatically_derived]
            impl ::steadfast_core::config::Defaults for #ident {
                fn defaults() -> Self {
                    Self { #(#values),* }
                }
            }
        }
    });
    Ok(quote! {
        #[automatically_derived]
        impl ::steadfast_core::config::Value for #ident {
            const TYPE: &'static ::steadfast_core::schema::Type =
                &::steadfast_core::schema::Type::Struct(::steadfast_core::schema::Struct {
                    name: #name,
                    fields: &[#(#described),*],
                    removed: &[#(#removed),*],
                });

            fn read(
                __reader: &mut ::steadfast_core::config::Reader<'_>,
            ) -> ::core::result::Result<Self, ::steadfast_core::config::Malformed> {
                #reads
                ::core::result::Result::Ok(Self { #(#idents),* })
            }
        }

        #defaults
        #checks
        const _: () = ::steadfast_core::schema::check_type(<#ident as ::steadfast_core::config::Value>::TYPE);
    })
}
