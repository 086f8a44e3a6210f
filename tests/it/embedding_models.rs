//! Another embedding model than the built-in one, and a reranking model.

use crate::support::{BAKERY, Client, LIGHTHOUSE, Server, settings};
use candle_core::quantized::gguf_file::{self, Content, Value as Metadata};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use satchel::config::Config;
use serde_json::{Value, json};
use std::io::Cursor;
use std::path::Path;
use std::time::{Duration, Instant};

static BUILT_IN: &[u8] = include_bytes!("../../models/all-minilm-l6-v2.q8_0.gguf");

/// The built-in model made to pool by the first token: its vectors are others.
fn other_model() -> Vec<u8> {
    const KEY: &[u8] = b"bert.pooling_type";
    let mut bytes = BUILT_IN.to_vec();
    let at = bytes
        .windows(KEY.len())
        .position(|part| part == KEY)
        .unwrap()
        + KEY.len();
    // Behind the key the type of the number, then the number.
    assert_eq!(bytes[at + 4], 1);
    bytes[at + 4] = 2;
    bytes
}

fn found(client: &Client, query: &str) -> Vec<Value> {
    let answer = client.post("/api/search", &json!({"query": query}));
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["results"].as_array().unwrap().clone()
}

fn fingerprint(client: &Client) -> String {
    let status = client.get("/api/status").json();
    status["embedder"]["fingerprint"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// Waits until nothing is to be done; the lighthouse is found all the time.
fn settled(server: &Server) {
    let began = Instant::now();
    let admin = server.admin();
    loop {
        let first = found(&admin, "colza oil lamp");
        let name = first.first().map(|one| one["filename"].clone());
        assert_eq!(
            name,
            Some(json!("lighthouse.md")),
            "keywords serve meanwhile"
        );
        if admin.get("/api/status").json()["jobs_pending"] == 0 {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn documents_are_embedded_anew_for_another_model_and_found_meanwhile() {
    let server = Server::start();
    server.admin().ingest("lighthouse.md", LIGHTHOUSE);
    server.admin().ingest("bakery.md", BAKERY);
    let built_in = fingerprint(&server.admin());
    let models = server.data_dir().join("models");
    std::fs::create_dir_all(&models).unwrap();
    std::fs::write(models.join("other.gguf"), other_model()).unwrap();
    let with = |name: Option<&str>| {
        let name = name.map(str::to_owned);
        move |config| Config {
            embedding_model: name,
            ..config
        }
    };
    let server = server.restart_with(with(Some("other")));
    settled(&server);
    let other = fingerprint(&server.admin());
    assert_ne!(other, built_in);
    assert!(other.ends_with("-cls-l2"));
    let documents = server.admin().get("/api/documents").json();
    for document in documents["documents"].as_array().unwrap() {
        assert_eq!(document["status"], "ready");
        assert_eq!(document["embedded_count"], document["chunk_count"]);
    }
    let list = server.admin().get("/api/models").json();
    assert_eq!(list["models"][0]["kind"], "embedding");
    assert_eq!(
        list["error"],
        json!(null),
        "it is not taken for a chat model"
    );
    let refused = server
        .admin()
        .post("/api/models/other.gguf/use", &json!({}));
    assert_eq!(refused.status, 409);
    assert!(refused.detail().contains("embedding-model"));
    // Back again: the vectors are still there.
    let server = server.restart_with(with(None));
    assert_eq!(server.admin().get("/api/status").json()["jobs_pending"], 0);
    settled(&server);
    assert_eq!(fingerprint(&server.admin()), built_in);
}

#[test]
fn embedding_model_is_chosen_with_its_cost_known_and_the_choice_outlasts_restarts() {
    let server = Server::start();
    let admin = server.admin();
    admin.ingest("lighthouse.md", LIGHTHOUSE);
    let built_in = fingerprint(&admin);
    let models = server.data_dir().join("models");
    std::fs::write(models.join("other.gguf"), other_model()).unwrap();
    let list = admin.get("/api/search-models").json();
    assert_eq!(list["candidates"], json!(["other.gguf"]));
    assert_eq!(list["embedding"]["file"], json!(null));
    let wanted = json!({"kind": "embedding", "name": "other.gguf"});
    let trial = admin.post("/api/search-models/trial", &wanted).json();
    assert_eq!(trial["passages"], list["passages"]);
    assert!(trial["seconds"].as_f64().unwrap() > 0.0 && trial["dimensions"] == 384);
    // What it has made stays: of the built-in model nothing is lacking.
    let back = json!({"kind": "embedding", "name": null});
    let trial = admin.post("/api/search-models/trial", &back).json();
    assert_eq!(trial["passages"], 0);
    for (name, status) in [("nothing.gguf", 404), ("../secret.key", 400)] {
        let wanted = json!({"kind": "embedding", "name": name});
        let refused = admin.post("/api/search-models", &wanted);
        assert_eq!(refused.status, status, "{}", refused.text);
    }
    assert_eq!(admin.post("/api/search-models", &wanted).status, 202);
    let server = server.restart();
    settled(&server);
    assert_ne!(fingerprint(&server.admin()), built_in);
    let list = server.admin().get("/api/search-models").json();
    assert_eq!(list["embedding"]["file"], "other.gguf");
    assert_eq!(list["unembedded"], 0);
    // A file that is gone is no choice.
    std::fs::remove_file(server.data_dir().join("models/other.gguf")).unwrap();
    let server = server.restart_with(|config| Config {
        embedding_model: Some("all-MiniLM-L6-v2".to_owned()),
        ..config
    });
    assert_eq!(fingerprint(&server.admin()), built_in);
    let fixed = server.admin().post("/api/search-models", &back);
    assert_eq!(fixed.status, 409);
    let server = server.restart_with(|config| Config {
        embedding_model: None,
        ..config
    });
    assert_eq!(fingerprint(&server.admin()), built_in);
}

/// The built-in model with a head that gives every pair the same score.
fn write_reranker(path: &Path, score: f32) {
    let mut reader = Cursor::new(BUILT_IN);
    let content = Content::read(&mut reader).unwrap();
    let mut tensors: Vec<(String, QTensor)> = Vec::new();
    for name in content.tensor_infos.keys() {
        let tensor = content.tensor(&mut reader, name, &Device::Cpu).unwrap();
        tensors.push((name.clone(), tensor));
    }
    for (name, values, shape) in [
        ("cls.output.weight", vec![0.0; 384], &[1, 384][..]),
        ("cls.output.bias", vec![score], &[1][..]),
    ] {
        let tensor = Tensor::from_vec(values, shape, &Device::Cpu).unwrap();
        let tensor = QTensor::quantize(&tensor, GgmlDType::F32).unwrap();
        tensors.push((name.to_owned(), tensor));
    }
    let tensors: Vec<(&str, &QTensor)> = tensors
        .iter()
        .map(|(name, tensor)| (name.as_str(), tensor))
        .collect();
    let metadata: Vec<(&str, &Metadata)> = content
        .metadata
        .iter()
        .map(|(key, value)| (key.as_str(), value))
        .collect();
    let mut file = std::fs::File::create(path).unwrap();
    gguf_file::write(&mut file, &metadata, &tensors).unwrap();
}

#[test]
fn reranking_model_scores_passages_where_a_search_asks_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let models = folder.path().join("models");
    std::fs::create_dir(&models).unwrap();
    write_reranker(&models.join("judge.gguf"), 1.5);
    let settings = Config {
        rerank_model: Some("judge.gguf".to_owned()),
        ..settings()
    };
    let server = Server::start_in(folder, settings);
    let admin = server.admin();
    admin.ingest("lighthouse.md", LIGHTHOUSE);
    let query = "How high is the tower of the lighthouse?";
    assert_eq!(found(&admin, query)[0]["scores"]["reranked"], json!(null));
    let body = json!({"query": query, "search_options": {"rerank": true}});
    let answer = admin.post("/api/search", &body).json();
    let score = answer["results"][0]["scores"]["reranked"].as_f64().unwrap();
    // The logistic function of 1.5.
    assert!((score - 0.817_574).abs() < 1e-5, "{score}");
}
