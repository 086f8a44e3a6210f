//! How good a ranking is, as the literature counts it.

use std::collections::{HashMap, HashSet};

/// Normalised discounted cumulative gain of the first `k` (Järvelin and
/// Kekäläinen 2002): grades as gains, discounted by the binary logarithm of the
/// place, against the best order there can be. 0 if nothing is relevant.
pub fn ndcg(ranked: &[&str], grades: &HashMap<String, u32>, k: usize) -> f64 {
    let discount = |place: usize| 1.0 / ((place + 2) as f64).log2();
    let gain = |grades: &mut dyn Iterator<Item = u32>| -> f64 {
        let places = grades.take(k).enumerate();
        places
            .map(|(place, grade)| f64::from(grade) * discount(place))
            .sum()
    };
    let mut best: Vec<u32> = grades.values().copied().collect();
    best.sort_unstable_by(|a, b| b.cmp(a));
    let ideal = gain(&mut best.into_iter());
    if ideal == 0.0 {
        return 0.0;
    }
    let mut found = ranked
        .iter()
        .map(|id| grades.get(*id).copied().unwrap_or(0));
    gain(&mut found) / ideal
}

/// The share of what is relevant that is among the first `k`.
pub fn recall(ranked: &[&str], grades: &HashMap<String, u32>, k: usize) -> f64 {
    let relevant: HashSet<&str> = grades
        .iter()
        .filter_map(|(id, &grade)| (grade > 0).then_some(id.as_str()))
        .collect();
    if relevant.is_empty() {
        return 0.0;
    }
    let found = ranked.iter().take(k).filter(|id| relevant.contains(**id));
    found.count() as f64 / relevant.len() as f64
}

/// One over the place of the first relevant one; 0 if there is none.
pub fn reciprocal_rank(ranked: &[&str], grades: &HashMap<String, u32>) -> f64 {
    let relevant = |id: &&str| grades.get(*id).is_some_and(|&grade| grade > 0);
    let place = ranked.iter().position(relevant);
    place.map_or(0.0, |place| 1.0 / (place + 1) as f64)
}

/// The value below which such a share of all lies (the nearest rank); 0 of none.
pub fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = (share * values.len() as f64).ceil() as usize;
    values.get(place.max(1) - 1).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::{ndcg, percentile, recall, reciprocal_rank};
    use std::collections::HashMap;

    fn grades(list: &[(&str, u32)]) -> HashMap<String, u32> {
        list.iter().map(|&(id, grade)| (id.into(), grade)).collect()
    }

    #[test]
    fn best_order_has_gain_one_and_the_rest_less() {
        let grades = grades(&[("a", 3), ("b", 1), ("c", 0)]);
        assert!((ndcg(&["a", "b", "c"], &grades, 10) - 1.0).abs() < 1e-12);
        let swapped = (1.0 + 3.0 / 3f64.log2()) / (3.0 + 1.0 / 3f64.log2());
        assert!((ndcg(&["b", "a"], &grades, 10) - swapped).abs() < 1e-12);
        assert_eq!(ndcg(&["c", "x"], &grades, 10), 0.0);
        assert_eq!(ndcg(&["c", "a"], &grades, 1), 0.0);
    }

    #[test]
    fn recall_counts_what_is_relevant_once() {
        let grades = grades(&[("a", 1), ("b", 1), ("c", 0)]);
        assert_eq!(recall(&["a", "x", "b"], &grades, 2), 0.5);
        assert_eq!(recall(&["a", "x", "b"], &grades, 3), 1.0);
    }

    #[test]
    fn nothing_relevant_scores_nothing() {
        let none = grades(&[("c", 0)]);
        assert_eq!(ndcg(&["c"], &none, 10), 0.0);
        assert_eq!(recall(&["c"], &none, 10), 0.0);
        assert_eq!(reciprocal_rank(&["c"], &none), 0.0);
    }

    #[test]
    fn reciprocal_rank_is_one_over_the_first_place() {
        assert_eq!(
            reciprocal_rank(&["x", "a", "b"], &grades(&[("a", 1), ("b", 1)])),
            0.5
        );
    }

    #[test]
    fn percentile_is_a_value_that_was_measured() {
        let mut values = [4.0, 1.0, 3.0, 2.0];
        assert_eq!(percentile(&mut values, 0.5), 2.0);
        assert_eq!(percentile(&mut values, 0.95), 4.0);
        assert_eq!(percentile(&mut values, 0.0), 1.0);
        assert_eq!(percentile(&mut [], 0.5), 0.0);
    }
}
