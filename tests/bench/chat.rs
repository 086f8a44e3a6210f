//! How fast `/chat/send` answers, over a server in a process of its own with
//! 10,000 chunks: time to the first event, to the sources and to the end, for one
//! client and for a hundred at once; and the server's memory.
//! `cargo bench --bench chat [-- FOLDER]`; FOLDER keeps the ingested chunks.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

const DATA: &str = "../shared/data/cranfield";
const CHUNKS: usize = 10_000;
/// Sentences in a window.
const WINDOWS: [usize; 2] = [5, 4];
const CLIENTS: usize = 100;
const ROUNDS: usize = 3;

fn main() -> Result<()> {
    if !Path::new(DATA).exists() {
        println!("skipped: {DATA} is not here");
        return Ok(());
    }
    let temporary = tempfile::tempdir()?;
    let folder = std::env::args()
        .skip(1)
        .find(|argument| argument != "--bench")
        .map_or_else(|| temporary.path().to_owned(), PathBuf::from);
    let questions = elements("cran.qry.xml", "title")?;
    let server = Server::start(&folder)?;
    println!("idle with the handbook: {:.0} MB", server.megabytes()?);
    if server.chunks()? < CHUNKS {
        server.ingest(&folder)?;
    }
    println!("{} chunks: {:.0} MB", server.chunks()?, server.megabytes()?);
    one_client(&server, &questions)?;
    many_clients(&server, &questions)?;
    println!("after it: {:.0} MB", server.megabytes()?);
    Ok(())
}

/// Times of one answer, from the moment the request is sent.
struct Times {
    first: Duration,
    sources: Duration,
    end: Duration,
}

fn one_client(server: &Server, questions: &[String]) -> Result<()> {
    let mut times = Vec::new();
    for question in questions {
        times.push(server.ask(question)?);
    }
    print("one client", &times[times.len() / 10..]);
    Ok(())
}

fn many_clients(server: &Server, questions: &[String]) -> Result<()> {
    let (mut times, mut errors) = (Vec::new(), 0);
    for round in 0..ROUNDS {
        let start = Arc::new(Barrier::new(CLIENTS));
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let question = questions[(client + round * CLIENTS) % questions.len()].clone();
                let (start, server) = (Arc::clone(&start), server.clone());
                std::thread::spawn(move || {
                    start.wait();
                    server.ask(&question)
                })
            })
            .collect();
        for client in clients {
            match client.join() {
                Ok(Ok(answered)) => times.push(answered),
                Ok(Err(error)) => {
                    println!("  {error:#}");
                    errors += 1;
                }
                Err(_) => errors += 1,
            }
        }
    }
    println!("{CLIENTS} clients at once, {ROUNDS} rounds: {errors} errors");
    print("each of them", &times);
    Ok(())
}

fn print(name: &str, times: &[Times]) {
    let row = |what: &str, of: fn(&Times) -> Duration| {
        let mut all: Vec<f64> = times
            .iter()
            .map(|one| of(one).as_secs_f64() * 1e3)
            .collect();
        all.sort_by(f64::total_cmp);
        let at = |part: usize| all[(all.len() * part / 100).min(all.len() - 1)];
        println!(
            "{name}, {what}: median {:.1} ms, p95 {:.1}, worst {:.1}",
            at(50),
            at(95),
            at(100)
        );
    };
    row("first event", |one| one.first);
    row("sources", |one| one.sources);
    row("end", |one| one.end);
}

#[derive(Clone)]
struct Server {
    base: String,
    token: String,
    agent: ureq::Agent,
    _process: Arc<Process>,
}

struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It is gone already if these fail.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Server {
    fn start(folder: &Path) -> Result<Self> {
        let satchel = env!("CARGO_BIN_EXE_satchel");
        let data = folder.join("data");
        let mut child = Command::new(satchel)
            .args(["serve", "--listen", "127.0.0.1:0", "--rate-limit", "0"])
            .args(["--streams-per-user", "1000", "--log", "warn", "--data-dir"])
            .arg(&data)
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().context("no output")?;
        let process = Arc::new(Process(child));
        let line = BufReader::new(output)
            .lines()
            .map_while(Result::ok)
            .find(|line| line.contains("http://"))
            .context("it did not start")?;
        let address = line.split("http://").nth(1).unwrap_or_default();
        let address = address.split('/').next().unwrap_or_default();
        let token = Command::new(satchel)
            .args(["token", "--data-dir"])
            .arg(&data)
            .output()?;
        Ok(Self {
            base: format!("http://{address}"),
            token: format!("Bearer {}", String::from_utf8(token.stdout)?.trim()),
            agent: ureq::Agent::new_with_defaults(),
            _process: process,
        })
    }

    fn get(&self, path: &str) -> Result<Value> {
        let request = self.agent.get(format!("{}{path}", self.base));
        let mut answer = request.header("authorization", &self.token).call()?;
        Ok(answer.body_mut().read_json()?)
    }

    fn megabytes(&self) -> Result<f64> {
        let bytes = &self.get("/api/status")?["memory_bytes"];
        Ok(bytes.as_f64().unwrap_or_default() / 1e6)
    }

    fn chunks(&self) -> Result<usize> {
        let chunks = &self.get("/api/status")?["chunks"];
        Ok(chunks.as_u64().unwrap_or_default() as usize)
    }

    /// Windows of sentences of Cranfield's abstracts, until there are enough.
    fn ingest(&self, folder: &Path) -> Result<()> {
        let path = folder.join("windows.jsonl");
        let mut file = std::fs::File::create(&path)?;
        let mut count = 0;
        for text in elements("cran.all.1400.xml", "text")? {
            let sentences: Vec<&str> = text.split_inclusive(". ").collect();
            for size in WINDOWS {
                for window in sentences.windows(size) {
                    if count < CHUNKS {
                        count += 1;
                        writeln!(file, "{}", json!({"id": count, "text": window.concat()}))?;
                    }
                }
            }
        }
        let began = Instant::now();
        let data = folder.join("data");
        let ingested = Command::new(env!("CARGO_BIN_EXE_satchel"))
            .arg("ingest")
            .arg(&path)
            .arg("--data-dir")
            .arg(&data)
            .status()?;
        ensure!(ingested.success(), "the windows were not ingested");
        let seconds = began.elapsed().as_secs_f64();
        println!("{count} windows ingested in {seconds:.0} s");
        Ok(())
    }

    fn ask(&self, question: &str) -> Result<Times> {
        let began = Instant::now();
        let request = self.agent.post(format!("{}/chat/send", self.base));
        let body = json!({"message": question, "answer_mode": "quotes"});
        let answer = request
            .header("authorization", &self.token)
            .send_json(&body)?;
        let lines = BufReader::new(answer.into_body().into_reader()).lines();
        let (mut first, mut sources, mut end) = (None, None, None);
        for line in lines {
            let line = line?;
            if line.starts_with("data:") {
                first.get_or_insert_with(|| began.elapsed());
            }
            match line.as_str() {
                "event: sources" => sources = Some(began.elapsed()),
                "event: done" => end = Some(began.elapsed()),
                "event: error" => anyhow::bail!("an answer failed"),
                _ => {}
            }
        }
        Ok(Times {
            first: first.context("no event")?,
            sources: sources.context("no sources")?,
            end: end.context("no end")?,
        })
    }
}

/// The insides of all elements of a name in one of Cranfield's files.
fn elements(file: &str, name: &str) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(Path::new(DATA).join(file))?;
    let inside = |part: &str| {
        let end = part.find(&format!("</{name}>")).unwrap_or(part.len());
        part[..end].split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let open = format!("<{name}>");
    let parts = text.split(&open).skip(1);
    Ok(parts.map(inside).filter(|one| !one.is_empty()).collect())
}
