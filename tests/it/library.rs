//! Documents as a librarian keeps them: sorted, filtered, moved, read anew.

use crate::support::{Client, Form, Server};
use serde_json::{Value, json};

fn dataset(client: &Client, name: &str, visibility: &str) -> String {
    let body = json!({"name": name, "visibility": visibility});
    let made = client.post("/api/datasets", &body);
    made.json()["id"].as_str().unwrap().to_owned()
}

fn add(client: &Client, dataset: &str, name: &str, text: &str) -> String {
    let form = Form::new().field("dataset_id", dataset).file(name, text);
    let id = client.send_form(&form).json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    client.settled(&id);
    id
}

fn names(client: &Client, query: &str) -> Vec<String> {
    let answer = client.get(&format!("/api/documents{query}"));
    assert_eq!(answer.status, 200, "{}", answer.text);
    let documents = answer.json()["documents"].as_array().unwrap().clone();
    let name = |one: &Value| one["filename"].as_str().unwrap().to_owned();
    documents.iter().map(name).collect()
}

fn finds(client: &Client, words: &str, scope: &Value) -> Vec<String> {
    let mut body = json!({"query": words, "search_options": {"score_threshold": 0.6}});
    body["dataset_id"] = scope.clone();
    let found = client.post("/api/search", &body).json();
    let found = found["results"].as_array().unwrap().clone();
    found
        .iter()
        .map(|one| one["filename"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn documents_are_sorted_filtered_and_paged_by_the_server() {
    let server = Server::start();
    let vera = server.user("vera");
    let data = dataset(&vera, "Notes", "tenant");
    add(&vera, &data, "b.txt", "A middling note about the harbour.");
    add(&vera, &data, "C.txt", "Short note.");
    add(
        &vera,
        &data,
        "a.txt",
        &"A long note about the garden and the hedge. ".repeat(20),
    );
    let of = |query: &str| names(&vera, &format!("?dataset_id={data}{query}"));
    assert_eq!(of(""), ["a.txt", "C.txt", "b.txt"]);
    assert_eq!(of("&sort=name"), ["a.txt", "b.txt", "C.txt"]);
    assert_eq!(of("&sort=size&order=asc"), ["C.txt", "b.txt", "a.txt"]);
    assert_eq!(of("&sort=name&offset=1&limit=1"), ["b.txt"]);
    assert_eq!(of("&status=ready,failed").len(), 3);
    assert_eq!(of("&status=queued,failed").len(), 0);
    assert_eq!(of("&without_text=true").len(), 0);
    let page = vera.get("/api/documents?sort=name&limit=1").json();
    assert_eq!(
        (&page["total_count"], &page["next_cursor"]),
        (&json!(3), &Value::Null)
    );
    for query in [
        "?sort=colour",
        "?status=ready,lost",
        "?sort=name&cursor=3",
        "?order=up",
    ] {
        assert_eq!(
            vera.get(&format!("/api/documents{query}")).status,
            400,
            "{query}"
        );
    }
}

#[test]
fn moved_document_is_found_in_its_new_dataset_and_not_in_the_old_one() {
    let server = Server::start();
    let vera = server.user("vera");
    let nils = server.user("nils");
    let open = dataset(&vera, "Open", "tenant");
    let hidden = dataset(&vera, "Hidden", "private");
    let text = "# Finch\n\nThe zebrafinch nests behind the boiler since May.";
    let id = add(&vera, &open, "finch.md", text);
    assert_eq!(
        finds(&nils, "Where does the zebrafinch nest?", &Value::Null),
        ["finch.md"]
    );
    let path = format!("/api/documents/{id}");
    let moved = vera.patch(&path, &json!({"dataset_id": hidden}));
    assert_eq!(
        (moved.status, &moved.json()["dataset_id"]),
        (200, &json!(hidden))
    );
    assert!(finds(&nils, "Where does the zebrafinch nest?", &Value::Null).is_empty());
    assert!(finds(&vera, "Where does the zebrafinch nest?", &json!(open)).is_empty());
    assert_eq!(
        finds(&vera, "Where does the zebrafinch nest?", &json!(hidden)),
        ["finch.md"]
    );
    assert_eq!(vera.settled(&id)["chunk_count"], 1);

    let own = dataset(&nils, "Mine", "tenant");
    assert_eq!(nils.patch(&path, &json!({"dataset_id": own})).status, 404);
    let other = add(&nils, &own, "other.md", "# Other\n\nSomething else.");
    let into = nils.patch(
        &format!("/api/documents/{other}"),
        &json!({"dataset_id": hidden}),
    );
    assert_eq!(into.status, 404, "what is hidden is not there");
    let twin = add(&vera, &open, "twin.md", text);
    let refused = vera.patch(
        &format!("/api/documents/{twin}"),
        &json!({"dataset_id": hidden}),
    );
    assert_eq!(refused.status, 409, "{}", refused.text);
    assert_eq!(finds(&vera, "zebrafinch", &json!(open)), ["twin.md"]);
    let server = server.restart();
    let vera = server.signed_in("vera");
    assert_eq!(finds(&vera, "zebrafinch", &json!(hidden)), ["finch.md"]);
}

#[test]
fn documents_are_deleted_together_or_not_at_all() {
    let server = Server::start();
    let vera = server.user("vera");
    let data = dataset(&vera, "Notes", "tenant");
    let ids = ["a", "b", "c"].map(|name| {
        add(
            &vera,
            &data,
            &format!("{name}.txt"),
            &format!("The zebrafinch named {name}."),
        )
    });
    let delete = |ids: &[&str]| vera.post("/api/documents/delete", &json!({"document_ids": ids}));
    assert_eq!(delete(&[&ids[0], "no-such-document"]).status, 404);
    assert_eq!(names(&vera, "?sort=name"), ["a.txt", "b.txt", "c.txt"]);
    assert_eq!(delete(&[&ids[0], &ids[2]]).status, 200);
    assert_eq!(names(&vera, ""), ["b.txt"]);
    assert_eq!(finds(&vera, "zebrafinch", &Value::Null), ["b.txt"]);
    assert_eq!(delete(&[]).status, 400);
}

#[test]
fn document_that_is_read_anew_is_found_once() {
    let server = Server::start();
    let vera = server.user("vera");
    let id = vera.ingest(
        "finch.md",
        "# Finch\n\nThe zebrafinch nests behind the boiler.",
    );
    let id = id["id"].as_str().unwrap();
    let again = vera.post(&format!("/documents/{id}/reindex"), &json!({}));
    assert_eq!(again.status, 200, "{}", again.text);
    assert_eq!(vera.settled(id)["status"], "ready");
    assert_eq!(
        finds(&vera, "zebrafinch boiler", &Value::Null),
        ["finch.md"]
    );
    let examined = server.admin().get("/api/examination").json();
    assert_eq!(examined["consistent"], true, "{examined}");
}
