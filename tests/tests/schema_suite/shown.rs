//! What people and editors are shown of a schema.

use serde_json::{Value, json};
use steadfast::schema::Schema;

use crate::sample::DESCRIPTION;

fn json_of(path: &str) -> Value {
    Schema::decode(&DESCRIPTION).unwrap().json_schema().pointer(path).cloned().unwrap_or_default()
}

#[test]
fn the_page_names_every_field_with_what_it_takes() {
    let page = Schema::decode(&DESCRIPTION).unwrap().page();
    let lines = [
        "# Firmware",
        "## plain",
        "Everything plain.",
        "| `c` | whole number, 10 to 3600 ms | `1000` | How often a sample is taken. In a second line. (formerly `period`) |",
        "| `d` | whole number, -100 to 32767 | **must be set** |  |",
        "| `i` | number, -40 to 85.1 °C | `21.5` |  |",
        "| `j` | number | **must be set** |  |",
        "| `m[].metric` | whole number, 0 to 1000 | `10` | Less is better. |",
        "| `n` | optional whole number, 0 to 4294967295 | absent |  |",
        "| `p` | one of `off`, `fixed_rate`, `custom`, `routed` | `\"off\"` |  |",
        "| `p = \"off\"` | | | Does nothing. |",
        "| `p.custom.share` | number, 0 to 1 | **must be set** |  |",
        "| `timeout` | duration, 1s to 1h | `\"90s\"` |  |",
        "| `by_name.*.metric` | whole number, 0 to 1000 | `10` | Less is better. |",
        "| `nested` | table |  |  |",
    ];
    for line in lines {
        assert!(page.lines().any(|shown| shown == line), "missing: {line}\n{page}");
    }
    assert!(
        page.contains("Risk safety; a change restarts its task; at most 64 bytes; secret; checks sensor."),
        "{page}"
    );
}

#[test]
fn editors_know_types_bounds_and_defaults() {
    assert_eq!(
        json_of("/properties/plain/properties/c"),
        json!({
            "type": "integer", "minimum": 10, "maximum": 3600, "default": 1000,
            "description": "How often a sample is taken.\nIn a second line.\nUnit: ms.",
        })
    );
    assert_eq!(json_of("/properties/plain/properties/g/maximum"), json!(u64::MAX));
    assert_eq!(json_of("/properties/plain/properties/h/minimum"), json!(i64::MIN));
    assert_eq!(json_of("/properties/plain/properties/l/default"), json!([1, 2]));
    assert_eq!(json_of("/properties/special/properties/by_number/default"), json!({}));
    assert_eq!(json_of("/properties/plain/properties/p/oneOf/0/const"), json!("off"));
    assert_eq!(json_of("/properties/plain/properties/p/oneOf/1/required"), json!(["fixed_rate"]));
    assert_eq!(json_of("/properties/plain/additionalProperties"), json!(false));
    assert_eq!(json_of("/required"), Value::Null);
}
