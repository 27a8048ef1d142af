//! From a fleet folder to a release: what `build`, `publish` and `verify --recompute` share.

use steadfast::compile::compile;
use steadfast::fleet::Fleet;
use steadfast::pack::Pack;
use steadfast::release::{Issue, build};
use steadfast::words::counted;

use super::color;
use super::progress::Progress;

/// Compiles a fleet and builds its release; warnings go to standard error.
pub(crate) fn release(fleet: &Fleet, epoch: u32, progress: &Progress) -> anyhow::Result<Pack> {
    progress.step(&format!("compiling {}", counted(fleet.devices.len(), "device")));
    let compiled = compile(fleet)?;
    if compiled.warnings.warnings() > 0 {
        eprint!("{}", compiled.warnings.to_text(color()));
    }
    progress.step("building the release");
    Ok(build(&compiled, Issue { fleet: fleet.settings.id, epoch })?)
}

/// What a release is called in files and messages: fleet name, epoch, sequence.
pub(crate) fn name(fleet: &Fleet, pack: &Pack) -> String {
    let release = pack.release();
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let fleet: String = fleet.settings.name.chars().map(plain).collect();
    format!("{fleet}-{}-{}", release.publisher_epoch, release.sequence)
}
