//! A share of devices, as people write it: `1%`, `0.5%`.

use std::fmt;

/// What stands for all of them.
const WHOLE_MILLIONTHS: u32 = 1_000_000;

/// One percent.
const PERCENT_MILLIONTHS: u32 = WHOLE_MILLIONTHS / 100;

/// Most digits behind the point of a percentage: those that millionths can hold.
const FRACTION_DIGITS: usize = 4;

/// A share from none to all, exact to a millionth, so that equal texts are equal shares on every machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share {
    millionths: u32,
}

/// A text is no share.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no share: write a percentage from 0% to 100% with at most four digits behind the point, like \"5%\" or \"0.5%\""
)]
pub struct ShareError(String);

impl Share {
    /// Reads a percentage.
    ///
    /// # Errors
    /// Anything but digits, at most one point and `%`, or more than all.
    pub fn parse(text: &str) -> Result<Self, ShareError> {
        let wrong = || ShareError(text.to_owned());
        let number = text.strip_suffix('%').ok_or_else(wrong)?;
        let (whole, fraction) = number.split_once('.').map_or((number, None), |(whole, part)| (whole, Some(part)));
        let whole = digits(whole).ok_or_else(wrong)?.checked_mul(PERCENT_MILLIONTHS).ok_or_else(wrong)?;
        let part = match fraction {
            None => 0,
            Some(part) if part.len() <= FRACTION_DIGITS => {
                digits(&format!("{part:0<FRACTION_DIGITS$}")).filter(|_| !part.is_empty()).ok_or_else(wrong)?
            }
            Some(_) => return Err(wrong()),
        };
        let millionths = whole.checked_add(part).filter(|all| *all <= WHOLE_MILLIONTHS).ok_or_else(wrong)?;
        Ok(Self { millionths })
    }

    /// As a number from 0 to 1.
    #[must_use]
    pub fn ratio(self) -> f64 {
        f64::from(self.millionths) / f64::from(WHOLE_MILLIONTHS)
    }
}

/// Nothing but digits: Rust's own reading of numbers takes a sign, too.
fn digits(text: &str) -> Option<u32> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.millionths / PERCENT_MILLIONTHS, self.millionths % PERCENT_MILLIONTHS);
        if part == 0 {
            return write!(f, "{whole}%");
        }
        write!(f, "{whole}.{}%", format!("{part:0>FRACTION_DIGITS$}").trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_read_as_it_is_written() {
        for (text, ratio) in
            [("0%", 0.0), ("1%", 0.01), ("0.5%", 0.005), ("12.25%", 0.1225), ("100%", 1.0), ("0.0001%", 1e-6)]
        {
            let share = Share::parse(text).unwrap();
            assert_eq!((share.ratio(), share.to_string().as_str()), (ratio, text));
        }
        assert_eq!(Share::parse("1.50%").unwrap().to_string(), "1.5%");
    }

    #[test]
    fn what_is_no_share_is_refused_in_words() {
        for text in
            ["", "%", "1", "101%", "100.0001%", "-1%", "+1%", "1.%", ".5%", "1.23456%", "1 %", "1e1%", "99999999999%"]
        {
            assert_eq!(Share::parse(text), Err(ShareError(text.to_owned())), "{text}");
        }
        assert!(Share::parse("5").unwrap_err().to_string().contains("like \"5%\""));
    }
}
