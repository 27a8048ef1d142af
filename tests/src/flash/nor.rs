//! The model: NOR flash that remembers every word that was programmed, and every sin.
//!
//! Programming moves bits away from the erased value only. A word is programmed once between two erases, on every
//! geometry: some flashes forbid more (ECC), and the store promises it for all. What breaks a rule is refused and noted
//! in [`Image::sins`]. Operations and reads fail, and bytes change behind the reader's back, only where [`Ills`] say so.

use std::cell::Cell;
use std::rc::Rc;

use embedded_storage_async::nor_flash::{ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash};

use super::{Geometry, Ills, Image, Random};

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

/// A flash with its read and program sizes in bytes.
#[derive(Clone, Debug)]
pub struct Nor<const READ: usize, const WRITE: usize> {
    /// What it is.
    pub geometry: Geometry,
    /// What is in it.
    pub image: Image,
    /// Operations since the last [`Nor::restart`].
    pub journal: Vec<Step>,
    /// Any number that whoever shares it keeps; each step notes it.
    pub mark: Rc<Cell<usize>>,
    /// What is wrong with it.
    pub ills: Ills,
    random: Random,
}

impl<const READ: usize, const WRITE: usize> Nor<READ, WRITE> {
    /// A flash that was erased once.
    ///
    /// # Panics
    /// When the geometry is of another type.
    #[must_use]
    pub fn new(geometry: Geometry) -> Self {
        assert_eq!((READ, WRITE), (geometry.read_bytes, geometry.word_bytes), "{} is another type", geometry.name);
        let mut image = Image::new(geometry.size(), WRITE, geometry.layout.erased);
        image.wear = vec![0; geometry.blocks().count()];
        Self {
            geometry,
            image,
            journal: Vec::new(),
            mark: Rc::default(),
            ills: Ills::default(),
            random: Random::new(0),
        }
    }

    /// The same kind of flash with another image, an empty journal and no ills: what a device finds when power returns.
    #[must_use]
    pub fn restart(&self, image: Image) -> Self {
        let random = Random::new(if image.is_unstable() { image.digest() } else { 0 });
        Self { geometry: self.geometry, image, journal: Vec::new(), mark: Rc::default(), ills: Ills::default(), random }
    }

    /// Notes an operation; fails if it is to fail, with whatever is left of it.
    fn begin(&mut self, operation: Operation) -> Result<(), NorFlashErrorKind> {
        let step = Step { operation, before: self.image.clone(), mark: self.mark.get() };
        let failure = self.ills.failure(self.journal.len(), &step.operation);
        if let Some(tear) = failure {
            self.image = self.torn(&step, tear);
        }
        self.journal.push(step);
        if failure.is_some() { Err(NorFlashErrorKind::Other) } else { Ok(()) }
    }

    fn sin(&mut self, words: String) -> NorFlashErrorKind {
        self.image.sins.push(words);
        NorFlashErrorKind::Other
    }
}

impl<const READ: usize, const WRITE: usize> ErrorType for Nor<READ, WRITE> {
    type Error = NorFlashErrorKind;
}

impl<const READ: usize, const WRITE: usize> ReadNorFlash for Nor<READ, WRITE> {
    const READ_SIZE: usize = READ;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        let at = offset as usize;
        if !at.is_multiple_of(READ) || !bytes.len().is_multiple_of(READ) {
            return Err(self.sin(format!("unaligned read of {} bytes at {at:#x}", bytes.len())));
        }
        if at + bytes.len() > self.image.size() {
            return Err(self.sin(format!("read of {} bytes at {at:#x}, outside", bytes.len())));
        }
        let is_silent = self.ills.is_silent(&(at..at + bytes.len()));
        if let Some((place, bits)) = self.ills.change(at..at + bytes.len()) {
            self.image.flip(place, bits);
        }
        if is_silent {
            return Err(NorFlashErrorKind::Other);
        }
        self.image.read(at, bytes, &mut self.random);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.image.size()
    }
}

impl<const READ: usize, const WRITE: usize> NorFlash for Nor<READ, WRITE> {
    const WRITE_SIZE: usize = WRITE;
    // What all blocks are multiples of, or divide. Core takes the size of blocks from the layout.
    const ERASE_SIZE: usize = super::PAGE_BYTES;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        let (start, end) = (from as usize, to as usize);
        let blocks: Vec<_> =
            self.geometry.blocks().enumerate().filter(|(_, b)| b.start < end && b.end > start).collect();
        let whole = blocks.first().is_some_and(|(_, first)| first.start == start)
            && blocks.last().is_some_and(|(_, last)| last.end == end);
        if !whole {
            return Err(self.sin(format!("erase of {start:#x} to {end:#x}, not whole blocks inside")));
        }
        self.begin(Operation::Erase { from, to })?;
        blocks.iter().for_each(|(index, _)| self.image.wear[*index] += 1);
        self.image.erase(start..end, self.geometry.layout.erased);
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        let at = offset as usize;
        if !at.is_multiple_of(WRITE) || !bytes.len().is_multiple_of(WRITE) || at + bytes.len() > self.capacity() {
            return Err(self.sin(format!("write of {} bytes at {at:#x}, not whole words inside", bytes.len())));
        }
        if let Some(word) = self.image.used(at..at + bytes.len()) {
            return Err(self.sin(format!("word at {word:#x} programmed twice")));
        }
        self.begin(Operation::Write { at: offset, bytes: bytes.to_vec() })?;
        for (index, word) in bytes.chunks(WRITE).enumerate() {
            self.image.program(at + index * WRITE, word, &[0xff; WRITE], self.geometry.layout.erased);
        }
        Ok(())
    }
}
