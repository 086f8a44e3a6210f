//! The chat template: how a conversation is laid out for a model. It comes
//! from the model file, so it is a stranger's program: its steps and the length
//! of what it writes are bounded, and one that does not work is replaced by a
//! plain layout. Must not know what tokens are.
//!
//! A layout is good for the reuse of earlier work if a conversation's text is
//! the beginning of the text of the same conversation with more turns. Turns
//! are laid out in order and changed as little as possible, so it is up to the
//! template. Of the known ones
//! - Llama 3's names the day's date in front of everything;
//! - Mistral's moves the system's part, and the tools, to the last question;
//! - Qwen 3's, and others of models that think, drop thoughts from earlier
//!   answers, and write an empty thought before the last answer only, so that
//!   the text stays the same up to the last question, not up to its answer;
//! - Phi-3's ends with an end token where no answer is to follow.

use super::error::TokensError;
use super::python::{environment, without_generation_marks};
use super::thinking::{ThinkingTags, tags_in};
use super::tokenizer::Tokenizer;
use super::tools::{object, value_of};
use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind, context};
use satchel_types::Role;
use std::io;

/// For models whose vocabulary has the marks of ChatML.
const CHATML: &str = "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";
/// For models without any marks.
const PLAIN: &str = "{{ bos_token }}{% for message in messages %}{% if message.role == 'system' %}{{ message.content }}\n\n{% elif message.role == 'user' %}User: {{ message.content }}\n{% else %}Assistant: {{ message.content }}\n{% endif %}{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}";
/// What a model without marks writes when it takes over the asker's part.
const PLAIN_STOP: &str = "\nUser:";

const NAME: &str = "chat";
/// How much a template may write of its own, and how often it may repeat what
/// it is given.
const OWN_TEXT: usize = 1 << 20;
const REPEATED: usize = 4;

/// A message of a conversation, as the model sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatMessage {
    pub role: Role,
    pub content: String,
}

impl ChatMessage {
    /// A message of `role`.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self {
            role,
            content: content.into(),
        }
    }
}

/// What to tell a template beside the messages.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct RenderOptions<'a> {
    /// The text is to be followed by an answer.
    pub add_generation_prompt: bool,
    /// Whether the model is to think first; unset, as the template has it.
    pub enable_thinking: Option<bool>,
    /// Functions that the model may call, each described by a JSON schema.
    pub tools: &'a [serde_json::Value],
}

/// How a template wants to be spoken to.
#[derive(Debug, Clone, Copy, Default)]
struct Manner {
    /// It has no place for system messages.
    refuses_system: bool,
    /// Content is a list of parts, of which ours is one.
    content_in_parts: bool,
}

/// A chat template, ready to render.
pub struct ChatTemplate {
    environment: Environment<'static>,
    bos: String,
    eos: String,
    manner: Manner,
    thinking: Option<ThinkingTags>,
    stop: Option<&'static str>,
}

impl ChatTemplate {
    /// Takes the model's own template if it works, else a plain one.
    pub fn choose(own: Option<&str>, tokenizer: &Tokenizer) -> Self {
        let vocabulary = &tokenizer.vocabulary;
        let text_of = |id: Option<u32>| id.map_or("", |id| vocabulary.text(id));
        let has_chatml = vocabulary.id("<|im_start|>").is_some();
        Self::choose_for(
            own,
            has_chatml,
            text_of(vocabulary.bos),
            text_of(vocabulary.eos),
        )
    }

    /// Whether a model's own template would be used.
    pub fn is_usable(own: &str, tokenizer: &Tokenizer) -> bool {
        let vocabulary = &tokenizer.vocabulary;
        let text_of = |id: Option<u32>| id.map_or("", |id| vocabulary.text(id));
        Self::new(own, text_of(vocabulary.bos), text_of(vocabulary.eos)).is_ok()
    }

    fn choose_for(own: Option<&str>, has_chatml: bool, bos: &str, eos: &str) -> Self {
        if let Some(source) = own {
            match Self::new(source, bos, eos) {
                Ok(template) => return template,
                Err(error) => tracing::warn!(
                    %error,
                    "the model's chat template does not work; a plain layout is used instead"
                ),
            }
        }
        let (source, stop) = if has_chatml {
            (CHATML, None)
        } else {
            (PLAIN, Some(PLAIN_STOP))
        };
        let mut template =
            Self::compile(source, bos, eos).expect("the built-in templates are valid");
        template.stop = stop;
        template
    }

    /// A template of that source, with the texts of the model's BOS and EOS.
    pub fn new(source: &str, bos: &str, eos: &str) -> Result<Self, TokensError> {
        let refused = |error: Error| TokensError::Invalid(reason(&error));
        let mut template = Self::compile(source, bos, eos).map_err(refused)?;
        template.manner = template.find_manner().map_err(refused)?;
        template.thinking = tags_in(source).map(|(open, close)| ThinkingTags {
            open,
            close,
            can_switch_off: template.heeds_thinking(),
        });
        Ok(template)
    }

    fn compile(source: &str, bos: &str, eos: &str) -> Result<Self, Error> {
        let mut environment = environment();
        environment.add_template_owned(NAME, without_generation_marks(source))?;
        Ok(Self {
            environment,
            bos: bos.to_owned(),
            eos: eos.to_owned(),
            manner: Manner::default(),
            thinking: None,
            stop: None,
        })
    }

    /// Finds out in which manner a small conversation survives the template.
    fn find_manner(&self) -> Result<Manner, Error> {
        let [system, user] = probe();
        let mut last = Error::new(ErrorKind::InvalidOperation, "it drops what it is given");
        for content_in_parts in [false, true] {
            for refuses_system in [false, true] {
                let manner = Manner {
                    refuses_system,
                    content_in_parts,
                };
                let messages = [system.clone(), user.clone()];
                match self.render_in(manner, &messages, &answerable(None), &str::to_owned) {
                    Ok(text)
                        if [&system, &user]
                            .iter()
                            .all(|part| text.contains(&part.content)) =>
                    {
                        return Ok(manner);
                    }
                    Ok(_) => {}
                    Err(error) if is_excess(&error) => return Err(error),
                    Err(error) => last = error,
                }
            }
        }
        Err(last)
    }

    fn heeds_thinking(&self) -> bool {
        let text = |thinks: bool| {
            let options = answerable(Some(thinks));
            self.render_in(self.manner, &probe(), &options, &str::to_owned)
                .ok()
        };
        text(true) != text(false)
    }

    /// What the template says about thinking; nothing if its model does not
    /// think.
    pub fn thinking(&self) -> Option<ThinkingTags> {
        self.thinking
    }

    /// A text that ends an answer beside the model's own end tokens.
    pub fn stop(&self) -> Option<&'static str> {
        self.stop
    }

    /// The text of a conversation.
    pub fn render(
        &self,
        messages: &[ChatMessage],
        options: &RenderOptions<'_>,
    ) -> Result<String, TokensError> {
        self.render_with(messages, options, &str::to_owned)
    }

    /// As [`Self::render`]; `guard` is applied to the texts in the tools.
    pub(super) fn render_with(
        &self,
        messages: &[ChatMessage],
        options: &RenderOptions<'_>,
        guard: &dyn Fn(&str) -> String,
    ) -> Result<String, TokensError> {
        if !messages.iter().any(|message| message.role == Role::User) {
            return Err(TokensError::Invalid(
                "a conversation without a question cannot be answered".to_owned(),
            ));
        }
        self.render_in(self.manner, messages, options, guard)
            // Many templates insist that user and assistant take turns, which
            // an answer that was stopped or failed breaks.
            .or_else(|error| match is_excess(&error) {
                true => Err(error),
                false => self.render_in(self.manner, &taking_turns(messages), options, guard),
            })
            .map_err(|error| {
                TokensError::Invalid(format!(
                    "the model's chat template refuses the conversation: {}",
                    reason(&error)
                ))
            })
    }

    fn render_in(
        &self,
        manner: Manner,
        messages: &[ChatMessage],
        options: &RenderOptions<'_>,
        guard: &dyn Fn(&str) -> String,
    ) -> Result<String, Error> {
        let merged;
        let messages = if manner.refuses_system {
            merged = with_system_in_question(messages);
            &merged
        } else {
            messages
        };
        let given: usize = messages.iter().map(|message| message.content.len()).sum();
        let content = |text: &str| match manner.content_in_parts {
            true => Value::from_iter([object([
                ("type", Value::from("text")),
                ("text", Value::from(text)),
            ])]),
            false => Value::from(text),
        };
        let messages: Vec<Value> = messages
            .iter()
            .map(|message| {
                object([
                    ("role", Value::from(message.role.as_str())),
                    ("content", content(&message.content)),
                ])
            })
            .collect();
        let tools: Vec<Value> = options
            .tools
            .iter()
            .map(|tool| value_of(tool, guard))
            .collect();
        let tools = if tools.is_empty() {
            Value::from(())
        } else {
            Value::from(tools)
        };
        let thinking = options
            .enable_thinking
            .map_or(Value::UNDEFINED, Value::from);
        let mut text = Bounded {
            bytes: Vec::new(),
            most: OWN_TEXT + REPEATED * given,
        };
        let context = context! {
            messages,
            tools,
            documents => Value::from(()),
            bos_token => self.bos.as_str(),
            eos_token => self.eos.as_str(),
            add_generation_prompt => options.add_generation_prompt,
            enable_thinking => thinking,
        };
        self.environment
            .get_template(NAME)?
            .render_captured_to(context, &mut text)?;
        String::from_utf8(text.bytes)
            .map_err(|error| Error::new(ErrorKind::WriteFailure, error.to_string()))
    }
}

/// Whether a template does more than it may.
fn is_excess(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::OutOfFuel | ErrorKind::WriteFailure)
}

fn reason(error: &Error) -> String {
    match error.kind() {
        ErrorKind::OutOfFuel => "it takes too many steps".to_owned(),
        ErrorKind::WriteFailure => "its text is too long".to_owned(),
        _ => error.to_string(),
    }
}

/// A conversation that every template should be able to lay out.
fn probe() -> [ChatMessage; 2] {
    [
        ChatMessage::new(Role::System, "the system's part"),
        ChatMessage::new(Role::User, "the user's part"),
    ]
}

fn answerable(enable_thinking: Option<bool>) -> RenderOptions<'static> {
    RenderOptions {
        add_generation_prompt: true,
        enable_thinking,
        tools: &[],
    }
}

/// Takes text up to a length.
struct Bounded {
    bytes: Vec<u8>,
    most: usize,
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.most {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Moves what the system says to the beginning of the first question.
fn with_system_in_question(messages: &[ChatMessage]) -> Vec<ChatMessage> {
    let system: Vec<&str> = messages
        .iter()
        .filter(|message| message.role == Role::System)
        .map(|message| message.content.as_str())
        .collect();
    let mut rest: Vec<ChatMessage> = messages
        .iter()
        .filter(|message| message.role != Role::System)
        .cloned()
        .collect();
    let question = rest.iter_mut().find(|message| message.role == Role::User);
    if let (false, Some(question)) = (system.is_empty(), question) {
        question.content = format!("{}\n\n{}", system.join("\n\n"), question.content);
    }
    rest
}

/// Joins neighbours of the same role and drops answers without a question.
fn taking_turns(messages: &[ChatMessage]) -> Vec<ChatMessage> {
    let mut turns: Vec<ChatMessage> = Vec::with_capacity(messages.len());
    for message in messages {
        let asked = turns.iter().any(|turn| turn.role == Role::User);
        match turns.last_mut() {
            Some(last) if last.role == message.role => {
                last.content.push_str("\n\n");
                last.content.push_str(&message.content);
            }
            _ if message.role == Role::Assistant && !asked => {}
            _ => turns.push(message.clone()),
        }
    }
    turns
}
