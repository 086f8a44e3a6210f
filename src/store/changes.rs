//! Table `documents`: what people change of a document that is there: its
//! dataset, its name and metadata, its content.

use super::documents::{document_by_key, to_json};
use super::{Store, StoreError, is_duplicate, versions};
use crate::types::{DocumentId, DocumentMetadata, DocumentStatus, TenantId, Time, UserId};
use rusqlite::params;

/// What takes the place of a document's content.
#[derive(Debug, Clone)]
pub struct NewContent {
    /// Who brings it.
    pub user_id: UserId,
    pub filename: String,
    pub bytes: u64,
    pub sha256: String,
    pub metadata: DocumentMetadata,
}

impl Store {
    /// Puts a document into another dataset of its tenant; one that has the
    /// same content already is a [`StoreError::Duplicate`].
    pub fn move_document(
        &self,
        tenant: &TenantId,
        id: &DocumentId,
        dataset_key: u64,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let moved = transaction.execute(
                "UPDATE documents SET dataset_key = ?3 WHERE id = ?2
                 AND dataset_key IN (SELECT key FROM datasets WHERE tenant_id = ?1)
                 AND EXISTS (SELECT 1 FROM datasets WHERE key = ?3 AND tenant_id = ?1)",
                params![tenant.as_str(), id.as_str(), dataset_key],
            );
            match moved {
                Ok(0) => Err(StoreError::Missing("the document")),
                Ok(_) => Ok(()),
                Err(error) if is_duplicate(&error) => Err(StoreError::Duplicate(
                    "the other dataset has this document already".to_owned(),
                )),
                Err(error) => Err(error.into()),
            }
        })
    }

    /// Gives a document another name, and metadata over those that it has.
    pub fn describe_document(
        &self,
        key: u64,
        filename: Option<&str>,
        metadata: DocumentMetadata,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let document = document_by_key(transaction, key)?;
            let document = document.ok_or(StoreError::Missing("the document"))?;
            let metadata = metadata.or(document.metadata);
            transaction.execute(
                "UPDATE documents SET filename = ?2, metadata = ?3, module = ?4, chapter = ?5,
                 updated_at = ?6 WHERE key = ?1",
                params![
                    key,
                    filename.unwrap_or(&document.filename),
                    to_json(&metadata)?,
                    metadata.module,
                    metadata.chapter,
                    Time::now().millis()
                ],
            )?;
            Ok(())
        })
    }

    /// Gives a document another content, which waits to be read from then on;
    /// who still reads the old one finds its job gone. What the document was
    /// until now is remembered. Content that the dataset has already is a
    /// [`StoreError::Duplicate`].
    pub fn replace_content(&self, key: u64, new: &NewContent) -> Result<(), StoreError> {
        self.write(|transaction| {
            let now = Time::now().millis();
            versions::remember(transaction, key, &new.sha256, now)?;
            let replaced = transaction.execute(
                "UPDATE documents SET filename = ?2, bytes = ?3, sha256 = ?4, metadata = ?5,
                 module = ?6, chapter = ?7, external_id = NULL, status = ?8, error = NULL,
                 updated_at = ?9, version = version + (sha256 <> ?4),
                 content_by = iif(sha256 <> ?4, ?10, content_by),
                 content_at = iif(sha256 <> ?4, ?9, content_at) WHERE key = ?1",
                params![
                    key,
                    new.filename,
                    new.bytes,
                    new.sha256,
                    to_json(&new.metadata)?,
                    new.metadata.module,
                    new.metadata.chapter,
                    DocumentStatus::Queued.as_str(),
                    now,
                    new.user_id.as_str()
                ],
            );
            match replaced {
                Ok(0) => return Err(StoreError::Missing("the document")),
                Ok(_) => {}
                Err(error) if is_duplicate(&error) => {
                    return Err(StoreError::Duplicate(
                        "the dataset has another document with this content already".to_owned(),
                    ));
                }
                Err(error) => return Err(error.into()),
            }
            transaction.execute("DELETE FROM jobs WHERE document_key = ?1", [key])?;
            transaction.execute(
                "INSERT INTO jobs (document_key, created_at) VALUES (?1, ?2)",
                params![key, now],
            )?;
            Ok(())
        })
    }
}
