//! One score out of two: each is scaled to 0-1 over the candidates (min-max),
//! then they are summed by weight. Scaled sums keep how much better a candidate
//! is, which ranks (reciprocal rank fusion) forget.

/// Weight of the vectors' score; keywords have the rest. Cranfield's nDCG@10 is
/// flat from .5 to .7, paragraphs of XQuAD want keywords to count no less.
const DENSE_WEIGHT: f32 = 0.55;

/// Scores of one candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scores {
    /// `None`: the keywords did not find it, which counts as 0.
    pub(super) bm25: Option<f32>,
    /// `None`: it has no vector yet; then the keywords speak for both.
    pub(super) cosine: Option<f32>,
}

/// The fused score of each candidate, 0-1.
pub(super) fn fuse(candidates: &[Scores]) -> Vec<f32> {
    let lexical = Scale::over(candidates.iter().map(|c| c.bm25.unwrap_or(0.0)));
    let dense = Scale::over(candidates.iter().filter_map(|c| c.cosine));
    candidates
        .iter()
        .map(|candidate| {
            let words = lexical.apply(candidate.bm25.unwrap_or(0.0));
            let meaning = candidate.cosine.map_or(words, |cosine| dense.apply(cosine));
            DENSE_WEIGHT * meaning + (1.0 - DENSE_WEIGHT) * words
        })
        .collect()
}

struct Scale {
    low: f32,
    high: f32,
}

impl Scale {
    fn over(values: impl Iterator<Item = f32>) -> Self {
        let (low, high) = values.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        Self { low, high }
    }

    /// Where all are equal, a score that says something is 1 and none is 0.
    fn apply(&self, value: f32) -> f32 {
        if self.high > self.low {
            (value - self.low) / (self.high - self.low)
        } else if value > 0.0 {
            1.0
        } else {
            0.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Scores, fuse};

    fn scores(bm25: Option<f32>, cosine: Option<f32>) -> Scores {
        Scores { bm25, cosine }
    }

    #[test]
    fn candidate_that_both_prefer_is_one_and_the_last_of_both_zero() {
        let fused = fuse(&[
            scores(Some(9.0), Some(0.7)),
            scores(None, Some(0.1)),
            scores(Some(3.0), Some(0.4)),
        ]);
        assert!((fused[0] - 1.0).abs() < 1e-6 && fused[1] == 0.0);
        assert!(fused[2] > 0.0 && fused[2] < 1.0);
    }

    #[test]
    fn without_vectors_keywords_decide_alone() {
        let fused = fuse(&[
            scores(Some(9.0), None),
            scores(Some(4.5), None),
            scores(None, None),
        ]);
        assert!((fused[0] - 1.0).abs() < 1e-6 && (fused[2]).abs() < 1e-6);
        assert!((fused[1] - 0.5).abs() < 1e-6);
    }

    #[test]
    fn without_keywords_vectors_decide_alone() {
        let fused = fuse(&[scores(None, Some(0.2)), scores(None, Some(0.6))]);
        assert!(fused[1] > fused[0]);
        assert!(fuse(&[]).is_empty());
        assert_eq!(fuse(&[scores(Some(2.0), Some(0.3))]).len(), 1);
    }
}
