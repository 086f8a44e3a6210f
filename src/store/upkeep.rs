//! What keeps the tables and what is made of them in order: faults, the
//! documents that have them, and the documents one after another.

use super::documents::set_status;
use super::{Store, StoreError, vectors};
use crate::types::{DocumentStatus, Time};
use rusqlite::{Transaction, params};

/// Documents that one statement lists.
const LISTED: usize = 500;

/// Documents that cannot be as they are: `x`, each of them as often as it likes.
const FAULTY: &str = "
    SELECT x.key FROM chunks c JOIN documents x ON x.key = c.document_key
    LEFT JOIN pages p ON p.document_key = c.document_key AND p.number = c.page
    WHERE p.outcome IS NOT 'text' OR substr(p.text, c.start + 1, c.end - c.start) IS NOT c.text";

/// Documents that wait for ever.
const STUCK: &str = "
    SELECT x.key, x.filename FROM documents x
    WHERE x.status IN ('queued', 'extracting', 'embedding')
    AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.document_key = x.key)";

/// Documents that lack passages which they were read with.
const SHORT: &str = "
    SELECT x.key, x.filename FROM documents x WHERE x.status = 'ready'
    AND x.chunks <> (SELECT count(*) FROM chunks c WHERE c.document_key = x.key)";

/// A document as one that goes through all of them sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DocumentStep {
    pub key: u64,
    pub is_ready: bool,
}

impl Store {
    /// The key of the last document, and how many there are.
    pub fn last_document(&self) -> Result<(u64, u64), StoreError> {
        self.read(|connection| {
            let sql = "SELECT coalesce(max(key), 0), count(*) FROM documents";
            let mut statement = connection.prepare_cached(sql)?;
            Ok(statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?)
        })
    }

    /// The documents from `after` on, that one left out, as far as `until`, until
    /// together they have `chunks` chunks or more.
    pub fn documents_between(
        &self,
        after: u64,
        until: u64,
        chunks: u64,
    ) -> Result<Vec<DocumentStep>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT key, status = 'ready', chunks FROM documents
                 WHERE key > ?1 AND key <= ?2 ORDER BY key LIMIT ?3",
            )?;
            let mut rows = statement.query(params![after, until, LISTED])?;
            let (mut found, mut size) = (Vec::new(), 0);
            while let Some(row) = rows.next()?
                && size < chunks
            {
                size += row.get::<_, u64>(2)?;
                found.push(DocumentStep {
                    key: row.get(0)?,
                    is_ready: row.get(1)?,
                });
            }
            Ok(found)
        })
    }

    /// Queues documents that are ready to be embedded, because vectors that this
    /// model should have made of them are missing; one that is not ready is on its
    /// way already.
    pub fn requeue_lacking(
        &self,
        fingerprint: &str,
        documents: impl IntoIterator<Item = u64>,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            for document in documents {
                if is_ready(transaction, document)? {
                    embed_anew(transaction, fingerprint, document)?;
                }
            }
            Ok(())
        })
    }

    /// The same for one after the vectors that it has are discarded.
    pub fn discard_embedding(
        &self,
        fingerprint: &str,
        document_key: u64,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            if is_ready(transaction, document_key)? {
                vectors::discard(transaction, fingerprint, document_key)?;
                embed_anew(transaction, fingerprint, document_key)?;
            }
            Ok(())
        })
    }

    /// Faults of documents, for `satchel doctor`: spans that do not give their
    /// text, chunks of pages that have none, chunks that are missing, and
    /// documents that wait although nobody works on them.
    pub fn chunk_faults(&self) -> Result<Vec<String>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare(
                "SELECT x.filename, c.position, p.outcome,
                        substr(p.text, c.start + 1, c.end - c.start) = c.text
                 FROM chunks c JOIN documents x ON x.key = c.document_key
                 LEFT JOIN pages p ON p.document_key = c.document_key AND p.number = c.page",
            )?;
            let mut rows = statement.query([])?;
            let mut faults = Vec::new();
            while let Some(row) = rows.next()? {
                let name: String = row.get(0)?;
                let position: u32 = row.get(1)?;
                let outcome: Option<String> = row.get(2)?;
                let equal: Option<bool> = row.get(3)?;
                if outcome.as_deref() != Some("text") {
                    faults.push(format!(
                        "{name}: chunk {position} is on a page without text"
                    ));
                } else if equal != Some(true) {
                    faults.push(format!("{name}: the span of chunk {position} is wrong"));
                }
            }
            for (sql, what) in [
                (STUCK, "it waits to be read, and nothing will read it"),
                (SHORT, "some of its chunks are missing"),
            ] {
                let mut statement = connection.prepare(sql)?;
                let names = statement.query_map([], |row| row.get::<_, String>(1))?;
                for name in names {
                    faults.push(format!("{}: {what}", name?));
                }
            }
            Ok(faults)
        })
    }

    /// The documents with such faults, rising.
    pub fn faulty_documents(&self) -> Result<Vec<u64>, StoreError> {
        self.read(|connection| {
            let sql = format!(
                "{FAULTY} UNION SELECT key FROM ({STUCK}) UNION SELECT key FROM ({SHORT})
                 ORDER BY 1"
            );
            let mut statement = connection.prepare(&sql)?;
            let rows = statement.query_map([], |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Makes SQLite's own indexes again.
    pub fn rebuild_indexes(&self) -> Result<(), StoreError> {
        self.write(|transaction| Ok(transaction.execute_batch("REINDEX")?))
    }
}

fn is_ready(transaction: &Transaction<'_>, document_key: u64) -> Result<bool, StoreError> {
    let ready = transaction
        .prepare_cached("SELECT 1 FROM documents WHERE key = ?1 AND status = 'ready'")?
        .exists([document_key])?;
    Ok(ready)
}

/// Queues a document. What another model embedded does not count.
fn embed_anew(
    transaction: &Transaction<'_>,
    fingerprint: &str,
    document_key: u64,
) -> Result<(), StoreError> {
    vectors::count(transaction, fingerprint, document_key)?;
    set_status(transaction, document_key, DocumentStatus::Embedding, None)?;
    transaction.execute(
        "INSERT OR REPLACE INTO jobs (document_key, step, created_at) VALUES (?1, 'embed', ?2)",
        params![document_key, Time::now().millis()],
    )?;
    Ok(())
}
