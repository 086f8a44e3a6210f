//! Models from a hub: which there are (`catalogue`), which file a name means
//! (`source`), and fetching that file whole or not at all (`download`). Nothing
//! here connects unless [`Hub::find`] or [`Hub::download`] is called. Must not
//! know what a model file holds, nor who asked for it.
//!
//! `hf-hub` makes the addresses, reads the token of `hf auth login` and asks the
//! hub's API. The bytes are fetched here, because its `download` follows another
//! layout of files, appends to a partial file whatever the server answers, takes
//! a short answer for the whole, checks no hash, has no time-out and cannot be
//! stopped, and its `metadata` sends the token on to the host that it is
//! redirected to.

mod catalogue;
mod download;
mod error;
mod part;
mod request;
mod source;

pub use catalogue::{CatalogueEntry, catalogue, known};
pub use download::{Phase, Progress};
pub use error::HubError;
pub use part::{Unfinished, discard, unfinished};
pub use source::Source;

use hf_hub::api::sync::{Api, ApiBuilder};
use hf_hub::{Cache, Repo, RepoType};
use request::Client;
use serde::Deserialize;
use std::time::Duration;
use ureq::http::Uri;

/// The hub, and how to get at it.
pub struct Hub {
    api: Api,
    client: Client,
    /// First pause before another try.
    retry_wait: Duration,
}

/// A file on the hub, of one commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteFile {
    pub repository: String,
    /// The name under which it is installed.
    pub name: String,
    /// `None` where the hub does not tell before the download.
    pub bytes: Option<u64>,
    /// Of the content, where it is known before the download.
    sha256: Option<String>,
    path: String,
    commit: String,
}

/// A repository, as the hub's API describes it.
#[derive(Deserialize)]
struct Repository {
    sha: String,
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
    size: Option<u64>,
    lfs: Option<LargeFile>,
}

#[derive(Deserialize)]
struct LargeFile {
    sha256: Option<String>,
}

impl Hub {
    /// The hub at `endpoint`. Proxies are taken from `HTTPS_PROXY`, `HTTP_PROXY`,
    /// `ALL_PROXY` and `NO_PROXY`, the token from `HF_TOKEN` or where
    /// `hf auth login` keeps it, further certificates from `SSL_CERT_FILE`.
    pub fn new(endpoint: &str) -> Result<Self, HubError> {
        let endpoint = endpoint.trim_end_matches('/');
        let uri: Option<Uri> = endpoint.parse().ok();
        let uri = uri.filter(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some()
        });
        let uri = uri.ok_or_else(|| {
            HubError::Settings(format!(
                "the hub's address {endpoint:?} is not an address that starts with https://"
            ))
        })?;
        let cache = Cache::from_env();
        let token = std::env::var("HF_TOKEN").ok();
        let token = token
            .map(|token| token.trim().to_owned())
            .filter(|token| !token.is_empty())
            .or_else(|| cache.token());
        let client = Client::new(uri, token.clone())?;
        let api = ApiBuilder::from_cache(cache)
            .with_endpoint(endpoint.to_owned())
            .with_token(token)
            .with_user_agent("satchel", env!("CARGO_PKG_VERSION"))
            .build()
            .map_err(|error| HubError::Settings(error.to_string()))?;
        Ok(Self {
            api,
            client,
            retry_wait: Duration::from_secs(1),
        })
    }

    /// The same hub with another first pause before another try.
    pub fn with_retry_wait(self, retry_wait: Duration) -> Self {
        Self { retry_wait, ..self }
    }

    /// Asks the hub which file a source means. Blocks, half a minute at most.
    pub fn find(&self, source: &Source) -> Result<RemoteFile, HubError> {
        let id = source.repository.clone();
        let repository = self.api.repo(Repo::new(id, RepoType::Model));
        let request = repository.info_request().query("blobs", "true");
        let found: Repository = self.client.ask(request, &source.repository)?;
        let offered: Vec<&str> = found
            .siblings
            .iter()
            .map(|sibling| sibling.rfilename.as_str())
            .collect();
        let path = source.choose(&offered)?.to_owned();
        let name = source::file_name(&path).to_owned();
        source::check_file_name(&name)?;
        source::check_commit(&found.sha).map_err(|reason| self.client.nonsense(reason))?;
        let sibling = found.siblings.into_iter().find(|one| one.rfilename == path);
        let (bytes, large) = sibling.map_or((None, None), |one| (one.size, one.lfs));
        let on_hub = large
            .and_then(|large| large.sha256)
            .map(|hash| hash.to_ascii_lowercase());
        if let (Some(known), Some(other)) = (&source.sha256, &on_hub)
            && known != other
        {
            return Err(HubError::NotAsKnown {
                file: name,
                repository: source.repository.clone(),
            });
        }
        Ok(RemoteFile {
            repository: source.repository.clone(),
            name,
            bytes,
            sha256: source.sha256.clone().or(on_hub),
            path,
            commit: found.sha,
        })
    }

    /// The address of a file's content.
    fn address(&self, file: &RemoteFile) -> String {
        let (id, commit) = (file.repository.clone(), file.commit.clone());
        let repo = Repo::with_revision(id, RepoType::Model, commit);
        self.api.repo(repo).url(&file.path)
    }
}
