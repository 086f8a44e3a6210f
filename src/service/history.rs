//! What chat models were told in running conversations, byte for byte, so that
//! the next turn continues the same prompt. Only a cache: what is not here is
//! made from the stored messages.

use crate::answer::Turn;
use crate::types::{Message, Role, SessionId};
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
    turns: HashMap<SessionId, (u64, Vec<Turn>)>,
    clock: u64,
}

impl History {
    /// The turns of a conversation whose stored messages before the present
    /// question are `messages`.
    pub(super) fn turns(&self, session: &SessionId, messages: &[Message]) -> Vec<Turn> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match kept.turns.get(session) {
            // Another number of turns: answers without the model came between.
            Some((_, turns)) if turns.len() == messages.len() => turns.clone(),
            _ => exchanges(messages),
        }
    }

    /// Keeps the turns of a conversation.
    pub(super) fn keep(&self, session: &SessionId, turns: Vec<Turn>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clock += 1;
        let now = kept.clock;
        kept.turns.insert(session.clone(), (now, turns));
        if kept.turns.len() > MOST_SESSIONS {
            let oldest = kept.turns.iter().min_by_key(|(_, (used, _))| *used);
            if let Some(oldest) = oldest.map(|(session, _)| session.clone()) {
                kept.turns.remove(&oldest);
            }
        }
    }

    /// Forgets a conversation.
    pub(super) fn forget(&self, session: &SessionId) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.turns.remove(session);
    }
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
    use super::{History, MOST_SESSIONS};
    use crate::answer::Turn;
    use crate::types::{Message, MessageId, Role, SessionId, Time};

    #[test]
    fn question_without_an_answer_is_left_out() {
        let message = |role, content: &str| Message {
            id: MessageId::generate(),
            session_id: "s".into(),
            user_id: "u".into(),
            role,
            content: content.to_owned(),
            created_at: Time::now(),
            answer: None,
        };
        let messages = [
            message(Role::User, "lost"),
            message(Role::User, "asked"),
            message(Role::Assistant, "answered"),
        ];
        let turns = History::default().turns(&"s".into(), &messages);
        let texts: Vec<&str> = turns.iter().map(|turn| turn.content.as_str()).collect();
        assert_eq!(texts, ["asked", "answered"]);
    }

    #[test]
    fn longest_unused_conversation_is_let_go_first() {
        let history = History::default();
        let id = |n: usize| SessionId::from(format!("{n}"));
        for n in 0..=MOST_SESSIONS {
            history.keep(&id(n), vec![Turn::plain(Role::User, "question")]);
        }
        let kept = history.kept.lock().unwrap();
        assert_eq!(kept.turns.len(), MOST_SESSIONS);
        assert!(!kept.turns.contains_key(&id(0)));
    }
}
