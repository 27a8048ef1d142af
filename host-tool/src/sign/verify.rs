//! Checks a signed pack as each of its devices would check its own part, by core's own code.

use steadfast_core::digest::Digest;
use steadfast_core::envelope::Trust;
use steadfast_core::id::{DeviceId, FleetId, KeyId};
use steadfast_core::keyring::Keyring;
use steadfast_core::position::Position;
use steadfast_core::refusal::Refusal;
use steadfast_core::statement::{Message, PublicKey, SIGNATURE_BYTES};
use steadfast_core::tree;
use thiserror::Error;

use super::{message, signers};
use crate::pack::Pack;
use crate::release::leaves::Place;
use crate::release::{NO_COMMIT, leaves::roster_leaf};

/// Why devices would refuse a pack.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum VerifyError {
    /// A pack of another fleet.
    #[error("this pack is for fleet {pack}, and the keyring for fleet {keyring}")]
    AnotherFleet {
        /// The pack's.
        pack: FleetId,
        /// The keyring's.
        keyring: FleetId,
    },
    /// A release that no commit stands for.
    #[error("this pack was built from a worktree, not from a commit; it cannot be published")]
    NoCommit,
    /// A release for other keys.
    #[error(
        "this pack was built for publisher epoch {pack}, and the keyring says {keyring}; build it again with the newest keyring"
    )]
    Epoch {
        /// The pack's.
        pack: u32,
        /// The keyring's.
        keyring: u32,
    },
    /// Not enough, or not good ones.
    #[error("signed by {signed} of the {needed} publisher keys that are needed: {hint}")]
    Signatures {
        /// How many of the keyring's keys are among the signers.
        signed: usize,
        /// The threshold.
        needed: u8,
        /// What a device says.
        reason: Refusal,
        /// Which key is a stranger's, or what to do next.
        hint: String,
    },
    /// One device's part.
    #[error("device {device} would refuse this pack: {reason}")]
    Device {
        /// Which.
        device: DeviceId,
        /// What it says.
        reason: Refusal,
    },
}

/// What was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Leaves, the roster's included.
    pub leaves: u32,
    /// Devices with a configuration.
    pub devices: usize,
    /// Different manifests.
    pub manifests: usize,
    /// Objects, whose digests were checked when the pack was read.
    pub objects: usize,
    /// Who signed.
    pub signers: Vec<KeyId>,
}

/// Verifies a pack under a keyring: signatures once, one whole envelope for each manifest, and the path of each leaf.
///
/// # Errors
/// [`VerifyError`].
pub fn verify(pack: &Pack, fleet: FleetId, keyring: &Keyring, signatures: &[u8]) -> Result<Verdict, VerifyError> {
    if pack.fleet() != fleet {
        return Err(VerifyError::AnotherFleet { pack: pack.fleet(), keyring: fleet });
    }
    if pack.release().commit == NO_COMMIT {
        return Err(VerifyError::NoCommit);
    }
    if pack.release().publisher_epoch != keyring.publisher_epoch {
        let (pack, keyring) = (pack.release().publisher_epoch, keyring.publisher_epoch);
        return Err(VerifyError::Epoch { pack, keyring });
    }
    check_signatures(&message(pack), keyring, signatures)?;
    check_leaf(pack, 0, roster_leaf(Digest::of(&pack.roster().encode())).hash(), DeviceId::NONE)?;
    let mut whole = 0;
    for place in pack.leaves().places() {
        if place.row.manifest == whole {
            check_envelope(pack, keyring, &place, signatures)?;
            whole += 1;
        }
        let leaf = place.leaf(pack.content(&place).manifest);
        check_leaf(pack, place.index, leaf.hash(), place.device)?;
    }
    Ok(Verdict {
        leaves: pack.release().leaves,
        devices: pack.leaves().devices().len(),
        manifests: pack.manifests().len(),
        objects: pack.objects().len(),
        signers: signers(&believed(keyring, signatures)),
    })
}

/// Verifies the signatures of a release statement, given as its message.
///
/// # Errors
/// [`VerifyError::Signatures`].
pub fn check_signatures(message: &Message, keyring: &Keyring, signatures: &[u8]) -> Result<(), VerifyError> {
    let publisher = &keyring.publisher;
    message.verify(&publisher.keys, publisher.threshold, signatures).map_err(|reason| {
        let signed = believed(keyring, signatures).len() / SIGNATURE_BYTES;
        let hint = match stranger(keyring, &signers(signatures)) {
            Some(words) => words,
            None => match missing(keyring, &signers(signatures)) {
                Some(missing) => format!(
                    "it needs {missing}, by `steadfast sign`, `steadfast endorse` or `steadfast publish` with --key (refusal {})",
                    reason.0
                ),
                None => reason.to_string(),
            },
        };
        VerifyError::Signatures { signed, needed: publisher.threshold, reason, hint }
    })
}

/// Which of these keys the keyring does not name as a publisher's, in words; `None` when it names all.
#[must_use]
pub fn stranger(keyring: &Keyring, keys: &[KeyId]) -> Option<String> {
    let publishers: Vec<KeyId> = keyring.publisher.keys.iter().map(PublicKey::id).collect();
    let key = keys.iter().find(|key| !publishers.contains(key))?;
    let names: Vec<String> = publishers.iter().map(KeyId::to_string).collect();
    Some(format!("key {key} is not in keyring {} (publishers: {})", keyring.version, names.join(", ")))
}

/// Whose signatures are missing beside those of these keys, in words; `None` when they are enough.
#[must_use]
pub fn missing(keyring: &Keyring, keys: &[KeyId]) -> Option<String> {
    let publishers = keyring.publisher.keys.iter().map(PublicKey::id);
    let (there, absent): (Vec<KeyId>, Vec<KeyId>) = publishers.partition(|key| keys.contains(key));
    let more = usize::from(keyring.publisher.threshold).checked_sub(there.len()).filter(|more| *more > 0)?;
    let names: Vec<String> = absent.iter().map(KeyId::to_string).collect();
    Some(format!("{more} more of the keys {}", names.join(", ")))
}

/// The entries of the keyring's publishers. Nobody can check the others, so nobody may be told of them.
#[must_use]
pub fn believed(keyring: &Keyring, signatures: &[u8]) -> Vec<u8> {
    let known = |entry: &&[u8]| keyring.publisher.keys.iter().any(|key| entry.starts_with(&key.id().0));
    signatures.chunks(SIGNATURE_BYTES).filter(known).collect::<Vec<_>>().concat()
}

fn check_envelope(pack: &Pack, keyring: &Keyring, place: &Place<'_>, signatures: &[u8]) -> Result<(), VerifyError> {
    let trust = Trust {
        fleet: pack.fleet(),
        device: place.device,
        schema: place.schema,
        keyring,
        accepted: Position::ZERO,
        floor: Position::ZERO,
    };
    let verified = trust.verify(&pack.envelope(place, signatures), None);
    verified.map(drop).map_err(|reason| VerifyError::Device { device: place.device, reason })
}

fn check_leaf(pack: &Pack, index: u32, leaf: Digest, device: DeviceId) -> Result<(), VerifyError> {
    let root = tree::root(leaf, index, pack.release().leaves, &pack.path_at(index));
    if root == Ok(pack.release().root) {
        return Ok(());
    }
    Err(VerifyError::Device { device, reason: Refusal::NOT_IN_RELEASE })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{KeyFile, Plan, Planned, Purpose, RolePlan, Signer};
    use crate::release::{build, sample};
    use crate::sign;

    fn planned(make: u8, threshold: u8) -> Planned {
        let one = RolePlan { make: 1, known: Vec::new(), threshold: 1 };
        let publisher = RolePlan { make, known: Vec::new(), threshold };
        Plan { fleet: sample::ISSUE.fleet, root: one.clone(), publisher, director: one }.carry_out().unwrap()
    }

    fn publishers(planned: &Planned) -> Vec<&dyn Signer> {
        let keys = planned.keys.iter().filter(|(_, key)| key.purpose() == Purpose::Publisher);
        keys.map(|(_, key)| key as &dyn Signer).collect()
    }

    #[test]
    fn two_of_three_publishers_are_enough_and_one_is_not() {
        let (planned, pack) = (planned(3, 2), build(&sample::compiled(9), sample::ISSUE).unwrap());
        let (keyring, keys) = (planned.chain.newest(), publishers(&planned));
        let check = |signers: &[&dyn Signer]| {
            let signatures = sign::sign(&pack, signers.iter().copied()).unwrap();
            verify(&pack, pack.fleet(), keyring, &signatures)
        };
        let verdict = check(&[keys[2], keys[0]]).unwrap();
        assert_eq!((verdict.leaves, verdict.signers.len()), (10, 2));
        assert!(matches!(check(&[keys[1]]), Err(VerifyError::Signatures { signed: 1, needed: 2, .. })));
        assert!(matches!(check(&[keys[1], keys[1]]), Err(VerifyError::Signatures { signed: 1, .. })));
        let stranger = KeyFile::generate(Purpose::Publisher).unwrap();
        assert!(matches!(check(&[keys[1], &stranger]), Err(VerifyError::Signatures { signed: 1, .. })));
        let verdict = check(&[keys[2], keys[0], &stranger]).unwrap();
        assert!(!verdict.signers.contains(&stranger.public_key().id()), "nobody checked its signature");
    }

    #[test]
    fn another_fleet_epoch_or_worktree_is_refused() {
        let planned = planned(1, 1);
        let keyring = planned.chain.newest();
        let mut compiled = sample::compiled(2);
        let pack = build(&compiled, sample::ISSUE).unwrap();
        let signatures = sign::sign(&pack, publishers(&planned)).unwrap();
        assert!(verify(&pack, sample::ISSUE.fleet, keyring, &signatures).is_ok());
        let other = verify(&pack, FleetId([9; 16]), keyring, &signatures);
        assert!(matches!(other, Err(VerifyError::AnotherFleet { .. })));
        let mut rotated = keyring.clone();
        rotated.publisher_epoch = 2;
        let other = verify(&pack, pack.fleet(), &rotated, &signatures);
        assert_eq!(other, Err(VerifyError::Epoch { pack: 1, keyring: 2 }));
        compiled.source.worktree = true;
        let pack = build(&compiled, sample::ISSUE).unwrap();
        assert_eq!(verify(&pack, pack.fleet(), keyring, &signatures), Err(VerifyError::NoCommit));
        assert!(matches!(sign::sign(&pack, publishers(&planned)), Err(sign::SignatureError::NoCommit)));
    }

    #[test]
    fn signatures_lie_beside_the_pack_and_are_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let (planned, pack) = (planned(2, 2), build(&sample::compiled(2), sample::ISSUE).unwrap());
        let path = folder.path().join("fleet-1.pack");
        std::fs::write(&path, pack.bytes()).unwrap();
        for key in publishers(&planned) {
            sign::save(&path, &sign::sign(&pack, [key]).unwrap()).unwrap();
        }
        let signatures = sign::load(&path).unwrap();
        assert!(verify(&pack, pack.fleet(), planned.chain.newest(), &signatures).is_ok());
        let file = sign::save(&path, &signatures).unwrap().remove(0);
        std::fs::write(&file, b"short").unwrap();
        assert!(matches!(sign::load(&path), Err(sign::SignatureError::Malformed(_))));
    }
}
