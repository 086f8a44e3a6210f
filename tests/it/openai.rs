//! The public OpenAI API: models, chat completions, embeddings, errors. The
//! official clients are driven against it in `tests/clients`.

use crate::support::{Answer, Client, LIGHTHOUSE, Server, settings};
use satchel::config::Config;
use satchel::engine::decoder::Architecture;
use serde_json::{Value, json};

const CHAT: &str = "/v1/chat/completions";
const EMBEDDER: &str = "all-MiniLM-L6-v2";

fn user(text: &str) -> Value {
    json!([{"role": "user", "content": text}])
}

/// A greedy request to the tiny model, with more fields.
fn plain(more: Value) -> Value {
    let mut body = json!({
        "model": "Tiny llama",
        "messages": user("Say something."),
        "temperature": 0,
        "max_tokens": 24,
    });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn content(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let content = answer.json()["choices"][0]["message"]["content"].clone();
    content.as_str().unwrap().to_owned()
}

/// The chunks of a stream before its `[DONE]`.
fn chunks(client: &Client, body: &Value) -> Vec<Value> {
    let stream = client.stream(CHAT, body);
    assert_eq!(stream.status, 200);
    let mut events: Vec<Value> = stream.map(|event| event.data).collect();
    assert_eq!(events.pop().unwrap(), "[DONE]");
    events
}

fn joined(chunks: &[Value]) -> String {
    let texts = chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str());
    texts.collect()
}

/// The refusal of a request: its status, and the parts of the envelope.
fn refused(answer: &Answer) -> (u16, String, Value, Value) {
    let error = &answer.json()["error"];
    assert!(error["type"].is_string(), "{}", answer.text);
    let message = error["message"].as_str().unwrap().to_owned();
    let part = |name: &str| error[name].clone();
    (answer.status, message, part("param"), part("code"))
}

#[test]
fn models_are_the_grounded_one_the_loaded_ones_and_the_embedder() {
    let server = Server::with_model(Architecture::Llama);
    let client = server.admin();
    let list = client.get("/v1/models").json();
    assert_eq!(list["object"], "list");
    let models = list["data"].as_array().unwrap();
    let ids: Vec<&str> = models
        .iter()
        .map(|model| model["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["satchel", "Tiny llama", EMBEDDER]);
    for model in models {
        assert_eq!(model["object"], "model");
        assert!(model["created"].is_u64() && model["owned_by"].is_string());
        let path = format!("/v1/models/{}", model["id"].as_str().unwrap());
        assert_eq!(client.get(&path.replace(' ', "%20")).json(), *model);
    }
    let (status, message, param, code) = refused(&client.get("/v1/models/gpt/4"));
    assert_eq!(
        (status, param, code),
        (404, json!("model"), json!("model_not_found"))
    );
    assert!(
        message.contains("gpt/4") && message.contains("Tiny llama"),
        "{message}"
    );
}

#[test]
fn conversation_is_continued_by_the_named_model_and_not_stored() {
    let server = Server::with_model(Architecture::Llama);
    let client = server.admin();
    let body = plain(json!({
        "messages": [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "Say"}, {"type": "text", "text": "this."}]},
            {"role": "assistant", "content": "This."},
            {"role": "user", "content": "And that.", "name": "ada"},
        ],
        "user": "ada", "n": 1, "presence_penalty": 0, "logit_bias": {}, "unheard_of": [1],
        "response_format": {"type": "text"},
    }));
    let answer = client.post(CHAT, &body);
    let text = content(&answer);
    assert!(!text.is_empty());
    let body = answer.json();
    assert_eq!(body["object"], "chat.completion");
    assert!(body["id"].as_str().unwrap().starts_with("chatcmpl-"));
    assert_eq!(body["model"], "Tiny llama");
    let choice = &body["choices"][0];
    assert_eq!(
        (&choice["index"], &choice["finish_reason"]),
        (&json!(0), &json!("length"))
    );
    assert_eq!(choice["message"]["role"], "assistant");
    let usage = &body["usage"];
    let count = |name: &str| usage[name].as_u64().unwrap();
    assert_eq!(count("completion_tokens"), 24);
    assert_eq!(count("total_tokens"), count("prompt_tokens") + 24);
    assert!(usage["prompt_tokens_details"]["cached_tokens"].is_u64());
    assert_eq!(client.get("/chat/sessions").json()["total_count"], 0);
}

#[test]
fn stream_adds_up_to_the_whole_answer() {
    let server = Server::with_model(Architecture::Qwen3);
    let client = server.admin();
    let model = json!({"model": "Tiny qwen3"});
    let whole = content(&client.post(CHAT, &plain(model.clone())));
    let mut body = plain(model);
    body["stream"] = json!(true);
    let without = chunks(&client, &body);
    assert_eq!(joined(&without), whole);
    assert!(without.iter().all(|chunk| chunk.get("usage").is_none()));
    assert_eq!(without[0]["choices"][0]["delta"]["role"], "assistant");
    let reasons: Vec<&Value> = without
        .iter()
        .map(|chunk| &chunk["choices"][0]["finish_reason"])
        .filter(|reason| !reason.is_null())
        .collect();
    assert_eq!(reasons, ["length"]);
    body["stream_options"] = json!({"include_usage": true});
    let with = chunks(&client, &body);
    let (last, others) = with.split_last().unwrap();
    assert_eq!(last["choices"], json!([]));
    assert_eq!(last["usage"]["completion_tokens"], 24);
    assert!(others.iter().all(|chunk| chunk["usage"].is_null()));
    assert!(with.iter().all(|chunk| chunk["id"] == with[0]["id"]));
}

#[test]
fn answer_ends_before_a_stop_text_and_the_same_seed_writes_the_same() {
    let server = Server::with_model(Architecture::Llama);
    let client = server.admin();
    let whole = content(&client.post(CHAT, &plain(json!({}))));
    let stop: String = whole.chars().skip(8).take(3).collect();
    for stop in [json!(stop), json!(["\u{1}", stop])] {
        let answer = client.post(CHAT, &plain(json!({"stop": stop})));
        let text = content(&answer);
        assert!(
            whole.starts_with(&text) && text.len() < whole.len(),
            "{text:?}"
        );
        assert_eq!(answer.json()["choices"][0]["finish_reason"], "stop");
    }
    let seeded = |seed: i64| {
        let body = plain(json!({"temperature": 1.5, "top_p": 0.95, "seed": seed}));
        content(&client.post(CHAT, &body))
    };
    assert_eq!(seeded(-5), seeded(-5));
    assert_ne!(seeded(1), seeded(2));
}

#[test]
fn client_that_leaves_a_stream_makes_room_for_the_next() {
    let server = Server::with_model(Architecture::Llama);
    let client = server.admin();
    let body = plain(json!({"stream": true, "max_tokens": 1900}));
    let mut stream = client.stream(CHAT, &body);
    let mut first = stream.by_ref().take(3);
    assert!(first.all(|event| event.data["object"] == "chat.completion.chunk"));
    drop(stream);
    let began = std::time::Instant::now();
    content(&client.post(CHAT, &plain(json!({"max_tokens": 1}))));
    assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
}

#[test]
fn answer_from_the_documents_names_its_places() {
    let server = Server::start();
    let client = server.admin();
    client.ingest("lighthouse.md", LIGHTHOUSE);
    let body = json!({
        "model": "satchel",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "How high is the tower?"},
            {"role": "assistant", "content": "41 metres."},
            {"role": "user", "content": "Who was the first keeper of the lighthouse?"},
        ],
        "temperature": 0.7, "max_tokens": 100,
    });
    let answer = client.post(CHAT, &body);
    let text = content(&answer);
    assert!(text.contains("Tobias Grenn"), "{text}");
    let body_of = answer.json();
    assert_eq!(body_of["satchel"]["mode"], "quotes");
    let annotations = &body_of["choices"][0]["message"]["annotations"];
    let first = &annotations[0]["url_citation"];
    let at = |name: &str| first[name].as_u64().unwrap() as usize;
    let chars: Vec<char> = text.chars().collect();
    let marker: String = chars[at("start_index")..at("end_index")].iter().collect();
    assert_eq!(marker, "[1]");
    let url = first["url"].as_str().unwrap();
    let id = first["citation"]["document_id"].as_str().unwrap();
    assert!(
        url.starts_with("http://127.0.0.1:") && url.ends_with(id),
        "{url}"
    );
    assert!(
        first["citation"]["text"]
            .as_str()
            .unwrap()
            .contains("Tobias Grenn")
    );
    let mut streamed = body.clone();
    streamed["stream"] = json!(true);
    let chunks = chunks(&client, &streamed);
    assert_eq!(joined(&chunks), text);
    let found: Vec<&Value> = chunks
        .iter()
        .map(|chunk| &chunk["choices"][0]["delta"]["annotations"])
        .filter(|found| !found.is_null())
        .collect();
    assert_eq!(found, [annotations]);
    assert_eq!(
        client.get("/chat/sessions").json()["total_count"],
        0,
        "nothing is stored"
    );
    let elsewhere = json!({"model": "satchel", "messages": user("Who?"), "dataset_id": "none"});
    assert_eq!(client.post(CHAT, &elsewhere).status, 404);
}

#[test]
fn chat_model_writes_the_answer_from_the_documents() {
    let server = Server::with_model(Architecture::Qwen2);
    let body = json!({
        "model": "satchel", "max_tokens": 12,
        "messages": user("Who was the first keeper of the lighthouse?"),
    });
    let answer = server.admin().post(CHAT, &body);
    content(&answer);
    let body = answer.json();
    assert_eq!(body["satchel"]["mode"], "model", "{body:#}");
    assert_eq!(body["satchel"]["model"], "Tiny qwen2");
    assert!(body["usage"]["prompt_tokens"].as_u64().unwrap() > 100);
    assert!(body["usage"]["completion_tokens"].as_u64().unwrap() <= 12);
}

#[test]
fn what_cannot_be_done_is_refused_by_name() {
    let server = Server::with_model(Architecture::Llama);
    let client = server.admin();
    let image = json!([{"role": "user", "content": [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}},
    ]}]);
    let tool = json!([{"role": "user", "content": "x"}, {"role": "tool", "content": "y", "tool_call_id": "1"}]);
    let stops = json!(["a", "b", "c", "d", "e"]);
    for (more, param) in [
        (json!({"messages": []}), "messages"),
        (json!({"messages": image}), "messages[0].content[1].type"),
        (json!({"messages": tool}), "messages[1].role"),
        (
            json!({"messages": [{"role": "owl", "content": "hu"}]}),
            "messages[0].role",
        ),
        (
            json!({"messages": [{"role": "user", "content": 7}]}),
            "messages[0].content",
        ),
        (
            json!({"messages": [{"role": "user"}]}),
            "messages[0].content",
        ),
        (
            json!({"messages": [{"role": 7, "content": "x"}]}),
            "messages[0].role",
        ),
        (json!({"n": 2}), "n"),
        (json!({"temperature": 2.5}), "temperature"),
        (json!({"temperature": "hot"}), "temperature"),
        (json!({"top_p": -0.1}), "top_p"),
        (json!({"presence_penalty": 3}), "presence_penalty"),
        (json!({"stop": stops}), "stop"),
        (json!({"stop": ["a", 1]}), "stop[1]"),
        (json!({"max_tokens": 0}), "max_tokens"),
        (json!({"top_logprobs": 3}), "top_logprobs"),
        (json!({"tools": [{"type": "function"}]}), "tools"),
        (json!({"logit_bias": {"50256": -100}}), "logit_bias"),
        (json!({"modalities": ["text", "audio"]}), "modalities"),
        (
            json!({"response_format": {"type": "xml"}}),
            "response_format.type",
        ),
        (
            json!({"response_format": {"type": "json_schema"}}),
            "response_format.json_schema.schema",
        ),
        (json!({"model": EMBEDDER}), "model"),
        (json!({"model": "satchel", "logprobs": true}), "logprobs"),
        (
            json!({"model": "satchel", "response_format": {"type": "json_object"}}),
            "response_format",
        ),
        (
            json!({"model": "satchel", "search_options": {"k": 0}}),
            "search_options.k",
        ),
    ] {
        let answer = client.post(CHAT, &plain(more.clone()));
        let (status, message, named, _) = refused(&answer);
        assert_eq!((status, named), (400, json!(param)), "{more}: {message}");
        assert_eq!(answer.json()["error"]["type"], "invalid_request_error");
        assert!(message.len() > 10, "{message}");
    }
    let long = plain(json!({"messages": user(&"word ".repeat(4000))}));
    let (status, _, param, code) = refused(&client.post(CHAT, &long));
    assert_eq!((status, param), (400, json!("messages")));
    assert_eq!(code, "context_length_exceeded");
}

#[test]
fn missing_chat_model_is_a_404_that_says_what_to_do() {
    let server = Server::start();
    let (status, message, param, code) = refused(&server.admin().post(CHAT, &plain(json!({}))));
    assert_eq!(
        (status, param, code),
        (404, json!("model"), json!("model_not_found"))
    );
    assert!(
        message.contains("Tiny llama") && message.contains("GGUF"),
        "{message}"
    );
    let server = Server::with_model(Architecture::Llama);
    let other = plain(json!({"model": "gpt-4o"}));
    let (status, message, ..) = refused(&server.admin().post(CHAT, &other));
    assert_eq!(status, 404);
    assert!(
        message.contains("gpt-4o") && message.contains("Tiny llama"),
        "{message}"
    );
}

#[test]
fn texts_are_embedded_as_numbers_and_in_base64() {
    let server = Server::start();
    let client = server.admin();
    let one = json!({"model": EMBEDDER, "input": "colza oil", "dimensions": 384});
    let answer = client.post("/v1/embeddings", &one).json();
    assert_eq!(
        (&answer["object"], &answer["model"]),
        (&json!("list"), &json!(EMBEDDER))
    );
    assert!(answer["usage"]["prompt_tokens"].as_u64().unwrap() >= 2);
    let vector: Vec<f32> = serde_json::from_value(answer["data"][0]["embedding"].clone()).unwrap();
    assert_eq!(vector.len(), 384);
    let length: f32 = vector.iter().map(|value| value * value).sum();
    assert!((length - 1.0).abs() < 1e-3, "{length}");
    let many = json!({
        "model": EMBEDDER, "encoding_format": "base64",
        "input": ["The lamp burns oil.", "colza oil"],
    });
    let answer = client.post("/v1/embeddings", &many).json();
    assert_eq!(answer["data"][1]["index"], 1);
    let coded = answer["data"][1]["embedding"].as_str().unwrap();
    assert_eq!(coded.len(), (384 * 4_usize).div_ceil(3) * 4);
    let refusals = [
        (json!({"input": [1, 2, 3]}), 400, "input"),
        (json!({"input": [[1, 2], [3]]}), 400, "input"),
        (json!({"input": []}), 400, "input"),
        (json!({"input": ""}), 400, "input"),
        (json!({"input": ["a", ""]}), 400, "input[1]"),
        (json!({"input": {"a": 1}}), 400, "input"),
        (json!({"input": vec!["a"; 2049]}), 400, "input"),
        (json!({"input": "a", "dimensions": 256}), 400, "dimensions"),
        (
            json!({"input": "a", "encoding_format": "hex"}),
            400,
            "encoding_format",
        ),
        (
            json!({"input": "a", "model": "text-embedding-3-small"}),
            404,
            "model",
        ),
    ];
    for (more, expected, param) in refusals {
        let mut body = json!({"model": EMBEDDER});
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        let (status, message, named, _) = refused(&client.post("/v1/embeddings", &body));
        assert_eq!((status, named), (expected, json!(param)), "{message}");
    }
    let long = json!({"model": EMBEDDER, "input": ["short", "word ".repeat(2000)]});
    let (status, message, param, code) = refused(&client.post("/v1/embeddings", &long));
    assert_eq!(
        (status, param, code),
        (400, json!("input"), json!("context_length_exceeded"))
    );
    assert!(
        message.contains("index 1") && message.contains("2000 tokens"),
        "{message}"
    );
}

#[test]
fn every_refusal_has_the_public_envelope() {
    let server = Server::start_with(Config {
        rate_limit: 3,
        max_body_bytes: 2000,
        ..settings()
    });
    let stranger = server.stranger();
    let (status, _, _, code) = refused(&stranger.get("/v1/models"));
    assert_eq!((status, code), (401, json!("invalid_api_key")));
    let wrong = stranger.clone().with("authorization", "Bearer sk-wrong");
    assert_eq!(refused(&wrong.get("/v1/models")).0, 401);
    assert_eq!(refused(&stranger.get("/v1/nothing/here")).0, 404);
    assert_eq!(refused(&stranger.delete("/v1/models")).0, 405);
    let admin = server.admin();
    let broken = admin.call("POST", CHAT, Some("application/json"), b"{");
    let (status, message, param, _) = refused(&broken);
    assert_eq!((status, param), (400, Value::Null));
    assert!(message.contains("not valid JSON"), "{message}");
    let long = json!({"model": "x".repeat(3000), "messages": []});
    assert_eq!(refused(&admin.post(CHAT, &long)).0, 413);
    assert_eq!(
        refused(&admin.call("POST", CHAT, Some("text/plain"), b"{}")).0,
        415
    );
    let limited = admin.get("/v1/models");
    let (status, _, _, code) = refused(&limited);
    assert_eq!((status, code), (429, json!("rate_limit_exceeded")));
    assert!(!limited.header("retry-after").is_empty());
}
