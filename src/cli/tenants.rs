//! `satchel tenants`: groups of people that see nothing of each other.

use super::connection::{Connection, print_json};
use crate::config::Config;
use anyhow::Result;
use clap::Subcommand;
use serde_json::{Value, json};
use std::process::ExitCode;

#[derive(clap::Args)]
pub(super) struct Options {
    #[command(subcommand)]
    action: Option<Action>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
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
    /// Change a tenant's name or limits
    #[command(group = clap::ArgGroup::new("what").required(true).multiple(true))]
    Set {
        id: String,
        /// What people call it
        #[arg(long, group = "what")]
        name: Option<String>,
        /// Requests a minute of all its users together, 0 for no limit, or default: as the settings say
        #[arg(long, value_name = "N", value_parser = number_or_default, group = "what")]
        requests_per_minute: Option<Limit>,
        /// Room for its documents in MiB, or default: no limit
        #[arg(long, value_name = "MIB", value_parser = number_or_default, group = "what")]
        disk_quota_mib: Option<Limit>,
    },
    /// Remove a tenant with its users, chats and documents
    Remove { id: String },
}

/// A limit, or `None` for the one that holds where none was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Limit(Option<u64>);

fn number_or_default(text: &str) -> Result<Limit, String> {
    match text {
        "default" => Ok(Limit(None)),
        number => match number.parse() {
            Ok(number) => Ok(Limit(Some(number))),
            Err(_) => Err("neither a number nor \"default\"".to_owned()),
        },
    }
}

fn bytes(mib: u64) -> u64 {
    mib.saturating_mul(1024 * 1024)
}

/// Lists, adds, changes and removes tenants.
pub(super) fn run(config: &Config, options: &Options) -> Result<ExitCode> {
    let connection = Connection::open(config)?;
    let (done, id, answer) = match &options.action {
        None | Some(Action::List) => {
            list(&connection, options.json)?;
            return Ok(ExitCode::SUCCESS);
        }
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
                "disk_quota_bytes": disk_quota_mib.map(bytes),
            });
            ("Added", id, connection.post("/api/tenants", &body)?)
        }
        Some(Action::Set {
            id,
            name,
            requests_per_minute,
            disk_quota_mib,
        }) => {
            // What is absent stays; null takes a limit away.
            let mut body = json!({});
            if let Some(name) = name {
                body["name"] = json!(name);
            }
            if let Some(Limit(limit)) = requests_per_minute {
                body["requests_per_minute"] = json!(limit);
            }
            if let Some(Limit(limit)) = disk_quota_mib {
                body["disk_quota_bytes"] = json!(limit.map(bytes));
            }
            let path = format!("/api/tenants/{id}");
            ("Changed", id, connection.patch(&path, &body)?)
        }
        Some(Action::Remove { id }) => {
            let path = format!("/api/tenants/{id}");
            ("Removed", id, connection.delete(&path)?)
        }
    };
    match options.json {
        true => print_json(&answer)?,
        false => println!("{done} {id}."),
    }
    Ok(ExitCode::SUCCESS)
}

fn list(connection: &Connection, json: bool) -> Result<()> {
    let answer = connection.get("/api/tenants")?;
    if json {
        return print_json(&answer["tenants"]);
    }
    println!(
        "{:<24} {:<24} {:>6} {:>10} {:>10} {:>10} {:>10}",
        "id", "name", "users", "documents", "MiB", "of MiB", "a minute"
    );
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
