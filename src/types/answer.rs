//! The stream of an answer: what happens, in order, from the question to the
//! stored answer. Every dialect translates these events and adds none.

use super::{Citation, DocumentId, MessageId, Passage, PassageScores, SessionId, Time};
use crate::error::ErrorKind;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What the product is doing for the asker.
#[derive(Debug, Clone, PartialEq)]
pub enum Stage {
    /// Looking for passages.
    Searching,
    /// A chat model reads the prompt; told again as it gets on.
    Reading(PromptReading),
    /// Text is being written.
    Writing,
}

/// How far a chat model is in reading a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PromptReading {
    /// Passages in the prompt.
    pub sources: usize,
    /// Tokens of the prompt.
    pub tokens: u64,
    /// How many of them need not be read, because they are cached.
    pub reused: u64,
    /// How many are known by now, those that are cached included.
    pub read: u64,
    /// How long the rest will take, where that is known.
    pub seconds: Option<f32>,
    /// Which part it is, where whole documents are read part by part.
    pub part: Option<PartReading>,
}

/// A part of whole documents that a chat model reads to take notes on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartReading {
    /// 1 for the first.
    pub number: usize,
    pub of: usize,
    /// What is read are notes, which were too many for one prompt.
    pub of_notes: bool,
}

/// What was read part by part, before an answer about whole documents was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PartsRead {
    /// How many parts, those of notes included.
    pub parts: usize,
    /// Passages of the documents in them.
    pub passages: usize,
    /// The tokens that the parts and the notes took; the answer's usage has them, too.
    pub usage: TokenUsage,
}

/// Passages that were found and that the chat model did not get to see.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct LeftOut {
    /// So that the answer starts soon.
    pub for_time: usize,
    /// Because the context has no room for them.
    pub for_context: usize,
    /// Because the documents have more than is read for one answer.
    #[serde(default)]
    pub for_bound: usize,
    /// How many were found.
    pub of: usize,
    /// How soon the answer was to start, in seconds.
    pub seconds: f32,
}

impl LeftOut {
    /// How many, for whatever reason.
    pub fn passages(&self) -> usize {
        self.for_time + self.for_context + self.for_bound
    }

    /// The same for people.
    pub fn note(&self) -> String {
        let time = format!("so that the answer starts within about {} s", self.seconds);
        let reasons = [
            (self.for_time, time.as_str()),
            (self.for_context, "because the model has no room for more"),
            (
                self.for_bound,
                "because no more is read for one answer, evenly over the documents",
            ),
        ];
        let mut note = String::new();
        for (count, reason) in reasons.into_iter().filter(|(count, _)| *count > 0) {
            let were = if count == 1 { "was" } else { "were" };
            note += &match note.is_empty() {
                true => format!("{count} of {} passages {were} left out {reason}", self.of),
                false => format!(", and {count} {reason}"),
            };
        }
        note
    }
}

/// What the search covered, so that silence about unread pages is impossible.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct Coverage {
    /// Documents that could be searched.
    pub documents: u64,
    /// Pages of these, and of documents of which nothing could be searched.
    pub pages: u64,
    /// Pages that could not be searched: they have no text, or are pictures with
    /// hardly any, or belong to a document that failed.
    pub pages_without_text: u64,
    /// Documents that are not searchable yet (still being ingested).
    pub documents_pending: u64,
    pub took_ms: f64,
}

/// Who wrote the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AnswerMode {
    /// Sentences of the documents, word for word.
    Quotes,
    /// A chat model.
    Model { name: String },
    /// The documents do not answer the question.
    NothingFound,
}

/// Whether a sentence of the answer is borne out by a passage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Support {
    Supported,
    Weak,
    Unsupported,
}

impl Support {
    /// The word used on every wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Supported => "supported",
            Self::Weak => "weak",
            Self::Unsupported => "unsupported",
        }
    }
}

/// What checking one sentence of the answer found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SentenceCheck {
    /// First character of the sentence in the answer.
    pub start: usize,
    /// One past its last character.
    pub end: usize,
    pub support: Support,
    /// Numbers of the citations that bear it out, best first.
    pub citations: Vec<u32>,
    /// Strength of the best of them, 0-1.
    pub score: f32,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    Stop,
    Length,
    Cancelled,
    Error,
}

impl FinishReason {
    /// The word used on every wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::Cancelled => "cancelled",
            Self::Error => "error",
        }
    }
}

/// Tokens that the chat model read and wrote; zero in quotes mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TokenUsage {
    pub prompt: u64,
    pub completion: u64,
    /// Prompt tokens whose keys and values were still cached.
    pub reused: u64,
}

impl std::ops::AddAssign for TokenUsage {
    fn add_assign(&mut self, other: Self) {
        self.prompt += other.prompt;
        self.completion += other.completion;
        self.reused += other.reused;
    }
}

/// All that is kept of an answer beside its text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnswerSummary {
    pub mode: AnswerMode,
    pub finish_reason: FinishReason,
    pub citations: Vec<Citation>,
    pub checks: Vec<SentenceCheck>,
    pub usage: TokenUsage,
    pub coverage: Coverage,
    /// What the chat model did not get to see; `None`: it saw all.
    #[serde(default)]
    pub left_out: Option<LeftOut>,
    /// What was read part by part before; `None`: nothing.
    #[serde(default)]
    pub parts: Option<PartsRead>,
    /// How likely it is that the documents answer the question at all, 0-1, as far
    /// as the search can tell; `None` where that is no question, as for a list.
    pub answerable: Option<f32>,
    /// Whether the question was answered: not where nothing was found, nor where a
    /// chat model says that the passages do not tell. `None`: nobody looked, the
    /// answer is older than that.
    #[serde(default)]
    pub answered: Option<bool>,
    /// Milliseconds from the question to the first character of the answer.
    pub first_token_ms: Option<f64>,
    /// Milliseconds from the question to the end of the answer.
    pub total_ms: f64,
    /// What was found for it, best first.
    #[serde(default)]
    pub sources: Vec<ShownSource>,
    /// What was searched for, where the question leans on its conversation and
    /// says less than it means.
    #[serde(default)]
    pub searched_for: Option<String>,
    /// What the chat model thought before it answered.
    #[serde(default)]
    pub reasoning: Option<String>,
}

/// A passage that was found for an answer, as it is kept with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ShownSource {
    pub number: u32,
    pub document_id: DocumentId,
    pub filename: String,
    pub title: String,
    pub chunk_index: u32,
    pub page: u32,
    pub page_number: Option<u32>,
    /// First character in the page's text.
    pub start: usize,
    /// One past the last character in the page's text.
    pub end: usize,
    pub heading_path: Vec<String>,
    /// How it begins.
    pub text: String,
    /// Calibrated relevance, 0-1.
    pub score: f32,
    pub scores: PassageScores,
}

impl ShownSource {
    /// Most characters of a passage that are kept: the document has the rest.
    const EXCERPT: usize = 240;

    /// The passage at `index` of what was found.
    pub fn new(index: usize, passage: &Passage) -> Self {
        Self {
            number: index as u32 + 1,
            document_id: passage.document_id.clone(),
            filename: passage.filename.clone(),
            title: passage.title.clone(),
            chunk_index: passage.chunk_index,
            page: passage.page,
            page_number: passage.page_number,
            start: passage.start,
            end: passage.end,
            heading_path: passage.heading_path.clone(),
            text: passage.text.chars().take(Self::EXCERPT).collect(),
            score: passage.score,
            scores: passage.scores,
        }
    }
}

/// One event of an answer's stream.
#[derive(Debug, Clone)]
pub enum AnswerEvent {
    /// The question is stored. Always the first event.
    Accepted {
        session_id: SessionId,
        title: String,
        /// Whether this question started the session.
        new_session: bool,
        question_id: MessageId,
        answer_id: MessageId,
        created_at: Time,
    },
    /// What is being done now.
    Status(Stage),
    /// The passages the answer may rest on, best first; number n is the n-th.
    Sources {
        passages: Vec<Passage>,
        coverage: Coverage,
        /// As in [`AnswerSummary::searched_for`].
        searched_for: Option<String>,
    },
    /// The next piece of what the chat model thinks before it answers.
    Thinking(String),
    /// The next piece of text.
    Token(String),
    /// A rendered top-level block of the answer so far: sanitised HTML that
    /// replaces the block of the same index.
    Block { index: usize, html: String },
    /// The answer is complete and stored.
    Done {
        answer_id: MessageId,
        content: String,
        /// The whole answer, rendered and marked with its checks.
        html: String,
        summary: Box<AnswerSummary>,
    },
    /// The answer failed; what was written until then is stored.
    Failed { kind: ErrorKind, message: String },
}

#[cfg(test)]
mod tests {
    use super::LeftOut;

    #[test]
    fn note_names_each_reason_for_leaving_passages_out() {
        let left_out = LeftOut {
            for_time: 0,
            for_context: 1,
            for_bound: 0,
            of: 9,
            seconds: 5.0,
        };
        assert_eq!(
            left_out.note(),
            "1 of 9 passages was left out because the model has no room for more"
        );
        let more = LeftOut {
            for_time: 2,
            for_bound: 3,
            ..left_out
        };
        assert_eq!(
            more.note(),
            "2 of 9 passages were left out so that the answer starts within about 5 s, \
             and 1 because the model has no room for more, \
             and 3 because no more is read for one answer, evenly over the documents"
        );
    }
}
