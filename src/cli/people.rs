//! `satchel token` and `satchel users`.

use super::connection::{Connection, in_tenant, print_json};
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
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
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
    /// Change a user's role or password, which ends all that it is signed in with
    #[command(group = clap::ArgGroup::new("what").required(true).multiple(true))]
    Set {
        name: String,
        #[arg(long, value_enum, group = "what")]
        role: Option<Role>,
        /// Ask for a new password, or read it from standard input
        #[arg(long, group = "what")]
        password: bool,
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

/// Lists, adds, changes and removes users.
pub(super) fn users(config: &Config, options: &UsersOptions) -> Result<ExitCode> {
    let UsersOptions {
        action,
        tenant,
        json,
    } = options;
    let tenant = tenant.as_deref();
    let (done, name, answer) = match action {
        None | Some(Action::List) => {
            list(&Connection::open(config)?, tenant, *json)?;
            return Ok(ExitCode::SUCCESS);
        }
        Some(Action::Add { name, role }) => {
            let password = password()?;
            let body = json!({
                "username": name,
                "password": password,
                "role": role.as_str(),
                "tenant_id": tenant,
            });
            let added = Connection::open(config)?.post("/api/users", &body)?;
            ("Added", name, added)
        }
        Some(Action::Set {
            name,
            role,
            password: ask,
        }) => {
            let password = ask.then(password).transpose()?;
            let body = json!({"role": role.map(Role::as_str), "password": password});
            let connection = Connection::open(config)?;
            let path = path_of(&connection, tenant, name)?;
            ("Changed", name, connection.patch(&path, &body)?)
        }
        Some(Action::Remove { name }) => {
            let connection = Connection::open(config)?;
            let path = path_of(&connection, tenant, name)?;
            ("Removed", name, connection.delete(&path)?)
        }
    };
    match json {
        true => print_json(&answer)?,
        false => println!("{done} {name}."),
    }
    Ok(ExitCode::SUCCESS)
}

/// Where the user of this name is changed.
fn path_of(connection: &Connection, tenant: Option<&str>, name: &str) -> Result<String> {
    let found = all_users(connection, tenant)?;
    let user = found.iter().find(|user| is_named(user, "username", name));
    let user = user.ok_or_else(|| anyhow!("there is no user {name:?}"))?;
    let id = user["id"].as_str().unwrap_or_default();
    Ok(in_tenant(&format!("/api/users/{id}"), tenant))
}

fn list(connection: &Connection, tenant: Option<&str>, json: bool) -> Result<()> {
    if json {
        return print_json(&json!(all_users(connection, tenant)?));
    }
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

pub(super) fn is_named(value: &Value, field: &str, name: &str) -> bool {
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
