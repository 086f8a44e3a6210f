//! What holds for every endpoint: who may call, envelopes, headers, limits.

use crate::support::{Client, Server, settings};
use satchel::config::Config;
use satchel::http::{Access, ENDPOINTS};
use serde_json::json;

/// A path of the table with something in place of its variables.
fn example(path: &str) -> String {
    path.split('/')
        .map(|part| if part.starts_with('{') { "1" } else { part })
        .collect::<Vec<_>>()
        .join("/")
}

fn raw(client: &Client, method: &str, path: &str) -> crate::support::Answer {
    let body = matches!(method, "POST" | "PATCH" | "PUT");
    client.call(method, path, body.then_some("application/json"), b"")
}

#[test]
fn every_endpoint_that_is_not_public_wants_a_token() {
    let server = Server::start();
    let stranger = server.stranger();
    let forged = server
        .stranger()
        .with("authorization", "Bearer e30.e30.e30");
    for one in ENDPOINTS.iter().filter(|one| one.wants_caller()) {
        for client in [&stranger, &forged] {
            let answer = raw(client, one.method.as_str(), &example(one.path));
            assert_eq!(answer.status, 401, "{}", one.name);
            assert_eq!(answer.header("www-authenticate"), "Bearer", "{}", one.name);
            assert!(!answer.detail().is_empty(), "{}", one.name);
        }
    }
}

#[test]
fn administrators_alone_pass_where_administrators_are_asked_for() {
    let server = Server::start();
    let user = server.user("nobody-special");
    let administrators = [Access::Admin, Access::Operator];
    for one in ENDPOINTS
        .iter()
        .filter(|one| administrators.contains(&one.access))
    {
        let answer = raw(&user, one.method.as_str(), &example(one.path));
        assert_eq!(answer.status, 403, "{}", one.name);
    }
}

#[test]
fn every_path_refuses_other_methods_in_the_envelope() {
    let server = Server::start();
    for of_path in ENDPOINTS.chunk_by(|a, b| a.path == b.path) {
        let path = example(of_path[0].path);
        let methods: Vec<_> = of_path.iter().map(|one| one.method.as_str()).collect();
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            // Another endpoint's variable may match this path too.
            if methods.contains(&method) || path == "/documents/upload" {
                continue;
            }
            let answer = raw(&server.admin(), method, &path);
            assert_eq!(answer.status, 405, "{method} {path}");
            assert_eq!(answer.header("allow"), methods.join(", "));
            assert!(answer.detail().contains(methods[0]));
        }
    }
}

#[test]
fn unknown_path_of_the_api_is_a_404_in_the_envelope() {
    let server = Server::start();
    for path in [
        "/api/nothing",
        "/chat",
        "/documents/a/b/c",
        "/auth/x",
        "/health/x",
        "/v1",
        "/v1/completions",
    ] {
        let answer = server.admin().get(path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(!answer.detail().is_empty());
    }
    let answer = server.stranger().get("/no-such-page");
    assert_eq!(answer.status, 404);
    assert!(answer.header("content-type").starts_with("text/plain"));
}

#[test]
fn trailing_slash_is_optional_everywhere() {
    let server = Server::start();
    let admin = server.admin();
    for path in ["/health", "/chat/sessions", "/api/documents", "/auth/me"] {
        assert_eq!(admin.get(path).status, 200, "{path}");
        assert_eq!(admin.get(&format!("{path}/")).status, 200, "{path}/");
    }
}

#[test]
fn every_response_carries_a_request_id() {
    let server = Server::start();
    let client = server.stranger().with("x-request-id", "my-request.7");
    for path in ["/health", "/chat/sessions", "/api/nothing", "/nothing"] {
        assert_eq!(client.get(path).header("x-request-id"), "my-request.7");
        let unfit = server
            .stranger()
            .with("x-request-id", "two words")
            .get(path);
        assert_eq!(unfit.header("x-request-id").len(), 36, "{path}");
    }
}

#[test]
fn every_response_is_guarded_by_headers() {
    let server = Server::start();
    for path in ["/health", "/api/documents", "/nothing", "/"] {
        let answer = server.admin().get(path);
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        let policy = answer.header("content-security-policy");
        assert!(
            policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
    }
    let health = server.stranger().get("/health");
    assert_eq!(health.header("cache-control"), "no-store");
}

#[test]
fn name_of_another_site_is_not_served_on_loopback() {
    let server = Server::start();
    let admin = server.admin();
    for host in ["evil.example", "localhost.evil.example:80", "192.168.0.9"] {
        let answer = admin.clone().with("host", host).get("/api/documents");
        assert_eq!(answer.status, 403, "{host}");
        assert!(answer.detail().contains("localhost"));
    }
    let answer = admin.clone().with("host", "localhost:1").get("/health");
    assert_eq!(answer.status, 200);
}

#[test]
fn other_origins_are_let_in_only_by_the_settings() {
    let closed = Server::start();
    let origin = "https://app.example";
    let asked = |server: &Server| {
        let client = server.stranger().with("origin", origin);
        let client = client.with("access-control-request-method", "POST");
        client.call("OPTIONS", "/chat/send", None, b"")
    };
    assert_eq!(asked(&closed).header("access-control-allow-origin"), "");
    let open = Server::start_with(Config {
        cors_origins: vec![origin.to_owned()],
        ..settings()
    });
    assert_eq!(asked(&open).header("access-control-allow-origin"), origin);
    let other = open
        .stranger()
        .with("origin", "https://evil.example")
        .get("/health");
    assert_eq!(other.header("access-control-allow-origin"), "");
}

#[test]
fn requests_beyond_the_limit_are_told_when_to_return() {
    let server = Server::start_with(Config {
        rate_limit: 3,
        ..settings()
    });
    let admin = server.admin();
    for remaining in ["2", "1", "0"] {
        let answer = admin.get("/chat/sessions");
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("x-ratelimit-limit"), "3");
        assert_eq!(answer.header("x-ratelimit-remaining"), remaining);
        assert!(answer.header("x-ratelimit-reset").parse::<u64>().unwrap() <= 60);
    }
    let refused = admin.get("/chat/sessions");
    assert_eq!(refused.status, 429);
    assert!(refused.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(refused.header("x-ratelimit-remaining"), "0");
    assert!(refused.detail().contains("3 requests a minute"));
    assert_eq!(admin.get("/health").status, 200);
}

#[test]
fn body_beyond_the_limit_is_too_large() {
    let server = Server::start_with(Config {
        max_body_bytes: 2000,
        ..settings()
    });
    let body = json!({"message": "x".repeat(3000)});
    let answer = server.admin().post("/chat/send", &body);
    assert_eq!(answer.status, 413);
    assert!(answer.detail().contains("2000 bytes"));
}

#[test]
fn body_that_is_not_json_is_refused() {
    let server = Server::start();
    let admin = server.admin();
    let answer = admin.call("POST", "/chat/send", Some("text/plain"), b"message");
    assert_eq!(answer.status, 415);
    assert!(answer.detail().contains("application/json"));
    let answer = admin.call(
        "POST",
        "/chat/send",
        Some("application/json"),
        b"{\"message\":",
    );
    assert_eq!(answer.status, 400);
    assert!(
        answer.detail().contains("not valid JSON"),
        "{}",
        answer.text
    );
}

#[test]
fn answers_are_compressed_and_health_needs_nobody() {
    let server = Server::start();
    let answer = server.stranger().get("/health");
    assert_eq!(answer.status, 200);
    let body = answer.json();
    assert_eq!(body["status"], "healthy");
    assert_eq!(body["version"], env!("CARGO_PKG_VERSION"));
    let client = server.admin().with("accept-encoding", "br");
    let answer = client.call("GET", "/api/status", None, b"");
    assert_eq!(answer.header("content-encoding"), "br");
}

#[test]
fn page_is_revalidated_and_can_be_switched_off() {
    let server = Server::start();
    let page = server.stranger().get("/");
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").starts_with("text/html"));
    assert_eq!(page.header("cache-control"), "no-cache");
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'self'"), "{policy}");
    let tag = page.header("etag").to_owned();
    let again = server.stranger().with("if-none-match", &tag).get("/");
    assert_eq!((again.status, again.bytes.len()), (304, 0));
    assert_eq!(server.stranger().get("/assets/../Cargo.toml").status, 404);
    let without = Server::start_with(Config {
        ui: false,
        ..settings()
    });
    assert_eq!(without.stranger().get("/").status, 404);
}

#[test]
fn assets_are_kept_for_good_under_the_address_of_their_version() {
    let server = Server::start();
    let page = server.stranger().get("/");
    let page = String::from_utf8(page.bytes).unwrap();
    let (_, script) = page.split_once("<script type=\"module\" src=\"").unwrap();
    let (script, _) = script.split_once('"').unwrap();
    let (before, _) = page.split_once("<script type=\"module\"").unwrap();
    assert!(before.contains("rel=\"modulepreload\""), "{before}");

    let plain = server.stranger().get(script);
    assert_eq!(plain.status, 200);
    assert!(plain.header("cache-control").contains("immutable"));
    let file = script.rsplit('/').next().unwrap();
    for other in ["/assets/js", "/assets/0123456789abcdef/js"] {
        let answer = server.stranger().get(&format!("{other}/{file}"));
        assert_eq!(answer.bytes, plain.bytes, "{other}");
        assert_eq!(answer.header("cache-control"), "no-cache", "{other}");
    }
}

#[test]
fn status_says_what_is_loaded() {
    let server = Server::start();
    let status = server.admin().get("/api/status").json();
    crate::support::assert_shape(
        &status,
        &json!({
            "version": "string", "uptime_s": "number", "chat_model": "object | null",
            "chat_model_error": "string | null",
            "embedder": {"name": "string", "dimensions": "number", "fingerprint": "string",
                         "english_only": "boolean"},
            "entailment_model": "object | null",
            "documents": "number", "chunks": "number", "jobs_pending": "number",
            "memory_bytes": "number", "data_dir": "string",
        }),
    );
}
