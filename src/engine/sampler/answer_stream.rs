//! From the bytes of tokens to what a reader sees: whole characters, thinking
//! apart, nothing behind a stop string.

use super::characters::Characters;
use super::stop::StopFilter;
use super::thinking::{Split, ThinkingFilter};

/// What a token led to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct AnswerPiece {
    pub thinking: String,
    pub text: String,
    /// A stop string was met; nothing may follow.
    pub stopped: bool,
    /// The budget of the thinking is spent; its closing tag is to be forced.
    pub close_thinking: bool,
}

/// The stream of one answer. Stop strings count in the answer only, not in
/// the thinking.
#[derive(Debug)]
pub struct AnswerStream {
    characters: Characters,
    thinking: Option<ThinkingFilter>,
    stops: StopFilter,
}

impl AnswerStream {
    /// Without `thinking`, tags are text like any other.
    pub fn new(
        characters: Characters,
        thinking: Option<ThinkingFilter>,
        stops: StopFilter,
    ) -> Self {
        Self {
            characters,
            thinking,
            stops,
        }
    }

    /// Whether the model is thinking.
    pub fn is_thinking(&self) -> bool {
        self.thinking
            .as_ref()
            .is_some_and(ThinkingFilter::is_thinking)
    }

    /// How many tokens the thinking had.
    pub fn thinking_tokens(&self) -> usize {
        self.thinking
            .as_ref()
            .map_or(0, ThinkingFilter::thinking_tokens)
    }

    /// Takes in the bytes of one token.
    pub fn push(&mut self, bytes: &[u8]) -> AnswerPiece {
        let text = self.characters.push(bytes);
        let split = self.split(text);
        let emit = self.stops.push(&split.answer);
        AnswerPiece {
            thinking: split.thinking,
            text: emit.text,
            stopped: emit.stopped,
            close_thinking: split.close_now,
        }
    }

    /// What is left when no token follows.
    pub fn finish(&mut self) -> AnswerPiece {
        let text = self.characters.finish();
        let mut split = match text.is_empty() {
            true => Split::default(),
            false => self.split(text),
        };
        if let Some(thinking) = &mut self.thinking {
            let last = thinking.finish();
            split.thinking.push_str(&last.thinking);
            split.answer.push_str(&last.answer);
        }
        let mut emit = self.stops.push(&split.answer);
        emit.text.push_str(&self.stops.finish().text);
        AnswerPiece {
            thinking: split.thinking,
            text: emit.text,
            stopped: emit.stopped,
            close_thinking: false,
        }
    }

    fn split(&mut self, text: String) -> Split {
        match &mut self.thinking {
            Some(thinking) => thinking.push(&text),
            None => Split {
                answer: text,
                ..Split::default()
            },
        }
    }
}
