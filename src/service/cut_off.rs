//! Answers that the end of the process cut off: at the next start each is marked
//! in its conversation, so that nobody waits for it.

use super::Inner;
use super::answering::Answering;
use crate::error::Fault;
use crate::store::{CutOff, Place};
use crate::types::{
    AnswerMode, AnswerSummary, Coverage, FinishReason, Message, Role, Time, TokenUsage,
};

/// What stands in place of the answer.
const TEXT: &str =
    "This answer was cut off: satchel stopped while it was being made. Please ask again.";

impl Inner {
    /// Marks the answers that were being made when the last process ended.
    pub(super) fn mark_cut_off(&self) -> Result<(), Fault> {
        let all = self.store.cut_off()?;
        for one in &all {
            let message = mark(one);
            let place = Place::After(one.question_id.clone());
            self.store
                .append_message(&one.tenant_id, &message, &place)?;
        }
        if !all.is_empty() {
            tracing::info!(answers = all.len(), "answers that were cut off are marked");
        }
        Ok(())
    }
}

impl Answering {
    /// Whether or not there was one, no answer comes any more.
    pub(super) async fn end(&self) {
        if !self.kept {
            return;
        }
        let answer = self.accepted.answer_id.clone();
        let ended = self
            .service
            .blocking(move |inner| Ok(inner.store.end_answer(&answer)?));
        if let Err(error) = ended.await {
            tracing::warn!(%error, "an answer that ended counts as cut off");
        }
    }
}

fn mark(cut_off: &CutOff) -> Message {
    Message {
        id: cut_off.answer_id.clone(),
        session_id: cut_off.session_id.clone(),
        user_id: cut_off.user_id.clone(),
        role: Role::Assistant,
        content: TEXT.to_owned(),
        metadata: serde_json::json!({}),
        created_at: Time::now(),
        deleted_at: None,
        answer: Some(AnswerSummary {
            mode: AnswerMode::NothingFound,
            finish_reason: FinishReason::Error,
            citations: Vec::new(),
            checks: Vec::new(),
            usage: TokenUsage::default(),
            coverage: Coverage::default(),
            left_out: None,
            parts: None,
            answerable: None,
            answered: Some(false),
            first_token_ms: None,
            total_ms: 0.0,
            sources: Vec::new(),
            searched_for: None,
            reasoning: None,
        }),
    }
}
