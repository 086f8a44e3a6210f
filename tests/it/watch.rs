//! `satchel watch`: a dataset that is kept in step with a folder.

use crate::crash::Process;
use crate::support::{BAKERY, Client, LIGHTHOUSE};
use serde_json::Value;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

/// How long a line may take to be said.
const PATIENCE: Duration = Duration::from_secs(120);

/// A data folder and folders to watch.
pub struct Place {
    folder: TempDir,
}

impl Place {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        Self { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file as one that has been there for a while.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        let then = SystemTime::now() - Duration::from_secs(60);
        let file = File::options().write(true).open(&path).unwrap();
        file.set_modified(then).unwrap();
    }

    pub fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_satchel"));
        command
            .current_dir(self.folder.path())
            .env("SATCHEL_HANDBOOK", "false")
            .env("SATCHEL_DATA_DIR", self.path("data"))
            .arg("watch")
            .args(arguments);
        command
    }

    /// Brings in step once: exit code, output, and what went wrong.
    fn once(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = self.command(arguments).arg("--once").output().unwrap();
        let Output {
            status,
            stdout,
            stderr,
        } = output;
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (status.code().unwrap(), text(stdout), text(stderr))
    }

    fn serve(&self) -> Process {
        Process::start(&self.path("data"))
    }
}

/// A watching process whose lines can be waited for.
struct Watching {
    child: Child,
    lines: Receiver<String>,
}

impl Watching {
    fn start(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let (said, lines) = channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if said.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    #[track_caller]
    fn says(&self, expected: &str) {
        let line = self.lines.recv_timeout(PATIENCE);
        assert_eq!(line.as_deref(), Ok(expected));
    }

    #[cfg(unix)]
    fn interrupt(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-INT", &id]).status().unwrap();
        assert!(sent.success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // Gone already if it was interrupted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// File names and ids of all documents, by name.
fn documents(client: &Client) -> Vec<(String, String)> {
    let list = client.get("/api/documents").json();
    let word = |one: &Value, field: &str| one[field].as_str().unwrap().to_owned();
    let all = list["documents"].as_array().unwrap().iter();
    let mut all: Vec<_> = all
        .map(|one| (word(one, "filename"), word(one, "id")))
        .collect();
    all.sort();
    all
}

pub fn names(client: &Client) -> Vec<String> {
    documents(client)
        .into_iter()
        .map(|(name, _)| name)
        .collect()
}

#[cfg(unix)]
#[test]
fn changes_are_followed_until_the_end_is_asked_for() {
    let place = Place::new();
    let server = place.serve();
    place.write("papers/lighthouse.md", LIGHTHOUSE);
    place.write("papers/food/bakery.md", BAKERY);
    place.write("papers/.hidden/secret.md", "Nobody is told.");
    place.write("papers/song.mp3", "no document");
    let watching = Watching::start(place.command(&["papers", "--dataset", "Papers"]));
    watching.says("added    food/bakery.md");
    watching.says("added    lighthouse.md");
    watching.says("in step: 2 files, 2 added.");
    let before = documents(&server.client);
    assert_eq!(before[1].0, "lighthouse.md");

    fs::write(
        place.path("papers/lighthouse.md"),
        "# Lamp\n\nIt is electric now.",
    )
    .unwrap();
    watching.says("changed  lighthouse.md");
    watching.says("in step: 2 files, 1 changed.");
    assert_eq!(documents(&server.client), before, "the same documents");
    let text = server.client.get(&format!("/documents/{}", before[1].1));
    assert!(text.text.contains("electric") && !text.text.contains("colza"));

    fs::rename(place.path("papers/food"), place.path("papers/bread")).unwrap();
    watching.says("renamed  food/bakery.md -> bread/bakery.md");
    watching.says("in step: 2 files, 1 renamed.");
    fs::rename(
        place.path("papers/bread/bakery.md"),
        place.path("papers/sourdough.md"),
    )
    .unwrap();
    watching.says("renamed  bread/bakery.md -> sourdough.md");
    watching.says("in step: 2 files, 1 renamed.");
    let after = documents(&server.client);
    assert_eq!(after[1], ("sourdough.md".to_owned(), before[0].1.clone()));

    fs::write(place.path("papers/new.txt"), "A new file in the folder.").unwrap();
    watching.says("added    new.txt");
    watching.says("in step: 3 files, 1 added.");
    place.remove("papers/lighthouse.md");
    watching.says("removed  lighthouse.md");
    watching.says("in step: 2 files, 1 removed.");
    assert_eq!(names(&server.client), ["new.txt", "sourdough.md"]);
    assert_eq!(watching.interrupt(), Some(0));
    assert_eq!(names(&server.client).len(), 2, "the server goes on");
}

#[cfg(unix)]
#[test]
fn watch_alone_serves_other_commands_and_outlives_a_server_that_restarts() {
    let place = Place::new();
    place.write("papers/lighthouse.md", LIGHTHOUSE);
    let alone = Watching::start(place.command(&["papers"]));
    alone.says("added    lighthouse.md");
    alone.says("in step: 1 file, 1 added.");
    assert_eq!(alone.interrupt(), Some(0), "and the data folder is free");

    let server = place.serve();
    let watching = Watching::start(place.command(&["papers", "--rescan", "1"]));
    watching.says("in step: 1 file.");
    server.kill();
    place.write("papers/bakery.md", BAKERY);
    let server = place.serve();
    watching.says("added    bakery.md");
    assert_eq!(names(&server.client), ["bakery.md", "lighthouse.md"]);
    let id = documents(&server.client)[0].1.clone();
    server.client.delete(&format!("/documents/{id}"));
    let line = || watching.lines.recv_timeout(PATIENCE).unwrap();
    let said = [line(), line()];
    assert!(
        said.contains(&"added    bakery.md".to_owned()),
        "{said:?}: the folder is the truth"
    );
}

#[test]
fn once_reads_only_what_has_changed_and_keeps_nothing_beside_the_documents() {
    let place = Place::new();
    place.write("papers/a.md", LIGHTHOUSE);
    place.write("papers/b.md", BAKERY);
    let (code, out, error) = place.once(&["papers"]);
    assert_eq!(code, 0, "{error}");
    assert_eq!(
        out,
        "added    a.md\nadded    b.md\nin step: 2 files, 2 added.\n"
    );
    let before = documents(&place.serve().client);
    assert_eq!(place.once(&["papers"]).1, "in step: 2 files.\n");
    // Touched, but not changed.
    place.write("papers/b.md", BAKERY);
    assert_eq!(place.once(&["papers"]).1, "in step: 2 files.\n");
    place.write("papers/a.md", "# Lamp\n\nIt is electric now.");
    place.remove("papers/b.md");
    let (_, out, _) = place.once(&["papers", "--keep-removed"]);
    assert_eq!(out, "changed  a.md\nin step: 1 file, 1 changed.\n");
    assert_eq!(documents(&place.serve().client), before);
    let (_, out, _) = place.once(&["papers"]);
    assert_eq!(out, "removed  b.md\nin step: 1 file, 1 removed.\n");
    assert_eq!(documents(&place.serve().client), before[..1]);
}

#[test]
fn folders_that_share_a_dataset_leave_each_other_alone() {
    let place = Place::new();
    let server = place.serve();
    place.write("papers/a.md", LIGHTHOUSE);
    place.write("notes/n.md", "# Note\n\nBuy rye flour.");
    place.write("notes/copy.md", LIGHTHOUSE);
    server.client.ingest("own.md", BAKERY);
    assert_eq!(place.once(&["papers"]).0, 0);
    let (code, out, error) = place.once(&["notes"]);
    assert_eq!(
        (code, out.as_str()),
        (0, "added    n.md\nin step: 2 files, 1 added.\n"),
        "{error}"
    );
    place.remove("notes/n.md");
    let (_, out, _) = place.once(&["notes"]);
    assert_eq!(out, "removed  n.md\nin step: 1 file, 1 removed.\n");
    assert_eq!(names(&server.client), ["a.md", "own.md"]);
    assert_eq!(place.once(&["papers"]).1, "in step: 1 file.\n");
    // The copy gets a document of its own when the other folder's is gone.
    place.write("papers/b.md", "# Other\n\nSomething else.");
    place.remove("papers/a.md");
    assert_eq!(place.once(&["papers"]).0, 0);
    assert_eq!(
        place.once(&["notes"]).1,
        "added    copy.md\nin step: 1 file, 1 added.\n"
    );
    assert_eq!(names(&server.client), ["b.md", "copy.md", "own.md"]);
}

#[cfg(unix)]
#[test]
fn folder_that_was_moved_keeps_its_documents_and_is_followed_on() {
    let place = Place::new();
    let server = place.serve();
    place.write("papers/a.md", LIGHTHOUSE);
    place.write("papers/sub/b.md", BAKERY);
    assert_eq!(place.once(&["papers"]).0, 0);
    let before = documents(&server.client);
    fs::rename(place.path("papers"), place.path("archive")).unwrap();
    let old = fs::canonicalize(place.path(".")).unwrap().join("papers");
    let old = old.display();
    let (code, out, error) = place.once(&["archive"]);
    assert_eq!(code, 0, "{error}");
    let renamed = format!("renamed  {old}/a.md -> a.md\nrenamed  {old}/sub/b.md -> sub/b.md\n");
    assert_eq!(out, format!("{renamed}in step: 2 files, 2 renamed.\n"));
    assert_eq!(documents(&server.client), before, "the same documents");
    assert_eq!(place.once(&["archive"]).1, "in step: 2 files.\n");
    // They are the folder's from then on.
    place.write("archive/a.md", "# Lamp\n\nIt is electric now.");
    place.remove("archive/sub/b.md");
    let (_, out, _) = place.once(&["archive"]);
    assert_eq!(
        out,
        "changed  a.md\nremoved  sub/b.md\nin step: 1 file, 1 changed, 1 removed.\n"
    );
    assert_eq!(documents(&server.client), before[..1]);
}

#[cfg(unix)]
#[test]
fn folder_that_was_copied_takes_no_documents_from_the_one_that_stays() {
    let place = Place::new();
    let server = place.serve();
    place.write("papers/a.md", LIGHTHOUSE);
    place.write("copy/a.md", LIGHTHOUSE);
    assert_eq!(place.once(&["papers"]).0, 0);
    let before = documents(&server.client);
    assert_eq!(place.once(&["copy"]).1, "in step: 1 file.\n");
    place.remove("copy/a.md");
    place.write("copy/b.md", BAKERY);
    assert_eq!(place.once(&["copy"]).0, 0);
    assert_eq!(documents(&server.client)[0], before[0]);
}

#[test]
fn file_that_cannot_be_read_is_named_and_not_read_again() {
    let place = Place::new();
    let server = place.serve();
    place.write("papers/good.md", LIGHTHOUSE);
    place.write("papers/broken.pdf", "%PDF-1.7 broken");
    place.write("papers/lines.jsonl", "{\"text\": \"One.\"}\n{\"id\": 2}\n");
    let (code, out, error) = place.once(&["papers"]);
    assert_eq!(code, 1, "{out}{error}");
    assert!(error.contains("failed   broken.pdf: "), "{error}");
    assert!(
        out.contains("\nnot in step: 3 files, 1 added, 2 failed.\n"),
        "{out}"
    );
    assert!(
        out.contains("  failed: lines.jsonl: ") && out.contains("line 2"),
        "{out}"
    );
    let (code, out, _) = place.once(&["papers", "--exclude", "*.jsonl"]);
    assert_eq!(code, 1);
    assert!(
        out.starts_with("not in step: 2 files, 1 failed.\n"),
        "{out}"
    );
    place.write(
        "papers/broken.pdf",
        "# It was no PDF\n\nBut a note about heather.",
    );
    place.write(
        "papers/lines.jsonl",
        "{\"text\": \"One.\"}\n{\"text\": \"Two.\"}\n",
    );
    let (code, out, error) = place.once(&["papers"]);
    assert_eq!(code, 0, "{out}{error}");
    assert_eq!(names(&server.client).len(), 4);
}

#[test]
fn image_of_a_folder_is_in_step_and_named_as_one_that_was_not_read() {
    let place = Place::new();
    let server = place.serve();
    place.write("papers/good.md", LIGHTHOUSE);
    // 1040 by 600 points.
    place.write("papers/photo.gif", "GIF89a\x10\x04\x58\x02");
    for added in [", 2 added", ""] {
        let (code, out, error) = place.once(&["papers"]);
        assert_eq!(code, 0, "{out}{error}");
        let summary = format!("in step: 2 files{added}, 1 without text.\n");
        assert!(out.contains(&summary), "{out}");
        assert!(
            out.contains("photo.gif: its only page has no text"),
            "{out}"
        );
    }
    assert_eq!(names(&server.client), ["good.md", "photo.gif"]);
}

#[test]
fn lines_of_a_collection_that_stay_keep_their_documents() {
    let place = Place::new();
    let server = place.serve();
    let line = |id: &str, text: &str| format!("{{\"id\": \"{id}\", \"text\": \"{text}\"}}\n");
    let bees = line("bees", "Bees dance to show the way.");
    let ants = line("ants", "Ants leave a trail of scent.");
    place.write("papers/all.jsonl", &(bees.clone() + &ants));
    assert_eq!(place.once(&["papers"]).0, 0);
    let ids = |client: &Client| -> Vec<(String, String)> {
        let list = client.get("/api/documents").json();
        let word = |one: &Value, field: &str| one[field].as_str().unwrap().to_owned();
        let all = list["documents"].as_array().unwrap().iter();
        let mut all: Vec<_> = all
            .map(|one| (word(one, "external_id"), word(one, "id")))
            .collect();
        all.sort();
        all
    };
    let before = ids(&server.client);
    assert_eq!(place.once(&["papers"]).1, "in step: 1 file.\n");
    let wasps = line("wasps", "Wasps chew wood to paper.");
    place.write("papers/all.jsonl", &(bees + &wasps));
    let (code, _, error) = place.once(&["papers"]);
    assert_eq!(code, 0, "{error}");
    let after = ids(&server.client);
    assert_eq!(after[0], before[1], "the bees stay");
    assert_eq!(after[1].0, "wasps");
    assert_eq!(after.len(), 2);
    assert_eq!(place.once(&["papers"]).1, "in step: 1 file.\n");
}

#[test]
fn empty_folder_is_not_believed_unless_that_is_said() {
    let place = Place::new();
    let server = place.serve();
    place.write("papers/a.md", LIGHTHOUSE);
    assert_eq!(place.once(&["papers"]).0, 0);
    place.remove("papers/a.md");
    let (code, _, error) = place.once(&["papers"]);
    assert_eq!(code, 1);
    assert!(error.contains("--allow-empty"), "{error}");
    assert_eq!(names(&server.client), ["a.md"]);
    let (code, out, _) = place.once(&["papers", "--allow-empty"]);
    assert_eq!(
        (code, out.as_str()),
        (0, "removed  a.md\nin step: 0 files, 1 removed.\n")
    );
    assert_eq!(place.once(&["nowhere"]).0, 1);
}

#[test]
fn ingest_takes_and_leaves_out_what_patterns_say() {
    let place = Place::new();
    let server = place.serve();
    place.write("papers/a.md", LIGHTHOUSE);
    place.write("papers/b.txt", BAKERY);
    place.write("papers/drafts/c.md", "# Draft\n\nNot yet.");
    let output = Command::new(env!("CARGO_BIN_EXE_satchel"))
        .args([
            "ingest",
            "--include",
            "*.md",
            "--exclude",
            "drafts",
            "--data-dir",
        ])
        .arg(place.path("data"))
        .arg(place.path("papers"))
        .output()
        .unwrap();
    assert!(output.status.success());
    assert_eq!(names(&server.client), ["a.md"]);
}
