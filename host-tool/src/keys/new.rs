//! The first keyring of a fleet: which keys are made, which come from elsewhere, and the signed result.
//!
//! Everything is decided in memory first, so that `--dry-run` shows it and a failure leaves no half-made fleet.

use std::path::{Path, PathBuf};

use steadfast_core::codec;
use steadfast_core::id::FleetId;
use steadfast_core::keyring::{Director, KEYRING_MAX_BYTES, Keyring, Role};
use steadfast_core::statement::{Kind, Message, PublicKey};

use super::{Chain, ChainError, KeyError, KeyFile, KeyringFile, Purpose, Signer, entries};
use crate::whole::{self, Over};

/// The keys of one role: how many to make, which to take, how many must sign.
#[derive(Clone, Debug, Default)]
pub struct RolePlan {
    /// How many keys to make here.
    pub make: u8,
    /// Public keys whose private halves others hold.
    pub known: Vec<PublicKey>,
    /// How many must sign.
    pub threshold: u8,
}

/// What the first keyring shall hold.
#[derive(Clone, Debug)]
pub struct Plan {
    /// For which fleet.
    pub fleet: FleetId,
    /// Signs keyrings. All its keys are made here: they must sign now.
    pub root: RolePlan,
    /// Signs releases.
    pub publisher: RolePlan,
    /// Signs assignments; no keys at all for a fleet without a control plane. Its threshold is not looked at.
    pub director: RolePlan,
}

/// A first keyring and the keys that were made for it.
#[derive(Clone, Debug)]
pub struct Planned {
    /// File names and keys.
    pub keys: Vec<(String, KeyFile)>,
    /// The chain of one keyring.
    pub chain: Chain,
}

impl Plan {
    /// Makes the keys and signs the keyring; writes nothing.
    ///
    /// # Errors
    /// [`KeyError::NoRandom`] as its cause, or [`ChainError::Refused`] for an impossible threshold, too many keys, or one in two roles.
    pub fn carry_out(&self) -> Result<Planned, PlanError> {
        let root = make(&self.root, Purpose::Root)?;
        let publisher = make(&self.publisher, Purpose::Publisher)?;
        let director = make(&self.director, Purpose::Director)?;
        let keyring = Keyring {
            version: 1,
            root: Role { threshold: self.root.threshold, keys: all(&root, &self.root)? },
            publisher: Role { threshold: self.publisher.threshold, keys: all(&publisher, &self.publisher)? },
            director: match all(&director, &self.director)? {
                keys if keys.is_empty() => Director::None,
                keys => Director::Assignments(keys),
            },
            publisher_epoch: 1,
        };
        let chain = Chain::start(sign(&keyring, self.fleet, &root)?)?;
        let keys = [root, publisher, director].concat();
        Ok(Planned { keys, chain })
    }
}

/// Why no first keyring came about.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// Making or writing a key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The keyring that would come out.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// More keys than a keyring holds.
    #[error("a keyring holds at most 5 root, 5 publisher and 2 director keys")]
    TooManyKeys,
}

impl Planned {
    /// Writes the keys, then the keyring, and nothing over anything that is there. When it fails, what it wrote is gone again:
    /// keys that no keyring names are of no use.
    ///
    /// # Errors
    /// [`KeyError::Exists`] or [`KeyError::Unwritable`].
    pub fn write(&self, keyrings: &Path, keys: &Path) -> Result<(), PlanError> {
        let keyring = keyrings.join("1.keyring");
        if keyring.exists() {
            return Err(KeyError::Exists(keyring).into());
        }
        let mut written = Vec::new();
        let outcome = self.write_all((&keyring, keys), &mut written);
        if outcome.is_err() {
            // The error that counts is the first.
            written.iter().for_each(|path| drop(std::fs::remove_file(path)));
        }
        outcome
    }

    fn write_all(&self, (keyring, keys): (&Path, &Path), written: &mut Vec<PathBuf>) -> Result<(), PlanError> {
        for (name, key) in &self.keys {
            let path = keys.join(name);
            key.save(&path)?;
            written.push(path);
        }
        let bytes = self.chain.files()[0].encode();
        let outcome = whole::write(keyring, &bytes, (whole::PUBLIC, Over::Nothing));
        outcome.map_err(|error| ChainError::File(keyring.to_owned(), error).into())
    }
}

fn make(plan: &RolePlan, purpose: Purpose) -> Result<Vec<(String, KeyFile)>, KeyError> {
    let name = |number| match plan.make {
        1 => format!("{purpose}.key"),
        _ => format!("{purpose}-{number}.key"),
    };
    (1..=plan.make).map(|number| Ok((name(number), KeyFile::generate(purpose)?))).collect()
}

fn all<const N: usize>(made: &[(String, KeyFile)], plan: &RolePlan) -> Result<heapless::Vec<PublicKey, N>, PlanError> {
    let mut keys = heapless::Vec::new();
    for key in made.iter().map(|(_, key)| key.public_key()).chain(plan.known.iter().copied()) {
        keys.push(key).map_err(|_| PlanError::TooManyKeys)?;
    }
    keys.sort_unstable();
    Ok(keys)
}

fn sign(keyring: &Keyring, fleet: FleetId, root: &[(String, KeyFile)]) -> Result<KeyringFile, PlanError> {
    let refused = |reason| ChainError::Refused { version: 1, reason };
    let mut buffer = [0; KEYRING_MAX_BYTES];
    let statement = codec::encode(keyring, &mut buffer).map_err(refused)?.to_vec();
    let message = Message::new(Kind::Keyring, &fleet, &[], &statement).map_err(refused)?;
    let signers = root.iter().map(|(_, key)| key as &dyn Signer);
    let signatures = entries(signers, &message).expect("a key in memory signs");
    Ok(KeyringFile { fleet, statement, signatures })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(make: u8, threshold: u8) -> Plan {
        let role = RolePlan { make, known: Vec::new(), threshold };
        let director = RolePlan { make: 1, ..RolePlan::default() };
        Plan { fleet: FleetId([3; 16]), root: role.clone(), publisher: role, director }
    }

    #[test]
    fn a_first_keyring_is_written_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let planned = plan(3, 2).carry_out().unwrap();
        let keyrings = folder.path().join("keyring");
        planned.write(&keyrings, &folder.path().join("private")).unwrap();
        let chain = Chain::load(&keyrings).unwrap();
        assert_eq!(chain.newest(), planned.chain.newest());
        assert_eq!((chain.newest().root.keys.len(), chain.newest().publisher.threshold), (3, 2));
        let key = KeyFile::load_for(&folder.path().join("private/publisher-2.key"), Purpose::Publisher).unwrap();
        assert!(chain.newest().publisher.keys.contains(&key.public_key()));
        assert!(planned.write(&keyrings, &folder.path().join("elsewhere")).is_err());
        assert!(!folder.path().join("elsewhere").exists());
    }

    #[test]
    fn what_fails_in_the_middle_leaves_nothing_half_made() {
        let folder = tempfile::tempdir().unwrap();
        let planned = plan(1, 1).carry_out().unwrap();
        let keys = folder.path().join("keys");
        std::fs::create_dir(&keys).unwrap();
        std::fs::write(keys.join("director.key"), b"somebody's").unwrap();
        assert!(planned.write(&keys.join("keyring"), &keys).is_err());
        assert_eq!(std::fs::read(keys.join("director.key")).unwrap(), b"somebody's");
        std::fs::remove_file(keys.join("director.key")).unwrap();
        // No keyring can be written below a file.
        std::fs::write(keys.join("file"), b"").unwrap();
        assert!(planned.write(&keys.join("file/keyring"), &keys).is_err());
        planned.write(&keys.join("keyring"), &keys).unwrap();
        assert!(Chain::load(&keys.join("keyring")).is_ok());
    }

    #[test]
    fn an_impossible_plan_is_refused() {
        assert!(plan(2, 3).carry_out().is_err());
        assert!(plan(1, 0).carry_out().is_err());
        assert!(plan(6, 1).carry_out().is_err());
        let mut twice = plan(1, 1);
        twice.publisher.known = vec![KeyFile::generate(Purpose::Publisher).unwrap().public_key(); 2];
        assert!(twice.carry_out().is_err());
    }

    #[test]
    fn without_director_keys_there_is_no_director() {
        let mut alone = plan(1, 1);
        alone.director.make = 0;
        assert_eq!(alone.carry_out().unwrap().chain.newest().director, Director::None);
    }

    #[test]
    fn a_changed_keyring_file_is_refused() {
        let bytes = plan(1, 1).carry_out().unwrap().chain.files()[0].encode();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(KeyringFile::decode(&flipped).and_then(Chain::start).is_err(), "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert!(KeyringFile::decode(&bytes[..length]).is_err(), "{length}");
        }
    }
}
