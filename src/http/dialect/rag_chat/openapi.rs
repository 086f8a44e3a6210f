//! Contract 2, described.

use super::sessions::{ReadQuery, SessionDetail, SessionList};
use super::summary::FinalAnswer;
use super::wire::{AskBody, AskQuery, Source};
use crate::http::dialect::Tongue;
use crate::http::openapi::{Description, Operation, Shape};
use crate::types::{Citation, Coverage, DocumentStatus};
use serde_json::{Value, json};

const JSON: &str = "application/json";

/// All that this dialect says about itself.
pub(crate) fn description() -> Description {
    let parts = [
        Shape::of::<Citation>(),
        Shape::of::<Coverage>(),
        Shape::of::<Source<'_>>(),
        Shape::of::<DocumentStatus>(),
        Shape::named("DocumentMetadataWire", document_metadata()),
    ];
    Description {
        tongue: Tongue::RagChat,
        tag: "rag-chat",
        about: "Questions, answered from the documents as a stream of events that works with \
            EventSource and with fetch; sessions; documents.",
        failure: Shape::named("Failure", failure()),
        operations: [chat(), documents()].into_iter().flatten().collect(),
        more: parts
            .into_iter()
            .flat_map(Shape::into_definitions)
            .collect(),
    }
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn chat() -> Vec<Operation> {
    let ask = |name, about| {
        Operation::of(name, about)
            .answers::<FinalAnswer<'_>>(200)
            .streams(events())
            .refuses(&[404, 409, 503, 504])
    };
    vec![
        Operation::of("health", "Answers whenever the server does.").answers_shape(
            200,
            JSON,
            Shape::named("Health", health()),
        ),
        ask(
            "ask, from EventSource",
            "The same as by POST. A client that reconnects (`Last-Event-ID`) gets 204, which ends \
             EventSource's attempts: the question is not asked again.",
        )
        .query::<AskQuery>()
        .answers_nothing(204),
        ask(
            "ask",
            "Answers as a stream of events, or as one body if the client accepts JSON and nothing \
             else. The events without a name tell a new chat, what is being done, the next piece \
             of the answer, and at last all of it.",
        )
        .takes::<AskBody>(),
        Operation::of(
            "follow an answer",
            "The events of an answer that goes on without its connection (`keep_running`): those \
             after that of `Last-Event-ID`, or all.",
        )
        .streams(events())
        .refuses(&[429, 503]),
        Operation::of("stop an answer", "What was written until then is kept.")
            .answers_nothing(204),
        Operation::of("list sessions", "The caller's chats, latest first.")
            .answers::<SessionList<'_>>(200),
        Operation::of(
            "read a session",
            "A chat with its messages and the documents cited in it.",
        )
        .query::<ReadQuery>()
        .answers::<SessionDetail<'_>>(200),
        Operation::of("delete a session", "Deletes a chat with all its messages.").answers_shape(
            200,
            JSON,
            Shape::named("Said", said()),
        ),
    ]
}

fn documents() -> Vec<Operation> {
    let index = json!({"type": "integer", "minimum": 0, "maximum": u32::MAX});
    let document = || Shape::named("Document", document());
    vec![
        Operation::of(
            "upload a document",
            "Adds a file and answers when its text is extracted; `metadata.status` says how far \
             its indexing is.",
        )
        .takes_shape(
            true,
            "multipart/form-data",
            Shape::named("UploadForm", form()),
        )
        .answers_shape(200, JSON, document())
        .refuses(&[403, 404, 409, 503, 504]),
        Operation::of(
            "replace a document",
            "Gives a document another file: it keeps its id and its dataset, all else is that of \
             the form. Questions find the old passages until the new text is read, and the new \
             ones when `metadata.status` is `ready`.",
        )
        .takes_shape(
            true,
            "multipart/form-data",
            Shape::named("UploadForm", form()),
        )
        .answers_shape(200, JSON, document())
        .refuses(&[403, 409, 503, 504]),
        Operation::of(
            "documents of a session",
            "The passages that were cited in a chat.",
        )
        .answers_shape(
            200,
            JSON,
            Shape::named("SessionDocuments", session_documents()),
        ),
        Operation::of("read a document", "A document's metadata and all its text.").answers_shape(
            200,
            JSON,
            document(),
        ),
        Operation::of("read a chunk", "A passage of a document.")
            .variable("chunk_index", index)
            .answers_shape(200, JSON, Shape::named("Chunk", chunk())),
    ]
}

/// The events of an answer, in the order in which they come.
fn events() -> Vec<(&'static str, Shape)> {
    let text = || json!({"type": "string"});
    let time = json!({"type": "string", "format": "date-time"});
    let started = object(json!({"session_id": text(), "title": text()}));
    let accepted = object(json!({
        "session_id": text(), "title": text(), "new_session": {"type": "boolean"},
        "question_id": text(), "answer_id": text(), "created_at": time,
    }));
    let sources = object(json!({
        "sources": {"type": "array", "items": reference("Source")},
        "coverage": reference("Coverage"),
        "searched_for": {"type": ["string", "null"]},
    }));
    let block = object(json!({"index": {"type": "integer", "minimum": 0}, "html": text()}));
    let error = object(json!({"error": text(), "code": text()}));
    let done = object(json!({"message_id": {"type": ["string", "null"]}}));
    vec![
        ("", Shape::named("EventNewSession", started)),
        ("accepted", Shape::named("EventAccepted", accepted)),
        ("", Shape::named("EventStatus", status())),
        ("sources", Shape::named("EventSources", sources)),
        (
            "",
            Shape::named("EventToken", object(json!({"token": text()}))),
        ),
        (
            "thinking",
            Shape::named("EventThinking", object(json!({"text": text()}))),
        ),
        ("block", Shape::named("EventBlock", block)),
        ("citation", Shape::of::<Citation>()),
        ("", Shape::of::<FinalAnswer<'_>>()),
        ("error", Shape::named("EventError", error)),
        ("done", Shape::named("EventDone", done)),
    ]
}

/// An object that has all of these.
fn object(properties: Value) -> Value {
    let names = properties.as_object().into_iter().flatten();
    let required: Vec<_> = names.map(|(name, _)| name.clone()).collect();
    json!({"type": "object", "required": required, "properties": properties})
}

fn status() -> Value {
    let count = json!({"type": "integer", "minimum": 0});
    let seconds = json!({"type": ["number", "null"]});
    json!({
        "type": "object",
        "required": ["status", "stage"],
        "properties": {
            "status": {"type": "string", "description": "For people"},
            "stage": {"enum": ["searching", "reading", "writing"]},
            "sources": count,
            "seconds": seconds,
            "estimated_seconds": seconds,
            "prompt_tokens": count,
            "reused_tokens": count,
            "read_tokens": count,
            "part": count,
            "parts": count,
            "of_notes": {"type": "boolean"},
        },
    })
}

fn health() -> Value {
    object(json!({"status": {"const": "healthy"}, "version": {"type": "string"}}))
}

fn said() -> Value {
    object(json!({"message": {"type": "string"}}))
}

fn form() -> Value {
    let text = |about: &str| json!({"type": "string", "description": about});
    json!({
        "type": "object",
        "required": ["file"],
        "properties": {
            "file": {"type": "string", "contentMediaType": "application/octet-stream"},
            "dataset_id": text("The default dataset if it is absent"),
            "metadata": text("A JSON object; the other fields may be keys of it"),
            "title": text("What to call the document"),
            "module": text("The module that it belongs to"),
            "chapter": text("The chapter that it belongs to"),
            "section": text("The section that it is; else each heading is one"),
            "page_url": text("Where it is on the web"),
        },
    })
}

fn document() -> Value {
    object(json!({
        "id": {"type": "string"},
        "filename": {"type": "string"},
        "content": {"type": "string", "description": "All of its text"},
        "created_at": {"type": "string", "format": "date-time"},
        "metadata": reference("DocumentMetadataWire"),
    }))
}

fn document_metadata() -> Value {
    let mut metadata = object(json!({
        "filename": {"type": "string"},
        "file_type": {"type": "string"},
        "page_count": {"type": ["integer", "null"]},
        "pages_without_text": {"type": "integer"},
        "status": reference("DocumentStatus"),
        "error": {"type": ["string", "null"]},
        "dataset_id": {"type": "string"},
        "external_id": {"type": ["string", "null"]},
        "bytes": {"type": "integer"},
        "total_chunks": {"type": "integer"},
        "additional_metadata": {"type": "object", "description": "What was given with the document"},
    }));
    metadata["description"] = json!("What was given with the document, and what is known of it");
    metadata["properties"]["duplicate"] =
        json!({"type": "boolean", "description": "The document was there already"});
    metadata["properties"]["documents"] =
        json!({"type": "integer", "description": "How many documents the file made"});
    metadata
}

fn chunk() -> Value {
    object(json!({
        "document_id": {"type": "string"},
        "chunk_index": {"type": "integer", "minimum": 0},
        "content": {"type": "string"},
        "metadata": object(json!({
            "filename": {"type": "string"},
            "document_id": {"type": "string"},
            "chunk_index": {"type": "integer", "minimum": 0},
            "page_number": {"type": ["integer", "null"]},
            "total_chunks": {"type": "integer"},
            "page": {"type": "integer"},
            "start": {"type": "integer"},
            "end": {"type": "integer"},
            "heading_path": {"type": "array", "items": {"type": "string"}},
            "file_type": {"type": "string"},
            "dataset_id": {"type": "string"},
            "additional_metadata": {"type": "object"},
        })),
    }))
}

fn session_documents() -> Value {
    let one = object(json!({
        "document_id": {"type": "string"},
        "chunk_index": {"type": "integer", "minimum": 0},
        "document_name": {"type": "string"},
        "page_number": {"type": ["integer", "null"]},
    }));
    object(json!({
        "documents": {"type": "array", "items": one},
        "total_count": {"type": "integer"},
    }))
}

fn failure() -> Value {
    json!({
        "type": "object",
        "required": ["detail"],
        "properties": {
            "detail": {"type": "string", "minLength": 1},
            "request_id": {"type": "string", "description": "Of a failure of the server"},
        },
    })
}
