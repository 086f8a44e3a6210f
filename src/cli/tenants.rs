//! `satchel tenants`: groups of people that see nothing of each other.

use super::connection::Connection;
use crate::config::Config;
use anyhow::Result;
use clap::Subcommand;
use serde_json::{Value, json};
use std::process::ExitCode;

#[derive(clap::Args)]
pub(super) struct Options {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand)]
enum Action {
    /// List the tenants with what they use (the default)
    List,
    /// Add a tenant
    Add {
        /// What commands and tokens call it
        id: String,
        /// What people call it [default: the id]
        #[arg(long)]
        name: Option<String>,
        /// Requests a minute of all its users together, 0 for no limit [default: as the settings say]
        #[arg(long, value_name = "N")]
        requests_per_minute: Option<u32>,
        /// Room for its documents in MiB [default: no limit]
        #[arg(long, value_name = "MIB")]
        disk_quota_mib: Option<u64>,
    },
    /// Remove a tenant with its users, chats and documents
    Remove { id: String },
}

/// Lists, adds and removes tenants.
pub(super) fn run(config: &Config, options: &Options) -> Result<ExitCode> {
    let connection = Connection::open(config)?;
    match &options.action {
        None | Some(Action::List) => list(&connection)?,
        Some(Action::Add {
            id,
            name,
            requests_per_minute,
            disk_quota_mib,
        }) => {
            let body = json!({
                "id": id,
                "name": name.as_ref().unwrap_or(id),
                "requests_per_minute": requests_per_minute,
                "disk_quota_bytes": disk_quota_mib.map(|mib| mib.saturating_mul(1024 * 1024)),
            });
            connection.post("/api/tenants", &body)?;
            println!("Added {id}.");
        }
        Some(Action::Remove { id }) => {
            connection.delete(&format!("/api/tenants/{id}"))?;
            println!("Removed {id}.");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(connection: &Connection) -> Result<()> {
    println!(
        "{:<24} {:<24} {:>6} {:>10} {:>10} {:>10} {:>10}",
        "id", "name", "users", "documents", "MiB", "of MiB", "a minute"
    );
    let answer = connection.get("/api/tenants")?;
    for tenant in answer["tenants"].as_array().into_iter().flatten() {
        let word = |field: &str| tenant[field].as_str().unwrap_or_default();
        println!(
            "{:<24} {:<24} {:>6} {:>10} {:>10} {:>10} {:>10}",
            word("id"),
            word("name"),
            tenant["user_count"],
            tenant["document_count"],
            mebibytes(&tenant["disk_bytes"]),
            mebibytes(&tenant["disk_quota_bytes"]),
            limit(&tenant["requests_per_minute"]),
        );
    }
    Ok(())
}

fn mebibytes(bytes: &Value) -> String {
    match bytes.as_f64() {
        Some(bytes) => format!("{:.1}", bytes / f64::from(1024 * 1024)),
        None => "-".to_owned(),
    }
}

fn limit(value: &Value) -> String {
    value.as_u64().map_or("-".to_owned(), |n| n.to_string())
}
