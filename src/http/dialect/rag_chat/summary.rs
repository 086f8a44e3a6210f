//! What contract 2 says about a whole answer: in its last frame, and in the
//! metadata of its message.

use crate::types::{
    AnswerMode, AnswerSummary, Citation, Coverage, FinishReason, LeftOut, MessageId, PartsRead,
    SentenceCheck, SessionId, ShownSource, TokenUsage,
};
use serde::Serialize;
use utoipa::ToSchema;

/// Tokens that the chat model read and wrote.
#[derive(Debug, Serialize, ToSchema)]
struct UsageWire {
    prompt: u64,
    completion: u64,
    total: u64,
    reused: u64,
}

impl From<TokenUsage> for UsageWire {
    fn from(usage: TokenUsage) -> Self {
        Self {
            prompt: usage.prompt,
            completion: usage.completion,
            total: usage.prompt + usage.completion,
            reused: usage.reused,
        }
    }
}

/// Passages that the chat model did not get to see.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LeftOutWire {
    /// For people.
    note: String,
    passages: usize,
    for_time: usize,
    for_context: usize,
    for_bound: usize,
    of: usize,
    first_token_seconds: f32,
}

impl From<LeftOut> for LeftOutWire {
    fn from(left_out: LeftOut) -> Self {
        Self {
            note: left_out.note(),
            passages: left_out.passages(),
            for_time: left_out.for_time,
            for_context: left_out.for_context,
            for_bound: left_out.for_bound,
            of: left_out.of,
            first_token_seconds: left_out.seconds,
        }
    }
}

/// What the chat model read part by part, because one prompt had no room for it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PartsWire {
    /// How many parts it took notes on.
    parts: usize,
    /// The passages in them.
    passages: usize,
    /// The tokens of this alone; the answer's usage has them, too.
    usage: UsageWire,
}

impl From<PartsRead> for PartsWire {
    fn from(read: PartsRead) -> Self {
        Self {
            parts: read.parts,
            passages: read.passages,
            usage: read.usage.into(),
        }
    }
}

/// What is said about an answer, in its last frame and in its message's metadata.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SummaryWire<'a> {
    /// The answer, rendered and sanitised.
    html: &'a str,
    #[schema(pattern = "^(quotes|model|nothing_found)$")]
    mode: &'static str,
    /// The chat model that wrote it, if one did.
    #[schema(required)]
    model: Option<&'a str>,
    #[schema(value_type = FinishReason)]
    finish_reason: &'static str,
    /// What checking each sentence found.
    checks: &'a [SentenceCheck],
    usage: UsageWire,
    coverage: &'a Coverage,
    /// What the chat model did not get to see; null if it saw all.
    #[schema(required)]
    left_out: Option<LeftOutWire>,
    /// What the chat model read part by part; null if it read nothing so.
    #[schema(required)]
    parts: Option<PartsWire>,
    /// How likely it is that the documents answer the question at all, 0-1, as far
    /// as the search can tell; null where that is no question, as for a list.
    #[schema(required)]
    answerable: Option<f32>,
    /// Whether the question was answered: not where nothing was found, nor where the
    /// chat model says that the passages do not tell; null: the answer is older than
    /// that.
    #[schema(required)]
    answered: Option<bool>,
    #[schema(required)]
    first_token_ms: Option<f64>,
    total_ms: f64,
    sources: &'a [ShownSource],
    /// What was searched for, where the question leans on its conversation and
    /// says less than it means; else null.
    #[schema(required)]
    searched_for: Option<&'a str>,
    /// What the chat model thought before it answered.
    #[schema(required)]
    reasoning: Option<&'a str>,
}

impl<'a> SummaryWire<'a> {
    /// Of an answer that was rendered as `html`.
    pub(crate) fn new(html: &'a str, summary: &'a AnswerSummary) -> Self {
        let (mode, model) = match &summary.mode {
            AnswerMode::Quotes => ("quotes", None),
            AnswerMode::Model { name } => ("model", Some(name.as_str())),
            AnswerMode::NothingFound => ("nothing_found", None),
        };
        Self {
            html,
            mode,
            model,
            finish_reason: summary.finish_reason.as_str(),
            checks: &summary.checks,
            usage: summary.usage.into(),
            coverage: &summary.coverage,
            left_out: summary.left_out.map(LeftOutWire::from),
            parts: summary.parts.map(PartsWire::from),
            answerable: summary.answerable,
            answered: summary.answered,
            first_token_ms: summary.first_token_ms,
            total_ms: summary.total_ms,
            sources: &summary.sources,
            searched_for: summary.searched_for.as_deref(),
            reasoning: summary.reasoning.as_deref(),
        }
    }
}

/// A whole answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FinalAnswer<'a> {
    pub(crate) content: &'a str,
    pub(crate) citations: &'a [Citation],
    #[schema(value_type = SessionId)]
    pub(crate) session_id: Option<&'a SessionId>,
    pub(crate) message_id: &'a MessageId,
    #[serde(flatten)]
    pub(crate) summary: SummaryWire<'a>,
}
