//! `satchel ask`: a question, its answer as it is written, and its sources.

use super::connection::Connection;
use super::datasets::dataset_named;
use crate::config::Config;
use anyhow::{Result, bail};
use serde_json::{Value, json};
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

#[derive(clap::Args)]
pub(super) struct Options {
    /// The question
    question: String,
    /// Continue this session
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Answer from this dataset alone
    #[arg(long, value_name = "NAME")]
    dataset: Option<String>,
    /// Answer in quotes even if there is a chat model
    #[arg(long)]
    quotes: bool,
    /// Let the chat model read all that is found, however long it takes
    #[arg(long)]
    all_passages: bool,
    /// Print the final answer with all its details as JSON
    #[arg(long)]
    json: bool,
}

/// Asks and prints. Exit code 2: the documents do not say.
pub(super) fn run(config: &Config, options: &Options) -> Result<ExitCode> {
    let connection = Connection::open(config)?;
    let mut body = json!({"message": options.question});
    if let Some(session) = &options.session {
        body["session_id"] = json!(session);
    }
    if let Some(name) = &options.dataset {
        body["dataset_id"] = json!(dataset_named(&connection, name)?);
    }
    if options.quotes {
        body["answer_mode"] = json!("quotes");
    }
    if options.all_passages {
        body["search_options"] = json!({"all_passages": true});
    }
    let mut out = std::io::stdout().lock();
    let mut last = None;
    for event in connection.stream("/chat/send", &body)? {
        let event = event?;
        if event.name == "error" {
            bail!(
                "{}",
                event.data["error"].as_str().unwrap_or("the answer failed")
            );
        }
        if let Some(status) = event.data["status"].as_str() {
            note(status);
        }
        if let (Some(token), false) = (event.data["token"].as_str(), options.json) {
            note("");
            write!(out, "{token}")?;
            out.flush()?;
        }
        if event.name == "message" && event.data["content"].is_string() {
            last = Some(event.data);
        }
    }
    let Some(last) = last else {
        bail!("the server ended the answer before it was complete");
    };
    if options.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&last)?)?;
    } else {
        write!(out, "{}", sources(&last))?;
    }
    Ok(match last["answered"].as_bool() {
        Some(false) => ExitCode::from(2),
        _ => ExitCode::SUCCESS,
    })
}

/// Shows what is being done on a terminal; the next note replaces it.
fn note(text: &str) {
    let mut err = std::io::stderr();
    if err.is_terminal() {
        // A terminal that cannot be written to shows nothing, and that is all.
        let _ = write!(err, "\r\x1b[2K{text}");
        let _ = err.flush();
    }
}

/// The list of sources and what was searched, below an answer.
fn sources(answer: &Value) -> String {
    let mut text = String::from("\n");
    let empty = Vec::new();
    let citations = answer["citations"].as_array().unwrap_or(&empty);
    let mut shown: Vec<(u64, &Value)> = Vec::new();
    for citation in citations {
        let number = citation["number"].as_u64().unwrap_or_default();
        let is_shown = |(other, earlier): &(u64, &Value)| {
            *other == number && earlier["text"] == citation["text"]
        };
        if !shown.iter().any(is_shown) {
            shown.push((number, citation));
        }
    }
    if !shown.is_empty() {
        text += "\nSources\n";
    }
    for (number, citation) in shown {
        let title = citation["title"].as_str().unwrap_or_default();
        let page = citation["page_number"]
            .as_u64()
            .map_or(String::new(), |page| format!(", page {page}"));
        let quoted = citation["text"].as_str().unwrap_or_default();
        let quoted = quoted.split_whitespace().collect::<Vec<_>>().join(" ");
        text += &format!("  [{number}] {title}{page}\n      \"{quoted}\"\n");
    }
    if let Some(words) = answer["searched_for"].as_str() {
        text += &format!("\nSearched for: {words}");
    }
    let coverage = &answer["coverage"];
    let number = |name: &str| coverage[name].as_u64().unwrap_or_default();
    text += &format!(
        "\nSearched {} pages of {} documents",
        number("pages") - number("pages_without_text").min(number("pages")),
        number("documents")
    );
    if number("pages_without_text") > 0 {
        text += &format!("; {} pages were not read", number("pages_without_text"));
    }
    if number("documents_pending") > 0 {
        text += &format!(
            "; {} documents are not read yet",
            number("documents_pending")
        );
    }
    text += ".\n";
    let parts = &answer["parts"];
    if let (Some(read), Some(passages)) = (parts["parts"].as_u64(), parts["passages"].as_u64()) {
        text += &format!("Read in {read} parts with {passages} passages.\n");
    }
    let left_out = &answer["left_out"];
    if let Some(note) = left_out["note"].as_str() {
        let count = |name: &str| left_out[name].as_u64().unwrap_or_default();
        let more = match count("for_time") + count("for_bound") {
            0 => ".",
            _ => "; --all-passages uses them all.",
        };
        text += &format!("{note}{more}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::sources;
    use serde_json::json;

    #[test]
    fn sources_name_document_and_page_and_what_was_not_searched() {
        let text = sources(&json!({
            "citations": [
                {"number": 1, "title": "Report", "page_number": 4, "text": "It was\nfiled."},
                {"number": 1, "title": "Report", "page_number": 4, "text": "It was\nfiled."},
            ],
            "coverage": {"pages": 10, "documents": 2, "pages_without_text": 3, "documents_pending": 0},
        }));
        assert_eq!(
            text,
            "\n\nSources\n  [1] Report, page 4\n      \"It was filed.\"\n\n\
             Searched 7 pages of 2 documents; 3 pages were not read.\n"
        );
        let note = "1 of 4 passages was left out";
        let text = sources(&json!({"left_out": {"note": note, "for_time": 1}}));
        assert!(text.contains(note) && text.contains("--all-passages"));
        let text = sources(&json!({"parts": {"parts": 9, "passages": 312}}));
        assert!(text.contains("Read in 9 parts with 312 passages."));
        let text = sources(&json!({"left_out": {"note": note, "for_context": 1}}));
        assert!(text.contains(note) && !text.contains("--all-passages"));
    }
}
