//! Feedback on answers, from who asked to who administers.

use crate::orchestration::{KEEPER, query, with_documents};
use crate::support::assert_shape;
use serde_json::{Value, json};

#[test]
fn feedback_is_stored_listed_and_exported_for_administrators() {
    let server = with_documents();
    let (admin, ada) = (server.admin(), server.user("ada"));
    let answer = query(&ada, &json!({"question": KEEPER, "session_id": "s"}));
    let give = |kind: &str, text: Value| {
        let body = json!({"session_id": "s", "query_id": answer["query_id"],
                          "response_id": answer["response_id"], "feedback_type": kind,
                          "feedback_text": text});
        let given = ada.post("/chat/feedback", &body);
        assert_eq!(given.status, 200, "{}", given.text);
        assert_shape(
            &given.json(),
            &json!({"success": "boolean", "feedback_id": "string"}),
        );
        assert_eq!(given.json()["success"], true);
    };
    give("thumbs_up", Value::Null);
    give("thumbs_down", json!("Not so good."));
    give("report_inaccurate", json!("x".repeat(2000)));
    let page = admin.get("/api/feedback?limit=2").json();
    let shape = json!({"id": "string", "session_id": "s", "user_id": "string",
        "query_id": "string", "response_id": "string", "feedback_text": "string | null",
        "feedback_type": "thumbs_up | thumbs_down | report_inaccurate", "question": "string",
        "answer": "string", "created_at": "datetime"});
    assert_shape(
        &page,
        &json!({"feedback": [shape], "next_cursor": "string"}),
    );
    assert_eq!(page["feedback"][0]["feedback_type"], "report_inaccurate");
    assert_eq!(page["feedback"][0]["question"], KEEPER);
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = admin
        .get(&format!("/api/feedback?limit=2&cursor={cursor}"))
        .json();
    assert_eq!(rest["feedback"].as_array().unwrap().len(), 1);
    assert_eq!(rest["next_cursor"], Value::Null);
    assert_eq!(admin.get("/api/feedback?cursor=-1").status, 400);
    assert_eq!(admin.get("/api/feedback?limit=0").status, 400);
    let exported = admin.get("/api/feedback/export");
    let lines: Vec<Value> = exported
        .text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[1]["feedback_text"], "Not so good.");
    assert_eq!(ada.get("/api/feedback").status, 403);
    assert_eq!(ada.delete("/chat/sessions/s").status, 200);
    assert_eq!(
        admin.get("/api/feedback").json()["feedback"],
        json!([]),
        "it goes with its session"
    );
}
