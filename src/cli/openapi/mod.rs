//! `satchel openapi`: prints the description of the API. Needs no data folder
//! and no server.

mod postman;

use crate::http::openapi_document;
use anyhow::{Context, Result};
use serde_json::Value;
use std::process::ExitCode;

#[derive(clap::Args)]
pub(super) struct Options {
    /// Print a Postman collection (version 2.1) that is made from it instead
    #[arg(long)]
    postman: bool,
}

pub(super) fn run(options: &Options) -> Result<ExitCode> {
    println!("{}", printed(options.postman)?);
    Ok(ExitCode::SUCCESS)
}

/// What the command prints.
fn printed(postman: bool) -> Result<String> {
    let document: Value = serde_json::from_str(openapi_document())?;
    let shown = match postman {
        true => postman::collection(&document).context("the collection cannot be made")?,
        false => document,
    };
    Ok(serde_json::to_string_pretty(&shown)?)
}

#[cfg(test)]
mod tests {
    use super::printed;

    /// `satchel openapi --postman > static/postman_collection.json` makes it anew.
    #[test]
    fn kept_collection_is_what_the_command_prints() {
        let kept = include_str!("../../../static/postman_collection.json");
        let made = printed(true).unwrap();
        let differs = kept
            .lines()
            .zip(made.lines())
            .find(|(one, other)| one != other);
        assert_eq!(differs, None);
        assert_eq!(kept.trim_end().len(), made.len());
    }
}
