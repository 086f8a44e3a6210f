//! Answers that are bound to a text that somebody selected: it stands in the
//! place of all documents, and nothing else is looked at.

use super::answering::Answering;
use super::search::{SearchOutcome, Standing};
use crate::answer::{Verified, read_selection, uncited};
use crate::engine::encoder::Known;
use crate::error::Fault;
use crate::types::{Coverage, SearchTimes};

impl Answering {
    /// Reads the text that the question is about, in place of a search.
    pub(super) async fn read_selection(&self, text: String) -> Result<SearchOutcome, Fault> {
        let question = self.question.message.clone();
        self.service
            .computing(move |inner| {
                let read = read_selection(&question, &text, &inner.encoder)?;
                Ok(SearchOutcome {
                    answerable: Some(read.evidence.answerable()),
                    answers: read.evidence.answers(),
                    passages: read.passages,
                    passed_over: Vec::new(),
                    ranked: 0,
                    searched: Vec::new(),
                    coverage: Coverage::default(),
                    times: SearchTimes::default(),
                    searched_for: None,
                    standing: Standing::Places,
                    known: Known::default(),
                })
            })
            .await
    }

    /// The answer as it is shown. From a selection it names no places: there is
    /// but one.
    pub(super) fn as_cited(&self, verified: Verified) -> Verified {
        match self.question.selection {
            Some(_) => uncited(verified),
            None => verified,
        }
    }
}
