//! The executable as a person at a terminal uses it.

use crate::support::{LIGHTHOUSE, finished, satchel};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

struct Satchel<'a> {
    folder: &'a Path,
}

impl Satchel<'_> {
    fn command(&self) -> Command {
        let mut command = satchel();
        command
            .current_dir(self.folder)
            .env("SATCHEL_HANDBOOK", "false");
        command
    }

    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        finished(self.command().args(arguments))
    }

    fn serve(&self) -> Running {
        let mut child = self
            .command()
            .args(["serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let opened = lines.find(|line| line.as_ref().unwrap().contains("Open"));
        Running {
            child,
            line: opened.unwrap().unwrap(),
        }
    }
}

/// A server in another process; killed when dropped.
struct Running {
    child: Child,
    line: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        // Gone already if it was stopped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn documents_are_added_asked_and_searched_with_and_without_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let satchel = Satchel {
        folder: folder.path(),
    };
    let documents = folder.path().join("papers");
    std::fs::create_dir(&documents).unwrap();
    std::fs::write(documents.join("lighthouse.md"), LIGHTHOUSE).unwrap();
    std::fs::write(documents.join("song.mp3"), "no document").unwrap();
    let alone = satchel.run(&["ingest", "papers"]);
    assert_eq!(
        (alone.0, alone.1.as_str()),
        (0, "1 added, 1 skipped.\n"),
        "{}",
        alone.2
    );
    let asked_alone = satchel.run(&["ask", "Who was the first keeper?"]);
    assert_eq!(asked_alone.0, 0, "{}", asked_alone.2);
    assert!(asked_alone.1.contains("Tobias Grenn"), "{}", asked_alone.1);

    let server = satchel.serve();
    assert!(server.line.contains("#/welcome?link="), "{}", server.line);
    let again = satchel.run(&["ingest", "papers"]);
    assert_eq!(
        (again.0, again.1.as_str()),
        (0, "0 added, 1 there already, 1 skipped.\n")
    );
    let asked = satchel.run(&["ask", "Who was the first keeper?"]);
    assert_eq!(asked.1, asked_alone.1);
    let found = satchel.run(&["search", "--k", "1", "colza oil"]);
    assert!(found.1.contains("burns colza oil"), "{}", found.1);
    for kind in ["similarity", "keyword", "mmr"] {
        let found = satchel.run(&["search", "--kind", kind, "--k", "1", "colza oil"]);
        assert!(found.1.contains("burns colza oil"), "{kind}: {found:?}");
    }
    let nothing = satchel.run(&["ask", "What is the capital of Mongolia?"]);
    assert_eq!(nothing.0, 2, "{}", nothing.1);
}

#[test]
fn replay_ends_with_what_differs_as_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let satchel = Satchel {
        folder: folder.path(),
    };
    let _server = satchel.serve();
    let add = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).unwrap();
        assert_eq!(satchel.run(&["ingest", name]).0, 0);
    };
    add("lighthouse.md", LIGHTHOUSE);
    let (_, out, error) = satchel.run(&["ask", "--json", "Who was the first keeper?"]);
    assert!(error.is_empty(), "{error}");
    let answer: serde_json::Value = serde_json::from_str(&out).unwrap();
    let id = answer["message_id"].as_str().unwrap();
    let (code, out, error) = satchel.run(&["replay", id]);
    assert_eq!(code, 0, "{out}{error}");
    assert!(
        out.ends_with("The same passages, the same answer.\n"),
        "{out}"
    );
    add("other.md", &LIGHTHOUSE.replace("Marrow", "Skerry"));
    let (code, out, _) = satchel.run(&["replay", id]);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("of other.md is found as number"), "{out}");
    let (code, out, _) = satchel.run(&["replay", id, "--json"]);
    let replay: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (code, &replay["same"]),
        (1, &serde_json::Value::Bool(false))
    );
    let unknown = satchel.run(&["replay", "nothing"]);
    assert!(
        unknown.0 == 1 && unknown.2.contains("does not exist"),
        "{}",
        unknown.2
    );
}

#[test]
fn failed_file_is_named_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let satchel = Satchel {
        folder: folder.path(),
    };
    std::fs::write(folder.path().join("empty.txt"), "").unwrap();
    std::fs::write(folder.path().join("good.txt"), "The sky is blue today.").unwrap();
    let (code, out, _) = satchel.run(&["ingest", "empty.txt", "good.txt"]);
    assert_eq!(code, 1);
    assert!(
        out.starts_with("1 added, 1 failed.\n  failed: empty.txt: "),
        "{out}"
    );
}

#[test]
fn images_of_a_folder_are_named_as_unread_and_its_icons_as_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let satchel = Satchel {
        folder: folder.path(),
    };
    let papers = folder.path().join("papers");
    std::fs::create_dir(&papers).unwrap();
    let image = |name: &str, side: u16| {
        let sides = [side.to_le_bytes(), side.to_le_bytes()].concat();
        std::fs::write(papers.join(name), [b"GIF89a".as_slice(), &sides].concat()).unwrap();
    };
    image("icon.gif", 32);
    image("scan.gif", 1200);
    std::fs::write(papers.join("good.txt"), "The sky is blue today.").unwrap();
    let (code, out, error) = satchel.run(&["ingest", "papers"]);
    assert_eq!(code, 1, "{out}{error}");
    let named = "2 added, 1 failed, 1 skipped.\n  failed: scan.gif: its only page has no text";
    assert!(out.starts_with(named), "{out}");
    assert!(error.contains("icon.gif: an image too small"), "{error}");
    let (_, out, _) = satchel.run(&["search", "sky", "--json"]);
    let found: serde_json::Value = serde_json::from_str(&out).unwrap();
    let coverage = &found["coverage"];
    let counts = ["pages", "pages_without_text"].map(|name| coverage[name].as_u64());
    assert_eq!(counts, [Some(2), Some(1)], "{out}");
}

#[test]
fn lines_of_a_collection_are_documents_and_a_bad_line_adds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let satchel = Satchel {
        folder: folder.path(),
    };
    let good = "{\"id\": 1, \"title\": \"Bees\", \"text\": \"Bees dance to show the way to food.\"}\n\
                {\"id\": \"b\", \"text\": \"Ants leave a trail of scent.\"}\n";
    std::fs::write(folder.path().join("good.jsonl"), good).unwrap();
    std::fs::write(
        folder.path().join("bad.jsonl"),
        format!("{good}{{\"id\": 3}}\n"),
    )
    .unwrap();
    let bad = satchel.run(&["ingest", "bad.jsonl"]);
    assert_eq!(bad.0, 1);
    assert!(
        bad.1.contains("line 3") && bad.1.starts_with("0 added"),
        "{}",
        bad.1
    );
    let added = satchel.run(&["ingest", "good.jsonl"]);
    assert_eq!(
        (added.0, added.1.as_str()),
        (0, "2 added.\n"),
        "{}",
        added.2
    );
    let (_, out, _) = satchel.run(&["search", "--json", "How do bees show the way?"]);
    let answer: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(answer["results"][0]["title"], "Bees");
    assert_eq!(answer["results"][0]["external_id"], "1");
}

#[test]
fn port_in_use_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let satchel = Satchel {
        folder: folder.path(),
    };
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, _, error) = satchel.run(&["serve", "--listen", &address]);
    assert_eq!(code, 1);
    assert!(
        error.contains("in use") && error.contains("--listen"),
        "{error}"
    );
}

#[test]
fn users_are_added_listed_and_removed_and_a_fresh_instance_is_healthy() {
    let folder = tempfile::tempdir().unwrap();
    let satchel = Satchel {
        folder: folder.path(),
    };
    let mut add = satchel
        .command()
        .args(["users", "add", "ada", "--role", "admin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = add.stdin.take().unwrap();
    std::io::Write::write_all(&mut stdin, b"correct horse\n").unwrap();
    drop(stdin);
    assert!(add.wait().unwrap().success());
    let (_, list, _) = satchel.run(&["users"]);
    assert!(list.contains("ada") && list.contains("admin"), "{list}");
    let (code, _, _) = satchel.run(&["users", "remove", "ada"]);
    assert_eq!(code, 0);
    let (code, report, _) = satchel.run(&["doctor"]);
    assert_eq!(code, 0, "{report}");
    let (_, token, _) = satchel.run(&["token"]);
    assert_eq!(token.trim().split('.').count(), 3);
}

#[test]
fn api_key_is_printed_once_and_removed_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let satchel = Satchel {
        folder: folder.path(),
    };
    let (code, key, error) = satchel.run(&["keys", "add", "my editor"]);
    assert_eq!(code, 0, "{error}");
    let key = key.trim();
    assert!(key.starts_with("sk-") && key.lines().count() == 1, "{key}");
    let (_, list, _) = satchel.run(&["keys"]);
    assert!(list.contains("my editor") && list.contains(&key[..11]));
    assert!(!list.contains(key), "the whole key is shown once");
    let (code, _, error) = satchel.run(&["keys", "add", "x", "--user", "nobody"]);
    assert_eq!(code, 1);
    assert!(error.contains("there is no such user"), "{error}");
    let (code, _, _) = satchel.run(&["keys", "remove", "my editor"]);
    assert_eq!(code, 0);
    let (_, list, _) = satchel.run(&["keys", "list"]);
    assert_eq!(list.lines().count(), 1, "{list}");
}

#[test]
fn printed_settings_are_accepted_as_settings() {
    let folder = tempfile::tempdir().unwrap();
    let satchel = Satchel {
        folder: folder.path(),
    };
    let (_, settings, _) = satchel.run(&["config"]);
    std::fs::write(folder.path().join("satchel.toml"), settings).unwrap();
    let (code, effective, error) = satchel.run(&["config", "--effective"]);
    assert_eq!(code, 0, "{error}");
    assert!(effective.contains("rate_limit: 100"), "{effective}");
}

#[test]
fn everything_is_exported_and_then_erased() {
    let folder = tempfile::tempdir().unwrap();
    let satchel = Satchel {
        folder: folder.path(),
    };
    std::fs::write(folder.path().join("lighthouse.md"), LIGHTHOUSE).unwrap();
    assert_eq!(satchel.run(&["ingest", "lighthouse.md"]).0, 0);
    let (code, out, error) = satchel.run(&["export", "all.zip"]);
    assert_eq!(code, 0, "{error}");
    assert!(out.starts_with("Wrote all.zip"), "{out}");
    let archive = std::fs::File::open(folder.path().join("all.zip")).unwrap();
    let archive = zip::ZipArchive::new(archive).unwrap();
    let mut names = archive.file_names().map(Result::unwrap);
    assert!(names.any(|name| name.ends_with("original/lighthouse.md")));
    let again = satchel.run(&["export", "all.zip"]);
    assert!(again.0 != 0 && again.2.contains("exists already"));
    assert!(satchel.run(&["erase", "--all"]).2.contains("--yes"));
    let (code, out, error) = satchel.run(&["erase", "--all", "--yes"]);
    assert_eq!(code, 0, "{error}");
    assert!(
        out.starts_with("Erased 0 conversations, 1 documents"),
        "{out}"
    );
    assert_eq!(satchel.run(&["search", "lighthouse"]).0, 2);
}

#[test]
fn roles_limits_and_visibility_are_changed_and_told_to_programs() {
    let folder = tempfile::tempdir().unwrap();
    let satchel = Satchel {
        folder: folder.path(),
    };
    // One process for all commands: each alone would start a server of its own.
    let _server = satchel.serve();
    let json = |arguments: &[&str]| -> serde_json::Value {
        let (code, out, error) = satchel.run(arguments);
        assert_eq!(code, 0, "{arguments:?}: {error}");
        serde_json::from_str(&out).unwrap()
    };
    json(&["tenants", "add", "acme", "--json"]);
    let limits = ["--requests-per-minute", "50", "--disk-quota-mib", "2"];
    let changed = json(&[&["tenants", "set", "acme", "--json"][..], &limits].concat());
    assert_eq!(changed["requests_per_minute"], 50);
    assert_eq!(changed["disk_quota_bytes"], 2 * 1024 * 1024);
    let back = ["--disk-quota-mib", "default", "--name", "Acme & Sons"];
    let changed = json(&[&["tenants", "set", "acme", "--json"][..], &back].concat());
    assert_eq!(changed["disk_quota_bytes"], serde_json::Value::Null);
    assert_eq!(changed["requests_per_minute"], 50, "it stays");
    assert_eq!(changed["name"], "Acme & Sons");

    let mut add = satchel.command();
    add.args(["users", "add", "ada"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null());
    let mut add = add.spawn().unwrap();
    std::io::Write::write_all(&mut add.stdin.take().unwrap(), b"correct horse\n").unwrap();
    assert!(add.wait().unwrap().success());
    assert_eq!(
        json(&["users", "set", "ADA", "--role", "service", "--json"])["role"],
        "service"
    );
    let users = json(&["users", "--json"]);
    assert_eq!(users.as_array().unwrap().len(), 2);
    assert_ne!(
        satchel.run(&["users", "set", "ada"]).0,
        0,
        "nothing to change"
    );

    json(&[
        "datasets",
        "add",
        "Plans",
        "--visibility",
        "private",
        "--json",
    ]);
    let seen = json(&[
        "datasets",
        "set",
        "plans",
        "--visibility",
        "public",
        "--json",
    ]);
    assert_eq!(seen["visibility"], "public");
    let (_, list, _) = satchel.run(&["datasets"]);
    assert!(list.contains("Plans") && list.contains("public"), "{list}");
    assert_eq!(
        satchel.run(&["datasets", "remove", "Plans"]).1,
        "Removed Plans.\n"
    );
    assert_eq!(json(&["keys", "--json"]), serde_json::json!([]));
}

#[cfg(unix)]
#[test]
fn command_whose_reader_goes_away_ends_quietly() {
    let folder = tempfile::tempdir().unwrap();
    let satchel = Satchel {
        folder: folder.path(),
    };
    let mut config = satchel.command();
    config
        .arg("config")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = config.spawn().unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(said.is_empty(), "{said}");
}
