//! Four real PDFs that lie beside the project: each is read, and a question
//! about it gets the right page cited.

use crate::support::Server;
use std::path::{Path, PathBuf};

/// File, pages, a question, the page that answers it and words of the answer.
const FILES: [(&str, u64, &str, u64, &str); 4] = [
    (
        "nvda-10q-2023q3.pdf",
        52,
        "How much was Data Center revenue up from a year ago?",
        28,
        "up 279% from a year ago",
    ),
    (
        "ntsb-report.pdf",
        3,
        "What kind of aircraft was destroyed near Chevroux?",
        1,
        "Reims F172",
    ),
    (
        "nih-protocol.pdf",
        28,
        "Which operations did the patients undergo as a day-case who will be interviewed?",
        3,
        "transurethral bladder tumour resection",
    ),
    (
        "hhs-2022.pdf",
        160,
        "How are states encouraged to collaborate with tribes on income and housing support?",
        80,
        "collaborate with tribes",
    ),
];

fn folder() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/pdf");
    if !folder.is_dir() {
        eprintln!("skipped: {} is not here", folder.display());
        return None;
    }
    Some(folder)
}

#[test]
fn question_about_a_real_pdf_gets_the_right_page_cited() {
    let Some(folder) = folder() else { return };
    let server = Server::start();
    let client = server.admin();
    for (name, pages, ..) in FILES {
        let document = client.ingest(name, std::fs::read(folder.join(name)).unwrap());
        assert_eq!(document["status"], "ready", "{document}");
        assert_eq!(document["page_count"], pages, "{document}");
    }
    for (name, _, question, page, words) in FILES {
        let events = client.ask(question);
        let answer = events
            .iter()
            .map(|event| &event.data)
            .find(|data| data["content"].is_string())
            .expect("a final frame");
        let citations = answer["citations"].as_array().unwrap();
        let is_right = |citation: &serde_json::Value| {
            citation["filename"] == name
                && citation["page_number"] == page
                && citation["text"].as_str().unwrap().contains(words)
        };
        assert!(citations.iter().any(is_right), "{question}: {answer:#}");
    }
}
