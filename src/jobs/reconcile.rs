//! Compares which chunks both indexes have with SQLite and brings them in line:
//! SQLite is the truth, an index is a cache of it.

use super::pipeline::lock;
use super::{JobsError, Pipeline, memory};
use std::fmt;
use std::sync::atomic::Ordering;

/// Chunks that are read and indexed at a time.
const BATCH: usize = 2_000;

/// Such batches after which memory is given back.
const BATCHES: usize = 16;

/// How the indexes differ from the database; lists of chunk keys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Differences {
    pub keywords_missing: Vec<u64>,
    pub keywords_extra: Vec<u64>,
    pub vectors_missing: Vec<u64>,
    pub vectors_extra: Vec<u64>,
}

impl Differences {
    /// How many chunks differ, those that do in both indexes twice.
    pub(super) fn len(&self) -> usize {
        let Self {
            keywords_missing,
            keywords_extra,
            vectors_missing,
            vectors_extra,
        } = self;
        let all = [
            keywords_missing,
            keywords_extra,
            vectors_missing,
            vectors_extra,
        ];
        all.iter().map(|keys| keys.len()).sum()
    }

    /// Whether the indexes hold exactly what the database says.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Differences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "keyword index: {} missing, {} too many; vector index: {} missing, {} too many",
            self.keywords_missing.len(),
            self.keywords_extra.len(),
            self.vectors_missing.len(),
            self.vectors_extra.len()
        )
    }
}

impl Pipeline {
    /// How the indexes differ from the database.
    pub fn differences(&self) -> Result<Differences, JobsError> {
        compare(self)
    }

    /// How many entries of the indexes differed from the database at the start.
    pub fn differed_at_start(&self) -> usize {
        self.differed.load(Ordering::Acquire)
    }

    /// How many chunks the vector index lacked at the start that nobody has looked
    /// at since.
    pub fn unreconciled(&self) -> u64 {
        lock(&self.unreconciled).len() as u64
    }

    /// Chunks that wait for their vector, those among them that the index lacked at
    /// the start.
    pub fn unembedded(&self) -> Result<u64, JobsError> {
        Ok(self.unreconciled() + self.store.unembedded_chunks()?)
    }
}

/// Compares, and brings the keyword index in line, without which nothing would be
/// found. What the vector index lacks is noted: that may be all of it, if the model
/// is another one. Of that one batch is looked at, the others are worked off while the
/// product serves.
pub(super) fn begin(pipeline: &Pipeline) -> Result<(), JobsError> {
    let differences = compare(pipeline)?;
    if differences.is_empty() {
        return Ok(());
    }
    pipeline
        .differed
        .store(differences.len(), Ordering::Release);
    tracing::info!(%differences, "bringing the indexes in line with the database");
    pipeline.vectors.remove(&differences.vectors_extra);
    repair_keywords(pipeline, &differences)?;
    *lock(&pipeline.unreconciled) = differences.vectors_missing;
    work_off(pipeline)?;
    Ok(())
}

/// Looks at some of what the vector index lacked at the start: what has a vector of
/// the model in force is put there, other documents are queued to be embedded.
/// `false` if nothing is left.
pub(super) fn work_off(pipeline: &Pipeline) -> Result<bool, JobsError> {
    let _publishing = lock(&pipeline.publishing);
    let keys = {
        let left = lock(&pipeline.unreconciled);
        left[left.len().saturating_sub(BATCH)..].to_vec()
    };
    if keys.is_empty() {
        return Ok(false);
    }
    restore_vectors(pipeline, &keys)?;
    pipeline.forget_gone(&keys)?;
    let left = {
        let mut left = lock(&pipeline.unreconciled);
        let rest = left.len().saturating_sub(keys.len());
        left.truncate(rest);
        rest
    };
    if left == 0 {
        pipeline.vectors.save()?;
        memory::give_back();
        tracing::info!("the vector index was compared with the database to its end");
    }
    Ok(true)
}

/// The chunks that belong into both indexes now, rising: those of documents that
/// are ready, but for those whose vectors the start left to be looked at.
pub(super) fn settled_keys(pipeline: &Pipeline) -> Result<Vec<u64>, JobsError> {
    let left = lock(&pipeline.unreconciled).clone();
    Ok(without(&pipeline.store.indexed_chunk_keys()?, &left))
}

pub(super) fn compare(pipeline: &Pipeline) -> Result<Differences, JobsError> {
    pipeline.tidy()?;
    // First of all: what is worked off meanwhile is in the index, or not ready.
    let left = lock(&pipeline.unreconciled).clone();
    let truth = pipeline.store.indexed_chunk_keys()?;
    // What is read or embedded anew stays findable meanwhile; what is embedded
    // for the first time may be in an index already.
    let coming = pipeline.store.unfinished_chunk_keys()?;
    let mut keywords = pipeline.lexical.chunk_keys()?;
    let vectors = pipeline.vectors.keys();
    // A chunk that stands twice in the keyword index is as wrong as a missing one.
    let doubled = doubled(&mut keywords);
    let mut keywords_missing = without(&truth, &keywords);
    keywords_missing.extend(doubled);
    Ok(Differences {
        keywords_missing,
        keywords_extra: without(&without(&keywords, &truth), &coming),
        vectors_missing: without(&without(&truth, &vectors), &left),
        vectors_extra: without(&without(&vectors, &truth), &coming),
    })
}

pub(super) fn repair(pipeline: &Pipeline, differences: &Differences) -> Result<(), JobsError> {
    pipeline.vectors.remove(&differences.vectors_extra);
    repair_keywords(pipeline, differences)?;
    for batches in differences.vectors_missing.chunks(BATCH * BATCHES) {
        for keys in batches.chunks(BATCH) {
            restore_vectors(pipeline, keys)?;
        }
        memory::give_back();
    }
    pipeline.vectors.save()?;
    Ok(())
}

fn repair_keywords(pipeline: &Pipeline, differences: &Differences) -> Result<(), JobsError> {
    pipeline.lexical.remove(&differences.keywords_extra)?;
    for batches in differences.keywords_missing.chunks(BATCH * BATCHES) {
        for keys in batches.chunks(BATCH) {
            pipeline.index_keywords(&pipeline.store.index_entries(keys)?)?;
        }
        memory::give_back();
    }
    Ok(pipeline.lexical.commit()?)
}

/// Puts the stored vectors of chunks into the index, and queues the documents of
/// those that have none.
pub(super) fn restore_vectors(pipeline: &Pipeline, keys: &[u64]) -> Result<(), JobsError> {
    let lacking = pipeline.index_vectors(&pipeline.store.chunk_places(keys)?)?;
    let fingerprint = pipeline.encoder.fingerprint();
    Ok(pipeline.store.requeue_lacking(fingerprint, lacking)?)
}

/// The members of `a` that are not in `b`; both rise.
fn without(a: &[u64], b: &[u64]) -> Vec<u64> {
    a.iter()
        .copied()
        .filter(|key| b.binary_search(key).is_err())
        .collect()
}

/// Sorts `keys`, removes repetitions and gives back which were repeated.
fn doubled(keys: &mut Vec<u64>) -> Vec<u64> {
    keys.sort_unstable();
    let mut repeated: Vec<u64> = keys
        .windows(2)
        .filter(|pair| pair[0] == pair[1])
        .map(|pair| pair[0])
        .collect();
    repeated.dedup();
    keys.dedup();
    repeated
}

#[cfg(test)]
mod tests {
    use super::{BATCH, begin, doubled, without, work_off};
    use crate::engine::encoder::Encoder;
    use crate::jobs::{Originals, Pipeline};
    use crate::lexical::Lexical;
    use crate::store::{NewDocument, NewText, Store};
    use crate::types::{
        DocumentId, DocumentMetadata, DocumentStatus, NewChunk, Page, PageOutcome, TenantId,
        UserId, Viewer,
    };
    use crate::vectors::Vectors;
    use std::path::Path;
    use std::sync::Arc;

    #[test]
    fn differences_of_rising_lists_are_found() {
        assert_eq!(without(&[1, 2, 3, 5], &[2, 3, 4]), [1, 5]);
        let mut keys = vec![3, 1, 3, 2, 3];
        assert_eq!(doubled(&mut keys), [3]);
        assert_eq!(keys, [1, 2, 3]);
    }

    /// A store with documents of half a batch each that are ready, and have no
    /// vector of the model in force.
    fn pipeline(folder: &Path, documents: u32) -> Pipeline {
        let store = Store::open(&folder.join("satchel.db")).unwrap();
        let tenant = TenantId::from("one");
        store.ensure_tenant(&tenant, "One").unwrap();
        let set = store.insert_dataset(&tenant, "Set", "", false).unwrap();
        let viewer = Viewer::whole_tenant(tenant);
        let dataset_key = store.dataset(&viewer, &set).unwrap().unwrap().key;
        let chunk = |number| NewChunk {
            page: 1,
            start: number,
            end: number + 1,
            heading_path: Vec::new(),
            text: "gorse".to_owned(),
            tokens: 1,
        };
        let chunks: Vec<NewChunk> = (0..BATCH / 2).map(chunk).collect();
        let page = Page {
            number: 1,
            text: "gorse".to_owned(),
            outcome: PageOutcome::Text,
        };
        for number in 0..documents {
            let new = NewDocument {
                id: DocumentId::generate(),
                dataset_key,
                user_id: UserId::from("ada"),
                external_id: None,
                filename: "gorse.txt".to_owned(),
                bytes: 5,
                sha256: number.to_string(),
                metadata: DocumentMetadata::default(),
            };
            store.insert_documents(&[new]).unwrap();
            let job = store.take_extract_job().unwrap().unwrap();
            let text = NewText {
                file_type: "text",
                paged: false,
                language: None,
                metadata: &DocumentMetadata::default(),
                pages: std::slice::from_ref(&page),
                chunks: &chunks,
            };
            store.store_extraction(&job, &text).unwrap();
            for job in store.take_embed_jobs(1).unwrap() {
                let status = DocumentStatus::Ready;
                assert!(store.finish_job(&job, status, None).unwrap());
            }
        }
        let encoder = Arc::new(Encoder::bundled().unwrap());
        let (width, model) = (encoder.dimensions(), encoder.fingerprint());
        let vectors = Vectors::open(&folder.join("vectors"), width, model).unwrap();
        Pipeline::new(
            Arc::new(store),
            Arc::new(Lexical::open(&folder.join("lexical")).unwrap()),
            Arc::new(vectors),
            encoder,
            Originals::open(&folder.join("originals")).unwrap(),
        )
    }

    #[test]
    fn start_waits_for_the_keyword_index_and_for_one_batch_of_vectors() {
        let folder = tempfile::tempdir().unwrap();
        let pipeline = pipeline(folder.path(), 5);
        let all = BATCH / 2 * 5;
        begin(&pipeline).unwrap();
        assert_eq!(pipeline.lexical.len(), all, "keywords serve");
        assert_eq!(pipeline.unreconciled(), (all - BATCH) as u64);
        assert_eq!(pipeline.store.pending_jobs().unwrap(), 2);
        assert_eq!(pipeline.unembedded().unwrap(), all as u64);
        let differences = pipeline.differences().unwrap();
        assert!(differences.is_empty(), "what is on its way: {differences}");
        while work_off(&pipeline).unwrap() {}
        assert_eq!(pipeline.unreconciled(), 0);
        assert_eq!(pipeline.store.pending_jobs().unwrap(), 5);
        assert_eq!(pipeline.unembedded().unwrap(), all as u64);
    }
}
