//! One score out of two: each is scaled to 0-1 over the candidates (min-max),
//! then they are summed by weight. Scaled sums keep how much better a candidate
//! is, which ranks (reciprocal rank fusion) forget.

/// Weight of the vectors' score where the encoder knows the language; keywords
/// have the rest. Cranfield's nDCG@10 and the first paragraphs of English XQuAD
/// are flat from .5 to .6. Queries of keywords want no other: the three rarest words
/// of each XQuAD question find their paragraph first in .901, .907, .913 and .906 at
/// .3, .4, .55 and .7, and Cranfield's queries without function words have an nDCG@10
/// of .425, .424, .426, .427 and .424 at .35, .45, .55, .65 and .75.
const DENSE_WEIGHT: f32 = 0.55;

/// Its weight where the encoder does not. First paragraphs of XQuAD at .1-.2,
/// .3, .4, .5 and .6: Chinese .93, .93, .91, .88 and .76; German .89 up to .4,
/// then .89 and .88.
const FOREIGN_WEIGHT: f32 = 0.2;

/// Pieces that the encoder needs for a word: in 95 of 100 English questions
/// fewer than the first, in German ones mostly between, in scripts without
/// spaces more than the second.
const PIECES_AT_HOME: f32 = 1.5;
const PIECES_ABROAD: f32 = 2.5;

/// Scores of one candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scores {
    /// `None`: the keywords did not find it, which counts as 0.
    pub(super) bm25: Option<f32>,
    /// `None`: it has no vector yet; then the keywords speak for both.
    pub(super) cosine: Option<f32>,
}

/// The fused score of each candidate, 0-1.
pub(super) fn fuse(candidates: &[Scores], dense_weight: f32) -> Vec<f32> {
    let lexical = Scale::over(candidates.iter().map(|c| c.bm25.unwrap_or(0.0)));
    let dense = Scale::over(candidates.iter().filter_map(|c| c.cosine));
    candidates
        .iter()
        .map(|candidate| {
            let words = lexical.apply(candidate.bm25.unwrap_or(0.0));
            let meaning = candidate.cosine.map_or(words, |cosine| dense.apply(cosine));
            dense_weight * meaning + (1.0 - dense_weight) * words
        })
        .collect()
}

/// How far a question's words are from what the encoder knows, 0-1, by how many
/// pieces its tokenizer makes of each: words in many pieces are of a language that
/// it does not know, or names that it has never seen.
pub(super) fn abroad(question: &str, count_tokens: impl Fn(&str) -> usize) -> f32 {
    let words: String = question
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { ' ' })
        .collect();
    let pieces = count_tokens(&words) as f32 / words.split_whitespace().count().max(1) as f32;
    ((pieces - PIECES_AT_HOME) / (PIECES_ABROAD - PIECES_AT_HOME)).clamp(0.0, 1.0)
}

/// The weight of the vectors' score so far [`abroad`].
pub(super) fn dense_weight(abroad: f32) -> f32 {
    DENSE_WEIGHT * (1.0 - abroad) + FOREIGN_WEIGHT * abroad
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
    use super::{DENSE_WEIGHT, FOREIGN_WEIGHT, Scores, abroad, dense_weight};

    fn fuse(candidates: &[Scores]) -> Vec<f32> {
        super::fuse(candidates, DENSE_WEIGHT)
    }

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

    #[test]
    fn vectors_count_less_where_the_encoder_cannot_read() {
        let pieces = |count: usize| move |_: &str| count;
        let weight = |question, count| dense_weight(abroad(question, pieces(count)));
        assert_eq!(weight("who won the game?", 4), DENSE_WEIGHT);
        assert_eq!(weight("谁赢了比赛？", 5), FOREIGN_WEIGHT);
        let between = weight("wer gewann das Spiel?", 8);
        assert!(between < DENSE_WEIGHT && between > FOREIGN_WEIGHT);
        assert_eq!(weight("?!", 0), DENSE_WEIGHT);
    }
}
