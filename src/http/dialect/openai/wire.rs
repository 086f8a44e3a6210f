//! The JSON of the public OpenAI API. Requests are read by hand where their
//! shape varies, so that a refusal names the place; unknown fields are ignored.

use crate::error::Fault;
use crate::http::HttpError;
use crate::http::search_options::SearchOptionsWire;
use crate::service::WritingOptions;
use crate::types::{DatasetId, Role};
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt::Display;
use std::ops::RangeInclusive;

/// Most stop texts of a request.
const MOST_STOPS: usize = 4;

/// Most texts that are embedded in one request.
const MOST_INPUTS: usize = 2048;

/// Body of `POST /v1/chat/completions`.
#[derive(Debug, Deserialize)]
pub(crate) struct ChatBody {
    pub(super) model: String,
    messages: Vec<MessageBody>,
    pub(super) stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    max_tokens: Option<u32>,
    max_completion_tokens: Option<u32>,
    temperature: Option<f32>,
    top_p: Option<f32>,
    seed: Option<i64>,
    stop: Option<Value>,
    presence_penalty: Option<f32>,
    frequency_penalty: Option<f32>,
    n: Option<u32>,
    logprobs: Option<bool>,
    reasoning_effort: Option<Effort>,
    top_logprobs: Option<u32>,
    response_format: Option<ResponseFormat>,
    tools: Option<Vec<Value>>,
    functions: Option<Vec<Value>>,
    logit_bias: Option<serde_json::Map<String, Value>>,
    modalities: Option<Vec<String>>,
    /// Ours: where to search, for answers from the documents.
    pub(super) dataset_id: Option<DatasetId>,
    /// Ours: how to search.
    pub(super) search_options: Option<SearchOptionsWire>,
    /// Ours: whether a chat model may write the answer.
    answer_mode: Option<AnswerMode>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum AnswerMode {
    Auto,
    Quotes,
}

/// How much a model may think before it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Effort {
    None,
    Minimal,
    Low,
    Medium,
    High,
}

impl Effort {
    /// Most tokens of thinking.
    fn tokens(self) -> usize {
        match self {
            Self::None | Self::Minimal => 0,
            Self::Low => 256,
            Self::Medium => 1024,
            Self::High => 4096,
        }
    }
}

#[derive(Debug, Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct ResponseFormat {
    r#type: String,
    json_schema: Option<JsonSchema>,
}

#[derive(Debug, Deserialize)]
struct JsonSchema {
    schema: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct MessageBody {
    role: String,
    content: Option<Value>,
    tool_calls: Option<Vec<Value>>,
}

impl ChatBody {
    /// Whether a stream ends with the tokens that it took.
    pub(super) fn include_usage(&self) -> bool {
        let options = self.stream_options.as_ref();
        options.is_some_and(|options| options.include_usage == Some(true))
    }

    /// Whether the answer is to be made of sentences of the documents alone.
    pub(super) fn quotes_only(&self) -> bool {
        self.answer_mode == Some(AnswerMode::Quotes)
    }

    /// The conversation, as text.
    pub(super) fn conversation(&self) -> Result<Vec<(Role, String)>, HttpError> {
        if self.messages.is_empty() {
            return Err(HttpError::field("messages", "there is no message"));
        }
        let numbered = self.messages.iter().enumerate();
        numbered
            .map(|(at, message)| message.read(&format!("messages[{at}]")))
            .collect()
    }

    /// How to write; an error for what cannot be had.
    pub(super) fn writing(&self) -> Result<WritingOptions, HttpError> {
        self.refuse_the_impossible()?;
        Ok(WritingOptions {
            max_tokens: self.max_tokens()?,
            temperature: within("temperature", self.temperature, 0.0..=2.0)?,
            top_p: within("top_p", self.top_p, 0.0..=1.0)?,
            // Only its being the same matters.
            seed: self.seed.map(i64::cast_unsigned),
            stop: self.stop_texts()?,
            presence_penalty: within("presence_penalty", self.presence_penalty, -2.0..=2.0)?
                .unwrap_or_default(),
            frequency_penalty: within("frequency_penalty", self.frequency_penalty, -2.0..=2.0)?
                .unwrap_or_default(),
            top_logprobs: self.likelihoods()?,
            thinking_tokens: self.reasoning_effort.map(Effort::tokens),
            json_schema: self.json_schema()?,
        })
    }

    /// The newer name of the same thing comes first.
    fn max_tokens(&self) -> Result<Option<usize>, HttpError> {
        let named = [
            ("max_completion_tokens", self.max_completion_tokens),
            ("max_tokens", self.max_tokens),
        ];
        let given = named
            .iter()
            .find_map(|(field, most)| Some((*field, (*most)?)));
        match given {
            Some((field, 0)) => Err(HttpError::field(field, "at least 1 is needed")),
            given => Ok(given.map(|(_, most)| most as usize)),
        }
    }

    fn refuse_the_impossible(&self) -> Result<(), HttpError> {
        if self.n.is_some_and(|n| n != 1) {
            return Err(HttpError::field(
                "n",
                "one answer a request is given, so only 1 is possible",
            ));
        }
        let lists = [("tools", &self.tools), ("functions", &self.functions)];
        for (field, list) in lists {
            if list.as_ref().is_some_and(|list| !list.is_empty()) {
                return Err(HttpError::field(field, "models here cannot call tools"));
            }
        }
        if self
            .logit_bias
            .as_ref()
            .is_some_and(|bias| !bias.is_empty())
        {
            return Err(HttpError::field("logit_bias", "it is not supported"));
        }
        let other = self.modalities.iter().flatten().find(|one| *one != "text");
        match other {
            Some(other) => {
                let what = format!("{other:?} is not possible; models here write text");
                Err(HttpError::field("modalities", what))
            }
            None => Ok(()),
        }
    }

    fn stop_texts(&self) -> Result<Vec<String>, HttpError> {
        let wrong = |path: &str| HttpError::field(path, "a text, or a list of texts, is needed");
        let texts = match &self.stop {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::String(text)) => vec![text.clone()],
            Some(Value::Array(list)) => {
                let numbered = list.iter().enumerate();
                let text = |(at, one): (usize, &Value)| {
                    let text = one.as_str().map(str::to_owned);
                    text.ok_or_else(|| wrong(&format!("stop[{at}]")))
                };
                numbered.map(text).collect::<Result<_, _>>()?
            }
            Some(_) => return Err(wrong("stop")),
        };
        match texts.len() {
            0..=MOST_STOPS => Ok(texts),
            many => {
                let what = format!("at most {MOST_STOPS} texts are possible, not {many}");
                Err(HttpError::field("stop", what))
            }
        }
    }

    fn likelihoods(&self) -> Result<Option<usize>, HttpError> {
        let wanted = self.logprobs == Some(true);
        let top = within("top_logprobs", self.top_logprobs, 0..=20)?;
        if top.is_some_and(|top| top > 0) && !wanted {
            let what = "it needs logprobs to be true";
            return Err(HttpError::field("top_logprobs", what));
        }
        Ok(wanted.then(|| top.unwrap_or_default() as usize))
    }

    fn json_schema(&self) -> Result<Option<Value>, HttpError> {
        let Some(format) = &self.response_format else {
            return Ok(None);
        };
        match format.r#type.as_str() {
            "text" => Ok(None),
            "json_object" => Ok(Some(json!({"type": "object"}))),
            "json_schema" => {
                let schema = format
                    .json_schema
                    .as_ref()
                    .and_then(|one| one.schema.clone());
                let path = "response_format.json_schema.schema";
                let schema = schema.ok_or_else(|| HttpError::field(path, "it is missing"))?;
                Ok(Some(schema))
            }
            other => {
                let what = format!("{other:?} is none of text, json_object, json_schema");
                Err(HttpError::field("response_format.type", what))
            }
        }
    }
}

impl MessageBody {
    fn read(&self, path: &str) -> Result<(Role, String), HttpError> {
        let role = match self.role.as_str() {
            "system" | "developer" => Role::System,
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "tool" | "function" => {
                let what = "results of tools are not supported; put them into a user message";
                return Err(HttpError::field(&format!("{path}.role"), what));
            }
            other => {
                let what = format!("{other:?} is none of system, developer, user, assistant");
                return Err(HttpError::field(&format!("{path}.role"), what));
            }
        };
        if self
            .tool_calls
            .as_ref()
            .is_some_and(|calls| !calls.is_empty())
        {
            let what = "models here cannot call tools";
            return Err(HttpError::field(&format!("{path}.tool_calls"), what));
        }
        let path = format!("{path}.content");
        match &self.content {
            Some(Value::String(text)) => Ok((role, text.clone())),
            Some(Value::Array(parts)) => {
                let numbered = parts.iter().enumerate();
                let texts: Vec<&str> = numbered
                    .map(|(at, part)| text_of(part, &format!("{path}[{at}]")))
                    .collect::<Result<_, _>>()?;
                Ok((role, texts.join("\n")))
            }
            None | Some(Value::Null) => Err(HttpError::field(&path, "it is missing")),
            Some(_) => Err(HttpError::field(
                &path,
                "a text, or a list of parts, is needed",
            )),
        }
    }
}

/// The text of a part of a message.
fn text_of<'a>(part: &'a Value, path: &str) -> Result<&'a str, HttpError> {
    let kind = part["type"].as_str().unwrap_or_default();
    let field = match kind {
        "text" | "refusal" => kind,
        "image_url" | "input_audio" | "file" => {
            let what = format!("parts of type {kind} are not supported; models here read text");
            return Err(HttpError::field(&format!("{path}.type"), what));
        }
        other => {
            let what = format!("{other:?} is not a type of part; text is");
            return Err(HttpError::field(&format!("{path}.type"), what));
        }
    };
    let text = part[field].as_str();
    text.ok_or_else(|| HttpError::field(&format!("{path}.{field}"), "a text is needed"))
}

fn within<T: PartialOrd + Display + Copy>(
    field: &str,
    value: Option<T>,
    range: RangeInclusive<T>,
) -> Result<Option<T>, HttpError> {
    match value {
        Some(value) if !range.contains(&value) => {
            let (least, most) = (range.start(), range.end());
            let what = format!("{value} is not between {least} and {most}");
            Err(HttpError::field(field, what))
        }
        value => Ok(value),
    }
}

/// How vectors are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum EncodingFormat {
    #[default]
    Float,
    Base64,
}

/// Body of `POST /v1/embeddings`.
#[derive(Debug, Deserialize)]
pub(crate) struct EmbeddingsBody {
    pub(super) model: String,
    input: Value,
    encoding_format: Option<EncodingFormat>,
    dimensions: Option<usize>,
}

impl EmbeddingsBody {
    /// How the vectors are to be written.
    pub(super) fn format(&self) -> EncodingFormat {
        self.encoding_format.unwrap_or_default()
    }

    /// Refuses vectors of another width than the model's.
    pub(super) fn check_dimensions(&self, own: usize) -> Result<(), HttpError> {
        match self.dimensions {
            Some(other) if other != own => {
                let what = format!("this model's vectors have {own} dimensions, not {other}");
                Err(HttpError::field("dimensions", what))
            }
            _ => Ok(()),
        }
    }

    /// The texts to embed.
    pub(super) fn texts(&self) -> Result<Vec<String>, HttpError> {
        let list = match &self.input {
            Value::String(text) => return Ok(vec![present(text, "input")?]),
            Value::Array(list) => list,
            _ => {
                return Err(HttpError::field(
                    "input",
                    "a text, or a list of texts, is needed",
                ));
            }
        };
        if list.is_empty() || list.len() > MOST_INPUTS {
            let what = format!("1 to {MOST_INPUTS} texts are possible, not {}", list.len());
            return Err(HttpError::field("input", what));
        }
        let numbered = list.iter().enumerate();
        numbered
            .map(|(at, one)| match one {
                Value::String(text) => present(text, &format!("input[{at}]")),
                Value::Number(_) | Value::Array(_) => {
                    let what = "lists of tokens are not supported, because every model has tokens of its own; send the text";
                    Err(HttpError::field("input", what))
                }
                _ => Err(HttpError::field(&format!("input[{at}]"), "a text is needed")),
            })
            .collect()
    }
}

fn present(text: &str, path: &str) -> Result<String, HttpError> {
    match text.is_empty() {
        true => Err(HttpError::field(path, "it is empty")),
        false => Ok(text.to_owned()),
    }
}

/// What answers from the documents write cannot be bent to a form.
pub(super) fn check_grounded(writing: &WritingOptions) -> Result<(), Fault> {
    let impossible = [
        ("logprobs", writing.top_logprobs.is_some()),
        ("response_format", writing.json_schema.is_some()),
    ];
    match impossible.iter().find(|(_, asked)| *asked) {
        None => Ok(()),
        Some((field, _)) => {
            let model = super::GROUNDED;
            let message = format!(
                "{field}: the model {model:?} writes text with citations and nothing else; ask a chat model by its name"
            );
            Err(Fault::invalid(message).about(*field))
        }
    }
}
