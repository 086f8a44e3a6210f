//! The life of data: taking it along, and leaving nothing of it behind.

use crate::support::{Client, Form, LIGHTHOUSE, Server, settings};
use satchel::config::Config;
use serde_json::{Value, json};
use std::io::{Cursor, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;
use zip::ZipArchive;

/// Words that occur nowhere else.
const SECRET: &str = "zwyxqvorn";

fn document() -> String {
    format!("# Notes on {SECRET}heading\n\nThe {SECRET} valve was opened by Ilse {SECRET}man.\n")
}

/// Files of the folder in which `word` occurs, in whatever case.
fn files_with(folder: &Path, word: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in walkdir::WalkDir::new(folder) {
        let entry = entry.unwrap();
        // Files of the index come and go.
        let Ok(bytes) = std::fs::read(entry.path()) else {
            continue;
        };
        let lower = bytes.to_ascii_lowercase();
        if lower.windows(word.len()).any(|one| one == word.as_bytes()) {
            found.push(entry.into_path());
        }
    }
    found
}

/// Leaves traces of a user in every store.
fn fill(client: &Client, user: &str) {
    assert_eq!(
        client.ingest("secret-zwyxqvorn.md", document())["status"],
        "ready"
    );
    client.ask(&format!("Who opened the {SECRET} valve?"));
    let body = json!({"title": SECRET, "metadata": {"note": SECRET}});
    let made = client.post("/v1/chat/conversations", &body).json();
    let id = made["conversation_id"].as_str().unwrap();
    let body = json!({"content": format!("What is {SECRET}?")});
    let path = format!("/v1/chat/conversations/{id}/messages");
    assert_eq!(client.post(&path, &body).status, 200);
    let session = json!({"user_id": user, "agent_id": SECRET, "session_id": SECRET});
    assert_eq!(client.post("/sessions", &session).status, 201);
    for n in 0..200 {
        let content = format!("{SECRET} {n} {}", "and more of it ".repeat(n % 50));
        let body = json!({"user_id": user, "role": "user", "content": content});
        let path = format!("/sessions/{SECRET}/messages");
        assert_eq!(client.post(&path, &body).status, 201);
    }
    leave_names(client);
}

/// Gives all that somebody may name a name that tells who it was.
fn leave_names(client: &Client) {
    let client = client.clone().with("x-request-id", SECRET);
    let dataset = json!({"name": SECRET, "description": SECRET, "visibility": "private"});
    assert_eq!(client.post("/api/datasets", &dataset).status, 201);
    let key = json!({"name": SECRET});
    assert_eq!(client.post("/api/keys", &key).status, 201);
    let events = client.ask(&format!("Who opened the {SECRET} valve?"));
    let accepted = events
        .iter()
        .find(|event| event.name == "accepted")
        .unwrap();
    let said = |field: &str| accepted.data[field].clone();
    let judged = json!({"session_id": said("session_id"), "query_id": said("question_id"),
                        "response_id": said("answer_id"), "feedback_type": "thumbs_up",
                        "feedback_text": format!("Thanks, says {SECRET}.")});
    let judged = client.post("/chat/feedback", &judged);
    assert_eq!(judged.status, 200, "{}", judged.text);
    let name = format!("{SECRET}-again");
    let session = json!({"user_id": client.get("/auth/me").json()["user"]["username"],
                         "session_id": name});
    assert_eq!(client.post("/sessions", &session).status, 201);
    let gone = format!(
        "/sessions/{name}?user_id={}",
        session["user_id"].as_str().unwrap()
    );
    assert_eq!(
        client.delete(&gone).status,
        200,
        "it is an object of the audit log"
    );
}

fn archive(client: &Client, path: &str) -> ZipArchive<Cursor<Vec<u8>>> {
    let answer = client.get(path);
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "application/zip");
    ZipArchive::new(Cursor::new(answer.bytes)).unwrap()
}

fn names(archive: &ZipArchive<Cursor<Vec<u8>>>) -> Vec<String> {
    archive
        .file_names()
        .map(|name| name.unwrap().into_owned())
        .collect()
}

fn read(archive: &mut ZipArchive<Cursor<Vec<u8>>>, name: &str) -> String {
    let mut text = String::new();
    let mut file = archive.by_name(name).unwrap();
    file.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn erased_user_leaves_nothing_in_any_file_and_others_keep_theirs() {
    let server = Server::start();
    let name = format!("{SECRET}-ada");
    let (ada, bob) = (server.user(&name), server.user("bob"));
    bob.ingest("lighthouse.md", LIGHTHOUSE);
    bob.ask("Who built the lighthouse?");
    fill(&ada, &name);
    let id = ada.get("/auth/me").json()["user"]["id"].clone();
    let folder = server.data_dir().to_owned();
    assert!(
        files_with(&folder, SECRET).len() >= 3,
        "database, keywords, original"
    );
    let body = json!({"user": name, "confirm": true});
    let erased = server.admin().post("/api/erase", &body);
    assert_eq!(erased.status, 200, "{}", erased.text);
    assert_eq!(
        erased.json(),
        json!({"sessions": 4, "documents": 1, "datasets": 1, "users": 1})
    );
    let records = format!("/api/audit?user={}", id.as_str().unwrap());
    let records = server.admin().get(&records).json();
    let records = records["records"].as_array().unwrap().clone();
    assert!(records.len() >= 5, "what was done stays: {records:?}");
    for record in &records {
        assert_eq!((&record["username"], &record["user_id"]), (&id, &id));
        assert_eq!(record["address"], Value::Null);
    }
    assert_eq!(files_with(&folder, SECRET), Vec::<PathBuf>::new());
    assert_eq!(ada.get("/auth/me").status, 401, "the account is gone too");
    let found = bob.post(
        "/api/search",
        &json!({"query": "Who built the lighthouse?"}),
    );
    assert!(
        found.json()["results"][0]["text"]
            .as_str()
            .unwrap()
            .contains("Adela")
    );
    assert_eq!(bob.get("/chat/sessions").json()["total_count"], 1);
    let examined = server.admin().get("/api/examination").json();
    assert_eq!(examined["consistent"], true, "{examined}");
    let server = server.restart();
    assert_eq!(files_with(server.data_dir(), SECRET), Vec::<PathBuf>::new());
}

#[test]
fn erased_tenant_leaves_nothing_but_the_account_that_erased_it() {
    let server = Server::start();
    let name = format!("{SECRET}-ada");
    let (admin, ada) = (server.admin(), server.user(&name));
    let dataset = json!({"name": format!("About {SECRET}"), "description": SECRET});
    assert_eq!(admin.post("/api/datasets", &dataset).status, 201);
    fill(&ada, &name);
    fill_again(&admin);
    let refused = ada.post("/api/erase", &json!({"scope": "tenant", "confirm": true}));
    assert_eq!(refused.status, 403);
    let refused = admin.post("/api/erase", &json!({"scope": "tenant", "confirm": false}));
    assert_eq!(refused.status, 400);
    let erased = admin.post("/api/erase", &json!({"scope": "tenant", "confirm": true}));
    assert_eq!(erased.status, 200, "{}", erased.text);
    assert_eq!(files_with(server.data_dir(), SECRET), Vec::<PathBuf>::new());
    let users = admin.get("/api/users").json();
    assert_eq!(users["users"].as_array().unwrap().len(), 1);
    let fresh = admin.ingest("lighthouse.md", LIGHTHOUSE);
    assert_eq!(fresh["status"], "ready", "and it works on: {fresh}");
}

/// The administrator has something too.
fn fill_again(admin: &Client) {
    let session = json!({"user_id": "admin", "title": SECRET});
    assert_eq!(admin.post("/sessions", &session).status, 201);
}

#[test]
fn erasure_that_was_cut_off_is_ended_at_the_next_start() {
    let server = Server::start();
    let admin = server.admin();
    let id = admin.ingest("notes.md", document())["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(admin.delete(&format!("/documents/{id}")).status, 200);
    let database = server.data_dir().join("satchel.db");
    let raw = rusqlite::Connection::open(&database).unwrap();
    let pending = "INSERT INTO settings (name, value) VALUES ('erasure_pending', 'now')";
    raw.execute(pending, []).unwrap();
    drop(raw);
    let server = server.restart();
    assert_eq!(files_with(server.data_dir(), SECRET), Vec::<PathBuf>::new());
    let raw = rusqlite::Connection::open(&database).unwrap();
    let left = "SELECT count(*) FROM settings WHERE name = 'erasure_pending'";
    assert_eq!(
        raw.query_row(left, [], |row| row.get::<_, u32>(0)).unwrap(),
        0
    );
}

#[test]
fn user_erases_itself_and_nobody_else() {
    let server = Server::start();
    let (ada, bob) = (server.user(&format!("{SECRET}-ada")), server.user("bob"));
    leave_names(&ada);
    bob.ingest("lighthouse.md", LIGHTHOUSE);
    let refused = ada.post("/api/erase", &json!({"user": "bob", "confirm": true}));
    assert_eq!(refused.status, 403);
    assert_eq!(ada.get("/api/export?user=bob").status, 403);
    assert_eq!(ada.get("/api/export?scope=tenant").status, 403);
    assert_eq!(
        ada.post("/api/erase", &json!({"confirm": true})).status,
        200
    );
    assert_eq!(ada.get("/auth/me").status, 401);
    assert_eq!(bob.get("/api/documents").json()["total_count"], 1);
    let traces = files_with(server.data_dir(), SECRET);
    assert_eq!(traces, Vec::<PathBuf>::new(), "nor in the record of it");
}

#[test]
fn file_that_arrives_while_its_user_is_erased_is_not_kept() {
    let server = Server::start();
    let ada = server.user("ada");
    let token = server.token_of("ada");
    let body = Form::new().file("secret.md", document()).body();
    let (first, rest) = body.split_at(body.len() - 8);
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let head = format!(
        "POST /documents/upload HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        server.address(),
        Form::KIND,
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(first).unwrap();
    let incoming = server.data_dir().join("originals/incoming");
    let begun = || std::fs::read_dir(&incoming).is_ok_and(|mut files| files.next().is_some());
    while !begun() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let erased = ada.post("/api/erase", &json!({"confirm": true}));
    assert_eq!(erased.status, 200);
    stream.write_all(rest).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 409"), "{answer}");
    assert!(answer.contains("erased while this arrived"), "{answer}");
    let traces = files_with(server.data_dir(), SECRET);
    assert_eq!(traces, Vec::<PathBuf>::new());
}

#[test]
fn record_of_an_erasure_says_whose_data_they_were() {
    let server = Server::start();
    let admin = server.admin();
    let id = server.user("ada").get("/auth/me").json()["user"]["id"].clone();
    let body = json!({"user": "ada", "confirm": true});
    assert_eq!(admin.post("/api/erase", &body).status, 200);
    let records = admin.get("/api/audit?action=erase_data").json();
    assert_eq!(records["records"][0]["object"], id);
}

#[test]
fn deleted_tenant_leaves_nothing() {
    let server = Server::start();
    let acme = server.tenant("acme");
    let ada = server.person("acme", &format!("{SECRET}-ada"), "user");
    fill(&ada, &format!("{SECRET}-ada"));
    assert_eq!(server.admin().delete("/api/tenants/acme").status, 200);
    assert_eq!(acme.get("/auth/me").status, 401);
    assert_eq!(files_with(server.data_dir(), SECRET), Vec::<PathBuf>::new());
}

#[test]
fn export_of_a_user_holds_account_keys_sign_ins_feedback_datasets_and_records() {
    let server = Server::start();
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    ada.ingest("notes.md", document());
    leave_names(&ada);
    leave_names(&bob);
    let id = ada.get("/auth/me").json()["user"]["id"].clone();
    let mut own = archive(&ada, "/api/export");
    let mut listed = |name: &str| -> Vec<Value> {
        let text = read(&mut own, name);
        assert!(!text.contains("hash"), "{name}: {text}");
        serde_json::from_str(&text).unwrap()
    };
    let users = listed("users.json");
    assert_eq!((users.len(), &users[0]["id"]), (1, &id));
    for (name, field) in [
        ("api_keys.json", "user_id"),
        ("sign_ins.json", "user_id"),
        ("datasets.json", "owner_id"),
        ("feedback.json", "user_id"),
    ] {
        let all = listed(name);
        assert_eq!((all.len(), &all[0][field]), (1, &id), "{name}");
    }
    let records = listed("audit.json");
    let actions: Vec<_> = records.iter().map(|one| &one["action"]).collect();
    assert!(records.iter().all(|one| one["user_id"] == id));
    assert!(actions.contains(&&json!("make_an_API_key")), "{actions:?}");
}

#[test]
fn export_holds_conversations_also_deleted_messages_and_originals() {
    let server = Server::start();
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    let id = ada.ingest("notes.md", document())["id"]
        .as_str()
        .unwrap()
        .to_owned();
    ada.ask("Who opened the valve?");
    bob.ingest("lighthouse.md", LIGHTHOUSE);
    let mut own = archive(&ada, "/api/export");
    let files = names(&own);
    let sessions: Vec<_> = files
        .iter()
        .filter(|one| one.starts_with("sessions/"))
        .collect();
    assert_eq!(sessions.len(), 1, "{files:?}");
    let session: Value = serde_json::from_str(&read(&mut own, sessions[0])).unwrap();
    assert_eq!(session["messages"][0]["content"], "Who opened the valve?");
    assert_eq!(session["messages"][1]["role"], "assistant");
    assert!(session["messages"][1]["answer"]["citations"].is_array());
    let original = read(&mut own, &format!("documents/{id}/original/notes.md"));
    assert_eq!(original, document(), "byte for byte");
    assert!(
        !files.iter().any(|name| name.contains("lighthouse")),
        "{files:?}"
    );
    let mut all = archive(&server.admin(), "/api/export?scope=tenant");
    let users: Value = serde_json::from_str(&read(&mut all, "users.json")).unwrap();
    assert_eq!(users.as_array().unwrap().len(), 3);
    let manifest: Value = serde_json::from_str(&read(&mut all, "manifest.json")).unwrap();
    assert_eq!(manifest["format"], "satchel-export");
    assert!(
        names(&all)
            .iter()
            .any(|name| name.ends_with("lighthouse.md"))
    );
    let of_bob = archive(&server.admin(), "/api/export?user=bob");
    assert!(!names(&of_bob).iter().any(|name| name.ends_with("notes.md")));
}

#[test]
fn versions_are_exported_and_those_of_an_erased_user_are_gone() {
    let server = Server::start();
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    let document = bob.ingest("lighthouse.md", LIGHTHOUSE);
    let id = document["id"].as_str().unwrap();
    let replace = |client: &Client, name: &str, content: &str| {
        let form = Form::new().file(name, content);
        let path = format!("/documents/{id}");
        let answer = client.call("PUT", &path, Some(Form::KIND), &form.body());
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(client.settled(id)["status"], "ready");
    };
    replace(&ada, &format!("{SECRET}.md"), "The lamp is out.");
    replace(&bob, "tower.md", "The lamp is lit again.");
    let mut own = archive(&bob, "/api/export");
    let facts = read(&mut own, &format!("documents/{id}/document.json"));
    let facts: Value = serde_json::from_str(&facts).unwrap();
    let versions = facts["versions"].as_array().unwrap().iter();
    let names: Vec<_> = versions.map(|one| one["filename"].clone()).collect();
    let second = format!("{SECRET}.md");
    assert_eq!(names, ["tower.md", &second, "lighthouse.md"]);
    let body = json!({"user": "ada", "confirm": true});
    assert_eq!(server.admin().post("/api/erase", &body).status, 200);
    assert_eq!(files_with(server.data_dir(), SECRET), Vec::<PathBuf>::new());
    let left = bob.get(&format!("/api/documents/{id}/versions")).json();
    let left = left["versions"].as_array().unwrap();
    let numbers: Vec<_> = left.iter().map(|one| one["number"].clone()).collect();
    assert_eq!(numbers, [3, 1], "{left:?}");
}

#[test]
fn conversation_lives_as_long_as_the_settings_say_after_its_last_message() {
    let server = Server::start();
    let client = server.user("ada");
    let made = client.post("/v1/chat/conversations", &json!({})).json();
    let [updated, expires] = ["updated_at", "expires_at"].map(|name| {
        let text = made[name].as_str().unwrap();
        text.parse::<jiff::Timestamp>().unwrap().as_second()
    });
    assert_eq!(expires - updated, 90 * 24 * 3600);
    let forever = Server::start_with(Config {
        conversation_ttl_days: 0,
        ..settings()
    });
    assert_eq!(
        forever
            .admin()
            .post("/v1/chat/conversations", &json!({}))
            .json()["expires_at"],
        Value::Null
    );
    let id = made["conversation_id"].as_str().unwrap();
    let path = format!("/v1/chat/conversations/{id}");
    let question = json!({"content": "Is anybody there?"});
    assert_eq!(
        client.post(&format!("{path}/messages"), &question).status,
        200
    );
    let raw = rusqlite::Connection::open(server.data_dir().join("satchel.db")).unwrap();
    let old = "UPDATE sessions SET updated_at = updated_at - 91 * 24 * 3600 * 1000";
    raw.execute(old, []).unwrap();
    assert_eq!(
        client.get(&path).status,
        404,
        "it is gone at once for its owner"
    );
    let began = std::time::Instant::now();
    let left = || {
        raw.query_row("SELECT count(*) FROM messages", [], |row| {
            row.get::<_, u32>(0)
        })
    };
    while left().unwrap() > 0 {
        assert!(began.elapsed().as_secs() < 30, "and is swept away soon");
        std::thread::sleep(Duration::from_millis(100));
    }
}
