//! A simulated thermometer chip: it converts by itself at a period that it is told, and refuses one that it cannot serve.

use embassy_time::{Duration, Instant, Ticker};

/// What one conversion takes.
const CONVERSION: Duration = Duration::from_millis(50);
/// The temperature swings by this around [`MIDDLE`], up and down in one [`SWING_PERIOD`].
const SWING: i32 = 5000;
const MIDDLE: i32 = 21_000;
const SWING_PERIOD: Duration = Duration::from_secs(600);

/// The chip cannot convert that fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooFast;

/// The chip, converting.
pub(crate) struct Sensor {
    due: Ticker,
}

impl Sensor {
    /// Tells the chip to convert at this period.
    pub(crate) fn start(period: Duration) -> Result<Self, TooFast> {
        if period < CONVERSION { Err(TooFast) } else { Ok(Self { due: Ticker::every(period) }) }
    }

    /// The next measurement, in thousandths of a degree Celsius.
    pub(crate) async fn measure(&mut self) -> i32 {
        self.due.next().await;
        let phase = (Instant::now().as_millis() % SWING_PERIOD.as_millis()) as i32;
        let half = SWING_PERIOD.as_millis() as i32 / 2;
        // A triangle: up for half of the period, down for the other.
        let up = if phase < half { phase } else { 2 * half - phase };
        MIDDLE - SWING + up * (2 * SWING / 1000) / (half / 1000)
    }
}
