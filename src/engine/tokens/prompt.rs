//! From a conversation to the tokens of a prompt. What people and documents
//! said is guarded on the way, so that the only control tokens in a prompt are
//! the template's own.

use super::error::TokensError;
use super::template::{ChatMessage, ChatTemplate, RenderOptions};
use super::tokenizer::Tokenizer;
use super::vocabulary::Vocabulary;

/// A conversation as the model reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    pub tokens: Vec<u32>,
    /// The prompt ends within the model's thoughts, so the answer starts there.
    pub is_thinking: bool,
}

impl Tokenizer {
    /// The prompt of a conversation. Messages and tools may quote control
    /// tokens; quoted ones are text.
    pub fn prompt(
        &self,
        template: &ChatTemplate,
        messages: &[ChatMessage],
        options: &RenderOptions<'_>,
    ) -> Result<Prompt, TokensError> {
        let guard = |text: &str| self.vocabulary.guard(text);
        let guarded: Vec<ChatMessage> = messages
            .iter()
            .map(|message| ChatMessage::new(message.role, guard(&message.content)))
            .collect();
        let text = template.render_with(&guarded, options, &guard)?;
        Ok(Prompt {
            tokens: self.encode_prompt(&text)?,
            is_thinking: template
                .thinking()
                .is_some_and(|tags| tags.are_open_at_the_end_of(&Vocabulary::unguard(&text))),
        })
    }
}
