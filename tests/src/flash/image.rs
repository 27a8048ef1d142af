//! The state of a flash, in pages that are shared until they change.
//!
//! A copy costs a counter a page, so a journal keeps the image before each operation, and a power cut is that image
//! with a torn operation on top. Each page remembers its digest, so telling images apart costs what changed.

use std::cell::OnceCell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::rc::Rc;

use super::Random;

/// Bytes of a page; regions and blocks of every geometry are multiples of it.
pub const PAGE_BYTES: usize = 2048;

#[derive(Clone, Debug)]
struct Page {
    bytes: Vec<u8>,
    /// For each word, whether it needs an erase before it may be programmed.
    used: Vec<bool>,
    /// Bits that read differently each time; empty when there are none.
    unstable: Vec<u8>,
    digest: OnceCell<u64>,
}

impl Page {
    fn digest(&self) -> u64 {
        *self.digest.get_or_init(|| {
            let mut hasher = DefaultHasher::new();
            (&self.bytes, &self.used, &self.unstable).hash(&mut hasher);
            hasher.finish()
        })
    }
}

/// The state of a flash; cheap to copy.
#[derive(Clone, Debug)]
pub struct Image {
    pages: Vec<Rc<Page>>,
    blank: Rc<Page>,
    word_bytes: usize,
    /// Erases of each block of the flash.
    pub wear: Vec<u32>,
    /// Rules that were broken, in words.
    pub sins: Vec<String>,
}

impl Image {
    /// Erased pages with words of that size.
    pub(super) fn new(bytes: usize, word_bytes: usize, erased: u8) -> Self {
        let used = vec![false; PAGE_BYTES / word_bytes];
        let blank = Page { bytes: vec![erased; PAGE_BYTES], used, unstable: Vec::new(), digest: OnceCell::new() };
        let blank = Rc::new(blank);
        let pages = vec![blank.clone(); bytes / PAGE_BYTES];
        Self { pages, blank, word_bytes, wear: Vec::new(), sins: Vec::new() }
    }

    /// Its size in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.pages.len() * PAGE_BYTES
    }

    /// What tells it from other images: bytes, what needs an erase, and what is unstable. Wear is not part of it.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.pages.iter().for_each(|page| hasher.write_u64(page.digest()));
        hasher.finish()
    }

    /// Whether any bit reads differently each time.
    #[must_use]
    pub fn is_unstable(&self) -> bool {
        self.pages.iter().any(|page| !page.unstable.is_empty())
    }

    /// Whether any bit of that range reads differently each time.
    #[must_use]
    pub fn is_unstable_in(&self, range: Range<usize>) -> bool {
        pages(range).any(|(page, part)| {
            self.pages[page].unstable.get(part).is_some_and(|bits| bits.iter().any(|bits| *bits != 0))
        })
    }

    /// What that range holds, as it was last programmed or erased.
    #[must_use]
    pub fn bytes(&self, range: Range<usize>) -> Vec<u8> {
        range.map(|at| self.pages[at / PAGE_BYTES].bytes[at % PAGE_BYTES]).collect()
    }

    /// Flips bits of one byte, without anybody having programmed it.
    pub fn flip(&mut self, at: usize, bits: u8) {
        self.page(at).bytes[at % PAGE_BYTES] ^= bits;
    }

    /// Puts bytes where they are, without anybody having programmed them.
    pub fn put(&mut self, at: usize, bytes: &[u8]) {
        for (at, byte) in (at..).zip(bytes) {
            self.page(at).bytes[at % PAGE_BYTES] = *byte;
        }
    }

    /// Reads; unstable bits read as chance has it.
    pub(super) fn read(&self, at: usize, out: &mut [u8], random: &mut Random) {
        let (mut at, mut out) = (at, out);
        while !out.is_empty() {
            let (page, from) = (&self.pages[at / PAGE_BYTES], at % PAGE_BYTES);
            let (piece, rest) = out.split_at_mut((PAGE_BYTES - from).min(out.len()));
            let range = from..from + piece.len();
            piece.copy_from_slice(&page.bytes[range.clone()]);
            if let Some(unstable) = page.unstable.get(range) {
                waver(piece, unstable, random);
            }
            at += piece.len();
            out = rest;
        }
    }

    /// Whether one of these words needs an erase first; the address of the first that does.
    pub(super) fn used(&self, range: Range<usize>) -> Option<usize> {
        let is_used = |at: &usize| self.pages[at / PAGE_BYTES].used[at % PAGE_BYTES / self.word_bytes];
        range.step_by(self.word_bytes).find(is_used)
    }

    /// Programs one word, or its part that `mask` selects bit by bit; the word is used up in any case.
    pub(super) fn program(&mut self, at: usize, word: &[u8], mask: &[u8], erased: u8) {
        let (place, index) = (at % PAGE_BYTES, at % PAGE_BYTES / self.word_bytes);
        let page = self.page(at);
        page.used[index] = true;
        for ((cell, byte), mask) in page.bytes[place..].iter_mut().zip(word).zip(mask) {
            let moved = (*byte ^ erased) & mask;
            *cell = if erased == 0 { *cell | moved } else { *cell & !moved };
        }
    }

    /// Erases that range, in whole words.
    pub(super) fn erase(&mut self, range: Range<usize>, erased: u8) {
        for (page, part) in pages(range) {
            if part.len() == PAGE_BYTES {
                self.pages[page] = self.blank.clone();
                continue;
            }
            let word_bytes = self.word_bytes;
            let page = self.page(page * PAGE_BYTES);
            page.bytes[part.clone()].fill(erased);
            page.used[part.start / word_bytes..part.end / word_bytes].fill(false);
            if let Some(unstable) = page.unstable.get_mut(part) {
                unstable.fill(0);
            }
        }
    }

    /// Whatever it reads as, that range has to be erased before it is programmed.
    pub(super) fn spend(&mut self, range: Range<usize>) {
        for (page, part) in pages(range) {
            let word_bytes = self.word_bytes;
            self.page(page * PAGE_BYTES).used[part.start / word_bytes..part.end / word_bytes].fill(true);
        }
    }

    /// Changes the bytes of that range one by one.
    pub(super) fn alter(&mut self, range: Range<usize>, mut change: impl FnMut(u8) -> u8) {
        for (page, part) in pages(range) {
            self.page(page * PAGE_BYTES).bytes[part].iter_mut().for_each(|cell| *cell = change(*cell));
        }
    }

    /// From now on these bits read differently each time, until they are erased.
    pub(super) fn unsettle(&mut self, at: usize, bits: &[u8]) {
        for (at, bits) in (at..).zip(bits).filter(|(_, bits)| **bits != 0) {
            let page = self.page(at);
            page.unstable.resize(PAGE_BYTES, 0);
            page.unstable[at % PAGE_BYTES] |= bits;
        }
    }

    fn page(&mut self, at: usize) -> &mut Page {
        let page = Rc::make_mut(&mut self.pages[at / PAGE_BYTES]);
        page.digest.take();
        page
    }
}

/// The pages of a range, each with its part of it.
fn pages(range: Range<usize>) -> impl Iterator<Item = (usize, Range<usize>)> {
    let touched = range.start / PAGE_BYTES..range.end.div_ceil(PAGE_BYTES);
    touched.map(move |page| {
        let start = page * PAGE_BYTES;
        (page, range.start.max(start) - start..(range.end - start).min(PAGE_BYTES))
    })
}

/// Unstable bits read as if the operation had been done, as if it had not begun, or one by one as chance has it.
fn waver(bytes: &mut [u8], unstable: &[u8], random: &mut Random) {
    if unstable.iter().all(|bits| *bits == 0) {
        return;
    }
    let mood = random.below(3);
    for (byte, bits) in bytes.iter_mut().zip(unstable) {
        *byte ^= match mood {
            0 => 0,
            1 => *bits,
            _ => bits & random.byte(),
        };
    }
}
