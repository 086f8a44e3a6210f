//! `satchel keys`: the keys with which programs sign in.

use super::connection::{Connection, in_tenant, print_json};
use crate::config::Config;
use anyhow::{Result, anyhow, bail};
use clap::Subcommand;
use serde_json::{Value, json};
use std::process::ExitCode;

#[derive(clap::Args)]
pub(super) struct Options {
    #[command(subcommand)]
    action: Option<Action>,
    /// The tenant whose keys are meant [default: default]
    #[arg(long, value_name = "ID", global = true)]
    tenant: Option<String>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Action {
    /// List the keys (the default)
    List,
    /// Make a key and print it; it cannot be shown again
    Add {
        /// What the key is for
        name: String,
        /// Whose key it is to be [default: the first administrator's]
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
    },
    /// Remove a key, which ends its use at once
    Remove {
        /// The key's name, its id, or how it begins
        key: String,
    },
}

/// Lists, makes and removes API keys.
pub(super) fn run(config: &Config, options: &Options) -> Result<ExitCode> {
    let connection = Connection::open(config)?;
    let tenant = options.tenant.as_deref();
    match &options.action {
        None | Some(Action::List) => list(&connection, tenant, options.json)?,
        Some(Action::Add { name, user }) => {
            let body = json!({"name": name, "username": user, "tenant_id": tenant});
            let made = connection.post("/api/keys", &body)?;
            match options.json {
                true => print_json(&made)?,
                false => println!("{}", word(&made, "key")),
            }
            eprintln!("Keep this key: it cannot be shown again.");
        }
        Some(Action::Remove { key }) => {
            let keys = all(&connection, tenant)?;
            let found = chosen(&keys, key)?;
            let id = word(found, "id");
            let answer = connection.delete(&in_tenant(&format!("/api/keys/{id}"), tenant))?;
            match options.json {
                true => print_json(&answer)?,
                false => println!("Removed {}.", word(found, "name")),
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(connection: &Connection, tenant: Option<&str>, json: bool) -> Result<()> {
    if json {
        return print_json(&json!(all(connection, tenant)?));
    }
    println!(
        "{:<24} {:<12} {:<16} {:<25} last used",
        "name", "key", "user", "since"
    );
    for key in all(connection, tenant)? {
        let used = match word(&key, "last_used_at") {
            "" => "never",
            used => used,
        };
        println!(
            "{:<24} {:<12} {:<16} {:<25} {used}",
            word(&key, "name"),
            format!("{}…", word(&key, "prefix")),
            word(&key, "username"),
            word(&key, "created_at"),
        );
    }
    Ok(())
}

fn all(connection: &Connection, tenant: Option<&str>) -> Result<Vec<Value>> {
    let answer = connection.get(&in_tenant("/api/keys", tenant))?;
    Ok(answer["keys"].as_array().cloned().unwrap_or_default())
}

/// The one key that `wanted` means.
fn chosen<'a>(keys: &'a [Value], wanted: &str) -> Result<&'a Value> {
    let means = |key: &&Value| {
        let prefix = word(key, "prefix");
        let begins = !prefix.is_empty() && wanted.starts_with(prefix);
        begins || word(key, "id") == wanted || word(key, "name") == wanted
    };
    let found: Vec<&Value> = keys.iter().filter(means).collect();
    match found.as_slice() {
        [] => Err(anyhow!("there is no key {wanted:?}")),
        [one] => Ok(one),
        _ => {
            let prefixes: Vec<&str> = found.iter().map(|key| word(key, "prefix")).collect();
            bail!(
                "{} keys are called {wanted:?}; say which by how it begins: {}",
                found.len(),
                prefixes.join(", ")
            )
        }
    }
}

fn word<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{chosen, word};
    use serde_json::{Value, json};

    fn keys() -> Vec<Value> {
        vec![
            json!({"id": "1", "name": "editor", "prefix": "sk-aaaaaaaa"}),
            json!({"id": "2", "name": "script", "prefix": "sk-bbbbbbbb"}),
            json!({"id": "3", "name": "script", "prefix": "sk-cccccccc"}),
        ]
    }

    #[test]
    fn key_is_found_by_name_id_and_beginning() {
        let keys = keys();
        for wanted in ["editor", "1", "sk-aaaaaaaa", "sk-aaaaaaaa77"] {
            assert_eq!(word(chosen(&keys, wanted).unwrap(), "id"), "1");
        }
        assert!(chosen(&keys, "nothing").is_err());
    }

    #[test]
    fn name_of_two_keys_is_not_enough() {
        let error = chosen(&keys(), "script").unwrap_err().to_string();
        assert!(error.contains("sk-bbbbbbbb, sk-cccccccc"), "{error}");
    }
}
