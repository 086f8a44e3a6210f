//! Questions for all that there is of something, answered over whole documents.

use super::Inner;
use super::search::{SearchOutcome, SearchRequest, Standing};
use crate::answer::{Listing, Statements};
use crate::engine::encoder::Known;
use crate::error::Fault;
use crate::retrieve::Gathered;
use crate::types::{SearchTimes, Viewer};
use std::time::Instant;

/// Passages that one list is made of at most.
const GATHERED: usize = 400;

impl Inner {
    /// All statements about what is wanted, where the request looks. `None`:
    /// there is none.
    pub(super) fn find_list(
        &self,
        viewer: &Viewer,
        request: &SearchRequest,
        wanted: &Listing,
    ) -> Result<Option<SearchOutcome>, Fault> {
        let (scope, fallback) = self.scopes(viewer, request)?;
        for scope in [Some(scope), fallback].into_iter().flatten() {
            let started = Instant::now();
            let Gathered { passages, cut } =
                self.retriever.gather(&wanted.words, &scope, GATHERED)?;
            let is_one = |text: &str| self.retriever.has_all(&wanted.head, text);
            let listed = Statements::of(passages, wanted.language, cut, is_one);
            let Some((statements, passages)) = listed else {
                continue;
            };
            let mut coverage = self.store.coverage(&scope)?;
            coverage.took_ms = started.elapsed().as_secs_f64() * 1000.0;
            return Ok(Some(SearchOutcome {
                // All that was gathered is told or counted.
                passed_over: Vec::new(),
                ranked: passages.len(),
                searched: scope.datasets,
                passages,
                coverage,
                times: SearchTimes::default(),
                answerable: None,
                answers: true,
                searched_for: None,
                standing: Standing::List(statements),
                known: Known::default(),
            }));
        }
        Ok(None)
    }
}
