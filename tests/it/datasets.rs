//! Datasets, and search without a chat.

use crate::support::{Form, LIGHTHOUSE, Server, assert_shape, settings};
use satchel::config::Config;
use serde_json::{Value, json};

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap().to_owned()
}

#[test]
fn datasets_are_made_changed_and_deleted_with_their_documents() {
    let server = Server::start();
    let admin = server.admin();
    let shape = json!({
        "id": "string", "name": "string", "description": "string", "builtin": "boolean",
        "document_count": "number", "page_count": "number", "pages_without_text": "number",
        "chunk_count": "number", "languages": "object", "created_at": "datetime",
    });
    let list = admin.get("/api/datasets").json();
    assert_shape(&list, &json!({"datasets": [shape]}));
    let made = admin.post(
        "/api/datasets",
        &json!({"name": "Coast", "description": "d"}),
    );
    assert_eq!(made.status, 201);
    assert_shape(&made.json(), &shape);
    let path = format!("/api/datasets/{}", id(&made.json()));
    assert_eq!(
        admin
            .post("/api/datasets", &json!({"name": "coast"}))
            .status,
        409
    );
    let changed = admin.patch(&path, &json!({"name": "Shore"})).json();
    assert_eq!(
        (&changed["name"], &changed["description"]),
        (&json!("Shore"), &json!("d"))
    );
    let form = Form::new()
        .field("dataset_id", &id(&changed))
        .file("a.md", LIGHTHOUSE);
    let document = admin.send_form(&form).json();
    admin.settled(&id(&document));
    assert_eq!(admin.delete(&path).status, 200);
    assert_eq!(
        admin.get(&format!("/documents/{}", id(&document))).status,
        404
    );
    assert_eq!(admin.delete(&path).status, 404);
}

#[test]
fn search_finds_without_a_chat() {
    let server = Server::start();
    let admin = server.admin();
    admin.ingest("lighthouse.md", LIGHTHOUSE);
    let body = json!({"query": "colza oil lamp", "search_options": {"k": 2, "score_threshold": 0}});
    let answer = admin.post("/api/search", &body);
    assert_eq!(answer.status, 200, "{}", answer.text);
    let found = answer.json();
    assert_shape(
        &found,
        &json!({"results": [{"document_id": "string", "external_id": "string | null",
                             "filename": "string", "chunk_index": "number",
                             "page_number": "number | null", "score": "number",
                             "text": "string", "start": "number", "end": "number"}],
                "took_ms": "number",
                "times": {"embedding_ms": "number", "keywords_ms": "number",
                          "vectors_ms": "number", "reading_ms": "number"}}),
    );
    let steps = found["times"].as_object().unwrap().values();
    let steps: Vec<f64> = steps.map(|step| step.as_f64().unwrap()).collect();
    assert!(steps.iter().all(|step| *step > 0.0), "{found}");
    assert!(steps.iter().sum::<f64>() <= found["took_ms"].as_f64().unwrap());
    assert!(
        found["results"][0]["text"]
            .as_str()
            .unwrap()
            .contains("colza")
    );
    assert_eq!(admin.post("/api/search", &json!({})).status, 400);
    assert_eq!(admin.get("/chat/sessions").json()["total_count"], 0);
}

#[test]
fn fresh_instance_answers_about_its_own_handbook() {
    let server = Server::start_with(Config {
        handbook: true,
        ..settings()
    });
    let client = server.admin();
    let datasets = client.get("/api/datasets").json();
    let mut all = datasets["datasets"].as_array().unwrap().iter();
    let handbook = all.find(|one| one["builtin"] == true).unwrap();
    assert_eq!(handbook["name"], "Handbook");
    let path = format!("/api/datasets/{}", handbook["id"].as_str().unwrap());
    assert_eq!(client.delete(&path).status, 403);
    let events = client.ask("How do I add documents?");
    let mut frames = events.iter().map(|event| &event.data);
    let answer = frames.find(|data| data["content"].is_string()).unwrap();
    assert_eq!(answer["mode"], "quotes", "{answer:#}");
    assert_eq!(
        answer["citations"][0]["title"],
        "Getting started with satchel"
    );
    let chapters = handbook["document_count"].as_u64().unwrap();
    assert!(chapters >= 8, "{handbook}");
    let again = server.restart().admin().get("/api/datasets").json();
    let mut again = again["datasets"].as_array().unwrap().iter();
    let handbook = again.find(|one| one["builtin"] == true).unwrap();
    assert_eq!(handbook["document_count"], chapters);
}

#[test]
fn name_of_a_private_dataset_is_told_to_nobody_by_a_refusal() {
    let server = Server::start();
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    let private = json!({"name": "Salaries", "visibility": "private"});
    assert_eq!(ada.post("/api/datasets", &private).status, 201);
    assert_eq!(ada.post("/api/datasets", &private).status, 409, "her own");
    let of_bob = bob.post("/api/datasets", &private);
    assert_eq!(of_bob.status, 201, "{}", of_bob.text);
    let path = format!("/api/datasets/{}", id(&of_bob.json()));
    let shared = json!({"name": "salaries", "visibility": "tenant"});
    assert_eq!(ada.post("/api/datasets", &shared).status, 201);
    assert_eq!(bob.post("/api/datasets", &shared).status, 409, "he sees it");
    let shown = bob.patch(&path, &json!({"visibility": "tenant"}));
    assert_eq!(shown.status, 409, "{}", shown.text);
    let renamed = bob.patch(&path, &json!({"name": "Wages"}));
    assert_eq!(renamed.status, 200, "{}", renamed.text);
    assert_eq!(
        bob.patch(&path, &json!({"visibility": "tenant"})).status,
        200
    );
}
