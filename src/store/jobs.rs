//! Table `jobs`: documents that wait for ingestion. A job lives in the same
//! transaction as its document, so neither exists without the other. It passes
//! two steps, `extract` and `embed`, and is gone when the document is final.

use super::documents::set_status;
use super::{Store, StoreError};
use crate::types::{DocumentStatus, Time};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

/// A step of a document's ingestion that was taken from the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    pub id: u64,
    pub document_key: u64,
    /// How often this step has been begun, this time included.
    pub attempts: u32,
}

impl Store {
    /// Takes the oldest document that waits for extraction, before those that
    /// were begun and not ended. One worker asks: what it took before and did
    /// not end, because an error came between, waits again.
    pub fn take_extract_job(&self) -> Result<Option<Job>, StoreError> {
        self.write(|transaction| {
            requeue(transaction, "extract")?;
            let next = transaction
                .prepare_cached(
                    "SELECT id FROM jobs WHERE step = 'extract' ORDER BY attempts, id LIMIT 1",
                )?
                .query_row([], |row| row.get(0))
                .optional()?;
            next.map(|id| begin(transaction, id)).transpose()
        })
    }

    /// Takes documents that wait for embedding, those with the fewest chunks
    /// left first (a small document does not wait for a book), until together
    /// they have `chunks` chunks or more. One that was begun and not ended comes
    /// after all others and alone: what is wrong with it holds up nobody else.
    /// One worker asks, as for [`Store::take_extract_job`].
    pub fn take_embed_jobs(&self, chunks: u64) -> Result<Vec<Job>, StoreError> {
        self.write(|transaction| {
            requeue(transaction, "embed")?;
            let waiting = {
                let mut statement = transaction.prepare_cached(
                    "SELECT j.id, x.chunks - x.embedded AS left, j.attempts > 0 FROM jobs j
                     JOIN documents x ON x.key = j.document_key
                     WHERE j.step = 'embed' ORDER BY j.attempts, left, j.id LIMIT ?1",
                )?;
                let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
                let rows = statement.query_map([chunks], row)?;
                rows.collect::<Result<Vec<(u64, i64, bool)>, _>>()?
            };
            let mut room = chunks as i64;
            let mut taken = Vec::new();
            for (id, left, is_begun) in waiting {
                if room <= 0 || (is_begun && !taken.is_empty()) {
                    break;
                }
                room = if is_begun { 0 } else { room - left.max(1) };
                taken.push(begin(transaction, id)?);
            }
            Ok(taken)
        })
    }

    /// Ends a job: the document gets its final status in the same transaction.
    /// Gives back `false` if the document was deleted meanwhile, or its content
    /// replaced.
    pub fn finish_job(
        &self,
        job: &Job,
        status: DocumentStatus,
        error: Option<&str>,
    ) -> Result<bool, StoreError> {
        self.write(|transaction| {
            let ended = end(transaction, job)?;
            if ended {
                set_status(transaction, job.document_key, status, error)?;
            }
            Ok(ended)
        })
    }

    /// Puts a job back in the queue; its next attempt counts as the first.
    pub fn release_job(&self, job: &Job) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction
                .prepare_cached("UPDATE jobs SET running = 0, attempts = 0 WHERE id = ?1")?
                .execute([job.id])?;
            Ok(())
        })
    }

    /// After a start: what was running when the process ended waits again.
    /// Gives back how many jobs wait.
    pub fn requeue_interrupted_jobs(&self) -> Result<u64, StoreError> {
        self.write(|transaction| {
            transaction.execute("UPDATE jobs SET running = 0", [])?;
            pending(transaction)
        })
    }

    /// Queues a document to be ingested from the start.
    pub fn requeue_document(&self, document_key: u64) -> Result<(), StoreError> {
        self.write(|transaction| {
            set_status(transaction, document_key, DocumentStatus::Queued, None)?;
            transaction
                .prepare_cached("UPDATE documents SET embedded = 0 WHERE key = ?1")?
                .execute([document_key])?;
            // Another id: who works on the old job finds that it is gone.
            transaction.execute(
                "INSERT OR REPLACE INTO jobs (document_key, created_at) VALUES (?1, ?2)",
                params![document_key, Time::now().millis()],
            )?;
            Ok(())
        })
    }

    /// How many jobs wait or run.
    pub fn pending_jobs(&self) -> Result<u64, StoreError> {
        self.read(pending)
    }
}

/// Moves a job on to the embedding step; `false` if it is gone.
pub(super) fn advance(transaction: &Transaction<'_>, job: &Job) -> Result<bool, StoreError> {
    let moved = transaction
        .prepare_cached("UPDATE jobs SET step = 'embed', running = 0, attempts = 0 WHERE id = ?1")?
        .execute([job.id])?;
    Ok(moved > 0)
}

/// Takes a job out of the queue; `false` if it is gone.
pub(super) fn end(transaction: &Transaction<'_>, job: &Job) -> Result<bool, StoreError> {
    let ended = transaction
        .prepare_cached("DELETE FROM jobs WHERE id = ?1")?
        .execute([job.id])?;
    Ok(ended > 0)
}

/// What was taken of a step and not ended waits again.
fn requeue(transaction: &Transaction<'_>, step: &str) -> Result<(), StoreError> {
    transaction
        .prepare_cached("UPDATE jobs SET running = 0 WHERE step = ?1 AND running")?
        .execute([step])?;
    Ok(())
}

fn begin(transaction: &Transaction<'_>, id: u64) -> Result<Job, StoreError> {
    let job = transaction
        .prepare_cached(
            "UPDATE jobs SET running = 1, attempts = attempts + 1 WHERE id = ?1
             RETURNING id, document_key, attempts",
        )?
        .query_row([id], job)?;
    Ok(job)
}

fn pending(connection: &Connection) -> Result<u64, StoreError> {
    let sql = "SELECT count(*) FROM jobs";
    Ok(connection
        .prepare_cached(sql)?
        .query_row([], |row| row.get(0))?)
}

fn job(row: &Row<'_>) -> rusqlite::Result<Job> {
    Ok(Job {
        id: row.get(0)?,
        document_key: row.get(1)?,
        attempts: row.get(2)?,
    })
}
