//! What ends the wait between two looks at the folder: the system tells of a
//! change, somebody wants the end, or the time is over. What the system tells
//! is a hint and no more: it may be late, doubled or missing.

use crate::cli::serve::stop_signal;
use crossbeam_channel::{Receiver, Sender, bounded};
use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Changes come in flocks; the end of one is so long a silence.
const SILENCE: Duration = Duration::from_millis(300);

/// A flock is looked at after this time at the latest.
const LONGEST_FLOCK: Duration = Duration::from_secs(3);

/// Exit code of a command that was ended from outside, as shells have it.
pub(super) const INTERRUPTED: u8 = 130;

/// Waits for what may happen.
pub(super) struct Wakes {
    sender: Sender<()>,
    receiver: Receiver<()>,
    stopping: Arc<AtomicBool>,
    /// Tells of changes as long as it lives.
    watcher: Option<RecommendedWatcher>,
}

/// Ends the wait from elsewhere, for good.
#[derive(Clone)]
pub(super) struct Stopper {
    sender: Sender<()>,
    stopping: Arc<AtomicBool>,
}

impl Stopper {
    /// Says that the end is wanted.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        tell(&self.sender);
    }

    /// What turns true by that.
    pub(super) fn stopping(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stopping)
    }
}

impl Wakes {
    pub(super) fn new() -> Self {
        // One token says that there is something; more would say nothing more.
        let (sender, receiver) = bounded(1);
        Self {
            sender,
            receiver,
            stopping: Arc::default(),
            watcher: None,
        }
    }

    /// With what the end can be asked for.
    pub(super) fn stopper(&self) -> Stopper {
        Stopper {
            sender: self.sender.clone(),
            stopping: Arc::clone(&self.stopping),
        }
    }

    /// Listens for the wish of the system's user to end; a second one is obeyed
    /// at once.
    pub(super) fn end_on_signal(&self) -> std::io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let stopper = self.stopper();
        std::thread::Builder::new()
            .name("satchel-signals".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    stop_signal().await;
                    stopper.stop();
                    eprintln!("satchel: ending after the file in hand; once more to end at once");
                    stop_signal().await;
                    std::process::exit(i32::from(INTERRUPTED));
                });
            })?;
        Ok(())
    }

    /// Lets the system tell of changes in a folder.
    pub(super) fn follow(&mut self, folder: &Path) -> notify::Result<()> {
        let wake = self.sender.clone();
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            // After an error anything may have happened.
            if event.map_or(true, |event| is_change(event.kind)) {
                tell(&wake);
            }
        })?;
        watcher.watch(folder, RecursiveMode::Recursive)?;
        self.watcher = Some(watcher);
        Ok(())
    }

    /// Waits until something changes, or for a time.
    pub(super) fn wait(&self, at_most: Duration) {
        if self.is_stopping() || self.receiver.recv_timeout(at_most).is_err() {
            return;
        }
        let began = Instant::now();
        while !self.is_stopping()
            && began.elapsed() < LONGEST_FLOCK
            && self.receiver.recv_timeout(SILENCE).is_ok()
        {}
    }

    /// Whether somebody wants the end.
    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
}

fn tell(wake: &Sender<()>) {
    // One that is there already says the same.
    let _ = wake.try_send(());
}

/// Reading a file, which satchel itself does, changes nothing.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::is_change;
    use notify::EventKind;
    use notify::event::{AccessKind, AccessMode, CreateKind};

    #[test]
    fn reading_is_no_change_and_writing_is_one() {
        for kind in [
            AccessKind::Open(AccessMode::Any),
            AccessKind::Close(AccessMode::Read),
        ] {
            assert!(!is_change(EventKind::Access(kind)));
        }
        let written = AccessKind::Close(AccessMode::Write);
        assert!(is_change(EventKind::Access(written)));
        assert!(is_change(EventKind::Create(CreateKind::File)));
    }
}
