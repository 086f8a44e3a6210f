//! Splits text into the model's tokens. Owns the vocabulary; knows nothing of
//! the window or of the tokens that frame a text.

use ahash::AHashMap;
use candle_core::quantized::gguf_file::Value;
use tokenizers::Model;
use tokenizers::NormalizedString;
use tokenizers::Normalizer;
use tokenizers::OffsetReferential;
use tokenizers::OffsetType;
use tokenizers::PreTokenizedString;
use tokenizers::PreTokenizer;
use tokenizers::models::wordpiece::WordPiece as Pieces;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;

use super::error::EncoderError;

/// The mark with which GGUF vocabularies start a word.
const WORD_START: char = '\u{2581}';
/// GGUF's type of tokens that never come from text.
const CONTROL: i32 = 3;

/// An uncased WordPiece tokenizer.
pub(super) struct WordPiece {
    pieces: Pieces,
    normalizer: BertNormalizer,
}

impl WordPiece {
    /// Builds from the lists `tokenizer.ggml.tokens` and `…token_type`.
    pub(super) fn new(
        tokens: &[Value],
        kinds: &[Value],
        unknown: u32,
    ) -> Result<Self, EncoderError> {
        if tokens.len() != kinds.len() {
            let reason = "its lists of tokens and of token types differ in length";
            return Err(EncoderError::Unsupported(reason.into()));
        }
        let mut vocabulary = AHashMap::with_capacity(tokens.len());
        let mut unknown_token = None;
        for (id, (token, kind)) in (0u32..).zip(tokens.iter().zip(kinds)) {
            let token = word_piece(token.to_string()?, kind.to_i32()? == CONTROL);
            if id == unknown {
                unknown_token = Some(token.clone());
            }
            vocabulary.insert(token, id);
        }
        let unknown_token = unknown_token.ok_or_else(|| {
            EncoderError::Unsupported("its unknown token is not in its vocabulary".into())
        })?;
        let pieces = Pieces::builder()
            .vocab(vocabulary)
            .unk_token(unknown_token)
            .build()
            .map_err(refused)?;
        Ok(Self {
            pieces,
            normalizer: BertNormalizer::new(true, true, None, true),
        })
    }

    /// The token ids of `text`. A special token spelled out in a text is text.
    pub(super) fn ids(&self, text: &str) -> Result<Vec<u32>, EncoderError> {
        let mut normalised = NormalizedString::from(text);
        self.normalizer
            .normalize(&mut normalised)
            .map_err(refused)?;
        let mut words = PreTokenizedString::from(normalised);
        BertPreTokenizer.pre_tokenize(&mut words).map_err(refused)?;
        let mut ids = Vec::with_capacity(text.len() / 4);
        for (word, ..) in words.get_splits(OffsetReferential::Normalized, OffsetType::Byte) {
            let pieces = self.pieces.tokenize(word).map_err(refused)?;
            ids.extend(pieces.iter().map(|piece| piece.id));
        }
        Ok(ids)
    }
}

/// GGUF marks where a word starts, WordPiece where it goes on.
fn word_piece(token: &str, control: bool) -> String {
    match token.strip_prefix(WORD_START) {
        Some(start) => start.to_owned(),
        None if control => token.to_owned(),
        None => format!("##{token}"),
    }
}

fn refused(error: tokenizers::Error) -> EncoderError {
    EncoderError::Tokenizer(error.to_string())
}
