//! Contract 5: chats of people who have not signed in.

use crate::support::{Answer, Client, Event, LIGHTHOUSE, Server, assert_shape, settings};
use satchel::config::{Config, PublicChat};
use serde_json::{Value, json};

const SESSIONS: &str = "/api/chats/sessions/";
const MESSAGES: &str = "/api/chats/messages/";
const CHAT: &str = "/api/chats/messages/chat/";
const STREAM: &str = "/api/chats/messages/chat/stream/";
const KEEPER: &str = "Who was the first keeper of the lighthouse?";

fn with_lighthouse() -> Server {
    let server = Server::start();
    server.publish("lighthouse.md", LIGHTHOUSE);
    server
}

fn made(client: &Client, body: &Value) -> Value {
    let answer = client.post(SESSIONS, body);
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()
}

fn shape_of_session() -> Value {
    json!({"id": "string", "session_id": "string", "external_user_id": "string | null",
           "created_at": "datetime", "expires_at": "datetime", "is_active": "boolean",
           "metadata": "object"})
}

fn shape_of_message() -> Value {
    json!({"id": "string", "session": shape_of_session(), "message": "string",
           "role": "user | assistant | system", "metadata": "object", "timestamp": "datetime"})
}

fn refused(answer: &Answer, status: u16) -> String {
    assert_eq!(answer.status, status, "{}", answer.text);
    let body = answer.json();
    assert_shape(&body, &json!({"detail": "string"}));
    body["detail"].as_str().unwrap().to_owned()
}

fn list(client: &Client, path: &str) -> Vec<Value> {
    let answer = client.get(path);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    answer.json().as_array().unwrap().clone()
}

#[test]
fn session_is_made_read_listed_and_deleted_without_a_login() {
    let server = Server::start();
    let visitor = server.stranger();
    let bare = made(&visitor, &json!({"metadata": {"device": "web"}}));
    assert_shape(&bare, &shape_of_session());
    assert_eq!(bare["metadata"], json!({"device": "web"}));
    assert_eq!(
        (&bare["is_active"], &bare["external_user_id"]),
        (&json!(true), &Value::Null)
    );
    let named = made(
        &visitor,
        &json!({"session_id": "page-7", "external_user_id": "user123",
                "expires_at": "2099-01-02T12:00:00Z"}),
    );
    assert_eq!(named["session_id"], "page-7");
    assert_ne!(named["id"], "page-7", "the id is a UUID all the same");
    assert_eq!(named["id"].as_str().unwrap().len(), 36);
    assert_eq!(named["expires_at"], "2099-01-02T12:00:00.000Z");
    assert_eq!(named["metadata"], json!({}));
    let uuid = named["id"].as_str().unwrap();
    for name in [uuid, "page-7"] {
        for slash in ["", "/"] {
            let read = visitor.get(&format!("{SESSIONS}{name}{slash}"));
            assert_eq!((read.status, read.json()), (200, named.clone()));
        }
    }
    let found = |query: &str| -> Vec<Value> {
        let all = list(&visitor, &format!("{SESSIONS}{query}"));
        all.iter().map(|one| one["session_id"].clone()).collect()
    };
    assert_eq!(found("").len(), 2);
    assert_eq!(found("?external_user_id=user123"), ["page-7"]);
    assert_eq!(found("?search=PAGE"), ["page-7"]);
    assert_eq!(found("?search=ser12"), ["page-7"]);
    assert_eq!(found("?is_active=true").len(), 2);
    assert!(found("?is_active=False").is_empty());
    refused(&visitor.get(&format!("{SESSIONS}?is_active=maybe")), 400);
    assert_eq!(visitor.delete(&format!("{SESSIONS}{uuid}/")).status, 204);
    refused(&visitor.get(&format!("{SESSIONS}page-7/")), 404);
    refused(&visitor.delete(&format!("{SESSIONS}page-7/")), 404);
}

#[test]
fn session_lives_a_day_unless_the_client_says() {
    let server = Server::start();
    let session = made(&server.stranger(), &json!({}));
    let time = |name: &str| satchel::types::Time::parse(session[name].as_str().unwrap()).unwrap();
    let life = time("expires_at").seconds() - time("created_at").seconds();
    assert!((24 * 3600 - 1..=24 * 3600 + 1).contains(&life), "{life}");
}

#[test]
fn expired_session_takes_no_messages_and_stays_readable() {
    let server = Server::start();
    let visitor = server.stranger();
    let body = json!({"session_id": "old", "expires_at": "2020-01-02T12:00:00+01:00"});
    let session = made(&visitor, &body);
    assert_eq!(session["is_active"], false);
    let message = json!({"session_id": "old", "message": "Hello?"});
    for path in [MESSAGES, CHAT, STREAM] {
        assert!(refused(&visitor.post(path, &message), 400).contains("expired"));
    }
    assert_eq!(visitor.get(&format!("{SESSIONS}old")).status, 200);
    assert!(list(&visitor, &format!("{MESSAGES}?session_id=old")).is_empty());
    assert_eq!(
        list(&visitor, &format!("{SESSIONS}?is_active=false")).len(),
        1
    );
}

#[test]
fn messages_are_stored_listed_filtered_and_softly_deleted() {
    let server = Server::start();
    let visitor = server.stranger();
    let session = made(&visitor, &json!({"session_id": "s"}));
    let add = |role: &str, message: &str| {
        let body = json!({"session_id": session["id"], "message": message, "role": role,
                          "metadata": {"n": 1}});
        let answer = visitor.post(MESSAGES, &body);
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()
    };
    let hello = add("user", "Hello, how are you?");
    assert_shape(&hello, &shape_of_message());
    assert_eq!(hello["session"], session);
    assert_eq!(hello["metadata"], json!({"n": 1}));
    add("assistant", "Fine, thanks.");
    add("system", "Be kind.");
    let plain = visitor.post(MESSAGES, &json!({"session_id": "s", "message": "Bye"}));
    assert_eq!(plain.json()["role"], "user");
    let said = |query: &str| -> Vec<String> {
        let all = list(&visitor, &format!("{MESSAGES}?session_id=s{query}"));
        all.iter()
            .map(|one| one["message"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        said(""),
        ["Hello, how are you?", "Fine, thanks.", "Be kind.", "Bye"]
    );
    assert_eq!(said("&role=user"), ["Hello, how are you?", "Bye"]);
    assert_eq!(said("&search=thanks"), ["Fine, thanks."]);
    let path = format!("{MESSAGES}{}/", hello["id"].as_str().unwrap());
    assert_eq!(visitor.get(&path).json(), hello);
    assert_eq!(visitor.delete(&path).status, 204);
    refused(&visitor.get(&path), 404);
    refused(&visitor.delete(&path), 404);
    assert_eq!(said("").len(), 3);
    assert_eq!(visitor.delete(&format!("{SESSIONS}s/")).status, 204);
    refused(&visitor.get(&format!("{MESSAGES}?session_id=s")), 404);
}

#[test]
fn every_error_of_the_contract_has_its_status() {
    let server = Server::start();
    let visitor = server.stranger();
    made(&visitor, &json!({"session_id": "s"}));
    let table = [
        (SESSIONS, json!({"session_id": "a b"}), 400, "session_id"),
        (SESSIONS, json!({"session_id": "s"}), 400, "session_id"),
        (SESSIONS, json!({"session_id": 7}), 400, "session_id"),
        (SESSIONS, json!({"metadata": [1]}), 400, "metadata"),
        (
            SESSIONS,
            json!({"expires_at": "tomorrow"}),
            400,
            "expires_at",
        ),
        (MESSAGES, json!({"message": "m"}), 400, "session_id"),
        (MESSAGES, json!({"session_id": "s"}), 400, "message"),
        (
            MESSAGES,
            json!({"session_id": "s", "message": " "}),
            400,
            "message",
        ),
        (
            MESSAGES,
            json!({"session_id": "s", "message": "m", "role": "owl"}),
            400,
            "role",
        ),
        (
            MESSAGES,
            json!({"session_id": "s", "message": "m", "metadata": 1}),
            400,
            "metadata",
        ),
        (
            MESSAGES,
            json!({"session_id": "none", "message": "m"}),
            404,
            "session",
        ),
        (CHAT, json!({"message": "m"}), 400, "session_id"),
        (CHAT, json!({"session_id": "s"}), 400, "message"),
        (
            CHAT,
            json!({"session_id": "s", "message": "x".repeat(32_001)}),
            400,
            "message",
        ),
        (
            CHAT,
            json!({"session_id": "none", "message": "m"}),
            404,
            "session",
        ),
        (STREAM, json!({"message": "m"}), 400, "session_id"),
        (STREAM, json!({"session_id": "s"}), 400, "message"),
        (
            STREAM,
            json!({"session_id": "none", "message": "m"}),
            404,
            "session",
        ),
    ];
    for (path, body, status, what) in table {
        let detail = refused(&visitor.post(path, &body), status);
        assert!(detail.contains(what), "{path} {body}: {detail}");
    }
    assert!(refused(&visitor.get(MESSAGES), 400).contains("session_id"));
    refused(&visitor.get(&format!("{MESSAGES}?session_id=none")), 404);
    refused(
        &visitor.get(&format!("{MESSAGES}?session_id=s&role=owl")),
        400,
    );
    refused(&visitor.get(&format!("{MESSAGES}none/")), 404);
    refused(&visitor.get(&format!("{SESSIONS}none/")), 404);
    refused(&visitor.get(STREAM), 405);
    refused(&visitor.get("/api/chats/nothing/"), 404);
    refused(
        &visitor.call("POST", CHAT, Some("application/json"), b"{"),
        400,
    );
}

#[test]
fn chat_answers_from_public_documents_and_stores_both_messages() {
    let server = with_lighthouse();
    server.admin().ingest(
        "secret.md",
        "# Safe\n\nThe combination of the safe is 7-19-4.\n",
    );
    let visitor = server.stranger();
    let session = made(&visitor, &json!({"session_id": "s"}));
    let answer = visitor.post(
        CHAT,
        &json!({"message": KEEPER, "session_id": session["id"]}),
    );
    assert_eq!(answer.status, 200, "{}", answer.text);
    let answer = answer.json();
    assert_shape(
        &answer,
        &json!({"response": "string", "session_id": "s", "message_id": "string",
                "response_id": "string"}),
    );
    assert!(
        answer["response"]
            .as_str()
            .unwrap()
            .contains("Tobias Grenn")
    );
    let stored = list(&visitor, &format!("{MESSAGES}?session_id=s"));
    assert_shape(&json!(stored), &json!([shape_of_message()]));
    assert_eq!(stored.len(), 2);
    assert_eq!(
        (&stored[0]["id"], &stored[0]["message"]),
        (&answer["message_id"], &json!(KEEPER))
    );
    assert_eq!(stored[1]["id"], answer["response_id"]);
    assert_eq!(stored[1]["message"], answer["response"]);
    assert_eq!(
        stored[1]["metadata"]["sources"][0]["filename"],
        "lighthouse.md"
    );
    let secret = json!({"message": "What is the combination of the safe?", "session_id": "s"});
    let answer = visitor.post(CHAT, &secret).json();
    assert!(!answer.to_string().contains("7-19-4"), "{answer}");
}

#[test]
fn stream_has_the_chunks_of_the_contract() {
    let server = with_lighthouse();
    let visitor = server.stranger();
    made(&visitor, &json!({"session_id": "s"}));
    let stream = visitor.stream(STREAM, &json!({"message": KEEPER, "session_id": "s"}));
    assert_eq!(stream.headers["content-type"], "text/event-stream");
    let events: Vec<Event> = stream.collect();
    let (last, chunks) = events.split_last().unwrap();
    assert!(!chunks.is_empty());
    for event in chunks {
        assert!(event.name.is_empty());
        assert_shape(
            &event.data,
            &json!({"chunk": "string", "done": "boolean", "message_id": "string"}),
        );
        assert_eq!(event.data["done"], false);
        assert_eq!(event.data["message_id"], last.data["message_id"]);
    }
    assert_eq!(
        (&last.data["chunk"], &last.data["done"]),
        (&json!(""), &json!(true))
    );
    let text: String = chunks
        .iter()
        .map(|one| one.data["chunk"].as_str().unwrap())
        .collect();
    let stored = list(&visitor, &format!("{MESSAGES}?session_id=s"));
    assert_eq!(stored[0]["id"], last.data["message_id"]);
    assert_eq!(stored[1]["id"], last.data["response_id"]);
    assert_eq!(stored[1]["message"], text.as_str());
    assert_eq!(stored[1]["message"], last.data["response"]);
}

#[test]
fn listing_needs_an_administrator_and_the_rest_can_be_turned_off() {
    let with = |public_chat| {
        let server = Server::start_with(Config {
            public_chat,
            ..settings()
        });
        let stranger = server.stranger();
        (server, stranger)
    };
    let (server, visitor) = with(PublicChat::Sessions);
    made(&visitor, &json!({"session_id": "s"}));
    assert_eq!(visitor.get(&format!("{SESSIONS}s")).status, 200);
    refused(&visitor.get(SESSIONS), 401);
    refused(&visitor.get(&format!("{SESSIONS}?external_user_id=x")), 401);
    refused(&server.user("ada").get(SESSIONS), 403);
    assert_eq!(list(&server.admin(), SESSIONS).len(), 1);
    let (_server, visitor) = with(PublicChat::Off);
    for path in [SESSIONS, &format!("{MESSAGES}?session_id=s")] {
        refused(&visitor.get(path), 404);
    }
    refused(&visitor.post(SESSIONS, &json!({})), 404);
    refused(
        &visitor.post(CHAT, &json!({"message": "m", "session_id": "s"})),
        404,
    );
}

#[test]
fn sessions_of_users_do_not_exist_for_visitors() {
    let server = with_lighthouse();
    server.admin().ingest("lighthouse.md", LIGHTHOUSE);
    let events = server.admin().ask(KEEPER);
    let id = events[0].data["session_id"].as_str().unwrap().to_owned();
    let visitor = server.stranger();
    refused(&visitor.get(&format!("{SESSIONS}{id}")), 404);
    refused(&visitor.get(&format!("{MESSAGES}?session_id={id}")), 404);
    refused(
        &visitor.post(CHAT, &json!({"message": "m", "session_id": id})),
        404,
    );
    refused(&server.admin().get(&format!("{SESSIONS}{id}")), 404);
    assert!(list(&visitor, SESSIONS).is_empty());
}
