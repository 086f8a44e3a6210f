//! Requests of one person, each with its time: JSON, forms and event streams
//! over connections that are kept.

use super::report::{Kind, Sample};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::time::{Duration, Instant};
use ureq::http::{Request, Response};
use ureq::{Agent, Body};

/// After this long a request counts as failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// What contract 4 says where the documents hold nothing about it.
const NO_CONTENT: &str = "no_relevant_content";

/// Whether an event, by its data, says that something went wrong.
fn complaint(data: &Value) -> Option<String> {
    let error = &data["error"];
    let message = error.as_str().or_else(|| error["message"].as_str());
    let of_type = (data["type"] == "error").then(|| data["content"].as_str());
    message.or(of_type.flatten()).map(str::to_owned)
}

pub(crate) struct Client {
    agent: Agent,
    base: String,
    token: Option<String>,
    pub(crate) samples: Vec<Sample>,
}

/// What to ask for.
pub(crate) struct Call<'a> {
    pub(crate) endpoint: &'static str,
    pub(crate) kind: Kind,
    pub(crate) method: &'static str,
    pub(crate) path: &'a str,
    pub(crate) body: Option<(&'static str, Vec<u8>)>,
}

impl<'a> Call<'a> {
    pub(crate) fn rows(endpoint: &'static str, method: &'static str, path: &'a str) -> Self {
        Self {
            endpoint,
            kind: Kind::Rows,
            method,
            path,
            body: None,
        }
    }

    pub(crate) fn other(endpoint: &'static str, method: &'static str, path: &'a str) -> Self {
        Self {
            kind: Kind::Other,
            ..Self::rows(endpoint, method, path)
        }
    }

    pub(crate) fn answer(endpoint: &'static str, method: &'static str, path: &'a str) -> Self {
        Self {
            kind: Kind::Answer,
            ..Self::rows(endpoint, method, path)
        }
    }

    pub(crate) fn json(mut self, body: &Value) -> Self {
        self.body = Some(("application/json", body.to_string().into_bytes()));
        self
    }
}

impl Client {
    pub(crate) fn new(base: &str, token: Option<&str>) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .max_redirects(0)
            .proxy(None)
            .build();
        Self {
            agent: config.into(),
            base: base.to_owned(),
            token: token.map(str::to_owned),
            samples: Vec::new(),
        }
    }

    /// Somebody else over the same machine, with nothing measured yet.
    pub(crate) fn with_token(&self, token: Option<&str>) -> Self {
        Self::new(&self.base, token)
    }

    fn send(&self, call: &Call<'_>) -> Result<Response<Body>> {
        let mut request = Request::builder()
            .method(call.method)
            .uri(format!("{}{}", self.base, call.path));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if call.kind == Kind::Answer {
            request = request.header("accept", "text/event-stream");
        }
        let sent = match &call.body {
            Some((kind, body)) => {
                let request = request.header("content-type", *kind);
                self.agent.run(request.body(body.clone())?)
            }
            None => self.agent.run(request.body(())?),
        };
        Ok(sent?)
    }

    /// Calls, notes how long it took, and gives back the JSON of the answer if
    /// it was a good one.
    pub(crate) fn call(&mut self, call: Call<'_>) -> Option<Value> {
        let began = Instant::now();
        let answered = self.send(&call).and_then(whole);
        let whole = began.elapsed();
        let (value, error) = match answered {
            Ok(value) => (Some(value), None),
            Err(error) => (None, Some(format!("{error:#}"))),
        };
        self.note(&call, None, whole, error);
        value
    }

    /// The same for an event stream; gives back the data of all its events.
    pub(crate) fn ask(&mut self, call: Call<'_>) -> Vec<Value> {
        let began = Instant::now();
        let (mut first, mut events) = (None, Vec::new());
        let done = self
            .send(&call)
            .and_then(|response| listen(response, began, &mut first, &mut events));
        let whole = began.elapsed();
        let error = done.err().map(|error| format!("{error:#}"));
        self.note(&call, first, whole, error);
        events
    }

    fn note(
        &mut self,
        call: &Call<'_>,
        first: Option<Duration>,
        whole: Duration,
        error: Option<String>,
    ) {
        self.samples.push(Sample {
            endpoint: call.endpoint,
            kind: call.kind,
            first,
            whole,
            error,
        });
    }
}

fn whole(response: Response<Body>) -> Result<Value> {
    let status = response.status();
    let mut text = String::new();
    let mut body = response.into_body().into_reader();
    body.read_to_string(&mut text)?;
    if !status.is_success() {
        bail!("{status} {}", text.chars().take(200).collect::<String>());
    }
    match text.is_empty() {
        true => Ok(Value::Null),
        false => serde_json::from_str(&text).context("not JSON"),
    }
}

fn listen(
    response: Response<Body>,
    began: Instant,
    first: &mut Option<Duration>,
    events: &mut Vec<Value>,
) -> Result<()> {
    let status = response.status();
    if !status.is_success() {
        let refusal = whole(response).err().map(|error| error.to_string());
        let refusal = refusal.unwrap_or_default();
        if refusal.contains(NO_CONTENT) {
            *first = Some(began.elapsed());
            return Ok(());
        }
        bail!("{refusal}");
    }
    for line in BufReader::new(response.into_body().into_reader()).lines() {
        let line = line?;
        let Some(data) = line.strip_prefix("data: ") else {
            continue;
        };
        first.get_or_insert_with(|| began.elapsed());
        if data == "[DONE]" {
            continue;
        }
        let data: Value = serde_json::from_str(data)?;
        if let Some(complaint) = complaint(&data).filter(|_| data["code"] != NO_CONTENT) {
            bail!("an event said: {complaint}");
        }
        events.push(data);
    }
    match events.is_empty() {
        true => bail!("a stream without an event"),
        false => Ok(()),
    }
}
