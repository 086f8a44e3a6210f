//! `/v1/schemas`: what bodies and events look like, as JSON Schema. Those of this
//! dialect have names of their own; those of the others are the definitions of
//! the OpenAPI document.

use super::Conversations;
use crate::error::Fault;
use crate::http::extract::PathValues;
use crate::http::failure::Failure;
use crate::http::openapi;
use actix_web::HttpResponse;
use serde_json::{Value, json};

/// One definition for each body and event.
const DEFINITIONS: &str = include_str!("schemas.json");

type Answer = Result<HttpResponse, Failure<Conversations>>;

fn definitions() -> Result<Value, Fault> {
    serde_json::from_str(DEFINITIONS)
        .map_err(|error| Fault::internal(format!("the schemas are not JSON: {error}")))
}

/// `GET /v1/schemas`: the names of all schemas.
pub(crate) async fn list() -> Answer {
    let definitions = definitions()?;
    let entry = |name: &str| json!({"name": name, "path": format!("/v1/schemas/{name}")});
    let own = definitions.as_object().into_iter().flatten();
    let mut paths: Vec<Value> = own.map(|(name, _)| entry(name)).collect();
    paths.extend(openapi::definition_names().map(entry));
    Ok(HttpResponse::Ok().json(json!({"schemas": paths})))
}

/// `GET /v1/schemas/{name}`: one schema, complete in itself.
pub(crate) async fn read(name: PathValues<Conversations, String>) -> Answer {
    let (name, definitions) = (name.value, definitions()?);
    let schema = match definitions.get(&name) {
        Some(_) => Some(json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$ref": format!("#/$defs/{name}"),
            "$defs": definitions,
        })),
        None => openapi::definition(&name),
    };
    let schema = schema.ok_or_else(|| Fault::not_found("there is no schema of this name"))?;
    Ok(HttpResponse::Ok()
        .content_type("application/schema+json")
        .json(schema))
}
