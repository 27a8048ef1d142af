//! The emulated boards: what QEMU takes to run each.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;

/// A board in QEMU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Machine {
    /// `virt` with a 32-bit RISC-V processor and parallel flash.
    RiscvVirt,
    /// `emcraft-sf2`: a Cortex-M3 with SPI flash.
    EmcraftSf2,
}

impl Machine {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::RiscvVirt, Self::EmcraftSf2];

    /// The name of its folder in `boards` and of its firmware.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RiscvVirt => "qemu-riscv-virt",
            Self::EmcraftSf2 => "qemu-emcraft-sf2",
        }
    }

    /// Its description, in the project's folder.
    #[must_use]
    pub fn description(self, project: &Path) -> PathBuf {
        project.join("boards").join(self.name()).join("board.toml")
    }

    /// QEMU with this firmware and flash; the board's serial line is standard output.
    #[must_use]
    pub fn command(self, elf: &Path, flash: &Path) -> Command {
        let mut command = Command::new(match self {
            Self::RiscvVirt => "qemu-system-riscv32",
            Self::EmcraftSf2 => "qemu-system-arm",
        });
        command.args(["-display", "none", "-monitor", "none", "-serial", "stdio", "-M"]);
        let drive = match self {
            Self::RiscvVirt => {
                command.args(["virt", "-m", "32", "-global", "virtio-mmio.force-legacy=false"]);
                command.args(["-netdev", "user,id=n0", "-device", "virtio-net-device,netdev=n0"]);
                // With parallel flash this machine takes no kernel.
                command.arg("-bios").arg(elf);
                "if=pflash,unit=1"
            }
            Self::EmcraftSf2 => {
                command.args(["emcraft-sf2", "-nic", "user"]);
                // The firmware asks the host for random bytes.
                command.args(["-semihosting-config", "enable=on,target=native"]);
                command.arg("-kernel").arg(elf);
                "if=mtd"
            }
        };
        command.arg("-drive").arg(format!("{drive},format=raw,file={}", flash.display()));
        command
    }
}

impl FromStr for Machine {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let names = || Self::ALL.map(Self::name).join(", ");
        Self::ALL.into_iter().find(|machine| machine.name() == name).ok_or_else(|| format!("one of {}", names()))
    }
}
