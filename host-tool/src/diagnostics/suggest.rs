//! "Did you mean": the nearest of the names that would have been right.

/// The candidate nearest to `wrong`, when it is near enough to be meant: at most a third of the letters differ.
#[must_use]
pub fn closest<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (wrong.chars().count().max(3) / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(wrong, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Edit distance where swapping two neighbours counts once (optimal string alignment), ignoring case.
fn distance(a: &str, b: &str) -> usize {
    let letters = |text: &str| text.to_lowercase().chars().collect::<Vec<_>>();
    let (a, b) = (letters(a), letters(b));
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=b.len()).collect();
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let swap = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = swap.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_suggested_and_far_ones_are_not() {
        let names = ["period_ms", "enabled", "low"];
        assert_eq!(closest("perod_ms", names), Some("period_ms"));
        assert_eq!(closest("enbaled", names), Some("enabled"));
        assert_eq!(closest("Low", names), Some("low"));
        assert_eq!(closest("humidity", names), None);
    }
}
