//! The native dialect, described.

use super::{
    Refusal, answers, audit, auth, backups, chats, custody, datasets, documents, feedback, gold,
    keys, models, people, search_models, sign_ins, status, system, tenants, upkeep, users,
    versions, watched_folders, wire,
};
use crate::http::dialect::Tongue;
use crate::http::openapi::{Description, Operation, Shape};
use serde_json::json;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

/// A name: one line that is not empty.
fn name(most: usize, kind: SchemaType) -> Object {
    let line = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$";
    ObjectBuilder::new()
        .schema_type(kind)
        .max_length(Some(most))
        .pattern(Some(line))
        .build()
}

/// The schema of short names.
pub(super) fn name_of_64() -> Object {
    name(64, Type::String.into())
}

/// The same, or nothing.
pub(super) fn optional_name_of_64() -> Object {
    name(64, SchemaType::from_iter([Type::String, Type::Null]))
}

/// The schema of names.
pub(super) fn name_of_100() -> Object {
    name(100, Type::String.into())
}

/// The same, or nothing.
pub(super) fn optional_name_of_100() -> Object {
    name(100, SchemaType::from_iter([Type::String, Type::Null]))
}

/// The schema of names of files, or nothing: at least one character that shows, and no folder.
pub(super) fn optional_file_name() -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .max_length(Some(255))
        .pattern(Some(
            r"^[^\x00-\x1f\x7f-\x9f/\\]*[^\s\x00-\x1f\x7f-\x9f/\\][^\x00-\x1f\x7f-\x9f/\\]*$",
        ))
        .build()
}

/// The schema of what has to be said on purpose.
pub(super) fn only_true() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::Boolean)
        .enum_values(Some([true]))
        .build()
}

/// The schema of bytes that may be taken; `null` is no limit.
pub(super) fn quota() -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Integer, Type::Null]))
        .minimum(Some(0_u64))
        .maximum(Some(9_007_199_254_740_991_u64))
        .build()
}

/// All that this dialect says about itself.
pub(crate) fn description() -> Description {
    let parts = [
        signing_in(),
        of_chats(),
        of_documents(),
        of_instance(),
        of_people(),
        of_custody(),
        gold::operations(),
        answers::operations(),
        upkeep::operations(),
        versions::operations(),
        watched_folders::operations(),
    ];
    Description {
        tongue: Tongue::Native,
        tag: "native",
        about: "What the web page, administrators and scripts need: signing in, documents, \
            datasets, search, models, users, tenants, keys, the audit log.",
        failure: Shape::of::<Refusal>(),
        operations: parts.into_iter().flatten().collect(),
        more: Default::default(),
    }
}

const COOKIE: &str = "satchel_refresh";

fn signing_in() -> Vec<Operation> {
    vec![
        Operation::of("describe the API", "This document.").answers_shape(
            200,
            "application/json",
            Shape::written(json!({"type": "object", "required": ["openapi", "paths"]})),
        ),
        Operation::of(
            "sign-in state",
            "Whether somebody has to set up the first user.",
        )
        .answers::<auth::SignInState>(200),
        Operation::of(
            "sign in with the link",
            "Signs in with the token of the link that the first start prints; it works once.",
        )
        .takes::<auth::LinkBody>()
        .answers::<people::SignedIn>(200)
        .refuses(&[401]),
        Operation::of(
            "sign in",
            "Gives an access token, and a cookie that renews it. Who is wrong too often waits.",
        )
        .takes::<auth::LoginBody>()
        .answers::<people::SignedIn>(200)
        .refuses(&[401, 429]),
        Operation::of(
            "renew a sign-in",
            "A new access token for the cookie, which is renewed too.",
        )
        .cookie(COOKIE, "The refresh token of a sign-in")
        .answers::<people::SignedIn>(200)
        .refuses(&[401]),
        Operation::of(
            "sign out",
            "Ends the sign-in of the cookie, if there is one.",
        )
        .cookie(COOKIE, "The refresh token of a sign-in")
        .answers_nothing(204),
        Operation::of("who am I", "The user of the token.").answers::<auth::Me>(200),
        Operation::of(
            "set the password",
            "Sets the caller's password and ends all other sign-ins.",
        )
        .takes::<auth::PasswordBody>()
        .answers_nothing(204)
        .refuses(&[403]),
        Operation::of(
            "list sign-ins",
            "What the caller is signed in with, latest used first.",
        )
        .answers::<sign_ins::SignIns>(200),
        Operation::of(
            "end all sign-ins",
            "This one too, and all access tokens; API keys go on.",
        )
        .answers::<wire::Said>(200),
        Operation::of(
            "end a sign-in",
            "Ends one of the caller's, with its access tokens.",
        )
        .answers::<wire::Said>(200),
    ]
}

fn of_documents() -> Vec<Operation> {
    let page = json!({"type": "integer", "minimum": 0, "maximum": u32::MAX});
    vec![
        Operation::of(
            "list documents",
            "Those that the caller may see, newest first.",
        )
        .query::<documents::ListQuery>()
        .answers::<documents::DocumentList>(200)
        .refuses(&[404]),
        Operation::of(
            "delete a document",
            "With its pages, passages and its original.",
        )
        .answers::<wire::Said>(200)
        .refuses(&[403]),
        Operation::of("delete documents", "Several at once, or none of them.")
            .takes::<documents::DeleteBody>()
            .answers::<documents::Deleted>(200)
            .refuses(&[403, 404]),
        Operation::of(
            "change a document",
            "Puts it into another dataset, gives it another name or metadata; what is absent stays.",
        )
        .takes::<documents::ChangeBody>()
        .answers::<wire::DocumentWire>(200)
        .refuses(&[403, 409]),
        Operation::of(
            "read a document anew",
            "Reads it once more, whatever became of it before.",
        )
        .answers::<wire::DocumentWire>(200)
        .refuses(&[403, 409]),
        Operation::of(
            "ingest again",
            "Reads a document once more from its original.",
        )
        .answers::<wire::DocumentWire>(200)
        .refuses(&[403, 409]),
        Operation::of("list pages", "What became of each page of a document.")
            .answers::<documents::DocumentPages>(200),
        Operation::of(
            "read a page",
            "A page's text, and where its passages are in it.",
        )
        .variable("page", page)
        .answers::<documents::PageWire>(200),
        Operation::of("read the original", "The file as it was uploaded.").answers_shape(
            200,
            "*/*",
            Shape::written(json!({})),
        ),
        Operation::of(
            "progress of a document",
            "Where the document is, and each step until it is ready, failed or gone.",
        )
        .streams([("", Shape::of::<wire::ProgressWire>())]),
        Operation::of(
            "progress of all documents",
            "Each step of every document that the caller may see. It does not end.",
        )
        .streams([("", Shape::of::<wire::ProgressWire>())]),
        Operation::of("list datasets", "Those that the caller may see.")
            .answers::<datasets::Datasets>(200),
        Operation::of(
            "make a dataset",
            "An empty one; without a word everybody of the tenant sees it.",
        )
        .takes::<datasets::NewDataset>()
        .answers::<wire::DatasetWire>(201)
        .refuses(&[403, 409]),
        Operation::of("change a dataset", "What is absent stays.")
            .takes::<datasets::DatasetChangeBody>()
            .answers::<wire::DatasetWire>(200)
            .refuses(&[403, 409]),
        Operation::of("delete a dataset", "Its documents go too.")
            .answers::<wire::Said>(200)
            .refuses(&[403, 409]),
        Operation::of("search", "Retrieval alone, without a chat.")
            .takes::<system::SearchBody>()
            .answers::<wire::SearchAnswer>(200)
            .refuses(&[404, 503]),
    ]
}

fn of_chats() -> Vec<Operation> {
    vec![
        Operation::of(
            "list chats",
            "The caller's conversations, pinned ones first.",
        )
        .query::<chats::ListQuery>()
        .answers::<chats::Chats>(200),
        Operation::of(
            "make a chat",
            "Its first question becomes its title, if it has none.",
        )
        .takes_shape(false, "application/json", Shape::of::<chats::NewChat>())
        .answers::<chats::ChatWire>(201)
        .refuses(&[409]),
        Operation::of("read a chat", "Without its messages.").answers::<chats::ChatWire>(200),
        Operation::of(
            "change a chat",
            "What is absent stays; `null` takes a prompt away.",
        )
        .takes::<chats::ChatChangeBody>()
        .answers::<chats::ChatWire>(200),
        Operation::of(
            "export a chat",
            "As Markdown, or as JSON that can be imported.",
        )
        .query::<chats::ExportQuery>()
        .answers_shape(
            200,
            "text/markdown",
            Shape::written(json!({"type": "string"})),
        )
        .answers_shape(
            200,
            "application/json",
            Shape::written(json!({"type": "object"})),
        ),
        Operation::of("export chats", "All of the caller's conversations.").answers_shape(
            200,
            "application/json",
            Shape::written(json!({"type": "object"})),
        ),
        Operation::of("import chats", "The body is a file that was exported.")
            .takes_shape(
                true,
                "application/json",
                Shape::written(json!({"type": "object"})),
            )
            .answers::<chats::ImportedWire>(200),
    ]
}

fn of_instance() -> Vec<Operation> {
    vec![
        Operation::of(
            "status",
            "What is loaded, sizes, the queue, memory, uptime.",
        )
        .answers::<status::StatusWire>(200),
        Operation::of("metrics", "Figures for Prometheus.").answers_shape(
            200,
            "text/plain",
            Shape::written(json!({"type": "string"})),
        ),
        Operation::of("examine", "Whether all that is stored is consistent.")
            .query::<system::ExamineQuery>()
            .answers::<status::ExaminationWire>(200),
        Operation::of(
            "list models",
            "Those that are installed, those that can be, and downloads.",
        )
        .answers::<models::Models>(200),
        Operation::of(
            "download a model",
            "Answers when the hub has said which file it is; the events tell the rest.",
        )
        .takes::<models::Wanted>()
        .answers::<models::DownloadWire>(202)
        .refuses(&[404, 409, 503, 504]),
        Operation::of("history of the status", "The last hour, for plots.")
            .answers::<status::HistoryWire>(200),
        Operation::of(
            "add a model file",
            "A file that somebody has, as the whole body.",
        )
        .variable(
            "name",
            json!({"type": "string", "pattern": r"^[A-Za-z0-9_+-][A-Za-z0-9._+-]*\.gguf$"}),
        )
        .takes_shape(
            true,
            "application/octet-stream",
            Shape::written(json!({"type": "string", "format": "binary"})),
        )
        .answers::<models::Chosen>(201)
        .refuses(&[409, 503, 507]),
        Operation::of(
            "list search models",
            "What finds and orders passages and judges sentences by them.",
        )
        .answers::<search_models::SearchModels>(200),
        Operation::of(
            "choose a search model",
            "Answers before the new start that it asks for.",
        )
        .takes::<search_models::Wanted>()
        .answers::<search_models::Restarting>(202)
        .refuses(&[404, 409, 503]),
        Operation::of("try a search model", "What the model would cost, measured.")
            .takes::<search_models::Wanted>()
            .answers::<search_models::Trial>(200)
            .refuses(&[404, 409, 503]),
        Operation::of("unload the model", "Answers are quotes from then on.")
            .answers::<wire::Said>(200),
        Operation::of(
            "progress of models",
            "`download` with its state, and `changed` when the list has to be read again. It does \
             not end.",
        )
        .streams([
            ("download", Shape::of::<models::DownloadWire>()),
            ("changed", Shape::of::<models::Changed>()),
        ]),
        Operation::of("remove a model", "The file, or what has arrived of it.")
            .answers::<wire::Said>(200)
            .refuses(&[409]),
        Operation::of("use a model", "Answers before the model is loaded.")
            .answers::<models::Chosen>(202)
            .refuses(&[409, 503]),
        Operation::of("stop a download", "What has arrived is kept.").answers::<wire::Said>(200),
    ]
}

fn of_people() -> Vec<Operation> {
    vec![
        Operation::of("list users", "All of a tenant.")
            .query::<tenants::TenantQuery>()
            .answers::<users::Users>(200)
            .refuses(&[404]),
        Operation::of("make a user", "With a first password.")
            .takes::<users::NewUser>()
            .answers::<people::UserWire>(201)
            .refuses(&[404, 409]),
        Operation::of(
            "change a user",
            "What is absent stays. A new role or password ends all that the user is signed in with.",
        )
        .query::<tenants::TenantQuery>()
        .takes::<users::UserChangeBody>()
        .answers::<people::UserWire>(200)
        .refuses(&[409]),
        Operation::of("delete a user", "With sessions, keys and private datasets.")
            .query::<tenants::TenantQuery>()
            .answers::<wire::Said>(200)
            .refuses(&[409]),
        Operation::of("end sign-ins of a user", "All of them, with their access tokens.")
            .query::<tenants::TenantQuery>()
            .answers::<wire::Said>(200),
        Operation::of("list tenants", "All of them.").answers::<tenants::Tenants>(200),
        Operation::of("make a tenant", "An empty one.")
            .takes::<tenants::NewTenant>()
            .answers::<people::TenantWire>(201)
            .refuses(&[409]),
        Operation::of("change a tenant", "What is absent stays; `null` takes a limit away.")
            .takes::<tenants::TenantChangeBody>()
            .answers::<people::TenantWire>(200),
        Operation::of("delete a tenant", "With all that it has: users, chats, documents.")
            .answers::<wire::Said>(200)
            .refuses(&[409]),
        Operation::of("list API keys", "The caller's own; for administrators everybody's.")
            .query::<tenants::TenantQuery>()
            .answers::<keys::ApiKeys>(200)
            .refuses(&[403, 404]),
        Operation::of("make an API key", "The only answer with the key itself.")
            .takes::<keys::NewKey>()
            .answers::<keys::MadeKey>(201)
            .refuses(&[403, 404]),
        Operation::of("delete an API key", "It is no good from then on.")
            .query::<tenants::TenantQuery>()
            .answers::<wire::Said>(200)
            .refuses(&[403]),
    ]
}

fn of_custody() -> Vec<Operation> {
    vec![
        Operation::of("list feedback", "Verdicts on answers, newest first.")
            .query::<feedback::ListQuery>()
            .answers::<feedback::FeedbackList>(200),
        Operation::of("export feedback", "All verdicts, one a line.")
            .query::<feedback::ExportQuery>()
            .answers_shape(
                200,
                "application/jsonl",
                Shape::of::<feedback::FeedbackWire>(),
            ),
        Operation::of("list audited actions", "What records can be about.")
            .answers::<audit::AuditedActions>(200),
        Operation::of(
            "export the audit log",
            "All records that fit, newest first.",
        )
        .query::<audit::AuditExportQuery>()
        .answers_shape(
            200,
            "application/jsonl",
            Shape::of::<people::AuditRecordWire>(),
        )
        .answers_shape(200, "text/csv", Shape::written(json!({"type": "string"}))),
        Operation::of(
            "list backups",
            "Those that there are, and the one that is being made.",
        )
        .answers::<backups::Backups>(200),
        Operation::of(
            "make a backup",
            "Answers when it is begun; the list says how far it is.",
        )
        .answers::<backups::BackupRunWire>(202)
        .refuses(&[409, 507]),
        Operation::of("export a backup", "The archive.").answers_shape(
            200,
            "application/zip",
            Shape::written(json!({"type": "string", "format": "binary"})),
        ),
        Operation::of("delete a backup", "For good.").answers::<wire::Said>(200),
        Operation::of("read the audit log", "Who did what, newest first.")
            .query::<audit::AuditQuery>()
            .answers::<audit::AuditRecords>(200),
        Operation::of(
            "export data",
            "All data of a user or of the tenant, as an archive.",
        )
        .query::<custody::ExportQuery>()
        .answers_shape(
            200,
            "application/zip",
            Shape::written(json!({"type": "string", "format": "binary"})),
        )
        .refuses(&[403, 404]),
        Operation::of(
            "erase data",
            "All data of a user or of the tenant, for good.",
        )
        .takes::<custody::EraseBody>()
        .answers::<custody::ErasedWire>(200)
        .refuses(&[403, 404, 409]),
    ]
}
