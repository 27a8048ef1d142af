//! Reads the sensor as configured. Vouches for `sensor`: a period that the chip cannot serve fails it.

use embassy_futures::select::{Either, select};
use embassy_time::Duration;
use embedded_storage_async::nor_flash::NorFlash;
use steadfast_firmware::application::Subscriber;

use crate::config::Sampling;
use crate::sensor::{Sensor, TooFast};
use crate::{Readings, or_defaults};

/// Runs for ever.
pub(crate) async fn run<F: NorFlash>(mut sampling: Subscriber<Sampling, F>, readings: &'static Readings) -> ! {
    let mut values = or_defaults(sampling.section().await);
    loop {
        defmt::info!("sampling every {=u32} ms, averaging {=u8}", values.period_ms, values.average);
        values = match Sensor::start(Duration::from_millis(values.period_ms.into())) {
            Ok(sensor) => follow(&mut sampling, &values, sensor, readings).await,
            Err(TooFast) => {
                sampling.fail("sensor", "the sensor needs 50 ms");
                or_defaults(sampling.changed().await)
            }
        };
    }
}

/// Publishes readings until there are other values.
async fn follow<F: NorFlash>(
    sampling: &mut Subscriber<Sampling, F>,
    values: &Sampling,
    mut sensor: Sensor,
    readings: &'static Readings,
) -> Sampling {
    let (mut sum, mut count) = (0_i32, 0_u8);
    loop {
        match select(sampling.changed(), sensor.measure()).await {
            Either::First(next) => return or_defaults(next),
            Either::Second(temperature) => {
                // The first measurement already shows that the chip converts at this period.
                sampling.pass("sensor");
                (sum, count) = (sum + temperature, count + 1);
            }
        }
        if count >= values.average {
            readings.sender().send(sum / i32::from(count));
            (sum, count) = (0, 0);
        }
    }
}
