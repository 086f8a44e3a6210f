//! The chat model: found in the data folder, loaded in the background, looked
//! for again while there is none. Must not know what is asked of it.

use crate::config::Config;
use crate::engine::decoder::{ChatModel, LoadOptions, installed};
use crate::error::Fault;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

/// How often the folder is looked at while no model is loaded.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// A file younger than this may still be growing.
const SETTLED: Duration = Duration::from_secs(2);

/// What is loaded, and the thread that sees to it.
pub(super) struct Models {
    shared: Arc<Mutex<Loaded>>,
    watcher: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Loaded {
    model: Option<Arc<ChatModel>>,
    /// Why the wanted file is not loaded, for people.
    error: Option<String>,
    stopping: bool,
}

/// A model file as it was when loading it failed.
#[derive(PartialEq, Clone)]
struct Tried {
    path: PathBuf,
    modified: SystemTime,
    bytes: u64,
}

impl Models {
    /// Starts looking for a model. Gives back at once.
    pub(super) fn start(config: &Config) -> Result<Self, Fault> {
        let shared = Arc::new(Mutex::new(Loaded::default()));
        let watch = Watch {
            folder: config.models(),
            wanted: config.model.clone(),
            options: LoadOptions {
                context_tokens: config.context_tokens,
                threads: config.threads,
            },
            shared: Arc::clone(&shared),
        };
        let watcher = std::thread::Builder::new()
            .name("satchel-models".to_owned())
            .spawn(move || watch.run())
            .map_err(|error| Fault::internal(format!("no thread for models: {error}")))?;
        Ok(Self {
            shared,
            watcher: Mutex::new(Some(watcher)),
        })
    }

    /// The loaded model, if there is one.
    pub(super) fn current(&self) -> Option<Arc<ChatModel>> {
        lock(&self.shared).model.clone()
    }

    /// Why there is none although there should be.
    pub(super) fn error(&self) -> Option<String> {
        lock(&self.shared).error.clone()
    }

    /// Stops looking and lets go of the model.
    pub(super) fn stop(&self) {
        let model = {
            let mut loaded = lock(&self.shared);
            loaded.stopping = true;
            loaded.model.take()
        };
        drop(model);
        let watcher = lock(&self.watcher).take();
        if let Some(watcher) = watcher.filter(|watcher| !watcher.is_finished()) {
            // It wakes from its sleep, sees the flag and ends; a load in
            // progress is not waited for.
            watcher.thread().unpark();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Watch {
    folder: PathBuf,
    wanted: Option<String>,
    options: LoadOptions,
    shared: Arc<Mutex<Loaded>>,
}

impl Watch {
    fn run(self) {
        let mut failed: Option<Tried> = None;
        loop {
            {
                let loaded = lock(&self.shared);
                if loaded.stopping || loaded.model.is_some() {
                    return;
                }
            }
            match self.candidate() {
                Ok(Some(path)) => {
                    if let Some(tried) = state(&path).filter(|now| failed.as_ref() != Some(now)) {
                        self.load(&path);
                        failed = Some(tried);
                        continue;
                    }
                }
                Ok(None) => {}
                Err(reason) => lock(&self.shared).error = Some(reason),
            }
            std::thread::park_timeout(LOOK_EVERY);
        }
    }

    /// The file to load: the one that the settings name, else the newest.
    fn candidate(&self) -> Result<Option<PathBuf>, String> {
        let files = installed(&self.folder).map_err(|error| {
            format!(
                "the folder {} cannot be read: {error}",
                self.folder.display()
            )
        })?;
        match &self.wanted {
            None => Ok(files.into_iter().next()),
            Some(name) => {
                let found = files
                    .into_iter()
                    .find(|path| path.file_name().is_some_and(|file| file == name.as_str()));
                found.map(Some).ok_or_else(|| {
                    format!(
                        "the chat model {name:?} is not in {}",
                        self.folder.display()
                    )
                })
            }
        }
    }

    fn load(&self, path: &Path) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        tracing::info!(model = %name, "loading the chat model");
        match ChatModel::load(path, &self.options) {
            Ok(model) => {
                let info = model.info();
                tracing::info!(
                    model = %info.name,
                    architecture = %info.architecture,
                    quantization = %info.quantization,
                    context_tokens = info.context_tokens,
                    "the chat model is ready"
                );
                let mut loaded = lock(&self.shared);
                loaded.error = None;
                if !loaded.stopping {
                    loaded.model = Some(Arc::new(model));
                }
            }
            Err(error) => {
                tracing::warn!(model = %name, %error, "the chat model cannot be used");
                lock(&self.shared).error = Some(error.to_string());
            }
        }
    }
}

/// A file's state; `None` while it may still be growing.
fn state(path: &Path) -> Option<Tried> {
    let metadata = std::fs::metadata(path).ok()?;
    let modified = metadata.modified().ok()?;
    // A clock that was set back counts as settled.
    let age = modified.elapsed().unwrap_or(SETTLED);
    (age >= SETTLED).then(|| Tried {
        path: path.to_owned(),
        modified,
        bytes: metadata.len(),
    })
}
