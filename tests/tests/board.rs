//! The emulated board's own drivers, before anything of Steadfast runs on them.

use std::path::PathBuf;

use steadfast_tests::qemu::{Board, QemuError, write_erased_flash};

fn self_test(flash: &std::path::Path) -> Result<Board, QemuError> {
    let application = std::env::var_os("STEADFAST_BOARD_ELF").map(PathBuf::from).ok_or(QemuError::NoFirmware)?;
    Board::with_firmware(&application.with_file_name("selftest"), flash)
}

#[test]
fn flash_network_reset_panic_and_watchdog_work_and_flash_survives_the_plug() -> Result<(), QemuError> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let flash = folder.path().join("flash.img");
    write_erased_flash(&flash)?;
    let board = self_test(&flash)?;

    let mut first = board.start()?;
    first.wait_for("booted after Power")?;
    first.wait_for("flash holds the pattern: false")?;
    first.wait_for("flash works")?;
    first.wait_for("network is up")?;
    first.wait_for("booted after Asked")?;
    first.wait_for("panic at")?;
    first.wait_for("booted after Panic")?;
    first.wait_for("booted after Watchdog")?;
    first.wait_for("self-test passed")?;
    first.pull_the_plug()?;

    let mut second = board.start()?;
    second.wait_for("booted after Power")?;
    second.wait_for("flash holds the pattern: true")?;
    second.pull_the_plug()
}
