//! A text's tokens and what frames them, by the tokenizer of a GGUF file or by
//! a `tokenizer.json`. Must not know what the tokens mean to the model.

use std::path::Path;

use super::error::EncoderError;
use super::forward::Framed;
use crate::guarded::guarded;
use crate::tokens::Tokenizer;

/// A text by which one sees what frames a text.
const PROBE: &str = "a";

enum Cutter {
    OfFile(Box<Tokenizer>),
    OfFolder(Box<tokenizers::Tokenizer>),
}

/// The tokenizer of an encoder.
pub(super) struct Tokens {
    cutter: Cutter,
    /// Before a text, between the two of a pair, and behind.
    before: Vec<u32>,
    between: Vec<u32>,
    after: Vec<u32>,
}

impl Tokens {
    /// With the tokenizer of a GGUF file and as many `marks` between the texts of
    /// a pair.
    pub(super) fn of_file(tokenizer: Tokenizer, marks: usize) -> Result<Self, EncoderError> {
        let alone = tokenizer.encode(PROBE).map_err(refused)?;
        let framed = tokenizer.encode_passage(PROBE).map_err(refused)?;
        let (before, after) = around(&framed, &alone)?;
        let between = after.repeat(marks);
        Ok(Self {
            cutter: Cutter::OfFile(Box::new(tokenizer)),
            before,
            between,
            after,
        })
    }

    /// With a `tokenizer.json`.
    pub(super) fn of_folder(path: &Path) -> Result<Self, EncoderError> {
        let damaged = |reason: String| EncoderError::Damaged(format!("its tokenizer: {reason}"));
        let bytes = std::fs::read(path)?;
        let mut tokenizer =
            guarded(|| tokenizers::Tokenizer::from_bytes(&bytes)).map_err(damaged)?;
        // Neither shorter nor longer than the text is, and a special token that
        // is spelled out in a text is text.
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(refused)?;
        tokenizer.set_encode_special_tokens(true);
        let ids = |framed: bool| {
            let encoded = guarded(|| tokenizer.encode(PROBE, framed)).map_err(damaged)?;
            Ok::<_, EncoderError>(encoded.get_ids().to_vec())
        };
        let alone = ids(false)?;
        let (before, after) = around(&ids(true)?, &alone)?;
        let pair = guarded(|| tokenizer.encode((PROBE, PROBE), true)).map_err(damaged)?;
        let inner = before.len() + alone.len();
        let until = pair.len().checked_sub(after.len() + alone.len());
        let between = until.and_then(|until| pair.get_ids().get(inner..until));
        Ok(Self {
            between: between.unwrap_or(&after).to_vec(),
            cutter: Cutter::OfFolder(Box::new(tokenizer)),
            before,
            after,
        })
    }

    /// The largest id that may come up, one added.
    pub(super) fn bound(&self) -> usize {
        match &self.cutter {
            Cutter::OfFile(tokenizer) => tokenizer.vocabulary_size(),
            Cutter::OfFolder(tokenizer) => {
                let ids = tokenizer.get_vocab(true).into_values();
                ids.max().map_or(0, |id| id as usize + 1)
            }
        }
    }

    /// The tokens of `text`, without those that frame it. A special token
    /// spelled out in a text is text.
    pub(super) fn ids(&self, text: &str) -> Result<Vec<u32>, EncoderError> {
        match &self.cutter {
            Cutter::OfFile(tokenizer) => tokenizer.encode(text).map_err(refused),
            Cutter::OfFolder(tokenizer) => {
                let encoded = guarded(|| tokenizer.encode_fast(text, false));
                Ok(encoded.map_err(EncoderError::Tokenizer)?.get_ids().to_vec())
            }
        }
    }

    /// How many tokens stand before a text and behind it.
    pub(super) fn frame(&self) -> (usize, usize) {
        (self.before.len(), self.after.len())
    }

    /// A text as the model takes it, cut at the window.
    pub(super) fn framed(&self, text: &str, window: usize) -> Result<Framed, EncoderError> {
        let mut content = self.ids(text)?;
        content.truncate(window.saturating_sub(self.before.len() + self.after.len()));
        let mut ids = self.before.clone();
        ids.extend(content);
        ids.extend(&self.after);
        Ok(Framed {
            second: ids.len(),
            ids,
        })
    }

    /// A pair as the model takes it; the longer text gives way until both fit.
    pub(super) fn framed_pair(
        &self,
        [mut first, mut second]: [Vec<u32>; 2],
        window: usize,
    ) -> Framed {
        let marks = self.before.len() + self.between.len() + self.after.len();
        let room = window.saturating_sub(marks);
        let shorter = first.len().min(second.len()).min(room / 2);
        let limit = room - shorter;
        first.truncate(limit);
        second.truncate(room - first.len().min(room));
        let mut ids = self.before.clone();
        ids.extend(first);
        ids.extend(&self.between);
        let start = ids.len();
        ids.extend(second);
        ids.extend(&self.after);
        Framed { second: start, ids }
    }
}

/// What stands before and behind `content` in `framed`.
fn around(framed: &[u32], content: &[u32]) -> Result<(Vec<u32>, Vec<u32>), EncoderError> {
    let mut places = framed.windows(content.len().max(1));
    let at = places.position(|place| place == content);
    let Some(at) = at.filter(|_| !content.is_empty()) else {
        return Err(EncoderError::Unsupported(
            "its tokenizer changes a text where it frames it".into(),
        ));
    };
    let behind = at + content.len();
    Ok((framed[..at].to_vec(), framed[behind..].to_vec()))
}

fn refused(error: impl std::fmt::Display) -> EncoderError {
    EncoderError::Tokenizer(error.to_string())
}
