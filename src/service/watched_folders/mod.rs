//! Folders of the server's machine that datasets are kept in step with. Which
//! there are is said here, by operators alone; `cli::watch` compares and takes
//! the steps, and says here how far it is.

mod following;
mod places;

pub use following::{FolderStanding, FolderState};
pub use places::{FolderChoice, FolderChoices};

use super::{Caller, Inner, Service};
use crate::error::{ErrorKind, Fault};
use crate::store;
use crate::store::WatchedFolder;
use crate::types::{DatasetId, TenantId, UserId, WatchedFolderId};
use following::Following;
use globset::Glob;
use places::Places;
use std::path::PathBuf;

/// Patterns that one folder may have of a kind.
const MAX_PATTERNS: usize = 50;

/// Longest pattern, in characters.
const MAX_PATTERN_CHARS: usize = 200;

/// Why a dataset stays.
const KEPT: &str = "this dataset is kept in step with a folder: stop watching the folder first";

/// A folder to keep in step.
#[derive(Debug, Clone)]
pub struct NewWatchedFolder {
    /// Absolute.
    pub path: String,
    pub dataset: DatasetId,
    /// Patterns of what is taken; empty: all that can be read.
    pub include: Vec<String>,
    /// Patterns of what is left out.
    pub exclude: Vec<String>,
}

/// A watched folder and how it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct WatchedFolderView {
    pub folder: WatchedFolder,
    pub standing: FolderStanding,
}

impl WatchedFolderView {
    /// How it stands, in a word.
    pub fn state(&self) -> FolderState {
        match self.folder.paused {
            true => FolderState::Paused,
            false => self.standing.state(),
        }
    }
}

/// The watched folders, and where others may be chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct WatchedFolders {
    pub folders: Vec<WatchedFolderView>,
    /// The folders below which one may be chosen; empty: the settings allow none.
    pub watchable: Vec<PathBuf>,
}

/// What the service has of watched folders.
#[derive(Default)]
pub(super) struct Watching(Following);

impl Service {
    /// All watched folders, by path.
    pub async fn watched_folders(&self, caller: &Caller) -> Result<WatchedFolders, Fault> {
        caller.require_operator()?;
        self.blocking(|inner| {
            let all = inner.store.watched_folders()?.into_iter();
            Ok(WatchedFolders {
                folders: all.map(|folder| inner.view_of(folder)).collect(),
                watchable: Places::of(&inner.config).into_roots(),
            })
        })
        .await
    }

    /// Keeps a dataset in step with a folder from now on.
    pub async fn watch_folder(
        &self,
        caller: &Caller,
        new: NewWatchedFolder,
    ) -> Result<WatchedFolderView, Fault> {
        caller.require_operator()?;
        let caller = caller.clone();
        self.blocking(move |inner| {
            let dataset = inner.own_dataset(&caller, &new.dataset)?;
            check_patterns("include", &new.include)?;
            check_patterns("exclude", &new.exclude)?;
            let path = Places::of(&inner.config).permitted(&new.path);
            let path = path.map_err(|fault| fault.about("path"))?;
            let id = inner
                .store
                .insert_watched_folder(&store::NewWatchedFolder {
                    dataset: &dataset.id,
                    path: &path,
                    include: &new.include,
                    exclude: &new.exclude,
                    user: &caller.user_id,
                })?;
            inner.watching.0.tell();
            inner.watched_folder(&id)
        })
        .await
    }

    /// Pauses a folder, or lets it go on, from then on in the caller's name.
    pub async fn pause_watched_folder(
        &self,
        caller: &Caller,
        id: &WatchedFolderId,
        paused: bool,
    ) -> Result<WatchedFolderView, Fault> {
        caller.require_operator()?;
        let (caller, id) = (caller.clone(), id.clone());
        self.blocking(move |inner| {
            let store = &inner.store;
            store.set_watched_folder_paused(&id, paused, &caller.user_id)?;
            inner.watching.0.forget(&id);
            inner.watching.0.tell();
            inner.watched_folder(&id)
        })
        .await
    }

    /// Watches a folder no longer. The documents of its files stay.
    pub async fn stop_watching(&self, caller: &Caller, id: &WatchedFolderId) -> Result<(), Fault> {
        caller.require_operator()?;
        let id = id.clone();
        self.blocking(move |inner| {
            inner.store.delete_watched_folder(&id)?;
            inner.watching.0.forget(&id);
            inner.watching.0.tell();
            Ok(())
        })
        .await
    }

    /// The folders within one that may be chosen; without a path, those that
    /// the settings name. Tells names of folders and nothing of their files.
    pub async fn watchable_folders(
        &self,
        caller: &Caller,
        path: Option<&str>,
    ) -> Result<FolderChoices, Fault> {
        caller.require_operator()?;
        let path = path.map(str::to_owned);
        self.blocking(move |inner| {
            let choices = Places::of(&inner.config).choices(path.as_deref());
            choices.map_err(|fault| fault.about("path"))
        })
        .await
    }
}

impl Inner {
    fn view_of(&self, folder: WatchedFolder) -> WatchedFolderView {
        WatchedFolderView {
            standing: self.watching.0.standing(&folder.id),
            folder,
        }
    }

    fn watched_folder(&self, id: &WatchedFolderId) -> Result<WatchedFolderView, Fault> {
        let folder = self.store.watched_folder(id)?;
        let folder = folder.ok_or_else(|| Fault::not_found("the watched folder does not exist"))?;
        Ok(self.view_of(folder))
    }

    /// An error while a folder would fill the dataset again.
    pub(super) fn check_is_not_kept(&self, dataset: &DatasetId) -> Result<(), Fault> {
        let all = self.store.watched_folders()?;
        match all.iter().any(|folder| folder.dataset_id == *dataset) {
            false => Ok(()),
            true => Err(Fault::new(ErrorKind::Conflict, KEPT)),
        }
    }

    /// Watches nothing any more in the name of somebody whose data are erased,
    /// so that none of them come back.
    pub(super) fn stop_watching_for(
        &self,
        tenant: &TenantId,
        user: Option<&UserId>,
    ) -> Result<(), Fault> {
        if self.store.delete_watched_folders_of(tenant, user)? > 0 {
            self.watching.0.tell();
        }
        Ok(())
    }
}

fn check_patterns(field: &str, patterns: &[String]) -> Result<(), Fault> {
    let wrong = |what: String| Fault::invalid(format!("{field}: {what}")).about(field);
    if patterns.len() > MAX_PATTERNS {
        return Err(wrong(format!(
            "at most {MAX_PATTERNS} patterns are possible"
        )));
    }
    for pattern in patterns {
        let fits = (1..=MAX_PATTERN_CHARS).contains(&pattern.chars().count());
        if !fits || pattern.chars().any(char::is_control) {
            let what = format!("a pattern has 1 to {MAX_PATTERN_CHARS} printable characters");
            return Err(wrong(what));
        }
        Glob::new(pattern).map_err(|error| wrong(error.to_string()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check_patterns;

    #[test]
    fn pattern_that_means_nothing_is_refused_with_its_field() {
        let check = |pattern: &str| check_patterns("include", &[pattern.to_owned()]);
        assert!(check("*.md").is_ok() && check("drafts/**").is_ok());
        for pattern in ["", "[a", "two\nlines", &"x".repeat(201)] {
            let message = check(pattern).unwrap_err().to_string();
            assert!(message.starts_with("include: "), "{message}");
        }
    }
}
