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
}

/// Prints what was asked for.
pub(super) fn run(config: &Config, options: &Options) -> Result<ExitCode> {
    let Action::Export = options.action;
    let connection = Connection::open(config)?;
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
