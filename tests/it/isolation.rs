//! Walls: every endpoint of the table, asked by people of another tenant and by
//! another user of the same tenant. An endpoint that this module does not know
//! how to ask makes it fail.

mod attempts;

use crate::support::{Client, Form, Server};
use attempts::{Expected, attempts};
use satchel::http::ENDPOINTS;
use serde_json::{Value, json};

/// What belongs to somebody else.
struct Victim {
    tenant: &'static str,
    user: String,
    session: String,
    answer: String,
    judgement: String,
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
        let ask = json!({"message": "Where does it nest?", "dataset_id": dataset,
            "keep_running": true});
        let asked: Vec<_> = client.stream("/chat/send", &ask).collect();
        let session = text(&asked[0].data["session_id"]);
        let answer = text(&asked.last().unwrap().data["message_id"]);
        let marks = format!("/api/answers/{answer}/judgements");
        let marked = json!({"document_id": document, "page": 1, "start": 0, "end": 20});
        let judgement = text(&client.post(&marks, &marked).json()["id"]);
        let key = client
            .post("/api/keys", &json!({"name": "of the victim"}))
            .json();
        let sign_in = client.get("/auth/sessions").json()["sessions"][0]["id"].clone();
        let user = text(&client.get("/auth/me").json()["user"]["id"]);
        let victim = Self {
            tenant,
            user,
            session,
            answer,
            judgement,
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
        let secrets = own
            .into_iter()
            .chain([&victim.sign_in, &victim.judgement])
            .cloned();
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
