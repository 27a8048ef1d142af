//! A slot: one configuration as it lies in flash, and the proof that it is whole.
//!
//! ```text
//! 0     header  128   check (16)  body (112): content and manifest size in postcard, zeros to the end
//! 128   manifest      as it was verified
//! ...   objects       in the manifest's order; sections of kind `private` have none
//! ...   private       the device's sealed secrets, if it has any
//! ```
//!
//! Each part starts at the next multiple of 32 bytes and its last grain is filled with the erased value, so header and
//! manifest say where everything lies. The check is the first 16 bytes of SHA-256("steadfast.slot.v1\0"  body).
//!
//! Invariants:
//! - An [`Intact`] is made by reading back and in no other way: header against the wanted content, manifest against the
//!   content, objects against the manifest, private object against the content.
//! - Whatever is handed out of an intact slot is checked against its digest once more, after it was read into the
//!   caller's buffer, because flash outside the chip can change in between.
//! - Nothing here writes.

use embedded_storage_async::nor_flash::NorFlash;

use super::io::{self, GRAIN_BYTES, grains};
use super::layout::{Layout, Slot};
use crate::codec::{self, Reader, Wire, wire};
use crate::content::{Content, ObjectRef};
use crate::digest::{Digest, Hasher};
use crate::id::first;
use crate::manifest::{Entry, Manifest, Policy, Settings};
use crate::refusal::Refusal;

/// Bytes of a slot's header.
pub(super) const HEADER_BYTES: usize = 128;

/// Bytes of the header's check.
const CHECK_BYTES: usize = 16;

/// Smallest working buffer: a header.
pub const CHUNK_MIN_BYTES: usize = HEADER_BYTES;

/// Flash with its layout and the one buffer through which bytes move.
#[derive(Debug)]
pub struct Store<'a, F> {
    /// The flash.
    pub flash: &'a mut F,
    /// Where the regions lie.
    pub layout: &'a Layout,
    /// The working buffer, at least [`CHUNK_MIN_BYTES`]; whole multiples of 32 bytes are used.
    pub chunk: &'a mut [u8],
}

/// Proof that a slot was read back and holds its content whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intact {
    slot: Slot,
    content: Content,
    manifest_bytes: u32,
}

/// What a header says.
pub(super) struct Head {
    pub(super) content: Content,
    pub(super) manifest_bytes: u32,
}

wire! {
    struct Head { content, manifest_bytes }
}

impl Head {
    /// Writes the header's bytes into the start of `buffer`.
    pub(super) fn encode<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], Refusal> {
        let header = buffer.get_mut(..HEADER_BYTES).ok_or(Refusal::TOO_LARGE)?;
        header.fill(0);
        let (check, body) = header.split_at_mut_checked(CHECK_BYTES).ok_or(Refusal::TOO_LARGE)?;
        codec::encode(self, body)?;
        check.copy_from_slice(&check_of(body));
        Ok(header)
    }

    fn decode(header: &[u8]) -> Option<Self> {
        let (check, body) = header.split_at_checked(CHECK_BYTES)?;
        let (head, padding) = codec::take(body).ok()?;
        (check == check_of(body) && padding.iter().all(|byte| *byte == 0)).then_some(head)
    }
}

fn check_of(body: &[u8]) -> [u8; CHECK_BYTES] {
    let mut hasher = Hasher::new();
    hasher.update(b"steadfast.slot.v1\0");
    hasher.update(body);
    first(&hasher.finish().0)
}

/// Bytes somewhere in a slot, and their digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Where they start, counted from the slot's start.
    pub(super) offset: u32,
    /// What they should be.
    pub(super) object: ObjectRef,
}

impl Part {
    /// The first offset after it.
    pub(super) const fn end(&self) -> u32 {
        self.offset.saturating_add(self.object.size)
    }

    /// Where the next part starts; `None` beyond 32 bits.
    pub(super) fn next(&self) -> Option<u32> {
        grains(self.offset.checked_add(self.object.size)?)
    }
}

impl<F: NorFlash> Store<'_, F> {
    /// Reads a whole slot back; `None` unless it holds `wanted`, complete and unaltered. What cannot be read is not
    /// intact.
    pub async fn read_back(&mut self, slot: Slot, wanted: &Content) -> Option<Intact> {
        self.inspect(slot, wanted, None).await.map(|(intact, _)| intact)
    }

    /// Reads part number `index` of a slot once more, from 0, and header and manifest with it. Returns the number of the part that is
    /// next, 0 after the last; `None` when the slot is not intact any more.
    pub async fn scrub(&mut self, intact: &Intact, index: usize) -> Option<usize> {
        let (_, last) = self.inspect(intact.slot, &intact.content, Some(index)).await?;
        Some(if index < last { index.saturating_add(1) } else { 0 })
    }

    /// Reads header, manifest, and all parts or `only` one. Returns the number of the last part, too.
    async fn inspect(&mut self, slot: Slot, wanted: &Content, only: Option<usize>) -> Option<(Intact, usize)> {
        let header = self.chunk.get_mut(..HEADER_BYTES)?;
        io::read(self.flash, self.layout.slot(slot).start, header).await.ok()?;
        let head = Head::decode(header).filter(|head| head.content == *wanted)?;
        let intact = Intact { slot, content: *wanted, manifest_bytes: head.manifest_bytes };
        let last = self.check(&intact, only).await.ok()?;
        Some((intact, last))
    }

    /// Reads all parts or `only` one, and fails unless each one verifies. The number of the last one is that of the private object,
    /// whether there is one or not.
    async fn check(&mut self, intact: &Intact, only: Option<usize>) -> Result<usize, Refusal> {
        let is_due = |index: usize| only.is_none_or(|only| only == index);
        let (mut walk, mut index) = (Walk::new(self.layout, intact)?, 0_usize);
        walk.open(self).await?;
        while let Some((_, part)) = walk.next(self).await? {
            if let Some(part) = part.filter(|_| is_due(index)) {
                self.verify(intact.slot, &part).await?;
            }
            index = index.saturating_add(1);
        }
        if let Some(private) = walk.close(intact)?.filter(|_| is_due(index)) {
            self.verify(intact.slot, &private).await?;
        }
        Ok(index)
    }

    /// Fails with [`Refusal::READ_BACK`] unless a part lies inside its slot and has its digest.
    pub(super) async fn verify(&mut self, slot: Slot, part: &Part) -> Result<(), Refusal> {
        let region = self.layout.slot(slot);
        if part.next().is_none_or(|next| next > region.length) {
            return Err(Refusal::READ_BACK);
        }
        let mut hasher = Hasher::new();
        self.hash(region.start.saturating_add(part.offset), part.object.size, &mut hasher).await?;
        if hasher.finish() == part.object.digest { Ok(()) } else { Err(Refusal::READ_BACK) }
    }

    /// Hashes `length` bytes of flash from `address` on.
    pub(super) async fn hash(&mut self, address: u32, length: u32, hasher: &mut Hasher) -> Result<(), Refusal> {
        let (mut at, end) = (address, address.saturating_add(length));
        while at < end {
            let count = self.room(end.saturating_sub(at));
            let piece = self.chunk.get_mut(..count as usize).filter(|piece| !piece.is_empty());
            let piece = piece.ok_or(Refusal::TOO_LARGE)?;
            io::read(self.flash, at, piece).await?;
            hasher.update(piece);
            at = at.saturating_add(count);
        }
        Ok(())
    }

    /// How many of `wanted` bytes go through the working buffer at once.
    pub(super) fn room(&self, wanted: u32) -> u32 {
        let spare = self.chunk.len().checked_rem(GRAIN_BYTES).unwrap_or(0);
        wanted.min(self.chunk.len().saturating_sub(spare) as u32)
    }
}

#[cfg(test)]
impl Intact {
    /// A proof out of thin air.
    pub(crate) const fn forge(slot: Slot, content: Content) -> Self {
        Self { slot, content, manifest_bytes: 0 }
    }
}

impl Intact {
    /// Where it lies.
    #[must_use]
    pub const fn slot(&self) -> Slot {
        self.slot
    }

    /// What lies there.
    #[must_use]
    pub const fn content(&self) -> &Content {
        &self.content
    }

    /// Reads the manifest into the start of `buffer`.
    ///
    /// # Errors
    /// [`Refusal::TOO_LARGE`] when it does not fit, [`Refusal::READ_BACK`] when it is not what it was, and
    /// [`Refusal::FLASH_FAILED`].
    pub async fn manifest<'b, F: NorFlash>(
        &self,
        store: &mut Store<'_, F>,
        buffer: &'b mut [u8],
    ) -> Result<Manifest<'b>, Refusal> {
        let object = ObjectRef { digest: self.content.manifest, size: self.manifest_bytes };
        Manifest::parse(self.read(store, Part { offset: HEADER_BYTES as u32, object }, buffer).await?)
    }

    /// Reads the object of the section or file `name` into the start of `buffer`; `None` when the manifest has none,
    /// or the section is private.
    ///
    /// # Errors
    /// As [`Intact::manifest`].
    pub async fn section<'b, F: NorFlash>(
        &self,
        store: &mut Store<'_, F>,
        name: &str,
        buffer: &'b mut [u8],
    ) -> Result<Option<&'b [u8]>, Refusal> {
        match self.locate(store, &Sought::Section(name)).await? {
            Some(part) => self.read(store, part, buffer).await.map(Some),
            None => Ok(None),
        }
    }

    /// Reads the sealed private object into the start of `buffer`; `None` when the content has none.
    ///
    /// # Errors
    /// As [`Intact::manifest`].
    pub async fn private<'b, F: NorFlash>(
        &self,
        store: &mut Store<'_, F>,
        buffer: &'b mut [u8],
    ) -> Result<Option<&'b [u8]>, Refusal> {
        match self.locate(store, &Sought::Private).await? {
            Some(part) => self.read(store, part, buffer).await.map(Some),
            None => Ok(None),
        }
    }

    /// Finds a part. The manifest is hashed while it is searched, so what is found is what was signed.
    pub(super) async fn locate<F: NorFlash>(
        &self,
        store: &mut Store<'_, F>,
        sought: &Sought<'_>,
    ) -> Result<Option<Part>, Refusal> {
        let (mut found, mut walk) = (None, Walk::new(store.layout, self)?);
        walk.open(store).await?;
        while let Some((entry, part)) = walk.next(store).await? {
            let matches = match sought {
                Sought::Section(name) => entry.section == *name,
                Sought::Object(object) => part.is_some_and(|part| part.object == **object),
                Sought::Private => false,
            };
            found = if matches { part } else { found };
        }
        let private = walk.close(self)?;
        Ok(match sought {
            Sought::Private => private,
            Sought::Object(object) => found.or(private.filter(|part| part.object == **object)),
            Sought::Section(_) => found,
        })
    }

    /// Reads a part into the start of `buffer` and checks it there.
    async fn read<'b, F: NorFlash>(
        &self,
        store: &mut Store<'_, F>,
        part: Part,
        buffer: &'b mut [u8],
    ) -> Result<&'b [u8], Refusal> {
        let bytes = buffer.get_mut(..part.object.size as usize).ok_or(Refusal::TOO_LARGE)?;
        let address = store.layout.slot(self.slot).start.saturating_add(part.offset);
        io::read(store.flash, address, bytes).await?;
        if Digest::of(bytes) == part.object.digest { Ok(bytes) } else { Err(Refusal::READ_BACK) }
    }
}

/// What to look for in a slot.
#[derive(Clone, Copy)]
pub(super) enum Sought<'a> {
    /// The object of this section or file.
    Section(&'a str),
    /// Any part with these bytes.
    Object(&'a ObjectRef),
    /// The private object.
    Private,
}

/// Longest encoding of one thing in a manifest, the settings with the policy and a count, or an entry, rounded up.
const WINDOW_BYTES: usize = 96;

/// A walk over a manifest in flash, entry by entry through the start of the working buffer, because it need not fit into any. It
/// hashes the very bytes it decodes.
pub(super) struct Walk {
    /// The address of what comes next, and of the manifest's end.
    at: u32,
    end: u32,
    /// How many entries come.
    left: u8,
    /// Where the next part starts in the slot.
    offset: u32,
    hasher: Hasher,
}

impl Walk {
    /// A walk over the manifest of a slot, at its start.
    pub(super) fn new(layout: &Layout, intact: &Intact) -> Result<Self, Refusal> {
        let region = layout.slot(intact.slot);
        let object = ObjectRef { digest: intact.content.manifest, size: intact.manifest_bytes };
        let manifest = Part { offset: HEADER_BYTES as u32, object };
        let offset = manifest.next().filter(|next| *next <= region.length).ok_or(Refusal::READ_BACK)?;
        let (at, end) = (region.start.saturating_add(manifest.offset), region.start.saturating_add(manifest.end()));
        Ok(Self { at, end, left: 0, offset, hasher: Hasher::new() })
    }

    /// Goes to the first entry.
    pub(super) async fn open<F: NorFlash>(&mut self, store: &mut Store<'_, F>) -> Result<(), Refusal> {
        let mut ahead = Ahead::Settings;
        while ahead != Ahead::Entries {
            let bytes = self.fill(store).await?;
            let mut reader = Reader::new(bytes);
            ahead = ahead.step(&mut reader, &mut self.left);
            self.advance(bytes, reader.finish()?);
        }
        Ok(())
    }

    /// The next entry and, unless it is private, where its bytes lie.
    pub(super) async fn next<'s, F: NorFlash>(
        &mut self,
        store: &'s mut Store<'_, F>,
    ) -> Result<Option<(Entry<'s>, Option<Part>)>, Refusal> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        let bytes = self.fill(store).await?;
        let (entry, rest) = codec::take::<Entry<'_>>(bytes)?;
        self.advance(bytes, rest);
        let part = entry.object().map(|object| Part { offset: self.offset, object });
        if let Some(part) = &part {
            self.offset = part.next().ok_or(Refusal::READ_BACK)?;
        }
        Ok(Some((entry, part)))
    }

    /// After the last entry: the private part, if what was walked over is the manifest it should be.
    pub(super) fn close(self, intact: &Intact) -> Result<Option<Part>, Refusal> {
        if self.at != self.end || self.hasher.finish() != intact.content.manifest {
            return Err(Refusal::READ_BACK);
        }
        Ok(intact.content.private.map(|object| Part { offset: self.offset, object }))
    }

    /// Reads what comes next into the working buffer, as far as it goes.
    async fn fill<'s, F: NorFlash>(&self, store: &'s mut Store<'_, F>) -> Result<&'s [u8], Refusal> {
        let count = (self.end.saturating_sub(self.at) as usize).min(WINDOW_BYTES);
        let bytes = store.chunk.get_mut(..count).ok_or(Refusal::TOO_LARGE)?;
        io::read(store.flash, self.at, bytes).await?;
        Ok(bytes)
    }

    /// Steps over what was decoded from `bytes`, which left `rest`.
    fn advance(&mut self, bytes: &[u8], rest: &[u8]) {
        let used = bytes.len().saturating_sub(rest.len());
        self.hasher.update(bytes.get(..used).unwrap_or_default());
        self.at = self.at.saturating_add(used as u32);
    }
}

/// What comes next in a manifest, as far as its entries.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ahead {
    Settings,
    Checks,
    Entries,
}

impl Ahead {
    /// Reads one thing, keeps how many of its kind are `left`, and says what follows.
    fn step(self, from: &mut Reader<'_>, left: &mut u8) -> Self {
        if self == Self::Settings {
            let _ = (Settings::read(from), Policy::read(from));
        } else if let Some(fewer) = left.checked_sub(1) {
            let _ = <&str>::read(from);
            *left = fewer;
            return Self::Checks;
        }
        *left = u8::read(from);
        if self == Self::Settings { Self::Checks } else { Self::Entries }
    }
}
