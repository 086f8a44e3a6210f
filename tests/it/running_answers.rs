//! Answers that go on without a connection: a broken connection, a reload and a
//! second listener lose nothing, and stopping keeps what was written.

use crate::support::{Client, Event, LIGHTHOUSE, Server};
use satchel::engine::decoder::Architecture;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const QUESTION: &str = "Who was the first keeper of the lighthouse?";

/// Asks so that the answer goes on by itself, and hangs up after `heard` events.
fn asked(client: &Client, heard: usize) -> Vec<Event> {
    let body = json!({"message": QUESTION, "keep_running": true});
    client.stream("/chat/send", &body).take(heard).collect()
}

fn accepted(events: &[Event]) -> &Value {
    let found = events.iter().find(|event| event.name == "accepted");
    &found.unwrap().data
}

fn follow(client: &Client, answer: &Value, after: &str) -> Vec<Event> {
    let client = match after {
        "" => client.clone(),
        id => client.clone().with("last-event-id", id),
    };
    let path = format!("/api/answers/{}/events", answer.as_str().unwrap());
    let stream = client.listen(&path);
    assert_eq!(stream.status, 200);
    stream.collect()
}

fn whole(events: &[Event]) -> &Value {
    let mut events = events.iter();
    let found = events.find(|event| event.data["content"].is_string());
    &found.unwrap().data
}

fn tokens(events: &[Event]) -> String {
    let tokens = events
        .iter()
        .filter_map(|event| event.data["token"].as_str());
    tokens.collect()
}

#[test]
fn answer_goes_on_after_the_connection_broke_and_is_resumed_where_it_was() {
    let server = Server::with_model(Architecture::Llama);
    let admin = server.admin();
    let begun = asked(&admin, 9);
    let answer = &accepted(&begun)["answer_id"];
    let last = &begun.last().unwrap().id;
    let rest = follow(&admin, answer, last);
    let first_of_rest: usize = rest[0].id.parse().unwrap();
    assert!(
        first_of_rest > last.parse::<usize>().unwrap(),
        "nothing comes twice"
    );
    let all = follow(&admin, answer, "");
    assert_eq!(
        tokens(&all),
        tokens(&begun) + &tokens(&rest),
        "what was heard in two parts is what was said",
    );
    assert_eq!(whole(&rest)["finish_reason"], whole(&all)["finish_reason"]);
    assert_eq!(all.last().unwrap().name, "done");
    let session = accepted(&begun)["session_id"].as_str().unwrap();
    let stored = admin.get(&format!("/chat/sessions/{session}")).json();
    assert_eq!(stored["messages"][1]["content"], whole(&all)["content"]);
    assert_eq!(stored["running"], json!([]));
}

#[test]
fn second_listener_hears_everything_and_the_session_names_the_answer_under_way() {
    let server = Server::with_model(Architecture::Llama);
    let admin = server.admin();
    let body = json!({"message": QUESTION, "keep_running": true});
    let mut first = admin.stream("/chat/send", &body);
    let mut heard: Vec<Event> = first.by_ref().take(6).collect();
    let told = accepted(&heard).clone();
    let session = told["session_id"].as_str().unwrap();
    let read = admin.get(&format!("/chat/sessions/{session}")).json();
    // It may have ended by now; what is named is right in any case.
    if let Some(running) = read["running"].as_array().unwrap().first() {
        assert_eq!(running["answer_id"], told["answer_id"]);
        assert_eq!(running["question_id"], told["question_id"]);
    }
    let second = follow(&admin, &told["answer_id"], "");
    heard.extend(first);
    assert_eq!(tokens(&second), tokens(&heard));
    assert_eq!(whole(&second)["content"], whole(&heard)["content"]);
}

#[test]
fn stopped_answer_keeps_what_was_written() {
    let server = Server::with_model(Architecture::Llama);
    let admin = server.admin();
    let body = json!({"message": QUESTION, "keep_running": true});
    let mut stream = admin.stream("/chat/send", &body);
    let begun: Vec<Event> = stream
        .by_ref()
        .take_while(|event| event.data["token"].is_null())
        .collect();
    let told = accepted(&begun);
    let path = format!("/api/answers/{}/stop", told["answer_id"].as_str().unwrap());
    assert_eq!(admin.post(&path, &json!({})).status, 204);
    let rest: Vec<Event> = stream.collect();
    let reason = whole(&rest)["finish_reason"].as_str().unwrap().to_owned();
    assert!(["cancelled", "length", "stop"].contains(&reason.as_str()));
    let session = told["session_id"].as_str().unwrap();
    let stored = admin.get(&format!("/chat/sessions/{session}")).json();
    assert_eq!(stored["messages"][1]["metadata"]["finish_reason"], reason);
}

#[test]
fn answer_without_a_listener_is_stored() {
    let server = Server::start();
    server.publish("lighthouse.md", LIGHTHOUSE);
    let admin = server.admin();
    let begun = asked(&admin, 2);
    let session = accepted(&begun)["session_id"].as_str().unwrap().to_owned();
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let stored = admin.get(&format!("/chat/sessions/{session}")).json();
        if stored["messages"].as_array().unwrap().len() == 2 {
            break;
        }
        assert!(Instant::now() < end, "the answer was never stored");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn answer_of_somebody_else_and_one_that_never_was_are_not_there() {
    let server = Server::start();
    server.publish("lighthouse.md", LIGHTHOUSE);
    let begun = asked(&server.admin(), 50);
    let answer = accepted(&begun)["answer_id"].as_str().unwrap();
    let other = server.user("other");
    for path in [
        format!("/api/answers/{answer}/events"),
        "/api/answers/none/events".to_owned(),
    ] {
        assert_eq!(other.get(&path).status, 404);
    }
    let stop = format!("/api/answers/{answer}/stop");
    assert_eq!(other.post(&stop, &json!({})).status, 404);
}

#[test]
fn question_sent_again_under_its_key_is_asked_once() {
    let server = Server::start();
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    let body = json!({"message": QUESTION, "keep_running": true, "idempotency_key": "k1"});
    let ask = |client: &Client| -> Vec<Event> { client.stream("/chat/send", &body).collect() };
    let both = std::thread::scope(|scope| {
        let other = scope.spawn(|| ask(&ada));
        [ask(&ada), other.join().unwrap()]
    });
    let late = ask(&ada);
    let answer = |events: &[Event]| accepted(events)["answer_id"].clone();
    assert_eq!(answer(&both[0]), answer(&both[1]));
    assert_eq!(answer(&late), answer(&both[0]));
    assert_eq!(whole(&late)["content"], whole(&both[0])["content"]);
    assert_eq!(late[0].id, both[0][0].id, "it is heard from the beginning");
    let chats = |client: &Client| client.get("/chat/sessions").json()["sessions"].clone();
    assert_eq!(chats(&ada).as_array().unwrap().len(), 1);
    assert_ne!(answer(&ask(&bob)), answer(&late), "a key is its user's own");
}

#[test]
fn key_of_a_question_that_was_refused_can_be_used_again() {
    let server = Server::start();
    let ada = server.user("ada");
    let ask = |message: &str| {
        let body = json!({"message": message, "keep_running": true, "idempotency_key": "k1"});
        ada.post("/chat/send", &body).status
    };
    assert_eq!((ask(" "), ask(QUESTION)), (400, 200));
    let long = json!({"message": QUESTION, "idempotency_key": "k".repeat(129)});
    let refused = ada.post("/chat/send", &long);
    assert_eq!(refused.status, 400);
    assert!(refused.detail().contains("128"));
}
