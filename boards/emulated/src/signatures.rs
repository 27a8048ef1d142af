//! Verifies published test signatures on a board. `cargo xtask test --data DIR` builds a program with them, and reads the log.

use embassy_time::Timer;
use steadfast_firmware::board::Board;
use steadfast_signatures::cases;

use crate::reset::Cause;

/// Judges each of `published`, which the host made of the published files. Runs for ever.
pub async fn run(board: &impl Board, published: &[u8]) -> ! {
    defmt::info!("verifying signatures after {}", Cause::take());
    for case in cases(published) {
        board.feed_watchdog();
        defmt::info!("signature {=u16} judged rightly: {=bool}", case.number, case.is_judged_rightly());
    }
    defmt::info!("signature tests are done");
    loop {
        board.feed_watchdog();
        Timer::after_secs(1).await;
    }
}
