//! API keys over the native API, and that they are accepted wherever a token is.

use crate::support::{Client, Server, assert_shape};
use serde_json::json;

fn with_key(server: &Server, key: &str) -> Client {
    let bearer = format!("Bearer {key}");
    server.stranger().with("authorization", &bearer)
}

#[test]
fn key_is_shown_once_signs_in_everywhere_and_ends_when_deleted() {
    let server = Server::start();
    let user = server.user("ada");
    let made = user.post("/api/keys", &json!({"name": "editor"}));
    assert_eq!(made.status, 201, "{}", made.text);
    let made = made.json();
    let key = made["key"].as_str().unwrap();
    assert!(key.starts_with("sk-") && key.len() > 40);
    let client = with_key(&server, key);
    assert_eq!(
        client.get("/auth/me").json()["user"]["username"],
        "ada",
        "the key acts for its user"
    );
    for path in ["/api/documents", "/chat/sessions", "/v1/models"] {
        assert_eq!(client.get(path).status, 200, "{path}");
    }
    assert_eq!(
        client.get("/api/users").status,
        403,
        "but is no administrator"
    );
    let listed = user.get("/api/keys");
    assert!(!listed.text.contains(key));
    assert_shape(
        &listed.json()["keys"][0],
        &json!({
            "id": "string", "name": "editor", "prefix": "string", "user_id": "string",
            "username": "ada", "created_at": "string", "last_used_at": "string",
        }),
    );
    assert!(key.starts_with(listed.json()["keys"][0]["prefix"].as_str().unwrap()));
    let path = format!("/api/keys/{}", made["id"].as_str().unwrap());
    assert_eq!(user.delete(&path).status, 200);
    assert_eq!(client.get("/v1/models").status, 401);
    assert_eq!(user.delete(&path).status, 404);
}

#[test]
fn key_is_not_stored_readably_and_survives_a_restart() {
    let server = Server::start();
    let made = server.admin().post("/api/keys", &json!({"name": "a"}));
    let key = made.json()["key"].as_str().unwrap().to_owned();
    let server = server.restart();
    assert_eq!(with_key(&server, &key).get("/v1/models").status, 200);
    for entry in std::fs::read_dir(server.data_dir()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let found = bytes.windows(key.len()).any(|part| part == key.as_bytes());
            assert!(!found, "{}", path.display());
        }
    }
}

#[test]
fn keys_of_others_are_an_administrators_business() {
    let server = Server::start();
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    let made = ada.post("/api/keys", &json!({"name": "a"})).json();
    let path = format!("/api/keys/{}", made["id"].as_str().unwrap());
    assert_eq!(bob.get("/api/keys").json()["keys"], json!([]));
    assert_eq!(bob.delete(&path).status, 404);
    let for_ada = json!({"name": "b", "username": "ada"});
    assert_eq!(bob.post("/api/keys", &for_ada).status, 403);
    let admin = server.admin();
    let made = admin.post("/api/keys", &for_ada).json();
    assert_eq!(made["username"], "ada");
    let all = admin.get("/api/keys").json();
    assert_eq!(all["keys"].as_array().unwrap().len(), 2);
    assert_eq!(admin.delete(&path).status, 200);
}

#[test]
fn wrong_keys_and_names_are_refused() {
    let server = Server::start();
    for key in ["sk-", "sk-0000", "sk-x.y.z"] {
        let answer = with_key(&server, key).get("/api/keys");
        assert_eq!(answer.status, 401, "{key}");
    }
    let admin = server.admin();
    for name in ["", " ", "two\nlines"] {
        let answer = admin.post("/api/keys", &json!({"name": name}));
        assert_eq!(answer.status, 400, "{name:?}");
        assert!(answer.detail().starts_with("name: "));
    }
    let unknown = json!({"name": "a", "username": "nobody"});
    assert_eq!(admin.post("/api/keys", &unknown).status, 404);
}
