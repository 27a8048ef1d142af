//! The same 10,000 devices, rendered and packed by Steadfast and by the tools that people use instead.
//!
//! `cargo xtask bench peers` runs it, optimised; docs/benchmarks.md has the figures, and what has to be installed. Each tool is one process, and what counts
//! is its processors' time, start included. All renderers are given the same layers as JSON, which spares them reading TOML, CSV and git;
//! Steadfast starts from the commit and ends with a signed pack. What they render is compared, device by device.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Map, Value as Json, json};
use steadfast::compile::{compile, explain};
use steadfast::fleet::{At, Fleet};
use steadfast::keys::{KeyFile, Purpose, Signer};
use steadfast::pack::Pack;
use steadfast::release::{self, Issue};
use steadfast::sign;
use steadfast_core::id::FleetId;
use steadfast_tests::fleetgen::{Measures, document, generate};
use steadfast_tests::used;

const DEVICES: u32 = 10_000;

/// What the slow ones are given: a hundred devices take them seconds.
const FEW: u32 = 100;

/// Ours has to pack so many devices in a second of one processor.
const RATE_MIN: f64 = 100_000.0;

/// Ours runs so often, and the best counts: it takes so little that the rest of the machine shows in it.
const RUNS: u32 = 9;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match &arguments[..] {
        [folder] if folder != "--python" => ours(Path::new(folder)),
        [_, python] => compare(python),
        _ => compare("python3"),
    }
}

/// A line of the table.
struct Line {
    tool: &'static str,
    version: String,
    what: &'static str,
    devices: u32,
    seconds: f64,
    bytes: u64,
    /// Bytes that a device fetches when one value of it has changed.
    update: Option<u64>,
}

fn compare(python: &str) {
    let folder = generate(Measures::of(DEVICES));
    folder.init();
    let bench = Bench::new(folder.path(), python);
    println!(
        "{:<12} {:<22} {:<32} {:>7} {:>8} {:>10} {:>10} {:>8}",
        "tool", "version", "does", "devices", "CPU s", "per CPU s", "bytes", "update"
    );
    let steadfast = bench.steadfast(folder.path());
    print(&steadfast);
    let expected = bench.expected(folder.path());
    for (tool, module, count) in
        [("Python", "plain", DEVICES), ("Jinja2", "jinja2", DEVICES), ("jrsonnet", "jrsonnet", DEVICES)]
    {
        bench.rendered(tool, module, count, &expected);
    }
    bench.jsonnet(&expected);
    bench.tuf();
    bench.rauc(&expected);
    let rate = f64::from(DEVICES) / steadfast.seconds;
    println!("bound for the first: {RATE_MIN} devices in a second of one processor");
    assert!(rate >= RATE_MIN, "{rate:.0} is too slow");
}

fn print(line: &Line) {
    let Line { tool, version, what, devices, seconds, bytes, update } = line;
    let update = update.map_or_else(|| "-".to_owned(), |bytes| bytes.to_string());
    let rate = f64::from(*devices) / seconds.max(0.01);
    println!("{tool:<12} {version:<22} {what:<32} {devices:>7} {seconds:>8.3} {rate:>10.0} {bytes:>10} {update:>8}");
}

/// Where tools find what they need, and leave what they make.
struct Bench<'p> {
    python: &'p str,
    scripts: PathBuf,
    work: tempfile::TempDir,
}

impl<'p> Bench<'p> {
    fn new(fleet: &Path, python: &'p str) -> Self {
        let work = tempfile::tempdir().expect("a temporary folder");
        fs::write(work.path().join("data.json"), document(fleet).to_string()).expect("it can be written");
        Self { python, scripts: Path::new(env!("CARGO_MANIFEST_DIR")).join("peers"), work }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.work.path().join(name)
    }

    /// Runs a tool; its processors' seconds and what it printed. None with a word on it when it is not there or fails.
    fn run(&self, tool: &str, command: &mut Command) -> Option<(f64, String)> {
        let before = used::children_cpu_seconds();
        let output = command.stdin(Stdio::null()).output();
        let seconds = used::children_cpu_seconds() - before;
        match output {
            Ok(output) if output.status.success() => {
                Some((seconds, String::from_utf8_lossy(&output.stdout).into_owned()))
            }
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stderr).trim().lines().last().unwrap_or_default().to_owned();
                println!("{tool:<12} left out: {said}; docs/benchmarks.md says what to install");
                None
            }
            Err(error) => {
                println!("{tool:<12} left out: {error}; docs/benchmarks.md says what to install");
                None
            }
        }
    }

    fn version(&self, command: &[&str]) -> String {
        let output = Command::new(command[0]).args(&command[1..]).output();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        text.split_whitespace().last().unwrap_or("unknown").to_owned()
    }

    fn module(&self, name: &str) -> String {
        let code = format!("import importlib.metadata as m; print(m.version('{name}'))");
        self.version(&[self.python, "-c", &code])
    }

    fn steadfast(&self, fleet: &Path) -> Line {
        let program = env::current_exe().expect("this program has a path");
        let runs = (0..RUNS).map(|_| {
            let (_, said) = self.run("steadfast", Command::new(&program).arg(fleet)).expect("this program runs");
            let figures: Vec<f64> = said.split_whitespace().map(|figure| figure.parse().expect("a figure")).collect();
            <[f64; 3]>::try_from(figures).expect("its seconds, the bytes of the pack, and of an update")
        });
        let [seconds, bytes, update] = runs.min_by(|a, b| a[0].total_cmp(&b[0])).expect("there are runs");
        let (version, what) = (env!("CARGO_PKG_VERSION").to_owned(), "git to signed pack, 3 schemas");
        Line {
            tool: "steadfast",
            version,
            what,
            devices: DEVICES,
            seconds,
            bytes: bytes as u64,
            update: Some(update as u64),
        }
    }

    /// What each device is to have, by Steadfast's own word.
    fn expected(&self, folder: &Path) -> BTreeMap<String, Json> {
        let fleet = Fleet::open(folder, &At::Head).expect("the generated fleet is right");
        let value = |device| {
            let mut sections: BTreeMap<String, Map<String, Json>> = BTreeMap::new();
            for field in explain(&fleet, device, None).fields.into_iter().filter(|field| !field.history.is_empty()) {
                let (section, name) = field.field.split_once('.').expect("a section and a field");
                sections
                    .entry(section.to_owned())
                    .or_default()
                    .insert(name.to_owned(), field.value.unwrap_or_default());
            }
            json!(sections)
        };
        fleet.devices.iter().map(|device| (device.id.to_string(), value(device))).collect()
    }

    /// Whether a tool rendered what is expected, of so many devices.
    fn check(&self, rendered: &Path, count: u32, expected: &BTreeMap<String, Json>) -> u64 {
        let text = fs::read_to_string(rendered).expect("the tool has written");
        let devices: Vec<Map<String, Json>> = serde_json::from_str(&text).expect("it is JSON");
        assert_eq!(devices.len(), count as usize, "so many devices");
        for mut device in devices {
            let id = device.remove("device").and_then(|id| Some(id.as_str()?.to_owned())).expect("an id");
            assert_eq!(Json::Object(device), expected[&id], "{id}");
        }
        text.len() as u64
    }

    fn rendered(&self, tool: &'static str, way: &str, count: u32, expected: &BTreeMap<String, Json>) {
        let out = self.path(&format!("{way}.json"));
        let mut command = Command::new(self.python);
        command
            .arg(self.scripts.join("render.py"))
            .arg(way)
            .arg(self.path("data.json"))
            .arg(count.to_string())
            .arg(&out);
        let Some((seconds, _)) = self.run(tool, &mut command) else { return };
        let version = match tool {
            "Jinja2" => self.module("jinja2"),
            "jrsonnet" => format!("rjsonnet {}", self.module("rjsonnet")),
            _ => self.version(&[self.python, "--version"]),
        };
        let bytes = self.check(&out, count, expected);
        print(&Line { tool, version, what: "JSON of values, unsigned", devices: count, seconds, bytes, update: None });
    }

    fn jsonnet(&self, expected: &BTreeMap<String, Json>) {
        let out = self.path("jsonnet.json");
        let mut command = Command::new("jsonnet");
        command.arg("--jpath").arg(self.work.path()).arg("--tla-code").arg(format!("count={FEW}")).arg("-o").arg(&out);
        command.arg(self.scripts.join("fleet.jsonnet"));
        let Some((seconds, _)) = self.run("jsonnet", &mut command) else { return };
        let (version, bytes) = (self.version(&["jsonnet", "--version"]), self.check(&out, FEW, expected));
        print(&Line {
            tool: "jsonnet",
            version,
            what: "JSON of values, a part",
            devices: FEW,
            seconds,
            bytes,
            update: None,
        });
    }

    fn tuf(&self) {
        let mut command = Command::new(self.python);
        command.arg(self.scripts.join("pack_tuf.py")).arg(self.path("plain.json")).arg(self.path("tuf"));
        let Some((seconds, said)) = self.run("python-tuf", &mut command) else { return };
        let mut sizes = said.split_whitespace().map(|size| size.parse().expect("a size"));
        let (bytes, update) = (sizes.next().expect("all metadata"), sizes.next());
        let (version, what) = (self.module("tuf"), "signs rendered files, 256 bins");
        print(&Line { tool: "python-tuf", version, what, devices: DEVICES, seconds, bytes, update });
    }

    fn rauc(&self, expected: &BTreeMap<String, Json>) {
        let folder = self.path("rendered");
        fs::create_dir(&folder).expect("a folder");
        for (id, values) in expected.iter().take(FEW as usize) {
            fs::write(folder.join(format!("{id}.json")), values.to_string()).expect("it can be written");
        }
        let mut command = Command::new("sh");
        command.arg(self.scripts.join("pack_rauc.sh")).arg(&folder).arg(self.path("rauc"));
        let Some((seconds, said)) = self.run("RAUC", &mut command) else { return };
        let bytes: u64 = said.trim().parse().expect("a size");
        let (version, what) = (self.version(&["rauc", "--version"]), "a signed bundle each, a part");
        print(&Line {
            tool: "RAUC",
            version,
            what,
            devices: FEW,
            seconds,
            bytes,
            update: Some(bytes / u64::from(FEW)),
        });
    }
}

/// From a commit to a signed pack. Prints seconds of processors, the pack's bytes, and those that a device fetches when one section has changed.
fn ours(folder: &Path) {
    let fleet = Fleet::open(folder, &At::Head).expect("the generated fleet is right");
    let compiled = compile(&fleet).expect("the generated fleet compiles");
    let pack: Pack =
        release::build(&compiled, Issue { fleet: FleetId([7; 16]), epoch: 1 }).expect("it makes a release");
    let key = KeyFile::generate(Purpose::Publisher).expect("a key");
    let signatures = sign::sign(&pack, [&key as &dyn Signer]).expect("a key in memory signs");
    fs::write(folder.join(".git/release.pack"), pack.bytes()).expect("the pack can be written");
    let place = pack.leaves().places().next().expect("there are devices");
    // The section that holds the value, as every device has one: the others are there already.
    let section = pack.objects().map(|(_, range)| range.len()).max().unwrap_or_default();
    let update = pack.envelope(&place, &signatures).len() + section;
    // Last: whatever else this process does, it has done.
    println!("{} {} {update}", used::cpu_seconds(), pack.bytes().len());
}
