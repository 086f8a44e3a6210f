//! Damage of each kind, done behind the product's back: `satchel doctor` finds it,
//! repairs what can be made again, and names what cannot.

use crate::crash::Process;
use crate::support::{BAKERY, Client, Form, LIGHTHOUSE};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::fs::OpenOptions;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(120);

const GORSE: &str = "# Gorse\n\nThe gorse blooms in April on the southern slope.";

/// Runs it to its end: exit code and what it printed.
fn doctor(folder: &Path, options: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_satchel"))
        .arg("doctor")
        .args(options)
        .arg("--data-dir")
        .arg(folder)
        .env("SATCHEL_HANDBOOK", "false")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    (output.status.code().unwrap(), said)
}

fn assert_content(folder: &Path) {
    let (code, said) = doctor(folder, &[]);
    assert_eq!(code, 0, "{said}");
}

fn examined(client: &Client) -> Value {
    client.get("/api/examination").json()
}

fn database(folder: &Path) -> Connection {
    Connection::open(folder.join("satchel.db")).unwrap()
}

fn original(folder: &Path, id: &str) -> PathBuf {
    folder.join("originals").join(&id[id.len() - 2..]).join(id)
}

fn id(document: &Value) -> String {
    document["id"].as_str().unwrap().to_owned()
}

/// Changes one byte in place: whoever has the file open sees it.
fn flip(path: &Path, at: SeekFrom) {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    let place = file.seek(at).unwrap();
    let mut byte = [0];
    file.read_exact(&mut byte).unwrap();
    file.seek(SeekFrom::Start(place)).unwrap();
    file.write_all(&[byte[0] ^ 1]).unwrap();
}

/// The file of a folder whose name ends like this.
fn file_in(folder: &Path, end: &str) -> PathBuf {
    let files = std::fs::read_dir(folder).unwrap();
    let mut files = files.map(|file| file.unwrap().path());
    files
        .find(|path| path.to_string_lossy().ends_with(end))
        .unwrap()
}

fn first(client: &Client, words: &str, kind: &str) -> Value {
    let options = json!({"search_type": kind, "score_threshold": 0.0});
    let body = json!({"query": words, "search_options": options});
    let answer = client.post("/api/search", &body);
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["results"][0]["filename"].clone()
}

fn wait_until_indexed(client: &Client) {
    let began = Instant::now();
    while client.get("/api/status").json()["jobs_pending"] != 0 {
        assert!(began.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn changed_originals_are_told_by_name_and_replaced_by_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path());
    let client = &process.client;
    let lighthouse = id(&client.ingest("lighthouse.md", LIGHTHOUSE));
    client.ingest("bakery.md", BAKERY);
    let lines = "{\"id\": \"a\", \"title\": \"Heather\", \"text\": \"The heather blooms in August.\"}\n\
                 {\"text\": \"The broom blooms in May.\"}\n\
                 {\"id\": \"c\", \"title\": \"Thyme\", \"text\": \"The thyme blooms in June.\"}\n";
    client.ingest("plants.jsonl", lines);
    wait_until_indexed(client);
    let list = client.get("/api/documents").json();
    let plant = |name: &str| {
        let mut all = list["documents"].as_array().unwrap().iter();
        id(all.find(|one| one["external_id"] == name).unwrap())
    };
    // What it is called now does not say what its content was called.
    let renamed = client.patch(
        &format!("/api/documents/{}", plant("c")),
        &json!({"metadata": {"title": "Wild thyme"}}),
    );
    assert_eq!(renamed.status, 200, "{}", renamed.text);
    assert_content(folder.path());

    flip(&original(folder.path(), &lighthouse), SeekFrom::Start(20));
    for name in ["a", "c"] {
        flip(&original(folder.path(), &plant(name)), SeekFrom::Start(8));
    }
    let (code, said) = doctor(folder.path(), &["--quick"]);
    assert_eq!(code, 0, "nothing is read: {said}");
    let (code, said) = doctor(folder.path(), &[]);
    assert_eq!(code, 1, "{said}");
    let fault = |name: &str, id: &str| {
        format!("- {name} ({id}): its original is not the file that was added")
    };
    assert!(
        said.contains(&fault("lighthouse.md", &lighthouse)),
        "{said}"
    );
    for name in ["a", "c"] {
        assert!(
            said.contains(&fault("plants.jsonl", &plant(name))),
            "{said}"
        );
    }
    assert!(
        !said.contains("bakery.md") && !said.contains(&plant("2")),
        "{said}"
    );

    let (code, said) = doctor(folder.path(), &["--repair"]);
    assert_eq!(code, 1, "{said}");
    let left = "not repaired: lighthouse.md: its original is not the file that was added; \
                its passages are still those of that file: replace it by the file";
    assert!(said.contains(left), "{said}");
    assert_eq!(first(client, "colza oil lamp", "HYBRID"), "lighthouse.md");
    let form = Form::new().file("lighthouse.md", LIGHTHOUSE);
    let path = format!("/documents/{lighthouse}");
    let replaced = client.call("PUT", &path, Some(Form::KIND), &form.body());
    assert_eq!(replaced.status, 200, "{}", replaced.text);
    for name in ["a", "c"] {
        client.delete(&format!("/documents/{}", plant(name)));
    }
    wait_until_indexed(client);
    assert_content(folder.path());
}

#[test]
fn document_with_wrong_passages_is_not_read_from_a_changed_original() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path());
    let gorse = id(&process.client.ingest("gorse.md", GORSE));
    let wrong = "UPDATE chunks SET text = 'Nobody wrote this.'";
    database(folder.path()).execute(wrong, []).unwrap();
    flip(&original(folder.path(), &gorse), SeekFrom::End(-3));
    let (code, said) = doctor(folder.path(), &["--repair"]);
    assert_eq!(code, 1, "{said}");
    let left = "not repaired: gorse.md: its passages are wrong and its original is not the file \
                that was added; replace it by the file";
    assert!(said.contains(left), "{said}");
    assert!(
        said.contains("gorse.md: the span of chunk 0 is wrong"),
        "{said}"
    );
}

#[test]
fn rows_that_were_changed_behind_the_indexes_are_found_and_repaired() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path());
    let client = &process.client;
    for (name, text) in [
        ("lighthouse.md", LIGHTHOUSE),
        ("bakery.md", BAKERY),
        ("gorse.md", GORSE),
        ("orphan.md", "# Orphan\n\nThe orphanage stood by the mill."),
    ] {
        client.ingest(name, text);
    }
    wait_until_indexed(client);
    assert_content(folder.path());
    let chunks = |name: &str| {
        format!(
            "(SELECT key FROM chunks WHERE document_key =
             (SELECT key FROM documents WHERE filename = '{name}.md'))"
        )
    };
    let vectors = || -> Vec<(String, Vec<u8>)> {
        let database = database(folder.path());
        let sql = "SELECT filename || position, vector FROM vectors v
                   JOIN chunks c ON c.key = v.chunk_key JOIN documents x ON x.key = c.document_key
                   WHERE filename <> 'orphan.md' ORDER BY 1";
        let mut statement = database.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        rows.unwrap().map(Result::unwrap).collect()
    };
    let before = vectors();
    let of_lighthouse = before.iter().filter(|(at, _)| at.starts_with("lighthouse"));
    let of_lighthouse = of_lighthouse.count();
    let damage = format!(
        "PRAGMA foreign_keys = OFF;
         UPDATE pages SET text = replace(text, 'April', 'March');
         UPDATE chunks SET text = replace(text, 'April', 'March');
         UPDATE vectors SET vector = (SELECT vector FROM vectors WHERE chunk_key IN {})
         WHERE chunk_key = (SELECT min(key) FROM chunks WHERE key IN {});
         DELETE FROM vectors WHERE chunk_key IN {};
         DELETE FROM documents WHERE filename = 'orphan.md';",
        chunks("gorse"),
        chunks("bakery"),
        chunks("lighthouse")
    );
    database(folder.path()).execute_batch(&damage).unwrap();
    let found = examined(client);
    assert_eq!(found["consistent"], false);
    assert_eq!(found["keywords_differing"], 1, "{found}");
    assert_eq!(found["vectors_differing"], 1, "{found}");
    assert_eq!(found["vectors_unstored"], of_lighthouse, "{found}");
    assert_eq!(found["keywords_extra"], 1, "{found}");
    assert_eq!(found["vectors_extra"], 1, "{found}");
    for parent in [
        "chunks belongs to no row of documents",
        "pages belongs to no row of documents",
    ] {
        assert!(
            found["database_faults"].to_string().contains(parent),
            "{found}"
        );
    }
    let (code, said) = doctor(folder.path(), &[]);
    assert_eq!(code, 1, "{said}");
    for fault in [
        "not so: the database is sound",
        "not so: the keyword index agrees with the database",
        "not so: the vector index agrees with the database",
        "not so: every indexed passage has its vector in the database",
    ] {
        assert!(said.contains(fault), "{said}");
    }

    let (code, said) = doctor(folder.path(), &["--repair"]);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("rows of the database belonged to nothing"),
        "{said}"
    );
    assert_eq!(vectors(), before, "they were made anew from the texts");
    assert_eq!(first(client, "March", "KEYWORD"), "gorse.md");
    assert_eq!(first(client, "April", "KEYWORD"), Value::Null);
    assert_eq!(
        first(client, "colza oil lamp", "SIMILARITY"),
        "lighthouse.md"
    );
    assert_content(folder.path());
}

#[test]
fn damaged_files_of_the_indexes_are_found_while_they_serve_and_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path());
    for (name, text) in [("lighthouse.md", LIGHTHOUSE), ("bakery.md", BAKERY)] {
        process.client.ingest(name, text);
    }
    wait_until_indexed(&process.client);
    process.kill();
    // What was not saved before is now, so that nothing is left to be written.
    assert_content(folder.path());
    let process = Process::start(folder.path());
    let (lexical, vectors) = (folder.path().join("lexical"), folder.path().join("vectors"));
    flip(&file_in(&lexical, ".term"), SeekFrom::Start(3));
    flip(&file_in(&vectors, ".f16"), SeekFrom::Start(5));
    flip(&vectors.join("vectors.bin"), SeekFrom::End(-1));
    let found = examined(&process.client);
    assert_eq!(
        found["keyword_files_damaged"].as_array().unwrap().len(),
        1,
        "{found}"
    );
    assert_eq!(found["vectors_damaged"], 1, "{found}");
    assert!(found["vector_file_damaged"].is_string(), "{found}");
    let (code, said) = doctor(folder.path(), &[]);
    assert_eq!(code, 1, "{said}");
    for fault in [
        "not so: the files of the keyword index are what was written",
        "not so: the file of the vector index is what was written",
        "not so: the vector index agrees with the database",
    ] {
        assert!(said.contains(fault), "{said}");
    }
    let (code, said) = doctor(folder.path(), &["--repair"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(
        first(&process.client, "colza oil lamp", "KEYWORD"),
        "lighthouse.md"
    );
    assert_eq!(
        first(&process.client, "How hot is the oven?", "SIMILARITY"),
        "bakery.md"
    );
    process.kill();
    let (code, said) = doctor(folder.path(), &[]);
    assert_eq!(code, 0, "{said}");
    assert!(
        !said.contains("differed at the start"),
        "it is all on the disk: {said}"
    );
}

#[test]
fn indexes_that_were_damaged_while_nobody_used_them_are_made_again_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path());
    for (name, text) in [("lighthouse.md", LIGHTHOUSE), ("bakery.md", BAKERY)] {
        process.client.ingest(name, text);
    }
    wait_until_indexed(&process.client);
    process.kill();
    let (lexical, vectors) = (folder.path().join("lexical"), folder.path().join("vectors"));
    std::fs::write(file_in(&lexical, ".term"), "nothing of use").unwrap();
    std::fs::write(file_in(&vectors, ".f16"), "").unwrap();
    let (code, said) = doctor(folder.path(), &[]);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("entries of the indexes differed at the start"),
        "{said}"
    );
    let process = Process::start(folder.path());
    wait_until_indexed(&process.client);
    assert_eq!(
        first(&process.client, "colza oil lamp", "KEYWORD"),
        "lighthouse.md"
    );
    assert_eq!(
        first(&process.client, "How hot is the oven?", "SIMILARITY"),
        "bakery.md"
    );
    assert_eq!(examined(&process.client)["consistent"], true);
}
