//! Compares both indexes with SQLite and brings them in line: SQLite is the
//! truth, an index is a cache of it.

use super::pipeline::lock;
use super::{JobsError, Pipeline, memory};
use std::collections::BTreeSet;
use std::fmt;

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
    fn len(&self) -> usize {
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

    /// Brings the indexes in line with the database while others go on; gives
    /// back how many chunks differed.
    pub fn repair_indexes(&self) -> Result<usize, JobsError> {
        let _publishing = lock(&self.publishing);
        let differences = compare(self)?;
        repair(self, &differences)?;
        self.forget_gone(&differences.keywords_missing)?;
        self.forget_gone(&differences.vectors_missing)?;
        Ok(differences.len())
    }
}

pub(super) fn compare(pipeline: &Pipeline) -> Result<Differences, JobsError> {
    pipeline.tidy()?;
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
        vectors_missing: without(&truth, &vectors),
        vectors_extra: without(&without(&vectors, &truth), &coming),
    })
}

pub(super) fn repair(pipeline: &Pipeline, differences: &Differences) -> Result<(), JobsError> {
    pipeline.lexical.remove(&differences.keywords_extra)?;
    pipeline.vectors.remove(&differences.vectors_extra);
    for batches in differences.keywords_missing.chunks(BATCH * BATCHES) {
        for keys in batches.chunks(BATCH) {
            pipeline.index_keywords(&pipeline.store.index_entries(keys)?)?;
        }
        memory::give_back();
    }
    pipeline.lexical.commit()?;
    let mut unembedded = BTreeSet::new();
    for batches in differences.vectors_missing.chunks(BATCH * BATCHES) {
        for keys in batches.chunks(BATCH) {
            unembedded.extend(pipeline.index_vectors(&pipeline.store.index_entries(keys)?)?);
        }
        memory::give_back();
    }
    for document in unembedded {
        pipeline.store.requeue_lacking(document)?;
    }
    pipeline.vectors.save()?;
    Ok(())
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
    use super::{doubled, without};

    #[test]
    fn differences_of_rising_lists_are_found() {
        assert_eq!(without(&[1, 2, 3, 5], &[2, 3, 4]), [1, 5]);
        let mut keys = vec![3, 1, 3, 2, 3];
        assert_eq!(doubled(&mut keys), [3]);
        assert_eq!(keys, [1, 2, 3]);
    }
}
