//! The gold set: passages that people mark, who may read it, how long it lives,
//! and what is measured with it.

use crate::orchestration::KEEPER;
use crate::support::{
    Answer, BAKERY, Client, Form, LIGHTHOUSE, Server, assert_shape, finished, satchel,
};
use serde_json::{Value, json};
use std::io::{Cursor, Read};
use zip::ZipArchive;

const SENTENCE: &str = "The first keeper was Tobias Grenn, who served for twenty-two years.";

/// A server with two documents; the id of the lighthouse's.
fn with_documents() -> (Server, String) {
    let server = Server::start();
    let lighthouse = server.admin().ingest("lighthouse.md", LIGHTHOUSE);
    server.admin().ingest("bakery.md", BAKERY);
    let id = lighthouse["id"].as_str().unwrap().to_owned();
    (server, id)
}

/// An answer that the client is given: the ids of its session, its question and itself.
fn asked(client: &Client, question: &str) -> [String; 3] {
    let events = client.ask(question);
    let accepted = events.iter().find(|event| event.name == "accepted");
    let data = &accepted.unwrap().data;
    ["session_id", "question_id", "answer_id"].map(|name| data[name].as_str().unwrap().to_owned())
}

fn marks(answer: &str) -> String {
    format!("/api/answers/{answer}/judgements")
}

/// Where words stand on the first page of a document.
fn place(client: &Client, document: &str, words: &str) -> Value {
    let page = client.get(&format!("/documents/{document}/pages/1")).json();
    let text = page["text"].as_str().unwrap();
    let before = &text[..text.find(words).unwrap()];
    let start = before.chars().count();
    json!({"document_id": document, "page": 1, "start": start,
        "end": start + words.chars().count()})
}

fn mark(client: &Client, answer: &str, place: &Value) -> Value {
    let marked = client.post(&marks(answer), place);
    assert_eq!(marked.status, 201, "{}", marked.text);
    marked.json()
}

fn gold(server: &Server) -> Vec<Value> {
    let exported = server.admin().get("/api/gold/export");
    assert_eq!(exported.status, 200, "{}", exported.text);
    let lines = exported.text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn thumb(client: &Client, [session, question, answer]: &[String; 3], kind: &str) {
    let body = json!({"session_id": session, "query_id": question, "response_id": answer,
        "feedback_type": kind});
    let given = client.post("/chat/feedback", &body);
    assert_eq!(given.status, 200, "{}", given.text);
}

#[test]
fn passage_is_marked_once_and_the_mark_is_taken_back() {
    let (server, lighthouse) = with_documents();
    let ada = server.user("ada");
    let [session, _, answer] = asked(&ada, KEEPER);
    let here = place(&ada, &lighthouse, SENTENCE);
    let first = mark(&ada, &answer, &here);
    assert_shape(
        &first,
        &json!({"id": "string", "answer_id": "string", "document_id": "string",
            "dataset_id": "string", "filename": "lighthouse.md", "page": "number",
            "start": "number", "end": "number", "sha256": "string", "unanswerable": "boolean",
            "created_at": "datetime"}),
    );
    assert_eq!(mark(&ada, &answer, &here)["id"], first["id"], "once");
    let listed = ada.get(&marks(&answer)).json();
    assert_eq!(listed, json!({"judgements": [first]}));

    let set = gold(&server);
    assert_eq!(set.len(), 1);
    assert_eq!(set[0]["question"], KEEPER);
    assert_eq!(set[0]["session_id"], session.as_str());
    let passage = &set[0]["passages"][0];
    assert_eq!(
        (&passage["grade"], &passage["start"]),
        (&json!(2), &here["start"])
    );

    let one = format!("{}/{}", marks(&answer), first["id"].as_str().unwrap());
    assert_eq!(ada.delete(&one).status, 200);
    assert_eq!(ada.delete(&one).status, 404);
    assert_eq!(ada.get(&marks(&answer)).json(), json!({"judgements": []}));
    assert_eq!(gold(&server), Vec::<Value>::new());
}

#[test]
fn only_a_span_of_a_document_that_one_sees_is_marked_for_an_own_answer() {
    let (server, lighthouse) = with_documents();
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    let [_, _, answer] = asked(&ada, KEEPER);
    let here = place(&ada, &lighthouse, SENTENCE);
    let refused = |client: &Client, change: Value| -> Answer {
        let mut body = here.clone();
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        client.post(&marks(&answer), &body)
    };
    assert_eq!(refused(&bob, json!({})).status, 404, "another's answer");
    assert_eq!(bob.get(&marks(&answer)).status, 404);
    assert_eq!(refused(&ada, json!({"page": 2})).status, 404);
    let too_far = refused(&ada, json!({"end": 100_000}));
    assert_eq!(too_far.status, 400);
    assert!(too_far.detail().starts_with("end: "), "{}", too_far.text);
    assert_eq!(refused(&ada, json!({"start": 9, "end": 9})).status, 400);

    let own = json!({"name": "Bob's", "visibility": "private"});
    let own = bob.post("/api/datasets", &own).json()["id"].clone();
    let form = Form::new().field("dataset_id", own.as_str().unwrap());
    let form = form.file("secret.md", "# Secret\n\nNobody else reads it.");
    let secret = bob.send_form(&form).json()["id"].clone();
    bob.settled(secret.as_str().unwrap());
    let hidden = json!({"document_id": secret, "start": 0, "end": 5});
    assert_eq!(refused(&ada, hidden).status, 404, "it is not there for her");
    assert_eq!(ada.get("/api/gold/export").status, 403);
    assert_eq!(gold(&server), Vec::<Value>::new());
}

#[test]
fn what_a_good_answer_cites_counts_less_and_only_where_nothing_is_marked() {
    let (server, lighthouse) = with_documents();
    let ada = server.user("ada");
    let good = asked(&ada, KEEPER);
    thumb(&ada, &good, "thumbs_up");
    let set = gold(&server);
    assert_eq!(set.len(), 1);
    let cited = set[0]["passages"].as_array().unwrap();
    assert!(cited.iter().all(|one| one["grade"] == 1), "{cited:?}");
    let here = place(&ada, &lighthouse, SENTENCE);
    assert_eq!(cited[0]["start"], here["start"], "the quoted sentence");

    mark(&ada, &good[2], &place(&ada, &lighthouse, "Tobias Grenn"));
    let set = gold(&server);
    let marked = set[0]["passages"].as_array().unwrap();
    assert_eq!(marked.len(), 1);
    assert_eq!(marked[0]["grade"], 2);

    let doubted = asked(&ada, "How high is the tower?");
    thumb(&ada, &doubted, "thumbs_up");
    thumb(&ada, &doubted, "thumbs_down");
    assert_eq!(gold(&server).len(), 1, "the last verdict counts");
}

#[test]
fn mark_outlives_reading_anew_and_says_when_its_words_are_gone() {
    let (server, lighthouse) = with_documents();
    let admin = server.admin();
    let [_, _, answer] = asked(&admin, KEEPER);
    let here = place(&admin, &lighthouse, SENTENCE);
    mark(&admin, &answer, &here);
    let anew = format!("/documents/{lighthouse}/reindex");
    assert_eq!(admin.post(&anew, &json!({})).status, 200);
    admin.settled(&lighthouse);
    assert_eq!(gold(&server)[0]["passages"][0]["start"], here["start"]);

    let form = Form::new().file(
        "lighthouse.md",
        "# Lamp\n\nSince 1931 the lamp is electric.",
    );
    let path = format!("/documents/{lighthouse}");
    let replaced = admin.call("PUT", &path, Some(Form::KIND), &form.body());
    assert_eq!(replaced.status, 200, "{}", replaced.text);
    admin.settled(&lighthouse);
    let passage = &gold(&server)[0]["passages"][0];
    assert_eq!(
        (&passage["page"], &passage["start"]),
        (&Value::Null, &Value::Null)
    );
}

#[test]
fn mark_goes_with_its_document_its_session_and_its_user_and_is_exported_before() {
    let (server, lighthouse) = with_documents();
    let (ada, bob, cleo) = (server.user("ada"), server.user("bob"), server.user("cleo"));
    let cake = "# Cake\n\nThe cake of the Ember bakery was first baked by Ilse Brandt.";
    let cake = server.admin().ingest("cake.md", cake)["id"].clone();
    let mut sessions = Vec::new();
    for (client, document, words) in [
        (&ada, lighthouse.as_str(), SENTENCE),
        (&bob, lighthouse.as_str(), SENTENCE),
        (&cleo, cake.as_str().unwrap(), "Ilse Brandt"),
    ] {
        let [session, _, answer] = asked(client, KEEPER);
        mark(client, &answer, &place(client, document, words));
        sessions.push(session);
    }
    assert_eq!(gold(&server).len(), 3);
    let archive = ada.get("/api/export");
    let mut archive = ZipArchive::new(Cursor::new(archive.bytes)).unwrap();
    let mut own = String::new();
    let mut file = archive.by_name("judgements.json").unwrap();
    file.read_to_string(&mut own).unwrap();
    let own: Value = serde_json::from_str(&own).unwrap();
    assert_eq!(own.as_array().unwrap().len(), 1, "{own}");
    assert_eq!(own[0]["document_id"], lighthouse.as_str());

    let path = format!("/documents/{}", cake.as_str().unwrap());
    assert_eq!(server.admin().delete(&path).status, 200);
    assert_eq!(gold(&server).len(), 2, "with its document");
    assert_eq!(
        ada.delete(&format!("/chat/sessions/{}", sessions[0]))
            .status,
        200
    );
    assert_eq!(gold(&server).len(), 1, "with its session");
    let erased = bob.post("/api/erase", &json!({"confirm": true}));
    assert_eq!(erased.status, 200, "{}", erased.text);
    assert_eq!(gold(&server), Vec::<Value>::new(), "with its user");
}

/// Says that the documents do not answer the question of an answer.
fn unanswerable(client: &Client, answer: &str) -> Value {
    let said = client.post(&marks(answer), &json!({"unanswerable": true}));
    assert_eq!(said.status, 201, "{}", said.text);
    said.json()
}

#[test]
fn question_is_unanswerable_until_a_passage_is_marked_or_that_is_taken_back() {
    let (server, lighthouse) = with_documents();
    let ada = server.user("ada");
    let asked_for = asked(&ada, KEEPER);
    let [_, _, answer] = &asked_for;
    thumb(&ada, &asked_for, "thumbs_up");
    let said = unanswerable(&ada, answer);
    assert_eq!(
        (&said["unanswerable"], &said["document_id"]),
        (&json!(true), &Value::Null)
    );
    assert_eq!(unanswerable(&ada, answer)["id"], said["id"], "once");
    let set = gold(&server);
    assert_eq!(set.len(), 1);
    assert_eq!(
        (&set[0]["passages"], &set[0]["unanswerable"]),
        (&json!([]), &json!(true))
    );

    let here = place(&ada, &lighthouse, SENTENCE);
    let marked = mark(&ada, answer, &here);
    let listed = ada.get(&marks(answer)).json();
    assert_eq!(
        listed,
        json!({"judgements": [marked]}),
        "there is a passage after all"
    );
    assert_eq!(gold(&server)[0]["unanswerable"], false);
    let said = unanswerable(&ada, answer);
    assert_eq!(
        ada.get(&marks(answer)).json(),
        json!({"judgements": [said]}),
        "or there is none"
    );
    let one = format!("{}/{}", marks(answer), said["id"].as_str().unwrap());
    assert_eq!(ada.delete(&one).status, 200);
    assert_eq!(
        gold(&server)[0]["passages"][0]["grade"],
        1,
        "the thumb counts again"
    );

    for (body, field) in [
        (json!({"unanswerable": true, "page": 1}), "page: "),
        (json!({"unanswerable": false}), "document_id: "),
        (
            json!({"document_id": lighthouse, "start": 0, "end": 5}),
            "page: ",
        ),
    ] {
        let refused = ada.post(&marks(answer), &body);
        assert_eq!(refused.status, 400, "{body}");
        assert!(refused.detail().starts_with(field), "{}", refused.text);
    }
    let others = server
        .user("bob")
        .post(&marks(answer), &json!({"unanswerable": true}));
    assert_eq!(others.status, 404, "another's answer");
}

/// Runs a command on the data folder of a server.
fn command(server: &Server, arguments: &[&str]) -> (i32, String, String) {
    let mut command = satchel();
    command.args(arguments).arg("--data-dir");
    finished(command.arg(server.data_dir()))
}

#[test]
fn gold_set_is_measured_over_the_own_documents_and_compared() {
    let (server, lighthouse) = with_documents();
    server.publish_address();
    let (code, _, errors) = command(&server, &["eval", "--gold"]);
    assert!(code != 0 && errors.contains("has no question"), "{errors}");

    let ada = server.user("ada");
    let [_, _, answer] = asked(&ada, KEEPER);
    mark(&ada, &answer, &place(&ada, &lighthouse, SENTENCE));
    let oven = asked(&ada, "How many degrees does the oven hold?");
    thumb(&ada, &oven, "thumbs_up");
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (before, lines) = (file("before.json"), file("gold.jsonl"));
    let (code, table, errors) = command(&server, &["eval", "--json", &before, "--gold"]);
    assert_eq!(code, 0, "{errors}");
    assert!(
        table.starts_with("gold: passages of 2 documents, 2 questions\n"),
        "{table}"
    );
    let report = std::fs::read_to_string(&before).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    let measured = &report["collections"][0];
    let hybrid = &measured["methods"][1];
    assert_eq!(
        (&measured["collection"], &hybrid["name"]),
        (&json!("gold"), &json!("hybrid"))
    );
    assert_eq!(measured["answers"]["written_by"], Value::Null, "quotes");
    let steps = |of: &Value| -> Vec<String> {
        let steps = of["steps"].as_array().unwrap();
        let names = steps
            .iter()
            .map(|step| step["name"].as_str().unwrap().to_owned());
        names.collect()
    };
    let all = ["embedding", "keywords", "vectors", "reading", "all"];
    assert_eq!(steps(hybrid), all);
    assert_eq!(steps(&measured["answers"]), all);
    assert_eq!(hybrid["metrics"][4]["scores"], json!([1.0, 1.0]));
    assert_eq!(measured["answers"]["span_in_first"], 1.0);

    let (code, exported, errors) = command(&server, &["feedback", "gold"]);
    assert_eq!(code, 0, "{errors}");
    assert_eq!(exported.lines().count(), 2);
    std::fs::write(&lines, &exported).unwrap();
    let again = ["eval", "--gold", &lines, "--against", &before];
    let (code, table, errors) = command(&server, &again);
    assert_eq!(code, 0, "{errors}");
    assert!(
        table.contains("hybrid: nDCG@10 +0.0000 (+0.0 %), p = 1.0000\n"),
        "{table}"
    );

    let [_, _, answer] = asked(&ada, "Which zebrafinch won the chess tournament?");
    unanswerable(&ada, &answer);
    let (code, table, errors) = command(&server, &["eval", "--gold", "--json", &before]);
    assert_eq!(code, 0, "{errors}");
    assert!(
        table.contains("1 of the questions are not answered by the documents"),
        "{table}"
    );
    let report = std::fs::read_to_string(&before).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    let answers = &report["collections"][0]["answers"];
    let counted = (&answers["unanswerable"], &answers["unanswerable_answered"]);
    assert_eq!(counted, (&json!(1), &json!(0.0)));
    let measures = answers["measures"].as_array().unwrap();
    let scores = |name: &str| &measures.iter().find(|one| one["name"] == name).unwrap()["scores"];
    assert_eq!(scores("decided rightly"), &json!([1.0, 1.0, 1.0]));
    assert_eq!(scores("refused"), &json!([1.0]));
    assert_eq!(scores("citation recall"), &json!([1.0, 1.0]));

    // Questions that were asked before are others: that is said before they are measured.
    let again = ["eval", "--gold", &lines, "--against", &before];
    let (code, table, errors) = command(&server, &again);
    assert_ne!(code, 0);
    assert!(
        errors.contains("2 documents and 3 questions") && table.is_empty(),
        "{errors}{table}"
    );
    let with_model = ["eval", "--gold", "--embedder", "other"];
    let (code, _, errors) = command(&server, &with_model);
    assert!(code != 0 && errors.contains("for collections"), "{errors}");

    let path = format!("/documents/{lighthouse}");
    assert_eq!(server.admin().delete(&path).status, 200);
    let (code, table, errors) = command(&server, &["eval", "--gold", &lines]);
    assert_eq!(code, 0, "{errors}");
    assert!(
        table.contains("words are no longer there: 1 passages"),
        "{table}"
    );
}
