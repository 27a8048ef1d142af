//! Who this gateway is: core's `Identity` from the image's identity region, entropy from the kernel.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ed25519_dalek::{Signer, SigningKey};
use embassy_futures::block_on;
use embedded_storage_async::nor_flash::ReadNorFlash;
use steadfast_core::flash::layout::Region;
use steadfast_core::id::{DeviceId, FleetId, KeyId};
use steadfast_core::identity::{IDENTITY_MAX_BYTES, Provisioned};
use steadfast_core::keyring::Keyring;
use steadfast_core::ports::Identity;
use steadfast_core::position::Position;
use steadfast_core::refusal::Refusal;
use thiserror::Error;

/// Why there is no identity.
#[derive(Debug, Error)]
#[error("the flash image {} holds no identity: {reason}; flash it with `steadfast flash`", path.display())]
pub struct IdentityError {
    path: PathBuf,
    reason: Refusal,
}

/// What was flashed, shared by the drivers that run one after the other.
#[derive(Clone)]
pub struct FlashedIdentity {
    inner: Arc<(Provisioned, SigningKey)>,
}

impl FlashedIdentity {
    /// Reads the identity region; `path` is for the error.
    ///
    /// # Errors
    /// [`IdentityError`] when there is none that holds together.
    pub fn read<F: ReadNorFlash>(flash: &mut F, region: &Region, path: &Path) -> Result<Self, IdentityError> {
        let mut bytes = vec![0; IDENTITY_MAX_BYTES.min(region.length as usize)];
        let read = block_on(flash.read(region.start, &mut bytes)).map_err(|_| Refusal::FLASH_FAILED);
        let provisioned = read.and_then(|()| Provisioned::decode(&bytes));
        let provisioned = provisioned.map_err(|reason| IdentityError { path: path.into(), reason })?;
        let key = SigningKey::from_bytes(&provisioned.seed.0);
        Ok(Self { inner: Arc::new((provisioned, key)) })
    }

    /// Where to ask while no configuration says it; empty when the image does not say.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.inner.0.server
    }
}

impl Identity for FlashedIdentity {
    fn device(&self) -> DeviceId {
        self.inner.0.device
    }

    fn fleet(&self) -> FleetId {
        self.inner.0.fleet
    }

    fn first_keyring(&self) -> Keyring {
        self.inner.0.keyring.clone()
    }

    fn first_floor(&self) -> Position {
        self.inner.0.floor
    }

    fn key(&self) -> KeyId {
        self.inner.0.seed.public_key().id()
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.inner.1.sign(message).to_bytes()
    }

    fn random(&mut self) -> [u8; 8] {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).expect("a Linux kernel has random bytes");
        bytes
    }
}
