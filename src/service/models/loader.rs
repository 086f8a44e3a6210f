//! The chat model in memory: loaded in the background, exchanged while the
//! server runs, looked for again while there is none. Must not know what is
//! asked of it, nor where its file came from.

use super::files::{file_name, kind, path_of};
use super::{Changes, ModelEvent};
use crate::answer::opening;
use crate::config::Config;
use crate::engine::decoder::{
    ChatMessage, ChatModel, DecoderError, KeptPrefixes, LoadOptions, installed,
};
use crate::error::Fault;
use crate::store::Store;
use crate::types::ModelKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

/// How often the folder is looked at while no model is loaded.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// A file younger than this may still be growing.
const SETTLED: Duration = Duration::from_secs(2);

/// How long a model may read for nobody before it serves.
const WARM_UP: Duration = Duration::from_secs(4);

/// How long a stop waits for the model to keep what it has read.
const KEEPING: Duration = Duration::from_secs(10);

/// The setting that remembers the choice over a restart.
const SETTING: &str = "chat_model";

/// Which model is wanted.
#[derive(Debug, Clone, PartialEq)]
enum Choice {
    /// The newest file, as long as none was chosen.
    Newest,
    File(String),
    /// None: answers are quotes.
    Nothing,
}

impl Choice {
    /// Reads what [`Self::stored`] wrote; a file that is gone is no choice.
    fn remembered(stored: Option<String>, folder: &Path) -> Self {
        match stored {
            Some(name) if name.is_empty() => Self::Nothing,
            Some(name) if path_of(folder, &name).is_some() => Self::File(name),
            _ => Self::Newest,
        }
    }

    /// No file has an empty name, so that means none.
    fn stored(&self) -> Option<&str> {
        match self {
            Self::Newest => None,
            Self::File(name) => Some(name),
            Self::Nothing => Some(""),
        }
    }
}

/// What is loaded, and the thread that sees to it.
pub(super) struct Loader {
    shared: Arc<Mutex<State>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct State {
    model: Option<Arc<ChatModel>>,
    /// The file that is being loaded.
    loading: Option<String>,
    /// Why the wanted file is not loaded, for people.
    error: Option<String>,
    choice: Choice,
    /// What was chosen before; there while a new choice has not been loaded.
    before: Option<Choice>,
    /// The choice could not be loaded, and what was there before comes back:
    /// the error stays until the next choice.
    reverting: bool,
    stopping: bool,
}

/// What the loader is doing.
pub(super) struct Situation {
    pub(super) model: Option<Arc<ChatModel>>,
    pub(super) loading: Option<String>,
    pub(super) error: Option<String>,
}

/// A model file as it was when loading it failed.
#[derive(PartialEq, Clone)]
struct Tried {
    path: PathBuf,
    modified: SystemTime,
    bytes: u64,
}

impl Loader {
    /// Starts looking for a model. Gives back at once.
    pub(super) fn start(
        config: &Config,
        store: Arc<Store>,
        changes: Changes,
    ) -> Result<Self, Fault> {
        let choice = match &config.model {
            Some(name) => Choice::File(name.clone()),
            None => Choice::remembered(store.setting(SETTING)?, &config.models()),
        };
        let shared = Arc::new(Mutex::new(State {
            model: None,
            loading: None,
            error: None,
            choice,
            before: None,
            reverting: false,
            stopping: false,
        }));
        let watch = Watch {
            folder: config.models(),
            draft: config.draft_model.clone(),
            options: LoadOptions {
                context_tokens: config.context_tokens,
                threads: config.threads,
                device: config.device,
                kv_cache: config.kv_cache,
                kept_prefixes: Some(KeptPrefixes {
                    folder: config.prefixes(),
                    bytes: config.prefix_cache_bytes,
                }),
            },
            shared: Arc::clone(&shared),
            store,
            changes,
        };
        let thread = std::thread::Builder::new()
            .name("satchel-models".to_owned())
            .spawn(move || watch.run())
            .map_err(|error| Fault::internal(format!("no thread for models: {error}")))?;
        Ok(Self {
            shared,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// What is loaded, and what is going on.
    pub(super) fn situation(&self) -> Situation {
        let state = lock(&self.shared);
        Situation {
            model: state.model.clone(),
            loading: state.loading.clone(),
            error: state.error.clone(),
        }
    }

    /// Loads another file of the folder in place of what is loaded. If it
    /// cannot be used, what was loaded comes back.
    pub(super) fn choose(&self, file: &str) {
        self.change(Choice::File(file.to_owned()));
    }

    /// Lets go of the model until another is chosen.
    pub(super) fn unload(&self) {
        self.change(Choice::Nothing);
    }

    /// Lets go of a file that is about to be removed; whether it was wanted.
    pub(super) fn release(&self, file: &str) -> bool {
        let mut state = lock(&self.shared);
        state.error.take_if(|error| error.contains(file));
        if state.choice != Choice::File(file.to_owned()) && !state.has(file) {
            return false;
        }
        state.choice = Choice::Nothing;
        state.before = None;
        let freed = state.model.take();
        drop(state);
        drop(freed);
        true
    }

    /// Takes the newest file again, as if none had been chosen.
    pub(super) fn choose_newest(&self) {
        self.change(Choice::Newest);
    }

    fn change(&self, choice: Choice) {
        {
            let mut state = lock(&self.shared);
            let now = std::mem::replace(&mut state.choice, choice);
            state.before = Some(state.before.take().unwrap_or(now));
            state.error = None;
            state.reverting = false;
        }
        self.wake();
    }

    /// Looks at the folder now.
    pub(super) fn wake(&self) {
        if let Some(thread) = lock(&self.thread).as_ref() {
            thread.thread().unpark();
        }
    }

    /// Stops looking and lets go of the model.
    pub(super) fn stop(&self) {
        let model = {
            let mut state = lock(&self.shared);
            state.stopping = true;
            state.model.take()
        };
        let ending = model.as_ref().and_then(|model| model.ending());
        drop(model);
        // It sees the flag and ends; a load in progress is not waited for.
        self.wake();
        if ending.is_some_and(|ending| !ending.wait(KEEPING)) {
            tracing::warn!("the chat model took too long to keep what it has read");
        }
    }
}

impl State {
    fn has(&self, file: &str) -> bool {
        let model = self.model.as_ref();
        model.is_some_and(|model| model.info().file_name == file)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Watch {
    folder: PathBuf,
    /// File name of the small model that drafts.
    draft: Option<String>,
    options: LoadOptions,
    shared: Arc<Mutex<State>>,
    store: Arc<Store>,
    changes: Changes,
}

impl Watch {
    fn run(self) {
        let mut failed: Vec<Tried> = Vec::new();
        loop {
            let (choice, asked) = {
                let state = lock(&self.shared);
                if state.stopping {
                    return;
                }
                (state.choice.clone(), state.before.is_some())
            };
            if asked {
                failed.clear();
            }
            let busy = match self.wanted(&choice) {
                Ok(files) if files.is_empty() => self.settle(&choice),
                Ok(files) => self.load_first(&files, &choice, asked, &mut failed),
                Err(reason) => {
                    self.fail(&choice, reason);
                    asked
                }
            };
            if !busy {
                std::thread::park_timeout(LOOK_EVERY);
            }
        }
    }

    /// Loads the first of `files` that did not fail before; whether one was tried.
    fn load_first(
        &self,
        files: &[PathBuf],
        choice: &Choice,
        asked: bool,
        failed: &mut Vec<Tried>,
    ) -> bool {
        let mut is_first = true;
        for path in files {
            let Some(now) = tried(path, asked) else {
                return false;
            };
            if failed.contains(&now) {
                is_first = false;
                continue;
            }
            if !self.load(path, choice, is_first) {
                failed.retain(|before| before.path != now.path);
                failed.push(now);
            }
            return true;
        }
        false
    }

    /// The files to load, the best first; none if there is nothing to do.
    fn wanted(&self, choice: &Choice) -> Result<Vec<PathBuf>, String> {
        let state = lock(&self.shared);
        match choice {
            Choice::Nothing => Ok(Vec::new()),
            Choice::Newest if state.model.is_some() => Ok(Vec::new()),
            Choice::File(name) if state.has(name) => Ok(Vec::new()),
            Choice::Newest => {
                let folder = self.folder.display();
                let mut files = installed(&self.folder)
                    .map_err(|error| format!("the folder {folder} cannot be read: {error}"))?;
                files.retain(|path| self.draft.as_deref() != Some(&file_name(path)));
                files.retain(|path| matches!(kind(path), None | Some(ModelKind::Chat)));
                Ok(files)
            }
            Choice::File(name) => match path_of(&self.folder, name) {
                Some(path) => Ok(vec![path]),
                None => Err(format!(
                    "the chat model {name:?} is not in {}",
                    self.folder.display()
                )),
            },
        }
    }

    /// There is nothing to load. Whether something was done about it.
    fn settle(&self, choice: &Choice) -> bool {
        let mut state = lock(&self.shared);
        if state.choice != *choice {
            return true;
        }
        let asked = state.before.take().is_some();
        let freed = match choice {
            Choice::Nothing => state.model.take(),
            _ => None,
        };
        drop(state);
        if asked {
            self.remember(choice);
        }
        if asked || freed.is_some() {
            drop(freed);
            self.announce();
        }
        false
    }

    /// Loads a file; whether that worked. An error is forgotten then, unless
    /// this is not the file that should be loaded.
    fn load(&self, path: &Path, choice: &Choice, is_first: bool) -> bool {
        let name = file_name(path);
        tracing::info!(model = %name, "loading the chat model");
        // Two models at once could be more than the memory holds.
        let freed = {
            let mut state = lock(&self.shared);
            state.loading = Some(name.clone());
            state.model.take()
        };
        drop(freed);
        self.announce();
        match self.load_with_draft(path) {
            Ok(model) => {
                let info = model.info();
                tracing::info!(
                    model = %info.name,
                    architecture = %info.architecture,
                    quantization = %info.quantization,
                    context_tokens = info.context_tokens,
                    device = %info.placement.device,
                    "the chat model is ready"
                );
                warm_up(&model);
                self.loaded(model, choice, is_first);
                true
            }
            Err(error) => {
                tracing::warn!(model = %name, %error, "the chat model cannot be used");
                self.fail(choice, error.to_string());
                false
            }
        }
    }

    /// Loads a file, with the small model that is to draft for it. Without that
    /// one answers are the same, so its failure is no reason to have none.
    fn load_with_draft(&self, path: &Path) -> Result<ChatModel, DecoderError> {
        if let Some(name) = self
            .draft
            .as_deref()
            .filter(|name| *name != file_name(path))
        {
            let draft = path_of(&self.folder, name);
            let failure = match &draft {
                Some(draft) => match ChatModel::load_with_draft(path, Some(draft), &self.options) {
                    Ok(model) => return Ok(model),
                    Err(error) => error.to_string(),
                },
                None => format!("it is not in {}", self.folder.display()),
            };
            tracing::warn!(draft = name, %failure, "answers are written without drafts of a small model");
        }
        ChatModel::load(path, &self.options)
    }

    fn loaded(&self, model: ChatModel, choice: &Choice, is_first: bool) {
        let asked = {
            let mut state = lock(&self.shared);
            state.loading = None;
            if state.stopping {
                return;
            }
            state.model = Some(Arc::new(model));
            if !std::mem::take(&mut state.reverting) && is_first {
                state.error = None;
            }
            // Another choice may have been made meanwhile: then that one counts.
            let current = state.choice == *choice;
            current && state.before.take().is_some()
        };
        if asked {
            self.remember(choice);
        }
        self.announce();
    }

    /// Says why there is no model, and goes back to the choice before.
    fn fail(&self, choice: &Choice, reason: String) {
        let news = {
            let mut state = lock(&self.shared);
            let news = state.error.as_ref() != Some(&reason) || state.loading.is_some();
            state.loading = None;
            state.error = Some(reason);
            if state.choice == *choice
                && let Some(before) = state.before.take()
                && before != *choice
            {
                state.choice = before;
                state.reverting = true;
            }
            news
        };
        if news {
            self.announce();
        }
    }

    fn remember(&self, choice: &Choice) {
        let kept = match choice.stored() {
            Some(name) => self.store.set_setting(SETTING, name),
            None => self.store.remove_setting(SETTING),
        };
        if let Err(error) = kept {
            tracing::warn!(%error, "the choice of a model will not outlast a restart");
        }
    }

    fn announce(&self) {
        // An error means that nobody listens.
        let _ = self.changes.send(ModelEvent::Changed);
    }
}

/// Lets a model read what all prompts begin with: the first asker need not wait
/// for that, and can be told how long the rest takes.
fn warm_up(model: &ChatModel) {
    let messages = opening().into_iter();
    let messages = messages.map(|(role, content)| ChatMessage::new(role, content));
    if let Err(error) = model.warm_up(messages.collect(), WARM_UP) {
        tracing::warn!(%error, "the speed of the chat model was not measured");
    }
}

/// A file's state; `None` while it may still be growing and nobody asked for it.
fn tried(path: &Path, asked: bool) -> Option<Tried> {
    let metadata = std::fs::metadata(path).ok()?;
    let modified = metadata.modified().ok()?;
    // A clock that was set back counts as settled.
    let age = modified.elapsed().unwrap_or(SETTLED);
    (asked || age >= SETTLED).then(|| Tried {
        path: path.to_owned(),
        modified,
        bytes: metadata.len(),
    })
}
