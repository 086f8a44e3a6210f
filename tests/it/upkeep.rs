//! Indexes that are made anew, and faults that are repaired.

use crate::crash::{self, Process};
use crate::support::{BAKERY, Client, LIGHTHOUSE, Server};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(120);

fn first(client: &Client, words: &str) -> Value {
    let body = json!({"query": words, "search_options": {"score_threshold": 0.0}});
    let answer = client.post("/api/search", &body);
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["results"][0]["filename"].clone()
}

/// Waits until the indexes are made anew and nothing waits; the lighthouse is
/// found all the time.
fn indexed(client: &Client) {
    let began = Instant::now();
    loop {
        assert_eq!(first(client, "colza oil lamp"), "lighthouse.md");
        let progress = client.get("/api/reindex").json();
        if progress["running"] == false && progress["unembedded"] == 0 {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "{progress}");
    }
    while client.get("/api/status").json()["jobs_pending"] != 0 {
        assert!(began.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn assert_consistent(client: &Client) {
    let examination = client.get("/api/examination").json();
    assert_eq!(examination["consistent"], true, "{examination}");
}

fn database(folder: &Path) -> Connection {
    Connection::open(folder.join("satchel.db")).unwrap()
}

#[test]
fn both_indexes_are_made_anew_while_searches_go_on() {
    let server = Server::start();
    let admin = server.admin();
    for (name, text) in [("lighthouse.md", LIGHTHOUSE), ("bakery.md", BAKERY)] {
        admin.ingest(name, text);
    }
    for embeddings in [false, true] {
        let begun = admin.post("/api/reindex", &json!({"embeddings": embeddings}));
        assert_eq!(begun.status, 202, "{}", begun.text);
        let begun = begun.json();
        assert_eq!(
            (&begun["running"], &begun["documents_total"]),
            (&json!(true), &json!(2))
        );
        indexed(&admin);
        assert_eq!(first(&admin, "How hot is the oven?"), "bakery.md");
        let list = admin.get("/api/documents").json();
        for document in list["documents"].as_array().unwrap() {
            assert_eq!(document["status"], "ready");
            assert_eq!(document["embedded_count"], document["chunk_count"]);
        }
        assert_consistent(&admin);
    }
    let vera = server.user("vera");
    assert_eq!(vera.post("/api/reindex", &json!({})).status, 403);
    assert_eq!(vera.get("/api/reindex").status, 403);
    let server = server.restart();
    assert_eq!(first(&server.admin(), "colza oil lamp"), "lighthouse.md");
    assert_consistent(&server.admin());
}

#[test]
fn vectors_are_really_computed_anew() {
    let server = Server::start();
    let admin = server.admin();
    admin.ingest("lighthouse.md", LIGHTHOUSE);
    admin.ingest("bakery.md", BAKERY);
    let vectors = || -> Vec<Vec<u8>> {
        let database = database(server.data_dir());
        let sql = "SELECT vector FROM vectors ORDER BY chunk_key";
        let mut statement = database.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let before = vectors();
    let zeroes = "UPDATE vectors SET vector = zeroblob(length(vector))";
    database(server.data_dir()).execute(zeroes, []).unwrap();
    assert_ne!(vectors(), before);
    admin.post("/api/reindex", &json!({"embeddings": true}));
    indexed(&admin);
    assert_eq!(vectors(), before);
}

#[test]
fn making_anew_goes_on_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path());
    process.client.ingest("lighthouse.md", LIGHTHOUSE);
    process.client.ingest("bakery.md", BAKERY);
    process
        .client
        .post("/api/reindex", &json!({"embeddings": true}));
    process.kill();
    // Wherever that was, this is one that was cut off in the middle.
    let half = json!({"embeddings": true, "done": 1, "total": 2, "after": 1, "until": 2});
    database(folder.path())
        .execute(
            "INSERT OR REPLACE INTO settings (name, value) VALUES ('reindexing', ?1)",
            [half.to_string()],
        )
        .unwrap();
    let process = Process::start(folder.path());
    indexed(&process.client);
    assert_eq!(first(&process.client, "How hot is the oven?"), "bakery.md");
    assert_consistent(&process.client);
}

/// How many rows a query counts; none while the database cannot be read.
fn count(folder: &Path, sql: &str) -> u64 {
    let counted = database(folder).query_row(sql, [], |row| row.get(0));
    counted.unwrap_or_default()
}

#[test]
fn command_that_is_killed_while_it_makes_the_indexes_anew_is_ended_by_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path());
    process.client.ingest("lighthouse.md", LIGHTHOUSE);
    for number in 0..10 {
        let name = format!("logbook-{number}.txt");
        process.client.ingest(&name, crash::document(number));
    }
    process.kill();
    let reindex = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_satchel"));
        command.args(["reindex", "--embeddings", "--handbook", "false"]);
        command.arg("--data-dir").arg(folder.path());
        command
    };
    // No server runs: the command does the work itself.
    let mut child = reindex().spawn().unwrap();
    let began = Instant::now();
    let waiting = "SELECT count(*) FROM documents WHERE status = 'embedding'";
    while count(folder.path(), waiting) == 0 {
        assert!(began.elapsed() < PATIENCE);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        count(folder.path(), waiting) > 0,
        "it was in the middle of it"
    );
    let process = Process::start(folder.path());
    indexed(&process.client);
    assert_eq!(count(folder.path(), waiting), 0);
    let state = "SELECT count(*) FROM settings WHERE name = 'reindexing'";
    assert_eq!(count(folder.path(), state), 0);
    assert_consistent(&process.client);

    // The server of the folder does it for the command, which waits.
    let output = reindex().output().unwrap();
    assert!(output.status.success());
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said, "Both indexes were made anew from 11 documents.\n");
    assert_eq!(process.client.get("/api/status").json()["jobs_pending"], 0);
    assert_consistent(&process.client);
}

#[test]
fn what_an_examination_finds_is_repaired_or_named() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path());
    let client = &process.client;
    let add = |name: &str, text: &str| {
        let document = client.ingest(name, text);
        document["id"].as_str().unwrap().to_owned()
    };
    add("lighthouse.md", LIGHTHOUSE);
    let bakery = add("bakery.md", BAKERY);
    add("wrong.md", "# Wrong\n\nThe heather blooms in August.");
    add("stuck.md", "# Stuck\n\nThe gorse blooms in April.");
    add("short.md", "# Short\n\nThe broom blooms in May.");
    assert_consistent(client);
    let nothing = client.post("/api/repair", &json!({})).json();
    assert_eq!(
        nothing,
        json!({"index_entries": 0, "database": false, "orphans": 0, "documents": [], "left": []})
    );
    let key = |name: &str| format!("(SELECT key FROM documents WHERE filename = '{name}.md')");
    let damage = format!(
        "UPDATE chunks SET text = 'Nobody wrote this.' WHERE document_key = {};
         UPDATE documents SET status = 'embedding' WHERE key = {};
         DELETE FROM chunks WHERE document_key = {};",
        key("wrong"),
        key("stuck"),
        key("short")
    );
    database(folder.path()).execute_batch(&damage).unwrap();
    let shard = &bakery[bakery.len() - 2..];
    let original = folder.path().join("originals").join(shard).join(&bakery);
    std::fs::remove_file(original).unwrap();
    let found = client.get("/api/examination").json();
    assert_eq!(
        found["chunk_faults"].as_array().unwrap().len(),
        3,
        "{found}"
    );
    assert_eq!(found["originals_missing"], json!([bakery]));

    let output = Command::new(env!("CARGO_BIN_EXE_satchel"))
        .args(["doctor", "--repair", "--data-dir"])
        .arg(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    for name in ["wrong", "stuck", "short"] {
        assert!(
            said.contains(&format!("repaired: {name}.md is read anew")),
            "{said}"
        );
    }
    assert!(
        said.contains("not repaired: bakery.md: its original is missing"),
        "{said}"
    );
    assert_eq!(output.status.code(), Some(1), "one thing is left: {said}");
    for (words, name) in [
        ("When does the heather bloom?", "wrong.md"),
        ("When does the gorse bloom?", "stuck.md"),
        ("When does the broom bloom?", "short.md"),
    ] {
        assert_eq!(first(client, words), name);
    }
    let found = client.get("/api/examination").json();
    assert_eq!(found["chunk_faults"], json!([]));
    client.delete(&format!("/documents/{bakery}"));
    assert_consistent(client);
    let vera = Client::new(&format!("http://{}", process.address()), None);
    assert_eq!(vera.post("/api/repair", &json!({})).status, 401);
}
