//! A server that behaves as a model hub does: an API that describes
//! repositories, addresses that redirect to a store on another port, ranges,
//! etags, accounts; and as badly as networks and stores can.

use serde_json::json;
use sha2::{Digest, Sha256};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// How the hub and its store behave.
#[derive(Clone)]
pub struct Behaviour {
    pub repository: String,
    pub files: Vec<(String, Vec<u8>)>,
    /// After how many bytes of a body the store breaks off, connection by connection.
    pub breaks: Vec<usize>,
    /// Whether the store knows ranges.
    pub ranges: bool,
    /// Whether the store tells how long a file is.
    pub lengths: bool,
    /// The hash that the hub says its files have, in place of the true one.
    pub hash: Option<String>,
    /// Whether the API tells sizes and hashes.
    pub describes: bool,
    /// The token without which nothing is given.
    pub token: Option<String>,
    /// Statuses of the store, before it answers as it should.
    pub refusals: Vec<u16>,
    /// A pause after every 16 KiB.
    pub pause: Duration,
    pub etag: String,
}

impl Behaviour {
    pub fn of(file: &str, content: Vec<u8>) -> Self {
        Self {
            repository: "owner/some-model-GGUF".to_owned(),
            files: vec![(file.to_owned(), content)],
            breaks: Vec::new(),
            ranges: true,
            lengths: true,
            hash: None,
            describes: true,
            token: None,
            refusals: Vec::new(),
            pause: Duration::ZERO,
            etag: "\"one\"".to_owned(),
        }
    }
}

/// A request that came.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Whether it came to the store and not to the hub.
    pub of_store: bool,
    pub path: String,
    pub headers: Vec<(String, String)>,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// A running hub with its store.
pub struct FakeHub {
    pub endpoint: String,
    pub behaviour: Arc<Mutex<Behaviour>>,
    pub asked: Arc<Mutex<Vec<Asked>>>,
}

impl FakeHub {
    pub fn start(behaviour: Behaviour) -> Self {
        let behaviour = Arc::new(Mutex::new(behaviour));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let serve = |of_store: bool, store: String| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = format!("http://{}", listener.local_addr().unwrap());
            let served = Served {
                of_store,
                store,
                behaviour: Arc::clone(&behaviour),
                asked: Arc::clone(&asked),
            };
            thread::spawn(move || {
                for stream in listener.incoming() {
                    let served = served.clone();
                    // A client that goes away is no failure of the hub.
                    thread::spawn(move || served.connection(stream.unwrap()));
                }
            });
            address
        };
        let store = serve(true, String::new());
        let endpoint = serve(false, store);
        Self {
            endpoint,
            behaviour,
            asked,
        }
    }

    pub fn change(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.behaviour.lock().unwrap());
    }

    /// The requests for content that the store got.
    pub fn fetches(&self) -> Vec<Asked> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|one| one.of_store).cloned().collect()
    }
}

#[derive(Clone)]
struct Served {
    of_store: bool,
    store: String,
    behaviour: Arc<Mutex<Behaviour>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Served {
    fn connection(&self, stream: TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        let mut stream = stream;
        loop {
            let asked = self.read(&mut reader)?;
            if asked.path.starts_with("CONNECT ") {
                self.asked.lock().unwrap().push(asked);
                stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").ok()?;
                continue;
            }
            self.asked.lock().unwrap().push(asked.clone());
            let goes_on = match self.of_store {
                true => self.give(&asked, &mut stream)?,
                false => self.describe(&asked, &mut stream)?,
            };
            if !goes_on {
                return None;
            }
        }
    }

    fn read(&self, reader: &mut impl BufRead) -> Option<Asked> {
        let mut line = String::new();
        reader
            .read_line(&mut line)
            .ok()
            .filter(|count| *count > 0)?;
        let mut words = line.split_whitespace();
        let (method, target) = (words.next()?, words.next()?);
        let path = match method {
            "CONNECT" => format!("CONNECT {target}"),
            _ => target.to_owned(),
        };
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(':') else {
                break;
            };
            headers.push((name.to_lowercase(), value.trim().to_owned()));
        }
        Some(Asked {
            of_store: self.of_store,
            path,
            headers,
        })
    }

    /// The hub itself: descriptions, and redirects to the store.
    fn describe(&self, asked: &Asked, stream: &mut TcpStream) -> Option<bool> {
        let behaviour = self.behaviour.lock().unwrap().clone();
        if let Some(token) = &behaviour.token
            && asked.header("authorization") != Some(&format!("Bearer {token}"))
        {
            let code = [("x-error-code", "GatedRepo".to_owned())];
            return answer(stream, 401, &code, b"{}");
        }
        let path = asked.path.split('?').next()?;
        if path == format!("/api/models/{}/revision/main", behaviour.repository) {
            let siblings: Vec<_> = behaviour
                .files
                .iter()
                .map(|(name, content)| match behaviour.describes {
                    true => json!({
                        "rfilename": name, "size": content.len(),
                        "lfs": {"sha256": hash(&behaviour, content), "size": content.len()},
                    }),
                    false => json!({"rfilename": name}),
                })
                .collect();
            let body = json!({"id": behaviour.repository, "sha": COMMIT, "siblings": siblings});
            return answer(stream, 200, &[], body.to_string().as_bytes());
        }
        let root = format!("/{}/resolve/{COMMIT}/", behaviour.repository);
        let file = path.strip_prefix(&root);
        let found = behaviour
            .files
            .iter()
            .find(|(name, _)| Some(name.as_str()) == file);
        let Some((name, content)) = found else {
            let code = [("x-error-code", "RepoNotFound".to_owned())];
            return answer(stream, 404, &code, b"{}");
        };
        let headers = [
            ("location", format!("{}/{name}?signature=x", self.store)),
            ("x-repo-commit", COMMIT.to_owned()),
            ("x-linked-size", content.len().to_string()),
            (
                "x-linked-etag",
                format!("\"{}\"", hash(&behaviour, content)),
            ),
        ];
        let headers = if behaviour.lengths {
            &headers[..]
        } else {
            &headers[..2]
        };
        answer(stream, 302, headers, b"")
    }

    /// The store: content, in ranges.
    fn give(&self, asked: &Asked, stream: &mut TcpStream) -> Option<bool> {
        let (behaviour, refusal, breaks) = {
            let mut behaviour = self.behaviour.lock().unwrap();
            let refusal = (!behaviour.refusals.is_empty()).then(|| behaviour.refusals.remove(0));
            let breaks = match refusal.is_none() && !behaviour.breaks.is_empty() {
                true => Some(behaviour.breaks.remove(0)),
                false => None,
            };
            (behaviour.clone(), refusal, breaks)
        };
        if let Some(status) = refusal {
            return answer(stream, status, &[], b"");
        }
        let name = asked.path.trim_start_matches('/').split('?').next()?;
        let (_, content) = behaviour.files.iter().find(|(other, _)| other == name)?;
        let start = asked
            .header("range")
            .filter(|_| behaviour.ranges)
            .filter(|_| {
                asked
                    .header("if-range")
                    .is_none_or(|etag| etag == behaviour.etag)
            })
            .and_then(|range| {
                range
                    .strip_prefix("bytes=")?
                    .strip_suffix('-')?
                    .parse()
                    .ok()
            });
        let (status, body) = match start {
            Some(start) => (206, content.get(start..)?),
            None => (200, &content[..]),
        };
        let mut head = format!("HTTP/1.1 {status} X\r\netag: {}\r\n", behaviour.etag);
        if let Some(start) = start {
            let (last, all) = (content.len() - 1, content.len());
            head += &format!("content-range: bytes {start}-{last}/{all}\r\n");
        }
        match behaviour.lengths {
            true => head += &format!("content-length: {}\r\n\r\n", body.len()),
            // The end of the connection is the end of the body.
            false => head += "connection: close\r\n\r\n",
        }
        stream.write_all(head.as_bytes()).ok()?;
        let sent = body.get(..breaks.unwrap_or(body.len()).min(body.len()))?;
        for piece in sent.chunks(16 << 10) {
            stream.write_all(piece).ok()?;
            thread::sleep(behaviour.pause);
        }
        Some(breaks.is_none() && behaviour.lengths)
    }
}

fn hash(behaviour: &Behaviour, content: &[u8]) -> String {
    match &behaviour.hash {
        Some(hash) => hash.clone(),
        None => sha256(content),
    }
}

pub fn sha256(content: &[u8]) -> String {
    let hash = Sha256::digest(content);
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn answer(
    stream: &mut TcpStream,
    status: u16,
    headers: &[(&str, String)],
    body: &[u8],
) -> Option<bool> {
    let mut head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(b"\r\n").ok()?;
    stream.write_all(body).ok()?;
    Some(true)
}
