//! A Postman collection (version 2.1) from the OpenAPI document: a folder for
//! each dialect, in it the requests in an order in which they can be run. What
//! the document does not say, which is an order and what to ask for, is in
//! `postman_steps.json`.

use anyhow::{Context, Result, anyhow};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashSet};

const STEPS: &str = include_str!("postman_steps.json");

const SCHEMA: &str = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";

const ABOUT: &str = "Requests of every dialect of satchel, in an order in which they can be run \
    against a fresh server. Set the variables `baseUrl` and `token`: `satchel keys add postman` \
    prints an API key. Requests make what they need, and delete what they made.";

/// Between the parts of a form.
const BOUNDARY: &str = "satchel-form";

/// A request of the collection.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    /// Method and path, as the document has them.
    call: String,
    /// The address with variables, where it is not the path as it stands.
    url: Option<String>,
    body: Option<Value>,
    /// Parts of a form; `file` is sent as a file.
    form: Option<BTreeMap<String, String>>,
    /// Variables that are set from the answer: their names, and where they are in it.
    #[serde(default)]
    keeps: BTreeMap<String, String>,
    /// The variable that holds the token, where it is not the collection's.
    token: Option<String>,
}

impl Step {
    /// A request that nothing more is known about; it goes last.
    fn plain(call: String) -> Self {
        let path = call.split(' ').next_back().unwrap_or_default();
        Self {
            url: Some(path.replace('{', "{{").replace('}', "}}")),
            call,
            body: None,
            form: None,
            keeps: BTreeMap::new(),
            token: None,
        }
    }
}

/// The collection of all operations of `document`.
pub(super) fn collection(document: &Value) -> Result<Value> {
    let mut steps: Vec<Step> = serde_json::from_str(STEPS)?;
    let known: HashSet<_> = steps.iter().map(|step| step.call.clone()).collect();
    let calls = calls(document);
    steps.extend(calls.filter(|call| !known.contains(call)).map(Step::plain));
    let mut folders: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for step in &steps {
        let operation = operation(document, &step.call)?;
        let tag = operation["tags"][0].as_str();
        let tag = tag.with_context(|| format!("{} has no tag", step.call))?;
        folders
            .entry(tag)
            .or_default()
            .push(request(step, operation)?);
    }
    let tags = document["tags"].as_array().into_iter().flatten();
    let folders = tags.filter_map(|tag| {
        let name = tag["name"].as_str()?;
        let items = folders.get(name)?;
        Some(json!({"name": name, "description": tag["description"], "item": items}))
    });
    Ok(json!({
        "info": {"name": "satchel", "description": ABOUT, "schema": SCHEMA},
        "auth": bearer("token"),
        "variable": [
            variable("baseUrl", "http://127.0.0.1:8080"),
            variable("token", ""),
            variable("lesson", "lesson-1"),
            variable("password", "correct horse battery"),
        ],
        "item": folders.collect::<Vec<_>>(),
    }))
}

fn variable(key: &str, value: &str) -> Value {
    json!({"key": key, "value": value, "type": "string"})
}

fn bearer(variable: &str) -> Value {
    let token = json!({"key": "token", "value": format!("{{{{{variable}}}}}"), "type": "string"});
    json!({"type": "bearer", "bearer": [token]})
}

/// Method and path of every operation.
fn calls(document: &Value) -> impl Iterator<Item = String> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().into_iter().flatten();
        methods.map(move |(method, _)| format!("{} {path}", method.to_ascii_uppercase()))
    })
}

fn operation<'a>(document: &'a Value, call: &str) -> Result<&'a Value> {
    let missing = || anyhow!("the document has no operation {call}");
    let (method, path) = call.split_once(' ').ok_or_else(missing)?;
    let found = &document["paths"][path][method.to_ascii_lowercase()];
    found.is_object().then_some(found).ok_or_else(missing)
}

fn request(step: &Step, operation: &Value) -> Result<Value> {
    let (method, path) = step.call.split_once(' ').context("a call has no path")?;
    let mut headers = Vec::new();
    let mut request = Map::new();
    if streams(operation) {
        headers.push(header("Accept", "text/event-stream"));
    }
    if let Some(body) = &step.body {
        headers.push(header("Content-Type", "application/json"));
        let options = json!({"raw": {"language": "json"}});
        let raw = serde_json::to_string_pretty(body)?;
        let body = json!({"mode": "raw", "raw": raw, "options": options});
        request.insert("body".to_owned(), body);
    }
    if let Some(parts) = &step.form {
        let media = format!("multipart/form-data; boundary={BOUNDARY}");
        headers.push(header("Content-Type", &media));
        let body = json!({"mode": "raw", "raw": form(parts)});
        request.insert("body".to_owned(), body);
    }
    let open = operation["security"].as_array().is_some_and(Vec::is_empty);
    match &step.token {
        Some(token) => drop(request.insert("auth".to_owned(), bearer(token))),
        None if open => drop(request.insert("auth".to_owned(), json!({"type": "noauth"}))),
        None => {}
    }
    request.insert("method".to_owned(), json!(method));
    request.insert("header".to_owned(), json!(headers));
    request.insert(
        "url".to_owned(),
        address(step.url.as_deref().unwrap_or(path)),
    );
    request.insert("description".to_owned(), operation["description"].clone());
    Ok(json!({
        "name": operation["summary"],
        "request": request,
        "response": [],
        "event": [{
            "listen": "test",
            "script": {"type": "text/javascript", "exec": script(step, operation)},
        }],
    }))
}

fn header(key: &str, value: &str) -> Value {
    json!({"key": key, "value": value})
}

/// Whether an operation answers with events.
fn streams(operation: &Value) -> bool {
    let content = &operation["responses"]["200"]["content"];
    content.get("text/event-stream").is_some()
}

/// The address in the parts that Postman wants beside it.
fn address(url: &str) -> Value {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let path: Vec<_> = path.split('/').skip(1).collect();
    let query = query.split('&').filter_map(|pair| pair.split_once('='));
    let query: Vec<_> = query.map(|(key, value)| header(key, value)).collect();
    let mut address = json!({
        "raw": format!("{{{{baseUrl}}}}{url}"), "host": ["{{baseUrl}}"], "path": path,
    });
    if !query.is_empty() {
        address["query"] = json!(query);
    }
    address
}

/// A form as it is sent, so that nobody has to choose a file first.
fn form(parts: &BTreeMap<String, String>) -> String {
    let mut text = String::new();
    for (name, value) in parts {
        let file = match name.as_str() {
            "file" => "; filename=\"lighthouse.md\"",
            _ => "",
        };
        text.push_str(&format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n"
        ));
    }
    text.push_str(&format!("--{BOUNDARY}--\r\n"));
    text
}

/// The test script: the status is one that the document has, and what later
/// requests need is kept.
fn script(step: &Step, operation: &Value) -> Vec<String> {
    let statuses = operation["responses"].as_object().into_iter().flatten();
    let statuses: Vec<_> = statuses.map(|(status, _)| status.as_str()).collect();
    let statuses = statuses.join(", ");
    let mut lines = vec![
        "pm.test('The status is a documented one', () => {".to_owned(),
        format!("  pm.expect(pm.response.code).to.be.oneOf([{statuses}]);"),
        "});".to_owned(),
    ];
    if !step.keeps.is_empty() {
        lines.push("if (pm.response.code < 300) {".to_owned());
        lines.extend(answer(operation).iter().map(|line| (*line).to_owned()));
        for (variable, place) in &step.keeps {
            let place: String = place.split('.').map(|key| format!("?.['{key}']")).collect();
            lines.push(format!(
                "  pm.collectionVariables.set('{variable}', answer{place});"
            ));
        }
        lines.push("}".to_owned());
    }
    lines
}

/// Lines of a script that read what a request was answered with: of a stream,
/// all that its events say, a later one over an earlier.
fn answer(operation: &Value) -> &'static [&'static str] {
    match streams(operation) {
        true => &[
            "  const data = pm.response.text().split('\\n').filter((line) => line.startsWith('data: {'));",
            "  const answer = Object.assign({}, ...data.map((line) => JSON.parse(line.slice(6))));",
        ],
        false => &["  const answer = pm.response.json();"],
    }
}

#[cfg(test)]
mod tests {
    use super::{address, collection, form};
    use serde_json::{Value, json};

    #[test]
    fn operation_without_a_step_comes_last_in_its_folder() {
        let mut document: Value = serde_json::from_str(crate::http::openapi_document()).unwrap();
        let added = json!({"tags": ["native"], "summary": "New", "security": [], "responses": {}});
        document["paths"]["/a/{b}"] = json!({"delete": added});
        let made = collection(&document).unwrap();
        let folders = made["item"].as_array().unwrap();
        let native = folders.iter().find(|one| one["name"] == "native").unwrap();
        let last = native["item"].as_array().unwrap().last().unwrap();
        assert_eq!(last["request"]["url"]["raw"], "{{baseUrl}}/a/{{b}}");
        assert_eq!(last["request"]["method"], "DELETE");
    }

    #[test]
    fn address_is_given_whole_and_in_parts() {
        let made = address("/sessions/{{s}}?user_id=u&limit=2");
        assert_eq!(made["raw"], "{{baseUrl}}/sessions/{{s}}?user_id=u&limit=2");
        assert_eq!(made["path"], json!(["sessions", "{{s}}"]));
        assert_eq!(made["query"][1], json!({"key": "limit", "value": "2"}));
    }

    #[test]
    fn form_has_the_file_with_a_name() {
        let parts = [("file".to_owned(), "text".to_owned())].into();
        let made = form(&parts);
        assert!(made.contains("name=\"file\"; filename=\"lighthouse.md\"\r\n\r\ntext\r\n--"));
        assert!(made.ends_with("--satchel-form--\r\n"));
    }
}
