//! What the core alone may take, by processor.

use std::path::Path;

use crate::component::Component;
use crate::figures::{ALL, Figures, STACK, has_grown};
use crate::image::{Image, Size};

/// The program that is the core alone.
const PROBE: &str = "steadfast-size-probe";
/// Static RAM of the core on any processor, all buffers included.
const RAM_BYTES: u64 = 6 << 10;

/// Stack of a step of the driver, the verification of signatures included.
const STACK_BYTES: u64 = 9 << 10;

/// Limits for one processor, in bytes.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// The compiler's name for it.
    pub(crate) name: String,
    flash: u64,
    crypto: u64,
}

impl Target {
    /// The limits for a program, if it is the core alone on a processor that has limits.
    pub(crate) fn of(program: &Path) -> Option<Self> {
        if !program.ends_with(PROBE) {
            return None;
        }
        let mut folders = program.iter().filter_map(|folder| folder.to_str());
        folders.find_map(Self::named)
    }

    fn named(folder: &str) -> Option<Self> {
        let (flash, crypto) = match folder.split('-').next()? {
            "thumbv7em" => (40 << 10, 24 << 10),
            "riscv32imac" => (56 << 10, 40 << 10),
            _ => return None,
        };
        Some(Self { name: folder.to_owned(), flash, crypto })
    }

    /// Prints each figure beside its limit and the committed figure; whether none has grown past both. Everything in the probe is
    /// there for the core, Rust's own library included.
    pub(crate) fn holds(&self, image: &Image, committed: &Figures) -> bool {
        let total = |size: Size| (size.flash, size.ram);
        let ((flash, ram), (flash_before, ram_before)) = (total(image.total()), total(committed.of(&self.name, ALL)));
        let crypto = image.of(Component::Crypto).flash;
        let crypto_before = committed.of(&self.name, Component::Crypto.name()).flash;
        let mut rows = vec![
            ("core, all of it: flash", flash, self.flash, flash_before),
            ("... of which cryptography", crypto, self.crypto, crypto_before),
            ("core: static RAM", ram, RAM_BYTES, ram_before),
        ];
        if let Some(stack) = image.stack() {
            rows.push(("core: stack, at most", stack, STACK_BYTES, committed.of(&self.name, STACK).ram));
        }
        println!("  {:40} {:>8} {:>8} {:>9}", "against the target", "bytes", "target", "committed");
        let mut holds = true;
        for (what, bytes, limit, before) in rows {
            let grown = bytes > limit && has_grown(bytes, before);
            let verdict = if bytes <= limit { "reached" } else { "missed" };
            println!(
                "  {what:40} {bytes:>8} {limit:>8} {before:>9}  {verdict}{}",
                if grown { ", and grown" } else { "" }
            );
            holds &= !grown;
        }
        holds
    }
}
