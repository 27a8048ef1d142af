//! Hexadecimal text of fixed length: keys in files and on the command line.

/// Reads exactly `2 * N` hexadecimal digits, of either case.
#[must_use]
pub fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let high = char::from(pair[0]).to_digit(16)?;
        let low = char::from(pair[1]).to_digit(16)?;
        *byte = (high * 16 + low) as u8;
    }
    Some(bytes)
}

/// Lower-case digits, two a byte.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads any even number of digits up to `2 * max_bytes`.
#[must_use]
pub fn decode_any(text: &str, max_bytes: usize) -> Option<Vec<u8>> {
    if text.len() > 2 * max_bytes || !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| decode::<1>(&text[at..at + 2]).map(|[byte]| byte)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_digits_of_the_right_number_are_read() {
        assert_eq!(decode("0aFf"), Some([0x0A, 0xFF]));
        assert_eq!(decode_any(&encode(&[0, 16, 255]), 3), Some(vec![0, 16, 255]));
        for wrong in ["", "0", "0af", "+af1", "0ag1", "0a\u{e9}"] {
            assert_eq!(decode::<2>(wrong), None, "{wrong}");
        }
        assert_eq!(decode_any("0a0b", 1), None);
    }
}
