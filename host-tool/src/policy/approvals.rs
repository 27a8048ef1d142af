//! Who agreed to a change: a file that CI writes from what its reviewers clicked.
//!
//! ```json
//! { "format": 1, "approvals": [ { "by": "ann", "role": "safety", "at": "2026-11-24T09:30:00Z", "commit": "3f2a…" } ] }
//! ```
//! `commit` may be left out. Whoever hands the file over vouches for it.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The file's format.
const FORMAT: u32 = 1;

/// The largest file that is read.
const BYTES_MAX: u64 = 1 << 20;

/// An approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// Who.
    pub by: String,
    /// As what: the word that rules ask for.
    pub role: String,
    /// When, as RFC 3339 has it.
    pub at: String,
    /// What was looked at, by its full id.
    #[serde(default)]
    pub commit: Option<String>,
}

/// Why a file of approvals cannot be used.
#[derive(Debug, Error)]
pub enum ApprovalError {
    /// Of the file system.
    #[error("{} cannot be read: {why}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// It is something else.
    #[error("{} holds no approvals: {why}", path.display())]
    Form {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u32,
    approvals: Vec<Approval>,
}

/// Reads a file of approvals.
///
/// # Errors
/// [`ApprovalError`].
pub fn approvals(path: &Path) -> Result<Vec<Approval>, ApprovalError> {
    let unreadable = |error: std::io::Error| ApprovalError::File { path: path.to_owned(), why: error.to_string() };
    let bad = |why: String| ApprovalError::Form { path: path.to_owned(), why };
    if std::fs::metadata(path).map_err(unreadable)?.len() > BYTES_MAX {
        return Err(bad(format!("it is larger than {BYTES_MAX} bytes")));
    }
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    let file: File = serde_json::from_str(&text).map_err(|error| bad(error.to_string()))?;
    if file.format != FORMAT {
        return Err(bad(format!("its format is {}, and this program reads {FORMAT}", file.format)));
    }
    for one in &file.approvals {
        if [&one.by, &one.role, &one.at].iter().any(|word| word.trim().is_empty()) {
            return Err(bad("`by`, `role` and `at` must not be empty".to_owned()));
        }
    }
    Ok(file.approvals)
}
