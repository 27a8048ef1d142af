//! Spans of time: whole milliseconds on the wire, `90s` or `1h30m` for people.

use core::fmt;

use serde::Serialize;

use super::{Malformed, Reader, Value};
use crate::schema::Type;

/// 100 years of 365.25 days: longer than any device, and six bytes on the wire at most.
pub const MAX_DURATION_MS: u64 = 36_525 * DAY_MS;

const SECOND_MS: u64 = 1000;
const MINUTE_MS: u64 = 60 * SECOND_MS;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;

/// A span of at most [`MAX_DURATION_MS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Duration(u64);

impl Duration {
    /// `None` above [`MAX_DURATION_MS`].
    #[must_use]
    pub const fn from_millis(millis: u64) -> Option<Self> {
        if millis <= MAX_DURATION_MS { Some(Self(millis)) } else { None }
    }

    /// In milliseconds.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Reads `250ms`, `90s`, `5m`, `1h30m`, `2d`: whole numbers, larger units first, each unit once. `None` for anything else.
    #[must_use]
    pub const fn from_text(text: &str) -> Option<Self> {
        let mut rest = text.as_bytes();
        let mut sum = 0_u64;
        let mut above = u64::MAX;
        while !rest.is_empty() {
            let Some((count, unit, tail)) = term(rest) else { return None };
            if unit >= above {
                return None;
            }
            let Some(term) = count.checked_mul(unit) else { return None };
            let Some(total) = sum.checked_add(term) else { return None };
            (sum, above, rest) = (total, unit, tail);
        }
        if text.is_empty() { None } else { Self::from_millis(sum) }
    }

    /// A literal in a configuration type. To be called in constants only, where anything that [`Duration::from_text`] does not read is a
    /// compile error.
    #[must_use]
    #[allow(clippy::panic)]
    pub const fn literal(text: &str) -> Self {
        match Self::from_text(text) {
            Some(duration) => duration,
            None => {
                panic!("not a duration of at most 100 years: write it like \"250ms\", \"90s\", \"1h30m\" or \"2d\"")
            }
        }
    }
}

/// A whole number, its unit in milliseconds, and what follows.
const fn term(text: &[u8]) -> Option<(u64, u64, &[u8])> {
    let mut rest = text;
    let mut count: Option<u64> = None;
    while let [digit @ b'0'..=b'9', tail @ ..] = rest {
        let so_far = match count {
            Some(count) => count,
            None => 0,
        };
        let Some(tens) = so_far.checked_mul(10) else { return None };
        count = tens.checked_add((*digit & 0x0f) as u64);
        if count.is_none() {
            return None;
        }
        rest = tail;
    }
    let Some(count) = count else { return None };
    match rest {
        [b'm', b's', tail @ ..] => Some((count, 1, tail)),
        [b's', tail @ ..] => Some((count, SECOND_MS, tail)),
        [b'm', tail @ ..] => Some((count, MINUTE_MS, tail)),
        [b'h', tail @ ..] => Some((count, HOUR_MS, tail)),
        [b'd', tail @ ..] => Some((count, DAY_MS, tail)),
        _ => None,
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let mut rest = self.0;
        for (unit, name) in [(DAY_MS, "d"), (HOUR_MS, "h"), (MINUTE_MS, "m"), (SECOND_MS, "s"), (1, "ms")] {
            let (count, left) = (rest.checked_div(unit).unwrap_or(0), rest.checked_rem(unit).unwrap_or(0));
            if count > 0 {
                write!(f, "{count}{name}")?;
            }
            rest = left;
        }
        Ok(())
    }
}

impl Value for Duration {
    const TYPE: &'static Type = &Type::Duration;

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Self::from_millis(reader.unsigned(u64::MAX)?).ok_or(Malformed::OutOfRange)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_reads_back() {
        for (text, millis) in [("250ms", 250), ("90s", 90_000), ("1h30m", 5_400_000), ("2d", 172_800_000), ("0s", 0)] {
            assert_eq!(Duration::from_text(text).map(Duration::as_millis), Some(millis), "{text}");
        }
        for millis in [0, 1, 999, 1000, 61_001, 86_400_000, 90_061_001, MAX_DURATION_MS] {
            let duration = Duration::from_millis(millis).unwrap();
            assert_eq!(Duration::from_text(&duration.to_string()), Some(duration), "{duration}");
        }
    }

    #[test]
    fn nothing_else_reads() {
        for wrong in
            ["", "5", "s", "5 s", "-5s", "1.5s", "1m1h", "1s1s", "36526d", "99999999999999999999s", "5S", "5min"]
        {
            assert_eq!(Duration::from_text(wrong), None, "{wrong}");
        }
    }
}
