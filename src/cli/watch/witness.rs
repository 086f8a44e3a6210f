//! Who hears what is done while it is done: a terminal, or the page.

use crate::service::{Service, WatchedFolder};
use indicatif::ProgressBar;
use std::collections::BTreeMap;
use std::time::Duration;

/// How often the mark turns that says that something is being done.
const TICK: Duration = Duration::from_millis(100);

/// Hears what becomes of each file.
pub(super) trait Witness {
    /// A step begins, and so many come after it.
    fn begins(&mut self, path: &str, left: usize);
    /// It has ended.
    fn ends(&mut self);
    /// Something was changed.
    fn did(&mut self, line: &str);
    /// A file is not in the dataset as it should be; said once.
    fn failed(&mut self, path: &str, reason: &str);
    /// All that could be done is done.
    fn concludes(&mut self, summary: &str, failed: &BTreeMap<String, String>);
}

/// Whoever started the command.
pub(super) struct Terminal {
    bar: ProgressBar,
}

impl Terminal {
    pub(super) fn new() -> Self {
        Self {
            bar: ProgressBar::new_spinner(),
        }
    }
}

impl Witness for Terminal {
    fn begins(&mut self, path: &str, left: usize) {
        self.bar.set_message(format!("{path} ({left} more)"));
        self.bar.enable_steady_tick(TICK);
    }

    fn ends(&mut self) {
        self.bar.disable_steady_tick();
        self.bar.finish_and_clear();
    }

    fn did(&mut self, line: &str) {
        self.bar.suspend(|| println!("{line}"));
    }

    fn failed(&mut self, path: &str, reason: &str) {
        self.bar.suspend(|| eprintln!("failed   {path}: {reason}"));
    }

    fn concludes(&mut self, summary: &str, failed: &BTreeMap<String, String>) {
        println!("{summary}");
        for (path, reason) in failed {
            println!("  failed: {path}: {reason}");
        }
    }
}

/// Who looks at the list of watched folders. The log names no files but for who
/// asks for it by its filter.
pub(super) struct Onlooker {
    service: Service,
    folder: WatchedFolder,
}

impl Onlooker {
    pub(super) fn new(service: Service, folder: WatchedFolder) -> Self {
        Self { service, folder }
    }
}

impl Witness for Onlooker {
    fn begins(&mut self, path: &str, left: usize) {
        self.service.note_standing(&self.folder.id, |standing| {
            // What was wrong no longer is.
            standing.error = None;
            standing.reading = Some(path.to_owned());
            standing.left = left;
        });
    }

    fn ends(&mut self) {
        self.service.note_standing(&self.folder.id, |standing| {
            standing.reading = None;
        });
    }

    fn did(&mut self, line: &str) {
        tracing::debug!(folder = %self.folder.path, line, "a watched folder has changed");
    }

    fn failed(&mut self, path: &str, reason: &str) {
        tracing::debug!(folder = %self.folder.path, path, reason, "a file was not read");
    }

    fn concludes(&mut self, summary: &str, _: &BTreeMap<String, String>) {
        tracing::debug!(folder = %self.folder.path, summary, "a watched folder was compared");
    }
}
