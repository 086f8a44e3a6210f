//! Walls: every endpoint of the table, asked by people of another tenant and by
//! another user of the same tenant. An endpoint that this module does not know
//! how to ask makes it fail.

use crate::support::{Answer, Client, Form, Server};
use satchel::http::{ENDPOINTS, Endpoint};
use serde_json::{Value, json};

/// What belongs to somebody else.
struct Victim {
    tenant: &'static str,
    user: String,
    session: String,
    dataset: String,
    document: String,
    key: String,
    sign_in: String,
    /// What nobody else may read anywhere.
    secrets: Vec<String>,
}

const DIARY: &str = "# The zebrafinch diary\n\nThe zebrafinch nests behind the boiler since May.";

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

impl Victim {
    /// A user with one of everything; the dataset is as visible as it says.
    fn new(server: &Server, tenant: &'static str, name: &str, visibility: &str) -> (Self, Client) {
        let client = server.person(tenant, name, "user");
        let body = json!({"name": format!("Aviary of {name}"), "visibility": visibility});
        let dataset = text(&client.post("/api/datasets", &body).json()["id"]);
        let form = Form::new().field("dataset_id", &dataset);
        let form = form.file(&format!("finches-of-{name}.md"), DIARY);
        let document = text(&client.send_form(&form).json()["id"]);
        client.settled(&document);
        let ask = json!({"message": "Where does it nest?", "dataset_id": dataset});
        let asked: Vec<_> = client.stream("/chat/send", &ask).collect();
        let session = text(&asked[0].data["session_id"]);
        let key = client
            .post("/api/keys", &json!({"name": "of the victim"}))
            .json();
        let sign_in = client.get("/auth/sessions").json()["sessions"][0]["id"].clone();
        let user = text(&client.get("/auth/me").json()["user"]["id"]);
        let victim = Self {
            tenant,
            user,
            session,
            dataset,
            document,
            key: text(&key["id"]),
            sign_in: text(&sign_in),
            secrets: Vec::new(),
        };
        let own = [
            &victim.session,
            &victim.dataset,
            &victim.document,
            &victim.key,
        ];
        let secrets = own.into_iter().chain([&victim.sign_in]).cloned();
        let words = ["zebrafinch", "boiler", "finches-of-", "Aviary"].map(str::to_owned);
        let secrets = secrets.chain(words).collect();
        (Self { secrets, ..victim }, client)
    }

    fn assert_unharmed(&self, client: &Client) {
        for path in [
            format!("/documents/{}/original", self.document),
            format!("/chat/sessions/{}", self.session),
            "/auth/me".to_owned(),
        ] {
            let answer = client.get(&path);
            assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        }
        let keys = client.get("/api/keys").json();
        assert_eq!(keys["keys"][0]["id"], self.key);
        let datasets = client.get("/api/datasets").text;
        assert!(datasets.contains("Aviary of "), "{datasets}");
    }
}

/// What has to come of a request.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Expected {
    /// It names something of the victim, which is not there for others.
    Missing,
    /// It is about the caller's own things.
    Own,
    /// A stream that does not end; only its beginning is read.
    Endless,
}

struct Attempt {
    path: String,
    kind: &'static str,
    body: Vec<u8>,
    expected: Expected,
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

    fn send(&self, client: &Client, endpoint: &Endpoint) -> Answer {
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
        .replace("{tenant_id}", victim.tenant)
        .replace("{chunk_index}", "0")
        .replace("{page}", "1")
}

/// All that is worth trying at an endpoint.
fn attempts(endpoint: &Endpoint, victim: &Victim) -> Vec<Attempt> {
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
        | "read a page"
        | "read the original"
        | "progress of a document"
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
        "move a document" => one(json!({"dataset_id": victim.dataset}), Missing),
        "change a dataset" => one(json!({"name": "Mine", "visibility": "tenant"}), Missing),
        "change a user" => one(
            json!({"role": "admin", "password": "known to me now"}),
            Missing,
        ),
        "change a tenant" => one(json!({"name": "Mine"}), Missing),
        "list sessions" | "list documents" | "list datasets" | "list users" | "list API keys"
        | "list sign-ins" | "list tenants" | "read the audit log" | "status" | "examine"
        | "who am I" | "list models" | "list models to ask" | "end all sign-ins" => {
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
        "list feedback" | "export feedback" | "metrics" | "status of the service" => {
            one(json!({}), Own)
        }
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
        "upload a document" => {
            let form = Form::new().field("dataset_id", &victim.dataset);
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

/// A client of a person that keeps working whatever sign-ins end.
fn with_key(client: &Client, server: &Server) -> Client {
    let made = client.post("/api/keys", &json!({"name": "mine"}));
    server.bearer(made.json()["key"].as_str().unwrap())
}

fn attack(victim: &Victim, attacker: &Client, who: &str) {
    let guarded = ENDPOINTS.iter().filter(|one| one.wants_caller());
    for endpoint in guarded {
        for attempt in attempts(endpoint, victim) {
            let what = format!("{who}: {} {}", endpoint.name, attempt.path);
            if attempt.expected == Expected::Endless {
                assert_eq!(attacker.listen(&attempt.path).status, 200, "{what}");
                continue;
            }
            let answer = attempt.send(attacker, endpoint);
            assert!(
                answer.status < 500,
                "{what}: {} {}",
                answer.status,
                answer.text
            );
            if attempt.expected == Expected::Missing {
                // What is for administrators alone is refused before anything is looked for.
                let refused = answer.status == 403 && (answer.text.contains("administrator"));
                assert!(
                    answer.status == 404 || refused,
                    "{what}: {} {}",
                    answer.status,
                    answer.text
                );
            }
            // The log of the attacker's own tenant names what the attacker named.
            let logged = ["read the audit log", "export the audit log"].contains(&endpoint.name);
            let is_id = |secret: &&String| secret.len() >= 32;
            for secret in victim.secrets.iter().filter(|one| !(logged && is_id(one))) {
                assert!(
                    !answer.text.contains(secret),
                    "{what} tells {secret:?}: {}",
                    answer.text
                );
            }
        }
    }
    let search = json!({"query": "zebrafinch", "search_options": {"score_threshold": 0, "k": 50}});
    let found = attacker.post("/api/search", &search).json();
    assert!(
        found["results"]
            .as_array()
            .unwrap()
            .iter()
            .all(|one| { !victim.secrets.contains(&text(&one["document_id"])) })
    );
}

#[test]
fn another_tenant_meets_nothing_of_a_tenant() {
    let server = Server::start();
    server.tenant("north");
    let other = server.tenant("south");
    let (victim, client) = Victim::new(&server, "north", "vera", "tenant");
    let user = server.person("south", "sven", "user");
    for (attacker, who) in [(&user, "a user"), (&other, "an administrator")] {
        attack(&victim, &with_key(attacker, &server), who);
        victim.assert_unharmed(&client);
        let attacker = server.signed_in(if who == "a user" {
            "sven"
        } else {
            "south-admin"
        });
        let status = attacker.get("/api/status").json();
        assert_eq!(
            (&status["documents"], &status["chunks"]),
            (&json!(0), &json!(0))
        );
        assert_eq!(status["data_dir"], Value::Null);
        assert_eq!(attacker.get("/api/documents").json()["total_count"], 0);
    }
    // The operator looks after the instance and sees no tenant's documents.
    let operator = server.admin();
    for path in [
        format!("/documents/{}", victim.document),
        format!("/chat/sessions/{}", victim.session),
    ] {
        assert_eq!(operator.get(&path).status, 404, "{path}");
    }
}

#[test]
fn another_user_meets_nothing_private_of_a_user() {
    let server = Server::start();
    server.tenant("north");
    let (victim, client) = Victim::new(&server, "north", "vera", "private");
    let user = server.person("north", "nils", "user");
    attack(&victim, &with_key(&user, &server), "a colleague");
    victim.assert_unharmed(&client);
    let colleague = server.signed_in("nils");
    assert_eq!(colleague.get("/api/status").json()["documents"], 0);
    assert_eq!(colleague.get("/api/documents").json()["total_count"], 0);
    let service = server.person("north", "robot", "service");
    let listed = service.get("/api/documents").json();
    assert_eq!(listed["total_count"], 0, "{listed}");
    let admin = server.signed_in("north-admin");
    let path = format!("/documents/{}", victim.document);
    assert_eq!(
        admin.get(&path).status,
        200,
        "administrators see all of their tenant"
    );
}

#[test]
fn watcher_hears_nothing_of_the_documents_of_others() {
    let server = Server::start();
    let other = server.tenant("south");
    let nils = server.user("nils");
    let vera = server.user("vera");
    let dataset = json!({"name": "Hidden", "visibility": "private"});
    let dataset = text(&vera.post("/api/datasets", &dataset).json()["id"]);
    let watchers = [other.listen("/api/events"), nils.listen("/api/events")];
    let form = Form::new()
        .field("dataset_id", &dataset)
        .file("hidden.md", DIARY);
    let hidden = vera.send_form(&form).json();
    vera.settled(&text(&hidden["id"]));
    other.ingest("of-south.md", "# South\n\nA text of the south.");
    nils.ingest("of-nils.md", "# Nils\n\nA text of Nils.");
    for (mut watcher, own) in watchers.into_iter().zip(["of-south.md", "of-nils.md"]) {
        let first = watcher.next().unwrap();
        assert_eq!(first.data["filename"], own);
    }
}
