//! The embedding model: text to vectors, in process, on the processor; the
//! reranker, which reads a question and a passage together; and the entailment
//! model, which reads what is claimed with what is to bear it out. Owns the
//! bundled weights, tokenizers and the forward pass. Must not know what the
//! vectors are for, nor store them.

mod attention;
mod bytes;
mod entailment;
mod error;
mod folder;
mod forward;
mod gguf;
mod known;
mod model;
mod names;
mod pairs;
mod panels;
mod pointwise;
mod prompts;
mod reranker;
mod rotation;
mod shape;
mod tensors;
mod token_vectors;
mod tokens;
mod weights;

use std::borrow::Cow;
use std::path::Path;

use rayon::prelude::*;
use serde::Deserialize;
use sha2::Digest;
use sha2::Sha256;

pub use self::entailment::Entailment;
pub use self::entailment::Inference;
pub use self::error::EncoderError;
pub use self::gguf::is_encoder;
pub use self::gguf::is_entailment;
pub use self::known::Known;
pub use self::prompts::Prompts;
pub use self::reranker::Reranker;
pub use self::token_vectors::TokenVectors;
pub use self::token_vectors::{best_matches, late_interaction};

use self::forward::Framed;
use self::model::Model;
use self::model::hexadecimal;
use self::shape::Pooling;
use self::token_vectors::normalise;

static BUNDLED: &[u8] = include_bytes!("../../../models/all-minilm-l6-v2.q8_0.gguf");
static MANIFEST: &str = include_str!("../../../models/manifest.toml");

/// A text's vector and those of its tokens, from one pass.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoding {
    /// The text's own vector, of length one.
    pub pooled: Vec<f32>,
    /// Each token's own vector.
    pub tokens: TokenVectors,
}

/// A loaded embedding model. Any number of threads may use it at once: a single
/// short text is computed on the calling thread, so it never waits for a batch
/// that another thread has under way.
pub struct Encoder {
    model: Model,
    pooling: Pooling,
    fingerprint: String,
}

/// The part of `models/manifest.toml` that is needed at run time.
#[derive(Deserialize)]
struct Manifest {
    embedding: BundledModel,
}

#[derive(Deserialize)]
struct BundledModel {
    sha256: String,
}

impl Encoder {
    /// The model inside the executable.
    pub fn bundled() -> Result<Self, EncoderError> {
        let manifest: Manifest =
            toml::from_str(MANIFEST).map_err(|error| EncoderError::Bundle(error.to_string()))?;
        let hash = manifest.embedding.sha256.as_str();
        Self::of(Model::of_bytes(Cow::Borrowed(BUNDLED), Some(hash))?)
    }

    /// An embedding model from a GGUF file or from a publisher's folder.
    pub fn open(path: &Path) -> Result<Self, EncoderError> {
        Self::of(Model::open(path)?).map_err(|error| error.of(path))
    }

    /// An embedding model in GGUF that is in memory.
    pub fn from_gguf(bytes: &[u8]) -> Result<Self, EncoderError> {
        Self::of(Model::of_bytes(Cow::Owned(bytes.to_vec()), None)?)
    }

    fn of(model: Model) -> Result<Self, EncoderError> {
        let pooling = model.pooling.ok_or_else(|| {
            EncoderError::Unsupported(
                "it does not say how to pool, so it is no embedding model".into(),
            )
        })?;
        if let Some(head) = model.head.as_ref().filter(|head| head.classes() > 1) {
            return Err(EncoderError::Unsupported(format!(
                "it scores {} classes, so it is no embedding model",
                head.classes()
            )));
        }
        Ok(Self {
            fingerprint: fingerprint(&model, pooling),
            model,
            pooling,
        })
    }

    /// The same with other words before texts, where they are given.
    pub fn with_prompts(mut self, query: Option<String>, passage: Option<String>) -> Self {
        let prompts = &mut self.model.prompts;
        prompts.query = query.unwrap_or(std::mem::take(&mut prompts.query));
        prompts.passage = passage.unwrap_or(std::mem::take(&mut prompts.passage));
        self.fingerprint = fingerprint(&self.model, self.pooling);
        self
    }

    /// What is put before questions and passages.
    pub fn prompts(&self) -> &Prompts {
        &self.model.prompts
    }

    /// Identifies what the vectors of passages depend on: weights, tokenizer,
    /// pooling, normalisation, what is put before. Vectors of different
    /// fingerprints must not meet.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The model's name.
    pub fn name(&self) -> &str {
        &self.model.name
    }

    /// The width of each vector.
    pub fn dimensions(&self) -> usize {
        self.model.width()
    }

    /// How many tokens of a text are read, those that frame it included; what
    /// follows them does not influence the vector.
    pub fn window(&self) -> usize {
        self.model.weights.shape.window
    }

    /// How many tokens of a passage are read, without those that frame it and
    /// those that are put before it.
    pub fn room(&self) -> usize {
        let (before, after) = self.model.tokens.frame();
        let prompt = self.count_tokens(&self.model.prompts.passage);
        self.window().saturating_sub(before + after + prompt)
    }

    /// The number of tokens of a text, without those that frame it. Text that
    /// cannot be split counts as a token for each byte.
    pub fn count_tokens(&self, text: &str) -> usize {
        let ids = self.model.tokens.ids(text);
        ids.map_or(text.len(), |ids| ids.len())
    }

    /// The vector of each text, of length one.
    pub fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EncoderError> {
        self.each(texts, |rows| self.pool(rows))
    }

    /// The vectors of passages, which some models want to be marked as such.
    pub fn embed_passages(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EncoderError> {
        let before = self.model.prompts.passage.as_str();
        if before.is_empty() {
            return self.embed(texts);
        }
        let marked: Vec<String> = texts.iter().map(|text| format!("{before}{text}")).collect();
        let marked: Vec<&str> = marked.iter().map(String::as_str).collect();
        self.embed(&marked)
    }

    /// The vector of a question, which some models want to be marked as such.
    pub fn embed_query(&self, text: &str) -> Result<Vec<f32>, EncoderError> {
        let marked = format!("{}{text}", self.model.prompts.query);
        let vectors = self.embed(&[&marked])?;
        Ok(vectors.into_iter().next().unwrap_or_default())
    }

    /// The vector of each text and of each of its tokens.
    pub fn encode(&self, texts: &[&str]) -> Result<Vec<Encoding>, EncoderError> {
        let width = self.dimensions();
        let (before, after) = self.model.tokens.frame();
        self.each(texts, |rows| {
            let own = &rows[before * width..rows.len() - after * width];
            Encoding {
                pooled: self.pool(rows),
                tokens: TokenVectors::normalised(width, own.to_vec()),
            }
        })
    }

    /// Runs the model and hands the token rows of each text to `finish`.
    fn each<T: Send>(
        &self,
        texts: &[&str],
        finish: impl Fn(&[f32]) -> T + Sync,
    ) -> Result<Vec<T>, EncoderError> {
        let framed: Result<Vec<Framed>, EncoderError> = match texts {
            [text] => self.framed(text).map(|text| vec![text]),
            texts => texts.par_iter().map(|text| self.framed(text)).collect(),
        };
        Ok(self.model.each(&framed?, finish))
    }

    fn framed(&self, text: &str) -> Result<Framed, EncoderError> {
        self.model.tokens.framed(text, self.window())
    }

    fn pool(&self, rows: &[f32]) -> Vec<f32> {
        let width = self.dimensions();
        let mut pooled = match self.pooling {
            Pooling::Mean => {
                let mut sum = vec![0.0; width];
                for row in rows.chunks_exact(width) {
                    sum.iter_mut()
                        .zip(row)
                        .for_each(|(sum, value)| *sum += value);
                }
                sum
            }
            Pooling::First => rows[..width].to_vec(),
            Pooling::Last => rows[rows.len() - width..].to_vec(),
        };
        normalise(&mut pooled);
        pooled
    }
}

/// What vectors depend on, in one word.
fn fingerprint(model: &Model, pooling: Pooling) -> String {
    let (hash, pooling) = (&model.hash, pooling.name());
    let before = &model.prompts.passage;
    if before.is_empty() {
        return format!("{hash}-{pooling}-l2");
    }
    let mut hasher = Sha256::new();
    hasher.update(before);
    format!("{hash}-{pooling}-l2-{:.8}", hexadecimal(hasher))
}

#[cfg(test)]
mod architecture_tests;
#[cfg(test)]
mod entailment_tests;
#[cfg(test)]
mod made_models;
#[cfg(test)]
mod tests;
