//! What `publish`, `endorse` and `check` share about signed commits: whose list is asked, and saying who signed.

use std::path::{Path, PathBuf};

use clap::Args;
use steadfast::diagnostics::{Code, Diagnostics};
use steadfast::signed_commit::{self, Question};
use steadfast::words::visible;

use super::Exit;

/// Options for signed commits.
#[derive(Args, Debug)]
pub(crate) struct Vouching {
    /// Demand that an SSH key of this list (OpenSSH's form for allowed signers) signed the commit, whatever the fleet's own list says.
    #[arg(long, value_name = "FILE")]
    allowed_signers: Option<PathBuf>,
}

impl Vouching {
    /// Whether a list was named.
    pub(crate) fn is_asked(&self) -> bool {
        self.allowed_signers.is_some()
    }

    /// Demands a good signature of a commit, where anybody asks for one, by the list of the commit before. Whether somebody did.
    ///
    /// # Errors
    /// With 7 for a commit that no allowed signer signed; with 1 when that cannot be said.
    pub(crate) fn require(&self, folder: &Path, commit: &str, before: Option<&str>) -> anyhow::Result<bool> {
        let list = self.allowed_signers.as_deref();
        match signed_commit::check(&Question { folder, commit, before, list }) {
            Ok(None) => Ok(false),
            Ok(Some(vouched)) => {
                eprintln!("commit signed by {}, whom {} allows", visible(&vouched.principals), vouched.list);
                Ok(true)
            }
            Err(finding) => {
                let unverified = matches!(finding.code(), Code::UnsignedCommit | Code::BadCommitSignature);
                let told = Diagnostics::of(finding);
                Err(if unverified { Exit::Unverified.with(told) } else { told.into() })
            }
        }
    }
}
