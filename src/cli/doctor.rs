//! `satchel doctor`: is everything in order, and if not, what to do.

use super::connection::Connection;
use crate::config::Config;
use anyhow::Result;
use serde_json::{Value, json};
use std::process::ExitCode;
use std::time::Duration;

/// Cosine of two sentences of one meaning, below which the embedding model
/// does not compute rightly; it gives them 0.9.
const LEAST_COSINE: f64 = 0.8;

/// How often the server is asked whether what is repaired is read.
const LOOK_EVERY: Duration = Duration::from_millis(400);

#[derive(clap::Args)]
pub(super) struct Options {
    /// Repair at once what can be repaired, then examine
    #[arg(long)]
    repair: bool,
    /// Look only whether originals and entries of the indexes are there, and do not
    /// read them
    #[arg(long)]
    quick: bool,
}

/// Examines and prints. Exit code 1: something is wrong.
pub(super) fn run(config: &Config, options: &Options) -> Result<ExitCode> {
    let connection = Connection::open(config)?;
    if options.repair {
        repair(&connection)?;
    }
    let status = connection.get("/api/status")?;
    let found = connection.get(match options.quick {
        true => "/api/examination?quick=true",
        false => "/api/examination",
    })?;
    let folder = config.data_dir.display();
    println!("satchel {}, data in {folder}\n", env!("CARGO_PKG_VERSION"));
    let mut report = Report::default();
    stored(&mut report, &found);
    indexes(&mut report, &found);
    models(&mut report, &status, &found);
    let pending = status["jobs_pending"].as_u64().unwrap_or_default();
    println!(
        "  · {} documents, {} passages, {pending} waiting to be read",
        status["documents"], status["chunks"]
    );
    if options.quick {
        println!("  · originals and entries of the indexes were only looked for, not read");
    }
    Ok(match report.faults {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

/// The database and the originals.
fn stored(report: &mut Report, found: &Value) {
    report.list(
        "the database is sound",
        &found["database_faults"],
        "`satchel doctor --repair` makes its indexes again and removes rows that belong to nothing; \
         for the rest restore a backup, or add the documents again to a new data folder",
    );
    report.list(
        "every document is read, and every passage is where its page has it",
        &found["chunk_faults"],
        "`satchel doctor --repair` reads the documents named here anew",
    );
    report.list(
        "every document has the original that was added",
        &found["original_faults"],
        "these documents can still be asked; what was added cannot be made again: \
         restore it from a backup, or replace the documents by the files",
    );
}

/// Both indexes.
fn indexes(report: &mut Report, found: &Value) {
    const REMEDY: &str = "`satchel doctor --repair` brings it in line with the database";
    const FILES: &str = "`satchel doctor --repair` makes it again from the database";
    report.list(
        "the files of the keyword index are what was written",
        &found["keyword_files_damaged"],
        FILES,
    );
    report.count(
        "the keyword index agrees with the database",
        &[
            &found["keywords_missing"],
            &found["keywords_extra"],
            &found["keywords_differing"],
        ],
        REMEDY,
    );
    report.line(
        "the file of the vector index is what was written",
        found["vector_file_damaged"].is_null(),
        &format!(
            "{}; {FILES}",
            found["vector_file_damaged"].as_str().unwrap_or_default()
        ),
    );
    report.count(
        "the vector index agrees with the database",
        &[
            &found["vectors_missing"],
            &found["vectors_extra"],
            &found["vectors_damaged"],
        ],
        REMEDY,
    );
    if let Some(entries @ 1..) = found["differed_at_start"].as_u64() {
        println!(
            "  · {entries} entries of the indexes differed at the start, and were brought in line"
        );
    }
    report.count(
        "every indexed passage has its vector in the database",
        &[&found["vectors_unstored"], &found["vectors_differing"]],
        "`satchel doctor --repair` has these passages embedded anew",
    );
}

/// The models, as far as there are any.
fn models(report: &mut Report, status: &Value, found: &Value) {
    let cosine = found["encoder_cosine"].as_f64().unwrap_or_default();
    let note = format!("two sentences of one meaning have a cosine of {cosine:.2}");
    report.line(
        "the embedding model computes rightly",
        cosine >= LEAST_COSINE,
        &format!("{note}: the executable is damaged, get it again"),
    );
    report.line(
        &chat_model(status, found),
        status["chat_model_error"].is_null(),
        status["chat_model_error"].as_str().unwrap_or_default(),
    );
    println!("  · {}", entailment(status));
}

/// Has everything repaired, waits until it is, and says what was done.
fn repair(connection: &Connection) -> Result<()> {
    let done = connection.post("/api/repair", &json!({}))?;
    let mut lines = Vec::new();
    if done["database"] == true {
        lines.push("repaired: the indexes within the database were made again".to_owned());
    }
    match done["orphans"].as_u64() {
        None | Some(0) => {}
        Some(1) => lines.push("repaired: one row of the database belonged to nothing".to_owned()),
        Some(rows) => lines.push(format!(
            "repaired: {rows} rows of the database belonged to nothing"
        )),
    }
    match done["index_entries"].as_u64() {
        None | Some(0) => {}
        Some(1) => lines.push("repaired: one entry of the indexes".to_owned()),
        Some(entries) => lines.push(format!("repaired: {entries} entries of the indexes")),
    }
    let texts = |field: &str| {
        let texts = done[field].as_array().into_iter().flatten();
        let texts = texts.filter_map(|text| text.as_str().map(str::to_owned));
        texts.collect::<Vec<_>>()
    };
    let anew = texts("documents").into_iter();
    lines.extend(anew.map(|name| format!("repaired: {name} is read anew")));
    let left = texts("left").into_iter();
    lines.extend(left.map(|reason| format!("not repaired: {reason}")));
    if lines.is_empty() {
        lines.push("nothing had to be repaired".to_owned());
    }
    println!("{}", lines.join("\n"));
    println!();
    while connection.get("/api/status")?["jobs_pending"].as_u64() > Some(0) {
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(())
}

fn chat_model(status: &Value, found: &Value) -> String {
    match (status["chat_model"]["name"].as_str(), &found["models"][0]) {
        (Some(name), _) => format!("the chat model {name} is loaded"),
        (None, Value::String(file)) => format!("the chat model {file} is found"),
        (None, _) => "no chat model is installed: answers are quotes".to_owned(),
    }
}

/// What the sentences of answers are checked by.
fn entailment(status: &Value) -> String {
    match status["entailment_model"]["name"].as_str() {
        Some(name) => format!("the entailment model {name} judges sentences by their sources"),
        None => "no entailment model: sentences are checked by words and meaning".to_owned(),
    }
}

#[derive(Default)]
struct Report {
    faults: u32,
}

impl Report {
    fn line(&mut self, what: &str, good: bool, remedy: &str) {
        if good {
            println!("  ✓ {what}");
        } else {
            self.faults += 1;
            println!("  ✗ not so: {what}\n      {remedy}");
        }
    }

    fn list(&mut self, what: &str, faults: &Value, remedy: &str) {
        let faults = faults.as_array().cloned().unwrap_or_default();
        self.line(what, faults.is_empty(), remedy);
        for fault in faults {
            println!("      - {}", fault.as_str().unwrap_or_default());
        }
    }

    fn count(&mut self, what: &str, counts: &[&Value], remedy: &str) {
        let all: u64 = counts.iter().filter_map(|count| count.as_u64()).sum();
        self.line(what, all == 0, &format!("{all} passages differ; {remedy}"));
    }
}
