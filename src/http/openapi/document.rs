//! Puts the document together: paths, refusals and security from the table,
//! definitions under the prefix of their dialect.

use super::operation::{Operation, meaning_of, template};
use super::shape::{COMPONENTS, DEFINITIONS, definition_of, redirect, tidy};
use super::{Description, descriptions};
use crate::http::dialect::Tongue;
use crate::http::routes::{Access, ENDPOINTS, Endpoint};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::LazyLock;

const ABOUT: &str = "Your documents, a model to ask them, and several dialects to ask in. \
    Each tag is a dialect with its own paths and its own envelope of errors; what is made through \
    one can be read through every other one. A slash at the end of a path is optional. Fields that \
    are not known are ignored. Every response carries `X-Request-Id`.";

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| made_of(&descriptions()));
static TEXT: LazyLock<String> = LazyLock::new(|| DOCUMENT.to_string());

/// The document as text.
pub(super) fn text() -> &'static str {
    TEXT.as_str()
}

/// The names of all definitions.
pub(crate) fn definition_names() -> impl Iterator<Item = &'static str> {
    let definitions = DOCUMENT["components"]["schemas"].as_object();
    definitions
        .into_iter()
        .flatten()
        .map(|(name, _)| name.as_str())
}

/// A definition as a schema that is complete in itself.
pub(crate) fn definition(name: &str) -> Option<Value> {
    let all = DOCUMENT["components"]["schemas"].as_object()?;
    let mut needed = BTreeMap::new();
    let mut open = vec![all.get_key_value(name)?];
    while let Some((name, schema)) = open.pop() {
        if needed.contains_key(name) {
            continue;
        }
        let mut own = schema.clone();
        redirect(&mut own, &|target| target.replace(COMPONENTS, DEFINITIONS));
        needed.insert(name, own);
        let targets = targets(schema);
        open.extend(targets.filter_map(|target| all.get_key_value(definition_of(target)?)));
    }
    Some(json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": format!("{DEFINITIONS}{name}"),
        "$defs": needed,
    }))
}

/// Where the references in a schema point to.
pub(super) fn targets(schema: &Value) -> Box<dyn Iterator<Item = &str> + '_> {
    match schema {
        Value::Array(all) => Box::new(all.iter().flat_map(targets)),
        Value::Object(members) => Box::new(members.iter().flat_map(|(key, member)| match member {
            Value::String(target) if key == "$ref" => Box::new(std::iter::once(target.as_str())),
            member => targets(member),
        })),
        _ => Box::new(std::iter::empty()),
    }
}

/// The document of these dialects.
pub(super) fn made_of(descriptions: &[Description]) -> Value {
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for endpoint in ENDPOINTS {
        let Some((description, operation)) = found(descriptions, endpoint) else {
            continue;
        };
        let method = endpoint.method.as_str().to_ascii_lowercase();
        let object = object(description, operation, endpoint);
        let path = paths.entry(template(endpoint.path)).or_default();
        path.insert(method, object);
    }
    let tags = descriptions.iter();
    let tags = tags.map(|one| json!({"name": one.tag, "description": one.about}));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "satchel",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": tags.collect::<Vec<_>>(),
        "paths": paths,
        "components": components(descriptions),
    })
}

fn found<'a>(
    descriptions: &'a [Description],
    endpoint: &Endpoint,
) -> Option<(&'a Description, &'a Operation)> {
    let own = descriptions
        .iter()
        .find(|one| one.tongue == endpoint.tongue)?;
    let operation = own
        .operations
        .iter()
        .find(|one| one.name == endpoint.name)?;
    Some((own, operation))
}

fn object(description: &Description, operation: &Operation, endpoint: &Endpoint) -> Value {
    let tongue = description.tongue;
    let mut object = operation.object(endpoint, description.tag);
    prefix(&mut object, tongue);
    tidy(&mut object);
    for response in object["responses"].as_object_mut().into_iter().flatten() {
        response.1["headers"] = headers(endpoint.access != Access::Public);
    }
    for status in operation.all_refusals(endpoint) {
        let name = refusal_name(tongue, status);
        object["responses"][status.to_string()] =
            json!({"$ref": format!("#/components/responses/{name}")});
    }
    object["security"] = match endpoint.access {
        Access::Public | Access::Visitor => json!([]),
        Access::UserByQuery => json!([{"bearer": []}, {"auth_token": []}]),
        Access::User | Access::Admin | Access::Operator => json!([{"bearer": []}]),
    };
    object["x-access"] = json!(match endpoint.access {
        Access::Public => "public",
        Access::Visitor => "visitor",
        Access::User | Access::UserByQuery => "user",
        Access::Admin => "admin",
        Access::Operator => "operator",
    });
    object
}

/// Headers of a success.
fn headers(limited: bool) -> Value {
    let mut names = vec!["X-Request-Id"];
    if limited {
        names.extend([
            "X-RateLimit-Limit",
            "X-RateLimit-Remaining",
            "X-RateLimit-Reset",
        ]);
    }
    let entries = names.into_iter().map(|name| {
        let target = format!("#/components/headers/{name}");
        (name.to_owned(), json!({"$ref": target}))
    });
    Value::Object(entries.collect())
}

fn refusal_name(tongue: Tongue, status: u16) -> String {
    format!("{tongue:?}.{status}")
}

/// Puts a dialect's name before all definitions that are referred to.
fn prefix(schema: &mut Value, tongue: Tongue) {
    redirect(schema, &|target| match definition_of(target) {
        Some(name) => format!("{COMPONENTS}{}", full_name(tongue, name)),
        None => target.to_owned(),
    });
}

/// `Native.Dataset` for the type `DatasetWire` of the native dialect.
fn full_name(tongue: Tongue, name: &str) -> String {
    format!("{tongue:?}.{}", name.strip_suffix("Wire").unwrap_or(name))
}

/// The definitions of a dialect by their full names, each as often as it is made.
pub(super) fn definitions(description: &Description) -> Vec<(String, Value)> {
    let of_operations = description.operations.iter();
    let own = of_operations
        .flat_map(|one| one.definitions.iter().map(|(name, schema)| (name, schema)))
        .chain(&description.failure.definitions)
        .chain(&description.more);
    own.map(|(name, schema)| {
        let mut schema = schema.clone();
        prefix(&mut schema, description.tongue);
        tidy(&mut schema);
        (full_name(description.tongue, name), schema)
    })
    .collect()
}

fn components(descriptions: &[Description]) -> Value {
    let schemas: BTreeMap<_, _> = descriptions.iter().flat_map(definitions).collect();
    let mut responses = BTreeMap::new();
    for endpoint in ENDPOINTS {
        let Some((description, operation)) = found(descriptions, endpoint) else {
            continue;
        };
        for status in operation.all_refusals(endpoint) {
            let name = refusal_name(description.tongue, status);
            responses.insert(name, refusal(description, status));
        }
    }
    json!({
        "schemas": schemas,
        "responses": responses,
        "headers": {
            "X-Request-Id": header("The client's id of the request, or a new one", "string"),
            "X-RateLimit-Limit": header("Requests that are allowed in a minute", "integer"),
            "X-RateLimit-Remaining": header("Requests that are left now", "integer"),
            "X-RateLimit-Reset": header("Seconds until nothing of the limit is used", "integer"),
            "Retry-After": header("Seconds after which trying again makes sense", "integer"),
        },
        "securitySchemes": {
            "bearer": {
                "type": "http",
                "scheme": "bearer",
                "description": "An access token, or an API key (`sk-…`)",
            },
            "auth_token": {
                "type": "apiKey",
                "in": "query",
                "name": "auth_token",
                "description": "The same, for EventSource, which cannot send headers",
            },
        },
    })
}

fn header(about: &str, kind: &str) -> Value {
    json!({"description": about, "schema": {"type": kind}})
}

fn refusal(description: &Description, status: u16) -> Value {
    let mut schema = description.failure.schema.clone();
    prefix(&mut schema, description.tongue);
    let mut names = vec!["X-Request-Id"];
    if status == 429 || status == 503 {
        names.push("Retry-After");
    }
    let headers = names.into_iter().map(|name| {
        let target = format!("#/components/headers/{name}");
        (name.to_owned(), json!({"$ref": target}))
    });
    json!({
        "description": meaning_of(status),
        "headers": headers.collect::<Map<_, _>>(),
        "content": {"application/json": {"schema": schema}},
    })
}
