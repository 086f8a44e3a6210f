//! The server that a command works through: the one that owns the data folder,
//! or one started here for as long as the command runs.

use super::event_stream::EventStream;
use super::serve::listen;
use crate::config::Config;
use crate::error::{ErrorKind, Kind};
use crate::http;
use crate::service::{DataFolder, Service, command_token};
use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;
use ureq::http::{Response, StatusCode};
use ureq::typestate::WithBody;
use ureq::{Agent, Body, RequestBuilder, SendBody};

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A signed-in client of a server.
pub(super) struct Connection {
    base: String,
    token: String,
    agent: Agent,
    /// Once it is true, no request begins any more.
    ended: Arc<AtomicBool>,
    /// Ends with the connection, if it was started for it.
    _own: Option<OwnServer>,
}

impl Connection {
    /// Finds the server of the data folder or starts one, and signs in as the
    /// first administrator.
    pub(super) fn open(config: &Config) -> Result<Self> {
        let (address, own) = match DataFolder::server_of(&config.data_dir) {
            Some(address) => (reachable(address), None),
            None => {
                let own = OwnServer::start(config)?;
                (own.address, Some(own))
            }
        };
        Ok(Self {
            base: format!("http://{address}"),
            token: command_token(config, None)?,
            agent: agent(),
            ended: Arc::default(),
            _own: own,
        })
    }

    /// A client of the server of this process, until `ended` is true: who comes
    /// when the server stops listening could wait for ever.
    pub(super) fn within(address: SocketAddr, token: String, ended: Arc<AtomicBool>) -> Self {
        Self {
            base: format!("http://{}", reachable(address)),
            token,
            agent: agent(),
            ended,
            _own: None,
        }
    }

    /// Goes on with another token.
    pub(super) fn sign_in(&mut self, token: String) {
        self.token = token;
    }

    /// Signs in anew, with the server that the data folder has now; for commands
    /// that outlive a server or their token.
    pub(super) fn renew(&mut self, config: &Config) -> Result<()> {
        if self._own.is_none() {
            let address = DataFolder::server_of(&config.data_dir);
            let address = address.context("no server runs on the data folder")?;
            self.base = format!("http://{}", reachable(address));
        }
        self.token = command_token(config, None)?;
        Ok(())
    }

    /// `GET path` -> JSON.
    pub(super) fn get(&self, path: &str) -> Result<Value> {
        let request = self.agent.get(self.url(path)?);
        let sent = request.header("authorization", &self.bearer()).call();
        json(sent)
    }

    /// `POST path` with a JSON body -> JSON.
    pub(super) fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let request = self.agent.post(self.url(path)?);
        let sent = request
            .header("authorization", &self.bearer())
            .send_json(body);
        json(sent)
    }

    /// `PATCH path` with a JSON body -> JSON.
    pub(super) fn patch(&self, path: &str, body: &Value) -> Result<Value> {
        let request = self.agent.patch(self.url(path)?);
        let sent = request
            .header("authorization", &self.bearer())
            .send_json(body);
        json(sent)
    }

    /// `DELETE path`.
    pub(super) fn delete(&self, path: &str) -> Result<Value> {
        let request = self.agent.delete(self.url(path)?);
        let sent = request.header("authorization", &self.bearer()).call();
        json(sent)
    }

    /// `GET path` -> bytes into `target`; how many there were.
    pub(super) fn download(&self, path: &str, target: &mut impl Write) -> Result<u64> {
        let request = self.agent.get(self.url(path)?);
        let sent = request.header("authorization", &self.bearer()).call();
        let response = sent.map_err(lost)?;
        if !response.status().is_success() {
            return Err(failure(response).into());
        }
        let mut body = response.into_body().into_reader();
        std::io::copy(&mut body, target).context("the server's answer broke off")
    }

    /// `POST path` with `length` bytes from `body` -> JSON.
    pub(super) fn upload(
        &self,
        path: &str,
        content_type: &str,
        length: u64,
        body: impl Read,
    ) -> Result<Value> {
        let request = self.agent.post(self.url(path)?);
        self.send(request, content_type, length, body)
    }

    /// The same by `PUT`.
    pub(super) fn replace(
        &self,
        path: &str,
        content_type: &str,
        length: u64,
        body: impl Read,
    ) -> Result<Value> {
        let request = self.agent.put(self.url(path)?);
        self.send(request, content_type, length, body)
    }

    fn send(
        &self,
        request: RequestBuilder<WithBody>,
        content_type: &str,
        length: u64,
        mut body: impl Read,
    ) -> Result<Value> {
        let sent = request
            .header("authorization", &self.bearer())
            .header("content-type", content_type)
            .header("content-length", &length.to_string())
            .send(SendBody::from_reader(&mut body));
        json(sent)
    }

    /// `POST path` with a JSON body -> a stream of events.
    pub(super) fn stream(&self, path: &str, body: &Value) -> Result<EventStream> {
        let request = self.agent.post(self.url(path)?);
        let sent = request
            .header("authorization", &self.bearer())
            .header("accept", "text/event-stream")
            .send_json(body);
        events(sent)
    }

    /// `GET path` -> a stream of events.
    pub(super) fn listen(&self, path: &str) -> Result<EventStream> {
        let request = self.agent.get(self.url(path)?);
        let sent = request
            .header("authorization", &self.bearer())
            .header("accept", "text/event-stream")
            .call();
        events(sent)
    }

    fn url(&self, path: &str) -> Result<String> {
        match self.ended.load(Ordering::Acquire) {
            false => Ok(format!("{}{path}", self.base)),
            true => bail!("the server is ending"),
        }
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }
}

fn agent() -> Agent {
    let settings = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .max_redirects(0)
        .proxy(None)
        .build();
    settings.into()
}

/// `path`, asked about another tenant than the own one.
pub(super) fn in_tenant(path: &str, tenant: Option<&str>) -> String {
    match tenant {
        Some(tenant) => format!("{path}?tenant_id={tenant}"),
        None => path.to_owned(),
    }
}

/// Prints what the server answered, for programs.
pub(super) fn print_json(answer: &Value) -> Result<()> {
    println!("{}", serde_json::to_string_pretty(answer)?);
    Ok(())
}

/// What the server refused, in its words.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) message: String,
}

fn events(sent: Result<Response<Body>, ureq::Error>) -> Result<EventStream> {
    let response = sent.map_err(lost)?;
    if !response.status().is_success() {
        bail!("{}", failure(response));
    }
    Ok(EventStream::new(response.into_body().into_reader()))
}

fn json(sent: Result<Response<Body>, ureq::Error>) -> Result<Value> {
    let response = sent.map_err(lost)?;
    if !response.status().is_success() {
        return Err(failure(response).into());
    }
    if response.status() == StatusCode::NO_CONTENT {
        return Ok(Value::Null);
    }
    let mut body = response.into_body();
    body.with_config()
        .limit(u64::MAX)
        .read_json()
        .context("the server's answer is not JSON")
}

fn failure(response: Response<Body>) -> Refusal {
    let status = response.status();
    let body: Option<Value> = response.into_body().read_json().ok();
    let detail = body.as_ref().and_then(|body| body["detail"].as_str());
    Refusal {
        status,
        message: match detail {
            Some(detail) => detail.to_owned(),
            None => format!("the server answered {status}"),
        },
    }
}

fn lost(error: ureq::Error) -> anyhow::Error {
    anyhow!("the server does not answer: {error}")
}

/// A server that listens everywhere is reached here.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip().is_unspecified() {
        true => (Ipv4Addr::LOCALHOST, address.port()).into(),
        false => address,
    }
}

/// A server in this process, on a port that the system chose.
struct OwnServer {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl OwnServer {
    fn start(config: &Config) -> Result<Self> {
        let config = Config {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            ui: false,
            ..config.clone()
        };
        let (told, heard) = mpsc::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new()
            .name("satchel-server".to_owned())
            .spawn(move || {
                let failed = told.clone();
                let served = actix_web::rt::System::new().block_on(serve(config, told, stopped));
                if let Err(error) = served {
                    // If it failed before it listened, the starter hears why.
                    let _ = failed.send(Err(error));
                }
            })?;
        let address = heard.recv().context("the server ended before it began")??;
        Ok(Self {
            address,
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

async fn serve(
    config: Config,
    told: mpsc::Sender<Result<SocketAddr>>,
    stopped: oneshot::Receiver<()>,
) -> Result<()> {
    let listener = listen(config.listen)?;
    let folder = config.data_dir.clone();
    let service = Service::open(config)
        .await
        .map_err(|error| match error.kind() {
            ErrorKind::Conflict => anyhow!(
                "{error}: another satchel command works on it; try again when it has ended ({})",
                folder.display()
            ),
            _ => anyhow!("{error}"),
        })?;
    // An error means that the command is gone, and then so is `stopped`.
    let _ = told.send(listener.local_addr().map_err(Into::into));
    let shutdown = async {
        let _ = stopped.await;
    };
    http::serve(service.clone(), listener, shutdown).await?;
    service.close().await;
    Ok(())
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the server has been printed by then.
            let _ = thread.join();
        }
    }
}
