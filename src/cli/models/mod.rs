//! `satchel models`: list, download, choose and remove chat models.

mod file;
mod listing;
mod pull;

use super::connection::Connection;
use crate::config::Config;
use anyhow::{Result, anyhow, bail};
use clap::Subcommand;
use serde_json::{Value, json};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How often a load is asked about.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// How long loading may take: the largest models from the slowest disks.
const PATIENCE: Duration = Duration::from_secs(600);

#[derive(clap::Args)]
pub(super) struct Options {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand)]
enum Action {
    /// List what is installed and what can be downloaded (the default)
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Download a model; what was begun goes on where it stopped
    Pull {
        /// Name in the catalogue, or owner/repository[:FILE.gguf or :QUANTIZATION] on the hub
        name: String,
        /// Load it when it is there
        #[arg(long = "use")]
        then_use: bool,
    },
    /// Remove an installed model, or what has arrived of one
    Remove { name: String },
    /// Print all that is known about a model, or about a GGUF file anywhere
    Info {
        /// Name in the catalogue or of an installed file, or the path of a file
        name: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Answer with this model from now on
    Use { name: String },
    /// Answer with quotes from now on
    Unload,
}

/// Does what was asked for. Exit code 1: it did not work.
pub(super) fn run(config: &Config, options: &Options) -> Result<ExitCode> {
    if let Some(Action::Info { name, json }) = &options.action
        && let Some(path) = file::named(name)
    {
        file::print(&path, config.context_tokens, *json)?;
        return Ok(ExitCode::SUCCESS);
    }
    let connection = Connection::open(config)?;
    match &options.action {
        None => listing::print(&connection.get("/api/models")?),
        Some(Action::List { json }) => {
            let list = connection.get("/api/models")?;
            match json {
                true => println!("{}", serde_json::to_string_pretty(&list)?),
                false => listing::print(&list),
            }
        }
        Some(Action::Pull { name, then_use }) => {
            let file = pull::run(&connection, name)?;
            if *then_use {
                choose(&connection, &file)?;
            }
        }
        Some(Action::Remove { name }) => {
            connection.delete(&of_model(name, ""))?;
            println!("Removed {name}.");
        }
        Some(Action::Info { name, json }) => {
            let list = connection.get("/api/models")?;
            let found = listing::find(&list, name);
            let found = found.ok_or_else(|| {
                anyhow!("there is no model {name:?}; `satchel models` lists those that there are")
            })?;
            match json {
                true => println!("{}", serde_json::to_string_pretty(&found)?),
                false => listing::print_one(&found),
            }
        }
        Some(Action::Use { name }) => choose(&connection, name)?,
        Some(Action::Unload) => {
            connection.post("/api/models/unload", &json!({}))?;
            println!("No model is used: answers are quotes.");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Chooses a model and waits until it is loaded.
fn choose(connection: &Connection, name: &str) -> Result<()> {
    let chosen = connection.post(&of_model(name, "/use"), &json!({}))?;
    let file = chosen["name"].as_str().unwrap_or_default().to_owned();
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        let list = connection.get("/api/models")?;
        let models = list["models"].as_array().cloned().unwrap_or_default();
        let model = models.iter().find(|model| model["name"] == file.as_str());
        if model.is_some_and(|model| model["loaded"] == true) {
            println!("{file} is loaded.");
            return Ok(());
        }
        if let Value::String(error) = &list["error"] {
            bail!("{error}");
        }
        std::thread::sleep(LOOK_EVERY);
    }
    bail!("{file} is still being loaded")
}

/// The address of a model; what could end the name there is written in hexadecimal.
fn of_model(name: &str, action: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let mut path = String::from("/api/models/");
    for byte in name.bytes() {
        match plain(byte) {
            true => path.push(char::from(byte)),
            false => path += &format!("%{byte:02X}"),
        }
    }
    path + action
}

#[cfg(test)]
mod tests {
    use super::of_model;

    #[test]
    fn name_stays_one_part_of_the_address() {
        assert_eq!(
            of_model("a/b c?.gguf", "/use"),
            "/api/models/a%2Fb%20c%3F.gguf/use"
        );
    }
}
