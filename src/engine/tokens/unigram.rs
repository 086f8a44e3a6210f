//! Unigram ("t5" vocabularies, as in XLM-RoBERTa): text is normalised as the
//! file's table says and cut at spaces; a word is covered by the tokens whose
//! probabilities multiply to the most.

use super::error::TokensError;
use super::metadata::Metadata;
use super::sentence_piece::{SPACE, scores};
use super::vocabulary::{TokenKind, Vocabulary};
use crate::guarded::guarded;
use tokenizers::models::unigram::Unigram as Pieces;
use tokenizers::normalizers::Precompiled;
use tokenizers::{Model, NormalizedString, Normalizer};

/// Stands where the texts of tokens do that no text may become.
const UNWRITABLE: char = '\u{F8001}';

/// A unigram encoder.
pub(super) struct Unigram {
    table: Option<Precompiled>,
    pieces: Pieces,
}

impl Unigram {
    /// Takes scores and table out of the file.
    pub(super) fn take(
        metadata: &mut Metadata<'_>,
        vocabulary: &Vocabulary,
    ) -> Result<Self, TokensError> {
        let unknown = metadata
            .token("tokenizer.ggml.unknown_token_id", vocabulary.len())
            .ok_or_else(|| TokensError::Missing("a token for what it does not know".to_owned()))?;
        let scored = (0_u32..)
            .zip(scores(metadata, vocabulary)?)
            .map(|(id, score)| match vocabulary.kind(id) {
                TokenKind::Text => (vocabulary.text(id).to_owned(), f64::from(score)),
                TokenKind::UserDefined => (vocabulary.text(id).to_owned(), 0.0),
                _ => (format!("{UNWRITABLE}{id}"), 0.0),
            })
            .collect();
        let pieces = guarded(|| Pieces::from(scored, Some(unknown as usize), false))
            .map_err(|reason| TokensError::Damaged(format!("its vocabulary: {reason}")))?;
        let table = metadata
            .take_bytes("tokenizer.ggml.precompiled_charsmap")
            .ok()
            .filter(|table| !table.is_empty())
            .map(|table| guarded(|| Precompiled::from(&table)))
            .transpose()
            .map_err(|reason| TokensError::Damaged(format!("its table of characters: {reason}")))?;
        Ok(Self { table, pieces })
    }

    /// Appends the tokens of a text without special tokens.
    pub(super) fn encode(&self, text: &str, tokens: &mut Vec<u32>) -> Result<(), TokensError> {
        let cut = || -> tokenizers::Result<Vec<u32>> {
            let mut normal = NormalizedString::from(text);
            if let Some(table) = &self.table {
                table.normalize(&mut normal)?;
            }
            let mut ids = Vec::new();
            for word in normal.get().split_whitespace() {
                let pieces = self.pieces.tokenize(&format!("{SPACE}{word}"))?;
                ids.extend(pieces.iter().map(|piece| piece.id));
            }
            Ok(ids)
        };
        let ids = guarded(cut)
            .map_err(|reason| TokensError::Internal(format!("cutting text: {reason}")))?;
        tokens.extend(ids);
        Ok(())
    }
}
