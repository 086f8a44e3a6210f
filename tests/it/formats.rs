//! Documents of many formats through the whole service: a row of a table is
//! found by a value in it, answered from and cited; what was not read is told.

use crate::support::{Client, Server};
use serde_json::{Value, json};

fn fixture(name: &str) -> Vec<u8> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::read(root.join("tests/fixtures/documents").join(name)).unwrap()
}

/// The cited texts of an answer.
fn cited(client: &Client, question: &str) -> Vec<String> {
    let events = client.ask(question);
    let citations = events.iter().filter(|event| event.name == "citation");
    citations
        .map(|event| event.data["text"].as_str().unwrap().to_owned())
        .collect()
}

fn ledger(client: &Client, document: &Value) -> Vec<(String, String)> {
    let path = format!("/documents/{}/pages", document["id"].as_str().unwrap());
    let pages = client.get(&path).json();
    let text = |page: &Value, field: &str| page[field].as_str().unwrap_or("").to_owned();
    let pages = pages["pages"].as_array().unwrap().iter();
    pages
        .map(|page| (text(page, "outcome"), text(page, "reason")))
        .collect()
}

#[test]
fn row_of_a_table_answers_with_the_names_of_its_columns() {
    let server = Server::start();
    let admin = server.admin();
    let all = [
        (
            "libreoffice.xlsx",
            "What is the unit price of the shaft seal S-7?",
            ["Shaft seal S-7", "Unit price: 42.25"],
        ),
        (
            "odfpy.ods",
            "How many litres of diesel are in tank T1?",
            ["Content: Diesel", "Litres: 4000"],
        ),
        (
            "python-pptx.pptx",
            "What is the telephone number of the fire brigade?",
            ["Role: Fire brigade", "Telephone: 4411"],
        ),
        (
            "pandoc.docx",
            "What is the highest pressure of the pump P-41?",
            ["Pump: P-41", "Highest pressure: 25 bar"],
        ),
    ];
    for (name, question, parts) in all {
        let document = admin.ingest(name, fixture(name));
        assert_eq!(document["status"], "ready", "{name}");
        let cited = cited(&admin, question);
        let answers = cited
            .iter()
            .any(|text| parts.iter().all(|part| text.contains(part)));
        assert!(answers, "{name}: {cited:?}");
    }
}

#[test]
fn rows_of_a_long_file_are_found_by_their_values() {
    let server = Server::start();
    let admin = server.admin();
    let rows: String = (0..400)
        .map(|at| format!("MX-{at:04};Valve type {};{} bar\n", at % 17, at % 31))
        .collect();
    admin.ingest(
        "valves.csv",
        format!("Article;Description;Pressure\n{rows}"),
    );
    let cited = cited(&admin, "Which pressure does article MX-0273 have?");
    assert!(
        cited
            .iter()
            .any(|text| text.contains("Article: MX-0273") && text.contains("Pressure: 25 bar")),
        "{cited:?}"
    );
}

#[test]
fn ledger_names_each_part_that_was_not_read() {
    let server = Server::start();
    let admin = server.admin();
    let mail = admin.ingest("python.eml", fixture("python.eml"));
    assert_eq!(
        (&mail["status"], &mail["pages_without_text"]),
        (&"ready".into(), &1.into())
    );
    let told = ledger(&admin, &mail);
    assert!(
        told.iter().any(
            |(outcome, reason)| outcome == "failed" && reason.starts_with("logo.png: an image")
        ),
        "{told:?}"
    );
    let photo = admin.ingest("photo.png", fixture("pixel.png"));
    assert_eq!(photo["status"], "failed");
    assert!(ledger(&admin, &photo)[0].1.contains("OCR"));
}

/// Pages that a search covered, and how many of them were not read.
fn searched(client: &Client, dataset: &Value, query: &str) -> (Value, u64, u64) {
    let options = json!({"score_threshold": 0});
    let body = json!({"query": query, "dataset_id": dataset, "search_options": options});
    let found = client.post("/api/search", &body).json();
    let count = |name: &str| found["coverage"][name].as_u64().unwrap();
    (
        found["results"][0]["text"].clone(),
        count("pages"),
        count("pages_without_text"),
    )
}

#[test]
fn scans_count_as_unread_in_every_search_and_their_stamps_are_found() {
    let server = Server::start();
    let admin = server.admin();
    let scans = admin.ingest("scans.pdf", fixture("scans.pdf"));
    assert_eq!(
        (
            &scans["status"],
            &scans["page_count"],
            &scans["pages_without_text"]
        ),
        (&"ready".into(), &6.into(), &3.into())
    );
    let told = ledger(&admin, &scans);
    let outcomes: Vec<&str> = told.iter().map(|(outcome, _)| outcome.as_str()).collect();
    let expected = ["failed", "text", "failed", "text", "text", "failed"];
    assert_eq!(outcomes, expected);
    let dataset = &scans["dataset_id"];
    let (text, pages, unread) = searched(&admin, dataset, "GRENN-0004711");
    assert_eq!(
        (text.as_str(), pages, unread),
        (Some("GRENN-0004711"), 6, 3)
    );
    // Nothing of these can be searched, and they are not left out of the count.
    let photo = admin.ingest("photo.png", fixture("pixel.png"));
    let paper = admin.ingest("scans.docx", fixture("scans.docx"));
    assert_eq!(
        (&photo["status"], &paper["status"]),
        (&"failed".into(), &"failed".into())
    );
    let (_, pages, unread) = searched(&admin, dataset, "GRENN-0004711");
    assert_eq!((pages, unread), (8, 5));
    let alone = json!({"query": "photo", "document_ids": [photo["id"]]});
    let found = admin.post("/api/search", &alone).json();
    assert_eq!(found["coverage"]["pages"], 1, "{found}");
}

#[test]
fn pictures_of_a_document_are_told_and_harm_it_not() {
    let server = Server::start();
    let admin = server.admin();
    let paper = admin.ingest("pit.docx", fixture("python-docx.docx"));
    assert_eq!(
        (&paper["status"], &paper["pages_without_text"]),
        (&"ready".into(), &0.into())
    );
    let note = "2 pictures or charts in it were not read";
    assert_eq!(
        ledger(&admin, &paper),
        [("text".to_owned(), note.to_owned())]
    );
    let (text, ..) = searched(&admin, &paper["dataset_id"], "plan of the two gates");
    assert!(text.as_str().unwrap().contains("Plan of the pit"), "{text}");
}

#[test]
fn lines_that_are_no_documents_are_one_document_of_records() {
    let server = Server::start();
    let admin = server.admin();
    let document = admin.ingest("records.jsonl", fixture("records.jsonl"));
    assert_eq!(
        (&document["status"], &document["file_type"]),
        (&"ready".into(), &"json".into())
    );
    let cited = cited(&admin, "Who is the supplier of the bearing 6204?");
    assert!(
        cited
            .iter()
            .any(|text| text.contains("Supplier: Nordlager")),
        "{cited:?}"
    );
}
