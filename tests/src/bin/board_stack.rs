//! How deep the stack of the emulated board gets in a life with a first configuration, an update and a roll back.
//!
//! `cargo xtask size` runs it. The board paints its stack and tells whenever it was deeper than before.

use steadfast::demo::machine::Machine;
use steadfast_tests::bench::{Bench, wanted};
use steadfast_tests::qemu::{QemuError, Running};

fn main() -> Result<(), QemuError> {
    let bench = Bench::new(Machine::RiscvVirt, &wanted(1, "", 100))?;
    let mut board = bench.board.start()?;
    board.wait_for("confirmed")?;
    bench.order(&wanted(2, "", 200));
    board.wait_for("confirmed")?;
    bench.order(&wanted(3, "", 20));
    board.wait_for("rolled back")?;
    board.wait_for("sampling every 200 ms")?;
    println!("stack of the whole firmware, at most (painted and measured in QEMU): {} bytes", deepest(&board));
    board.pull_the_plug()
}

fn deepest(board: &Running) -> usize {
    let told = |text: &str| text.strip_prefix("stack at most ")?.strip_suffix(" bytes")?.parse().ok();
    board.recent().filter_map(|line| told(&line.text)).max().unwrap_or_default()
}
