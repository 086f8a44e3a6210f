//! Backups: made while the server works, and put back elsewhere.

use crate::support::{Client, LIGHTHOUSE, PASSWORD, Server, settings};
use satchel::config::Config;
use satchel::error::{ErrorKind, Kind};
use satchel::service::restore;
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

const QUESTION: &str = "Who built the lighthouse?";

/// Makes a backup and gives back its name and bytes.
fn back_up(client: &Client) -> (String, Vec<u8>) {
    let begun = client.post("/api/backups", &json!({}));
    assert_eq!(begun.status, 202, "{}", begun.text);
    let name = begun.json()["name"].as_str().unwrap().to_owned();
    let since = Instant::now();
    loop {
        let list = client.get("/api/backups").json();
        if list["running"].is_null() {
            assert_eq!(list["error"], Value::Null);
            assert_eq!(list["backups"][0]["name"], name.as_str());
            break;
        }
        assert!(since.elapsed() < Duration::from_secs(30), "{list}");
        std::thread::sleep(Duration::from_millis(20));
    }
    let answer = client.get(&format!("/api/backups/{name}"));
    assert_eq!(answer.header("content-type"), "application/zip");
    (name, answer.bytes)
}

fn data_in(folder: &Path) -> Config {
    Config {
        data_dir: folder.to_owned(),
        ..settings()
    }
}

/// What an answer is made of, whatever its ids are.
fn essence(client: &Client) -> (Value, Value) {
    let body = json!({"query": QUESTION, "search_options": {"score_threshold": 0}});
    let found = client.post("/api/search", &body).json();
    let answer = client.ask(QUESTION);
    let last = answer
        .iter()
        .rev()
        .find(|event| event.data["content"].is_string());
    (
        found["results"].clone(),
        last.unwrap().data["content"].clone(),
    )
}

#[test]
fn restored_folder_answers_the_same() {
    let server = Server::start();
    let admin = server.admin();
    let document = admin.ingest("lighthouse.md", LIGHTHOUSE);
    let person = json!({"username": "ines", "password": PASSWORD});
    assert_eq!(admin.post("/api/users", &person).status, 201);
    let before = essence(&admin);
    let (name, archive) = back_up(&admin);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(&name);
    std::fs::write(&file, &archive).unwrap();
    let data = tempfile::tempdir().unwrap();
    let restored = restore(&data_in(data.path()), &file, false).unwrap();
    assert_eq!((restored.files, restored.replaced), (1, None));

    let copy = Server::start_in(data, settings());
    let client = copy.admin();
    assert_eq!(essence(&client), before);
    assert_eq!(client.get("/api/examination").json()["consistent"], true);
    let id = document["id"].as_str().unwrap();
    let original = client.get(&format!("/documents/{id}/original"));
    assert_eq!(original.text, LIGHTHOUSE);
    let sessions = client.get("/chat/sessions").json();
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 2);
    let again = json!({"username": "ines", "password": PASSWORD});
    assert_eq!(client.post("/auth/login", &again).status, 200);
}

#[test]
fn folder_that_holds_something_is_replaced_only_when_asked_and_then_kept_aside() {
    let server = Server::start();
    let admin = server.admin();
    admin.ingest("lighthouse.md", LIGHTHOUSE);
    let (_, archive) = back_up(&admin);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup.zip");
    std::fs::write(&file, &archive).unwrap();

    let in_use = restore(&data_in(server.data_dir()), &file, true).unwrap_err();
    assert_eq!(in_use.kind(), ErrorKind::Conflict);
    let other = tempfile::tempdir().unwrap();
    let config = data_in(other.path());
    std::fs::write(config.database(), "something of before").unwrap();
    let refused = restore(&config, &file, false).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    assert!(refused.to_string().contains("--replace"), "{refused}");
    let aside = restore(&config, &file, true).unwrap().replaced.unwrap();
    let kept = std::fs::read_to_string(aside.join("satchel.db")).unwrap();
    assert_eq!(kept, "something of before");
}

#[test]
fn damaged_or_foreign_archive_is_refused_and_changes_nothing() {
    let server = Server::start();
    let admin = server.admin();
    admin.ingest("lighthouse.md", LIGHTHOUSE);
    let (name, archive) = back_up(&admin);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("damaged.zip");
    let export = admin.get("/api/export?scope=tenant").bytes;
    let middle = archive.len() / 2;
    let mut flipped = archive.clone();
    flipped[middle] ^= 0x55;
    for bytes in [&archive[..middle], &flipped[..], &export[..], b"no archive"] {
        std::fs::write(&file, bytes).unwrap();
        let data = tempfile::tempdir().unwrap();
        let refused = restore(&data_in(data.path()), &file, false).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid, "{refused}");
        assert!(!data_in(data.path()).database().exists());
        assert!(!data.path().join("restoring").exists());
    }
    assert_eq!(admin.delete(&format!("/api/backups/{name}")).status, 200);
    assert_eq!(admin.get(&format!("/api/backups/{name}")).status, 404);
    assert_eq!(admin.get("/api/backups/..%2Fsatchel.db").status, 404);
}
