//! How answers came about, and answers made once more.

use crate::support::{BAKERY, Client, Form, LIGHTHOUSE, Server, settings};
use satchel::config::Config;
use satchel::engine::decoder::Architecture;
use serde_json::{Value, json};

const QUESTION: &str = "Who was the first keeper of the lighthouse?";

/// Asks; the whole answer.
fn ask(client: &Client, body: &Value) -> Value {
    let events: Vec<_> = client.stream("/chat/send", body).collect();
    let mut all = events.iter().map(|event| event.data.clone());
    let whole = all.find(|data| data["content"].is_string());
    whole.unwrap_or_else(|| panic!("no answer: {events:?}"))
}

fn id(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn record(client: &Client, answer: &Value) -> Value {
    let path = format!("/api/answers/{}/record", id(&answer["message_id"]));
    let read = client.get(&path);
    assert_eq!(read.status, 200, "{}", read.text);
    read.json()
}

fn replay(client: &Client, answer: &Value) -> Value {
    let path = format!("/api/answers/{}/replay", id(&answer["message_id"]));
    let replayed = client.post(&path, &json!({}));
    assert_eq!(replayed.status, 200, "{}", replayed.text);
    replayed.json()
}

fn kinds(replay: &Value) -> Vec<&str> {
    let differences = replay["differences"].as_array().unwrap().iter();
    differences.map(|one| id(&one["kind"])).collect()
}

#[track_caller]
fn assert_same(replay: &Value) {
    assert_eq!(kinds(replay), [] as [&str; 0], "{replay:#}");
    assert_eq!(replay["same"], true);
    assert_eq!(replay["first"]["content"], replay["again"]["content"]);
    assert_eq!(replay["sentences"], json!([]));
}

/// How a prompt is cut into slices depends on the machine's speed at that
/// moment, and random weights turn the last bit of a sum into another word.
#[track_caller]
fn assert_told_the_same(replay: &Value) {
    assert!(
        kinds(replay).iter().all(|kind| *kind == "answer"),
        "{replay:#}"
    );
    let [first, again] = ["first", "again"].map(|run| &replay[run]["record"]["writing"]);
    for name in ["prompt_sha256", "prompt_tokens", "seed", "model"] {
        assert!(!first[name].is_null(), "{name}: {first:#}");
        assert_eq!(first[name], again[name], "{name}");
    }
}

/// A server with two documents; the ids of the lighthouse's and the other.
fn server() -> (Server, [String; 2]) {
    let server = Server::start();
    let admin = server.admin();
    let added = [("lighthouse.md", LIGHTHOUSE), ("bakery.md", BAKERY)];
    let ids = added.map(|(name, text)| id(&admin.ingest(name, text)["id"]).to_owned());
    (server, ids)
}

#[test]
fn replay_of_quotes_from_an_unchanged_collection_is_the_same_and_stores_nothing() {
    let (server, _) = server();
    let admin = server.admin();
    let answer = ask(&admin, &json!({"message": QUESTION}));
    assert_same(&replay(&admin, &answer));
    let path = format!("/chat/sessions/{}?branches=all", id(&answer["session_id"]));
    let messages = admin.get(&path).json()["messages"].clone();
    assert_eq!(messages.as_array().unwrap().len(), 2);
    let server = server.restart();
    assert_same(&replay(&server.admin(), &answer));
}

#[test]
fn record_of_a_replay_names_options_models_and_all_passages_without_their_text() {
    let (server, [lighthouse, bakery]) = server();
    let admin = server.admin();
    let options = json!({"k": 1, "score_threshold": 0.2});
    let scope = json!([lighthouse, bakery]);
    let answer = ask(
        &admin,
        &json!({"message": QUESTION, "search_options": options, "document_ids": scope}),
    );
    let record = record(&admin, &answer);
    assert_eq!(record["search"]["k"], 1);
    assert_eq!(record["scope"]["document_ids"], scope);
    assert_eq!(record["mode"]["kind"], "quotes");
    assert_eq!(record["writing"], Value::Null);
    let fingerprint = id(&record["retrieval"]["embedder"]["fingerprint"]);
    assert!(fingerprint.len() > 64, "{fingerprint}");
    let shown = record["shown"].as_array().unwrap();
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0]["document_id"], json!(lighthouse));
    assert_eq!(shown[0]["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(record["documents"][0]["id"], json!(lighthouse));
    let considered = record["considered"].as_array().unwrap();
    assert!(!considered.is_empty(), "{record:#}");
    let ranked = record["ranked"].as_u64().unwrap() as usize;
    assert_eq!(ranked, shown.len() + considered.len());
    assert!(!record.to_string().contains("Tobias"), "{record}");
    assert_eq!(record["answered"], true);
    assert_eq!(record["checks"], answer["checks"]);
    assert_eq!(record["checks"][0]["support"], "supported");
    assert_same(&replay(&admin, &answer));
}

#[test]
fn replay_names_a_deleted_document_as_gone() {
    let (server, [lighthouse, _]) = server();
    let admin = server.admin();
    let answer = ask(&admin, &json!({"message": QUESTION}));
    let path = format!("/documents/{lighthouse}");
    assert_eq!(admin.delete(&path).status, 200);
    let replayed = replay(&admin, &answer);
    assert_eq!(replayed["same"], false);
    let kinds = kinds(&replayed);
    for kind in ["document_gone", "passage_gone", "mode", "answer"] {
        assert!(kinds.contains(&kind), "{kind}: {replayed:#}");
    }
    let differences = replayed["differences"].as_array().unwrap();
    let gone = differences
        .iter()
        .find(|one| one["kind"] == "document_gone");
    assert_eq!(gone.unwrap()["document_id"], json!(lighthouse));
}

#[test]
fn replay_names_a_replaced_document_as_changed() {
    let (server, [lighthouse, _]) = server();
    let admin = server.admin();
    let answer = ask(&admin, &json!({"message": QUESTION}));
    let other = LIGHTHOUSE.replace("Tobias Grenn", "Ines Falk");
    let form = Form::new().file("lighthouse.md", other);
    let path = format!("/documents/{lighthouse}");
    let replaced = admin.call("PUT", &path, Some(Form::KIND), &form.body());
    assert_eq!(replaced.status, 200, "{}", replaced.text);
    admin.settled(&lighthouse);
    let replayed = replay(&admin, &answer);
    let kinds = kinds(&replayed);
    for kind in ["document_replaced", "passage_changed", "answer"] {
        assert!(kinds.contains(&kind), "{kind}: {replayed:#}");
    }
    let sentences = replayed["sentences"].as_array().unwrap();
    let has = |side: &str, name: &str| {
        let mut of_side = sentences.iter().filter(|one| one["side"] == side);
        of_side.any(|one| id(&one["text"]).contains(name))
    };
    assert!(
        has("first", "Tobias Grenn") && has("again", "Ines Falk"),
        "{replayed:#}"
    );
}

/// The record of the only answer, changed as an older version wrote it.
fn rewrite_record(server: &Server, change: impl FnOnce(&mut Value)) {
    let database = server.data_dir().join("satchel.db");
    let raw = rusqlite::Connection::open(database).unwrap();
    let read = "SELECT record FROM answer_records";
    let record: String = raw.query_row(read, [], |row| row.get(0)).unwrap();
    let mut record = serde_json::from_str(&record).unwrap();
    change(&mut record);
    let changed = raw.execute(
        "UPDATE answer_records SET record = ?1",
        [record.to_string()],
    );
    assert_eq!(changed.unwrap(), 1);
}

#[test]
fn record_without_verdicts_takes_them_from_its_answer() {
    let (server, _) = server();
    let admin = server.admin();
    let answer = ask(&admin, &json!({"message": QUESTION}));
    rewrite_record(&server, |record| {
        let record = record.as_object_mut().unwrap();
        record.remove("checks").unwrap();
        record.remove("answered").unwrap();
    });
    let record = record(&admin, &answer);
    assert_eq!(record["checks"], answer["checks"]);
    assert_eq!(record["answered"], true);
    assert_same(&replay(&admin, &answer));
}

#[test]
fn replay_tells_of_a_sentence_that_was_judged_otherwise() {
    let (server, _) = server();
    let admin = server.admin();
    let answer = ask(&admin, &json!({"message": QUESTION}));
    rewrite_record(&server, |record| {
        record["checks"][0]["support"] = json!("weak");
        record["answered"] = json!(false);
    });
    let replayed = replay(&admin, &answer);
    assert_eq!(kinds(&replayed), ["answered", "verdict"], "{replayed:#}");
    assert_eq!(replayed["same"], false);
    let verdict = &replayed["differences"][1];
    assert_eq!(
        (&verdict["first"], &verdict["again"]),
        (&json!("weak"), &json!("supported"))
    );
    assert!(
        id(&verdict["text"]).ends_with("was weak and is supported"),
        "{verdict}"
    );
}

#[test]
fn replay_of_an_answer_of_somebody_else_does_not_exist() {
    let (server, _) = server();
    let admin = server.admin();
    let answer = ask(&admin, &json!({"message": QUESTION}));
    let own = id(&answer["message_id"]);
    let session = format!("/chat/sessions/{}", id(&answer["session_id"]));
    let question = admin.get(&session).json()["messages"][0]["id"].clone();
    let nils = server.user("nils");
    for (client, answer) in [(&nils, own), (&admin, id(&question)), (&admin, "nothing")] {
        let record = client.get(&format!("/api/answers/{answer}/record"));
        let replay = client.post(&format!("/api/answers/{answer}/replay"), &json!({}));
        assert_eq!((record.status, replay.status), (404, 404), "{answer}");
    }
}

#[test]
fn replay_of_a_models_answer_has_the_same_prompt_and_the_same_seed() {
    let server = Server::with_model(Architecture::Qwen2);
    let admin = server.admin();
    let answer = ask(&admin, &json!({"message": QUESTION}));
    assert_eq!(answer["mode"], "model");
    let of_answer = record(&admin, &answer);
    let writing = &of_answer["writing"];
    for name in ["prompt_sha256", "seed", "temperature", "max_tokens"] {
        assert!(!writing[name].is_null(), "{name}: {of_answer:#}");
    }
    assert_eq!(writing["model"]["fingerprint"].as_str().unwrap().len(), 64);
    assert_told_the_same(&replay(&admin, &answer));

    // One that is worded freely: the seed that was drawn is drawn no more.
    let session = &answer["session_id"];
    let path = format!("/chat/sessions/{}", id(session));
    let question = admin.get(&path).json()["messages"][0]["id"].clone();
    let freely = ask(&admin, &json!({"session_id": session, "again": question}));
    assert_ne!(record(&admin, &freely)["writing"]["seed"], writing["seed"]);
    assert_told_the_same(&replay(&admin, &freely));
}

#[test]
fn replay_of_a_follow_up_sends_the_conversation_as_it_was_sent() {
    let server = Server::with_model(Architecture::Qwen2);
    let admin = server.admin();
    let first = ask(&admin, &json!({"message": QUESTION}));
    let session = &first["session_id"];
    let body =
        json!({"message": "How high is the tower of the lighthouse?", "session_id": session});
    let second = ask(&admin, &body);
    let earlier = record(&admin, &second)["writing"]["earlier"].clone();
    assert_eq!(earlier.as_array().unwrap().len(), 2, "{earlier:#}");
    assert_eq!(earlier[0]["as_stored"], false);
    let third = ask(
        &admin,
        &json!({"message": "Who built it?", "session_id": session}),
    );
    assert_told_the_same(&replay(&admin, &second));
    assert_told_the_same(&replay(&admin, &third));
    // What was told in memory alone is gone then.
    let server = server.restart();
    server.wait_for_model();
    let admin = server.admin();
    assert_told_the_same(&replay(&admin, &second));
    assert_told_the_same(&replay(&admin, &third));
}

#[test]
fn replay_says_that_another_model_writes_or_none() {
    let server = Server::with_model(Architecture::Qwen2);
    let admin = server.admin();
    let answer = ask(&admin, &json!({"message": QUESTION}));
    let unloaded = admin.post("/api/models/unload", &json!({}));
    assert_eq!(unloaded.status, 200, "{}", unloaded.text);
    let began = std::time::Instant::now();
    while !admin.get("/api/status").json()["chat_model"].is_null() {
        assert!(began.elapsed().as_secs() < 30);
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let replayed = replay(&admin, &answer);
    assert_eq!(replayed["again"]["record"]["mode"]["kind"], "quotes");
    assert!(kinds(&replayed).contains(&"mode"), "{replayed:#}");
}

#[test]
fn replay_shows_beside_a_passage_what_the_model_was_shown_there() {
    let config = Config {
        answer_tokens: 16,
        // However slow the machine is.
        first_token_seconds: 0.0,
        ..settings()
    };
    let server = Server::with_model_and(Architecture::Qwen2, config);
    let admin = server.admin();
    // Two passages, of words that are one token each for the tiny model, too.
    let filler = "And the and a the and the, and a the and. ".repeat(21);
    let text = format!("The first keeper of the lighthouse was Tobias Wren. {filler}");
    let document = admin.ingest("log.txt", text)["id"].clone();
    let options = json!({"k": 1, "score_threshold": 0});
    let mut body = json!({
        "message": QUESTION, "document_ids": [document], "search_options": options,
    });
    let first = ask(&admin, &body);
    assert_eq!(first["mode"], "model", "{first:#}");
    let of_answer = record(&admin, &first);
    let shown = &of_answer["shown"][0];
    let beside = shown["shown_with"].as_array().unwrap();
    assert_eq!(beside.len(), 1, "{of_answer:#}");
    assert_ne!(beside[0], shown["chunk"]);
    assert_told_the_same(&replay(&admin, &first));

    body["session_id"] = first["session_id"].clone();
    body["message"] = json!("Was Tobias Wren the first keeper of the lighthouse?");
    let second = ask(&admin, &body);
    assert_eq!(record(&admin, &second)["shown"][0]["told_before"], true);
    // What was told in memory alone is gone then.
    let server = server.restart();
    server.wait_for_model();
    assert_told_the_same(&replay(&server.admin(), &second));
}
