//! Settings: command line over environment over file over default. One struct
//! of optional settings ([`Layer`]) serves all three sources; [`Config`] is
//! what they resolve to. Must not read anything but the file it is given.

mod issuer;
mod layer;
mod network;
mod public_chat;
mod watchable;

pub use issuer::Issuer;
pub use layer::Layer;
pub use network::{Network, NetworkError};
pub use public_chat::PublicChat;

use crate::error::{ErrorKind, Kind};
use crate::telemetry::LogFormat;
pub use crate::types::{DeviceChoice, KvCache};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The settings of a running instance.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    pub listen: SocketAddr,
    pub data_dir: PathBuf,
    /// Serve the web page.
    pub ui: bool,
    /// Preload the product's own manual as a dataset.
    pub handbook: bool,
    pub log: String,
    pub log_format: LogFormat,
    /// Requests a minute and user; 0 for no limit.
    pub rate_limit: u32,
    /// Answers that one user may stream at once.
    pub streams_per_user: u32,
    pub max_body_bytes: usize,
    pub max_upload_bytes: u64,
    pub max_message_chars: usize,
    /// Earlier messages of a session that a prompt may hold.
    pub history_messages: usize,
    /// Origins that browsers may call from; empty: same origin alone.
    pub cors_origins: Vec<String>,
    /// File name of the chat model in `models/` of the data folder; `None`: the only or newest one.
    pub model: Option<String>,
    /// File name of a small model in the same folder that drafts for it.
    pub draft_model: Option<String>,
    /// Name of the embedding model in `models/` of the data folder; `None`: the built-in one.
    pub embedding_model: Option<String>,
    /// What is put before questions for the embedding model; `None`: as it wants.
    pub embedding_query_prefix: Option<String>,
    /// What is put before passages for the embedding model; `None`: as it wants.
    pub embedding_passage_prefix: Option<String>,
    /// Name of the reranking model in `models/` of the data folder.
    pub rerank_model: Option<String>,
    /// Name of the model in `models/` of the data folder that judges whether
    /// sentences follow from their sources.
    pub entailment_model: Option<String>,
    /// The hub that models are downloaded from, when somebody asks for one.
    pub hub_endpoint: String,
    /// Longest context that a chat model is given, in tokens.
    pub context_tokens: usize,
    /// Longest answer of a chat model, in tokens.
    pub answer_tokens: usize,
    /// How soon an answer of a chat model should start; 0: whenever it has read
    /// all that was found.
    pub first_token_seconds: f32,
    /// Threads for inference; 0: as many as there are cores.
    pub threads: usize,
    /// What the chat model runs on.
    pub device: DeviceChoice,
    /// How a chat model keeps what it has read.
    pub kv_cache: KvCache,
    /// Disk space for beginnings of prompts that outlast a restart; 0: none do.
    pub prefix_cache_bytes: u64,
    pub access_token_minutes: u32,
    pub refresh_token_days: u32,
    /// Days that a conversation of contract 1 is kept after its last message; 0 for ever.
    pub conversation_ttl_days: u32,
    /// What people who have not signed in may use of the chat module's API.
    pub public_chat: PublicChat,
    /// Requests a minute and tenant, where the tenant has no limit of its own; 0 for no limit.
    pub tenant_rate_limit: u32,
    /// Requests a minute and address of people who have not signed in; 0 for no limit.
    pub public_rate_limit: u32,
    /// Connections at once.
    pub max_connections: usize,
    /// How long a client may take to send a body.
    pub body_timeout: Duration,
    /// How long the audit log is kept; 0: as long as there is room.
    pub audit_days: u32,
    /// Days that an outside user's API keys outlive the user's last good token; 0: for ever.
    pub outside_key_days: u32,
    /// Proxies that are believed when they say who calls.
    pub trusted_proxies: Vec<Network>,
    /// Others whose tokens are accepted.
    pub issuers: Vec<Issuer>,
    /// Folders below which the page may choose one to keep in step.
    pub watchable: Vec<PathBuf>,
}

impl Config {
    /// Resolves `top` (command line and environment) over `file`.
    pub fn resolve(top: Layer, file: Layer) -> Self {
        let l = top.or(file);
        let listen = l
            .listen
            .unwrap_or_else(|| (Ipv4Addr::LOCALHOST, 8080).into());
        let trusted_proxies = l.trusted_proxies.unwrap_or_default();
        Self {
            watchable: l
                .watchable
                .unwrap_or_else(|| watchable::usual_at(listen.ip(), &trusted_proxies)),
            listen,
            data_dir: l.data_dir.unwrap_or_else(|| "data".into()),
            ui: l.ui.unwrap_or(true),
            handbook: l.handbook.unwrap_or(true),
            log: l.log.unwrap_or_else(|| "info".into()),
            log_format: l.log_format.unwrap_or_default(),
            rate_limit: l.rate_limit.unwrap_or(100),
            streams_per_user: l.streams_per_user.unwrap_or(10),
            max_body_bytes: l.max_body_kib.unwrap_or(1024).saturating_mul(1024) as usize,
            max_upload_bytes: l.max_upload_mib.unwrap_or(200).saturating_mul(1024 * 1024),
            max_message_chars: l.max_message_chars.unwrap_or(32_000),
            history_messages: l.history_messages.unwrap_or(10),
            cors_origins: l.cors_origins.unwrap_or_default(),
            model: l.model,
            draft_model: l.draft_model,
            embedding_model: l.embedding_model.filter(|name| !name.is_empty()),
            embedding_query_prefix: l.embedding_query_prefix,
            embedding_passage_prefix: l.embedding_passage_prefix,
            rerank_model: l.rerank_model.filter(|name| !name.is_empty()),
            entailment_model: l.entailment_model.filter(|name| !name.is_empty()),
            hub_endpoint: l
                .hub_endpoint
                .filter(|endpoint| !endpoint.is_empty())
                .unwrap_or_else(|| "https://huggingface.co".into()),
            context_tokens: l.context_tokens.unwrap_or(4096),
            answer_tokens: l.answer_tokens.unwrap_or(512),
            first_token_seconds: l.first_token_seconds.unwrap_or(5.0),
            threads: l.threads.unwrap_or(0),
            device: l.device.unwrap_or_default(),
            kv_cache: l.kv_cache.unwrap_or_default(),
            prefix_cache_bytes: l.prefix_cache_mib.unwrap_or(0).saturating_mul(1024 * 1024),
            access_token_minutes: l.access_token_minutes.unwrap_or(15),
            refresh_token_days: l.refresh_token_days.unwrap_or(30),
            conversation_ttl_days: l.conversation_ttl_days.unwrap_or(90),
            public_chat: l
                .public_chat
                .unwrap_or_else(|| PublicChat::usual_at(listen.ip())),
            tenant_rate_limit: l.tenant_rate_limit.unwrap_or(0),
            public_rate_limit: l.public_rate_limit.unwrap_or(60),
            max_connections: l.max_connections.unwrap_or(10_000),
            body_timeout: Duration::from_secs(l.body_timeout_seconds.unwrap_or(30).into()),
            audit_days: l.audit_days.unwrap_or(365),
            outside_key_days: l.outside_key_days.unwrap_or(30),
            trusted_proxies,
            issuers: l.issuers.unwrap_or_default(),
        }
    }

    /// Reads a settings file (TOML, keys as in `satchel config`).
    pub fn read_file(path: &Path) -> Result<Layer, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|error| ConfigError::Read {
            path: path.to_owned(),
            error,
        })?;
        toml::from_str(&text).map_err(|error| ConfigError::Parse {
            path: path.to_owned(),
            error: Box::new(error),
        })
    }

    /// Where the database is.
    pub fn database(&self) -> PathBuf {
        self.data_dir.join("satchel.db")
    }

    /// Where uploaded files are kept.
    pub fn originals(&self) -> PathBuf {
        self.data_dir.join("originals")
    }

    /// Where beginnings of prompts are kept over a restart.
    pub fn prefixes(&self) -> PathBuf {
        self.data_dir.join("prefixes")
    }

    /// Where backups are kept.
    pub fn backups(&self) -> PathBuf {
        self.data_dir.join("backups")
    }

    /// Where chat models are looked for.
    pub fn models(&self) -> PathBuf {
        self.data_dir.join("models")
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::resolve(Layer::default(), Layer::default())
    }
}

/// Why settings could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read the settings file {}: {error}", path.display())]
    Read {
        path: PathBuf,
        error: std::io::Error,
    },
    #[error("the settings file {} is not valid: {error}", path.display())]
    Parse {
        path: PathBuf,
        error: Box<toml::de::Error>,
    },
}

impl Kind for ConfigError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }
}

#[cfg(test)]
mod tests {
    use super::{Config, Layer, PublicChat};

    #[test]
    fn command_line_wins_over_file_and_file_over_default() {
        let top = Layer {
            rate_limit: Some(7),
            ..Layer::default()
        };
        let file: Layer = toml::from_str("rate-limit = 9\nthreads = 3").unwrap();
        let config = Config::resolve(top, file);
        assert_eq!(
            (config.rate_limit, config.threads, config.streams_per_user),
            (7, 3, 10)
        );
    }

    #[test]
    fn sessions_of_others_are_listed_to_strangers_on_the_loopback_address_alone() {
        let listening = |address: &str| {
            let listen = Some(address.parse().unwrap());
            let top = Layer {
                listen,
                ..Layer::default()
            };
            Config::resolve(top, Layer::default()).public_chat
        };
        assert_eq!(listening("127.0.0.1:80"), PublicChat::Full);
        assert_eq!(listening("[::1]:80"), PublicChat::Full);
        assert_eq!(listening("0.0.0.0:80"), PublicChat::Sessions);
        let file: Layer = toml::from_str("public-chat = \"off\"").unwrap();
        let config = Config::resolve(Layer::default(), file);
        assert_eq!(config.public_chat, PublicChat::Off);
    }

    #[test]
    fn folders_to_watch_are_allowed_by_themselves_only_where_nobody_else_reaches_the_server() {
        let watchable = |text: &str| {
            let file: Layer = toml::from_str(text).unwrap();
            Config::resolve(Layer::default(), file).watchable
        };
        let home: Vec<_> = std::env::home_dir().into_iter().collect();
        assert_eq!(watchable(""), home);
        assert!(watchable("listen = \"0.0.0.0:80\"").is_empty());
        assert!(watchable("trusted-proxies = [\"127.0.0.1\"]").is_empty());
        assert!(watchable("watchable = []").is_empty());
        let named = "listen = \"0.0.0.0:80\"\nwatchable = [\"/srv/papers\"]";
        assert_eq!(
            watchable(named),
            ["/srv/papers".into()] as [std::path::PathBuf; 1]
        );
    }

    #[test]
    fn unknown_setting_in_the_file_is_refused() {
        let error = toml::from_str::<Layer>("rate-limti = 9").unwrap_err();
        assert!(error.to_string().contains("rate-limti"));
    }

    #[test]
    fn printed_example_is_a_valid_file_with_the_defaults() {
        let file: Layer = toml::from_str(&Layer::example()).unwrap();
        assert_eq!(Config::resolve(Layer::default(), file), Config::default());
    }
}
