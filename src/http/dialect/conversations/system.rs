//! `/v1/health` and `/v1/status`.

use super::Conversations;
use crate::http::State;
use crate::http::auth::Authorized;
use crate::http::failure::Failure;
use crate::types::Time;
use actix_web::{HttpResponse, web};
use serde_json::json;

/// `GET /v1/health`: answers whenever the server does.
pub(crate) async fn health() -> HttpResponse {
    HttpResponse::Ok().json(json!({
        "status": "healthy",
        "version": env!("CARGO_PKG_VERSION"),
        "timestamp": Time::now().to_string(),
    }))
}

/// `GET /v1/status`: what is loaded, how much there is, what is being done.
pub(crate) async fn status(
    state: web::Data<State>,
    caller: Authorized<Conversations>,
) -> Result<HttpResponse, Failure<Conversations>> {
    let status = state.service.status_for(&caller).await?;
    let model = status.chat_model.map(|model| {
        json!({
            "name": model.name,
            "architecture": model.architecture,
            "quantization": model.quantization,
            "context_tokens": model.context_tokens,
            "device": model.device,
        })
    });
    let generation = status.activity.map(|activity| {
        json!({
            "running": activity.running,
            "waiting": activity.waiting,
            "prompt_tokens": activity.prompt_tokens,
            "reused_tokens": activity.reused_tokens,
            "answer_tokens": activity.answer_tokens,
            "prompt_tokens_per_second": activity.prompt_tokens_per_second,
            "answer_tokens_per_second": activity.answer_tokens_per_second,
        })
    });
    Ok(HttpResponse::Ok().json(json!({
        "status": "ok",
        "version": status.version,
        "uptime_seconds": status.uptime_s,
        "model": model,
        "model_error": status.chat_model_error,
        "generation": generation,
        "embedder": {
            "name": status.embedder.name,
            "dimensions": status.embedder.dimensions,
        },
        "indexes": {"documents": status.documents, "chunks": status.chunks},
        "queue": {"pending": status.jobs_pending},
        "memory": {"resident_bytes": status.memory_bytes},
    })))
}
