//! Backups: a consistent copy of the database and all original files in one
//! ZIP archive, kept below `backups/` of the data folder, and putting such an
//! archive back. The indexes are caches and are made again from it; models and
//! the secret that signs tokens stay out.

use super::{Caller, DataFolder, Inner, Service};
use crate::config::Config;
use crate::error::{ErrorKind, Fault};
use crate::jobs::Originals;
use crate::store::Store;
use crate::types::{DocumentId, Time};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use zip::read::ZipFile;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// What the archive says it is.
const FORMAT: &str = "satchel-backup";
/// The layout of the archive that is written, and the newest that is read.
const VERSION: u32 = 1;

const MANIFEST: &str = "manifest.json";
const DATABASE: &str = "satchel.db";
const ORIGINALS: &str = "originals/";

/// What a data folder has that is made again from the database.
const CACHES: [&str; 3] = ["lexical", "vectors", "prefixes"];

/// A finished backup.
#[derive(Debug, Clone, PartialEq)]
pub struct Backup {
    pub name: String,
    pub bytes: u64,
    pub created_at: Time,
}

/// A backup that is being made.
#[derive(Debug, Clone, PartialEq)]
pub struct BackupRun {
    pub name: String,
    pub started_at: Time,
    /// Original files that are in it, and those that there are.
    pub files: u64,
    pub all_files: u64,
}

/// All about backups.
#[derive(Debug, Clone)]
pub struct BackupList {
    /// Newest first.
    pub backups: Vec<Backup>,
    pub running: Option<BackupRun>,
    /// Why the last one that was begun is not there.
    pub error: Option<String>,
}

/// What was put back.
#[derive(Debug, Clone, PartialEq)]
pub struct Restored {
    pub created_at: String,
    pub files: u64,
    /// Where what was there before is now.
    pub replaced: Option<PathBuf>,
}

#[derive(Serialize, Deserialize)]
struct Manifest {
    format: String,
    version: u32,
    satchel: String,
    created_at: String,
}

/// What is going on with backups.
#[derive(Default)]
pub(super) struct Backups(Mutex<State>);

#[derive(Default)]
struct State {
    running: Option<BackupRun>,
    error: Option<String>,
    stopping: bool,
}

impl Backups {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Breaks off the one that is being made.
    pub(super) fn stop(&self) {
        self.lock().stopping = true;
    }

    /// Notes how far the running one is; an error if it is to end.
    fn step(&self, files: u64, all_files: u64) -> Result<(), Fault> {
        let mut state = self.lock();
        if state.stopping {
            let message = "the backup was broken off: the server stops";
            return Err(Fault::new(ErrorKind::Cancelled, message));
        }
        if let Some(run) = &mut state.running {
            (run.files, run.all_files) = (files, all_files);
        }
        Ok(())
    }
}

impl Service {
    /// The backups that there are, and the one that is being made.
    pub async fn backups(&self, caller: &Caller) -> Result<BackupList, Fault> {
        caller.require_operator()?;
        self.blocking(|inner| {
            let (running, error) = {
                let state = inner.backups.lock();
                (state.running.clone(), state.error.clone())
            };
            Ok(BackupList {
                backups: finished(&inner.config.backups())?,
                running,
                error,
            })
        })
        .await
    }

    /// Begins a backup; one at a time.
    pub async fn begin_backup(&self, caller: &Caller) -> Result<BackupRun, Fault> {
        caller.require_operator()?;
        let started_at = Time::now();
        let run = BackupRun {
            name: format!("satchel-{}.zip", started_at.to_string().replace(':', "-")),
            started_at,
            files: 0,
            all_files: 0,
        };
        {
            let mut state = self.inner.backups.lock();
            if let Some(running) = &state.running {
                let message = format!("a backup is being made already: {}", running.name);
                return Err(Fault::new(ErrorKind::Conflict, message));
            }
            state.running = Some(run.clone());
            state.error = None;
        }
        let (inner, name) = (Arc::clone(&self.inner), run.name.clone());
        tokio::task::spawn_blocking(move || inner.back_up(&name));
        Ok(run)
    }

    /// Where a finished backup is.
    pub async fn backup(&self, caller: &Caller, name: &str) -> Result<PathBuf, Fault> {
        caller.require_operator()?;
        let name = name.to_owned();
        self.blocking(move |inner| path_of(&inner.config.backups(), &name))
            .await
    }

    /// Deletes a finished backup.
    pub async fn delete_backup(&self, caller: &Caller, name: &str) -> Result<(), Fault> {
        let path = self.backup(caller, name).await?;
        self.blocking(move |_| fs::remove_file(&path).map_err(|error| broken("removed", &error)))
            .await
    }
}

impl Inner {
    /// Makes a backup and notes how that ended.
    fn back_up(&self, name: &str) {
        let folder = self.config.backups();
        let (part, copy) = (
            folder.join(format!("{name}.part")),
            folder.join(format!("{name}.db.part")),
        );
        let written = fs::create_dir_all(&folder)
            .map_err(|error| broken("written", &error))
            .and_then(|()| self.write_backup(&part, &copy))
            .and_then(|()| {
                fs::rename(&part, folder.join(name)).map_err(|error| broken("written", &error))
            });
        for leftover in [&part, &copy] {
            // One of them was renamed, or neither was begun.
            let _ = fs::remove_file(leftover);
        }
        let mut state = self.backups.lock();
        state.running = None;
        match written {
            Ok(()) => tracing::info!(name, "the backup is made"),
            Err(error) => {
                tracing::warn!(%error, "the backup was not made");
                state.error = Some(error.to_string());
            }
        }
    }

    fn write_backup(&self, part: &Path, copy: &Path) -> Result<(), Fault> {
        self.store.copy_to(copy)?;
        // Listed after the copy: an original that is too many does no harm.
        let documents = self.store.all_document_ids()?;
        let failed = |error: io::Error| broken("written", &error);
        let zipped = |error: zip::result::ZipError| broken("written", &error);
        let mut zip = ZipWriter::new(File::create(part).map_err(failed)?);
        let plain = SimpleFileOptions::default().large_file(true);
        let stored = plain.compression_method(CompressionMethod::Stored);
        let manifest = Manifest {
            format: FORMAT.to_owned(),
            version: VERSION,
            satchel: env!("CARGO_PKG_VERSION").to_owned(),
            created_at: Time::now().to_string(),
        };
        let manifest =
            serde_json::to_vec_pretty(&manifest).map_err(|error| broken("written", &error))?;
        zip.start_file(MANIFEST, plain).map_err(zipped)?;
        zip.write_all(&manifest).map_err(failed)?;
        zip.start_file(DATABASE, plain).map_err(zipped)?;
        let mut database = File::open(copy).map_err(failed)?;
        io::copy(&mut database, &mut zip).map_err(failed)?;
        let all = documents.len() as u64;
        for (n, id) in (0..).zip(&documents) {
            self.backups.step(n, all)?;
            let mut original = match File::open(self.jobs.pipeline().originals.path(id)) {
                // Deleted meanwhile; `doctor` tells of those that are missing.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => opened.map_err(failed)?,
            };
            zip.start_file(format!("{ORIGINALS}{id}"), stored)
                .map_err(zipped)?;
            io::copy(&mut original, &mut zip).map_err(failed)?;
        }
        let file = zip.finish().map_err(zipped)?;
        file.sync_all().map_err(failed)
    }
}

fn broken(done: &str, error: &dyn std::fmt::Display) -> Fault {
    let message = format!("the backup could not be {done}: {error}");
    Fault::new(ErrorKind::Storage, message)
}

/// The finished backups of a folder, newest first.
fn finished(folder: &Path) -> Result<Vec<Backup>, Fault> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|error| broken("listed", &error))?,
    };
    let mut backups = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| broken("listed", &error))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // One that is deleted at this moment is not listed.
        let Some(metadata) = entry.metadata().ok().filter(fs::Metadata::is_file) else {
            continue;
        };
        if name.ends_with(".zip") {
            backups.push(Backup {
                name,
                bytes: metadata.len(),
                created_at: modified(&metadata),
            });
        }
    }
    backups.sort_by(|a, b| b.name.cmp(&a.name));
    Ok(backups)
}

fn modified(metadata: &fs::Metadata) -> Time {
    let since = metadata.modified().ok();
    let since = since.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    let millis = since.map_or(0, |since| since.as_millis());
    Time::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}

/// Only a name that the folder lists leads to a path.
fn path_of(folder: &Path, name: &str) -> Result<PathBuf, Fault> {
    let known = finished(folder)?.iter().any(|backup| backup.name == name);
    match known {
        true => Ok(folder.join(name)),
        false => Err(Fault::not_found("the backup does not exist")),
    }
}

/// Puts a backup into the data folder of `config`, which nobody may be using.
/// What is there already stays where it is unless it is to be replaced; then
/// it is set aside in the same folder.
pub fn restore(config: &Config, archive: &Path, replace: bool) -> Result<Restored, Fault> {
    let file = File::open(archive)
        .map_err(|error| Fault::not_found(format!("cannot read {}: {error}", archive.display())))?;
    let mut zip = ZipArchive::new(file).map_err(|error| unreadable(&error))?;
    let manifest = manifest(&mut zip)?;
    let _owner = DataFolder::take(config)?;
    let folder = &config.data_dir;
    if config.database().exists() && !replace {
        let message = format!(
            "{} holds documents and chats already; name an empty folder with --data-dir, or say \
             --replace, which sets aside what is there",
            folder.display()
        );
        return Err(Fault::new(ErrorKind::Conflict, message));
    }
    let staging = folder.join("restoring");
    let unpacked = unpack(&mut zip, &staging).and_then(|files| {
        let faults = Store::open(&staging.join(DATABASE))?.integrity_faults()?;
        match faults.first() {
            None => Ok(files),
            Some(fault) => Err(unreadable(fault)),
        }
    });
    let placed = unpacked.and_then(|files| {
        let replaced = set_aside(config).map_err(|error| not_placed(&error))?;
        let moved = fs::rename(staging.join("originals"), config.originals());
        // The database comes last: until it is there, nothing is.
        moved
            .and_then(|()| fs::rename(staging.join(DATABASE), config.database()))
            .map_err(|error| not_placed(&error))?;
        Ok(Restored {
            created_at: manifest.created_at,
            files,
            replaced,
        })
    });
    // Empty by now, or of no use.
    let _ = fs::remove_dir_all(&staging);
    placed
}

fn unreadable(error: &dyn std::fmt::Display) -> Fault {
    Fault::invalid(format!(
        "the file is not a whole backup of satchel: {error}"
    ))
}

fn not_placed(error: &io::Error) -> Fault {
    let message = format!("the data folder could not be filled: {error}");
    Fault::new(ErrorKind::Storage, message)
}

fn manifest(zip: &mut ZipArchive<File>) -> Result<Manifest, Fault> {
    let entry = zip.by_name(MANIFEST).map_err(|error| unreadable(&error))?;
    let manifest: Manifest = serde_json::from_reader(entry).map_err(|error| unreadable(&error))?;
    if manifest.format != FORMAT {
        return Err(unreadable(&"it is an archive of something else"));
    }
    if manifest.version > VERSION {
        let message = format!(
            "the backup was made by satchel {}, which is newer than this one; use that version",
            manifest.satchel
        );
        return Err(Fault::new(ErrorKind::Unsupported, message));
    }
    Ok(manifest)
}

/// Writes what the archive holds into a fresh folder; how many originals there are.
fn unpack(zip: &mut ZipArchive<File>, staging: &Path) -> Result<u64, Fault> {
    let failed = |error: io::Error| not_placed(&error);
    if staging.exists() {
        fs::remove_dir_all(staging).map_err(failed)?;
    }
    fs::create_dir_all(staging).map_err(failed)?;
    let originals = Originals::open(&staging.join("originals")).map_err(failed)?;
    let mut files = 0;
    for n in 0..zip.len() {
        let entry = zip.by_index(n).map_err(|error| unreadable(&error))?;
        let name = entry
            .name()
            .map_err(|error| unreadable(&error))?
            .into_owned();
        match name.strip_prefix(ORIGINALS) {
            _ if name == MANIFEST => {}
            _ if name == DATABASE => write(entry, &staging.join(DATABASE))?,
            Some(id) if is_id(id) => {
                let id = DocumentId::from(id.to_owned());
                let incoming = originals.incoming(&id);
                write(entry, &incoming)?;
                originals.adopt(&incoming, &id).map_err(failed)?;
                files += 1;
            }
            _ => return Err(unreadable(&format!("it holds {name:?}"))),
        }
    }
    match staging.join(DATABASE).is_file() {
        true => Ok(files),
        false => Err(unreadable(&"it holds no database")),
    }
}

/// Ids are UUIDs made here; nothing else may become a path.
fn is_id(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    (8..=64).contains(&text.len()) && text.chars().all(plain)
}

/// Reading an entry to its end checks its checksum.
fn write(mut entry: ZipFile<'_, File>, path: &Path) -> Result<(), Fault> {
    let mut file = File::create(path).map_err(|error| not_placed(&error))?;
    io::copy(&mut entry, &mut file).map_err(|error| unreadable(&error))?;
    file.sync_all().map_err(|error| not_placed(&error))
}

/// Moves what the folder holds out of the way; caches are removed.
fn set_aside(config: &Config) -> io::Result<Option<PathBuf>> {
    let folder = &config.data_dir;
    for cache in CACHES {
        let path = folder.join(cache);
        if path.exists() {
            fs::remove_dir_all(path)?;
        }
    }
    if !config.database().exists() {
        // Without a database its files belong to nothing.
        if config.originals().exists() {
            fs::remove_dir_all(config.originals())?;
        }
        return Ok(None);
    }
    let stamp = Time::now().to_string().replace(':', "-");
    let aside = folder.join(format!("replaced-{stamp}"));
    fs::create_dir(&aside)?;
    for name in [
        "satchel.db",
        "satchel.db-wal",
        "satchel.db-shm",
        "originals",
    ] {
        let path = folder.join(name);
        if path.exists() {
            fs::rename(path, aside.join(name))?;
        }
    }
    Ok(Some(aside))
}
