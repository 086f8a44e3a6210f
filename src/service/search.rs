//! Retrieval alone, and the rule where a question looks when it does not say.

use super::overview::WholeDocuments;
use super::{Caller, Inner, Service};
use crate::answer::Statements;
use crate::engine::encoder::Known;
use crate::error::Fault;
use crate::retrieve::{PassedOver, answerable_bound};
use crate::types::{
    Coverage, Dataset, DatasetId, DocumentId, Passage, SearchOptions, SearchScope, SearchTimes,
    Viewer,
};

/// What to search for, and where.
#[derive(Debug, Clone)]
pub struct SearchRequest {
    pub query: String,
    /// Only these; empty: all documents that the caller sees, else the handbook.
    pub dataset_ids: Vec<DatasetId>,
    /// Only these documents; empty: all.
    pub document_ids: Vec<DocumentId>,
    pub module: Option<String>,
    pub chapter: Option<String>,
    pub options: SearchOptions,
}

/// What the passages of an outcome stand for.
#[derive(Debug, Clone)]
pub enum Standing {
    /// Places that may answer.
    Places,
    /// Whole documents.
    Documents(WholeDocuments),
    /// All that there is of something.
    List(Statements),
}

/// What was found.
#[derive(Debug, Clone)]
pub struct SearchOutcome {
    /// Best first.
    pub passages: Vec<Passage>,
    /// The best of those that were ranked and not taken.
    pub passed_over: Vec<PassedOver>,
    /// How many were ranked.
    pub ranked: usize,
    /// Where it was looked for.
    pub searched: Vec<DatasetId>,
    pub coverage: Coverage,
    pub times: SearchTimes,
    /// How likely it is that the documents answer the question at all, 0-1; `None`
    /// where that is no question, as for a list.
    pub answerable: Option<f32>,
    /// Whether they are taken to.
    pub answers: bool,
    /// What was searched for, where it is not what was asked.
    pub searched_for: Option<String>,
    pub standing: Standing,
    /// What the search has read closely, so that the answer need not.
    pub known: Known,
}

impl SearchOutcome {
    /// Whether there is something to answer from.
    pub fn is_answer(&self) -> bool {
        !self.passages.is_empty() && self.answers
    }

    /// Whether it is a list of one, which is worth less than an answer.
    pub(super) fn is_single(&self) -> bool {
        matches!(&self.standing, Standing::List(statements) if statements.is_single())
    }

    /// Whether all of something was asked for and found.
    pub(super) fn is_list(&self) -> bool {
        matches!(self.standing, Standing::List(_))
    }
}

impl Service {
    /// The passages that fit a query best.
    pub async fn search(
        &self,
        caller: &Caller,
        request: SearchRequest,
    ) -> Result<SearchOutcome, Fault> {
        let longest = self.inner.config.max_message_chars;
        let query = request.query.trim();
        if query.is_empty() {
            return Err(Fault::invalid("query: it is empty"));
        }
        let chars = query.chars().count();
        if chars > longest {
            let message =
                format!("query: it has {chars} characters, at most {longest} are allowed");
            return Err(Fault::invalid(message));
        }
        let viewer = caller.viewer();
        self.computing(move |inner| inner.find(&viewer, &request))
            .await
    }
}

impl Inner {
    /// Searches where the request says. Where it says nothing, the viewer's own
    /// documents come first, and only what they do not answer is looked up in
    /// the handbook.
    pub(super) fn find(
        &self,
        viewer: &Viewer,
        request: &SearchRequest,
    ) -> Result<SearchOutcome, Fault> {
        let (scope, fallback) = self.scopes(viewer, request)?;
        let found = self.find_in(&scope, request)?;
        let Some(fallback) = fallback.filter(|_| !found.is_answer()) else {
            return Ok(found);
        };
        let elsewhere = self.find_in(&fallback, request)?;
        Ok(if elsewhere.is_answer() {
            elsewhere
        } else {
            found
        })
    }

    /// Where a request looks, and where else if there is nothing.
    pub(super) fn scopes(
        &self,
        viewer: &Viewer,
        request: &SearchRequest,
    ) -> Result<(SearchScope, Option<SearchScope>), Fault> {
        let of = |datasets: Vec<DatasetId>| SearchScope {
            viewer: viewer.clone(),
            datasets,
            documents: request.document_ids.clone(),
            module: request.module.clone(),
            chapter: request.chapter.clone(),
        };
        if !request.dataset_ids.is_empty() {
            for id in &request.dataset_ids {
                self.dataset(viewer, id)?;
            }
            return Ok((of(request.dataset_ids.clone()), None));
        }
        let (builtin, own): (Vec<Dataset>, Vec<Dataset>) = self
            .store
            .datasets(viewer)?
            .into_iter()
            .partition(|dataset| dataset.builtin);
        let ids = |datasets: Vec<Dataset>| datasets.into_iter().map(|one| one.id).collect();
        if own.iter().all(|dataset| dataset.documents == 0) {
            return Ok((of(ids(builtin)), None));
        }
        let has_fallback = !builtin.is_empty() && request.document_ids.is_empty();
        let fallback = has_fallback.then(|| of(ids(builtin)));
        Ok((of(ids(own)), fallback))
    }

    fn find_in(
        &self,
        scope: &SearchScope,
        request: &SearchRequest,
    ) -> Result<SearchOutcome, Fault> {
        let found = self
            .retriever
            .search(request.query.trim(), scope, &request.options)?;
        Ok(SearchOutcome {
            passages: found.passages,
            passed_over: found.passed_over,
            ranked: found.ranked,
            searched: scope.datasets.clone(),
            coverage: found.coverage,
            times: found.times,
            answerable: Some(found.answerable),
            answers: found.answerable >= answerable_bound(),
            searched_for: None,
            standing: Standing::Places,
            known: found.known,
        })
    }

    /// A dataset that the viewer sees.
    pub(super) fn dataset(&self, viewer: &Viewer, id: &DatasetId) -> Result<Dataset, Fault> {
        let dataset = self.store.dataset(viewer, id)?;
        dataset.ok_or_else(|| Fault::not_found("the dataset does not exist"))
    }
}
