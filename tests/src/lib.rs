//! The hostile world in which Steadfast is tried: what stands here is for tests only, and shared between them.

pub mod authority;
pub mod bench;
pub mod chaos;
pub mod contents;
pub mod debugger;
pub mod figures;
pub mod firmwares;
pub mod flash;
pub mod fleet_folder;
pub mod fleetgen;
pub mod life;
pub mod meddling;
pub mod oracle;
pub mod qemu;
mod qmp;
pub mod samples;
pub mod sensors;
pub mod server;
pub mod signatures;
pub mod slips;
pub mod stage;
pub mod used;
pub mod vectors;

/// Makes a test of each of these functions for each emulated board: `fn claim(machine: Machine) -> ...`.
#[macro_export]
macro_rules! on_each_board {
    ($($claim:ident),+ $(,)?) => {
        $crate::on_each_board!(@ qemu_riscv_virt RiscvVirt: $($claim)+);
        $crate::on_each_board!(@ qemu_emcraft_sf2 EmcraftSf2: $($claim)+);
    };
    (@ $board:ident $machine:ident: $($claim:ident)+) => {
        mod $board {
            $(#[test]
            fn $claim() -> impl std::process::Termination {
                super::$claim(steadfast::demo::machine::Machine::$machine)
            })+
        }
    };
}
