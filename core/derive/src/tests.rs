//! What the derive takes and refuses, on tokens. Each refusal is named by a piece of its message.

use syn::{DeriveInput, parse_quote};

use crate::expand;
use crate::names::snake;

fn refusal(input: &DeriveInput) -> String {
    match expand(input) {
        Ok(_) => String::new(),
        Err(error) => error.into_iter().map(|error| error.to_string()).collect::<Vec<_>>().join("\n"),
    }
}

/// Wraps one field into a section.
macro_rules! field {
    ($($field:tt)*) => { refusal(&parse_quote! { struct S { $($field)* } }) };
}

macro_rules! refuses {
    ($refusal:expr, $piece:literal) => {
        let refusal: String = $refusal;
        assert!(refusal.contains($piece), "expected {:?}, found {refusal:?}", $piece);
    };
}

#[test]
fn every_kind_of_field_is_taken() {
    let all: DeriveInput = parse_quote! {
        /// A section.
        #[config(removed("gone"))]
        struct S {
            /// Doc.
            #[config(unit = "ms", range = 10..=3_600_000, default = 1000, was = "old", absent_means = 500)]
            a: u32,
            #[config(range = -40.0.., default = -1.5)]
            b: f32,
            #[config(default = "x")]
            c: heapless::String<8>,
            #[config(key = "name")]
            d: Vec<Peer, 4>,
            #[config(default = [])]
            e: LinearMap<u8, u16, 4>,
            #[config(range = ..="1h", default = "90s")]
            f: Duration,
            #[config(default = Mode::FixedRate)]
            g: Mode,
            #[config(default)]
            h: Nested,
            #[config(default = "10.0.0.1/8")]
            i: IpNet,
            #[config(range = 1..=5)]
            j: Option<Vec<u8, 3>>,
            #[config(default = "02:00:5e:10:00:01")]
            k: Mac,
            r#type: bool,
        }
    };
    assert_eq!(refusal(&all), "");
}

#[test]
fn unbounded_and_changing_types_are_refused_with_the_type_to_use() {
    refuses!(field!(a: usize), "another width on another machine");
    refuses!(field!(a: u128), "at most 64 bits");
    refuses!(field!(a: char), "heapless::String<4>");
    refuses!(field!(a: String), "heapless::String<N>");
    refuses!(field!(a: std::string::String), "heapless::String<N>");
    refuses!(field!(a: Vec<u8>), "heapless::Vec<T, N>");
    refuses!(field!(a: heapless::Vec<usize, 4>), "another width");
    refuses!(field!(a: HashMap<u8, u8>), "LinearMap");
    refuses!(field!(a: Box<u8>), "no allocator");
    refuses!(field!(a: [u8; 4]), "heapless::Vec<T, N>");
    refuses!(field!(a: (u8, u8)), "use a struct");
    refuses!(field!(a: &'static str), "owns its values");
    refuses!(field!(a: Option<Option<u8>>), "use one `Option`");
    refuses!(field!(a: core::time::Duration), "steadfast_core::config::Duration");
}

#[test]
fn serde_attributes_that_change_the_layout_are_refused() {
    refuses!(field!(#[serde(rename = "b")] a: u8), "bytes and schema disagree");
    refuses!(field!(#[serde(skip)] a: u8), "bytes and schema disagree");
    refuses!(field!(#[serde(default)] a: u8), "bytes and schema disagree");
    refuses!(field!(#[serde(with = "m")] a: u8), "bytes and schema disagree");
    refuses!(field!(#[serde(flatten)] a: Nested), "bytes and schema disagree");
    refuses!(refusal(&parse_quote! { #[serde(tag = "t")] enum E { A } }), "bytes and schema disagree");
    refuses!(refusal(&parse_quote! { #[serde(untagged)] enum E { A } }), "bytes and schema disagree");
    refuses!(refusal(&parse_quote! { enum E { #[serde(skip)] A, B } }), "bytes and schema disagree");
    refuses!(
        refusal(&parse_quote! { #[serde(rename_all = "camelCase")] struct S { a: u8 } }),
        "bytes and schema disagree"
    );
    assert_eq!(refusal(&parse_quote! { #[serde(deny_unknown_fields)] struct S { a: u8 } }), "");
}

#[test]
fn wrong_ranges_are_refused() {
    refuses!(field!(#[config(range = 1..10)] a: u8), "last value that is allowed");
    refuses!(field!(#[config(range = 10..=1)] a: u8), "range is empty");
    refuses!(field!(#[config(range = 0..=256)] a: u8), "no `u8`");
    refuses!(field!(#[config(range = -1..=1)] a: Option<u16>), "no `u16`");
    refuses!(field!(#[config(range = ..)] a: u8), "allows everything");
    refuses!(field!(#[config(range = 5)] a: u8), "a range, like");
    refuses!(field!(#[config(range = 0..=1)] a: f32), "decimal point");
    refuses!(field!(#[config(range = 0..=1)] a: bool), "only numbers and durations");
    refuses!(field!(#[config(range = 1..=9)] a: Duration), "text, like");
}

#[test]
fn wrong_defaults_are_refused() {
    refuses!(field!(#[config(range = 1..=9, default = 10)] a: u8), "outside the range");
    refuses!(field!(#[config(range = 1..=9, default = 0)] a: Option<u8>), "outside the range");
    refuses!(field!(#[config(range = 1..=9, default = [1, 10])] a: Vec<u8, 4>), "outside the range");
    refuses!(field!(#[config(range = 1..=9, absent_means = 10)] a: u8), "outside the range");
    refuses!(field!(#[config(default = 300)] a: u8), "from 0 to 255");
    refuses!(field!(#[config(default = -129)] a: i8), "from -128 to 127");
    refuses!(field!(#[config(default = 1u16)] a: u8), "no `u8`");
    refuses!(field!(#[config(default = "1")] a: u8), "whole number");
    refuses!(field!(#[config(default = 1)] a: bool), "`true` or `false`");
    refuses!(field!(#[config(default = 1)] a: f64), "decimal point");
    refuses!(field!(#[config(default = "10.0.0.256")] a: Ipv4Addr), "not a valid `Ipv4Addr`");
    refuses!(field!(#[config(default = "::1/64")] a: Ipv4Net), "not a valid `Ipv4Net`");
    refuses!(field!(#[config(default = "::1/129")] a: IpNet), "not a valid `IpNet`");
    refuses!(field!(#[config(default = "fast")] a: Mode), "like `Mode::Fast`");
    refuses!(field!(#[config(default)] a: u8), "nested structs");
    refuses!(field!(#[config(default = [1])] a: LinearMap<u8, u8, 2>), "can only be empty");
}

#[test]
fn no_name_means_two_things() {
    refuses!(field!(#[config(was = "z")] a: u8, #[config(was = "z")] b: u8), "already names");
    refuses!(field!(#[config(was = "b")] a: u8, b: u8), "already names");
    refuses!(refusal(&parse_quote! { #[config(removed("a"))] struct S { a: u8 } }), "already names");
    refuses!(refusal(&parse_quote! { #[config(removed("a", "a"))] struct S { b: u8 } }), "given twice");
    refuses!(refusal(&parse_quote! { enum E { HTTPProxy, HttpProxy } }), "already names");
}

#[test]
fn names_have_one_form() {
    refuses!(field!(A: u8), "cannot be a name");
    refuses!(field!(_a: u8), "cannot be a name");
    refuses!(field!(a123456789012345678901234567890123: u8), "cannot be a name");
    refuses!(field!(#[config(was = "Old")] a: u8), "cannot be a name");
    for (name, expected) in
        [("FixedRate", "fixed_rate"), ("HTTPProxy", "http_proxy"), ("V4", "v4"), ("Ipv4Only", "ipv4_only")]
    {
        assert_eq!(snake(name), expected);
    }
}

#[test]
fn unknown_and_repeated_attributes_are_refused() {
    refuses!(field!(#[config(maximum = 4)] a: u8), "a field takes");
    refuses!(field!(#[config(unit = "s", unit = "s")] a: u8), "given twice");
    refuses!(field!(#[config(unit = "")] a: u8), "1 to 16 bytes");
    refuses!(field!(#[config(key = "x")] a: u8), "list of structs");
    refuses!(field!(#[config(key = "x")] a: Vec<u8, 4>), "list of structs");
    refuses!(refusal(&parse_quote! { #[config(default)] struct S { a: u8 } }), "a struct takes");
    refuses!(refusal(&parse_quote! { enum E { #[config(default)] A } }), "takes no `config`");
}

#[test]
fn shapes_without_names_are_refused() {
    refuses!(refusal(&parse_quote! { struct S(u8); }), "need names");
    refuses!(refusal(&parse_quote! { struct S; }), "need names");
    refuses!(refusal(&parse_quote! { union U { a: u8 } }), "use an enum");
    refuses!(refusal(&parse_quote! { struct S<T> { a: T } }), "no parameters");
    refuses!(refusal(&parse_quote! { enum E { A(u8, u8) } }), "fields with names");
    refuses!(refusal(&parse_quote! { enum E { A() } }), "fields with names");
    refuses!(refusal(&parse_quote! { enum E { A {} } }), "fields with names");
    refuses!(refusal(&parse_quote! { enum E {} }), "1 to 64 variants");
    refuses!(refusal(&parse_quote! { enum E { A(usize) } }), "another width");
}

#[test]
fn wrong_sections_are_refused() {
    refuses!(refusal(&parse_quote! { #[config(root)] struct R { a: u8 } }), "a struct of its own");
    refuses!(refusal(&parse_quote! { #[config(root)] struct R { a: A, b: A } }), "two types");
    refuses!(refusal(&parse_quote! { #[config(root)] struct R { #[config(risk = high)] a: A } }), "one of low");
    refuses!(
        refusal(&parse_quote! { #[config(root)] struct R { #[config(restart = 1)] a: A } }),
        "expected identifier"
    );
    refuses!(
        refusal(&parse_quote! { #[config(root)] struct R { #[config(checks("Sensor"))] a: A } }),
        "cannot be a name"
    );
    refuses!(refusal(&parse_quote! { #[config(root)] struct R { #[config(checks("a", "a"))] a: A } }), "given twice");
    refuses!(refusal(&parse_quote! { #[config(root)] struct R { #[config(unit = "s")] a: A } }), "a section takes");
    refuses!(refusal(&parse_quote! { #[config(root)] struct R {} }), "1 to 32 sections");
}

#[test]
fn all_wrong_fields_are_reported_at_once() {
    let refusal = field!(a: usize, b: char, c: u8);
    assert_eq!(refusal.lines().count(), 2, "{refusal}");
}

#[test]
fn the_limits_are_those_of_core() {
    use crate::names;
    use steadfast_core::schema;

    assert_eq!(names::MAX_NAME_BYTES, schema::MAX_NAME_BYTES);
    assert_eq!(names::MAX_DOC_BYTES, schema::MAX_DOC_BYTES);
    assert_eq!(names::MAX_UNIT_BYTES, schema::MAX_UNIT_BYTES);
    assert_eq!(names::MAX_LITERAL_BYTES, schema::MAX_LITERAL_BYTES);
    assert_eq!(names::MAX_LITERAL_ITEMS, schema::MAX_LITERAL_ITEMS);
    assert_eq!(names::MAX_FIELDS, schema::MAX_FIELDS);
    assert_eq!(names::MAX_VARIANTS, schema::MAX_VARIANTS);
    assert_eq!(names::MAX_SECTIONS, schema::MAX_SECTIONS);
    assert_eq!(names::MAX_CHECKS, schema::MAX_CHECKS);
    assert_eq!(names::MAX_REMOVED, schema::MAX_REMOVED);
    assert_eq!(names::MAX_TYPE_NAME_BYTES, schema::MAX_TYPE_NAME_BYTES);
}
