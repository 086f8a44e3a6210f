//! Vectors of single tokens, and late interaction between two texts.

/// The contextual vectors of a text's tokens, each of length one; without the
/// special tokens that frame the text.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenVectors {
    dimensions: usize,
    rows: Vec<f32>,
}

impl TokenVectors {
    /// Takes the rows of a forward pass and brings each to length one.
    pub(super) fn normalised(dimensions: usize, mut rows: Vec<f32>) -> Self {
        rows.chunks_exact_mut(dimensions).for_each(normalise);
        Self { dimensions, rows }
    }

    /// How many tokens the text has.
    pub fn len(&self) -> usize {
        self.rows.len() / self.dimensions
    }

    /// Whether the text has no token at all.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The width of each vector.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// The vectors in the order of the tokens.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.rows.chunks_exact(self.dimensions)
    }
}

/// How well `passage` covers `query`: the mean over the query's tokens of the
/// best cosine among the passage's tokens (ColBERT's MaxSim, Khattab and
/// Zaharia 2020, as a mean so that long and short queries compare). Zero where
/// either has no token.
pub fn late_interaction(query: &TokenVectors, passage: &TokenVectors) -> f32 {
    let matches = best_matches(query, &[passage]);
    matches.iter().sum::<f32>() / matches.len().max(1) as f32
}

/// For each token of the query the best cosine among the tokens of all the
/// texts; none at all where either side has no token.
pub fn best_matches(query: &TokenVectors, texts: &[&TokenVectors]) -> Vec<f32> {
    let mut comparable = texts.to_vec();
    comparable.retain(|text| !text.is_empty() && text.dimensions == query.dimensions);
    if comparable.is_empty() {
        return Vec::new();
    }
    let best = |token: &[f32]| {
        let others = comparable.iter().flat_map(|text| text.rows());
        others
            .map(|other| dot(token, other))
            .fold(f32::NEG_INFINITY, f32::max)
    };
    query.rows().map(best).collect()
}

/// Scales to length one; leaves a vector of zeros as it is.
pub(super) fn normalise(vector: &mut [f32]) {
    let length = dot(vector, vector).sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|value| *value /= length);
    }
}

/// Sixteen running sums, which the compiler keeps in vector registers; one sum
/// alone would fix the order of additions and forbid that.
fn dot(left: &[f32], right: &[f32]) -> f32 {
    let mut sums = [0.0f32; 16];
    let (left, left_rest) = left.as_chunks::<16>();
    let (right, right_rest) = right.as_chunks::<16>();
    for (a, b) in left.iter().zip(right) {
        for lane in 0..16 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = left_rest.iter().zip(right_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vectors(rows: &[[f32; 2]]) -> TokenVectors {
        TokenVectors::normalised(2, rows.concat())
    }

    #[test]
    fn each_query_token_counts_its_best_match() {
        let query = vectors(&[[2.0, 0.0], [0.0, 3.0]]);
        let passage = vectors(&[[1.0, 0.0], [1.0, 1.0]]);
        let expected = (1.0 + std::f32::consts::FRAC_1_SQRT_2) / 2.0;
        assert!((late_interaction(&query, &passage) - expected).abs() < 1e-6);
    }

    #[test]
    fn a_text_without_tokens_matches_nothing() {
        let some = vectors(&[[1.0, 0.0]]);
        let none = vectors(&[]);
        assert_eq!(late_interaction(&none, &some), 0.0);
        assert_eq!(late_interaction(&some, &none), 0.0);
        assert!(best_matches(&some, &[]).is_empty() && best_matches(&some, &[&none]).is_empty());
    }

    #[test]
    fn best_match_may_be_in_any_of_the_texts() {
        let query = vectors(&[[2.0, 0.0], [0.0, 3.0]]);
        let (right, up) = (vectors(&[[1.0, 0.0]]), vectors(&[[0.0, 1.0]]));
        assert_eq!(best_matches(&query, &[&right, &up]), [1.0, 1.0]);
        assert_eq!(best_matches(&query, &[&up]), [0.0, 1.0]);
    }
}
