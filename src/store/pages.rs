//! Table `pages`: the text of each page and what became of it.

use super::documents::{set_status, to_json};
use super::{Job, Store, StoreError};
use crate::types::{
    DocumentMetadata, DocumentStatus, NewChunk, Page, PageOutcome, PageSummary, char_len,
};
use rusqlite::{OptionalExtension, Transaction, params};

/// What extraction found in a document.
#[derive(Debug, Clone, Copy)]
pub struct NewText<'a> {
    pub file_type: &'a str,
    /// Whether its pages are pages of the original.
    pub paged: bool,
    /// What most of it is written in, if that is known.
    pub language: Option<&'a str>,
    pub metadata: &'a DocumentMetadata,
    pub pages: &'a [Page],
    pub chunks: &'a [NewChunk],
}

impl Store {
    /// Stores what extraction found: pages, chunks and the document's counts,
    /// in place of any earlier ones; the document and its job then wait for
    /// embedding. Gives back `false` if the document was deleted meanwhile, or
    /// its content replaced.
    pub fn store_extraction(&self, job: &Job, text: &NewText<'_>) -> Result<bool, StoreError> {
        let NewText {
            metadata,
            pages,
            chunks,
            ..
        } = *text;
        let unread = pages.iter().filter(|page| !page.outcome.is_read()).count();
        let characters: usize = pages.iter().map(|page| char_len(&page.text)).sum();
        let document_key = job.document_key;
        self.write(|transaction| {
            if !super::jobs::advance(transaction, job)? {
                return Ok(false);
            }
            transaction.execute(
                "UPDATE documents SET file_type = ?2, paged = ?3, pages = ?4,
                 pages_without_text = ?5, characters = ?6, chunks = ?7, embedded = 0,
                 module = ?8, chapter = ?9, metadata = ?10, language = ?11 WHERE key = ?1",
                params![
                    document_key,
                    text.file_type,
                    text.paged,
                    pages.len(),
                    unread,
                    characters,
                    chunks.len(),
                    metadata.module,
                    metadata.chapter,
                    to_json(metadata)?,
                    text.language
                ],
            )?;
            delete_text(transaction, document_key)?;
            insert_pages(transaction, document_key, pages)?;
            super::chunks::insert(transaction, document_key, chunks)?;
            set_status(transaction, document_key, DocumentStatus::Embedding, None)?;
            Ok(true)
        })
    }

    /// Ends the job of a document that cannot be read: what an earlier reading
    /// found is not its text any more. Gives back `false` if the document was
    /// deleted meanwhile, or its content replaced.
    pub fn fail_extraction(&self, job: &Job, reason: &str) -> Result<bool, StoreError> {
        let document_key = job.document_key;
        self.write(|transaction| {
            if !super::jobs::end(transaction, job)? {
                return Ok(false);
            }
            delete_text(transaction, document_key)?;
            transaction.execute(
                "UPDATE documents SET pages = 0, pages_without_text = 0, characters = 0,
                 chunks = 0, embedded = 0, language = NULL WHERE key = ?1",
                [document_key],
            )?;
            set_status(
                transaction,
                document_key,
                DocumentStatus::Failed,
                Some(reason),
            )?;
            Ok(true)
        })
    }

    /// One page of a document.
    pub fn page(&self, document_key: u64, number: u32) -> Result<Option<Page>, StoreError> {
        self.read(|connection| {
            let found = connection
                .prepare_cached(
                    "SELECT text, outcome, reason FROM pages
                     WHERE document_key = ?1 AND number = ?2",
                )?
                .query_row(params![document_key, number], |row| {
                    Ok(Page {
                        number,
                        text: row.get(0)?,
                        outcome: outcome(row.get(1)?, row.get(2)?),
                    })
                })
                .optional()?;
            Ok(found)
        })
    }

    /// The whole text of a document, pages separated by a blank line.
    pub fn document_text(&self, document_key: u64) -> Result<String, StoreError> {
        self.read(|connection| {
            let mut statement = connection
                .prepare_cached("SELECT text FROM pages WHERE document_key = ?1 ORDER BY number")?;
            let rows = statement.query_map([document_key], |row| row.get::<_, String>(0))?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?.join("\n\n"))
        })
    }

    /// The ledger: what became of each page.
    pub fn page_summaries(&self, document_key: u64) -> Result<Vec<PageSummary>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT p.number, p.characters, count(c.key), p.outcome, p.reason
                 FROM pages p
                 LEFT JOIN chunks c ON c.document_key = p.document_key AND c.page = p.number
                 WHERE p.document_key = ?1 GROUP BY p.number ORDER BY p.number",
            )?;
            let rows = statement.query_map([document_key], |row| {
                Ok(PageSummary {
                    number: row.get(0)?,
                    characters: row.get(1)?,
                    chunks: row.get(2)?,
                    outcome: outcome(row.get(3)?, row.get(4)?),
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

fn delete_text(transaction: &Transaction<'_>, document_key: u64) -> Result<(), StoreError> {
    transaction.execute("DELETE FROM pages WHERE document_key = ?1", [document_key])?;
    transaction.execute("DELETE FROM chunks WHERE document_key = ?1", [document_key])?;
    Ok(())
}

fn insert_pages(
    transaction: &Transaction<'_>,
    document_key: u64,
    pages: &[Page],
) -> Result<(), StoreError> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO pages (document_key, number, characters, outcome, reason, text)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for page in pages {
        let (outcome, reason) = match &page.outcome {
            PageOutcome::Text => ("text", None),
            PageOutcome::Partial(missing) => ("text", Some(missing)),
            PageOutcome::NoText => ("no_text", None),
            PageOutcome::Failed(reason) => ("failed", Some(reason)),
        };
        statement.execute(params![
            document_key,
            page.number,
            char_len(&page.text),
            outcome,
            reason,
            page.text
        ])?;
    }
    Ok(())
}

fn outcome(word: String, reason: Option<String>) -> PageOutcome {
    match word.as_str() {
        "text" => reason.map_or(PageOutcome::Text, PageOutcome::Partial),
        "no_text" => PageOutcome::NoText,
        _ => PageOutcome::Failed(reason.unwrap_or_default()),
    }
}
