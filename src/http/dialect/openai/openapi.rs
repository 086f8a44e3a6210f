//! The public OpenAI API as far as it is spoken here, described. Its bodies
//! are read and written by hand, because their shapes vary, and so are these.

use crate::http::dialect::Tongue;
use crate::http::openapi::{Description, Operation, Shape};
use crate::http::search_options::SearchOptionsWire;
use crate::types::Coverage;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const JSON: &str = "application/json";

/// All that this dialect says about itself.
pub(crate) fn description() -> Description {
    let own = [Shape::of::<SearchOptionsWire>(), Shape::of::<Coverage>()];
    let derived = own.into_iter().flat_map(Shape::into_definitions);
    let written = definitions().into_iter();
    let written = written.map(|(name, schema)| (name.to_owned(), schema));
    Description {
        tongue: Tongue::OpenAi,
        tag: "openai",
        about: "The public OpenAI API as its official clients use it. The model `satchel` answers \
            from the documents, with citations as annotations; chat models answer by their own names.",
        failure: Shape::named("Failure", failure()),
        operations: operations(),
        more: derived.chain(written).collect(),
    }
}

fn named(name: &str) -> Shape {
    Shape::written(json!({"$ref": format!("#/components/schemas/{name}")}))
}

fn operations() -> Vec<Operation> {
    vec![
        Operation::of("list models to ask", "All that can be asked for now.").answers_shape(
            200,
            JSON,
            named("ModelList"),
        ),
        Operation::of("read a model to ask", "One of them.").answers_shape(
            200,
            JSON,
            named("Model"),
        ),
        Operation::of(
            "complete a chat",
            "Answers as one body or, with `stream`, as chunks, of which the last is `[DONE]`.",
        )
        .takes_shape(true, JSON, named("ChatRequest"))
        .answers_shape(200, JSON, named("ChatCompletion"))
        .streams([
            ("", named("ChatChunk")),
            ("", named("Failure")),
            ("", Shape::written(json!({"const": "[DONE]"}))),
        ])
        .refuses(&[404, 503, 504]),
        Operation::of(
            "embed",
            "Vectors of texts, by the embedding model of the documents.",
        )
        .takes_shape(true, JSON, named("EmbeddingRequest"))
        .answers_shape(200, JSON, named("EmbeddingList"))
        .refuses(&[404, 503]),
    ]
}

fn failure() -> Value {
    json!({
        "type": "object",
        "required": ["error"],
        "properties": {"error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"], "description": "The field that is wrong"},
                "code": {"type": ["string", "null"]},
                "request_id": {"type": "string"},
            },
        }},
    })
}

fn definitions() -> BTreeMap<&'static str, Value> {
    [
        ("Model", model()),
        ("ModelList", list_of("Model", &[])),
        ("ChatRequest", chat_request()),
        ("ChatMessage", chat_message()),
        ("ChatCompletion", chat_completion()),
        ("ChatChunk", chat_chunk()),
        ("Annotation", annotation()),
        ("Likelihoods", likelihoods()),
        ("Usage", usage()),
        ("Grounding", grounding()),
        ("EmbeddingRequest", embedding_request()),
        ("Embedding", embedding()),
        ("EmbeddingList", embedding_list()),
    ]
    .into()
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn list_of(name: &str, more: &[&str]) -> Value {
    let required: Vec<_> = ["object", "data"].iter().chain(more).collect();
    json!({
        "type": "object",
        "required": required,
        "properties": {
            "object": {"const": "list"},
            "data": {"type": "array", "items": reference(name)},
        },
    })
}

fn model() -> Value {
    json!({
        "type": "object",
        "required": ["id", "object", "created", "owned_by"],
        "properties": {
            "id": {"type": "string"},
            "object": {"const": "model"},
            "created": {"type": "integer"},
            "owned_by": {"type": "string"},
            "satchel": {
                "type": "object",
                "required": ["kind"],
                "properties": {
                    "kind": {"enum": ["grounded", "chat", "embedding"]},
                    "context_tokens": {"type": "integer"},
                    "dimensions": {"type": "integer"},
                    "device": {"type": "string"},
                },
            },
        },
    })
}

fn chat_message() -> Value {
    let part = json!({
        "type": "object",
        "required": ["type", "text"],
        "properties": {"type": {"const": "text"}, "text": {"type": "string"}},
    });
    json!({
        "type": "object",
        "required": ["role", "content"],
        "properties": {
            "role": {"enum": ["system", "developer", "user", "assistant"]},
            "content": {"oneOf": [{"type": "string"}, {"type": "array", "items": part}]},
        },
    })
}

fn chat_request() -> Value {
    let penalty = json!({"type": ["number", "null"], "minimum": -2, "maximum": 2});
    let tokens = json!({"type": ["integer", "null"], "minimum": 1, "maximum": u32::MAX});
    json!({
        "type": "object",
        "required": ["model", "messages"],
        "properties": {
            "model": {"type": "string", "examples": [super::GROUNDED]},
            "messages": {"type": "array", "minItems": 1, "items": reference("ChatMessage")},
            "stream": {"type": ["boolean", "null"]},
            "stream_options": {
                "type": ["object", "null"],
                "properties": {"include_usage": {"type": ["boolean", "null"]}},
            },
            "max_tokens": tokens,
            "max_completion_tokens": tokens,
            "temperature": {"type": ["number", "null"], "minimum": 0, "maximum": 2},
            "top_p": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
            "seed": {"type": ["integer", "null"], "minimum": i64::MIN, "maximum": i64::MAX},
            "stop": {"oneOf": [
                {"type": ["string", "null"]},
                {"type": "array", "maxItems": 4, "items": {"type": "string"}},
            ]},
            "presence_penalty": penalty,
            "frequency_penalty": penalty,
            "n": {"enum": [1, null]},
            "logprobs": {"type": ["boolean", "null"]},
            "top_logprobs": {"type": ["integer", "null"], "minimum": 0, "maximum": 20},
            "reasoning_effort": {"enum": ["none", "minimal", "low", "medium", "high", null]},
            "response_format": {"oneOf": [{"type": "null"}, free_form(), bound_form()]},
            "dataset_id": {"type": ["string", "null"], "description": "Where to search"},
            "search_options": {"oneOf": [{"type": "null"}, reference("SearchOptionsWire")]},
            "answer_mode": {"enum": ["auto", "quotes", null]},
        },
    })
}

fn free_form() -> Value {
    json!({
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"enum": ["text", "json_object"]}},
    })
}

fn bound_form() -> Value {
    json!({
        "type": "object",
        "required": ["type", "json_schema"],
        "properties": {
            "type": {"const": "json_schema"},
            "json_schema": {
                "type": "object",
                "required": ["schema"],
                "properties": {"schema": {"type": "object"}},
            },
        },
    })
}

fn head(object: &str, choice: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["id", "object", "created", "model", "choices"],
        "properties": {
            "id": {"type": "string"},
            "object": {"const": object},
            "created": {"type": "integer"},
            "model": {"type": "string"},
            "system_fingerprint": {"type": "string"},
            "choices": {"type": "array", "items": choice},
            "usage": {"oneOf": [{"type": "null"}, reference("Usage")]},
            "satchel": reference("Grounding"),
        },
    })
}

fn finish(nullable: bool) -> Value {
    match nullable {
        true => json!({"enum": ["stop", "length", null]}),
        false => json!({"enum": ["stop", "length"]}),
    }
}

fn chat_completion() -> Value {
    head(
        "chat.completion",
        &json!({
            "type": "object",
            "required": ["index", "message", "logprobs", "finish_reason"],
            "properties": {
                "index": {"const": 0},
                "message": {
                    "type": "object",
                    "required": ["role", "content", "refusal", "annotations"],
                    "properties": {
                        "role": {"const": "assistant"},
                        "content": {"type": "string"},
                        "refusal": {"type": "null"},
                        "reasoning_content": {"type": "string"},
                        "annotations": {"type": "array", "items": reference("Annotation")},
                    },
                },
                "logprobs": {"oneOf": [{"type": "null"}, reference("Likelihoods")]},
                "finish_reason": finish(false),
            },
        }),
    )
}

fn chat_chunk() -> Value {
    head(
        "chat.completion.chunk",
        &json!({
            "type": "object",
            "required": ["index", "delta", "finish_reason"],
            "properties": {
                "index": {"const": 0},
                "delta": {
                    "type": "object",
                    "properties": {
                        "role": {"const": "assistant"},
                        "content": {"type": "string"},
                        "reasoning_content": {"type": "string"},
                        "annotations": {"type": "array", "items": reference("Annotation")},
                    },
                },
                "logprobs": {"oneOf": [{"type": "null"}, reference("Likelihoods")]},
                "finish_reason": finish(true),
            },
        }),
    )
}

fn annotation() -> Value {
    json!({
        "type": "object",
        "required": ["type", "url_citation"],
        "properties": {
            "type": {"const": "url_citation"},
            "url_citation": {
                "type": "object",
                "required": ["start_index", "end_index", "url", "title"],
                "properties": {
                    "start_index": {"type": "integer", "minimum": 0},
                    "end_index": {"type": "integer", "minimum": 0},
                    "url": {"type": "string"},
                    "title": {"type": "string"},
                    "citation": {"type": "object", "description": "The passage, with its scores"},
                },
            },
        },
    })
}

fn likelihoods() -> Value {
    let token = json!({
        "token": {"type": "string"},
        "logprob": {"type": "number"},
        "bytes": {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 255}},
    });
    let required = ["token", "logprob", "bytes"];
    let top = json!({"type": "object", "required": required, "properties": token});
    let mut one = top.clone();
    one["properties"]["top_logprobs"] = json!({"type": "array", "items": top});
    json!({
        "type": "object",
        "required": ["content", "refusal"],
        "properties": {
            "content": {"type": "array", "items": one},
            "refusal": {"type": "null"},
        },
    })
}

fn usage() -> Value {
    let count = json!({"type": "integer", "minimum": 0});
    json!({
        "type": "object",
        "required": ["prompt_tokens", "completion_tokens", "total_tokens"],
        "properties": {
            "prompt_tokens": count,
            "completion_tokens": count,
            "total_tokens": count,
            "prompt_tokens_details": {
                "type": "object",
                "properties": {"cached_tokens": count},
            },
        },
    })
}

fn grounding() -> Value {
    json!({
        "type": "object",
        "description": "What an answer from the documents rests on",
        "required": ["mode", "checks", "answerable", "answered", "coverage"],
        "properties": {
            "mode": {"enum": ["quotes", "model", "nothing_found"]},
            "model": {"type": ["string", "null"]},
            "checks": {"type": "array", "items": {"type": "object"}},
            "answerable": {"type": ["number", "null"]},
            "answered": {"type": ["boolean", "null"]},
            "coverage": reference("Coverage"),
            "left_out": {"type": ["object", "null"]},
            "parts": {"type": ["object", "null"]},
            "content": {"type": "string", "description": "The answer with its markers put right"},
        },
    })
}

fn embedding_request() -> Value {
    json!({
        "type": "object",
        "required": ["model", "input"],
        "properties": {
            "model": {"type": "string"},
            "input": {"oneOf": [
                {"type": "string", "minLength": 1},
                {
                    "type": "array", "minItems": 1, "maxItems": 2048,
                    "items": {"type": "string", "minLength": 1},
                },
            ]},
            "encoding_format": {"enum": ["float", "base64", null]},
            "dimensions": {
                "type": ["integer", "null"],
                "minimum": 0,
                "description": "Only the model's own number is possible",
            },
        },
    })
}

fn embedding() -> Value {
    json!({
        "type": "object",
        "required": ["object", "index", "embedding"],
        "properties": {
            "object": {"const": "embedding"},
            "index": {"type": "integer", "minimum": 0},
            "embedding": {"oneOf": [
                {"type": "array", "items": {"type": "number"}},
                {"type": "string", "contentEncoding": "base64"},
            ]},
        },
    })
}

fn embedding_list() -> Value {
    let mut list = list_of("Embedding", &["model", "usage"]);
    list["properties"]["model"] = json!({"type": "string"});
    list["properties"]["usage"] = json!({
        "type": "object",
        "required": ["prompt_tokens", "total_tokens"],
        "properties": {
            "prompt_tokens": {"type": "integer", "minimum": 0},
            "total_tokens": {"type": "integer", "minimum": 0},
        },
    });
    list
}
