//! `satchel backup` and `satchel restore`.

use super::connection::Connection;
use crate::config::Config;
use crate::service;
use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// How often a backup in progress is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

#[derive(clap::Args)]
pub(super) struct BackupOptions {
    /// Where to put it [default: the folder backups of the data folder]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Makes a backup, also while a server works on the data folder.
pub(super) fn backup(config: &Config, options: &BackupOptions) -> Result<ExitCode> {
    if let Some(file) = options.file.as_ref().filter(|file| file.exists()) {
        bail!("{} exists already", file.display());
    }
    let connection = Connection::open(config)?;
    let begun = connection.post("/api/backups", &json!({}))?;
    let name = begun["name"].as_str().context("the backup has no name")?;
    let finished = wait_for(&connection, name)?;
    let Some(file) = &options.file else {
        let path = config.backups().join(name);
        println!("Wrote {} ({} bytes).", path.display(), finished["bytes"]);
        return Ok(ExitCode::SUCCESS);
    };
    let path = format!("/api/backups/{name}");
    let fetched = fetch(&connection, &path, file);
    // It was made for this file alone.
    connection.delete(&path)?;
    println!("Wrote {} ({} bytes).", file.display(), fetched?);
    Ok(ExitCode::SUCCESS)
}

/// Waits until a backup is made.
fn wait_for(connection: &Connection, name: &str) -> Result<Value> {
    loop {
        let list = connection.get("/api/backups")?;
        if list["running"]["name"] != name {
            let backups = list["backups"].as_array().into_iter().flatten();
            let mut made = backups.filter(|one| one["name"] == name);
            return made.next().cloned().ok_or_else(|| {
                let reason = list["error"].as_str().unwrap_or("it was deleted meanwhile");
                anyhow!("{reason}")
            });
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

fn fetch(connection: &Connection, path: &str, file: &Path) -> Result<u64> {
    let unfinished = file.with_extension("part");
    let cannot = || format!("cannot write {}", unfinished.display());
    let mut target = File::create(&unfinished).with_context(cannot)?;
    let written = connection
        .download(path, &mut target)
        .and_then(|bytes| Ok(target.sync_all().map(|()| bytes)?))
        .and_then(|bytes| Ok(fs::rename(&unfinished, file).map(|()| bytes)?));
    if written.is_err() {
        // Half a backup is of no use; that it cannot be removed matters less.
        let _ = fs::remove_file(&unfinished);
    }
    written
}

#[derive(clap::Args)]
pub(super) struct RestoreOptions {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Set aside what the data folder holds already
    #[arg(long)]
    replace: bool,
}

/// Fills the data folder from a backup. No server may be working on it.
pub(super) fn restore(config: &Config, options: &RestoreOptions) -> Result<ExitCode> {
    let restored = service::restore(config, &options.file, options.replace)
        .map_err(|error| anyhow!("{error}"))?;
    println!(
        "Restored the backup of {} with {} original files into {}.",
        restored.created_at,
        restored.files,
        config.data_dir.display()
    );
    if let Some(aside) = restored.replaced {
        println!("What was there before is in {}.", aside.display());
    }
    println!("The search indexes are made again at the next start.");
    Ok(ExitCode::SUCCESS)
}
