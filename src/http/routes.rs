//! The one table of all endpoints. Registration reads it, the gate reads it,
//! and so do the tests. Two scopes on one prefix do not fall through in
//! actix-web, so every path is a resource of its own.

use super::dialect::Tongue;
use super::dialect::chat_module;
use super::dialect::chat_store::handlers as store;
use super::dialect::conversations::{
    handlers as conversations, messages, schemas, system as service,
};
use super::dialect::native::{
    answers, audit, auth, backups, chats, custody, datasets, documents, events, feedback, gold,
    keys, models, originals, search_models, sign_ins, system, tenants, upkeep, users, versions,
    watched_folders,
};
use super::dialect::openai::handlers as openai;
use super::dialect::orchestration;
use super::dialect::rag_chat::{chat, files, health, running, sessions};
use super::{assets, auth as gatekeeper, openapi};
use crate::error::Fault;
use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::{HttpRequest, HttpResponse, Route, guard, web};

/// Who may call an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// Whoever has a token.
    User,
    /// The same; the token may also come as `auth_token` in the query.
    UserByQuery,
    /// Anybody, so often from one address; with a token or without, everybody
    /// is the same visitor.
    Visitor,
    /// Administrators, each in the own tenant.
    Admin,
    /// Administrators of the default tenant, who look after the instance.
    Operator,
}

/// One endpoint.
pub struct Endpoint {
    pub method: Method,
    pub path: &'static str,
    /// What it is called in logs and tests.
    pub name: &'static str,
    pub(super) tongue: Tongue,
    pub access: Access,
    handler: fn() -> Route,
}

impl Endpoint {
    /// Whether nobody passes without a token.
    pub fn wants_caller(&self) -> bool {
        !matches!(self.access, Access::Public | Access::Visitor)
    }
}

macro_rules! endpoints {
    ($($method:ident $path:literal $name:literal $tongue:ident $access:ident $handler:path;)*) => {
        /// All endpoints; those of one path stand together.
        pub static ENDPOINTS: &[Endpoint] = &[$(Endpoint {
            method: Method::$method,
            path: $path,
            name: $name,
            tongue: Tongue::$tongue,
            access: Access::$access,
            handler: || web::to($handler),
        }),*];
    };
}

endpoints! {
    GET "/health" "health" RagChat Public health::health;

    GET "/openapi.json" "describe the API" Native Public openapi::read;

    GET "/auth/state" "sign-in state" Native Public auth::state;
    POST "/auth/link" "sign in with the link" Native Public auth::link;
    POST "/auth/login" "sign in" Native Public auth::login;
    POST "/auth/refresh" "renew a sign-in" Native Public auth::refresh;
    POST "/auth/logout" "sign out" Native Public auth::logout;
    GET "/auth/me" "who am I" Native User auth::me;
    POST "/auth/password" "set the password" Native User auth::password;
    GET "/auth/sessions" "list sign-ins" Native User sign_ins::list;
    DELETE "/auth/sessions" "end all sign-ins" Native User sign_ins::end_all;
    DELETE "/auth/sessions/{sign_in_id}" "end a sign-in" Native User sign_ins::end;

    GET "/chat/send" "ask, from EventSource" RagChat UserByQuery chat::send_by_get;
    POST "/chat/send" "ask" RagChat User chat::send;
    GET "/chat/sessions" "list sessions" RagChat User sessions::list;
    GET "/chat/sessions/{session_id}" "read a session" RagChat User sessions::read;
    DELETE "/chat/sessions/{session_id}" "delete a session" RagChat User sessions::delete;

    GET "/api/answers/{answer_id}/events" "follow an answer" RagChat User running::follow;
    POST "/api/answers/{answer_id}/stop" "stop an answer" RagChat User running::stop;
    GET "/api/answers/{answer_id}/judgements" "list judged passages" Native User gold::list;
    POST "/api/answers/{answer_id}/judgements" "judge a passage" Native User gold::judge;
    DELETE "/api/answers/{answer_id}/judgements/{judgement_id}" "take a judgement back" Native User gold::take_back;
    GET "/api/answers/{answer_id}/record" "read how an answer came about" Native User answers::record;
    POST "/api/answers/{answer_id}/replay" "replay an answer" Native User answers::replay;

    POST "/chat/query" "ask within a session" Orchestration User orchestration::chat::query;
    POST "/chat/selected-text" "ask a selected text" Orchestration User orchestration::chat::selected_text;
    GET "/chat/history/{session_id}" "read a history" Orchestration User orchestration::history::read;
    POST "/chat/feedback" "judge an answer" Orchestration User orchestration::feedback::add;

    GET "/api/chats/sessions" "list visitors' sessions" ChatModule Visitor chat_module::sessions::list;
    POST "/api/chats/sessions" "make a visitor's session" ChatModule Visitor chat_module::sessions::create;
    GET "/api/chats/sessions/{id}" "read a visitor's session" ChatModule Visitor chat_module::sessions::read;
    DELETE "/api/chats/sessions/{id}" "delete a visitor's session" ChatModule Visitor chat_module::sessions::delete;
    POST "/api/chats/messages/chat" "ask as a visitor" ChatModule Visitor chat_module::chat::whole;
    POST "/api/chats/messages/chat/stream" "ask as a visitor, streamed" ChatModule Visitor chat_module::chat::streamed;
    GET "/api/chats/messages" "list a visitor's messages" ChatModule Visitor chat_module::messages::list;
    POST "/api/chats/messages" "add a visitor's message" ChatModule Visitor chat_module::messages::create;
    GET "/api/chats/messages/{id}" "read a visitor's message" ChatModule Visitor chat_module::messages::read;
    DELETE "/api/chats/messages/{id}" "delete a visitor's message" ChatModule Visitor chat_module::messages::delete;

    POST "/documents/upload" "upload a document" RagChat User files::upload;
    GET "/documents/session/{session_id}" "documents of a session" RagChat User files::of_session;
    GET "/documents/{document_id}" "read a document" RagChat User files::read;
    PUT "/documents/{document_id}" "replace a document" RagChat User files::replace;
    DELETE "/documents/{document_id}" "delete a document" Native User documents::delete;
    GET "/documents/{document_id}/chunks/{chunk_index}" "read a chunk" RagChat User files::chunk;
    POST "/documents/{document_id}/retry" "ingest again" Native User documents::retry;
    POST "/documents/{document_id}/reindex" "read a document anew" Native User documents::reindex;
    GET "/documents/{document_id}/pages" "list pages" Native User documents::pages;
    GET "/documents/{document_id}/pages/{page}" "read a page" Native User documents::page;
    GET "/documents/{document_id}/original" "read the original" Native User originals::read;
    GET "/documents/{document_id}/events" "progress of a document" Native User events::of_document;

    GET "/api/sessions" "list chats" Native User chats::list;
    POST "/api/sessions" "make a chat" Native User chats::create;
    GET "/api/sessions/export" "export chats" Native User chats::export_all;
    POST "/api/sessions/import" "import chats" Native User chats::import;
    GET "/api/sessions/{session_id}" "read a chat" Native User chats::read;
    PATCH "/api/sessions/{session_id}" "change a chat" Native User chats::update;
    GET "/api/sessions/{session_id}/export" "export a chat" Native User chats::export;

    GET "/api/events" "progress of all documents" Native User events::of_all;
    GET "/api/documents" "list documents" Native User documents::list;
    POST "/api/documents/delete" "delete documents" Native User documents::delete_all;
    PATCH "/api/documents/{document_id}" "change a document" Native User documents::update;
    GET "/api/documents/{document_id}/versions" "list versions" Native User versions::list;
    GET "/api/datasets" "list datasets" Native User datasets::list;
    POST "/api/datasets" "make a dataset" Native User datasets::create;
    PATCH "/api/datasets/{dataset_id}" "change a dataset" Native User datasets::update;
    DELETE "/api/datasets/{dataset_id}" "delete a dataset" Native User datasets::delete;
    GET "/api/watched-folders" "list watched folders" Native Operator watched_folders::list;
    POST "/api/watched-folders" "watch a folder" Native Operator watched_folders::create;
    GET "/api/watched-folders/choices" "list folders to watch" Native Operator watched_folders::choices;
    PATCH "/api/watched-folders/{folder_id}" "change a watched folder" Native Operator watched_folders::update;
    DELETE "/api/watched-folders/{folder_id}" "stop watching a folder" Native Operator watched_folders::delete;
    POST "/api/search" "search" Native User system::search;
    GET "/api/status" "status" Native User system::status;
    GET "/api/status/history" "history of the status" Native Operator system::history;
    GET "/metrics" "metrics" Native Operator system::metrics;
    GET "/api/examination" "examine" Native Operator system::examine;
    GET "/api/reindex" "progress of the indexes" Native Operator upkeep::progress;
    POST "/api/reindex" "make the indexes anew" Native Operator upkeep::reindex;
    POST "/api/repair" "repair" Native Operator upkeep::repair;
    GET "/api/models" "list models" Native User models::list;
    POST "/api/models/pull" "download a model" Native Operator models::pull;
    POST "/api/models/unload" "unload the model" Native Operator models::unload;
    GET "/api/models/events" "progress of models" Native User models::events;
    PUT "/api/models/{name}" "add a model file" Native Operator models::add;
    DELETE "/api/models/{name}" "remove a model" Native Operator models::remove;
    POST "/api/models/{name}/use" "use a model" Native Operator models::choose;
    POST "/api/models/{name}/pause" "stop a download" Native Operator models::pause;
    GET "/api/search-models" "list search models" Native Operator search_models::list;
    POST "/api/search-models" "choose a search model" Native Operator search_models::choose;
    POST "/api/search-models/trial" "try a search model" Native Operator search_models::try_out;
    GET "/api/feedback" "list feedback" Native Admin feedback::list;
    GET "/api/feedback/export" "export feedback" Native Admin feedback::export;
    GET "/api/gold/export" "export the gold set" Native Admin gold::export;
    GET "/api/users" "list users" Native Admin users::list;
    POST "/api/users" "make a user" Native Admin users::create;
    PATCH "/api/users/{user_id}" "change a user" Native Admin users::update;
    DELETE "/api/users/{user_id}" "delete a user" Native Admin users::delete;
    DELETE "/api/users/{user_id}/sessions" "end sign-ins of a user" Native Admin users::end_sign_ins;
    GET "/api/export" "export data" Native User custody::export;
    POST "/api/erase" "erase data" Native User custody::erase;
    GET "/api/tenants" "list tenants" Native Operator tenants::list;
    POST "/api/tenants" "make a tenant" Native Operator tenants::create;
    PATCH "/api/tenants/{tenant_id}" "change a tenant" Native Operator tenants::update;
    DELETE "/api/tenants/{tenant_id}" "delete a tenant" Native Operator tenants::delete;
    GET "/api/audit" "read the audit log" Native Admin audit::list;
    GET "/api/audit/actions" "list audited actions" Native Admin audit::actions;
    GET "/api/audit/export" "export the audit log" Native Admin audit::export;
    GET "/api/backups" "list backups" Native Operator backups::list;
    POST "/api/backups" "make a backup" Native Operator backups::create;
    GET "/api/backups/{name}" "export a backup" Native Operator backups::read;
    DELETE "/api/backups/{name}" "delete a backup" Native Operator backups::delete;
    GET "/api/keys" "list API keys" Native User keys::list;
    POST "/api/keys" "make an API key" Native User keys::create;
    DELETE "/api/keys/{key_id}" "delete an API key" Native User keys::delete;

    GET "/sessions" "list stored sessions" ChatStore User store::list;
    POST "/sessions" "make a stored session" ChatStore User store::create;
    GET "/sessions/{session_id}" "read a stored session" ChatStore User store::read;
    DELETE "/sessions/{session_id}" "delete a stored session" ChatStore User store::delete;
    POST "/sessions/{session_id}/messages" "store a message" ChatStore User store::append;

    GET "/v1/chat/conversations" "list conversations" Conversations User conversations::list;
    POST "/v1/chat/conversations" "make a conversation" Conversations User conversations::create;
    GET "/v1/chat/conversations/{conversation_id}" "read a conversation" Conversations User conversations::read;
    PATCH "/v1/chat/conversations/{conversation_id}" "change a conversation" Conversations User conversations::change;
    DELETE "/v1/chat/conversations/{conversation_id}" "delete a conversation" Conversations User conversations::delete;
    POST "/v1/chat/conversations/{conversation_id}/messages" "ask in a conversation" Conversations User messages::send;
    GET "/v1/health" "health of the service" Conversations Public service::health;
    GET "/v1/status" "status of the service" Conversations User service::status;
    GET "/v1/schemas" "list schemas" Conversations Public schemas::list;
    GET "/v1/schemas/{name}" "read a schema" Conversations Public schemas::read;

    GET "/v1/models" "list models to ask" OpenAi User openai::models;
    GET "/v1/models/{model:.+}" "read a model to ask" OpenAi User openai::model;
    POST "/v1/chat/completions" "complete a chat" OpenAi User openai::chat_completions;
    POST "/v1/embeddings" "embed" OpenAi User openai::embeddings;
}

/// Registers everything; `page` is whether the web page is served.
pub(super) fn register(config: &mut web::ServiceConfig, page: bool) {
    for of_path in ENDPOINTS.chunk_by(|a, b| a.path == b.path) {
        let Some(first) = of_path.first() else {
            continue;
        };
        let mut resource = web::resource(first.path);
        for endpoint in of_path {
            resource = resource.route((endpoint.handler)().method(endpoint.method.clone()));
        }
        let methods: Vec<_> = of_path.iter().map(|one| one.method.as_str()).collect();
        let (tongue, allow) = (first.tongue, methods.join(", "));
        let refuse = move || {
            let response = tongue.method_not_allowed(allow.clone());
            async move { response }
        };
        let resource = resource.default_service(web::to(refuse));
        config.service(resource.wrap(from_fn(move |request: ServiceRequest, next| {
            let called = of_path.iter().find(|one| one.method == *request.method());
            gatekeeper::gate(called, request, next)
        })));
    }
    if page {
        let read = || web::route().guard(guard::Any(guard::Get()).or(guard::Head()));
        config
            .route("/", read().to(assets::index))
            .route("/api-docs", read().to(assets::api_page))
            .route("/assets/{path:.+}", read().to(assets::asset))
            .route("/handbook/{name}", read().to(assets::handbook));
    }
    config.default_service(web::to(nothing_here));
}

/// Whatever has no endpoint: in the envelope under the paths of the API.
async fn nothing_here(request: HttpRequest) -> HttpResponse {
    match Tongue::of_path(request.path()) {
        Some(tongue) => tongue.refuse(Fault::not_found("there is nothing at this address")),
        None => assets::nothing_here(),
    }
}

#[cfg(test)]
mod tests {
    use super::ENDPOINTS;
    use std::collections::HashSet;

    #[test]
    fn endpoints_of_one_path_stand_together_and_differ() {
        let paths: Vec<_> = ENDPOINTS.chunk_by(|a, b| a.path == b.path).collect();
        let distinct: HashSet<_> = ENDPOINTS.iter().map(|one| one.path).collect();
        assert_eq!(paths.len(), distinct.len());
        let names: HashSet<_> = ENDPOINTS.iter().map(|one| one.name).collect();
        let calls: HashSet<_> = ENDPOINTS
            .iter()
            .map(|one| (one.method.as_str(), one.path))
            .collect();
        assert_eq!(
            (names.len(), calls.len()),
            (ENDPOINTS.len(), ENDPOINTS.len())
        );
    }

    #[test]
    fn paths_are_absolute_and_have_no_slash_at_the_end() {
        for one in ENDPOINTS {
            assert!(one.path.starts_with('/') && !one.path.ends_with('/'));
        }
    }
}
