//! What core, and the host where packs and descriptions are its business, say of a vector.
//!
//! Reads nothing but the JSON, so a vector that does not bring what is needed to judge it fails here.

mod device;
mod host;
mod signed;

use serde_json::{Map, Value};
use steadfast_core::content::{Content, ObjectRef};
use steadfast_core::digest::Digest;
use steadfast_core::id::FleetId;
use steadfast_core::keyring::Keyring;
use steadfast_core::position::Position;
use steadfast_core::refusal::Refusal;

use super::{Expect, Vector};

/// What a good vector says.
pub(super) type Says = Map<String, Value>;

/// Why a vector is not taken.
#[derive(Debug)]
pub enum Fault {
    /// With a number.
    Refusal(Refusal),
    /// Where reasons have no numbers.
    Refused(String),
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::Refusal(refusal)
    }
}

/// Judges a vector.
///
/// # Errors
/// Why it is not taken.
///
/// # Panics
/// When the vector is of no known kind or does not bring what is needed.
pub fn judge(vector: &Vector) -> Result<Says, Fault> {
    let bytes = &unhex(&vector.bytes)[..];
    match vector.kind.as_str() {
        "ed25519" => signed::signature(vector, bytes),
        "identity" => signed::identity(bytes),
        "keyring" => signed::keyring(bytes),
        "signed-keyring" => signed::successor(vector, bytes),
        "keyring-file" => host::keyring_file(bytes),
        "release" => signed::release(vector, bytes),
        "head" => signed::head(vector, bytes),
        "leaf" => signed::leaf(bytes),
        "path" => signed::path(vector, bytes),
        "manifest" => device::manifest(bytes),
        "envelope" => device::envelope(vector, bytes),
        "poll" => device::poll(bytes),
        "answer" => device::answer(vector, bytes),
        "report" => host::report(vector, bytes),
        "record-copy" => device::record_copy(bytes),
        "record-region" => device::record_region(vector, bytes),
        "slot" => device::slot(vector, bytes),
        "schema" => host::schema(bytes),
        "pack" => host::pack(vector, bytes),
        "signature-file" => host::signature_file(vector, bytes),
        other => panic!("`{other}` is no kind of vector"),
    }
}

/// Whether the judgement is what the vector expects; if not, what it is instead.
///
/// # Errors
/// The judgement in words.
pub fn agree(vector: &Vector) -> Result<(), String> {
    let found = match (&vector.expect, judge(vector)) {
        (Expect::Good { good }, Ok(says)) if *good == says => return Ok(()),
        (Expect::Refusal { refusal, .. }, Err(Fault::Refusal(found))) if *refusal == found.0 => return Ok(()),
        (Expect::Refused { .. }, Err(Fault::Refused(_))) => return Ok(()),
        (_, found) => found,
    };
    Err(format!("{} `{}`: expected {:?}, found {found:?}", vector.kind, vector.name, vector.expect))
}

fn unhex(text: &str) -> Vec<u8> {
    steadfast::hex::decode_any(text, text.len()).unwrap_or_else(|| panic!("`{text}` is no hexadecimal text"))
}

/// What the context says by that name.
trait Known {
    fn known(&self, name: &str) -> &Value;

    fn text(&self, name: &str) -> &str {
        self.known(name).as_str().unwrap_or_else(|| panic!("`{name}` is no text"))
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        unhex(self.text(name))
    }

    fn array<const N: usize>(&self, name: &str) -> [u8; N] {
        self.bytes(name).try_into().unwrap_or_else(|_| panic!("`{name}` has not {N} bytes"))
    }

    fn number(&self, name: &str) -> u32 {
        let number = self.known(name).as_u64().and_then(|number| number.try_into().ok());
        number.unwrap_or_else(|| panic!("`{name}` is no number"))
    }

    fn fleet(&self) -> FleetId {
        FleetId(self.array("fleet"))
    }

    fn keyring(&self) -> Keyring {
        Keyring::decode(&self.bytes("keyring")).expect("the keyring that the reader believes is sound")
    }

    fn position(&self, name: &str) -> Position {
        let pair: (u32, u32) = serde_json::from_value(self.known(name).clone()).expect("a pair of numbers");
        Position { epoch: pair.0, sequence: pair.1 }
    }

    /// A content by the names under which its parts stand.
    fn content(&self, manifest: &str, private: &str) -> Content;
}

impl Known for Vector {
    fn known(&self, name: &str) -> &Value {
        self.context.get(name).unwrap_or_else(|| panic!("`{}` does not bring `{name}`", self.name))
    }

    fn content(&self, manifest: &str, private: &str) -> Content {
        let object = |value: &Value| {
            let (digest, size): (String, u32) = serde_json::from_value(value.clone()).expect("a digest and a size");
            ObjectRef { digest: Digest(unhex(&digest).try_into().expect("32 bytes")), size }
        };
        let private = self.context.get(private).map(object);
        Content { manifest: Digest(self.array(manifest)), private }
    }
}

/// Collects what a good vector says.
fn says<const N: usize>(pairs: [(&str, Value); N]) -> Says {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn pair(position: Position) -> Value {
    vec![position.epoch, position.sequence].into()
}

fn hex(bytes: &[u8]) -> Value {
    super::hex(bytes).into()
}
