//! `/api/answers`: how an answer came about, and the same answer once more.

use super::Native;
use crate::http::State;
use crate::http::auth::Authorized;
use crate::http::extract::PathValues;
use crate::http::failure::Failure;
use crate::http::openapi::Operation;
use crate::service::{Change, Difference, DifferenceKind, Made, Replay, Side};
use crate::types::{AnswerRecord, DocumentId, MessageId};
use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

type Answer = Result<HttpResponse, Failure<Native>>;

/// `GET /api/answers/{answer_id}/record`.
pub(crate) async fn record(
    state: web::Data<State>,
    caller: Authorized<Native>,
    id: PathValues<Native, MessageId>,
) -> Answer {
    let record = state.service.answer_record(&caller, &id.value).await?;
    Ok(HttpResponse::Ok().json(record))
}

/// `POST /api/answers/{answer_id}/replay`: takes as long as an answer does, and
/// one's place among the caller's streams.
pub(crate) async fn replay(
    state: web::Data<State>,
    caller: Authorized<Native>,
    id: PathValues<Native, MessageId>,
) -> Answer {
    let _permit = state.answers.acquire(&caller.user_id)?;
    let replay = state.service.replay(&caller, &id.value).await?;
    Ok(HttpResponse::Ok().json(ReplayWire::new(&id.value, &replay)))
}

/// An answer, made twice.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReplayWire<'a> {
    answer_id: &'a MessageId,
    question: &'a str,
    /// Whether the same passages were found and the same was answered, of
    /// documents that are as they were.
    same: bool,
    /// As it is stored.
    first: MadeWire<'a>,
    /// As it is made now; it is not stored.
    again: MadeWire<'a>,
    differences: Vec<DifferenceWire<'a>>,
    /// The sentences of both answers in order; none if both are the same.
    sentences: Vec<SentenceWire<'a>>,
}

impl<'a> ReplayWire<'a> {
    fn new(answer_id: &'a MessageId, replay: &'a Replay) -> Self {
        let differences = &replay.differences;
        Self {
            answer_id,
            question: &replay.question.content,
            same: !differences.iter().any(|one| one.kind.is_of_outcome()),
            first: (&replay.first).into(),
            again: (&replay.again).into(),
            differences: differences.iter().map(DifferenceWire::from).collect(),
            sentences: replay.changes.iter().map(SentenceWire::from).collect(),
        }
    }
}

/// An answer with how it came about.
#[derive(Serialize, ToSchema)]
pub(crate) struct MadeWire<'a> {
    content: &'a str,
    record: &'a AnswerRecord,
}

impl<'a> From<&'a Made> for MadeWire<'a> {
    fn from(made: &'a Made) -> Self {
        Self {
            content: &made.content,
            record: &made.record,
        }
    }
}

/// Something that differs.
#[derive(Serialize, ToSchema)]
pub(crate) struct DifferenceWire<'a> {
    #[schema(value_type = DifferenceKind)]
    kind: &'static str,
    /// Whether it is about what came out, and not about what it was made with.
    outcome: bool,
    /// For people.
    text: &'a str,
    first: Option<&'a str>,
    again: Option<&'a str>,
    /// Where it is about a document.
    document_id: Option<&'a DocumentId>,
    /// Where it is about one of its passages.
    chunk_index: Option<u32>,
}

impl<'a> From<&'a Difference> for DifferenceWire<'a> {
    fn from(difference: &'a Difference) -> Self {
        Self {
            kind: difference.kind.as_str(),
            outcome: difference.kind.is_of_outcome(),
            text: &difference.text,
            first: difference.first.as_deref(),
            again: difference.again.as_deref(),
            document_id: difference.document_id.as_ref(),
            chunk_index: difference.chunk_index,
        }
    }
}

/// A sentence of one answer, or of both.
#[derive(Serialize, ToSchema)]
pub(crate) struct SentenceWire<'a> {
    #[schema(value_type = Side)]
    side: &'static str,
    text: &'a str,
}

impl<'a> From<&'a Change> for SentenceWire<'a> {
    fn from(change: &'a Change) -> Self {
        Self {
            side: change.side.as_str(),
            text: &change.sentence,
        }
    }
}

/// What these endpoints say about themselves.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::of(
            "read how an answer came about",
            "Models, prompt, options, and the passages that were shown, skipped and considered.",
        )
        .answers::<AnswerRecord>(200),
        Operation::of(
            "replay an answer",
            "Answers the question once more, as it was answered, and says what differs. Nothing \
             of it is stored.",
        )
        .answers::<ReplayWire<'_>>(200)
        .refuses(&[409, 503, 504]),
    ]
}
