//! What who follows the folders needs: which there are, when they are others,
//! in whose name and whether it still may, and a place to say how far it is.

use super::places::Places;
use crate::error::{ErrorKind, Fault};
use crate::service::auth::COMMAND_TOKEN_SECONDS;
use crate::service::tokens::Purpose;
use crate::service::{Caller, Inner, Service};
use crate::store::{User, WatchedFolder};
use crate::types::{Time, WatchedFolderId};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// How a watched folder stands, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FolderState {
    /// Nobody has looked since the start.
    Starting,
    /// Its files are what the documents are.
    InStep,
    /// Something is being read, or waits for it.
    Working,
    /// All is done that can be, and some files could not be read.
    Incomplete,
    /// It cannot be followed now.
    Failing,
    Paused,
}

impl FolderState {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::InStep => "in_step",
            Self::Working => "working",
            Self::Incomplete => "incomplete",
            Self::Failing => "failing",
            Self::Paused => "paused",
        }
    }
}

/// What is known of a watched folder since the start.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FolderStanding {
    /// When it was compared last.
    pub looked_at: Option<Time>,
    /// Why it cannot be followed now.
    pub error: Option<String>,
    pub files: usize,
    /// The file that is being read.
    pub reading: Option<String>,
    /// Files that come after it.
    pub left: usize,
    /// Documents that are not ready yet.
    pub unfinished: usize,
    /// Files that are perhaps still being written.
    pub unsettled: usize,
    /// Files that are not in the dataset as they should be, and why.
    pub failed: Vec<(String, String)>,
}

impl FolderStanding {
    /// How it stands, in a word.
    pub fn state(&self) -> FolderState {
        let works = self.reading.is_some() || self.left + self.unfinished + self.unsettled > 0;
        match (&self.error, self.looked_at) {
            (Some(_), _) => FolderState::Failing,
            _ if works => FolderState::Working,
            (_, None) => FolderState::Starting,
            _ if self.failed.is_empty() => FolderState::InStep,
            _ => FolderState::Incomplete,
        }
    }
}

/// How each folder stands, and who wants to know that they are others.
pub(super) struct Following {
    standings: Mutex<HashMap<WatchedFolderId, FolderStanding>>,
    changes: watch::Sender<()>,
}

impl Default for Following {
    fn default() -> Self {
        Self {
            standings: Mutex::default(),
            changes: watch::Sender::new(()),
        }
    }
}

impl Following {
    /// Says that there are other folders than before.
    pub(super) fn tell(&self) {
        self.changes.send_replace(());
    }

    pub(super) fn standing(&self, id: &WatchedFolderId) -> FolderStanding {
        self.standings().get(id).cloned().unwrap_or_default()
    }

    pub(super) fn forget(&self, id: &WatchedFolderId) {
        self.standings().remove(id);
    }

    fn standings(&self) -> MutexGuard<'_, HashMap<WatchedFolderId, FolderStanding>> {
        self.standings
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service {
    /// Turns whenever the folders to follow may be others.
    pub fn folder_changes(&self) -> watch::Receiver<()> {
        self.inner.watching.0.changes.subscribe()
    }

    /// The folders that are to be followed now.
    pub async fn folders_to_follow(&self) -> Result<Vec<WatchedFolder>, Fault> {
        self.blocking(|inner| {
            let mut all = inner.store.watched_folders()?;
            all.retain(|folder| !folder.paused);
            Ok(all)
        })
        .await
    }

    /// A token with which a folder is followed, in the name of who added it; an
    /// error if it may not be followed now. [`ErrorKind::NotFound`] if nobody
    /// wants it any more. Blocks for the length of some disk accesses.
    pub fn follow_folder(&self, id: &WatchedFolderId) -> Result<String, Fault> {
        let inner = &self.inner;
        let folder = inner.store.watched_folder(id)?;
        let folder = folder.filter(|folder| !folder.paused);
        let folder = folder.ok_or_else(|| Fault::not_found("the folder is not watched"))?;
        let user = inner.follower_of(&folder)?;
        if Places::of(&inner.config).permitted(&folder.path)? != folder.path {
            let message = format!(
                "{} is a link by now: stop watching it, and add the folder that is meant",
                folder.path
            );
            return Err(Fault::new(ErrorKind::Forbidden, message));
        }
        let (life, purpose) = (COMMAND_TOKEN_SECONDS, Purpose::Command);
        inner.signer.issue(&user, life, purpose, None)
    }

    /// Notes how a folder stands; one that nobody wants any more has no standing.
    pub fn note_standing(&self, id: &WatchedFolderId, note: impl FnOnce(&mut FolderStanding)) {
        note(
            self.inner
                .watching
                .0
                .standings()
                .entry(id.clone())
                .or_default(),
        );
    }

    /// Forgets how a folder stood, when nobody follows it any more.
    pub fn forget_standing(&self, id: &WatchedFolderId) {
        self.inner.watching.0.forget(id);
    }
}

impl Inner {
    /// The operator in whose name a folder is followed.
    fn follower_of(&self, folder: &WatchedFolder) -> Result<User, Fault> {
        let user = folder.user_id.as_ref();
        let user = user.map(|id| self.store.user(id)).transpose()?.flatten();
        let user = user
            .filter(|user| Caller::from(user).is_operator())
            .filter(|user| self.is_vouched_for(user));
        user.ok_or_else(|| {
            let message = "who added the folder may not do so any more: pause it and resume it, \
                           and it goes on in your name";
            Fault::new(ErrorKind::Forbidden, message)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{FolderStanding, FolderState};
    use crate::types::Time;

    #[test]
    fn state_is_the_worst_of_what_is_known() {
        let mut standing = FolderStanding::default();
        assert_eq!(standing.state(), FolderState::Starting);
        standing.reading = Some("a.md".to_owned());
        assert_eq!(standing.state(), FolderState::Working);
        standing.reading = None;
        standing.looked_at = Some(Time::now());
        assert_eq!(standing.state(), FolderState::InStep);
        standing
            .failed
            .push(("b.pdf".to_owned(), "broken".to_owned()));
        assert_eq!(standing.state(), FolderState::Incomplete);
        standing.unfinished = 1;
        assert_eq!(standing.state(), FolderState::Working);
        standing.error = Some("the folder is not there".to_owned());
        assert_eq!(standing.state(), FolderState::Failing);
    }
}
