//! PDFs that real programs made: each is read, and a question about it gets the
//! right page cited. Small ones are in the repository; four published ones lie
//! beside the project, or not.

use crate::support::{Client, Server, outside_data};
use std::path::Path;

/// File, pages, a question, the page that answers it and words of the answer.
type Question = (&'static str, u64, &'static str, u64, &'static str);

const FIXTURES: [Question; 6] = [
    (
        "groff-report.pdf",
        5,
        "Which pump stays below what was agreed with its supplier?",
        1,
        "Pump P-42 stays below",
    ),
    (
        "groff-report.pdf",
        5,
        "What seal does pump P-41 have?",
        1,
        "Pump: P-41;\tSeal: carbon",
    ),
    (
        "groff-report.pdf",
        5,
        "Which valve cannot be opened without the long key?",
        3,
        "eastern basin leak",
    ),
    (
        "table.pdf",
        1,
        "Who is the supplier of part B-6204?",
        1,
        "Part: B-6204;\tSupplier: Nordlager",
    ),
    (
        "two-columns.pdf",
        2,
        "What does a worn seal let into the bearing?",
        2,
        "A worn seal lets water into the bearing",
    ),
    (
        "rotated.pdf",
        7,
        "How is valve 5 closed before the pump is started again?",
        5,
        "Valve 5 is closed by hand",
    ),
];

const PUBLISHED: [Question; 4] = [
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

fn assert_answered(client: &Client, folder: &Path, questions: &[Question]) {
    let mut known: Vec<&str> = Vec::new();
    for (name, pages, ..) in questions {
        if known.contains(name) {
            continue;
        }
        known.push(name);
        let document = client.ingest(name, std::fs::read(folder.join(name)).unwrap());
        assert_eq!(document["status"], "ready", "{document}");
        assert_eq!(document["page_count"], *pages, "{document}");
    }
    for (name, _, question, page, words) in questions {
        let events = client.ask(question);
        let answer = events
            .iter()
            .map(|event| &event.data)
            .find(|data| data["content"].is_string())
            .expect("a final frame");
        let citations = answer["citations"].as_array().unwrap();
        let is_right = |citation: &serde_json::Value| {
            citation["filename"] == *name
                && citation["page_number"] == *page
                && citation["text"].as_str().unwrap().contains(words)
        };
        assert!(citations.iter().any(is_right), "{question}: {answer:#}");
    }
}

#[test]
fn question_about_a_pdf_gets_the_right_page_or_row_cited() {
    let server = Server::start();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/documents");
    assert_answered(&server.admin(), &folder, &FIXTURES);
}

#[test]
fn question_about_a_published_pdf_gets_the_right_page_cited() {
    let Some(folder) = outside_data("pdf") else {
        return;
    };
    let server = Server::start();
    assert_answered(&server.admin(), &folder, &PUBLISHED);
}
