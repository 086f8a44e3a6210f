//! What a dialect says about one of its endpoints beyond what the table of
//! endpoints knows.

use super::Shape;
use super::shape::without_null;
use crate::http::routes::{Access, Endpoint};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::openapi::path::ParameterIn;
use utoipa::{IntoParams, ToSchema};

const JSON: &str = "application/json";

/// An endpoint of the table, described.
#[derive(Debug)]
pub(crate) struct Operation {
    /// The endpoint's name in the table.
    pub(super) name: &'static str,
    about: &'static str,
    parameters: Vec<Value>,
    body: Option<Value>,
    /// Content of each status that is a success.
    answers: BTreeMap<u16, Map<String, Value>>,
    refusals: BTreeSet<u16>,
    pub(super) definitions: Vec<(String, Value)>,
}

impl Operation {
    /// The endpoint of this name; `about` says what it does.
    pub(crate) fn of(name: &'static str, about: &'static str) -> Self {
        Self {
            name,
            about,
            parameters: Vec::new(),
            body: None,
            answers: BTreeMap::new(),
            refusals: BTreeSet::new(),
            definitions: Vec::new(),
        }
    }

    /// Takes the parameters of `T` in the query.
    pub(crate) fn query<T: IntoParams>(mut self) -> Self {
        for parameter in T::into_params(|| Some(ParameterIn::Query)) {
            let mut parameter = json!(parameter);
            without_null(&mut parameter["schema"]);
            self.parameters.push(parameter);
        }
        self.refusals.insert(400);
        self
    }

    /// What a variable of the path may be, where it is not any text.
    pub(crate) fn variable(mut self, name: &str, schema: Value) -> Self {
        self.parameters
            .push(json!({"name": name, "in": "path", "required": true, "schema": schema}));
        self
    }

    /// A cookie that is looked at.
    pub(crate) fn cookie(mut self, name: &str, about: &str) -> Self {
        self.parameters.push(json!({
            "name": name, "in": "cookie", "description": about, "schema": {"type": "string"},
        }));
        self
    }

    /// Needs a JSON body.
    pub(crate) fn takes<T: ToSchema>(self) -> Self {
        self.takes_shape(true, JSON, Shape::of::<T>())
    }

    /// Takes a body of any media type.
    pub(crate) fn takes_shape(mut self, required: bool, media: &str, shape: Shape) -> Self {
        let schema = self.define(shape);
        self.body = Some(json!({"required": required, "content": {media: {"schema": schema}}}));
        self.refusals.extend([400, 413, 415]);
        self
    }

    /// Answers with JSON.
    pub(crate) fn answers<T: ToSchema>(self, status: u16) -> Self {
        self.answers_shape(status, JSON, Shape::of::<T>())
    }

    /// Answers with any media type.
    pub(crate) fn answers_shape(mut self, status: u16, media: &str, shape: Shape) -> Self {
        let schema = self.define(shape);
        self.answer(status)
            .insert(media.to_owned(), json!({"schema": schema}));
        self
    }

    /// Answers without a body.
    pub(crate) fn answers_nothing(mut self, status: u16) -> Self {
        self.answer(status);
        self
    }

    /// Answers as a stream of these events: the name of each (empty: it has
    /// none), and what its data are.
    ///
    /// Before 3.2 OpenAPI has no word for the items of a stream. Tools take the
    /// schema of this media type as that of each event, and so it is written.
    pub(crate) fn streams(
        mut self,
        events: impl IntoIterator<Item = (&'static str, Shape)>,
    ) -> Self {
        let events = events.into_iter();
        let events: Vec<_> = events
            .map(|(name, shape)| self.event(name, shape))
            .collect();
        let schema = json!({"description": "Each event of the stream", "anyOf": events});
        let content = self.answer(200);
        content.insert("text/event-stream".to_owned(), json!({"schema": schema}));
        self
    }

    fn event(&mut self, name: &str, shape: Shape) -> Value {
        let data = match shape.schema.get("const") {
            // Not JSON, but this very text.
            Some(text) => json!({"const": text}),
            None => json!({
                "type": "string",
                "contentMediaType": JSON,
                "contentSchema": self.define(shape),
            }),
        };
        // What has no name is a `message` to clients.
        let name = if name.is_empty() { "message" } else { name };
        json!({
            "type": "object",
            "required": ["data"],
            "properties": {"event": {"const": name}, "data": data},
        })
    }

    /// May also fail with these statuses.
    pub(crate) fn refuses(mut self, statuses: &[u16]) -> Self {
        self.refusals.extend(statuses);
        self
    }

    fn answer(&mut self, status: u16) -> &mut Map<String, Value> {
        self.answers.entry(status).or_default()
    }

    fn define(&mut self, shape: Shape) -> Value {
        self.definitions.extend(shape.definitions);
        shape.schema
    }

    /// The statuses of refusals, those too that follow from the table.
    pub(super) fn all_refusals(&self, endpoint: &Endpoint) -> BTreeSet<u16> {
        let mut all = self.refusals.clone();
        all.insert(500);
        if endpoint.wants_caller() {
            all.insert(401);
        }
        if matches!(endpoint.access, Access::Admin | Access::Operator) {
            all.insert(403);
        }
        if endpoint.access != Access::Public {
            all.insert(429);
        }
        if endpoint.path.contains('{') {
            all.extend([400, 404]);
        }
        all
    }

    /// The operation object of the document, without refusals and security.
    pub(super) fn object(&self, endpoint: &Endpoint, tag: &str) -> Value {
        let mut object = json!({
            "operationId": identifier(self.name),
            "summary": capitalised(self.name),
            "description": self.about,
            "tags": [tag],
            "parameters": self.all_parameters(endpoint.path),
        });
        if let Some(body) = &self.body {
            object["requestBody"] = body.clone();
        }
        let mut responses = Map::new();
        for (status, content) in &self.answers {
            let mut response = json!({"description": meaning_of(*status)});
            if !content.is_empty() {
                response["content"] = json!(content);
            }
            responses.insert(status.to_string(), response);
        }
        object["responses"] = Value::Object(responses);
        object
    }

    fn all_parameters(&self, path: &str) -> Vec<Value> {
        let named = |name: &str| {
            let own = self.parameters.iter();
            own.filter(|one| one["in"] == "path")
                .any(|one| one["name"] == name)
        };
        let unnamed = variables(path).filter(|name| !named(name));
        let texts = unnamed.map(|name| {
            json!({
                "name": name, "in": "path", "required": true,
                "schema": {"type": "string", "minLength": 1},
            })
        });
        texts.chain(self.parameters.iter().cloned()).collect()
    }
}

/// The variables of a path of the table.
fn variables(path: &str) -> impl Iterator<Item = &str> {
    let parts = path.split('/');
    let inner = parts.filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    inner.map(|inner| inner.split(':').next().unwrap_or(inner))
}

/// A path of the table as OpenAPI writes it, where a variable has no pattern.
pub(super) fn template(path: &str) -> String {
    let part = |part: &str| match part.split_once(':') {
        Some((name, _)) if name.starts_with('{') => format!("{name}}}"),
        _ => part.to_owned(),
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// Words as one, for the names of functions in clients.
fn identifier(name: &str) -> String {
    let letters: String = name.chars().filter(|c| !"',".contains(*c)).collect();
    let words = letters.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<_> = words.map(str::to_ascii_lowercase).collect();
    words.join("_")
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// What a status means where the operation does not say it.
pub(super) fn meaning_of(status: u16) -> &'static str {
    match status {
        200 => "Done",
        201 => "Made",
        202 => "Begun; it goes on",
        204 => "Done, and there is nothing to say",
        400 => "The request is not as it must be; the message names the place",
        401 => "Nobody is signed in, or the token is not valid",
        403 => "The caller may not do this",
        404 => "There is no such thing, or none that the caller may see",
        409 => "It contradicts what is there",
        410 => "It is over",
        413 => "The body is too large",
        415 => "The body is of a media type that is not read here",
        422 => "It is well-formed and cannot be done",
        429 => "Too many requests or streams; `Retry-After` says when to come back",
        500 => "A failure of the server; the log tells more under the request id",
        502 => "The hub of models cannot be reached",
        503 => "Busy, or a model is missing; `Retry-After` says when to come back",
        504 => "It took too long",
        507 => "There is no room on the disk",
        _ => "Refused",
    }
}

#[cfg(test)]
mod tests {
    use super::{identifier, template, variables};

    #[test]
    fn pattern_of_a_variable_is_left_out() {
        assert_eq!(template("/v1/models/{model:.+}"), "/v1/models/{model}");
        assert_eq!(template("/a/{b}/c"), "/a/{b}/c");
        let found: Vec<_> = variables("/v1/{model:.+}/x/{b}").collect();
        assert_eq!(found, ["model", "b"]);
    }

    #[test]
    fn identifier_is_one_word() {
        assert_eq!(identifier("ask, from EventSource"), "ask_from_eventsource");
        assert_eq!(
            identifier("make a visitor's session"),
            "make_a_visitors_session"
        );
    }
}
