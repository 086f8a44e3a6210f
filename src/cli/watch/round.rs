//! One comparison of the folder with the dataset, and the steps that it asks for.

use super::library::{Library, Trouble};
use super::plan::{Known, Step, plan};
use super::scan::{Found, SETTLED, Scan, Scanner, Stamp, is_as};
use super::wakes::Wakes;
use super::witness::Witness;
use super::{AGAIN, LOOK_EVERY};
use crate::service::Contents;
use anyhow::{Result, bail};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::{Duration, Instant};

/// What was done since the last summary.
#[derive(Default)]
struct Tally {
    added: usize,
    changed: usize,
    renamed: usize,
    removed: usize,
}

/// What a round may do.
pub(super) struct Manner {
    /// Documents of files that are removed stay.
    pub(super) keep_removed: bool,
    /// An empty folder is believed.
    pub(super) allow_empty: bool,
    /// What to do where it is not believed.
    pub(super) advice: &'static str,
}

/// How the folder and the dataset stand after a round.
pub(super) struct Standing {
    pub(super) files: usize,
    /// Files that are perhaps still being written, or gone for a moment.
    pub(super) waiting: usize,
    /// Documents that are still being read or embedded.
    pub(super) unfinished: usize,
    /// Files that are not in the dataset as they should be, and why.
    pub(super) failed: BTreeMap<String, String>,
}

/// The state from one comparison to the next; all of it can be lost.
pub(super) struct Round {
    scanner: Scanner,
    pub(super) library: Library,
    manner: Manner,
    /// What was found by the last round that left nothing to do.
    in_step_with: Option<Scan>,
    /// Files that were refused as they are, and why.
    refused: HashMap<String, (Stamp, String)>,
    /// Since when the file of a document is gone: editors take one away for a moment.
    gone: HashMap<String, Instant>,
    /// Why files are not in the dataset as they should be, as of the last round.
    troubles: BTreeMap<String, String>,
    /// The same, as far as it was said.
    told: HashMap<String, String>,
    /// Whether another attempt may help.
    try_again: bool,
    tally: Tally,
    files: usize,
    waiting: usize,
    has_news: bool,
    witness: Box<dyn Witness>,
}

impl Round {
    pub(super) fn new(
        scanner: Scanner,
        library: Library,
        manner: Manner,
        witness: Box<dyn Witness>,
    ) -> Self {
        Self {
            scanner,
            library,
            manner,
            in_step_with: None,
            refused: HashMap::new(),
            gone: HashMap::new(),
            troubles: BTreeMap::new(),
            told: HashMap::new(),
            try_again: false,
            tally: Tally::default(),
            files: 0,
            waiting: 0,
            has_news: true,
            witness,
        }
    }

    pub(super) fn root(&self) -> &Path {
        self.scanner.root()
    }

    /// Whether there is something to say since the last summary.
    pub(super) fn has_news(&self) -> bool {
        self.has_news
    }

    /// Compares and takes the steps. Gives back after which time to compare
    /// again, if something has to wait: a file that is being written, a removal
    /// that may be none, a server that was busy.
    pub(super) fn run(&mut self, wakes: &Wakes) -> Result<Option<Duration>> {
        let mut scan = self.scanner.scan()?;
        if !self.library.is_stale && self.in_step_with.as_ref() == Some(&scan) {
            return Ok(None);
        }
        self.in_step_with = None;
        if self.library.is_stale {
            self.library.list()?;
        }
        self.check_empty(&scan)?;
        self.files = scan.files.len() + scan.unsettled.len();
        self.try_again = false;
        self.troubles.clear();
        for (path, reason) in &scan.unreadable {
            self.tell(path, reason);
        }
        let contents = self.contents(&mut scan, wakes);
        let documents = self.library.documents.iter();
        let documents: Vec<Known> = documents.map(|one| one.known.clone()).collect();
        let steps = plan(&contents, |path| scan.is_undecided(path), &documents);
        let before = std::mem::take(&mut self.gone);
        let mut done = 0;
        for step in &steps {
            if wakes.is_stopping() {
                break;
            }
            done += 1;
            if let Step::Remove { id, is_gone, .. } = step
                && *is_gone
                && !self.may_remove(id, &before)
            {
                continue;
            }
            let left = steps.len() - done;
            let (path, _) = of(step);
            self.witness.begins(path, left);
            let taken = self.take(step, &scan, &contents);
            self.witness.ends();
            taken?;
        }
        self.waiting = scan.unsettled.len() + self.gone.len();
        // What is well by now may be told again.
        let troubles = &self.troubles;
        self.told.retain(|path, _| troubles.contains_key(path));
        if self.library.is_stale && !wakes.is_stopping() {
            self.library.list()?;
        }
        Ok(match (self.waiting, self.try_again) {
            (0, false) => {
                self.in_step_with = (done == steps.len()).then_some(scan);
                None
            }
            (0, true) => Some(AGAIN),
            _ => Some(LOOK_EVERY),
        })
    }

    /// Whether the file of a document has been away for long enough.
    fn may_remove(&mut self, id: &str, before: &HashMap<String, Instant>) -> bool {
        if self.manner.keep_removed {
            return false;
        }
        let since = before.get(id).copied().unwrap_or_else(Instant::now);
        let may = since.elapsed() >= SETTLED;
        if !may {
            self.gone.insert(id.to_owned(), since);
        }
        may
    }

    /// An empty folder at the start is more often a disk that is not there
    /// than the wish to lose everything.
    fn check_empty(&mut self, scan: &Scan) -> Result<()> {
        let is_empty = scan.files.is_empty() && scan.unsettled.is_empty();
        let own = self.library.own().count();
        let Manner {
            keep_removed,
            allow_empty,
            advice,
        } = self.manner;
        if is_empty && own > 0 && !allow_empty && !keep_removed {
            bail!(
                "{} has no files, and {own} documents came from it: is its disk there? {advice}",
                self.root().display()
            );
        }
        // What is emptied under our eyes is meant.
        self.manner.allow_empty = true;
        Ok(())
    }

    /// What the files hold, as far as it can be told now.
    fn contents(&mut self, scan: &mut Scan, wakes: &Wakes) -> BTreeMap<String, Contents> {
        for one in self.library.own() {
            let Some((path, stamp)) = one.known.path.as_ref().zip(one.stamp) else {
                continue;
            };
            let is_same = scan.files.get(path).is_some_and(|one| one.stamp == stamp);
            // The size of a record says nothing about its file.
            let is_record = path.to_ascii_lowercase().ends_with(".jsonl");
            if is_same && !is_record && !self.scanner.knows(path, stamp) {
                let contents = Contents::Whole(one.known.sha256.clone());
                self.scanner.learn(path, stamp, contents);
            }
        }
        let mut contents = BTreeMap::new();
        for (path, found) in scan.files.clone() {
            if wakes.is_stopping() {
                scan.put_off(&path);
                continue;
            }
            match self.scanner.contents(&path, &found) {
                Ok(Some(known)) => drop(contents.insert(path, known)),
                Ok(None) => scan.put_off(&path),
                Err(error) => {
                    let reason = format!("{error:#}");
                    self.tell(&path, &reason);
                    scan.files.remove(&path);
                    scan.unreadable.insert(path, reason);
                }
            }
        }
        contents
    }

    /// Takes one step and says so. Only a server that is not there is an error.
    fn take(
        &mut self,
        step: &Step,
        scan: &Scan,
        contents: &BTreeMap<String, Contents>,
    ) -> Result<()> {
        let (path, id) = of(step);
        if let Step::Remove { .. } = step {
            return match self.library.remove(id) {
                Ok(()) => {
                    self.say(step);
                    Ok(())
                }
                Err(trouble) => self.bear(trouble, path, None),
            };
        }
        let Some((found, contents)) = scan.files.get(path).zip(contents.get(path)) else {
            return Ok(());
        };
        if let Some((stamp, reason)) = self.refused.get(path)
            && *stamp == found.stamp
        {
            let reason = reason.clone();
            self.tell(path, &reason);
            return Ok(());
        }
        if !is_as(found) {
            // The next round sees what it is now.
            self.try_again = true;
            return Ok(());
        }
        let done = match step {
            Step::Add { .. } => self.library.add(path, found, contents),
            Step::Replace { .. } => self.library.replace(id, path, found, contents),
            _ => self.library.rename(id, path, found),
        };
        match done {
            Ok(()) => {
                self.told.remove(path);
                self.say(step);
                Ok(())
            }
            Err(trouble) => self.bear(trouble, path, Some(found)),
        }
    }

    fn bear(&mut self, trouble: Trouble, path: &str, found: Option<&Found>) -> Result<()> {
        // What was stored nevertheless, such as a document that failed, is asked.
        self.library.is_stale = true;
        match trouble {
            Trouble::Lost(error) => return Err(error),
            Trouble::Later(reason) => {
                self.tell(path, &reason);
                self.try_again = true;
            }
            Trouble::Refused(reason) => {
                self.tell(path, &reason);
                if let Some(found) = found {
                    let refused = (found.stamp, reason);
                    self.refused.insert(path.to_owned(), refused);
                }
            }
        }
        Ok(())
    }

    fn say(&mut self, step: &Step) {
        let line = match step {
            Step::Add { path } => {
                self.tally.added += 1;
                format!("added    {path}")
            }
            Step::Replace { path, .. } => {
                self.tally.changed += 1;
                format!("changed  {path}")
            }
            Step::Rename { from, path, .. } => {
                self.tally.renamed += 1;
                format!("renamed  {from} -> {path}")
            }
            // A line of a collection, or a file that is now a copy of another.
            Step::Remove { is_gone: false, .. } => return,
            Step::Remove { path, .. } => {
                self.tally.removed += 1;
                format!("removed  {path}")
            }
        };
        self.has_news = true;
        self.witness.did(&line);
    }

    /// Notes why a file is not in the dataset as it should be, and says it once.
    fn tell(&mut self, path: &str, reason: &str) {
        self.troubles.insert(path.to_owned(), reason.to_owned());
        let before = self.told.insert(path.to_owned(), reason.to_owned());
        if before.as_deref() != Some(reason) {
            self.has_news = true;
            self.witness.failed(path, reason);
        }
    }

    /// Whether all that was added can be asked by now.
    pub(super) fn settle(&mut self) -> Result<bool> {
        if self.library.unfinished() > 0 {
            if self.library.count_unfinished()? > 0 {
                return Ok(false);
            }
            self.library.list()?;
        }
        Ok(self.library.unfinished() == 0)
    }

    /// How all stands now.
    pub(super) fn standing(&self) -> Standing {
        let mut failed = self.troubles.clone();
        failed.extend(self.library.failed());
        Standing {
            files: self.files,
            waiting: self.waiting,
            unfinished: self.library.unfinished(),
            failed,
        }
    }

    /// Sums up since the last time. Gives back whether every file is in the dataset.
    pub(super) fn conclude(&mut self) -> bool {
        self.has_news = false;
        let Standing { failed, .. } = self.standing();
        // An image is in the dataset as it should be: as one that was not read.
        let unread = self.library.unread();
        let lacking = failed.len().saturating_sub(unread);
        let is_in_step = lacking == 0 && self.waiting == 0;
        let Tally {
            added,
            changed,
            renamed,
            removed,
        } = std::mem::take(&mut self.tally);
        let parts = [
            (added, "added"),
            (changed, "changed"),
            (renamed, "renamed"),
            (removed, "removed"),
            (lacking, "failed"),
            (unread, "without text"),
            (self.waiting, "still changing"),
        ];
        let mut line = match is_in_step {
            true => "in step: ".to_owned(),
            false => "not in step: ".to_owned(),
        };
        line += &match self.files {
            1 => "1 file".to_owned(),
            files => format!("{files} files"),
        };
        for (count, what) in parts.iter().filter(|(count, _)| *count > 0) {
            line += &format!(", {count} {what}");
        }
        self.witness.concludes(&format!("{line}."), &failed);
        is_in_step
    }
}

/// The file of a step, and its document; empty where there is none yet.
fn of(step: &Step) -> (&str, &str) {
    match step {
        Step::Add { path } => (path, ""),
        Step::Replace { id, path }
        | Step::Rename { id, path, .. }
        | Step::Remove { id, path, .. } => (path, id),
    }
}
