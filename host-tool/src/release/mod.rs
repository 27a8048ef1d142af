//! From a compiled fleet to a release: roster, leaf table, tree, statement, pack.
//!
//! Building is a pure function of its arguments: same commit, same epoch, same bytes.

pub mod leaves;
pub mod roster;
#[cfg(test)]
pub(crate) mod sample;
pub mod tree;

use steadfast_core::codec;
use steadfast_core::digest::Digest;
use steadfast_core::id::FleetId;
use steadfast_core::release::{CommitId, RELEASE_MAX_BYTES, Release};
use thiserror::Error;

use crate::compile::Compiled;
use crate::pack::{Draft, Pack, PackError, encode};
use leaves::Leaves;
use roster::Roster;

/// The commit of a release that was built from files as they lay in a folder: none. Nobody signs such a release.
pub const NO_COMMIT: CommitId = CommitId::Sha1([0; 20]);

/// Why a compiled fleet makes no release.
#[derive(Debug, Error)]
pub enum BuildError {
    /// The compiled parts contradict each other or a bound.
    #[error("the compiled fleet makes no valid release")]
    Pack(#[from] PackError),
}

/// What a release needs besides the compiled fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Issue {
    /// For which fleet.
    pub fleet: FleetId,
    /// The publisher epoch of the keyring under which it will be signed.
    pub epoch: u32,
}

/// Builds the release of a compiled fleet.
///
/// # Errors
/// [`BuildError`].
///
/// # Panics
/// Never: a release statement fits its own bound.
pub fn build(compiled: &Compiled, issue: Issue) -> Result<Pack, BuildError> {
    let roster = Roster::new(&compiled.roster).encode();
    let leaves = Leaves::new(&compiled.leaves);
    let manifests: Vec<(Digest, ())> = compiled.manifests.iter().map(|bytes| (Digest::of(bytes), ())).collect();
    let source = &compiled.source;
    let release = Release {
        publisher_epoch: issue.epoch,
        sequence: source.sequence,
        floor: source.floor,
        commit: if source.worktree { NO_COMMIT } else { source.commit },
        leaves: leaves.count(),
        root: tree::over(&leaves, Digest::of(&roster), &manifests).root(),
    };
    let mut buffer = [0; RELEASE_MAX_BYTES];
    let statement = codec::encode(&release, &mut buffer).expect("a statement fits its bound");
    let bytes = encode(&Draft {
        fleet: issue.fleet,
        statement,
        roster: &roster,
        leaves: &leaves.encode(),
        manifests: &compiled.manifests,
        objects: &compiled.objects,
    });
    Ok(Pack::parse(bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use steadfast_core::content::Content;

    #[test]
    fn a_release_reads_back_and_is_the_same_twice() {
        let compiled = sample::compiled(7);
        let pack = build(&compiled, sample::ISSUE).unwrap();
        assert_eq!(pack.bytes(), build(&compiled, sample::ISSUE).unwrap().bytes());
        assert_eq!(pack.release().leaves, 8);
        assert_eq!(pack.release().commit, compiled.source.commit);
        for (place, leaf) in pack.leaves().places().zip(&compiled.leaves) {
            assert_eq!((place.device, place.schema), (leaf.device, leaf.schema));
            let manifest = &compiled.manifests[leaf.manifest as usize];
            assert_eq!(pack.manifest(&place), manifest);
            assert_eq!(pack.content(&place), Content { manifest: Digest::of(manifest), private: None });
        }
    }

    #[test]
    fn only_devices_that_are_to_run_something_else_count_as_changed() {
        let release = |devices, period_ms| build(&sample::fleet(devices, 2, period_ms), sample::ISSUE).unwrap();
        let before = release(5, 2000);
        assert_eq!(release(5, 2000).changed_from(&before), 0);
        assert_eq!(release(5, 3000).changed_from(&before), 3, "the group of three");
        assert_eq!(release(6, 2000).changed_from(&before), 1, "the new one");
        assert_eq!(before.changed_from(&release(6, 2000)), 0, "who left runs what it ran");
    }

    #[test]
    fn a_release_of_a_worktree_names_no_commit() {
        let mut compiled = sample::compiled(1);
        compiled.source.worktree = true;
        assert_eq!(build(&compiled, sample::ISSUE).unwrap().release().commit, NO_COMMIT);
    }

    #[test]
    fn a_fleet_without_devices_is_a_release() {
        assert_eq!(build(&sample::compiled(0), sample::ISSUE).unwrap().release().leaves, 1);
    }
}
