//! The folders that were chosen on the page of a server: each is followed by a
//! thread, from the start of the server to its end.

use super::AGAIN;
use super::follower::Follower;
use super::wakes::Stopper;
use crate::service::{Service, WatchedFolder};
use crate::types::WatchedFolderId;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, oneshot};

/// How long the files in hand may take when the server ends; after that their
/// requests end with it.
const IN_HAND: Duration = Duration::from_secs(5);

/// How long threads may take to see that the server is gone.
const LETTING_GO: Duration = Duration::from_secs(5);

/// How often it is looked whether a thread has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// After which time the folders are looked up whatever is told.
const LOOK_UP: Duration = Duration::from_secs(60);

/// Follows all folders of a server.
pub(in crate::cli) struct FolderKeeper {
    stop: Option<oneshot::Sender<()>>,
    task: Option<tokio::task::JoinHandle<Threads>>,
    /// Threads that were still at work when the server was about to end.
    left: Threads,
}

impl FolderKeeper {
    /// Begins; `address` is where the server listens.
    pub(in crate::cli) fn start(service: Service, address: SocketAddr) -> Self {
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(keep(service, address, stopped));
        Self {
            stop: Some(stop),
            task: Some(task),
            left: Threads::default(),
        }
    }

    /// Ends while the server still answers, so that files in hand arrive.
    pub(in crate::cli) async fn end(&mut self) {
        // Without its sender the task ends as well.
        drop(self.stop.take());
        if let Some(task) = self.task.take() {
            // A panic of the task has been printed, and its threads go with the process.
            self.left = task.await.unwrap_or_default();
            self.left.end(IN_HAND).await;
        }
    }

    /// Waits for what is left when the server answers no more: whoever goes on
    /// holds the data folder.
    pub(in crate::cli) async fn let_go(mut self) {
        self.end().await;
        self.left.end(LETTING_GO).await;
    }
}

/// Follows what is to be followed until it is told to end.
async fn keep(
    service: Service,
    address: SocketAddr,
    mut stopped: oneshot::Receiver<()>,
) -> Threads {
    let mut changes = service.folder_changes();
    let ended = Arc::new(Notify::new());
    let mut threads = Threads::default();
    loop {
        match service.folders_to_follow().await {
            Ok(wanted) => threads.agree(wanted, &service, address, &ended),
            Err(error) => tracing::warn!(%error, "the watched folders are not known"),
        }
        tokio::select! {
            _ = &mut stopped => return threads,
            // The sender lives as long as the service.
            _ = changes.changed() => {}
            () = ended.notified() => {}
            () = tokio::time::sleep(LOOK_UP) => {}
        }
    }
}

/// The threads that follow folders.
#[derive(Default)]
struct Threads(HashMap<WatchedFolderId, Thread>);

struct Thread {
    stopper: Stopper,
    /// Whether it holds nothing of the service any more.
    has_ended: Arc<AtomicBool>,
}

impl Thread {
    fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Acquire)
    }
}

impl Threads {
    /// Ends what nobody wants any more and begins what is new. A folder whose
    /// thread is still ending begins when that says so.
    fn agree(
        &mut self,
        wanted: Vec<WatchedFolder>,
        service: &Service,
        address: SocketAddr,
        ended: &Arc<Notify>,
    ) {
        self.0.retain(|_, thread| !thread.has_ended());
        for (id, thread) in &self.0 {
            if !wanted.iter().any(|folder| folder.id == *id) {
                thread.stopper.stop();
            }
        }
        for folder in wanted {
            if self.0.contains_key(&folder.id) {
                continue;
            }
            let id = folder.id.clone();
            let follower = Follower::new(service.clone(), address, folder);
            match begin(follower, ended) {
                Ok(thread) => drop(self.0.insert(id, thread)),
                Err(error) => tracing::error!(%error, "a watched folder has no thread"),
            }
        }
    }

    /// Tells all to end, and waits for that so long at most.
    async fn end(&mut self, at_most: Duration) {
        let began = Instant::now();
        for thread in self.0.values() {
            thread.stopper.stop();
        }
        while !self.0.is_empty() && began.elapsed() < at_most {
            self.0.retain(|_, thread| !thread.has_ended());
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

fn begin(follower: Follower, ended: &Arc<Notify>) -> std::io::Result<Thread> {
    let stopper = follower.stopper();
    let has_ended = Arc::new(AtomicBool::new(false));
    let end = End {
        has_come: Arc::clone(&has_ended),
        told: Arc::clone(ended),
    };
    let builder = std::thread::Builder::new().name("satchel-folder".to_owned());
    builder.spawn(move || {
        // Said however the thread ends.
        let _end = end;
        follower.run();
    })?;
    Ok(Thread { stopper, has_ended })
}

/// Says that a thread ends, when it is dropped.
struct End {
    has_come: Arc<AtomicBool>,
    told: Arc<Notify>,
}

impl Drop for End {
    fn drop(&mut self) {
        // What broke once may break again: not as fast as it can.
        if std::thread::panicking() {
            std::thread::sleep(AGAIN);
        }
        self.has_come.store(true, Ordering::Release);
        self.told.notify_one();
    }
}
