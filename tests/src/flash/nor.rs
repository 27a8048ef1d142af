//! The model: NOR flash that remembers every word that was programmed, and every sin.
//!
//! Programming moves bits away from the erased value only. A word is programmed once between two erases, on every
//! geometry: some flashes forbid more (ECC), and the store promises it for all. What breaks a rule is refused and noted
//! in [`Image::sins`]. Reads never fail here.

use std::cell::Cell;
use std::rc::Rc;

use embedded_storage_async::nor_flash::{ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash};

use super::Geometry;

/// The state of a flash; cheap to copy.
#[derive(Clone, Debug)]
pub struct Image {
    /// What it reads as.
    pub bytes: Vec<u8>,
    /// For each word, whether it needs an erase before it may be programmed.
    pub used: Vec<bool>,
    /// Erases of each block.
    pub wear: Vec<u32>,
    /// Rules that were broken, in words.
    pub sins: Vec<String>,
}

/// What was asked of the flash.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Erase from one address to another.
    Erase {
        /// The first address.
        from: u32,
        /// The first address behind.
        to: u32,
    },
    /// Program bytes.
    Write {
        /// The first address.
        at: u32,
        /// The bytes.
        bytes: Vec<u8>,
    },
}

/// An operation and the image before it.
#[derive(Clone, Debug)]
pub struct Step {
    /// The operation.
    pub operation: Operation,
    /// The image before.
    pub before: Image,
    /// What [`Nor::mark`] was.
    pub mark: usize,
}

/// A flash with its read, program and erase sizes in bytes.
#[derive(Clone, Debug)]
pub struct Nor<const READ: usize, const WRITE: usize, const ERASE: usize> {
    /// What it is.
    pub geometry: Geometry,
    /// What is in it.
    pub image: Image,
    /// Operations since the last [`Nor::restart`].
    pub journal: Vec<Step>,
    /// Any number that whoever shares it keeps; each step notes it.
    pub mark: Rc<Cell<usize>>,
}

impl<const READ: usize, const WRITE: usize, const ERASE: usize> Nor<READ, WRITE, ERASE> {
    /// A flash that was erased once.
    #[must_use]
    pub fn new(geometry: Geometry) -> Self {
        let layout = geometry.layout;
        let size = [layout.record, layout.a, layout.b].iter().map(|region| region.end() as usize).max().unwrap_or(0);
        let image = Image {
            bytes: vec![layout.erased; size],
            used: vec![false; size / WRITE],
            wear: vec![0; size / ERASE],
            sins: Vec::new(),
        };
        Self { geometry, image, journal: Vec::new(), mark: Rc::default() }
    }

    /// The same kind of flash with another image and an empty journal: what a device finds when power returns.
    #[must_use]
    pub fn restart(&self, image: Image) -> Self {
        Self { geometry: self.geometry, image, journal: Vec::new(), mark: Rc::default() }
    }

    fn begin(&mut self, operation: Operation) {
        self.journal.push(Step { operation, before: self.image.clone(), mark: self.mark.get() });
    }

    fn sin(&mut self, words: String) -> NorFlashErrorKind {
        self.image.sins.push(words);
        NorFlashErrorKind::Other
    }
}

impl Image {
    /// Programs one word, or its part that `mask` selects bit by bit; the word is used up in any case.
    pub(super) fn program(&mut self, at: usize, word: &[u8], mask: &[u8], erased: u8) {
        self.used[at / word.len()] = true;
        for ((cell, byte), mask) in self.bytes[at..].iter_mut().zip(word).zip(mask) {
            let moved = (*byte ^ erased) & mask;
            *cell = if erased == 0 { *cell | moved } else { *cell & !moved };
        }
    }

    /// Erases whole words.
    pub(super) fn erase(&mut self, words: std::ops::Range<usize>, word_bytes: usize, erased: u8) {
        self.bytes[words.start * word_bytes..words.end * word_bytes].fill(erased);
        self.used[words].fill(false);
    }
}

impl<const READ: usize, const WRITE: usize, const ERASE: usize> ErrorType for Nor<READ, WRITE, ERASE> {
    type Error = NorFlashErrorKind;
}

impl<const READ: usize, const WRITE: usize, const ERASE: usize> ReadNorFlash for Nor<READ, WRITE, ERASE> {
    const READ_SIZE: usize = READ;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        let at = offset as usize;
        if !at.is_multiple_of(READ) || !bytes.len().is_multiple_of(READ) {
            return Err(self.sin(format!("unaligned read of {} bytes at {at:#x}", bytes.len())));
        }
        let Some(found) = self.image.bytes.get(at..at + bytes.len()) else {
            return Err(self.sin(format!("read of {} bytes at {at:#x}, outside", bytes.len())));
        };
        bytes.copy_from_slice(found);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.image.bytes.len()
    }
}

impl<const READ: usize, const WRITE: usize, const ERASE: usize> NorFlash for Nor<READ, WRITE, ERASE> {
    const WRITE_SIZE: usize = WRITE;
    const ERASE_SIZE: usize = ERASE;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        let (start, end) = (from as usize, to as usize);
        if !start.is_multiple_of(ERASE) || !end.is_multiple_of(ERASE) || start > end || end > self.capacity() {
            return Err(self.sin(format!("erase of {start:#x} to {end:#x}, not whole blocks inside")));
        }
        self.begin(Operation::Erase { from, to });
        self.image.wear[start / ERASE..end / ERASE].iter_mut().for_each(|erases| *erases += 1);
        self.image.erase(start / WRITE..end / WRITE, WRITE, self.geometry.layout.erased);
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        let at = offset as usize;
        if !at.is_multiple_of(WRITE) || !bytes.len().is_multiple_of(WRITE) || at + bytes.len() > self.capacity() {
            return Err(self.sin(format!("write of {} bytes at {at:#x}, not whole words inside", bytes.len())));
        }
        if let Some(word) = (at / WRITE..(at + bytes.len()) / WRITE).find(|word| self.image.used[*word]) {
            return Err(self.sin(format!("word at {:#x} programmed twice", word * WRITE)));
        }
        self.begin(Operation::Write { at: offset, bytes: bytes.to_vec() });
        for (index, word) in bytes.chunks(WRITE).enumerate() {
            self.image.program(at + index * WRITE, word, &[0xff; WRITE], self.geometry.layout.erased);
        }
        Ok(())
    }
}
