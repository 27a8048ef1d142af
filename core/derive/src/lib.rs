//! `#[derive(Config)]`: from a firmware's own types to decoder, description and compiled-in values, all from one source.
//!
//! A configuration type must be bounded, plain, and laid out exactly as it is written down; whatever would change that is a compile
//! error where it stands. What can be judged from one type's tokens is judged here; what needs the types of other items (ranges
//! against aliases, nesting, keys of lists) is left to constants in `steadfast_core::schema`, evaluated by the compiler.
//!
//! | on | attribute | meaning |
//! |---|---|---|
//! | struct | `root` | its fields are the sections |
//! | struct | `removed("a", "b")` | names of former fields or sections, never to be used again |
//! | section | `restart = nothing`, `task`, `device` | what a change restarts; `task` if absent |
//! | section | `risk = low`, `connectivity`, `safety` | what a wrong value can cost; `low` if absent |
//! | section | `checks("a", "b")` | health checks that vouch for it |
//! | section | `secret` | its values are sealed to the device |
//! | section, field | `was = "old"` | its name in older schemas |
//! | field | `unit = "ms"` | what a number counts |
//! | field | `range = 1..=10`, `1..`, `..=10` | bounds of the number inside; durations as text |
//! | field | `default = 5`, `"text"`, `[1, 2]`, `Mode::Fast` | the value when nothing sets one; alone on a nested struct: its own defaults |
//! | field | `absent_means = 5` | what a firmware without this field behaves as |
//! | field | `key = "name"` | the field that tells the items of a list apart |

mod attributes;
mod choice;
mod fields;
mod kind;
mod literal;
mod names;
mod range;
mod record;
mod root;
#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;
use syn::{Data, DeriveInput, Error, Fields, Result, parse_macro_input};

/// Writes decoder, description and compiled-in values of a configuration type; see `steadfast_core::config`.
#[proc_macro_derive(Config, attributes(config, serde))]
pub fn derive_config(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input).unwrap_or_else(Error::into_compile_error).into()
}

fn expand(input: &DeriveInput) -> Result<TokenStream> {
    if !input.generics.params.is_empty() {
        return Err(Error::new_spanned(&input.generics, "a configuration type has no parameters: its layout is fixed"));
    }
    attributes::refuse_serde(&input.attrs)?;
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => {
                let container = attributes::Container::parse(&input.attrs)?;
                if container.root {
                    root::expand(input, &container, fields)
                } else {
                    record::expand(input, &container, fields)
                }
            }
            _ => Err(Error::new_spanned(&input.ident, "the fields of a configuration struct need names")),
        },
        Data::Enum(data) => choice::expand(input, data),
        Data::Union(_) => Err(Error::new_spanned(&input.ident, "a union has no layout of its own: use an enum")),
    }
}
