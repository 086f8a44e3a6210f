//! How long the first word takes: passages are fitted to a time, and what was
//! read once is not read again.

use crate::support::{Client, Server, settings};
use satchel::config::Config;
use satchel::engine::decoder::Architecture;
use serde_json::{Value, json};

const QUESTION: &str = "Who was the first keeper of the lighthouse?";

/// Tokens of a block of the cache: less than one cannot be reused.
const BLOCK: u64 = 32;

/// A server with several documents about the same.
fn server(first_token_seconds: f32) -> Server {
    let config = Config {
        first_token_seconds,
        answer_tokens: 16,
        ..settings()
    };
    let server = Server::with_model_and(Architecture::Llama, config);
    for n in 1..=4 {
        // Short, so that several turns fit into the tiny model's context.
        let text = format!(
            "# Keepers {n}\n\nThe first keeper of lighthouse {n} was Tobias Wren, who sold honey."
        );
        server.admin().ingest(&format!("keepers-{n}.md"), text);
    }
    server
}

/// Asks, and gives the answer's last frame.
fn ask(client: &Client, body: &Value) -> Value {
    let mut events = client.stream("/chat/send", body);
    let last = events.find(|event| event.data["content"].is_string());
    last.expect("an answer").data
}

fn options(all_passages: bool) -> Value {
    json!({"k": 5, "score_threshold": 0, "all_passages": all_passages})
}

fn tokens(answer: &Value, name: &str) -> u64 {
    answer["usage"][name].as_u64().unwrap()
}

#[test]
fn answer_says_which_passages_were_left_out_for_its_speed_and_gives_them_on_demand() {
    let server = server(0.000_01);
    let admin = server.admin();
    let body = json!({"message": QUESTION, "search_options": options(false)});
    let answer = ask(&admin, &body);
    assert_eq!(answer["mode"], "model", "{answer:#}");
    assert_eq!(answer["left_out"]["for_time"], 4, "{answer:#}");
    let note = answer["left_out"]["note"].as_str().unwrap();
    assert!(note.starts_with("4 of 5 passages were left out so that the answer starts"));
    let session = answer["session_id"].as_str().unwrap();
    let stored = admin.get(&format!("/chat/sessions/{session}")).json();
    assert_eq!(
        stored["messages"][1]["metadata"]["left_out"],
        answer["left_out"]
    );
    let body = json!({"message": QUESTION, "search_options": options(true)});
    let all = ask(&admin, &body);
    assert_eq!(all["left_out"], Value::Null, "{all:#}");
    assert!(tokens(&all, "prompt") > tokens(&answer, "prompt"));
    let body = json!({
        "model": "satchel", "messages": [{"role": "user", "content": QUESTION}],
        "search_options": options(false),
    });
    let completion = admin.post("/v1/chat/completions", &body).json();
    assert_eq!(completion["satchel"]["left_out"]["passages"], 4);
}

#[test]
fn without_a_budget_all_passages_are_read_and_reading_is_told() {
    let server = server(0.0);
    let body = json!({"message": QUESTION, "search_options": options(false)});
    let events: Vec<_> = server.admin().stream("/chat/send", &body).collect();
    let reading = events.iter().find(|event| event.data["stage"] == "reading");
    let reading = &reading.expect("reading is told").data;
    assert_eq!(reading["sources"], 5, "{reading:#}");
    // The model has been measured before it serves.
    assert!(reading["estimated_seconds"].is_number(), "{reading:#}");
    let answer = events
        .iter()
        .find(|event| event.data["content"].is_string());
    let answer = &answer.unwrap().data;
    assert_eq!(answer["left_out"], Value::Null);
    assert_eq!(reading["prompt_tokens"], answer["usage"]["prompt"]);
    assert_eq!(reading["reused_tokens"], answer["usage"]["reused"]);
    assert!(
        tokens(answer, "reused") >= BLOCK,
        "the instructions are known: {answer:#}"
    );
}

#[test]
fn follow_up_reads_only_what_is_new() {
    let server = server(0.0);
    let admin = server.admin();
    let mut body = json!({"message": QUESTION, "search_options": options(false)});
    let first = ask(&admin, &body);
    body["session_id"] = first["session_id"].clone();
    body["message"] = json!("Who sold the honey of the lighthouse keeper?");
    let second = ask(&admin, &body);
    assert!(
        tokens(&second, "reused") + BLOCK >= tokens(&first, "prompt"),
        "{second:#}"
    );
    let grown = tokens(&second, "prompt") - tokens(&first, "prompt");
    assert!(
        grown * 3 < tokens(&first, "prompt"),
        "no passage is sent twice: {second:#}"
    );
    // An answer without the model in between changes nothing.
    body["answer_mode"] = json!("quotes");
    assert_eq!(ask(&admin, &body)["mode"], "quotes");
    body["answer_mode"] = json!("auto");
    body["message"] = json!("Was Tobias Wren the first keeper of the lighthouse?");
    let third = ask(&admin, &body);
    assert!(
        tokens(&third, "reused") + BLOCK >= tokens(&second, "prompt"),
        "{third:#}"
    );
}

#[test]
fn follow_up_over_the_public_api_reads_only_what_is_new_though_nothing_is_stored() {
    let server = server(0.0);
    let ask = |messages: &Value| {
        let body =
            json!({"model": "satchel", "messages": messages, "search_options": options(false)});
        let answer = server.admin().post("/v1/chat/completions", &body);
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    };
    let mut messages = json!([{"role": "user", "content": QUESTION}]);
    let first = ask(&messages);
    let said = first["choices"][0]["message"]["content"].clone();
    let all = messages.as_array_mut().unwrap();
    all.push(json!({"role": "assistant", "content": said}));
    all.push(json!({"role": "user", "content": "Who sold the honey of the lighthouse keeper?"}));
    let second = ask(&messages)["usage"].clone();
    let reused = second["prompt_tokens_details"]["cached_tokens"]
        .as_u64()
        .unwrap();
    let before = first["usage"]["prompt_tokens"].as_u64().unwrap();
    assert!(reused + BLOCK >= before, "{second:#} after {before}");
}

#[test]
fn all_that_an_answer_after_a_follow_up_cites_is_a_source_that_was_shown() {
    let server = server(0.0);
    let admin = server.admin();
    let mut body = json!({"message": QUESTION, "search_options": options(false)});
    for _ in 0..3 {
        let events: Vec<_> = admin.stream("/chat/send", &body).collect();
        let sources = events.iter().find(|event| event.name == "sources").unwrap();
        let sources = sources.data["sources"].as_array().unwrap();
        let answer = events
            .iter()
            .find(|event| event.data["content"].is_string());
        let answer = &answer.unwrap().data;
        for citation in answer["citations"].as_array().unwrap() {
            let number = citation["number"].as_u64().unwrap() as usize;
            assert_eq!(sources[number - 1]["document_id"], citation["document_id"]);
        }
        body["session_id"] = answer["session_id"].clone();
    }
}
