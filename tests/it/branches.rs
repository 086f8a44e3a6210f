//! Conversations that fork: a question worded anew, an answer given once more,
//! and what readers of one line see of it.

use crate::support::{Client, LIGHTHOUSE, Server};
use serde_json::{Value, json};

/// A server with a document.
fn server() -> Server {
    let server = Server::start();
    server.publish("lighthouse.md", LIGHTHOUSE);
    server
}

/// Asks; what came of it, with the ids of question and answer.
fn asked(client: &Client, body: &Value) -> Value {
    let events: Vec<_> = client.stream("/chat/send", body).collect();
    let accepted = events.iter().find(|event| event.name == "accepted");
    let accepted = accepted.unwrap_or_else(|| panic!("not accepted: {events:?}"));
    let mut found = accepted.data.clone();
    let whole = events
        .iter()
        .find(|event| event.data["content"].is_string());
    found["content"] = whole.unwrap().data["content"].clone();
    found
}

fn messages(client: &Client, session: &Value, query: &str) -> Vec<Value> {
    let path = format!("/chat/sessions/{}{query}", session.as_str().unwrap());
    let read = client.get(&path).json();
    read["messages"].as_array().unwrap().clone()
}

fn contents(messages: &[Value]) -> Vec<&str> {
    let contents = messages.iter().map(|one| one["content"].as_str());
    contents.map(Option::unwrap).collect()
}

const FIRST: &str = "Who built the lighthouse of Skerry Point?";
const SECOND: &str = "How high is the tower of Skerry Point?";
const OTHER: &str = "Who was the first keeper of Skerry Point?";

#[test]
fn edited_question_begins_a_branch_and_the_newest_branch_is_the_history() {
    let server = server();
    let admin = server.admin();
    let first = asked(&admin, &json!({"message": FIRST}));
    let session = &first["session_id"];
    let second = asked(&admin, &json!({"message": SECOND, "session_id": session}));
    let edited = asked(
        &admin,
        &json!({"message": OTHER, "session_id": session, "edits": second["question_id"]}),
    );
    let line = messages(&admin, session, "");
    let expected = [
        FIRST,
        first["content"].as_str().unwrap(),
        OTHER,
        edited["content"].as_str().unwrap(),
    ];
    assert_eq!(contents(&line), expected);
    let all = messages(&admin, session, "?branches=all");
    assert_eq!(all.len(), 6);
    let parent_of = |id: &Value| {
        let found = all.iter().find(|one| one["id"] == *id);
        found.unwrap()["parent_id"].clone()
    };
    assert_eq!(parent_of(&first["question_id"]), Value::Null);
    assert_eq!(parent_of(&second["question_id"]), first["answer_id"]);
    assert_eq!(parent_of(&edited["question_id"]), first["answer_id"]);
    assert_eq!(parent_of(&edited["answer_id"]), edited["question_id"]);
    // The other dialects see one line.
    let path = format!("/v1/chat/conversations/{}", session.as_str().unwrap());
    let seen = admin.get(&path).text;
    assert!(seen.contains(OTHER) && !seen.contains(SECOND), "{seen}");
}

#[test]
fn first_question_can_be_edited() {
    let server = server();
    let admin = server.admin();
    let first = asked(&admin, &json!({"message": FIRST}));
    let session = &first["session_id"];
    let edit = json!({"message": OTHER, "session_id": session, "edits": first["question_id"]});
    asked(&admin, &edit);
    let line = messages(&admin, session, "");
    assert_eq!(line.len(), 2);
    assert_eq!(line[0]["parent_id"], Value::Null);
    assert_eq!(line[0]["content"], OTHER);
}

#[test]
fn conversation_goes_on_from_an_older_branch() {
    let server = server();
    let admin = server.admin();
    let first = asked(&admin, &json!({"message": FIRST}));
    let session = &first["session_id"];
    let edit = json!({"message": OTHER, "session_id": session, "edits": first["question_id"]});
    asked(&admin, &edit);
    let after = json!({"message": SECOND, "session_id": session, "after": first["answer_id"]});
    asked(&admin, &after);
    let line = messages(&admin, session, "");
    assert_eq!(line.len(), 4);
    assert_eq!(
        (&line[0]["content"], &line[2]["content"]),
        (&json!(FIRST), &json!(SECOND))
    );
}

#[test]
fn question_is_answered_again_without_being_stored_again() {
    let server = server();
    let admin = server.admin();
    let first = asked(&admin, &json!({"message": FIRST}));
    let session = &first["session_id"];
    let again = asked(
        &admin,
        &json!({"session_id": session, "again": first["question_id"]}),
    );
    assert_eq!(again["question_id"], first["question_id"]);
    assert_ne!(again["answer_id"], first["answer_id"]);
    let all = messages(&admin, session, "?branches=all");
    assert_eq!(all.len(), 3);
    assert_eq!(all[1]["parent_id"], all[2]["parent_id"]);
    let line = messages(&admin, session, "");
    assert_eq!(line.len(), 2);
    assert_eq!(line[1]["id"], again["answer_id"]);
}

#[test]
fn what_a_question_was_restricted_to_holds_when_it_is_asked_again() {
    let server = server();
    let admin = server.admin();
    admin.ingest(
        "wrens.md",
        "# Wrens\n\nThe wren of Skerry Point nests in the lighthouse.",
    );
    let documents = admin.get("/api/documents").json();
    let documents = documents["documents"].as_array().unwrap();
    let wrens = documents.iter().find(|one| one["filename"] == "wrens.md");
    let id = &wrens.unwrap()["id"];
    let first = asked(
        &admin,
        &json!({"message": "Where does the wren nest at Skerry Point?", "document_ids": [id]}),
    );
    let session = &first["session_id"];
    let again = json!({"session_id": session, "again": first["question_id"]});
    let events: Vec<_> = admin.stream("/chat/send", &again).collect();
    let sources = events.iter().find(|event| event.name == "sources");
    let sources = sources.unwrap_or_else(|| panic!("{events:?}"));
    let sources = sources.data["sources"].as_array().unwrap();
    assert!(!sources.is_empty());
    assert!(sources.iter().all(|one| one["document_id"] == *id));
    let line = messages(&admin, session, "");
    assert_eq!(line[0]["metadata"], json!({"document_ids": [id]}));
}

#[test]
fn places_that_are_not_there_are_refused() {
    let server = server();
    let admin = server.admin();
    let first = asked(&admin, &json!({"message": FIRST}));
    let session = &first["session_id"];
    let elsewhere = asked(&admin, &json!({"message": SECOND}));
    for (body, status) in [
        (
            json!({"message": OTHER, "session_id": session, "edits": "nothing"}),
            404,
        ),
        (
            json!({"message": OTHER, "session_id": session, "edits": first["answer_id"]}),
            404,
        ),
        (
            json!({"message": OTHER, "session_id": session, "after": elsewhere["answer_id"]}),
            404,
        ),
        (
            json!({"session_id": session, "again": elsewhere["question_id"]}),
            404,
        ),
        (
            json!({"message": OTHER, "edits": first["question_id"]}),
            400,
        ),
        (json!({"session_id": session}), 400),
        (
            json!({"session_id": session, "again": first["question_id"],
                "edits": first["question_id"]}),
            400,
        ),
    ] {
        let answer = admin.post("/chat/send", &body);
        assert_eq!(answer.status, status, "{body}: {}", answer.text);
    }
}
