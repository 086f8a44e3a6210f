//! One source of settings, and the documented example made from it.

use super::PublicChat;
use super::issuer::{EXAMPLE, Issuer};
use super::network::Network;
use crate::telemetry::LogFormat;
use crate::types::{DeviceChoice, KvCache};
use clap::{Args, CommandFactory, Parser};
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;

/// One source of settings; each may be absent.
#[derive(Args, Deserialize, Default, Debug, Clone, PartialEq)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
#[command(next_help_heading = "Settings")]
pub struct Layer {
    /// Address to listen on [default: 127.0.0.1:8080]
    #[arg(long, env = "SATCHEL_LISTEN", value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// Folder for all state [default: data]
    #[arg(long, env = "SATCHEL_DATA_DIR", value_name = "DIR", global = true)]
    pub data_dir: Option<PathBuf>,
    /// Serve the web page [default: true]
    #[arg(long, env = "SATCHEL_UI", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub ui: Option<bool>,
    /// Preload the handbook as a dataset [default: true]
    #[arg(long, env = "SATCHEL_HANDBOOK", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", global = true)]
    pub handbook: Option<bool>,
    /// What to log, in the syntax of RUST_LOG [default: info]
    #[arg(long, env = "SATCHEL_LOG", value_name = "FILTER", global = true)]
    pub log: Option<String>,
    /// How log lines look: text or json [default: text]
    #[arg(long, env = "SATCHEL_LOG_FORMAT", value_name = "FORMAT", global = true)]
    pub log_format: Option<LogFormat>,
    /// Requests a minute and user, 0 for no limit [default: 100]
    #[arg(long, env = "SATCHEL_RATE_LIMIT", value_name = "N")]
    pub rate_limit: Option<u32>,
    /// Answers that one user may stream at once [default: 10]
    #[arg(long, env = "SATCHEL_STREAMS_PER_USER", value_name = "N")]
    pub streams_per_user: Option<u32>,
    /// Largest request body in KiB [default: 1024]
    #[arg(long, env = "SATCHEL_MAX_BODY_KIB", value_name = "KIB")]
    pub max_body_kib: Option<u64>,
    /// Largest uploaded file in MiB [default: 200]
    #[arg(long, env = "SATCHEL_MAX_UPLOAD_MIB", value_name = "MIB")]
    pub max_upload_mib: Option<u64>,
    /// Longest message in characters [default: 32000]
    #[arg(long, env = "SATCHEL_MAX_MESSAGE_CHARS", value_name = "N")]
    pub max_message_chars: Option<usize>,
    /// Earlier messages of a chat that a prompt may hold [default: 10]
    #[arg(long, env = "SATCHEL_HISTORY_MESSAGES", value_name = "N")]
    pub history_messages: Option<usize>,
    /// Origins that browsers may call from, comma separated [default: none]
    #[arg(
        long,
        env = "SATCHEL_CORS_ORIGINS",
        value_name = "ORIGIN",
        value_delimiter = ','
    )]
    pub cors_origins: Option<Vec<String>>,
    /// Chat model: a file name in the data folder's models/ [default: the newest]
    #[arg(long, env = "SATCHEL_MODEL", value_name = "FILE")]
    pub model: Option<String>,
    /// Small model that drafts for the chat model: a file name in models/, of the same family [default: none]
    #[arg(long, env = "SATCHEL_DRAFT_MODEL", value_name = "FILE")]
    pub draft_model: Option<String>,
    /// Embedding model: a file or folder in the data folder's models/ [default: the built-in one]
    #[arg(long, env = "SATCHEL_EMBEDDING_MODEL", value_name = "NAME")]
    pub embedding_model: Option<String>,
    /// What is put before a question for the embedding model [default: as the model wants]
    #[arg(long, env = "SATCHEL_EMBEDDING_QUERY_PREFIX", value_name = "TEXT")]
    pub embedding_query_prefix: Option<String>,
    /// What is put before a passage for the embedding model [default: as the model wants]
    #[arg(long, env = "SATCHEL_EMBEDDING_PASSAGE_PREFIX", value_name = "TEXT")]
    pub embedding_passage_prefix: Option<String>,
    /// Reranking model: a file or folder in the data folder's models/ [default: none]
    #[arg(long, env = "SATCHEL_RERANK_MODEL", value_name = "NAME")]
    pub rerank_model: Option<String>,
    /// Model that judges whether sentences follow from their sources: a file or folder in the data folder's models/ [default: none]
    #[arg(long, env = "SATCHEL_ENTAILMENT_MODEL", value_name = "NAME")]
    pub entailment_model: Option<String>,
    /// Where models are downloaded from when somebody asks for one [default: https://huggingface.co]
    #[arg(long, env = "HF_ENDPOINT", value_name = "URL", global = true)]
    pub hub_endpoint: Option<String>,
    /// Longest context given to a chat model, in tokens [default: 4096]
    #[arg(long, env = "SATCHEL_CONTEXT_TOKENS", value_name = "N")]
    pub context_tokens: Option<usize>,
    /// Longest answer of a chat model, in tokens [default: 512]
    #[arg(long, env = "SATCHEL_ANSWER_TOKENS", value_name = "N")]
    pub answer_tokens: Option<usize>,
    /// Seconds within which an answer of a chat model should start: it gets as many passages as it can read by then, 0 for all [default: 5]
    #[arg(long, env = "SATCHEL_FIRST_TOKEN_SECONDS", value_name = "SECONDS")]
    pub first_token_seconds: Option<f32>,
    /// Threads for inference, 0 for one a core [default: 0]
    #[arg(long, env = "SATCHEL_THREADS", value_name = "N", global = true)]
    pub threads: Option<usize>,
    /// What the chat model runs on: auto, cpu or cuda [default: auto]
    #[arg(
        long,
        env = "SATCHEL_DEVICE",
        value_name = "DEVICE",
        global = true,
        hide_possible_values = true
    )]
    pub device: Option<DeviceChoice>,
    /// How a chat model keeps what it has read: f16 or q8_0, which takes half the memory [default: f16]
    #[arg(long, env = "SATCHEL_KV_CACHE", value_name = "FORMAT", global = true)]
    pub kv_cache: Option<KvCache>,
    /// Disk space in MiB for what prompts often begin with, kept over a restart, 0 for none [default: 0]
    #[arg(long, env = "SATCHEL_PREFIX_CACHE_MIB", value_name = "MIB")]
    pub prefix_cache_mib: Option<u64>,
    /// Life of an access token in minutes [default: 15]
    #[arg(long, env = "SATCHEL_ACCESS_TOKEN_MINUTES", value_name = "N")]
    pub access_token_minutes: Option<u32>,
    /// Life of a sign-in in days [default: 30]
    #[arg(long, env = "SATCHEL_REFRESH_TOKEN_DAYS", value_name = "N")]
    pub refresh_token_days: Option<u32>,
    /// Days that a conversation of /v1/chat is kept after its last message, 0 for ever [default: 90]
    #[arg(long, env = "SATCHEL_CONVERSATION_TTL_DAYS", value_name = "N")]
    pub conversation_ttl_days: Option<u32>,
    /// Chat API for people without a login: full, sessions (nobody lists others' sessions) or off [default: full on the loopback address, else sessions]
    #[arg(
        long,
        env = "SATCHEL_PUBLIC_CHAT",
        value_name = "HOW",
        hide_possible_values = true
    )]
    pub public_chat: Option<PublicChat>,
    /// Requests a minute and tenant, 0 for no limit [default: 0]
    #[arg(long, env = "SATCHEL_TENANT_RATE_LIMIT", value_name = "N")]
    pub tenant_rate_limit: Option<u32>,
    /// Requests a minute and address of people who have not signed in, 0 for no limit [default: 60]
    #[arg(long, env = "SATCHEL_PUBLIC_RATE_LIMIT", value_name = "N")]
    pub public_rate_limit: Option<u32>,
    /// Connections at once [default: 10000]
    #[arg(long, env = "SATCHEL_MAX_CONNECTIONS", value_name = "N")]
    pub max_connections: Option<usize>,
    /// How long a client may take to send a JSON body, and to send nothing in the middle of an upload [default: 30]
    #[arg(long, env = "SATCHEL_BODY_TIMEOUT_SECONDS", value_name = "N")]
    pub body_timeout_seconds: Option<u32>,
    /// How long the audit log is kept in days, 0 for as long as there is room [default: 365]
    #[arg(long, env = "SATCHEL_AUDIT_DAYS", value_name = "DAYS")]
    pub audit_days: Option<u32>,
    /// Days for which API keys of a user of an outside issuer work after the user's last token, 0 for ever [default: 30]
    #[arg(long, env = "SATCHEL_OUTSIDE_KEY_DAYS", value_name = "DAYS")]
    pub outside_key_days: Option<u32>,
    /// Proxies whose X-Forwarded-For is believed, as addresses or networks, comma separated [default: none]
    #[arg(
        long,
        env = "SATCHEL_TRUSTED_PROXIES",
        value_name = "NETWORK",
        value_delimiter = ','
    )]
    pub trusted_proxies: Option<Vec<Network>>,
    /// Folder of this machine below which the page may choose folders to keep in step; may be repeated [default: your home folder if only this machine reaches the server, else none]
    #[arg(long, env = "SATCHEL_WATCHABLE", value_name = "DIR")]
    pub watchable: Option<Vec<PathBuf>>,
    /// Others whose tokens are accepted; in the settings file alone.
    #[arg(skip)]
    pub issuers: Option<Vec<Issuer>>,
}

/// Exists so that clap can describe the settings.
#[derive(Parser)]
struct Described {
    #[command(flatten)]
    layer: Layer,
}

impl Layer {
    /// This layer where it says something, else `below`.
    pub fn or(self, below: Self) -> Self {
        // Destructuring without `..` makes a forgotten field a compile error.
        let Self {
            listen,
            data_dir,
            ui,
            handbook,
            log,
            log_format,
            rate_limit,
            streams_per_user,
            max_body_kib,
            max_upload_mib,
            max_message_chars,
            history_messages,
            cors_origins,
            model,
            draft_model,
            embedding_model,
            embedding_query_prefix,
            embedding_passage_prefix,
            rerank_model,
            entailment_model,
            hub_endpoint,
            context_tokens,
            answer_tokens,
            first_token_seconds,
            threads,
            device,
            kv_cache,
            prefix_cache_mib,
            access_token_minutes,
            refresh_token_days,
            conversation_ttl_days,
            public_chat,
            tenant_rate_limit,
            public_rate_limit,
            max_connections,
            body_timeout_seconds,
            audit_days,
            outside_key_days,
            trusted_proxies,
            watchable,
            issuers,
        } = self;
        Self {
            listen: listen.or(below.listen),
            data_dir: data_dir.or(below.data_dir),
            ui: ui.or(below.ui),
            handbook: handbook.or(below.handbook),
            log: log.or(below.log),
            log_format: log_format.or(below.log_format),
            rate_limit: rate_limit.or(below.rate_limit),
            streams_per_user: streams_per_user.or(below.streams_per_user),
            max_body_kib: max_body_kib.or(below.max_body_kib),
            max_upload_mib: max_upload_mib.or(below.max_upload_mib),
            max_message_chars: max_message_chars.or(below.max_message_chars),
            history_messages: history_messages.or(below.history_messages),
            cors_origins: cors_origins.or(below.cors_origins),
            model: model.or(below.model),
            draft_model: draft_model.or(below.draft_model),
            embedding_model: embedding_model.or(below.embedding_model),
            embedding_query_prefix: embedding_query_prefix.or(below.embedding_query_prefix),
            embedding_passage_prefix: embedding_passage_prefix.or(below.embedding_passage_prefix),
            rerank_model: rerank_model.or(below.rerank_model),
            entailment_model: entailment_model.or(below.entailment_model),
            hub_endpoint: hub_endpoint.or(below.hub_endpoint),
            context_tokens: context_tokens.or(below.context_tokens),
            answer_tokens: answer_tokens.or(below.answer_tokens),
            first_token_seconds: first_token_seconds.or(below.first_token_seconds),
            threads: threads.or(below.threads),
            device: device.or(below.device),
            kv_cache: kv_cache.or(below.kv_cache),
            prefix_cache_mib: prefix_cache_mib.or(below.prefix_cache_mib),
            access_token_minutes: access_token_minutes.or(below.access_token_minutes),
            refresh_token_days: refresh_token_days.or(below.refresh_token_days),
            conversation_ttl_days: conversation_ttl_days.or(below.conversation_ttl_days),
            public_chat: public_chat.or(below.public_chat),
            tenant_rate_limit: tenant_rate_limit.or(below.tenant_rate_limit),
            public_rate_limit: public_rate_limit.or(below.public_rate_limit),
            max_connections: max_connections.or(below.max_connections),
            body_timeout_seconds: body_timeout_seconds.or(below.body_timeout_seconds),
            audit_days: audit_days.or(below.audit_days),
            outside_key_days: outside_key_days.or(below.outside_key_days),
            trusted_proxies: trusted_proxies.or(below.trusted_proxies),
            watchable: watchable.or(below.watchable),
            issuers: issuers.or(below.issuers),
        }
    }

    /// A settings file with every setting, its explanation and its default,
    /// made from the same descriptions as `--help`.
    pub fn example() -> String {
        let mut text = String::from(
            "# Settings of satchel. The command line wins over the environment, the\n\
             # environment over this file. Every line shows the default.\n",
        );
        for argument in Described::command().get_arguments() {
            let (Some(long), Some(help)) = (argument.get_long(), argument.get_help()) else {
                continue;
            };
            let help = help.to_string();
            let (what, default) = match help.split_once(" [default: ") {
                Some((what, rest)) => (what, rest.trim_end_matches(']')),
                None => continue,
            };
            let plain = default.parse::<i64>().is_ok() || default == "true" || default == "false";
            let value = match (long, plain) {
                ("cors-origins" | "trusted-proxies", _) => "[]".to_owned(),
                (name, _) if name == "model" || name.ends_with("-model") => {
                    "\"some-model.gguf\"".to_owned()
                }
                ("public-chat", _) => "\"sessions\"".to_owned(),
                ("watchable", _) => "[\"/srv/papers\"]".to_owned(),
                ("embedding-query-prefix", _) => "\"query: \"".to_owned(),
                ("embedding-passage-prefix", _) => "\"passage: \"".to_owned(),
                (_, true) => default.to_owned(),
                (_, false) => format!("{default:?}"),
            };
            // Without a value of their own these mean something else.
            let mark = match long {
                "model" | "public-chat" | "watchable" => "# ",
                _ if long.ends_with("-model") || long.starts_with("embedding-") => "# ",
                _ => "",
            };
            let env = argument
                .get_env()
                .map(|name| format!(" ({})", name.to_string_lossy()));
            text += &format!(
                "\n# {what}{}\n{mark}{long} = {value}\n",
                env.unwrap_or_default()
            );
        }
        text + EXAMPLE
    }
}
