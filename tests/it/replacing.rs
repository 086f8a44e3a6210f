//! Documents that get another content, name or metadata and stay themselves.

use crate::crash::Process;
use crate::support::{Answer, BAKERY, Client, Form, LIGHTHOUSE, Server, assert_shape};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);

const ELECTRIC: &str = "\
# Lighthouse of Marrow Point

Since 1931 the lamp is electric, and its keeper is Ines Falk.
";

const GERMAN: &str = "\
# Leuchtturm

Der Leuchtturm wurde 1874 von einer Ingenieurin aus der Stadt gebaut, und sein Turm ist einundvierzig
Meter hoch. Die Lampe brennt mit Rapsöl, und man sieht sie neunzehn Seemeilen weit. Der erste Wärter
hielt Bienen neben dem Turm.
";

fn replace(client: &Client, id: &str, form: &Form) -> Answer {
    let path = format!("/documents/{id}");
    client.call("PUT", &path, Some(Form::KIND), &form.body())
}

fn id(document: &Value) -> String {
    document["id"].as_str().unwrap().to_owned()
}

/// The passages that hold one of the words, of all that the indexes give.
fn finds(client: &Client, words: &str) -> Vec<String> {
    let body = json!({"query": words, "search_options": {"score_threshold": 0.0, "k": 100}});
    let found = client.post("/api/search", &body).json();
    let texts = found["results"].as_array().unwrap().iter();
    texts
        .filter(|one| words.split(' ').any(|word| one.to_string().contains(word)))
        .map(|one| one["text"].as_str().unwrap().to_owned())
        .collect()
}

/// What was replaced leaves the keyword index a moment later.
fn assert_consistent(client: &Client) {
    let began = Instant::now();
    loop {
        let examination = client.get("/api/examination").json();
        if examination["consistent"] == true {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{examination}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn replaced_document_keeps_its_id_and_has_nothing_of_the_old_content() {
    let server = Server::start();
    let admin = server.admin();
    let with_title = format!("---\ntitle: The old lamp\n---\n{LIGHTHOUSE}");
    let old = admin.ingest("lighthouse.md", with_title);
    assert_eq!(old["title"], "The old lamp");
    let form = Form::new()
        .file("electric.md", ELECTRIC)
        .field("metadata", "{\"shelf\": 7}");
    let answer = replace(&admin, &id(&old), &form);
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(
        answer.json()["content"]
            .as_str()
            .unwrap()
            .contains("Ines Falk")
    );
    let new = admin.settled(&id(&old));
    assert_eq!(
        (&new["status"], &new["filename"]),
        (&json!("ready"), &json!("electric.md"))
    );
    assert_eq!(new["created_at"], old["created_at"]);
    assert_ne!(new["sha256"], old["sha256"]);
    assert_ne!(new["title"], "The old lamp");
    assert_eq!(new["metadata"]["shelf"], 7);
    assert!(finds(&admin, "colza Grenn Thornqvist").is_empty());
    assert_eq!(finds(&admin, "electric").len(), 1);
    let original = admin.get(&format!("/documents/{}/original", id(&old)));
    assert_eq!(original.text, ELECTRIC);
    assert_eq!(admin.get("/api/documents").json()["total_count"], 1);
    assert_consistent(&admin);
    let server = server.restart();
    assert_eq!(finds(&server.admin(), "electric").len(), 1);
    assert_consistent(&server.admin());
}

#[test]
fn content_that_is_there_already_or_cannot_be_one_document_is_refused() {
    let server = Server::start();
    let admin = server.admin();
    let lighthouse = admin.ingest("lighthouse.md", LIGHTHOUSE);
    admin.ingest("bakery.md", BAKERY);
    let with = |form: &Form| replace(&admin, &id(&lighthouse), form);
    assert_eq!(with(&Form::new().file("copy.md", BAKERY)).status, 409);
    let lines = "{\"text\": \"One.\"}\n{\"text\": \"Two.\"}\n";
    assert_eq!(with(&Form::new().file("lines.jsonl", lines)).status, 400);
    let other = Form::new()
        .field("dataset_id", "other")
        .file("a.md", ELECTRIC);
    assert_eq!(with(&other).status, 400);
    assert_eq!(with(&Form::new().field("title", "No file")).status, 400);
    let nobody = replace(
        &admin,
        "no-such-document",
        &Form::new().file("a.md", ELECTRIC),
    );
    assert_eq!(nobody.status, 404);
    let original = admin.get(&format!("/documents/{}/original", id(&lighthouse)));
    assert_eq!(original.text, LIGHTHOUSE, "nothing was changed");
    assert_eq!(finds(&admin, "colza").len(), 1);
    assert_consistent(&admin);
}

#[test]
fn replacement_that_cannot_be_read_takes_the_old_passages_with_it_and_can_be_mended() {
    let server = Server::start();
    let admin = server.admin();
    let document = admin.ingest("lighthouse.md", LIGHTHOUSE);
    let broken = replace(
        &admin,
        &id(&document),
        &Form::new().file("lighthouse.pdf", "%PDF-1.7 x"),
    );
    assert_eq!(broken.status, 400, "{}", broken.text);
    let failed = admin.settled(&id(&document));
    assert_eq!(
        (&failed["status"], &failed["chunk_count"]),
        (&json!("failed"), &json!(0))
    );
    assert!(finds(&admin, "colza").is_empty());
    assert_consistent(&admin);
    let mended = replace(&admin, &id(&document), &Form::new().file("a.md", ELECTRIC));
    assert_eq!(mended.status, 200, "{}", mended.text);
    assert_eq!(admin.settled(&id(&document))["status"], "ready");
    assert_eq!(finds(&admin, "electric").len(), 1);
}

#[test]
fn document_replaced_while_it_is_being_read_ends_with_the_last_content() {
    let server = Server::start();
    let admin = server.admin();
    let document = admin.ingest("log.txt", "The log begins.");
    // Long enough that embedding it is cut off by the next one.
    let long = |n: u32| -> String {
        let line = |day: u32| format!("On day {day} of voyage {n} the wind was fair. ");
        (0..400).map(line).collect()
    };
    for n in 0..4 {
        let answer = replace(
            &admin,
            &id(&document),
            &Form::new().file("log.txt", long(n)),
        );
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let last = Form::new().file("log.txt", "The log ends in Valparaiso.");
    assert_eq!(replace(&admin, &id(&document), &last).status, 200);
    let settled = admin.settled(&id(&document));
    assert_eq!(
        (&settled["status"], &settled["chunk_count"]),
        (&json!("ready"), &json!(1))
    );
    assert_eq!(finds(&admin, "Valparaiso").len(), 1);
    assert!(finds(&admin, "voyage wind fair").is_empty());
    assert_consistent(&admin);
}

#[test]
fn replacement_that_was_acknowledged_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path());
    let document = process.client.ingest("lighthouse.md", LIGHTHOUSE);
    let answer = replace(
        &process.client,
        &id(&document),
        &Form::new().file("a.md", ELECTRIC),
    );
    assert_eq!(answer.status, 200, "{}", answer.text);
    process.kill();
    let process = Process::start(folder.path());
    assert_eq!(process.client.settled(&id(&document))["status"], "ready");
    let original = process
        .client
        .get(&format!("/documents/{}/original", id(&document)));
    assert_eq!(original.text, ELECTRIC);
    assert_eq!(finds(&process.client, "electric").len(), 1);
    assert_consistent(&process.client);
}

#[test]
fn document_with_a_new_name_is_found_by_it_and_keeps_its_other_metadata() {
    let server = Server::start();
    let admin = server.admin();
    let form = Form::new()
        .file("draft.txt", "Loaves rest for fourteen hours.")
        .field("module", "baking");
    let made = admin.send_form(&form).json();
    let document = admin.settled(&id(&made));
    assert!(finds(&admin, "sourdough.txt").is_empty());
    let path = format!("/api/documents/{}", id(&document));
    let change = json!({"filename": "sourdough.txt", "metadata": {"shelf": 7}});
    let changed = admin.patch(&path, &change);
    assert_eq!(changed.status, 200, "{}", changed.text);
    let changed = changed.json();
    assert_eq!(changed["filename"], "sourdough.txt");
    assert_eq!(
        (
            &changed["metadata"]["module"],
            &changed["metadata"]["shelf"]
        ),
        (&json!("baking"), &json!(7))
    );
    assert_eq!(finds(&admin, "sourdough.txt").len(), 1);
    assert_consistent(&admin);
    for name in ["", "  ", "a/b.txt", "..\\b.txt"] {
        let refused = admin.patch(&path, &json!({"filename": name}));
        assert_eq!(refused.status, 400, "{name:?}: {}", refused.text);
    }
    assert_eq!(
        admin.patch(&path, &json!({})).status,
        200,
        "nothing is changed"
    );
}

/// What a document is and was: number, file name, pages of each version.
fn versions(client: &Client, id: &str) -> Vec<Value> {
    let answer = client.get(&format!("/api/documents/{id}/versions"));
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["versions"].as_array().unwrap().clone()
}

#[test]
fn replaced_document_lists_both_versions_and_nobody_elsewhere_sees_one() {
    let server = Server::start();
    let admin = server.admin();
    let stranger = server.tenant("south");
    let old = admin.ingest("lighthouse.md", LIGHTHOUSE);
    let only = versions(&admin, &id(&old));
    let shape = json!({
        "number": "number", "filename": "string", "bytes": "number", "sha256": "string",
        "page_count": "number | null", "chunk_count": "number | null",
        "user_id": "string | null", "since": "datetime", "until": "datetime | null",
    });
    assert_shape(&json!(only), &json!([shape]));
    assert_eq!((only.len(), &old["version"]), (1, &json!(1)));
    let form = Form::new().file("electric.md", ELECTRIC);
    assert_eq!(replace(&admin, &id(&old), &form).status, 200);
    let new = admin.settled(&id(&old));
    assert_eq!(new["version"], 2);
    let both = versions(&admin, &id(&old));
    assert_shape(&json!(both), &json!([shape]));
    let [now, before] = &both[..] else {
        panic!("{both:?}");
    };
    assert_eq!((&now["number"], &before["number"]), (&json!(2), &json!(1)));
    assert_eq!(now["filename"], "electric.md");
    assert_eq!(before["filename"], "lighthouse.md");
    for (version, document) in [(now, &new), (before, &old)] {
        for fact in ["sha256", "bytes", "page_count", "chunk_count"] {
            assert_eq!(version[fact], document[fact], "{fact}");
        }
    }
    assert_eq!(before["since"], old["created_at"]);
    assert_eq!(
        (&before["until"], &now["until"]),
        (&now["since"], &Value::Null)
    );
    let hidden = stranger.get(&format!("/api/documents/{}/versions", id(&old)));
    assert_eq!(hidden.status, 404, "{}", hidden.text);
    assert_eq!(
        admin.delete(&format!("/documents/{}", id(&old))).status,
        200
    );
    let gone = admin.get(&format!("/api/documents/{}/versions", id(&old)));
    assert_eq!(gone.status, 404);
}

#[test]
fn refused_replacement_and_a_new_name_are_no_versions() {
    let server = Server::start();
    let admin = server.admin();
    let lighthouse = admin.ingest("lighthouse.md", LIGHTHOUSE);
    admin.ingest("bakery.md", BAKERY);
    let refused = Form::new().file("copy.md", BAKERY);
    assert_eq!(replace(&admin, &id(&lighthouse), &refused).status, 409);
    let path = format!("/api/documents/{}", id(&lighthouse));
    let renamed = admin.patch(&path, &json!({"filename": "tower.md"}));
    assert_eq!(renamed.status, 200, "{}", renamed.text);
    let only = versions(&admin, &id(&lighthouse));
    assert_eq!((only.len(), &only[0]["filename"]), (1, &json!("tower.md")));
}

#[test]
fn language_of_a_document_is_that_of_its_present_text() {
    let server = Server::start();
    let admin = server.admin();
    let english = admin.ingest("lighthouse.md", LIGHTHOUSE);
    assert_eq!(english["language"], "en");
    let short = admin.ingest("short.md", "Loaves rest for fourteen hours.");
    assert_eq!(short["language"], Value::Null, "nobody can tell");
    let of_own = |client: &Client| {
        let datasets = client.get("/api/datasets").json();
        let all = datasets["datasets"].as_array().unwrap().clone();
        let own = all.into_iter().find(|one| one["name"] == "Documents");
        own.unwrap()["languages"].clone()
    };
    assert_eq!(of_own(&admin), json!({"en": 1}));
    let german = Form::new().file("leuchtturm.md", GERMAN);
    assert_eq!(replace(&admin, &id(&english), &german).status, 200);
    assert_eq!(admin.settled(&id(&english))["language"], "de");
    assert_eq!(of_own(&admin), json!({"de": 1}));
    let embedder = admin.get("/api/status").json()["embedder"].clone();
    assert_eq!(embedder["english_only"], true, "{embedder}");
}
