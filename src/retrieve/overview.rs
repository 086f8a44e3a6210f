//! Passages that stand for whole documents: where their sections begin, or all
//! there are. For questions that ask for no place in a document but for what is
//! in it.

use super::{Candidate, RetrieveError, Retriever, rank};
use crate::store::StoredChunk;
use crate::types::Passage;

impl Retriever {
    /// At most `most` passages of the documents with these keys, shared out
    /// evenly, in reading order.
    pub fn overview(&self, documents: &[u64], most: usize) -> Result<Vec<Passage>, RetrieveError> {
        let share = most / documents.len().max(1);
        let mut passages = Vec::new();
        for &document in documents.iter().take(most) {
            let chunks = self.store.document_chunks(document, None)?;
            let paths: Vec<&[String]> = chunks
                .iter()
                .map(|stored| stored.chunk.heading_path.as_slice())
                .collect();
            let chosen = beginnings(&paths, share.max(1));
            let stored = chunks.into_iter().enumerate();
            let stored = stored.filter(|(place, _)| chosen.contains(place));
            passages.extend(stored.map(|(_, stored)| rank::passage(whole(stored))));
        }
        Ok(passages)
    }

    /// The first passages of the documents with these keys, so many of each.
    pub fn beginnings(&self, documents: &[u64], each: u32) -> Result<Vec<Passage>, RetrieveError> {
        let mut passages = Vec::new();
        for &document in documents {
            for position in 0..each {
                let Some(stored) = self.store.chunk_at(document, position)? else {
                    break;
                };
                passages.push(rank::passage(whole(stored)));
            }
        }
        Ok(passages)
    }

    /// All passages of the documents with these keys, in reading order.
    pub fn all_of(&self, documents: &[u64]) -> Result<Vec<Passage>, RetrieveError> {
        let mut passages = Vec::new();
        for &document in documents {
            let chunks = self.store.document_chunks(document, None)?.into_iter();
            passages.extend(chunks.map(|stored| rank::passage(whole(stored))));
        }
        Ok(passages)
    }

    /// The passages with these keys, in their order; those that are gone are left out.
    pub fn passages(&self, keys: &[u64]) -> Result<Vec<Passage>, RetrieveError> {
        let stored = self.store.chunks_by_key(keys)?.into_iter();
        Ok(stored.map(|stored| rank::passage(whole(stored))).collect())
    }
}

/// A passage that was not found by a search, but belongs to what is asked for.
pub(super) fn whole(stored: StoredChunk) -> Candidate {
    Candidate {
        stored,
        bm25: None,
        cosine: None,
        coverage: 1.0,
        exact: 0.0,
        fused: 1.0,
        late_interaction: None,
        reranked: None,
        relevance: 1.0,
    }
}

/// Which of a document's chunks to show, `most` at most, given the headings
/// above each: those that begin a section, of sections within sections only as
/// many as there is room for; then others, evenly spread.
fn beginnings(paths: &[&[String]], most: usize) -> Vec<usize> {
    let begins = |&place: &usize| place == 0 || paths[place] != paths[place - 1];
    let (starts, rest): (Vec<usize>, Vec<usize>) = (0..paths.len()).partition(begins);
    let deepest = paths.iter().map(|path| path.len()).max().unwrap_or(0);
    let mut chosen = Vec::new();
    for depth in 0..=deepest {
        let here = starts.iter().copied();
        let here: Vec<usize> = here.filter(|&place| paths[place].len() == depth).collect();
        chosen.extend(spread(&here, most - chosen.len()));
    }
    chosen.extend(spread(&rest, most - chosen.len()));
    chosen.sort_unstable();
    chosen
}

/// At most `most` of the places, evenly spread, the first among them.
fn spread(places: &[usize], most: usize) -> Vec<usize> {
    let count = most.min(places.len());
    (0..count)
        .map(|n| places[n * places.len() / count])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::beginnings;

    fn chosen(paths: &[&str], most: usize) -> Vec<usize> {
        let paths: Vec<Vec<String>> = paths
            .iter()
            .map(|path| path.split_whitespace().map(str::to_owned).collect())
            .collect();
        let paths: Vec<&[String]> = paths.iter().map(Vec::as_slice).collect();
        beginnings(&paths, most)
    }

    #[test]
    fn sections_come_before_their_parts_and_parts_before_the_rest() {
        let paths = ["a", "a", "a x", "a x", "b", "b y", "c"];
        assert_eq!(chosen(&paths, 3), [0, 4, 6]);
        assert_eq!(chosen(&paths, 5), [0, 2, 4, 5, 6]);
        assert_eq!(chosen(&paths, 9), [0, 1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn document_without_headings_is_sampled_evenly() {
        assert_eq!(chosen(&[""; 9], 4), [0, 1, 3, 6]);
        assert_eq!(chosen(&[""; 2], 4), [0, 1]);
        assert_eq!(chosen(&[], 4), [0; 0]);
        assert_eq!(chosen(&["a", "b", "c", "d"], 2), [0, 2]);
    }
}
