//! The caller's conversations as its list shows them: found by words, renamed,
//! pinned, put away, given instructions of their own. Must not answer anything.

use super::sessions::{MAX_TITLE_CHARS, check_length};
use super::{Caller, Service};
use crate::error::Fault;
use crate::store::{ChatChange, ChatFilter, FoundMessage};
use crate::types::{MessageId, Role, Session, SessionId};

/// Longest instructions for the answers of a conversation, in characters.
const MAX_PROMPT_CHARS: usize = 8_000;

/// Characters of a found message before and after the first word.
/// The list is narrow: the word has to be seen.
const BEFORE: usize = 12;
const AFTER: usize = 96;

/// A conversation in a list.
#[derive(Debug, Clone)]
pub struct ChatView {
    pub session: Session,
    /// Where the words were found, if that was in a message.
    pub found: Option<Excerpt>,
}

/// A piece of a message around what was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    pub message_id: MessageId,
    pub role: Role,
    /// One line.
    pub text: String,
}

impl Service {
    /// The caller's own conversations that `filter` lets through, the pinned
    /// ones first, then the latest; and whether there are more.
    pub async fn chats(
        &self,
        caller: &Caller,
        filter: ChatFilter,
    ) -> Result<(Vec<ChatView>, bool), Fault> {
        let caller = caller.clone();
        self.blocking(move |inner| {
            let (tenant, user) = (&caller.tenant_id, &caller.user_id);
            let (chats, more) = inner.store.chats(tenant, user, &filter)?;
            let text = filter.text.unwrap_or_default();
            let view = |chat: crate::store::FoundChat| ChatView {
                session: chat.session,
                found: chat.message.map(|message| excerpt(message, &text)),
            };
            Ok((chats.into_iter().map(view).collect(), more))
        })
        .await
    }

    /// Changes a conversation of the caller, which stays where it is in the list.
    pub async fn change_chat(
        &self,
        caller: &Caller,
        id: &SessionId,
        change: ChatChange,
    ) -> Result<Session, Fault> {
        let ChatChange {
            title,
            system_prompt,
            ..
        } = &change;
        if let Some(title) = title {
            check_length("title", title, MAX_TITLE_CHARS)?;
        }
        if let Some(Some(prompt)) = system_prompt {
            check_prompt(prompt)?;
        }
        let (caller, id) = (caller.clone(), id.clone());
        self.blocking(move |inner| {
            let session = inner.own_session(&caller, &id)?;
            let tenant = &caller.tenant_id;
            Ok(inner.store.change_chat(tenant, &session.id, &change)?)
        })
        .await
    }
}

/// An error unless `prompt` may instruct a chat model.
pub(super) fn check_prompt(prompt: &str) -> Result<(), Fault> {
    check_length("system_prompt", prompt, MAX_PROMPT_CHARS)
}

fn excerpt(message: FoundMessage, words: &str) -> Excerpt {
    Excerpt {
        message_id: message.id,
        role: message.role,
        text: around(&message.content, words),
    }
}

/// The characters around the first of `words` in `content`, in one line.
fn around(content: &str, words: &str) -> String {
    let lower = |c: char| c.to_lowercase().next().unwrap_or(c);
    let line: Vec<char> = content
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .collect();
    let folded: Vec<char> = line.iter().copied().map(lower).collect();
    let place = |word: &str| {
        let word: Vec<char> = word.chars().map(lower).collect();
        folded
            .windows(word.len().max(1))
            .position(|part| part == word)
    };
    let at = words
        .split_whitespace()
        .filter_map(place)
        .min()
        .unwrap_or(0);
    let start = match at {
        0..=BEFORE => 0,
        // Not in the middle of a word.
        at => line[at - BEFORE..at]
            .iter()
            .position(|c| *c == ' ')
            .map_or(at - BEFORE, |gap| at - BEFORE + gap + 1),
    };
    let end = (at + AFTER).min(line.len());
    let mut text = String::new();
    if start > 0 {
        text.push('…');
    }
    text.extend(&line[start..end]);
    if end < line.len() {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::around;

    #[test]
    fn excerpt_is_one_line_around_the_first_word() {
        assert_eq!(around("A short\n text.", "TEXT"), "A short text.");
        let long = format!(
            "{} The Übung is here. {}",
            "before ".repeat(30),
            "after ".repeat(60)
        );
        let text = around(&long, "übung");
        assert!(
            text.starts_with("…before") && text.contains("The Übung is here."),
            "{text}"
        );
        assert!(text.ends_with('…') && text.chars().count() < 140, "{text}");
        assert_eq!(around("nothing of it", "absent"), "nothing of it");
    }
}
