//! Streams that stay open: of clients that read slowly, and very many at once.

use crate::support::{LIGHTHOUSE, Raw, Server, settings};
use satchel::config::Config;
use satchel::engine::decoder::Architecture;
use serde_json::json;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const QUESTION: &str = "Who was the first keeper of the lighthouse?";

/// Clients that read a byte a second.
const SLOW: usize = 8;

/// Streams that are open at once.
const IDLE: usize = 1000;

/// What the process may take more for the slow clients; the streams alone hold
/// far less.
const ROOM_BYTES: u64 = 200 * 1024 * 1024;

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.map_or(0, |number| number.parse::<u64>().unwrap() * 1024)
}

#[test]
fn clients_that_read_a_byte_a_second_hold_up_nobody() {
    let server = Server::with_model(Architecture::Llama);
    let ada = server.user("ada");
    ada.ask(QUESTION);
    let before = resident_bytes();
    let done = AtomicBool::new(false);
    let body = json!({"message": QUESTION});
    std::thread::scope(|scope| {
        for _ in 0..SLOW {
            scope.spawn(|| {
                let token = Some(server.admin_token());
                let mut slow = Raw::send(server.address(), "/chat/send", token, Some(&body));
                let slow = slow.as_mut().unwrap();
                while !done.load(Ordering::Relaxed) {
                    slow.byte().unwrap();
                    std::thread::sleep(Duration::from_secs(1));
                }
            });
        }
        std::thread::sleep(Duration::from_secs(1));
        for _ in 0..2 {
            let events = ada.ask(QUESTION);
            let last = events.last().map(|event| event.name.as_str());
            assert_eq!(last, Some("done"));
            assert_eq!(ada.get("/chat/sessions").status, 200);
        }
        let grown = resident_bytes().saturating_sub(before);
        done.store(true, Ordering::Relaxed);
        assert!(grown < ROOM_BYTES, "{grown} bytes more");
    });
}

#[test]
fn thousand_idle_streams_are_held_while_others_are_answered_and_all_hear_of_news() {
    let server = Server::start_with(Config {
        streams_per_user: IDLE as u32,
        ..settings()
    });
    let admin = server.admin();
    admin.ingest("lighthouse.md", LIGHTHOUSE);
    let token = Some(server.admin_token());
    let mut idle: Vec<Raw> = (0..IDLE)
        .map(|_| Raw::send(server.address(), "/api/events", token, None).unwrap())
        .collect();
    for stream in &mut idle {
        assert_eq!(stream.status().unwrap(), 200);
    }
    let refused = Raw::send(server.address(), "/api/events", token, None);
    assert_eq!(refused.unwrap().status().unwrap(), 429, "all of them count");
    // Chats whose askers have gone quiet without going away.
    let body = json!({"message": QUESTION});
    let chats: Vec<Raw> = (0..50)
        .map(|_| Raw::send(server.address(), "/chat/send", token, Some(&body)).unwrap())
        .collect();
    let began = Instant::now();
    let events = admin.ask(QUESTION);
    assert_eq!(events.last().unwrap().name, "done");
    assert_eq!(admin.get("/chat/sessions").status, 200);
    assert!(began.elapsed() < Duration::from_secs(60));
    assert_eq!(admin.upload("more.md", "Bees dance.").status, 200);
    for stream in &mut idle {
        let event = stream.event().unwrap().unwrap();
        assert_eq!(event["filename"], "more.md", "{event}");
    }
    drop((idle, chats));
}
