//! What the workers share, and the steps that more than one of them takes.

use super::steps::Steps;
use super::{JobsError, Originals};
use crate::engine::encoder::Encoder;
use crate::lexical::{Lexical, LexicalDocument};
use crate::store::{ChunkPlace, IndexEntry, NewContent, Store, StoreError};
use crate::types::{
    Document, DocumentId, DocumentMetadata, DocumentProgress, DocumentStatus, TenantId,
};
use crate::vectors::{VectorEntry, Vectors, has_direction};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::broadcast;

/// Progress events that a slow watcher may fall behind before it misses some.
const PROGRESS_BACKLOG: usize = 1024;

/// The parts that ingestion joins.
pub struct Pipeline {
    pub store: Arc<Store>,
    pub lexical: Arc<Lexical>,
    pub vectors: Arc<Vectors>,
    pub encoder: Arc<Encoder>,
    pub originals: Originals,
    pub steps: Steps,
    progress: broadcast::Sender<DocumentProgress>,
    /// Held while chunks go into the indexes, and while those are purged: what
    /// is deleted in the middle of it is taken out again before a purge begins.
    pub(super) publishing: Mutex<()>,
    /// Deleted chunks that the keyword index still holds.
    gone: Mutex<Vec<u64>>,
    /// Held while these are taken out: who comes then waits until they are.
    tidying: Mutex<()>,
    /// Chunks that the vector index lacked at the start and that nobody has looked
    /// at since, rising.
    pub(super) unreconciled: Mutex<Vec<u64>>,
    /// How many entries of the indexes differed at the start.
    pub(super) differed: AtomicUsize,
    /// Whether nothing is left of models whose vectors are not kept.
    pub(super) pruned: AtomicBool,
}

impl Pipeline {
    /// Joins the parts.
    pub fn new(
        store: Arc<Store>,
        lexical: Arc<Lexical>,
        vectors: Arc<Vectors>,
        encoder: Arc<Encoder>,
        originals: Originals,
    ) -> Self {
        Self {
            store,
            lexical,
            vectors,
            encoder,
            originals,
            steps: Steps::default(),
            progress: broadcast::Sender::new(PROGRESS_BACKLOG),
            publishing: Mutex::new(()),
            gone: Mutex::new(Vec::new()),
            tidying: Mutex::new(()),
            unreconciled: Mutex::new(Vec::new()),
            differed: AtomicUsize::new(0),
            pruned: AtomicBool::new(false),
        }
    }

    /// Watches all documents of the instance.
    pub fn watch(&self) -> broadcast::Receiver<DocumentProgress> {
        self.progress.subscribe()
    }

    /// Tells the watchers how far a document is.
    pub fn announce(&self, document: &Document) {
        self.send(document, false);
    }

    fn send(&self, document: &Document, deleted: bool) {
        // An error means that nobody watches.
        let _ = self.progress.send(DocumentProgress {
            tenant_id: document.tenant_id.clone(),
            dataset_id: document.dataset_id.clone(),
            document_id: document.id.clone(),
            private_to: document.private_to.clone(),
            filename: document.filename.clone(),
            status: document.status,
            error: document.error.clone(),
            pages: document.pages,
            pages_without_text: document.pages_without_text,
            chunks: document.chunks,
            embedded: document.embedded,
            deleted,
        });
    }

    /// Reads a document's row anew and tells the watchers.
    pub(super) fn announce_key(&self, key: u64) -> Result<(), JobsError> {
        if let Some(document) = self.store.document_by_key(key)? {
            self.announce(&document);
        }
        Ok(())
    }

    /// Deletes documents everywhere: rows and vectors first (from then on they
    /// are not found), then the originals. The keyword index follows soon: a
    /// commit of it takes longer than anybody should wait.
    pub fn delete(&self, tenant: &TenantId, ids: &[DocumentId]) -> Result<(), JobsError> {
        let mut deleted = Vec::with_capacity(ids.len());
        let mut chunks = Vec::new();
        for id in ids {
            match self.store.delete_document(tenant, id) {
                Ok((document, keys)) => {
                    chunks.extend(keys);
                    deleted.push(document);
                }
                // Somebody else was faster.
                Err(StoreError::Missing(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.vectors.remove(&chunks);
        lock(&self.gone).extend(chunks);
        for document in deleted {
            self.originals.remove(&document.id)?;
            self.send(&document, true);
        }
        Ok(())
    }

    /// Puts a document into another dataset. The indexes let go of it first: if
    /// all ends in between, it is missing there, which the next start repairs,
    /// and nobody finds it who may not.
    pub fn relocate(&self, document: &Document, dataset_key: u64) -> Result<(), JobsError> {
        let _publishing = lock(&self.publishing);
        let chunks = self.store.document_chunks(document.key, None)?;
        let chunks: Vec<u64> = chunks.iter().map(|stored| stored.chunk.key).collect();
        self.forget(&chunks)?;
        let moved = self
            .store
            .move_document(&document.tenant_id, &document.id, dataset_key);
        if let Some(now) = self.store.document_by_key(document.key)? {
            // What is not ready is indexed when it is.
            if now.status == DocumentStatus::Ready {
                let entries = self.store.index_entries(&chunks)?;
                self.index_keywords(&entries)?;
                self.index_vectors(&places(&entries))?;
                self.lexical.commit()?;
            }
            self.announce(&now);
        }
        Ok(moved?)
    }

    /// Gives a document another name, and metadata over those that it has.
    pub fn describe(
        &self,
        document: &Document,
        filename: Option<&str>,
        metadata: DocumentMetadata,
    ) -> Result<(), JobsError> {
        let _publishing = lock(&self.publishing);
        self.store
            .describe_document(document.key, filename, metadata)?;
        if let Some(now) = self.store.document_by_key(document.key)? {
            // Names are searched. What is not ready is indexed when it is.
            if now.status == DocumentStatus::Ready {
                let chunks = self.store.document_chunks(document.key, None)?;
                let chunks: Vec<u64> = chunks.iter().map(|stored| stored.chunk.key).collect();
                self.index_keywords(&self.store.index_entries(&chunks)?)?;
                self.lexical.commit()?;
            }
            self.announce(&now);
        }
        Ok(())
    }

    /// Makes the whole, synced file `incoming` the content of a document, which
    /// is then read anew. The row decides: whatever is cut off here is ended or
    /// undone at the next start.
    pub fn replace(
        &self,
        document: &Document,
        new: &NewContent,
        incoming: &Path,
    ) -> Result<(), JobsError> {
        let id = &document.id;
        self.originals.stage(incoming, id, &new.sha256)?;
        if let Err(error) = self.store.replace_content(document.key, new) {
            self.originals.unstage(id, &new.sha256)?;
            return Err(error.into());
        }
        if let Err(error) = self.originals.settle(id, &new.sha256) {
            tracing::warn!(document = %id, %error, "the new original is put in place when it is read");
        }
        self.announce_key(document.key)
    }

    /// Takes what was deleted out of the keyword index.
    pub(super) fn tidy(&self) -> Result<(), JobsError> {
        let _tidying = lock(&self.tidying);
        let gone = std::mem::take(&mut *lock(&self.gone));
        let done = self.forget(&gone);
        if done.is_err() {
            lock(&self.gone).extend(gone);
        }
        done
    }

    /// Leaves nothing on disk of what was deleted before.
    pub fn purge(&self) -> Result<(), JobsError> {
        let _publishing = lock(&self.publishing);
        self.tidy()?;
        self.lexical.purge()?;
        self.vectors.purge()?;
        self.store.purge()?;
        Ok(())
    }

    /// Takes chunks out of both indexes.
    pub(super) fn forget(&self, chunks: &[u64]) -> Result<(), JobsError> {
        if chunks.is_empty() {
            return Ok(());
        }
        self.vectors.remove(chunks);
        self.lexical.remove(chunks)?;
        self.lexical.commit()?;
        Ok(())
    }

    /// Takes out those of the chunks that the database does not have any more:
    /// who deleted them may have done so before they came into the indexes.
    pub(super) fn forget_gone(&self, chunks: &[u64]) -> Result<(), JobsError> {
        let left = self.store.chunk_places(chunks)?;
        let left: HashSet<u64> = left.iter().map(|place| place.chunk).collect();
        let all = chunks.iter().copied();
        let gone: Vec<u64> = all.filter(|key| !left.contains(key)).collect();
        self.forget(&gone)
    }

    /// Puts chunks into the keyword index, in place of what it has of them; the
    /// caller commits.
    pub(super) fn index_keywords(&self, entries: &[IndexEntry]) -> Result<(), JobsError> {
        let documents: Vec<LexicalDocument<'_>> = entries.iter().map(lexical_document).collect();
        self.lexical.add(&documents)?;
        Ok(())
    }

    /// Puts the stored vectors of chunks into the vector index; gives back the
    /// documents of those that have none, or one that cannot be compared.
    pub(super) fn index_vectors(&self, places: &[ChunkPlace]) -> Result<BTreeSet<u64>, JobsError> {
        let keys: Vec<u64> = places.iter().map(|place| place.chunk).collect();
        let stored = self.store.vectors_of(self.encoder.fingerprint(), &keys)?;
        let stored: HashMap<u64, Vec<f32>> = stored.into_iter().collect();
        let (mut found, mut lacking, mut unfit) = (Vec::new(), BTreeSet::new(), Vec::new());
        for place in places {
            match stored.get(&place.chunk) {
                Some(vector) if self.is_fit(vector) => found.push(vector_entry(place, vector)),
                other => {
                    lacking.insert(place.document);
                    unfit.extend(other.map(|_| place.chunk));
                }
            }
        }
        if !unfit.is_empty() {
            tracing::warn!(
                chunks = unfit.len(),
                "stored vectors that cannot be compared are made anew"
            );
            self.store
                .discard_vectors(self.encoder.fingerprint(), &unfit)?;
        }
        self.vectors.add(&found)?;
        Ok(lacking)
    }

    /// Whether a stored vector can be compared with others of the model.
    pub(super) fn is_fit(&self, vector: &[f32]) -> bool {
        vector.len() == self.encoder.dimensions() && has_direction(vector)
    }
}

/// A chunk as the keyword index takes it.
pub(super) fn lexical_document(entry: &IndexEntry) -> LexicalDocument<'_> {
    LexicalDocument {
        chunk: entry.chunk,
        document: entry.document,
        dataset: entry.dataset,
        title: &entry.title,
        headings: &entry.headings,
        text: &entry.text,
    }
}

/// A chunk as the vector index takes it.
pub(super) fn vector_entry<'a>(place: &ChunkPlace, vector: &'a [f32]) -> VectorEntry<'a> {
    VectorEntry {
        chunk: place.chunk,
        document: place.document,
        dataset: place.dataset,
        vector,
    }
}

/// Where the chunks of entries belong.
pub(super) fn places(entries: &[IndexEntry]) -> Vec<ChunkPlace> {
    entries.iter().map(ChunkPlace::from).collect()
}

/// A panic while the lock was held left nothing half done in what it guards.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
