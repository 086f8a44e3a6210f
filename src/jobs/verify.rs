//! Holds what stands in both indexes against SQLite, entry by entry: the words of
//! each chunk against its text, each row against the stored vector, and the files
//! against what was written to them. What differs is looked at twice, the second
//! time while nothing comes into the indexes.

use super::pipeline::{lexical_document, lock, vector_entry};
use super::{JobsError, Pipeline, memory, reconcile};
use crate::vectors::RowFault;
use std::collections::{BTreeSet, HashMap};

/// Chunks that are compared at a time.
const BATCH: usize = 2_000;

/// What stands otherwise in the indexes than the database and their own files say;
/// lists of chunk keys. What is missing from them is told elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Deviations {
    /// Files of the keyword index that are not what was written.
    pub keyword_files: Vec<String>,
    /// The keyword index has other words.
    pub keywords: Vec<u64>,
    /// Why the vector index could not be opened again as it is.
    pub vector_file: Option<String>,
    /// The row of the vector index is damaged, or belongs elsewhere.
    pub rows: Vec<u64>,
    /// The vector index and the database have different vectors.
    pub vectors: Vec<u64>,
    /// The database has no vector that can be used.
    pub vectors_unstored: Vec<u64>,
}

impl Deviations {
    /// Whether all is as it should be.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// How many chunks deviate, and files.
    fn len(&self) -> usize {
        let lists = [
            &self.keywords,
            &self.rows,
            &self.vectors,
            &self.vectors_unstored,
        ];
        let chunks: usize = lists.iter().map(|keys| keys.len()).sum();
        chunks + self.keyword_files.len() + usize::from(self.vector_file.is_some())
    }
}

impl Pipeline {
    /// How the contents of the indexes deviate from the database.
    pub fn deviations(&self) -> Result<Deviations, JobsError> {
        let truth = reconcile::settled_keys(self)?;
        let mut found = compare(self, &truth)?;
        if !found.is_empty() {
            let _publishing = lock(&self.publishing);
            found = compare_again(self, &found)?;
        }
        memory::give_back();
        Ok(found)
    }

    /// Brings the indexes in line with the database while others go on, and has
    /// vectors made anew of which two kinds are there; gives back how many entries
    /// and files were not as they should be.
    pub fn repair_indexes(&self) -> Result<usize, JobsError> {
        let deviations = self.deviations()?;
        let _publishing = lock(&self.publishing);
        if !deviations.keyword_files.is_empty() {
            self.lexical.clear()?;
        }
        let differences = reconcile::compare(self)?;
        reconcile::repair(self, &differences)?;
        repair(self, &deviations)?;
        self.forget_gone(&differences.keywords_missing)?;
        self.forget_gone(&differences.vectors_missing)?;
        // A whole index that is gone counts by its files.
        let missing = match deviations.keyword_files.is_empty() {
            true => differences.len(),
            false => differences.len() - differences.keywords_missing.len(),
        };
        Ok(missing + deviations.len())
    }
}

fn compare(pipeline: &Pipeline, keys: &[u64]) -> Result<Deviations, JobsError> {
    let keyword_files = pipeline.lexical.damaged_files();
    let keywords = match keyword_files.is_empty() {
        true => differing_keywords(pipeline, keys)?,
        // Nothing in them can be relied on.
        false => Vec::new(),
    };
    let mut found = Deviations {
        keyword_files,
        keywords,
        vector_file: file_fault(pipeline),
        ..Deviations::default()
    };
    for keys in keys.chunks(BATCH) {
        compare_vectors(pipeline, keys, &mut found)?;
    }
    Ok(found)
}

/// Looks once more at what deviated, as far as it still belongs into the indexes.
fn compare_again(pipeline: &Pipeline, found: &Deviations) -> Result<Deviations, JobsError> {
    let settled = reconcile::settled_keys(pipeline)?;
    let lists = [
        &found.keywords,
        &found.rows,
        &found.vectors,
        &found.vectors_unstored,
    ];
    let suspects: BTreeSet<u64> = lists.into_iter().flatten().copied().collect();
    let suspects: Vec<u64> = suspects
        .into_iter()
        .filter(|key| settled.binary_search(key).is_ok())
        .collect();
    compare(pipeline, &suspects)
}

/// Those of the chunks whose words in the keyword index are not those of their
/// text; one that is not there at all is missing, which is told elsewhere.
fn differing_keywords(pipeline: &Pipeline, keys: &[u64]) -> Result<Vec<u64>, JobsError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let contents = pipeline.lexical.contents()?;
    let mut differing = Vec::new();
    for keys in keys.chunks(BATCH) {
        for entry in pipeline.store.index_entries(keys)? {
            let wanted = pipeline.lexical.content_of(&lexical_document(&entry));
            let content = contents.get(&entry.chunk);
            if content.is_some_and(|content| *content != wanted) {
                differing.push(entry.chunk);
            }
        }
    }
    Ok(differing)
}

fn file_fault(pipeline: &Pipeline) -> Option<String> {
    let checked = pipeline.vectors.check_file();
    checked.err().map(|error| error.to_string())
}

fn compare_vectors(
    pipeline: &Pipeline,
    keys: &[u64],
    found: &mut Deviations,
) -> Result<(), JobsError> {
    let fingerprint = pipeline.encoder.fingerprint();
    let stored = pipeline.store.vectors_of(fingerprint, keys)?;
    let stored: HashMap<u64, Vec<f32>> = stored.into_iter().collect();
    // What was deleted in between is not looked for.
    let places = pipeline.store.chunk_places(keys)?;
    let mut entries = Vec::with_capacity(places.len());
    for place in &places {
        match stored.get(&place.chunk) {
            Some(vector) if pipeline.is_fit(vector) => entries.push(vector_entry(place, vector)),
            _ => found.vectors_unstored.push(place.chunk),
        }
    }
    for (chunk, fault) in pipeline.vectors.faults(&entries) {
        match fault {
            RowFault::Other => found.vectors.push(chunk),
            RowFault::Damaged | RowFault::Misplaced => found.rows.push(chunk),
        }
    }
    Ok(())
}

fn repair(pipeline: &Pipeline, deviations: &Deviations) -> Result<(), JobsError> {
    for keys in deviations.keywords.chunks(BATCH) {
        pipeline.index_keywords(&pipeline.store.index_entries(keys)?)?;
    }
    pipeline.lexical.commit()?;
    reconcile::restore_vectors(pipeline, &deviations.rows)?;
    let fingerprint = pipeline.encoder.fingerprint();
    for keys in [&deviations.vectors, &deviations.vectors_unstored] {
        for keys in keys.chunks(BATCH) {
            // Which of two vectors is right, only the model can tell.
            pipeline.store.discard_vectors(fingerprint, keys)?;
            let places = pipeline.store.chunk_places(keys)?;
            let documents: BTreeSet<u64> = places.iter().map(|place| place.document).collect();
            pipeline.store.requeue_lacking(fingerprint, documents)?;
        }
    }
    match deviations.vector_file {
        // It is written anew whether or not anything changed.
        Some(_) => pipeline.vectors.purge()?,
        None => pipeline.vectors.save()?,
    }
    pipeline.forget_gone(&deviations.keywords)?;
    pipeline.forget_gone(&deviations.rows)
}
