//! What a power cut leaves of an operation.

use std::fmt;

use super::nor::{Image, Nor, Operation, Step};

/// How many random tears each operation gets beside the enumerated ones.
const SEEDS: u64 = 8;

/// How an operation was interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tear {
    /// It had not begun.
    Before,
    /// It was done, but its caller never learned.
    After,
    /// So many words were programmed, or so many blocks erased.
    Whole(usize),
    /// So many words were programmed; the next is used up and still reads as erased.
    Spent(usize),
    /// A seeded number of words was programmed and of the next one a seeded part of its bits; or a block was erased in
    /// a seeded part of its bits.
    Bits(u64),
    /// The first half of a block was erased.
    FrontHalf,
    /// The second half of a block was erased.
    BackHalf,
    /// A block reads as erased but is not fit to be programmed.
    Weak,
}

impl fmt::Display for Tear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(count) => write!(f, "whole{count}"),
            Self::Spent(count) => write!(f, "spent{count}"),
            Self::Bits(seed) => write!(f, "bits{seed}"),
            other => f.write_str(&format!("{other:?}").to_lowercase()),
        }
    }
}

impl Tear {
    /// The kind alone, for counts.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
            Self::Whole(_) => "words",
            Self::Spent(_) => "spent",
            Self::Bits(_) => "bits",
            Self::FrontHalf | Self::BackHalf => "half",
            Self::Weak => "weak",
        }
    }
}

impl<const READ: usize, const WRITE: usize, const ERASE: usize> Nor<READ, WRITE, ERASE> {
    /// Every tear of an operation.
    pub fn tears(&self, operation: &Operation) -> impl Iterator<Item = Tear> + use<READ, WRITE, ERASE> {
        let (ends, wholes): (&[Tear], _) = match operation {
            Operation::Write { bytes, .. } => (&[Tear::Spent(0)], bytes.len() / WRITE),
            Operation::Erase { from, to } => {
                (&[Tear::FrontHalf, Tear::BackHalf, Tear::Weak], (to - from) as usize / ERASE)
            }
        };
        let ends = [Tear::Before, Tear::After].into_iter().chain(ends.iter().copied());
        ends.chain((1..wholes).map(Tear::Whole)).chain((0..SEEDS).map(Tear::Bits))
    }

    /// What is left after a step that was torn.
    #[must_use]
    pub fn torn(&self, step: &Step, tear: Tear) -> Image {
        let mut image = step.before.clone();
        let erased = self.geometry.layout.erased;
        match &step.operation {
            Operation::Write { at, bytes } => tear_write::<WRITE>(&mut image, (*at as usize, bytes), tear, erased),
            Operation::Erase { from, to } => {
                tear_erase::<WRITE, ERASE>(&mut image, (*from as usize, *to as usize), tear, erased);
            }
        }
        image
    }
}

fn tear_write<const WRITE: usize>(image: &mut Image, (at, bytes): (usize, &[u8]), tear: Tear, erased: u8) {
    let words = bytes.len() / WRITE;
    let mut random = Random::new(tear, at);
    let (whole, mask) = match tear {
        Tear::Before => (0, None),
        Tear::Whole(count) => (count, None),
        Tear::Spent(count) => (count, Some([0; WRITE])),
        Tear::Bits(_) => (random.below(words), Some(std::array::from_fn(|_| random.byte()))),
        _ => (words, None),
    };
    for (index, word) in bytes.chunks(WRITE).enumerate().take(whole) {
        image.program(at + index * WRITE, word, &[0xff; WRITE], erased);
    }
    if let (Some(mask), Some(word)) = (mask, bytes.chunks(WRITE).nth(whole)) {
        image.program(at + whole * WRITE, word, &mask, erased);
    }
}

fn tear_erase<const WRITE: usize, const ERASE: usize>(
    image: &mut Image,
    (from, to): (usize, usize),
    tear: Tear,
    erased: u8,
) {
    let blocks = (to - from) / ERASE;
    let mut random = Random::new(tear, from);
    let whole = match tear {
        Tear::Before => return,
        Tear::After => blocks,
        Tear::Whole(count) => count,
        _ => random.below(blocks),
    };
    let torn = from + whole * ERASE;
    image.wear[from / ERASE..(torn / ERASE + 1).min(to / ERASE)].iter_mut().for_each(|erases| *erases += 1);
    image.erase(from / WRITE..torn / WRITE, WRITE, erased);
    if matches!(tear, Tear::After | Tear::Whole(_)) {
        return;
    }
    // Whatever it reads as, a block whose erasing was cut short has to be erased again.
    image.used[torn / WRITE..(torn + ERASE) / WRITE].fill(true);
    let cells = &mut image.bytes[torn..torn + ERASE];
    let half = cells.len() / 2;
    match tear {
        Tear::FrontHalf => cells[..half].fill(erased),
        Tear::BackHalf => cells[half..].fill(erased),
        Tear::Weak => cells.fill(erased),
        _ => cells.iter_mut().for_each(|cell| *cell ^= (*cell ^ erased) & random.byte()),
    }
}

/// A small generator (SplitMix64), so that a tear is the same in every run.
struct Random(u64);

impl Random {
    fn new(tear: Tear, at: usize) -> Self {
        let seed = if let Tear::Bits(seed) = tear { seed } else { SEEDS };
        Self((seed << 32) ^ at as u64)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, count: usize) -> usize {
        (self.next() % count.max(1) as u64) as usize
    }

    fn byte(&mut self) -> u8 {
        (self.next() >> 24) as u8
    }
}
