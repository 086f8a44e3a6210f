//! Byte-level byte-pair encoding ("gpt2" vocabularies): a regular expression
//! cuts text into words, a word's bytes are merged by rank.

use super::error::{DecoderError, guarded};
use super::model_file::ModelFile;
use super::vocabulary::Vocabulary;
use tokenizers::models::bpe::BPE;
use tokenizers::normalizers::unicode::NFC;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::tokenizer::SplitDelimiterBehavior;
use tokenizers::{Result as TokenizersResult, Tokenizer};

/// How a family of models cuts text into words before merging.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WordRule {
    /// Contractions, words, numbers, punctuation.
    Gpt2,
    /// As GPT-2, but each digit alone.
    Gpt2Digits,
    /// Case-blind contractions, numbers in groups of up to three digits.
    Llama3,
    /// As Llama 3, but each digit alone.
    Qwen2,
}

impl WordRule {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "" | "default" | "gpt2" | "gpt-2" | "olmo" | "phi-2" => Self::Gpt2,
            "smollm" | "starcoder" | "refact" | "codeshell" | "command-r" => Self::Gpt2Digits,
            "llama-bpe" | "llama3" | "llama-v3" | "falcon3" | "smaug-bpe" | "pixtral" => {
                Self::Llama3
            }
            "qwen2" | "deepseek-r1-qwen" | "megrez" => Self::Qwen2,
            _ => return None,
        })
    }

    fn pre_tokenizer(self) -> TokenizersResult<PreTokenizerWrapper> {
        let digits = match self {
            Self::Gpt2 => return Ok(ByteLevel::new(false, false, true).into()),
            Self::Gpt2Digits => {
                let words = ByteLevel::new(false, false, true);
                return Ok(Sequence::new(vec![Digits::new(true).into(), words.into()]).into());
            }
            Self::Llama3 => r"\p{N}{1,3}",
            Self::Qwen2 => r"\p{N}",
        };
        let contraction = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)";
        let pattern = format!(
            r"{contraction}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|{digits}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
        );
        let words = Split::new(
            SplitPattern::Regex(pattern),
            SplitDelimiterBehavior::Isolated,
            false,
        )?;
        let bytes = ByteLevel::new(false, false, false);
        Ok(Sequence::new(vec![words.into(), bytes.into()]).into())
    }
}

/// A byte-level byte-pair encoder.
pub(super) struct BytePair {
    tokenizer: Box<Tokenizer>,
}

impl BytePair {
    /// Takes merges and rules out of the file.
    pub(super) fn take(
        file: &mut ModelFile,
        vocabulary: &Vocabulary,
    ) -> Result<Self, DecoderError> {
        let merges = file
            .take_texts("tokenizer.ggml.merges")
            .ok_or_else(|| file.missing("tokenizer.ggml.merges"))?;
        let merges = merges
            .iter()
            .map(|merge| merge.split_once(' '))
            .map(|pair| pair.map(|(left, right)| (left.to_owned(), right.to_owned())))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| file.damaged("an entry of tokenizer.ggml.merges is not a pair"))?;
        let name = file.text("tokenizer.ggml.pre").unwrap_or_default();
        let rule = WordRule::of(name).unwrap_or_else(|| {
            tracing::warn!(
                file = file.name,
                rule = name,
                "the model's rule for cutting words is not known; GPT-2's is used, answers may suffer"
            );
            WordRule::Gpt2
        });
        let tokenizer = guarded(|| build(vocabulary, merges, rule))
            .map_err(|reason| file.damaged(format!("its vocabulary: {reason}")))?;
        Ok(Self {
            tokenizer: Box::new(tokenizer),
        })
    }

    /// Whether models with this vocabulary start a prompt with BOS although
    /// their file does not say so.
    pub(super) fn adds_bos(file: &ModelFile) -> bool {
        WordRule::of(file.text("tokenizer.ggml.pre").unwrap_or_default()) == Some(WordRule::Llama3)
    }

    /// Appends the tokens of a text without special tokens.
    pub(super) fn encode(&self, text: &str, tokens: &mut Vec<u32>) -> Result<(), DecoderError> {
        let encoding = guarded(|| self.tokenizer.encode_fast(text, false))
            .map_err(|reason| DecoderError::Internal(format!("cutting text: {reason}")))?;
        tokens.extend_from_slice(encoding.get_ids());
        Ok(())
    }
}

fn build(
    vocabulary: &Vocabulary,
    merges: Vec<(String, String)>,
    rule: WordRule,
) -> TokenizersResult<Tokenizer> {
    let ids: std::collections::HashMap<String, u32> = vocabulary.ids().clone();
    let model = BPE::builder()
        .vocab_and_merges(
            ids.into_iter().collect::<tokenizers::models::bpe::Vocab>(),
            merges,
        )
        .ignore_merges(rule == WordRule::Llama3)
        .build()?;
    let mut tokenizer = Tokenizer::new(model);
    tokenizer.with_pre_tokenizer(Some(rule.pre_tokenizer()?));
    if rule == WordRule::Qwen2 {
        tokenizer.with_normalizer(Some(NFC))?;
    }
    Ok(tokenizer)
}

/// The character that stands for a byte in byte-level vocabularies: itself
/// where it is visible, else the next one from U+0100 on.
pub(super) fn character_of(byte: u8) -> char {
    let visible = |byte: u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    if visible(byte) {
        return char::from(byte);
    }
    let hidden_before = (0..byte).filter(|earlier| !visible(*earlier)).count();
    char::from_u32(0x100 + hidden_before as u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

#[cfg(test)]
mod tests {
    use super::{WordRule, character_of};
    use tokenizers::tokenizer::{OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer};

    fn words(name: &str, text: &str) -> Vec<String> {
        let rule = WordRule::of(name).unwrap().pre_tokenizer().unwrap();
        let mut parts = PreTokenizedString::from(text);
        rule.pre_tokenize(&mut parts).unwrap();
        parts
            .get_splits(OffsetReferential::Original, OffsetType::Byte)
            .into_iter()
            .map(|(word, ..)| word.replace('Ġ', "_").replace('Ċ', "/"))
            .collect()
    }

    #[test]
    fn each_rule_cuts_contractions_numbers_and_line_ends_its_own_way() {
        let text = "I'LL pay 1234 euro\n\n now";
        assert_eq!(
            words("gpt-2", text),
            ["I", "'", "LL", "_pay", "_1234", "_euro", "//", "_now"]
        );
        assert_eq!(
            words("smollm", text),
            [
                "I", "'", "LL", "_pay", "_", "1", "2", "3", "4", "_euro", "//", "_now"
            ]
        );
        assert_eq!(
            words("llama-bpe", text),
            ["I", "'LL", "_pay", "_", "123", "4", "_euro", "//", "_now"]
        );
        assert_eq!(
            words("qwen2", text),
            [
                "I", "'LL", "_pay", "_", "1", "2", "3", "4", "_euro", "//", "_now"
            ]
        );
    }

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
