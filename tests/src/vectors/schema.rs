//! Descriptions of schemas, put together by hand from the tables of the specification.

use steadfast_core::digest::Digest;

use super::cast::{longer, overlong, replaced, shorter};
use super::{Vector, hex};

/// Vectors of descriptions.
pub(super) fn vectors() -> Vec<Vector> {
    let mut vectors = good();
    vectors.extend(bad());
    vectors
}

fn text(text: &str) -> Vec<u8> {
    assert!(text.len() < 0x80, "a length of one byte");
    [&[text.len() as u8][..], text.as_bytes()].concat()
}

fn list(items: &[Vec<u8>]) -> Vec<u8> {
    [&[items.len() as u8][..], &items.concat()].concat()
}

/// A field; the rest is its unit, default, former name, and what its absence means.
fn field(name: &str, doc: &str, ty: &[u8], rest: [&[u8]; 4]) -> Vec<u8> {
    [&text(name), &text(doc), ty, &rest.concat()].concat()
}

/// A field without anything more.
fn plain(name: &str, ty: &[u8]) -> Vec<u8> {
    field(name, "", ty, [NO; 4])
}

/// An absent option.
const NO: &[u8] = &[0];

/// A section that restarts its task, without checks.
fn section(name: &str, fields: &[Vec<u8>]) -> Vec<u8> {
    [&text(name)[..], &[0, 1, 0, 0], &[0], NO, &list(fields), &[0]].concat()
}

fn description(name: &str, sections: &[Vec<u8>]) -> Vec<u8> {
    [&[1][..], &text(name), &list(sections), &[0]].concat()
}

const BOOL: &[u8] = &[0];
/// A whole number of one byte, 1 to 9: kind, then both ends in zigzag.
const DIGIT: &[u8] = &[1, 0, 2, 18];
/// A text of at most 16 bytes.
const TEXT: &[u8] = &[3, 16];

/// One section with a field of each simple type.
fn simple() -> Vec<u8> {
    let float = [&[2, 0][..], &(-40.0_f64).to_le_bytes(), &85.5_f64.to_le_bytes()].concat();
    let addresses = (9..=15).map(|tag: u8| plain(&format!("t{tag}"), &[tag]));
    let mut fields = vec![
        field("on", "", BOOL, [NO, &[1, 0, 1], NO, NO]),
        field("digit", "", DIGIT, [&[1, 2, b'm', b's'], &[1, 1, 14], &[1, 3, b'o', b'l', b'd'], &[1, 1, 2]]),
        field("share", "", &float, [NO, &[&[1, 2][..], &0.5_f64.to_le_bytes()].concat(), NO, NO]),
        field("name", "", TEXT, [NO, &[1, 3, 1, b'x'], NO, NO]),
        plain("time", &[16, 10, 20]),
    ];
    fields.extend(addresses);
    section("simple", &fields)
}

/// Two sections, with types that hold others.
fn nested() -> Vec<u8> {
    let route =
        [&[6][..], &text("Route"), &list(&[plain("name", TEXT), plain("metric", DIGIT)]), &list(&[text("gone")])];
    let route = route.concat();
    let routes = [&[4, 3], &route[..], &[1], &text("name")].concat();
    let by_name = [&[5, 4], TEXT, &[7], DIGIT].concat();
    let variants = [[text("off"), vec![0], NO.to_vec()].concat(), [text("fixed"), vec![0, 1], DIGIT.to_vec()].concat()];
    let mode = [&[8][..], &text("Mode"), &list(&variants)].concat();
    let digits = [&[4, 2], DIGIT, NO].concat();
    let fields = [
        plain("routes", &routes),
        plain("by_name", &by_name),
        field("mode", "", &mode, [NO, &[&[1, 3][..], &text("off")].concat(), NO, NO]),
        field("digits", "", &digits, [NO, &[1, 4, 2, 1, 2, 1, 4], NO, NO]),
    ];
    let checks = list(&[text("link"), text("sensor")]);
    let former = [&[1][..], &text("net")].concat();
    [&text("network")[..], &[0, 2, 1, 1], &checks, &former, &list(&fields), &list(&[text("dns")])].concat()
}

fn says(name: &str, bytes: &[u8], without_prose: &[u8], schema: &str, sections: &[&str]) -> Vector {
    let id = hex(&Digest::of(without_prose).0);
    Vector::good("schema", name, bytes)
        .gives("short_id", id[..16].to_owned())
        .gives("id", id)
        .gives("name", schema)
        .gives("sections", sections.to_vec())
}

fn good() -> Vec<Vector> {
    let small = description("", &[section("a", &[plain("on", BOOL)])]);
    let prose = description("Firmware", &[section("a", &[field("on", "Whether it runs.", BOOL, [NO; 4])])]);
    let empty = description("", &[section("a", &[])]);
    let all = description("", &[simple(), nested()]);
    // Type names are prose: the id is taken over a description in which they are empty.
    let mut bare = all.clone();
    for name in ["Route", "Mode"] {
        let at = bare.windows(name.len()).position(|bytes| bytes == name.as_bytes()).expect("the name is there");
        bare.splice(at - 1..at + name.len(), [0]);
    }
    vec![
        says("one section with one field", &small, &small, "", &["a"]),
        says("the same with prose has the same id", &prose, &small, "Firmware", &["a"]),
        says("a section without fields", &empty, &empty, "", &["a"]),
        says("every type", &all, &bare, "", &["simple", "network"]),
    ]
}

fn bad() -> Vec<Vector> {
    let small = description("", &[section("a", &[plain("on", BOOL)])]);
    let one = |ty: &[u8]| description("", &[section("a", &[plain("x", ty)])]);
    let with_default = |ty: &[u8], default: &[u8]| {
        description("", &[section("a", &[field("x", "", ty, [NO, &[&[1], default].concat(), NO, NO])])])
    };
    let sections = |names: &[&str]| description("", &names.iter().map(|name| section(name, &[])).collect::<Vec<_>>());
    let bad = |name, bytes: &[u8], why| Vector::refused("schema", name, bytes, why);
    let deep = [[7, 4, 1].repeat(8), BOOL.to_vec(), [0].repeat(8)].concat();
    let float = |low: f64| [&[2, 1][..], &low.to_le_bytes(), &1.0_f64.to_le_bytes()].concat();
    let unkeyed = [&[4, 3][..], DIGIT, &[1], &text("name")].concat();
    vec![
        bad("another version", &replaced(&small, 0, 2), "the version is not 1"),
        bad("nothing", &[], "it ends early"),
        bad("a byte behind it", &longer(&small), "bytes are left over"),
        bad("cut off", &shorter(&small), "it ends early"),
        bad("an over-long count", &overlong(&small, 2), "a number is longer than needed"),
        bad("a flag that is neither 0 nor 1", &replaced(&small, 8, 2), "a flag is 0 or 1"),
        bad("a restart of no known kind", &replaced(&small, 6, 3), "restart is 0, 1 or 2"),
        bad("a type of no known kind", &one(&[17]), "types are 0 to 16"),
        bad("no section", &description("", &[]), "1 to 32 sections"),
        bad("a section twice", &sections(&["a", "a"]), "no name occurs twice"),
        bad("a section of a reserved name", &sections(&["health"]), "this word means something else in a layer"),
        bad("a name that is no name", &sections(&["A"]), "names are lower case"),
        bad("an empty range", &one(&[1, 0, 18, 2]), "ranges are not empty"),
        bad("a range outside its kind", &one(&[1, 0, 1, 2]), "a u8 is not below 0"),
        bad("a default outside its range", &with_default(DIGIT, &[1, 0]), "a default is a value of its field"),
        bad("a default of another type", &with_default(DIGIT, &[0, 1]), "a default is a value of its field"),
        bad("a bound that is no number", &one(&float(f64::NAN)), "bounds are finite"),
        bad("an option of an option", &one(&[7, 7, 0]), "an option holds no option"),
        bad("a map whose key is a bool", &one(&[5, 4, 0, 0]), "a bool is no key"),
        bad("a list of numbers with a key", &one(&unkeyed), "only structs have keys"),
        bad("an enum without variants", &one(&[8, 0, 0]), "1 to 64 variants"),
        bad("nested too deep", &one(&deep), "at most 8 levels"),
        bad(
            "a duration of more than 100 years",
            &one(&[16, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]),
            "at most 100 years",
        ),
    ]
}
