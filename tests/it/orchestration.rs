//! Contract 4: questions within a session, selected text, history, feedback.

use crate::support::{
    Answer, BAKERY, Client, Event, Form, LIGHTHOUSE, Server, assert_shape, settings,
};
use satchel::config::Config;
use serde_json::{Value, json};

pub const KEEPER: &str = "Who was the first keeper of the lighthouse?";

const COURSE: &str = "---\nmodule: Harbours\nchapter: Lights\npage_url: https://course.example/lights\n---\n\
    # Lights\n\n## Colza oil\n\nThe lamp of the Ness harbour burns colza oil, of which it needs four litres a night.\n";

pub fn with_documents() -> Server {
    let server = Server::start();
    let admin = server.admin();
    admin.ingest("lighthouse.md", LIGHTHOUSE);
    admin.ingest("course.md", COURSE);
    let form = Form::new()
        .field("module", "Bread")
        .field("chapter", "Dough")
        .field("section", "Rest")
        .field("page_url", "https://course.example/dough")
        .field("metadata", r#"{"module": "overruled", "colour": "red"}"#)
        .file("bakery.md", BAKERY);
    let uploaded = admin.send_form(&form).json();
    assert_eq!(uploaded["metadata"]["module"], "Bread", "{uploaded}");
    assert_eq!(uploaded["metadata"]["colour"], "red");
    admin.settled(uploaded["id"].as_str().unwrap());
    server
}

pub fn refused(answer: &Answer) -> (u16, String) {
    let body = answer.json();
    assert_shape(
        &body,
        &json!({"error": {"code": "string", "message": "string"}}),
    );
    assert!(!body["error"]["message"].as_str().unwrap().is_empty());
    let code = body["error"]["code"].as_str().unwrap().to_owned();
    (answer.status, code)
}

pub fn query(client: &Client, body: &Value) -> Value {
    let answer = client.post("/chat/query", body);
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

fn shape_of_citation() -> Value {
    json!({"text": "string", "page_url": "string", "module": "string", "chapter": "string",
           "section": "string"})
}

#[test]
fn answer_has_the_fields_of_the_contract_and_starts_the_session() {
    let server = with_documents();
    let admin = server.admin();
    let body = json!({"question": KEEPER, "session_id": "lesson-1"});
    let answer = query(&admin, &body);
    assert_shape(
        &answer,
        &json!({"response_id": "string", "answer": "string", "citations": [shape_of_citation()],
                "session_id": "lesson-1", "timestamp": "datetime"}),
    );
    assert!(answer["answer"].as_str().unwrap().contains("Tobias Grenn"));
    let cited = &answer["citations"][0];
    assert!(cited["text"].as_str().unwrap().contains("Tobias Grenn"));
    assert_eq!(cited["section"], "Keepers", "the innermost heading");
    let url = cited["page_url"].as_str().unwrap();
    assert!(
        url.starts_with("http://127.0.0.1:") && url.contains("/#/documents/"),
        "{url}"
    );

    let again = query(
        &admin,
        &json!({"question": KEEPER, "session_id": "lesson-1"}),
    );
    assert_ne!(again["response_id"], answer["response_id"]);
    let history = admin.get("/chat/history/lesson-1/").json();
    assert_shape(
        &history,
        &json!({"session_id": "lesson-1", "history": [{"id": "string",
                "type": "user_query | chat_response", "content": "string",
                "timestamp": "datetime"}]}),
    );
    let items = history["history"].as_array().unwrap();
    let kinds: Vec<&str> = items
        .iter()
        .map(|one| one["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        ["user_query", "chat_response", "user_query", "chat_response"]
    );
    assert_eq!(items[0]["id"], answer["query_id"]);
    assert_eq!(items[1]["id"], answer["response_id"]);
    assert_eq!(items[1]["citations"], answer["citations"]);
    assert!(items[0].get("citations").is_none());
}

#[test]
fn module_and_chapter_bound_the_search_and_are_cited() {
    let server = with_documents();
    let admin = server.admin();
    let ask = |question: &str, module: Value, chapter: Value| {
        let body = json!({"question": question, "session_id": "s", "module": module,
                          "chapter": chapter});
        admin.post("/chat/query", &body)
    };
    let oil = "What does the lamp burn?";
    let found = ask(oil, json!("Harbours"), json!("Lights"));
    let answer = found.json();
    assert_eq!(found.status, 200, "{answer}");
    for cited in answer["citations"].as_array().unwrap() {
        assert_eq!(cited["module"], "Harbours");
        assert_eq!(cited["chapter"], "Lights");
        assert_eq!(cited["section"], "Colza oil");
        assert_eq!(cited["page_url"], "https://course.example/lights");
    }
    let elsewhere = ask(oil, json!("Bread"), Value::Null);
    assert_eq!(refused(&elsewhere), (404, "no_relevant_content".to_owned()));
    let unknown = ask(oil, json!("Harbours"), json!("No such chapter"));
    assert_eq!(refused(&unknown).0, 404);
    let rest = ask(
        "How long do loaves rest before baking?",
        json!("Bread"),
        json!("Dough"),
    );
    let rest = rest.json();
    assert_eq!(
        rest["citations"][0]["section"], "Rest",
        "what was given wins over headings"
    );
    assert_eq!(
        ask(oil, json!(""), json!("")).status,
        200,
        "empty is no filter"
    );
}

#[test]
fn lines_bring_their_places_with_them() {
    let server = Server::start();
    let admin = server.admin();
    let lines = format!(
        "{}\n",
        json!({"id": "1", "text": BAKERY, "module": "M", "metadata": {"chapter": "C",
               "section": "S", "page_url": "https://x.example/1"}})
    );
    let uploaded = admin.upload("all.jsonl", lines).json();
    admin.settled(uploaded["id"].as_str().unwrap());
    let body = json!({"question": "How long do loaves rest before baking?", "session_id": "s",
                      "module": "M", "chapter": "C"});
    let cited = query(&admin, &body)["citations"][0].clone();
    let places = ["module", "chapter", "section", "page_url"].map(|name| cited[name].clone());
    assert_eq!(
        places,
        ["M", "C", "S", "https://x.example/1"].map(|text| json!(text))
    );
}

#[test]
fn stream_has_the_objects_of_the_contract() {
    let server = with_documents();
    let admin = server.admin();
    let body = json!({"question": KEEPER, "session_id": "s"});
    let stream = admin.stream("/chat/query", &body);
    assert_eq!(stream.headers["content-type"], "text/event-stream");
    let events: Vec<Event> = stream.collect();
    let kind = |event: &Event| event.data["type"].as_str().unwrap().to_owned();
    let kinds: Vec<String> = events.iter().map(kind).collect();
    assert_eq!(kinds.first().unwrap(), "start");
    assert_eq!(kinds[kinds.len() - 2..], ["citations", "end"]);
    assert!(
        kinds[1..kinds.len() - 2].iter().all(|one| one == "token"),
        "{kinds:?}"
    );
    for event in &events {
        assert!(event.name.is_empty(), "events have no names");
        assert_shape(
            &event.data,
            &json!({"type": "start | token | citations | end", "content": "string",
                    "timestamp": "datetime"}),
        );
    }
    let text: String = events
        .iter()
        .filter(|event| kind(event) == "token")
        .map(|event| event.data["content"].as_str().unwrap())
        .collect();
    let end = &events.last().unwrap().data;
    assert_eq!(end["content"], text.as_str());
    assert!(text.contains("Tobias Grenn"));
    let cited = &events[events.len() - 2].data["citations"];
    assert_shape(cited, &json!([shape_of_citation()]));
    let history = admin.get("/chat/history/s").json();
    assert_eq!(history["history"][1]["id"], end["response_id"]);

    let body = json!({"selected_text": "The keeper of the lighthouse was Ewan Rae.", "question": KEEPER, "session_id": "s"});
    let kinds: Vec<String> = admin
        .stream("/chat/selected-text", &body)
        .map(|event| kind(&event))
        .collect();
    assert_eq!(kinds, ["start", "token", "end"]);
}

#[test]
fn every_error_of_the_contract_has_its_code() {
    let server = with_documents();
    let admin = server.admin();
    let known = query(&admin, &json!({"question": KEEPER, "session_id": "known"}));
    let bob = server.user("bob");
    let long = "x".repeat(2001);
    let feedback = |change: Value| {
        let mut body = json!({"session_id": "known", "query_id": known["query_id"],
                              "response_id": known["response_id"], "feedback_type": "thumbs_up"});
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    };
    let table = [
        (
            "/chat/query",
            json!({"question": "Who?", "session_id": "a b"}),
            400,
            "invalid_session_id",
        ),
        (
            "/chat/query",
            json!({"question": "Who?"}),
            400,
            "invalid_session_id",
        ),
        (
            "/chat/query",
            json!({"question": "Who?", "session_id": 7}),
            400,
            "invalid_session_id",
        ),
        (
            "/chat/query",
            json!({"question": "  ", "session_id": "s"}),
            400,
            "empty_question",
        ),
        (
            "/chat/query",
            json!({"session_id": "s"}),
            400,
            "empty_question",
        ),
        (
            "/chat/query",
            json!({"question": 7, "session_id": "s"}),
            400,
            "invalid",
        ),
        (
            "/chat/query",
            json!({"question": "x".repeat(32_001), "session_id": "s"}),
            400,
            "invalid",
        ),
        (
            "/chat/query",
            json!({"question": "What is the boiling point of tungsten hexafluoride?",
                               "session_id": "s"}),
            404,
            "no_relevant_content",
        ),
        (
            "/chat/selected-text",
            json!({"selected_text": "t", "question": "Who?",
                                       "session_id": "x".repeat(129)}),
            400,
            "invalid_session_id",
        ),
        (
            "/chat/selected-text",
            json!({"selected_text": " ", "question": "Who?",
                                       "session_id": "s"}),
            400,
            "empty_selection",
        ),
        (
            "/chat/selected-text",
            json!({"question": "Who?", "session_id": "s"}),
            400,
            "empty_selection",
        ),
        (
            "/chat/selected-text",
            json!({"selected_text": "t", "question": "",
                                       "session_id": "s"}),
            400,
            "empty_question",
        ),
        (
            "/chat/feedback",
            feedback(json!({"feedback_type": "meh"})),
            400,
            "invalid_feedback_type",
        ),
        (
            "/chat/feedback",
            feedback(json!({"feedback_type": null})),
            400,
            "invalid_feedback_type",
        ),
        (
            "/chat/feedback",
            feedback(json!({"feedback_text": long})),
            400,
            "feedback_too_long",
        ),
        (
            "/chat/feedback",
            feedback(json!({"session_id": "/"})),
            400,
            "invalid_session_id",
        ),
        (
            "/chat/feedback",
            feedback(json!({"session_id": "unknown"})),
            404,
            "invalid_session_id",
        ),
        (
            "/chat/feedback",
            feedback(json!({"query_id": "unknown"})),
            404,
            "unknown_response",
        ),
        (
            "/chat/feedback",
            feedback(json!({"response_id": known["query_id"]})),
            404,
            "unknown_response",
        ),
        (
            "/chat/feedback",
            feedback(json!({"response_id": null})),
            400,
            "unknown_response",
        ),
    ];
    for (path, body, status, code) in table {
        let answer = admin.post(path, &body);
        assert_eq!(refused(&answer), (status, code.to_owned()), "{path} {body}");
    }
    for (path, status) in [("/chat/history/unknown", 404), ("/chat/history/a%20b", 400)] {
        let answer = admin.get(path);
        assert_eq!(
            refused(&answer),
            (status, "invalid_session_id".to_owned()),
            "{path}"
        );
    }
    // What belongs to somebody else does not exist.
    let theirs = json!({"question": KEEPER, "session_id": "known"});
    assert_eq!(
        refused(&bob.post("/chat/query", &theirs)),
        (404, "invalid_session_id".to_owned())
    );
    assert_eq!(bob.get("/chat/history/known").status, 404);
    assert_eq!(bob.post("/chat/feedback", &feedback(json!({}))).status, 404);
    let broken = admin.call("POST", "/chat/query", Some("application/json"), b"{");
    assert_eq!(refused(&broken).0, 400);
    assert_eq!(
        refused(&server.stranger().get("/chat/history/known")).0,
        401
    );
    assert_eq!(refused(&admin.get("/chat/query")).0, 405);
    assert_eq!(refused(&admin.get("/chat/history/a/b")).0, 404);
    let nothing = json!({"question": "What is the boiling point of tungsten hexafluoride?", "session_id": "s"});
    let stream = admin.stream("/chat/query", &nothing);
    assert_eq!(
        stream.status, 404,
        "a refusal keeps its status where a stream was asked for"
    );
}

#[test]
fn too_many_requests_are_refused_by_code() {
    let server = Server::start_with(Config {
        rate_limit: 2,
        ..settings()
    });
    let user = server.user("ada");
    for _ in 0..2 {
        user.get("/chat/history/s");
    }
    let answer = user.get("/chat/history/s");
    assert_eq!(refused(&answer), (429, "rate_limited".to_owned()));
    assert!(!answer.header("retry-after").is_empty());
}

#[test]
fn model_of_the_settings_that_cannot_be_used_is_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    let models = folder.path().join("models");
    std::fs::create_dir(&models).unwrap();
    std::fs::write(models.join("broken.gguf"), b"GGUF but nothing of it").unwrap();
    let config = Config {
        model: Some("broken.gguf".to_owned()),
        ..settings()
    };
    let server = Server::start_in(folder, config);
    let admin = server.admin();
    admin.ingest("lighthouse.md", LIGHTHOUSE);
    let began = std::time::Instant::now();
    while admin.get("/api/status").json()["chat_model_error"].is_null() {
        assert!(began.elapsed().as_secs() < 30);
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let answer = admin.post(
        "/chat/query",
        &json!({"question": KEEPER, "session_id": "s"}),
    );
    assert_eq!(refused(&answer), (503, "model_unavailable".to_owned()));
    assert!(!answer.header("retry-after").is_empty());
}
