//! Who signs: keys in files, and keys that other programs hold.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
use steadfast::keys::{CommandSigner, KeyFile, Purpose, Signer};
use steadfast::sign;
use steadfast_core::id::KeyId;
use steadfast_core::keyring::Keyring;

/// The publisher's keys that a command is given.
#[derive(Args, Debug)]
pub(crate) struct Holders {
    /// A publisher's private key file; may be given several times.
    #[arg(long, value_name = "FILE")]
    key: Vec<PathBuf>,
    /// A file that names a program which holds a publisher's key; may be given several times. docs/guide-delivering.md has its form.
    #[arg(long, value_name = "FILE")]
    signer: Vec<PathBuf>,
}

/// Publishers who can be asked for a signature.
pub(crate) struct Publishers(Vec<Box<dyn Signer>>);

impl Holders {
    /// Whether none is given.
    pub(crate) fn is_empty(&self) -> bool {
        self.key.is_empty() && self.signer.is_empty()
    }

    /// Reads the files.
    ///
    /// # Errors
    /// A file that is none, or is open to others.
    pub(crate) fn open(&self) -> anyhow::Result<Publishers> {
        let mut publishers: Vec<Box<dyn Signer>> = Vec::new();
        for path in &self.key {
            publishers.push(Box::new(KeyFile::load_for(path, Purpose::Publisher)?));
        }
        for path in &self.signer {
            publishers.push(Box::new(CommandSigner::load(path)?));
        }
        Ok(Publishers(publishers))
    }

    /// The same, where there must be one.
    ///
    /// # Errors
    /// Those of [`Self::open`].
    pub(crate) fn some(&self) -> anyhow::Result<Publishers> {
        if self.is_empty() { Err(none()) } else { self.open() }
    }
}

/// What to do where nobody is there to sign.
pub(crate) fn none() -> anyhow::Error {
    anyhow!("a release has to be signed: name a publisher's key with --key, or a program that holds one with --signer")
}

impl Publishers {
    /// Each of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = &dyn Signer> {
        self.0.iter().map(|signer| &**signer)
    }

    /// Refuses keys whose signatures no device would believe.
    pub(crate) fn require_in(&self, keyring: &Keyring) -> anyhow::Result<()> {
        let strangers: Vec<KeyId> = self.all().map(|signer| signer.public_key().id()).collect();
        match sign::stranger(keyring, &strangers) {
            Some(words) => Err(anyhow!("{words}; another key belongs there, or a newer keyring is elsewhere: pull")),
            None => Ok(()),
        }
    }
}
