//! `/api/sessions`: the caller's conversations as the page lists them, and
//! their way in and out as files.

use super::Native;
use super::originals::disposition;
use crate::http::audit;
use crate::http::auth::Authorized;
use crate::http::extract::{JsonBody, OptionalJsonBody, PathValues, QueryParams};
use crate::http::failure::Failure;
use crate::http::search_options::SearchOptionsWire;
use crate::http::{HttpError, State};
use crate::service::{ChatChange, ChatFilter, ChatView, NewSession, TranscriptFormat};
use crate::types::{MessageId, Role, Session, SessionId, SessionStatus};
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::StreamExt;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

type Answer = Result<HttpResponse, Failure<Native>>;

/// Conversations in one answer, unless asked otherwise.
const DEFAULT_LIMIT: usize = 50;
/// Conversations in one answer at most.
const MAX_LIMIT: usize = 500;

/// Largest file of conversations that is taken in, in bytes.
const IMPORT_BYTES: usize = 128 * 1024 * 1024;

/// Query of `GET /api/sessions`.
#[derive(Deserialize, IntoParams)]
pub(crate) struct ListQuery {
    /// What its title or its messages have in them.
    q: Option<String>,
    archived: Option<bool>,
    offset: Option<u32>,
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

/// `GET /api/sessions`.
pub(crate) async fn list(
    state: web::Data<State>,
    caller: Authorized<Native>,
    query: QueryParams<Native, ListQuery>,
) -> Answer {
    let query = query.value;
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        let what = format!("{limit} is not within 1 and {MAX_LIMIT}");
        return Err(HttpError::field("limit", what).into());
    }
    let filter = ChatFilter {
        status: query.archived.map(status),
        text: query.q,
        offset: query.offset.unwrap_or(0) as usize,
        limit,
    };
    let (chats, more) = state.service.chats(&caller, filter).await?;
    Ok(HttpResponse::Ok().json(Chats {
        sessions: chats.iter().map(ListedChat::from).collect(),
        more,
    }))
}

/// Body of `POST /api/sessions`; all may be absent.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct NewChat {
    #[schema(min_length = 1, max_length = 200, pattern = "\\S")]
    title: Option<String>,
    #[schema(max_length = 8000)]
    system_prompt: Option<String>,
    search_options: Option<SearchOptionsWire>,
}

/// `POST /api/sessions`: its first question becomes its title, if it has none.
pub(crate) async fn create(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Authorized<Native>,
    body: OptionalJsonBody<Native, NewChat>,
) -> Answer {
    let NewChat {
        title,
        system_prompt,
        search_options,
    } = body.value;
    let new = NewSession {
        title,
        system_prompt: system_prompt.filter(|text| !text.trim().is_empty()),
        search: search_options.unwrap_or_default().checked()?,
        ..NewSession::default()
    };
    let session = state.service.create_session(&caller, new).await?;
    audit::note_object(&request, session.id.as_str());
    Ok(HttpResponse::Created().json(ChatWire::from(&session)))
}

/// `GET /api/sessions/{session_id}`.
pub(crate) async fn read(
    state: web::Data<State>,
    caller: Authorized<Native>,
    id: PathValues<Native, SessionId>,
) -> Answer {
    let session = state.service.find_session(&caller, &id.value).await?;
    Ok(HttpResponse::Ok().json(ChatWire::from(&session)))
}

/// Body of `PATCH /api/sessions/{session_id}`; what is absent stays.
#[derive(Deserialize, ToSchema)]
pub(crate) struct ChatChangeBody {
    #[schema(min_length = 1, max_length = 200, pattern = "\\S")]
    title: Option<String>,
    pinned: Option<bool>,
    archived: Option<bool>,
    /// Null takes it away.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 8000)]
    system_prompt: Option<Option<String>>,
    search_options: Option<SearchOptionsWire>,
}

/// Tells null from absence.
fn given<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(value).map(Some)
}

/// `PATCH /api/sessions/{session_id}`.
pub(crate) async fn update(
    state: web::Data<State>,
    caller: Authorized<Native>,
    id: PathValues<Native, SessionId>,
    body: JsonBody<Native, ChatChangeBody>,
) -> Answer {
    let ChatChangeBody {
        title,
        pinned,
        archived,
        system_prompt,
        search_options,
    } = body.value;
    let change = ChatChange {
        title,
        pinned,
        status: archived.map(status),
        system_prompt: system_prompt.map(|given| given.filter(|text| !text.trim().is_empty())),
        search: search_options.map(SearchOptionsWire::checked).transpose()?,
    };
    let session = state
        .service
        .change_chat(&caller, &id.value, change)
        .await?;
    Ok(HttpResponse::Ok().json(ChatWire::from(&session)))
}

/// The words for how a conversation is written down.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Markdown,
    Json,
}

/// Query of `GET /api/sessions/{session_id}/export`.
#[derive(Deserialize, IntoParams)]
pub(crate) struct ExportQuery {
    #[serde(default)]
    #[param(inline)]
    format: Format,
}

/// `GET /api/sessions/{session_id}/export`.
pub(crate) async fn export(
    state: web::Data<State>,
    caller: Authorized<Native>,
    id: PathValues<Native, SessionId>,
    query: QueryParams<Native, ExportQuery>,
) -> Answer {
    let (format, media_type, extension) = match query.value.format {
        Format::Markdown => (
            TranscriptFormat::Markdown,
            "text/markdown; charset=utf-8",
            "md",
        ),
        Format::Json => (TranscriptFormat::Json, "application/json", "json"),
    };
    let transcript = state.service.transcript(&caller, &id.value, format).await?;
    let name = transcript.title.unwrap_or_else(|| "chat".to_owned());
    Ok(HttpResponse::Ok()
        .content_type(media_type)
        .insert_header(disposition(&file_name(&name, extension), false))
        .body(transcript.text))
}

/// `GET /api/sessions/export`: all of the caller's conversations.
pub(crate) async fn export_all(state: web::Data<State>, caller: Authorized<Native>) -> Answer {
    let text = state.service.transcripts(&caller).await?;
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .insert_header(disposition("satchel-chats.json", false))
        .body(text))
}

/// `POST /api/sessions/import`: the body is the file.
pub(crate) async fn import(
    state: web::Data<State>,
    caller: Authorized<Native>,
    mut body: Payload,
) -> Answer {
    let patience = state.service.config().body_timeout;
    let mut file = Vec::new();
    loop {
        let next = tokio::time::timeout(patience, body.next()).await;
        let piece = next.map_err(|_| HttpError::BodySlow {
            seconds: patience.as_secs(),
        })?;
        let Some(piece) = piece else { break };
        let piece = piece.map_err(|error| HttpError::Body(error.to_string()))?;
        if file.len() + piece.len() > IMPORT_BYTES {
            let limit = IMPORT_BYTES;
            return Err(HttpError::BodyTooLarge { limit }.into());
        }
        file.extend_from_slice(&piece);
    }
    let imported = state.service.import_chats(&caller, file).await?;
    Ok(HttpResponse::Ok().json(ImportedWire {
        imported: imported.sessions.len(),
        known: imported.known,
        refused: imported.refused_count,
        reasons: &imported.refused,
        session_ids: &imported.sessions,
    }))
}

fn status(archived: bool) -> SessionStatus {
    match archived {
        true => SessionStatus::Archived,
        false => SessionStatus::Active,
    }
}

/// Body of the answer of `GET /api/sessions`.
#[derive(Serialize, ToSchema)]
pub(crate) struct Chats<'a> {
    sessions: Vec<ListedChat<'a>>,
    /// Whether there are more.
    more: bool,
}

/// A conversation without its messages.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChatWire<'a> {
    id: &'a SessionId,
    title: Option<&'a str>,
    pinned: bool,
    archived: bool,
    system_prompt: Option<&'a str>,
    search_options: SearchOptionsWire,
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

impl<'a> From<&'a Session> for ChatWire<'a> {
    fn from(session: &'a Session) -> Self {
        Self {
            id: &session.id,
            title: session.title.as_deref(),
            pinned: session.pinned,
            archived: session.status == SessionStatus::Archived,
            system_prompt: session.system_prompt.as_deref(),
            search_options: SearchOptionsWire::from(&session.search),
            expires_at: session.expires_at.map(|time| time.to_string()),
            created_at: session.created_at.to_string(),
            updated_at: session.updated_at.to_string(),
        }
    }
}

/// A conversation in a list.
#[derive(Serialize, ToSchema)]
pub(crate) struct ListedChat<'a> {
    #[serde(flatten)]
    chat: ChatWire<'a>,
    /// The words that were looked for, where a message has them.
    found: Option<FoundWire<'a>>,
}

impl<'a> From<&'a ChatView> for ListedChat<'a> {
    fn from(view: &'a ChatView) -> Self {
        Self {
            chat: ChatWire::from(&view.session),
            found: view.found.as_ref().map(|found| FoundWire {
                message_id: &found.message_id,
                role: match found.role {
                    Role::User => "user",
                    Role::Assistant | Role::System => "assistant",
                },
                text: &found.text,
            }),
        }
    }
}

/// A message in which words were found.
#[derive(Serialize, ToSchema)]
pub(crate) struct FoundWire<'a> {
    message_id: &'a MessageId,
    /// `user` or `assistant`
    role: &'static str,
    text: &'a str,
}

/// What became of a file of conversations.
#[derive(Serialize, ToSchema)]
pub(crate) struct ImportedWire<'a> {
    imported: usize,
    known: usize,
    refused: usize,
    reasons: &'a [String],
    session_ids: &'a [SessionId],
}

/// A title as the name of a file.
fn file_name(title: &str, extension: &str) -> String {
    let plain = |c: char| match c {
        c if c.is_control() || "/\\:*?\"<>|".contains(c) => ' ',
        c => c,
    };
    let name: String = title.chars().map(plain).take(80).collect();
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    match name.trim_matches('.') {
        "" => format!("chat.{extension}"),
        name => format!("{name}.{extension}"),
    }
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn title_becomes_a_plain_file_name() {
        assert_eq!(file_name("Who: a/b?", "md"), "Who a b.md");
        assert_eq!(file_name("..", "json"), "chat.json");
        assert_eq!(file_name("Große Übung", "md"), "Große Übung.md");
    }
}
