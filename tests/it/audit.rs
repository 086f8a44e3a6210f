//! The audit log: what it holds, who reads it, and that nothing secret is in it.

use crate::support::{Client, Form, LIGHTHOUSE, PASSWORD, Server, assert_shape, settings};
use satchel::config::Config;
use serde_json::{Value, json};

fn records(client: &Client, query: &str) -> Vec<Value> {
    let answer = client.get(&format!("/api/audit{query}"));
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["records"].as_array().unwrap().clone()
}

fn actions(client: &Client, query: &str) -> Vec<String> {
    let all = records(client, query).into_iter();
    all.map(|one| one["action"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn record_says_who_did_what_to_what_when_and_from_where() {
    let server = Server::start();
    let admin = server.admin();
    let client = admin.clone().with("x-request-id", "audited-1");
    let made = client
        .post("/api/datasets", &json!({"name": "Coast"}))
        .json();
    let form = Form::new().field("dataset_id", made["id"].as_str().unwrap());
    let document = client.send_form(&form.file("a.md", LIGHTHOUSE)).json();
    let path = format!("/documents/{}", document["id"].as_str().unwrap());
    assert_eq!(client.delete(&path).status, 200);
    assert_eq!(client.delete(&path).status, 404);
    let all = records(&admin, "");
    assert_shape(
        &all[0],
        &json!({"id": "number", "at": "datetime", "action": "string", "object": "string",
                "outcome": "string", "tenant_id": "string", "user_id": "string",
                "username": "string", "address": "string", "request_id": "string"}),
    );
    let told: Vec<_> = all
        .iter()
        .map(|one| {
            (
                one["action"].as_str().unwrap(),
                one["outcome"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("delete_a_document", "refused"),
            ("delete_a_document", "done"),
            ("upload_a_document", "done"),
            ("make_a_dataset", "done"),
        ]
    );
    assert_eq!(all[1]["object"], document["id"]);
    assert_eq!(all[3]["object"], made["id"]);
    for one in &all {
        assert_eq!(one["request_id"], "audited-1");
        assert_eq!(
            (&one["username"], &one["address"]),
            (&json!("admin"), &json!("127.0.0.1"))
        );
    }
}

#[test]
fn sign_ins_good_and_bad_are_recorded_without_a_password() {
    let server = Server::start();
    server.user("vera");
    let attempt = |name: &str, password: &str| {
        let body = json!({"username": name, "password": password});
        server.stranger().post("/auth/login", &body).status
    };
    assert_eq!(attempt("vera", "wrong-password-1"), 401);
    assert_eq!(attempt("wrong-password-2", "x"), 401);
    let all = records(&server.admin(), "?action=sign_in");
    let told: Vec<_> = all
        .iter()
        .map(|one| (&one["username"], &one["outcome"]))
        .collect();
    assert_eq!(
        told,
        [
            (&json!(null), &json!("refused")),
            (&json!("vera"), &json!("refused")),
            (&json!("vera"), &json!("done")),
        ]
    );
    let text = server.admin().get("/api/audit").text;
    for secret in [PASSWORD, "wrong-password-1", "wrong-password-2"] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[test]
fn what_is_asked_leaves_no_record() {
    let server = Server::start();
    let admin = server.admin();
    admin.ask("What is the secret of the lighthouse?");
    admin.post("/api/search", &json!({"query": "secret"}));
    assert_eq!(actions(&admin, ""), [""; 0]);
}

#[test]
fn administrators_read_the_records_of_their_own_tenant() {
    let server = Server::start();
    let acme = server.tenant("acme");
    acme.post("/api/datasets", &json!({"name": "Of Acme"}));
    server
        .admin()
        .post("/api/datasets", &json!({"name": "Of default"}));
    assert_eq!(actions(&acme, ""), ["make_a_dataset", "sign_in"]);
    let of_default = actions(&server.admin(), "");
    assert_eq!(
        of_default,
        ["make_a_dataset", "make_a_user", "make_a_tenant"]
    );
    let user = server.user("vera");
    assert_eq!(user.get("/api/audit").status, 403);
}

#[test]
fn records_are_filtered_and_read_page_by_page() {
    let server = Server::start();
    let admin = server.admin();
    for n in 0..5 {
        admin.post("/api/datasets", &json!({"name": format!("d{n}")}));
    }
    let first = admin.get("/api/audit?limit=2").json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = admin
        .get(&format!("/api/audit?limit=4&cursor={cursor}"))
        .json();
    assert_eq!(rest["records"].as_array().unwrap().len(), 3);
    assert_eq!(rest["next_cursor"], Value::Null);
    assert_eq!(records(&admin, "?user=admin").len(), 5);
    assert_eq!(records(&admin, "?user=somebody").len(), 0);
    assert_eq!(records(&admin, "?since=2100-01-01T00:00:00Z").len(), 0);
    assert_eq!(records(&admin, "?since=2020-01-01T00:00:00Z").len(), 5);
    for wrong in ["?since=yesterday", "?cursor=x", "?limit=0", "?limit=1001"] {
        assert_eq!(
            admin.get(&format!("/api/audit{wrong}")).status,
            400,
            "{wrong}"
        );
    }
}

#[test]
fn proxy_is_believed_about_the_address_if_it_is_trusted() {
    let address = |server: &Server| {
        let client = server
            .admin()
            .with("x-forwarded-for", "1.1.1.1, 203.0.113.9");
        client.post("/api/datasets", &json!({"name": "x"}));
        records(&server.admin(), "")[0]["address"].clone()
    };
    assert_eq!(address(&Server::start()), "127.0.0.1");
    let behind = Server::start_with(Config {
        trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()],
        ..settings()
    });
    assert_eq!(address(&behind), "203.0.113.9");
}
