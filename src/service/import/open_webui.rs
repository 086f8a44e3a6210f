//! Conversations of Open WebUI: what it exports, one chat or all. The tree of
//! messages is in `chat.history`; the branch that was shown last is taken.

use super::{Foreign, Said, says_something, text, time};
use crate::types::Role;
use serde_json::Value;

/// What a model thought, as Open WebUI keeps it in the text.
const REASONING: &str = "<details type=\"reasoning\"";
const REASONING_END: &str = "</details>";

/// One conversation: an entry of the export, or the chat alone.
pub(super) fn conversation(value: &Value) -> Foreign {
    let chat = match &value["chat"] {
        Value::Null => value,
        chat => chat,
    };
    let id = text(&value["id"]).or_else(|| text(&chat["id"]));
    Foreign {
        name: id.map(|id| format!("open-webui:{id}")),
        title: text(&value["title"]).or_else(|| text(&chat["title"])),
        system_prompt: text(&chat["params"]["system"]).or_else(|| text(&chat["system"])),
        pinned: value["pinned"].as_bool().unwrap_or(false),
        archived: value["archived"].as_bool().unwrap_or(false),
        created_at: time(&value["created_at"]).or_else(|| time(&chat["timestamp"])),
        messages: branch(value, chat).into_iter().filter_map(said).collect(),
        ..Foreign::default()
    }
}

fn branch<'a>(value: &'a Value, chat: &'a Value) -> Vec<&'a Value> {
    let messages = &chat["history"]["messages"];
    let count = messages.as_object().map_or(0, serde_json::Map::len);
    let present = chat["history"]["currentId"].as_str();
    let mut at = present.or_else(|| value["current_message_id"].as_str());
    if count == 0 || at.is_none_or(|id| messages[id].is_null()) {
        // Older exports have the branch as a list beside the tree.
        let listed = chat["messages"].as_array();
        return listed.map_or_else(Vec::new, |all| all.iter().collect());
    }
    let mut path = Vec::new();
    // A damaged file may go in circles.
    while let Some(id) = at
        && path.len() < count
    {
        path.push(&messages[id]);
        at = messages[id]["parentId"].as_str();
    }
    path.reverse();
    path
}

fn said(message: &Value) -> Option<Said> {
    let role = Role::parse(message["role"].as_str()?).filter(|role| *role != Role::System)?;
    let content = match &message["content"] {
        Value::Array(parts) => {
            let parts: Vec<_> = parts
                .iter()
                .filter_map(|one| one["text"].as_str())
                .collect();
            parts.join("\n")
        }
        other => text(other)?,
    };
    let content = without_reasoning(&content);
    says_something(&content).then(|| Said {
        role,
        content,
        created_at: time(&message["timestamp"]),
        model: text(&message["model"]),
        answer: None,
    })
}

fn without_reasoning(content: &str) -> String {
    let mut clean = String::with_capacity(content.len());
    let mut rest = content;
    while let Some(start) = rest.find(REASONING) {
        clean.push_str(&rest[..start]);
        let thought = &rest[start..];
        let end = thought.find(REASONING_END);
        rest = end.map_or("", |at| &thought[at + REASONING_END.len()..]);
    }
    clean.push_str(rest);
    clean.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::conversation;
    use crate::types::Role;
    use serde_json::json;

    #[test]
    fn branch_that_was_shown_last_is_taken_without_reasoning() {
        let value = json!({"id": "w1", "title": "Bees", "pinned": true, "archived": false,
        "created_at": 1_700_000_000, "chat": {
            "params": {"system": "Be brief."},
            "history": {"currentId": "c", "messages": {
                "a": {"id": "a", "parentId": null, "childrenIds": ["b", "c"], "role": "user",
                    "content": "Who kept bees?", "timestamp": 1_700_000_001},
                "b": {"id": "b", "parentId": "a", "role": "assistant", "content": "Nobody."},
                "c": {"id": "c", "parentId": "a", "role": "assistant", "model": "llama3",
                    "content": "<details type=\"reasoning\" done=\"true\">\nHm\n</details>\nWren.",
                    "timestamp": 1_700_000_002},
            }}}});
        let foreign = conversation(&value);
        let said: Vec<_> = foreign
            .messages
            .iter()
            .map(|one| (one.role, one.content.as_str()))
            .collect();
        assert_eq!(
            said,
            [(Role::User, "Who kept bees?"), (Role::Assistant, "Wren.")]
        );
        assert_eq!(foreign.system_prompt.as_deref(), Some("Be brief."));
        assert!(foreign.pinned && !foreign.archived);
    }

    #[test]
    fn chat_alone_and_list_of_messages_are_read() {
        let value = json!({"title": "Old", "history": {}, "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Hello"}]},
            {"role": "assistant", "content": "Hi"}]});
        assert_eq!(conversation(&value).messages.len(), 2);
    }
}
