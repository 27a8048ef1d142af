//! Vectors of every frozen format: bytes, what is needed to judge them, and the judgement, as `docs/spec/vectors/*.json`.
//!
//! ```text
//! make (this module's neighbours) --all()--> JSON in docs/spec/vectors --judge--> what core says of it
//! ```
//!
//! What a vector must come to is written down by hand beside the bytes; [`judge`] asks core. Everything comes from fixed seeds, so the
//! files are the same in every run. They are committed: whoever changes a byte of a format sees a test fail.

mod answer;
mod boot;
mod cast;
pub mod ed25519;
mod envelope;
pub mod judge;
mod keyring;
mod manifest;
mod pack;
mod poll;
mod release;
mod report;
mod schema;
mod slot;
mod tree;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use steadfast_core::refusal::Refusal;

/// One case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vector {
    /// What it shows; unique in its file.
    pub name: String,
    /// What the bytes claim to be.
    pub kind: String,
    /// The bytes in hexadecimal.
    pub bytes: String,
    /// What the reader knows already.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub context: Map<String, Value>,
    /// What must come of it.
    pub expect: Expect,
}

/// What must come of a vector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Expect {
    /// It is taken, and says this.
    Good {
        /// The most telling of its fields.
        good: Map<String, Value>,
    },
    /// It is refused with this number.
    Refusal {
        /// The number.
        refusal: u16,
        /// The number's name.
        name: String,
    },
    /// It is refused, or does not count, where reasons have no numbers.
    Refused {
        /// Why.
        refused: String,
    },
}

/// The vectors of one file.
pub struct Book {
    /// The file's name without its ending.
    pub name: &'static str,
    /// Its vectors.
    pub vectors: Vec<Vector>,
}

/// Every vector there is.
#[must_use]
pub fn all() -> Vec<Book> {
    let book = |name, vectors| Book { name, vectors };
    vec![
        book("ed25519", ed25519::vectors()),
        book("identity", keyring::identities()),
        book("keyring", keyring::vectors()),
        book("release", release::vectors()),
        book("tree", tree::vectors()),
        book("manifest", manifest::vectors()),
        book("envelope", envelope::vectors()),
        book("poll", poll::vectors()),
        book("answer", answer::vectors()),
        book("report", report::vectors()),
        book("record", boot::vectors()),
        book("slot", slot::vectors()),
        book("schema", schema::vectors()),
        book("pack", pack::vectors()),
    ]
}

/// Where the files lie.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/spec/vectors")
}

impl Book {
    /// Its file.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        folder().join(self.name).with_extension("json")
    }

    /// What stands in its file.
    ///
    /// # Panics
    /// Never: vectors are plain data.
    #[must_use]
    pub fn text(&self) -> String {
        serde_json::to_string_pretty(&self.vectors).expect("vectors are plain data") + "\n"
    }
}

impl Vector {
    fn new(kind: &str, name: &str, bytes: &[u8], expect: Expect) -> Self {
        Self { name: name.to_owned(), kind: kind.to_owned(), bytes: hex(bytes), context: Map::new(), expect }
    }

    /// One that must be taken; see [`Vector::gives`].
    fn good(kind: &str, name: &str, bytes: &[u8]) -> Self {
        Self::new(kind, name, bytes, Expect::Good { good: Map::new() })
    }

    /// One that must be refused with a number.
    fn bad(kind: &str, name: &str, bytes: &[u8], refusal: Refusal) -> Self {
        let name_of = refusal.name().expect("only refusals that there are are expected").to_owned();
        Self::new(kind, name, bytes, Expect::Refusal { refusal: refusal.0, name: name_of })
    }

    /// One that must be refused, or not count, where reasons have no numbers.
    fn refused(kind: &str, name: &str, bytes: &[u8], why: &str) -> Self {
        Self::new(kind, name, bytes, Expect::Refused { refused: why.to_owned() })
    }

    /// Adds something that the reader knows.
    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.context.insert(name.to_owned(), value.into());
        self
    }

    /// Adds something that it says.
    fn gives(mut self, name: &str, value: impl Into<Value>) -> Self {
        if let Expect::Good { good } = &mut self.expect {
            good.insert(name.to_owned(), value.into());
        }
        self
    }
}

/// Lower-case digits, two a byte.
fn hex(bytes: &[u8]) -> String {
    steadfast::hex::encode(bytes)
}
