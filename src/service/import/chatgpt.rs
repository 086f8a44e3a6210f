//! Conversations of ChatGPT: `conversations.json` of its export. Each is a tree
//! of messages; the branch that was shown last is taken.

use super::{Foreign, Said, says_something, text, time};
use crate::types::Role;
use serde_json::Value;

/// One conversation.
pub(super) fn conversation(value: &Value) -> Foreign {
    let id = text(&value["conversation_id"]).or_else(|| text(&value["id"]));
    let mut messages: Vec<Said> = Vec::new();
    for said in branch(value).into_iter().filter_map(said) {
        match messages.last_mut() {
            // One answer may be in several pieces, with tools between them.
            Some(last) if last.role == Role::Assistant && said.role == Role::Assistant => {
                last.content.push_str("\n\n");
                last.content.push_str(&said.content);
            }
            _ => messages.push(said),
        }
    }
    Foreign {
        name: id.map(|id| format!("chatgpt:{id}")),
        title: text(&value["title"]),
        pinned: value["is_starred"].as_bool().unwrap_or(false),
        archived: value["is_archived"].as_bool().unwrap_or(false),
        created_at: time(&value["create_time"]),
        messages,
        ..Foreign::default()
    }
}

/// The messages from the root to the present node.
fn branch(value: &Value) -> Vec<&Value> {
    let mapping = &value["mapping"];
    let nodes = mapping.as_object().map_or(0, serde_json::Map::len);
    let mut at = value["current_node"].as_str();
    if at.is_none_or(|id| mapping[id].is_null()) {
        at = latest_leaf(mapping);
    }
    let mut path = Vec::new();
    // A damaged file may go in circles.
    while let Some(id) = at
        && path.len() < nodes
    {
        path.push(&mapping[id]["message"]);
        at = mapping[id]["parent"].as_str();
    }
    path.reverse();
    path
}

fn latest_leaf(mapping: &Value) -> Option<&str> {
    let leaf = |node: &Value| node["children"].as_array().is_none_or(Vec::is_empty);
    let written = |node: &Value| node["message"]["create_time"].as_f64().unwrap_or(0.0);
    let nodes = mapping.as_object()?.iter().filter(|(_, node)| leaf(node));
    nodes
        .max_by(|(_, a), (_, b)| written(a).total_cmp(&written(b)))
        .map(|(id, _)| id.as_str())
}

/// A message that people saw.
fn said(message: &Value) -> Option<Said> {
    let role = match message["author"]["role"].as_str()? {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        _ => return None,
    };
    let hidden = &message["metadata"]["is_visually_hidden_from_conversation"];
    let to_a_tool = message["recipient"].as_str().is_some_and(|to| to != "all");
    if to_a_tool || hidden.as_bool() == Some(true) {
        return None;
    }
    let content = &message["content"];
    let said = match content["content_type"].as_str()? {
        "text" | "multimodal_text" => {
            let parts = content["parts"].as_array()?;
            let parts: Vec<_> = parts.iter().filter_map(part).collect();
            parts.join("\n")
        }
        "code" => {
            let language = content["language"]
                .as_str()
                .filter(|name| *name != "unknown");
            let code = content["text"].as_str()?;
            format!("```{}\n{code}\n```", language.unwrap_or_default())
        }
        _ => return None,
    };
    let said = without_markers(&said);
    says_something(&said).then(|| Said {
        role,
        content: said,
        created_at: time(&message["create_time"]),
        model: text(&message["metadata"]["model_slug"]),
        answer: None,
    })
}

fn part(part: &Value) -> Option<String> {
    match part["content_type"].as_str() {
        None => text(part),
        Some("audio_transcription") => text(&part["text"]),
        Some("image_asset_pointer") => Some("[an image]".to_owned()),
        Some(_) => None,
    }
}

/// The text without references to what only ChatGPT had at hand: `【3†source】`,
/// and what stands between two characters of the private use area.
fn without_markers(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(['\u{e200}', '【']) {
        let (before, marked) = rest.split_at(start);
        clean.push_str(before);
        let private = marked.starts_with('\u{e200}');
        let close = if private { '\u{e201}' } else { '】' };
        let end = marked.find(close).map(|at| at + close.len_utf8());
        match end {
            Some(end) if private || marked[..end].contains('†') => rest = &marked[end..],
            _ => {
                let first = marked.chars().next().map_or(0, char::len_utf8);
                clean.push_str(&marked[..first]);
                rest = &marked[first..];
            }
        }
    }
    clean.push_str(rest);
    clean.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{conversation, without_markers};
    use crate::types::Role;
    use serde_json::{Value, json};

    fn node(parent: Option<&str>, children: &[&str], message: Value) -> Value {
        json!({"parent": parent, "children": children, "message": message})
    }

    fn message(role: &str, words: &str, at: f64) -> Value {
        json!({"author": {"role": role}, "create_time": at, "recipient": "all",
            "content": {"content_type": "text", "parts": [words]},
            "metadata": {"model_slug": "gpt-4o"}})
    }

    fn tree(current: Value) -> Value {
        json!({"title": "Bees", "conversation_id": "c1", "create_time": 1_700_000_000.5,
        "is_archived": true, "current_node": current, "mapping": {
            "root": node(None, &["sys"], Value::Null),
            "sys": node(Some("root"), &["q"], message("system", "Be kind", 1.0)),
            "q": node(Some("sys"), &["old", "new"], message("user", "Who kept bees?", 2.0)),
            "old": node(Some("q"), &[], message("assistant", "Nobody.", 3.0)),
            "new": node(Some("q"), &["tool"], message("assistant", "Wren【1†source】.", 4.0)),
            "tool": node(Some("new"), &["more"], message("tool", "{}", 5.0)),
            "more": node(Some("tool"), &[], message("assistant", "He sold honey.", 6.0)),
        }})
    }

    #[test]
    fn branch_that_was_shown_last_is_taken_without_tools_and_markers() {
        let foreign = conversation(&tree(json!("more")));
        let said: Vec<_> = foreign
            .messages
            .iter()
            .map(|one| (one.role, one.content.as_str()))
            .collect();
        assert_eq!(
            said,
            [
                (Role::User, "Who kept bees?"),
                (Role::Assistant, "Wren.\n\nHe sold honey.")
            ]
        );
        assert_eq!(foreign.name.as_deref(), Some("chatgpt:c1"));
        assert!(foreign.archived && !foreign.pinned);
        assert_eq!(
            foreign.created_at.map(crate::types::Time::millis),
            Some(1_700_000_000_500)
        );
        assert_eq!(foreign.messages[1].model.as_deref(), Some("gpt-4o"));
    }

    #[test]
    fn without_a_present_node_the_latest_leaf_counts() {
        let foreign = conversation(&tree(Value::Null));
        assert!(foreign.messages[1].content.ends_with("He sold honey."));
    }

    #[test]
    fn tree_that_goes_in_circles_ends() {
        let mut value = tree(json!("more"));
        value["mapping"]["root"]["parent"] = json!("more");
        assert!(conversation(&value).messages.len() <= 7);
    }

    #[test]
    fn only_markers_are_taken_out() {
        assert_eq!(
            without_markers("a【3:0†source】b \u{e200}cite\u{e202}x\u{e201}c"),
            "ab c"
        );
        assert_eq!(
            without_markers("【注意】 open \u{e200} end 【"),
            "【注意】 open \u{e200} end 【"
        );
    }
}
