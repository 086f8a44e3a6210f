//! What chat models were told in running conversations, byte for byte, so that
//! the next turn continues the same prompt. Only a cache: what is not here is
//! made from the stored messages.

use crate::answer::Turn;
use crate::types::{Message, MessageId, Role, Session, SessionId, TenantId};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Conversations kept.
const MOST_SESSIONS: usize = 64;

#[derive(Default)]
pub(super) struct History {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    conversations: HashMap<(TenantId, SessionId), Conversation>,
    clock: u64,
}

struct Conversation {
    used: u64,
    /// The stored messages that the turns stand for.
    messages: Vec<MessageId>,
    turns: Vec<Turn>,
}

impl History {
    /// The turns of a conversation whose stored messages before the present
    /// question are `messages`.
    pub(super) fn turns(&self, session: &Session, messages: &[Message]) -> Vec<Turn> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let ids = messages.iter().map(|message| &message.id);
        match kept.conversations.get(&key(session)) {
            // Other messages: some were deleted, or written without the model.
            Some(known) if known.messages.iter().eq(ids) => known.turns.clone(),
            _ => exchanges(messages),
        }
    }

    /// Keeps the turns of a conversation, which stand for `messages`.
    pub(super) fn keep(&self, session: &Session, messages: Vec<MessageId>, turns: Vec<Turn>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clock += 1;
        let conversation = Conversation {
            used: kept.clock,
            messages,
            turns,
        };
        kept.conversations.insert(key(session), conversation);
        if kept.conversations.len() > MOST_SESSIONS {
            let oldest = kept.conversations.iter().min_by_key(|(_, one)| one.used);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                kept.conversations.remove(&oldest);
            }
        }
    }

    /// Forgets a conversation.
    pub(super) fn forget(&self, session: &Session) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.conversations.remove(&key(session));
    }
}

/// Ids that clients choose are unique in their tenant alone.
fn key(session: &Session) -> (TenantId, SessionId) {
    (session.tenant_id.clone(), session.id.clone())
}

/// Questions with their answers. Chat templates want both in turns, so a
/// question that got no answer is left out.
fn exchanges(messages: &[Message]) -> Vec<Turn> {
    messages
        .windows(2)
        .filter(|pair| pair[0].role == Role::User && pair[1].role == Role::Assistant)
        .flatten()
        .map(|message| Turn::plain(message.role, message.content.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{History, MOST_SESSIONS, key};
    use crate::answer::Turn;
    use crate::types::{Message, MessageId, Role, Session, Time};

    fn session(tenant: &str, id: &str) -> Session {
        Session {
            id: id.into(),
            uuid: id.into(),
            tenant_id: tenant.into(),
            user_id: "u".into(),
            title: None,
            system_prompt: None,
            metadata: serde_json::json!({}),
            agent_id: None,
            external_user_id: None,
            status: Default::default(),
            expires_at: None,
            keep_seconds: None,
            created_at: Time::now(),
            updated_at: Time::now(),
        }
    }

    fn message(role: Role, content: &str) -> Message {
        Message {
            id: MessageId::generate(),
            session_id: "s".into(),
            user_id: "u".into(),
            role,
            content: content.to_owned(),
            metadata: serde_json::json!({}),
            created_at: Time::now(),
            deleted_at: None,
            answer: None,
        }
    }

    fn texts(turns: &[Turn]) -> Vec<&str> {
        turns.iter().map(|turn| turn.content.as_str()).collect()
    }

    #[test]
    fn question_without_an_answer_is_left_out() {
        let messages = [
            message(Role::User, "lost"),
            message(Role::User, "asked"),
            message(Role::Assistant, "answered"),
        ];
        let turns = History::default().turns(&session("t", "s"), &messages);
        assert_eq!(texts(&turns), ["asked", "answered"]);
    }

    #[test]
    fn kept_turns_hold_for_the_very_messages_and_tenant_that_they_stand_for() {
        let history = History::default();
        let asked = [
            message(Role::User, "asked"),
            message(Role::Assistant, "answered"),
        ];
        let others = [
            message(Role::User, "other"),
            message(Role::Assistant, "answer"),
        ];
        let ids = asked.iter().map(|one| one.id.clone()).collect();
        let turns = vec![Turn::plain(Role::User, "as told")];
        history.keep(&session("t", "s"), ids, turns);
        let told = |tenant: &str, messages: &[Message]| {
            let turns = history.turns(&session(tenant, "s"), messages);
            texts(&turns).join(" ")
        };
        assert_eq!(told("t", &asked), "as told");
        assert_eq!(told("another", &asked), "asked answered");
        assert_eq!(told("t", &others), "other answer");
        history.forget(&session("t", "s"));
        assert_eq!(told("t", &asked), "asked answered");
    }

    #[test]
    fn longest_unused_conversation_is_let_go_first() {
        let history = History::default();
        let one = |n: usize| session("t", &n.to_string());
        for n in 0..=MOST_SESSIONS {
            history.keep(
                &one(n),
                Vec::new(),
                vec![Turn::plain(Role::User, "question")],
            );
        }
        let kept = history.kept.lock().unwrap();
        assert_eq!(kept.conversations.len(), MOST_SESSIONS);
        assert!(!kept.conversations.contains_key(&key(&one(0))));
    }
}
