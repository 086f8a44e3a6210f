//! What is searched for when a question leans on its conversation. Must not
//! change what is stored or shown as the question.

use super::answering::Answering;
use super::writing::{WritingDefaults, WritingOptions, generation_request};
use crate::answer::{Before, REWRITE, carried_over, is_faithful};
use crate::engine::decoder::{ChatMessage, ChatModel, GenerationEvent, Thinking};
use crate::types::{Message, Role};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a model may take to write a question out; then what is known
/// without it is searched for.
const LONGEST: Duration = Duration::from_secs(5);

/// Tokens of a question that is written out.
const MOST_TOKENS: usize = 64;

/// Messages, and characters of each, that a model is shown of the conversation.
const SHOWN: usize = 4;
const SHOWN_CHARS: usize = 400;

/// The likeliest words alone.
const DEFAULTS: WritingDefaults = WritingDefaults {
    temperature: 0.0,
    top_p: 1.0,
    seed: 0,
    thinking: Thinking::Off,
};

impl Answering {
    /// What the question means, where it leans on what came before; `None`: what
    /// it says. A chat model writes it out if there is one and it keeps to what
    /// was said.
    pub(super) async fn meant(&self) -> Option<String> {
        let question = &self.question.message;
        let earlier = &self.accepted.earlier;
        let asked = earlier.iter().rposition(|one| one.role == Role::User)?;
        let answer = earlier[asked..].iter().find_map(|one| one.answer.as_ref());
        let searched = answer.and_then(|answer| answer.searched_for.as_deref());
        let first = answer.and_then(|answer| answer.citations.first());
        let before = Before {
            question: searched.unwrap_or(&earlier[asked].content),
            answer: match (first, earlier[asked..].last()) {
                (Some(citation), _) => &citation.text,
                (None, Some(last)) if last.role == Role::Assistant => &last.content,
                (None, _) => "",
            },
        };
        let carried = carried_over(question, before)?;
        let model = match self.question.quotes_only {
            true => None,
            false => self.service.inner.models.current(),
        };
        let written = match model {
            Some(model) => self.written_out(&model, &carried).await,
            None => None,
        };
        Some(written.unwrap_or(carried))
    }

    /// The question as a model writes it out, if it does so soon and well.
    async fn written_out(&self, model: &Arc<ChatModel>, carried: &str) -> Option<String> {
        let question = self.question.message.clone();
        let said = shown(&self.accepted.earlier);
        let conversation = said.join("\n");
        let messages = vec![
            ChatMessage::new(Role::System, REWRITE),
            ChatMessage::new(
                Role::User,
                format!("{conversation}\n\nLast question: {question}"),
            ),
        ];
        let options = WritingOptions::default();
        let mut request = generation_request(messages, MOST_TOKENS, &options, DEFAULTS);
        request.deadline = Some(Instant::now() + LONGEST);
        let model = Arc::clone(model);
        let generation = self
            .service
            .blocking(move |_| Ok(model.generate(request)?))
            .await;
        let mut generation = generation
            .inspect_err(|error| tracing::debug!(%error, "a question was not written out"))
            .ok()?;
        let mut text = String::new();
        loop {
            match generation.next().await {
                Some(GenerationEvent::Token { text: token, .. }) => text.push_str(&token),
                Some(GenerationEvent::Done { .. }) => break,
                Some(GenerationEvent::Failed(_)) | None => return None,
                Some(_) => {}
            }
        }
        let text = text.trim().trim_matches('"').trim();
        is_faithful(text, &question, &[carried, &conversation]).then(|| text.to_owned())
    }
}

/// The end of the conversation, a line a message.
fn shown(earlier: &[Message]) -> Vec<String> {
    let from = earlier.len().saturating_sub(SHOWN);
    let line = |message: &Message| {
        let who = match message.role {
            Role::User => "Question",
            _ => "Answer",
        };
        let text: String = message.content.chars().take(SHOWN_CHARS).collect();
        format!("{who}: {}", text.replace('\n', " "))
    };
    earlier[from..].iter().map(line).collect()
}
