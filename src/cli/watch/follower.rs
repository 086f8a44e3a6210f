//! Follows one folder that was chosen on the page, on a thread of its own, as a
//! client of the server in this process and in the name of who chose it.

use super::library::Library;
use super::rhythm::Rhythm;
use super::round::{Manner, Round, Standing};
use super::scan::Scanner;
use super::wakes::{Stopper, Wakes};
use super::witness::Onlooker;
use super::{AGAIN, RESCAN};
use crate::cli::connection::Connection;
use crate::cli::ingest::selection::PatternOptions;
use crate::error::{ErrorKind, Fault, Kind};
use crate::service::{Service, WatchedFolder};
use crate::types::Time;
use anyhow::{Error, Result, bail};
use std::net::SocketAddr;
use std::path::Path;

/// What to do where an empty folder is not believed.
const ADVICE: &str = "Nothing is removed until it has files again. To remove the documents, \
    stop watching the folder and delete them";

/// Keeps a dataset in step with a folder until it is told to end, or nobody
/// wants it any more.
pub(super) struct Follower {
    service: Service,
    address: SocketAddr,
    folder: WatchedFolder,
    wakes: Wakes,
    rhythm: Rhythm,
    /// What went wrong last, while it does.
    trouble: Option<String>,
}

impl Follower {
    /// `address` is where the server of this process listens.
    pub(super) fn new(service: Service, address: SocketAddr, folder: WatchedFolder) -> Self {
        Self {
            service,
            address,
            folder,
            wakes: Wakes::new(),
            rhythm: Rhythm::new(RESCAN),
            trouble: None,
        }
    }

    /// With what it can be told to end.
    pub(super) fn stopper(&self) -> Stopper {
        self.wakes.stopper()
    }

    /// Follows; whatever goes wrong is noted and tried again.
    pub(super) fn run(mut self) {
        let mut round = None;
        while !self.wakes.is_stopping() {
            match self.turn(&mut round) {
                Ok(standing) => self.note(standing),
                // The server ends, and its requests with it.
                Err(_) if self.wakes.is_stopping() => break,
                Err(error) if is_unwanted(&error) => break,
                Err(error) => self.fails(round.as_mut(), format!("{error:#}")),
            }
        }
        self.service.forget_standing(&self.folder.id);
    }

    /// Waits for the next occasion to compare, and compares if it still may. The
    /// first time, and after something was wrong, that is at once.
    fn turn(&mut self, round: &mut Option<Round>) -> Result<Standing> {
        if let Some(round) = round
            && self.trouble.is_none()
        {
            self.rhythm.settle(round)?;
            // What was being read may be ready, and nothing else may happen for long.
            self.tell(round.standing());
            self.rhythm.wait(round, &self.wakes);
        }
        if self.wakes.is_stopping() {
            bail!("the folder is to be followed no longer");
        }
        let token = self.service.follow_folder(&self.folder.id)?;
        if let Some(round) = round {
            round.library.sign_in(token);
            self.rhythm.compare(round, &self.wakes)?;
            return Ok(round.standing());
        }
        // Before the first look, so that nothing happens unseen in between.
        self.listen();
        let round = round.insert(self.first_round(token)?);
        self.rhythm.compare(round, &self.wakes)?;
        Ok(round.standing())
    }

    fn first_round(&self, token: String) -> Result<Round> {
        let path = Path::new(&self.folder.path);
        let patterns = PatternOptions::parse(&self.folder.include, &self.folder.exclude)?;
        let scanner = Scanner::new(path.to_owned(), patterns.compile()?);
        let ended = self.wakes.stopper().stopping();
        let connection = Connection::within(self.address, token, ended);
        let dataset = self.folder.dataset_id.to_string();
        let library = Library::new(connection, dataset, path, None);
        let manner = Manner {
            keep_removed: false,
            allow_empty: false,
            advice: ADVICE,
        };
        let onlooker = Onlooker::new(self.service.clone(), self.folder.clone());
        Ok(Round::new(scanner, library, manner, Box::new(onlooker)))
    }

    /// Lets the system tell of changes, from now on.
    fn listen(&mut self) {
        let path = self.folder.path.as_str();
        if let Err(error) = self.wakes.follow(Path::new(path)) {
            let seconds = RESCAN.as_secs();
            tracing::warn!(folder = path, %error, seconds, "the system tells of no changes");
        }
    }

    fn note(&mut self, now: Standing) {
        if self.trouble.take().is_some() {
            tracing::info!(folder = %self.folder.path, "a watched folder is followed again");
            // What it was listened to may be gone, and another in its place.
            self.listen();
        }
        self.tell(now);
        self.service.note_standing(&self.folder.id, |standing| {
            standing.looked_at = Some(Time::now());
            standing.error = None;
        });
    }

    fn tell(&self, now: Standing) {
        self.service.note_standing(&self.folder.id, |standing| {
            standing.files = now.files;
            standing.left = 0;
            standing.unfinished = now.unfinished;
            standing.unsettled = now.waiting;
            standing.failed = now.failed.into_iter().collect();
        });
    }

    /// Says what is wrong, and waits before all is tried again.
    fn fails(&mut self, round: Option<&mut Round>, reason: String) {
        if self.trouble.as_ref() != Some(&reason) {
            tracing::warn!(folder = %self.folder.path, reason, "a watched folder is not followed");
        }
        self.service.note_standing(&self.folder.id, |standing| {
            standing.error = Some(reason.clone());
            standing.reading = None;
            standing.left = 0;
        });
        self.trouble = Some(reason);
        self.wakes.wait(AGAIN);
        if let Some(round) = round {
            self.rhythm.hurry(round);
        }
    }
}

/// Whether nobody wants the folder to be followed any more.
fn is_unwanted(error: &Error) -> bool {
    let fault = error.downcast_ref::<Fault>();
    fault.is_some_and(|fault| fault.kind() == ErrorKind::NotFound)
}
