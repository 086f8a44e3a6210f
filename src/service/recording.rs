//! What is kept of how an answer came about. Must not decide anything about the
//! answer.

use super::Inner;
use super::answering::Answering;
use super::search::SearchOutcome;
use super::tokens::hex;
use crate::engine::encoder::Encoder;
use crate::error::Fault;
use crate::lexical::Lexical;
use crate::types::{
    AnswerRecord, AnswerSummary, DocumentId, Neighbour, Omission, Passage, RecordedDocument,
    RecordedModel, RecordedPassage, RecordedRetrieval, RecordedScope, RecordedWriting, Viewer,
};
use sha2::{Digest, Sha256};

/// Datasets of which it is kept that they were searched.
const MOST_DATASETS: usize = 100;

/// What an answer was made from.
pub(super) enum Basis {
    /// Nothing: the documents were taken not to answer the question.
    Nothing,
    /// All that was found.
    Found,
    /// What a chat model was given.
    Prompt(Box<Told>),
}

/// What a chat model was given.
pub(super) struct Told {
    pub(super) writing: RecordedWriting,
    /// Places of what was found, with their numbers in the prompt.
    pub(super) used: Vec<(usize, u32)>,
    /// Chunks, with their numbers, that no earlier turn of the prompt shows.
    pub(super) new: Vec<(u64, u32)>,
    /// What stands beside them in the prompt.
    pub(super) neighbours: Vec<Neighbour>,
}

impl Answering {
    /// How the answer came about; its documents are still to be looked up.
    pub(super) fn record(
        &self,
        found: &SearchOutcome,
        summary: &AnswerSummary,
        basis: &Basis,
    ) -> AnswerRecord {
        let question = &self.question;
        // A selected text is no passage of a document.
        let kept = match question.selection {
            Some(_) => 0,
            None => found.passages.len(),
        };
        let passages = found.passages.iter().take(kept).enumerate();
        let passages = passages.map(|(place, passage)| of_found(place, passage, basis));
        let (shown, skipped) = passages.partition(|passage| passage.omitted.is_none());
        let over = found.passed_over.iter().enumerate();
        let over = over.map(|(place, one)| RecordedPassage {
            omitted: Some(one.reason),
            ..plain(kept + place, &one.passage)
        });
        AnswerRecord {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            mode: summary.mode.clone(),
            finish_reason: summary.finish_reason,
            scope: RecordedScope {
                dataset_ids: question.dataset_ids.clone(),
                document_ids: question.document_ids.clone(),
                module: question.module.clone(),
                chapter: question.chapter.clone(),
                searched: found.searched.iter().take(MOST_DATASETS).cloned().collect(),
                selection: question.selection.is_some(),
                quotes_only: question.quotes_only,
            },
            search: self.options.clone(),
            retrieval: self.service.inner.retrieval(),
            searched_for: found.searched_for.clone(),
            answerable: found.answerable,
            answered: summary.answered,
            checks: Some(summary.checks.clone()),
            entailment_model: match basis {
                Basis::Prompt(_) => self.service.inner.entailment_model(),
                Basis::Nothing | Basis::Found => None,
            },
            writing: match basis {
                Basis::Prompt(told) => Some(told.writing.clone()),
                Basis::Nothing | Basis::Found => None,
            },
            shown,
            skipped,
            considered: over.collect(),
            ranked: found.ranked,
            documents: Vec::new(),
        }
    }

    /// The record with the documents of its passages.
    pub(super) async fn with_documents(
        &self,
        mut record: AnswerRecord,
    ) -> Result<AnswerRecord, Fault> {
        let viewer = self.caller.viewer();
        self.service
            .blocking(move |inner| {
                record.documents = inner.documents_now(&viewer, documents_of(&record))?;
                Ok(record)
            })
            .await
    }
}

impl Inner {
    /// What finds and orders passages.
    fn retrieval(&self) -> RecordedRetrieval {
        let model = |encoder: &Encoder| RecordedModel {
            name: encoder.name().to_owned(),
            fingerprint: encoder.fingerprint().to_owned(),
        };
        RecordedRetrieval {
            embedder: model(&self.embedder),
            reader: model(&self.encoder),
            reranker: self.retriever.reranker().map(str::to_owned),
            analysis: Lexical::analysis().to_owned(),
        }
    }

    /// Those of the documents that the viewer has, as they are.
    pub(super) fn documents_now(
        &self,
        viewer: &Viewer,
        ids: Vec<DocumentId>,
    ) -> Result<Vec<RecordedDocument>, Fault> {
        let mut documents = Vec::new();
        for id in ids {
            if let Some(document) = self.store.document(viewer, &id)? {
                documents.push(RecordedDocument {
                    id,
                    filename: document.filename,
                    sha256: document.sha256,
                });
            }
        }
        Ok(documents)
    }
}

/// The documents of the passages that were found, each once.
fn documents_of(record: &AnswerRecord) -> Vec<DocumentId> {
    let mut ids: Vec<DocumentId> = Vec::new();
    for passage in record.found() {
        if !ids.contains(&passage.document_id) {
            ids.push(passage.document_id.clone());
        }
    }
    ids
}

/// A passage that was found, and what became of it.
fn of_found(place: usize, passage: &Passage, basis: &Basis) -> RecordedPassage {
    let plain = plain(place, passage);
    match basis {
        Basis::Found => plain,
        Basis::Nothing => RecordedPassage {
            omitted: Some(Omission::Unanswered),
            ..plain
        },
        Basis::Prompt(told) => {
            let used = told.used.iter().find(|(index, _)| *index == place);
            let is_new = told.new.iter().any(|(chunk, _)| *chunk == plain.chunk);
            let beside = told.neighbours.iter();
            let beside = beside.filter(|one| one.beside == plain.chunk);
            RecordedPassage {
                prompt_number: used.map(|(_, number)| *number),
                told_before: used.is_some() && !is_new,
                shown_with: beside.map(|one| one.chunk_key).collect(),
                omitted: used.is_none().then_some(Omission::LeftOut),
                ..plain
            }
        }
    }
}

fn plain(place: usize, passage: &Passage) -> RecordedPassage {
    RecordedPassage {
        rank: place + 1,
        chunk: passage.chunk_key,
        document_id: passage.document_id.clone(),
        filename: passage.filename.clone(),
        chunk_index: passage.chunk_index,
        page_number: passage.page_number,
        sha256: hex(&Sha256::digest(&passage.text)),
        score: passage.score,
        prompt_number: None,
        told_before: false,
        shown_with: Vec::new(),
        omitted: None,
    }
}
