//! What a power cut leaves of an operation.

use std::fmt;
use std::ops::Range;

use super::{Image, Nor, Operation, Random, Step};

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
    /// So many words were programmed, and the bits that the next one changes read differently each time; or a block was
    /// erased, and reads as before, as erased, or as a mixture, differently each time.
    Metastable(usize),
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
            Self::Metastable(count) => write!(f, "metastable{count}"),
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
            Self::Metastable(_) => "metastable",
            Self::FrontHalf | Self::BackHalf => "half",
            Self::Weak => "weak",
        }
    }
}

impl<const READ: usize, const WRITE: usize> Nor<READ, WRITE> {
    /// Every tear of an operation.
    #[must_use]
    pub fn tears(&self, operation: &Operation) -> Vec<Tear> {
        let mut tears = vec![Tear::Before, Tear::After];
        let parts = match operation {
            Operation::Write { bytes, .. } => {
                let last = bytes.len() / WRITE - 1;
                tears.extend([0, last].map(Tear::Spent));
                let erased = self.geometry.layout.erased;
                let changes = |word: &[u8]| word.iter().any(|byte| *byte != erased);
                let words: Vec<&[u8]> = bytes.chunks(WRITE).collect();
                // The last one that changes anything is the one that nobody waits for any more.
                let ending = words.iter().rposition(|word| changes(word)).unwrap_or(0);
                tears.extend([0, ending / 3, ending / 2, ending].map(Tear::Metastable));
                last + 1
            }
            Operation::Erase { from, to } => {
                let blocks = blocks(&self.geometry.blocks().collect::<Vec<_>>(), *from, *to).len();
                tears.extend([Tear::FrontHalf, Tear::BackHalf, Tear::Weak]);
                tears.extend((0..blocks).map(Tear::Metastable));
                blocks
            }
        };
        tears.extend((1..parts).map(Tear::Whole));
        tears.extend((0..SEEDS).map(Tear::Bits));
        tears
    }

    /// What is left after a step that was torn.
    #[must_use]
    pub fn torn(&self, step: &Step, tear: Tear) -> Image {
        let mut image = step.before.clone();
        let erased = self.geometry.layout.erased;
        match &step.operation {
            Operation::Write { at, bytes } => tear_write::<WRITE>(&mut image, (*at as usize, bytes), tear, erased),
            Operation::Erase { from, to } => {
                let all: Vec<_> = self.geometry.blocks().collect();
                tear_erase(&mut image, &blocks(&all, *from, *to), tear, erased);
            }
        }
        image
    }
}

/// The blocks from one address to another, with their numbers.
fn blocks(all: &[Range<usize>], from: u32, to: u32) -> Vec<(usize, Range<usize>)> {
    let inside = |(_, block): &(usize, Range<usize>)| block.start >= from as usize && block.end <= to as usize;
    all.iter().cloned().enumerate().filter(inside).collect()
}

fn random(tear: Tear, at: usize) -> Random {
    let seed = if let Tear::Bits(seed) = tear { seed } else { SEEDS };
    Random::new((seed << 32) ^ at as u64)
}

fn tear_write<const WRITE: usize>(image: &mut Image, (at, bytes): (usize, &[u8]), tear: Tear, erased: u8) {
    let words = bytes.len() / WRITE;
    let mut random = random(tear, at);
    let (whole, mask) = match tear {
        Tear::Before => (0, None),
        Tear::Whole(count) => (count, None),
        Tear::Spent(count) => (count, Some([0; WRITE])),
        Tear::Metastable(count) => (count, Some([0xff; WRITE])),
        Tear::Bits(_) => (random.below(words), Some(std::array::from_fn(|_| random.byte()))),
        _ => (words, None),
    };
    for (index, word) in bytes.chunks(WRITE).enumerate().take(whole) {
        image.program(at + index * WRITE, word, &[0xff; WRITE], erased);
    }
    if let (Some(mask), Some(word)) = (mask, bytes.chunks(WRITE).nth(whole)) {
        let at = at + whole * WRITE;
        image.program(at, word, &mask, erased);
        if matches!(tear, Tear::Metastable(_)) {
            image.unsettle(at, &word.iter().map(|byte| byte ^ erased).collect::<Vec<_>>());
        }
    }
}

fn tear_erase(image: &mut Image, blocks: &[(usize, Range<usize>)], tear: Tear, erased: u8) {
    let mut random = random(tear, blocks.first().map_or(0, |(_, block)| block.start));
    let whole = match tear {
        Tear::Before => return,
        Tear::After => blocks.len(),
        Tear::Whole(count) | Tear::Metastable(count) => count,
        _ => random.below(blocks.len()),
    };
    for (index, block) in blocks.iter().take(whole) {
        image.wear[*index] += 1;
        image.erase(block.clone(), erased);
    }
    let Some((index, block)) = blocks.get(whole).filter(|_| !matches!(tear, Tear::After | Tear::Whole(_))) else {
        return;
    };
    image.wear[*index] += 1;
    let middle = block.start + block.len() / 2;
    match tear {
        Tear::FrontHalf => image.alter(block.start..middle, |_| erased),
        Tear::BackHalf => image.alter(middle..block.end, |_| erased),
        Tear::Weak => image.alter(block.clone(), |_| erased),
        Tear::Metastable(_) => {
            let before: Vec<u8> = image.bytes(block.clone()).iter().map(|cell| cell ^ erased).collect();
            image.alter(block.clone(), |_| erased);
            image.unsettle(block.start, &before);
        }
        _ => image.alter(block.clone(), |cell| cell ^ ((cell ^ erased) & random.byte())),
    }
    // Whatever it reads as, a block whose erasing was cut short has to be erased again.
    image.spend(block.clone());
}
