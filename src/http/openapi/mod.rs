//! `GET /openapi.json`: all endpoints as an OpenAPI 3.1 document, made from the
//! code. The table of endpoints says paths, methods and who may call; each
//! dialect adds what only it knows, mostly as types that derive their schema.
//! Must not describe what the table does not have.

mod document;
mod nouns;
mod operation;
mod shape;

pub(super) use document::{definition, definition_names};
pub(super) use operation::Operation;
pub(super) use shape::Shape;

use super::dialect::Tongue;
use super::dialect::{
    chat_module, chat_store, conversations, native, openai, orchestration, rag_chat,
};
use super::failure::Failure;
use actix_web::HttpResponse;
use actix_web::http::header;
use native::Native;
use std::collections::BTreeMap;

/// What a dialect says about itself and its endpoints.
pub(super) struct Description {
    pub(super) tongue: Tongue,
    /// Names the dialect in the document.
    pub(super) tag: &'static str,
    pub(super) about: &'static str,
    /// The envelope of its errors.
    pub(super) failure: Shape,
    pub(super) operations: Vec<Operation>,
    /// Schemas that exist beside those which the operations refer to.
    pub(super) more: BTreeMap<String, serde_json::Value>,
}

/// All that is described.
fn descriptions() -> Vec<Description> {
    vec![
        conversations::openapi::description(),
        rag_chat::openapi::description(),
        chat_store::openapi::description(),
        orchestration::openapi::description(),
        chat_module::openapi::description(),
        openai::openapi::description(),
        native::openapi::description(),
    ]
}

/// The document as text.
pub fn openapi_document() -> &'static str {
    document::text()
}

/// `GET /openapi.json`.
pub(super) async fn read() -> Result<HttpResponse, Failure<Native>> {
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .body(document::text()))
}

#[cfg(test)]
mod tests;
