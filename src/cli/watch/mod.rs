//! `satchel watch`: keeps a dataset in step with a folder. The folder is the
//! truth: each round compares what is in it with what the server has, and takes
//! the steps that are missing. A round that is cut off anywhere is made up for
//! by the next one. A server follows the folders that were chosen on its page in
//! the same way, as a client of itself ([`FolderKeeper`]).

mod folders;
mod follower;
mod library;
mod plan;
mod rhythm;
mod round;
mod scan;
mod wakes;
mod witness;

pub(super) use folders::FolderKeeper;

use super::connection::Connection;
use super::ingest::selection::PatternOptions;
use super::ingest::{dataset, metadata};
use crate::config::Config;
use anyhow::{Context, Result, bail};
use library::Library;
use rhythm::Rhythm;
use round::{Manner, Round};
use scan::Scanner;
use serde_json::Value;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use wakes::{INTERRUPTED, Wakes};
use witness::Terminal;

/// How long `--once` waits for what does not come to rest.
const RESTLESS: Duration = Duration::from_secs(60);

/// How often what goes on is looked at while something does.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How often everything is compared if nobody says, whatever the system tells of.
const RESCAN: Duration = Duration::from_secs(300);

/// How long after a failure all is tried again.
const AGAIN: Duration = Duration::from_secs(3);

#[derive(clap::Args)]
pub(super) struct Options {
    /// The folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Dataset to keep in step; made if there is none of this name
    #[arg(long, value_name = "NAME")]
    dataset: Option<String>,
    /// Metadata of all files, as a JSON object
    #[arg(long, value_name = "JSON", value_parser = metadata)]
    metadata: Option<Value>,
    #[command(flatten)]
    patterns: PatternOptions,
    /// Bring the dataset in step and end
    #[arg(long)]
    once: bool,
    /// Keep the documents of files that are removed
    #[arg(long)]
    keep_removed: bool,
    /// Remove all documents even if the folder is empty at the start
    #[arg(long)]
    allow_empty: bool,
    /// Compare everything so often, whatever changes the system tells of
    #[arg(long, value_name = "SECONDS", default_value_t = RESCAN.as_secs(),
          value_parser = clap::value_parser!(u64).range(1..))]
    rescan: u64,
}

/// Watches until told to end, or brings in step once. Exit code 1: some file is
/// not in the dataset as it should be.
pub(super) fn run(config: &Config, options: &Options) -> Result<ExitCode> {
    let folder = std::fs::canonicalize(&options.folder)
        .with_context(|| format!("cannot read {}", options.folder.display()))?;
    if !folder.is_dir() {
        bail!("{} is not a folder", folder.display());
    }
    let wakes = Wakes::new();
    wakes
        .end_on_signal()
        .context("the command could not be ended cleanly")?;
    let scanner = Scanner::new(folder.clone(), options.patterns.compile()?);
    let connection = Connection::open(config)?;
    let dataset = dataset(&connection, options.dataset.as_deref())?;
    let library = Library::new(connection, dataset, &folder, options.metadata.as_ref());
    let manner = Manner {
        keep_removed: options.keep_removed,
        allow_empty: options.allow_empty,
        advice: "To remove the documents, say --allow-empty",
    };
    let round = Round::new(scanner, library, manner, Box::new(Terminal::new()));
    match options.once {
        true => once(round, &wakes),
        false => on_and_on(config, options, round, wakes),
    }
}

fn once(mut round: Round, wakes: &Wakes) -> Result<ExitCode> {
    let began = Instant::now();
    while let Some(pause) = round.run(wakes)? {
        if wakes.is_stopping() || began.elapsed() > RESTLESS {
            break;
        }
        wakes.wait(pause);
    }
    while !round.settle()? && !wakes.is_stopping() {
        wakes.wait(LOOK_EVERY);
    }
    let is_in_step = round.conclude();
    if wakes.is_stopping() {
        return Ok(ExitCode::from(INTERRUPTED));
    }
    Ok(match is_in_step {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Goes on until somebody ends it, whatever becomes of the server or the disk.
fn on_and_on(
    config: &Config,
    options: &Options,
    mut round: Round,
    mut wakes: Wakes,
) -> Result<ExitCode> {
    // Before the first look, so that nothing happens unseen in between.
    if let Err(error) = wakes.follow(round.root()) {
        let seconds = options.rescan;
        eprintln!("satchel: the system tells of no changes ({error}): looking every {seconds} s");
    }
    let mut rhythm = Rhythm::new(Duration::from_secs(options.rescan));
    // What is wrong at the start, who started it can mend.
    rhythm.compare(&mut round, &wakes)?;
    let mut trouble = String::new();
    while !wakes.is_stopping() {
        match look(&mut rhythm, &mut round, &wakes) {
            Ok(()) => {
                if !std::mem::take(&mut trouble).is_empty() {
                    eprintln!("satchel: going on");
                }
            }
            Err(error) => {
                let reason = format!("{error:#}");
                if reason != trouble {
                    eprintln!("satchel: {reason}; trying again");
                    trouble = reason;
                }
                wakes.wait(AGAIN);
                rhythm.hurry(&mut round);
                // Whoever is still away is met by the next look.
                let _ = round.library.renew(config);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Waits for the next occasion to compare, and compares.
fn look(rhythm: &mut Rhythm, round: &mut Round, wakes: &Wakes) -> Result<()> {
    rhythm.settle(round)?;
    rhythm.wait(round, wakes);
    rhythm.compare(round, wakes)
}
