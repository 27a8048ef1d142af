//! Who this device is: core's `Identity` from the identity region and the board's entropy.

use core::fmt;

use embedded_storage_async::nor_flash::NorFlash;
use steadfast_core::digest::Hasher;
use steadfast_core::id::{DeviceId, FleetId, KeyId};
use steadfast_core::identity::{IDENTITY_MAX_BYTES, Provisioned};
use steadfast_core::keyring::Keyring;
use steadfast_core::ports::Identity;
use steadfast_core::position::Position;
use steadfast_core::refusal::Refusal;

use crate::board::Board;

/// Bytes taken from the board for one nonce; more than its 8, since an emulator's source is thin.
const ENTROPY_BYTES: usize = 16;

/// Why there is no identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoIdentity {
    /// The flash does not read.
    Flash,
    /// The region was never written, or is damaged: write it with `steadfast flash`.
    Refused(Refusal),
}

/// The device, as it was flashed.
pub struct Device<'a, B> {
    provisioned: Provisioned,
    board: &'a B,
    drawn: u32,
}

impl<B> fmt::Debug for Device<'_, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.provisioned.fmt(f)
    }
}

impl<'a, B: Board> Device<'a, B> {
    /// Reads the identity region, which starts at `offset` of `flash`.
    ///
    /// # Errors
    /// [`NoIdentity`]: such a device has nobody to ask and nothing to believe.
    pub async fn read<F: NorFlash>(flash: &mut F, offset: u32, board: &'a B) -> Result<Self, NoIdentity> {
        let mut bytes = [0; IDENTITY_MAX_BYTES];
        flash.read(offset, &mut bytes).await.map_err(|_| NoIdentity::Flash)?;
        let provisioned = Provisioned::decode(&bytes).map_err(NoIdentity::Refused)?;
        Ok(Self { provisioned, board, drawn: 0 })
    }

    /// The server to ask while no configuration names one; empty when the firmware knows.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.provisioned.server
    }
}

impl<B: Board> Identity for Device<'_, B> {
    fn device(&self) -> DeviceId {
        self.provisioned.device
    }

    fn fleet(&self) -> FleetId {
        self.provisioned.fleet
    }

    fn first_keyring(&self) -> Keyring {
        self.provisioned.keyring.clone()
    }

    fn first_floor(&self) -> Position {
        self.provisioned.floor
    }

    fn key(&self) -> KeyId {
        self.provisioned.seed.public_key().id()
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.provisioned.seed.sign(message)
    }

    /// The board's bytes are hashed with the key seed and a count: nobody without the seed can foretell a nonce, and none comes twice in
    /// one run, even from a source as thin as a clock.
    fn random(&mut self) -> [u8; 8] {
        let mut entropy = [0; ENTROPY_BYTES];
        self.board.fill_random(&mut entropy);
        self.drawn = self.drawn.wrapping_add(1);
        let mut hasher = Hasher::new();
        for piece in [b"steadfast.nonce".as_slice(), &self.provisioned.seed.0, &entropy, &self.drawn.to_le_bytes()] {
            hasher.update(piece);
        }
        hasher.finish().0.first_chunk().copied().unwrap_or_default()
    }
}
