//! Text to tokens and back, as the model file says: special tokens first,
//! then the vocabulary's own way with ordinary text.

use super::byte_pair::{BytePair, character_of};
use super::error::DecoderError;
use super::model_file::ModelFile;
use super::sentence_piece::{SPACE, SentencePiece, byte_of};
use super::vocabulary::{Fragment, TokenKind, Vocabulary};
use std::collections::HashMap;

enum Encoder {
    BytePair {
        encoder: BytePair,
        /// The inverse of the byte-level alphabet.
        bytes: HashMap<char, u8>,
    },
    SentencePiece(SentencePiece),
}

/// The tokenizer of a model.
pub(super) struct Tokenizer {
    pub(super) vocabulary: Vocabulary,
    encoder: Encoder,
    adds_bos: bool,
}

impl Tokenizer {
    /// Takes the tokenizer out of the file.
    pub(super) fn take(file: &mut ModelFile) -> Result<Self, DecoderError> {
        let vocabulary = Vocabulary::take(file)?;
        let model = file
            .text("tokenizer.ggml.model")
            .ok_or_else(|| file.missing("tokenizer.ggml.model"))?
            .to_owned();
        let adds_bos = file.flag("tokenizer.ggml.add_bos_token");
        let (encoder, usually_adds_bos) = match model.as_str() {
            "gpt2" => {
                let usually = BytePair::adds_bos(file);
                let encoder = BytePair::take(file, &vocabulary)?;
                let bytes = (0..=255).map(|byte| (character_of(byte), byte)).collect();
                (Encoder::BytePair { encoder, bytes }, usually)
            }
            "llama" => {
                let encoder = SentencePiece::take(file, &vocabulary)?;
                (Encoder::SentencePiece(encoder), true)
            }
            other => {
                return Err(file.unsupported(format!(
                    "its tokenizer is of the kind {other:?}; supported are gpt2 and llama"
                )));
            }
        };
        Ok(Self {
            vocabulary,
            encoder,
            adds_bos: adds_bos.unwrap_or(usually_adds_bos),
        })
    }

    /// The tokens of a plain text.
    pub(super) fn encode(&self, text: &str) -> Result<Vec<u32>, DecoderError> {
        self.encode_fragments(text, false)
    }

    /// The tokens of a rendered prompt, which steers the model by control tokens.
    pub(super) fn encode_prompt(&self, prompt: &str) -> Result<Vec<u32>, DecoderError> {
        let mut tokens = self.encode_fragments(prompt, true)?;
        if let (true, Some(bos)) = (self.adds_bos, self.vocabulary.bos)
            && tokens.first() != Some(&bos)
        {
            tokens.insert(0, bos);
        }
        Ok(tokens)
    }

    fn encode_fragments(&self, text: &str, with_control: bool) -> Result<Vec<u32>, DecoderError> {
        let mut tokens = Vec::new();
        let mut starts = true;
        for fragment in self.vocabulary.fragments(text, with_control) {
            match fragment {
                Fragment::Token(id) => tokens.push(id),
                Fragment::Text(text) => {
                    let text = &Vocabulary::unguard(text);
                    match &self.encoder {
                        Encoder::BytePair { encoder, .. } => encoder.encode(text, &mut tokens)?,
                        Encoder::SentencePiece(encoder) => {
                            encoder.encode(&self.vocabulary, text, starts, &mut tokens);
                        }
                    }
                }
            }
            starts = matches!(fragment, Fragment::Token(_));
        }
        Ok(tokens)
    }

    /// What a token of an answer adds to its text, in bytes: a character may
    /// be spread over several tokens.
    pub(super) fn bytes_of(&self, id: u32) -> Vec<u8> {
        let text = self.vocabulary.text(id);
        match (self.vocabulary.kind(id), &self.encoder) {
            (TokenKind::Control | TokenKind::Unknown, _) => Vec::new(),
            (TokenKind::UserDefined, _) => text.as_bytes().to_vec(),
            (TokenKind::Byte, _) => byte_of(text).into_iter().collect(),
            (TokenKind::Text, Encoder::BytePair { bytes, .. }) => text
                .chars()
                .filter_map(|character| bytes.get(&character).copied())
                .collect(),
            (TokenKind::Text, Encoder::SentencePiece(_)) => text.replace(SPACE, " ").into_bytes(),
        }
    }

    /// Whether an answer's first space belongs to the encoding and not to the text.
    pub(super) fn starts_with_space(&self) -> bool {
        matches!(&self.encoder, Encoder::SentencePiece(encoder) if encoder.adds_space)
    }
}
