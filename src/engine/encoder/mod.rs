//! The embedding model: text to vectors, in process, on the processor. Owns the
//! bundled weights, their tokenizer and the forward pass. Must not know what the
//! vectors are for, nor store them.

mod error;
mod forward;
mod panels;
mod pointwise;
mod token_vectors;
mod weights;
mod wordpiece;

use std::borrow::Cow;

use rayon::prelude::*;
use serde::Deserialize;
use sha2::Digest;
use sha2::Sha256;

pub use self::error::EncoderError;
pub use self::token_vectors::TokenVectors;
pub use self::token_vectors::late_interaction;

use self::forward::Scratch;
use self::forward::forward;
use self::token_vectors::normalise;
use self::weights::Weights;
use self::wordpiece::WordPiece;
use crate::engine::kernels::Instructions;

static BUNDLED: &[u8] = include_bytes!("../../../models/all-minilm-l6-v2.q8_0.gguf");
static MANIFEST: &str = include_str!("../../../models/manifest.toml");
/// Tokens in a pass: enough that the weights are read rarely, few enough that
/// all intermediate results stay in the cache.
const PASS: usize = 256;

/// A text's vector and those of its tokens, from one pass.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoding {
    /// The mean over all tokens, of length one.
    pub pooled: Vec<f32>,
    /// Each token's own vector.
    pub tokens: TokenVectors,
}

/// A loaded embedding model. Any number of threads may use it at once: a single
/// short text is computed on the calling thread, so it never waits for a batch
/// that another thread has under way.
pub struct Encoder {
    name: String,
    fingerprint: String,
    weights: Weights,
    wordpiece: WordPiece,
    frame: [u32; 2],
    instructions: Instructions,
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
        Self::load(Cow::Borrowed(BUNDLED), &manifest.embedding.sha256)
    }

    /// A BERT embedding model in GGUF that pools by the mean.
    pub fn from_gguf(bytes: &[u8]) -> Result<Self, EncoderError> {
        let hash: String = Sha256::digest(bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self::load(Cow::Owned(bytes.to_vec()), &hash)
    }

    fn load(bytes: Cow<'static, [u8]>, hash: &str) -> Result<Self, EncoderError> {
        let loaded = weights::load(bytes)?;
        Ok(Self {
            name: loaded.name,
            fingerprint: format!("{hash}-mean-l2"),
            weights: loaded.weights,
            wordpiece: loaded.wordpiece,
            frame: loaded.frame,
            instructions: Instructions::detect(),
        })
    }

    /// Identifies what the vectors depend on: weights, pooling, normalisation.
    /// Vectors of different fingerprints must not meet.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The model's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The width of each vector.
    pub fn dimensions(&self) -> usize {
        self.weights.shape.hidden
    }

    /// How many tokens of a text are read, the two that frame it included; what
    /// follows them does not influence the vector.
    pub fn window(&self) -> usize {
        self.weights.shape.window
    }

    /// The number of tokens of a text, without the two that frame it. Text that
    /// cannot be split counts as a token for each byte.
    pub fn count_tokens(&self, text: &str) -> usize {
        self.wordpiece.ids(text).map_or(text.len(), |ids| ids.len())
    }

    /// The vector of each text: the mean over its tokens, of length one.
    pub fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EncoderError> {
        self.each(texts, |rows| self.pool(rows))
    }

    /// The vector of each text and of each of its tokens.
    pub fn encode(&self, texts: &[&str]) -> Result<Vec<Encoding>, EncoderError> {
        let width = self.dimensions();
        self.each(texts, |rows| Encoding {
            pooled: self.pool(rows),
            tokens: TokenVectors::normalised(width, rows[width..rows.len() - width].to_vec()),
        })
    }

    /// Runs the model and hands the token rows of each text to `finish`.
    fn each<T: Send>(
        &self,
        texts: &[&str],
        finish: impl Fn(&[f32]) -> T + Sync,
    ) -> Result<Vec<T>, EncoderError> {
        let run = |pass: &[Vec<u32>], scratch: &mut Scratch| -> Vec<T> {
            let ids: Vec<&[u32]> = pass.iter().map(Vec::as_slice).collect();
            let mut rows = forward(&self.weights, self.instructions, &ids, scratch);
            let mut finished = Vec::with_capacity(ids.len());
            for text in ids {
                let (own, rest) = rows.split_at(text.len() * self.dimensions());
                finished.push(finish(own));
                rows = rest;
            }
            finished
        };
        if let [text] = texts {
            return Ok(run(&[self.framed(text)?], &mut Scratch::default()));
        }
        let framed = texts.par_iter().map(|text| self.framed(text));
        let framed = framed.collect::<Result<Vec<_>, _>>()?;
        let passes: Vec<Vec<T>> = passes(&framed)
            .into_par_iter()
            .map_init(Scratch::default, |scratch, pass| run(pass, scratch))
            .collect();
        Ok(passes.into_iter().flatten().collect())
    }

    /// The ids of a text between the special tokens, cut at the window.
    fn framed(&self, text: &str) -> Result<Vec<u32>, EncoderError> {
        let [open, close] = self.frame;
        let ids = self.wordpiece.ids(text)?;
        let kept = ids.iter().copied().take(self.window() - 2);
        Ok(std::iter::once(open).chain(kept).chain([close]).collect())
    }

    fn pool(&self, rows: &[f32]) -> Vec<f32> {
        let mut sum = vec![0.0; self.dimensions()];
        for row in rows.chunks_exact(self.dimensions()) {
            sum.iter_mut()
                .zip(row)
                .for_each(|(sum, value)| *sum += value);
        }
        normalise(&mut sum);
        sum
    }
}

/// Splits texts, in their order, into runs of about [`PASS`] tokens.
fn passes(texts: &[Vec<u32>]) -> Vec<&[Vec<u32>]> {
    let mut found = Vec::new();
    let (mut start, mut tokens) = (0, 0);
    for (at, text) in texts.iter().enumerate() {
        if at > start && tokens + text.len() > PASS {
            found.push(&texts[start..at]);
            (start, tokens) = (at, 0);
        }
        tokens += text.len();
    }
    if start < texts.len() {
        found.push(&texts[start..]);
    }
    found
}

#[cfg(test)]
mod tests;
