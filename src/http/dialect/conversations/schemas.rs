//! `/v1/schemas`: what bodies and events look like, as JSON Schema. Those of this
//! dialect have names of their own; those of the others are the definitions of
//! the OpenAPI document.

use super::Conversations;
use crate::error::Fault;
use crate::http::extract::PathValues;
use crate::http::failure::Failure;
use crate::http::openapi;
use actix_web::HttpResponse;
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

/// One definition for each body and event.
const DEFINITIONS: &str = include_str!("schemas.json");

type Answer = Result<HttpResponse, Failure<Conversations>>;

/// How the same definitions are called in the OpenAPI document.
const PREFIX: &str = "Conversations.";

static OWN: LazyLock<Map<String, Value>> = LazyLock::new(|| {
    serde_json::from_str(DEFINITIONS).expect("the file is part of the program, and tests read it")
});

/// The definitions of this dialect, by name.
pub(super) fn own_definitions() -> Map<String, Value> {
    OWN.clone()
}

/// `GET /v1/schemas`: the names of all schemas.
pub(crate) async fn list() -> Answer {
    let entry = |name: &str| json!({"name": name, "path": format!("/v1/schemas/{name}")});
    let others = openapi::definition_names().filter(|name| !name.starts_with(PREFIX));
    let own = OWN.keys().map(String::as_str);
    let paths: Vec<Value> = own.chain(others).map(entry).collect();
    Ok(HttpResponse::Ok().json(json!({"schemas": paths})))
}

/// `GET /v1/schemas/{name}`: one schema, complete in itself.
pub(crate) async fn read(name: PathValues<Conversations, String>) -> Answer {
    let name = name.value;
    let schema = match OWN.get(&name) {
        Some(_) => Some(json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$ref": format!("#/$defs/{name}"),
            "$defs": *OWN,
        })),
        None => openapi::definition(&name),
    };
    let schema = schema.ok_or_else(|| Fault::not_found("there is no schema of this name"))?;
    Ok(HttpResponse::Ok()
        .content_type("application/schema+json")
        .json(schema))
}
