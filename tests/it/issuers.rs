//! Tokens of outside issuers: who is let in, who is not, and keys that change.

use crate::support::{Client, Server, settings};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as URL_SAFE;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use satchel::config::{Config, Issuer};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

const ISSUER: &str = "https://issuer.example/pool";

fn rsa(number: u8) -> EncodingKey {
    let der: &[u8] = match number {
        1 => include_bytes!("../fixtures/keys/issuer-rsa-1.der"),
        _ => include_bytes!("../fixtures/keys/issuer-rsa-2.der"),
    };
    EncodingKey::from_rsa_der(der)
}

fn ec() -> EncodingKey {
    EncodingKey::from_ec_der(include_bytes!("../fixtures/keys/issuer-ec.der"))
}

fn public(key: &EncodingKey, algorithm: Algorithm, id: &str) -> Value {
    let mut jwk = Jwk::from_encoding_key(key, algorithm).unwrap();
    jwk.common.key_id = Some(id.to_owned());
    serde_json::to_value(jwk).unwrap()
}

/// A set as issuers have it: two keys of ours among others.
fn key_set() -> Value {
    json!({"keys": [
        {"kty": "OKP", "crv": "X25519", "x": "AAAA", "kid": "odd", "use": "enc"},
        public(&rsa(1), Algorithm::RS256, "rsa-1"),
        public(&ec(), Algorithm::ES256, "ec-1"),
    ]})
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap().as_secs()
}

/// The claims of an access token as Cognito makes it.
fn access() -> Value {
    json!({
        "sub": "0b5e", "iss": ISSUER, "client_id": "client-1", "token_use": "access",
        "username": "frida", "custom:tenant_id": "default", "iat": now(), "exp": now() + 300,
    })
}

fn changed(mut claims: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    let claims = claims.as_object_mut().unwrap();
    claims.retain(|_, value| !value.is_null());
    json!(claims)
}

fn signed(claims: &Value, algorithm: Algorithm, key: &EncodingKey, id: &str) -> String {
    let mut header = Header::new(algorithm);
    header.kid = Some(id.to_owned());
    encode(&header, claims, key).unwrap()
}

fn by_rsa(claims: &Value) -> String {
    signed(claims, Algorithm::RS256, &rsa(1), "rsa-1")
}

fn issuer(file: &Path) -> Issuer {
    Issuer {
        issuer: ISSUER.to_owned(),
        audience: vec!["client-1".to_owned()],
        jwks_file: Some(file.to_owned()),
        jwks_url: None,
        tenant: None,
        admin_groups: vec!["Admins".to_owned()],
        service_groups: vec!["service".to_owned()],
    }
}

fn start() -> (TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jwks.json");
    std::fs::write(&file, key_set().to_string()).unwrap();
    let server = Server::start_with(Config {
        issuers: vec![issuer(&file)],
        ..settings()
    });
    (folder, server)
}

fn me(client: &Client) -> Value {
    let answer = client.get("/auth/me");
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["user"].clone()
}

#[test]
fn user_of_an_outside_issuer_is_made_when_seen_first_and_known_again() {
    let (_folder, server) = start();
    let first = me(&server.bearer(&by_rsa(&access())));
    assert_eq!(
        (&first["username"], &first["role"]),
        (&json!("frida"), &json!("user"))
    );
    assert_eq!(first["password_set"], false);
    let id_token = changed(
        access(),
        json!({"token_use": "id", "aud": ["client-1", "other"], "client_id": null}),
    );
    let again = signed(&id_token, Algorithm::ES256, &ec(), "ec-1");
    assert_eq!(me(&server.bearer(&again))["id"], first["id"]);
    let listed = server.admin().get("/api/users").json();
    let names: Vec<_> = listed["users"].as_array().unwrap().iter().collect();
    assert_eq!(names.len(), 2, "{listed}");
    assert_eq!(
        names.iter().filter(|one| one["issuer"] == ISSUER).count(),
        1
    );
}

#[test]
fn groups_say_what_the_user_may_do_with_each_token() {
    let (_folder, server) = start();
    let with = |groups: Value| server.bearer(&by_rsa(&changed(access(), groups)));
    let admin = with(json!({"cognito:groups": ["x", "Admins"]}));
    assert_eq!(me(&admin)["role"], "admin");
    assert_eq!(admin.get("/api/users").status, 200);
    let user = with(json!({"cognito:groups": ["admin"]}));
    assert_eq!(me(&user)["role"], "user");
    assert_eq!(user.get("/api/users").status, 403);
    assert_eq!(
        me(&with(json!({"cognito:groups": ["service"]})))["role"],
        "service"
    );
}

#[test]
fn name_that_is_taken_is_not_taken_over() {
    let (_folder, server) = start();
    let token = by_rsa(&changed(access(), json!({"username": "admin"})));
    let user = me(&server.bearer(&token));
    assert!(
        user["username"].as_str().unwrap().starts_with("admin."),
        "{user}"
    );
    assert_eq!(user["role"], "user");
    let login = json!({"username": user["username"], "password": "anything at all"});
    assert_eq!(server.stranger().post("/auth/login", &login).status, 401);
    let set = json!({"password": "a password of my own"});
    assert_eq!(
        server.bearer(&token).post("/auth/password", &set).status,
        403
    );
}

#[test]
fn token_that_is_not_good_gets_the_same_answer_whatever_is_wrong() {
    let (_folder, server) = start();
    let claims = |changes: Value| by_rsa(&changed(access(), changes));
    let good = by_rsa(&access());
    let (head, rest) = good.split_once('.').unwrap();
    let body = rest.split('.').next().unwrap();
    let unsigned = |header: &str| format!("{}.{body}.", URL_SAFE.encode(header));
    let n = public(&rsa(1), Algorithm::RS256, "")["n"]
        .as_str()
        .unwrap()
        .to_owned();
    let public_key = EncodingKey::from_secret(&URL_SAFE.decode(&n).unwrap());
    let jwk_text = public(&rsa(1), Algorithm::RS256, "rsa-1").to_string();
    let jwk_secret = EncodingKey::from_secret(jwk_text.as_bytes());
    let bad = [
        ("expired", claims(json!({"exp": now() - 60}))),
        ("without an end", claims(json!({"exp": null}))),
        ("not yet valid", claims(json!({"nbf": now() + 60}))),
        ("made in the future", claims(json!({"iat": now() + 600}))),
        (
            "for another client",
            claims(json!({"client_id": "client-2"})),
        ),
        ("for nobody", claims(json!({"client_id": null}))),
        (
            "id token with a client only",
            claims(json!({"token_use": "id"})),
        ),
        ("of another use", claims(json!({"token_use": "refresh"}))),
        (
            "of another issuer",
            claims(json!({"iss": "https://evil.example"})),
        ),
        (
            "of ourselves",
            claims(json!({"iss": "satchel", "aud": "satchel"})),
        ),
        (
            "without a tenant",
            claims(json!({"custom:tenant_id": null})),
        ),
        (
            "of no tenant that there is",
            claims(json!({"custom:tenant_id": "nowhere"})),
        ),
        ("of two tenants", claims(json!({"tenant_id": "public"}))),
        ("without a subject", claims(json!({"sub": null}))),
        ("unsigned", unsigned(r#"{"alg":"none","typ":"JWT"}"#)),
        (
            "unsigned with a key",
            unsigned(r#"{"alg":"none","kid":"rsa-1"}"#),
        ),
        ("cut", format!("{head}.{body}")),
        ("with an empty signature", format!("{head}.{body}.")),
        (
            "by the public key as a secret",
            signed(&access(), Algorithm::HS256, &public_key, "rsa-1"),
        ),
        (
            "by the key's text as a secret",
            signed(&access(), Algorithm::HS256, &jwk_secret, "rsa-1"),
        ),
        (
            "by another key",
            signed(&access(), Algorithm::RS256, &rsa(2), "rsa-1"),
        ),
        (
            "by an unknown key",
            signed(&access(), Algorithm::RS256, &rsa(2), "rsa-9"),
        ),
        (
            "by a longer hash",
            signed(&access(), Algorithm::RS384, &rsa(1), "rsa-1"),
        ),
        (
            "by the key of another algorithm",
            signed(&access(), Algorithm::ES256, &ec(), "rsa-1"),
        ),
    ];
    let refused = server.bearer("nonsense").get("/auth/me");
    assert_eq!(refused.status, 401);
    for (what, token) in bad {
        let answer = server.bearer(&token).get("/auth/me");
        assert_eq!(
            (answer.status, &answer.text),
            (401, &refused.text),
            "{what}"
        );
    }
    assert_eq!(server.bearer(&good).get("/auth/me").status, 200);
}

#[test]
fn key_that_was_replaced_is_no_longer_good_and_the_new_one_is() {
    let (folder, server) = start();
    let (old, new) = (
        by_rsa(&access()),
        signed(&access(), Algorithm::RS256, &rsa(2), "rsa-2"),
    );
    assert_eq!(server.bearer(&old).get("/auth/me").status, 200);
    assert_eq!(server.bearer(&new).get("/auth/me").status, 401);
    let set = json!({"keys": [public(&rsa(2), Algorithm::RS256, "rsa-2")]});
    std::fs::write(folder.path().join("jwks.json"), set.to_string()).unwrap();
    std::thread::sleep(Duration::from_millis(1100));
    assert_eq!(server.bearer(&new).get("/auth/me").status, 200);
    assert_eq!(server.bearer(&old).get("/auth/me").status, 401);
}

/// Serves the key set on this machine and counts how often it is asked.
fn serve_keys() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            let _ = stream.read(&mut [0; 4096]);
            let body = key_set().to_string();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(format!("{head}{body}").as_bytes());
        }
    });
    (url, asked)
}

#[test]
fn keys_are_fetched_once_however_many_unknown_ones_are_named() {
    let (url, asked) = serve_keys();
    let server = Server::start_with(Config {
        issuers: vec![Issuer {
            jwks_file: None,
            jwks_url: Some(url),
            tenant: Some("default".to_owned()),
            ..issuer(Path::new(""))
        }],
        ..settings()
    });
    assert_eq!(
        asked.load(Ordering::SeqCst),
        0,
        "nothing is fetched before it is needed"
    );
    let without_tenant = by_rsa(&changed(access(), json!({"custom:tenant_id": null})));
    assert_eq!(server.bearer(&without_tenant).get("/auth/me").status, 200);
    for n in 0..20 {
        let token = signed(
            &access(),
            Algorithm::RS256,
            &rsa(2),
            &format!("unknown-{n}"),
        );
        assert_eq!(server.bearer(&token).get("/auth/me").status, 401);
    }
    let elsewhere = by_rsa(&changed(access(), json!({"custom:tenant_id": "public"})));
    assert_eq!(server.bearer(&elsewhere).get("/auth/me").status, 401);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn deleted_user_does_not_come_back_with_the_token_of_before() {
    let (_folder, server) = start();
    let token = by_rsa(&access());
    let user = me(&server.bearer(&token));
    let path = format!("/api/users/{}", user["id"].as_str().unwrap());
    assert_eq!(server.admin().delete(&path).status, 200);
    assert_eq!(server.bearer(&token).get("/auth/me").status, 401);
    let later = by_rsa(&changed(access(), json!({"iat": now() + 2})));
    assert_ne!(me(&server.bearer(&later))["id"], user["id"]);
}

#[test]
fn settings_of_an_issuer_that_cannot_be_right_are_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let attempt = |issuer: Issuer| {
        let config = Config {
            data_dir: folder.path().to_owned(),
            issuers: vec![issuer],
            ..settings()
        };
        let opened = actix_web::rt::System::new().block_on(satchel::service::Service::open(config));
        opened
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    };
    let url = |url: &str| Issuer {
        jwks_file: None,
        jwks_url: Some(url.to_owned()),
        ..issuer(Path::new(""))
    };
    assert!(attempt(url("http://issuer.example/keys")).contains("https://"));
    assert!(attempt(url("ftp://127.0.0.1/keys")).contains("https://"));
    let both = Issuer {
        jwks_url: Some("https://issuer.example".to_owned()),
        ..issuer(Path::new("x"))
    };
    assert!(attempt(both).contains("either"));
    let ours = Issuer {
        issuer: "satchel".to_owned(),
        ..issuer(Path::new("x"))
    };
    assert!(attempt(ours).contains("cannot be used"));
}

#[test]
fn api_key_of_an_outside_user_ends_some_days_after_the_last_token() {
    let (_folder, server) = start();
    let token = by_rsa(&access());
    let frida = server.bearer(&token);
    let made = frida.post("/api/keys", &json!({"name": "script"})).json();
    let program = server.bearer(made["key"].as_str().unwrap());
    assert_eq!(me(&program)["username"], "frida");
    let raw = rusqlite::Connection::open(server.data_dir().join("satchel.db")).unwrap();
    let day = 24 * 3600 * 1000;
    let older = |days: i64| {
        let sql = "UPDATE users SET vouched_at = vouched_at - ?1 WHERE issuer IS NOT NULL";
        assert_eq!(raw.execute(sql, [days * day]).unwrap(), 1);
    };
    older(29);
    assert_eq!(program.get("/auth/me").status, 200);
    older(2);
    assert_eq!(
        program.get("/auth/me").status,
        401,
        "nobody vouches for her"
    );
    assert_eq!(frida.get("/auth/me").status, 200);
    assert_eq!(program.get("/auth/me").status, 200, "now somebody does");
}
