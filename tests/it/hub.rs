//! Fetching model files over real connections to a server that behaves as a
//! hub does.

use crate::support::{Behaviour, FakeHub};
use satchel::engine::hub::{Hub, HubError, Phase, Progress, Source, discard, unfinished};
use std::net::TcpListener;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

const FILE: &str = "some-model-Q4_K_M.gguf";

/// Something that begins as a model does, and is not the same everywhere.
fn content(bytes: usize) -> Vec<u8> {
    let mut content = b"GGUF".to_vec();
    let mut state = 1_u32;
    while content.len() < bytes {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        content.extend(state.to_le_bytes());
    }
    content.truncate(bytes);
    content
}

struct Download {
    hub: FakeHub,
    folder: TempDir,
    content: Vec<u8>,
}

impl Download {
    fn of(bytes: usize, change: impl FnOnce(&mut Behaviour)) -> Self {
        let content = content(bytes);
        let mut behaviour = Behaviour::of(FILE, content.clone());
        change(&mut behaviour);
        Self {
            hub: FakeHub::start(behaviour),
            folder: tempfile::tempdir().unwrap(),
            content,
        }
    }

    fn client(&self) -> Hub {
        let hub = Hub::new(&self.hub.endpoint).unwrap();
        hub.with_retry_wait(Duration::from_millis(1))
    }

    fn run_with(
        &self,
        mut watch: impl FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<PathBuf, HubError> {
        let source = Source::parse("owner/some-model-GGUF").unwrap();
        let client = self.client();
        let remote = client.find(&source)?;
        client.download(&remote, self.folder.path(), &mut watch)
    }

    fn run(&self) -> Result<PathBuf, HubError> {
        self.run_with(|_| ControlFlow::Continue(()))
    }

    fn assert_whole(&self, path: &Path) {
        assert_eq!(path.file_name().unwrap(), FILE);
        assert!(std::fs::read(path).unwrap() == self.content, "the content");
        assert_eq!(self.files(), [FILE], "nothing is left beside it");
    }

    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name();
        let mut names: Vec<String> = entries
            .map(|entry| name(entry).into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

#[test]
fn file_arrives_whole_over_a_redirect_to_another_server() {
    let download = Download::of(700_000, |_| {});
    let mut seen = Vec::new();
    let path = download.run_with(|progress| {
        seen.push(progress);
        ControlFlow::Continue(())
    });
    download.assert_whole(&path.unwrap());
    assert_eq!(seen[0].phase, Phase::Connecting);
    assert!(seen.iter().any(|one| one.phase == Phase::Receiving));
    let last = seen.last().unwrap();
    assert_eq!((last.received, last.total), (700_000, Some(700_000)));
    assert!(seen.is_sorted_by_key(|one| one.received));
}

#[test]
fn broken_connections_are_gone_on_with_where_they_broke() {
    let download = Download::of(300_000, |hub| hub.breaks = vec![70_000, 0, 100_000, 1]);
    let path = download.run().unwrap();
    download.assert_whole(&path);
    let fetches = download.hub.fetches();
    let ranges: Vec<_> = fetches.iter().map(|asked| asked.header("range")).collect();
    assert_eq!(
        ranges,
        [
            None,
            Some("bytes=70000-"),
            Some("bytes=70000-"),
            Some("bytes=170000-"),
            Some("bytes=170001-")
        ]
    );
    assert_eq!(fetches[1].header("if-range"), Some("\"one\""));
}

#[test]
fn connection_that_brings_nothing_time_and_again_is_given_up_and_nothing_is_lost() {
    let download = Download::of(300_000, |hub| {
        hub.breaks = vec![50_000];
        hub.breaks.extend([0; 20]);
    });
    let error = download.run().unwrap_err();
    assert!(
        error.to_string().contains("kept for the next try"),
        "{error}"
    );
    assert!(!download.folder.path().join(FILE).exists());
    let begun = unfinished(download.folder.path());
    assert_eq!((begun[0].name.as_str(), begun[0].received), (FILE, 50_000));
    assert_eq!(begun[0].bytes, Some(300_000));
    download.hub.change(|hub| hub.breaks.clear());
    let path = download.run().unwrap();
    download.assert_whole(&path);
    let last = download.hub.fetches().pop().unwrap();
    assert_eq!(last.header("range"), Some("bytes=50000-"));
}

#[test]
fn stopped_download_goes_on_or_is_discarded() {
    let download = Download::of(900_000, |hub| hub.pause = Duration::from_millis(1));
    let stopped = download.run_with(|progress| match progress.received > 200_000 {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    });
    assert_eq!(stopped, Err(HubError::Stopped));
    let begun = unfinished(download.folder.path());
    assert!(begun[0].received > 200_000 && begun[0].received < 900_000);
    let client = download.client();
    let remote = client.find(&begun[0].source()).unwrap();
    let mut first = None;
    let path = client.download(&remote, download.folder.path(), &mut |progress| {
        first.get_or_insert(progress);
        ControlFlow::Continue(())
    });
    download.assert_whole(&path.unwrap());
    assert_eq!(
        first.unwrap().phase,
        Phase::Checking,
        "what is there is hashed"
    );
    let other = tempfile::tempdir().unwrap();
    let mut stop = |_: Progress| ControlFlow::Break(());
    client
        .download(&remote, other.path(), &mut stop)
        .unwrap_err();
    discard(other.path(), FILE).unwrap();
    assert_eq!(std::fs::read_dir(other.path()).unwrap().count(), 0);
}

#[test]
fn other_content_on_the_hub_is_not_appended_to_what_is_there() {
    let download = Download::of(300_000, |hub| {
        hub.breaks = [vec![90_000], vec![0; 20]].concat()
    });
    download.run().unwrap_err();
    let other = content(310_000).into_iter().rev().collect::<Vec<u8>>();
    let other = [b"GGUF".to_vec(), other].concat();
    download.hub.change(|hub| {
        hub.breaks.clear();
        hub.files[0].1 = other.clone();
        hub.etag = "\"two\"".to_owned();
    });
    let path = download.run().unwrap();
    assert!(std::fs::read(path).unwrap() == other);
}

#[test]
fn store_whose_content_changed_or_that_has_no_ranges_sends_all_of_it_again() {
    for change in [
        (|hub: &mut Behaviour| hub.etag = "\"two\"".to_owned()) as fn(&mut Behaviour),
        |hub| hub.ranges = false,
    ] {
        let download = Download::of(300_000, |hub| {
            hub.breaks = [vec![90_000], vec![0; 20]].concat()
        });
        download.run().unwrap_err();
        download.hub.change(|hub| {
            hub.breaks.clear();
            change(hub);
        });
        let path = download.run().unwrap();
        download.assert_whole(&path);
    }
}

#[test]
fn wrong_hash_leaves_nothing() {
    let download = Download::of(100_000, |hub| hub.hash = Some("ab".repeat(32)));
    let error = download.run().unwrap_err();
    assert!(matches!(&error, HubError::WrongHash { .. }), "{error}");
    assert!(error.to_string().contains(&"ab".repeat(32)));
    assert!(download.files().is_empty(), "{:?}", download.files());
}

#[test]
fn part_that_was_damaged_on_disk_is_fetched_anew() {
    let download = Download::of(300_000, |hub| {
        hub.breaks = [vec![90_000], vec![0; 20]].concat()
    });
    download.run().unwrap_err();
    let part = download.folder.path().join(format!("{FILE}.part"));
    let mut bytes = std::fs::read(&part).unwrap();
    bytes[40_000] ^= 1;
    std::fs::write(&part, bytes).unwrap();
    download.hub.change(|hub| hub.breaks.clear());
    let path = download.run().unwrap();
    download.assert_whole(&path);
}

#[test]
fn file_of_unknown_length_is_taken_by_its_hash_alone() {
    let download = Download::of(200_000, |hub| hub.lengths = false);
    // The description knows the size; a mirror may not.
    let path = download.run().unwrap();
    download.assert_whole(&path);
    let undescribed = Download::of(200_000, |hub| {
        hub.lengths = false;
        hub.describes = false;
    });
    let error = undescribed.run().unwrap_err();
    assert!(
        error.to_string().contains("neither length nor hash"),
        "{error}"
    );
    assert!(!undescribed.folder.path().join(FILE).exists());
}

#[test]
fn hash_is_taken_from_the_redirect_where_the_description_has_none() {
    let download = Download::of(200_000, |hub| {
        hub.describes = false;
        hub.hash = Some("cd".repeat(32));
    });
    let error = download.run().unwrap_err();
    assert!(matches!(error, HubError::WrongHash { .. }), "{error}");
    let good = Download::of(200_000, |hub| hub.describes = false);
    let path = good.run().unwrap();
    good.assert_whole(&path);
}

#[test]
fn page_of_a_login_in_place_of_a_model_is_refused() {
    let page = b"<html>Please sign in to this network</html>".to_vec();
    let hub = FakeHub::start(Behaviour::of(FILE, page));
    let folder = tempfile::tempdir().unwrap();
    let client = Hub::new(&hub.endpoint).unwrap();
    let remote = client.find(&Source::parse("owner/some-model-GGUF").unwrap());
    let error = client
        .download(&remote.unwrap(), folder.path(), &mut |_| {
            ControlFlow::Continue(())
        })
        .unwrap_err();
    assert!(matches!(error, HubError::NotAModel { .. }), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn gated_model_asks_for_a_token_and_missing_ones_are_missing() {
    let gated = Download::of(1000, |hub| hub.token = Some("secret".to_owned()));
    let error = gated.run().unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("HF_TOKEN") && text.contains("licence"),
        "{text}"
    );
    let download = Download::of(1000, |_| {});
    let missing = download
        .client()
        .find(&Source::parse("owner/nothing").unwrap());
    assert!(
        matches!(missing, Err(HubError::NoRepository { .. })),
        "{missing:?}"
    );
    let source = Source::parse("owner/some-model-GGUF:Q8_0").unwrap();
    let error = download.client().find(&source).unwrap_err().to_string();
    assert!(error.contains(FILE), "what there is, is named: {error}");
}

#[test]
fn refusals_that_pass_are_waited_for_and_expired_addresses_are_asked_for_again() {
    let download = Download::of(100_000, |hub| hub.refusals = vec![503, 429, 403]);
    let path = download.run().unwrap();
    download.assert_whole(&path);
    let refused = Download::of(100_000, |hub| hub.refusals = vec![418]);
    let error = refused.run().unwrap_err();
    assert!(error.to_string().contains("418"), "{error}");
}

#[test]
fn offline_is_said_in_a_sentence() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let hub = Hub::new(&endpoint).unwrap();
    let error = hub
        .find(&Source::parse("owner/model").unwrap())
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("cannot be reached") && text.contains("online"),
        "{text}"
    );
    assert!(Hub::new("ftp://x").is_err() && Hub::new("huggingface").is_err());
}

#[test]
fn disk_without_room_is_said_before_anything_is_fetched() {
    let download = Download::of(1000, |_| {});
    let client = download.client();
    let source = Source::parse("owner/some-model-GGUF").unwrap();
    let mut remote = client.find(&source).unwrap();
    client.check_space(&remote, download.folder.path()).unwrap();
    remote.bytes = Some(1 << 60);
    let error = client
        .check_space(&remote, download.folder.path())
        .unwrap_err();
    assert!(matches!(error, HubError::DiskFull { .. }), "{error}");
    assert!(download.hub.fetches().is_empty());
}
