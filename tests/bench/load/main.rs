//! Many people at once: each with an account, asking in all dialects, reading
//! and writing conversations, adding documents and thinking in between. Says how
//! long everything took, what went wrong and how the server's memory went, and
//! fails if that is not good enough.
//! `cargo bench --bench load -- [--users N] [--seconds N] [--satchel PATH]`, or
//! `-- --login`, which measures how long signing in takes and in which case.

mod client;
mod login;
mod person;
mod report;
mod server;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use client::{Call, Client};
use person::{Dice, Person};
use report::{Memory, Report, Sample};
use serde_json::{Value, json};
use server::Server;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Wikipedia's paragraphs with questions about each, where they are at hand.
const PARAGRAPHS: &str = "../shared/data/xquad/xquad.en.json";

const HANDBOOK: &str = "static/handbook";

const PASSWORD: &str = "as good as any other";

/// How often the server's memory is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How long the documents may take to be ready.
const INGESTION: Duration = Duration::from_secs(300);

#[derive(Parser)]
struct Options {
    /// People at once
    #[arg(long, default_value_t = 100)]
    users: u64,
    /// How long they go on
    #[arg(long, default_value_t = 300)]
    seconds: u64,
    /// The executable under test [default: the one that was just built]
    #[arg(long, value_name = "PATH")]
    satchel: Option<PathBuf>,
    /// Measure signing in instead
    #[arg(long)]
    login: bool,
    /// Said by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<ExitCode> {
    let options = Options::parse();
    let built = PathBuf::from(env!("CARGO_BIN_EXE_satchel"));
    let server = Server::start(options.satchel.as_ref().unwrap_or(&built))?;
    let mut admin = Client::new(&server.base, Some(&server.token()?));
    if options.login {
        login::measure(&mut admin)?;
        return Ok(ExitCode::SUCCESS);
    }
    let questions = fill(&mut admin)?;
    let people = sign_in(&mut admin, options.users)?;
    println!(
        "{} people for {} s, {} questions, before them: {:.0} MB",
        options.users,
        options.seconds,
        questions.len(),
        server.memory().resident as f64 / 1e6
    );
    let end = Instant::now() + Duration::from_secs(options.seconds);
    let (samples, memory) = run(&server, people, &questions, end);
    let report = Report {
        samples,
        memory,
        complaints: server.complaints()?,
    };
    Ok(match report.print() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// All of them, until `end`, while the server's memory is watched.
fn run(
    server: &Server,
    people: Vec<Client>,
    questions: &[String],
    end: Instant,
) -> (Vec<Sample>, Vec<Memory>) {
    std::thread::scope(|scope| {
        let mut lives = Vec::new();
        for (number, client) in (0..).zip(people) {
            lives.push(scope.spawn(move || {
                let mut person = Person {
                    number,
                    visitor: client.with_token(None),
                    client,
                    questions,
                    dice: Dice::new(number),
                    made: 0,
                };
                person.live(end);
                let mut samples = person.client.samples;
                samples.extend(person.visitor.samples);
                samples
            }));
        }
        let mut memory = Vec::new();
        while Instant::now() + LOOK_EVERY < end {
            std::thread::sleep(LOOK_EVERY);
            memory.push(server.memory());
        }
        let joined = lives.into_iter().map(|life| life.join());
        let samples = joined.map_while(Result::ok).flatten().collect();
        (samples, memory)
    })
}

/// Accounts for `count` people, each signed in.
fn sign_in(admin: &mut Client, count: u64) -> Result<Vec<Client>> {
    let mut people = Vec::new();
    for number in 0..count {
        let name = format!("person-{number}");
        let body = json!({"username": name, "password": PASSWORD});
        let make = Call::rows("POST /api/users", "POST", "/api/users");
        good(admin, make.json(&body))?;
        let login = Call::other("POST /auth/login", "POST", "/auth/login");
        let signed_in = good(admin, login.json(&body))?;
        let token = signed_in["access_token"].as_str().context("no token")?;
        people.push(admin.with_token(Some(token)));
    }
    Ok(people)
}

/// Adds documents and gives back questions that they answer.
fn fill(admin: &mut Client) -> Result<Vec<String>> {
    let datasets = good(
        admin,
        Call::rows("GET /api/datasets", "GET", "/api/datasets"),
    )?;
    let own = datasets["datasets"].as_array().into_iter().flatten();
    let own = own.clone().find(|one| one["builtin"] == false);
    let id = own
        .and_then(|one| one["id"].as_str())
        .context("no dataset")?;
    // Visitors shall find something too.
    let path = format!("/api/datasets/{id}");
    let show = Call::rows("PATCH /api/datasets/{id}", "PATCH", &path);
    good(admin, show.json(&json!({"visibility": "public"})))?;
    let (documents, questions) = match std::fs::read_to_string(PARAGRAPHS) {
        Ok(text) => paragraphs(&serde_json::from_str(&text)?),
        Err(_) => handbook()?,
    };
    for (name, content) in documents {
        let mut call = Call::rows("POST /documents/upload", "POST", "/documents/upload");
        call.body = Some(person::form(&name, &content));
        good(admin, call)?;
    }
    let began = Instant::now();
    loop {
        let status = good(admin, Call::other("GET /api/status", "GET", "/api/status"))?;
        if status["jobs_pending"] == 0 {
            break;
        }
        ensure!(
            began.elapsed() < INGESTION,
            "the documents do not get ready"
        );
        std::thread::sleep(Duration::from_millis(200));
    }
    Ok(questions)
}

type Documents = Vec<(String, String)>;

/// One document an article.
fn paragraphs(data: &Value) -> (Documents, Vec<String>) {
    let (mut documents, mut questions) = (Vec::new(), Vec::new());
    for article in data["data"].as_array().into_iter().flatten() {
        let title = article["title"].as_str().unwrap_or_default();
        let mut content = format!("# {title}\n\n");
        for paragraph in article["paragraphs"].as_array().into_iter().flatten() {
            content += paragraph["context"].as_str().unwrap_or_default();
            content += "\n\n";
            let asked = paragraph["qas"].as_array().into_iter().flatten();
            let asked = asked.filter_map(|one| one["question"].as_str());
            questions.extend(asked.map(str::to_owned));
        }
        documents.push((title.to_owned(), content));
    }
    (documents, questions)
}

/// The handbook, whose headings are questions.
fn handbook() -> Result<(Documents, Vec<String>)> {
    let (mut documents, mut questions) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(HANDBOOK)? {
        let path = entry?.path();
        let content = std::fs::read_to_string(&path)?;
        let headings = content.lines().filter_map(|line| line.strip_prefix("# "));
        questions.extend(headings.map(str::to_owned));
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        documents.push((name.into_owned(), content));
    }
    Ok((documents, questions))
}

/// A call without which nothing can begin.
fn good(client: &mut Client, call: Call<'_>) -> Result<Value> {
    let name = call.endpoint;
    let answer = client.call(call);
    let error = client.samples.last().and_then(|last| last.error.clone());
    answer.with_context(|| format!("{name}: {}", error.unwrap_or_default()))
}
