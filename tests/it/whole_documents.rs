//! Whole documents that a chat model reads part by part, because one prompt has
//! no room for them. The model has random weights: what it notes means nothing,
//! how it is asked and what becomes of its notes does.

use crate::support::{BAKERY, Client, Event, LIGHTHOUSE, Server, settings};
use satchel::config::Config;
use satchel::engine::decoder::Architecture;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long it may take until a model that was stopped is idle.
const PATIENCE: Duration = Duration::from_secs(30);

/// Short notes and answers, for the sake of time.
fn server() -> Server {
    let config = Config {
        answer_tokens: 24,
        ..settings()
    };
    Server::with_model_and(Architecture::Qwen2, config)
}

/// A document of so many sections, each of which is a passage.
fn chronicle(sections: usize) -> String {
    let weather = "The winter was long, the harbour froze twice before Easter, and nobody \
        could say when the boats would come back from the islands in the north.";
    let section = |n: usize| {
        format!(
            "## Year {n}\n\nKeeper number {n} of the tower came from the parish of Hollowfield. \
             {weather}\n\n"
        )
    };
    let sections: String = (1000..1000 + sections).map(section).collect();
    format!("# Chronicle of the tower\n\n{sections}")
}

/// The document's id, and what asks for a summary of it.
fn summary_of(client: &Client, sections: usize) -> Value {
    let document = client.ingest("chronicle.md", chronicle(sections));
    json!({"message": "Summarise the chronicle", "document_ids": [document["id"]]})
}

fn heard(client: &Client, body: &Value) -> Vec<Event> {
    client.stream("/chat/send", body).collect()
}

fn whole(events: &[Event]) -> Value {
    let mut events = events.iter();
    let found = events.find(|event| event.data["content"].is_string());
    found.expect("an answer").data.clone()
}

fn is_part(event: &Event) -> bool {
    event.data["parts"].is_u64() && event.data["stage"] == "reading"
}

/// The number of each part that was told of, and of how many; each once.
fn parts_told(events: &[Event], of_notes: bool) -> Vec<(u64, u64)> {
    let parts = events.iter().filter(|event| is_part(event));
    let parts = parts.filter(|event| event.data["of_notes"] == of_notes);
    let number = |event: &Event, name: &str| event.data[name].as_u64().unwrap();
    let mut told: Vec<_> = parts
        .map(|event| (number(event, "part"), number(event, "parts")))
        .collect();
    told.dedup();
    told
}

fn count(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value}"))
}

/// Waits until the model does nothing.
fn idle(server: &Server) {
    let began = Instant::now();
    loop {
        let status = server.admin().get("/api/status").json();
        let activity = &status["chat_activity"];
        let work = [&activity["running"], &activity["waiting"]];
        if work.iter().all(|count| **count == 0) {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{status:#}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn document_without_room_in_one_prompt_is_read_in_parts_before_its_sources_are_told() {
    let server = server();
    let admin = server.admin();
    let events = heard(&admin, &summary_of(&admin, 12));
    let told = parts_told(&events, false);
    let of = told[0].1;
    assert!(of > 1, "{told:?}");
    assert_eq!(
        told,
        (1..=of).map(|number| (number, of)).collect::<Vec<_>>()
    );
    let last_part = events.iter().rposition(is_part).unwrap();
    let sources = events.iter().position(|event| event.name == "sources");
    assert!(last_part < sources.unwrap());
    let sources = &events[sources.unwrap()].data["sources"];
    let places: Vec<u64> = sources
        .as_array()
        .unwrap()
        .iter()
        .map(|source| count(&source["chunk_index"]))
        .collect();
    assert!(places.is_sorted() && !places.is_empty(), "{places:?}");
    assert!(places.len() as u64 <= of, "a note of each part: {places:?}");
    let text = sources[0]["text"].as_str().unwrap();
    assert!(text.contains("Keeper number"), "the passage itself: {text}");

    let answer = whole(&events);
    assert_eq!(answer["mode"], "model", "{answer:#}");
    assert_eq!(answer["left_out"], Value::Null);
    let read = &answer["parts"];
    assert_eq!(count(&read["parts"]), of);
    assert_eq!(count(&read["passages"]), 12);
    for name in ["prompt", "completion"] {
        let (all, notes) = (&answer["usage"][name], &read["usage"][name]);
        assert!(count(all) > count(notes) && count(notes) > 0, "{answer:#}");
    }
    for citation in answer["citations"].as_array().unwrap() {
        let source = &sources[count(&citation["number"]) as usize - 1];
        assert_eq!(source["chunk_index"], citation["chunk_index"]);
    }
    let session = answer["session_id"].as_str().unwrap();
    let stored = admin.get(&format!("/chat/sessions/{session}")).json();
    assert_eq!(stored["messages"][1]["metadata"]["parts"], *read);
}

#[test]
fn documents_with_room_in_one_prompt_are_given_whole() {
    let server = server();
    let admin = server.admin();
    // Short enough for one passage.
    let mut body = summary_of(&admin, 3);
    let other = admin.ingest("bakery.md", BAKERY);
    let ids = body["document_ids"].as_array_mut().unwrap();
    ids.push(other["id"].clone());
    let ids = ids.clone();
    let events = heard(&admin, &body);
    assert_eq!(parts_told(&events, false), []);
    let answer = whole(&events);
    assert_eq!(answer["parts"], Value::Null);
    assert_eq!(answer["left_out"], Value::Null);
    let sources = answer["sources"].as_array().unwrap();
    let documents: Vec<Value> = sources
        .iter()
        .map(|source| source["document_id"].clone())
        .collect();
    assert_eq!(documents, ids);
    let other = json!({"message": "Who was the first keeper of the lighthouse?"});
    let events = heard(&admin, &other);
    assert_eq!(parts_told(&events, false), [], "a question about a place");
}

#[test]
fn document_beyond_the_bound_is_read_evenly_and_its_notes_once_more_and_that_is_said() {
    let server = server();
    let admin = server.admin();
    let events = heard(&admin, &summary_of(&admin, 200));
    let first = parts_told(&events, false);
    let again = parts_told(&events, true);
    assert!(first.len() > 20 && first.len() <= 32, "{first:?}");
    assert!(!again.is_empty() && again.len() < first.len(), "{again:?}");
    let answer = whole(&events);
    let left_out = &answer["left_out"];
    let beyond = count(&left_out["for_bound"]);
    let of = count(&left_out["of"]);
    assert_eq!(count(&answer["parts"]["passages"]), of - beyond);
    let note = left_out["note"].as_str().unwrap();
    assert!(note.contains("no more is read for one answer"), "{note}");
    assert!(beyond > 0 && beyond < of / 2, "{note}");
}

#[test]
fn of_many_documents_each_is_heard_within_the_bound_and_the_unread_are_named() {
    let server = server();
    let admin = server.admin();
    let letter = |n: usize| {
        let text = format!(
            "Harbour {n} froze twice. {}",
            "The boats stayed in until Easter, and nobody came from the islands. ".repeat(4)
        );
        json!({"title": format!("Letter {n}"), "text": text}).to_string() + "\n"
    };
    let letters: String = (1000..1090).map(letter).collect();
    admin.ingest("letters.jsonl", letters);
    let began = Instant::now();
    // One is there from the beginning.
    while admin.get("/api/documents?status=ready&limit=1").json()["total_count"] != 91 {
        assert!(began.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(50));
    }
    let events = heard(&admin, &json!({"message": "Summarise all documents"}));
    assert_eq!(parts_told(&events, false).len(), 8);
    let answer = whole(&events);
    assert_eq!(answer["mode"], "model", "{answer:#}");
    let (read, left_out) = (&answer["parts"], &answer["left_out"]);
    let (passages, beyond) = (count(&read["passages"]), count(&left_out["for_bound"]));
    assert_eq!((passages + beyond, count(&left_out["of"])), (91, 91));
    let content = answer["content"].as_str().unwrap();
    let note = content.rsplit("\n\n").next().unwrap();
    assert!(
        note.starts_with("Not read for this answer: `Letter 1"),
        "{note}"
    );
    let more = format!("{} more documents.", beyond - 10);
    assert!(note.ends_with(&more), "{note}");
    assert_eq!(note.matches('`').count(), 20, "{note}");
    let said: String = events
        .iter()
        .filter_map(|event| event.data["token"].as_str())
        .collect();
    assert!(said.ends_with(note), "{said}");
}

#[test]
fn replay_reads_the_same_parts_and_keeps_no_text_of_them() {
    let server = server();
    let admin = server.admin();
    let answer = whole(&heard(&admin, &summary_of(&admin, 12)));
    let path = format!("/api/answers/{}", answer["message_id"].as_str().unwrap());
    let record = admin.get(&format!("{path}/record")).json();
    assert!(!record.to_string().contains("Hollowfield"), "{record:#}");
    let parts = record["writing"]["parts"].as_array().unwrap();
    assert_eq!(parts.len() as u64, count(&answer["parts"]["parts"]));
    let replayed = admin.post(&format!("{path}/replay"), &json!({})).json();
    let again = &replayed["again"]["record"]["writing"];
    for (first, again) in parts.iter().zip(again["parts"].as_array().unwrap()) {
        for name in ["first_chunk", "passages", "prompt_sha256", "prompt_tokens"] {
            assert_eq!(first[name], again[name], "{name}: {replayed:#}");
        }
    }
    // Random weights turn the last bit of a sum into another note; it is said then.
    let same = again["parts"] == record["writing"]["parts"];
    let differences = replayed["differences"].as_array().unwrap();
    let told = differences.iter().any(|one| one["kind"] == "notes");
    assert_eq!(same, !told, "{differences:#?}");
}

#[test]
fn follow_up_of_a_summary_is_told_it_as_it_is_stored() {
    let server = server();
    let admin = server.admin();
    let first = whole(&heard(&admin, &summary_of(&admin, 12)));
    let asked = json!({
        "message": "Where did keeper number 1004 of the tower come from?",
        "session_id": first["session_id"],
    });
    let second = whole(&heard(&admin, &asked));
    assert_eq!(second["mode"], "model", "{second:#}");
    let path = format!(
        "/api/answers/{}/record",
        second["message_id"].as_str().unwrap()
    );
    let earlier = admin.get(&path).json()["writing"]["earlier"].clone();
    assert_eq!(earlier.as_array().unwrap().len(), 2, "{earlier}");
    assert_eq!(
        (&earlier[0]["as_stored"], &earlier[1]["as_stored"]),
        (&json!(true), &json!(true))
    );
}

#[test]
fn reading_ends_when_the_asker_stops_it_and_when_nobody_listens() {
    let server = server();
    let admin = server.admin();
    let mut body = summary_of(&admin, 130);
    body["keep_running"] = json!(true);
    let mut stream = admin.stream("/chat/send", &body);
    let accepted = stream.find(|event| event.name == "accepted").unwrap().data;
    stream.find(is_part).unwrap();
    let stop = format!(
        "/api/answers/{}/stop",
        accepted["answer_id"].as_str().unwrap()
    );
    assert_eq!(admin.post(&stop, &json!({})).status, 204);
    let rest: Vec<Event> = stream.collect();
    assert!(
        rest.iter().all(|event| event.data["token"].is_null()),
        "{rest:?}"
    );
    idle(&server);
    let session = accepted["session_id"].as_str().unwrap();
    let stored = admin.get(&format!("/chat/sessions/{session}")).json();
    assert_eq!(stored["messages"].as_array().unwrap().len(), 1);

    body["keep_running"] = json!(false);
    let mut stream = admin.stream("/chat/send", &body);
    let part = stream.find(is_part).unwrap().data;
    assert!(count(&part["part"]) < 20, "{part}");
    drop(stream);
    idle(&server);
    admin.ingest("lighthouse-again.md", LIGHTHOUSE);
    let asked = json!({"message": "Who was the first keeper of the lighthouse?"});
    assert_eq!(whole(&heard(&admin, &asked))["mode"], "model");
}
