//! Model files that a person hands over, and what the list says of speed.

use crate::support::{Answer, Client, Server};
use satchel::engine::decoder::{Architecture, write_tiny_model};
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};

fn tiny() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.gguf");
    write_tiny_model(&path, Architecture::Qwen3, 3).unwrap();
    std::fs::read(path).unwrap()
}

fn hand_over(client: &Client, name: &str, bytes: &[u8]) -> Answer {
    let path = format!("/api/models/{name}");
    client.call("PUT", &path, Some("application/octet-stream"), bytes)
}

fn files_below(folder: &Path) -> Vec<String> {
    let entries = walkdir::WalkDir::new(folder).into_iter();
    let files = entries.filter_map(|entry| entry.ok().filter(|entry| entry.file_type().is_file()));
    let names = files.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.collect()
}

#[test]
fn model_that_is_handed_over_is_loaded_and_its_speed_is_known() {
    let server = Server::start();
    let admin = server.admin();
    let taken = hand_over(&admin, "tiny.gguf", &tiny());
    assert_eq!(taken.status, 201, "{}", taken.text);
    assert_eq!(taken.json()["name"], "tiny.gguf");
    server.wait_for_model();
    let again = hand_over(&admin, "tiny.gguf", &tiny());
    assert_eq!(again.status, 409, "{}", again.text);
    let list = admin.get("/api/models").json();
    let speed = &list["models"][0]["speed"];
    assert!(speed["tokens_per_second"].as_f64().unwrap() > 1.0);
    let catalogue = list["catalogue"].as_array().unwrap();
    let of = |kind: &str| catalogue.iter().find(|one| one["kind"] == kind).unwrap();
    assert_eq!(of("chat")["speed"]["measured"], false);
    assert_eq!(of("embedding")["speed"], Value::Null);
}

#[test]
fn file_that_is_damaged_or_no_model_is_refused_and_leaves_nothing() {
    let server = Server::start();
    let admin = server.admin();
    let whole = tiny();
    let half = &whole[..whole.len() / 2];
    for (name, bytes) in [
        ("half.gguf", half),
        ("text.gguf", b"a letter to a friend".as_slice()),
        ("short.gguf", b"GG"),
        ("model.bin", &whole),
        ("..%2Fother.gguf", &whole),
    ] {
        let refused = hand_over(&admin, name, bytes);
        assert!(
            (400..500).contains(&refused.status),
            "{name}: {}",
            refused.text
        );
        assert!(refused.detail().len() > 10, "{name}");
    }
    let models = server.data_dir().join("models");
    let began = Instant::now();
    while !files_below(&models).is_empty() && began.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(files_below(&models), Vec::<String>::new());
}
