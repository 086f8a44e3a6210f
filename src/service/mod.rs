//! What the product can do, said once: every edge (HTTP, command line) calls
//! this and adds only its own form. Joins the lower layers, decides who may see
//! what, and keeps the blocking ones off the async threads. Must not know a
//! status code, a wire format or a terminal.

mod answering;
mod audit;
mod auth;
mod authenticity;
mod backup;
mod branching;
mod chat;
mod chats;
mod concluding;
mod contents;
mod conversation;
mod custody;
mod cut_off;
mod difference;
mod differing;
mod documents;
mod embedders;
mod embedding;
mod erase;
mod export;
mod exported;
mod feedback;
mod figures;
mod fitting;
mod folder;
mod follow_up;
mod generating;
mod gold;
mod handbook;
mod health;
mod history;
mod import;
mod issuers;
mod judging;
mod keys;
mod ledger;
mod listing;
mod lockout;
mod messages;
mod models;
mod overview;
mod passwords;
mod reading_whole;
mod recording;
mod records;
mod replaying;
mod running;
mod samples;
mod search;
mod search_models;
mod selection;
mod sessions;
mod sign_ins;
mod tenants;
mod tokens;
mod transcript;
mod upkeep;
mod upload;
mod users;
mod watched_folders;
mod writing;

pub use auth::{Caller, DEFAULT_TENANT, FIRST_USER, SignIn, command_token, script_token};
pub use backup::{Backup, BackupList, BackupRun, Restored, restore};
pub use branching::{QuestionPlace, QuestionScope};
pub use chat::{AnswerStream, PassingQuestion, Question};
pub use chats::{ChatView, Excerpt};
pub use contents::Contents;
pub use conversation::{Conversation, TokenLikelihood, WritingEvent};
pub use custody::DataOf;
pub use difference::{Change, Difference, DifferenceKind, Side};
pub use differing::Made;
pub use documents::{DatasetChange, DocumentChange};
pub use embedders::model_named;
pub use embedding::Embeddings;
pub use erase::Erased;
use erase::Erasures;
pub use export::Archive;
pub use feedback::NewFeedback;
pub use figures::AnswerFigures;
pub use folder::DataFolder;
pub use gold::{GoldPassage, GoldQuestion, MarkedPlace};
pub use health::{EmbedderFacts, Examination, IndexFacts, ModelFacts, Status};
pub use import::Imported;
pub use keys::IssuedKey;
pub use ledger::PageView;
pub use messages::NewMessage;
pub use models::{
    Download, DownloadState, InstalledModel, KnownModel, Machine, ModelEvent, ModelList,
    ModelUpload, Speed,
};
pub use replaying::Replay;
pub use running::{Heard, RunningAnswer};
pub use samples::{SAMPLE_EVERY, Sample};
pub use search::{SearchOutcome, SearchRequest, Standing};
pub use search_models::{SearchModel, SearchModels, Trial};
pub use sessions::{MessageView, NewSession, SessionView};
pub use sign_ins::{SignInOrigin, SignInView};
pub use tenants::TenantChange;
pub use transcript::{Transcript, TranscriptFormat};
pub use upkeep::{IndexProgress, Reindexing, Repair};
pub use upload::{Added, AddedDocument, DEFAULT_DATASET, Upload, UploadRequest};
pub use users::{UserChange, UserView};
pub use watched_folders::{
    FolderChoice, FolderChoices, FolderStanding, FolderState, NewWatchedFolder, WatchedFolderView,
    WatchedFolders,
};
pub use writing::WritingOptions;

pub use crate::answer::{Marker, markers};
pub use crate::engine::decoder::ModelActivity;
pub use crate::engine::hub::CatalogueEntry;
pub use crate::jobs::IngestionFigures;
pub use crate::store::{
    ApiKey, AuditFilter, AuditOutcome, AuditRecord, Branch, ChatChange, ChatFilter, DocumentFilter,
    DocumentOrder, DocumentPage, FeedbackEntry, FeedbackFilter, FeedbackPage, MessageFilter,
    SessionChange, SessionFilter, SessionPage, SessionPlace, StoredAuditRecord, Tenant,
    TenantLimits, UserRole, WatchedFolder,
};
pub use crate::types::ModelKind;

use crate::answer::AnswerError;
use crate::config::Config;
use crate::engine::encoder::{Encoder, Entailment};
use crate::error::{ErrorKind, Fault};
use crate::jobs::{Jobs, JobsError, Originals, Pipeline};
use crate::lexical::{Lexical, LexicalError};
use crate::retrieve::{RetrieveError, Retriever};
use crate::store::{NewUser, Store, StoreError};
use crate::types::{PUBLIC_TENANT, TenantId, Time};
use crate::vectors::{Vectors, VectorsError};
use backup::Backups;
use figures::Figures;
use history::History;
use issuers::Issuers;
use lockout::Lockout;
use models::Models;
use passwords::Passwords;
use running::Running;
use samples::Samples;
use search_models::Fixed;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tenants::KnownLimits;
use tokens::TokenSigner;
use tokio::sync::{Semaphore, watch};
use watched_folders::Watching;

/// How long answers may take to end when the product does.
const STOP_ANSWERS: Duration = Duration::from_secs(5);

/// The running product. Cheap to clone.
#[derive(Clone)]
pub struct Service {
    inner: Arc<Inner>,
}

struct Inner {
    config: Config,
    store: Arc<Store>,
    retriever: Retriever,
    /// The bundled model: reads sentences closely.
    encoder: Arc<Encoder>,
    /// What makes the vectors of passages; usually the same.
    embedder: Arc<Encoder>,
    /// What judges whether sentences follow from their sources, if there is one.
    entailment: Option<Arc<Entailment>>,
    jobs: Jobs,
    models: Models,
    history: History,
    running: Running,
    figures: Figures,
    samples: Samples,
    /// Models that the settings name.
    fixed: Fixed,
    /// Turns true when the product is to start anew.
    restart: watch::Sender<bool>,
    backups: Backups,
    signer: TokenSigner,
    /// The one-time token of the first sign-in.
    link: String,
    passwords: Passwords,
    /// Wrong attempts to sign in.
    lockout: Lockout,
    /// Others whose tokens are accepted.
    issuers: Issuers,
    /// What each tenant may use.
    limits: KnownLimits,
    /// Folders that datasets are kept in step with.
    watching: Watching,
    /// Held while a document is added, and while somebody's data are erased.
    filling: Mutex<Erasures>,
    /// Searches that compute at the same time: more than cores only wait for
    /// each other.
    computing: Semaphore,
    started: Instant,
    started_at: Time,
    /// Last, so that the folder is given up when all else is closed.
    folder: DataFolder,
}

impl Service {
    /// Opens the data folder, takes it, brings it in order and starts working.
    /// [`ErrorKind::Conflict`] if another process owns it.
    pub async fn open(config: Config) -> Result<Self, Fault> {
        let service = off_thread(move || Self::open_blocking(config)).await?;
        service.keep_audit_short();
        service.take_samples();
        Ok(service)
    }

    fn open_blocking(config: Config) -> Result<Self, Fault> {
        let issuers = Issuers::new(&config.issuers)?;
        let folder = DataFolder::take(&config)?;
        let store = Arc::new(Store::open(&config.database())?);
        first_rows(&store)?;
        let fixed = Fixed::by(&config);
        let config = search_models::with_choices(config, &store)?;
        let encoder = Arc::new(Encoder::bundled()?);
        let embedder = embedders::embedder(&config, &encoder)?;
        let reranker = embedders::reranker(&config)?;
        let entailment = embedders::entailment(&config)?;
        let lexical = Arc::new(open_lexical(&config.data_dir.join("lexical"))?);
        let vectors = Arc::new(Vectors::open(
            &config.data_dir.join("vectors"),
            embedder.dimensions(),
            embedder.fingerprint(),
        )?);
        let originals = Originals::open(&config.originals()).map_err(JobsError::Files)?;
        let pipeline = Pipeline::new(
            Arc::clone(&store),
            Arc::clone(&lexical),
            Arc::clone(&vectors),
            Arc::clone(&embedder),
            originals,
        );
        let jobs = Jobs::start(pipeline)?;
        let inner = Inner {
            retriever: Retriever::new(Arc::clone(&store), lexical, vectors, Arc::clone(&encoder))
                .with_embedder(Arc::clone(&embedder))?
                .with_reranker(reranker),
            models: Models::start(&config, &store)?,
            history: History::default(),
            running: Running::default(),
            figures: Figures::default(),
            samples: Samples::default(),
            fixed,
            restart: watch::Sender::new(false),
            backups: Backups::default(),
            signer: TokenSigner::new(folder.secret()),
            link: tokens::random_token(),
            lockout: Lockout::default(),
            issuers,
            limits: KnownLimits::read(&store)?,
            watching: Watching::default(),
            filling: Mutex::default(),
            passwords: Passwords::new(cores(&config))?,
            computing: Semaphore::new(cores(&config)),
            started: Instant::now(),
            started_at: Time::now(),
            store,
            encoder,
            embedder,
            entailment,
            jobs,
            config,
            folder,
        };
        inner.resume_erasure()?;
        inner.mark_cut_off()?;
        if inner.config.handbook {
            inner.preload_handbook()?;
        }
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// The settings in force.
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// Writes down where this instance serves, for the command line.
    pub fn publish(&self, address: SocketAddr) -> Result<(), Fault> {
        self.inner.folder.publish(address).map_err(|error| {
            let message = format!("the address was not written to the data folder: {error}");
            Fault::new(ErrorKind::Storage, message)
        })
    }

    /// Ends the work in hand and puts everything on disk.
    pub async fn close(&self) {
        self.inner.running.stop_all(STOP_ANSWERS).await;
        let closed = self
            .blocking(|inner| {
                inner.backups.stop();
                inner.models.stop();
                inner.jobs.stop();
                Ok(inner.store.checkpoint()?)
            })
            .await;
        if let Err(error) = closed {
            tracing::warn!(%error, "closing was not complete; the next start makes up for it");
        }
    }

    /// Runs blocking work on a thread for that.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let inner = Arc::clone(&self.inner);
        off_thread(move || work(&inner)).await
    }

    /// Like [`Self::blocking`] for work that keeps a core busy: as many at a
    /// time as there are cores, in the order in which they came.
    async fn computing<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        // The semaphore is never closed, so there always comes a permit.
        let _permit = self.inner.computing.acquire().await;
        self.blocking(work).await
    }
}

async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(Fault::internal(format!("a step was broken off: {error}"))),
    }
}

/// The keyword index is a cache: one that cannot be opened is made anew.
fn open_lexical(folder: &Path) -> Result<Lexical, Fault> {
    Lexical::open(folder).or_else(|error| {
        tracing::warn!(%error, "the keyword index cannot be read and is made again");
        std::fs::remove_dir_all(folder).map_err(JobsError::Files)?;
        Ok(Lexical::open(folder)?)
    })
}

/// A fresh database gets its tenant, its first user and a dataset to fill.
fn first_rows(store: &Store) -> Result<(), Fault> {
    let tenant = TenantId::from(DEFAULT_TENANT);
    store.ensure_tenant(&tenant, "Default")?;
    store.ensure_tenant(&PUBLIC_TENANT.into(), "Public")?;
    if store.users(&tenant)?.is_empty() {
        store.insert_user(&NewUser {
            tenant_id: &tenant,
            username: FIRST_USER,
            password_hash: None,
            role: UserRole::Admin,
        })?;
        store.insert_dataset(&tenant, DEFAULT_DATASET, "", false)?;
    }
    Ok(())
}

fn cores(config: &Config) -> usize {
    match config.threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    }
}

satchel_types::faults!(
    StoreError,
    JobsError,
    LexicalError,
    VectorsError,
    RetrieveError,
    AnswerError
);
