//! The flashes that the store is tested on: those of real boards, and each is mean in another way.

use std::ops::Range;

use steadfast_core::flash::layout::{Layout, Region};

/// A flash and what lies where on it.
#[derive(Clone, Copy, Debug)]
pub struct Geometry {
    /// Its name in counts and replay lines.
    pub name: &'static str,
    /// What reads are multiples of, in bytes.
    pub read_bytes: usize,
    /// What is programmed at once, in bytes.
    pub word_bytes: usize,
    /// Its erase blocks from address 0 on: how many, of how many bytes.
    pub rows: &'static [(usize, usize)],
    /// Where the regions lie.
    pub layout: Layout,
}

impl Geometry {
    /// Bytes of the whole flash.
    #[must_use]
    pub fn size(&self) -> usize {
        self.rows.iter().map(|(count, bytes)| count * bytes).sum()
    }

    /// Its erase blocks.
    pub fn blocks(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let sizes = self.rows.iter().flat_map(|(count, bytes)| std::iter::repeat_n(*bytes, *count));
        sizes.scan(0, |end, bytes| {
            *end += bytes;
            Some(*end - bytes..*end)
        })
    }
}

const KIB: u32 = 1024;

const fn region(start: u32, blocks: u32, erase_bytes: u32) -> Region {
    Region { start, length: blocks * erase_bytes, erase_bytes }
}

/// Record, slot A and slot B one after the other, each of so many blocks of so many bytes.
const fn layout(record: (u32, u32), a: (u32, u32), b: (u32, u32), erased: u8) -> Layout {
    let record = region(0, record.0, record.1);
    let a = region(record.end(), a.0, a.1);
    Layout { record, a, b: region(a.end(), b.0, b.1), erased }
}

/// Inside an STM32L4: 2 KiB blocks, words of 8 bytes with ECC, which can be programmed once.
pub const INTERNAL: Geometry = Geometry {
    name: "internal",
    read_bytes: 4,
    word_bytes: 8,
    rows: &[(14, 2048)],
    layout: layout((2, 2 * KIB), (6, 2 * KIB), (6, 2 * KIB), 0xff),
};

/// Wide words of 32 bytes, erased to zeros; the blocks of the record are two of the flash's own, so that their erasing
/// can stop in between; three of them.
pub const WIDE: Geometry = Geometry {
    name: "wide",
    read_bytes: 1,
    word_bytes: 32,
    rows: &[(14, 4096)],
    layout: layout((3, 8 * KIB), (4, 4 * KIB), (4, 4 * KIB), 0x00),
};

/// Serial NOR: 4 KiB blocks, programmed byte by byte.
pub const SERIAL: Geometry = Geometry {
    name: "serial",
    read_bytes: 1,
    word_bytes: 1,
    rows: &[(10, 4096)],
    layout: layout((2, 4 * KIB), (4, 4 * KIB), (4, 4 * KIB), 0xff),
};

/// The same in its large blocks of 64 KiB, on boards without the small ones.
pub const SERIAL64: Geometry = Geometry {
    name: "serial64",
    read_bytes: 1,
    word_bytes: 1,
    rows: &[(4, 65536)],
    layout: layout((2, 64 * KIB), (1, 64 * KIB), (1, 64 * KIB), 0xff),
};

/// Inside an nRF52: 4 KiB blocks, words of 4 bytes.
pub const NRF52: Geometry = Geometry {
    name: "nrf52",
    read_bytes: 4,
    word_bytes: 4,
    rows: &[(8, 4096)],
    layout: layout((2, 4 * KIB), (3, 4 * KIB), (3, 4 * KIB), 0xff),
};

/// Inside an STM32F1: 2 KiB blocks, half-words.
pub const STM32F1: Geometry = Geometry {
    name: "stm32f1",
    read_bytes: 1,
    word_bytes: 2,
    rows: &[(14, 2048)],
    layout: layout((2, 2 * KIB), (6, 2 * KIB), (6, 2 * KIB), 0xff),
};

/// Inside an STM32F4: blocks of unequal size. The slots differ, too.
pub const STM32F4: Geometry = Geometry {
    name: "stm32f4",
    read_bytes: 1,
    word_bytes: 4,
    rows: &[(4, 16384), (1, 65536)],
    layout: layout((2, 16 * KIB), (2, 16 * KIB), (1, 64 * KIB), 0xff),
};

/// Inside an STM32H7: 128 KiB blocks, words of 32 bytes with ECC. A slot is one block.
pub const STM32H7: Geometry = Geometry {
    name: "stm32h7",
    read_bytes: 1,
    word_bytes: 32,
    rows: &[(4, 131_072)],
    layout: layout((2, 128 * KIB), (1, 128 * KIB), (1, 128 * KIB), 0xff),
};

/// Inside an STM32L1: pages of 256 bytes, erased to zeros; a block of ours is eight of them.
pub const STM32L1: Geometry = Geometry {
    name: "stm32l1",
    read_bytes: 4,
    word_bytes: 4,
    rows: &[(112, 256)],
    layout: layout((2, 2 * KIB), (6, 2 * KIB), (6, 2 * KIB), 0x00),
};

/// Inside an STM32U5: 8 KiB blocks, words of 16 bytes with ECC.
pub const STM32U5: Geometry = Geometry {
    name: "stm32u5",
    read_bytes: 16,
    word_bytes: 16,
    rows: &[(6, 8192)],
    layout: layout((2, 8 * KIB), (2, 8 * KIB), (2, 8 * KIB), 0xff),
};

/// The emulated RISC-V board: two CFI chips side by side, blocks of 256 KiB, words of 4 bytes.
pub const CFI: Geometry = Geometry {
    name: "cfi",
    read_bytes: 1,
    word_bytes: 4,
    rows: &[(6, 262_144)],
    layout: layout((2, 256 * KIB), (2, 256 * KIB), (2, 256 * KIB), 0xff),
};

/// Three record blocks of serial NOR, which is what a board should have that can spare them.
pub const THREE: Geometry = Geometry {
    name: "three",
    read_bytes: 1,
    word_bytes: 8,
    rows: &[(9, 4096)],
    layout: layout((3, 4 * KIB), (3, 4 * KIB), (3, 4 * KIB), 0xff),
};

/// The smallest: slots of two blocks, and as few words as there can be, so that pairs of cuts can be enumerated.
pub const SMALL: Geometry = Geometry {
    name: "small",
    read_bytes: 1,
    word_bytes: 32,
    rows: &[(6, 2048)],
    layout: layout((2, 2 * KIB), (2, 2 * KIB), (2, 2 * KIB), 0xff),
};

/// The same with three record blocks, for triples.
pub const SMALL3: Geometry = Geometry {
    name: "small3",
    read_bytes: 1,
    word_bytes: 32,
    rows: &[(7, 2048)],
    layout: layout((3, 2 * KIB), (2, 2 * KIB), (2, 2 * KIB), 0xff),
};

/// Makes a module of tests that is named by its claim: the function, with the flash's sizes, for each geometry.
#[macro_export]
macro_rules! on_geometries {
    ($claim:ident, $run:ident, [$($name:ident $geometry:ident),* $(,)?]) => {
        mod $claim {
            $(
                #[test]
                fn $name() {
                    use $crate::flash::$geometry;
                    super::$run::<{ $geometry.read_bytes }, { $geometry.word_bytes }>($geometry);
                }
            )*
        }
    };
    ($claim:ident, $run:ident, every one) => {
        $crate::on_geometries!($claim, $run, [
            internal INTERNAL, wide WIDE, serial SERIAL, serial64 SERIAL64, nrf52 NRF52, stm32f1 STM32F1,
            stm32f4 STM32F4, stm32h7 STM32H7, stm32l1 STM32L1, stm32u5 STM32U5, cfi CFI, three THREE,
            small SMALL, small3 SMALL3,
        ]);
    };
}
