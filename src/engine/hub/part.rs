//! A file that has not arrived completely: `NAME.part` beside where it will be,
//! with a note of what it is a part of. Becomes the file by one rename.

use super::error::HubError;
use super::request::plain;
use super::source::{Source, check_file_name};
use super::{Hub, RemoteFile};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// What is written down about a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    repository: String,
    path: String,
    commit: String,
    sha256: Option<String>,
    bytes: Option<u64>,
    /// Names the content at the server that gave it (RFC 9110, section 8.8.3).
    etag: Option<String>,
}

/// A download that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// The name that the file will have.
    pub name: String,
    pub repository: String,
    pub received: u64,
    pub bytes: Option<u64>,
    path: String,
    sha256: Option<String>,
}

impl Unfinished {
    /// Where the rest comes from.
    pub fn source(&self) -> Source {
        Source::file(&self.repository, &self.path, self.sha256.clone())
    }
}

/// The downloads in `folder` that were begun and can go on, by name.
pub fn unfinished(folder: &Path) -> Vec<Unfinished> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<Unfinished> = entries
        .filter_map(|entry| {
            let file = entry.file_name().into_string().ok()?;
            let name = file.strip_suffix(NOTE)?.to_owned();
            check_file_name(&name).ok()?;
            let note = read_note(&entry.path())?;
            let received = fs::metadata(part_path(folder, &name)).ok()?.len();
            Some(Unfinished {
                name,
                repository: note.repository,
                received,
                bytes: note.bytes,
                path: note.path,
                sha256: note.sha256,
            })
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// Removes what has arrived of a file.
pub fn discard(folder: &Path, name: &str) -> Result<(), HubError> {
    check_file_name(name)?;
    for path in [part_path(folder, name), note_path(folder, name)] {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(files(name, &error));
            }
            _ => {}
        }
    }
    Ok(())
}

const PART: &str = ".part";
const NOTE: &str = ".part.json";

fn part_path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}{PART}"))
}

fn note_path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}{NOTE}"))
}

fn read_note(path: &Path) -> Option<Note> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

fn files(name: &str, error: &io::Error) -> HubError {
    HubError::Files {
        file: name.to_owned(),
        reason: plain(error),
    }
}

/// A part that is being written.
pub(super) struct Part {
    folder: PathBuf,
    name: String,
    file: File,
    note: Note,
    hash: Sha256,
    received: u64,
}

impl Part {
    /// Goes on with what is there of this content, or begins. What is there is
    /// read once for the hash; `read` hears how far, and may stop it.
    pub(super) fn open(
        folder: &Path,
        remote: &RemoteFile,
        mut read: impl FnMut(u64) -> Result<(), HubError>,
    ) -> Result<Self, HubError> {
        let name = &remote.name;
        let failed = |error: io::Error| files(name, &error);
        fs::create_dir_all(folder).map_err(failed)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(part_path(folder, name)).map_err(failed)?;
        let fresh = Note {
            repository: remote.repository.clone(),
            path: remote.path.clone(),
            commit: remote.commit.clone(),
            sha256: remote.sha256.clone(),
            bytes: remote.bytes,
            etag: None,
        };
        let note = read_note(&note_path(folder, name)).filter(|note| same(note, &fresh));
        let mut part = Self {
            folder: folder.to_owned(),
            name: name.clone(),
            file,
            note: fresh,
            hash: Sha256::new(),
            received: 0,
        };
        match note {
            Some(note) => {
                part.note.etag = note.etag;
                part.note.bytes = part.note.bytes.or(note.bytes);
                part.note.sha256 = part.note.sha256.take().or(note.sha256);
                part.hash_all(&mut read)?;
            }
            None => part.restart()?,
        }
        Ok(part)
    }

    fn hash_all(
        &mut self,
        read: &mut impl FnMut(u64) -> Result<(), HubError>,
    ) -> Result<(), HubError> {
        let mut buffer = vec![0; 1 << 20];
        loop {
            let count = self.file.read(&mut buffer);
            let count = count.map_err(|error| files(&self.name, &error))?;
            let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else {
                return Ok(());
            };
            self.hash.update(bytes);
            self.received += bytes.len() as u64;
            read(self.received)?;
        }
    }

    /// Forgets all that has arrived.
    pub(super) fn restart(&mut self) -> Result<(), HubError> {
        let emptied = self
            .file
            .set_len(0)
            .and_then(|()| self.file.seek(SeekFrom::Start(0)));
        emptied.map_err(|error| files(&self.name, &error))?;
        self.hash = Sha256::new();
        self.received = 0;
        self.note.etag = None;
        self.write_note()
    }

    /// Keeps what a server said of the content.
    pub(super) fn learn(
        &mut self,
        bytes: Option<u64>,
        sha256: Option<String>,
        etag: Option<String>,
    ) -> Result<(), HubError> {
        let before = self.note.clone();
        self.note.bytes = self.note.bytes.or(bytes);
        self.note.sha256 = self.note.sha256.take().or(sha256);
        self.note.etag = etag.or(self.note.etag.take());
        if self.note == before {
            return Ok(());
        }
        self.write_note()
    }

    fn write_note(&self) -> Result<(), HubError> {
        // A note that is half written is read as none, and the download begins anew.
        let text = serde_json::to_vec_pretty(&self.note)
            .map_err(|error| files(&self.name, &io::Error::other(error)))?;
        fs::write(note_path(&self.folder, &self.name), text)
            .map_err(|error| files(&self.name, &error))
    }

    /// Appends bytes that arrived.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.hash.update(bytes);
        self.received += bytes.len() as u64;
        Ok(())
    }

    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// Size of the whole, as far as anybody said.
    pub(super) fn total(&self) -> Option<u64> {
        self.note.bytes
    }

    pub(super) fn sha256(&self) -> Option<&str> {
        self.note.sha256.as_deref()
    }

    pub(super) fn etag(&self) -> Option<&str> {
        self.note.etag.as_deref()
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Checks the content, puts it on disk and gives it its name. What is not
    /// right is removed.
    pub(super) fn finish(mut self) -> Result<PathBuf, HubError> {
        let found = hex(&self.hash.finalize_reset());
        let mut magic = [0; 4];
        let begin = self
            .file
            .seek(SeekFrom::Start(0))
            .and_then(|_| self.file.read_exact(&mut magic));
        let fault = match &self.note.sha256 {
            Some(expected) if *expected != found => Some(HubError::WrongHash {
                file: self.name.clone(),
                found,
                expected: expected.clone(),
            }),
            _ if begin.is_err() || &magic != b"GGUF" => Some(HubError::NotAModel {
                file: self.name.clone(),
            }),
            _ => None,
        };
        if let Some(fault) = fault {
            discard(&self.folder, &self.name)?;
            return Err(fault);
        }
        let path = self.folder.join(&self.name);
        let placed = self
            .file
            .sync_all()
            .and_then(|()| fs::rename(part_path(&self.folder, &self.name), &path))
            .and_then(|()| sync_folder(&self.folder));
        placed.map_err(|error| files(&self.name, &error))?;
        // The note alone means nothing; the next download replaces it.
        let _ = fs::remove_file(note_path(&self.folder, &self.name));
        Ok(path)
    }
}

/// Whether two notes are about the same content.
fn same(one: &Note, other: &Note) -> bool {
    match (&one.sha256, &other.sha256) {
        (Some(one), Some(other)) => one == other,
        _ => {
            (&one.repository, &one.path, &one.commit)
                == (&other.repository, &other.path, &other.commit)
        }
    }
}

/// Makes a rename last (rename(2), fsync(2)).
fn sync_folder(folder: &Path) -> io::Result<()> {
    match cfg!(unix) {
        true => File::open(folder)?.sync_all(),
        false => Ok(()),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Hub {
    /// Refuses a file that the disk under `folder` has no room for.
    pub fn check_space(&self, remote: &RemoteFile, folder: &Path) -> Result<(), HubError> {
        let part = fs::metadata(part_path(folder, &remote.name));
        let received = part.map_or(0, |part| part.len());
        let missing = remote.bytes.unwrap_or(0).saturating_sub(received);
        check_space(folder, &remote.name, missing)
    }
}

/// Space that is left to the rest of the system, in bytes.
const SPARE: u64 = 64 << 20;

/// Refuses to write more than there is room for.
pub(super) fn check_space(folder: &Path, name: &str, bytes: u64) -> Result<(), HubError> {
    // A system that does not tell says so when the disk is full.
    let Ok(free) = fs4::available_space(folder) else {
        return Ok(());
    };
    let needed = bytes.saturating_add(SPARE);
    match needed > free {
        true => Err(disk_full(folder, name, needed, free)),
        false => Ok(()),
    }
}

/// An error about a disk with `free` of `needed` bytes.
pub(super) fn disk_full(folder: &Path, name: &str, needed: u64, free: u64) -> HubError {
    HubError::DiskFull {
        file: name.to_owned(),
        folder: folder.display().to_string(),
        needed_mb: needed.div_ceil(1_000_000),
        free_mb: free / 1_000_000,
    }
}
