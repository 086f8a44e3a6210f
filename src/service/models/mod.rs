//! Models: which there are, which are installed and loaded, getting, removing
//! and exchanging them. Must not know how a file is fetched, nor how a model
//! computes.

mod downloads;
mod files;
mod incoming;
mod loader;
mod machine;
mod speed;
mod suitable;

pub use downloads::{Download, DownloadState};
pub use incoming::ModelUpload;
pub use machine::Machine;
pub use speed::Speed;

use super::{Caller, Inner, Service, cores};
use crate::config::Config;
use crate::engine::decoder::{ChatModel, installed};
use crate::engine::hub::{self, CatalogueEntry, Hub, Source};
use crate::error::{ErrorKind, Fault};
use crate::jobs::JobsError;
use crate::store::Store;
use crate::types::ModelKind;
use downloads::Downloads;
use futures_util::{Stream, StreamExt};
use loader::{Loader, Situation};
use speed::Speeds;
use std::future::ready;
use std::path::PathBuf;
use std::sync::Arc;
use suitable::{known_models, unusable, usable};
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

/// Events that a slow listener may be behind.
const BACKLOG: usize = 64;

/// Something that listeners want to know.
#[derive(Debug, Clone, PartialEq)]
pub enum ModelEvent {
    /// How far a download is.
    Download(Download),
    /// What is installed or loaded is not what it was: look again.
    Changed,
}

/// Where events go.
type Changes = broadcast::Sender<ModelEvent>;

/// A model file that is there.
#[derive(Debug, Clone, PartialEq)]
pub struct InstalledModel {
    pub file: String,
    pub title: String,
    /// What it is for, as far as its file or the catalogue says.
    pub kind: Option<ModelKind>,
    pub bytes: u64,
    /// What it needs, estimated from its size where it is not known.
    pub memory_bytes: u64,
    pub entry: Option<&'static CatalogueEntry>,
    pub is_loaded: bool,
    pub is_loading: bool,
    /// Whether the memory of this machine holds it; `None` where that is not known.
    pub fits: Option<bool>,
    /// How fast it writes, of a chat model.
    pub speed: Option<Speed>,
}

/// A model of the catalogue, as seen from this machine.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownModel {
    pub entry: &'static CatalogueEntry,
    pub is_installed: bool,
    /// Whether this version of the product can run it.
    pub is_usable: bool,
    pub fits: Option<bool>,
    /// How fast it would write here, of a chat model.
    pub speed: Option<Speed>,
    /// The one to take, if there is none yet.
    pub is_recommended: bool,
}

/// All about models.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelList {
    pub installed: Vec<InstalledModel>,
    pub catalogue: Vec<KnownModel>,
    pub downloads: Vec<Download>,
    pub machine: Machine,
    /// Why the wanted model is not loaded.
    pub error: Option<String>,
}

/// What the service has of models.
pub(super) struct Models {
    loader: Arc<Loader>,
    speeds: Speeds,
    downloads: Downloads,
    changes: Changes,
    folder: PathBuf,
    endpoint: String,
}

impl Models {
    /// Starts looking for a model. Gives back at once, and connects to nothing.
    pub(super) fn start(config: &Config, store: &Arc<Store>) -> Result<Self, Fault> {
        let changes = Changes::new(BACKLOG);
        incoming::clear(&config.models());
        let loader = Loader::start(config, Arc::clone(store), changes.clone())?;
        let loader = Arc::new(loader);
        let of_downloads = Arc::clone(&loader);
        let folder = config.models();
        Ok(Self {
            downloads: Downloads::new(
                folder.clone(),
                changes.clone(),
                Box::new(move || of_downloads.wake()),
            ),
            speeds: Speeds::new(Arc::clone(store), cores(config)),
            loader,
            changes,
            folder,
            endpoint: config.hub_endpoint.clone(),
        })
    }

    /// The loaded model, if there is one.
    pub(super) fn current(&self) -> Option<Arc<ChatModel>> {
        self.loader.situation().model
    }

    /// What the model has read is not kept over a restart, nor is what was.
    pub(super) fn keep_nothing(&self, config: &Config) -> Result<(), Fault> {
        if let Some(model) = self.current() {
            model.keep_nothing();
        }
        match std::fs::remove_dir_all(config.prefixes()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                let message = format!("kept beginnings of prompts were not removed: {error}");
                Err(Fault::new(ErrorKind::Storage, message))
            }
            _ => Ok(()),
        }
    }

    /// Remembers how fast the loaded model writes.
    pub(super) fn note_speed(&self) -> Result<(), Fault> {
        let Some(model) = self.current() else {
            return Ok(());
        };
        if let Some(speed) = model.activity().answer_tokens_per_second {
            self.speeds.note(&model.info().file_name, speed.into())?;
        }
        Ok(())
    }

    /// How fast a model writes, if it is one that does.
    fn speed(
        &self,
        file: &str,
        kind: Option<ModelKind>,
        bytes: u64,
    ) -> Result<Option<Speed>, Fault> {
        match kind {
            None | Some(ModelKind::Chat) => Ok(Some(self.speeds.of(file, bytes)?)),
            Some(_) => Ok(None),
        }
    }

    /// Installed files that write no answers.
    pub(super) fn not_for_chat(&self) -> Result<Vec<String>, Fault> {
        let files = installed(&self.folder).map_err(JobsError::Files)?;
        let others = files
            .iter()
            .filter(|path| files::kind(path).is_some_and(|kind| kind != ModelKind::Chat));
        Ok(others.map(|path| files::file_name(path)).collect())
    }

    /// Why there is none although there should be.
    pub(super) fn error(&self) -> Option<String> {
        self.loader.situation().error
    }

    /// Ends downloads, stops looking and lets go of the model.
    pub(super) fn stop(&self) {
        self.downloads.stop();
        self.loader.stop();
    }

    /// The installed file that a name means: its own, without its ending, or
    /// the catalogue's.
    fn installed_file(&self, name: &str) -> Result<Option<String>, Fault> {
        let entry = hub::known(name);
        let files = installed(&self.folder).map_err(JobsError::Files)?;
        let mut files = files.iter().map(|path| files::file_name(path));
        Ok(files.find(|file| {
            file == name
                || file.strip_suffix(".gguf") == Some(name)
                || entry.is_some_and(|entry| entry.file == *file)
        }))
    }

    /// The installed file, or an error that says that there is none.
    fn need_installed(&self, name: &str) -> Result<String, Fault> {
        self.installed_file(name)?
            .ok_or_else(|| Fault::not_found(format!("no model {name:?} is installed")))
    }

    /// An error that says where a model of another kind is chosen.
    fn need_chat(&self, file: &str) -> Result<(), Fault> {
        let path = files::path_of(&self.folder, file);
        let (kind, setting) = match path.and_then(|path| files::kind(&path)) {
            None | Some(ModelKind::Chat) => return Ok(()),
            Some(ModelKind::Embedding) => ("an embedding model", "embedding-model"),
            Some(ModelKind::Reranking) => ("a reranking model", "rerank-model"),
            Some(ModelKind::Entailment) => ("an entailment model", "entailment-model"),
        };
        Err(Fault::new(
            ErrorKind::Conflict,
            format!("{file} is {kind}: name it in the setting {setting} and start again"),
        ))
    }

    fn pull(&self, name: &str) -> Result<Download, Fault> {
        if let Some(file) = self.installed_file(name)? {
            let message = format!("{file} is installed already");
            return Err(Fault::new(ErrorKind::Conflict, message));
        }
        let source = self.source(name)?;
        if let Some(entry) = hub::known(name)
            && let Some(active) = self.downloads.active(&entry.file)
        {
            return Ok(active);
        }
        let hub = Arc::new(Hub::new(&self.endpoint)?);
        let remote = hub.find(&source)?;
        if self.installed_file(&remote.name)?.is_some() {
            let message = format!(
                "a model with the name {} is installed already; remove it first",
                remote.name
            );
            return Err(Fault::new(ErrorKind::Conflict, message));
        }
        hub.check_space(&remote, &self.folder)?;
        self.downloads.add(hub, remote)
    }

    /// Where a model of this name comes from.
    fn source(&self, name: &str) -> Result<Source, Fault> {
        if let Some(entry) = hub::known(name) {
            return match usable(entry) {
                true => Ok(Source::from(entry)),
                false => Err(Fault::new(ErrorKind::Unsupported, unusable(entry))),
            };
        }
        let begun = hub::unfinished(&self.folder);
        if let Some(begun) = begun.iter().find(|one| one.name == name) {
            return Ok(begun.source());
        }
        if !name.contains('/') {
            return Err(Fault::not_found(format!(
                "there is no model {name:?} in the catalogue; `satchel models list` shows it, \
                 and any GGUF file of a hub can be named as owner/repository:FILE.gguf"
            )));
        }
        Ok(Source::parse(name)?)
    }

    fn remove(&self, name: &str) -> Result<(), Fault> {
        let Some(file) = self.installed_file(name)? else {
            let file = hub::known(name).map_or(name, |entry| entry.file.as_str());
            return match self.downloads.discard(file)? {
                true => Ok(()),
                false => Err(Fault::not_found(format!("no model {name:?} is installed"))),
            };
        };
        let was_wanted = self.loader.release(&file);
        let removed = match files::path_of(&self.folder, &file) {
            Some(path) => std::fs::remove_file(path).map_err(JobsError::Files),
            None => Ok(()),
        };
        if was_wanted {
            self.loader.choose_newest();
        }
        removed?;
        tracing::info!(file, "the model was removed");
        // An error means that nobody listens.
        let _ = self.changes.send(ModelEvent::Changed);
        Ok(())
    }

    fn pause(&self, name: &str) -> Result<(), Fault> {
        let file = hub::known(name).map_or(name, |entry| entry.file.as_str());
        match self.downloads.pause(file) {
            true => Ok(()),
            false => Err(Fault::not_found(format!(
                "{name:?} is not being downloaded"
            ))),
        }
    }

    fn list(&self, cores: usize) -> Result<ModelList, Fault> {
        let Situation {
            model,
            loading,
            error,
        } = self.loader.situation();
        let machine = Machine::now(&self.folder, cores);
        let loaded = model.as_ref().map(|model| model.info());
        let freed = loaded.map_or(0, |info| needs(&info.file_name, info.file_bytes));
        let mut found = Vec::new();
        for path in installed(&self.folder).map_err(JobsError::Files)? {
            let file = files::file_name(&path);
            let entry = hub::known(&file);
            // A file that has just been removed is not listed.
            let Ok(metadata) = std::fs::metadata(&path) else {
                continue;
            };
            let is_loaded = loaded.is_some_and(|info| info.file_name == file);
            let own_title = loaded.filter(|_| is_loaded).map(|info| info.name.as_str());
            let title = entry.map(|entry| entry.title.as_str()).or(own_title);
            let stem = file.strip_suffix(".gguf").unwrap_or(&file);
            let memory_bytes = needs(&file, metadata.len());
            let kind = files::kind(&path);
            found.push(InstalledModel {
                title: title.unwrap_or(stem).to_owned(),
                speed: self.speed(&file, kind, metadata.len())?,
                kind,
                bytes: metadata.len(),
                memory_bytes,
                entry,
                is_loaded,
                is_loading: loading.as_ref() == Some(&file),
                fits: machine.holds(memory_bytes, freed),
                file,
            });
        }
        let mut catalogue = known_models(&found, &machine, freed);
        for model in &mut catalogue {
            let entry = model.entry;
            model.speed = self.speed(&entry.file, Some(entry.kind), entry.bytes)?;
        }
        Ok(ModelList {
            catalogue,
            installed: found,
            downloads: self.downloads.list(),
            machine,
            error,
        })
    }
}

/// Memory that a model needs: known, or a quarter more than its file.
fn needs(file: &str, bytes: u64) -> u64 {
    match hub::known(file) {
        Some(entry) => entry.memory_bytes.max(bytes),
        None => bytes + bytes / 4,
    }
}

impl Service {
    /// Why the chat model that the settings name cannot be used, if it cannot.
    pub fn configured_model_failure(&self) -> Option<String> {
        let models = &self.inner.models;
        let named = self.inner.config.model.is_some() && models.current().is_none();
        named.then(|| models.error()).flatten()
    }

    /// Which models there are.
    pub async fn models(&self) -> Result<ModelList, Fault> {
        self.blocking(|inner| inner.models.list(cores(&inner.config)))
            .await
    }

    /// Starts to download a model, or goes on with it: a name of the catalogue,
    /// `owner/repository`, or the same with `:FILE.gguf` or `:QUANTIZATION`.
    pub async fn pull_model(&self, caller: &Caller, name: &str) -> Result<Download, Fault> {
        let name = name.trim().to_owned();
        self.administering(caller, move |inner| inner.models.pull(&name))
            .await
    }

    /// Stops a download; what has arrived is kept.
    pub async fn pause_model(&self, caller: &Caller, name: &str) -> Result<(), Fault> {
        let name = name.to_owned();
        self.administering(caller, move |inner| inner.models.pause(&name))
            .await
    }

    /// Removes an installed model, or what has arrived of one.
    pub async fn remove_model(&self, caller: &Caller, name: &str) -> Result<(), Fault> {
        let name = name.to_owned();
        self.administering(caller, move |inner| inner.models.remove(&name))
            .await
    }

    /// Loads an installed model in place of the one that is loaded, and again
    /// at the next start. Gives back the file's name before it is loaded.
    pub async fn use_model(&self, caller: &Caller, name: &str) -> Result<String, Fault> {
        let name = name.to_owned();
        self.administering(caller, move |inner| {
            let file = inner.models.need_installed(&name)?;
            inner.models.need_chat(&file)?;
            inner.models.loader.choose(&file);
            Ok(file)
        })
        .await
    }

    /// Lets go of the model: answers are quotes until one is chosen.
    pub async fn unload_model(&self, caller: &Caller) -> Result<(), Fault> {
        self.administering(caller, |inner| {
            inner.models.loader.unload();
            Ok(())
        })
        .await
    }

    /// What happens to models from now on. Who falls behind misses steps.
    pub fn model_events(&self) -> impl Stream<Item = ModelEvent> + use<> {
        let events = self.inner.models.changes.subscribe();
        BroadcastStream::new(events).filter_map(|event| ready(event.ok()))
    }

    async fn administering<T: Send + 'static>(
        &self,
        caller: &Caller,
        work: impl FnOnce(&Inner) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        caller.require_operator()?;
        self.blocking(work).await
    }
}
