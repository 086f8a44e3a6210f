//! Byte-pair vocabularies for made-up models: valid, of any size, and without
//! meaning.

use crate::tokens::character_of;
use candle_core::quantized::gguf_file::Value;

const TOKEN_TEXT: i32 = 1;
const TOKEN_CONTROL: i32 = 3;
/// What a space is written as.
const SPACE: char = 'Ġ';

const CHATML_CONTROLS: [&str; 3] = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];
const CHATML_TEMPLATE: &str = "{%- for message in messages %}{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}";
const LLAMA3_CONTROLS: [&str; 5] = [
    "<|begin_of_text|>",
    "<|end_of_text|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|eot_id|>",
];
const LLAMA3_TEMPLATE: &str = "{{- bos_token }}{%- for message in messages %}{{- '<|start_header_id|>' + message.role + '<|end_header_id|>\\n\\n' + message.content + '<|eot_id|>' }}{%- endfor %}{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{%- endif %}";

/// Whose special tokens and template a vocabulary has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    ChatMl,
    Llama3,
}

/// The tokens of a made-up model: single bytes, merges of them, control tokens.
pub(super) struct MadeVocabulary {
    dialect: Dialect,
    pub(super) tokens: Vec<String>,
    merges: Vec<String>,
}

impl MadeVocabulary {
    /// A vocabulary with the given merges.
    pub(super) fn with_merges(dialect: Dialect, merges: &[(&str, &str)]) -> Self {
        let owned = |(left, right): &(&str, &str)| ((*left).to_owned(), (*right).to_owned());
        Self::new(dialect, merges.iter().map(owned))
    }

    /// A vocabulary of `size` tokens, whose merges make up the shortest words of
    /// lower-case letters, with and without a space before them.
    pub(super) fn of_size(dialect: Dialect, size: usize) -> Self {
        let merges = size.saturating_sub(256 + dialect.controls().len());
        Self::new(dialect, word_merges(merges).into_iter())
    }

    fn new(dialect: Dialect, pairs: impl Iterator<Item = (String, String)>) -> Self {
        let mut tokens: Vec<String> = (0..=255).map(|b| character_of(b).to_string()).collect();
        let mut merges = Vec::new();
        for (left, right) in pairs {
            tokens.push(format!("{left}{right}"));
            merges.push(format!("{left} {right}"));
        }
        tokens.extend(dialect.controls().iter().map(|&text| text.to_owned()));
        Self {
            dialect,
            tokens,
            merges,
        }
    }

    /// Whose special tokens it has.
    #[cfg(test)]
    pub(super) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Whether the text is a control token's.
    pub(super) fn is_control(&self, text: &str) -> bool {
        self.dialect.controls().contains(&text)
    }

    /// The tokenizer's part of the metadata.
    pub(super) fn metadata(&self) -> Vec<(String, Value)> {
        let text = |text: &str| Value::String(text.to_owned());
        let texts = |texts: &[String]| Value::Array(texts.iter().map(|t| text(t)).collect());
        let kinds = self.tokens.iter().map(|token| {
            Value::I32(match self.is_control(token) {
                true => TOKEN_CONTROL,
                false => TOKEN_TEXT,
            })
        });
        let id = |wanted: &str| {
            let found = self.tokens.iter().position(|token| token == wanted);
            Value::U32(found.unwrap_or(0) as u32)
        };
        let (rule, bos, eos, template) = match self.dialect {
            Dialect::ChatMl => ("qwen2", "<|endoftext|>", "<|im_end|>", CHATML_TEMPLATE),
            Dialect::Llama3 => (
                "llama-bpe",
                "<|begin_of_text|>",
                "<|eot_id|>",
                LLAMA3_TEMPLATE,
            ),
        };
        let adds_bos = self.dialect == Dialect::Llama3;
        [
            ("tokenizer.ggml.model", text("gpt2")),
            ("tokenizer.ggml.pre", text(rule)),
            ("tokenizer.ggml.tokens", texts(&self.tokens)),
            ("tokenizer.ggml.token_type", Value::Array(kinds.collect())),
            ("tokenizer.ggml.merges", texts(&self.merges)),
            ("tokenizer.ggml.eos_token_id", id(eos)),
            ("tokenizer.ggml.bos_token_id", id(bos)),
            ("tokenizer.ggml.add_bos_token", Value::Bool(adds_bos)),
            ("tokenizer.chat_template", text(template)),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into()
    }
}

impl Dialect {
    fn controls(self) -> &'static [&'static str] {
        match self {
            Self::ChatMl => &CHATML_CONTROLS,
            Self::Llama3 => &LLAMA3_CONTROLS,
        }
    }
}

/// So many merges, each of an earlier word and a letter: first all words of a
/// space and one letter, then those of two letters, then of a space and two, …
fn word_merges(count: usize) -> Vec<(String, String)> {
    let letters = || (b'a'..=b'z').map(|byte| char::from(byte).to_string());
    let mut merges = Vec::with_capacity(count);
    let mut spaced = vec![SPACE.to_string()];
    let mut plain: Vec<String> = letters().collect();
    while merges.len() < count {
        for words in [&mut spaced, &mut plain] {
            let missing = count - merges.len();
            let pairs: Vec<(String, String)> = words
                .iter()
                .flat_map(|word| letters().map(move |letter| (word.clone(), letter)))
                .take(missing)
                .collect();
            *words = pairs
                .iter()
                .map(|(word, end)| format!("{word}{end}"))
                .collect();
            merges.extend(pairs);
        }
    }
    merges
}
