//! `/health`.

use actix_web::HttpResponse;
use serde_json::json;

/// `GET /health`: answers whenever the server does.
pub(crate) async fn health() -> HttpResponse {
    HttpResponse::Ok().json(json!({
        "status": "healthy",
        "version": env!("CARGO_PKG_VERSION"),
    }))
}
