//! Answers that are bound to a selected text.

use crate::orchestration::{KEEPER, query, refused, with_documents};
use crate::support::{Event, Server, assert_shape, outside_data};
use satchel::answer::read_selection;
use satchel::engine::decoder::Architecture;
use satchel::engine::encoder::Encoder;
use serde_json::{Value, json};

#[test]
fn selected_text_is_the_only_source() {
    let server = with_documents();
    let admin = server.admin();
    let text = "The tower of Cape Wrath is 20 metres high. Its first keeper was Ewan Rae, who came from Durness.";
    let body = json!({"selected_text": text, "question": KEEPER, "session_id": "sel"});
    let answer = admin.post("/chat/selected-text", &body);
    assert_eq!(answer.status, 200, "{}", answer.text);
    let answer = answer.json();
    assert_shape(
        &answer,
        &json!({"response_id": "string", "answer": "string", "session_id": "sel",
                "timestamp": "datetime"}),
    );
    let said = answer["answer"].as_str().unwrap();
    assert!(
        said.contains("Ewan Rae") && !said.contains("Grenn"),
        "{said}"
    );
    assert!(!said.contains('['), "there is but one source: {said}");
    assert!(text.contains(said), "a quote is word for word: {said}");

    let elsewhere = json!({"selected_text": text, "session_id": "sel",
                           "question": "How long do loaves rest before baking?"});
    let answer = admin.post("/chat/selected-text", &elsewhere);
    assert_eq!(
        refused(&answer),
        (422, "answer_not_in_selection".to_owned())
    );
    let session = admin.get("/chat/history/sel").json();
    assert_eq!(session["history"].as_array().unwrap().len(), 4);
    assert_eq!(
        admin.get("/chat/sessions/sel").status,
        200,
        "other dialects read it"
    );
}

#[test]
fn words_of_a_model_that_the_selection_does_not_bear_out_are_not_shown() {
    let server = Server::with_model(Architecture::Llama);
    let admin = server.admin();
    // The model's weights are random, and so is what it says.
    let body = json!({"selected_text": "The first keeper of the lighthouse was Ewan Rae.",
                      "question": KEEPER, "session_id": "s"});
    let answer = admin.post("/chat/selected-text", &body);
    assert_eq!(
        refused(&answer),
        (422, "answer_not_in_selection".to_owned())
    );
    let events: Vec<Event> = admin.stream("/chat/selected-text", &body).collect();
    let kinds: Vec<&str> = events
        .iter()
        .map(|event| event.data["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds.first(), Some(&"start"));
    assert_eq!(kinds.last(), Some(&"end"));
    let error = events
        .iter()
        .find(|event| event.data["type"] == "error")
        .unwrap();
    assert_eq!(error.data["code"], "answer_not_in_selection");
    let asked = query(&admin, &json!({"question": KEEPER, "session_id": "s"}));
    assert!(
        asked["answer"].is_string(),
        "a question to the documents goes on as ever"
    );
}

#[test]
fn real_questions_are_answered_by_their_paragraph_and_by_no_other_subject() {
    let Some(path) = outside_data("xquad/xquad.en.json") else {
        return;
    };
    let text = std::fs::read_to_string(path).unwrap();
    let data: Value = serde_json::from_str(&text).unwrap();
    let articles = data["data"].as_array().unwrap();
    let encoder = Encoder::bundled().unwrap();
    let answers = |question: &str, text: &str| {
        let read = read_selection(question, text, &encoder).unwrap();
        read.evidence.answers()
    };
    let (mut asked, mut right, mut wrong) = (0, 0, 0);
    for (at, article) in articles.iter().enumerate() {
        let paragraph = &article["paragraphs"][0];
        let other = &articles[(at + 1) % articles.len()]["paragraphs"][0];
        let question = paragraph["qas"][0]["question"].as_str().unwrap();
        asked += 1;
        let text = |paragraph: &Value| paragraph["context"].as_str().unwrap().to_owned();
        right += usize::from(answers(question, &text(paragraph)));
        wrong += usize::from(answers(question, &text(other)));
    }
    assert!(right * 10 >= asked * 9, "{right} of {asked}");
    assert!(wrong * 20 <= asked, "{wrong} of {asked}");
}
