//! Live figures: for people in the status, for Prometheus as text.

use crate::support::{Server, settings};
use satchel::engine::decoder::Architecture;
use serde_json::json;
use std::collections::HashMap;

const QUESTION: &str = "Who was the first keeper of the lighthouse?";

/// Samples by name and labels; a line that is no sample fails the test.
fn samples(text: &str) -> HashMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line:?}"));
            (name.to_owned(), value.parse().unwrap())
        })
        .collect()
}

#[test]
fn figures_of_an_answer_reach_prometheus_and_the_status() {
    let server = Server::with_model(Architecture::Llama);
    let admin = server.admin();
    admin.ask(QUESTION);
    let listed = admin.get("/v1/models").json();
    let name = listed["data"][1]["id"].as_str().unwrap();
    let messages = json!([{"role": "user", "content": "Hi"}]);
    let chat = json!({"model": name, "messages": messages, "max_tokens": 4});
    assert_eq!(admin.post("/v1/chat/completions", &chat).status, 200);
    let answer = admin.get("/metrics");
    assert_eq!(answer.status, 200);
    assert!(
        answer
            .header("content-type")
            .starts_with("text/plain; version=0.0.4")
    );
    let found = samples(&answer.text);
    assert_eq!(found["satchel_answers_total{mode=\"model\"}"], 1.0);
    assert_eq!(found["satchel_answers_total{mode=\"plain_chat\"}"], 1.0);
    assert_eq!(found["satchel_first_token_seconds_count"], 2.0);
    assert_eq!(
        found["satchel_first_event_seconds_bucket{le=\"+Inf\"}"],
        1.0
    );
    assert_eq!(found["satchel_documents"], 1.0);
    assert!(found.contains_key("satchel_sequences_running"));
    assert!(found["satchel_http_requests_total{dialect=\"rag_chat\",status=\"2xx\"}"] >= 2.0);
    for name in [
        "satchel_prompt_tokens_total",
        "satchel_reused_tokens_total",
        "satchel_answer_tokens_total",
        "satchel_prompt_tokens_per_second",
        "satchel_answer_tokens_per_second",
        "satchel_kv_blocks",
        "satchel_kv_blocks_kept",
        "satchel_keyword_index_chunks",
        "satchel_vector_index_vectors",
        "satchel_database_bytes",
        "satchel_ingested_pages_total",
        "satchel_ingested_chunks_total",
        "satchel_ingestion_seconds_total{step=\"extract\"}",
        "satchel_ingestion_seconds_total{step=\"embed\"}",
        "satchel_ingestion_seconds_total{step=\"index\"}",
        "process_start_time_seconds",
    ] {
        assert!(found[name] > 0.0, "{name} is {}", found[name]);
    }
    assert!(
        !answer.text.contains("lighthouse"),
        "nothing of what was asked"
    );
    let status = admin.get("/api/status").json();
    assert_eq!(status["answers"]["by_model"], 1);
    assert!(status["chat_activity"]["prompt_tokens_per_second"].is_number());
    assert_eq!(status["indexes"]["vectors"], status["chunks"]);
}

#[test]
fn figures_are_for_administrators_and_their_keys() {
    let server = Server::start_with(settings());
    assert_eq!(server.stranger().get("/metrics").status, 401);
    assert_eq!(server.user("eve").get("/metrics").status, 403);
    let key = server
        .admin()
        .post("/api/keys", &json!({"name": "prometheus"}));
    let key = key.json()["key"].as_str().unwrap().to_owned();
    let prometheus = server
        .stranger()
        .with("authorization", &format!("Bearer {key}"));
    let answer = prometheus.get("/metrics");
    assert_eq!(answer.status, 200);
    let found = samples(&answer.text);
    assert_eq!(found["satchel_answers_total{mode=\"model\"}"], 0.0);
    assert!(
        !found.contains_key("satchel_sequences_running"),
        "there is no chat model"
    );
    let refused = "satchel_http_requests_total{dialect=\"native\",status=\"4xx\"}";
    assert!(found[refused] >= 2.0);
}
