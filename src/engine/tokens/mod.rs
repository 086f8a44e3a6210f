//! Text for a model and back: the tokenizer and the chat template that a GGUF
//! file carries. Owns how a conversation becomes a prompt in which only the
//! template's own control tokens steer the model. Must not know how a model
//! computes, or what becomes of an answer.

mod byte_pair;
mod error;
mod metadata;
mod prompt;
mod python;
mod sentence_piece;
mod template;
#[cfg(test)]
mod tests;
mod thinking;
mod tokenizer;
mod tools;
mod unigram;
mod vocabulary;
mod word_piece;
mod word_rules;
mod words;

pub(crate) use byte_pair::character_of;
pub use error::TokensError;
pub(crate) use metadata::whole_number;
pub use prompt::Prompt;
pub use template::{ChatMessage, ChatTemplate, RenderOptions};
pub use thinking::ThinkingTags;
pub use tokenizer::Tokenizer;
