//! SentencePiece byte-pair encoding ("llama" vocabularies): neighbouring
//! pieces are joined as long as the result is a token, best score first, and
//! what no token covers is written in bytes.

use super::error::TokensError;
use super::metadata::Metadata;
use super::vocabulary::{TokenKind, Vocabulary};
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::ops::Range;

/// Stands for a space in the vocabulary.
pub(super) const SPACE: &str = "\u{2581}";

/// A SentencePiece encoder.
pub(super) struct SentencePiece {
    scores: Vec<f32>,
    /// Whether a text is read as if a space stood before it.
    pub(super) adds_space: bool,
    /// The token of each byte, where there is one.
    bytes: Vec<Option<u32>>,
    unknown: Option<u32>,
}

/// A piece of the text in a doubly linked list; an empty one has been joined
/// to its left neighbour.
struct Piece {
    span: Range<usize>,
    left: Option<usize>,
    right: Option<usize>,
}

/// Two neighbours that could be joined.
struct Pair {
    score: f32,
    left: usize,
    right: usize,
    /// Length of both when they met; tells whether one has changed since.
    length: usize,
}

impl Ord for Pair {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score
            .total_cmp(&other.score)
            .then_with(|| other.left.cmp(&self.left))
    }
}

impl PartialOrd for Pair {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Pair {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Pair {}

impl SentencePiece {
    /// Takes scores and rules out of the file.
    pub(super) fn take(
        metadata: &mut Metadata<'_>,
        vocabulary: &Vocabulary,
    ) -> Result<Self, TokensError> {
        Ok(Self {
            scores: scores(metadata, vocabulary)?,
            adds_space: metadata
                .flag("tokenizer.ggml.add_space_prefix")
                .unwrap_or(true),
            bytes: (0..=255_u8)
                .map(|byte| vocabulary.id(&byte_text(byte)))
                .collect(),
            unknown: metadata.token("tokenizer.ggml.unknown_token_id", vocabulary.len()),
        })
    }

    /// Appends the tokens of a text without special tokens; `starts` says that
    /// it stands at the beginning or behind a special token.
    pub(super) fn encode(
        &self,
        vocabulary: &Vocabulary,
        text: &str,
        starts: bool,
        tokens: &mut Vec<u32>,
    ) {
        let mut escaped = text.replace(' ', SPACE);
        if starts && self.adds_space {
            escaped.insert_str(0, SPACE);
        }
        let mut joining = Joining::new(&escaped, |text| {
            let id = writable(vocabulary, text)?;
            self.scores.get(id as usize).copied()
        });
        joining.join_all();
        for piece in &joining.pieces {
            self.emit(vocabulary, &escaped[piece.span.clone()], tokens);
        }
    }

    fn emit(&self, vocabulary: &Vocabulary, piece: &str, tokens: &mut Vec<u32>) {
        if piece.is_empty() {
            return;
        }
        if let Some(id) = writable(vocabulary, piece) {
            tokens.push(id);
            return;
        }
        let in_bytes = piece.bytes().map(|byte| self.bytes[usize::from(byte)]);
        match in_bytes.collect::<Option<Vec<_>>>() {
            Some(ids) => tokens.extend(ids),
            None => tokens.extend(self.unknown),
        }
    }
}

/// A score for each token.
pub(super) fn scores(
    metadata: &mut Metadata<'_>,
    vocabulary: &Vocabulary,
) -> Result<Vec<f32>, TokensError> {
    let scores = metadata.take_floats("tokenizer.ggml.scores")?;
    if scores.len() != vocabulary.len() {
        return Err(TokensError::Damaged(format!(
            "it has {} tokens, but scores for {}",
            vocabulary.len(),
            scores.len()
        )));
    }
    Ok(scores)
}

/// The token that a text may become. Text that reads like a control token or
/// a byte's token is no such token.
fn writable(vocabulary: &Vocabulary, text: &str) -> Option<u32> {
    let id = vocabulary.id(text)?;
    matches!(
        vocabulary.kind(id),
        TokenKind::Text | TokenKind::UserDefined
    )
    .then_some(id)
}

/// The work on one text.
struct Joining<'a, S> {
    text: &'a str,
    score: S,
    pieces: Vec<Piece>,
    pairs: BinaryHeap<Pair>,
}

impl<'a, S: Fn(&str) -> Option<f32>> Joining<'a, S> {
    fn new(text: &'a str, score: S) -> Self {
        let mut pieces: Vec<Piece> = text
            .char_indices()
            .enumerate()
            .map(|(index, (at, character))| Piece {
                span: at..at + character.len_utf8(),
                left: index.checked_sub(1),
                right: Some(index + 1),
            })
            .collect();
        if let Some(last) = pieces.last_mut() {
            last.right = None;
        }
        let mut joining = Self {
            text,
            score,
            pieces,
            pairs: BinaryHeap::new(),
        };
        for right in 1..joining.pieces.len() {
            joining.consider(Some(right - 1), Some(right));
        }
        joining
    }

    fn consider(&mut self, left: Option<usize>, right: Option<usize>) {
        let (Some(left), Some(right)) = (left, right) else {
            return;
        };
        let span = self.pieces[left].span.start..self.pieces[right].span.end;
        if let Some(score) = (self.score)(&self.text[span.clone()]) {
            self.pairs.push(Pair {
                score,
                left,
                right,
                length: span.len(),
            });
        }
    }

    fn join_all(&mut self) {
        while let Some(pair) = self.pairs.pop() {
            let (left, right) = (&self.pieces[pair.left].span, &self.pieces[pair.right].span);
            let gone = left.is_empty() || right.is_empty();
            if gone || left.len() + right.len() != pair.length {
                continue;
            }
            let (end, next) = (right.end, self.pieces[pair.right].right);
            self.pieces[pair.left].span.end = end;
            self.pieces[pair.left].right = next;
            self.pieces[pair.right].span = end..end;
            if let Some(next) = next {
                self.pieces[next].left = Some(pair.left);
            }
            self.consider(self.pieces[pair.left].left, Some(pair.left));
            self.consider(Some(pair.left), next);
        }
    }
}

/// The text of a byte's token.
pub(super) fn byte_text(byte: u8) -> String {
    format!("<0x{byte:02X}>")
}

/// The byte that a byte token stands for.
pub(super) fn byte_of(text: &str) -> Option<u8> {
    let digits = text.strip_prefix("<0x")?.strip_suffix('>')?;
    u8::from_str_radix(digits, 16).ok()
}
