//! Pairs of texts, read together by one encoder whose head scores classes: what
//! a reranker and an entailment model have in common. Must not know what the
//! classes mean.

use super::error::EncoderError;
use super::forward::Framed;
use super::forward::Scratch;
use super::forward::apply;
use super::model::Model;
use super::weights::Head;

/// An encoder with a head.
pub(super) struct PairReader {
    pub(super) model: Model,
    pub(super) head: Head,
}

impl PairReader {
    /// The model with its head; nothing if it has none.
    pub(super) fn of(mut model: Model) -> Option<Self> {
        let head = model.head.take()?;
        Some(Self { model, head })
    }

    /// The tokens of a text of a pair.
    pub(super) fn ids(&self, text: &str) -> Result<Vec<u32>, EncoderError> {
        self.model.tokens.ids(text)
    }

    /// The scores of all classes for each pair.
    pub(super) fn scores(&self, pairs: Vec<[Vec<u32>; 2]>) -> Vec<Vec<f32>> {
        let Model {
            tokens, weights, ..
        } = &self.model;
        let framed = |pair| tokens.framed_pair(pair, weights.shape.window);
        let pairs: Vec<Framed> = pairs.into_iter().map(framed).collect();
        let width = self.model.width();
        self.model
            .each(&pairs, |rows| self.head.scores(&rows[..width]))
    }
}

impl Head {
    /// How many classes it scores.
    pub(super) fn classes(&self) -> usize {
        self.output.outputs()
    }

    /// From the first token's vector to the scores.
    fn scores(&self, first: &[f32]) -> Vec<f32> {
        let Scratch {
            mut workers,
            mut codes,
            ..
        } = Scratch::default();
        let (mut inner, mut scores) = (first.to_vec(), Vec::new());
        if let Some(dense) = &self.dense {
            let row = (first, first.len());
            apply(dense, &mut workers, &mut codes, row, &mut inner);
            inner.iter_mut().for_each(|value| *value = value.tanh());
        }
        let row = (inner.as_slice(), inner.len());
        apply(&self.output, &mut workers, &mut codes, row, &mut scores);
        scores
    }
}
