//! `satchel feedback`: what people think of answers.

use super::connection::Connection;
use crate::config::Config;
use anyhow::Result;
use clap::Subcommand;
use std::process::ExitCode;

#[derive(clap::Args)]
pub(super) struct Options {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Print all feedback, latest first, one JSON object a line
    Export,
    /// Print the gold set: each question with the passages that people marked as its answer, one
    /// JSON object a line
    Gold,
}

/// Prints what was asked for.
pub(super) fn run(config: &Config, options: &Options) -> Result<ExitCode> {
    let connection = Connection::open(config)?;
    if let Action::Gold = options.action {
        connection.download("/api/gold/export", &mut std::io::stdout())?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut path = "/api/feedback?limit=500".to_owned();
    loop {
        let page = connection.get(&path)?;
        for entry in page["feedback"].as_array().into_iter().flatten() {
            println!("{entry}");
        }
        let Some(cursor) = page["next_cursor"].as_str() else {
            return Ok(ExitCode::SUCCESS);
        };
        path = format!("/api/feedback?limit=500&cursor={cursor}");
    }
}
