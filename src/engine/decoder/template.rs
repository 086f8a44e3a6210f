//! The chat template: how a conversation is laid out for a model. It comes
//! from the model file, so it is a stranger's program: it runs with bounded
//! fuel, and one that does not work is replaced by a plain layout.

use super::ChatMessage;
use super::error::DecoderError;
use crate::types::Role;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind, context};

/// For models whose vocabulary has the marks of ChatML.
const CHATML: &str = "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}{{ '<|im_start|>assistant\n' }}";
/// For models without any marks.
const PLAIN: &str = "{{ bos_token }}{% for message in messages %}{% if message.role == 'system' %}{{ message.content }}\n\n{% elif message.role == 'user' %}User: {{ message.content }}\n{% else %}Assistant: {{ message.content }}\n{% endif %}{% endfor %}Assistant:";
/// What a model without marks writes when it takes over the asker's part.
const PLAIN_STOP: &str = "\nUser:";

/// Steps that a template may take for one conversation.
const FUEL: u64 = 5_000_000;
const NAME: &str = "chat";

/// A chat template, ready to render.
pub(super) struct ChatTemplate {
    environment: Environment<'static>,
    bos: String,
    eos: String,
    /// The template has no place for system messages.
    refuses_system: bool,
    /// Ends an answer beside the model's own end tokens.
    pub(super) stop: Option<&'static str>,
}

impl ChatTemplate {
    /// Takes the model's own template if it works, else a plain one.
    pub(super) fn choose(own: Option<&str>, has_chatml: bool, bos: &str, eos: &str) -> Self {
        if let Some(source) = own {
            match Self::try_new(source, bos, eos) {
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
        let mut environment = environment();
        environment
            .add_template(NAME, source)
            .expect("the built-in templates are valid");
        Self {
            environment,
            bos: bos.to_owned(),
            eos: eos.to_owned(),
            refuses_system: false,
            stop,
        }
    }

    fn try_new(source: &str, bos: &str, eos: &str) -> Result<Self, Error> {
        let mut environment = environment();
        environment.add_template_owned(NAME, source.to_owned())?;
        let mut template = Self {
            environment,
            bos: bos.to_owned(),
            eos: eos.to_owned(),
            refuses_system: false,
            stop: None,
        };
        template.refuses_system = !template.keeps("the system's part")?;
        if template.refuses_system && !template.keeps("the system's part")? {
            return Err(Error::new(
                ErrorKind::InvalidOperation,
                "it drops what it is given",
            ));
        }
        Ok(template)
    }

    /// Whether a small conversation survives the template with both its parts.
    fn keeps(&self, system: &str) -> Result<bool, Error> {
        let user = "the user's part";
        let conversation = [
            ChatMessage::new(Role::System, system),
            ChatMessage::new(Role::User, user),
        ];
        match self.render_as_is(&conversation) {
            Ok(text) => Ok(text.contains(system) && text.contains(user)),
            Err(error) if self.refuses_system => Err(error),
            Err(_) => Ok(false),
        }
    }

    /// Lays out a conversation so that the model's answer follows.
    pub(super) fn render(&self, messages: &[ChatMessage]) -> Result<String, DecoderError> {
        if !messages.iter().any(|message| message.role == Role::User) {
            return Err(DecoderError::Invalid(
                "a conversation without a question cannot be answered".to_owned(),
            ));
        }
        self.render_as_is(messages)
            // Many templates insist that user and assistant take turns, which
            // an answer that was stopped or failed breaks.
            .or_else(|_| self.render_as_is(&taking_turns(messages)))
            .map_err(|error| {
                DecoderError::Invalid(format!(
                    "the model's chat template refuses the conversation: {error}"
                ))
            })
    }

    fn render_as_is(&self, messages: &[ChatMessage]) -> Result<String, Error> {
        let merged;
        let messages = if self.refuses_system {
            merged = with_system_in_question(messages);
            &merged
        } else {
            messages
        };
        let messages: Vec<Value> = messages
            .iter()
            .map(|message| context! { role => message.role.as_str(), content => message.content.as_str() })
            .collect();
        self.environment.get_template(NAME)?.render(context! {
            messages,
            bos_token => self.bos.as_str(),
            eos_token => self.eos.as_str(),
            add_generation_prompt => true,
            enable_thinking => false,
        })
    }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_fuel(Some(FUEL));
    environment.set_syntax(
        SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()
            .expect("the default delimiters are valid"),
    );
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.add_function("raise_exception", raise_exception);
    environment.add_function("strftime_now", strftime_now);
    environment
}

fn raise_exception(message: String) -> Result<String, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, message))
}

fn strftime_now(format: &str) -> Result<String, Error> {
    jiff::fmt::strtime::format(format, &jiff::Zoned::now())
        .map_err(|error| Error::new(ErrorKind::InvalidOperation, error.to_string()))
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

#[cfg(test)]
mod tests {
    use super::{ChatMessage, ChatTemplate};
    use crate::types::Role;

    fn conversation() -> Vec<ChatMessage> {
        vec![
            ChatMessage::new(Role::System, "Answer from <the sources>."),
            ChatMessage::new(Role::User, "What is it?"),
        ]
    }

    #[test]
    fn templates_of_known_models_keep_system_and_question() {
        let folder =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/chat-templates");
        let Ok(entries) = std::fs::read_dir(&folder) else {
            eprintln!("skipped: {} is absent", folder.display());
            return;
        };
        let mut seen = 0;
        for entry in entries {
            let path = entry.unwrap().path();
            let source = std::fs::read_to_string(&path).unwrap();
            let template = ChatTemplate::try_new(&source, "<s>", "</s>")
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let text = template.render(&conversation()).unwrap();
            let system = text.find("Answer from <the sources>.");
            let question = text.find("What is it?");
            assert!(
                system.is_some() && system < question,
                "{}: {text}",
                path.display()
            );
            assert!(!text.trim_end().ends_with("What is it?"), "{text}");
            assert_eq!(
                template.refuses_system,
                path.to_string_lossy().contains("gemma"),
                "{}",
                path.display()
            );
            seen += 1;
        }
        assert_eq!(seen, 7);
    }

    #[test]
    fn thinking_is_switched_off() {
        let source = "{% for m in messages %}{{ m.content }}{% endfor %}{% if enable_thinking is defined and enable_thinking is false %}<think></think>{% endif %}";
        let template = ChatTemplate::try_new(source, "", "").unwrap();
        let text = template.render(&conversation()).unwrap();
        assert!(text.ends_with("<think></think>"));
    }

    #[test]
    fn template_that_drops_the_system_message_gets_it_in_the_question() {
        let source = "{% for m in messages %}{% if m.role == 'user' %}[{{ m.content }}]{% endif %}{% endfor %}";
        let template = ChatTemplate::try_new(source, "", "").unwrap();
        let text = template.render(&conversation()).unwrap();
        assert_eq!(text, "[Answer from <the sources>.\n\nWhat is it?]");
    }

    #[test]
    fn stopped_answer_does_not_break_a_template_that_wants_turns() {
        let source = "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('turns') }}{% endif %}[{{ m.content }}]{% endfor %}";
        let template = ChatTemplate::try_new(source, "", "").unwrap();
        let messages = ["one", "two"].map(|text| ChatMessage::new(Role::User, text));
        assert_eq!(template.render(&messages).unwrap(), "[one\n\ntwo]");
    }

    #[test]
    fn template_without_end_is_replaced_by_a_plain_layout() {
        let source =
            "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}";
        let template = ChatTemplate::choose(Some(source), false, "", "");
        let text = template.render(&conversation()).unwrap();
        assert_eq!(
            text,
            "Answer from <the sources>.\n\nUser: What is it?\nAssistant:"
        );
        assert_eq!(template.stop, Some("\nUser:"));
    }

    #[test]
    fn model_without_template_but_with_chatml_marks_gets_chatml() {
        let template = ChatTemplate::choose(None, true, "", "");
        assert_eq!(
            template.render(&conversation()).unwrap(),
            "<|im_start|>system\nAnswer from <the sources>.<|im_end|>\n<|im_start|>user\nWhat is it?<|im_end|>\n<|im_start|>assistant\n"
        );
    }

    #[test]
    fn conversation_without_question_is_refused() {
        let template = ChatTemplate::choose(None, true, "", "");
        assert!(template.render(&conversation()[..1]).is_err());
    }
}
