//! One source of settings, and the documented example made from it.

use crate::telemetry::LogFormat;
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
    /// Where models are downloaded from when somebody asks for one [default: https://huggingface.co]
    #[arg(long, env = "HF_ENDPOINT", value_name = "URL", global = true)]
    pub hub_endpoint: Option<String>,
    /// Longest context given to a chat model, in tokens [default: 4096]
    #[arg(long, env = "SATCHEL_CONTEXT_TOKENS", value_name = "N")]
    pub context_tokens: Option<usize>,
    /// Longest answer of a chat model, in tokens [default: 512]
    #[arg(long, env = "SATCHEL_ANSWER_TOKENS", value_name = "N")]
    pub answer_tokens: Option<usize>,
    /// Threads for inference, 0 for one a core [default: 0]
    #[arg(long, env = "SATCHEL_THREADS", value_name = "N", global = true)]
    pub threads: Option<usize>,
    /// Life of an access token in minutes [default: 15]
    #[arg(long, env = "SATCHEL_ACCESS_TOKEN_MINUTES", value_name = "N")]
    pub access_token_minutes: Option<u32>,
    /// Life of a sign-in in days [default: 30]
    #[arg(long, env = "SATCHEL_REFRESH_TOKEN_DAYS", value_name = "N")]
    pub refresh_token_days: Option<u32>,
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
            embedding_model,
            embedding_query_prefix,
            embedding_passage_prefix,
            rerank_model,
            hub_endpoint,
            context_tokens,
            answer_tokens,
            threads,
            access_token_minutes,
            refresh_token_days,
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
            embedding_model: embedding_model.or(below.embedding_model),
            embedding_query_prefix: embedding_query_prefix.or(below.embedding_query_prefix),
            embedding_passage_prefix: embedding_passage_prefix.or(below.embedding_passage_prefix),
            rerank_model: rerank_model.or(below.rerank_model),
            hub_endpoint: hub_endpoint.or(below.hub_endpoint),
            context_tokens: context_tokens.or(below.context_tokens),
            answer_tokens: answer_tokens.or(below.answer_tokens),
            threads: threads.or(below.threads),
            access_token_minutes: access_token_minutes.or(below.access_token_minutes),
            refresh_token_days: refresh_token_days.or(below.refresh_token_days),
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
                ("cors-origins", _) => "[]".to_owned(),
                ("model" | "embedding-model" | "rerank-model", _) => {
                    "\"some-model.gguf\"".to_owned()
                }
                ("embedding-query-prefix", _) => "\"query: \"".to_owned(),
                ("embedding-passage-prefix", _) => "\"passage: \"".to_owned(),
                (_, true) => default.to_owned(),
                (_, false) => format!("{default:?}"),
            };
            // Without a value of their own these mean something else.
            let mark = match long {
                "model" | "rerank-model" => "# ",
                _ if long.starts_with("embedding-") => "# ",
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
        text
    }
}
