//! Table `jobs`: documents that wait for ingestion. A job lives in the same
//! transaction as its document, so neither exists without the other.

use super::documents::set_status;
use super::{Store, StoreError};
use crate::types::{DocumentStatus, Time};
use rusqlite::{OptionalExtension, params};

/// A piece of work that was taken from the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    pub id: u64,
    pub document_key: u64,
    /// How often it has been begun, this time included.
    pub attempts: u32,
}

impl Store {
    /// Takes the oldest waiting job and marks it as running.
    pub fn take_job(&self) -> Result<Option<Job>, StoreError> {
        self.write(|transaction| {
            let job = transaction
                .query_row(
                    "UPDATE jobs SET state = 'running', attempts = attempts + 1
                     WHERE id = (SELECT id FROM jobs WHERE state = 'queued' ORDER BY id LIMIT 1)
                     RETURNING id, document_key, attempts",
                    [],
                    |row| {
                        Ok(Job {
                            id: row.get(0)?,
                            document_key: row.get(1)?,
                            attempts: row.get(2)?,
                        })
                    },
                )
                .optional()?;
            Ok(job)
        })
    }

    /// Ends a job: the document gets its final status in the same transaction.
    pub fn finish_job(
        &self,
        job: &Job,
        status: DocumentStatus,
        error: Option<&str>,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            set_status(transaction, job.document_key, status, error)?;
            transaction.execute("DELETE FROM jobs WHERE id = ?1", [job.id])?;
            Ok(())
        })
    }

    /// Puts a job back, to be begun again.
    pub fn release_job(&self, job: &Job) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute("UPDATE jobs SET state = 'queued' WHERE id = ?1", [job.id])?;
            Ok(())
        })
    }

    /// After a start: what was running when the process ended waits again.
    /// Gives back how many jobs wait.
    pub fn requeue_interrupted_jobs(&self) -> Result<u64, StoreError> {
        self.write(|transaction| {
            transaction.execute(
                "UPDATE jobs SET state = 'queued' WHERE state = 'running'",
                [],
            )?;
            let waiting =
                transaction.query_row("SELECT count(*) FROM jobs", [], |row| row.get(0))?;
            Ok(waiting)
        })
    }

    /// Queues a document for ingestion again.
    pub fn requeue_document(&self, document_key: u64) -> Result<(), StoreError> {
        self.write(|transaction| {
            set_status(transaction, document_key, DocumentStatus::Queued, None)?;
            transaction.execute(
                "INSERT INTO jobs (document_key, created_at) VALUES (?1, ?2)
                 ON CONFLICT (document_key) DO UPDATE SET attempts = 0",
                params![document_key, Time::now().millis()],
            )?;
            Ok(())
        })
    }

    /// How many jobs wait or run.
    pub fn pending_jobs(&self) -> Result<u64, StoreError> {
        self.read(|connection| {
            let sql = "SELECT count(*) FROM jobs";
            Ok(connection
                .prepare_cached(sql)?
                .query_row([], |row| row.get(0))?)
        })
    }
}
