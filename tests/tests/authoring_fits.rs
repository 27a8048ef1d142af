//! Whatever a live schema allows fits the smallest board of its model, or nothing is merged.

use steadfast::diagnostics::Code;
use steadfast::schema::from_toml;
use steadfast_tests::fleet_folder::FleetFolder;

/// Two texts as long as they can be, and numbers at their longest.
const LARGE: &str = "[section.a]\nchecks = [\"one\", \"two\"]\n[section.a.fields]\ntext = { type = \"text\", max = 100, default = \"\" }\n\
    list = { type = \"list\", max = 3, item = \"u32\", default = [] }\nn = { type = \"i64\", default = 0 }\n\
    [section.b.fields]\naddress = { type = \"ip_net\", default = \"0.0.0.0/0\" }\nwait = { type = \"duration\", max = \"1d\", default = \"1s\" }\n\
    mode = { type = \"mode\", default = \"off\" }\n[type.mode.variants]\noff = {}\nnear.fields = { x = \"f64\", y = \"u16\" }\n";
const SMALL: &str = "[section.a.fields]\ntext = { type = \"text\", max = 4, default = \"\" }\n";

/// A fleet of three devices with these live schemas.
fn fleet(schemas: &[&str], slot_bytes: u64, layer: &str) -> FleetFolder {
    let folder = FleetFolder::new();
    let names: Vec<String> = (0..schemas.len()).map(|index| format!("s{index}.toml")).collect();
    let settings = format!(
        "layers = [\"common\"]\n[fleet]\nname = \"f\"\nid = \"00000000000000000000000000000001\"\n[models.m]\nslot_bytes = {slot_bytes}\nschemas = {names:?}\n"
    );
    folder.write("steadfast.toml", settings);
    for (schema, name) in schemas.iter().zip(&names) {
        folder.write(&format!("schemas/m/{name}"), schema);
    }
    let row = |device: u8| format!("{device:032x},d{device},m\n");
    folder.write("inventory/all.csv", "device,name,model\n".to_owned() + &(1..=3).map(row).collect::<String>());
    folder.write("layers/common.toml", layer);
    folder
}

/// How many bytes of a slot the refusal says.
fn refused(folder: &FleetFolder) -> u64 {
    let diagnostics = folder.compile().unwrap_err();
    let [one] = diagnostics.list() else { panic!("{diagnostics}") };
    assert_eq!((one.code(), one.devices()), (Code::TooLarge, 3), "{diagnostics}");
    let large = from_toml(LARGE, "s0").unwrap();
    assert!(one.message().contains(&format!("the live schema {}", large.short_id())), "{diagnostics}");
    assert!(one.help().contains(&format!("`a` up to {}", large.sections[0].max_bytes())), "{}", one.help());
    assert_eq!(one.position().map(|at| (&*at.path, at.line)), Some(("steadfast.toml", 5)));
    let words = one.message().split(' ');
    words.skip_while(|word| *word != "take").nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_schema_that_could_outgrow_the_slot_is_refused_whatever_the_values() {
    let bytes = refused(&fleet(&[LARGE], 128, ""));
    assert_eq!(refused(&fleet(&[LARGE], bytes - 1, "")), bytes);
    assert!(fleet(&[LARGE], bytes, "").compile().is_ok());
    // The oldest that is live counts as much as the newest.
    assert_eq!(refused(&fleet(&[LARGE, SMALL], bytes - 1, "")), bytes);
    assert!(fleet(&[LARGE, SMALL], bytes, "").compile().is_ok());
}

#[test]
fn the_largest_values_take_what_was_said_and_no_more() {
    let bytes = refused(&fleet(&[LARGE], 128, ""));
    let layer = format!(
        "[a]\ntext = \"{}\"\nlist = [4294967295, 4294967295, 4294967295]\nn = -9223372036854775808\n[b]\naddress = \"fe80::1/128\"\nwait = \"1d\"\n\
         mode = {{ near = {{ x = 1.5, y = 65535 }} }}\n[agent]\npoll_seconds = 86400\nfreshness_seconds = 86400\nlost_contact_seconds = 31536000\nattempt = 4294967295\n\
         [health]\ntrial_seconds = 3600\nboots = 8\n",
        "x".repeat(100)
    );
    let compiled = fleet(&[LARGE], bytes, &layer).compile().unwrap();
    let schema = from_toml(LARGE, "s0").unwrap();
    let sizes: usize = compiled.objects.values().map(Vec::len).sum();
    assert_eq!(sizes as u64, schema.max_bytes());
    // As a slot lays them out: a header, then each part at a multiple of 32.
    let parts = compiled.objects.values().chain(&compiled.manifests).map(|part| part.len().next_multiple_of(32));
    assert_eq!(128 + parts.sum::<usize>() as u64, bytes);
}
