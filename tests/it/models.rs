//! Models over the API and on the command line: listed, downloaded, exchanged,
//! removed. The hub is a server of the test.

use crate::support::{
    Behaviour, Client, FakeHub, Server, assert_shape, finished, satchel, settings, sha256,
};
use satchel::config::Config;
use satchel::engine::decoder::{Architecture, write_tiny_model};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

const REPOSITORY: &str = "owner/some-model-GGUF";

/// A model with random weights, as bytes.
fn tiny(seed: u64) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.gguf");
    write_tiny_model(&path, Architecture::Qwen2, seed).unwrap();
    std::fs::read(path).unwrap()
}

fn hub_with(file: &str, content: Vec<u8>) -> FakeHub {
    FakeHub::start(Behaviour::of(file, content))
}

fn of_hub(hub: &FakeHub) -> Config {
    Config {
        hub_endpoint: hub.endpoint.clone(),
        ..settings()
    }
}

fn wait_for(client: &Client, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let list = client.get("/api/models").json();
        if is_so(&list) {
            return list;
        }
        assert!(began.elapsed() < PATIENCE, "{what}: {list:#}");
        std::thread::sleep(Duration::from_millis(30));
    }
}

fn loaded(list: &Value) -> Option<&str> {
    let models = list["models"].as_array().unwrap();
    let found = models.iter().find(|model| model["loaded"] == true);
    found.and_then(|model| model["name"].as_str())
}

#[test]
fn list_has_the_catalogue_with_what_suits_this_machine() {
    let server = Server::start();
    let list = server.user("ada").get("/api/models");
    assert_eq!(list.status, 200, "everybody may look");
    let list = list.json();
    assert_shape(
        &list["catalogue"][0],
        &json!({
            "name": "string", "title": "string", "kind": "string", "architecture": "string",
            "repository": "string", "file": "string", "quantization": "string", "bytes": "number",
            "memory_bytes": "number", "parameters": "number", "context_tokens": "number",
            "licence": "string", "languages": "array", "summary": "string", "installed": "boolean",
            "usable": "boolean", "fits": "boolean | null", "recommended": "boolean",
        }),
    );
    assert_eq!(
        (&list["models"], &list["downloads"]),
        (&json!([]), &json!([]))
    );
    assert!(list["machine"]["cores"].as_u64().unwrap() >= 1);
    let catalogue = list["catalogue"].as_array().unwrap();
    let recommended = catalogue
        .iter()
        .filter(|model| model["recommended"] == true);
    assert!(recommended.count() <= 1);
}

#[test]
fn model_is_downloaded_with_events_and_answers_by_itself() {
    let content = tiny(1);
    let hub = hub_with("tiny-Q4_K_M.gguf", content.clone());
    hub.change(|hub| {
        hub.breaks = vec![content.len() / 2];
        hub.pause = Duration::from_millis(2);
    });
    let server = Server::start_with(of_hub(&hub));
    let admin = server.admin();
    let mut events = admin.listen("/api/models/events");
    let begun = admin.post("/api/models/pull", &json!({"name": REPOSITORY}));
    assert_eq!(begun.status, 202, "{}", begun.text);
    assert_eq!(begun.json()["name"], "tiny-Q4_K_M.gguf");
    assert_eq!(begun.json()["total_bytes"], content.len());
    let mut states = Vec::new();
    let last = events.find(|event| {
        let state = event.data["state"].as_str().unwrap_or_default().to_owned();
        states.push(state.clone());
        event.name == "download" && ["done", "failed"].contains(&state.as_str())
    });
    assert_eq!(last.unwrap().data["state"], "done", "{states:?}");
    assert!(states.contains(&"retrying".to_owned()), "{states:?}");
    let path = server.data_dir().join("models/tiny-Q4_K_M.gguf");
    assert_eq!(sha256(&std::fs::read(path).unwrap()), sha256(&content));
    let list = wait_for(&admin, "loaded", |list| loaded(list).is_some());
    assert_eq!(list["downloads"], json!([]));
    let again = admin.post("/api/models/pull", &json!({"name": "tiny-Q4_K_M.gguf"}));
    assert_eq!(again.status, 409, "{}", again.text);
}

#[test]
fn paused_download_is_kept_over_a_restart_resumed_and_removed() {
    let content = tiny(2);
    let hub = hub_with("tiny-Q4_K_M.gguf", content);
    hub.change(|hub| hub.pause = Duration::from_millis(150));
    let server = Server::start_with(of_hub(&hub));
    let admin = server.admin();
    admin.post("/api/models/pull", &json!({"name": REPOSITORY}));
    wait_for(&admin, "some bytes", |list| {
        list["downloads"][0]["received_bytes"].as_u64().unwrap_or(0) > 0
    });
    let path = "/api/models/tiny-Q4_K_M.gguf";
    assert_eq!(admin.post(&format!("{path}/pause"), &json!({})).status, 200);
    let paused = |list: &Value| list["downloads"][0]["state"] == "paused";
    let before = wait_for(&admin, "paused", paused);
    let server = server.restart();
    let admin = server.admin();
    let after = admin.get("/api/models").json();
    assert_eq!(after["downloads"], before["downloads"]);
    hub.change(|hub| hub.pause = Duration::ZERO);
    let resumed = admin.post("/api/models/pull", &json!({"name": "tiny-Q4_K_M.gguf"}));
    assert_eq!(resumed.status, 202, "{}", resumed.text);
    wait_for(&admin, "installed", |list| {
        list["models"][0]["name"].is_string()
    });
    let last = hub.fetches().pop().unwrap();
    assert!(last.header("range").is_some(), "{last:?}");
    assert_eq!(admin.delete(path).status, 200);
    let list = admin.get("/api/models").json();
    assert_eq!(
        (&list["models"], &list["downloads"]),
        (&json!([]), &json!([]))
    );
    assert_eq!(admin.delete(path).status, 404);
}

#[test]
fn download_that_is_discarded_leaves_nothing() {
    let hub = hub_with("tiny-Q4_K_M.gguf", tiny(3));
    hub.change(|hub| hub.pause = Duration::from_millis(150));
    let server = Server::start_with(of_hub(&hub));
    let admin = server.admin();
    admin.post("/api/models/pull", &json!({"name": REPOSITORY}));
    wait_for(&admin, "some bytes", |list| {
        list["downloads"][0]["received_bytes"].as_u64().unwrap_or(0) > 0
    });
    assert_eq!(admin.delete("/api/models/tiny-Q4_K_M.gguf").status, 200);
    wait_for(&admin, "gone", |list| list["downloads"] == json!([]));
    let models = std::fs::read_dir(server.data_dir().join("models")).unwrap();
    assert_eq!(models.count(), 0);
}

#[test]
fn failed_download_says_why_until_it_is_tried_again() {
    let content = tiny(4);
    let hub = hub_with("tiny-Q4_K_M.gguf", content.clone());
    hub.change(|hub| hub.hash = Some("ab".repeat(32)));
    let server = Server::start_with(of_hub(&hub));
    let admin = server.admin();
    let name = json!({"name": REPOSITORY});
    admin.post("/api/models/pull", &name);
    let list = wait_for(&admin, "failed", |list| {
        list["downloads"][0]["state"] == "failed"
    });
    let error = list["downloads"][0]["error"].as_str().unwrap();
    assert!(error.contains("sha256"), "{error}");
    hub.change(|hub| hub.hash = None);
    assert_eq!(admin.post("/api/models/pull", &name).status, 202);
    wait_for(&admin, "installed", |list| {
        list["models"][0]["name"].is_string()
    });
}

#[test]
fn what_cannot_be_downloaded_is_refused_at_once() {
    let hub = hub_with("tiny-Q4_K_M.gguf", tiny(5));
    let server = Server::start_with(of_hub(&hub));
    let admin = server.admin();
    for (name, status, word) in [
        ("no-such-model", 404, "catalogue"),
        ("owner/no-such-model", 404, "no model repository"),
        ("owner/some-model-GGUF:Q2_K", 404, "tiny-Q4_K_M.gguf"),
        ("../../etc/passwd", 400, "owner/repository"),
        ("owner/some-model-GGUF:../x.gguf", 400, "not allowed"),
        ("bge-m3", 404, "no model repository"),
    ] {
        let answer = admin.post("/api/models/pull", &json!({"name": name}));
        assert_eq!(answer.status, status, "{name}: {}", answer.text);
        assert!(answer.detail().contains(word), "{name}: {}", answer.text);
    }
    hub.change(|hub| hub.token = Some("secret".to_owned()));
    let gated = admin.post("/api/models/pull", &json!({"name": REPOSITORY}));
    assert_eq!(gated.status, 403, "{}", gated.text);
    assert!(gated.detail().contains("HF_TOKEN"), "{}", gated.text);
}

#[test]
fn nothing_is_asked_of_the_hub_before_somebody_asks() {
    let hub = hub_with("tiny-Q4_K_M.gguf", tiny(6));
    let server = Server::start_with(of_hub(&hub));
    let admin = server.admin();
    admin.get("/api/models");
    admin.get("/api/status");
    let user = server.user("ada");
    let refused = user.post("/api/models/pull", &json!({"name": REPOSITORY}));
    assert_eq!(refused.status, 403);
    assert!(hub.asked.lock().unwrap().is_empty());
}

fn with_models(files: &[(&str, Architecture)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let models = folder.path().join("models");
    std::fs::create_dir(&models).unwrap();
    for (seed, (name, architecture)) in files.iter().enumerate() {
        write_tiny_model(&models.join(name), *architecture, seed as u64).unwrap();
    }
    folder
}

#[test]
fn models_are_exchanged_while_serving_and_the_choice_outlasts_a_restart() {
    let folder = with_models(&[
        ("a.gguf", Architecture::Llama),
        ("b.gguf", Architecture::Qwen3),
    ]);
    let server = Server::start_in(folder, settings());
    let admin = server.admin();
    let use_model = |admin: &Client, name: &str| {
        let answer = admin.post(&format!("/api/models/{name}/use"), &json!({}));
        assert_eq!(answer.status, 202, "{}", answer.text);
        let file = answer.json()["name"].as_str().unwrap().to_owned();
        wait_for(admin, &file, |list| loaded(list) == Some(file.as_str()));
    };
    for name in ["a.gguf", "b", "a"] {
        use_model(&admin, name);
    }
    let status = admin.get("/api/status").json();
    assert_eq!(status["chat_model"]["architecture"], "llama");
    assert!(status["chat_model"]["device"].is_string());
    let server = server.restart();
    let admin = server.admin();
    wait_for(&admin, "as before", |list| loaded(list) == Some("a.gguf"));
    assert_eq!(admin.post("/api/models/unload", &json!({})).status, 200);
    wait_for(&admin, "unloaded", |list| loaded(list).is_none());
    let server = server.restart();
    let admin = server.admin();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(
        loaded(&admin.get("/api/models").json()),
        None,
        "still unloaded"
    );
    use_model(&admin, "b.gguf");
    assert_eq!(admin.post("/api/models/c.gguf/use", &json!({})).status, 404);
}

#[test]
fn model_that_cannot_be_used_is_said_and_the_one_before_comes_back() {
    let folder = with_models(&[("good.gguf", Architecture::Llama)]);
    let server = Server::start_in(folder, settings());
    let admin = server.admin();
    wait_for(&admin, "loaded", |list| loaded(list).is_some());
    std::fs::write(server.data_dir().join("models/bad.gguf"), b"GGUF no").unwrap();
    assert_eq!(
        admin.post("/api/models/bad.gguf/use", &json!({})).status,
        202
    );
    let list = wait_for(&admin, "back", |list| {
        list["error"].is_string() && loaded(list).is_some()
    });
    assert_eq!(loaded(&list), Some("good.gguf"));
    assert!(
        list["error"].as_str().unwrap().contains("bad.gguf"),
        "{list:#}"
    );
}

#[test]
fn removing_the_loaded_model_falls_back_to_another() {
    let folder = with_models(&[
        ("a.gguf", Architecture::Llama),
        ("b.gguf", Architecture::Llama),
    ]);
    let server = Server::start_in(folder, settings());
    let admin = server.admin();
    admin.post("/api/models/a/use", &json!({}));
    wait_for(&admin, "a", |list| loaded(list) == Some("a.gguf"));
    assert_eq!(admin.delete("/api/models/a.gguf").status, 200);
    assert!(!server.data_dir().join("models/a.gguf").exists());
    wait_for(&admin, "b", |list| loaded(list) == Some("b.gguf"));
    for name in ["..%2Fsatchel.db", "..%2F..%2Fb.gguf", "b.gguf.part"] {
        assert_eq!(
            admin.delete(&format!("/api/models/{name}")).status / 100,
            4,
            "{name}"
        );
    }
    assert!(server.data_dir().join("satchel.db").exists());
}

fn with_hub(
    folder: &Path,
    hub: &FakeHub,
    arguments: &[&str],
    token: &str,
) -> (i32, String, String) {
    finished(
        satchel()
            .args(arguments)
            .current_dir(folder)
            .env("SATCHEL_HANDBOOK", "false")
            .env("HF_ENDPOINT", &hub.endpoint)
            .env("HF_HOME", folder)
            .env("HF_TOKEN", token)
            .stdin(Stdio::null()),
    )
}

#[test]
fn command_line_downloads_lists_uses_and_removes() {
    let hub = hub_with("tiny-Q4_K_M.gguf", tiny(8));
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| with_hub(folder.path(), &hub, arguments, "");
    let (code, out, error) = run(&["models"]);
    assert_eq!(code, 0, "{error}");
    assert!(
        out.contains("qwen2.5-1.5b") && out.contains("This machine: "),
        "{out}"
    );
    let (code, out, error) = run(&["models", "pull", REPOSITORY, "--use"]);
    assert_eq!(code, 0, "{out}{error}");
    assert!(out.contains("tiny-Q4_K_M.gguf is installed."), "{out}");
    assert!(out.contains("tiny-Q4_K_M.gguf is loaded."), "{out}");
    let (_, out, _) = run(&["models", "info", "tiny-Q4_K_M"]);
    assert!(out.contains("tiny-Q4_K_M.gguf"), "{out}");
    let (_, out, _) = run(&["models", "list", "--json"]);
    let list: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(list["models"][0]["name"], "tiny-Q4_K_M.gguf");
    let (code, out, _) = run(&["models", "remove", "tiny-Q4_K_M"]);
    assert_eq!((code, out.as_str()), (0, "Removed tiny-Q4_K_M.\n"));
    let (code, _, error) = run(&["models", "use", "tiny-Q4_K_M"]);
    assert_eq!(code, 1);
    assert!(
        error.contains("no model \"tiny-Q4_K_M\" is installed"),
        "{error}"
    );
}

#[test]
fn token_opens_gated_models_and_only_the_hub_sees_it() {
    let hub = hub_with("tiny-Q4_K_M.gguf", tiny(9));
    hub.change(|hub| hub.token = Some("secret".to_owned()));
    let folder = tempfile::tempdir().unwrap();
    let pull = ["models", "pull", REPOSITORY];
    let (code, _, error) = with_hub(folder.path(), &hub, &pull, "");
    assert_eq!(code, 1);
    assert!(error.contains("HF_TOKEN"), "{error}");
    let (code, _, error) = with_hub(folder.path(), &hub, &pull, "wrong");
    assert_eq!(code, 1);
    assert!(error.contains("token is not valid"), "{error}");
    let (code, _, error) = with_hub(folder.path(), &hub, &pull, "secret");
    assert_eq!(code, 0, "{error}");
    let fetches = hub.fetches();
    assert!(!fetches.is_empty());
    assert!(
        fetches
            .iter()
            .all(|asked| asked.header("authorization").is_none())
    );
}

#[test]
fn download_of_a_killed_process_goes_on() {
    let content = tiny(10);
    let hub = hub_with("tiny-Q4_K_M.gguf", content.clone());
    hub.change(|hub| hub.pause = Duration::from_millis(100));
    let folder = tempfile::tempdir().unwrap();
    let part = folder.path().join("data/models/tiny-Q4_K_M.gguf.part");
    let mut child = satchel()
        .args(["models", "pull", REPOSITORY])
        .current_dir(folder.path())
        .env("SATCHEL_HANDBOOK", "false")
        .env("HF_ENDPOINT", &hub.endpoint)
        .env("HF_HOME", folder.path())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while std::fs::metadata(&part).map_or(0, |part| part.len()) < 16 << 10 {
        assert!(began.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let file = folder.path().join("data/models/tiny-Q4_K_M.gguf");
    assert!(!file.exists());
    hub.change(|hub| hub.pause = Duration::ZERO);
    let (code, _, error) = with_hub(folder.path(), &hub, &["models", "pull", REPOSITORY], "");
    assert_eq!(code, 0, "{error}");
    assert!(std::fs::read(file).unwrap() == content);
    assert!(hub.fetches().pop().unwrap().header("range").is_some());
}

#[test]
fn proxy_is_asked_for_other_hosts() {
    let hub = hub_with("tiny-Q4_K_M.gguf", tiny(11));
    let folder = tempfile::tempdir().unwrap();
    let output = satchel()
        .args(["models", "pull", REPOSITORY])
        .current_dir(folder.path())
        .env("SATCHEL_HANDBOOK", "false")
        .env("HF_ENDPOINT", "http://hub.example")
        .env("HF_HOME", folder.path())
        .env("ALL_PROXY", &hub.endpoint)
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let asked = hub.asked.lock().unwrap();
    assert_eq!(asked[0].path, "CONNECT hub.example:80");
}
