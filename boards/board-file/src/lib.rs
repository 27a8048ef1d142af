//! A `board.toml` for a board's build script: Rust constants (`board.rs`), the linker's memory map (`memory.x`) and its scripts.
//!
//! A table becomes a module, a key a constant in upper case, so nothing has to be listed twice. What is wrong in the file ends the
//! build with its name: found here, not on a device.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs};

use toml::{Table, Value};

/// What lies beside a board's build script.
const FILE: &str = "board.toml";

/// A board's description, as its build script uses it.
#[derive(Debug)]
pub struct BoardFile {
    table: Table,
    out: PathBuf,
}

impl BoardFile {
    /// Reads the `board.toml` of the package that is being built, and writes its constants to `board.rs` in `OUT_DIR`.
    ///
    /// # Panics
    /// When there is none, when it does not parse, or when its flash regions do not go together.
    #[must_use]
    pub fn read() -> Self {
        println!("cargo::rerun-if-changed={FILE}");
        let text = fs::read_to_string(FILE).expect("board.toml lies beside build.rs");
        let table: Table = text.parse().unwrap_or_else(|error| panic!("{FILE}: {error}"));
        let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
        let board = Self { table, out };
        board.check_flash();
        board.write("board.rs", &constants(&board.table, 0));
        board
    }

    /// A number.
    ///
    /// # Panics
    /// When it is missing or is no number.
    #[must_use]
    pub fn integer(&self, table: &str, key: &str) -> i64 {
        let value = self.table.get(table).and_then(|table| table.get(key)).and_then(Value::as_integer);
        value.unwrap_or_else(|| panic!("{FILE}: {table}.{key} is missing, or is not a number"))
    }

    /// Writes this memory map to `memory.x`, and links the package's programs with the runtime's scripts, defmt's and Steadfast's.
    ///
    /// # Panics
    /// When `OUT_DIR` cannot be written.
    pub fn link(&self, memory_map: &str, runtime: &[&str]) {
        self.write("memory.x", memory_map);
        if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "none") {
            println!("cargo::rustc-link-search={}", self.out.display());
            for script in runtime.iter().chain(&["defmt.x", "steadfast.x"]) {
                println!("cargo::rustc-link-arg-bins=-T{script}");
            }
        }
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.out.join(name), text).expect("OUT_DIR can be written");
    }

    /// Regions must be whole erase blocks that neither overlap nor leave the chip.
    fn check_flash(&self) {
        let (erase, whole) = (self.integer("flash", "erase_bytes"), self.integer("flash", "bytes"));
        let flash = self.table["flash"].as_table().expect("board.toml: [flash] is a table");
        let mut regions: Vec<(i64, i64, &str)> = Vec::new();
        for (name, region) in flash.iter().filter_map(|(name, value)| value.as_table().map(|table| (name, table))) {
            let offset = region["offset"].as_integer().expect("board.toml: offset is a number");
            let bytes = region["bytes"].as_integer().expect("board.toml: bytes is a number");
            assert!(
                bytes > 0 && offset % erase == 0 && bytes % erase == 0,
                "{FILE}: [flash.{name}] is not whole erase blocks"
            );
            regions.push((offset, offset + bytes, name));
        }
        regions.sort_unstable();
        for pair in regions.windows(2) {
            assert!(pair[0].1 <= pair[1].0, "{FILE}: [flash.{}] and [flash.{}] overlap", pair[0].2, pair[1].2);
        }
        let inside = regions.iter().position(|region| region.2 == "identity");
        assert!(
            inside == Some(0) || inside == Some(regions.len() - 1),
            "{FILE}: [flash.identity] lies between the regions that core writes: put it before or behind them"
        );
        assert!(regions.last().is_some_and(|last| last.1 <= whole), "{FILE}: a region lies beyond the flash");
    }
}

fn constants(table: &Table, depth: usize) -> String {
    let indent = "    ".repeat(depth);
    let mut text = String::new();
    for (key, value) in table {
        let name = key.to_uppercase();
        match value {
            Value::Integer(number) => writeln!(text, "{indent}pub const {name}: usize = {number};"),
            Value::String(words) => writeln!(text, "{indent}pub const {name}: &str = {words:?};"),
            Value::Table(inner) => {
                writeln!(text, "{indent}pub mod {key} {{\n{}{indent}}}", constants(inner, depth + 1))
            }
            other => panic!("{FILE}: `{key}` is a {}, which no constant is made of", other.type_str()),
        }
        .expect("writing to a string does not fail");
    }
    text
}
