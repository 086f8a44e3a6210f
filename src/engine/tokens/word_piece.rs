//! WordPiece ("bert" vocabularies): text is cleaned and cut at spaces and
//! signs, a word is covered from the left by the longest tokens that fit.

use super::error::TokensError;
use super::metadata::Metadata;
use super::sentence_piece::SPACE;
use super::vocabulary::{TokenKind, Vocabulary};
use crate::guarded::guarded;
use tokenizers::models::bpe::Vocab;
use tokenizers::models::wordpiece::WordPiece as Pieces;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::{
    Model, NormalizedString, Normalizer, OffsetReferential, OffsetType, PreTokenizedString,
    PreTokenizer, Token,
};

/// How the library marks a piece that continues a word; the file instead marks
/// those that begin one.
const CONTINUES: &str = "##";

/// A WordPiece encoder.
pub(super) struct WordPiece {
    cleaner: BertNormalizer,
    pieces: Pieces,
}

impl WordPiece {
    /// Takes the rules out of the file.
    pub(super) fn take(
        metadata: &Metadata<'_>,
        vocabulary: &Vocabulary,
    ) -> Result<Self, TokensError> {
        let unknown = metadata
            .token("tokenizer.ggml.unknown_token_id", vocabulary.len())
            .ok_or_else(|| TokensError::Missing("a token for what it does not know".to_owned()))?;
        let mut ids = Vocab::with_capacity(vocabulary.len());
        for (text, id) in vocabulary.ids() {
            if vocabulary.kind(*id) == TokenKind::Text {
                let text = match text.strip_prefix(SPACE) {
                    Some(start) => start.to_owned(),
                    None => format!("{CONTINUES}{text}"),
                };
                ids.insert(text, *id);
            }
        }
        let unknown_text = vocabulary.text(unknown).to_owned();
        ids.insert(unknown_text.clone(), unknown);
        let pieces = guarded(|| Pieces::builder().vocab(ids).unk_token(unknown_text).build())
            .map_err(|reason| TokensError::Damaged(format!("its vocabulary: {reason}")))?;
        let lower = metadata
            .flag("tokenizer.ggml.normalizer.lowercase")
            .unwrap_or(true);
        let strips = metadata.flag("tokenizer.ggml.normalizer.strip_accents");
        Ok(Self {
            cleaner: BertNormalizer::new(true, true, strips, lower),
            pieces,
        })
    }

    /// Appends the tokens of a text without special tokens.
    pub(super) fn encode(&self, text: &str, tokens: &mut Vec<u32>) -> Result<(), TokensError> {
        let cut = || -> tokenizers::Result<Vec<Token>> {
            let mut cleaned = NormalizedString::from(text);
            self.cleaner.normalize(&mut cleaned)?;
            let mut words = PreTokenizedString::from(cleaned);
            BertPreTokenizer.pre_tokenize(&mut words)?;
            let mut pieces = Vec::new();
            for (word, ..) in words.get_splits(OffsetReferential::Original, OffsetType::None) {
                pieces.extend(self.pieces.tokenize(word)?);
            }
            Ok(pieces)
        };
        let pieces = guarded(cut)
            .map_err(|reason| TokensError::Internal(format!("cutting text: {reason}")))?;
        tokens.extend(pieces.iter().map(|token| token.id));
        Ok(())
    }
}
