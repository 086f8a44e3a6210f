//! How each endpoint of the table is asked for what belongs to somebody else.

use super::Victim;
use crate::support::{Answer, Client, Form};
use satchel::http::Endpoint;
use serde_json::{Value, json};

/// What has to come of a request.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Expected {
    /// It names something of the victim, which is not there for others.
    Missing,
    /// It is about the caller's own things.
    Own,
    /// A stream that does not end; only its beginning is read.
    Endless,
}

pub(super) struct Attempt {
    pub(super) path: String,
    kind: &'static str,
    body: Vec<u8>,
    pub(super) expected: Expected,
}

impl Attempt {
    fn new(path: &str, body: Value, expected: Expected) -> Self {
        Self {
            path: path.to_owned(),
            kind: "application/json",
            body: body.to_string().into_bytes(),
            expected,
        }
    }

    pub(super) fn send(&self, client: &Client, endpoint: &Endpoint) -> Answer {
        let reads = ["GET", "DELETE"].contains(&endpoint.method.as_str());
        let (kind, body): (_, &[u8]) = match reads {
            true => (None, b""),
            false => (Some(self.kind), &self.body),
        };
        client.call(endpoint.method.as_str(), &self.path, kind, body)
    }
}

/// The endpoint's path with the victim's ids in place of its variables.
fn filled(path: &str, victim: &Victim) -> String {
    path.replace("{session_id}", &victim.session)
        .replace("{document_id}", &victim.document)
        .replace("{dataset_id}", &victim.dataset)
        .replace("{user_id}", &victim.user)
        .replace("{key_id}", &victim.key)
        .replace("{sign_in_id}", &victim.sign_in)
        .replace("{answer_id}", &victim.answer)
        .replace("{judgement_id}", &victim.judgement)
        .replace("{tenant_id}", victim.tenant)
        .replace("{chunk_index}", "0")
        .replace("{page}", "1")
}

/// All that is worth trying at an endpoint.
pub(super) fn attempts(endpoint: &Endpoint, victim: &Victim) -> Vec<Attempt> {
    use Expected::{Endless, Missing, Own};
    let path = filled(endpoint.path, victim);
    let one = |body: Value, expected| vec![Attempt::new(&path, body, expected)];
    let question = |extra: Value| {
        let mut body = json!({"message": "Where does the bird nest?", "query": "bird nest"});
        for (name, value) in extra.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    };
    match endpoint.name {
        "read a session"
        | "read a chat"
        | "export a chat"
        | "delete a session"
        | "documents of a session"
        | "read a document"
        | "delete a document"
        | "read a chunk"
        | "ingest again"
        | "read a document anew"
        | "list pages"
        | "list versions"
        | "read a page"
        | "read the original"
        | "progress of a document"
        | "follow an answer"
        | "stop an answer"
        | "list judged passages"
        | "take a judgement back"
        | "read how an answer came about"
        | "replay an answer"
        | "delete a dataset"
        | "delete a user"
        | "delete an API key"
        | "end sign-ins of a user"
        | "end a sign-in"
        | "delete a tenant" => one(json!({}), Missing),
        "change a chat" => one(json!({"title": "Mine", "archived": true}), Missing),
        "list chats" => ["", "?q=finch", "?q=ne", "?archived=true"]
            .map(|query| Attempt::new(&format!("{path}{query}"), json!({}), Own))
            .into(),
        "make a chat" | "export chats" => one(json!({}), Own),
        "import chats" => one(
            json!({"sessions": [{"uuid": "of-mine", "title": "Mine", "messages": [
                {"role": "user", "content": "Where does the bird nest?"}]}]}),
            Own,
        ),
        "delete documents" => one(json!({"document_ids": [victim.document]}), Missing),
        "change a document" => [
            json!({"dataset_id": victim.dataset}),
            json!({"filename": "mine.md", "metadata": {"title": "Mine"}}),
        ]
        .map(|body| Attempt::new(&path, body, Missing))
        .into(),
        "change a dataset" => one(json!({"name": "Mine", "visibility": "tenant"}), Missing),
        "change a user" => one(
            json!({"role": "admin", "password": "known to me now"}),
            Missing,
        ),
        "change a tenant" => one(json!({"name": "Mine"}), Missing),
        "list sessions"
        | "list documents"
        | "list datasets"
        | "list users"
        | "list API keys"
        | "list sign-ins"
        | "list tenants"
        | "read the audit log"
        | "status"
        | "examine"
        | "progress of the indexes"
        | "make the indexes anew"
        | "repair"
        | "who am I"
        | "list models"
        | "list models to ask"
        | "end all sign-ins" => {
            let mut all = one(json!({}), Own);
            if ["list users", "list API keys"].contains(&endpoint.name) {
                let elsewhere = format!("{path}?tenant_id={}", victim.tenant);
                all.push(Attempt::new(&elsewhere, json!({}), Own));
            }
            if endpoint.name == "list documents" {
                for filter in [
                    format!("dataset_id={}", victim.dataset),
                    "q=finch".to_owned(),
                ] {
                    all.push(Attempt::new(&format!("{path}?{filter}"), json!({}), Own));
                }
            }
            all
        }
        "make a dataset" => one(json!({"name": "Feathers"}), Own),
        name if name.contains("stored") || name == "store a message" => stored(endpoint, victim),
        name if name.contains("conversation") => conversations(endpoint, victim),
        "read a history" => one(json!({}), Missing),
        "ask within a session" | "ask a selected text" => one(
            json!({"question": "Where does the bird nest?", "session_id": "of-mine",
                "selected_text": "The wren nests in the hedge."}),
            Own,
        ),
        "judge an answer" => one(
            json!({"session_id": victim.session, "query_id": victim.document,
                "response_id": victim.document, "feedback_type": "thumbs_up"}),
            Missing,
        ),
        "judge a passage" => one(
            json!({"document_id": victim.document, "page": 1, "start": 0, "end": 9}),
            Missing,
        ),
        "list feedback"
        | "export feedback"
        | "export the gold set"
        | "metrics"
        | "status of the service" => one(json!({}), Own),
        "history of the status"
        | "list audited actions"
        | "export the audit log"
        | "list backups"
        | "make a backup"
        | "list search models" => one(json!({}), Own),
        "choose a search model" | "try a search model" => {
            one(json!({"kind": "embedding", "name": null}), Own)
        }
        "add a model file" => {
            let path = endpoint.path.replace("{name}", "mine.gguf");
            vec![Attempt::new(&path, json!({}), Own)]
        }
        "export a backup" | "delete a backup" => {
            let path = endpoint.path.replace("{name}", "no-backup.zip");
            vec![Attempt::new(&path, json!({}), Missing)]
        }
        "list watched folders" | "list folders to watch" => one(json!({}), Own),
        "watch a folder" => one(json!({"path": "/", "dataset_id": victim.dataset}), Missing),
        "change a watched folder" | "stop watching a folder" => {
            let path = endpoint.path.replace("{folder_id}", &victim.document);
            vec![Attempt::new(&path, json!({"paused": true}), Missing)]
        }
        "export data" => vec![
            Attempt::new(&path, json!({}), Own),
            Attempt::new(&format!("{path}?user={}", victim.user), json!({}), Missing),
        ],
        "erase data" => one(json!({"user": victim.user, "confirm": true}), Missing),
        "make a user" => vec![Attempt::new(
            &path,
            json!({"username": "spy", "password": "a password for me",
                "tenant_id": victim.tenant}),
            Missing,
        )],
        "make an API key" => one(
            json!({"name": "k", "username": "vera", "tenant_id": victim.tenant}),
            Missing,
        ),
        "make a tenant" => one(json!({"id": "made-by-a-stranger", "name": "x"}), Own),
        "set the password" => one(
            json!({"current": "wrong", "password": "something new"}),
            Own,
        ),
        "search" => vec![
            Attempt::new(
                &path,
                question(json!({"search_options": {"score_threshold": 0}})),
                Own,
            ),
            Attempt::new(
                &path,
                question(json!({"dataset_id": victim.dataset})),
                Missing,
            ),
            Attempt::new(
                &path,
                question(json!({"document_ids": [victim.document]})),
                Own,
            ),
        ],
        "ask" => vec![
            Attempt::new(&path, question(json!({})), Own),
            Attempt::new(
                &path,
                question(json!({"dataset_id": victim.dataset})),
                Missing,
            ),
            Attempt::new(
                &path,
                question(json!({"session_id": victim.session})),
                Missing,
            ),
        ],
        "ask, from EventSource" => vec![
            Attempt::new(&format!("{path}?message=nest"), json!({}), Own),
            Attempt::new(
                &format!("{path}?message=nest&session_id={}", victim.session),
                json!({}),
                Missing,
            ),
        ],
        "complete a chat" => {
            let messages = json!([{"role": "user", "content": "Where does the bird nest?"}]);
            vec![
                Attempt::new(
                    &path,
                    json!({"model": "satchel", "messages": messages}),
                    Own,
                ),
                Attempt::new(
                    &path,
                    json!({"model": "satchel", "messages": messages,
                           "dataset_id": victim.dataset}),
                    Missing,
                ),
            ]
        }
        "embed" => one(json!({"model": "all-MiniLM-L6-v2", "input": "bird"}), Own),
        "upload a document" | "replace a document" => {
            let form = match endpoint.name {
                "upload a document" => Form::new().field("dataset_id", &victim.dataset),
                _ => Form::new(),
            };
            let form = form.file("mine.md", "# Mine\n\nSomething of my own.");
            vec![Attempt {
                path,
                kind: Form::KIND,
                body: form.body(),
                expected: Missing,
            }]
        }
        "read a model to ask" => vec![Attempt::new("/v1/models/satchel", json!({}), Own)],
        "remove a model" | "use a model" | "stop a download" => {
            let path = endpoint.path.replace("{name}", "no-model.gguf");
            vec![Attempt::new(&path, json!({}), Missing)]
        }
        "download a model" => one(json!({"name": ""}), Own),
        "unload the model" => one(json!({}), Own),
        "progress of all documents" | "progress of models" => one(json!({}), Endless),
        other => panic!(
            "isolation: it is not known how to ask {other:?} ({} {}); add it to `attempts`",
            endpoint.method, endpoint.path
        ),
    }
}

/// Sessions that are only stored. Whom an administrator names as their user
/// need not have an account, so that naming somebody elsewhere is no failure.
fn stored(endpoint: &Endpoint, victim: &Victim) -> Vec<Attempt> {
    let path = filled(endpoint.path, victim);
    let user = &victim.user;
    let body = json!({"user_id": user, "role": "user", "content": "mine"});
    match endpoint.path.contains("{session_id}") {
        true => vec![Attempt::new(
            &format!("{path}?user_id={user}"),
            body,
            Expected::Missing,
        )],
        false => vec![Attempt::new(
            &format!("{path}?user_id={user}"),
            body,
            Expected::Own,
        )],
    }
}

fn conversations(endpoint: &Endpoint, victim: &Victim) -> Vec<Attempt> {
    let path = endpoint.path.replace("{conversation_id}", &victim.session);
    let body = json!({"content": "Where does the bird nest?", "title": "Mine"});
    let expected = match endpoint.path.contains("{conversation_id}") {
        true => Expected::Missing,
        false => Expected::Own,
    };
    vec![Attempt::new(&path, body, expected)]
}
