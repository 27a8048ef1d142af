//! Where the bytes of a firmware are: `steadfast-size check|write FIGURES ELF...` prints flash and RAM by component.
//!
//! Code is counted by the source line that it comes from, not by the function that it lies in: after link-time optimisation one function
//! holds a whole task with everything it calls. Of the functions inlined into each other the innermost counts that is not
//! Rust's own library, so a loop over a slice belongs to whoever wrote the loop. Data is counted by symbol.
//!
//! A program named like the probe is the core alone: it is held against the targets of its processor and, where it misses one, against
//! the committed figures, so that nothing grows unnoticed. `write` commits new ones.

mod component;
mod figures;
mod image;
mod stack;
mod target;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::component::Component;
use crate::figures::Figures;
use crate::image::Image;
use crate::target::Target;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let [mode, committed, programs @ ..] = &arguments[..] else {
        bail!("name what to do, the file of figures and the ELF files to measure; `cargo xtask size` does");
    };
    let mut figures = Figures::read(Path::new(committed))?;
    let mut holds = true;
    for program in programs {
        let path = Path::new(program);
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let image = Image::measure(&bytes).with_context(|| format!("cannot measure {}", path.display()))?;
        print(path, &image);
        if let Some(target) = Target::of(path) {
            holds &= target.holds(&image, &figures);
            figures.replace(&target.name, &image);
        }
        println!();
    }
    if mode == "write" {
        return figures.write(Path::new(committed));
    }
    if !holds {
        bail!("the core has grown past a target and past what is committed; shrink it, or `cargo xtask size --write`");
    }
    Ok(())
}

fn print(path: &Path, image: &Image) {
    println!("{}", path.display());
    println!("  {:40} {:>8} {:>8}", "bytes by component", "flash", "RAM");
    for component in Component::ALL {
        let size = image.of(component);
        if size.flash + size.ram > 0 {
            println!("  {:40} {:>8} {:>8}", component.name(), size.flash, size.ram);
        }
    }
    let total = image.total();
    println!("  {:40} {:>8} {:>8}", "all", total.flash, total.ram);
    for (name, bytes) in image.largest_data() {
        println!("  {name:49.49} {bytes:>8}");
    }
}
