//! `satchel search`: retrieval alone.

use super::connection::Connection;
use super::datasets::dataset_named;
use crate::config::Config;
use anyhow::Result;
use clap::ValueEnum;
use serde_json::{Value, json};
use std::process::ExitCode;

#[derive(clap::Args)]
pub(super) struct Options {
    /// What to search for
    query: String,
    /// Passages to print
    #[arg(long, default_value_t = 4, value_name = "N")]
    k: usize,
    /// How to search
    #[arg(long, value_enum, default_value_t = Kind::Hybrid)]
    kind: Kind,
    /// Least relevance, 0 to 1
    #[arg(long, default_value_t = 0.0, value_name = "SCORE")]
    threshold: f32,
    /// Read the best candidates word by word and order them anew
    #[arg(long)]
    rerank: bool,
    /// Search this dataset alone
    #[arg(long, value_name = "NAME")]
    dataset: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    /// Vectors alone
    Similarity,
    /// Keywords alone (BM25)
    Keyword,
    /// Both, fused
    Hybrid,
    /// Both, picked for relevance and diversity
    Mmr,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Similarity => "SIMILARITY",
            Self::Keyword => "KEYWORD",
            Self::Hybrid => "HYBRID",
            Self::Mmr => "MMR",
        }
    }
}

/// Searches and prints. Exit code 2: nothing was found.
pub(super) fn run(config: &Config, options: &Options) -> Result<ExitCode> {
    let connection = Connection::open(config)?;
    let mut body = json!({
        "query": options.query,
        "search_options": {
            "search_type": options.kind.as_str(),
            "k": options.k,
            "score_threshold": options.threshold,
            "rerank": options.rerank,
        },
    });
    if let Some(name) = &options.dataset {
        body["dataset_id"] = json!(dataset_named(&connection, name)?);
    }
    let answer = connection.post("/api/search", &body)?;
    let empty = Vec::new();
    let results = answer["results"].as_array().unwrap_or(&empty);
    if options.json {
        println!("{}", serde_json::to_string_pretty(&answer)?);
    } else if results.is_empty() {
        println!("Nothing was found.");
    } else {
        for (index, result) in results.iter().enumerate() {
            print!("{}", passage(index + 1, result));
        }
    }
    Ok(match results.is_empty() {
        true => ExitCode::from(2),
        false => ExitCode::SUCCESS,
    })
}

fn passage(number: usize, result: &Value) -> String {
    let word = |name: &str| result[name].as_str().unwrap_or_default();
    let page = result["page_number"]
        .as_u64()
        .map_or(String::new(), |page| format!(", page {page}"));
    let score = result["score"].as_f64().unwrap_or_default();
    let title = match word("title") {
        "" => word("filename"),
        title => title,
    };
    let text: Vec<&str> = word("text").lines().map(str::trim).collect();
    format!(
        "{number}. {title}{page}  ({score:.2})\n   {}\n\n",
        text.join("\n   ")
    )
}

#[cfg(test)]
mod tests {
    use super::passage;
    use serde_json::json;

    #[test]
    fn passage_is_printed_with_document_page_and_score() {
        let result = json!({"title": "Report", "page_number": 4, "score": 0.913, "text": "a\n b"});
        assert_eq!(
            passage(1, &result),
            "1. Report, page 4  (0.91)\n   a\n   b\n\n"
        );
    }
}
