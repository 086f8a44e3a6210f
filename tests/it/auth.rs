//! Signing in, users, and the walls between users.

use crate::support::{Answer, LIGHTHOUSE, Server, assert_shape};
use serde_json::json;

/// The refresh cookie that an answer sets, as a request sends it.
fn cookie(answer: &Answer) -> String {
    let set = answer.header("set-cookie");
    set.split(';').next().unwrap().to_owned()
}

#[test]
fn first_start_is_set_up_through_the_link() {
    let server = Server::start();
    let stranger = server.stranger();
    assert_eq!(stranger.get("/auth/state").json()["setup_required"], true);
    let link = server.link().unwrap();
    let wrong = stranger.post("/auth/link", &json!({"token": format!("{link}x")}));
    assert_eq!(wrong.status, 401);
    let signed_in = stranger.post("/auth/link", &json!({"token": link}));
    assert_eq!(signed_in.status, 200, "{}", signed_in.text);
    assert_shape(
        &signed_in.json(),
        &json!({
            "access_token": "string", "token_type": "bearer", "expires_in": "number",
            "user": {"id": "string", "username": "string", "role": "admin",
                     "tenant_id": "string", "password_set": "boolean"},
        }),
    );
    let token = signed_in.json()["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let admin = stranger
        .clone()
        .with("authorization", &format!("Bearer {token}"));
    let short = admin.post(
        "/auth/password",
        &json!({"current": null, "password": "short"}),
    );
    assert_eq!(short.status, 400);
    let set = admin.post("/auth/password", &json!({"password": "long enough for me"}));
    assert_eq!(set.status, 204, "{}", set.text);
    assert_eq!(stranger.get("/auth/state").json()["setup_required"], false);
    let again = stranger.post("/auth/link", &json!({"token": link}));
    assert_eq!(again.status, 401, "the link works until a password is set");
    let login = json!({"username": "admin", "password": "long enough for me"});
    assert_eq!(stranger.post("/auth/login", &login).status, 200);
}

#[test]
fn refresh_token_is_renewed_and_a_stolen_one_ends_the_sign_in() {
    let server = Server::start();
    let stranger = server.stranger();
    let link = json!({"token": server.link().unwrap()});
    let signed_in = stranger.post("/auth/link", &link);
    let set = signed_in.header("set-cookie").to_owned();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/auth"] {
        assert!(set.contains(part), "{set}");
    }
    let refresh = |cookie: &str| {
        let client = stranger.clone().with("cookie", cookie);
        client.post("/auth/refresh", &json!({}))
    };
    let first = cookie(&signed_in);
    let renewed = refresh(&first);
    assert_eq!(renewed.status, 200, "{}", renewed.text);
    let second = cookie(&renewed);
    assert_ne!(first, second);
    // Two tabs of one browser may renew at the same moment.
    assert_eq!(refresh(&first).status, 200);
    let database = rusqlite::Connection::open(server.data_dir().join("satchel.db")).unwrap();
    let later = "UPDATE refresh_tokens SET spent_at = spent_at - 60000 WHERE spent_at IS NOT NULL";
    database.execute(later, []).unwrap();
    assert_eq!(refresh(&first).status, 401);
    assert_eq!(refresh(&second).status, 401);
    assert_eq!(stranger.post("/auth/refresh", &json!({})).status, 401);
}

#[test]
fn signing_out_ends_the_sign_in() {
    let server = Server::start();
    let stranger = server.stranger();
    let signed_in = stranger.post("/auth/link", &json!({"token": server.link().unwrap()}));
    let browser = stranger.clone().with("cookie", &cookie(&signed_in));
    let out = browser.post("/auth/logout", &json!({}));
    assert_eq!(out.status, 204);
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(browser.post("/auth/refresh", &json!({})).status, 401);
    assert_eq!(stranger.post("/auth/logout", &json!({})).status, 204);
}

#[test]
fn wrong_password_and_unknown_user_look_the_same() {
    let server = Server::start();
    server.user("grete");
    let try_as = |name: &str| {
        let body = json!({"username": name, "password": "not the password"});
        server.stranger().post("/auth/login", &body)
    };
    let (known, unknown) = (try_as("grete"), try_as("nobody-here"));
    assert_eq!((known.status, unknown.status), (401, 401));
    assert_eq!(known.detail(), unknown.detail());
}

#[test]
fn guessing_passwords_is_slowed_down() {
    let server = Server::start();
    let body = json!({"username": "admin", "password": "a guess"});
    let statuses: Vec<_> = (0..11)
        .map(|_| server.stranger().post("/auth/login", &body).status)
        .collect();
    assert_eq!(statuses[..10], [401; 10]);
    assert_eq!(statuses[10], 429);
}

#[test]
fn me_is_the_caller() {
    let server = Server::start();
    let me = server.user("tove").get("/auth/me").json();
    assert_eq!(me["user"]["username"], "tove");
    assert_eq!(me["user"]["role"], "user");
}

#[test]
fn deleted_user_is_out_at_once() {
    let server = Server::start();
    let user = server.user("ivar");
    let id = user.get("/auth/me").json()["user"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let listed = server.admin().get("/api/users").json();
    assert_shape(
        &listed,
        &json!({"users": [{"id": "string", "username": "string", "role": "string",
                           "created_at": "datetime", "password_set": "boolean"}]}),
    );
    assert_eq!(listed["users"].as_array().unwrap().len(), 2);
    let taken = json!({"username": "IVAR", "password": "correct horse battery"});
    assert_eq!(server.admin().post("/api/users", &taken).status, 409);
    assert_eq!(
        server.admin().delete(&format!("/api/users/{id}")).status,
        200
    );
    assert_eq!(user.get("/auth/me").status, 401);
    assert_eq!(
        server.admin().delete(&format!("/api/users/{id}")).status,
        404
    );
}

#[test]
fn session_of_another_user_does_not_exist() {
    let server = Server::start();
    let (owner, other) = (server.user("owner"), server.user("other"));
    owner.ingest("lighthouse.md", LIGHTHOUSE);
    let events = owner.ask("Who built the lighthouse?");
    let id = events[0].data["session_id"].as_str().unwrap().to_owned();
    let path = format!("/chat/sessions/{id}");
    assert_eq!(owner.get(&path).status, 200);
    assert_eq!(other.get(&path).status, 404);
    assert_eq!(other.delete(&path).status, 404);
    assert_eq!(other.get(&format!("/documents/session/{id}")).status, 404);
    let body = json!({"message": "and then?", "session_id": id});
    assert_eq!(other.post("/chat/send", &body).status, 404);
    assert_eq!(other.get("/chat/sessions").json()["total_count"], 0);
    assert_eq!(owner.get(&path).status, 200);
}
