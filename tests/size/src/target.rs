//! What the core alone may take, by processor.

use std::path::Path;

use crate::component::Component;
use crate::image::Image;

/// The program that is the core alone.
const PROBE: &str = "steadfast-size-probe";
/// Static RAM of the core on any processor, all buffers included.
const RAM_BYTES: u64 = 6 << 10;

/// Limits for one processor, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    flash: u64,
    crypto: u64,
}

impl Target {
    /// The limits for a program, if it is the core alone on a processor that has limits.
    pub(crate) fn of(program: &Path) -> Option<Self> {
        if !program.ends_with(PROBE) {
            return None;
        }
        let path = program.to_string_lossy();
        if path.contains("/thumbv7em-") {
            return Some(Self { flash: 40 << 10, crypto: 24 << 10 });
        }
        path.contains("/riscv32imac-").then_some(Self { flash: 56 << 10, crypto: 40 << 10 })
    }

    /// Prints each figure beside its limit. Everything in the probe is there for the core, Rust's own library included.
    pub(crate) fn print(self, image: &Image) {
        let total = image.total();
        let rows = [
            ("core, all of it: flash", total.flash, self.flash),
            ("... of which cryptography", image.of(Component::Crypto).flash, self.crypto),
            ("core: static RAM", total.ram, RAM_BYTES),
        ];
        println!("  {:40} {:>8} {:>8}", "against the target", "bytes", "target");
        for (what, bytes, limit) in rows {
            let verdict = if bytes <= limit { "reached" } else { "missed" };
            println!("  {what:40} {bytes:>8} {limit:>8}  {verdict}");
        }
    }
}
