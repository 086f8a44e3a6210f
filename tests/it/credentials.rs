//! Every endpoint of the table, asked with every token and key that is no good.

use crate::support::{Answer, PASSWORD, Server};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use satchel::http::ENDPOINTS;
use satchel::service::DataFolder;
use serde_json::{Value, json};
use std::time::SystemTime;

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Tokens and keys that open nothing.
fn worthless(server: &Server) -> Vec<(&'static str, String)> {
    let admin = server.admin();
    let me = admin.get("/auth/me").json()["user"].clone();
    let seconds = |ahead: i64| {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap();
        now.as_secs() as i64 + ahead
    };
    let claims = |ahead: i64| {
        json!({"sub": me["id"], "iss": "satchel", "aud": "satchel", "iat": seconds(-900),
               "exp": seconds(ahead), "token_use": "access", "username": "admin",
               "custom:tenant_id": "default", "cognito:groups": ["admin"]})
    };
    let secret = DataFolder::secret_of(server.data_dir()).unwrap();
    let sign = |claims: &Value, algorithm, secret: &[u8]| {
        let key = EncodingKey::from_secret(secret);
        encode(&Header::new(algorithm), claims, &key).unwrap()
    };
    let good = sign(&claims(60), Algorithm::HS256, &secret);
    assert_eq!(server.bearer(&good).get("/auth/me").status, 200);
    let body = good.split('.').nth(1).unwrap();
    let mut of_another_tenant = claims(60);
    of_another_tenant["custom:tenant_id"] = json!("public");
    let mut of_another_use = claims(60);
    of_another_use["token_use"] = json!("refresh");
    let mut of_another_generation = claims(60);
    of_another_generation["satchel:generation"] = json!(7);
    let mut of_an_ended_sign_in = claims(60);
    of_an_ended_sign_in["sid"] = json!("ended");

    let gone = server.user("gone");
    let of_deleted = server.token_of("gone");
    let key = gone.post("/api/keys", &json!({"name": "k"})).json();
    let removed = gone.post("/api/keys", &json!({"name": "r"})).json();
    let path = format!("/api/keys/{}", text(&removed["id"]));
    assert_eq!(gone.delete(&path).status, 200);
    let id = text(&gone.get("/auth/me").json()["user"]["id"]);
    assert_eq!(admin.delete(&format!("/api/users/{id}")).status, 200);

    server.user("other");
    let login = json!({"username": "other", "password": PASSWORD});
    let signed_in = server.stranger().post("/auth/login", &login);
    let cookie = signed_in.header("set-cookie").to_owned();
    let refresh = cookie.split(['=', ';']).nth(1).unwrap().to_owned();
    vec![
        ("expired", sign(&claims(-60), Algorithm::HS256, &secret)),
        (
            "by another secret",
            sign(&claims(60), Algorithm::HS256, b"another secret"),
        ),
        (
            "by another algorithm",
            sign(&claims(60), Algorithm::HS512, &secret),
        ),
        (
            "unsigned",
            format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{body}."),
        ),
        (
            "of another tenant",
            sign(&of_another_tenant, Algorithm::HS256, &secret),
        ),
        (
            "of another use",
            sign(&of_another_use, Algorithm::HS256, &secret),
        ),
        (
            "of another generation",
            sign(&of_another_generation, Algorithm::HS256, &secret),
        ),
        (
            "of an ended sign-in",
            sign(&of_an_ended_sign_in, Algorithm::HS256, &secret),
        ),
        ("of a deleted user", of_deleted),
        ("a deleted user's key", text(&key["key"])),
        ("a removed key", text(&removed["key"])),
        ("a key's id", text(&removed["id"])),
        ("a key that is none", format!("sk-{}", "0".repeat(64))),
        ("a refresh token", refresh),
    ]
}

/// The refusal without the number of the request, which is another each time.
fn said(answer: &Answer) -> Value {
    let mut refusal = answer.json();
    if let Some(error) = refusal["error"].as_object_mut() {
        error.remove("request_id");
    }
    refusal
}

#[test]
fn worthless_tokens_open_no_endpoint_and_are_all_answered_alike() {
    let server = Server::start();
    let tokens = worthless(&server);
    for endpoint in ENDPOINTS.iter().filter(|one| one.wants_caller()) {
        let path = endpoint
            .path
            .split('/')
            .map(|part| if part.starts_with('{') { "1" } else { part })
            .collect::<Vec<_>>()
            .join("/");
        let (method, kind) = match endpoint.method.as_str() {
            method @ ("GET" | "DELETE") => (method, None),
            method => (method, Some("application/json")),
        };
        let none = server.stranger().call(method, &path, kind, b"");
        assert_eq!(none.status, 401, "{}", endpoint.name);
        let mut first: Option<Answer> = None;
        for (what, token) in &tokens {
            let answer = server.bearer(token).call(method, &path, kind, b"");
            assert_eq!(answer.status, 401, "{} with {what}", endpoint.name);
            let first =
                first.get_or_insert_with(|| server.bearer(token).call(method, &path, kind, b""));
            assert_eq!(said(&answer), said(first), "{} with {what}", endpoint.name);
        }
    }
}
