//! What `schema check` says of a new firmware's schema, given the one in the field.

use steadfast::schema::{Schema, Verdict, compare, from_toml};

fn schema(text: &str) -> Schema {
    from_toml(text, "test").unwrap()
}

/// Section `a` with these fields, after what stands at its head.
fn fields(head: &str, fields: &str) -> Schema {
    schema(&format!(
        "[section.a]\n{head}\n[section.a.fields]\nkept = \"u8\"\n{fields}\n[type.t.fields]\nx = {{ type = \"u8\", default = 1 }}\n"
    ))
}

/// The verdict on `path`, and what is said about it with what to do.
fn said(new: &Schema, old: &Schema) -> Vec<(Verdict, String, String)> {
    compare(new, &[], old)
        .into_iter()
        .map(|one| (one.verdict, one.path, format!("{}; {}", one.what, one.help)))
        .collect()
}

const OLD: &str = "x = { type = \"u16\", max = 100, unit = \"ms\", default = 7 }";

/// Head of the older section, its field, head of the newer one, its field, then what is said.
type Case = (&'static str, &'static str, &'static str, &'static str, (Verdict, &'static str, &'static str));

const CASES: &[Case] = &[
    (
        "",
        OLD,
        "",
        "y = { type = \"u16\", max = 100, unit = \"ms\", default = 7, was = \"x\" }",
        (Verdict::Safe, "a.y", "was `x`"),
    ),
    (
        "",
        OLD,
        "",
        "y = { type = \"u16\", unit = \"ms\", default = 7 }",
        (Verdict::Unsafe, "a.x", "if it is now called y, say so there: was = \"x\""),
    ),
    ("", OLD, "", "", (Verdict::Unsafe, "a.x", "put it into `removed`")),
    ("", OLD, "removed = [\"x\"]", "", (Verdict::Safe, "a.x", "takes its default")),
    ("", "x = \"u8\"", "removed = [\"x\"]", "", (Verdict::Unsafe, "a.x", "needs a value")),
    ("removed = [\"x\"]", "", "", OLD, (Verdict::Unsafe, "a.x", "reuses the name")),
    ("removed = [\"x\"]", "", "", "", (Verdict::Unsafe, "a.x", "keep it in `removed`")),
    (
        "",
        OLD,
        "",
        "x = { type = \"u16\", max = 100, unit = \"s\", default = 7 }",
        (Verdict::Unsafe, "a.x", "another unit"),
    ),
    (
        "",
        OLD,
        "",
        "y = { type = \"u16\", max = 100, unit = \"s\", default = 7, was = \"x\" }",
        (Verdict::Unsafe, "a.y", "another unit"),
    ),
    (
        "",
        OLD,
        "",
        "x = { type = \"text\", max = 100, unit = \"ms\", default = \"\" }",
        (Verdict::Unsafe, "a.x", "another kind"),
    ),
    (
        "",
        OLD,
        "",
        "x = { type = \"u32\", max = 200, unit = \"ms\", default = 7 }",
        (Verdict::Care, "a.x", "takes 0 to 200, older firmware 0 to 100"),
    ),
    (
        "",
        OLD,
        "",
        "x = { type = \"u16\", max = 50, unit = \"ms\", default = 7 }",
        (Verdict::Safe, "a.x", "older firmware more"),
    ),
    (
        "",
        OLD,
        "",
        "x = { type = \"u16\", max = 100, unit = \"ms\", default = 8 }",
        (Verdict::Care, "a.x", "another default: 8, in older firmware 7"),
    ),
    ("", "", "", OLD, (Verdict::Care, "a.x", "no value of it can reach older firmware")),
    (
        "",
        "",
        "",
        "x = { type = \"u8\", default = 1, absent_means = 1 }",
        (Verdict::Safe, "a.x", "older firmware does as with 1"),
    ),
    ("", "", "", "x = \"u8\"", (Verdict::Unsafe, "a.x", "must be set")),
    ("", "x = \"u8\"", "", "x = { type = \"u8\", optional = true }", (Verdict::Care, "a.x", "can be absent")),
    (
        "",
        "x = { type = \"f32\", max = 1.0 }",
        "",
        "x = { type = \"f32\", max = 2.0 }",
        (Verdict::Care, "a.x", "takes other values"),
    ),
    (
        "",
        "x = { type = \"ipv4_addr\", default = \"0.0.0.0\" }",
        "",
        "x = { type = \"ip_addr\", default = \"0.0.0.0\" }",
        (Verdict::Care, "a.x", "takes other values"),
    ),
    (
        "",
        "x = { type = \"list\", max = 2, item = \"t\", default = [] }",
        "",
        "x = { type = \"list\", max = 3, item = \"t\", default = [] }",
        (Verdict::Care, "a.x", "takes 0 to 3 items"),
    ),
];

#[test]
fn each_difference_has_its_verdict() {
    for (old_head, old, new_head, new, (verdict, path, words)) in CASES {
        let remarks = said(&fields(new_head, new), &fields(old_head, old));
        let [(found, place, told), rest @ ..] = remarks.as_slice() else { panic!("{old} to {new}: {remarks:?}") };
        assert_eq!((found, place.as_str()), (verdict, *path), "{old} to {new}: {told}");
        assert!(told.contains(words), "{told}");
        // A rename that is not told comes with the new name, which is the lesser trouble.
        assert!(rest.len() <= 1 && rest.iter().all(|(lesser, ..)| lesser < found), "{rest:?}");
    }
}

#[test]
fn what_is_inside_is_judged_too() {
    let with = |x: &str, low: &str| {
        schema(&format!(
            "[section.a.fields]\nlist = {{ type = \"list\", max = 2, item = \"t\", default = [] }}\nmode = {{ type = \"m\", default = \"off\" }}\n\
             [type.t.fields]\n{x}\n[type.m.variants]\noff = {{}}\nwindow.fields = {{ {low} }}\n"
        ))
    };
    let old = with("x = { type = \"u8\", default = 1 }", "low = \"u8\"");
    let new = with("y = { type = \"u8\", default = 1, was = \"x\" }", "low = \"u16\"");
    let remarks: Vec<_> = said(&new, &old).into_iter().map(|(verdict, path, _)| (verdict, path)).collect();
    let expected = [(Verdict::Care, "a.mode.window.low".to_owned()), (Verdict::Safe, "a.list[].y".to_owned())];
    assert_eq!(remarks, expected);
    let another = schema("[section.a.fields]\nlist = { type = \"list\", max = 2, item = \"t\", default = [] }\nmode = { type = \"m\", default = \"off\" }\n\
        [type.t.fields]\nx = { type = \"u8\", default = 1 }\n[type.m.variants]\noff = {}\nwindow = { payload = \"text\" }\non = {}\n".replace("\"text\"", "\"bool\"").as_str());
    let remarks: Vec<_> = said(&another, &old).into_iter().map(|(verdict, path, _)| (verdict, path)).collect();
    assert_eq!(remarks, [(Verdict::Unsafe, "a.mode.window".to_owned()), (Verdict::Care, "a.mode.on".to_owned())]);
}

#[test]
fn sections_are_judged_like_fields_and_renames_lead_through_what_is_between() {
    let old = schema("[section.net.fields]\nx = { type = \"u8\", default = 1 }\n");
    let middle = schema(
        "[section.network]\nwas = \"net\"\n[section.network.fields]\ny = { type = \"u8\", default = 1, was = \"x\" }\n",
    );
    let new = schema(
        "[section.uplink]\nwas = \"network\"\n[section.uplink.fields]\nz = { type = \"u8\", default = 1, was = \"y\" }\n[section.led.fields]\non = \"bool\"\n",
    );
    let remarks: Vec<_> = compare(&new, &[&middle], &old).into_iter().map(|one| (one.verdict, one.path)).collect();
    let safe = |path: &str| (Verdict::Safe, path.to_owned());
    assert_eq!(remarks, [safe("uplink"), safe("uplink.z"), safe("led")]);
    // Without the one between nothing tells what became of it.
    let lost = said(&new, &old);
    assert!(lost.iter().any(|(verdict, path, _)| (*verdict, path.as_str()) == (Verdict::Unsafe, "net")), "{lost:?}");
    assert_eq!(said(&new, &new), []);
}
