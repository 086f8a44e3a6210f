//! `/api/feedback`, for administrators.

use super::Native;
use crate::error::Fault;
use crate::http::auth::Authorized;
use crate::http::extract::QueryParams;
use crate::http::failure::Failure;
use crate::http::{HttpError, State};
use crate::service::{FeedbackEntry, FeedbackFilter};
use crate::types::{FeedbackId, FeedbackKind, MessageId, SessionId, UserId};
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

type Answer = Result<HttpResponse, Failure<Native>>;

/// Verdicts in one answer, unless asked otherwise.
const DEFAULT_LIMIT: usize = 50;
/// Verdicts in one answer at most.
const MAX_LIMIT: usize = 500;

/// Query of `/api/feedback`.
#[derive(Deserialize, IntoParams)]
pub(crate) struct ListQuery {
    /// Verdicts of this kind alone; empty: of all kinds.
    #[param(pattern = "^(thumbs_up|thumbs_down|report_inaccurate)?$")]
    feedback_type: Option<String>,
    /// `next_cursor` of the answer before.
    #[param(pattern = "^[0-9]{0,18}$")]
    cursor: Option<String>,
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

fn kind(word: Option<String>) -> Result<Option<FeedbackKind>, HttpError> {
    let word = word.filter(|word| !word.is_empty());
    let unknown = |word: &str| {
        let what = format!("{word:?} is no kind of feedback");
        HttpError::field("feedback_type", what)
    };
    word.map(|word| FeedbackKind::parse(&word).ok_or_else(|| unknown(&word)))
        .transpose()
}

/// Body of the answer of `GET /api/feedback`.
#[derive(Serialize, ToSchema)]
pub(crate) struct FeedbackList<'a> {
    feedback: Vec<FeedbackWire<'a>>,
    next_cursor: Option<String>,
}

/// `GET /api/feedback`.
pub(crate) async fn list(
    state: web::Data<State>,
    caller: Authorized<Native>,
    query: QueryParams<Native, ListQuery>,
) -> Answer {
    let cursor = query.value.cursor.filter(|cursor| !cursor.is_empty());
    let key = |cursor: String| {
        let key = cursor.parse::<i64>().ok();
        let key = key.and_then(|key| u64::try_from(key).ok());
        key.ok_or_else(|| HttpError::field("cursor", "not a cursor of this list"))
    };
    let after = cursor.map(key).transpose()?;
    let limit = query.value.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        let what = format!("{limit} is not within 1 and {MAX_LIMIT}");
        return Err(HttpError::field("limit", what).into());
    }
    let filter = FeedbackFilter {
        kind: kind(query.value.feedback_type)?,
        after,
        limit,
    };
    let page = state.service.feedback(&caller, filter).await?;
    Ok(HttpResponse::Ok().json(FeedbackList {
        feedback: page.entries.iter().map(FeedbackWire::from).collect(),
        next_cursor: page.next.map(|key| key.to_string()),
    }))
}

/// Query of `/api/feedback/export`.
#[derive(Deserialize, IntoParams)]
pub(crate) struct ExportQuery {
    /// Verdicts of this kind alone; empty: of all kinds.
    #[param(pattern = "^(thumbs_up|thumbs_down|report_inaccurate)?$")]
    feedback_type: Option<String>,
}

/// `GET /api/feedback/export`: all of it, a line each.
pub(crate) async fn export(
    state: web::Data<State>,
    caller: Authorized<Native>,
    query: QueryParams<Native, ExportQuery>,
) -> Answer {
    let kind = kind(query.value.feedback_type)?;
    let mut lines = String::new();
    let mut after = None;
    loop {
        let filter = FeedbackFilter {
            kind,
            after,
            limit: MAX_LIMIT,
        };
        let page = state.service.feedback(&caller, filter).await?;
        for entry in &page.entries {
            let line = serde_json::to_string(&FeedbackWire::from(entry));
            lines += &line.map_err(|error| Fault::internal(error.to_string()))?;
            lines.push('\n');
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let attached = (
        "content-disposition",
        "attachment; filename=\"feedback.jsonl\"",
    );
    Ok(HttpResponse::Ok()
        .content_type("application/jsonl")
        .insert_header(attached)
        .body(lines))
}

/// A verdict, with what it is on.
#[derive(Serialize, ToSchema)]
pub(crate) struct FeedbackWire<'a> {
    id: &'a FeedbackId,
    session_id: &'a SessionId,
    user_id: &'a UserId,
    query_id: &'a MessageId,
    response_id: &'a MessageId,
    #[schema(value_type = FeedbackKind)]
    feedback_type: &'static str,
    feedback_text: Option<&'a str>,
    question: &'a str,
    answer: &'a str,
    #[schema(format = DateTime)]
    created_at: String,
}

impl<'a> From<&'a FeedbackEntry> for FeedbackWire<'a> {
    fn from(entry: &'a FeedbackEntry) -> Self {
        let feedback = &entry.feedback;
        Self {
            id: &feedback.id,
            session_id: &feedback.session_id,
            user_id: &feedback.user_id,
            query_id: &feedback.query_id,
            response_id: &feedback.response_id,
            feedback_type: feedback.kind.as_str(),
            feedback_text: feedback.text.as_deref(),
            question: &entry.question,
            answer: &entry.answer,
            created_at: feedback.created_at.to_string(),
        }
    }
}
