//! Holds every answer that a test gets against `/openapi.json`: its status is a
//! documented one, and its body or its events fit their schemas. So each test of
//! an endpoint is also one of its description.

use super::schema::Schemas;
use serde_json::Value;
use std::sync::LazyLock;

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(satchel::http::openapi_document()).unwrap());

static SCHEMAS: LazyLock<Schemas> = LazyLock::new(|| {
    Schemas(
        DOCUMENT["components"]["schemas"]
            .as_object()
            .unwrap()
            .clone(),
    )
});

/// Asserts that the answer to a request is as documented. What the document does
/// not have, such as a wrong method or address, is not its business.
#[track_caller]
pub fn check(method: &str, path: &str, status: u16, media: &str, body: &str) {
    let Some(operation) = operation(method, path) else {
        return;
    };
    let Some(response) = response(operation, status) else {
        panic!("{method} {path}: status {status} is not documented: {body}");
    };
    let media = media.split(';').next().unwrap_or_default();
    if !media.ends_with("json") {
        return;
    }
    let schema = &response["content"][media]["schema"];
    assert!(
        schema.is_object(),
        "{method} {path}: {status} of {media} is not documented"
    );
    let value = serde_json::from_str(body).unwrap();
    SCHEMAS.check_against(schema, &value, &format!("{method} {path}: {status}"));
}

/// Asserts that an event of the stream that a request opened is documented.
#[track_caller]
pub fn check_event(method: &str, path: &str, name: &str, data: &Value) {
    let Some(response) = operation(method, path).and_then(|one| response(one, 200)) else {
        return;
    };
    let schema = &response["content"]["text/event-stream"]["schema"];
    let known = schema["anyOf"].as_array();
    let known = known.unwrap_or_else(|| panic!("{method} {path}: events are not documented"));
    let name = if name.is_empty() { "message" } else { name };
    let fits = |event: &Value| {
        let properties = &event["properties"];
        let schema = &properties["data"];
        properties["event"]["const"] == name
            && match schema.get("contentSchema") {
                Some(content) => SCHEMAS.fits(content, data),
                None => SCHEMAS.fits(schema, data),
            }
    };
    assert!(
        known.iter().any(fits),
        "{method} {path}: the event {name:?} fits none that is documented: {data:#}"
    );
}

/// The operation that a request is for; a path without variables goes first.
fn operation(method: &str, path: &str) -> Option<&'static Value> {
    let path = path.split('?').next().unwrap_or_default();
    let parts: Vec<_> = path.trim_matches('/').split('/').collect();
    let paths = DOCUMENT["paths"].as_object().unwrap().iter();
    let fitting = paths.filter(|(template, _)| matches(template, &parts));
    let (_, methods) = fitting.min_by_key(|(template, _)| template.matches('{').count())?;
    methods.get(method.to_ascii_lowercase())
}

fn matches(template: &str, parts: &[&str]) -> bool {
    let wanted: Vec<_> = template.trim_matches('/').split('/').collect();
    wanted.len() == parts.len()
        && wanted
            .iter()
            .zip(parts)
            .all(|(wanted, part)| wanted == part || (wanted.starts_with('{') && !part.is_empty()))
}

fn response(operation: &'static Value, status: u16) -> Option<&'static Value> {
    let response = operation["responses"].get(status.to_string())?;
    match response["$ref"].as_str() {
        Some(target) => DOCUMENT.pointer(target.strip_prefix('#')?),
        None => Some(response),
    }
}
