//! All passages that are about something, and not only the best: for questions
//! that ask for all of it. By words alone, because nearness in meaning has no end.

use super::candidates::with_titles;
use super::overview::whole;
use super::{RetrieveError, Retriever, rank};
use crate::lexical;
use crate::store::StoredChunk;
use crate::types::{Passage, SearchScope};

/// Passages with any of the words that are looked at, the best matches first.
const LOOKED_AT: usize = 2_000;

/// What was gathered.
#[derive(Debug, Clone, Default)]
pub struct Gathered {
    /// In the order of the documents, and in reading order.
    pub passages: Vec<Passage>,
    /// There may be more.
    pub cut: bool,
}

impl Retriever {
    /// The passages of the scope that have every word of `words` that carries a
    /// subject, in themselves or in the titles above them; `most` at most.
    pub fn gather(
        &self,
        words: &str,
        scope: &SearchScope,
        most: usize,
    ) -> Result<Gathered, RetrieveError> {
        let keys = self.store.scope_keys(scope)?;
        if keys.datasets.is_empty() || keys.documents.as_ref().is_some_and(Vec::is_empty) {
            return Ok(Gathered::default());
        }
        let filter = lexical::Filter {
            datasets: Some(keys.datasets.clone()),
            documents: keys.documents,
        };
        let hits = self.lexical.search(words, &filter, LOOKED_AT)?;
        let mut cut = hits.len() == LOOKED_AT;
        let hits: Vec<u64> = hits.iter().map(|hit| hit.chunk).collect();
        let mut found: Vec<StoredChunk> = self.store.chunks_by_key(&hits)?;
        found.retain(|stored| {
            let seen = keys.datasets.contains(&stored.chunk.dataset_key);
            seen && self.has_all(words, &with_titles(stored))
        });
        cut |= found.len() > most;
        found.truncate(most);
        found.sort_by_key(|stored| (stored.chunk.document_key, stored.chunk.index));
        let passages = found.into_iter();
        Ok(Gathered {
            passages: passages
                .map(|stored| rank::passage(whole(stored)))
                .collect(),
            cut,
        })
    }

    /// Whether `text` has every word of `words` that carries a subject, whatever
    /// its ending; `false` if none does.
    pub fn has_all(&self, words: &str, text: &str) -> bool {
        let subjects = self.lexical.subjects(words, text);
        !subjects.is_empty() && subjects.iter().all(|subject| subject.known)
    }
}
