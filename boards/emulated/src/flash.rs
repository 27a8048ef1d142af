//! What both flash drivers say when they refuse, and the bounds that both keep.

use embedded_storage_async::nor_flash::{NorFlashError, NorFlashErrorKind};

/// Why a flash operation did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, defmt::Format)]
pub enum FlashError {
    /// Beyond the flash, or not aligned to words or erase blocks.
    Range,
    /// The write would need a bit to go from 0 to 1, which only an erase does.
    NotErased,
    /// The flash did not become ready.
    Timeout,
    /// The flash reports a failed operation.
    Failed,
}

impl NorFlashError for FlashError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::Range => NorFlashErrorKind::OutOfBounds,
            Self::NotErased | Self::Timeout | Self::Failed => NorFlashErrorKind::Other,
        }
    }
}

impl From<NorFlashErrorKind> for FlashError {
    fn from(_: NorFlashErrorKind) -> Self {
        Self::Range
    }
}

/// A flash as far as its bounds go.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// Its size in bytes.
    pub bytes: usize,
}

impl Extent {
    /// That `bytes` from `offset` on are whole aligned units inside the flash.
    ///
    /// # Errors
    /// [`FlashError::Range`].
    pub const fn check(self, offset: usize, bytes: usize, unit: usize) -> Result<(), FlashError> {
        let aligned = offset.is_multiple_of(unit) && bytes.is_multiple_of(unit);
        match offset.checked_add(bytes) {
            Some(end) if aligned && end <= self.bytes => Ok(()),
            _ => Err(FlashError::Range),
        }
    }
}
