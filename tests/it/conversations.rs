//! Contract 1: conversations. Shapes are checked against the schemas that the
//! server gives its clients.

use crate::support::{Answer, Client, LIGHTHOUSE, Schemas, Server, settings};
use satchel::config::Config;
use serde_json::{Value, json};

const ROOT: &str = "/v1/chat/conversations";

fn schemas(server: &Server) -> Schemas {
    let schema = server.stranger().get("/v1/schemas/conversation");
    assert_eq!(schema.status, 200, "{}", schema.text);
    assert_eq!(schema.header("content-type"), "application/schema+json");
    Schemas(schema.json()["$defs"].as_object().unwrap().clone())
}

fn create(client: &Client, body: &Value) -> Value {
    let answer = client.post(ROOT, body);
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()
}

fn path_of(conversation: &Value) -> String {
    let id = conversation["conversation_id"].as_str().unwrap();
    format!("{ROOT}/{id}")
}

#[test]
fn conversation_is_made_listed_read_changed_and_deleted() {
    let server = Server::start();
    let (schemas, client) = (schemas(&server), server.user("ada"));
    let empty = client.call("POST", ROOT, None, b"");
    assert_eq!(empty.status, 201, "a body is not needed: {}", empty.text);
    schemas.check("conversation", &empty.json());
    let body = json!({"title": "Towers", "metadata": {"team": 7}, "conversation_id": "c:1"});
    schemas.check("create_request", &body);
    let made = create(&client, &body);
    schemas.check("conversation", &made);
    assert_eq!(
        (&made["title"], &made["status"]),
        (&json!("Towers"), &json!("active"))
    );
    assert_eq!(made["metadata"], json!({"team": 7}));
    assert_eq!(made["conversation_id"], "c:1");
    let listed = client.get(ROOT).json();
    schemas.check("conversation_list", &listed);
    assert_eq!(listed["conversations"][0], made, "the latest is first");
    assert_eq!(listed["conversations"].as_array().unwrap().len(), 2);
    let path = path_of(&made);
    let read = client.get(&path);
    assert_eq!(read.status, 200);
    schemas.check("conversation_history", &read.json());
    assert_eq!(read.json()["messages"], json!([]));
    let patch = json!({"title": "Lamps", "status": "archived", "metadata": {}});
    schemas.check("change_request", &patch);
    let changed = client.patch(&path, &patch);
    assert_eq!(changed.status, 200, "{}", changed.text);
    schemas.check("conversation", &changed.json());
    assert_eq!(changed.json()["title"], "Lamps");
    assert_eq!(changed.json()["metadata"], json!({}));
    let untitled = client.patch(&path, &json!({"title": null})).json();
    assert_eq!(
        (&untitled["title"], &untitled["status"]),
        (&Value::Null, &json!("archived"))
    );
    let archived = client.get(&format!("{ROOT}?status=archived")).json();
    assert_eq!(archived["conversations"].as_array().unwrap().len(), 1);
    let deleted = client.delete(&path);
    assert_eq!((deleted.status, deleted.text.as_str()), (204, ""));
    assert_eq!(client.get(&path).status, 404);
    assert_eq!(client.delete(&path).status, 404);
}

#[test]
fn list_is_paged_by_a_cursor_without_gaps_or_repetitions() {
    let server = Server::start();
    let client = server.user("ada");
    for n in 0..7 {
        create(&client, &json!({"conversation_id": format!("c{n}")}));
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client
            .get(&format!("{ROOT}?limit=3&cursor={cursor}"))
            .json();
        let ids = page["conversations"].as_array().unwrap().iter();
        seen.extend(ids.map(|one| one["conversation_id"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!(seen, ["c6", "c5", "c4", "c3", "c2", "c1", "c0"]);
}

#[test]
fn message_is_answered_as_json_and_kept_with_its_citations() {
    let server = Server::start();
    let document = server.admin().ingest("lighthouse.md", LIGHTHOUSE);
    let (schemas, client) = (schemas(&server), server.user("ada"));
    let path = path_of(&create(&client, &json!({})));
    let request = json!({"content": "Who built the lighthouse?", "answer_mode": "quotes"});
    schemas.check("message_request", &request);
    let answer = client.post(&format!("{path}/messages"), &request);
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(
        answer
            .header("content-type")
            .starts_with("application/json")
    );
    let answer = answer.json();
    schemas.check("answer", &answer);
    assert!(
        answer["content"]
            .as_str()
            .unwrap()
            .contains("Adela Thornqvist")
    );
    assert_eq!(answer["citations"][0]["document_id"], document["id"]);
    let history = client.get(&path).json();
    schemas.check("conversation_history", &history);
    assert_eq!(
        history["title"], "Who built the lighthouse?",
        "the first question"
    );
    let messages = history["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[0]["message_id"], answer["user_message_id"]);
    assert_eq!(messages[1]["message_id"], answer["message_id"]);
    assert_eq!(messages[1]["citations"], answer["citations"]);
    assert_eq!(messages[1]["tokens_used"], answer["tokens_used"]);
    assert!(messages[0]["timestamp"].as_str() < messages[1]["timestamp"].as_str());
    let elsewhere = format!(
        "/chat/sessions/{}",
        history["conversation_id"].as_str().unwrap()
    );
    assert_eq!(
        client.get(&elsewhere).status,
        200,
        "other dialects read it too"
    );
}

#[test]
fn stream_has_the_events_of_the_contract_in_order_whichever_way_it_is_asked_for() {
    let server = Server::start();
    server.admin().ingest("lighthouse.md", LIGHTHOUSE);
    let (schemas, client) = (schemas(&server), server.user("ada"));
    let path = format!("{}/messages", path_of(&create(&client, &json!({}))));
    let body = json!({"content": "How high is the tower?", "stream": true});
    let by_field = client.call(
        "POST",
        &path,
        Some("application/json"),
        body.to_string().as_bytes(),
    );
    assert_eq!(by_field.header("content-type"), "text/event-stream");
    assert!(
        by_field.text.contains("event: message_end\n"),
        "{}",
        by_field.text
    );
    let stream = client.stream(&path, &json!({"content": "How high is the tower?"}));
    assert_eq!(stream.status, 200);
    for (name, value) in [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-store"),
        ("content-encoding", "identity"),
        ("x-accel-buffering", "no"),
    ] {
        assert_eq!(stream.headers[name], value);
    }
    let events: Vec<_> = stream.collect();
    let names: Vec<_> = events.iter().map(|event| event.name.as_str()).collect();
    let at = |name: &str| names.iter().position(|one| *one == name).unwrap();
    assert_eq!(
        (at("message_start"), at("message_end")),
        (0, names.len() - 1)
    );
    assert!(
        at("status") < at("citations") && at("citations") < at("token"),
        "{names:?}"
    );
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event.id, (index + 1).to_string());
        schemas.check(&format!("event_{}", event.name), &event.data);
    }
    let tokens: String = events
        .iter()
        .filter_map(|event| event.data["token"].as_str())
        .collect();
    let end = &events.last().unwrap().data;
    assert_eq!(end["content"], tokens.as_str());
    assert!(tokens.contains("41 metres"), "{tokens}");
    assert_eq!(end["message_id"], events[0].data["message_id"]);
}

#[test]
fn every_refusal_has_the_envelope_with_code_and_request_id() {
    let server = Server::start_with(Config {
        max_message_chars: 50,
        ..settings()
    });
    let (schemas, client) = (schemas(&server), server.user("ada"));
    let client = client.with("x-request-id", "req-1");
    let made = path_of(&create(&client, &json!({"conversation_id": "taken"})));
    let closed = path_of(&create(&client, &json!({"conversation_id": "closed"})));
    client.patch(&closed, &json!({"status": "archived"}));
    let post = |path: &str, body: Value| client.post(path, &body);
    let messages = format!("{made}/messages");
    let cases: Vec<(u16, &str, Option<&str>, Answer)> = vec![
        (
            409,
            "conflict",
            None,
            post(ROOT, json!({"conversation_id": "taken"})),
        ),
        (
            400,
            "invalid",
            None,
            post(ROOT, json!({"conversation_id": "a b"})),
        ),
        (
            400,
            "invalid",
            Some("title"),
            post(ROOT, json!({"title": 3})),
        ),
        (
            400,
            "invalid",
            Some("title"),
            post(ROOT, json!({"title": ""})),
        ),
        (
            400,
            "invalid",
            Some("title"),
            post(ROOT, json!({"title": "t".repeat(201)})),
        ),
        (
            400,
            "invalid",
            Some("metadata"),
            post(ROOT, json!({"metadata": []})),
        ),
        (
            403,
            "forbidden",
            Some("user_id"),
            post(ROOT, json!({"user_id": "eve"})),
        ),
        (
            400,
            "invalid",
            Some("limit"),
            client.get(&format!("{ROOT}?limit=0")),
        ),
        (
            400,
            "invalid",
            Some("limit"),
            client.get(&format!("{ROOT}?limit=101")),
        ),
        (
            400,
            "invalid",
            Some("cursor"),
            client.get(&format!("{ROOT}?cursor=x")),
        ),
        (
            400,
            "invalid",
            Some("status"),
            client.get(&format!("{ROOT}?status=x")),
        ),
        (
            404,
            "not_found",
            None,
            client.get(&format!("{ROOT}/unknown")),
        ),
        (
            404,
            "not_found",
            None,
            client.delete(&format!("{ROOT}/unknown")),
        ),
        (
            404,
            "not_found",
            None,
            client.patch(&format!("{ROOT}/unknown"), &json!({"title": "t"})),
        ),
        (
            404,
            "not_found",
            None,
            post(&format!("{ROOT}/unknown/messages"), json!({"content": "c"})),
        ),
        (
            404,
            "not_found",
            None,
            client.get(&format!("{made}/nothing")),
        ),
        (404, "not_found", None, client.get("/v1/schemas/nothing")),
        (400, "invalid", None, client.patch(&made, &json!({}))),
        (
            400,
            "invalid",
            Some("status"),
            client.patch(&made, &json!({"status": "gone"})),
        ),
        (400, "invalid", None, post(&messages, json!({}))),
        (
            400,
            "invalid",
            Some("content"),
            post(&messages, json!({"content": 1})),
        ),
        (
            400,
            "invalid",
            Some("content"),
            post(&messages, json!({"content": " "})),
        ),
        (
            400,
            "invalid",
            Some("content"),
            post(&messages, json!({"content": "c".repeat(51)})),
        ),
        (
            400,
            "invalid",
            Some("search_options.k"),
            post(
                &messages,
                json!({"content": "c", "search_options": {"k": "x"}}),
            ),
        ),
        (
            404,
            "not_found",
            None,
            post(&messages, json!({"content": "c", "dataset_id": "d"})),
        ),
        (
            409,
            "session_archived",
            None,
            post(&format!("{closed}/messages"), json!({"content": "c"})),
        ),
        (
            400,
            "invalid",
            None,
            client.call("POST", &messages, Some("application/json"), b"{"),
        ),
        (
            415,
            "unsupported",
            None,
            client.call("POST", &messages, Some("text/plain"), b"x"),
        ),
        (
            413,
            "too_large",
            None,
            client.call(
                "POST",
                &messages,
                Some("application/json"),
                &vec![b' '; 1_100_000],
            ),
        ),
        (
            405,
            "method_not_allowed",
            None,
            client.call("PUT", ROOT, None, b""),
        ),
        (
            401,
            "unauthorized",
            None,
            server.stranger().with("x-request-id", "req-1").get(ROOT),
        ),
    ];
    for (number, (status, code, field, answer)) in cases.into_iter().enumerate() {
        assert_eq!(answer.status, status, "case {number}: {}", answer.text);
        schemas.check("error", &answer.json());
        let error = &answer.json()["error"];
        assert_eq!(error["code"], code, "case {number}: {}", answer.text);
        assert_eq!(error["request_id"], "req-1", "case {number}");
        if let Some(field) = field {
            assert_eq!(
                error["details"]["field"], field,
                "case {number}: {}",
                answer.text
            );
        }
    }
}

#[test]
fn streams_beyond_the_limit_and_requests_beyond_the_rate_are_429() {
    let server = Server::start_with(Config {
        rate_limit: 1,
        ..settings()
    });
    let schemas = schemas(&server);
    let refused = (0..20)
        .map(|_| server.admin().get(ROOT))
        .find(|one| one.status == 429);
    let refused = refused.expect("one of many requests is too many");
    schemas.check("error", &refused.json());
    assert_eq!(refused.json()["error"]["code"], "rate_limited");
    assert!(refused.header("retry-after").parse::<u64>().is_ok());
}

#[test]
fn conversations_are_seen_by_their_owner_and_by_administrators_alone() {
    let server = Server::start();
    let (ada, eve) = (server.user("ada"), server.user("eve"));
    let made = create(&ada, &json!({}));
    let path = path_of(&made);
    assert_eq!(eve.get(&path).status, 404);
    assert_eq!(eve.delete(&path).status, 404);
    assert_eq!(eve.patch(&path, &json!({"title": "t"})).status, 404);
    let send = format!("{path}/messages");
    assert_eq!(eve.post(&send, &json!({"content": "c"})).status, 404);
    assert_eq!(eve.get(ROOT).json()["conversations"], json!([]));
    let admin = server.admin();
    assert_eq!(admin.get(&path).status, 200, "administrators see all");
    assert_eq!(
        admin.post(&send, &json!({"content": "c"})).status,
        404,
        "but do not speak for others"
    );
    let of_ada = admin.get(&format!("{ROOT}?user_id=ada")).json();
    assert_eq!(of_ada["conversations"][0], made);
    let service = server.account("backend", "service");
    let body = json!({"content": "c", "user_id": "ada"});
    assert_eq!(
        service.post(&send, &body).status,
        200,
        "a service names whom it acts for"
    );
    assert_eq!(service.get(&path).status, 404);
    assert_eq!(service.get(&format!("{path}?user_id=ada")).status, 200);
}

#[test]
fn health_needs_nobody_and_status_says_what_is_loaded() {
    let server = Server::start();
    let schemas = schemas(&server);
    let health = server.stranger().get("/v1/health");
    assert_eq!(health.status, 200);
    schemas.check("health", &health.json());
    assert_eq!(server.stranger().get("/v1/status").status, 401);
    let status = server.user("ada").get("/v1/status");
    assert_eq!(status.status, 200);
    schemas.check("system_status", &status.json());
    let names = server.stranger().get("/v1/schemas").json();
    for one in names["schemas"].as_array().unwrap() {
        assert_eq!(
            server.stranger().get(one["path"].as_str().unwrap()).status,
            200
        );
    }
}
