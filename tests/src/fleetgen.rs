//! Fleets for tests and benchmarks: one small by hand that uses every kind of value, and generated ones of any size.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Map, Value as Json, json};
use steadfast::schema::{Draft, Field, Schema};

use crate::firmwares::{ROUTER, SENSOR};
use crate::fleet_folder::FleetFolder;

/// Sites of the small fleet and the region that each implies.
const SITES: [(&str, &str); 3] = [("berlin", "eu"), ("paris", "eu"), ("boston", "us")];

/// A fleet of six devices that uses labels, every kind of level, and own values.
#[must_use]
pub fn small() -> FleetFolder {
    let folder = FleetFolder::new();
    let settings = r#"layers = ["common", "model/{model}", "region/{region}", "site/{site}?", "device/{name}?"]

[fleet]
name = "small"
id = "000102030405060708090a0b0c0d0e0f"

[models.router]
render = "json"
slot_bytes = 65536

[models.sensor]
slot_bytes = 4096
"#;
    folder.write("steadfast.toml", settings);
    schema(&folder, "sensor", &SENSOR);
    schema(&folder, "router", &ROUTER);
    for (site, region) in SITES {
        folder.write(&format!("labels/site/{site}.toml"), format!("region = \"{region}\"\n"));
    }
    folder.write("layers/common.toml", "[network]\nserver = \"10.0.2.2:8080\"\nntp = \"ntp.example\"\n");
    folder.write("layers/model/sensor.toml", "[alarms]\nrecipients = [\"ops@example\"]\n");
    let router = "[[routing.vlans]]\nvid = 10\nprefix = \"10.1.0.1/24\"\n\n[[routing.vlans]]\nvid = 20\n";
    folder.write("layers/model/router.toml", router);
    folder.write("layers/region/eu.toml", "[network]\ntimeout = \"10s\"\n\n[sampling]\nperiod_ms = 500\n");
    folder.write("layers/region/us.toml", "[sampling]\nmode = { average = 4 }\n");
    folder.write("layers/site/berlin.toml", "unset = [\"network.ntp\"]\n\n[alarms]\nlow = -30\n");
    folder.write("layers/device/r2.toml", "[append]\nrouting.vlans = [{ vid = 30, untagged = true }]\n");
    let rows = "device,name,model,site,set.sampling.period_ms\n\
        00000000000000000000000000000001,s1,sensor,berlin,\n\
        00000000000000000000000000000002,s2,sensor,berlin,\n\
        00000000000000000000000000000003,s3,sensor,paris,250\n\
        00000000000000000000000000000004,s4,sensor,boston,\n";
    folder.write("inventory/sensors.csv", rows);
    let router = |n: u8, site: &str| {
        format!(
            "[[device]]\ndevice = \"000000000000000000000000000000f{n}\"\nname = \"r{n}\"\nmodel = \"router\"\nsite = \"{site}\"\n\n"
        )
    };
    folder.write("inventory/routers.toml", router(1, "paris") + &router(2, "boston"));
    folder
}

/// Puts a firmware's description where `steadfast schema add` would.
fn schema(folder: &FleetFolder, model: &str, description: &[u8]) {
    let schema = Schema::decode(description).expect("the derive describes rightly");
    folder.write(&format!("schemas/{model}/{}.schema", schema.short_id()), description);
}

/// The measures of a generated fleet.
#[derive(Clone, Copy, Debug)]
pub struct Measures {
    /// How many devices.
    pub devices: u32,
    /// How many sites they are spread over; each has a layer of its own, unlike all others.
    pub sites: u32,
    /// Every so many-th device has a value of its own, unlike all others; 0 for none.
    pub own_every: u32,
}

/// Regions of a generated fleet.
const REGIONS: u32 = 10;

/// Devices in one file of its inventory.
const BATCH: u32 = 10_000;

/// Live schemas of its model.
pub const LIVE: usize = 3;

impl Measures {
    /// A fleet in which about a hundred devices share a site, and every tenth has a value of its own: a million are 10,000 sites and 100,000
    /// such devices.
    #[must_use]
    pub fn of(devices: u32) -> Self {
        Self { devices, sites: (devices / 100).max(1), own_every: 10 }
    }
}

/// Generates a fleet of sensors at four levels of layers: common, model, region, site. Three firmwares are in the field. The same measures
/// give the same files.
#[must_use]
pub fn generate(measures: Measures) -> FleetFolder {
    let folder = FleetFolder::new();
    let live = live();
    let files = live.each_ref().map(|schema| format!("{}.schema", schema.short_id()));
    let settings = format!(
        "layers = [\"common\", \"model/{{model}}\", \"region/{{region}}\", \"site/{{site}}\"]\n\n[fleet]\n\
        name = \"generated\"\nid = \"000102030405060708090a0b0c0d0e0f\"\n\n[models.sensor]\nslot_bytes = 4096\nschemas = {files:?}\n"
    );
    folder.write("steadfast.toml", settings);
    for (file, schema) in files.iter().zip(&live) {
        folder.write(&format!("schemas/sensor/{file}"), schema.encode());
    }
    folder.write("layers/common.toml", "[network]\nserver = \"server.example:8080\"\nntp = \"ntp.example\"\n");
    folder.write("layers/model/sensor.toml", "[alarms]\nrecipients = [\"ops@example\", \"night@example\"]\n");
    for region in 0..REGIONS {
        folder.write(&format!("layers/region/r{region}.toml"), format!("[network]\ntimeout = \"{}s\"\n", region + 1));
    }
    for site in 0..measures.sites {
        folder.write(&format!("labels/site/s{site}.toml"), format!("region = \"r{}\"\n", site % REGIONS));
        folder.write(&format!("layers/site/s{site}.toml"), format!("[sampling]\nperiod_ms = {}\n", 1000 + site));
    }
    for batch in 0..measures.devices.div_ceil(BATCH) {
        let devices = batch * BATCH..measures.devices.min((batch + 1) * BATCH);
        let rows = devices.fold("device,name,model,site,set.sampling.period_ms\n".to_owned(), |mut rows, device| {
            row(&mut rows, device, measures);
            rows
        });
        folder.write(&format!("inventory/batch-{batch:03}.csv"), rows);
    }
    folder
}

/// A generated fleet's layers and devices as one document of JSON, for programs that read neither TOML nor CSV.
///
/// # Panics
/// For a folder that [`generate`] has not written.
#[must_use]
pub fn document(folder: &Path) -> Json {
    let layer = |path: &Path| -> Json {
        let text = std::fs::read_to_string(path).expect("the file is there");
        json!(text.parse::<toml::Table>().expect("it is TOML"))
    };
    let all = |below: &str| -> Map<String, Json> {
        let files = std::fs::read_dir(folder.join(below))
            .expect("the folder is there")
            .map(|entry| entry.expect("an entry").path());
        files.map(|path| (path.file_stem().expect("a name").to_string_lossy().into_owned(), layer(&path))).collect()
    };
    let region_of: Map<String, Json> =
        all("labels/site").into_iter().map(|(site, implied)| (site, implied["region"].clone())).collect();
    let mut devices = Vec::new();
    for entry in std::fs::read_dir(folder.join("inventory")).expect("the folder is there") {
        let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("the file is there");
        for row in text.lines().skip(1).map(|row| row.split(',').collect::<Vec<_>>()) {
            let own = row[4]
                .parse::<u32>()
                .map_or_else(|_| json!({}), |period| json!({ "sampling": { "period_ms": period } }));
            devices.push(json!({ "device": row[0], "site": row[3], "own": own }));
        }
    }
    json!({
        "common": layer(&folder.join("layers/common.toml")), "model": layer(&folder.join("layers/model/sensor.toml")),
        "region": all("layers/region"), "site": all("layers/site"), "region_of": region_of, "devices": devices,
    })
}

fn row(rows: &mut String, device: u32, measures: Measures) {
    let own = measures.own_every > 0 && (device / measures.sites).is_multiple_of(measures.own_every);
    let period = if own { (100_000 + device).to_string() } else { String::new() };
    // Scattered ids, so that the order of devices is not the order of rows.
    let id = u128::from(device + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    writeln!(rows, "{id:032x},d{device},sensor,s{},{period}", device % measures.sites).expect("text grows");
}

/// The schemas of three firmwares, oldest first: one had neither mode nor gain and called the period otherwise, one had no gain.
fn live() -> [Schema; LIVE] {
    let sampling = |edit: &dyn Fn(&mut Vec<Field>)| {
        let Schema { name, mut sections, removed, .. } = Schema::decode(&SENSOR).expect("the derive describes rightly");
        let section = sections.iter_mut().find(|section| section.name == "sampling").expect("sensors sample");
        edit(&mut section.fields);
        Schema::new(Draft { name, sections, removed }).expect("it stays a schema")
    };
    let oldest = |fields: &mut Vec<Field>| {
        fields.truncate(1);
        fields[0].name = "every_ms".to_owned();
    };
    let newest = |fields: &mut Vec<Field>| fields[0].was = Some("every_ms".to_owned());
    [sampling(&oldest), sampling(&|fields| fields.truncate(2)), sampling(&newest)]
}
