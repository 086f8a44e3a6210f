//! The process dies while fifty people are being answered: what was acknowledged
//! is there afterwards.

use crate::crash::Process;
use crate::support::{LIGHTHOUSE, Raw};
use serde_json::{Value, json};
use std::sync::Mutex;
use std::time::{Duration, Instant};

const CHATS: usize = 50;

/// The process is killed as soon as so much was acknowledged.
const ENOUGH: usize = 25;

/// How long that may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A question whose first event, or whose answer, the client has seen.
struct Acknowledged {
    /// Where its messages are read.
    path: String,
    question: String,
    /// Whether the client saw the end of the answer; `None`: there is none.
    whole: Option<bool>,
}

/// Asks in the dialect that `number` chooses, and notes what it hears, until the
/// connection breaks.
fn ask(process: &Process, number: usize, noted: &Mutex<Vec<Acknowledged>>) -> Option<()> {
    let (address, token) = (process.address(), Some(process.token.as_str()));
    let question = format!("Who was keeper number {number} of the lighthouse?");
    let session = format!("chat-{number}");
    let read = format!("/chat/sessions/{session}");
    let send = |path: &str, body: &Value| {
        let mut sent = Raw::send(address, path, token, Some(body)).ok()?;
        (sent.status().ok()? < 300).then_some(sent)
    };
    let note = |path: &str, whole: Option<bool>| {
        noted.lock().unwrap().push(Acknowledged {
            path: path.to_owned(),
            question: question.clone(),
            whole,
        });
    };
    if number.is_multiple_of(6) {
        // This one has no chat: what it stores is acknowledged by the status.
        let body = json!({"user_id": "admin", "session_id": session});
        send("/sessions", &body)?;
        let body = json!({"user_id": "admin", "role": "user", "content": question});
        send(&format!("/sessions/{session}/messages"), &body)?;
        note(&read, None);
        return Some(());
    }
    let (mut stream, path) = match number % 6 {
        1 => {
            send(
                "/sessions",
                &json!({"user_id": "admin", "session_id": session}),
            )?;
            let body = json!({"message": question, "session_id": session});
            (send("/chat/send", &body)?, read)
        }
        2 => {
            send(
                "/sessions",
                &json!({"user_id": "admin", "session_id": session}),
            )?;
            let path = format!(
                "/chat/send?session_id={session}&message={}",
                question.replace(' ', "%20").replace('?', "%3F")
            );
            let mut sent = Raw::send(address, &path, token, None).ok()?;
            (sent.status().ok()? < 300).then_some(())?;
            (sent, read)
        }
        3 => {
            send(
                "/sessions",
                &json!({"user_id": "admin", "session_id": session}),
            )?;
            let path = format!("/v1/chat/conversations/{session}/messages");
            (
                send(&path, &json!({"content": question, "stream": true}))?,
                read,
            )
        }
        4 => {
            let body = json!({"question": question, "session_id": session});
            (send("/chat/query", &body)?, read)
        }
        _ => {
            send("/api/chats/sessions", &json!({"session_id": session}))?;
            let body = json!({"message": question, "session_id": session});
            let path = format!("/api/chats/messages?session_id={session}");
            (send("/api/chats/messages/chat/stream", &body)?, path)
        }
    };
    // An event is an acknowledgement; a refusal in it is not.
    let first = stream.event().ok()??;
    first["error"].is_null().then_some(())?;
    note(&path, Some(false));
    while stream.event().ok()?.is_some() {}
    note(&path, Some(true));
    Some(())
}

/// Role, text and how it ended, which only answers have.
fn messages(process: &Process, path: &str) -> Vec<(String, String, Value)> {
    let answer = process.client.get(path);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    let body = answer.json();
    let list = body["messages"].as_array().or_else(|| body.as_array());
    list.unwrap()
        .iter()
        .map(|one| {
            let text = one["content"].as_str().or_else(|| one["message"].as_str());
            (
                one["role"].as_str().unwrap().to_owned(),
                text.unwrap().to_owned(),
                one["metadata"]["finish_reason"].clone(),
            )
        })
        .collect()
}

#[test]
fn killed_during_fifty_chats_it_keeps_every_question_and_marks_answers_that_were_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start_public(folder.path());
    process.client.ingest("lighthouse.md", LIGHTHOUSE);
    let noted = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for number in 0..CHATS {
            let (process, noted) = (&process, &noted);
            scope.spawn(move || ask(process, number, noted));
        }
        let began = Instant::now();
        while noted.lock().unwrap().len() < ENOUGH && began.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(5));
        }
        process.kill_now();
    });
    drop(process);
    let noted = noted.into_inner().unwrap();
    assert!(
        noted.len() >= ENOUGH,
        "only {} were acknowledged",
        noted.len()
    );
    let process = Process::start_public(folder.path());
    let mut cut_off = 0;
    for one in &noted {
        let found = messages(&process, &one.path);
        let asked = found
            .iter()
            .position(|(role, text, _)| role == "user" && *text == one.question);
        let asked = asked.unwrap_or_else(|| panic!("{} is lost: {found:?}", one.question));
        let Some(whole) = one.whole else {
            assert_eq!(found.len(), 1, "{found:?}");
            continue;
        };
        let (role, text, ended) = &found[asked + 1];
        assert_eq!(role, "assistant");
        assert!(!text.is_empty());
        match whole {
            true => assert_eq!(ended, "stop", "{found:?}"),
            false => assert!(ended == "stop" || ended == "error", "{found:?}"),
        }
        cut_off += usize::from(ended == "error");
    }
    assert!(cut_off > 0, "it died too late to cut anything off");
    let examined = process.client.get("/api/examination").json();
    assert_eq!(examined["consistent"], true, "{examined}");
}
