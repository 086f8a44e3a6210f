//! Documents from upload to deletion.

use crate::support::{BAKERY, Event, Form, LIGHTHOUSE, Server, assert_shape, settings};
use satchel::config::Config;
use serde_json::{Value, json};

/// A PDF whose insides are noise.
const DAMAGED: &[u8] = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R\n%%%% broken";

fn document_wire() -> Value {
    json!({
        "id": "string", "dataset_id": "string", "filename": "string", "title": "string",
        "file_type": "string", "bytes": "number", "sha256": "string",
        "status": "queued | extracting | embedding | ready | failed", "error": "string | null",
        "paged": "boolean", "page_count": "number", "pages_without_text": "number",
        "characters": "number", "chunk_count": "number", "embedded_count": "number",
        "language": "string | null", "version": "number",
        "metadata": "object", "external_id": "string | null", "created_at": "datetime",
        "updated_at": "datetime",
    })
}

fn contract_document() -> Value {
    json!({
        "id": "string", "filename": "string", "content": "string", "created_at": "datetime",
        "metadata": {"filename": "string", "file_type": "string", "page_count": "number | null",
                     "status": "string", "dataset_id": "string",
                     "additional_metadata": "object"},
    })
}

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap().to_owned()
}

#[test]
fn upload_answers_with_the_text_and_becomes_ready() {
    let server = Server::start();
    let admin = server.admin();
    let answer = admin.upload("lighthouse.md", LIGHTHOUSE);
    assert_eq!(answer.status, 200, "{}", answer.text);
    let body = answer.json();
    assert_shape(&body, &contract_document());
    assert!(
        body["content"]
            .as_str()
            .unwrap()
            .contains("Adela Thornqvist")
    );
    assert_eq!(body["metadata"]["file_type"], "markdown");
    let document = admin.settled(&id(&body));
    assert_shape(&document, &document_wire());
    assert_eq!(document["status"], "ready");
    assert_eq!(document["embedded_count"], document["chunk_count"]);
    let got = admin.get(&format!("/documents/{}", id(&body))).json();
    assert_shape(&got, &contract_document());
    assert_eq!(got["content"], body["content"]);
    assert_eq!(got["metadata"]["status"], "ready");
}

#[test]
fn chunks_lie_where_the_page_says() {
    let server = Server::start();
    let admin = server.admin();
    let document = admin.ingest("lighthouse.md", LIGHTHOUSE);
    let path = format!("/documents/{}", id(&document));
    let pages = admin.get(&format!("{path}/pages")).json();
    assert_shape(
        &pages,
        &json!({"document": document_wire(),
                "pages": [{"number": "number", "characters": "number", "chunks": "number",
                           "outcome": "text | no_text | failed", "reason": "string | null"}]}),
    );
    let mut seen = 0;
    for summary in pages["pages"].as_array().unwrap() {
        let page = admin
            .get(&format!("{path}/pages/{}", summary["number"]))
            .json();
        assert_shape(
            &page,
            &json!({"document_id": "string", "title": "string", "filename": "string",
                    "file_type": "string", "paged": "boolean", "page": "number",
                    "page_number": "number | null", "page_count": "number",
                    "outcome": "string", "text": "string",
                    "chunks": [{"chunk_index": "number", "start": "number", "end": "number",
                                "heading_path": ["string"]}]}),
        );
        let text: Vec<char> = page["text"].as_str().unwrap().chars().collect();
        for span in page["chunks"].as_array().unwrap() {
            let index = &span["chunk_index"];
            let chunk = admin.get(&format!("{path}/chunks/{index}")).json();
            assert_shape(
                &chunk,
                &json!({"document_id": "string", "chunk_index": "number", "content": "string",
                        "metadata": {"filename": "string", "document_id": "string",
                                     "chunk_index": "number", "page_number": "number | null",
                                     "total_chunks": "number",
                                     "additional_metadata": "object"}}),
            );
            let at = |field: &str| span[field].as_u64().unwrap() as usize;
            let marked: String = text[at("start")..at("end")].iter().collect();
            assert_eq!(chunk["content"], marked.as_str());
            seen += 1;
        }
    }
    assert_eq!(document["chunk_count"], seen);
    assert!(seen > 0);
    for missing in ["pages/0", "pages/99", "chunks/99"] {
        assert_eq!(
            admin.get(&format!("{path}/{missing}")).status,
            404,
            "{missing}"
        );
    }
    assert_eq!(admin.get(&format!("{path}/chunks/first")).status, 400);
}

#[test]
fn citation_is_the_text_between_its_ends_on_its_page() {
    let server = Server::start();
    let admin = server.admin();
    admin.ingest("lighthouse.md", LIGHTHOUSE.replace("Tobias", "Tøbias 🗼"));
    let events = admin.ask("Who was the first keeper of the lighthouse?");
    let cited: Vec<_> = events
        .iter()
        .filter(|event| event.name == "citation")
        .collect();
    assert!(!cited.is_empty());
    for Event { data, .. } in cited {
        let document = data["document_id"].as_str().unwrap();
        let page = admin
            .get(&format!("/documents/{document}/pages/{}", data["page"]))
            .json();
        let text: Vec<char> = page["text"].as_str().unwrap().chars().collect();
        let at = |field: &str| data[field].as_u64().unwrap() as usize;
        let marked: String = text[at("start")..at("end")].iter().collect();
        assert_eq!(data["text"], marked.as_str());
    }
}

#[test]
fn same_content_is_kept_once_in_a_dataset() {
    let server = Server::start();
    let admin = server.admin();
    let first = admin.ingest("lighthouse.md", LIGHTHOUSE);
    let second = admin.upload("copy.md", LIGHTHOUSE);
    assert_eq!(second.status, 200);
    let second = second.json();
    assert_eq!(second["id"], first["id"]);
    assert_eq!(second["metadata"]["duplicate"], true);
    assert_eq!(second["filename"], "lighthouse.md");
    let other = admin
        .post("/api/datasets", &json!({"name": "Other"}))
        .json();
    let form = Form::new()
        .file("copy.md", LIGHTHOUSE)
        .field("dataset_id", &id(&other));
    let elsewhere = admin.send_form(&form).json();
    assert_ne!(elsewhere["id"], first["id"]);
    assert_eq!(elsewhere["metadata"]["dataset_id"], other["id"]);
}

#[test]
fn damaged_file_is_refused_and_listed_with_the_reason() {
    let server = Server::start();
    let admin = server.admin();
    let answer = admin.upload("broken.pdf", DAMAGED);
    assert_eq!(answer.status, 400, "{}", answer.text);
    assert!(answer.detail().contains("broken.pdf"), "{}", answer.text);
    let failed = admin.get("/api/documents?status=failed").json();
    assert_eq!(failed["total_count"], 1);
    let document = &failed["documents"][0];
    assert_eq!(document["filename"], "broken.pdf");
    assert!(!document["error"].as_str().unwrap().is_empty());
    let again = admin.post(&format!("/documents/{}/retry", id(document)), &json!({}));
    assert_eq!(again.status, 200, "{}", again.text);
    assert_eq!(admin.settled(&id(document))["status"], "failed");
}

#[test]
fn deleted_document_is_not_found_and_not_cited() {
    let server = Server::start();
    let admin = server.admin();
    let document = admin.ingest("lighthouse.md", LIGHTHOUSE);
    admin.ingest("bakery.md", BAKERY);
    let path = format!("/documents/{}", id(&document));
    let answer = admin.delete(&path);
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json(),
        json!({"message": "Document deleted successfully"})
    );
    for rest in [
        "",
        "/chunks/0",
        "/pages",
        "/pages/1",
        "/original",
        "/events",
    ] {
        assert_eq!(admin.get(&format!("{path}{rest}")).status, 404, "{rest}");
    }
    assert_eq!(admin.delete(&path).status, 404);
    let question = "Who built the lighthouse of Marrow Point?";
    for event in admin.ask(question) {
        assert!(!event.data.to_string().contains("Thornqvist"), "{event:?}");
    }
    let found = admin
        .post("/api/search", &json!({"query": question}))
        .json();
    assert!(!found.to_string().contains("Thornqvist"));
}

#[test]
fn fields_of_the_form_come_in_any_order() {
    let server = Server::start();
    let admin = server.admin();
    let dataset = admin
        .post("/api/datasets", &json!({"name": "Coast"}))
        .json();
    let metadata = r#"{"title":"The Lamp","chapter":"3","colour":"red"}"#;
    let form = Form::new()
        .field("unknown", "ignored")
        .file("a.md", LIGHTHOUSE)
        .field("metadata", metadata)
        .field("dataset_id", &id(&dataset));
    let answer = admin.send_form(&form);
    assert_eq!(answer.status, 200, "{}", answer.text);
    let stored = &answer.json()["metadata"];
    assert_eq!(stored["dataset_id"], dataset["id"]);
    assert_eq!(stored["title"], "The Lamp");
    assert_eq!(stored["colour"], "red");
    let list = admin
        .get(&format!(
            "/api/documents?dataset_id={}&q=lamp",
            id(&dataset)
        ))
        .json();
    assert_eq!(list["documents"][0]["title"], "The Lamp");
}

#[test]
fn upload_that_is_none_is_refused() {
    let server = Server::start();
    let admin = server.admin();
    let detail = |form: &Form| {
        let answer = admin.send_form(form);
        assert_eq!(answer.status, 400, "{}", answer.text);
        answer.detail()
    };
    assert!(detail(&Form::new().field("dataset_id", "")).contains("no file"));
    assert!(detail(&Form::new().file("", LIGHTHOUSE)).contains("no name"));
    let wrong = Form::new()
        .file("a.md", LIGHTHOUSE)
        .field("metadata", "[1]");
    assert!(detail(&wrong).starts_with("metadata: "));
    let nowhere = Form::new()
        .file("a.md", LIGHTHOUSE)
        .field("dataset_id", "nowhere");
    assert_eq!(admin.send_form(&nowhere).status, 404);
    let json = admin.post("/documents/upload", &json!({"file": "x"}));
    assert_eq!(json.status, 415, "{}", json.text);
    let cut = b"------one-boundary-of-the-tests\r\nContent-Disposition: form-data; name=\"file\"";
    let kind = "multipart/form-data; boundary=----one-boundary-of-the-tests";
    let answer = admin.call("POST", "/documents/upload", Some(kind), cut);
    assert_eq!(answer.status, 400);
    let form = Form::new().file("../../sneaky.md", LIGHTHOUSE);
    assert_eq!(admin.send_form(&form).json()["filename"], "sneaky.md");
    assert_eq!(
        admin.get("/api/documents").json()["documents"][0]["filename"],
        "sneaky.md"
    );
}

#[test]
fn upload_beyond_the_limit_is_too_large() {
    let server = Server::start_with(Config {
        max_upload_bytes: 10_000,
        ..settings()
    });
    let answer = server.admin().upload("big.txt", "word ".repeat(3000));
    assert_eq!(answer.status, 413, "{}", answer.text);
}

#[test]
fn list_is_paged_and_filtered() {
    let server = Server::start();
    let admin = server.admin();
    for number in 0..5 {
        let text = format!("Notes of day {number}: nothing happened, but it happened slowly.");
        admin.ingest(&format!("day-{number}.txt"), text);
    }
    let count = |query: &str| {
        let body = admin.get(&format!("/api/documents?{query}")).json();
        assert_shape(
            &body,
            &json!({"documents": [document_wire()], "total_count": "number",
                    "next_cursor": "string | null"}),
        );
        body["total_count"].as_u64().unwrap()
    };
    assert_eq!(count("q=day-3"), 1);
    assert_eq!(count("q=day-&status=ready"), 5);
    assert_eq!(count("status=failed"), 0);
    let (mut names, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = admin
            .get(&format!("/api/documents?q=day-&limit=2&cursor={cursor}"))
            .json();
        for document in page["documents"].as_array().unwrap() {
            names.push(document["filename"].as_str().unwrap().to_owned());
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(
        names,
        [
            "day-4.txt",
            "day-3.txt",
            "day-2.txt",
            "day-1.txt",
            "day-0.txt"
        ]
    );
    for wrong in ["limit=0", "limit=x", "status=lost", "cursor=x"] {
        assert_eq!(
            admin.get(&format!("/api/documents?{wrong}")).status,
            400,
            "{wrong}"
        );
    }
}

#[test]
fn original_comes_back_byte_for_byte_and_without_rights() {
    let server = Server::start();
    let admin = server.admin();
    let document = admin.ingest("größe.md", LIGHTHOUSE);
    let answer = admin.get(&format!("/documents/{}/original", id(&document)));
    assert_eq!(answer.status, 200);
    assert_eq!(answer.text, LIGHTHOUSE);
    assert!(answer.header("content-disposition").starts_with("inline"));
    assert!(
        answer
            .header("content-disposition")
            .contains("gr%C3%B6%C3%9Fe.md")
    );
    assert!(
        answer
            .header("content-security-policy")
            .starts_with("sandbox")
    );
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    let page = admin.ingest(
        "page.html",
        "<h1>Hello</h1><p>A page with some words on it.</p>",
    );
    let answer = admin.get(&format!("/documents/{}/original", id(&page)));
    assert!(
        answer
            .header("content-disposition")
            .starts_with("attachment")
    );
    assert_eq!(answer.header("content-type"), "application/octet-stream");
}

#[test]
fn events_of_a_document_end_when_it_is_ready() {
    let server = Server::start();
    let admin = server.admin();
    let uploaded = admin.upload("lighthouse.md", LIGHTHOUSE).json();
    let stream = admin.listen(&format!("/documents/{}/events", id(&uploaded)));
    assert_eq!(stream.status, 200);
    let events: Vec<_> = stream.collect();
    for event in &events {
        assert_eq!(event.name, "");
        assert_shape(
            &event.data,
            &json!({"document_id": "string", "dataset_id": "string", "filename": "string",
                    "status": "string", "error": "string | null", "page_count": "number",
                    "pages_without_text": "number", "chunk_count": "number",
                    "embedded_count": "number", "deleted": "boolean"}),
        );
        assert_eq!(event.data["document_id"], uploaded["id"]);
    }
    assert_eq!(events.last().unwrap().data["status"], "ready");
}

#[test]
fn events_of_all_documents_tell_of_each_until_deletion() {
    let server = Server::start();
    let admin = server.admin();
    let mut stream = admin.listen("/api/events");
    let uploaded = admin.upload("lighthouse.md", LIGHTHOUSE).json();
    let until = |stream: &mut crate::support::Stream, test: &dyn Fn(&Value) -> bool| {
        stream.find(|event| event.data["document_id"] == uploaded["id"] && test(&event.data))
    };
    assert!(until(&mut stream, &|data| data["status"] == "ready").is_some());
    admin.delete(&format!("/documents/{}", id(&uploaded)));
    assert!(until(&mut stream, &|data| data["deleted"] == true).is_some());
}

#[test]
fn lines_of_a_jsonl_file_are_documents() {
    let server = Server::start();
    let admin = server.admin();
    let lines = format!(
        "{}\n{}\n",
        json!({"id": "lh-1", "title": "Lighthouse", "text": LIGHTHOUSE}),
        json!({"id": "bk-1", "title": "Bakery", "text": BAKERY, "metadata": {"module": "food"}}),
    );
    let answer = admin.upload("corpus.jsonl", lines);
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json()["metadata"]["documents"], 2);
    let list = admin.get("/api/documents?q=bakery").json();
    assert_eq!(list["documents"][0]["external_id"], "bk-1");
    assert_eq!(list["documents"][0]["metadata"]["module"], "food");
}

#[test]
fn documents_and_chats_survive_a_restart() {
    let server = Server::start();
    let document = server.admin().ingest("lighthouse.md", LIGHTHOUSE);
    server.admin().ask("Who built the lighthouse?");
    let server = server.restart();
    let admin = server.admin();
    assert_eq!(admin.settled(&id(&document))["status"], "ready");
    assert_eq!(admin.get("/chat/sessions").json()["total_count"], 1);
    let events = admin.ask("Who was the first keeper?");
    assert!(
        events
            .iter()
            .any(|event| event.data.to_string().contains("Tobias Grenn"))
    );
}
