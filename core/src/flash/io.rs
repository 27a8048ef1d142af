//! Access to flash that keeps to its grain.
//!
//! Everything the core writes starts and ends at multiples of [`GRAIN_BYTES`], so that it suits every program size up
//! to that and no word is ever programmed for two things. Reads may start and end anywhere.

use embedded_storage_async::nor_flash::NorFlash;

use super::layout::Region;
use crate::refusal::Refusal;

/// The grain of all writes in bytes: the largest program size of the flashes that are supported.
pub(super) const GRAIN_BYTES: usize = 32;

/// `bytes` rounded up to the grain; `None` when that exceeds 32 bits.
pub(super) fn grains(bytes: u32) -> Option<u32> {
    bytes.checked_next_multiple_of(GRAIN_BYTES as u32)
}

/// Reads any range, whatever the flash's read size.
pub(super) async fn read<F: NorFlash>(flash: &mut F, address: u32, out: &mut [u8]) -> Result<(), Refusal> {
    const { assert!(F::READ_SIZE <= GRAIN_BYTES && GRAIN_BYTES.is_multiple_of(F::READ_SIZE)) };
    let (mut address, mut out) = (address, out);
    while !out.is_empty() {
        let skip = address.checked_rem(F::READ_SIZE as u32).unwrap_or(0);
        let odd = out.len().checked_rem(F::READ_SIZE).unwrap_or(0);
        let whole = if skip == 0 { out.len().saturating_sub(odd) } else { 0 };
        let count = if whole > 0 { whole } else { out.len().min(F::READ_SIZE.saturating_sub(skip as usize)) };
        let (part, rest) = out.split_at_mut_checked(count).ok_or(Refusal::FLASH_FAILED)?;
        if whole > 0 {
            flash.read(address, part).await.map_err(|_| Refusal::FLASH_FAILED)?;
        } else {
            let mut word = [0; GRAIN_BYTES];
            let unit = word.get_mut(..F::READ_SIZE).ok_or(Refusal::FLASH_FAILED)?;
            flash.read(address.saturating_sub(skip), unit).await.map_err(|_| Refusal::FLASH_FAILED)?;
            part.iter_mut().zip(unit.iter().skip(skip as usize)).for_each(|(to, from)| *to = *from);
        }
        address = address.saturating_add(count as u32);
        out = rest;
    }
    Ok(())
}

/// Programs whole grains.
pub(super) async fn write<F: NorFlash>(flash: &mut F, address: u32, bytes: &[u8]) -> Result<(), Refusal> {
    const { assert!(F::WRITE_SIZE <= GRAIN_BYTES && GRAIN_BYTES.is_multiple_of(F::WRITE_SIZE)) };
    debug_assert!((address as usize | bytes.len()).is_multiple_of(GRAIN_BYTES), "writes are whole grains");
    flash.write(address, bytes).await.map_err(|_| Refusal::FLASH_FAILED)
}

/// Erases one block of a region.
pub(super) async fn erase<F: NorFlash>(flash: &mut F, region: &Region, block: u32) -> Result<(), Refusal> {
    let start = region.block(block);
    flash.erase(start, start.saturating_add(region.erase_bytes)).await.map_err(|_| Refusal::FLASH_FAILED)
}

/// Whether flash holds exactly `wanted` at `address`. What cannot be read does not.
pub(super) async fn holds<F: NorFlash>(flash: &mut F, address: u32, wanted: &[u8]) -> bool {
    let mut address = address;
    for piece in wanted.chunks(GRAIN_BYTES) {
        let mut found = [0; GRAIN_BYTES];
        let Some(found) = found.get_mut(..piece.len()) else { return false };
        if read(flash, address, found).await.is_err() || found != piece {
            return false;
        }
        address = address.saturating_add(piece.len() as u32);
    }
    true
}

/// Whether `length` bytes from `address` all read as `erased`. What cannot be read is not blank.
pub(super) async fn is_blank<F: NorFlash>(flash: &mut F, address: u32, length: u32, erased: u8) -> bool {
    let blank = [erased; GRAIN_BYTES];
    let end = address.saturating_add(length);
    for piece in (address..end).step_by(GRAIN_BYTES) {
        let count = (end.saturating_sub(piece) as usize).min(GRAIN_BYTES);
        if !holds(flash, piece, blank.get(..count).unwrap_or(&blank)).await {
            return false;
        }
    }
    true
}
