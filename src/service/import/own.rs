//! Conversations as this product exports them.

use super::{Foreign, Said, says_something, text};
use crate::types::{Role, Time};
use serde_json::Value;

/// What the product is called before the name of a conversation.
pub(super) const PLACE: &str = "satchel";

/// One conversation, with its answers as they were checked then.
pub(super) fn conversation(value: &Value) -> Result<Foreign, &'static str> {
    let messages = value["messages"].as_array().ok_or("it has no messages")?;
    let name = text(&value["uuid"]).or_else(|| text(&value["id"]));
    let option = |value: &Value| serde_json::from_value(value.clone()).ok();
    Ok(Foreign {
        name: name.map(|id| format!("{PLACE}:{id}")),
        title: text(&value["title"]),
        system_prompt: text(&value["system_prompt"]),
        search: option(&value["search"]).unwrap_or_default(),
        pinned: value["pinned"].as_bool().unwrap_or(false),
        archived: value["status"] == "archived",
        created_at: time(&value["created_at"]),
        messages: messages.iter().filter_map(said).collect(),
    })
}

fn said(value: &Value) -> Option<Said> {
    if !value["deleted_at"].is_null() {
        return None;
    }
    Some(Said {
        role: Role::parse(value["role"].as_str()?)?,
        content: text(&value["content"]).filter(|content| says_something(content))?,
        created_at: time(&value["created_at"]),
        model: text(&value["metadata"]["model"]),
        answer: serde_json::from_value(value["answer"].clone()).ok(),
    })
}

fn time(value: &Value) -> Option<Time> {
    Time::parse(value.as_str()?)
}
