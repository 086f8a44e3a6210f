//! `satchel token` and `satchel users`, and finding things by their name.

use super::connection::{Connection, in_tenant};
use crate::config::Config;
use crate::service::{DataFolder, script_token};
use anyhow::{Context, Result, anyhow, bail};
use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};
use std::io::{BufRead, IsTerminal};
use std::process::ExitCode;

#[derive(clap::Args)]
pub(super) struct TokenOptions {
    /// Whose token [default: the first administrator's]
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
}

/// Prints an access token.
pub(super) fn token(config: &Config, options: &TokenOptions) -> Result<ExitCode> {
    if DataFolder::server_of(&config.data_dir).is_none() {
        // A fresh folder gets its secret and its first user.
        drop(Connection::open(config)?);
    }
    println!("{}", script_token(config, options.user.as_deref())?);
    Ok(ExitCode::SUCCESS)
}

#[derive(clap::Args)]
pub(super) struct UsersOptions {
    #[command(subcommand)]
    action: Option<Action>,
    /// The tenant whose users are meant [default: default]
    #[arg(long, value_name = "ID", global = true)]
    tenant: Option<String>,
}

#[derive(Subcommand)]
enum Action {
    /// List the users (the default)
    List,
    /// Add a user; the password is asked for, or read from standard input
    Add {
        name: String,
        #[arg(long, value_enum, default_value_t = Role::User)]
        role: Role,
    },
    /// Remove a user with all its chats
    Remove { name: String },
}

#[derive(Clone, Copy, ValueEnum)]
enum Role {
    User,
    Admin,
    /// May act for any user of its tenant
    Service,
}

impl Role {
    fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Admin => "admin",
            Self::Service => "service",
        }
    }
}

/// Lists, adds and removes users.
pub(super) fn users(config: &Config, options: &UsersOptions) -> Result<ExitCode> {
    let tenant = options.tenant.as_deref();
    match &options.action {
        None | Some(Action::List) => list(&Connection::open(config)?, tenant)?,
        Some(Action::Add { name, role }) => {
            let password = password()?;
            let body = json!({
                "username": name,
                "password": password,
                "role": role.as_str(),
                "tenant_id": tenant,
            });
            Connection::open(config)?.post("/api/users", &body)?;
            println!("Added {name}.");
        }
        Some(Action::Remove { name }) => {
            let connection = Connection::open(config)?;
            let found = all_users(&connection, tenant)?;
            let user = found.iter().find(|user| is_named(user, "username", name));
            let user = user.ok_or_else(|| anyhow!("there is no user {name:?}"))?;
            let id = user["id"].as_str().unwrap_or_default();
            connection.delete(&in_tenant(&format!("/api/users/{id}"), tenant))?;
            println!("Removed {name}.");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(connection: &Connection, tenant: Option<&str>) -> Result<()> {
    println!("{:<24} {:<8} {:<12} since", "name", "role", "password");
    for user in all_users(connection, tenant)? {
        let word = |name: &str| user[name].as_str().unwrap_or_default().to_owned();
        let password = match user["password_set"].as_bool() {
            Some(true) => "set",
            _ => "not set",
        };
        println!(
            "{:<24} {:<8} {password:<12} {}",
            word("username"),
            word("role"),
            word("created_at")
        );
    }
    Ok(())
}

fn all_users(connection: &Connection, tenant: Option<&str>) -> Result<Vec<Value>> {
    let answer = connection.get(&in_tenant("/api/users", tenant))?;
    Ok(answer["users"].as_array().cloned().unwrap_or_default())
}

/// The id of the dataset with this name.
pub(super) fn dataset_named(connection: &Connection, name: &str) -> Result<String> {
    let answer = connection.get("/api/datasets")?;
    let datasets = answer["datasets"].as_array().cloned().unwrap_or_default();
    let found = datasets
        .iter()
        .find(|dataset| is_named(dataset, "name", name));
    let id = found.and_then(|dataset| dataset["id"].as_str());
    id.map(str::to_owned).ok_or_else(|| {
        let names = datasets
            .iter()
            .filter_map(|dataset| dataset["name"].as_str());
        let names: Vec<&str> = names.collect();
        anyhow!(
            "there is no dataset {name:?}; there are: {}",
            names.join(", ")
        )
    })
}

fn is_named(value: &Value, field: &str, name: &str) -> bool {
    let found = value[field].as_str().unwrap_or_default();
    found.to_lowercase() == name.to_lowercase()
}

/// A password, typed unseen or read from a pipe.
fn password() -> Result<String> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        let first = rpassword::prompt_password("Password: ")?;
        if first != rpassword::prompt_password("Again: ")? {
            bail!("the two passwords differ");
        }
        return Ok(first);
    }
    let mut line = String::new();
    stdin
        .lock()
        .read_line(&mut line)
        .context("no password was given")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
