//! Answers written by a chat model. The models have random weights: what they
//! say means nothing, how it travels does.

use crate::support::{LIGHTHOUSE, Server, settings};
use futures_util::StreamExt;
use satchel::config::{Config, KvCache};
use satchel::engine::decoder::Architecture;
use satchel::service::{Caller, PassingQuestion, WritingOptions};
use satchel::types::{AnswerEvent, AnswerMode, AnswerSummary, SearchOptions};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long loading a model may take.
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn chat_model_answers_after_the_sources_and_its_sentences_are_checked() {
    for architecture in [
        Architecture::Llama,
        Architecture::Qwen2,
        Architecture::Qwen3,
    ] {
        let server = Server::with_model(architecture);
        let events = server
            .admin()
            .ask("Who was the first keeper of the lighthouse?");
        let at = |name: &str| events.iter().position(|event| event.name == name);
        let is_token = |data: &Value| data["token"].is_string();
        let first_token = events.iter().position(|event| is_token(&event.data));
        assert!(at("sources").unwrap() < first_token.unwrap());
        let reading = events.iter().any(|event| event.data["stage"] == "reading");
        assert!(reading, "the stage of reading is told");
        let answer = events.iter().map(|event| &event.data);
        let answer = answer
            .into_iter()
            .find(|data| data["content"].is_string())
            .unwrap();
        assert_eq!(answer["mode"], "model", "{answer:#}");
        assert!(
            answer["usage"]["prompt"].as_u64().unwrap() > 100,
            "{answer:#}"
        );
        assert!(answer["usage"]["completion"].as_u64().unwrap() > 0);
        assert!(["stop", "length"].contains(&answer["finish_reason"].as_str().unwrap()));
        assert!(answer["checks"].is_array() && answer["html"].is_string());
        // Words at random do not say that the passages are silent.
        assert_eq!(answer["answered"], true, "{answer:#}");
        let session = answer["session_id"].as_str().unwrap();
        let stored = server
            .admin()
            .get(&format!("/chat/sessions/{session}"))
            .json();
        assert_eq!(stored["messages"][1]["content"], answer["content"]);
        let quotes = json!({"message": "Who was the first keeper?", "answer_mode": "quotes"});
        let mut quoted = server.admin().stream("/chat/send", &quotes);
        assert!(quoted.any(|event| event.data["mode"] == "quotes"));
    }
}

#[test]
fn second_question_continues_the_conversation() {
    let server = Server::with_model(Architecture::Llama);
    let first = server
        .admin()
        .ask("Who was the first keeper of the lighthouse?");
    let final_of = |events: &[crate::support::Event]| {
        let mut all = events.iter().map(|event| event.data.clone());
        all.find(|data| data["content"].is_string()).unwrap()
    };
    let first = final_of(&first);
    let body = json!({"message": "How high is the tower?", "session_id": first["session_id"]});
    let second: Vec<_> = server.admin().stream("/chat/send", &body).collect();
    let second = final_of(&second);
    assert_eq!(second["mode"], "model");
    let prompt = |answer: &Value| answer["usage"]["prompt"].as_u64().unwrap();
    assert!(prompt(&second) > prompt(&first), "{second:#}");
}

#[test]
fn what_prompts_begin_with_is_known_after_a_restart() {
    let config = Config {
        kv_cache: KvCache::Q8_0,
        prefix_cache_bytes: 64 << 20,
        ..settings()
    };
    let ask = |server: &Server| {
        let text = "Tell me about the lighthouse of Marrow Point. ".repeat(4);
        let body = json!({
            "model": "Tiny qwen2", "max_tokens": 4, "messages": [{"role": "user", "content": text}],
        });
        let answer = server.admin().post("/v1/chat/completions", &body).json();
        let details = &answer["usage"]["prompt_tokens_details"];
        details["cached_tokens"].as_u64().unwrap()
    };
    let server = Server::with_model_and(Architecture::Qwen2, config);
    ask(&server);
    let known = ask(&server);
    assert!(known >= 64, "{known}");
    let server = server.restart();
    server.wait_for_model();
    assert_eq!(ask(&server), known);
}

#[test]
fn stopped_answer_keeps_what_was_written() {
    let server = Server::with_model(Architecture::Qwen3);
    let body = json!({"message": "Who was the first keeper of the lighthouse?"});
    let mut stream = server.admin().stream("/chat/send", &body);
    let accepted = stream.find(|event| event.name == "accepted").unwrap();
    let session = accepted.data["session_id"].as_str().unwrap().to_owned();
    while !stream.next().unwrap().data["token"].is_string() {}
    drop(stream);
    let path = format!("/chat/sessions/{session}");
    let began = Instant::now();
    loop {
        let stored = server.admin().get(&path).json();
        let answer = &stored["messages"][1];
        if answer.is_object() {
            assert!(
                !answer["content"].as_str().unwrap().is_empty(),
                "{answer:#}"
            );
            let finish = answer["metadata"]["finish_reason"].as_str().unwrap();
            // A fast machine may have been done before it was stopped.
            assert!(
                ["cancelled", "length", "stop"].contains(&finish),
                "{finish}"
            );
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{stored}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn unusable_model_is_said_and_quotes_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let models = folder.path().join("models");
    std::fs::create_dir(&models).unwrap();
    std::fs::write(models.join("broken.gguf"), b"GGUF but nothing of it").unwrap();
    let server = Server::start_in(folder, settings());
    server.admin().ingest("lighthouse.md", LIGHTHOUSE);
    let began = Instant::now();
    loop {
        let status = server.admin().get("/api/status").json();
        if let Some(error) = status["chat_model_error"].as_str() {
            assert!(error.contains("broken.gguf"), "{error}");
            break;
        }
        assert!(began.elapsed() < PATIENCE, "{status}");
        std::thread::sleep(Duration::from_millis(50));
    }
    let events = server
        .admin()
        .ask("Who was the first keeper of the lighthouse?");
    assert!(events.iter().any(|event| event.data["mode"] == "quotes"));
}

/// What is kept of an answer whose words a schema gives the model.
fn answer_that_says(server: &Server, words: &str) -> AnswerSummary {
    let question = PassingQuestion {
        message: "Who was the first keeper of the lighthouse?".to_owned(),
        earlier: Vec::new(),
        system_prompt: None,
        dataset_id: None,
        options: SearchOptions::default(),
        quotes_only: false,
        writing: WritingOptions {
            json_schema: Some(json!({"const": words})),
            ..WritingOptions::default()
        },
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (service, caller) = (server.service(), Caller::visitor());
        let mut events = service.ask_in_passing(&caller, question).await.unwrap();
        while let Some(event) = events.next().await {
            if let AnswerEvent::Done {
                content, summary, ..
            } = event
            {
                assert!(content.contains(words), "{content}");
                return *summary;
            }
        }
        panic!("the answer has no end");
    })
}

#[test]
fn model_that_says_that_the_passages_are_silent_is_reported_to_refuse() {
    let server = Server::with_model(Architecture::Llama);
    server.publish("lighthouse.md", LIGHTHOUSE);
    let refusal = answer_that_says(&server, "The passages do not say who it was.");
    assert!(matches!(refusal.mode, AnswerMode::Model { .. }));
    assert_eq!(refusal.answered, Some(false));
    // The search was sure: what is told of it stands beside the model's word.
    assert!(refusal.answerable.unwrap() > 0.5, "{refusal:?}");
    let answer = answer_that_says(&server, "Tobias Grenn was the first keeper.");
    assert_eq!(answer.answered, Some(true));
}
