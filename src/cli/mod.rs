//! The command line: reads arguments and settings, calls the product and
//! prints what comes back. Apart from `serve`, each command is a client of a
//! server: of the one that owns the data folder, or of one that it starts in
//! its own process for as long as it runs. So there is one way to do a thing.

mod ask;
mod backup;
mod bench;
mod connection;
mod custody;
mod datasets;
mod doctor;
pub mod eval;
mod evaluate;
mod event_stream;
mod feedback;
mod ingest;
mod keys;
mod models;
mod openapi;
mod people;
mod process;
mod reindex;
mod replay;
mod search;
mod serve;
mod tenants;
mod watch;

use crate::config::{Config, Layer};
use crate::telemetry;
use anyhow::Result;
use clap::{Parser, Subcommand};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The settings file that is read if none is named.
const SETTINGS_FILE: &str = "satchel.toml";

/// Your documents, a model to ask them and the page to ask on, in one executable.
///
/// Without a command, satchel serves the web page and the API on
/// http://127.0.0.1:8080 and prints where to go.
#[derive(Parser)]
#[command(name = "satchel", version)]
#[command(after_help = "Examples:
  satchel                                  serve on 127.0.0.1:8080
  satchel serve --listen 0.0.0.0:80        serve to the whole network
  satchel ingest report.pdf notes/         add documents
  satchel watch papers/                    keep them in step with a folder
  satchel models pull qwen2.5-1.5b         download a chat model
  satchel ask \"When was the report filed?\"
  satchel search --k 3 \"filing date\"
  curl -H \"Authorization: Bearer $(satchel token)\" http://127.0.0.1:8080/api/status")]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    common: Common,
}

#[derive(clap::Args, Clone, Default)]
struct Common {
    /// Settings file [default: satchel.toml in the data folder or here, if it exists]
    #[arg(long, env = "SATCHEL_CONFIG", value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: Layer,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the web page and the API (the default)
    Serve(Box<Layer>),
    /// Add files, folders and .jsonl collections, and wait until they can be asked
    Ingest(ingest::Options),
    /// Keep a dataset in step with a folder, as it changes
    Watch(watch::Options),
    /// Ask a question and print the answer with its sources
    Ask(ask::Options),
    /// Print the passages that fit a query best
    Search(search::Options),
    /// Answer once more what was answered, and print what differs
    Replay(replay::Options),
    /// List, download, choose and remove chat models
    Models(models::Options),
    /// Print an access token for scripts, valid for 30 days
    Token(people::TokenOptions),
    /// List, add, change and remove users
    Users(people::UsersOptions),
    /// List, add, change and remove tenants, whose users see nothing of each other
    Tenants(tenants::Options),
    /// List, add, change and remove datasets, and say who sees them
    Datasets(datasets::Options),
    /// List, add and remove API keys, with which programs sign in
    Keys(keys::Options),
    /// Copy documents, chats and accounts into one file, also while a server runs
    Backup(backup::BackupOptions),
    /// Fill the data folder from a backup
    Restore(backup::RestoreOptions),
    /// Write everything, or all that one user has, into a ZIP archive
    Export(custody::ExportOptions),
    /// Erase all that one user has, or everything, so that nothing is left
    Erase(custody::EraseOptions),
    /// Print what people think of answers
    Feedback(feedback::Options),
    /// Print a settings file with every setting, its meaning and its default
    Config(ConfigOptions),
    /// Print the description of the API: OpenAPI 3.1, or a Postman collection
    Openapi(openapi::Options),
    /// Make both indexes anew from the database, while searches go on
    Reindex(reindex::Options),
    /// Check that everything is in order: data, indexes, models
    Doctor(doctor::Options),
    /// Measure how fast a chat model reads and writes on this machine
    Bench(bench::Options),
    /// Measure retrieval and answers on a published test collection, or on the own gold set
    Eval(evaluate::Options),
}

#[derive(clap::Args)]
struct ConfigOptions {
    /// Print the settings in force instead
    #[arg(long)]
    effective: bool,
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("satchel: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<ExitCode> {
    let Arguments { command, common } = arguments;
    let Common { config, settings } = common;
    let (settings, serves) = match &command {
        None => (settings, true),
        Some(Command::Serve(own)) => ((**own).clone().or(settings), true),
        Some(_) => (settings, false),
    };
    let quiet = !serves && settings.log.is_none();
    let config = resolve(settings, config.as_deref())?;
    set_threads(&config);
    process::share_memory();
    if !serves {
        process::end_with_reader();
    }
    // What a command has to say it prints itself.
    let filter = if quiet { "error" } else { config.log.as_str() };
    telemetry::start(config.log_format, filter);
    match command {
        None | Some(Command::Serve(_)) => serve::run(config),
        Some(Command::Ingest(options)) => ingest::run(&config, &options),
        Some(Command::Watch(options)) => watch::run(&config, &options),
        Some(Command::Ask(options)) => ask::run(&config, &options),
        Some(Command::Search(options)) => search::run(&config, &options),
        Some(Command::Replay(options)) => replay::run(&config, &options),
        Some(Command::Models(options)) => models::run(&config, &options),
        Some(Command::Token(options)) => people::token(&config, &options),
        Some(Command::Users(options)) => people::users(&config, &options),
        Some(Command::Tenants(options)) => tenants::run(&config, &options),
        Some(Command::Datasets(options)) => datasets::run(&config, &options),
        Some(Command::Keys(options)) => keys::run(&config, &options),
        Some(Command::Backup(options)) => backup::backup(&config, &options),
        Some(Command::Restore(options)) => backup::restore(&config, &options),
        Some(Command::Export(options)) => custody::export(&config, &options),
        Some(Command::Erase(options)) => custody::erase(&config, &options),
        Some(Command::Feedback(options)) => feedback::run(&config, &options),
        Some(Command::Openapi(options)) => openapi::run(&options),
        Some(Command::Config(options)) => {
            print_config(&config, &options);
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::Reindex(options)) => reindex::run(&config, &options),
        Some(Command::Doctor(options)) => doctor::run(&config, &options),
        Some(Command::Bench(options)) => bench::run(&config, &options),
        Some(Command::Eval(options)) => evaluate::run(&config, &options),
    }
}

/// Command line and environment over the settings file over the defaults.
fn resolve(top: Layer, named: Option<&Path>) -> Result<Config> {
    let without_file = Config::resolve(top.clone(), Layer::default());
    let beside_data = without_file.data_dir.join(SETTINGS_FILE);
    let here = PathBuf::from(SETTINGS_FILE);
    let file = match named {
        Some(path) => Some(path),
        None => [&beside_data, &here]
            .into_iter()
            .find(|path| path.is_file())
            .map(PathBuf::as_path),
    };
    Ok(match file {
        Some(path) => Config::resolve(top, Config::read_file(path)?),
        None => without_file,
    })
}

fn print_config(config: &Config, options: &ConfigOptions) {
    if options.effective {
        println!("{config:#?}");
    } else {
        print!("{}", Layer::example());
    }
}

/// The inference library takes the size of its thread pools from the environment.
fn set_threads(config: &Config) {
    if config.threads == 0 {
        return;
    }
    for name in ["RAYON_NUM_THREADS", "CANDLE_NUM_THREADS"] {
        // SAFETY: called before any other thread was started.
        #[allow(unsafe_code)]
        unsafe {
            std::env::set_var(name, config.threads.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Arguments, Command};
    use clap::{CommandFactory, Parser};

    #[test]
    fn arguments_are_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn serving_is_the_default_and_takes_settings_in_both_forms() {
        let plain = Arguments::parse_from(["satchel", "--rate-limit", "7"]);
        assert!(plain.command.is_none());
        assert_eq!(plain.common.settings.rate_limit, Some(7));
        let named = Arguments::parse_from(["satchel", "serve", "--rate-limit", "7"]);
        let Some(Command::Serve(settings)) = named.command else {
            panic!("not serve");
        };
        assert_eq!(settings.rate_limit, Some(7));
    }

    #[test]
    fn data_folder_can_be_given_before_and_after_a_command() {
        let after = Arguments::parse_from(["satchel", "search", "--data-dir", "x", "query"]);
        assert_eq!(after.common.settings.data_dir, Some("x".into()));
        let before = Arguments::parse_from(["satchel", "--data-dir", "x", "search", "query"]);
        assert_eq!(before.common.settings.data_dir, Some("x".into()));
    }
}
