//! The boot record in flash: the only commit point of the system.
//!
//! ```text
//! record region   two erase blocks, or three; the newest generation decides
//! block           copy  copy  unused
//! copy   768      check (16)  body (752)
//! body            the record in postcard, zeros to the end
//! check           the first 16 bytes of SHA-256("steadfast.record.v1\0"  body)
//! ```
//!
//! Invariants:
//! - A commit erases a block, programs both copies one after the other and returns when both have read back. It never
//!   erases the block that holds a record that anybody may have acted on. Where a block fails, the commit goes on with the third, if there is one.
//! - A copy counts when its check holds and it decodes. A first copy whose second is blank counts only when nothing
//!   else does: its writer never returned, so nobody acted on it, and its last word may be weak.
//! - Nobody acts on a record that is not a whole pair, nor beside a younger one that was only begun: [`RecordStore::load`] commits it
//!   afresh to another block first. Nor beside any other block that works and is not a pair: bits that read as blank now could
//!   read otherwise later, and a younger record would count. The record in force is copied there.
//! - What cannot be read may be the record in force: nobody acts on another one, nor writes there, until it has been
//!   waited for. See [`Unread`].
//! - Loading twice is loading once: a record that was a whole pair is returned without a write.

use embedded_storage_async::nor_flash::NorFlash;

use super::io;
use super::layout::{Layout, Region};
use crate::codec::{self, Reader, Wire};
use crate::digest::Hasher;
use crate::id::first;
use crate::record::BootRecord;
use crate::refusal::Refusal;

/// Bytes of one copy of the record, its check included. Two copies fit the smallest erase block, 2 KiB.
pub const RECORD_BYTES: usize = 768;

/// Bytes of a copy's check.
const CHECK_BYTES: usize = 16;

/// Copies in a block.
const COPIES: u32 = 2;

/// Most erase blocks of the record region that are used.
const BLOCKS_MAX: usize = 3;

/// Fewest blocks: the one in force and the one that is written.
const BLOCKS_MIN: usize = 2;

/// How often a load looks again when a copy that counted a moment ago, or any block, does not read.
const LOADS_MAX: usize = 4;

impl BootRecord {
    /// Encodes one copy, check and padding included. A block holds it twice.
    ///
    /// # Errors
    /// None for any record that can be built: the largest one fits. [`Refusal::TOO_LARGE`] stands for the impossible.
    pub fn encode_copy(&self, copy: &mut [u8; RECORD_BYTES]) -> Result<(), Refusal> {
        copy.fill(0);
        let (check, body) = copy.split_at_mut_checked(CHECK_BYTES).ok_or(Refusal::TOO_LARGE)?;
        codec::encode(self, body)?;
        check.copy_from_slice(&check_of(body));
        Ok(())
    }

    /// Reads one copy; `None` unless its check holds and it decodes, with nothing but zeros behind.
    #[must_use]
    pub fn decode_copy(copy: &[u8; RECORD_BYTES]) -> Option<Self> {
        let (check, body) = copy.split_at_checked(CHECK_BYTES)?;
        if check != check_of(body) {
            return None;
        }
        let mut reader = Reader::new(body);
        let record = Self::read(&mut reader);
        let is_whole = reader.finish().is_ok_and(|padding| padding.iter().all(|byte| *byte == 0));
        is_whole.then_some(record)
    }
}

/// The check of a copy's body.
fn check_of(body: &[u8]) -> [u8; CHECK_BYTES] {
    let mut hasher = Hasher::new();
    hasher.update(b"steadfast.record.v1\0");
    hasher.update(body);
    first(&hasher.finish().0)
}

/// What to do about a block in which no copy counts because flash fails to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// There is no record in force until it reads: flash that has just got power may still be waking up.
    Awaited,
    /// It was waited for and counts as lost, unless nothing else counts. It is not written, and what is committed is younger than
    /// whatever it may hold.
    Forgone,
}

/// What was found in a block of the record region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// Nothing that counts.
    Nothing,
    /// Nothing that counts, because it does not read.
    Unread,
    /// A first copy whose second is blank.
    Begun(u32),
    /// A first copy and hardly anything of the second: now and then it may read as begun. Nobody ever read a pair here.
    Scant(u32),
    /// One copy. It may have read as a pair once, and does not read as begun.
    One(u32),
    /// Both copies, alike.
    Pair(u32),
    /// Writing it failed: nobody knows what it holds. It is left alone until the next load.
    Failed(u32),
}

impl Found {
    /// Its generation.
    const fn generation(self) -> Option<u32> {
        match self {
            Self::Nothing | Self::Unread => None,
            Self::Begun(generation)
            | Self::Scant(generation)
            | Self::One(generation)
            | Self::Pair(generation)
            | Self::Failed(generation) => Some(generation),
        }
    }

    /// Its generation, if somebody may have acted on it.
    const fn firm(self) -> Option<u32> {
        if let Self::One(generation) | Self::Pair(generation) = self { Some(generation) } else { None }
    }

    /// Its generation, unless its writer never returned or failed.
    const fn settled(self) -> Option<u32> {
        match self {
            Self::Begun(_) | Self::Failed(_) => None,
            _ => self.generation(),
        }
    }
}

/// Whether a generation is younger than another one. Half the numbers lie ahead of any number, so wrapping is harmless.
const fn is_younger(generation: u32, than: u32) -> bool {
    generation.wrapping_sub(than).cast_signed() > 0
}

/// The record region: knows which block holds the record in force, and writes the next one elsewhere.
#[derive(Debug)]
pub struct RecordStore {
    region: Region,
    blocks: [Found; BLOCKS_MAX],
    current: Option<usize>,
}

impl RecordStore {
    /// Finds the record in force and makes sure of it: when it is not a whole pair it is committed afresh to another
    /// block before this returns. `None` when no copy counts.
    ///
    /// # Errors
    /// Those of [`RecordStore::commit`]; [`Refusal::FLASH_FAILED`] also when copies change while they are read, and when
    /// a block does not read.
    pub async fn load<F: NorFlash>(
        flash: &mut F,
        layout: &Layout,
        buffer: &mut [u8; RECORD_BYTES],
    ) -> Result<(Self, Option<BootRecord>), Refusal> {
        let store = Self::find(flash, layout, buffer, Unread::Awaited).await?;
        let record = store.record(buffer);
        Ok((store, record))
    }

    /// The same, but for decoding: the record in force is left in `buffer`, so that whoever waits for this has no room for it to
    /// spare. See [`RecordStore::record`].
    ///
    /// # Errors
    /// Those of [`RecordStore::load`], but as `unread` says.
    pub async fn find<F: NorFlash>(
        flash: &mut F,
        layout: &Layout,
        buffer: &mut [u8; RECORD_BYTES],
        unread: Unread,
    ) -> Result<Self, Refusal> {
        for left in (0..LOADS_MAX).rev() {
            let mut store = Self::unread(layout);
            for (index, found) in (0..store.region.blocks()).zip(&mut store.blocks) {
                *found = survey(flash, layout, index, buffer).await;
            }
            let is_whole = !store.blocks.contains(&Found::Unread);
            let Some((index, found)) = store.youngest() else {
                if is_whole {
                    return Ok(store);
                }
                // Flash that was away as a whole has not been waited for since it came back.
                if unread == Unread::Forgone {
                    break;
                }
                continue;
            };
            if !is_whole && (unread == Unread::Awaited || left > 0) {
                continue;
            }
            store.forgo(found);
            store.current = Some(index);
            if !read_either(flash, store.region.block(index as u32), buffer).await {
                continue;
            }
            if !matches!(found, Found::Pair(_)) || store.has_begun_after(found) {
                store.commit_copy(flash, buffer).await?;
            }
            store.copy_to_the_rest(flash, buffer).await;
            return Ok(store);
        }
        Err(Refusal::FLASH_FAILED)
    }

    /// The record that [`RecordStore::find`] left in `buffer`; `None` when no copy counts.
    #[must_use]
    pub fn record(&self, buffer: &[u8; RECORD_BYTES]) -> Option<BootRecord> {
        self.current.and_then(|_| BootRecord::decode_copy(buffer))
    }

    /// Writes `record`, its generation advanced, to a block that does not hold the record in force; where that fails and there is
    /// a third block, to another one. When this returns, both copies have read back and every later load finds it. A power cut
    /// before leaves the former record or this one.
    ///
    /// # Errors
    /// [`Refusal::FLASH_FAILED`] when flash fails or does not read back: the next load finds the former record or this
    /// one. [`Refusal::DOES_NOT_FIT`] when the region is not two blocks that hold two copies each.
    pub async fn commit<F: NorFlash>(
        &mut self,
        flash: &mut F,
        record: &mut BootRecord,
        buffer: &mut [u8; RECORD_BYTES],
    ) -> Result<(), Refusal> {
        record.encode_copy(buffer)?;
        record.generation = self.commit_copy(flash, buffer).await?;
        Ok(())
    }

    /// Commits the record in `buffer`. Returns its generation.
    async fn commit_copy<F: NorFlash>(
        &mut self,
        flash: &mut F,
        buffer: &mut [u8; RECORD_BYTES],
    ) -> Result<u32, Refusal> {
        let mut refusal = Refusal::DOES_NOT_FIT;
        for _ in 0..BLOCKS_MAX {
            let Some(index) = self.oldest() else { break };
            // Above that of a block that failed a moment ago, too, whatever it holds.
            let newest = self.blocks.iter().filter_map(|found| found.generation());
            let newest = newest.reduce(|a, b| if is_younger(b, a) { b } else { a });
            let generation = newest.map_or(0, |newest| newest.wrapping_add(1));
            renumber(buffer, generation)?;
            self.set(index, Found::Failed(generation));
            match write_pair(flash, &self.region, index as u32, buffer).await {
                Ok(()) => {
                    self.set(index, Found::Pair(generation));
                    self.current = Some(index);
                    return Ok(generation);
                }
                Err(why) => refusal = why,
            }
            // What failed may hold an old record, which would be in force if a scant copy read as begun while the one between is
            // overwritten. So the one between is in force and the scant copy goes: nobody acted on it.
            let firm = self.youngest_by(Found::firm).map(|(index, _)| index);
            if let Some(index) = firm.filter(|_| firm != self.current) {
                self.current = firm;
                if !read_either(flash, self.region.block(index as u32), buffer).await {
                    break;
                }
            }
        }
        Err(refusal)
    }

    /// Copies the record in force, which is in `buffer`, to each block that is not a pair, its generation included: an erase in which
    /// power failed may read as blank now, and as a younger record later. A block that fails is left alone until the next load.
    async fn copy_to_the_rest<F: NorFlash>(&mut self, flash: &mut F, buffer: &[u8; RECORD_BYTES]) {
        let Some(generation) = generation_of(buffer) else { return };
        while let Some(index) = self.not_a_pair() {
            let written = write_pair(flash, &self.region, index as u32, buffer).await;
            self.set(index, if written.is_ok() { Found::Pair(generation) } else { Found::Failed(generation) });
        }
        // Of two of one generation, the lower one is in force.
        self.current = self.youngest().map(|(index, _)| index);
    }

    // Made in a future's state in place, it would be the one thing in the core to be moved by `memmove`, which is large.
    #[inline(never)]
    const fn unread(layout: &Layout) -> Self {
        Self { region: layout.record, blocks: [Found::Nothing; BLOCKS_MAX], current: None }
    }

    /// Gives up the blocks that do not read, as ones that failed and may hold what is younger than this.
    fn forgo(&mut self, found: Found) {
        // A commit raises the generation by one for each block that it tries.
        let beyond = found.generation().map_or(0, |generation| generation.wrapping_add(BLOCKS_MAX as u32));
        let unread = self.blocks.iter_mut().filter(|block| **block == Found::Unread);
        unread.for_each(|block| *block = Found::Failed(beyond));
    }

    /// The block of the record in force. What was only begun counts when nothing else does.
    fn youngest(&self) -> Option<(usize, Found)> {
        self.youngest_by(Found::settled).or_else(|| self.youngest_by(Found::generation))
    }

    fn youngest_by(&self, rank: fn(Found) -> Option<u32>) -> Option<(usize, Found)> {
        let found = self.blocks.iter().copied().enumerate();
        let ranked = found.filter_map(|(index, found)| Some((index, found, rank(found)?)));
        let youngest = ranked.reduce(|a, b| if is_younger(b.2, a.2) { b } else { a });
        youngest.map(|(index, found, _)| (index, found))
    }

    /// Whether a record younger than the one in force was begun.
    fn has_begun_after(&self, found: Found) -> bool {
        let younger = |begun: u32| found.generation().is_some_and(|generation| is_younger(begun, generation));
        self.blocks.iter().any(|block| matches!(block, Found::Begun(begun) if younger(*begun)))
    }

    /// The block to overwrite: not the one in force, nor one that failed; rather one that was only begun, rather one that does not
    /// count, rather the oldest.
    fn oldest(&self) -> Option<usize> {
        let usable = self.usable();
        let others = self.blocks.iter().enumerate().take(usable);
        let others = others.filter(|(index, found)| Some(*index) != self.current && !matches!(found, Found::Failed(_)));
        let begun = others.clone().find(|(_, found)| matches!(found, Found::Begun(_)));
        let ranked = others.map(|(index, found)| (index, found.settled()));
        let oldest = ranked.reduce(|a, b| match (a.1, b.1) {
            (None, _) => a,
            (Some(first), Some(second)) if is_younger(second, first) => a,
            _ => b,
        });
        begun.map(|(index, _)| index).or(oldest.map(|(index, _)| index)).filter(|_| usable >= BLOCKS_MIN)
    }

    /// A block that works, as far as anybody knows, and does not hold a pair.
    fn not_a_pair(&self) -> Option<usize> {
        let mut usable = self.blocks.iter().take(self.usable());
        usable.position(|found| !matches!(found, Found::Pair(_) | Found::Failed(_)))
    }

    /// How many blocks can hold a pair.
    fn usable(&self) -> usize {
        let room = COPIES.saturating_mul(RECORD_BYTES as u32) <= self.region.erase_bytes;
        if room { self.region.blocks() as usize } else { 0 }
    }

    fn set(&mut self, index: usize, found: Found) {
        if let Some(place) = self.blocks.get_mut(index) {
            *place = found;
        }
    }
}

/// Where a copy starts in a block.
const fn copy_address(block: u32, copy: u32) -> u32 {
    block.saturating_add(copy.saturating_mul(RECORD_BYTES as u32))
}

/// Erases a block and writes both copies; each must read back.
async fn write_pair<F: NorFlash>(
    flash: &mut F,
    region: &Region,
    index: u32,
    copy: &[u8; RECORD_BYTES],
) -> Result<(), Refusal> {
    io::erase(flash, region, index).await?;
    for place in 0..COPIES {
        let address = copy_address(region.block(index), place);
        io::write(flash, address, copy).await?;
        if !io::holds(flash, address, copy).await {
            return Err(Refusal::FLASH_FAILED);
        }
    }
    Ok(())
}

/// Reads the first copy of a block that counts into the buffer; whether there is one.
async fn read_either<F: NorFlash>(flash: &mut F, block: u32, buffer: &mut [u8; RECORD_BYTES]) -> bool {
    for copy in 0..COPIES {
        if matches!(generation_at(flash, copy_address(block, copy), buffer).await, Ok(Some(_))) {
            return true;
        }
    }
    false
}

/// Gives the record in the buffer another generation. Apart, so that a whole record on the stack is there and gone.
#[inline(never)]
fn renumber(copy: &mut [u8; RECORD_BYTES], generation: u32) -> Result<(), Refusal> {
    let record = BootRecord::decode_copy(copy).ok_or(Refusal::FLASH_FAILED)?;
    BootRecord { generation, ..record }.encode_copy(copy)
}

/// Looks at both copies of a block.
async fn survey<F: NorFlash>(flash: &mut F, layout: &Layout, index: u32, buffer: &mut [u8; RECORD_BYTES]) -> Found {
    let block = layout.record.block(index);
    let first = generation_at(flash, copy_address(block, 0), buffer).await;
    let second_address = copy_address(block, 1);
    let Ok(Some(first)) = first else {
        return match (first, generation_at(flash, second_address, buffer).await) {
            (_, Ok(Some(second))) => Found::One(second),
            (Ok(_), Ok(_)) => Found::Nothing,
            _ => Found::Unread,
        };
    };
    // Power cuts leave one word that flickers at most. Beyond the first word a copy holds more, so whether this part reads
    // as blank or not tells what the block cannot have been, or cannot become.
    let rest_address = second_address.saturating_add(io::GRAIN_BYTES as u32);
    let rest_bytes = (RECORD_BYTES as u32).saturating_sub(io::GRAIN_BYTES as u32);
    // The buffer still holds the first copy.
    if io::holds(flash, second_address, buffer).await {
        Found::Pair(first)
    } else if io::is_blank(flash, second_address, RECORD_BYTES as u32, layout.erased).await {
        Found::Begun(first)
    } else if io::is_blank(flash, rest_address, rest_bytes, layout.erased).await {
        Found::Scant(first)
    } else {
        Found::One(first)
    }
}

/// The generation of the copy at an address, if it counts.
async fn generation_at<F: NorFlash>(
    flash: &mut F,
    address: u32,
    buffer: &mut [u8; RECORD_BYTES],
) -> Result<Option<u32>, Refusal> {
    io::read(flash, address, buffer).await?;
    Ok(generation_of(buffer))
}

/// The generation of a copy that counts. Apart, so that a whole record on the stack is there and gone.
#[inline(never)]
fn generation_of(copy: &[u8; RECORD_BYTES]) -> Option<u32> {
    BootRecord::decode_copy(copy).map(|record| record.generation)
}

#[cfg(test)]
mod tests;
