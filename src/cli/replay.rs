//! `satchel replay`: an answer once more, and what differs.

use super::connection::{Connection, print_json};
use crate::config::Config;
use anyhow::Result;
use serde_json::{Value, json};
use std::process::ExitCode;

#[derive(clap::Args)]
pub(super) struct Options {
    /// The id of the answer: the `message_id` that `satchel ask --json` prints
    #[arg(value_name = "ID")]
    answer: String,
    /// Print both answers, how they came about and what differs as JSON
    #[arg(long)]
    json: bool,
}

/// Replays and prints. Exit code 1: what was found or what was said differs.
pub(super) fn run(config: &Config, options: &Options) -> Result<ExitCode> {
    let connection = Connection::open(config)?;
    let path = format!("/api/answers/{}/replay", options.answer);
    let replay = connection.post(&path, &json!({}))?;
    match options.json {
        true => print_json(&replay)?,
        false => print!("{}", report(&replay)),
    }
    Ok(match replay["same"] {
        Value::Bool(true) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

/// What differs, for people.
fn report(replay: &Value) -> String {
    let list = |name: &str| replay[name].as_array().into_iter().flatten();
    let text = |value: &Value| value["text"].as_str().unwrap_or_default().to_owned();
    let mut report = format!("{}\n\n", replay["question"].as_str().unwrap_or_default());
    let count = |name: &str| {
        let passages = &replay["first"]["record"][name];
        passages.as_array().map_or(0, Vec::len)
    };
    report += &format!(
        "First: {} passages shown, {} skipped, {} others considered.\n",
        count("shown"),
        count("skipped"),
        count("considered"),
    );
    let titled = [
        (false, "Made with something else:"),
        (true, "What came of it differs:"),
    ];
    for (outcome, title) in titled {
        let mut of_kind = list("differences").filter(|one| one["outcome"] == outcome);
        if let Some(first) = of_kind.next() {
            report += &format!("\n{title}\n  {}\n", text(first));
            for one in of_kind {
                report += &format!("  {}\n", text(one));
            }
        }
    }
    if list("sentences").next().is_some() {
        report += "\nSentences (- first, + now):\n";
    }
    for sentence in list("sentences") {
        let sign = match sentence["side"].as_str() {
            Some("first") => '-',
            Some("again") => '+',
            _ => ' ',
        };
        let line = text(sentence);
        let words: Vec<&str> = line.split_whitespace().collect();
        report += &format!("{sign} {}\n", words.join(" "));
    }
    if replay["same"] == true {
        report += "\nThe same passages, the same answer.\n";
    }
    report
}

#[cfg(test)]
mod tests {
    use super::report;
    use serde_json::json;

    #[test]
    fn differences_are_printed_by_what_they_are_about_and_sentences_with_their_sign() {
        let text = report(&json!({
            "question": "What does the lamp burn?",
            "same": false,
            "first": {"record": {"shown": [{}, {}], "skipped": [], "considered": [{}]}},
            "differences": [
                {"outcome": false, "text": "satchel's version: first 1, now 2"},
                {"outcome": true, "text": "lamp.md has another content"},
            ],
            "sentences": [
                {"side": "first", "text": "It burns\noil."},
                {"side": "again", "text": "It burns gas."},
                {"side": "both", "text": "It is old."},
            ],
        }));
        assert_eq!(
            text,
            "What does the lamp burn?\n\n\
             First: 2 passages shown, 0 skipped, 1 others considered.\n\n\
             Made with something else:\n  satchel's version: first 1, now 2\n\n\
             What came of it differs:\n  lamp.md has another content\n\n\
             Sentences (- first, + now):\n- It burns oil.\n+ It burns gas.\n  It is old.\n"
        );
    }

    #[test]
    fn same_answer_is_said_to_be_the_same() {
        let text = report(&json!({"question": "Q", "same": true, "first": {"record": {}}}));
        assert!(
            text.ends_with("The same passages, the same answer.\n"),
            "{text}"
        );
    }
}
