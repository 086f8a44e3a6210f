//! Table `documents`: what was uploaded and how far its ingestion is.

use super::scope::VISIBLE;
use super::{Store, StoreError, json_list};
use crate::types::{
    DatasetId, Document, DocumentId, DocumentMetadata, DocumentStatus, TenantId, Time, UserId,
    Viewer,
};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, named_params, params};

/// A document to be stored.
#[derive(Debug, Clone)]
pub struct NewDocument {
    pub id: DocumentId,
    pub dataset_key: u64,
    pub user_id: UserId,
    pub external_id: Option<String>,
    pub filename: String,
    pub bytes: u64,
    /// Names the content: two documents of a dataset never share it.
    pub sha256: String,
    pub metadata: DocumentMetadata,
}

/// What became of a [`NewDocument`].
#[derive(Debug, Clone, PartialEq)]
pub enum Insertion {
    /// It is stored, with the job that will ingest it.
    Inserted { key: u64 },
    /// The dataset has the same content already.
    Duplicate(DocumentId),
}

/// Which documents to list.
#[derive(Debug, Clone, Default)]
pub struct DocumentFilter {
    pub dataset: Option<DatasetId>,
    /// Of these; empty: of whatever status.
    pub statuses: Vec<DocumentStatus>,
    /// Only those of which pages have no text.
    pub with_unread_pages: bool,
    /// Part of the file name or title.
    pub text: Option<String>,
    pub order: DocumentOrder,
    pub ascending: bool,
    /// Continue after this document key; in the order of adding alone.
    pub after: Option<u64>,
    /// Leave out so many.
    pub offset: usize,
    pub limit: usize,
}

/// By what a list of documents is ordered; what is the same there goes by the
/// order of adding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DocumentOrder {
    #[default]
    Added,
    Name,
    Size,
    Pages,
    Chunks,
    Status,
}

impl DocumentOrder {
    fn expression(self) -> &'static str {
        match self {
            Self::Added => "x.key",
            Self::Name => {
                "coalesce(json_extract(x.metadata, '$.title'), x.filename) COLLATE NOCASE"
            }
            Self::Size => "x.bytes",
            Self::Pages => "x.pages",
            Self::Chunks => "x.chunks",
            Self::Status => "x.status",
        }
    }
}

/// One page of a list of documents.
#[derive(Debug, Clone)]
pub struct DocumentPage {
    pub documents: Vec<Document>,
    /// How many there are in all.
    pub total: u64,
    /// Where the next page continues, if there is one and the newest come first.
    pub next: Option<u64>,
}

pub(super) const SELECT: &str = "
    SELECT x.key, x.id, d.tenant_id, d.id, x.dataset_key, x.user_id, x.external_id, x.filename,
           x.file_type, x.bytes, x.sha256, x.status, x.error, x.paged, x.pages,
           x.pages_without_text, x.characters, x.chunks, x.embedded, x.metadata, x.created_at,
           x.updated_at,
           CASE WHEN d.visibility = 'private' THEN coalesce(d.owner_id, '') END,
           x.language, x.version
    FROM documents x JOIN datasets d ON d.key = x.dataset_key";

impl Store {
    /// Stores documents and their ingestion jobs in one transaction.
    pub fn insert_documents(&self, new: &[NewDocument]) -> Result<Vec<Insertion>, StoreError> {
        self.write(|transaction| new.iter().map(|one| insert(transaction, one)).collect())
    }

    /// One document, if it exists for the viewer.
    pub fn document(
        &self,
        viewer: &Viewer,
        id: &DocumentId,
    ) -> Result<Option<Document>, StoreError> {
        self.read(|connection| {
            let sql = format!("{SELECT} WHERE {VISIBLE} AND x.id = :id");
            let parameters = named_params! {
                ":tenant": viewer.tenant_id.as_str(),
                ":user": viewer.user_id.as_ref().map(UserId::as_str),
                ":id": id.as_str(),
            };
            connection
                .prepare_cached(&sql)?
                .query_row(parameters, |row| Ok(document(row)))
                .optional()?
                .transpose()
        })
    }

    /// The document with this row key, of whatever tenant.
    pub fn document_by_key(&self, key: u64) -> Result<Option<Document>, StoreError> {
        self.read(|connection| document_by_key(connection, key))
    }

    /// The document with this id, of whatever tenant.
    pub fn document_by_id(&self, id: &DocumentId) -> Result<Option<Document>, StoreError> {
        self.read(|connection| {
            let sql = format!("{SELECT} WHERE x.id = ?1");
            connection
                .prepare_cached(&sql)?
                .query_row([id.as_str()], |row| Ok(document(row)))
                .optional()?
                .transpose()
        })
    }

    /// Lists the documents that exist for the viewer, the newest first unless
    /// `filter` says otherwise.
    pub fn documents(
        &self,
        viewer: &Viewer,
        filter: &DocumentFilter,
    ) -> Result<DocumentPage, StoreError> {
        const CONDITION: &str = "(:dataset IS NULL OR d.id = :dataset)
            AND (:statuses IS NULL OR x.status IN (SELECT value FROM json_each(:statuses)))
            AND (NOT :unread OR x.pages_without_text > 0)
            AND (:text IS NULL OR instr(lower(x.filename), lower(:text)) > 0
                 OR instr(lower(coalesce(json_extract(x.metadata, '$.title'), '')), lower(:text)) > 0)";
        let dataset = filter.dataset.as_ref().map(DatasetId::as_str);
        let statuses: Vec<_> = filter.statuses.iter().map(|one| one.as_str()).collect();
        let statuses = match statuses.as_slice() {
            [] => None,
            some => Some(json_list(some)?),
        };
        let after = filter.after.unwrap_or(i64::MAX as u64);
        let parameters = named_params! {
            ":tenant": viewer.tenant_id.as_str(),
            ":user": viewer.user_id.as_ref().map(UserId::as_str),
            ":dataset": dataset,
            ":statuses": statuses,
            ":unread": filter.with_unread_pages,
            ":text": filter.text,
            ":after": after,
            ":most": filter.limit + 1,
            ":offset": filter.offset,
        };
        self.read(|connection| {
            let count = format!(
                "SELECT count(*) FROM documents x JOIN datasets d ON d.key = x.dataset_key
                 WHERE {VISIBLE} AND {CONDITION}"
            );
            let total = connection
                .prepare_cached(&count)?
                .query_row(&parameters[..6], |row| row.get(0))?;
            let order = filter.order.expression();
            let direction = if filter.ascending { "ASC" } else { "DESC" };
            let list = format!(
                "{SELECT} WHERE {VISIBLE} AND {CONDITION} AND x.key < :after
                 ORDER BY {order} {direction}, x.key DESC LIMIT :most OFFSET :offset"
            );
            let mut statement = connection.prepare_cached(&list)?;
            let rows = statement.query_map(parameters, |row| Ok(document(row)))?;
            let mut documents = rows
                .map(|row| row?)
                .collect::<Result<Vec<_>, StoreError>>()?;
            let more = documents.len() > filter.limit;
            documents.truncate(filter.limit);
            let by_key = filter.order == DocumentOrder::Added && !filter.ascending;
            let last = documents.last().filter(|_| more && by_key);
            let next = last.map(|last| last.key);
            Ok(DocumentPage {
                documents,
                total,
                next,
            })
        })
    }

    /// Notes how far the ingestion is.
    pub fn set_document_status(
        &self,
        key: u64,
        status: DocumentStatus,
        error: Option<&str>,
    ) -> Result<(), StoreError> {
        self.write(|transaction| set_status(transaction, key, status, error))
    }

    /// Deletes a document with its pages, chunks, vectors and job; gives back
    /// the keys of its chunks, for the indexes.
    pub fn delete_document(
        &self,
        tenant: &TenantId,
        id: &DocumentId,
    ) -> Result<(Document, Vec<u64>), StoreError> {
        self.write(|transaction| {
            let sql = format!("{SELECT} WHERE d.tenant_id = ?1 AND x.id = ?2");
            let found = transaction
                .query_row(&sql, params![tenant.as_str(), id.as_str()], |row| {
                    Ok(document(row))
                })
                .optional()?
                .transpose()?
                .ok_or(StoreError::Missing("the document"))?;
            let chunks = {
                let mut statement =
                    transaction.prepare_cached("SELECT key FROM chunks WHERE document_key = ?1")?;
                let rows = statement.query_map([found.key], |row| row.get(0))?;
                rows.collect::<Result<Vec<u64>, _>>()?
            };
            transaction.execute("DELETE FROM documents WHERE key = ?1", [found.key])?;
            Ok((found, chunks))
        })
    }

    /// The documents that a tenant has of its own, or those that one of its
    /// users uploaded.
    pub fn document_ids(
        &self,
        tenant: &TenantId,
        user: Option<&UserId>,
    ) -> Result<Vec<DocumentId>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT x.id FROM documents x JOIN datasets d ON d.key = x.dataset_key
                 WHERE d.tenant_id = ?1 AND d.builtin = 0 AND (?2 IS NULL OR x.user_id = ?2)
                 ORDER BY x.key",
            )?;
            let parameters = params![tenant.as_str(), user.map(UserId::as_str)];
            let rows =
                statement.query_map(parameters, |row| Ok(row.get::<_, String>(0)?.into()))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// How many documents the instance has.
    pub fn document_count(&self) -> Result<u64, StoreError> {
        self.read(|connection| {
            let sql = "SELECT count(*) FROM documents";
            Ok(connection
                .prepare_cached(sql)?
                .query_row([], |row| row.get(0))?)
        })
    }

    /// The ids of all documents of the instance, to find originals that belong to none.
    pub fn all_document_ids(&self) -> Result<Vec<DocumentId>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT id FROM documents")?;
            let rows = statement.query_map([], |row| Ok(row.get::<_, String>(0)?.into()))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

fn insert(transaction: &Transaction<'_>, new: &NewDocument) -> Result<Insertion, StoreError> {
    let duplicate: Option<String> = transaction
        .prepare_cached("SELECT id FROM documents WHERE dataset_key = ?1 AND sha256 = ?2")?
        .query_row(params![new.dataset_key, new.sha256], |row| row.get(0))
        .optional()?;
    if let Some(id) = duplicate {
        return Ok(Insertion::Duplicate(id.into()));
    }
    let now = Time::now().millis();
    transaction
        .prepare_cached(
            "INSERT INTO documents (id, dataset_key, user_id, external_id, filename, bytes, sha256,
             status, module, chapter, metadata, created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12)",
        )?
        .execute(params![
            new.id.as_str(),
            new.dataset_key,
            new.user_id.as_str(),
            new.external_id,
            new.filename,
            new.bytes,
            new.sha256,
            DocumentStatus::Queued.as_str(),
            new.metadata.module,
            new.metadata.chapter,
            to_json(&new.metadata)?,
            now
        ])?;
    let key = transaction.last_insert_rowid() as u64;
    transaction
        .prepare_cached("INSERT INTO jobs (document_key, created_at) VALUES (?1, ?2)")?
        .execute(params![key, now])?;
    Ok(Insertion::Inserted { key })
}

pub(super) fn set_status(
    transaction: &Transaction<'_>,
    key: u64,
    status: DocumentStatus,
    error: Option<&str>,
) -> Result<(), StoreError> {
    transaction
        .prepare_cached(
            "UPDATE documents SET status = ?2, error = ?3, updated_at = ?4 WHERE key = ?1",
        )?
        .execute(params![key, status.as_str(), error, Time::now().millis()])?;
    Ok(())
}

pub(super) fn document_by_key(
    connection: &Connection,
    key: u64,
) -> Result<Option<Document>, StoreError> {
    let sql = format!("{SELECT} WHERE x.key = ?1");
    connection
        .prepare_cached(&sql)?
        .query_row([key], |row| Ok(document(row)))
        .optional()?
        .transpose()
}

pub(super) fn to_json(metadata: &DocumentMetadata) -> Result<String, StoreError> {
    serde_json::to_string(metadata).map_err(|error| StoreError::Value(error.to_string()))
}

fn document(row: &Row<'_>) -> Result<Document, StoreError> {
    let status: String = row.get(11)?;
    let metadata: String = row.get(19)?;
    Ok(Document {
        key: row.get(0)?,
        id: row.get::<_, String>(1)?.into(),
        tenant_id: row.get::<_, String>(2)?.into(),
        dataset_id: row.get::<_, String>(3)?.into(),
        dataset_key: row.get(4)?,
        user_id: row.get::<_, String>(5)?.into(),
        external_id: row.get(6)?,
        filename: row.get(7)?,
        file_type: row.get(8)?,
        bytes: row.get(9)?,
        sha256: row.get(10)?,
        status: DocumentStatus::parse(&status).ok_or(StoreError::Value(status))?,
        error: row.get(12)?,
        paged: row.get(13)?,
        pages: row.get(14)?,
        pages_without_text: row.get(15)?,
        characters: row.get(16)?,
        chunks: row.get(17)?,
        embedded: row.get(18)?,
        metadata: serde_json::from_str(&metadata)
            .map_err(|error| StoreError::Value(error.to_string()))?,
        created_at: Time::from_millis(row.get(20)?),
        updated_at: Time::from_millis(row.get(21)?),
        private_to: row.get::<_, Option<String>>(22)?.map(Into::into),
        language: row.get(23)?,
        version: row.get(24)?,
    })
}
