//! What is in the watched folder, and what its files hold. Reads the folder
//! only; a file is read if its size or its time of change is new.

use crate::cli::ingest::selection::{Patterns, Selection};
use crate::service::Contents;
use anyhow::{Context, Result, bail};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long a file has to stay as it is before it counts as written.
pub(super) const SETTLED: Duration = Duration::from_secs(2);

/// What tells without reading whether a file may have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) bytes: u64,
    /// Milliseconds since 1970.
    pub(super) modified: i64,
}

/// A file that can be read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    pub(super) stamp: Stamp,
}

/// What one look at the folder found, by paths within it.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Scan {
    pub(super) files: BTreeMap<String, Found>,
    /// Files that are perhaps still being written.
    pub(super) unsettled: BTreeSet<String>,
    /// Files and folders that could not be looked at, and why.
    pub(super) unreadable: BTreeMap<String, String>,
    /// Files that satchel does not read.
    pub(super) skipped: usize,
}

impl Scan {
    /// Whether nothing is known of what is at `path` now.
    pub(super) fn is_undecided(&self, path: &str) -> bool {
        let within = |folder: &String| {
            path == folder
                || path
                    .strip_prefix(folder.as_str())
                    .is_some_and(|rest| folder.is_empty() || rest.starts_with('/'))
        };
        self.unsettled.contains(path) || self.unreadable.keys().any(within)
    }

    /// Leaves out a file that is not to be judged now.
    pub(super) fn put_off(&mut self, path: &str) {
        self.files.remove(path);
        self.unsettled.insert(path.to_owned());
    }
}

/// Looks at one folder, again and again.
pub(super) struct Scanner {
    root: PathBuf,
    /// The file system that the folder was on at first.
    device: Option<u64>,
    patterns: Patterns,
    /// Since when a file is as it is.
    seen: HashMap<String, (Stamp, Instant)>,
    contents: HashMap<String, (Stamp, Contents)>,
}

impl Scanner {
    /// `root` must be absolute.
    pub(super) fn new(root: PathBuf, patterns: Patterns) -> Self {
        Self {
            device: device(&root),
            root,
            patterns,
            seen: HashMap::new(),
            contents: HashMap::new(),
        }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Looks at all of it. Fails if the folder is not there: then nothing is
    /// known, and nothing counts as removed.
    pub(super) fn scan(&mut self) -> Result<Scan> {
        let metadata = std::fs::metadata(&self.root);
        let metadata = metadata.with_context(|| format!("cannot read {}", self.root.display()))?;
        if !metadata.is_dir() {
            bail!("{} is not a folder", self.root.display());
        }
        if self.device != device(&self.root) {
            bail!(
                "another disk than at the start is at {}, or none",
                self.root.display()
            );
        }
        let mut selection = Selection::default();
        selection.walk(&self.root, &self.patterns);
        let mut scan = Scan::default();
        let mut seen = HashMap::new();
        for one in selection.files {
            let name = self.name(&one.path);
            let stamp = Stamp {
                bytes: one.bytes,
                modified: millis(one.modified),
            };
            let since = match self.seen.get(&name) {
                Some((before, since)) if *before == stamp => *since,
                _ => Instant::now(),
            };
            if is_settled(one.modified, since) {
                let path = one.path;
                scan.files.insert(name.clone(), Found { path, stamp });
            } else {
                scan.unsettled.insert(name.clone());
            }
            seen.insert(name, (stamp, since));
        }
        for one in selection.skipped {
            match one.unreadable {
                true => drop(scan.unreadable.insert(self.name(&one.path), one.reason)),
                false => scan.skipped += 1,
            }
        }
        self.contents.retain(|name, _| seen.contains_key(name));
        self.seen = seen;
        Ok(scan)
    }

    /// What a file holds; `None` if it changed while it was read.
    pub(super) fn contents(&mut self, name: &str, found: &Found) -> Result<Option<Contents>> {
        if let Some((stamp, contents)) = self.contents.get(name)
            && *stamp == found.stamp
        {
            return Ok(Some(contents.clone()));
        }
        let contents = Contents::of(&found.path)?;
        if !is_as(found) {
            return Ok(None);
        }
        self.learn(name, found.stamp, contents.clone());
        Ok(Some(contents))
    }

    /// Takes for true what somebody else knows of a file.
    pub(super) fn learn(&mut self, name: &str, stamp: Stamp, contents: Contents) {
        self.contents.insert(name.to_owned(), (stamp, contents));
    }

    /// Whether the contents of a file are known.
    pub(super) fn knows(&self, name: &str, stamp: Stamp) -> bool {
        self.contents
            .get(name)
            .is_some_and(|(known, _)| *known == stamp)
    }

    /// The path within the folder, with `/` on every system.
    fn name(&self, path: &Path) -> String {
        let within = path.strip_prefix(&self.root).unwrap_or(path);
        let parts = within.iter().map(|part| part.to_string_lossy());
        parts.collect::<Vec<_>>().join("/")
    }
}

/// Whether a file is still what was found, and no link that took its place.
pub(super) fn is_as(found: &Found) -> bool {
    std::fs::symlink_metadata(&found.path).is_ok_and(|metadata| {
        let modified = millis(metadata.modified().ok());
        let bytes = metadata.len();
        metadata.is_file() && found.stamp == Stamp { bytes, modified }
    })
}

/// A file that was changed long ago is written; the clock that says so may be
/// another machine's, so one that has stayed the same before our eyes is too.
fn is_settled(modified: Option<SystemTime>, since: Instant) -> bool {
    let age = modified.and_then(|time| SystemTime::now().duration_since(time).ok());
    age.is_some_and(|age| age >= SETTLED) || since.elapsed() >= SETTLED
}

fn millis(time: Option<SystemTime>) -> i64 {
    let since = time.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |since| since.as_millis() as i64)
}

/// The number of the file system that a folder is on, where the system tells.
#[cfg(unix)]
fn device(path: &Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|metadata| metadata.dev())
}

#[cfg(not(unix))]
fn device(_: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::{SETTLED, Scan, Scanner};
    use crate::cli::ingest::selection::PatternOptions;
    use std::fs::{self, File};
    use std::path::Path;
    use std::time::SystemTime;

    #[derive(clap::Parser)]
    struct Arguments {
        #[command(flatten)]
        patterns: PatternOptions,
    }

    fn scanner(root: &Path) -> Scanner {
        let arguments: Arguments = clap::Parser::parse_from(["test"]);
        Scanner::new(root.to_owned(), arguments.patterns.compile().unwrap())
    }

    fn write(path: &Path, text: &str) {
        fs::write(path, text).unwrap();
        let then = SystemTime::now() - 2 * SETTLED;
        File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_modified(then)
            .unwrap();
    }

    #[test]
    fn file_that_was_just_written_waits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.md");
        fs::write(&path, "half").unwrap();
        let mut scanner = scanner(folder.path());
        let scan = scanner.scan().unwrap();
        assert!(scan.files.is_empty() && scan.unsettled.contains("a.md"));
        assert!(scan.is_undecided("a.md"));
        write(&path, "whole");
        assert!(scanner.scan().unwrap().files.contains_key("a.md"));
    }

    #[test]
    fn file_is_read_again_when_its_stamp_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.md");
        write(&path, "one");
        let mut scanner = scanner(folder.path());
        let found = scanner.scan().unwrap().files["a.md"].clone();
        let one = scanner.contents("a.md", &found).unwrap();
        assert!(one.is_some() && scanner.knows("a.md", found.stamp));
        write(&path, "other");
        assert_eq!(
            scanner.contents("a.md", &found).unwrap(),
            one,
            "nobody looked"
        );
        let found = scanner.scan().unwrap().files["a.md"].clone();
        assert_ne!(scanner.contents("a.md", &found).unwrap(), one);
        write(&path, "changes while it is read");
        scanner.contents.clear();
        assert_eq!(scanner.contents("a.md", &found).unwrap(), None);
    }

    #[test]
    fn folder_that_is_gone_is_an_error_and_not_empty() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("papers");
        fs::create_dir(&root).unwrap();
        let mut scanner = scanner(&root);
        assert!(scanner.scan().unwrap().files.is_empty());
        fs::remove_dir(&root).unwrap();
        assert!(scanner.scan().is_err());
    }

    #[test]
    fn all_below_an_unreadable_folder_is_undecided() {
        let mut scan = Scan::default();
        scan.unreadable.insert("sub".into(), "no".into());
        for (path, undecided) in [("sub", true), ("sub/a", true), ("subs/a", false)] {
            assert_eq!(scan.is_undecided(path), undecided, "{path}");
        }
        scan.unreadable.insert(String::new(), "no".into());
        assert!(scan.is_undecided("anything"));
    }
}
