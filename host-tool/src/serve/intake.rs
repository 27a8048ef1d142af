//! Taking in a release: verified as every device in it would verify it, and never out of order.

use steadfast_core::digest::Digest;
use steadfast_core::position::Position;
use steadfast_core::release::Release;
use steadfast_core::statement::{Kind, Message};
use thiserror::Error;

use super::folder::FolderError;
use super::store::{ReleaseRow, StoreError};
use super::world::World;
use crate::pack::{self, PACK_MAX_BYTES, Pack, PackError};
use crate::sign::{self, VerifyError};

/// Why a release was not taken in.
#[derive(Debug, Error)]
pub enum IntakeError {
    /// Not a pack.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// Devices would refuse it.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// Another one has its place.
    #[error(
        "release {0} is published with another content: it came from another history, or from another version of this \
         program; compare the commits, then publish a later one"
    )]
    Taken(u32),
    /// There is a newer one.
    #[error("release {offered} is not after release {newest}, which is published")]
    Superseded {
        /// What was offered.
        offered: u32,
        /// What is the newest.
        newest: u32,
    },
    /// The floor went down.
    #[error("the floor falls from {before} to {offered}, and a floor never falls; put `floor` in steadfast.toml back")]
    FloorFalls {
        /// The newest release's.
        before: u32,
        /// The offered release's.
        offered: u32,
    },
    /// Devices would have nothing to go back to.
    #[error(
        "the floor {offered} is above release {newest}, the newest that devices can have; publish without it first"
    )]
    FloorTooHigh {
        /// The offered release's.
        offered: u32,
        /// The newest release.
        newest: u32,
    },
    /// Keeping it failed.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// Keeping it failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What an upload is, compared with what is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A new release.
    New,
    /// The newest release once more, byte for byte.
    Known,
}

/// Decides on an upload by its first bytes, and says how large it may be: what its publishers did not sign, or what
/// comes too late, is not worth any memory.
///
/// # Errors
/// [`IntakeError`].
pub fn announced(first: &[u8], signatures: &[u8], world: &World, rows: &[ReleaseRow]) -> Result<u64, IntakeError> {
    let (fleet, statement) = pack::head(first).ok_or(PackError::NotAPack)?;
    let release = Release::decode(statement).map_err(PackError::Statement)?;
    if fleet != world.fleet() {
        return Err(VerifyError::AnotherFleet { pack: fleet, keyring: world.fleet() }.into());
    }
    let message = Message::new(Kind::Release, &fleet, &[], statement).map_err(PackError::Statement)?;
    sign::check_signatures(&message, world.chain.newest(), signatures)?;
    Ok(match standing((&release, Digest::of(statement)), rows)? {
        Standing::New => PACK_MAX_BYTES,
        Standing::Known => rows.last().map_or(PACK_MAX_BYTES, |row| row.pack_bytes),
    })
}

/// Decides on a whole upload; `rows` are the published releases, the oldest first.
///
/// # Errors
/// [`IntakeError`], before anything was written.
pub fn admit(pack: &Pack, signatures: &[u8], world: &World, rows: &[ReleaseRow]) -> Result<Standing, IntakeError> {
    sign::verify(pack, world.fleet(), world.chain.newest(), signatures)?;
    standing((pack.release(), pack.digest()), rows)
}

fn standing((release, digest): (&Release, Digest), rows: &[ReleaseRow]) -> Result<Standing, IntakeError> {
    let Some((row, last)) = rows.last().and_then(|row| Some((row, Release::decode(&row.statement).ok()?))) else {
        return Ok(Standing::New);
    };
    if row.digest == digest {
        return Ok(Standing::Known);
    }
    order(release, &last)?;
    Ok(Standing::New)
}

fn order(offered: &Release, newest: &Release) -> Result<(), IntakeError> {
    if offered.position() == newest.position() {
        return Err(IntakeError::Taken(offered.sequence));
    }
    if offered.position() < newest.position() {
        return Err(IntakeError::Superseded { offered: offered.sequence, newest: newest.sequence });
    }
    if offered.publisher_epoch != newest.publisher_epoch {
        // Releases signed again after a rotation start at the floor; their order is checked from the second one on.
        return Ok(());
    }
    if offered.floor < newest.floor {
        return Err(IntakeError::FloorFalls { before: newest.floor, offered: offered.floor });
    }
    if offered.floor > newest.sequence {
        return Err(IntakeError::FloorTooHigh { offered: offered.floor, newest: newest.sequence });
    }
    Ok(())
}

/// The floor of each published release.
pub fn floors(rows: &[ReleaseRow]) -> impl Iterator<Item = (Position, Position)> {
    rows.iter()
        .filter_map(|row| Release::decode(&row.statement).ok())
        .map(|release| (release.position(), release.floor()))
}
