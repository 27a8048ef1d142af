//! One publisher's word, without the pack: that a commit compiles to this release on his machine too. Publishers in several places exchange
//! these files instead of packs; whoever publishes compiles the commit once more and puts the signatures together.
//!
//! ```text
//! steadfast endorsement v1
//! fleet: 2f6d...                   32 digits
//! commit: 8d0c...                  the next four lines repeat what the statement says, for people
//! sequence: 42
//! floor: 40
//! publisher epoch: 1
//! built by: steadfast 0.1.0        not signed; it explains a difference
//! statement: 01...                 the release statement, exactly as it is signed
//! key: 9d61...                     the publisher's public key
//! signature: e5b1...               Ed25519 over the same message as beside a pack
//! ```
//!
//! A file has one form: what does not read back to the same text is refused. So its lines for people cannot say something else than what
//! is signed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use steadfast_core::id::FleetId;
use steadfast_core::release::{RELEASE_MAX_BYTES, Release};
use steadfast_core::statement::{Kind, Message, PublicKey, SIGNATURE_BYTES};
use thiserror::Error;

use super::SignatureError;
use crate::hex;
use crate::keys::{Signer, checked};
use crate::pack::Pack;
use crate::release::NO_COMMIT;
use crate::whole::{self, Over};

/// How the names of such files end.
pub const ENDING: &str = "endorsement";

const HEADER: &str = "steadfast endorsement v1";

/// This program and its version.
const TOOL: &str = concat!("steadfast ", env!("CARGO_PKG_VERSION"));

/// Longest name of a program.
const TOOL_MAX_BYTES: usize = 64;

/// No file is longer.
const FILE_MAX_BYTES: u64 = 2048;

/// Why an endorsement cannot be used.
#[derive(Debug, Error)]
pub enum EndorsementError {
    /// The file system said no.
    #[error("the endorsement {} cannot be read or written: {}", .0.display(), .1)]
    File(PathBuf, io::Error),
    /// Not one.
    #[error("{} is no endorsement, or was changed on its way; ask its signer for the file again", .0.display())]
    Malformed(PathBuf),
    /// Somebody else's signature, or over something else.
    #[error("the signature in {} is not that of its key {} over its statement; do not use it, and ask who made it", .0.display(), .1)]
    Wrong(PathBuf, String),
    /// Another fleet's.
    #[error("{} is for fleet {found}, and this is fleet {wanted}", .path.display())]
    AnotherFleet {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        found: FleetId,
        /// Whose it should be.
        wanted: FleetId,
    },
    /// Two machines disagree.
    #[error(
        "{path} endorses another release than this machine makes of the commit: {what}; it was built by {tool}, here by {TOOL}; publish \
         nothing before it is known why",
        path = .path.display()
    )]
    Differs {
        /// The file.
        path: PathBuf,
        /// In what.
        what: String,
        /// What made it.
        tool: String,
    },
}

/// One publisher's signature with all that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endorsement {
    fleet: FleetId,
    release: Release,
    statement: Vec<u8>,
    tool: String,
    key: PublicKey,
    signature: [u8; 64],
}

impl Endorsement {
    /// Signs a release that was compiled here.
    ///
    /// # Errors
    /// [`SignatureError::NoCommit`], [`SignatureError::Refused`].
    pub fn of(pack: &Pack, signer: &dyn Signer) -> Result<Self, SignatureError> {
        if pack.release().commit == NO_COMMIT {
            return Err(SignatureError::NoCommit);
        }
        Ok(Self {
            fleet: pack.fleet(),
            release: *pack.release(),
            statement: pack.statement().to_vec(),
            tool: TOOL.to_owned(),
            key: signer.public_key(),
            signature: checked(signer, super::message(pack).bytes())?,
        })
    }

    /// Reads a file and verifies its signature; whether its key counts is for a keyring to say.
    ///
    /// # Errors
    /// [`EndorsementError`].
    pub fn load(path: &Path) -> Result<Self, EndorsementError> {
        let file = |error| EndorsementError::File(path.to_owned(), error);
        let malformed = || EndorsementError::Malformed(path.to_owned());
        if fs::metadata(path).map_err(file)?.len() > FILE_MAX_BYTES {
            return Err(malformed());
        }
        let text = String::from_utf8(fs::read(path).map_err(file)?).map_err(|_| malformed())?;
        let endorsement = Self::from_text(&text).ok_or_else(malformed)?;
        let message = Message::new(Kind::Release, &endorsement.fleet, &[], &endorsement.statement);
        let message = message.map_err(|_| malformed())?;
        let wrong = |_| EndorsementError::Wrong(path.to_owned(), endorsement.key.id().to_string());
        endorsement.key.verify(message.bytes(), &endorsement.signature).map_err(wrong)?;
        Ok(endorsement)
    }

    /// Writes the file into a folder, under a name that says release and key.
    ///
    /// # Errors
    /// [`EndorsementError::File`].
    pub fn save(&self, folder: &Path) -> Result<PathBuf, EndorsementError> {
        let release = &self.release;
        let name = format!("{}-{}.{}.{ENDING}", release.publisher_epoch, release.sequence, self.key.id());
        let path = folder.join(name);
        let written = whole::write(&path, self.to_text().as_bytes(), (whole::PUBLIC, Over::File));
        written.map(|()| path.clone()).map_err(|error| EndorsementError::File(path, error))
    }

    /// What it endorses.
    #[must_use]
    pub fn release(&self) -> &Release {
        &self.release
    }

    /// Who does.
    #[must_use]
    pub fn key(&self) -> PublicKey {
        self.key
    }

    /// The signature as it travels.
    #[must_use]
    pub fn entry(&self) -> [u8; SIGNATURE_BYTES] {
        let mut entry = [0; SIGNATURE_BYTES];
        entry[..4].copy_from_slice(&self.key.id().0);
        entry[4..].copy_from_slice(&self.signature);
        entry
    }

    /// Demands that it endorses exactly what was compiled here.
    ///
    /// # Errors
    /// [`EndorsementError::AnotherFleet`], [`EndorsementError::Differs`]; `path` is for the message.
    pub fn require_same(&self, pack: &Pack, path: &Path) -> Result<(), EndorsementError> {
        let path = path.to_owned();
        if self.fleet != pack.fleet() {
            return Err(EndorsementError::AnotherFleet { path, found: self.fleet, wanted: pack.fleet() });
        }
        if self.statement == pack.statement() {
            return Ok(());
        }
        let what = difference(&self.release, pack.release());
        Err(EndorsementError::Differs { path, what, tool: self.tool.clone() })
    }

    fn to_text(&self) -> String {
        let Release { publisher_epoch, sequence, floor, commit, .. } = &self.release;
        let (statement, key) = (hex::encode(&self.statement), hex::encode(&self.key.0));
        format!(
            "{HEADER}\nfleet: {}\ncommit: {commit}\nsequence: {sequence}\nfloor: {floor}\npublisher epoch: {publisher_epoch}\n\
             built by: {}\nstatement: {statement}\nkey: {key}\nsignature: {}\n",
            self.fleet,
            self.tool,
            hex::encode(&self.signature)
        )
    }

    fn from_text(text: &str) -> Option<Self> {
        let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let statement = hex::decode_any(value("statement")?, RELEASE_MAX_BYTES)?;
        let tool = value("built by").filter(|tool| is_tool(tool))?.to_owned();
        let read = Self {
            fleet: FleetId::from_hex(value("fleet")?)?,
            release: Release::decode(&statement).ok()?,
            statement,
            tool,
            key: PublicKey(hex::decode(value("key")?)?),
            signature: hex::decode(value("signature")?)?,
        };
        (read.to_text() == text && read.key.is_usable() && read.release.commit != NO_COMMIT).then_some(read)
    }
}

/// A name that cannot draw on a terminal.
fn is_tool(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b" .+-".contains(&byte);
    !name.is_empty() && name.len() <= TOOL_MAX_BYTES && name.bytes().all(plain)
}

/// In what two releases differ; the most telling first.
fn difference(theirs: &Release, ours: &Release) -> String {
    if theirs.commit != ours.commit {
        return format!("it is of commit {}, and this is {}", theirs.commit, ours.commit);
    }
    let numbers = [
        ("publisher epoch", theirs.publisher_epoch, ours.publisher_epoch),
        ("sequence", theirs.sequence, ours.sequence),
        ("floor", theirs.floor, ours.floor),
        ("number of leaves", theirs.leaves, ours.leaves),
    ];
    match numbers.into_iter().find(|(_, theirs, ours)| theirs != ours) {
        Some((name, theirs, ours)) => format!("its {name} is {theirs}, and here it is {ours}"),
        None => format!("its content has the root {}, and here it is {}", theirs.root, ours.root),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{KeyFile, Purpose};
    use crate::release::{build, sample};

    fn pack(devices: u8) -> Pack {
        build(&sample::compiled(devices.into()), sample::ISSUE).unwrap()
    }

    fn written(folder: &Path) -> (Endorsement, PathBuf) {
        let key = KeyFile::generate(Purpose::Publisher).unwrap();
        let endorsement = Endorsement::of(&pack(3), &key).unwrap();
        let path = endorsement.save(folder).unwrap();
        (endorsement, path)
    }

    #[test]
    fn an_endorsement_reads_back_and_carries_the_signature_of_the_pack() {
        let folder = tempfile::tempdir().unwrap();
        let (endorsement, path) = written(folder.path());
        assert_eq!(Endorsement::load(&path).unwrap(), endorsement);
        let message = super::super::message(&pack(3));
        message.verify(&[endorsement.key()], 1, &endorsement.entry()).unwrap();
        endorsement.require_same(&pack(3), &path).unwrap();
    }

    #[test]
    fn no_byte_of_the_file_can_be_changed() {
        let folder = tempfile::tempdir().unwrap();
        let (endorsement, path) = written(folder.path());
        let good = fs::read(&path).unwrap();
        let tool = String::from_utf8(good.clone()).unwrap().find("built by").unwrap();
        let free = tool..tool + "built by: ".len() + TOOL.len();
        for at in (0..good.len()).filter(|at| !free.contains(at)) {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&path, &bad).unwrap();
            assert!(Endorsement::load(&path).is_err(), "byte {at}");
        }
        for length in [0, 1, good.len() / 2, good.len() - 1] {
            fs::write(&path, &good[..length]).unwrap();
            assert!(Endorsement::load(&path).is_err(), "{length}");
        }
        fs::write(&path, [&good[..], b"\n"].concat()).unwrap();
        assert!(matches!(Endorsement::load(&path), Err(EndorsementError::Malformed(_))));
        fs::write(&path, endorsement.to_text().replace(TOOL, "x\u{1b}[2J")).unwrap();
        assert!(matches!(Endorsement::load(&path), Err(EndorsementError::Malformed(_))));
    }

    #[test]
    fn a_signature_over_something_else_is_told_from_damage() {
        let folder = tempfile::tempdir().unwrap();
        let (mut endorsement, _) = written(folder.path());
        endorsement.signature =
            Endorsement::of(&pack(4), &KeyFile::generate(Purpose::Publisher).unwrap()).unwrap().signature;
        let path = endorsement.save(folder.path()).unwrap();
        assert!(matches!(Endorsement::load(&path), Err(EndorsementError::Wrong(..))));
    }

    #[test]
    fn two_machines_that_disagree_are_told_in_what() {
        let folder = tempfile::tempdir().unwrap();
        let (endorsement, path) = written(folder.path());
        let told = |pack: &Pack| endorsement.require_same(pack, &path).unwrap_err().to_string();
        assert!(told(&pack(4)).contains("its number of leaves is 4, and here it is 5"));
        let other = build(&sample::fleet(3, 1, 9999), sample::ISSUE).unwrap();
        assert!(told(&other).contains("its content has the root"), "{}", told(&other));
    }
}
