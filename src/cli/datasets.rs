//! `satchel datasets`: groups of documents, and who sees them; and finding one
//! by its name.

use super::connection::{Connection, print_json};
use super::people::is_named;
use crate::config::Config;
use anyhow::{Result, anyhow, bail};
use clap::{Subcommand, ValueEnum};
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
    /// List the datasets with what they hold (the default)
    List,
    /// Add a dataset
    Add {
        name: String,
        /// What it is about
        #[arg(long, default_value = "", value_name = "TEXT")]
        description: String,
        /// Who sees it
        #[arg(long, value_enum, default_value_t = Visibility::Tenant)]
        visibility: Visibility,
    },
    /// Change a dataset's name, its description or who sees it
    #[command(group = clap::ArgGroup::new("what").required(true).multiple(true))]
    Set {
        /// Its name or id
        dataset: String,
        /// What it is to be called
        #[arg(long, group = "what")]
        name: Option<String>,
        /// What it is about
        #[arg(long, value_name = "TEXT", group = "what")]
        description: Option<String>,
        /// Who sees it
        #[arg(long, value_enum, group = "what")]
        visibility: Option<Visibility>,
    },
    /// Remove a dataset with its documents
    Remove {
        /// Its name or id
        dataset: String,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Visibility {
    /// Its owner and the administrators
    Private,
    /// Everybody of the tenant
    Tenant,
    /// People who have not signed in, too
    Public,
}

impl Visibility {
    fn as_str(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Tenant => "tenant",
            Self::Public => "public",
        }
    }
}

/// Lists, adds, changes and removes datasets.
pub(super) fn run(config: &Config, options: &Options) -> Result<ExitCode> {
    let connection = Connection::open(config)?;
    let (done, name, answer) = match &options.action {
        None | Some(Action::List) => {
            list(&connection, options.json)?;
            return Ok(ExitCode::SUCCESS);
        }
        Some(Action::Add {
            name,
            description,
            visibility,
        }) => {
            let body = json!({
                "name": name,
                "description": description,
                "visibility": visibility.as_str(),
            });
            ("Added", name, connection.post("/api/datasets", &body)?)
        }
        Some(Action::Set {
            dataset,
            name,
            description,
            visibility,
        }) => {
            let path = path_of(&connection, dataset)?;
            let body = json!({
                "name": name,
                "description": description,
                "visibility": visibility.map(Visibility::as_str),
            });
            ("Changed", dataset, connection.patch(&path, &body)?)
        }
        Some(Action::Remove { dataset }) => {
            let path = path_of(&connection, dataset)?;
            ("Removed", dataset, connection.delete(&path)?)
        }
    };
    match options.json {
        true => print_json(&answer)?,
        false => println!("{done} {name}."),
    }
    Ok(ExitCode::SUCCESS)
}

fn path_of(connection: &Connection, name: &str) -> Result<String> {
    Ok(format!(
        "/api/datasets/{}",
        dataset_named(connection, name)?
    ))
}

fn list(connection: &Connection, json: bool) -> Result<()> {
    let datasets = all(connection)?;
    if json {
        return print_json(&json!(datasets));
    }
    println!(
        "{:<32} {:<10} {:>10} {:>10}",
        "name", "seen by", "documents", "passages"
    );
    for one in datasets {
        println!(
            "{:<32} {:<10} {:>10} {:>10}",
            word(&one, "name"),
            word(&one, "visibility"),
            one["document_count"],
            one["chunk_count"]
        );
    }
    Ok(())
}

fn all(connection: &Connection) -> Result<Vec<Value>> {
    let answer = connection.get("/api/datasets")?;
    Ok(answer["datasets"].as_array().cloned().unwrap_or_default())
}

/// The id of the dataset with this name or id.
pub(super) fn dataset_named(connection: &Connection, name: &str) -> Result<String> {
    let datasets = all(connection)?;
    chosen(&datasets, name).map(|one| word(one, "id").to_owned())
}

/// The one dataset that `wanted` means: several people may have a private one
/// of the same name, beside one that all see.
fn chosen<'a>(datasets: &'a [Value], wanted: &str) -> Result<&'a Value> {
    if let Some(one) = datasets.iter().find(|one| word(one, "id") == wanted) {
        return Ok(one);
    }
    let named: Vec<&Value> = datasets
        .iter()
        .filter(|one| is_named(one, "name", wanted))
        .collect();
    let shared = named
        .iter()
        .find(|one| word(one, "visibility") != "private");
    match (shared, named.as_slice()) {
        (Some(one), _) | (None, [one]) => Ok(one),
        (None, []) => {
            let names: Vec<&str> = datasets.iter().map(|one| word(one, "name")).collect();
            Err(anyhow!(
                "there is no dataset {wanted:?}; there are: {}",
                names.join(", ")
            ))
        }
        (None, several) => {
            let ids: Vec<&str> = several.iter().map(|one| word(one, "id")).collect();
            bail!(
                "{} people have a dataset {wanted:?}; say which by its id: {}",
                several.len(),
                ids.join(", ")
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

    fn dataset(id: &str, name: &str, visibility: &str) -> Value {
        json!({"id": id, "name": name, "visibility": visibility})
    }

    #[test]
    fn name_means_what_all_see_before_what_one_sees() {
        let all = [
            dataset("1", "Notes", "private"),
            dataset("2", "notes", "tenant"),
            dataset("3", "Diary", "private"),
            dataset("4", "Diary", "private"),
            dataset("5", "Own", "private"),
        ];
        let id = |wanted: &str| chosen(&all, wanted).map(|one| word(one, "id").to_owned());
        assert_eq!(id("NOTES").unwrap(), "2");
        assert_eq!(id("own").unwrap(), "5");
        assert_eq!(id("3").unwrap(), "3");
        assert!(id("diary").unwrap_err().to_string().contains("3, 4"));
        assert!(
            id("other")
                .unwrap_err()
                .to_string()
                .contains("Notes, notes")
        );
    }
}
