//! The next firmware: its configuration is here before it is.
//!
//! Whatever brings firmwares onto the device leaves the next one in a region of the flash, with the id of its schema at the head, and erases
//! that region when nothing brings another firmware back any more. This sample has no part in that; it only reads the head.

use embassy_time::{Duration, Timer};
use embedded_storage_async::nor_flash::NorFlash;
use steadfast_core::config::Configuration;
use steadfast_core::id::SchemaId;
use steadfast_firmware::application::Application;
use steadfast_firmware::partition::SharedFlash;

use crate::config::Thermometer;

/// Between two attempts to prepare. Each costs the server a whole answer.
const PERIOD: Duration = Duration::from_secs(10);

/// Where that region starts, and what it reads as when nothing lies there.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) offset: u32,
    pub(crate) erased: u8,
}

/// Runs for ever.
pub(crate) async fn run<F: NorFlash>(
    application: &'static Application<F>,
    flash: &'static SharedFlash<F>,
    place: Place,
) -> ! {
    loop {
        let mut head = [0; SchemaId::BYTES];
        let is_read = flash.lock().await.read(place.offset, &mut head).await.is_ok();
        if is_read && head.iter().all(|byte| *byte == place.erased) {
            application.firmware_is_final();
        } else if is_read && head != Thermometer::SCHEMA_ID.0 {
            // With its own schema there, this firmware is the next one already, and the former may come back.
            prepare(application, SchemaId(head)).await;
        }
        Timer::after(PERIOD).await;
    }
}

/// The board swaps firmwares once that is done: see `Board::swap`.
async fn prepare<F: NorFlash>(application: &Application<F>, next: SchemaId) {
    if application.prepare(next).await.is_err() {
        defmt::warn!("nothing is prepared for the next firmware: tried again");
    }
}
