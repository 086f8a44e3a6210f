//! Byte-level byte-pair encoding ("gpt2" vocabularies): text is cut into words,
//! a word's bytes are merged by rank.

use super::error::TokensError;
use super::metadata::Metadata;
use super::vocabulary::{TokenKind, Vocabulary};
use super::word_rules::{self, WordRule};
use super::words::WordCutter;
use crate::guarded::guarded;
use tokenizers::Model;
use tokenizers::models::bpe::{BPE, Vocab};
use unicode_normalization::UnicodeNormalization;

/// A byte-level byte-pair encoder.
pub(super) struct BytePair {
    cutter: WordCutter,
    merger: BPE,
    composes: bool,
    /// The characters that stand for the bytes.
    characters: [char; 256],
    /// Whether models with this rule start a prompt with BOS although their
    /// file does not say so.
    pub(super) adds_bos: bool,
}

impl BytePair {
    /// Takes merges and rules out of the file.
    pub(super) fn take(
        metadata: &mut Metadata<'_>,
        vocabulary: &Vocabulary,
    ) -> Result<Self, TokensError> {
        let rule = word_rule(metadata, vocabulary);
        let merges = merges(metadata.take_texts("tokenizer.ggml.merges")?, vocabulary)?;
        let ids: Vocab = vocabulary
            .ids()
            .iter()
            .filter(|(_, id)| vocabulary.kind(**id) != TokenKind::Control)
            .map(|(text, id)| (text.clone(), *id))
            .collect();
        let build = || {
            BPE::builder()
                .vocab_and_merges(ids, merges)
                .ignore_merges(rule.whole_words)
                .build()
        };
        let merger = guarded(build)
            .map_err(|reason| TokensError::Damaged(format!("its vocabulary: {reason}")))?;
        let cutter = WordCutter::new(&rule.stages)
            .map_err(|error| TokensError::Internal(format!("a rule for words: {error}")))?;
        Ok(Self {
            cutter,
            merger,
            composes: rule.composes,
            characters: std::array::from_fn(|byte| character_of(byte as u8)),
            adds_bos: rule.adds_bos,
        })
    }

    /// Appends the tokens of a text without special tokens.
    pub(super) fn encode(&self, text: &str, tokens: &mut Vec<u32>) -> Result<(), TokensError> {
        let composed = self.composes.then(|| text.nfc().collect::<String>());
        let text = composed.as_deref().unwrap_or(text);
        let mut letters = String::new();
        let mut merge_all = || {
            for word in self.cutter.cut(text) {
                letters.clear();
                letters.extend(word.bytes().map(|byte| self.characters[usize::from(byte)]));
                let merged = self.merger.tokenize(&letters)?;
                tokens.extend(merged.iter().map(|token| token.id));
            }
            Ok::<(), tokenizers::Error>(())
        };
        guarded(&mut merge_all)
            .map_err(|reason| TokensError::Internal(format!("merging: {reason}")))
    }
}

/// The model's rule for words. A rule that is not known still gives tokens
/// that the model can read, only not quite those it was trained on: better an
/// answer and a warning than a refusal of each new model.
fn word_rule(metadata: &Metadata<'_>, vocabulary: &Vocabulary) -> WordRule {
    let name = metadata.text("tokenizer.ggml.pre").unwrap_or_default();
    if let Some(rule) = word_rules::named(name) {
        return rule;
    }
    let marks = |text: &str| vocabulary.id(text).is_some();
    let architecture = metadata.text("general.architecture").unwrap_or_default();
    let nearest = match name {
        _ if name.starts_with("qwen") || architecture.starts_with("qwen") => "qwen2",
        _ if name.starts_with("deepseek") => "deepseek-v3",
        _ if marks("<|start_header_id|>") => "llama-bpe",
        "" => "default",
        _ => "smaug-bpe",
    };
    tracing::warn!(
        rule = name,
        nearest,
        "the model's rule for cutting words is missing or not known; the nearest known one is used, answers may suffer"
    );
    word_rules::named(nearest).unwrap_or_default()
}

fn merges(
    merges: Vec<String>,
    vocabulary: &Vocabulary,
) -> Result<Vec<(String, String)>, TokensError> {
    let known = |text: &str| {
        vocabulary
            .id(text)
            .is_some_and(|id| vocabulary.kind(id) != TokenKind::Control)
    };
    let count = merges.len();
    let mut pairs = Vec::with_capacity(count);
    for merge in merges {
        // A token may itself begin with a space.
        let border = merge
            .char_indices()
            .skip(1)
            .find(|(_, character)| *character == ' ');
        let Some((border, _)) = border else {
            return Err(TokensError::Damaged(
                "an entry of tokenizer.ggml.merges is not a pair".to_owned(),
            ));
        };
        let (left, right) = (&merge[..border], &merge[border + 1..]);
        if known(left) && known(right) && known(&format!("{left}{right}")) {
            pairs.push((left.to_owned(), right.to_owned()));
        }
    }
    if pairs.len() < count {
        let useless = count - pairs.len();
        tracing::warn!(useless, "some merges of the model lead to no token");
    }
    Ok(pairs)
}

/// The character that stands for a byte in byte-level vocabularies: itself
/// where it is visible, else the next one from U+0100 on.
pub(crate) fn character_of(byte: u8) -> char {
    let visible = |byte: u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    if visible(byte) {
        return char::from(byte);
    }
    let hidden_before = (0..byte).filter(|earlier| !visible(*earlier)).count();
    char::from_u32(0x100 + hidden_before as u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

#[cfg(test)]
mod tests {
    use super::character_of;

    #[test]
    fn every_byte_has_its_own_character() {
        let mut characters: Vec<char> = (0..=255).map(character_of).collect();
        assert_eq!(
            (characters[b' ' as usize], characters[b'\n' as usize]),
            ('Ġ', 'Ċ')
        );
        characters.sort_unstable();
        characters.dedup();
        assert_eq!(characters.len(), 256);
    }
}
