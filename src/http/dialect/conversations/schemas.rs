//! `/v1/schemas`: what the bodies of this dialect look like, as JSON Schema.

use super::Conversations;
use crate::error::Fault;
use crate::http::extract::PathValues;
use crate::http::failure::Failure;
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
    let names = definitions.as_object().into_iter().flatten();
    let paths: Vec<_> = names
        .map(|(name, _)| json!({"name": name, "path": format!("/v1/schemas/{name}")}))
        .collect();
    Ok(HttpResponse::Ok().json(json!({"schemas": paths})))
}

/// `GET /v1/schemas/{name}`: one schema, complete in itself.
pub(crate) async fn read(name: PathValues<Conversations, String>) -> Answer {
    let (name, definitions) = (name.value, definitions()?);
    if definitions.get(&name).is_none() {
        return Err(Fault::not_found("there is no schema of this name").into());
    }
    Ok(HttpResponse::Ok()
        .content_type("application/schema+json")
        .json(json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$ref": format!("#/$defs/{name}"),
            "$defs": definitions,
        })))
}
