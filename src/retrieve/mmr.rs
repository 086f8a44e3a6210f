//! Maximal marginal relevance (Carbonell and Goldstein 1998): picks what is
//! relevant and unlike what is picked already.

/// Indices of `count` candidates in the order in which they are picked. The
/// relevance is 0-1; a candidate without a vector is taken to be unlike all.
/// With `lambda` 1 relevance alone decides, with 0 diversity alone.
pub(super) fn pick(
    relevance: &[f32],
    vectors: &[Option<Vec<f32>>],
    lambda: f32,
    count: usize,
) -> Vec<usize> {
    let lambda = lambda.clamp(0.0, 1.0);
    let mut likeness = vec![0.0f32; relevance.len()];
    let mut left: Vec<usize> = (0..relevance.len()).collect();
    let mut picked = Vec::new();
    while picked.len() < count && !left.is_empty() {
        let gain = |&n: &usize| lambda * relevance[n] - (1.0 - lambda) * likeness[n];
        let mut best = 0;
        for (at, n) in left.iter().enumerate().skip(1) {
            if gain(n) > gain(&left[best]) {
                best = at;
            }
        }
        let chosen = left.remove(best);
        for &n in &left {
            let alike = match (&vectors[n], &vectors[chosen]) {
                (Some(a), Some(b)) => a.iter().zip(b).map(|(x, y)| x * y).sum(),
                _ => 0.0,
            };
            likeness[n] = likeness[n].max(alike);
        }
        picked.push(chosen);
    }
    picked
}

#[cfg(test)]
mod tests {
    use super::pick;

    fn vectors() -> Vec<Option<Vec<f32>>> {
        vec![
            Some(vec![1.0, 0.0]),
            Some(vec![1.0, 0.0]),
            Some(vec![0.0, 1.0]),
        ]
    }

    #[test]
    fn twin_of_what_is_picked_comes_last() {
        assert_eq!(pick(&[0.9, 0.8, 0.5], &vectors(), 0.5, 3), [0, 2, 1]);
    }

    #[test]
    fn lambda_one_is_relevance_alone() {
        assert_eq!(pick(&[0.9, 0.8, 0.5], &vectors(), 1.0, 2), [0, 1]);
    }

    #[test]
    fn fewer_candidates_than_wanted_are_all_picked() {
        assert_eq!(pick(&[0.1], &[None], 0.5, 9), [0]);
        assert!(pick(&[], &[], 0.5, 9).is_empty());
    }
}
