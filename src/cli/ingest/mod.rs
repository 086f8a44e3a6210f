//! `satchel ingest`: adds files, waits until they can be asked, and says what
//! became of each.

pub(super) mod form;
mod progress;
pub(super) mod selection;

use super::connection::{Connection, Refusal};
use super::datasets::dataset_named;
use crate::config::Config;
use anyhow::{Context, Result, bail};
use form::Form;
use progress::Progress;
use selection::{PatternOptions, Selection, select};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// How often the server is asked how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(400);

/// Documents that one look fetches.
const LOOKED_AT: usize = 200;

#[derive(clap::Args)]
pub(super) struct Options {
    /// Files and folders; a .jsonl file holds one {"id", "title", "text", "metadata"} a line
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Dataset to add to; made if there is none of this name
    #[arg(long, value_name = "NAME")]
    dataset: Option<String>,
    /// Metadata of all files, as a JSON object
    #[arg(long, value_name = "JSON", value_parser = metadata)]
    metadata: Option<Value>,
    #[command(flatten)]
    patterns: PatternOptions,
}

/// What became of the files.
#[derive(Default)]
struct Outcome {
    added: usize,
    duplicates: usize,
    /// File and reason.
    failed: Vec<(String, String)>,
    /// Names of the failures that have been reported.
    reported: HashSet<String>,
}

/// Adds and waits. Exit code 1: something could not be read.
pub(super) fn run(config: &Config, options: &Options) -> Result<ExitCode> {
    let Selection { files, skipped } = select(&options.paths, &options.patterns.compile()?)?;
    for one in &skipped {
        eprintln!("skipped {}: {}", one.path.display(), one.reason);
    }
    if files.is_empty() {
        bail!("there is no file to add");
    }
    let connection = Connection::open(config)?;
    let dataset = dataset(&connection, options.dataset.as_deref())?;
    let before = failures(&connection, &dataset)?;
    let mut outcome = Outcome {
        reported: before.iter().map(|(id, _, _)| id.clone()).collect(),
        ..Outcome::default()
    };
    let progress = Progress::new(files.iter().map(|file| file.bytes).sum());
    for file in &files {
        add(
            &connection,
            &dataset,
            options,
            &file.path,
            &progress,
            &mut outcome,
        )?;
    }
    wait(&connection, &dataset, &progress)?;
    progress.finish();
    for (id, name, reason) in failures(&connection, &dataset)? {
        if outcome.reported.insert(id) && !outcome.failed.iter().any(|(file, _)| *file == name) {
            outcome.failed.push((name, reason));
        }
    }
    print(&outcome, skipped.len());
    Ok(match outcome.failed.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Uploads one file. That it cannot be read ends nothing but itself.
fn add(
    connection: &Connection,
    dataset: &str,
    options: &Options,
    path: &Path,
    progress: &Progress,
    outcome: &mut Outcome,
) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    progress.reads(&name);
    let metadata = options.metadata.as_ref();
    let form = Form::new(path, Some(dataset), metadata)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    let (kind, length) = (form.content_type(), form.length());
    let sent = connection.upload("/documents/upload", &kind, length, progress.count(form));
    match sent {
        Ok(answer) => {
            let metadata = &answer["metadata"];
            let count = metadata["documents"].as_u64().unwrap_or(1) as usize;
            match metadata["duplicate"].as_bool() {
                Some(true) => outcome.duplicates += 1,
                _ => outcome.added += count,
            }
        }
        Err(error) => match error.downcast_ref::<Refusal>() {
            Some(refusal) if refusal.status.is_client_error() => {
                progress.say(&format!("failed  {name}: {refusal}"));
                outcome
                    .failed
                    .push((name.into_owned(), refusal.message.clone()));
            }
            _ => return Err(error),
        },
    }
    Ok(())
}

/// Waits until nothing of the dataset is left to read or embed.
fn wait(connection: &Connection, dataset: &str, progress: &Progress) -> Result<()> {
    loop {
        let mut waiting = 0;
        let (mut chunks, mut embedded) = (0, 0);
        for status in ["queued", "extracting", "embedding"] {
            let list = documents(connection, dataset, status)?;
            waiting += list["total_count"].as_u64().unwrap_or_default();
            for document in list["documents"].as_array().into_iter().flatten() {
                chunks += document["chunk_count"].as_u64().unwrap_or_default();
                embedded += document["embedded_count"].as_u64().unwrap_or_default();
            }
        }
        if waiting == 0 {
            return Ok(());
        }
        progress.waits(waiting, embedded, chunks);
        std::thread::sleep(LOOK_EVERY);
    }
}

/// The failed documents of a dataset: id, name and reason.
fn failures(connection: &Connection, dataset: &str) -> Result<Vec<(String, String, String)>> {
    let list = documents(connection, dataset, "failed")?;
    let word = |document: &Value, field: &str| document[field].as_str().unwrap_or("").to_owned();
    let all = list["documents"].as_array().into_iter().flatten();
    Ok(all
        .map(|one| (word(one, "id"), word(one, "filename"), word(one, "error")))
        .collect())
}

fn documents(connection: &Connection, dataset: &str, status: &str) -> Result<Value> {
    connection.get(&format!(
        "/api/documents?dataset_id={dataset}&status={status}&limit={LOOKED_AT}"
    ))
}

/// The id of the dataset to add to.
pub(super) fn dataset(connection: &Connection, name: Option<&str>) -> Result<String> {
    let name = name.unwrap_or(crate::service::DEFAULT_DATASET);
    if let Ok(id) = dataset_named(connection, name) {
        return Ok(id);
    }
    let made = connection.post("/api/datasets", &json!({"name": name}))?;
    let id = made["id"].as_str().context("the new dataset has no id")?;
    Ok(id.to_owned())
}

fn print(outcome: &Outcome, skipped: usize) {
    let mut parts = vec![format!("{} added", outcome.added)];
    let mut part = |count: usize, what: &str| {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    };
    part(outcome.duplicates, "there already");
    part(outcome.failed.len(), "failed");
    part(skipped, "skipped");
    println!("{}.", parts.join(", "));
    for (name, reason) in &outcome.failed {
        println!("  failed: {name}: {reason}");
    }
}

pub(super) fn metadata(text: &str) -> Result<Value, String> {
    match serde_json::from_str(text) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err("it is not a JSON object".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
