//! A blocking HTTP client with what the tests need: JSON, forms, event streams.

use super::contract;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::time::{Duration, Instant};
use ureq::http::{Request, Response};
use ureq::{Agent, Body};

/// How long anything may take before a test gives up on it.
const PATIENCE: Duration = Duration::from_secs(240);

/// Sends requests as one user, or as nobody.
#[derive(Clone)]
pub struct Client {
    agent: Agent,
    base: String,
    headers: Vec<(String, String)>,
}

/// A response that was read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HashMap<String, String>,
    pub bytes: Vec<u8>,
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| {
            panic!("{} is not JSON ({error}): {:?}", self.status, self.text)
        })
    }

    /// The message of an error.
    pub fn detail(&self) -> String {
        let body = self.json();
        let message = [&body["detail"], &body["error"]["message"], &body["error"]];
        let message = message.iter().find_map(|one| one.as_str());
        message.unwrap_or_default().to_owned()
    }

    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

impl Client {
    pub fn new(base: &str, token: Option<&str>) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .max_redirects(0)
            .build();
        let client = Self {
            agent: config.into(),
            base: base.to_owned(),
            headers: Vec::new(),
        };
        match token {
            Some(token) => client.with("authorization", &format!("Bearer {token}")),
            None => client,
        }
    }

    /// The same client with one more header on every request.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn send(&self, method: &str, path: &str, kind: Option<&str>, body: Vec<u8>) -> Response<Body> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        let sent = if kind.is_some() || !body.is_empty() {
            let request = self.agent.configure_request(request.body(body).unwrap());
            self.agent
                .run(request.allow_non_standard_methods(true).build())
        } else {
            let request = self.agent.configure_request(request.body(()).unwrap());
            self.agent
                .run(request.allow_non_standard_methods(true).build())
        };
        sent.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// Any request; `kind` is the content type of the body.
    #[track_caller]
    pub fn call(&self, method: &str, path: &str, kind: Option<&str>, body: &[u8]) -> Answer {
        let response = self.send(method, path, kind, body.to_vec());
        let (head, mut body) = response.into_parts();
        let mut bytes = Vec::new();
        body.as_reader().read_to_end(&mut bytes).unwrap();
        let headers = head.headers.iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.to_string(), value)
        });
        let answer = Answer {
            status: head.status.as_u16(),
            headers: headers.collect(),
            text: String::from_utf8_lossy(&bytes).into_owned(),
            bytes,
        };
        // An answer for another site is not one of the endpoint's.
        let elsewhere = self.headers.iter().any(|(name, _)| name == "host");
        if !elsewhere && answer.header("content-encoding").is_empty() {
            let media = answer.header("content-type");
            contract::check(method, path, answer.status, media, &answer.text);
        }
        answer
    }

    pub fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None, b"")
    }

    pub fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, None, b"")
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        let body = body.to_string();
        self.call("POST", path, Some("application/json"), body.as_bytes())
    }

    pub fn patch(&self, path: &str, body: &Value) -> Answer {
        let body = body.to_string();
        self.call("PATCH", path, Some("application/json"), body.as_bytes())
    }

    /// Uploads one file with nothing beside it.
    pub fn upload(&self, filename: &str, content: impl AsRef<[u8]>) -> Answer {
        self.send_form(&Form::new().file(filename, content))
    }

    /// Sends a form to the upload.
    pub fn send_form(&self, form: &Form) -> Answer {
        self.call("POST", "/documents/upload", Some(Form::KIND), &form.body())
    }

    /// Uploads and waits until the document is ready or failed; its native form.
    pub fn ingest(&self, filename: &str, content: impl AsRef<[u8]>) -> Value {
        let answer = self.upload(filename, content);
        assert_eq!(answer.status, 200, "{}", answer.text);
        self.settled(answer.json()["id"].as_str().unwrap())
    }

    /// Waits until nothing more happens to the document; its native form.
    pub fn settled(&self, id: &str) -> Value {
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            let answer = self.get(&format!("/documents/{id}/pages"));
            assert_eq!(answer.status, 200, "{}", answer.text);
            let document = answer.json()["document"].clone();
            if document["status"] == "ready" || document["status"] == "failed" {
                return document;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("document {id} is still not ready");
    }

    /// Opens an event stream by POST.
    pub fn stream(&self, path: &str, body: &Value) -> Stream {
        let body = body.to_string().into_bytes();
        let response = self.clone().with("accept", "text/event-stream").send(
            "POST",
            path,
            Some("application/json"),
            body,
        );
        Stream::new("POST", path, response)
    }

    /// Opens an event stream by GET.
    pub fn listen(&self, path: &str) -> Stream {
        Stream::new("GET", path, self.send("GET", path, None, Vec::new()))
    }

    /// Asks, and gives all events of the answer.
    pub fn ask(&self, message: &str) -> Vec<Event> {
        let stream = self.stream("/chat/send", &json!({"message": message}));
        assert_eq!(stream.status, 200);
        stream.collect()
    }
}

/// One event of a stream.
#[derive(Debug, Clone)]
pub struct Event {
    pub id: String,
    /// Empty where the event has no name.
    pub name: String,
    pub data: Value,
}

/// An open event stream; iterating waits for the next event.
pub struct Stream {
    pub status: u16,
    pub headers: HashMap<String, String>,
    lines: std::io::Lines<BufReader<ureq::BodyReader<'static>>>,
    pub comments: usize,
    /// What it was opened by.
    method: &'static str,
    path: String,
}

impl Stream {
    fn new(method: &'static str, path: &str, response: Response<Body>) -> Self {
        let (head, body) = response.into_parts();
        let headers = head
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or("").to_owned()));
        Self {
            status: head.status.as_u16(),
            headers: headers.collect(),
            lines: BufReader::new(body.into_reader()).lines(),
            comments: 0,
            method,
            path: path.to_owned(),
        }
    }
}

impl Iterator for Stream {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        let (mut id, mut name, mut data) = (String::new(), String::new(), None::<String>);
        loop {
            let line = self.lines.next()?.unwrap();
            if line.starts_with(':') {
                self.comments += 1;
            } else if let Some(text) = line.strip_prefix("id: ") {
                id = text.to_owned();
            } else if let Some(text) = line.strip_prefix("event: ") {
                name = text.to_owned();
            } else if let Some(text) = line.strip_prefix("data: ") {
                assert!(data.is_none(), "JSON takes one line");
                data = Some(text.to_owned());
            } else if line.is_empty() {
                if let Some(text) = data.take() {
                    let data = match text.as_str() {
                        // The only event of any dialect that is not JSON.
                        "[DONE]" => Value::String(text),
                        text => serde_json::from_str(text).unwrap(),
                    };
                    contract::check_event(self.method, &self.path, &name, &data);
                    return Some(Event { id, name, data });
                }
            } else {
                panic!("unexpected line in an event stream: {line:?}");
            }
        }
    }
}

/// A multipart form.
pub struct Form(Vec<u8>);

impl Form {
    const BOUNDARY: &'static str = "----one-boundary-of-the-tests";

    /// The content type of every form.
    pub const KIND: &'static str = "multipart/form-data; boundary=----one-boundary-of-the-tests";

    pub fn new() -> Self {
        Self(Vec::new())
    }

    fn part(mut self, head: &str, content: &[u8]) -> Self {
        self.0.extend(
            format!(
                "--{}\r\nContent-Disposition: form-data; {head}\r\n\r\n",
                Self::BOUNDARY
            )
            .bytes(),
        );
        self.0.extend(content);
        self.0.extend(b"\r\n");
        self
    }

    pub fn field(self, name: &str, value: &str) -> Self {
        self.part(&format!("name=\"{name}\""), value.as_bytes())
    }

    pub fn file(self, filename: &str, content: impl AsRef<[u8]>) -> Self {
        let head = format!("name=\"file\"; filename=\"{filename}\"");
        self.part(&head, content.as_ref())
    }

    /// The bytes that are sent.
    pub fn body(&self) -> Vec<u8> {
        let mut body = self.0.clone();
        body.extend(format!("--{}--\r\n", Self::BOUNDARY).bytes());
        body
    }
}
