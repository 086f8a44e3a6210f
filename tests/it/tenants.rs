//! Tenants, roles, who sees a dataset, sign-ins that end, and limits.

use crate::support::{Client, Form, LIGHTHOUSE, PASSWORD, Server, assert_shape, settings};
use satchel::config::Config;
use serde_json::{Value, json};
use std::time::Duration;

fn id(body: &Value) -> String {
    body["id"].as_str().unwrap().to_owned()
}

#[test]
fn operator_makes_changes_and_deletes_tenants() {
    let server = Server::start();
    let admin = server.admin();
    let shape = json!({
        "id": "string", "name": "string", "requests_per_minute": "number | null",
        "disk_quota_bytes": "number | null", "user_count": "number",
        "document_count": "number", "disk_bytes": "number", "created_at": "datetime",
    });
    let listed = admin.get("/api/tenants").json();
    assert_shape(&listed, &json!({"tenants": [shape]}));
    let ids: Vec<_> = listed["tenants"]
        .as_array()
        .unwrap()
        .iter()
        .map(id)
        .collect();
    assert_eq!(ids, ["default", "public"]);
    let body = json!({"id": "acme", "name": "Acme", "requests_per_minute": 7});
    let made = admin.post("/api/tenants", &body);
    assert_eq!(made.status, 201, "{}", made.text);
    assert_shape(&made.json(), &shape);
    assert_eq!(admin.post("/api/tenants", &body).status, 409);
    for wrong in ["", "a b", "ä", &"x".repeat(65)] {
        let body = json!({"id": wrong, "name": "x"});
        assert_eq!(admin.post("/api/tenants", &body).status, 400, "{wrong:?}");
    }
    let change = json!({"name": "Acme Inc", "disk_quota_bytes": 5000, "requests_per_minute": null});
    let changed = admin.patch("/api/tenants/acme", &change).json();
    assert_eq!(
        (&changed["name"], &changed["disk_quota_bytes"]),
        (&json!("Acme Inc"), &json!(5000))
    );
    assert_eq!(changed["requests_per_minute"], Value::Null);
    let kept = admin.patch("/api/tenants/acme", &json!({})).json();
    assert_eq!(kept["disk_quota_bytes"], 5000);
    assert_eq!(admin.patch("/api/tenants/none", &json!({})).status, 404);
    for fixed in ["default", "public"] {
        assert_eq!(admin.delete(&format!("/api/tenants/{fixed}")).status, 409);
    }
    assert_eq!(admin.delete("/api/tenants/acme").status, 200);
    assert_eq!(admin.delete("/api/tenants/acme").status, 404);
}

#[test]
fn deleted_tenant_leaves_no_user_no_row_and_no_file() {
    let server = Server::start();
    let admin = server.tenant("acme");
    let document = admin.ingest("lighthouse.md", LIGHTHOUSE);
    admin.ask("When was the lighthouse built?");
    let original = server.data_dir().join("originals");
    let files = || walk(&original);
    assert_eq!(files(), 1, "{document}");
    assert_eq!(server.admin().delete("/api/tenants/acme").status, 200);
    assert_eq!(admin.get("/auth/me").status, 401);
    assert_eq!(files(), 0);
    let login = json!({"username": "acme-admin", "password": PASSWORD});
    assert_eq!(server.stranger().post("/auth/login", &login).status, 401);
    let database = rusqlite::Connection::open(server.data_dir().join("satchel.db")).unwrap();
    for table in [
        "documents",
        "chunks",
        "vectors",
        "sessions",
        "messages",
        "api_keys",
    ] {
        let count = format!("SELECT count(*) FROM {table}");
        let rows: u64 = database.query_row(&count, [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 0, "{table}");
    }
    let examined = server.admin().get("/api/examination").json();
    assert_eq!(examined["consistent"], true, "{examined}");
}

fn walk(folder: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .map(|path| if path.is_dir() { walk(&path) } else { 1 })
        .sum()
}

#[test]
fn administrator_administers_the_own_tenant_only_and_the_operator_all() {
    let server = Server::start();
    let (acme, operator) = (server.tenant("acme"), server.admin());
    for (method, path) in [
        ("GET", "/api/tenants"),
        ("POST", "/api/models/unload"),
        ("GET", "/api/examination"),
    ] {
        assert_eq!(acme.call(method, path, None, b"").status, 403, "{path}");
    }
    let new = json!({"username": "anna", "password": PASSWORD, "role": "service"});
    let anna = acme.post("/api/users", &new);
    assert_eq!(
        (anna.status, &anna.json()["tenant_id"]),
        (201, &json!("acme"))
    );
    let names = |client: &Client, path: &str| {
        let body = client.get(path).json();
        let users = body["users"].as_array().unwrap().iter();
        users
            .map(|one| one["username"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&acme, "/api/users"), ["acme-admin", "anna"]);
    assert_eq!(names(&operator, "/api/users"), ["admin"]);
    assert_eq!(
        names(&operator, "/api/users?tenant_id=acme"),
        ["acme-admin", "anna"]
    );
    assert_eq!(operator.get("/api/users?tenant_id=none").status, 404);
    for tenant in ["default", "none"] {
        let path = format!("/api/users?tenant_id={tenant}");
        assert_eq!(acme.get(&path).status, 404);
        let mut new = new.clone();
        new["tenant_id"] = json!(tenant);
        assert_eq!(acme.post("/api/users", &new).status, 404);
    }
    let path = format!("/api/users/{}", id(&anna.json()));
    assert_eq!(
        operator.delete(&path).status,
        404,
        "not without naming the tenant"
    );
    let key = json!({"name": "k", "username": "anna", "tenant_id": "acme"});
    let key = operator.post("/api/keys", &key).json();
    let robot = server.bearer(key["key"].as_str().unwrap());
    assert_eq!(robot.get("/auth/me").json()["user"]["tenant_id"], "acme");
    assert_eq!(
        operator.delete(&format!("{path}?tenant_id=acme")).status,
        200
    );
    assert_eq!(robot.get("/auth/me").status, 401);
}

#[test]
fn private_dataset_is_its_owners_and_can_be_opened_to_the_tenant() {
    let server = Server::start();
    let (vera, nils) = (server.user("vera"), server.user("nils"));
    let made = vera.post(
        "/api/datasets",
        &json!({"name": "Mine", "visibility": "private"}),
    );
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(made.json()["visibility"], "private");
    let dataset = id(&made.json());
    let form = Form::new()
        .field("dataset_id", &dataset)
        .file("a.md", LIGHTHOUSE);
    let document = id(&vera.send_form(&form).json());
    vera.settled(&document);
    let search = json!({"query": "lighthouse tower", "search_options": {"score_threshold": 0}});
    let found = |client: &Client| {
        let body = client.post("/api/search", &search).json();
        (
            body["results"].as_array().unwrap().len(),
            body["coverage"]["documents"].clone(),
        )
    };
    let original = format!("/documents/{document}/original");
    assert!(found(&vera).0 > 0);
    assert_eq!(found(&nils), (0, json!(0)));
    assert_eq!(nils.get(&original).status, 404);
    let path = format!("/api/datasets/{dataset}");
    assert_eq!(
        nils.patch(&path, &json!({"visibility": "tenant"})).status,
        404
    );
    assert_eq!(
        vera.patch(&path, &json!({"visibility": "public"})).status,
        403
    );
    assert_eq!(
        vera.patch(&path, &json!({"visibility": "hidden"})).status,
        400
    );
    assert_eq!(vera.patch(&path, &json!({"name": "documents"})).status, 400);
    let opened = vera.patch(&path, &json!({"visibility": "tenant"}));
    assert_eq!(opened.status, 200, "{}", opened.text);
    assert!(found(&nils).0 > 0);
    assert_eq!(nils.get(&original).status, 200);
    assert_eq!(
        nils.patch(&path, &json!({"visibility": "private"})).status,
        403
    );
    assert_eq!(nils.patch(&path, &json!({"name": "Ours"})).status, 200);
}

#[test]
fn public_dataset_is_read_by_the_public_tenant_and_by_no_other() {
    let server = Server::start();
    let admin = server.admin();
    let dataset = id(&admin
        .post("/api/datasets", &json!({"name": "Shown"}))
        .json());
    let form = Form::new()
        .field("dataset_id", &dataset)
        .file("a.md", LIGHTHOUSE);
    let document = id(&admin.send_form(&form).json());
    admin.settled(&document);
    let visitor = server.person("public", "visitor-1", "user");
    let keeper = server.person("public", "keeper", "admin");
    let other = server.tenant("acme");
    let sees = |client: &Client| {
        let listed = client.get("/api/documents").json()["total_count"].clone();
        (client.get(&format!("/documents/{document}")).status, listed)
    };
    assert_eq!(sees(&visitor), (404, json!(0)));
    let path = format!("/api/datasets/{dataset}");
    let shown = admin.patch(&path, &json!({"visibility": "public"}));
    assert_eq!(shown.status, 200, "{}", shown.text);
    assert_eq!(sees(&visitor), (200, json!(1)));
    assert_eq!(sees(&other), (404, json!(0)));
    let events = visitor.ask("Who built the lighthouse?");
    let answer = events
        .iter()
        .find(|event| event.data["content"].is_string());
    assert_eq!(
        answer.unwrap().data["citations"][0]["document_id"],
        document
    );
    for client in [&visitor, &keeper] {
        assert_eq!(client.delete(&path).status, 403);
        assert_eq!(client.patch(&path, &json!({"name": "Taken"})).status, 403);
        assert_eq!(client.delete(&format!("/documents/{document}")).status, 403);
        let form = Form::new()
            .field("dataset_id", &dataset)
            .file("b.md", "# B\n\nText.");
        assert_eq!(client.send_form(&form).status, 403);
    }
}

#[test]
fn sign_ins_are_listed_and_end_with_their_tokens() {
    let server = Server::start();
    server.user("vera");
    let first = server.signed_in("vera").with("user-agent", "first");
    let second = server.signed_in("vera");
    let listed = first.get("/auth/sessions").json();
    let all = listed["sessions"].as_array().unwrap();
    assert_eq!(all.len(), 3, "{listed}");
    assert_shape(
        &all[0],
        &json!({"id": "string", "started_at": "datetime", "last_used_at": "datetime",
                "expires_at": "datetime", "address": "string | null",
                "client": "string | null", "current": "boolean"}),
    );
    assert_eq!(all.iter().filter(|one| one["current"] == true).count(), 1);
    assert_eq!(all[0]["address"], "127.0.0.1");
    let listed = second.get("/auth/sessions").json();
    let mut all = listed["sessions"].as_array().unwrap().iter();
    let own = all.find(|one| one["current"] == true).unwrap();
    let path = format!("/auth/sessions/{}", id(own));
    let nils = server.user("nils");
    assert_eq!(nils.delete(&path).status, 404, "another's sign-in");
    assert_eq!(first.delete(&path).status, 200);
    assert_eq!(second.get("/auth/me").status, 401);
    assert_eq!(first.get("/auth/me").status, 200);
    assert_eq!(first.delete("/auth/sessions").status, 200);
    assert_eq!(first.get("/auth/me").status, 401);
    assert_eq!(server.signed_in("vera").get("/auth/me").status, 200);
}

#[test]
fn signing_out_ends_the_access_token_too() {
    let server = Server::start();
    server.user("vera");
    let login = json!({"username": "vera", "password": PASSWORD});
    let answer = server.stranger().post("/auth/login", &login);
    let client = server.bearer(answer.json()["access_token"].as_str().unwrap());
    assert_eq!(client.get("/auth/me").status, 200);
    let cookie = answer
        .header("set-cookie")
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    server
        .stranger()
        .with("cookie", &cookie)
        .post("/auth/logout", &json!({}));
    assert_eq!(client.get("/auth/me").status, 401);
}

#[test]
fn new_password_or_role_ends_all_tokens_at_once_and_keeps_the_browser_signed_in() {
    let server = Server::start();
    let vera = server.user("vera");
    let other = server.signed_in("vera");
    let change = json!({"current": PASSWORD, "password": "another good one"});
    let changed = vera.post("/auth/password", &change);
    assert_eq!(changed.status, 204, "{}", changed.text);
    for client in [&vera, &other] {
        assert_eq!(client.get("/auth/me").status, 401);
    }
    let cookie = changed
        .header("set-cookie")
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let browser = server.stranger().with("cookie", &cookie);
    let renewed = browser.post("/auth/refresh", &json!({}));
    assert_eq!(renewed.status, 200, "{}", renewed.text);
    let token = renewed.json()["access_token"].as_str().unwrap().to_owned();
    let vera = server.bearer(&token);
    let user = id(&vera.get("/auth/me").json()["user"]);
    let path = format!("/api/users/{user}");
    let raised = server.admin().patch(&path, &json!({"role": "admin"}));
    assert_eq!(
        (raised.status, &raised.json()["role"]),
        (200, &json!("admin"))
    );
    assert_eq!(vera.get("/auth/me").status, 401);
    let own = id(&server.admin().get("/auth/me").json()["user"]);
    let demoted = server
        .admin()
        .patch(&format!("/api/users/{own}"), &json!({"role": "user"}));
    assert_eq!(demoted.status, 409);
}

#[test]
fn locked_out_name_waits_even_with_the_right_password_and_unknown_ones_do_too() {
    let server = Server::start();
    server.user("vera");
    let attempt = |name: &str, password: &str| {
        let body = json!({"username": name, "password": password});
        server.stranger().post("/auth/login", &body)
    };
    for name in ["vera", "nobody-here"] {
        for _ in 0..10 {
            assert_eq!(attempt(name, "a guess").status, 401);
        }
    }
    let (known, unknown) = (attempt("VERA", PASSWORD), attempt("nobody-here", PASSWORD));
    for answer in [&known, &unknown] {
        assert_eq!(answer.status, 429, "{}", answer.text);
        let wait: u64 = answer.header("retry-after").parse().unwrap();
        assert!((25..=31).contains(&wait), "{wait}");
    }
    server.user("nils");
}

#[test]
fn tenant_has_a_limit_of_its_own_beside_that_of_each_user() {
    let server = Server::start_with(Config {
        rate_limit: 50,
        ..settings()
    });
    let acme = server.tenant("acme");
    let body = json!({"requests_per_minute": 4});
    assert_eq!(server.admin().patch("/api/tenants/acme", &body).status, 200);
    let anna = server.person("acme", "anna", "user");
    for (client, left) in [(&acme, "3"), (&anna, "2"), (&acme, "1"), (&anna, "0")] {
        let answer = client.get("/auth/me");
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.header("x-ratelimit-limit"), "4");
        assert_eq!(answer.header("x-ratelimit-remaining"), left);
    }
    let refused = acme.get("/auth/me");
    assert_eq!(refused.status, 429);
    assert!(
        refused.detail().contains("of your tenant"),
        "{}",
        refused.text
    );
    assert!(refused.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(refused.header("x-ratelimit-remaining"), "0");
    assert_eq!(
        server.admin().get("/auth/me").header("x-ratelimit-limit"),
        "50"
    );
}

#[test]
fn documents_beyond_the_quota_of_a_tenant_are_refused() {
    let server = Server::start();
    let acme = server.tenant("acme");
    let quota = json!({"disk_quota_bytes": LIGHTHOUSE.len() + 10});
    assert_eq!(
        server.admin().patch("/api/tenants/acme", &quota).status,
        200
    );
    let document = acme.ingest("a.md", LIGHTHOUSE);
    let refused = acme.upload("b.md", "# Another\n\nThis does not fit any more.");
    assert_eq!(refused.status, 413, "{}", refused.text);
    assert!(
        refused.detail().contains("bytes that are allowed"),
        "{}",
        refused.text
    );
    let lines = "{\"id\":\"1\",\"text\":\"a text that is long enough\"}\n";
    assert_eq!(acme.upload("c.jsonl", lines).status, 413);
    assert_eq!(acme.get("/api/documents").json()["total_count"], 1);
    acme.delete(&format!("/documents/{}", id(&document)));
    assert_eq!(
        acme.upload("b.md", "# Another\n\nNow it does fit.").status,
        200
    );
    assert_eq!(server.admin().upload("d.md", LIGHTHOUSE).status, 200);
}

#[test]
fn json_that_is_nested_too_deep_is_refused_clearly() {
    let server = Server::start();
    let deep = format!("{{\"message\": {}{}}}", "[".repeat(70), "]".repeat(70));
    let json = Some("application/json");
    let answer = server
        .admin()
        .call("POST", "/chat/send", json, deep.as_bytes());
    assert_eq!(answer.status, 400);
    assert!(
        answer.detail().contains("deeper than 64 levels"),
        "{}",
        answer.text
    );
}

#[test]
fn body_that_stops_in_the_middle_is_not_waited_for() {
    use std::io::{Read, Write};
    let server = Server::start_with(Config {
        body_timeout: Duration::from_secs(1),
        ..settings()
    });
    let address = server.address();
    for head in [
        "POST /chat/send HTTP/1.1\r\nContent-Type: application/json",
        "POST /documents/upload HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=x",
    ] {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        let token = server.admin_token();
        write!(
            stream,
            "{head}\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
             Content-Length: 500\r\n\r\n"
        )
        .unwrap();
        let mut answer = [0; 4096];
        let length = stream.read(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer[..length]);
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
        assert!(answer.contains("did not arrive within 1 s"), "{answer}");
    }
}
