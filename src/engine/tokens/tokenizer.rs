//! Text to tokens and back, as the model file says: special tokens first,
//! then the vocabulary's own way with ordinary text.

use super::byte_pair::{BytePair, character_of};
use super::error::TokensError;
use super::metadata::Metadata;
use super::sentence_piece::{SPACE, SentencePiece, byte_of};
use super::thinking;
use super::unigram::Unigram;
use super::vocabulary::{Fragment, TokenKind, Vocabulary};
use super::word_piece::WordPiece;
use ahash::AHashMap;
use candle_core::quantized::gguf_file::Value;
use std::collections::HashMap;

enum Encoder {
    BytePair {
        encoder: Box<BytePair>,
        /// The inverse of the byte-level alphabet.
        bytes: AHashMap<char, u8>,
    },
    SentencePiece(SentencePiece),
    WordPiece(Box<WordPiece>),
    Unigram(Box<Unigram>),
}

/// The tokenizer of a model.
pub struct Tokenizer {
    pub(super) vocabulary: Vocabulary,
    encoder: Encoder,
    adds_bos: bool,
    /// What a text that stands for itself ends with.
    ending: Option<u32>,
}

impl Tokenizer {
    /// Takes the tokenizer out of a GGUF file's metadata; the lists, which are
    /// large, are gone from there afterwards.
    pub fn take(metadata: &mut HashMap<String, Value>) -> Result<Self, TokensError> {
        let mut metadata = Metadata(metadata);
        let model = metadata
            .text("tokenizer.ggml.model")
            .ok_or_else(|| TokensError::Missing("tokenizer.ggml.model".to_owned()))?
            .to_owned();
        let vocabulary = Vocabulary::take(&mut metadata)?;
        let (encoder, usually_adds_bos) = match model.as_str() {
            "gpt2" => {
                let encoder = BytePair::take(&mut metadata, &vocabulary)?;
                let bytes = (0..=255).map(|byte| (character_of(byte), byte)).collect();
                let usually = encoder.adds_bos;
                let encoder = Box::new(encoder);
                (Encoder::BytePair { encoder, bytes }, usually)
            }
            "llama" => {
                let encoder = SentencePiece::take(&mut metadata, &vocabulary)?;
                (Encoder::SentencePiece(encoder), true)
            }
            "bert" => {
                let encoder = WordPiece::take(&metadata, &vocabulary)?;
                (Encoder::WordPiece(Box::new(encoder)), true)
            }
            "t5" => {
                let encoder = Unigram::take(&mut metadata, &vocabulary)?;
                (Encoder::Unigram(Box::new(encoder)), false)
            }
            other => {
                return Err(TokensError::Unsupported(format!(
                    "its tokenizer is of the kind {other:?}; supported are gpt2, llama, bert and t5"
                )));
            }
        };
        let adds = |what: &str, usually: bool| {
            let flag = metadata.flag(&format!("tokenizer.ggml.add_{what}_token"));
            flag.unwrap_or(usually)
        };
        let eos = vocabulary.eos.filter(|_| adds("eos", model == "t5"));
        let separator = vocabulary
            .separator
            .filter(|_| adds("sep", model == "bert"));
        Ok(Self {
            adds_bos: adds("bos", usually_adds_bos),
            ending: eos.or(separator),
            vocabulary,
            encoder,
        })
    }

    /// The tokens of a plain text. Text that quotes a control token is text.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, TokensError> {
        self.encode_fragments(text, false)
    }

    /// The tokens of a text that stands for itself, as embedding models are
    /// given it: with the marks of its beginning and end that the file wants.
    pub fn encode_passage(&self, text: &str) -> Result<Vec<u32>, TokensError> {
        let mut tokens = self.encode(text)?;
        self.put_bos(&mut tokens);
        tokens.extend(self.ending);
        Ok(tokens)
    }

    /// The tokens of a rendered prompt, which steers the model by control
    /// tokens. What came from people or documents must have been guarded, as
    /// [`Self::prompt`] does.
    pub(super) fn encode_prompt(&self, prompt: &str) -> Result<Vec<u32>, TokensError> {
        let mut tokens = self.encode_fragments(prompt, true)?;
        self.put_bos(&mut tokens);
        Ok(tokens)
    }

    fn put_bos(&self, tokens: &mut Vec<u32>) {
        if let (true, Some(bos)) = (self.adds_bos, self.vocabulary.bos)
            && tokens.first() != Some(&bos)
        {
            tokens.insert(0, bos);
        }
    }

    fn encode_fragments(&self, text: &str, with_control: bool) -> Result<Vec<u32>, TokensError> {
        let mut tokens = Vec::new();
        let mut starts = true;
        for fragment in self.vocabulary.fragments(text, with_control) {
            match fragment {
                Fragment::Token(id) => tokens.push(id),
                Fragment::Text(text) => {
                    self.encode_text(&Vocabulary::unguard(text), starts, &mut tokens)?;
                }
            }
            starts = matches!(fragment, Fragment::Token(_));
        }
        Ok(tokens)
    }

    fn encode_text(
        &self,
        text: &str,
        starts: bool,
        tokens: &mut Vec<u32>,
    ) -> Result<(), TokensError> {
        match &self.encoder {
            Encoder::BytePair { encoder, .. } => encoder.encode(text, tokens)?,
            Encoder::SentencePiece(encoder) => {
                encoder.encode(&self.vocabulary, text, starts, tokens);
            }
            Encoder::WordPiece(encoder) => encoder.encode(text, tokens)?,
            Encoder::Unigram(encoder) => encoder.encode(text, tokens)?,
        }
        Ok(())
    }

    /// What a token of an answer adds to its text, in bytes: a character may
    /// be spread over several tokens. Nothing for control tokens, but for the
    /// marks of thinking.
    pub fn bytes_of(&self, id: u32) -> Vec<u8> {
        let text = self.vocabulary.text(id);
        match (self.vocabulary.kind(id), &self.encoder) {
            (TokenKind::Control, _) if thinking::is_tag(text) => text.as_bytes().to_vec(),
            (TokenKind::Control | TokenKind::Unknown, _) => Vec::new(),
            (TokenKind::UserDefined, _) => text.as_bytes().to_vec(),
            (TokenKind::Byte, _) => byte_of(text).into_iter().collect(),
            (TokenKind::Text, Encoder::BytePair { bytes, .. }) => text
                .chars()
                .filter_map(|character| bytes.get(&character).copied())
                .collect(),
            (TokenKind::Text, _) => text.replace(SPACE, " ").into_bytes(),
        }
    }

    /// How many tokens there are.
    pub fn vocabulary_size(&self) -> usize {
        self.vocabulary.len()
    }

    /// Whether both give the same tokens the same numbers, as far as both have
    /// them; what pads a vocabulary may differ.
    pub fn agrees_with(&self, other: &Self) -> bool {
        let common = self.vocabulary_size().min(other.vocabulary_size()) as u32;
        (0..common).all(|id| {
            let kind = self.vocabulary.kind(id);
            kind == other.vocabulary.kind(id)
                && (self.vocabulary.text(id) == other.vocabulary.text(id)
                    || kind == TokenKind::Unknown)
        })
    }

    /// The token with exactly this text, as the file writes it.
    pub fn id_of(&self, text: &str) -> Option<u32> {
        self.vocabulary.id(text)
    }

    /// Whether the token ends an answer.
    pub fn is_end(&self, id: u32) -> bool {
        self.vocabulary.is_end(id)
    }

    /// Whether the token steers the model and is no text.
    pub fn is_control(&self, id: u32) -> bool {
        self.vocabulary.kind(id) == TokenKind::Control
    }

    /// The token that an answer ends with, as the file says.
    pub fn eos(&self) -> Option<u32> {
        self.vocabulary.eos
    }

    /// Whether an answer's first space belongs to the encoding and not to the text.
    pub fn starts_with_space(&self) -> bool {
        match &self.encoder {
            Encoder::SentencePiece(encoder) => encoder.adds_space,
            Encoder::WordPiece(_) | Encoder::Unigram(_) => true,
            Encoder::BytePair { .. } => false,
        }
    }
}
