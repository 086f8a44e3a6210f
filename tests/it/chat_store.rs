//! Contract 3: storage of sessions and messages.

use crate::support::{Answer, Client, Schemas, Server, settings};
use satchel::config::Config;
use serde_json::{Value, json};

/// The bodies of the contract as JSON Schemas, written from its text.
fn schemas() -> Schemas {
    let time = json!({"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"});
    let schemas = json!({
        "session": {
            "type": "object",
            "required": ["session_id", "user_id", "agent_id", "title", "created_at", "updated_at"],
            "properties": {
                "session_id": {"type": "string", "minLength": 1, "maxLength": 128},
                "user_id": {"type": "string"},
                "agent_id": {"type": ["string", "null"]},
                "title": {"type": ["string", "null"]},
                "metadata": {"type": "object"},
                "created_at": time, "updated_at": time,
            },
        },
        "message": {
            "type": "object",
            "required": ["session_id", "message_timestamp", "message_id", "role", "content"],
            "properties": {
                "session_id": {"type": "string"},
                "message_timestamp": {"type": "integer", "minimum": 1_700_000_000_000_i64},
                "message_id": {"type": "string"},
                "role": {"enum": ["user", "assistant", "system"]},
                "content": {"type": "string"},
                "metadata": {"type": "object"},
                "created_at": time,
            },
        },
        "list": {
            "type": "object", "required": ["sessions", "next_cursor"],
            "properties": {
                "sessions": {"type": "array", "items": {"$ref": "#/$defs/session"}},
                "next_cursor": {"type": ["string", "null"]},
            },
        },
        "history": {
            "type": "object", "required": ["session", "messages"],
            "properties": {
                "session": {"$ref": "#/$defs/session"},
                "messages": {"type": "array", "items": {"$ref": "#/$defs/message"}},
            },
        },
        "deleted": {
            "type": "object", "required": ["message", "session_id"],
            "properties": {"message": {"type": "string"}, "session_id": {"type": "string"}},
        },
        "error": {
            "type": "object", "required": ["error"],
            "properties": {"error": {"type": "string", "minLength": 1}},
        },
    });
    Schemas(schemas.as_object().unwrap().clone())
}

fn checked(answer: &Answer, status: u16, schema: &str) -> Value {
    assert_eq!(answer.status, status, "{}", answer.text);
    schemas().check(schema, &answer.json());
    answer.json()
}

fn store(client: &Client, user: &str, session: &str, content: &str) -> Value {
    let body = json!({"user_id": user, "role": "user", "content": content});
    let answer = client.post(&format!("/sessions/{session}/messages"), &body);
    checked(&answer, 201, "message")
}

#[test]
fn examples_of_the_contract_work_for_a_service_that_names_its_users() {
    let server = Server::start();
    let service = server.account("copilot", "service");
    let session = json!({
        "user_id": "user123", "session_id": "sess_456", "agent_id": "agent_789",
        "title": "Customer Support Chat",
    });
    let made = checked(&service.post("/sessions", &session), 201, "session");
    for (field, value) in session.as_object().unwrap() {
        assert_eq!(&made[field], value, "{field}");
    }
    let other = json!({"user_id": "user123", "agent_id": "another"});
    let generated = checked(&service.post("/sessions/", &other), 201, "session");
    assert_eq!(generated["session_id"].as_str().unwrap().len(), 36);
    let all = checked(&service.get("/sessions?user_id=user123"), 200, "list");
    assert_eq!(all["sessions"].as_array().unwrap().len(), 2);
    let path = "/sessions?user_id=user123&agent_id=agent_789";
    let of_agent = checked(&service.get(path), 200, "list");
    assert_eq!(of_agent["sessions"], json!([made]));
    let none = checked(&service.get("/sessions?user_id=user124"), 200, "list");
    assert_eq!(none["sessions"], json!([]));
    let message = store(
        &service,
        "user123",
        "sess_456",
        "Hello, I need help with my order",
    );
    assert_eq!(message["role"], "user");
    let path = "/sessions/sess_456?user_id=user123";
    let read = checked(&service.get(path), 200, "history");
    assert_eq!(read["messages"], json!([message]));
    assert_eq!(read["session"]["title"], "Customer Support Chat");
    let deleted = checked(&service.delete(path), 200, "deleted");
    assert_eq!(deleted["session_id"], "sess_456");
    checked(&service.get(path), 404, "error");
    checked(&service.delete(path), 404, "error");
    let again = checked(&service.post("/sessions", &session), 201, "session");
    assert_eq!(again["session_id"], "sess_456", "the id is free again");
    let read = checked(&service.get(path), 200, "history");
    assert_eq!(
        read["messages"],
        json!([]),
        "messages went with their session"
    );
}

#[test]
fn list_is_whole_unless_a_page_of_it_is_asked_for() {
    let server = Server::start();
    let client = server.user("ada");
    for n in 0..5 {
        client.post(
            "/sessions",
            &json!({"user_id": "ada", "session_id": format!("s{n}")}),
        );
    }
    let page = |query: &str| {
        let answer = client.get(&format!("/sessions?user_id=ada{query}"));
        let list = checked(&answer, 200, "list");
        let sessions = list["sessions"].as_array().unwrap().iter();
        let ids: Vec<String> = sessions
            .map(|one| one["session_id"].as_str().unwrap().to_owned())
            .collect();
        (ids, list["next_cursor"].as_str().map(str::to_owned))
    };
    let (whole, next) = page("");
    assert_eq!((whole.len(), next), (5, None));
    let (mut paged, mut cursor) = page("&limit=2");
    while let Some(next) = cursor {
        let (more, after) = page(&format!("&limit=2&cursor={next}"));
        paged.extend(more);
        cursor = after;
    }
    assert_eq!(paged, whole);
}

#[test]
fn timestamps_of_messages_rise_strictly_however_fast_they_come() {
    let server = Server::start();
    let client = server.user("ada");
    client.post("/sessions", &json!({"user_id": "ada", "session_id": "s"}));
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let client = client.clone();
            scope.spawn(move || {
                for n in 0..10 {
                    store(&client, "ada", "s", &format!("{writer}-{n}"));
                }
            });
        }
    });
    let read = checked(&client.get("/sessions/s?user_id=ada"), 200, "history");
    let stamps: Vec<_> = read["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["message_timestamp"].as_i64().unwrap())
        .collect();
    assert_eq!(stamps.len(), 40);
    assert!(stamps.is_sorted_by(|a, b| a < b), "{stamps:?}");
}

#[test]
fn message_is_stored_as_it_is_and_never_answered() {
    let server = Server::start();
    let client = server.user("ada");
    client.post("/sessions", &json!({"user_id": "ada", "session_id": "s"}));
    let text = "  <b>Zeilen\numbruch</b> \u{1F600} ";
    for role in ["user", "assistant", "system"] {
        let body = json!({"user_id": "ada", "role": role, "content": text, "metadata": {"n": 1}});
        let stored = checked(&client.post("/sessions/s/messages", &body), 201, "message");
        assert_eq!(
            (&stored["role"], &stored["content"]),
            (&json!(role), &json!(text))
        );
        assert_eq!(stored["metadata"], json!({"n": 1}));
    }
    let read = client.get("/sessions/s?user_id=ada").json();
    assert_eq!(read["messages"].as_array().unwrap().len(), 3);
    assert_eq!(
        client.get("/chat/sessions/s").status,
        200,
        "other dialects read it too"
    );
}

#[test]
fn user_names_nobody_but_itself() {
    let server = Server::start();
    let (ada, eve) = (server.user("ada"), server.user("eve"));
    let id = ada.get("/auth/me").json()["user"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let by_id = json!({"user_id": id, "session_id": "s"});
    let made = checked(&ada.post("/sessions", &by_id), 201, "session");
    assert_eq!(made["user_id"], id.as_str());
    let by_name = checked(&ada.get("/sessions?user_id=ada"), 200, "list");
    assert_eq!(
        by_name["sessions"].as_array().unwrap().len(),
        1,
        "id and name are one user"
    );
    let body = json!({"user_id": "ada", "role": "user", "content": "c"});
    for answer in [
        eve.post("/sessions", &json!({"user_id": "ada"})),
        eve.get("/sessions?user_id=ada"),
        eve.get("/sessions/s?user_id=ada"),
        eve.post("/sessions/s/messages", &body),
        eve.delete("/sessions/s?user_id=ada"),
    ] {
        checked(&answer, 403, "error");
    }
    checked(&eve.get("/sessions/s?user_id=eve"), 404, "error");
    checked(&eve.delete("/sessions/s?user_id=eve"), 404, "error");
    checked(
        &server.admin().get("/sessions/s?user_id=ada"),
        200,
        "history",
    );
    checked(
        &server.admin().get("/sessions/s?user_id=admin"),
        404,
        "error",
    );
}

#[test]
fn every_refusal_has_the_envelope_and_names_the_field() {
    let server = Server::start_with(Config {
        max_message_chars: 50,
        ..settings()
    });
    let client = server.user("ada");
    client.post("/sessions", &json!({"user_id": "ada", "session_id": "s"}));
    let make = |body: Value| client.post("/sessions", &body);
    let write = |body: Value| client.post("/sessions/s/messages", &body);
    let json = Some("application/json");
    let cases = [
        (400, "user_id", make(json!({}))),
        (400, "user_id", make(json!({"user_id": 5}))),
        (400, "user_id", make(json!({"user_id": ""}))),
        (
            409,
            "exists",
            make(json!({"user_id": "ada", "session_id": "s"})),
        ),
        (
            400,
            "session_id",
            make(json!({"user_id": "ada", "session_id": "s/t"})),
        ),
        (
            400,
            "session_id",
            make(json!({"user_id": "ada", "session_id": "s".repeat(129)})),
        ),
        (400, "title", make(json!({"user_id": "ada", "title": {}}))),
        (
            400,
            "agent_id",
            make(json!({"user_id": "ada", "agent_id": 1})),
        ),
        (400, "user_id", client.get("/sessions")),
        (400, "limit", client.get("/sessions?user_id=ada&limit=0")),
        (400, "limit", client.get("/sessions?user_id=ada&limit=many")),
        (400, "cursor", client.get("/sessions?user_id=ada&cursor=x")),
        (400, "user_id", client.get("/sessions/s")),
        (400, "user_id", client.delete("/sessions/s")),
        (404, "session", client.get("/sessions/t?user_id=ada")),
        (
            400,
            "user_id",
            write(json!({"role": "user", "content": "c"})),
        ),
        (
            400,
            "role",
            write(json!({"user_id": "ada", "content": "c"})),
        ),
        (
            400,
            "role",
            write(json!({"user_id": "ada", "role": "robot", "content": "c"})),
        ),
        (
            400,
            "content",
            write(json!({"user_id": "ada", "role": "user"})),
        ),
        (
            400,
            "content",
            write(json!({"user_id": "ada", "role": "user", "content": ""})),
        ),
        (
            400,
            "content",
            write(json!({"user_id": "ada", "role": "user", "content": "c".repeat(51)})),
        ),
        (
            404,
            "session",
            client.post(
                "/sessions/t/messages",
                &json!({"user_id": "ada", "role": "user", "content": "c"}),
            ),
        ),
        (400, "JSON", client.call("POST", "/sessions", json, b"{")),
        (
            415,
            "JSON",
            client.call("POST", "/sessions", Some("text/plain"), b"{}"),
        ),
        (
            413,
            "bytes",
            client.call("POST", "/sessions", json, &vec![b' '; 1_100_000]),
        ),
        (405, "GET", client.call("PUT", "/sessions", None, b"")),
        (404, "nothing", client.get("/sessions/s/t/u")),
        (401, "token", server.stranger().get("/sessions?user_id=ada")),
    ];
    for (number, (status, word, answer)) in cases.into_iter().enumerate() {
        assert_eq!(answer.status, status, "case {number}: {}", answer.text);
        let error = checked(&answer, status, "error");
        let message = error["error"].as_str().unwrap();
        assert!(message.contains(word), "case {number}: {message}");
    }
}
