//! Plain chat: a conversation as it is, continued by a loaded chat model.
//! Nothing is searched, nothing is stored.

use super::writing::{WritingDefaults, WritingOptions, generation_request};
use super::{Caller, ModelFacts, Service};
use crate::engine::decoder::{
    ChatMessage, ChatModel, DecoderError, Generation, GenerationEvent, ModelInfo, Thinking,
    TokenLogprob,
};
use crate::error::{ErrorKind, Fault, Kind};
use crate::types::{FinishReason, Role, TokenUsage};
use futures_util::{Stream, stream};
use std::sync::Arc;
use std::time::Instant;

/// How freely a model writes if nobody says; the public API's defaults.
const TEMPERATURE: f32 = 1.0;
const TOP_P: f32 = 1.0;

/// A conversation to be continued.
#[derive(Debug, Clone)]
pub struct Conversation {
    /// Name of the chat model.
    pub model: String,
    pub messages: Vec<(Role, String)>,
    pub writing: WritingOptions,
}

/// A token with how likely it was.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenLikelihood {
    pub text: String,
    pub logprob: f32,
    /// The likeliest ones in its place.
    pub top: Vec<(String, f32)>,
}

/// What happens while a model writes. `Done` and `Failed` are last.
#[derive(Debug, Clone, PartialEq)]
pub enum WritingEvent {
    /// The model thinks before it answers.
    Thinking(String),
    /// The next piece of text; with likelihoods only where they were asked for.
    Text {
        text: String,
        likelihoods: Vec<TokenLikelihood>,
    },
    Done {
        finish: FinishReason,
        usage: TokenUsage,
    },
    Failed {
        kind: ErrorKind,
        message: String,
    },
}

impl Service {
    /// The chat models that can be asked now.
    pub fn loaded_chat_models(&self) -> Vec<ModelFacts> {
        let loaded = self.inner.models.current();
        loaded.iter().map(|model| model.info().into()).collect()
    }

    /// Continues a conversation. Dropping the stream stops the model.
    pub async fn converse(
        &self,
        caller: &Caller,
        conversation: Conversation,
    ) -> Result<impl Stream<Item = WritingEvent> + Send + use<>, Fault> {
        let model = self.chat_model_named(&conversation.model)?;
        let defaults = WritingDefaults {
            temperature: TEMPERATURE,
            top_p: TOP_P,
            seed: rand::random(),
            thinking: Thinking::Default,
        };
        let most = self.inner.config.answer_tokens;
        let most = conversation.writing.most_tokens(most);
        tracing::debug!(user = %caller.user_id, model = %conversation.model, "a conversation is continued");
        let asked = Instant::now();
        let generation = self
            .blocking(move |_| start(&model, conversation, most, defaults))
            .await?;
        let writing = Writing {
            service: self.clone(),
            generation,
            waiting_since: Some(asked),
        };
        Ok(stream::unfold(writing, |mut writing| async move {
            Some((writing.next().await?, writing))
        }))
    }

    fn chat_model_named(&self, name: &str) -> Result<Arc<ChatModel>, Fault> {
        let models = &self.inner.models;
        if let Some(model) = models.current() {
            let own = &model.info().name;
            return match own == name {
                true => Ok(Arc::clone(&model)),
                false => Err(no_such_model(format!(
                    "there is no chat model {name:?}; loaded is {own:?}"
                ))),
            };
        }
        if let Some(error) = models.error() {
            let message = format!("there is no chat model {name:?}, for none is loaded: {error}");
            return Err(no_such_model(message));
        }
        if !self.installed_models()?.is_empty() {
            let message = "the chat model is still being loaded; try again in a few seconds";
            return Err(Fault::new(ErrorKind::ModelMissing, message).retry_in(2));
        }
        let folder = self.inner.config.models();
        Err(no_such_model(format!(
            "there is no chat model {name:?}, for none is installed: put a GGUF file into {}",
            folder.display()
        )))
    }
}

/// A conversation while it is continued.
struct Writing {
    service: Service,
    generation: Generation,
    /// When it was asked for; `None` once there is text.
    waiting_since: Option<Instant>,
}

impl Writing {
    async fn next(&mut self) -> Option<WritingEvent> {
        let figures = &self.service.inner.figures;
        loop {
            let Some(event) = writing_event(self.generation.next().await?) else {
                continue;
            };
            match &event {
                WritingEvent::Thinking(_) => {}
                WritingEvent::Text { .. } => {
                    if let Some(asked) = self.waiting_since.take() {
                        figures.note_first_token(asked.elapsed());
                    }
                }
                WritingEvent::Done { usage, .. } => figures.note_plain_chat(*usage),
                WritingEvent::Failed { .. } => figures.note_failure(),
            }
            return Some(event);
        }
    }
}

fn no_such_model(message: String) -> Fault {
    Fault::not_found(message)
        .about("model")
        .coded("model_not_found")
}

fn start(
    model: &ChatModel,
    conversation: Conversation,
    most: usize,
    defaults: WritingDefaults,
) -> Result<Generation, Fault> {
    let messages = conversation.messages.into_iter();
    let messages = messages.map(|(role, content)| ChatMessage::new(role, content));
    let request = generation_request(messages.collect(), most, &conversation.writing, defaults);
    model.generate(request).map_err(refused)
}

fn refused(error: DecoderError) -> Fault {
    let fault = Fault::of(&error as &dyn Kind);
    match error {
        DecoderError::PromptTooLong { .. } => {
            fault.about("messages").coded("context_length_exceeded")
        }
        _ => fault,
    }
}

fn writing_event(event: GenerationEvent) -> Option<WritingEvent> {
    Some(match event {
        GenerationEvent::Prefill { .. } | GenerationEvent::Reading { .. } => return None,
        GenerationEvent::Thinking(text) => WritingEvent::Thinking(text),
        GenerationEvent::Token { text, logprobs } => WritingEvent::Text {
            text,
            likelihoods: logprobs.into_iter().map(Into::into).collect(),
        },
        GenerationEvent::Done { finish, usage } => WritingEvent::Done { finish, usage },
        GenerationEvent::Failed(error) => WritingEvent::Failed {
            kind: error.kind(),
            message: error.to_string(),
        },
    })
}

impl From<TokenLogprob> for TokenLikelihood {
    fn from(token: TokenLogprob) -> Self {
        Self {
            text: token.text,
            logprob: token.logprob,
            top: token.top,
        }
    }
}

impl From<&ModelInfo> for ModelFacts {
    fn from(info: &ModelInfo) -> Self {
        Self {
            name: info.name.clone(),
            architecture: info.architecture.clone(),
            quantization: info.quantization.clone(),
            context_tokens: info.context_tokens,
            file_bytes: info.file_bytes,
            device: info.placement.device.clone(),
            device_note: info.placement.note.clone(),
        }
    }
}
