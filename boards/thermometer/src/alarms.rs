//! Compares readings with the limits. Vouches for `alarms`: limits that leave no room between them fail it.

use embassy_futures::select::{Either, select};
use embassy_sync::watch::DynReceiver;
use embassy_time::{Duration, Instant};
use embedded_storage_async::nor_flash::NorFlash;
use steadfast_firmware::application::Subscriber;

use crate::config::Alarms;
use crate::or_defaults;

/// Runs for ever.
pub(crate) async fn run<F: NorFlash>(mut alarms: Subscriber<Alarms, F>, mut readings: DynReceiver<'static, i32>) -> ! {
    let mut values = or_defaults(alarms.section().await);
    let mut quiet_until = Instant::MIN;
    loop {
        judge(&alarms, &values);
        match select(alarms.changed(), readings.changed()).await {
            // No restart: the next reading is held against the new limits.
            Either::First(next) => values = or_defaults(next),
            Either::Second(reading) if is_outside(&values, reading) && Instant::now() >= quiet_until => {
                defmt::warn!("alarm: {=i32} m°C, told to {=usize} contacts", reading, values.contacts.len());
                quiet_until = Instant::now() + Duration::from_millis(values.quiet.as_millis());
            }
            Either::Second(_) => {}
        }
    }
}

fn judge<F: NorFlash>(alarms: &Subscriber<Alarms, F>, values: &Alarms) {
    if values.low < values.high {
        alarms.pass("alarms");
    } else {
        alarms.fail("alarms", "low is not below high");
    }
}

fn is_outside(values: &Alarms, reading: i32) -> bool {
    reading < values.low || reading > values.high
}
