//! The page's own list of conversations: found by words, kept in order, taken
//! along and taken in.

use crate::support::{Client, Server};
use serde_json::{Value, json};

fn ask(client: &Client, question: &str) -> String {
    let asked: Vec<_> = client
        .stream("/chat/send", &json!({"message": question}))
        .collect();
    asked[0].data["session_id"].as_str().unwrap().to_owned()
}

fn list(client: &Client, query: &str) -> Vec<Value> {
    let answer = client.get(&format!("/api/sessions{query}"));
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["sessions"].as_array().unwrap().clone()
}

fn titles(client: &Client, query: &str) -> Vec<String> {
    let title = |one: &Value| one["title"].as_str().unwrap().to_owned();
    list(client, query).iter().map(title).collect()
}

#[test]
fn chats_are_found_by_words_of_titles_and_of_messages() {
    let server = Server::start();
    let vera = server.user("vera");
    let nils = server.user("nils");
    let first = ask(&vera, "How do I make a backup?");
    let second = ask(&vera, "Où sont les modèles ÉLÉGANTS?");
    ask(&nils, "A backup of my own secrets");
    let body = json!({"user_id": "vera", "role": "user", "content": "A zebrafinch, in 海豚 too"});
    let stored = vera.post(&format!("/sessions/{first}/messages"), &body);
    assert_eq!(stored.status, 201, "{}", stored.text);

    assert_eq!(titles(&vera, "?q=BACKUP"), ["How do I make a backup?"]);
    assert_eq!(titles(&vera, "?q=%C3%A9l%C3%A9gants").len(), 1);
    let found = list(&vera, "?q=brafin%20zebra");
    assert_eq!(found[0]["id"], first);
    assert_eq!(found[0]["found"]["text"], "A zebrafinch, in 海豚 too");
    assert_eq!(list(&vera, "?q=%E6%B5%B7%E8%B1%9A")[0]["id"], first);
    assert_eq!(list(&vera, "?q=a%20zebra").len(), 1, "words may be short");
    assert_eq!(list(&vera, "?q=zebrafinch%20backup").len(), 0);
    assert_eq!(list(&vera, "?q=%22AND%22%20*%20(").len(), 0);
    assert_eq!(titles(&vera, "?q=secrets").len(), 0);

    vera.delete(&format!("/chat/sessions/{first}"));
    assert_eq!(list(&vera, "?q=zebrafinch").len(), 0);
    let change = json!({"title": "Elephants"});
    vera.patch(&format!("/api/sessions/{second}"), &change);
    assert_eq!(titles(&vera, "?q=phants"), ["Elephants"]);
}

#[test]
fn pinned_chats_come_first_and_archived_ones_apart() {
    let server = Server::start();
    let vera = server.user("vera");
    let chats = ["One?", "Two?", "Three?"].map(|question| ask(&vera, question));
    let change = |id: &str, body: Value| {
        let answer = vera.patch(&format!("/api/sessions/{id}"), &body);
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    };
    change(&chats[0], json!({"pinned": true}));
    assert_eq!(
        change(&chats[1], json!({"title": "Second"}))["title"],
        "Second"
    );
    assert_eq!(titles(&vera, ""), ["One?", "Three?", "Second"]);
    change(&chats[2], json!({"archived": true}));
    assert_eq!(titles(&vera, "?archived=false"), ["One?", "Second"]);
    assert_eq!(titles(&vera, "?archived=true"), ["Three?"]);
    let page = vera.get("/api/sessions?limit=2&offset=0").json();
    assert_eq!(
        (
            page["more"].clone(),
            page["sessions"].as_array().unwrap().len()
        ),
        (json!(true), 2)
    );
    assert_eq!(titles(&vera, "?limit=2&offset=2"), ["Second"]);
    for body in [
        json!({"title": " "}),
        json!({"title": "x".repeat(201)}),
        json!({"pinned": "yes"}),
        json!({"search_options": {"k": 0}}),
        json!({"system_prompt": "x".repeat(8001)}),
    ] {
        let answer = vera.patch(&format!("/api/sessions/{}", chats[0]), &body);
        assert_eq!(answer.status, 400, "{body}");
    }
    assert_eq!(vera.get("/api/sessions?limit=0").status, 400);
}

#[test]
fn question_is_searched_for_as_its_chat_wishes() {
    let server = Server::start();
    let vera = server.user("vera");
    let note = |n: usize| format!("# Door {n}\n\nThe colour of door number {n} is green.");
    for n in 0..6 {
        vera.ingest(&format!("door-{n}.md"), note(n));
    }
    let wishes = json!({"system_prompt": "Be brief.",
        "search_options": {"k": 2, "score_threshold": 0.1, "search_type": "MMR"}});
    let made = vera.post("/api/sessions", &wishes);
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let sources = |extra: Value| {
        let mut body = json!({"message": "Which colour has the door?", "session_id": id});
        for (name, value) in extra.as_object().unwrap() {
            body[name] = value.clone();
        }
        let events: Vec<_> = vera.stream("/chat/send", &body).collect();
        let found = events.iter().find(|one| one.name == "sources").unwrap();
        found.data["sources"].as_array().unwrap().len()
    };
    assert_eq!(sources(json!({})), 2);
    assert_eq!(sources(json!({"search_options": {"k": 5}})), 5);
    let read = vera.get(&format!("/api/sessions/{id}")).json();
    assert_eq!(read["title"], "Which colour has the door?");
    assert_eq!(read["system_prompt"], "Be brief.");
    assert_eq!(read["search_options"]["search_type"], "MMR");
    let reset = json!({"system_prompt": null, "search_options": {}});
    vera.patch(&format!("/api/sessions/{id}"), &reset);
    let read = vera.get(&format!("/api/sessions/{id}")).json();
    assert_eq!(read["system_prompt"], Value::Null);
    assert_eq!(
        sources(json!({"search_options": {"score_threshold": 0.1}})),
        4
    );
}

#[test]
fn chat_is_taken_along_and_taken_in_again() {
    let server = Server::start();
    let vera = server.user("vera");
    vera.ingest(
        "backups.md",
        "# Backups\n\nTo make a backup, stop satchel and copy the data folder.",
    );
    let id = ask(&vera, "How do I make a backup?");
    let markdown = vera.get(&format!("/api/sessions/{id}/export"));
    assert!(
        markdown.text.starts_with("# How do I make a backup?"),
        "{}",
        markdown.text
    );
    assert!(markdown.text.contains("## Answer") && markdown.text.contains("Sources:"));
    let disposition = markdown.header("content-disposition");
    assert!(
        disposition.contains("How do I make a backup.md"),
        "{disposition}"
    );
    let whole = vera
        .get(&format!("/api/sessions/{id}/export?format=json"))
        .text;
    let all = vera.get("/api/sessions/export").text;
    assert!(all.contains("satchel-chats"));

    let import = |client: &Client, file: &str| {
        let answer = client.call("POST", "/api/sessions/import", None, file.as_bytes());
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    };
    assert_eq!(import(&vera, &whole)["known"], 1, "it is still here");
    let before = vera.get(&format!("/chat/sessions/{id}")).json();
    vera.delete(&format!("/chat/sessions/{id}"));
    let taken = import(&vera, &whole);
    assert_eq!(
        (&taken["imported"], &taken["refused"]),
        (&json!(1), &json!(0))
    );
    let again = taken["session_ids"][0].as_str().unwrap();
    let after = vera.get(&format!("/chat/sessions/{again}")).json();
    assert_eq!(
        after["messages"][1]["metadata"]["html"],
        before["messages"][1]["metadata"]["html"]
    );
    assert_eq!(
        after["session"]["updated_at"],
        before["session"]["updated_at"]
    );
    assert_eq!(import(&vera, &whole)["known"], 1);
    let nils = server.user("nils");
    assert_eq!(import(&nils, &all)["imported"], 1, "one's own copy");
}

#[test]
fn chats_of_other_products_are_taken_in_and_can_be_gone_on_with() {
    let server = Server::start();
    let vera = server.user("vera");
    let node = |parent: Value, role: &str, words: &str| {
        json!({"parent": parent, "children": [], "message": {"author": {"role": role},
            "create_time": 1_700_000_000.25, "content": {"content_type": "text", "parts": [words]}}})
    };
    let chatgpt = json!({"id": "g", "title": "Bees", "create_time": 1_700_000_000, "current_node": "b",
        "mapping": {"a": node(Value::Null, "user", "Who kept bees?"),
            "b": node(json!("a"), "assistant", "**Tobias** <script>alert(1)</script> did.")}});
    let file = json!([chatgpt, {"title": "what"}, {"id": "e", "mapping": {}}]).to_string();
    let answer = vera.call("POST", "/api/sessions/import", None, file.as_bytes());
    let taken = answer.json();
    assert_eq!(
        (&taken["imported"], &taken["refused"]),
        (&json!(1), &json!(2)),
        "{}",
        answer.text
    );
    let id = taken["session_ids"][0].as_str().unwrap();
    let read = vera.get(&format!("/chat/sessions/{id}")).json();
    let html = read["messages"][1]["metadata"]["html"].as_str().unwrap();
    assert!(
        html.contains("<strong>Tobias</strong>") && !html.contains("<script"),
        "{html}"
    );
    assert_eq!(read["session"]["created_at"], "2023-11-14T22:13:20.000Z");
    assert_eq!(titles(&vera, "?q=tobias"), ["Bees"]);
    let more = json!({"message": "How do I make a backup?", "session_id": id});
    assert!(
        vera.stream("/chat/send", &more)
            .any(|event| event.name == "done")
    );
    let nothing = vera.call("POST", "/api/sessions/import", None, b"{\"a\": 1}");
    assert_eq!(nothing.status, 400);
    assert!(nothing.detail().contains("Open WebUI"), "{}", nothing.text);
}
