//! The end of an answer: what is kept of it, and what is said of it.

use super::answering::Answering;
use super::recording::Basis;
use super::search::SearchOutcome;
use crate::answer::{Verified, refuses, render};
use crate::error::Fault;
use crate::store::Place;
use crate::types::{
    AnswerEvent, AnswerMode, AnswerRecord, AnswerSummary, FinishReason, LeftOut, Message,
    PartsRead, Role, ShownSource, Time, TokenUsage,
};

/// What was written, before it is stored.
pub(super) struct Written {
    pub(super) mode: AnswerMode,
    pub(super) finish: FinishReason,
    pub(super) verified: Verified,
    pub(super) usage: TokenUsage,
    pub(super) left_out: Option<LeftOut>,
    pub(super) parts: Option<PartsRead>,
    pub(super) first_token_ms: Option<f64>,
    pub(super) reasoning: Option<String>,
    pub(super) basis: Basis,
}

impl Answering {
    /// Stores what was written and says that it is complete.
    pub(super) async fn conclude(
        &self,
        found: &SearchOutcome,
        written: Written,
    ) -> Result<(), Fault> {
        let done = self.store(found, written).await?;
        self.send(done).await;
        Ok(())
    }

    /// Stores the answer if it is to be kept, and gives back the event that
    /// says that it is complete.
    pub(super) async fn store(
        &self,
        found: &SearchOutcome,
        written: Written,
    ) -> Result<AnswerEvent, Fault> {
        let Written {
            mode,
            finish,
            verified,
            usage,
            left_out,
            parts,
            first_token_ms,
            reasoning,
            basis,
        } = written;
        let answered = answered(&mode, &verified);
        let Verified {
            content,
            checks,
            citations,
        } = verified;
        let html = render(&content, &mode, &citations, &checks);
        let summary = AnswerSummary {
            mode,
            finish_reason: finish,
            citations,
            checks,
            usage,
            coverage: found.coverage,
            left_out,
            parts,
            answerable: found.answerable,
            answered: Some(answered),
            first_token_ms,
            total_ms: self.elapsed_ms(),
            sources: self.shown(found),
            searched_for: found.searched_for.clone(),
            reasoning,
        };
        if let Some(again) = &self.again {
            let record = self.record(found, &summary, &basis);
            again.made(self.with_documents(record).await?);
        } else {
            self.service.inner.figures.note_answer(&summary);
        }
        if self.kept {
            let record = self.record(found, &summary, &basis);
            self.keep(&content, &summary, record).await?;
        }
        Ok(AnswerEvent::Done {
            answer_id: self.accepted.answer_id.clone(),
            content,
            html,
            summary: Box::new(summary),
        })
    }

    /// What is kept of what was found. A selected text is kept with its question.
    fn shown(&self, found: &SearchOutcome) -> Vec<ShownSource> {
        let kept = match self.question.selection {
            Some(_) => 0,
            None => found.passages.len(),
        };
        let numbered = found.passages.iter().take(kept).enumerate();
        numbered
            .map(|(index, passage)| ShownSource::new(index, passage))
            .collect()
    }

    async fn keep(
        &self,
        content: &str,
        summary: &AnswerSummary,
        record: AnswerRecord,
    ) -> Result<(), Fault> {
        let record = self.with_documents(record).await?;
        let message = Message {
            id: self.accepted.answer_id.clone(),
            session_id: self.accepted.session.id.clone(),
            user_id: self.caller.user_id.clone(),
            role: Role::Assistant,
            content: content.to_owned(),
            metadata: serde_json::json!({}),
            created_at: Time::now(),
            deleted_at: None,
            answer: Some(summary.clone()),
        };
        let tenant = self.caller.tenant_id.clone();
        let place = Place::After(self.accepted.question_id.clone());
        self.service
            .blocking(move |inner| {
                let store = &inner.store;
                Ok(store.append_answer(&tenant, &message, &place, &record)?)
            })
            .await
            .map(drop)
    }
}

/// Whether what was written answers the question.
fn answered(mode: &AnswerMode, verified: &Verified) -> bool {
    match mode {
        AnswerMode::NothingFound => false,
        AnswerMode::Quotes => true,
        AnswerMode::Model { .. } => !verified.content.trim().is_empty() && !refuses(verified),
    }
}

#[cfg(test)]
mod tests {
    use super::answered;
    use crate::answer::Verified;
    use crate::types::AnswerMode;

    fn says(mode: &AnswerMode, content: &str) -> bool {
        let verified = Verified {
            content: content.to_owned(),
            checks: Vec::new(),
            citations: Vec::new(),
        };
        answered(mode, &verified)
    }

    #[test]
    fn model_that_says_that_the_passages_do_not_tell_has_not_answered() {
        let model = AnswerMode::Model {
            name: "tiny".to_owned(),
        };
        assert!(!says(&model, "The passages do not say who kept the lamp."));
        assert!(says(&model, "Tobias Grenn kept the lamp."));
        assert!(
            !says(&model, " "),
            "one that broke off before its first word"
        );
    }

    #[test]
    fn quoted_denial_is_an_answer_and_nothing_found_is_none() {
        let denial = "The documents do not mention a keeper. [1]";
        assert!(says(&AnswerMode::Quotes, denial));
        assert!(!says(
            &AnswerMode::NothingFound,
            "Your documents do not say."
        ));
    }
}
