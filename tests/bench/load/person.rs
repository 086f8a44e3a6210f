//! What one person does: asks in whatever dialect, reads what came of it, looks
//! at lists, adds a document now and then, and thinks in between.

use super::client::{Call, Client};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Shortest and longest time between an answer and the next question.
const THINKING: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(15)];

/// The same between an answer and what the page then asks for.
const CLICKING: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(800)];

/// One in so many turns adds a document.
const UPLOADS: u64 = 8;

/// Numbers that look random and are the same in each run.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1))
    }

    pub(crate) fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most.max(1)
    }

    fn between(&mut self, [from, to]: [Duration; 2]) -> Duration {
        let span = (to - from).as_micros() as u64;
        from + Duration::from_micros(self.below(span))
    }
}

pub(crate) struct Person<'a> {
    pub(crate) number: u64,
    pub(crate) client: Client,
    /// The same person without a login.
    pub(crate) visitor: Client,
    pub(crate) questions: &'a [String],
    pub(crate) dice: Dice,
    /// Counts what it makes, so that names differ.
    pub(crate) made: u64,
}

impl Person<'_> {
    /// Lives until `end`.
    pub(crate) fn live(&mut self, end: Instant) {
        // Not all begin at the same moment.
        let [_, longest] = THINKING;
        let mut pause = self.dice.between([Duration::ZERO, longest]);
        while Instant::now() + pause < end {
            std::thread::sleep(pause);
            match self.dice.below(7) {
                0 => self.rag_chat(),
                1 => self.rag_chat_by_get(),
                2 => self.conversation(),
                3 => self.orchestration(),
                4 => self.chat_module(),
                5 => self.openai(),
                _ => self.chat_store(),
            }
            if self.dice.below(UPLOADS) == 0 {
                self.upload();
            }
            self.look_around();
            pause = self.dice.between(THINKING);
        }
    }

    fn question(&mut self) -> String {
        let at = self.dice.below(self.questions.len() as u64) as usize;
        self.questions[at].clone()
    }

    fn click(&mut self) {
        std::thread::sleep(self.dice.between(CLICKING));
    }

    fn name(&mut self, what: &str) -> String {
        self.made += 1;
        format!("{what}-{}-{}", self.number, self.made)
    }

    fn rag_chat(&mut self) {
        let body = json!({"message": self.question()});
        let call = Call::answer("POST /chat/send", "POST", "/chat/send");
        let events = self.client.ask(call.json(&body));
        let Some(id) = first(&events, "session_id") else {
            return;
        };
        self.click();
        let path = format!("/chat/sessions/{id}");
        let read = Call::rows("GET /chat/sessions/{id}", "GET", &path);
        self.client.call(read);
        self.click();
        let body = json!({"message": self.question(), "session_id": id});
        let call = Call::answer("POST /chat/send", "POST", "/chat/send");
        self.client.ask(call.json(&body));
        self.click();
        let delete = Call::rows("DELETE /chat/sessions/{id}", "DELETE", &path);
        self.client.call(delete);
    }

    fn rag_chat_by_get(&mut self) {
        let path = format!("/chat/send?message={}", in_query(&self.question()));
        let call = Call::answer("GET /chat/send", "GET", &path);
        self.client.ask(call);
        self.click();
        let list = Call::rows("GET /chat/sessions", "GET", "/chat/sessions");
        self.client.call(list);
    }

    fn conversation(&mut self) {
        let conversations = "/v1/chat/conversations";
        let create = Call::rows("POST /v1/chat/conversations", "POST", conversations);
        let made = self.client.call(create.json(&json!({})));
        let Some(id) = made.and_then(|made| text(&made["conversation_id"])) else {
            return;
        };
        let path = format!("{conversations}/{id}");
        let messages = format!("{path}/messages");
        let body = json!({"content": self.question(), "stream": true});
        let name = "POST /v1/chat/conversations/{id}/messages";
        let call = Call::answer(name, "POST", &messages);
        self.client.ask(call.json(&body));
        self.click();
        let read = Call::rows("GET /v1/chat/conversations/{id}", "GET", &path);
        self.client.call(read);
        let change = Call::rows("PATCH /v1/chat/conversations/{id}", "PATCH", &path);
        self.client.call(change.json(&json!({"title": "Renamed"})));
        let list = Call::rows("GET /v1/chat/conversations", "GET", conversations);
        self.client.call(list);
        if self.dice.below(2) == 0 {
            let delete = Call::rows("DELETE /v1/chat/conversations/{id}", "DELETE", &path);
            self.client.call(delete);
        }
    }

    fn orchestration(&mut self) {
        let id = self.name("lesson");
        let body = json!({"question": self.question(), "session_id": id});
        let call = Call::answer("POST /chat/query", "POST", "/chat/query");
        let events = self.client.ask(call.json(&body));
        self.click();
        let path = format!("/chat/history/{id}");
        let read = Call::rows("GET /chat/history/{id}", "GET", &path);
        self.client.call(read);
        let ids = [first(&events, "query_id"), first(&events, "response_id")];
        if let [Some(query), Some(response)] = ids {
            let body = json!({"session_id": id, "query_id": query, "response_id": response,
                              "feedback_type": "thumbs_up", "feedback_text": "As I hoped."});
            let judge = Call::rows("POST /chat/feedback", "POST", "/chat/feedback");
            self.client.call(judge.json(&body));
        }
    }

    fn chat_module(&mut self) {
        let sessions = "/api/chats/sessions/";
        let create = Call::rows("POST /api/chats/sessions/", "POST", sessions);
        let made = self.visitor.call(create.json(&json!({})));
        let Some(id) = made.and_then(|made| text(&made["session_id"])) else {
            return;
        };
        let body = json!({"session_id": id, "message": self.question()});
        let name = "POST /api/chats/messages/chat/stream/";
        let call = Call::answer(name, "POST", "/api/chats/messages/chat/stream/");
        self.visitor.ask(call.json(&body));
        self.click();
        let path = format!("/api/chats/messages/?session_id={id}");
        let list = Call::rows("GET /api/chats/messages/", "GET", &path);
        self.visitor.call(list);
        let path = format!("{sessions}{id}/");
        let delete = Call::rows("DELETE /api/chats/sessions/{id}/", "DELETE", &path);
        self.visitor.call(delete);
    }

    fn openai(&mut self) {
        let messages = json!([{"role": "user", "content": self.question()}]);
        let body = json!({"model": "satchel", "stream": true, "messages": messages});
        let name = "POST /v1/chat/completions";
        let call = Call::answer(name, "POST", "/v1/chat/completions");
        self.client.ask(call.json(&body));
        let list = Call::rows("GET /v1/models", "GET", "/v1/models");
        self.client.call(list);
    }

    fn chat_store(&mut self) {
        let (user, id) = (format!("person-{}", self.number), self.name("sess"));
        let body = json!({"user_id": user, "session_id": id, "agent_id": "load"});
        let create = Call::rows("POST /sessions", "POST", "/sessions");
        self.client.call(create.json(&body));
        let messages = format!("/sessions/{id}/messages");
        for role in ["user", "assistant"] {
            let body = json!({"user_id": user, "role": role, "content": self.question()});
            let add = Call::rows("POST /sessions/{id}/messages", "POST", &messages);
            self.client.call(add.json(&body));
            self.click();
        }
        let of_user = format!("/sessions?user_id={user}");
        self.client
            .call(Call::rows("GET /sessions", "GET", &of_user));
        let path = format!("/sessions/{id}?user_id={user}");
        self.client
            .call(Call::rows("GET /sessions/{id}", "GET", &path));
        if self.dice.below(2) == 0 {
            self.client
                .call(Call::rows("DELETE /sessions/{id}", "DELETE", &path));
        }
    }

    /// Adds a small document, looks at it and takes it away again.
    fn upload(&mut self) {
        let (name, question) = (self.name("note"), self.question());
        let content = format!(
            "# {name}\n\nThe minutes of meeting {name} were taken by clerk {}.\n\n{question}\n",
            self.number
        );
        let (kind, body) = form(&name, &content);
        let mut call = Call::rows("POST /documents/upload", "POST", "/documents/upload");
        call.body = Some((kind, body));
        let added = self.client.call(call);
        let Some(id) = added.and_then(|added| text(&added["id"])) else {
            return;
        };
        self.click();
        let path = format!("/documents/{id}");
        self.client
            .call(Call::rows("GET /documents/{id}", "GET", &path));
        std::thread::sleep(Duration::from_secs(2));
        self.client
            .call(Call::rows("DELETE /documents/{id}", "DELETE", &path));
    }

    fn look_around(&mut self) {
        for _ in 0..2 {
            self.click();
            match self.dice.below(5) {
                0 => {
                    let body = json!({"query": self.question(), "search_options": {"k": 4}});
                    let search = Call::other("POST /api/search", "POST", "/api/search");
                    self.client.call(search.json(&body));
                }
                1 => drop(self.client.call(Call::rows(
                    "GET /api/documents",
                    "GET",
                    "/api/documents",
                ))),
                2 => drop(self.client.call(Call::rows(
                    "GET /api/datasets",
                    "GET",
                    "/api/datasets",
                ))),
                3 => drop(
                    self.client
                        .call(Call::other("GET /api/status", "GET", "/api/status")),
                ),
                _ => drop(
                    self.client
                        .call(Call::other("GET /health", "GET", "/health")),
                ),
            }
        }
    }
}

/// The first text that an event has under this name.
fn first(events: &[Value], field: &str) -> Option<String> {
    events.iter().find_map(|event| text(&event[field]))
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn in_query(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric();
    text.bytes()
        .map(|byte| match plain(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}

/// One file as a multipart form.
pub(crate) fn form(name: &str, content: &str) -> (&'static str, Vec<u8>) {
    let kind = "multipart/form-data; boundary=--load";
    let body = format!(
        "----load\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}.md\"\r\n\r\n\
         {content}\r\n----load--\r\n"
    );
    (kind, body.into_bytes())
}
