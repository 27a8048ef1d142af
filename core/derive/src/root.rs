//! The root: a struct whose fields are the sections.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{DeriveInput, Error, Field, FieldsNamed, Result, Type};

use crate::attributes::{Container, SectionAttributes, doc};
use crate::fields::{all, maybe};
use crate::kind::Kind;
use crate::names::{MAX_CHECKS, MAX_SECTIONS, Taken, field_name, snake, type_name};

/// Writes `Configuration`, and `Section` for the type of each field.
pub(crate) fn expand(input: &DeriveInput, container: &Container, fields: &FieldsNamed) -> Result<TokenStream> {
    let ident = &input.ident;
    let name = type_name(ident)?;
    let removed = &container.removed;
    if fields.named.is_empty() || fields.named.len() > MAX_SECTIONS {
        return Err(Error::new_spanned(ident, format!("a configuration has 1 to {MAX_SECTIONS} sections")));
    }
    let sections = all(fields.named.iter().map(One::of))?;
    check_sections(&sections, container)?;
    let checks = check_names(input, &sections)?;
    let types: Vec<_> = sections.iter().map(|section| &section.field.ty).collect();
    let described: Vec<_> = sections.iter().map(One::described).collect::<Result<_>>()?;
    let impls: TokenStream = sections.iter().map(One::section).collect();
    let idents = sections.iter().map(|section| &section.field.ident);
    Ok(quote! {
        #[automatically_derived]
        impl ::steadfast_core::config::Configuration for #ident {
            const SCHEMA: &'static ::steadfast_core::schema::Schema = &::steadfast_core::schema::Schema {
                name: #name,
                sections: &[#(#described),*],
                removed: &[#(#removed),*],
            };
            const SCHEMA_ID: ::steadfast_core::id::SchemaId = {
                const SCHEMA: &::steadfast_core::schema::Schema = <#ident as ::steadfast_core::config::Configuration>::SCHEMA;
                ::steadfast_core::schema::check_schema(SCHEMA);
                ::steadfast_core::schema::id::<
                    { ::steadfast_core::schema::encoded_bytes(SCHEMA, ::steadfast_core::schema::Prose::Dropped) },
                >(SCHEMA)
            };
            const SECTIONS: &'static [::steadfast_core::config::Declared] =
                &[#(::steadfast_core::config::Declared::of::<#types>()),*];
            const CHECKS: &'static [&'static str] = &[#(#checks),*];
        }

        #impls
        const _: ::steadfast_core::id::SchemaId = <#ident as ::steadfast_core::config::Configuration>::SCHEMA_ID;
        // The fields name the sections; nothing ever reads them as a whole.
        const _: fn(&#ident) = |root| {
            #(let _ = &root.#idents;)*
        };
    })
}

struct One<'a> {
    field: &'a Field,
    name: String,
    attributes: SectionAttributes,
}

impl<'a> One<'a> {
    fn of(field: &'a Field) -> Result<Self> {
        let ident = field.ident.as_ref().ok_or_else(|| Error::new_spanned(field, "a section needs a name"))?;
        if Kind::of(&field.ty)? != Kind::Other {
            return Err(Error::new_spanned(&field.ty, "a section is a struct of its own with `#[derive(Config)]`"));
        }
        Ok(Self { field, name: field_name(ident)?, attributes: SectionAttributes::parse(&field.attrs)? })
    }

    fn described(&self) -> Result<TokenStream> {
        let Self { field, name, attributes } = self;
        let ty = &field.ty;
        let doc = doc(&field.attrs)?;
        let (restart, risk) = (self.restart(), self.risk());
        let (secret, checks, was) = (attributes.secret, &attributes.checks, maybe(attributes.was.as_ref()));
        Ok(quote! {
            ::steadfast_core::schema::Section {
                name: #name,
                doc: #doc,
                restart: #restart,
                risk: #risk,
                secret: #secret,
                checks: &[#(#checks),*],
                was: #was,
                ty: <#ty as ::steadfast_core::config::Value>::TYPE,
            }
        })
    }

    fn section(&self) -> TokenStream {
        let Self { field, name, attributes } = self;
        let ty = &field.ty;
        let (restart, risk) = (self.restart(), self.risk());
        let (secret, checks) = (attributes.secret, &attributes.checks);
        quote_spanned! {ty.span()=>
            #[automatically_derived]
            impl ::steadfast_core::config::Section for #ty {
                const NAME: &'static str = #name;
                const FLAGS: ::steadfast_core::manifest::Flags = ::steadfast_core::manifest::Flags::new(#restart, #risk);
                const SECRET: bool = #secret;
                const CHECKS: &'static [&'static str] = &[#(#checks),*];
            }
        }
    }

    fn restart(&self) -> TokenStream {
        let word = self.attributes.restart.as_ref().map_or("task".to_owned(), ToString::to_string);
        let variant = format_ident!("{}", capitalised(&word));
        quote!(::steadfast_core::manifest::Restart::#variant)
    }

    fn risk(&self) -> TokenStream {
        let word = self.attributes.risk.as_ref().map_or("low".to_owned(), ToString::to_string);
        let variant = format_ident!("{}", capitalised(&word));
        quote!(::steadfast_core::manifest::Risk::#variant)
    }
}

fn check_sections(sections: &[One<'_>], container: &Container) -> Result<()> {
    let current: Vec<_> = sections.iter().map(|section| (section.name.clone(), section.field.span())).collect();
    let was: Vec<_> = sections.iter().filter_map(|section| section.attributes.was.as_ref()).collect();
    Taken::check(&current, &was, &container.removed)?;
    let mut types: Vec<&Type> = Vec::new();
    for section in sections {
        if types.contains(&&section.field.ty) {
            return Err(Error::new_spanned(
                &section.field.ty,
                "two sections need two types: a section is found by its type",
            ));
        }
        types.push(&section.field.ty);
    }
    Ok(())
}

/// All check names, sorted, each once.
fn check_names(input: &DeriveInput, sections: &[One<'_>]) -> Result<Vec<String>> {
    let mut names: Vec<_> =
        sections.iter().flat_map(|section| &section.attributes.checks).map(syn::LitStr::value).collect();
    names.sort();
    names.dedup();
    if names.len() > MAX_CHECKS {
        return Err(Error::new_spanned(
            &input.ident,
            format!("a manifest can name at most {MAX_CHECKS} different checks"),
        ));
    }
    Ok(names)
}

fn capitalised(word: &str) -> String {
    debug_assert_eq!(snake(word), word);
    let mut chars = word.chars();
    chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars).collect()
}
