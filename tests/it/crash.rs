//! The process dies in the midst of ingestion, again and again.

use crate::support::Client;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const KILLS: u32 = 20;

/// How long ingestion may go without a step after the last kill.
const PATIENCE: Duration = Duration::from_secs(120);

/// A satchel process; killed without warning when dropped.
pub struct Process {
    child: Child,
    base: String,
    pub client: Client,
    /// The administrator's.
    pub token: String,
}

impl Process {
    pub fn start(folder: &Path) -> Self {
        Self::start_with(folder, &[])
    }

    /// One whose visitors and users may stream as much as they like.
    pub fn start_public(folder: &Path) -> Self {
        let unlimited = ["--public-rate-limit", "0", "--streams-per-user", "1000"];
        Self::start_with(folder, &unlimited)
    }

    pub fn start_with(folder: &Path, more: &[&str]) -> Self {
        let satchel = env!("CARGO_BIN_EXE_satchel");
        let mut child = Command::new(satchel)
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--rate-limit",
                "0",
                "--handbook",
                "false",
            ])
            .args(more)
            .arg("--data-dir")
            .arg(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let base = lines
            .map(Result::unwrap)
            .find_map(|line| {
                let (_, address) = line.split_once("http://")?;
                let address = address.split('/').next()?;
                Some(format!("http://{address}"))
            })
            .expect("it prints its address");
        let token = Command::new(satchel)
            .args(["token", "--data-dir"])
            .arg(folder)
            .output()
            .unwrap();
        let token = String::from_utf8(token.stdout).unwrap().trim().to_owned();
        Self {
            child,
            client: Client::new(&base, Some(&token)),
            base,
            token,
        }
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        self.base.trim_start_matches("http://")
    }

    /// Kills it without waiting for its end.
    pub fn kill_now(&self) {
        let id = self.child.id().to_string();
        let killed = Command::new("kill").args(["-9", &id]).status().unwrap();
        assert!(killed.success());
    }

    /// Asks it to end and waits until it has: its exit code.
    #[cfg(unix)]
    pub fn end(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status().unwrap();
        assert!(asked.success());
        self.child.wait().unwrap().code()
    }

    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Gone already if it was killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A document of some chunks that no other document shares.
pub fn document(number: u32) -> String {
    let sentence = |n: u32| {
        format!(
            "Entry {n} of logbook {number} was written by keeper {} on day {}. ",
            n * 7 + number,
            n + 1
        )
    };
    (0..30 + number % 5 * 20).map(sentence).collect()
}

#[test]
fn killed_twenty_times_it_loses_and_doubles_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    // A simple generator with a fixed seed: the moments differ, the run repeats.
    let mut state = 0x2545_f491_u32;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    };
    for round in 0..KILLS {
        let process = Process::start(folder.path());
        for part in 0..3 {
            let number = round * 3 + part;
            let name = format!("logbook-{number}.txt");
            let added = process.client.upload(&name, document(number).as_bytes());
            assert_eq!(added.status, 200, "{}", added.text);
            acknowledged.push(added.json()["id"].as_str().unwrap().to_owned());
        }
        std::thread::sleep(Duration::from_millis(u64::from(random() % 400)));
        process.kill();
    }
    let process = Process::start(folder.path());
    let documents = wait_until_ready(&process.client);
    for id in &acknowledged {
        let found = documents.iter().find(|one| one["id"] == id.as_str());
        let found = found.unwrap_or_else(|| panic!("{id} was acknowledged and is gone"));
        assert_eq!(found["status"], "ready", "{found}");
        assert_eq!(found["embedded_count"], found["chunk_count"], "{found}");
    }
    let examination = process.client.get("/api/examination").json();
    assert_eq!(examination["consistent"], true, "{examination}");
    let body = serde_json::json!({
        "query": "Entry 3 of logbook 7",
        "search_options": {"k": 50, "score_threshold": 0.0},
    });
    let found = process.client.post("/api/search", &body).json();
    let mut places: Vec<String> = found["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| format!("{} {}", one["document_id"], one["chunk_index"]))
        .collect();
    let all = places.len();
    assert!(all >= 40, "{all}");
    places.sort();
    places.dedup();
    assert_eq!(places.len(), all, "a chunk was found twice");
}

fn wait_until_ready(client: &Client) -> Vec<Value> {
    let mut moved = (Instant::now(), 0);
    loop {
        let list = client.get("/api/documents?limit=500").json();
        let documents = list["documents"].as_array().unwrap().clone();
        let waits = |one: &Value| !["ready", "failed"].contains(&one["status"].as_str().unwrap());
        if !documents.iter().any(waits) {
            return documents;
        }
        let embedded = |one: &Value| one["embedded_count"].as_u64().unwrap();
        let done = documents.iter().map(embedded).sum();
        if done != moved.1 {
            moved = (Instant::now(), done);
        }
        assert!(moved.0.elapsed() < PATIENCE, "{list}");
        std::thread::sleep(Duration::from_millis(100));
    }
}
