//! SQLite, and only here: the truth about tenants, documents and chats. One
//! file a table. Callers get plain values of `types`; no SQL and no connection
//! leaves this module. Every call blocks for the length of a disk access: async
//! code calls it on a blocking thread.
//!
//! There is one writer and a few readers (write-ahead log), so a reader never
//! waits for a writer. A committed write survives the death of the process at
//! any moment.

mod answer_records;
mod audit;
mod changes;
mod chats;
mod chunks;
mod datasets;
mod documents;
mod feedback;
mod foreign_keys;
mod jobs;
mod judgements;
mod keys;
mod messages;
mod migrate;
mod pages;
mod scope;
mod sessions;
mod settings;
mod sign_ins;
mod tenants;
mod tokens;
mod unfinished;
mod upkeep;
mod users;
mod vectors;
mod versions;
mod watched_folders;

pub use audit::{AuditFilter, AuditOutcome, AuditRecord, StoredAuditRecord};
pub use changes::NewContent;
pub use chats::{ChatChange, ChatFilter, FoundChat, FoundMessage};
pub use chunks::{ChunkPlace, IndexEntry, StoredChunk};
pub use documents::{DocumentFilter, DocumentOrder, DocumentPage, Insertion, NewDocument};
pub use feedback::{FeedbackEntry, FeedbackFilter, FeedbackPage};
pub use jobs::Job;
pub use judgements::JudgedAnswer;
pub use keys::{ApiKey, NewApiKey};
pub use messages::{Branch, MessageFilter, Place};
pub use pages::NewText;
pub use scope::{ScopeKeys, VisibleCounts};
pub use sessions::{SessionChange, SessionFilter, SessionPage, SessionPlace};
pub use sign_ins::{Origin, StoredSignIn};
pub use tenants::{Tenant, TenantLimits};
pub use tokens::Refresh;
pub use unfinished::CutOff;
pub use upkeep::DocumentStep;
pub use users::{NewUser, Subject, User, UserRole};
pub use watched_folders::{NewWatchedFolder, WatchedFolder};

use crate::error::{ErrorKind, Kind};
use crossbeam_channel::{Receiver, Sender};
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Connections that read at the same time.
const READERS: usize = 4;

/// How long a statement waits for a lock of another process.
const LOCK_WAIT: Duration = Duration::from_secs(10);

/// Handle on the database; share it by `Arc`.
pub struct Store {
    writer: Mutex<Connection>,
    free_readers: Receiver<Connection>,
    returned: Sender<Connection>,
}

impl Store {
    /// Opens the database at `path`, making and migrating it as needed.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let failed = |error| StoreError::Open {
            path: path.to_owned(),
            error,
        };
        let mut writer = Connection::open(path).map_err(failed)?;
        configure(&writer).map_err(failed)?;
        writer
            .pragma_update(None, "journal_mode", "WAL")
            .map_err(failed)?;
        migrate::run(&mut writer)?;
        let (returned, free_readers) = crossbeam_channel::bounded(READERS);
        for _ in 0..READERS {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let reader = Connection::open_with_flags(path, flags).map_err(failed)?;
            configure(&reader).map_err(failed)?;
            // The channel holds as many as are sent here, so this cannot fail or block.
            let _ = returned.send(reader);
        }
        Ok(Self {
            writer: Mutex::new(writer),
            free_readers,
            returned,
        })
    }

    /// Runs `work` in one transaction of the writer: all of it happens, or nothing.
    fn write<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        // A panic while the lock was held rolled its transaction back: the connection is sound.
        let mut connection = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let value = work(&transaction)?;
        transaction.commit()?;
        Ok(value)
    }

    /// Runs `work` on a reader.
    fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let lease = Lease {
            connection: self.free_readers.recv().ok(),
            returned: &self.returned,
        };
        match &lease.connection {
            Some(connection) => work(connection),
            None => Err(StoreError::Closed),
        }
    }

    /// Moves the write-ahead log into the database file.
    pub fn checkpoint(&self) -> Result<(), StoreError> {
        let connection = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }

    /// Writes the file anew from what is there, and empties the write-ahead
    /// log: after that nothing of what was deleted is in either. Writers wait.
    pub fn purge(&self) -> Result<(), StoreError> {
        let connection = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        // The copy may be larger than the memory.
        connection.pragma_update(None, "temp_store", "FILE")?;
        let copied = connection.execute_batch("VACUUM");
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        copied?;
        let busy: bool =
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        match busy {
            false => Ok(()),
            true => Err(StoreError::Busy),
        }
    }

    /// Writes a consistent copy of all that is stored to a new file, while
    /// others go on reading and writing.
    pub fn copy_to(&self, path: &Path) -> Result<(), StoreError> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(StoreError::Value(format!("{}: {error}", path.display())));
            }
            _ => {}
        }
        let path = path.to_string_lossy();
        self.read(|connection| {
            connection.execute("VACUUM INTO ?1", [path.as_ref()])?;
            Ok(())
        })
    }

    /// What SQLite's own check of the file says: empty when it is sound.
    pub fn integrity_faults(&self) -> Result<Vec<String>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare("PRAGMA integrity_check")?;
            let lines = statement.query_map([], |row| row.get::<_, String>(0))?;
            let mut faults = lines.collect::<Result<Vec<_>, _>>()?;
            faults.retain(|line| line != "ok");
            Ok(faults)
        })
    }
}

/// A reader that finds its way back, also when its user panics.
struct Lease<'a> {
    connection: Option<Connection>,
    returned: &'a Sender<Connection>,
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            // Both ends live in the store, which outlives the lease.
            let _ = self.returned.send(connection);
        }
    }
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(LOCK_WAIT)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.pragma_update(None, "foreign_keys", true)?;
    // With a write-ahead log NORMAL loses nothing when the process dies; only
    // a power cut may take the last commits, never the consistency.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    // Deleted text must not linger in free pages.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")
}

/// Why the database could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("cannot open the database {}: {error}", path.display())]
    Open {
        path: PathBuf,
        error: rusqlite::Error,
    },
    #[error(
        "the database was written by a newer version of satchel (schema {found}, this version knows {known}); use that version"
    )]
    TooNew { found: u32, known: u32 },
    #[error("{0} does not exist")]
    Missing(&'static str),
    #[error("{0}")]
    Duplicate(String),
    #[error("a stored value cannot be read: {0}")]
    Value(String),
    #[error("the database is closed")]
    Closed,
    #[error("a reader holds on to an old state of the database; try again later")]
    Busy,
    #[error("database: {0}")]
    Sqlite(#[from] rusqlite::Error),
}

impl Kind for StoreError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Missing(_) => ErrorKind::NotFound,
            Self::Duplicate(_) => ErrorKind::Conflict,
            Self::Busy => ErrorKind::Busy,
            Self::Open { .. }
            | Self::TooNew { .. }
            | Self::Value(_)
            | Self::Closed
            | Self::Sqlite(_) => ErrorKind::Storage,
        }
    }
}

/// Whether `error` is a violated UNIQUE or primary key.
fn is_duplicate(error: &rusqlite::Error) -> bool {
    matches!(
        error,
        rusqlite::Error::SqliteFailure(failure, _)
            if failure.code == rusqlite::ErrorCode::ConstraintViolation
                && matches!(failure.extended_code,
                    rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE
                    | rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY)
    )
}

/// A list as the JSON that `json_each` takes, so that a statement needs no
/// variable number of parameters.
fn json_list<T: serde::Serialize>(items: &[T]) -> Result<String, StoreError> {
    serde_json::to_string(items).map_err(|error| StoreError::Value(error.to_string()))
}
