//! `/documents/…` as contract 2 has them: upload, text, chunks.

use super::RagChat;
use super::wire::{self, DocumentWire};
use crate::error::Fault;
use crate::http::audit;
use crate::http::auth::Authorized;
use crate::http::extract::{PathValues, from_json, in_time};
use crate::http::failure::Failure;
use crate::http::{HttpError, State};
use crate::service::Branch;
use crate::service::{Caller, Upload, UploadRequest};
use crate::types::{DatasetId, DocumentId, DocumentMetadata, DocumentStatus, SessionId};
use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::TryStreamExt;
use serde_json::{Value, json};
use std::time::Duration;

type Answer = Result<HttpResponse, Failure<RagChat>>;

/// Largest form field beside the file, in bytes.
const FIELD_LIMIT: usize = 64 * 1024;

/// Longest file name that is kept, in characters.
const NAME_CHARS: usize = 255;

/// `POST /documents/upload`: answers when the text is extracted.
pub(crate) async fn upload(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Authorized<RagChat>,
    form: Multipart,
) -> Answer {
    let added = receive(&state, &caller, form).await?.finish().await?;
    let Some(first) = added.documents.first() else {
        return Err(Fault::invalid("the file holds no documents").into());
    };
    audit::note_object(&request, first.id.as_str());
    let document = state.service.extracted(&caller, &first.id).await?;
    if document.status == DocumentStatus::Failed && !first.duplicate {
        return Err(state.service.not_read(&document).into());
    }
    let (document, text) = state.service.document_text(&caller, &first.id).await?;
    let mut body = DocumentWire::new(&document, &text);
    if first.duplicate {
        body = body.with("duplicate", true);
    }
    if added.documents.len() > 1 {
        body = body.with("documents", added.documents.len());
    }
    Ok(HttpResponse::Ok().json(body))
}

/// `PUT /documents/{document_id}`: another content for a document; answers when
/// its text is extracted.
pub(crate) async fn replace(
    state: web::Data<State>,
    caller: Authorized<RagChat>,
    id: PathValues<RagChat, DocumentId>,
    form: Multipart,
) -> Answer {
    // Who may not see the document hears so before sending a file.
    state.service.document(&caller, &id.value).await?;
    let upload = receive(&state, &caller, form).await?;
    let replaced = upload.replace(&id.value).await?;
    let document = state.service.extracted(&caller, &replaced.id).await?;
    if document.status == DocumentStatus::Failed {
        return Err(state.service.not_read(&document).into());
    }
    let (document, text) = state.service.document_text(&caller, &document.id).await?;
    Ok(HttpResponse::Ok().json(DocumentWire::new(&document, &text)))
}

/// Reads the form to its end. The fields may come in any order.
async fn receive(
    state: &State,
    caller: &Caller,
    mut form: Multipart,
) -> Result<Upload, Failure<RagChat>> {
    let mut upload: Option<Upload> = None;
    let mut dataset_id: Option<DatasetId> = None;
    // Fields of their own win over the same keys in `metadata`.
    let (mut metadata, mut plain) = (DocumentMetadata::default(), DocumentMetadata::default());
    let patience = state.service.config().body_timeout;
    while let Some(mut field) = in_time(patience, form.try_next())
        .await?
        .map_err(unreadable)?
    {
        match field.name().unwrap_or_default() {
            "file" if upload.is_some() => {
                return Err(HttpError::field("file", "one file at a time, please").into());
            }
            "file" => {
                let request = UploadRequest {
                    filename: file_name(&field)?,
                    dataset_id: dataset_id.clone(),
                    metadata: metadata.clone(),
                };
                let mut started = state.service.begin_upload(caller, request).await?;
                while let Some(bytes) = next_bytes(&mut field, patience).await? {
                    started.write(&bytes).await?;
                }
                upload = Some(started);
            }
            "dataset_id" => {
                let given = text("dataset_id", field, patience).await?;
                dataset_id = given.map(DatasetId::from);
            }
            "title" => plain.title = text("title", field, patience).await?,
            "module" => plain.module = text("module", field, patience).await?,
            "chapter" => plain.chapter = text("chapter", field, patience).await?,
            "section" => plain.section = text("section", field, patience).await?,
            "page_url" => plain.page_url = text("page_url", field, patience).await?,
            "metadata" => {
                let bytes = small("metadata", field, patience).await?;
                if !bytes.trim_ascii().is_empty() {
                    metadata = from_json(&bytes, "metadata")?;
                }
            }
            other => {
                let name = other.to_owned();
                small(&name, field, patience).await?;
            }
        }
    }
    let Some(mut upload) = upload else {
        return Err(HttpError::field("file", "the form has no file").into());
    };
    upload.set_dataset(dataset_id);
    upload.set_metadata(plain.or(metadata));
    Ok(upload)
}

/// A field of text; an empty one says nothing.
async fn text(name: &str, field: Field, patience: Duration) -> Result<Option<String>, HttpError> {
    let bytes = small(name, field, patience).await?;
    let text = String::from_utf8(bytes).map_err(|_| HttpError::field(name, "not valid UTF-8"))?;
    let text = text.trim();
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// A field that is short enough for memory.
async fn small(name: &str, mut field: Field, patience: Duration) -> Result<Vec<u8>, HttpError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = next_bytes(&mut field, patience).await? {
        if bytes.len() + chunk.len() > FIELD_LIMIT {
            let what = format!("longer than {FIELD_LIMIT} bytes");
            return Err(HttpError::field(name, what));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// The next bytes of a field, which must come within `patience`.
async fn next_bytes(field: &mut Field, patience: Duration) -> Result<Option<Bytes>, HttpError> {
    in_time(patience, field.try_next())
        .await?
        .map_err(unreadable)
}

fn unreadable(error: MultipartError) -> HttpError {
    match error {
        MultipartError::ContentTypeMissing
        | MultipartError::ContentTypeParse
        | MultipartError::ContentTypeIncompatible => HttpError::NotMultipart,
        other => HttpError::Body(other.to_string()),
    }
}

fn file_name(field: &Field) -> Result<String, HttpError> {
    let disposition = field.content_disposition();
    let extended = disposition
        .and_then(|one| one.get_filename_ext())
        .and_then(|name| String::from_utf8(name.value.clone()).ok());
    let plain = || {
        disposition
            .and_then(|one| one.get_filename())
            .map(str::to_owned)
    };
    let given = extended.or_else(plain).unwrap_or_default();
    last_component(&given).ok_or_else(|| HttpError::field("file", "the file has no name"))
}

/// The name without folders, of whichever system, and without control characters.
fn last_component(path: &str) -> Option<String> {
    let last = path.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|c| !c.is_control()).collect();
    let name = clean.trim();
    if name.is_empty() || name == "." || name == ".." {
        return None;
    }
    // The end says what kind of file it is.
    let surplus = name.chars().count().saturating_sub(NAME_CHARS);
    Some(name.chars().skip(surplus).collect())
}

/// `GET /documents/{document_id}`.
pub(crate) async fn read(
    state: web::Data<State>,
    caller: Authorized<RagChat>,
    id: PathValues<RagChat, DocumentId>,
) -> Answer {
    let (document, text) = state.service.document_text(&caller, &id.value).await?;
    Ok(HttpResponse::Ok().json(DocumentWire::new(&document, &text)))
}

/// `GET /documents/{document_id}/chunks/{chunk_index}`.
pub(crate) async fn chunk(
    state: web::Data<State>,
    caller: Authorized<RagChat>,
    path: PathValues<RagChat, (DocumentId, u32)>,
) -> Answer {
    let (id, index) = path.value;
    let (document, chunk) = state.service.chunk(&caller, &id, index).await?;
    Ok(HttpResponse::Ok().json(wire::chunk(&document, &chunk)))
}

/// `GET /documents/session/{session_id}`.
pub(crate) async fn of_session(
    state: web::Data<State>,
    caller: Authorized<RagChat>,
    id: PathValues<RagChat, SessionId>,
) -> Answer {
    let (view, _) = state
        .service
        .session(&caller, &id.value, Branch::All)
        .await?;
    let documents: Vec<Value> = view.documents.iter().map(wire::session_document).collect();
    Ok(HttpResponse::Ok().json(json!({
        "total_count": documents.len(),
        "documents": documents,
    })))
}

#[cfg(test)]
mod tests {
    use super::last_component;

    #[test]
    fn folders_of_a_file_name_are_dropped() {
        for (path, name) in [
            ("report.pdf", "report.pdf"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\me\\report.pdf", "report.pdf"),
            (" a\u{0}b\n.txt ", "ab.txt"),
            ("Größe 大小.md", "Größe 大小.md"),
        ] {
            assert_eq!(last_component(path).as_deref(), Some(name));
        }
    }

    #[test]
    fn name_without_a_name_is_refused() {
        for path in ["", "  ", "..", "folder/", "a/..", "\u{7}"] {
            assert_eq!(last_component(path), None, "{path:?}");
        }
    }

    #[test]
    fn long_name_keeps_its_end() {
        let name = last_component(&format!("{}.pdf", "x".repeat(400))).unwrap();
        assert_eq!(name.len(), 255);
        assert!(name.ends_with(".pdf"));
    }
}
