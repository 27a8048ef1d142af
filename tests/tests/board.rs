//! The emulated boards' own drivers, before anything of Steadfast runs on them.

use std::path::Path;

use steadfast::demo::machine::Machine;
use steadfast_tests::on_each_board;
use steadfast_tests::qemu::{Board, QemuError, firmware, write_erased_flash};

on_each_board!(flash_network_reset_panic_fault_and_watchdog_work_and_flash_survives_the_plug);

fn self_test(machine: Machine, flash: &Path) -> Result<Board, QemuError> {
    Board::with_firmware(machine, &firmware(machine)?.with_file_name("selftest"), flash)
}

fn flash_network_reset_panic_fault_and_watchdog_work_and_flash_survives_the_plug(
    machine: Machine,
) -> Result<(), QemuError> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let flash = folder.path().join("flash.img");
    write_erased_flash(machine, &flash)?;
    let board = self_test(machine, &flash)?;

    let mut first = board.start()?;
    first.wait_for("booted after Power")?;
    first.wait_for("flash holds the pattern: false")?;
    first.wait_for("flash works")?;
    first.wait_for("network is up")?;
    first.wait_for("booted after Asked")?;
    first.wait_for("panic at")?;
    first.wait_for("booted after Panic")?;
    first.wait_for("fault at")?;
    first.wait_for("booted after Fault")?;
    first.wait_for("booted after Watchdog")?;
    first.wait_for("self-test passed")?;
    first.pull_the_plug()?;

    let mut second = board.start()?;
    second.wait_for("booted after Power")?;
    second.wait_for("flash holds the pattern: true")?;
    second.pull_the_plug()
}
