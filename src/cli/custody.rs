//! `satchel export` and `satchel erase`.

use super::connection::Connection;
use crate::config::Config;
use anyhow::{Context, Result, bail};
use serde_json::json;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(clap::Args)]
pub(super) struct ExportOptions {
    /// The archive to write
    #[arg(value_name = "FILE", default_value = "satchel-export.zip")]
    file: PathBuf,
    /// Only what this user has, by name or id [default: everything]
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
}

/// Writes everything, or all that one user has, into a ZIP archive.
pub(super) fn export(config: &Config, options: &ExportOptions) -> Result<ExitCode> {
    let file = &options.file;
    if file.exists() {
        bail!("{} exists already", file.display());
    }
    let path = match &options.user {
        None => "/api/export?scope=tenant".to_owned(),
        Some(user) => format!("/api/export?user={}", in_query(user)),
    };
    let connection = Connection::open(config)?;
    let unfinished = file.with_extension("part");
    let cannot = || format!("cannot write {}", unfinished.display());
    let mut target = File::create(&unfinished).with_context(cannot)?;
    let written = connection
        .download(&path, &mut target)
        .and_then(|bytes| Ok(target.sync_all().map(|()| bytes)?))
        .and_then(|bytes| Ok(fs::rename(&unfinished, file).map(|()| bytes)?));
    match written {
        Ok(bytes) => println!("Wrote {} ({bytes} bytes).", file.display()),
        Err(error) => {
            // Half an archive is of no use; that it cannot be removed matters less.
            let _ = fs::remove_file(&unfinished);
            return Err(error);
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("whose").required(true))]
pub(super) struct EraseOptions {
    /// Erase all that this user has, and its account, by name or id
    #[arg(long, value_name = "NAME", group = "whose")]
    user: Option<String>,
    /// Erase everything but the first administrator's account and the models
    #[arg(long, group = "whose")]
    all: bool,
    /// Do it: there is no way back
    #[arg(long)]
    yes: bool,
}

/// Erases what one user has, or everything.
pub(super) fn erase(config: &Config, options: &EraseOptions) -> Result<ExitCode> {
    if !options.yes {
        bail!("what is erased cannot be brought back; say --yes to do it");
    }
    let body = match &options.user {
        Some(user) => json!({"user": user, "confirm": true}),
        None => json!({"scope": "tenant", "confirm": true}),
    };
    let erased = Connection::open(config)?.post("/api/erase", &body)?;
    println!(
        "Erased {} conversations, {} documents, {} datasets and {} users.",
        erased["sessions"], erased["documents"], erased["datasets"], erased["users"]
    );
    Ok(ExitCode::SUCCESS)
}

/// `text` as the value of a parameter.
fn in_query(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte.is_ascii_alphanumeric() {
            true => escaped.push(char::from(byte)),
            false => escaped += &format!("%{byte:02X}"),
        }
    }
    escaped
}
