//! A loaded encoder, whichever file it came from: weights, tokenizer, and what
//! becomes of the last layer's vectors. Must not know what they are for.

use std::borrow::Cow;
use std::path::Path;

use rayon::prelude::*;
use sha2::Digest;
use sha2::Sha256;

use super::bytes::Bytes;
use super::error::EncoderError;
use super::folder;
use super::forward::Framed;
use super::forward::Scratch;
use super::forward::forward;
use super::gguf;
use super::prompts::Prompts;
use super::rotation::Rotation;
use super::shape::Pooling;
use super::tokens::Tokens;
use super::weights::Head;
use super::weights::Weights;

/// Most tokens in a pass: enough that the weights are read rarely, few enough
/// that all intermediate results stay in the cache.
const PASS: usize = 256;

/// Least tokens in a pass, where the texts are shared out among threads:
/// unpacking the weights costs each pass as much as about three tokens.
const LEAST: usize = 32;

/// All of an encoder.
pub(super) struct Model {
    pub(super) name: String,
    /// Identifies weights and tokenizer.
    pub(super) hash: String,
    pub(super) weights: Weights,
    rotation: Rotation,
    pub(super) tokens: Tokens,
    /// How it makes one vector of a text, if it does.
    pub(super) pooling: Option<Pooling>,
    /// What scores classes, if there is something.
    pub(super) head: Option<Head>,
    pub(super) prompts: Prompts,
}

impl Model {
    /// Opens a GGUF file or a publisher's folder.
    pub(super) fn open(path: &Path) -> Result<Self, EncoderError> {
        let opened = match std::fs::metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(EncoderError::Missing(path.display().to_string()));
            }
            Err(error) => Err(error.into()),
            Ok(found) if found.is_dir() => folder::open(path),
            Ok(_) => Bytes::open(path)
                .map_err(EncoderError::from)
                .and_then(of_gguf),
        };
        opened.map_err(|error| error.of(path))
    }

    /// A GGUF file that is known, or in memory.
    pub(super) fn of_bytes(
        bytes: Cow<'static, [u8]>,
        hash: Option<&str>,
    ) -> Result<Self, EncoderError> {
        let bytes = Bytes::Memory(bytes);
        match hash {
            Some(hash) => gguf::open(bytes, hash.to_owned()),
            None => of_gguf(bytes),
        }
    }

    /// Puts the parts together, if they fit each other.
    pub(super) fn join(
        name: String,
        hash: String,
        weights: Weights,
        tokens: Tokens,
        pooling: Option<Pooling>,
        head: Option<Head>,
        prompts: Prompts,
    ) -> Result<Self, EncoderError> {
        if tokens.bound() > weights.tokens.rows() {
            return Err(EncoderError::Unsupported(format!(
                "its tokenizer has {} tokens and its weights know {}",
                tokens.bound(),
                weights.tokens.rows()
            )));
        }
        Ok(Self {
            rotation: Rotation::of(&weights.shape),
            name,
            hash,
            weights,
            tokens,
            pooling,
            head,
            prompts,
        })
    }

    /// The width of a vector.
    pub(super) fn width(&self) -> usize {
        self.weights.shape.hidden
    }

    /// Runs the model over texts, several at a time and in several threads, and
    /// hands the rows of each to `finish`. One text alone is computed here.
    pub(super) fn each<T: Send>(
        &self,
        texts: &[Framed],
        finish: impl Fn(&[f32]) -> T + Sync,
    ) -> Vec<T> {
        let run = |pass: &[Framed], scratch: &mut Scratch| -> Vec<T> {
            let texts: Vec<&Framed> = pass.iter().collect();
            let mut rows = self.forward(&texts, scratch);
            let mut finished = Vec::with_capacity(texts.len());
            for text in texts {
                let (own, rest) = rows.split_at(text.ids.len() * self.width());
                finished.push(finish(own));
                rows = rest;
            }
            finished
        };
        if let [_] = texts {
            return run(texts, &mut Scratch::default());
        }
        let passes: Vec<Vec<T>> = passes(texts, rayon::current_num_threads())
            .into_par_iter()
            .map_init(Scratch::default, |scratch, pass| run(pass, scratch))
            .collect();
        passes.into_iter().flatten().collect()
    }

    /// The last layer's vectors of all tokens, text after text.
    pub(super) fn forward<'s>(&self, texts: &[&Framed], scratch: &'s mut Scratch) -> &'s [f32] {
        forward(&self.weights, &self.rotation, texts, scratch)
    }
}

/// Splits texts, in their order, into runs of about [`PASS`] tokens, of fewer
/// where some of the threads would have none: a search waits for one passage.
fn passes(texts: &[Framed], threads: usize) -> Vec<&[Framed]> {
    let all: usize = texts.iter().map(|text| text.ids.len()).sum();
    let most = all.div_ceil(threads).clamp(LEAST, PASS);
    let mut found = Vec::new();
    let (mut start, mut tokens) = (0, 0);
    for (at, text) in texts.iter().enumerate() {
        if at > start && tokens + text.ids.len() > most {
            found.push(&texts[start..at]);
            (start, tokens) = (at, 0);
        }
        tokens += text.ids.len();
    }
    if start < texts.len() {
        found.push(&texts[start..]);
    }
    found
}

fn of_gguf(bytes: Bytes) -> Result<Model, EncoderError> {
    let mut hasher = Sha256::new();
    bytes.hash(&mut hasher)?;
    gguf::open(bytes, hexadecimal(hasher))
}

/// A finished hash as people write it.
pub(super) fn hexadecimal(hasher: Sha256) -> String {
    let bytes = hasher.finalize();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
