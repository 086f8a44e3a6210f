//! The tokens of a model: their texts, kinds and roles, and where those with
//! a special meaning occur in a text. Must not know how ordinary text is cut
//! into tokens.

use super::error::TokensError;
use super::metadata::Metadata;
use ahash::AHashMap;
use std::collections::HashSet;

/// Texts that end an answer in some model, whichever id the file says does.
const END_TEXTS: [&str; 12] = [
    "<|im_end|>",
    "<|endoftext|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end_of_text|>",
    "<|end|>",
    "<|return|>",
    "<end_of_turn>",
    "<end_of_utterance>",
    "<|endofturn|>",
    "<｜end▁of▁sentence｜>",
    "</s>",
];

/// Marks of turns that some files call ordinary additions.
const TURN_MARKS: [&str; 4] = ["<start_of_turn>", "<end_of_turn>", "[INST]", "[/INST]"];

/// Separates the first character of a special token's text from the rest where
/// a message merely quotes it. A private-use character that no font shows.
const GUARD: char = '\u{F8000}';

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    Text,
    Unknown,
    /// Steers the model; has no text of its own.
    Control,
    /// A text that is always one token.
    UserDefined,
    /// A single byte, for what no other token covers.
    Byte,
}

/// A token whose text is matched before ordinary text is cut up.
struct Special {
    text: String,
    id: u32,
    control: bool,
}

/// A part of a text.
#[derive(Debug, PartialEq)]
pub(super) enum Fragment<'a> {
    Text(&'a str),
    Token(u32),
}

/// The tokens of a model.
pub(super) struct Vocabulary {
    texts: Vec<String>,
    kinds: Vec<TokenKind>,
    ids: AHashMap<String, u32>,
    /// Longest first, by their first byte.
    specials: AHashMap<u8, Vec<Special>>,
    /// Control tokens that swallow the spaces and line ends behind them.
    swallows: HashSet<u32>,
    pub(super) bos: Option<u32>,
    pub(super) eos: Option<u32>,
    /// Ends a text in an encoder.
    pub(super) separator: Option<u32>,
    ends: HashSet<u32>,
}

impl Vocabulary {
    /// Takes the tokens out of the file.
    pub(super) fn take(metadata: &mut Metadata<'_>) -> Result<Self, TokensError> {
        let texts = metadata.take_texts("tokenizer.ggml.tokens")?;
        if texts.is_empty() || u32::try_from(texts.len()).is_err() {
            return Err(TokensError::Damaged(
                "its vocabulary has an impossible size".to_owned(),
            ));
        }
        let mut kinds = kinds(metadata, &texts);
        let id_at = |key: &str| metadata.token(key, texts.len());
        let bos =
            id_at("tokenizer.ggml.bos_token_id").or_else(|| id_at("tokenizer.ggml.cls_token_id"));
        // The key is misspelt in the format.
        let separator = id_at("tokenizer.ggml.seperator_token_id");
        let eos = id_at("tokenizer.ggml.eos_token_id");
        let mut ends: HashSet<u32> = [
            eos,
            id_at("tokenizer.ggml.eot_token_id"),
            id_at("tokenizer.ggml.eom_token_id"),
        ]
        .into_iter()
        .flatten()
        .collect();
        for id in ends.iter().copied().chain(bos) {
            kinds[id as usize] = TokenKind::Control;
        }
        let mut ids = AHashMap::with_capacity(texts.len());
        for (id, text) in (0_u32..).zip(&texts) {
            ids.entry(text.clone()).or_insert(id);
        }
        ends.extend(
            END_TEXTS
                .iter()
                .filter_map(|text| ids.get(*text))
                .filter(|id| kinds[**id as usize] == TokenKind::Control),
        );
        Ok(Self {
            specials: specials(&texts, &kinds),
            swallows: swallowing(metadata, &texts, &kinds),
            texts,
            kinds,
            ids,
            bos,
            eos,
            separator,
            ends,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.texts.len()
    }

    pub(super) fn id(&self, text: &str) -> Option<u32> {
        self.ids.get(text).copied()
    }

    /// The ids by text, where a text occurs twice the first.
    pub(super) fn ids(&self) -> &AHashMap<String, u32> {
        &self.ids
    }

    /// The text of a token as the file writes it; empty beyond the vocabulary,
    /// which the rows of some models exceed.
    pub(super) fn text(&self, id: u32) -> &str {
        self.texts.get(id as usize).map_or("", String::as_str)
    }

    pub(super) fn kind(&self, id: u32) -> TokenKind {
        self.kinds
            .get(id as usize)
            .copied()
            .unwrap_or(TokenKind::Control)
    }

    /// Whether the token ends an answer.
    pub(super) fn is_end(&self, id: u32) -> bool {
        self.ends.contains(&id)
    }

    /// Cuts out the special tokens; those that steer the model only where
    /// `with_control`. The leftmost counts, of several there the longest.
    pub(super) fn fragments<'a>(&self, text: &'a str, with_control: bool) -> Vec<Fragment<'a>> {
        let mut fragments = Vec::new();
        let (mut from, mut at) = (0, 0);
        while at < text.len() {
            let found = self
                .specials_at(&text[at..])
                .find(|special| with_control || !special.control);
            if let Some(special) = found {
                if from < at {
                    fragments.push(Fragment::Text(&text[from..at]));
                }
                fragments.push(Fragment::Token(special.id));
                at += special.text.len();
                if self.swallows.contains(&special.id) {
                    at = text.len() - text[at..].trim_start().len();
                }
                from = at;
            } else {
                at += text[at..].chars().next().map_or(1, char::len_utf8);
            }
        }
        if from < text.len() {
            fragments.push(Fragment::Text(&text[from..]));
        }
        fragments
    }

    /// Makes sure that a message cannot steer the model by quoting a control
    /// token: a document that contains `<|im_end|>` must not end a turn.
    pub(super) fn guard(&self, message: &str) -> String {
        let mut guarded = String::with_capacity(message.len());
        let message = Self::unguard(message);
        for (at, character) in message.char_indices() {
            guarded.push(character);
            if self
                .specials_at(&message[at..])
                .any(|special| special.control)
            {
                guarded.push(GUARD);
            }
        }
        guarded
    }

    /// The inverse of [`Self::guard`].
    pub(super) fn unguard(text: &str) -> String {
        text.replace(GUARD, "")
    }

    /// The special tokens that a text starts with, longest first.
    fn specials_at<'a>(&'a self, text: &'a str) -> impl Iterator<Item = &'a Special> {
        text.as_bytes()
            .first()
            .and_then(|first| self.specials.get(first))
            .into_iter()
            .flatten()
            .filter(move |special| text.starts_with(&special.text))
    }
}

/// What each token is for. Some files call a mark of a turn an ordinary
/// addition or even plain text; a message that quotes it must not make one.
fn kinds(metadata: &mut Metadata<'_>, texts: &[String]) -> Vec<TokenKind> {
    let mut kinds: Vec<TokenKind> = metadata
        .take_numbers("tokenizer.ggml.token_type")
        .unwrap_or_default()
        .into_iter()
        .map(kind_of_number)
        .collect();
    kinds.resize(texts.len(), TokenKind::Text);
    let between = |text: &str, start: &str, end: &str| {
        text.len() > start.len() + end.len() && text.starts_with(start) && text.ends_with(end)
    };
    for (kind, text) in kinds.iter_mut().zip(texts) {
        let steers = match kind {
            TokenKind::UserDefined => {
                between(text, "<|", "|>")
                    || between(text, "<｜", "｜>")
                    || TURN_MARKS.contains(&text.as_str())
            }
            TokenKind::Text => END_TEXTS.contains(&text.as_str()) && text != "</s>",
            _ => false,
        };
        if steers {
            *kind = TokenKind::Control;
        }
    }
    kinds
}

/// Phi-3 was trained without what follows its marks of turns, although its
/// template writes line ends there. The files do not say so.
fn swallowing(metadata: &Metadata<'_>, texts: &[String], kinds: &[TokenKind]) -> HashSet<u32> {
    let is_phi3 = metadata.text("general.architecture") == Some("phi3")
        && metadata.text("tokenizer.ggml.model") == Some("llama");
    if !is_phi3 {
        return HashSet::new();
    }
    (0_u32..)
        .zip(texts.iter().zip(kinds))
        .filter(|(_, (text, kind))| {
            **kind == TokenKind::Control && !["<s>", "<|endoftext|>"].contains(&text.as_str())
        })
        .map(|(id, _)| id)
        .collect()
}

fn specials(texts: &[String], kinds: &[TokenKind]) -> AHashMap<u8, Vec<Special>> {
    let mut specials = AHashMap::<u8, Vec<Special>>::new();
    for (id, (text, kind)) in (0_u32..).zip(texts.iter().zip(kinds)) {
        let control = *kind == TokenKind::Control;
        // A control token of one character could not be told from quoted text.
        let matched = match kind {
            TokenKind::Control => text.chars().count() > 1,
            TokenKind::UserDefined => !text.is_empty(),
            _ => false,
        };
        if let (true, Some(first)) = (matched, text.as_bytes().first()) {
            specials.entry(*first).or_default().push(Special {
                text: text.clone(),
                id,
                control,
            });
        }
    }
    for same_start in specials.values_mut() {
        same_start.sort_by_key(|special| std::cmp::Reverse(special.text.len()));
    }
    specials
}

/// The kinds that `tokenizer.ggml.token_type` numbers.
fn kind_of_number(number: u64) -> TokenKind {
    match number {
        2 => TokenKind::Unknown,
        3 => TokenKind::Control,
        4 => TokenKind::UserDefined,
        6 => TokenKind::Byte,
        _ => TokenKind::Text,
    }
}
