//! The flashes that the store is tested on: each is mean in another way.

use super::Nor;
use steadfast_core::flash::layout::{Layout, Region};

/// A flash and what lies where on it. The sizes that Rust's trait wants as constants are in a type beside it.
#[derive(Clone, Copy, Debug)]
pub struct Geometry {
    /// Its name in counts and replay lines.
    pub name: &'static str,
    /// Where the regions lie.
    pub layout: Layout,
}

const fn region(start: u32, blocks: u32, erase_bytes: u32) -> Region {
    Region { start, length: blocks * erase_bytes, erase_bytes }
}

/// Inside a microcontroller: 2 KiB blocks, words of 8 bytes that can be programmed once, reads of 4 bytes.
pub const INTERNAL: Geometry = Geometry {
    name: "internal",
    layout: Layout { record: region(0, 2, 2048), a: region(4096, 6, 2048), b: region(16384, 6, 2048), erased: 0xff },
};

/// Wide words of 32 bytes, erased to zeros; the blocks of the record are two of the flash's own, so that their erasing
/// can stop in between; three of them.
pub const WIDE: Geometry = Geometry {
    name: "wide",
    layout: Layout { record: region(0, 3, 8192), a: region(24576, 4, 4096), b: region(40960, 4, 4096), erased: 0x00 },
};

/// Serial NOR: 4 KiB blocks, programmed byte by byte.
pub const SERIAL: Geometry = Geometry {
    name: "serial",
    layout: Layout { record: region(0, 2, 4096), a: region(8192, 4, 4096), b: region(24576, 4, 4096), erased: 0xff },
};

/// A flash like [`INTERNAL`].
pub type Internal = Nor<4, 8, 2048>;

/// A flash like [`WIDE`].
pub type Wide = Nor<1, 32, 4096>;

/// A flash like [`SERIAL`].
pub type Serial = Nor<1, 1, 4096>;
