//! `/api/answers/{answer_id}/judgements`, for who asked, and `/api/gold/export`,
//! for administrators.

use super::Native;
use super::wire::Said;
use crate::error::Fault;
use crate::http::audit;
use crate::http::auth::Authorized;
use crate::http::extract::{JsonBody, PathValues};
use crate::http::failure::Failure;
use crate::http::openapi::{Operation, Shape};
use crate::http::{HttpError, State};
use crate::service::{GoldPassage, GoldQuestion, MarkedPlace};
use crate::types::{DatasetId, DocumentId, Judgement, JudgementId, MessageId, SessionId, UserId};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;
use utoipa::ToSchema;

type Answer = Result<HttpResponse, Failure<Native>>;

/// Body of the answer of `GET /api/answers/{answer_id}/judgements`.
#[derive(Serialize, ToSchema)]
pub(crate) struct Judgements<'a> {
    judgements: Vec<JudgementWire<'a>>,
}

/// `GET /api/answers/{answer_id}/judgements`.
pub(crate) async fn list(
    state: web::Data<State>,
    caller: Authorized<Native>,
    answer: PathValues<Native, MessageId>,
) -> Answer {
    let judgements = state.service.judgements(&caller, &answer.value).await?;
    Ok(HttpResponse::Ok().json(Judgements {
        judgements: judgements.iter().map(JudgementWire::from).collect(),
    }))
}

/// Body of `POST /api/answers/{answer_id}/judgements`: where the passage is, all
/// four of it, or that the documents do not answer the question. Its schema is
/// [`judgement_body`], because a derived one could not tell the two apart.
#[derive(Deserialize)]
pub(crate) struct JudgementBody {
    document_id: Option<DocumentId>,
    #[serde(default, deserialize_with = "whole")]
    page: Option<u32>,
    #[serde(default, deserialize_with = "whole")]
    start: Option<u32>,
    #[serde(default, deserialize_with = "whole")]
    end: Option<u32>,
    #[serde(default)]
    unanswerable: bool,
}

/// The schema of [`JudgementBody`].
fn judgement_body() -> Shape {
    let place = |least: u32, about: &str| {
        json!({"type": "integer", "format": "int32", "minimum": least,
            "description": about})
    };
    let nothing = json!({"type": "null"});
    let passage = json!({
        "type": "object",
        "description": "This was the passage.",
        "required": ["document_id", "page", "start", "end"],
        "properties": {
            "document_id": {"type": "string", "description": "Names a document: a UUID"},
            "page": place(1, "Which of the document's stored pages, 1 for the first"),
            "start": place(0, "First character in the page's text"),
            "end": place(1, "One past the last character in the page's text"),
            "unanswerable": {"type": "boolean", "enum": [false], "default": false},
        },
    });
    let unanswerable = json!({
        "type": "object",
        "description": "The documents do not answer the question; there is no passage to name.",
        "required": ["unanswerable"],
        "properties": {
            "document_id": nothing, "page": nothing, "start": nothing, "end": nothing,
            "unanswerable": {"type": "boolean", "enum": [true]},
        },
    });
    Shape::named("JudgementBody", json!({"oneOf": [passage, unanswerable]}))
}

impl JudgementBody {
    /// The place that is marked; `None`: the documents do not answer the question.
    fn marked(self) -> Result<Option<MarkedPlace>, HttpError> {
        let place = [
            ("document_id", self.document_id.is_some()),
            ("page", self.page.is_some()),
            ("start", self.start.is_some()),
            ("end", self.end.is_some()),
        ];
        if let Some((field, _)) = place.iter().find(|(_, given)| *given == self.unanswerable) {
            let what = match self.unanswerable {
                true => "where the documents do not answer the question, there is no passage",
                false => "it is needed to name the passage, unless unanswerable is true",
            };
            return Err(HttpError::field(field, what));
        }
        Ok(match (self.document_id, self.page, self.start, self.end) {
            (Some(document_id), Some(page), Some(start), Some(end)) => Some(MarkedPlace {
                document_id,
                page,
                start: start as usize,
                end: end as usize,
            }),
            _ => None,
        })
    }
}

/// A whole number, also as `47.0`: for JSON Schema both are integers. What is
/// too large is beyond every page and stays so.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let Some(number) = Option::<f64>::deserialize(deserializer)? else {
        return Ok(None);
    };
    if number < 0.0 || number.fract() != 0.0 {
        let message = format!("{number} is not a whole number from 0 on");
        return Err(D::Error::custom(message));
    }
    Ok(Some(number as u32))
}

/// `POST /api/answers/{answer_id}/judgements`: this was the passage, or there is
/// none.
pub(crate) async fn judge(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Authorized<Native>,
    answer: PathValues<Native, MessageId>,
    body: JsonBody<Native, JudgementBody>,
) -> Answer {
    let marked = body.value.marked()?;
    let judgement = state.service.judge(&caller, answer.value, marked).await?;
    audit::note_object(&request, judgement.id.as_str());
    Ok(HttpResponse::Created().json(JudgementWire::from(&judgement)))
}

/// `DELETE /api/answers/{answer_id}/judgements/{judgement_id}`.
pub(crate) async fn take_back(
    state: web::Data<State>,
    caller: Authorized<Native>,
    names: PathValues<Native, (MessageId, JudgementId)>,
) -> Answer {
    let (answer, judgement) = &names.value;
    let service = &state.service;
    service
        .take_judgement_back(&caller, answer, judgement)
        .await?;
    Ok(HttpResponse::Ok().json(Said {
        message: "Judgement taken back",
    }))
}

/// `GET /api/gold/export`: each question with what answers it, a line each.
pub(crate) async fn export(state: web::Data<State>, caller: Authorized<Native>) -> Answer {
    let mut lines = String::new();
    for question in state.service.gold_set(&caller).await? {
        let line = serde_json::to_string(&GoldWire::from(&question));
        lines += &line.map_err(|error| Fault::internal(error.to_string()))?;
        lines.push('\n');
    }
    let attached = ("content-disposition", "attachment; filename=\"gold.jsonl\"");
    Ok(HttpResponse::Ok()
        .content_type("application/jsonl")
        .insert_header(attached)
        .body(lines))
}

/// The endpoints, described.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::of(
            "list judged passages",
            "Those that the caller marked as what answers the question of an answer, and \
             whether it said that the documents do not answer it.",
        )
        .answers::<Judgements>(200),
        Operation::of(
            "judge a passage",
            "This was the passage that answers, or the documents do not answer the question. \
             Said again, it stays said once; either takes the other back.",
        )
        .takes_shape(true, "application/json", judgement_body())
        .answers::<JudgementWire>(201),
        Operation::of(
            "take a judgement back",
            "The passage is not marked any more, or the question not held for unanswerable.",
        )
        .answers::<Said>(200),
        Operation::of(
            "export the gold set",
            "Each question with the passages that people say answer it, one a line; without \
             any where they say that the documents do not answer it.",
        )
        .answers_shape(200, "application/jsonl", Shape::of::<GoldWire>()),
    ]
}

/// That a passage answers a question; or that the documents do not, and then all
/// about the passage is null.
#[derive(Serialize, ToSchema)]
pub(crate) struct JudgementWire<'a> {
    id: &'a JudgementId,
    answer_id: &'a MessageId,
    document_id: Option<&'a DocumentId>,
    dataset_id: Option<&'a DatasetId>,
    filename: Option<&'a str>,
    page: Option<u32>,
    start: Option<usize>,
    end: Option<usize>,
    /// Of the words between them.
    sha256: Option<&'a str>,
    /// The documents do not answer the question.
    unanswerable: bool,
    #[schema(format = DateTime)]
    created_at: String,
}

impl<'a> From<&'a Judgement> for JudgementWire<'a> {
    fn from(judgement: &'a Judgement) -> Self {
        let passage = judgement.passage.as_ref();
        Self {
            id: &judgement.id,
            answer_id: &judgement.answer_id,
            document_id: passage.map(|one| &one.document_id),
            dataset_id: passage.map(|one| &one.dataset_id),
            filename: passage.map(|one| one.filename.as_str()),
            page: passage.map(|one| one.page),
            start: passage.map(|one| one.start),
            end: passage.map(|one| one.end),
            sha256: passage.map(|one| one.sha256.as_str()),
            unanswerable: passage.is_none(),
            created_at: judgement.created_at.to_string(),
        }
    }
}

/// A question with the passages that answer it.
#[derive(Serialize, ToSchema)]
pub(crate) struct GoldWire<'a> {
    /// As it was searched for.
    question: &'a str,
    session_id: &'a SessionId,
    answer_id: &'a MessageId,
    user_id: &'a UserId,
    passages: Vec<GoldPassageWire<'a>>,
    /// The documents do not answer the question, so it has no passages.
    unanswerable: bool,
}

/// A passage that answers; page, start and end are null where the document no
/// longer has its words.
#[derive(Serialize, ToSchema)]
pub(crate) struct GoldPassageWire<'a> {
    document_id: &'a DocumentId,
    dataset_id: &'a DatasetId,
    filename: &'a str,
    page: Option<u32>,
    start: Option<usize>,
    end: Option<usize>,
    /// Of the words between them.
    sha256: &'a str,
    /// 2: somebody marked it; 1: an answer that somebody found good cites it.
    grade: u32,
    #[schema(format = DateTime)]
    judged_at: String,
}

impl<'a> From<&'a GoldQuestion> for GoldWire<'a> {
    fn from(gold: &'a GoldQuestion) -> Self {
        Self {
            question: &gold.question,
            session_id: &gold.session_id,
            answer_id: &gold.answer_id,
            user_id: &gold.user_id,
            passages: gold.passages.iter().map(GoldPassageWire::from).collect(),
            unanswerable: gold.passages.is_empty(),
        }
    }
}

impl<'a> From<&'a GoldPassage> for GoldPassageWire<'a> {
    fn from(passage: &'a GoldPassage) -> Self {
        Self {
            document_id: &passage.document_id,
            dataset_id: &passage.dataset_id,
            filename: &passage.filename,
            page: passage.place.map(|(page, _, _)| page),
            start: passage.place.map(|(_, start, _)| start),
            end: passage.place.map(|(_, _, end)| end),
            sha256: &passage.sha256,
            grade: passage.grade,
            judged_at: passage.judged_at.to_string(),
        }
    }
}
