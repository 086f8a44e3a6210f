//! Questions that lean on their conversation find what they mean.

use crate::support::{Client, LIGHTHOUSE, Server};
use satchel::engine::decoder::Architecture;
use serde_json::{Value, json};

/// What came of a question: its session, what was searched for and the title of
/// the first source.
struct Asked {
    session: Value,
    searched_for: Value,
    first: String,
    answer: Value,
}

fn ask(client: &Client, message: &str, session: Option<&Value>) -> Asked {
    let mut body = json!({"message": message});
    if let Some(session) = session {
        body["session_id"] = session.clone();
    }
    let events: Vec<_> = client.stream("/chat/send", &body).collect();
    let named = |name: &str| {
        let found = events.iter().find(|event| event.name == name);
        found
            .unwrap_or_else(|| panic!("no {name}: {events:?}"))
            .data
            .clone()
    };
    let whole = events
        .iter()
        .find(|event| event.data["content"].is_string());
    let sources = named("sources");
    let answer = whole.unwrap().data.clone();
    assert_eq!(answer["searched_for"], sources["searched_for"]);
    Asked {
        session: named("accepted")["session_id"].clone(),
        searched_for: sources["searched_for"].clone(),
        first: sources["sources"][0]["filename"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        answer,
    }
}

/// Two lighthouses that differ in names and numbers alone.
fn add_documents(server: &Server) {
    let admin = server.admin();
    admin.ingest("marrow.md", LIGHTHOUSE);
    let other = LIGHTHOUSE
        .replace("Marrow", "Skerry")
        .replace("41 metres", "29 metres")
        .replace("Adela Thornqvist", "Joren Vik")
        .replace("Tobias Grenn", "Sunniva Dahl");
    admin.ingest("skerry.md", &other);
}

#[test]
fn pronoun_and_ellipsis_find_what_they_stand_for() {
    let server = Server::start();
    add_documents(&server);
    let admin = server.admin();
    let first = ask(&admin, "Who built the lighthouse of Skerry Point?", None);
    assert_eq!(
        (first.first.as_str(), &first.searched_for),
        ("skerry.md", &Value::Null)
    );

    let second = ask(&admin, "How high is its tower?", Some(&first.session));
    assert_eq!(second.first, "skerry.md");
    let searched = second.searched_for.as_str().unwrap();
    assert!(searched.contains("Skerry Point"), "{searched}");
    let said = second.answer["content"].as_str().unwrap();
    assert!(said.contains("29 metres"), "{said}");

    // What was searched for is what the next question leans on.
    let third = ask(&admin, "And of Marrow Point?", Some(&first.session));
    assert_eq!(third.first, "marrow.md");
    let said = third.answer["content"].as_str().unwrap();
    assert!(said.contains("41 metres"), "{said}");

    let path = format!("/chat/sessions/{}", first.session.as_str().unwrap());
    let stored = admin.get(&path).json();
    let last = stored["messages"].as_array().unwrap().last().unwrap();
    assert_eq!(last["metadata"]["searched_for"], third.searched_for);
}

#[test]
fn question_of_another_conversation_is_not_leant_on() {
    let server = Server::start();
    add_documents(&server);
    let admin = server.admin();
    ask(&admin, "Who built the lighthouse of Skerry Point?", None);
    let alone = ask(&admin, "How high is its tower?", None);
    assert_eq!(alone.searched_for, Value::Null);
}

#[test]
fn what_a_model_makes_up_is_not_searched_for() {
    // One with random weights makes up everything.
    let server = Server::with_model(Architecture::Llama);
    add_documents(&server);
    let admin = server.admin();
    let first = ask(&admin, "Who built the lighthouse of Skerry Point?", None);
    let second = ask(&admin, "How high is its tower?", Some(&first.session));
    assert_eq!(second.searched_for, "Skerry Point How high is its tower?");
    assert_eq!(second.first, "skerry.md");
}

#[test]
fn identifier_is_carried_over_whole_and_a_new_question_gets_nothing() {
    let server = Server::start();
    let admin = server.admin();
    let codes = "# Errors\n\nError E-1042 means that the filter is blocked: rinse it with warm water.\n\n\
        Error E-1043 means that the fan is stuck: oil its bearing.\n";
    admin.ingest("codes.md", codes);
    let first = ask(&admin, "What does error E-1042 mean?", None);
    let then = |question: &str| ask(&admin, question, Some(&first.session)).searched_for;
    assert_eq!(then("How do I fix it?"), "E-1042 How do I fix it?");
    assert_eq!(then("And E-1043?"), "E-1043 How do I fix it");
    assert_eq!(then("Who is the mayor of Oslo?"), Value::Null);
    assert_eq!(then("Summarise these documents"), Value::Null);
}
