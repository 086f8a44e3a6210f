//! Questions about whole documents are answered from all of their sections.

use crate::support::{BAKERY, Client, LIGHTHOUSE, Server};
use serde_json::{Value, json};

fn answer(client: &Client, body: &Value) -> Value {
    let events: Vec<_> = client.stream("/chat/send", body).collect();
    let whole = events
        .iter()
        .find(|event| event.data["content"].is_string());
    whole
        .unwrap_or_else(|| panic!("no answer: {events:?}"))
        .data
        .clone()
}

#[test]
fn summary_of_a_named_document_begins_each_of_its_sections() {
    let server = Server::start();
    let admin = server.admin();
    admin.ingest("lighthouse.md", LIGHTHOUSE);
    admin.ingest("bakery.md", BAKERY);
    let asked = json!({"message": "Summarise the lighthouse document, lighthouse.md"});
    let answer = answer(&admin, &asked);
    assert_eq!(answer["mode"], "quotes");
    let content = answer["content"].as_str().unwrap();
    assert!(content.contains("built in 1874"), "{content}");
    assert!(!content.contains("rye"), "{content}");
    for citation in answer["citations"].as_array().unwrap() {
        assert_eq!(citation["filename"], "lighthouse.md");
    }
}

#[test]
fn summary_of_chosen_documents_is_of_each_of_them() {
    let server = Server::start();
    let admin = server.admin();
    admin.ingest("lighthouse.md", LIGHTHOUSE);
    admin.ingest("bakery.md", BAKERY);
    let list = admin.get("/api/documents").json();
    let ids: Vec<&Value> = list["documents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["id"])
        .collect();
    let answer = answer(
        &admin,
        &json!({"message": "Summarise these", "document_ids": ids}),
    );
    let content = answer["content"].as_str().unwrap();
    assert!(
        content.contains("built in 1874") && content.contains("rye flour"),
        "{content}"
    );
}

#[test]
fn summary_of_a_subject_is_searched_for() {
    let server = Server::start();
    let admin = server.admin();
    admin.ingest("lighthouse.md", LIGHTHOUSE);
    admin.ingest("bakery.md", BAKERY);
    let asked = json!({"message": "Give me an overview of the baking of sourdough loaves"});
    let answer = answer(&admin, &asked);
    assert_eq!(answer["sources"][0]["filename"], "bakery.md");
}
