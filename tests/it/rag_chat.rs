//! Contract 2: chat.

use crate::support::{BAKERY, Client, Event, LIGHTHOUSE, Server, assert_shape, settings};
use satchel::config::Config;
use serde_json::{Value, json};

fn with_lighthouse() -> (Server, String) {
    let server = Server::start();
    let document = server.admin().ingest("lighthouse.md", LIGHTHOUSE);
    assert_eq!(document["status"], "ready", "{document}");
    let id = document["id"].as_str().unwrap().to_owned();
    (server, id)
}

/// The form of an unnamed event: the field that tells it from the others.
fn form(event: &Event) -> &str {
    match event.name.as_str() {
        "" => ["token", "status", "content", "session_id"]
            .into_iter()
            .find(|field| event.data.get(field).is_some())
            .unwrap_or("?"),
        name => name,
    }
}

fn last(events: &[Event]) -> &Value {
    let found = events.iter().find(|event| form(event) == "content");
    &found.expect("a final frame").data
}

fn percent(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric();
    text.bytes()
        .map(|b| {
            if plain(b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}

/// Asks by GET as nobody, with the token in the query.
fn get_send(server: &Server, query: &str) -> (u16, Vec<Event>) {
    let token = server.admin_token();
    let stream = server
        .stranger()
        .with("accept", "text/event-stream")
        .listen(&format!("/chat/send?auth_token={token}&{query}"));
    let status = stream.status;
    match status {
        200 => (status, stream.collect()),
        _ => (status, Vec::new()),
    }
}

#[test]
fn stream_has_the_frames_of_the_contract_in_order() {
    let (server, document) = with_lighthouse();
    let events = server.admin().ask("Who built the lighthouse?");
    let order: Vec<_> = events.iter().map(form).collect();
    let at = |what: &str| order.iter().position(|one| *one == what);
    assert_eq!(order[..2], ["session_id", "accepted"], "{order:?}");
    assert_eq!(order.last(), Some(&"done"), "{order:?}");
    assert_eq!(at("content"), Some(order.len() - 2), "{order:?}");
    assert!(at("status") < at("sources"), "{order:?}");
    assert!(at("sources") < at("token"), "{order:?}");
    assert!(at("token") < at("citation"), "{order:?}");
    assert!(
        !order.contains(&"error") && !order.contains(&"?"),
        "{order:?}"
    );
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event.id, (index + 1).to_string());
    }
    let title = &events[0].data["title"];
    assert_eq!(title, "Who built the lighthouse?");
    let whole = last(&events);
    let tokens: String = events
        .iter()
        .filter(|event| form(event) == "token")
        .map(|event| event.data["token"].as_str().unwrap())
        .collect();
    assert_eq!(whole["content"], tokens.as_str());
    assert!(tokens.contains("Adela Thornqvist"), "{tokens}");
    assert_eq!(whole["citations"][0]["document_id"], document.as_str());
    assert_eq!(whole["session_id"], events[0].data["session_id"]);
    assert_eq!(
        events.last().unwrap().data["message_id"],
        whole["message_id"]
    );
}

#[test]
fn frames_have_the_shapes_of_the_wire() {
    let (server, _) = with_lighthouse();
    let citation = json!({
        "number": "number", "document_id": "string", "filename": "string", "title": "string",
        "chunk_index": "number", "page": "number", "page_number": "number | null",
        "start": "number", "end": "number", "text": "string", "score": "number",
    });
    let coverage = json!({
        "documents": "number", "pages": "number", "pages_without_text": "number",
        "documents_pending": "number", "took_ms": "number",
    });
    for event in server
        .admin()
        .ask("How high is the tower of the lighthouse?")
    {
        let shape = match form(&event) {
            "session_id" => json!({"session_id": "string", "title": "string"}),
            "accepted" => json!({
                "session_id": "string", "title": "string", "new_session": "boolean",
                "question_id": "string", "answer_id": "string", "created_at": "datetime",
            }),
            "status" => json!({"status": "string", "stage": "searching | reading | writing"}),
            "sources" => json!({
                "sources": [{
                    "number": "number", "document_id": "string", "filename": "string",
                    "title": "string", "dataset_id": "string", "chunk_index": "number",
                    "page": "number", "page_number": "number | null", "start": "number",
                    "end": "number", "text": "string", "heading_path": ["string"],
                    "score": "number",
                    "scores": {"bm25": "number | null", "cosine": "number | null",
                               "fused": "number", "late_interaction": "number | null"},
                }],
                "coverage": coverage,
            }),
            "token" => json!({"token": "string"}),
            "block" => json!({"index": "number", "html": "string"}),
            "citation" => citation.clone(),
            "content" => json!({
                "content": "string", "citations": [citation], "session_id": "string",
                "message_id": "string", "html": "string",
                "mode": "quotes | model | nothing_found", "model": "string | null",
                "finish_reason": "stop | length | cancelled | error",
                "checks": [{"start": "number", "end": "number",
                            "support": "supported | weak | unsupported",
                            "citations": ["number"], "score": "number"}],
                "usage": {"prompt": "number", "completion": "number", "total": "number",
                          "reused": "number"},
                "coverage": coverage, "answerable": "number", "answered": "boolean",
                "first_token_ms": "number | null", "total_ms": "number",
            }),
            "done" => json!({"message_id": "string"}),
            other => panic!("unexpected frame {other}: {:?}", event.data),
        };
        assert_shape(&event.data, &shape);
    }
}

#[test]
fn event_stream_has_the_headers_that_keep_it_flowing() {
    let (server, _) = with_lighthouse();
    let client = server.admin().with("accept-encoding", "br, gzip");
    let stream = client.stream(
        "/chat/send",
        &json!({"message": "Who was the first keeper?"}),
    );
    let header = |name: &str| stream.headers.get(name).map_or("", String::as_str);
    assert!(header("content-type").starts_with("text/event-stream"));
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("content-encoding"), "identity");
    assert_eq!(header("x-accel-buffering"), "no");
    assert!(!header("x-request-id").is_empty());
}

#[test]
fn get_and_post_give_the_same_answer() {
    let (server, _) = with_lighthouse();
    let question = "Who was the first keeper?";
    let posted = server.admin().ask(question);
    let options = percent(r#"{"k":4,"rerank":false}"#);
    let query = format!(
        "message={}&session_id=&search_options={options}",
        percent(question)
    );
    let (status, got) = get_send(&server, &query);
    assert_eq!(status, 200);
    assert_eq!(last(&got)["content"], last(&posted)["content"]);
    assert_eq!(form(&got[0]), "session_id");
}

#[test]
fn token_in_the_query_counts_for_get_send_alone() {
    let server = Server::start();
    let token = server.admin_token();
    let nobody = server.stranger();
    assert_eq!(nobody.get("/chat/send?message=hello").status, 401);
    assert_eq!(
        nobody.get("/chat/send?message=hello&auth_token=x").status,
        401
    );
    let path = format!("/chat/sessions?auth_token={token}");
    assert_eq!(nobody.get(&path).status, 401);
    let path = format!("/chat/send?auth_token={token}");
    assert_eq!(nobody.post(&path, &json!({"message": "x"})).status, 401);
}

#[test]
fn reconnecting_event_source_does_not_ask_again() {
    let (server, _) = with_lighthouse();
    let path = format!(
        "/chat/send?auth_token={}&message=keeper",
        server.admin_token()
    );
    let answer = server.stranger().with("last-event-id", "9").get(&path);
    assert_eq!(answer.status, 204);
    assert_eq!(
        server.admin().get("/chat/sessions").json()["total_count"],
        0
    );
}

#[test]
fn client_that_takes_json_alone_gets_the_last_frame() {
    let (server, _) = with_lighthouse();
    let client = server.admin().with("accept", "application/json");
    let answer = client.post(
        "/chat/send",
        &json!({"message": "Who built the lighthouse?"}),
    );
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(
        answer
            .header("content-type")
            .starts_with("application/json")
    );
    let body = answer.json();
    assert!(body["content"].as_str().unwrap().contains("Thornqvist"));
    assert_eq!(body["finish_reason"], "stop");
}

#[test]
fn session_remembers_questions_and_answers() {
    let (server, document) = with_lighthouse();
    let admin = server.admin();
    let first = admin.ask("Who built the lighthouse?");
    let id = first[0].data["session_id"].as_str().unwrap().to_owned();
    let body = json!({"message": "Who was the first keeper?", "session_id": id});
    let second: Vec<_> = admin.stream("/chat/send", &body).collect();
    assert_eq!(
        form(&second[0]),
        "accepted",
        "an old chat is not announced as new"
    );
    assert_eq!(second[0].data["new_session"], false);

    let session = json!({
        "id": "string", "user_id": "string", "system_prompt": "string | null",
        "created_at": "datetime", "updated_at": "datetime", "title": "string | null",
        "memory_key": "string | null", "last_context": "object | null", "metadata": "object",
        "relevant_documents": [{"document_id": "string", "filename": "string",
                                "chunk_index": "number", "page_number": "number | null"}],
    });
    let list = admin.get("/chat/sessions").json();
    assert_shape(
        &list,
        &json!({"sessions": [session], "total_count": "number"}),
    );
    assert_eq!(list["total_count"], 1);

    let detail = admin.get(&format!("/chat/sessions/{id}")).json();
    let message = json!({
        "id": "string", "session_id": "string", "role": "user | assistant | system",
        "content": "string", "metadata": "object", "created_at": "datetime",
        "memory_key": "string | null", "sources": "array | null", "context_ids": "array | null",
        "relevance_score": "number | null", "user_id": "string",
        "cited_documents": "array | null",
    });
    assert_shape(&detail, &json!({"session": session, "messages": [message]}));
    let messages = detail["messages"].as_array().unwrap();
    let roles: Vec<_> = messages
        .iter()
        .map(|one| one["role"].as_str().unwrap())
        .collect();
    assert_eq!(roles, ["user", "assistant", "user", "assistant"]);
    assert_eq!(messages[1]["content"], last(&first)["content"]);
    assert_eq!(messages[1]["id"], last(&first)["message_id"]);
    assert_eq!(messages[1]["sources"], last(&first)["citations"]);
    for field in [
        "html",
        "mode",
        "checks",
        "usage",
        "coverage",
        "finish_reason",
    ] {
        assert_eq!(
            messages[1]["metadata"][field],
            last(&first)[field],
            "{field}"
        );
    }
    assert_eq!(messages[0]["sources"], Value::Null);
    assert_eq!(messages[0]["metadata"], json!({}));

    let of_session = admin.get(&format!("/documents/session/{id}")).json();
    assert_shape(
        &of_session,
        &json!({"documents": [{"document_id": "string", "chunk_index": "number",
                               "document_name": "string", "page_number": "number | null"}],
                "total_count": "number"}),
    );
    assert_eq!(of_session["documents"][0]["document_id"], document.as_str());
    assert_eq!(of_session["documents"][0]["document_name"], "lighthouse.md");
}

#[test]
fn deleted_session_is_gone() {
    let (server, _) = with_lighthouse();
    let admin = server.admin();
    let events = admin.ask("Who built the lighthouse?");
    let path = format!(
        "/chat/sessions/{}",
        events[0].data["session_id"].as_str().unwrap()
    );
    let answer = admin.delete(&path);
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json(),
        json!({"message": "Chat session deleted successfully"})
    );
    assert_eq!(admin.get(&path).status, 404);
    assert_eq!(admin.delete(&path).status, 404);
    assert_eq!(admin.get("/chat/sessions").json()["total_count"], 0);
}

#[test]
fn wrong_question_is_refused_with_the_path_of_the_field() {
    let server = Server::start();
    let admin = server.admin();
    let detail = |body: Value| {
        let answer = admin.post("/chat/send", &body);
        assert_eq!(answer.status, 400, "{body}: {}", answer.text);
        answer.detail()
    };
    assert!(detail(json!({})).contains("message"));
    assert!(detail(json!({"message": 7})).starts_with("message: "));
    let options = |options: Value| detail(json!({"message": "m", "search_options": options}));
    assert!(options(json!({"k": 0})).starts_with("search_options.k: "));
    assert!(options(json!({"k": 101})).starts_with("search_options.k: "));
    assert!(options(json!({"k": "4"})).starts_with("search_options.k: "));
    assert!(options(json!({"score_threshold": 1.5})).contains("search_options.score_threshold"));
    assert!(options(json!({"lambda_mult": -1})).contains("search_options.lambda_mult"));
    assert!(options(json!({"search_type": "hybrid"})).contains("search_options.search_type"));
    assert!(options(json!({"rerank": 1})).contains("search_options.rerank"));
    assert!(options(json!("{}")).starts_with("search_options: "));
    assert!(!detail(json!({"message": "   "})).is_empty());
    let long = "x".repeat(32_001);
    let answer = admin.post("/chat/send", &json!({"message": long}));
    assert!([400, 413].contains(&answer.status), "{}", answer.status);
    let (status, _) = get_send(
        &server,
        &format!("message=m&search_options={}", percent("{k:1}")),
    );
    assert_eq!(status, 400);
    assert_eq!(get_send(&server, "session_id=").0, 400);
}

#[test]
fn nulls_and_unknown_fields_are_fine() {
    let (server, _) = with_lighthouse();
    let body = json!({
        "message": "Who built the lighthouse?", "session_id": null, "dataset_id": null,
        "search_options": {"k": null, "search_type": "MMR", "fetch_k": 20, "lambda_mult": 0.5,
                           "score_threshold": null, "rerank": true, "colour": "red"},
        "temperature": 1,
    });
    let stream = server.admin().stream("/chat/send", &body);
    assert_eq!(stream.status, 200);
    let events: Vec<_> = stream.collect();
    assert!(
        last(&events)["content"]
            .as_str()
            .unwrap()
            .contains("Thornqvist")
    );
}

#[test]
fn unknown_session_and_dataset_are_not_found() {
    let server = Server::start();
    for body in [
        json!({"message": "m", "session_id": "01990000-0000-7000-8000-000000000000"}),
        json!({"message": "m", "dataset_id": "01990000-0000-7000-8000-000000000000"}),
    ] {
        let answer = server.admin().post("/chat/send", &body);
        assert_eq!(answer.status, 404, "{body}: {}", answer.text);
    }
}

#[test]
fn question_in_a_dataset_is_answered_from_it_alone() {
    let (server, _) = with_lighthouse();
    let admin = server.admin();
    let made = admin
        .post("/api/datasets", &json!({"name": "Recipes"}))
        .json();
    let dataset = made["id"].as_str().unwrap();
    let form = crate::support::Form::new()
        .field("dataset_id", dataset)
        .file("bakery.md", BAKERY);
    let uploaded = admin.send_form(&form).json();
    admin.settled(uploaded["id"].as_str().unwrap());
    let ask = |message: &str| -> Vec<Event> {
        let body = json!({"message": message, "dataset_id": dataset});
        admin.stream("/chat/send", &body).collect()
    };
    let events = ask("How long do loaves rest before baking?");
    assert!(
        last(&events)["content"]
            .as_str()
            .unwrap()
            .contains("fourteen hours")
    );
    let elsewhere = ask("Who built the lighthouse of Marrow Point?");
    assert!(
        !last(&elsewhere)["content"]
            .as_str()
            .unwrap()
            .contains("Thornqvist")
    );
}

#[test]
fn question_that_the_documents_do_not_answer_says_so() {
    let (server, _) = with_lighthouse();
    let events = server
        .admin()
        .ask("What is the boiling point of tungsten hexafluoride?");
    let whole = last(&events);
    assert_eq!(whole["mode"], "nothing_found", "{whole:#}");
    assert_eq!(whole["answered"], false);
    let likely = whole["answerable"].as_f64().unwrap();
    assert!(likely < 0.29, "{likely}");
    assert_eq!(whole["citations"], json!([]));
    assert_eq!(whole["finish_reason"], "stop");
}

#[test]
fn streams_beyond_the_limit_of_a_user_are_refused() {
    let server = Server::start_with(Config {
        streams_per_user: 2,
        ..settings()
    });
    let admin = server.admin();
    let open: Vec<_> = (0..2).map(|_| admin.listen("/api/events")).collect();
    assert!(open.iter().all(|stream| stream.status == 200));
    let refused = admin.get("/api/events");
    assert_eq!(refused.status, 429);
    assert!(!refused.header("retry-after").is_empty());
    drop(open);
    let again = (0..100).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        let stream = admin.listen("/api/events");
        (stream.status == 200).then_some(stream)
    });
    assert!(again.is_some(), "closed streams make room");
}

#[test]
fn server_stops_at_once_although_somebody_listens() {
    let server = Server::start();
    let _listening: (Client, _) = (server.admin(), server.admin().listen("/api/events"));
    let started = std::time::Instant::now();
    drop(server);
    assert!(started.elapsed().as_secs() < 8);
}
