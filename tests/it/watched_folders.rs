//! Folders that are chosen on the page: who may choose which, and that a server
//! keeps datasets in step with them.

use crate::crash::Process;
use crate::support::{BAKERY, Client, LIGHTHOUSE, Server, settings};
use crate::watch::{Place, names};
use satchel::config::Config;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

const FOLDERS: &str = "/api/watched-folders";

/// How long a change may take to be followed.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a change is waited for that must not come.
const LONG_ENOUGH: Duration = Duration::from_secs(2);

/// A server whose page may choose what lies in `shown`.
fn serve(place: &Place) -> Process {
    let shown = place.path("shown");
    fs::create_dir_all(&shown).unwrap();
    let shown = shown.to_string_lossy();
    Process::start_with(&place.path("data"), &["--watchable", &shown])
}

/// The dataset that takes what names none.
fn dataset(client: &Client) -> String {
    let all = client.get("/api/datasets").json();
    let own = all["datasets"].as_array().unwrap().iter();
    let own = own.clone().find(|one| one["name"] == "Documents");
    own.unwrap()["id"].as_str().unwrap().to_owned()
}

/// Asks for a folder to be watched into that dataset.
fn wish(client: &Client, path: &Path) -> Value {
    json!({"path": path, "dataset_id": dataset(client)})
}

fn watch(client: &Client, path: &Path) -> String {
    let added = client.post(FOLDERS, &wish(client, path));
    assert_eq!(added.status, 201, "{}", added.text);
    added.json()["id"].as_str().unwrap().to_owned()
}

fn only_folder(client: &Client) -> Value {
    client.get(FOLDERS).json()["watched_folders"][0].clone()
}

/// Waits until the only folder is as it should be.
#[track_caller]
fn until(client: &Client, is_so: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let folder = only_folder(client);
        if is_so(&folder) {
            return folder;
        }
        assert!(began.elapsed() < PATIENCE, "{folder}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Waits until the documents have these names and the folder is in step.
#[track_caller]
fn until_in_step(client: &Client, expected: &[&str]) {
    let began = Instant::now();
    while names(client) != expected || only_folder(client)["state"] != "in_step" {
        let folder = only_folder(client);
        assert!(began.elapsed() < PATIENCE, "{:?} {folder}", names(client));
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[cfg(unix)]
#[test]
fn added_changed_and_removed_files_are_followed_and_go_on_being_so_after_a_restart() {
    let place = Place::new();
    place.write("shown/papers/lighthouse.md", LIGHTHOUSE);
    place.write("shown/papers/food/bakery.md", BAKERY);
    place.write("shown/papers/drafts/idea.md", "# Idea\n\nNot yet.");
    let server = serve(&place);
    let body = json!({"path": place.path("shown/papers"), "dataset_id": dataset(&server.client),
        "exclude": ["drafts"]});
    assert_eq!(server.client.post(FOLDERS, &body).status, 201);
    until_in_step(&server.client, &["bakery.md", "lighthouse.md"]);
    let folder = only_folder(&server.client);
    assert_eq!(
        (&folder["file_count"], &folder["error"]),
        (&json!(2), &Value::Null)
    );
    assert!(folder["looked_at"].is_string() && folder["username"] == "admin");

    place.write("shown/papers/notes.md", "# Notes\n\nBuy heather honey.");
    place.remove("shown/papers/food/bakery.md");
    until_in_step(&server.client, &["lighthouse.md", "notes.md"]);
    place.write(
        "shown/papers/lighthouse.md",
        "# Lamp\n\nIt is electric now.",
    );
    let found = || {
        server
            .client
            .post("/api/search", &json!({"query": "electric lamp"}))
    };
    let began = Instant::now();
    while !found().text.contains("electric now") {
        assert!(began.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(100));
    }

    server.kill();
    place.write("shown/papers/bakery.md", BAKERY);
    let server = serve(&place);
    until_in_step(&server.client, &["bakery.md", "lighthouse.md", "notes.md"]);
    let began = Instant::now();
    assert_eq!(server.end(), Some(0));
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "nothing is waited for"
    );
}

#[test]
fn folder_that_rests_is_not_followed_and_documents_outlive_the_watching() {
    let place = Place::new();
    place.write("shown/papers/lighthouse.md", LIGHTHOUSE);
    let server = serve(&place);
    let client = &server.client;
    let id = watch(client, &place.path("shown/papers"));
    until_in_step(client, &["lighthouse.md"]);
    let own = format!("{FOLDERS}/{id}");
    let paused = client.patch(&own, &json!({"paused": true})).json();
    assert_eq!(paused["state"], "paused");
    place.write("shown/papers/bakery.md", BAKERY);
    std::thread::sleep(LONG_ENOUGH);
    assert_eq!(names(client), ["lighthouse.md"]);
    client.patch(&own, &json!({"paused": false}));
    until_in_step(client, &["bakery.md", "lighthouse.md"]);

    let of_dataset = format!("/api/datasets/{}", dataset(client));
    assert_eq!(
        client.delete(&of_dataset).status,
        409,
        "it would be filled again"
    );
    assert_eq!(client.delete(&own).status, 200);
    assert_eq!(client.delete(&own).status, 404);
    place.remove("shown/papers/bakery.md");
    std::thread::sleep(LONG_ENOUGH);
    assert_eq!(names(client), ["bakery.md", "lighthouse.md"]);
    // Who watches it again finds the documents that came from it.
    watch(client, &place.path("shown/papers"));
    until_in_step(client, &["lighthouse.md"]);
}

#[cfg(unix)]
#[test]
fn folder_that_is_gone_or_leads_elsewhere_takes_nothing_away_and_adds_nothing() {
    let place = Place::new();
    place.write("shown/papers/lighthouse.md", LIGHTHOUSE);
    place.write("shown/papers/broken.pdf", "%PDF-1.7 broken");
    place.write("secret/diary.md", "# Diary\n\nThe zebrafinch sleeps.");
    let server = serve(&place);
    let client = &server.client;
    watch(client, &place.path("shown/papers"));
    let folder = until(client, |folder| folder["state"] == "incomplete");
    assert_eq!(folder["failed"][0]["path"], "broken.pdf");
    assert!(folder["failed"][0]["reason"].as_str().unwrap().len() > 5);
    let before = names(client);

    fs::rename(place.path("shown/papers"), place.path("shown/away")).unwrap();
    let folder = until(client, |folder| folder["state"] == "failing");
    let error = folder["error"].as_str().unwrap();
    assert!(error.contains("is not there"), "{error}");
    assert_eq!(names(client), before);
    std::os::unix::fs::symlink(place.path("secret"), place.path("shown/papers")).unwrap();
    let leads = |folder: &Value| {
        folder["error"]
            .as_str()
            .unwrap_or_default()
            .contains("allows")
    };
    until(client, leads);
    std::thread::sleep(LONG_ENOUGH);
    assert_eq!(names(client), before, "no file of elsewhere");

    fs::remove_file(place.path("shown/papers")).unwrap();
    fs::rename(place.path("shown/away"), place.path("shown/papers")).unwrap();
    until(client, |folder| folder["state"] == "incomplete");
    place.remove("shown/papers/broken.pdf");
    until_in_step(client, &["lighthouse.md"]);
}

#[test]
fn folder_is_followed_in_the_name_of_who_may_and_by_nobody_else() {
    let place = Place::new();
    place.write("shown/papers/lighthouse.md", LIGHTHOUSE);
    let server = serve(&place);
    let client = &server.client;
    let password = "correct horse battery";
    let olga = json!({"username": "olga", "password": password, "role": "admin"});
    let user = client.post("/api/users", &olga).json()["id"].clone();
    let sign_in = json!({"username": "olga", "password": password});
    let token = client.post("/auth/login", &sign_in).json()["access_token"].clone();
    let base = format!("http://{}", server.address());
    let of_olga = Client::new(&base, token.as_str());
    let id = watch(&of_olga, &place.path("shown/papers"));
    until_in_step(client, &["lighthouse.md"]);

    let account = format!("/api/users/{}", user.as_str().unwrap());
    assert_eq!(client.patch(&account, &json!({"role": "user"})).status, 200);
    place.write("shown/papers/bakery.md", BAKERY);
    let folder = until(client, |folder| folder["state"] == "failing");
    assert!(folder["error"].as_str().unwrap().contains("in your name"));
    assert_eq!(names(client), ["lighthouse.md"]);
    let own = format!("{FOLDERS}/{id}");
    client.patch(&own, &json!({"paused": true}));
    let resumed = client.patch(&own, &json!({"paused": false})).json();
    assert_eq!(resumed["username"], "admin");
    until_in_step(client, &["bakery.md", "lighthouse.md"]);
}

/// A server in this process, which follows nothing.
fn server(place: &Place, watchable: bool) -> Server {
    let shown = fs::canonicalize(place.path("shown")).unwrap();
    Server::start_with(Config {
        watchable: watchable.then_some(shown).into_iter().collect(),
        ..settings()
    })
}

#[test]
fn only_what_the_settings_allow_can_be_watched() {
    let place = Place::new();
    place.write("shown/papers/old/a.md", LIGHTHOUSE);
    place.write("secret/diary.md", BAKERY);
    #[cfg(unix)]
    std::os::unix::fs::symlink(place.path("secret"), place.path("shown/link")).unwrap();
    let server = server(&place, true);
    let admin = server.admin();
    let refused = |path: &str| {
        let answer = admin.post(FOLDERS, &wish(&admin, &place.path(path)));
        assert!(!answer.text.contains("diary"), "{}", answer.text);
        answer.status
    };
    assert_eq!(refused("secret"), 403);
    assert_eq!(refused("nowhere"), 403, "whether it is there is not told");
    assert_eq!(refused("shown/../secret"), 403);
    #[cfg(unix)]
    assert_eq!(refused("shown/link"), 403);
    assert_eq!(refused("shown/papers/old/a.md"), 400);
    assert_eq!(refused("shown/nowhere"), 400);
    let nowhere = json!({"path": place.path("shown/papers"), "dataset_id": "no-dataset"});
    assert_eq!(admin.post(FOLDERS, &nowhere).status, 404);
    let mut pattern = wish(&admin, &place.path("shown/papers"));
    pattern["include"] = json!(["[a"]);
    assert_eq!(admin.post(FOLDERS, &pattern).status, 400);
    assert_eq!(admin.get(FOLDERS).json()["watched_folders"], json!([]));

    watch(&admin, &place.path("shown/papers"));
    assert_eq!(refused("shown/papers"), 409);
    assert_eq!(refused("shown/papers/old"), 409);
    assert_eq!(refused("shown"), 409);
    let listed = admin.get(&format!("{FOLDERS}/choices")).json();
    let root = listed["folders"][0]["path"].as_str().unwrap();
    let within = admin.get(&format!("{FOLDERS}/choices?path={root}")).json();
    assert_eq!(within["folders"].as_array().unwrap().len(), 1, "{within}");
    assert_eq!(within["folders"][0]["name"], "papers");
    let secret = place.path("secret");
    let elsewhere = format!("{FOLDERS}/choices?path={}", secret.display());
    assert_eq!(admin.get(&elsewhere).status, 403);

    let erased = admin.post("/api/erase", &json!({"user": "admin", "confirm": true}));
    assert_eq!(erased.status, 200, "{}", erased.text);
    let left = admin.get(FOLDERS).json();
    assert_eq!(left["watched_folders"], json!([]), "nothing comes back");
}

#[test]
fn where_nothing_is_allowed_the_setting_is_named() {
    let place = Place::new();
    place.write("shown/papers/a.md", LIGHTHOUSE);
    let server = server(&place, false);
    let admin = server.admin();
    assert_eq!(admin.get(FOLDERS).json()["watchable"], json!([]));
    let refused = admin.post(FOLDERS, &wish(&admin, &place.path("shown/papers")));
    assert_eq!(refused.status, 403);
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("--watchable"), "{detail}");
}

#[test]
fn only_operators_see_and_choose_folders() {
    let place = Place::new();
    place.write("shown/papers/a.md", LIGHTHOUSE);
    let server = server(&place, true);
    let id = watch(&server.admin(), &place.path("shown/papers"));
    let papers = place.path("shown/papers");
    let others = [
        server.user("ulla"),
        server.tenant("north"),
        server.account("robot", "service"),
    ];
    for client in others {
        let own = format!("{FOLDERS}/{id}");
        let choices = format!("{FOLDERS}/choices?path={}", papers.display());
        let body = json!({"path": papers, "dataset_id": "any"});
        for answer in [
            client.get(FOLDERS),
            client.get(&choices),
            client.post(FOLDERS, &body),
            client.patch(&own, &json!({"paused": true})),
            client.delete(&own),
        ] {
            assert_eq!(answer.status, 403, "{}", answer.text);
            assert!(!answer.text.contains("papers"), "{}", answer.text);
        }
    }
    assert_eq!(server.stranger().get(FOLDERS).status, 401);
    assert_eq!(only_folder(&server.admin())["paused"], false);
    let logged = server
        .admin()
        .get("/api/audit?action=watch_a_folder")
        .json();
    let outcomes: Vec<_> = logged["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| (record["outcome"].as_str(), record["object"].as_str()))
        .collect();
    // The newest first; what people of another tenant try is in that one's log.
    let refused = (Some("refused"), None);
    let done = (Some("done"), Some(id.as_str()));
    assert_eq!(outcomes, [refused, refused, done]);
}
