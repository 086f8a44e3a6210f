//! Where in its conversation a question stands, and what was said before it.
//! A conversation is a tree: who words a question anew, or has it answered
//! anew, begins a branch beside the old one.

use super::chat::Question;
use super::{Caller, Inner};
use crate::error::Fault;
use crate::store::{Branch, MessageFilter, Place};
use crate::types::{DatasetId, DocumentId, Message, MessageId, Role, Session};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Where a question stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum QuestionPlace {
    /// After the message that was written last.
    #[default]
    Newest,
    /// After this message, wherever it is.
    After(MessageId),
    /// Beside this question, which it words anew.
    InsteadOf(MessageId),
    /// It is this question, which is to be answered once more.
    Again(MessageId),
}

/// What a question stands on.
#[derive(Default)]
pub(super) struct Standing {
    pub(super) place: Place,
    /// The messages that lead to it.
    pub(super) earlier: Vec<Message>,
    /// The stored question, where it is asked again.
    pub(super) asked: Option<Message>,
}

impl Standing {
    /// What is asked.
    pub(super) fn text_of<'a>(&'a self, question: &'a Question) -> &'a str {
        let asked = self.asked.as_ref();
        asked.map_or(&question.message, |asked| &asked.content)
    }
}

/// What a question was restricted to, as it is kept with it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct QuestionScope {
    /// The text that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selected_text: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dataset_ids: Vec<DatasetId>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub document_ids: Vec<DocumentId>,
}

impl From<&Question> for QuestionScope {
    fn from(question: &Question) -> Self {
        Self {
            selected_text: question.selection.clone(),
            dataset_ids: question.dataset_ids.clone(),
            document_ids: question.document_ids.clone(),
        }
    }
}

impl QuestionScope {
    /// The one that was kept with a question. What a client of its own has put
    /// in that place says nothing.
    pub fn of(asked: &Message) -> Self {
        serde_json::from_value(asked.metadata.clone()).unwrap_or_default()
    }

    /// As it is kept.
    pub(super) fn metadata(&self) -> Value {
        json!(self)
    }

    /// Restricts a question as it was.
    pub(super) fn restore(self, question: &mut Question) {
        question.selection = self.selected_text;
        question.dataset_ids = self.dataset_ids;
        question.document_ids = self.document_ids;
    }
}

impl Inner {
    /// What a question of the caller's `session` stands on.
    pub(super) fn standing(
        &self,
        caller: &Caller,
        session: &Session,
        place: &QuestionPlace,
    ) -> Result<Standing, Fault> {
        let line = |branch: Branch| {
            let filter = MessageFilter {
                branch,
                ..MessageFilter::default()
            };
            self.store.messages(&caller.tenant_id, &session.id, &filter)
        };
        let standing = |place, earlier| Standing {
            place,
            earlier,
            asked: None,
        };
        match place {
            QuestionPlace::Newest => Ok(standing(Place::Newest, line(Branch::Newest)?)),
            QuestionPlace::After(id) => {
                let earlier = line(Branch::To(id.clone()))?;
                // The line to a message that is not there, or hidden, does not end with it.
                match earlier.last() {
                    Some(last) if last.id == *id => Ok(standing(Place::After(id.clone()), earlier)),
                    _ => Err(no_message("after")),
                }
            }
            QuestionPlace::InsteadOf(id) => {
                let (earlier, _) = split(line(Branch::To(id.clone()))?, id, "edits")?;
                let parents = self.store.parents(&caller.tenant_id, &session.id)?;
                let parent = parents.get(id).cloned().flatten();
                Ok(standing(parent.map_or(Place::Start, Place::After), earlier))
            }
            QuestionPlace::Again(id) => {
                let (earlier, asked) = split(line(Branch::To(id.clone()))?, id, "again")?;
                Ok(Standing {
                    asked: Some(asked),
                    ..standing(Place::After(id.clone()), earlier)
                })
            }
        }
    }
}

/// A line that ends with the question `id`: what came before it, and it.
fn split(
    mut line: Vec<Message>,
    id: &MessageId,
    field: &str,
) -> Result<(Vec<Message>, Message), Fault> {
    match line.pop() {
        Some(last) if last.id == *id && last.role == Role::User => Ok((line, last)),
        _ => Err(no_message(field)),
    }
}

fn no_message(field: &str) -> Fault {
    let message = format!("{field}: the session has no such message");
    Fault::not_found(message).about(field)
}
