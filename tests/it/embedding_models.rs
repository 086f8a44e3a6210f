//! Another embedding model than the built-in one, a reranking model, and an
//! entailment model.

use crate::crash::{self, Process};
use crate::support::{BAKERY, Client, LIGHTHOUSE, Server, settings};
use candle_core::quantized::gguf_file::{self, Content, Value as Metadata};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use rusqlite::Connection;
use satchel::config::Config;
use satchel::engine::decoder::Architecture;
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

/// What the first column of a query gives.
fn column<T: rusqlite::types::FromSql>(folder: &Path, sql: &str) -> Vec<T> {
    let database = Connection::open(folder.join("satchel.db")).unwrap();
    let mut statement = database.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

/// Chunks that have a vector of the model that came last.
const OF_THE_LATEST: &str = "SELECT chunk_key FROM vectors WHERE embedder_key =
    (SELECT max(key) FROM embedders HAVING count(*) > 1) ORDER BY chunk_key";

#[test]
fn change_of_the_model_goes_on_where_a_kill_cut_it_off_and_keywords_serve_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path());
    process.client.ingest("lighthouse.md", LIGHTHOUSE);
    for number in 0..40 {
        let added = process
            .client
            .upload(&format!("logbook-{number}.txt"), crash::document(number));
        assert_eq!(added.status, 200, "{}", added.text);
    }
    let began = Instant::now();
    while process.client.get("/api/status").json()["jobs_pending"] != 0 {
        assert!(began.elapsed() < Duration::from_secs(120));
        std::thread::sleep(Duration::from_millis(50));
    }
    process.kill();
    let all: Vec<u64> = column(folder.path(), "SELECT key FROM chunks ORDER BY key");
    std::fs::write(folder.path().join("models/other.gguf"), other_model()).unwrap();
    let other = || Process::start_with(folder.path(), &["--embedding-model", "other"]);
    let lighthouse = |process: &Process| {
        let first = &found(&process.client, "colza oil lamp")[0];
        assert_eq!(first["filename"], "lighthouse.md");
    };

    let process = other();
    lighthouse(&process);
    let waiting = process.client.get("/api/search-models").json();
    let unembedded = waiting["unembedded"].as_u64().unwrap();
    assert!(unembedded > 0, "how far it is can be seen: {waiting}");
    while column::<u64>(folder.path(), OF_THE_LATEST).len() < 32 {
        lighthouse(&process);
        assert!(began.elapsed() < Duration::from_secs(240));
    }
    process.kill();
    let done: Vec<u64> = column(folder.path(), OF_THE_LATEST);
    assert!(done.len() < all.len(), "it was cut off in the middle");
    // Marked, so that it shows if they are made once more; those of the lighthouse
    // are needed to find it.
    let others = format!(
        "SELECT key FROM chunks WHERE document_key > 1 AND key IN ({OF_THE_LATEST}) ORDER BY key"
    );
    let others: Vec<u64> = column(folder.path(), &others);
    assert!(!others.is_empty());
    let mark = "UPDATE vectors SET vector =
        (SELECT vector FROM vectors WHERE embedder_key = (SELECT min(key) FROM embedders)
         ORDER BY chunk_key DESC LIMIT 1)
        WHERE embedder_key = (SELECT max(key) FROM embedders)
        AND chunk_key IN (SELECT key FROM chunks WHERE document_key > 1)";
    let database = Connection::open(folder.path().join("satchel.db")).unwrap();
    assert_eq!(database.execute(mark, []).unwrap(), others.len());
    drop(database);

    let process = other();
    let began = Instant::now();
    while process.client.get("/api/reindex").json()["unembedded"] != 0
        || process.client.get("/api/status").json()["jobs_pending"] != 0
    {
        lighthouse(&process);
        assert!(began.elapsed() < Duration::from_secs(120));
    }
    assert_eq!(column::<u64>(folder.path(), OF_THE_LATEST), all);
    let marked = "SELECT chunk_key FROM vectors WHERE vector =
        (SELECT vector FROM vectors WHERE embedder_key = (SELECT min(key) FROM embedders)
         ORDER BY chunk_key DESC LIMIT 1)
        AND embedder_key = (SELECT max(key) FROM embedders) ORDER BY chunk_key";
    let marked: Vec<u64> = column(folder.path(), marked);
    assert_eq!(marked, others, "they were not made again");
    let list = process.client.get("/api/documents?limit=500").json();
    for document in list["documents"].as_array().unwrap() {
        assert_eq!(document["status"], "ready", "{document}");
        assert_eq!(document["embedded_count"], document["chunk_count"]);
    }
    let examination = process.client.get("/api/examination").json();
    assert_eq!(examination["consistent"], true, "{examination}");
    lighthouse(&process);
}

#[test]
fn vectors_of_the_model_before_are_kept_and_older_ones_are_not() {
    let server = Server::start();
    server.admin().ingest("lighthouse.md", LIGHTHOUSE);
    server.admin().ingest("bakery.md", BAKERY);
    let built_in = fingerprint(&server.admin());
    let models = server.data_dir().join("models");
    std::fs::write(models.join("other.gguf"), other_model()).unwrap();
    let with = |prefix: Option<&str>| {
        let embedding_passage_prefix = prefix.map(str::to_owned);
        move |config| Config {
            embedding_model: Some("other".to_owned()),
            embedding_passage_prefix,
            ..config
        }
    };
    let kept = "SELECT fingerprint FROM embedders e WHERE (SELECT count(*) FROM chunks) =
        (SELECT count(*) FROM vectors WHERE embedder_key = e.key) ORDER BY key";
    let all = "SELECT fingerprint FROM embedders ORDER BY key";
    let keeps = |server: &Server, wanted: &[&str]| {
        let began = Instant::now();
        while column::<String>(server.data_dir(), all) != wanted {
            assert!(began.elapsed() < Duration::from_secs(60));
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(column::<String>(server.data_dir(), kept), wanted);
    };
    let server = server.restart_with(with(None));
    settled(&server);
    let other = fingerprint(&server.admin());
    keeps(&server, &[&built_in, &other]);
    let server = server.restart_with(with(Some("passage: ")));
    settled(&server);
    let third = fingerprint(&server.admin());
    keeps(&server, &[&other, &third]);
    let server = server.restart_with(with(None));
    let list = server.admin().get("/api/search-models").json();
    assert_eq!(list["unembedded"], 0, "going back costs nothing");
    settled(&server);
    keeps(&server, &[&other, &third]);
    let rows = std::fs::read_dir(server.data_dir().join("vectors")).unwrap();
    let rows = rows.filter(|file| {
        let name = file.as_ref().unwrap().file_name();
        name.to_string_lossy().starts_with("rows-")
    });
    assert_eq!(
        rows.count(),
        1,
        "nothing is left of the indexes of other models"
    );
    // Who has the indexes made anew gets the room of the model before back.
    server.admin().post("/api/reindex", &json!({}));
    keeps(&server, &[&other]);
    settled(&server);
    let examination = server.admin().get("/api/examination").json();
    assert_eq!(examination["consistent"], true, "{examination}");
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

/// The built-in model with a head that gives every pair the same scores, and
/// names for them where there are any.
fn write_classifier(path: &Path, scores: &[f32], labels: &[&str]) {
    let mut reader = Cursor::new(BUILT_IN);
    let content = Content::read(&mut reader).unwrap();
    let mut tensors: Vec<(String, QTensor)> = Vec::new();
    for name in content.tensor_infos.keys() {
        let tensor = content.tensor(&mut reader, name, &Device::Cpu).unwrap();
        tensors.push((name.clone(), tensor));
    }
    let classes = scores.len();
    for (name, values, shape) in [
        ("cls.weight", vec![0.0; 384 * 384], &[384, 384][..]),
        ("cls.bias", vec![0.0; 384], &[384][..]),
        (
            "cls.output.weight",
            vec![0.0; 384 * classes],
            &[classes, 384][..],
        ),
        ("cls.output.bias", scores.to_vec(), &[classes][..]),
    ] {
        let tensor = Tensor::from_vec(values, shape, &Device::Cpu).unwrap();
        let tensor = QTensor::quantize(&tensor, GgmlDType::F32).unwrap();
        tensors.push((name.to_owned(), tensor));
    }
    let tensors: Vec<(&str, &QTensor)> = tensors
        .iter()
        .map(|(name, tensor)| (name.as_str(), tensor))
        .collect();
    let text = |label: &&str| Metadata::String((*label).to_owned());
    let labels = Metadata::Array(labels.iter().map(text).collect());
    let mut metadata: Vec<(&str, &Metadata)> = content
        .metadata
        .iter()
        .map(|(key, value)| (key.as_str(), value))
        .collect();
    if classes > 1 {
        metadata.push(("bert.classifier.output_labels", &labels));
    }
    // The long lists of the tokenizer come last, as in real files.
    metadata.sort_by_key(|(key, _)| (key.starts_with("tokenizer."), *key));
    let mut file = std::fs::File::create(path).unwrap();
    gguf_file::write(&mut file, &metadata, &tensors).unwrap();
}

#[test]
fn reranking_model_scores_passages_where_a_search_asks_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let models = folder.path().join("models");
    std::fs::create_dir(&models).unwrap();
    write_classifier(&models.join("judge.gguf"), &[1.5], &[]);
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

const NLI: [&str; 3] = ["contradiction", "entailment", "neutral"];

#[test]
fn entailment_model_is_known_as_one_and_chosen_with_its_cost_known() {
    let server = Server::start();
    let admin = server.admin();
    admin.ingest("lighthouse.md", LIGHTHOUSE);
    assert_eq!(
        admin.get("/api/status").json()["entailment_model"],
        json!(null)
    );
    let models = server.data_dir().join("models");
    write_classifier(&models.join("judge.gguf"), &[0.0, 3.0, 0.0], &NLI);
    write_classifier(&models.join("moods.gguf"), &[0.0, 1.0], &["bad", "good"]);
    let list = admin.get("/api/models").json();
    let kinds: Vec<&Value> = ["judge.gguf", "moods.gguf"]
        .iter()
        .map(|name| {
            let mut all = list["models"].as_array().unwrap().iter();
            &all.find(|one| one["name"] == **name).unwrap()["kind"]
        })
        .collect();
    assert_eq!(kinds, [&json!("entailment"), &json!("embedding")]);
    let refused = admin.post("/api/models/judge.gguf/use", &json!({}));
    assert_eq!(refused.status, 409);
    assert!(refused.detail().contains("entailment-model"));

    let wanted = |name: Value| json!({"kind": "entailment", "name": name});
    let trial = admin.post("/api/search-models/trial", &wanted(json!("judge.gguf")));
    assert_eq!(trial.status, 200, "{}", trial.text);
    assert_eq!(trial.json()["passages"], 10);
    let unnamed = admin.post("/api/search-models/trial", &wanted(json!(null)));
    assert_eq!(unnamed.status, 400, "{}", unnamed.text);
    let refused = admin.post("/api/search-models", &wanted(json!("moods.gguf")));
    assert!((400..500).contains(&refused.status), "{}", refused.text);
    assert!(refused.detail().contains("its classes are bad, good"));
    let chosen = admin.post("/api/search-models", &wanted(json!("judge.gguf")));
    assert_eq!(chosen.status, 202, "{}", chosen.text);

    let server = server.restart();
    let admin = server.admin();
    let list = admin.get("/api/search-models").json();
    assert_eq!(list["entailment"]["file"], "judge.gguf");
    assert_eq!(list["entailment"]["fixed"], false);
    let model = admin.get("/api/status").json()["entailment_model"].clone();
    assert_eq!(model["fingerprint"].as_str().unwrap().len(), 64);
    assert_eq!(
        admin
            .post("/api/search-models", &wanted(json!(null)))
            .status,
        202
    );
    let server = server.restart();
    let status = server.admin().get("/api/status").json();
    assert_eq!(status["entailment_model"], json!(null));
}

#[test]
fn record_of_a_models_answer_names_who_judged_it_and_a_replay_says_if_that_differs() {
    let server = Server::with_model(Architecture::Qwen2);
    let judge = server.data_dir().join("models/judge.gguf");
    write_classifier(&judge, &[0.0, 3.0, 0.0], &NLI);
    let with = |name: Option<&str>| {
        let entailment_model = name.map(str::to_owned);
        move |config| Config {
            entailment_model,
            ..config
        }
    };
    let server = server.restart_with(with(Some("judge")));
    server.wait_for_model();
    let ask = |mode: &str| {
        let question = "How high is the tower of the lighthouse?";
        let body = json!({"message": question, "answer_mode": mode});
        let mut events = server.admin().stream("/chat/send", &body);
        let done = events.find(|event| event.data["content"].is_string());
        let id = done.unwrap().data["message_id"]
            .as_str()
            .unwrap()
            .to_owned();
        let path = format!("/api/answers/{id}/record");
        (id, server.admin().get(&path).json())
    };
    let (id, record) = ask("auto");
    let model = &record["entailment_model"];
    assert_eq!(
        model["fingerprint"].as_str().unwrap().len(),
        64,
        "{record:#}"
    );
    let (_, quoted) = ask("quotes");
    assert_eq!(
        quoted["entailment_model"],
        json!(null),
        "quotes need no judge"
    );
    let server = server.restart_with(with(None));
    server.wait_for_model();
    let path = format!("/api/answers/{id}/replay");
    let replayed = server.admin().post(&path, &json!({})).json();
    let differences = replayed["differences"].as_array().unwrap();
    let mut judged = differences.iter();
    let judged = judged
        .find(|one| one["kind"] == "entailment_model")
        .unwrap();
    assert_eq!(judged["first"], model["fingerprint"]);
    assert_eq!(judged["outcome"], false);
    assert!(judged["text"].as_str().unwrap().ends_with("now none"));
}
