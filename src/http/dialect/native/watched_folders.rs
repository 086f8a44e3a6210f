//! `/api/watched-folders`, for the operator.

use super::Native;
use super::wire::Said;
use crate::http::State;
use crate::http::audit;
use crate::http::auth::Authorized;
use crate::http::extract::{JsonBody, PathValues, QueryParams};
use crate::http::failure::Failure;
use crate::http::openapi::Operation;
use crate::service::{
    FolderChoice, FolderChoices, FolderState, NewWatchedFolder, WatchedFolderView,
};
use crate::types::{DatasetId, WatchedFolderId};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

type Answer = Result<HttpResponse, Failure<Native>>;

/// Files that are named with the reason why they could not be read; more are
/// counted.
const MOST_NAMED: usize = 100;

/// A file that is not in the dataset as it should be.
#[derive(Serialize, ToSchema)]
pub(crate) struct FailedFileWire<'a> {
    /// Within the folder.
    path: &'a str,
    reason: &'a str,
}

/// A watched folder.
#[derive(Serialize, ToSchema)]
pub(crate) struct WatchedFolderWire<'a> {
    id: &'a WatchedFolderId,
    path: &'a str,
    dataset_id: &'a DatasetId,
    dataset_name: &'a str,
    /// Patterns of what is taken; empty: all that satchel reads.
    include: &'a [String],
    /// Patterns of what is left out.
    exclude: &'a [String],
    /// In whose name documents are added; `null`: the account is gone.
    username: Option<&'a str>,
    #[schema(format = DateTime)]
    created_at: String,
    paused: bool,
    #[schema(value_type = FolderState)]
    state: &'static str,
    /// Why it cannot be followed now, and what can be done.
    error: Option<&'a str>,
    /// When folder and dataset were compared last, since the server started.
    #[schema(format = DateTime)]
    looked_at: Option<String>,
    file_count: usize,
    /// The file that is being read.
    reading: Option<&'a str>,
    /// Files that come after it.
    left_count: usize,
    /// Documents that are not ready yet.
    unfinished_count: usize,
    /// Files that are perhaps still being written.
    unsettled_count: usize,
    failed_count: usize,
    /// The first hundred of them.
    failed: Vec<FailedFileWire<'a>>,
}

impl<'a> From<&'a WatchedFolderView> for WatchedFolderWire<'a> {
    fn from(view: &'a WatchedFolderView) -> Self {
        let WatchedFolderView { folder, standing } = view;
        let failed = standing.failed.iter().take(MOST_NAMED);
        Self {
            id: &folder.id,
            path: &folder.path,
            dataset_id: &folder.dataset_id,
            dataset_name: &folder.dataset_name,
            include: &folder.include,
            exclude: &folder.exclude,
            username: folder.username.as_deref(),
            created_at: folder.created_at.to_string(),
            paused: folder.paused,
            state: view.state().as_str(),
            error: standing.error.as_deref(),
            looked_at: standing.looked_at.map(|time| time.to_string()),
            file_count: standing.files,
            reading: standing.reading.as_deref(),
            left_count: standing.left,
            unfinished_count: standing.unfinished,
            unsettled_count: standing.unsettled,
            failed_count: standing.failed.len(),
            failed: failed
                .map(|(path, reason)| FailedFileWire { path, reason })
                .collect(),
        }
    }
}

/// Body of the answer of `GET /api/watched-folders`.
#[derive(Serialize, ToSchema)]
pub(crate) struct WatchedFoldersWire<'a> {
    watched_folders: Vec<WatchedFolderWire<'a>>,
    /// The folders below which one may be chosen; empty: the settings allow none.
    watchable: Vec<String>,
}

/// `GET /api/watched-folders`.
pub(crate) async fn list(state: web::Data<State>, caller: Authorized<Native>) -> Answer {
    let all = state.service.watched_folders(&caller).await?;
    let watchable = all.watchable.iter();
    Ok(HttpResponse::Ok().json(WatchedFoldersWire {
        watched_folders: all.folders.iter().map(WatchedFolderWire::from).collect(),
        watchable: watchable.map(|path| path.display().to_string()).collect(),
    }))
}

/// Body of `POST /api/watched-folders`.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewWatchedFolderBody {
    /// A whole path on the server's machine, below one that the setting `watchable` allows.
    #[cfg_attr(unix, schema(pattern = "^/"))]
    path: String,
    dataset_id: DatasetId,
    /// Patterns such as `*.md` of what is taken; absent: all that satchel reads.
    #[serde(default)]
    #[schema(max_items = 50)]
    include: Vec<String>,
    /// Patterns such as `drafts` of what is left out.
    #[serde(default)]
    #[schema(max_items = 50)]
    exclude: Vec<String>,
}

/// `POST /api/watched-folders`.
pub(crate) async fn create(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Authorized<Native>,
    body: JsonBody<Native, NewWatchedFolderBody>,
) -> Answer {
    let NewWatchedFolderBody {
        path,
        dataset_id,
        include,
        exclude,
    } = body.value;
    let new = NewWatchedFolder {
        path,
        dataset: dataset_id,
        include,
        exclude,
    };
    let view = state.service.watch_folder(&caller, new).await?;
    audit::note_object(&request, view.folder.id.as_str());
    Ok(HttpResponse::Created().json(WatchedFolderWire::from(&view)))
}

/// Body of `PATCH /api/watched-folders/{folder_id}`.
#[derive(Deserialize, ToSchema)]
pub(crate) struct WatchedFolderChangeBody {
    /// Whether it rests; one that goes on does so in the caller's name.
    paused: bool,
}

/// `PATCH /api/watched-folders/{folder_id}`.
pub(crate) async fn update(
    state: web::Data<State>,
    caller: Authorized<Native>,
    id: PathValues<Native, WatchedFolderId>,
    body: JsonBody<Native, WatchedFolderChangeBody>,
) -> Answer {
    let service = &state.service;
    let paused = body.value.paused;
    let view = service.pause_watched_folder(&caller, &id.value, paused);
    Ok(HttpResponse::Ok().json(WatchedFolderWire::from(&view.await?)))
}

/// `DELETE /api/watched-folders/{folder_id}`: the documents stay.
pub(crate) async fn delete(
    state: web::Data<State>,
    caller: Authorized<Native>,
    id: PathValues<Native, WatchedFolderId>,
) -> Answer {
    state.service.stop_watching(&caller, &id.value).await?;
    Ok(HttpResponse::Ok().json(Said {
        message: "The folder is watched no longer; its documents stay",
    }))
}

/// The folder whose folders are listed.
#[derive(Deserialize, IntoParams)]
pub(crate) struct ChoicesQuery {
    /// A whole path; absent: the folders that the setting `watchable` names.
    #[cfg_attr(unix, param(pattern = "^/"))]
    path: Option<String>,
}

/// A folder that can be opened or chosen.
#[derive(Serialize, ToSchema)]
pub(crate) struct FolderChoiceWire<'a> {
    name: &'a str,
    path: &'a str,
}

/// The folders within a folder.
#[derive(Serialize, ToSchema)]
pub(crate) struct FolderChoicesWire<'a> {
    /// The folder, with all links resolved; `null`: those that the settings name are listed.
    path: Option<&'a str>,
    /// The folder that it lies in, if that may be looked at.
    parent: Option<&'a str>,
    folders: Vec<FolderChoiceWire<'a>>,
    /// How many more there are.
    left_out: usize,
}

impl<'a> From<&'a FolderChoices> for FolderChoicesWire<'a> {
    fn from(choices: &'a FolderChoices) -> Self {
        let folders = choices.folders.iter();
        Self {
            path: choices.path.as_deref(),
            parent: choices.parent.as_deref(),
            folders: folders
                .map(|FolderChoice { name, path }| FolderChoiceWire { name, path })
                .collect(),
            left_out: choices.left_out,
        }
    }
}

/// `GET /api/watched-folders/choices`.
pub(crate) async fn choices(
    state: web::Data<State>,
    caller: Authorized<Native>,
    query: QueryParams<Native, ChoicesQuery>,
) -> Answer {
    let path = query.value.path.as_deref();
    let choices = state.service.watchable_folders(&caller, path).await?;
    Ok(HttpResponse::Ok().json(FolderChoicesWire::from(&choices)))
}

/// What these endpoints say about themselves.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::of(
            "list watched folders",
            "Folders of the server's machine that datasets are kept in step with, how each \
             stands, and below which folders others may be chosen.",
        )
        .answers::<WatchedFoldersWire<'_>>(200),
        Operation::of(
            "watch a folder",
            "Keeps a dataset in step with a folder: new, changed, renamed and removed files are \
             followed from now on, also after a restart.",
        )
        .takes::<NewWatchedFolderBody>()
        .answers::<WatchedFolderWire<'_>>(201)
        .refuses(&[404, 409]),
        Operation::of(
            "list folders to watch",
            "The folders within a folder of the server's machine that the settings allow: \
             names of folders alone, without hidden ones.",
        )
        .query::<ChoicesQuery>()
        .answers::<FolderChoicesWire<'_>>(200),
        Operation::of(
            "change a watched folder",
            "Pauses it, or lets it go on in the caller's name.",
        )
        .takes::<WatchedFolderChangeBody>()
        .answers::<WatchedFolderWire<'_>>(200),
        Operation::of(
            "stop watching a folder",
            "Changes are followed no longer; the documents of its files stay.",
        )
        .answers::<Said>(200),
    ]
}
