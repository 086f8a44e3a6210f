//! Questions about whole documents are answered from all of their sections, and
//! questions for all of something from all that they say of it.

use crate::support::{BAKERY, Client, Form, LIGHTHOUSE, Server};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long it may take until all documents are ready.
const PATIENCE: Duration = Duration::from_secs(60);

fn answer(client: &Client, body: &Value) -> Value {
    let events: Vec<_> = client.stream("/chat/send", body).collect();
    let whole = events
        .iter()
        .find(|event| event.data["content"].is_string());
    whole
        .unwrap_or_else(|| panic!("no answer: {events:?}"))
        .data
        .clone()
}

#[test]
fn summary_of_a_named_document_begins_each_of_its_sections() {
    let server = Server::start();
    let admin = server.admin();
    admin.ingest("lighthouse.md", LIGHTHOUSE);
    admin.ingest("bakery.md", BAKERY);
    let asked = json!({"message": "Summarise the lighthouse document, lighthouse.md"});
    let answer = answer(&admin, &asked);
    assert_eq!(answer["mode"], "quotes");
    // Whether the documents answer it was no question.
    assert_eq!(
        (&answer["answerable"], &answer["answered"]),
        (&Value::Null, &json!(true))
    );
    let content = answer["content"].as_str().unwrap();
    assert!(content.contains("built in 1874"), "{content}");
    assert!(!content.contains("rye"), "{content}");
    for citation in answer["citations"].as_array().unwrap() {
        assert_eq!(citation["filename"], "lighthouse.md");
    }
}

#[test]
fn summary_of_chosen_documents_is_of_each_of_them() {
    let server = Server::start();
    let admin = server.admin();
    admin.ingest("lighthouse.md", LIGHTHOUSE);
    admin.ingest("bakery.md", BAKERY);
    let list = admin.get("/api/documents").json();
    let ids: Vec<&Value> = list["documents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["id"])
        .collect();
    let answer = answer(
        &admin,
        &json!({"message": "Summarise these", "document_ids": ids}),
    );
    let content = answer["content"].as_str().unwrap();
    assert!(
        content.contains("built in 1874") && content.contains("rye flour"),
        "{content}"
    );
}

#[test]
fn summary_of_a_subject_is_searched_for() {
    let server = Server::start();
    let admin = server.admin();
    admin.ingest("lighthouse.md", LIGHTHOUSE);
    admin.ingest("bakery.md", BAKERY);
    let asked = json!({"message": "Give me an overview of the baking of sourdough loaves"});
    let answer = answer(&admin, &asked);
    assert_eq!(answer["sources"][0]["filename"], "bakery.md");
}

/// Adds so many letters, each a document of two sentences, and gives their ids.
fn letters(client: &Client, count: usize) -> Vec<Value> {
    let line = |n: usize| {
        let text = format!("Harbour {n} froze in winter {n}. The boats of harbour {n} stayed in.");
        json!({"title": format!("Letter {n}"), "text": text}).to_string() + "\n"
    };
    let lines: String = (1..=count).map(line).collect();
    client.ingest("letters.jsonl", lines);
    let began = Instant::now();
    loop {
        let list = client.get("/api/documents?status=ready&limit=500").json();
        let ready = list["documents"].as_array().unwrap();
        if ready.len() == count {
            // The newest come first.
            return ready.iter().rev().map(|one| one["id"].clone()).collect();
        }
        assert!(began.elapsed() < PATIENCE, "{list:#}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn summary_of_all_documents_quotes_what_each_says_first_under_its_name() {
    let server = Server::start();
    let admin = server.admin();
    letters(&admin, 6);
    let body = json!({"message": "Summarise all documents"});
    let events: Vec<_> = admin.stream("/chat/send", &body).collect();
    let said: String = events
        .iter()
        .filter_map(|event| event.data["token"].as_str())
        .collect();
    let blocks: String = events
        .iter()
        .filter(|event| event.name == "block")
        .filter_map(|event| event.data["html"].as_str())
        .collect();
    let mut whole = events.iter();
    let whole = whole.find(|event| event.data["content"].is_string());
    let answer = &whole.unwrap().data;
    assert_eq!(answer["mode"], "quotes");
    let wanted: Vec<String> = (1..=6)
        .map(|n| {
            format!(
                "Letter {n}:\n\nHarbour {n} froze in winter {n}. The boats of harbour {n} stayed in. [{n}]"
            )
        })
        .collect();
    assert_eq!(answer["content"], wanted.join("\n\n").as_str());
    assert_eq!(answer["content"], said.as_str());
    assert_eq!(answer["html"], blocks.as_str());
    let sources = answer["sources"].as_array().unwrap();
    let citations = answer["citations"].as_array().unwrap();
    assert_eq!((sources.len(), citations.len()), (6, 6));
    for (source, citation) in sources.iter().zip(citations) {
        assert_eq!(source["document_id"], citation["document_id"]);
    }
}

#[test]
fn summary_of_more_documents_than_one_reads_says_how_many_more_there_are() {
    let server = Server::start();
    let admin = server.admin();
    letters(&admin, 30);
    let asked = json!({"message": "Fasse alle Dokumente zusammen"});
    let answer = answer(&admin, &asked);
    let content = answer["content"].as_str().unwrap();
    assert!(
        content.ends_with("Und 6 weitere Dokumente, aus denen hier nichts zitiert ist."),
        "{content}"
    );
    assert_eq!(answer["citations"].as_array().unwrap().len(), 24);
}

#[test]
fn summary_of_many_chosen_documents_keeps_to_them_and_one_with_a_subject_is_searched_for() {
    let server = Server::start();
    let admin = server.admin();
    let ids = letters(&admin, 8);
    let some: Vec<&Value> = ids.iter().skip(2).collect();
    let asked = json!({"message": "Give me an overview", "document_ids": some});
    let overview = answer(&admin, &asked);
    let of = |answer: &Value| -> Vec<Value> {
        let citations = answer["citations"].as_array().unwrap().iter();
        citations.map(|one| one["document_id"].clone()).collect()
    };
    assert_eq!(of(&overview), ids[2..]);
    let asked = json!({"message": "Give me an overview of harbour 5", "document_ids": some});
    let found = answer(&admin, &asked);
    assert!(of(&found).len() < 6, "{found:#}");
    assert_eq!(of(&found)[0], ids[4]);
}

#[test]
fn summary_of_a_dataset_is_of_all_that_is_in_it() {
    let server = Server::start();
    let admin = server.admin();
    letters(&admin, 5);
    let dataset = admin
        .post("/api/datasets", &json!({"name": "Bread"}))
        .json();
    let form = Form::new()
        .field("dataset_id", dataset["id"].as_str().unwrap())
        .file("bakery.md", BAKERY);
    let added = admin.send_form(&form).json();
    admin.settled(added["id"].as_str().unwrap());
    let other = Form::new()
        .field("dataset_id", dataset["id"].as_str().unwrap())
        .file("lighthouse.md", LIGHTHOUSE);
    let added = admin.send_form(&other).json();
    admin.settled(added["id"].as_str().unwrap());
    let asked = json!({"message": "Summarise everything", "dataset_id": dataset["id"]});
    let answer = answer(&admin, &asked);
    let content = answer["content"].as_str().unwrap();
    assert!(
        content.contains("built in 1874") && content.contains("rye flour"),
        "{content}"
    );
    assert!(!content.contains("Harbour"), "{content}");
}

/// A chronicle with more keepers than a search gives passages, and one that no
/// list of keepers should name.
fn chronicle(from: usize, to: usize) -> String {
    let part = |n: usize| {
        format!(
            "## Year {n}\n\nKeeper number {n} of the tower came from the parish of Hollowfield {n}. \
             {}\n\n",
            "The winter of that year was long and the harbour froze twice before Easter. "
                .repeat(12)
        )
    };
    let parts: String = (from..to).map(part).collect();
    format!("# Chronicle of the tower\n\n{parts}")
}

#[test]
fn list_of_all_names_each_one_of_all_documents_in_their_order() {
    let server = Server::start();
    let admin = server.admin();
    admin.ingest("early.md", chronicle(100, 112));
    admin.ingest("late.md", chronicle(111, 120));
    admin.ingest("bakery.md", BAKERY);
    let answer = answer(&admin, &json!({"message": "List all keepers of the tower"}));
    assert_eq!(answer["mode"], "quotes");
    assert_eq!(
        (&answer["answerable"], &answer["answered"]),
        (&Value::Null, &json!(true))
    );
    let content = answer["content"].as_str().unwrap();
    let places: Vec<usize> = (100..120)
        .map(|n| {
            let words = format!("Keeper number {n} of the tower");
            assert_eq!(content.matches(&words).count(), 1, "{words}: {content}");
            content.find(&words).unwrap()
        })
        .collect();
    assert!(places.is_sorted(), "{content}");
    assert!(
        !content.contains("rye") && !content.contains("froze"),
        "{content}"
    );
    assert!(
        content.ends_with("These are 20 statements from 2 documents."),
        "{content}"
    );
    let citations = answer["citations"].as_array().unwrap();
    assert_eq!(citations.len(), 20);
    for citation in citations {
        let id = citation["document_id"].as_str().unwrap();
        let page = admin.get(&format!("/documents/{id}/pages/1")).json();
        let at = |field: &str| citation[field].as_u64().unwrap() as usize;
        let text = page["text"].as_str().unwrap().chars();
        let cited: String = text
            .skip(at("start"))
            .take(at("end") - at("start"))
            .collect();
        assert_eq!(citation["text"], cited.as_str());
    }
    let html = answer["html"].as_str().unwrap();
    assert_eq!(html.matches("<blockquote").count(), 20);
}

#[test]
fn list_that_is_cut_says_how_many_there_are_in_the_language_of_the_question() {
    let server = Server::start();
    let admin = server.admin();
    let keepers: String = (0..50)
        .map(|n| format!("Der Wärter Nummer {n} zog die Lampe jede Nacht {n} mal auf. "))
        .collect();
    admin.ingest("waerter.md", format!("# Die Lampe\n\n{keepers}"));
    let asked = json!({"message": "Nenne alle Wärter der Lampe"});
    let content = answer(&admin, &asked)["content"].clone();
    let content = content.as_str().unwrap();
    assert!(
        content.ends_with("Das sind die ersten 40 von 50 Aussagen aus 1 Dokument."),
        "{content}"
    );
}

#[test]
fn list_of_what_only_one_statement_tells_is_this_statement() {
    let server = Server::start();
    let admin = server.admin();
    admin.ingest("lighthouse.md", LIGHTHOUSE);
    let answer = answer(
        &admin,
        &json!({"message": "List all keepers of the lighthouse"}),
    );
    let content = answer["content"].as_str().unwrap();
    assert!(content.contains("Tobias Grenn"), "{content}");
    assert!(!content.contains("statements from"), "{content}");
}

#[test]
fn list_is_quoted_even_where_a_chat_model_is_loaded_and_keeps_to_its_scope() {
    let server = Server::with_model(satchel::engine::decoder::Architecture::Qwen2);
    let admin = server.admin();
    let early = admin.ingest("early.md", chronicle(100, 104))["id"].clone();
    admin.ingest("late.md", chronicle(110, 114));
    let asked = json!({"message": "Which keepers are there?", "document_ids": [early]});
    let answer = answer(&admin, &asked);
    assert_eq!(answer["mode"], "quotes");
    let content = answer["content"].as_str().unwrap();
    assert!(
        content.ends_with("These are 4 statements from 1 document."),
        "{content}"
    );
}
