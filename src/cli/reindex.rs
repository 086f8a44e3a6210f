//! `satchel reindex`: has both indexes made anew and waits for it. The work is
//! the server's: it goes on when this command ends.

use super::connection::Connection;
use crate::config::Config;
use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::process::ExitCode;
use std::time::Duration;

/// How often the server is asked how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(400);

#[derive(clap::Args)]
pub(super) struct Options {
    /// Compute the vectors of all passages anew too
    #[arg(long)]
    embeddings: bool,
}

pub(super) fn run(config: &Config, options: &Options) -> Result<ExitCode> {
    let connection = Connection::open(config)?;
    let body = json!({"embeddings": options.embeddings});
    let mut progress = connection.post("/api/reindex", &body)?;
    let bar = ProgressBar::new(0);
    bar.set_style(
        // A template that cannot be read is drawn as the plain bar.
        ProgressStyle::with_template("{bar:28} {pos}/{len} {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let documents = progress["documents_total"].as_u64().unwrap_or_default();
    let mut passages = 0;
    loop {
        let count = |field: &str| progress[field].as_u64().unwrap_or_default();
        let unembedded = count("unembedded");
        if progress["running"] == true {
            bar.set_message("documents indexed");
            bar.set_length(count("documents_total"));
            bar.set_position(count("documents_done"));
        } else if options.embeddings && unembedded > 0 {
            passages = unembedded.max(passages);
            bar.set_message("passages embedded");
            bar.set_length(passages);
            bar.set_position(passages - unembedded);
        } else {
            break;
        }
        std::thread::sleep(LOOK_EVERY);
        progress = connection.get("/api/reindex")?;
    }
    bar.finish_and_clear();
    println!("Both indexes were made anew from {documents} documents.");
    Ok(ExitCode::SUCCESS)
}
