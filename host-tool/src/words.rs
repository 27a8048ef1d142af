//! Numbers with their nouns, as people write them.

/// `1 device`, `2 devices`, `2 entries`: the noun is given for one.
#[must_use]
pub fn counted(count: usize, noun: &str) -> String {
    if count == 1 {
        return format!("1 {noun}");
    }
    match noun.strip_suffix('y') {
        Some(stem) => format!("{count} {stem}ies"),
        None => format!("{count} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn one_is_no_plural() {
        for (count, noun, expected) in [
            (0, "device", "0 devices"),
            (1, "device", "1 device"),
            (2, "device", "2 devices"),
            (1, "entry", "1 entry"),
            (3, "entry", "3 entries"),
        ] {
            assert_eq!(counted(count, noun), expected);
        }
    }
}
