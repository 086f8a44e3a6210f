//! Uploads: a file is streamed to disk, hashed, and becomes a document with
//! its ingestion job in one transaction. What is acknowledged is not lost.

use super::{Caller, Inner, Service, records};
use crate::error::{ErrorKind, Fault};
use crate::jobs::JobsError;
use crate::service::tokens::hex;
use crate::store::{Insertion, NewContent, NewDocument};
use crate::types::{Dataset, DatasetId, Document, DocumentId, DocumentMetadata};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::Instant;
use tokio::fs::File;
use tokio::io::{AsyncWriteExt, BufWriter};

/// The dataset for documents that name none.
pub const DEFAULT_DATASET: &str = "Documents";

/// Longest file name, in characters.
pub(super) const MAX_NAME_CHARS: usize = 255;

/// Bytes that are gathered before they are written.
const BUFFER_BYTES: usize = 256 * 1024;

/// A file about to be uploaded.
#[derive(Debug, Clone)]
pub struct UploadRequest {
    pub filename: String,
    /// `None`: the default dataset.
    pub dataset_id: Option<DatasetId>,
    pub metadata: DocumentMetadata,
}

/// What an upload added: one document, or one a line of a `.jsonl` file.
#[derive(Debug, Clone)]
pub struct Added {
    pub documents: Vec<AddedDocument>,
}

/// A document that was added, or the one that was there already.
#[derive(Debug, Clone)]
pub struct AddedDocument {
    pub id: DocumentId,
    pub duplicate: bool,
}

/// A file on its way in. Dropping it before [`Upload::finish`] discards it.
pub struct Upload {
    service: Service,
    caller: Caller,
    id: DocumentId,
    request: UploadRequest,
    incoming: Incoming,
    file: BufWriter<File>,
    hash: Sha256,
    bytes: u64,
    began: Instant,
}

/// The file while it is being written; removes it unless it was adopted.
struct Incoming(PathBuf);

impl Drop for Incoming {
    fn drop(&mut self) {
        // Gone if it was adopted; if it stays for another reason, the next start clears it.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Service {
    /// Starts an upload.
    pub async fn begin_upload(
        &self,
        caller: &Caller,
        mut request: UploadRequest,
    ) -> Result<Upload, Fault> {
        request.filename = valid_name(&request.filename)?;
        let id = DocumentId::generate();
        let tenant = caller.tenant_id.clone();
        self.blocking(move |inner| inner.check_quota(&tenant, 1))
            .await?;
        let path = self.inner.jobs.pipeline().originals.incoming(&id);
        let file = File::create(&path).await.map_err(JobsError::Files)?;
        Ok(Upload {
            service: self.clone(),
            caller: caller.clone(),
            id,
            request,
            incoming: Incoming(path),
            file: BufWriter::with_capacity(BUFFER_BYTES, file),
            hash: Sha256::new(),
            bytes: 0,
            began: Instant::now(),
        })
    }
}

impl Upload {
    /// Takes the next bytes. [`ErrorKind::TooLarge`] beyond the limit.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.bytes += bytes.len() as u64;
        let most = self.service.inner.config.max_upload_bytes;
        if self.bytes > most {
            let message = format!(
                "{}: the file is larger than {} MiB, the most that is allowed",
                self.request.filename,
                most / (1024 * 1024)
            );
            return Err(Fault::new(ErrorKind::TooLarge, message));
        }
        self.hash.update(bytes);
        self.file.write_all(bytes).await.map_err(JobsError::Files)?;
        Ok(())
    }

    /// Names the dataset, if that became known after the start.
    pub fn set_dataset(&mut self, dataset_id: Option<DatasetId>) {
        self.request.dataset_id = dataset_id;
    }

    /// Gives the metadata, if they became known after the start.
    pub fn set_metadata(&mut self, metadata: DocumentMetadata) {
        self.request.metadata = metadata;
    }

    /// Puts what was written on the disk.
    async fn sync(&mut self) -> Result<(), Fault> {
        self.file.flush().await.map_err(JobsError::Files)?;
        let synced = self.file.get_ref().sync_all().await;
        Ok(synced.map_err(JobsError::Files)?)
    }

    /// Makes the file the content of a document that is there, which is then
    /// read anew: it keeps its id and its dataset. Name and metadata are those
    /// of this upload. Until its new text is read, questions find the old one.
    pub async fn replace(mut self, document: &DocumentId) -> Result<Document, Fault> {
        self.sync().await?;
        let Self {
            service,
            caller,
            request,
            incoming,
            hash,
            bytes,
            began,
            ..
        } = self;
        let document = document.clone();
        let sha256 = hex(&hash.finalize());
        service
            .blocking(move |inner| {
                let erasures = inner.filling.lock().unwrap_or_else(PoisonError::into_inner);
                erasures.check_since(&caller, began)?;
                let old = inner.document(&caller.viewer(), &document)?;
                inner.own_dataset(&caller, &old.dataset_id)?;
                if request.dataset_id.is_some_and(|id| id != old.dataset_id) {
                    let message = "dataset_id: a document keeps its dataset when it is replaced";
                    return Err(Fault::invalid(message).about("dataset_id"));
                }
                if records::is_jsonl(&request.filename) && records::are_documents(&incoming.0) {
                    let name = &request.filename;
                    let message = format!(
                        "{name}: each of its lines is a document, so it cannot replace one"
                    );
                    return Err(Fault::invalid(message).about("file"));
                }
                let more = bytes.saturating_sub(old.bytes);
                inner.check_quota(&caller.tenant_id, more)?;
                let new = NewContent {
                    user_id: caller.user_id.clone(),
                    filename: request.filename,
                    bytes,
                    sha256,
                    metadata: request.metadata,
                };
                inner.jobs.pipeline().replace(&old, &new, &incoming.0)?;
                inner.jobs.wake();
                inner.document(&caller.viewer(), &document)
            })
            .await
    }

    /// Makes the file a document; from then on it is not lost.
    pub async fn finish(mut self) -> Result<Added, Fault> {
        self.sync().await?;
        let Self {
            service,
            caller,
            id,
            request,
            incoming,
            hash,
            bytes,
            began,
            ..
        } = self;
        let sha256 = hex(&hash.finalize());
        service
            .blocking(move |inner| {
                // One after the other, so that two do not take the same room.
                let erasures = inner.filling.lock().unwrap_or_else(PoisonError::into_inner);
                erasures.check_since(&caller, began)?;
                let dataset = inner.dataset_to_fill(&caller, request.dataset_id.as_ref())?;
                inner.check_quota(&caller.tenant_id, bytes)?;
                if records::is_jsonl(&request.filename) && records::are_documents(&incoming.0) {
                    return records::add(inner, &caller, &dataset, &request, &incoming.0);
                }
                let new = NewDocument {
                    id,
                    dataset_key: dataset.key,
                    user_id: caller.user_id,
                    external_id: None,
                    filename: request.filename,
                    bytes,
                    sha256,
                    metadata: request.metadata,
                };
                let added = inner.add_file(new, &incoming.0)?;
                Ok(Added {
                    documents: vec![added],
                })
            })
            .await
    }
}

impl Inner {
    /// Makes the whole, synced file `incoming` the original of a new document.
    fn add_file(&self, new: NewDocument, incoming: &Path) -> Result<AddedDocument, Fault> {
        let originals = &self.jobs.pipeline().originals;
        let id = new.id.clone();
        originals.adopt(incoming, &id).map_err(JobsError::Files)?;
        let inserted = self.store.insert_documents(&[new]);
        let duplicate = match inserted.as_ref().map(|all| all.first()) {
            Ok(Some(Insertion::Inserted { key })) => {
                self.announce(*key)?;
                self.jobs.wake();
                return Ok(AddedDocument {
                    id,
                    duplicate: false,
                });
            }
            Ok(Some(Insertion::Duplicate(other))) => Some(other.clone()),
            _ => None,
        };
        originals.remove(&id).map_err(JobsError::Files)?;
        inserted?;
        match duplicate {
            Some(id) => Ok(AddedDocument {
                id,
                duplicate: true,
            }),
            None => Err(Fault::internal("the document was not stored")),
        }
    }

    /// Tells the watchers that a document is there.
    pub(super) fn announce(&self, key: u64) -> Result<(), Fault> {
        if let Some(document) = self.store.document_by_key(key)? {
            self.jobs.pipeline().announce(&document);
        }
        Ok(())
    }

    /// The dataset that takes a new document.
    fn dataset_to_fill(&self, caller: &Caller, id: Option<&DatasetId>) -> Result<Dataset, Fault> {
        let tenant = &caller.tenant_id;
        if let Some(id) = id {
            return self.own_dataset(caller, id);
        }
        match self.store.dataset_by_name(tenant, DEFAULT_DATASET)? {
            Some(dataset) => Ok(dataset),
            None => {
                let id = self
                    .store
                    .insert_dataset(tenant, DEFAULT_DATASET, "", false)?;
                self.dataset(&caller.viewer(), &id)
            }
        }
    }
}

/// The last part of a file name that a client gave: no path, no control characters.
pub(super) fn valid_name(name: &str) -> Result<String, Fault> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|c| !c.is_control()).collect();
    let clean = clean.trim();
    let chars = clean.chars().count();
    match chars {
        0 => Err(Fault::invalid("file: it needs a file name")),
        1..=MAX_NAME_CHARS => Ok(clean.to_owned()),
        _ => Err(Fault::invalid(format!(
            "file: its name has {chars} characters, at most {MAX_NAME_CHARS} are allowed"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::valid_name;

    #[test]
    fn file_name_keeps_no_path_and_no_control_characters() {
        assert_eq!(valid_name("../../etc/pass\nwd").unwrap(), "passwd");
        assert_eq!(valid_name("C:\\docs\\a b.pdf").unwrap(), "a b.pdf");
        assert!(valid_name("folder/").is_err());
        assert!(valid_name(&"x".repeat(300)).is_err());
    }
}
