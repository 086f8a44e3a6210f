//! Steps of ingestion that fail although the document is sound: the database
//! refuses what they store, or holds what cannot be used.

use crate::support::{BAKERY, Client, LIGHTHOUSE, Server};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const GORSE: &str = "# Gorse\n\nThe gorse blooms in April on the southern slope.";

fn number(server: &Server, sql: &str) -> i64 {
    let database = Connection::open(server.data_dir().join("satchel.db")).unwrap();
    database.query_row(sql, [], |row| row.get(0)).unwrap()
}

fn execute(server: &Server, sql: &str) {
    let database = Connection::open(server.data_dir().join("satchel.db")).unwrap();
    database.execute_batch(sql).unwrap();
}

/// The id of a document about gorse that is read once more, now that the
/// database refuses rows of `table` that are about gorse.
fn read_again_and_refused(server: &Server, table: &str, is_gorse: &str) -> String {
    let admin = server.admin();
    let id = admin.ingest("gorse.md", GORSE)["id"]
        .as_str()
        .unwrap()
        .to_owned();
    execute(
        server,
        &format!(
            "CREATE TRIGGER refuses BEFORE INSERT ON {table} WHEN {is_gorse}
             BEGIN SELECT RAISE(ABORT, 'the shelf is broken'); END"
        ),
    );
    let begun = admin.post(&format!("/documents/{id}/reindex"), &json!({}));
    assert!(begun.status < 300, "{}", begun.text);
    id
}

/// What becomes of a document while others are added, each of which is read.
fn ending(client: &Client, id: &str) -> Value {
    for number in 0..100 {
        let other = format!("# Note {number}\n\nPage {number} of the diary of the keeper.");
        let other = client.ingest(&format!("note-{number}.md"), other);
        assert_eq!(other["status"], "ready", "{other}");
        let document = client.get(&format!("/documents/{id}/pages")).json()["document"].clone();
        if document["status"] == "failed" || document["status"] == "ready" {
            return document;
        }
    }
    panic!("nothing becomes of it");
}

/// A document that cannot be stored fails with the reason, holds up no other,
/// and is read when it is tried again.
fn fails_alone(table: &str, is_gorse: &str, said: &str) {
    let server = Server::start();
    let admin = server.admin();
    let id = &read_again_and_refused(&server, table, is_gorse);
    let failed = ending(&admin, id);
    assert_eq!(failed["status"], "failed", "{failed}");
    let reason = failed["error"].as_str().unwrap();
    assert!(reason.starts_with(said), "{reason}");
    assert!(reason.contains("the shelf is broken"), "{reason}");
    execute(&server, "DROP TRIGGER refuses");
    let again = admin.post(&format!("/documents/{id}/retry"), &json!({}));
    assert!(again.status < 300, "{}", again.text);
    assert_eq!(admin.settled(id)["status"], "ready");
    let examination = admin.get("/api/examination").json();
    assert_eq!(examination["consistent"], true, "{examination}");
}

#[test]
fn text_that_cannot_be_stored_fails_its_document_alone() {
    fails_alone(
        "chunks",
        "NEW.text LIKE '%gorse%'",
        "its text could not be stored: ",
    );
}

#[test]
fn vectors_that_cannot_be_stored_fail_their_document_alone() {
    fails_alone(
        "vectors",
        "(SELECT text LIKE '%gorse%' FROM chunks WHERE key = NEW.chunk_key)",
        "its passages could not be indexed: ",
    );
}

#[test]
fn step_that_failed_once_is_taken_again_without_a_restart() {
    let server = Server::start();
    let admin = server.admin();
    let id = read_again_and_refused(&server, "chunks", "NEW.text LIKE '%gorse%'");
    let attempts = "SELECT attempts FROM jobs";
    while number(&server, attempts) == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    execute(&server, "DROP TRIGGER refuses");
    let document = admin.settled(&id);
    assert_eq!(document["status"], "ready", "{document}");
}

#[test]
fn stored_vectors_without_direction_are_made_anew() {
    let server = Server::start();
    let admin = server.admin();
    admin.ingest("lighthouse.md", LIGHTHOUSE);
    admin.ingest("bakery.md", BAKERY);
    let zeroes = "UPDATE vectors SET vector = zeroblob(length(vector))
                  WHERE chunk_key = (SELECT min(chunk_key) FROM vectors)";
    execute(&server, zeroes);
    let begun = admin.post("/api/reindex", &json!({"embeddings": false}));
    assert_eq!(begun.status, 202, "{}", begun.text);
    let unfit = "SELECT (SELECT count(*) FROM vectors WHERE vector = zeroblob(length(vector)))
                 + (SELECT count(*) FROM chunks) - (SELECT count(*) FROM vectors)
                 + (SELECT count(*) FROM jobs)
                 + (SELECT count(*) FROM settings WHERE name = 'reindexing')";
    let began = Instant::now();
    while number(&server, unfit) > 0 {
        assert!(began.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(20));
    }
    let examination = admin.get("/api/examination").json();
    assert_eq!(examination["consistent"], true, "{examination}");
}

#[test]
fn upload_that_the_disk_refuses_is_our_failure_and_leaves_nothing() {
    let server = Server::start();
    let admin = server.admin();
    let originals = server.data_dir().join("originals");
    let refused = |what: &str| {
        let answer = admin.upload("gorse.md", GORSE);
        assert_eq!(answer.status, 500, "{what}: {}", answer.text);
        assert!(answer.detail().contains("on our side"), "{}", answer.text);
        assert_eq!(
            admin.get("/api/documents").json()["total_count"],
            0,
            "{what}"
        );
    };
    // A file where a folder should be is refused to every user of the system.
    let incoming = originals.join("incoming");
    std::fs::remove_dir(&incoming).unwrap();
    std::fs::write(&incoming, "").unwrap();
    refused("the file cannot be written");
    std::fs::remove_file(&incoming).unwrap();
    std::fs::create_dir(&incoming).unwrap();
    let shards = (0..=255).map(|shard| originals.join(format!("{shard:02x}")));
    let shards: Vec<_> = shards.collect();
    shards
        .iter()
        .for_each(|shard| std::fs::write(shard, "").unwrap());
    refused("the file cannot be put in place");
    assert_eq!(std::fs::read_dir(&incoming).unwrap().count(), 0);
    shards
        .iter()
        .for_each(|shard| std::fs::remove_file(shard).unwrap());
    assert_eq!(admin.ingest("gorse.md", GORSE)["status"], "ready");
}

#[test]
fn upload_whose_text_cannot_be_stored_is_our_failure_and_that_of_a_bad_file_is_not() {
    let server = Server::start();
    let admin = server.admin();
    execute(
        &server,
        "CREATE TRIGGER refuses BEFORE INSERT ON chunks
         BEGIN SELECT RAISE(ABORT, 'the shelf is broken'); END",
    );
    let answer = admin.upload("gorse.md", GORSE);
    assert_eq!(answer.status, 500, "{}", answer.text);
    assert!(!answer.text.contains("shelf"), "{}", answer.text);
    let id = admin.get("/api/documents").json()["documents"][0]["id"].clone();
    execute(&server, "DROP TRIGGER refuses");
    let again = admin.post(
        &format!("/documents/{}/retry", id.as_str().unwrap()),
        &json!({}),
    );
    assert!(again.status < 300, "{}", again.text);
    assert_eq!(admin.settled(id.as_str().unwrap())["status"], "ready");
    let bad = admin.upload("bad.pdf", "%PDF-1.7 and nothing else");
    assert_eq!(bad.status, 400, "{}", bad.text);
}
