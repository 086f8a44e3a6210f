//! `/api/answers/{answer_id}/judgements`, for who asked, and `/api/gold/export`,
//! for administrators.

use super::Native;
use super::wire::Said;
use crate::error::Fault;
use crate::http::State;
use crate::http::audit;
use crate::http::auth::Authorized;
use crate::http::extract::{JsonBody, PathValues};
use crate::http::failure::Failure;
use crate::http::openapi::{Operation, Shape};
use crate::service::{GoldPassage, GoldQuestion, NewJudgement};
use crate::types::{DatasetId, DocumentId, Judgement, JudgementId, MessageId, SessionId, UserId};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
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

/// Body of `POST /api/answers/{answer_id}/judgements`: where the passage is.
#[derive(Deserialize, ToSchema)]
pub(crate) struct JudgementBody {
    document_id: DocumentId,
    /// Which of the document's stored pages, 1 for the first.
    #[schema(minimum = 1)]
    #[serde(deserialize_with = "whole")]
    page: u32,
    /// First character in the page's text.
    #[serde(deserialize_with = "whole")]
    start: u32,
    /// One past the last character in the page's text.
    #[schema(minimum = 1)]
    #[serde(deserialize_with = "whole")]
    end: u32,
}

/// A whole number, also as `47.0`: for JSON Schema both are integers. What is
/// too large is beyond every page and stays so.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let number = f64::deserialize(deserializer)?;
    if number < 0.0 || number.fract() != 0.0 {
        let message = format!("{number} is not a whole number from 0 on");
        return Err(D::Error::custom(message));
    }
    Ok(number as u32)
}

/// `POST /api/answers/{answer_id}/judgements`: this was the passage.
pub(crate) async fn judge(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Authorized<Native>,
    answer: PathValues<Native, MessageId>,
    body: JsonBody<Native, JudgementBody>,
) -> Answer {
    let body = body.value;
    let new = NewJudgement {
        answer_id: answer.value,
        document_id: body.document_id,
        page: body.page,
        start: body.start as usize,
        end: body.end as usize,
    };
    let judgement = state.service.judge_passage(&caller, new).await?;
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
            "Those that the caller marked as what answers the question of an answer.",
        )
        .answers::<Judgements>(200),
        Operation::of(
            "judge a passage",
            "This was the passage that answers. Marked again, it stays marked once.",
        )
        .takes::<JudgementBody>()
        .answers::<JudgementWire>(201),
        Operation::of(
            "take a judgement back",
            "The passage is not marked any more.",
        )
        .answers::<Said>(200),
        Operation::of(
            "export the gold set",
            "Each question with the passages that people say answer it, one a line.",
        )
        .answers_shape(200, "application/jsonl", Shape::of::<GoldWire>()),
    ]
}

/// That a passage answers a question.
#[derive(Serialize, ToSchema)]
pub(crate) struct JudgementWire<'a> {
    id: &'a JudgementId,
    answer_id: &'a MessageId,
    document_id: &'a DocumentId,
    dataset_id: &'a DatasetId,
    filename: &'a str,
    page: u32,
    start: usize,
    end: usize,
    /// Of the words between them.
    sha256: &'a str,
    #[schema(format = DateTime)]
    created_at: String,
}

impl<'a> From<&'a Judgement> for JudgementWire<'a> {
    fn from(judgement: &'a Judgement) -> Self {
        let passage = &judgement.passage;
        Self {
            id: &judgement.id,
            answer_id: &judgement.answer_id,
            document_id: &passage.document_id,
            dataset_id: &passage.dataset_id,
            filename: &passage.filename,
            page: passage.page,
            start: passage.start,
            end: passage.end,
            sha256: &passage.sha256,
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
