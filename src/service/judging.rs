//! The check of what a chat model wrote, with the entailment model where there is
//! one. Must not know how a sentence is checked.

use super::Inner;
use crate::answer::{Verified, verify, verify_judged};
use crate::error::Fault;
use crate::types::{Passage, RecordedModel};

impl Inner {
    /// What a chat model wrote, checked by its passages.
    pub(super) fn verified(&self, content: &str, passages: &[Passage]) -> Result<Verified, Fault> {
        Ok(match &self.entailment {
            Some(model) => verify_judged(content, passages, &self.encoder, model.as_ref())?,
            None => verify(content, passages, &self.encoder)?,
        })
    }

    /// What judges sentences by their sources.
    pub(super) fn entailment_model(&self) -> Option<RecordedModel> {
        self.entailment.as_ref().map(|model| RecordedModel {
            name: model.name().to_owned(),
            fingerprint: model.fingerprint().to_owned(),
        })
    }
}
