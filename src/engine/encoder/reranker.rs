//! The reranker: a question and a passage, read together by one encoder, become
//! a score (Nogueira and Cho, 2019). Must not know what the passages are for.

use std::path::Path;

use super::error::EncoderError;
use super::forward::Framed;
use super::forward::Scratch;
use super::forward::apply;
use super::model::Model;
use super::weights::Head;

/// A loaded reranker. Any number of threads may use it at once.
pub struct Reranker {
    model: Model,
    head: Head,
}

impl Reranker {
    /// A BERT or XLM-R classifier of one score, from a GGUF file or from a
    /// publisher's folder.
    pub fn open(path: &Path) -> Result<Self, EncoderError> {
        Self::of(Model::open(path)?).map_err(|error| error.of(path))
    }

    #[cfg(test)]
    pub(super) fn model_tokens(&self) -> &super::tokens::Tokens {
        &self.model.tokens
    }

    fn of(mut model: Model) -> Result<Self, EncoderError> {
        let head = model.head.take().ok_or_else(|| {
            EncoderError::Unsupported("it gives no score, so it is no reranker".into())
        })?;
        Ok(Self { model, head })
    }

    /// The model's name.
    pub fn name(&self) -> &str {
        &self.model.name
    }

    /// How well each passage answers the query: unbounded, 0 where the model
    /// holds yes and no for equally likely.
    pub fn scores(&self, query: &str, passages: &[&str]) -> Result<Vec<f32>, EncoderError> {
        let tokens = &self.model.tokens;
        let window = self.model.weights.shape.window;
        let query = tokens.ids(query)?;
        let pairs = passages
            .iter()
            .map(|passage| Ok(tokens.framed_pair([query.clone(), tokens.ids(passage)?], window)))
            .collect::<Result<Vec<Framed>, EncoderError>>()?;
        Ok(self
            .model
            .each(&pairs, |rows| self.score(&rows[..self.model.width()])))
    }

    /// From the first token's vector to the score.
    fn score(&self, first: &[f32]) -> f32 {
        let Scratch {
            mut workers,
            mut codes,
            ..
        } = Scratch::default();
        let (mut inner, mut score) = (first.to_vec(), Vec::new());
        if let Some(dense) = &self.head.dense {
            let row = (first, first.len());
            apply(dense, &mut workers, &mut codes, row, &mut inner);
            inner.iter_mut().for_each(|value| *value = value.tanh());
        }
        let row = (inner.as_slice(), inner.len());
        let output = &self.head.output;
        apply(output, &mut workers, &mut codes, row, &mut score);
        score.first().copied().unwrap_or_default()
    }
}
