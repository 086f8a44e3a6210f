//! Why a model could not be fetched, in sentences that say what to do.

use satchel_types::error::{ErrorKind, Kind};

/// Why a model could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HubError {
    #[error("{name:?} is not the name of a model: {reason}")]
    Name { name: String, reason: String },
    #[error("{0}")]
    Settings(String),
    #[error("there is no model repository {repository:?} on {host}")]
    NoRepository { repository: String, host: String },
    #[error("the repository {repository} has no file for {wanted:?}; it has: {offered}")]
    NoFile {
        repository: String,
        wanted: String,
        offered: String,
    },
    #[error(
        "{host} does not give {repository} to everybody (status {status}): accept its licence there \
         and set HF_TOKEN to an access token of yours before satchel is started"
    )]
    TokenWanted {
        repository: String,
        host: String,
        status: u16,
    },
    #[error(
        "{host} does not give {repository} to the owner of the token in HF_TOKEN (status {status}): \
         the token is not valid, or the licence was not accepted there"
    )]
    TokenRefused {
        repository: String,
        host: String,
        status: u16,
    },
    #[error(
        "{host} cannot be reached: {reason}. Is this machine online? Behind a proxy, set HTTPS_PROXY; \
         for a mirror, set HF_ENDPOINT"
    )]
    Offline { host: String, reason: String },
    #[error(
        "the connection to {host} was lost: {reason}; what has arrived is kept for the next try"
    )]
    Broken { host: String, reason: String },
    #[error("{host} answered with status {status}")]
    Refused { host: String, status: u16 },
    #[error("{host} gave an answer that makes no sense: {reason}")]
    Nonsense { host: String, reason: String },
    #[error(
        "there is not enough space: {needed_mb} MB are needed for {file}, {free_mb} MB are free in {folder}"
    )]
    DiskFull {
        file: String,
        folder: String,
        needed_mb: u64,
        free_mb: u64,
    },
    #[error(
        "{file} is not what it should be: its sha256 is {found}, expected was {expected}; nothing was kept of it"
    )]
    WrongHash {
        file: String,
        found: String,
        expected: String,
    },
    #[error(
        "{file} is not a model file: it does not begin as GGUF files do; nothing was kept of it"
    )]
    NotAModel { file: String },
    #[error(
        "{file} on the hub is not the one that this version of satchel knows; to take it as it is, name it {repository}:{file}"
    )]
    NotAsKnown { file: String, repository: String },
    #[error("{file} cannot be written: {reason}")]
    Files { file: String, reason: String },
    #[error("the download was stopped")]
    Stopped,
}

impl HubError {
    /// Whether trying again by itself may help.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Offline { .. } | Self::Broken { .. } => true,
            Self::Refused { status, .. } => *status == 429 || *status >= 500,
            _ => false,
        }
    }
}

impl Kind for HubError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Name { .. } | Self::Settings(_) => ErrorKind::Invalid,
            Self::NoRepository { .. } | Self::NoFile { .. } => ErrorKind::NotFound,
            Self::TokenWanted { .. } | Self::TokenRefused { .. } => ErrorKind::Forbidden,
            Self::Offline { .. } | Self::Broken { .. } | Self::Refused { .. } => ErrorKind::Busy,
            Self::Nonsense { .. } | Self::NotAModel { .. } | Self::WrongHash { .. } => {
                ErrorKind::Unsupported
            }
            Self::DiskFull { .. } | Self::NotAsKnown { .. } => ErrorKind::Conflict,
            Self::Files { .. } => ErrorKind::Storage,
            Self::Stopped => ErrorKind::Cancelled,
        }
    }
}
