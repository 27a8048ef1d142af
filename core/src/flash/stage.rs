//! Staging: how a slot gets its content, through any number of power cuts.
//!
//! ```text
//! reads back already -> Intact, nothing is written, if its last word is known to have been programmed to its end
//! another header     -> erase, last block first; header; manifest; parts in order; read back -> Intact
//! this header        -> erase from the first block that cannot be relied on; go on from its start
//! ```
//!
//! Parts that the donor slot holds are copied, the others are fetched. Both go through the working buffer.
//!
//! Invariants:
//! - Programming moves upwards only. So under a header that is whole, everything below the last block that is not blank
//!   was programmed completely, and nothing lies above it but what a torn word left in the next one.
//! - The header goes last when erasing and first when programming, so it never stands above another content's parts.
//! - No word is programmed twice. A block that was not erased since staging went on is erased when it is entered: what was programmed
//!   there may read as blank, the object's bytes as well as others, and after a reset nobody could tell.
//! - The slot of the donor is never touched.
//! - What was being programmed when power failed may read right once and wrong later. So the last block is written
//!   again after a reset, even if all of it reads back, unless something that came later is on record.
//! - After any error the next call ends, with the parts below the fault neither fetched nor copied again.

use embedded_storage_async::nor_flash::NorFlash;

use super::io::{self, grains};
use super::layout::{Region, Slot};
use super::slot::{HEADER_BYTES, Head, Intact, Part, Sought, Store};
use crate::content::{Content, ObjectRef};
use crate::digest::Hasher;
use crate::manifest::{Entry, Items, Manifest};
use crate::refusal::Refusal;

/// Where objects come from when no slot has them.
#[allow(async_fn_in_trait, reason = "the driver is used by one executor at a time")]
pub trait ObjectSource {
    /// Reads bytes of an object from `offset` on into `buffer`; returns how many, at least one. `index` is the object's
    /// place in the manifest, counting every entry, and the number of entries for the private object.
    ///
    /// # Errors
    /// A refusal ends staging and is handed on. 0 bytes, or more than fit, count as [`Refusal::OBJECT_UNAVAILABLE`], and so
    /// do helpings so small that several do not fill a buffer.
    async fn read(&mut self, index: usize, object: ObjectRef, offset: u32, buffer: &mut [u8])
    -> Result<usize, Refusal>;
}

/// Which slot to fill.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// This one; everything is fetched.
    Slot(Slot),
    /// The other one than that of this donor, from which unchanged parts are copied.
    Beside(&'a Intact),
}

impl Target<'_> {
    /// The slot to fill.
    #[must_use]
    pub const fn slot(&self) -> Slot {
        match self {
            Self::Slot(slot) => *slot,
            Self::Beside(donor) => donor.slot().other(),
        }
    }
}

/// Whether the last word that was programmed into a slot is known to have been programmed to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// It was: the content is in the boot record, or was staged since the start.
    Known,
    /// Power may have failed in the middle of it.
    Unknown,
}

/// What to put into a slot. Comes from a [`Verified`](crate::envelope::Verified).
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The content.
    pub content: Content,
    /// Its manifest.
    pub manifest: Manifest<'a>,
    /// The slot to fill.
    pub target: Target<'a>,
    /// What is known about it if it holds the content already.
    pub finish: Finish,
}

impl Wanted<'_> {
    fn head(&self) -> Head {
        Head { content: self.content, manifest_bytes: self.manifest.bytes().len() as u32 }
    }

    fn manifest_part(&self) -> Part {
        let object = ObjectRef { digest: self.content.manifest, size: self.manifest.bytes().len() as u32 };
        Part { offset: HEADER_BYTES as u32, object }
    }

    /// The objects and the private object with their places in the manifest. Ends early where offsets exceed 32 bits.
    fn parts(&self) -> Parts<'_> {
        Parts {
            entries: self.manifest.objects(),
            private: self.content.private,
            index: 0,
            offset: self.manifest_part().next(),
        }
    }

    /// Bytes of a slot that holds all of it.
    fn needed(&self) -> Option<u32> {
        let mut end = self.manifest_part().next();
        for (_, part) in self.parts() {
            end = part.next();
        }
        end
    }
}

/// See [`Wanted::parts`].
struct Parts<'a> {
    entries: Items<'a, Entry<'a>>,
    private: Option<ObjectRef>,
    index: usize,
    offset: Option<u32>,
}

impl Iterator for Parts<'_> {
    type Item = (usize, Part);

    #[inline(never)]
    fn next(&mut self) -> Option<(usize, Part)> {
        loop {
            let entry = self.entries.next();
            let object = match &entry {
                Some(entry) => entry.object(),
                None => Some(self.private.take()?),
            };
            let index = self.index;
            self.index = index.saturating_add(1);
            if let Some(object) = object {
                let part = Part { offset: self.offset?, object };
                self.offset = part.next();
                return Some((index, part));
            }
        }
    }
}

/// How far staging is.
struct Progress {
    region: Region,
    /// Everything below this offset is programmed and, as far as it can be, verified. The start of a block.
    from: u32,
    /// Blocks that start below this offset, and not below `from`, were erased.
    erased_to: u32,
}

impl<F: NorFlash> Store<'_, F> {
    /// Fills a slot and reads it back. Returns at once when the slot holds `wanted` already and was finished. A power cut
    /// at any instant leaves what the next call goes on from.
    ///
    /// # Errors
    /// [`Refusal::DOES_NOT_FIT`] before anything is touched; [`Refusal::OBJECT_UNAVAILABLE`] and whatever `source`
    /// returns; [`Refusal::OBJECT_MISMATCH`] after the wrong bytes were erased; [`Refusal::READ_BACK`];
    /// [`Refusal::FLASH_FAILED`].
    pub async fn stage<S: ObjectSource>(&mut self, wanted: &Wanted<'_>, source: &mut S) -> Result<Intact, Refusal> {
        let slot = wanted.target.slot();
        let region = self.layout.slot(slot);
        let needed = wanted.needed().filter(|needed| *needed <= region.length).ok_or(Refusal::DOES_NOT_FIT)?;
        if wanted.finish == Finish::Known
            && let Some(intact) = self.read_back(slot, &wanted.content).await
        {
            return Ok(intact);
        }
        let progress = self.clear(wanted, needed).await?;
        let from = progress.from;
        if from == 0 {
            let header = wanted.head().encode(self.chunk)?;
            progress.program(self.flash, 0, header).await?;
        }
        self.put(&progress, &wanted.manifest_part(), &mut Origin::<S>::Memory(wanted.manifest.bytes())).await?;
        for (index, part) in wanted.parts() {
            if part.end() <= from {
                continue;
            }
            let mut origin = match self.donated(&wanted.target, &part).await {
                Some(address) => Origin::Donor(address),
                None => Origin::Source(source, index),
            };
            self.put(&progress, &part, &mut origin).await?;
        }
        self.read_back(slot, &wanted.content).await.ok_or(Refusal::READ_BACK)
    }
}

/// Where the bytes of one part come from.
enum Origin<'s, S> {
    /// From memory.
    Memory(&'s [u8]),
    /// From this address in flash.
    Donor(u32),
    /// From the source, under this place in the manifest.
    Source(&'s mut S, usize),
}

impl<F: NorFlash> Store<'_, F> {
    /// Erases what cannot be relied on. Goes on from 0 when the header has to be written.
    async fn clear(&mut self, wanted: &Wanted<'_>, needed: u32) -> Result<Progress, Refusal> {
        let slot = wanted.target.slot();
        let region = self.layout.slot(slot);
        let blocks = needed.div_ceil(region.erase_bytes.max(1));
        let (mut from, mut end) = (0, blocks);
        if io::holds(self.flash, region.start, wanted.head().encode(self.chunk)?).await {
            let top = self.top(&region, blocks).await;
            from = self.sound_blocks(wanted, top).await;
            // A torn word above may read as blank.
            end = top.saturating_add(2).min(blocks);
        }
        self.erase(&region, from, end).await?;
        let offset = |block: u32| block.saturating_mul(region.erase_bytes);
        Ok(Progress { region, from: offset(from), erased_to: offset(end) })
    }

    /// Erases the blocks from `from` to `end`, the last one first.
    async fn erase(&mut self, region: &Region, from: u32, end: u32) -> Result<(), Refusal> {
        for block in (from..end).rev() {
            io::erase(self.flash, region, block).await?;
        }
        Ok(())
    }

    /// The last of `blocks` that is not blank.
    async fn top(&mut self, region: &Region, blocks: u32) -> u32 {
        for block in (1..blocks).rev() {
            if !io::is_blank(self.flash, region.block(block), region.erase_bytes, self.layout.erased).await {
                return block;
            }
        }
        0
    }

    /// How many blocks need not be written again: those below `top`, unless something that ends below does not verify.
    async fn sound_blocks(&mut self, wanted: &Wanted<'_>, top: u32) -> u32 {
        let region = self.layout.slot(wanted.target.slot());
        let limit = top.saturating_mul(region.erase_bytes);
        let manifest = wanted.manifest.bytes();
        let below = manifest.get(..limit.saturating_sub(HEADER_BYTES as u32) as usize).unwrap_or(manifest);
        if !io::holds(self.flash, region.start.saturating_add(HEADER_BYTES as u32), below).await {
            return 0;
        }
        for (_, part) in wanted.parts() {
            if part.end() > limit {
                break;
            }
            if self.verify(wanted.target.slot(), &part).await.is_err() {
                return region.block_of(part.offset);
            }
        }
        top
    }

    /// The address of a part's bytes in the donor slot, if it has them and they verify.
    async fn donated(&mut self, target: &Target<'_>, part: &Part) -> Option<u32> {
        let Target::Beside(donor) = target else { return None };
        let found = donor.locate(self, &Sought::Object(&part.object)).await.ok()??;
        self.verify(donor.slot(), &found).await.ok()?;
        Some(self.layout.slot(donor.slot()).start.saturating_add(found.offset))
    }

    /// Programs what is missing of a part. When the bytes turn out wrong, its blocks are erased again.
    async fn put<S: ObjectSource>(
        &mut self,
        progress: &Progress,
        part: &Part,
        origin: &mut Origin<'_, S>,
    ) -> Result<(), Refusal> {
        let mut hasher = Hasher::new();
        let mut done = progress.from.saturating_sub(part.offset).min(part.object.size);
        self.hash(progress.region.start.saturating_add(part.offset), done, &mut hasher).await?;
        while done < part.object.size {
            let at = part.offset.saturating_add(done);
            let count = self.room(part.object.size.saturating_sub(done).min(progress.to_border(at)));
            let (flash, erased) = (&mut *self.flash, self.layout.erased);
            let whole =
                grains(count).and_then(|whole| self.chunk.get_mut(..whole as usize)).ok_or(Refusal::TOO_LARGE)?;
            let (piece, padding) = whole.split_at_mut_checked(count as usize).ok_or(Refusal::TOO_LARGE)?;
            if piece.is_empty() {
                return Err(Refusal::TOO_LARGE);
            }
            origin.fill(flash, part.object, done, piece).await?;
            hasher.update(piece);
            padding.fill(erased);
            progress.program(flash, at, whole).await?;
            done = done.saturating_add(count);
        }
        if hasher.finish() == part.object.digest {
            return Ok(());
        }
        let last = progress.region.block_of(part.end().saturating_sub(1));
        self.erase(&progress.region, progress.region.block_of(part.offset), last.saturating_add(1)).await?;
        Err(Refusal::OBJECT_MISMATCH)
    }
}

impl Progress {
    /// Bytes from `offset` to the end of its block.
    fn to_border(&self, offset: u32) -> u32 {
        let inside = offset.checked_rem(self.region.erase_bytes).unwrap_or(0);
        self.region.erase_bytes.saturating_sub(inside)
    }

    /// Programs whole grains inside one block.
    async fn program<F: NorFlash>(&self, flash: &mut F, offset: u32, bytes: &[u8]) -> Result<(), Refusal> {
        if self.to_border(offset) == self.region.erase_bytes && offset >= self.erased_to {
            io::erase(flash, &self.region, self.region.block_of(offset)).await?;
        }
        io::write(flash, self.region.start.saturating_add(offset), bytes).await
    }
}

impl<S: ObjectSource> Origin<'_, S> {
    /// Fills `piece` with the part's bytes from `offset` on.
    async fn fill<F: NorFlash>(
        &mut self,
        flash: &mut F,
        object: ObjectRef,
        offset: u32,
        piece: &mut [u8],
    ) -> Result<(), Refusal> {
        match self {
            Self::Memory(bytes) => {
                let from = bytes.get(offset as usize..).and_then(|from| from.get(..piece.len()));
                piece.copy_from_slice(from.ok_or(Refusal::TOO_LARGE)?);
                Ok(())
            }
            Self::Donor(address) => io::read(flash, address.saturating_add(offset), piece).await,
            Self::Source(source, index) => fetch(*source, (*index, object), offset, piece).await,
        }
    }
}

/// Most helpings from which a piece is filled. Honest links need one, or two where their own windows end; without a bound,
/// whoever hands out single bytes holds a device in one download for months.
const HELPINGS_MAX: usize = 4;

/// Fills `piece` from the source.
async fn fetch<S: ObjectSource>(
    source: &mut S,
    (index, object): (usize, ObjectRef),
    offset: u32,
    piece: &mut [u8],
) -> Result<(), Refusal> {
    let mut filled = 0;
    for _ in 0..HELPINGS_MAX {
        let Some(rest) = piece.get_mut(filled..).filter(|rest| !rest.is_empty()) else { return Ok(()) };
        let most = rest.len();
        let count = source.read(index, object, offset.saturating_add(filled as u32), rest).await?;
        if count == 0 || count > most {
            return Err(Refusal::OBJECT_UNAVAILABLE);
        }
        filled = filled.saturating_add(count);
    }
    if filled == piece.len() { Ok(()) } else { Err(Refusal::OBJECT_UNAVAILABLE) }
}
