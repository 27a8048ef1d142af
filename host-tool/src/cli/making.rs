//! From a fleet folder to a release: what `build`, `publish` and `verify --recompute` share.

use steadfast::compile::{Compiled, compile};
use steadfast::fleet::Fleet;
use steadfast::pack::Pack;
use steadfast::release::{Issue, build};
use steadfast::words::counted;

use super::color;
use super::progress::Progress;

/// Compiles a fleet and builds its release; warnings go to standard error.
pub(crate) fn release(fleet: &Fleet, epoch: u32, progress: &Progress) -> anyhow::Result<Pack> {
    built(fleet, &compiled(fleet, progress)?, (epoch, progress))
}

/// Compiles a fleet; warnings go to standard error.
pub(crate) fn compiled(fleet: &Fleet, progress: &Progress) -> anyhow::Result<Compiled> {
    progress.step(&format!("compiling {}", counted(fleet.devices.len(), "device")));
    let compiled = compile(fleet)?;
    if compiled.warnings.warnings() > 0 {
        eprint!("{}", compiled.warnings.to_text(color()));
    }
    Ok(compiled)
}

/// Builds the release of a compiled fleet.
pub(crate) fn built(fleet: &Fleet, compiled: &Compiled, (epoch, progress): (u32, &Progress)) -> anyhow::Result<Pack> {
    progress.step("building the release");
    Ok(build(compiled, Issue { fleet: fleet.settings.id, epoch })?)
}

/// What a release is called in files and messages: fleet name, epoch, sequence.
pub(crate) fn name(fleet: &Fleet, pack: &Pack) -> String {
    let release = pack.release();
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let fleet: String = fleet.settings.name.chars().map(plain).collect();
    format!("{fleet}-{}-{}", release.publisher_epoch, release.sequence)
}
