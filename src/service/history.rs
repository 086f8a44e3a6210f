//! What chat models were told in running conversations, byte for byte, so that
//! the next turn continues the same prompt. Only a cache: what is not here is
//! made from the stored messages. Stored conversations go by their own ids, for those that clients
//! choose are unique in their tenant alone.

use super::Caller;
use super::answering::Answering;
use crate::answer::Turn;
use crate::types::{Message, MessageId, RecordedTurn, Role, SessionId};
use sha2::{Digest, Sha256};
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
    conversations: HashMap<SessionId, Conversation>,
    clock: u64,
}

#[derive(Default)]
struct Conversation {
    used: u64,
    /// What was sent for a message.
    turns: HashMap<MessageId, Turn>,
    /// The first of them. What was dropped stays dropped, or the prompt would
    /// begin anew with every turn.
    first: Option<MessageId>,
}

/// The turns before a question.
#[derive(Clone, Default)]
pub(super) struct Past {
    /// Which messages they are of.
    pub(super) messages: Vec<RecordedTurn>,
    pub(super) turns: Vec<Turn>,
}

impl Past {
    /// What is sent when the `dropped` oldest are not.
    pub(super) fn after(self, dropped: usize) -> Vec<(MessageId, Turn)> {
        let ids = self.messages.into_iter().map(|message| message.message_id);
        ids.zip(self.turns).skip(dropped).collect()
    }

    /// Adds what is sent for a message.
    pub(super) fn push(&mut self, message: &Message, turn: Turn) {
        self.messages.push(RecordedTurn {
            message_id: message.id.clone(),
            as_stored: turn.content == message.content,
        });
        self.turns.push(turn);
    }
}

/// A conversation that is not stored: it is known by what was said in it, and
/// its messages by their places.
pub(super) struct Passing {
    said: Sha256,
    length: usize,
}

impl Passing {
    /// One of which nothing has been said.
    pub(super) fn new(caller: &Caller) -> Self {
        let mut passing = Self {
            said: Sha256::new(),
            length: 0,
        };
        passing.add(caller.tenant_id.as_str());
        passing.add(caller.user_id.as_str());
        passing
    }

    /// The next message is said; its id.
    pub(super) fn say(&mut self, role: Role, content: &str) -> MessageId {
        self.add(role.as_str());
        self.add(content.trim());
        self.length += 1;
        MessageId::from(self.length.to_string())
    }

    /// A part, and where it ends.
    fn add(&mut self, part: &str) {
        self.said.update(part.len().to_le_bytes());
        self.said.update(part);
    }

    /// What the conversation is called up to here.
    pub(super) fn name(&self) -> SessionId {
        let digest = self.said.clone().finalize();
        let hex = digest.iter().map(|byte| format!("{byte:02x}"));
        SessionId::from(hex.collect::<String>())
    }
}

impl History {
    /// The turns of a conversation whose stored messages before the present
    /// question are `messages`, `most` at most. Where there are more, two fifths
    /// go at once, so that the beginning then stays for some turns.
    pub(super) fn past(&self, session: &SessionId, messages: &[Message], most: usize) -> Past {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let conversation = kept.conversations.get(session);
        let mut messages = exchanges(messages);
        if let Some(first) = conversation.and_then(|one| one.first.as_ref())
            && let Some(place) = messages.iter().position(|message| message.id == *first)
        {
            messages.drain(..place);
        }
        if messages.len() > most {
            let left = (most * 3 / 5 / 2 * 2).max(most.min(2));
            messages.drain(..messages.len() - left);
        }
        let mut past = Past::default();
        for message in messages {
            let turn = conversation.and_then(|one| one.turns.get(&message.id));
            let plain = || Turn::plain(message.role, message.content.clone());
            past.push(message, turn.cloned().unwrap_or_else(plain));
        }
        past
    }

    /// Keeps what was sent of a conversation: its messages, oldest first.
    pub(super) fn keep(&self, session: &SessionId, turns: Vec<(MessageId, Turn)>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clock += 1;
        let now = kept.clock;
        let conversation = Conversation {
            used: now,
            first: turns.first().map(|(id, _)| id.clone()),
            turns: turns.into_iter().collect(),
        };
        kept.conversations.insert(session.clone(), conversation);
        if kept.conversations.len() > MOST_SESSIONS {
            let all = kept.conversations.iter();
            let oldest = all.min_by_key(|(_, conversation)| conversation.used);
            if let Some(oldest) = oldest.map(|(session, _)| session.clone()) {
                kept.conversations.remove(&oldest);
            }
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.conversations.clear();
    }

    /// Forgets a conversation.
    pub(super) fn forget(&self, session: &SessionId) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.conversations.remove(session);
    }
}

impl Answering {
    /// What was sent of the conversation before the question.
    pub(super) fn past(&self, most: usize) -> Past {
        let (history, session) = (&self.service.inner.history, &self.accepted.session);
        let earlier = &self.accepted.earlier;
        if let Some(past) = self.again.as_ref().and_then(|again| again.past()) {
            return past;
        }
        if self.kept || self.again.is_some() {
            return history.past(&session.uuid, earlier, most);
        }
        let mut passing = Passing::new(&self.caller);
        let mut named = earlier.clone();
        for message in &mut named {
            message.id = passing.say(message.role, &message.content);
        }
        history.past(&passing.name(), &named, most)
    }

    /// What the conversation is called once it has its answer, and the ids of
    /// its question and its answer.
    pub(super) fn named_with(&self, answer: &str) -> (SessionId, [MessageId; 2]) {
        let accepted = &self.accepted;
        if self.kept {
            let ids = [
                accepted.question_id.clone(),
                self.accepted.answer_id.clone(),
            ];
            return (accepted.session.uuid.clone(), ids);
        }
        let mut passing = Passing::new(&self.caller);
        for message in &accepted.earlier {
            passing.say(message.role, &message.content);
        }
        let asked = passing.say(Role::User, &self.question.message);
        let answered = passing.say(Role::Assistant, answer);
        (passing.name(), [asked, answered])
    }
}

/// Questions with their answers. Chat templates want both in turns, so a
/// question that got no answer is left out.
fn exchanges(messages: &[Message]) -> Vec<&Message> {
    messages
        .windows(2)
        .filter(|pair| pair[0].role == Role::User && pair[1].role == Role::Assistant)
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{History, MOST_SESSIONS, Past};
    use crate::answer::Turn;
    use crate::types::{Message, MessageId, Role, SessionId, Time};

    fn message(role: Role, content: &str) -> Message {
        Message {
            id: MessageId::from(content),
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

    fn conversation(exchanges: usize) -> Vec<Message> {
        let exchange = |n: usize| {
            let question = message(Role::User, &format!("q{n}"));
            [question, message(Role::Assistant, &format!("a{n}"))]
        };
        (0..exchanges).flat_map(exchange).collect()
    }

    fn texts(past: &Past) -> Vec<&str> {
        let turns = past.turns.iter();
        turns.map(|turn| turn.content.as_str()).collect()
    }

    #[test]
    fn question_without_an_answer_is_left_out() {
        let messages = [
            message(Role::User, "lost"),
            message(Role::User, "asked"),
            message(Role::Assistant, "answered"),
        ];
        let past = History::default().past(&"s".into(), &messages, 10);
        assert_eq!(texts(&past), ["asked", "answered"]);
    }

    #[test]
    fn turns_stay_as_they_were_sent_when_answers_without_the_model_come_between() {
        let history = History::default();
        let turn = Turn {
            shown: vec![(7, 1)],
            ..Turn::plain(Role::User, "q0 with a passage")
        };
        history.keep(&"s".into(), vec![("q0".into(), turn)]);
        let past = history.past(&"s".into(), &conversation(2), 10);
        assert_eq!(texts(&past), ["q0 with a passage", "a0", "q1", "a1"]);
        assert_eq!(past.turns[0].shown, [(7, 1)]);
    }

    #[test]
    fn beginning_changes_only_now_and_then_however_long_a_conversation_gets() {
        let history = History::default();
        let mut begins = Vec::new();
        for exchanges in 0..20 {
            let past = history.past(&"s".into(), &conversation(exchanges), 10);
            assert!(past.turns.len() <= 10 && past.turns.len() >= exchanges.min(3) * 2);
            begins.push(texts(&past).first().map(|text| (*text).to_owned()));
            history.keep(&"s".into(), past.after(0));
        }
        begins.dedup();
        assert_eq!(begins.len(), 1 + 1 + 5, "{begins:?}");
    }

    #[test]
    fn what_was_dropped_stays_dropped() {
        let history = History::default();
        let past = history.past(&"s".into(), &conversation(4), 10);
        history.keep(&"s".into(), past.after(4));
        let next = history.past(&"s".into(), &conversation(5), 10);
        assert_eq!(texts(&next)[0], "q2");
        assert!(next.after(6).is_empty());
    }

    #[test]
    fn longest_unused_conversation_is_let_go_first() {
        let history = History::default();
        let id = |n: usize| SessionId::from(n.to_string());
        for n in 0..=MOST_SESSIONS {
            history.keep(&id(n), Vec::new());
        }
        let kept = history.kept.lock().unwrap();
        assert_eq!(kept.conversations.len(), MOST_SESSIONS);
        assert!(!kept.conversations.contains_key(&id(0)));
    }
}
