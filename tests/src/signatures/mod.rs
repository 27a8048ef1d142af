//! Published test signatures of Ed25519: Wycheproof's, and the edge cases on which libraries disagree. Read from a folder that is not
//! part of the project.

pub mod edge;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use steadfast::hex;
use steadfast_signatures::Case;

/// Where Wycheproof's signatures lie in the folder, and how many they must be.
pub const WYCHEPROOF: (&str, usize) = ("wycheproof/ed25519_test.json", 151);
/// Where the edge cases lie.
pub const EDGE_CASES: &str = "ed25519-speccheck/cases.json";
/// What the numbers of edge cases start at, beyond those of Wycheproof.
pub const EDGE_FIRST: u16 = 1000;
/// More than any signature or message of these.
const FIELD_MAX_BYTES: usize = 4096;

/// Why the published files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// Not there, or not readable.
    #[error("{} cannot be read: {source}; name the folder that holds it with --data", file.display())]
    Unreadable {
        /// Which.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Not what it should be.
    #[error("{} is not the file that it should be: {what}", file.display())]
    Strange {
        /// Which.
        file: PathBuf,
        /// What is wrong.
        what: String,
    },
}

/// One signature in memory.
#[derive(Clone, Debug)]
pub struct Published {
    /// What it is called in its source.
    pub number: u16,
    /// Whether it must be accepted.
    pub is_valid: bool,
    /// The public key.
    pub key: [u8; 32],
    /// The signature, of any length.
    pub signature: Vec<u8>,
    /// The message.
    pub message: Vec<u8>,
}

impl Published {
    /// The same, borrowed.
    #[must_use]
    pub fn case(&self) -> Case<'_> {
        let Self { number, is_valid, key, .. } = *self;
        Case { number, is_valid, key, signature: &self.signature, message: &self.message }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wycheproof {
    number_of_tests: usize,
    test_groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    public_key: Key,
    tests: Vec<Test>,
}

#[derive(Deserialize)]
struct Key {
    pk: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Test {
    tc_id: u16,
    msg: String,
    sig: String,
    result: String,
}

#[derive(Deserialize)]
struct EdgeCase {
    message: String,
    pub_key: String,
    signature: String,
}

/// Wycheproof's signatures.
///
/// # Errors
/// [`DataError`], also when they are not as many as they should be.
pub fn wycheproof(data: &Path) -> Result<Vec<Published>, DataError> {
    let (name, count) = WYCHEPROOF;
    let file: Wycheproof = read(data, name)?;
    let strange = |what| DataError::Strange { file: data.join(name), what };
    let mut all = Vec::new();
    for group in &file.test_groups {
        for test in &group.tests {
            let is_valid = match test.result.as_str() {
                "valid" => true,
                "invalid" => false,
                other => return Err(strange(format!("a result `{other}`"))),
            };
            let texts = [&group.public_key.pk, &test.sig, &test.msg];
            all.extend(published(test.tc_id, is_valid, texts));
        }
    }
    if (all.len(), file.number_of_tests) == (count, count) {
        Ok(all)
    } else {
        Err(strange(format!("{} signatures, not {count}", all.len())))
    }
}

/// The edge cases, with the answers that strict verification owes.
///
/// # Errors
/// [`DataError`], also when they are not as many as they should be.
pub fn edge_cases(data: &Path) -> Result<Vec<Published>, DataError> {
    let cases: Vec<EdgeCase> = read(data, EDGE_CASES)?;
    let owed = (EDGE_FIRST..).zip(edge::OWED);
    let all: Vec<Published> = cases
        .iter()
        .zip(owed)
        .filter_map(|(case, (number, owed))| {
            published(number, owed.is_valid, [&case.pub_key, &case.signature, &case.message])
        })
        .collect();
    if (cases.len(), all.len()) == (edge::OWED.len(), edge::OWED.len()) {
        Ok(all)
    } else {
        let what = format!("{} cases, not {}", cases.len(), edge::OWED.len());
        Err(DataError::Strange { file: data.join(EDGE_CASES), what })
    }
}

/// All of them as a board holds them.
#[must_use]
pub fn baked<'a>(all: impl IntoIterator<Item = &'a Published>) -> Vec<u8> {
    let mut bytes = Vec::new();
    all.into_iter().for_each(|published| published.case().encode(&mut bytes));
    bytes
}

fn published(number: u16, is_valid: bool, [key, signature, message]: [&String; 3]) -> Option<Published> {
    let field = |text| hex::decode_any(text, FIELD_MAX_BYTES);
    Some(Published { number, is_valid, key: hex::decode(key)?, signature: field(signature)?, message: field(message)? })
}

fn read<T: DeserializeOwned>(data: &Path, name: &str) -> Result<T, DataError> {
    let file = data.join(name);
    let text = match fs::read(&file) {
        Ok(text) => text,
        Err(source) => return Err(DataError::Unreadable { file, source }),
    };
    serde_json::from_slice(&text).map_err(|error| DataError::Strange { file, what: error.to_string() })
}
