//! Which whole documents a question for an overview means, and the passages that
//! stand for them. Must not read them for a chat model (`reading_whole`), nor write
//! the answer.

use super::Inner;
use super::search::{SearchOutcome, SearchRequest, Standing};
use crate::answer::{
    Leads, ListLanguage, OVERVIEW_PASSAGES, means_all_documents, names_document, overview_language,
};
use crate::engine::encoder::Known;
use crate::error::Fault;
use crate::types::{DocumentId, Omission, SearchOptions, SearchScope, SearchTimes, Viewer};
use std::time::Instant;

/// Documents of which an overview shows what their sections begin with, and
/// passages that are looked through for those that a question names.
const FEW_DOCUMENTS: usize = 4;
const LOOKED_THROUGH: usize = 20;

/// Documents beyond these few whose first sentences are shown: what one reads
/// before one asks for less.
const MOST_LEADS: usize = 24;
/// Passages of each that are looked through for them: the first may be a title page.
const PASSAGES_OF_LEAD: u32 = 3;

/// Documents that a chat model may be given something of.
const MOST_DOCUMENTS: usize = 1_000;

/// Whole documents that are asked about.
#[derive(Debug, Clone)]
pub struct WholeDocuments {
    /// Their keys, in their order; of very many the first.
    pub(super) keys: Vec<u64>,
    /// The passages of these.
    pub(super) passages: usize,
    /// How many documents are meant.
    pub(super) of: usize,
    /// What each says first, where they are many.
    pub(super) leads: Option<Leads>,
    /// In which language it is said what is left out.
    pub(super) language: ListLanguage,
}

impl WholeDocuments {
    pub(super) fn are_many(&self) -> bool {
        self.of > FEW_DOCUMENTS
    }
}

impl Inner {
    /// What stands for the documents that a request for an overview means: those
    /// that it is restricted to, those that it names, the only one there is, or, if
    /// it has no subject, all that there are. `None`: it means none, and asks for a
    /// subject.
    pub(super) fn find_overview(
        &self,
        viewer: &Viewer,
        request: &SearchRequest,
    ) -> Result<Option<SearchOutcome>, Fault> {
        let wide = SearchRequest {
            options: SearchOptions {
                score_threshold: 0.0,
                k: LOOKED_THROUGH,
                ..request.options.clone()
            },
            ..request.clone()
        };
        let found = self.find(viewer, &wide)?;
        let wanted = wanted(request, &found);
        if wanted.is_empty() || wanted.len() > FEW_DOCUMENTS {
            return match means_all_documents(&request.query) {
                true => self.find_all(viewer, request),
                false => Ok(None),
            };
        }
        let (mut keys, mut passages) = (Vec::new(), 0);
        for id in wanted {
            if let Some(document) = self.store.document(viewer, &id)? {
                keys.push(document.key);
                passages += document.chunks as usize;
            }
        }
        self.few(request, (keys, passages), found)
    }

    /// What stands for so few documents that each can show its sections.
    fn few(
        &self,
        request: &SearchRequest,
        (keys, passages): (Vec<u64>, usize),
        found: SearchOutcome,
    ) -> Result<Option<SearchOutcome>, Fault> {
        let documents = WholeDocuments {
            of: keys.len(),
            passages,
            leads: None,
            language: overview_language(&request.query),
            keys,
        };
        let passages = self
            .retriever
            .overview(&documents.keys, OVERVIEW_PASSAGES)?;
        Ok((!passages.is_empty()).then_some(SearchOutcome {
            passages,
            // The search found the documents alone.
            passed_over: Vec::new(),
            ranked: 0,
            answerable: None,
            answers: true,
            standing: Standing::Documents(documents),
            ..found
        }))
    }

    /// What stands for all documents where the request looks.
    fn find_all(
        &self,
        viewer: &Viewer,
        request: &SearchRequest,
    ) -> Result<Option<SearchOutcome>, Fault> {
        let started = Instant::now();
        let (scope, _) = self.scopes(viewer, request)?;
        let ready = self.store.ready_documents(&scope, MOST_DOCUMENTS)?;
        let passages = ready.iter().map(|(_, chunks)| chunks).sum();
        let keys: Vec<u64> = ready.into_iter().map(|(key, _)| key).collect();
        let found = self.found_in(&scope, started)?;
        if keys.len() <= FEW_DOCUMENTS {
            return self.few(request, (keys, passages), found);
        }
        let shown = &keys[..keys.len().min(MOST_LEADS)];
        let beginnings = self.retriever.beginnings(shown, PASSAGES_OF_LEAD)?;
        let language = overview_language(&request.query);
        let of = keys.len().max(found.coverage.documents as usize);
        let leads = Leads::of(beginnings, of, language);
        Ok(leads.map(|(leads, beginnings)| SearchOutcome {
            passages: beginnings,
            standing: Standing::Documents(WholeDocuments {
                keys,
                passages,
                of,
                leads: Some(leads),
                language,
            }),
            ..found
        }))
    }

    /// An outcome without passages, of all that is in scope.
    fn found_in(&self, scope: &SearchScope, started: Instant) -> Result<SearchOutcome, Fault> {
        let mut coverage = self.store.coverage(scope)?;
        coverage.took_ms = started.elapsed().as_secs_f64() * 1000.0;
        Ok(SearchOutcome {
            passages: Vec::new(),
            passed_over: Vec::new(),
            ranked: 0,
            searched: scope.datasets.clone(),
            coverage,
            times: SearchTimes::default(),
            answerable: None,
            answers: true,
            searched_for: None,
            standing: Standing::Places,
            known: Known::default(),
        })
    }
}

/// The documents that the request is restricted to, else those that it names, or
/// the only one there is.
fn wanted(request: &SearchRequest, found: &SearchOutcome) -> Vec<DocumentId> {
    if !request.document_ids.is_empty() {
        return request.document_ids.clone();
    }
    // A copy of a document may be the one that is named.
    let repeated = found.passed_over.iter();
    let repeated = repeated.filter(|over| over.reason == Omission::Repeated);
    let repeated = repeated.map(|over| &over.passage);
    let mut wanted = Vec::new();
    for passage in found.passages.iter().chain(repeated) {
        let named = found.coverage.documents == 1
            || names_document(&request.query, &passage.title)
            || names_document(&request.query, &passage.filename);
        if named && !wanted.contains(&passage.document_id) {
            wanted.push(passage.document_id.clone());
        }
    }
    wanted
}
