//! Whether the last run ended in good order: a marker file beside the image.
//!
//! The marker stands while a gateway runs and names the boot of the machine. A marker of this same boot was left by a process that
//! died: a crash, which counts against a trial. One of another boot was left by a power cut or a restart of the machine,
//! which proves nothing against a configuration. No marker: the last run was stopped.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use steadfast_core::ports::ResetCause;

/// The kernel's name for the present boot of the machine.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// The marker of a running gateway.
#[derive(Debug)]
pub struct Marker {
    path: PathBuf,
}

impl Marker {
    /// Reads what the last run left, and marks this one. The marker needs no synchronisation: only what survives in the page cache
    /// can be of this boot.
    ///
    /// # Errors
    /// When the marker cannot be written, which would make a crash pass for a stop.
    pub fn set(image: &Path) -> io::Result<(Self, ResetCause)> {
        Self::set_for(image, fs::read_to_string(BOOT_ID)?.trim())
    }

    fn set_for(image: &Path, boot: &str) -> io::Result<(Self, ResetCause)> {
        let mut name = image.as_os_str().to_owned();
        name.push(".running");
        let path = PathBuf::from(name);
        let crashed = fs::read_to_string(&path).is_ok_and(|left| left.trim() == boot);
        fs::write(&path, format!("{boot}\n"))?;
        Ok((Self { path }, if crashed { ResetCause::Crash } else { ResetCause::Ordinary }))
    }

    /// This run ends in good order.
    pub fn clear(self) {
        // Left standing, it only makes the next start count as one after a crash.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_process_that_died_in_this_boot_of_the_machine_crashed() {
        let folder = tempfile::TempDir::new().unwrap();
        let image = folder.path().join("image");
        let start = |boot| Marker::set_for(&image, boot).unwrap();
        let (first, cause) = start("boot 1");
        assert_eq!(cause, ResetCause::Ordinary, "nothing ran before");
        first.clear();
        assert_eq!(start("boot 1").1, ResetCause::Ordinary, "it was stopped");
        assert_eq!(start("boot 1").1, ResetCause::Crash, "it died");
        assert_eq!(start("boot 2").1, ResetCause::Ordinary, "the power failed");
    }

    #[test]
    fn the_kernel_names_its_boot() {
        let folder = tempfile::TempDir::new().unwrap();
        Marker::set(&folder.path().join("image")).unwrap().0.clear();
    }
}
