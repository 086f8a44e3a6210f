//! The endpoints of conversations as the page lists them, described.

use super::chats;
use crate::http::openapi::{Operation, Shape};
use serde_json::{Value, json};

const JSON: &str = "application/json";

/// What `/api/sessions` offers.
pub(super) fn operations() -> Vec<Operation> {
    let chat = || Shape::named("Chat", chat());
    let file = || Shape::named("ChatsFile", chats_file());
    vec![
        Operation::of(
            "list chats",
            "The caller's, pinned ones first, then the latest; with the words that were found.",
        )
        .query::<chats::ListQuery>()
        .answers_shape(200, JSON, Shape::named("Chats", chats())),
        Operation::of(
            "make a chat",
            "An empty one. Its first question becomes its title, if it has none.",
        )
        .takes::<chats::NewChat>()
        .answers_shape(201, JSON, chat()),
        Operation::of("read a chat", "Without its messages.").answers_shape(200, JSON, chat()),
        Operation::of("change a chat", "What is absent stays.")
            .takes::<chats::ChatChangeBody>()
            .answers_shape(200, JSON, chat()),
        Operation::of("export a chat", "With its messages, as a file.")
            .query::<chats::ExportQuery>()
            .answers_shape(200, JSON, file())
            .answers_shape(
                200,
                "text/markdown",
                Shape::written(json!({"type": "string"})),
            ),
        Operation::of("export chats", "All of the caller's, as a file.").answers_shape(
            200,
            JSON,
            file(),
        ),
        Operation::of(
            "import chats",
            "The body is the file: satchel's own, ChatGPT's `conversations.json` or the archive \
             with it, Open WebUI's. What is there already is not added again.",
        )
        .takes_shape(
            true,
            "application/octet-stream",
            Shape::written(json!({"type": "string", "format": "binary"})),
        )
        .answers_shape(200, JSON, Shape::named("ImportedChats", imported())),
    ]
}

/// An object that has all of these.
fn object(properties: Value) -> Value {
    let names = properties.as_object().into_iter().flatten();
    let required: Vec<_> = names.map(|(name, _)| name.clone()).collect();
    json!({"type": "object", "required": required, "properties": properties})
}

fn chat() -> Value {
    let time = || json!({"type": "string", "format": "date-time"});
    object(json!({
        "id": {"type": "string"},
        "title": {"type": ["string", "null"]},
        "pinned": {"type": "boolean"},
        "archived": {"type": "boolean"},
        "system_prompt": {"type": ["string", "null"]},
        "search_options": {"type": "object"},
        "expires_at": {"type": ["string", "null"], "format": "date-time"},
        "created_at": time(),
        "updated_at": time(),
    }))
}

fn chats() -> Value {
    let mut chat = chat();
    let found = object(json!({
        "message_id": {"type": ["string", "null"]},
        "role": {"enum": ["user", "assistant"]},
        "text": {"type": "string"},
    }));
    chat["properties"]["found"] = json!({"anyOf": [found, {"type": "null"}]});
    object(json!({
        "sessions": {"type": "array", "items": chat},
        "more": {"type": "boolean", "description": "Whether there are further ones"},
    }))
}

fn chats_file() -> Value {
    json!({"type": ["object", "array"]})
}

fn imported() -> Value {
    let count = || json!({"type": "integer", "minimum": 0});
    let texts = || json!({"type": "array", "items": {"type": "string"}});
    object(json!({
        "imported": count(),
        "known": count(),
        "refused": count(),
        "reasons": texts(),
        "session_ids": texts(),
    }))
}
