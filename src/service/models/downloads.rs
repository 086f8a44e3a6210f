//! Downloads of models: a queue that one thread works off, so that each gets
//! all of the line. Must not know what becomes of a file that has arrived.

use super::{Changes, ModelEvent};
use crate::engine::hub::{self, Hub, HubError, Phase, Progress, RemoteFile};
use crate::error::Fault;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often listeners hear how far a download is.
const TELL_EVERY: Duration = Duration::from_millis(250);

/// What a download is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DownloadState {
    /// Another one is before it.
    Waiting,
    Connecting,
    Receiving,
    /// The connection broke; another try follows.
    Retrying,
    Checking,
    /// Stopped; what has arrived is kept.
    Paused,
    Failed,
    /// The file is installed.
    Done,
    /// Given up; nothing is kept.
    Discarded,
}

impl DownloadState {
    /// Its name on wires.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Connecting => "connecting",
            Self::Receiving => "receiving",
            Self::Retrying => "retrying",
            Self::Checking => "checking",
            Self::Paused => "paused",
            Self::Failed => "failed",
            Self::Done => "done",
            Self::Discarded => "discarded",
        }
    }

    /// Whether something is still happening.
    pub fn is_active(self) -> bool {
        !matches!(
            self,
            Self::Paused | Self::Failed | Self::Done | Self::Discarded
        )
    }
}

/// A download.
#[derive(Debug, Clone, PartialEq)]
pub struct Download {
    /// The name of the file.
    pub file: String,
    pub repository: String,
    pub state: DownloadState,
    pub received_bytes: u64,
    pub total_bytes: Option<u64>,
    /// 0 while nothing arrives.
    pub bytes_per_s: u64,
    pub error: Option<String>,
}

/// The downloads, and the thread that does them.
pub(super) struct Downloads {
    shared: Arc<Shared>,
}

struct Shared {
    folder: PathBuf,
    changes: Changes,
    queue: Mutex<Queue>,
    changed: Condvar,
    /// Called when a file was installed.
    installed: Box<dyn Fn() + Send + Sync>,
}

#[derive(Default)]
struct Queue {
    entries: Vec<Entry>,
    /// The thread is started by the first download.
    working: bool,
    stopping: bool,
}

struct Entry {
    hub: Arc<Hub>,
    remote: RemoteFile,
    seen: Download,
    wish: Wish,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wish {
    GoOn,
    Pause,
    Discard,
}

impl Downloads {
    pub(super) fn new(
        folder: PathBuf,
        changes: Changes,
        installed: Box<dyn Fn() + Send + Sync>,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                folder,
                changes,
                queue: Mutex::default(),
                changed: Condvar::new(),
                installed,
            }),
        }
    }

    /// All that are not done: those in the queue, and those that were begun.
    pub(super) fn list(&self) -> Vec<Download> {
        let queue = self.shared.lock();
        let mut all: Vec<Download> = queue.entries.iter().map(|one| one.seen.clone()).collect();
        for begun in hub::unfinished(&self.shared.folder) {
            if all.iter().all(|one| one.file != begun.name) {
                all.push(Download {
                    file: begun.name,
                    repository: begun.repository,
                    state: DownloadState::Paused,
                    received_bytes: begun.received,
                    total_bytes: begun.bytes,
                    bytes_per_s: 0,
                    error: None,
                });
            }
        }
        all
    }

    /// The download of this file, if it is under way.
    pub(super) fn active(&self, file: &str) -> Option<Download> {
        let queue = self.shared.lock();
        let mut entries = queue.entries.iter().map(|one| &one.seen);
        entries
            .find(|seen| seen.file == file && seen.state.is_active())
            .cloned()
    }

    /// Puts a file in the queue.
    pub(super) fn add(&self, hub: Arc<Hub>, remote: RemoteFile) -> Result<Download, Fault> {
        let begun = hub::unfinished(&self.shared.folder);
        let begun = begun.into_iter().find(|one| one.name == remote.name);
        let seen = Download {
            file: remote.name.clone(),
            repository: remote.repository.clone(),
            state: DownloadState::Waiting,
            received_bytes: begun.map_or(0, |begun| begun.received),
            total_bytes: remote.bytes,
            bytes_per_s: 0,
            error: None,
        };
        let mut queue = self.shared.lock();
        let same = |one: &Entry| one.seen.file == remote.name;
        if let Some(active) = queue.entries.iter().find(|one| same(one))
            && active.seen.state.is_active()
        {
            return Ok(active.seen.clone());
        }
        queue.entries.retain(|one| !same(one));
        queue.entries.push(Entry {
            hub,
            remote,
            seen: seen.clone(),
            wish: Wish::GoOn,
        });
        if !queue.working {
            let shared = Arc::clone(&self.shared);
            let thread = std::thread::Builder::new().name("satchel-downloads".to_owned());
            let started = thread.spawn(move || shared.work());
            started.map_err(|error| Fault::internal(format!("no thread for it: {error}")))?;
            queue.working = true;
        }
        drop(queue);
        self.shared.changed.notify_all();
        self.shared.tell(&seen);
        Ok(seen)
    }

    /// Stops a download and keeps what has arrived. Whether there was one.
    pub(super) fn pause(&self, file: &str) -> bool {
        self.wish(file, Wish::Pause)
    }

    /// Stops a download and removes what has arrived. Whether there was any.
    pub(super) fn discard(&self, file: &str) -> Result<bool, HubError> {
        if self.wish(file, Wish::Discard) {
            return Ok(true);
        }
        let begun = hub::unfinished(&self.shared.folder);
        let failed = {
            let mut queue = self.shared.lock();
            let before = queue.entries.len();
            queue.entries.retain(|one| one.seen.file != file);
            queue.entries.len() < before
        };
        if !failed && begun.iter().all(|one| one.name != file) {
            return Ok(false);
        }
        hub::discard(&self.shared.folder, file)?;
        // An error means that nobody listens.
        let _ = self.shared.changes.send(ModelEvent::Changed);
        Ok(true)
    }

    fn wish(&self, file: &str, wish: Wish) -> bool {
        let mut queue = self.shared.lock();
        let mut entries = queue.entries.iter_mut();
        let found = entries.find(|one| one.seen.file == file && one.seen.state.is_active());
        let there = found.map(|entry| entry.wish = wish).is_some();
        drop(queue);
        self.shared.changed.notify_all();
        there
    }

    /// Ends the download in hand; it can go on at the next start.
    pub(super) fn stop(&self) {
        self.shared.lock().stopping = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, seen: &Download) {
        // An error means that nobody listens.
        let _ = self.changes.send(ModelEvent::Download(seen.clone()));
    }

    /// Does one after the other until the service stops.
    fn work(&self) {
        while let Some((hub, remote)) = self.next() {
            tracing::info!(file = %remote.name, repository = %remote.repository, "downloading a model");
            let mut meter = Meter::new();
            let result = hub.download(&remote, &self.folder, &mut |progress| {
                self.progress(&remote.name, progress, &mut meter)
            });
            self.ended(&remote.name, result.map(drop));
        }
    }

    fn next(&self) -> Option<(Arc<Hub>, RemoteFile)> {
        let mut queue = self.lock();
        loop {
            if queue.stopping {
                return None;
            }
            let waiting = |one: &&Entry| one.seen.state == DownloadState::Waiting;
            if let Some(entry) = queue.entries.iter().find(waiting) {
                return Some((Arc::clone(&entry.hub), entry.remote.clone()));
            }
            queue = self
                .changed
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes note of progress, and says whether to go on.
    fn progress(&self, file: &str, progress: Progress, meter: &mut Meter) -> ControlFlow<()> {
        let mut queue = self.lock();
        let stopping = queue.stopping;
        let Some(entry) = queue.entries.iter_mut().find(|one| one.seen.file == file) else {
            return ControlFlow::Break(());
        };
        if stopping || entry.wish != Wish::GoOn {
            return ControlFlow::Break(());
        }
        let state = match progress.phase {
            Phase::Connecting => DownloadState::Connecting,
            Phase::Receiving => DownloadState::Receiving,
            Phase::Waiting => DownloadState::Retrying,
            Phase::Checking => DownloadState::Checking,
        };
        let speed = match state {
            DownloadState::Receiving => meter.speed(progress.received),
            _ => {
                meter.pause(progress.received);
                0
            }
        };
        let new_state = entry.seen.state != state;
        entry.seen.state = state;
        entry.seen.received_bytes = progress.received;
        entry.seen.total_bytes = progress.total.or(entry.seen.total_bytes);
        entry.seen.bytes_per_s = speed;
        if new_state || meter.is_time_to_tell() {
            let seen = entry.seen.clone();
            drop(queue);
            self.tell(&seen);
        }
        ControlFlow::Continue(())
    }

    fn ended(&self, file: &str, result: Result<(), HubError>) {
        let mut queue = self.lock();
        let Some(place) = queue.entries.iter().position(|one| one.seen.file == file) else {
            return;
        };
        let Some(entry) = queue.entries.get_mut(place) else {
            return;
        };
        let discarded = entry.wish == Wish::Discard;
        entry.seen.bytes_per_s = 0;
        entry.seen.state = match &result {
            Ok(()) => DownloadState::Done,
            Err(HubError::Stopped) if discarded => DownloadState::Discarded,
            Err(HubError::Stopped) => DownloadState::Paused,
            Err(_) => DownloadState::Failed,
        };
        if let (DownloadState::Failed, Err(error)) = (entry.seen.state, &result) {
            tracing::warn!(file, %error, "the download failed");
            entry.seen.error = Some(error.to_string());
        }
        let seen = entry.seen.clone();
        // Before it leaves the queue: who does not see it there any more may
        // begin again, or count on nothing being left.
        if discarded && result.is_err() {
            self.discard(file);
        }
        // Why one failed is kept until it is tried again.
        if seen.state != DownloadState::Failed || discarded {
            queue.entries.remove(place);
        }
        drop(queue);
        if result.is_ok() {
            tracing::info!(file, "the model is installed");
            (self.installed)();
        }
        self.tell(&seen);
        // An error means that nobody listens.
        let _ = self.changes.send(ModelEvent::Changed);
    }

    fn discard(&self, file: &str) {
        if let Err(error) = hub::discard(Path::new(&self.folder), file) {
            tracing::warn!(file, %error, "what had arrived was not removed");
        }
    }
}

/// How fast bytes arrive, over the last few seconds.
struct Meter {
    since: Instant,
    from: Option<u64>,
    speed: f64,
    told: Instant,
}

/// How much of the former speed stays after each look.
const INERTIA: f64 = 0.7;

impl Meter {
    fn new() -> Self {
        Self {
            since: Instant::now(),
            from: None,
            speed: 0.0,
            told: Instant::now(),
        }
    }

    fn pause(&mut self, received: u64) {
        self.since = Instant::now();
        self.from = Some(received);
        self.speed = 0.0;
    }

    fn speed(&mut self, received: u64) -> u64 {
        let from = *self.from.get_or_insert(received);
        let seconds = self.since.elapsed().as_secs_f64();
        if seconds >= TELL_EVERY.as_secs_f64() {
            let now = received.saturating_sub(from) as f64 / seconds;
            self.speed = match self.speed > 0.0 {
                true => INERTIA * self.speed + (1.0 - INERTIA) * now,
                false => now,
            };
            self.since = Instant::now();
            self.from = Some(received);
        }
        self.speed as u64
    }

    fn is_time_to_tell(&mut self) -> bool {
        let is_time = self.told.elapsed() >= TELL_EVERY;
        if is_time {
            self.told = Instant::now();
        }
        is_time
    }
}
