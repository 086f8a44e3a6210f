//! The reranker: a question and a passage, read together by one encoder, become
//! a score (Nogueira and Cho, 2019). Must not know what the passages are for.

use std::path::Path;

use super::error::EncoderError;
use super::model::Model;
use super::pairs::PairReader;

/// A loaded reranker. Any number of threads may use it at once.
pub struct Reranker(PairReader);

impl Reranker {
    /// A BERT or XLM-R classifier of one score, from a GGUF file or from a
    /// publisher's folder.
    pub fn open(path: &Path) -> Result<Self, EncoderError> {
        Self::of(Model::open(path)?).map_err(|error| error.of(path))
    }

    #[cfg(test)]
    pub(super) fn model_tokens(&self) -> &super::tokens::Tokens {
        &self.0.model.tokens
    }

    fn of(model: Model) -> Result<Self, EncoderError> {
        let reader = PairReader::of(model).ok_or_else(|| {
            EncoderError::Unsupported("it gives no score, so it is no reranker".into())
        })?;
        match reader.head.classes() {
            1 => Ok(Self(reader)),
            several => Err(EncoderError::Unsupported(format!(
                "it scores {several} classes and not one, so it is no reranker"
            ))),
        }
    }

    /// The model's name.
    pub fn name(&self) -> &str {
        &self.0.model.name
    }

    /// How well each passage answers the query: unbounded, 0 where the model
    /// holds yes and no for equally likely.
    pub fn scores(&self, query: &str, passages: &[&str]) -> Result<Vec<f32>, EncoderError> {
        let query = self.0.ids(query)?;
        let pairs = passages
            .iter()
            .map(|passage| Ok([query.clone(), self.0.ids(passage)?]))
            .collect::<Result<Vec<_>, EncoderError>>()?;
        let scores = self.0.scores(pairs).into_iter();
        Ok(scores
            .map(|scores| scores.first().copied().unwrap_or_default())
            .collect())
    }
}
