//! The dataset that is kept in step, as its server has it. A document says in
//! its metadata which file of which folder it is: so nothing has to be kept
//! here, and folders that share a dataset leave each other's documents alone.

use super::plan::Known;
use super::scan::{Found, Stamp};
use crate::cli::connection::{Connection, Refusal};
use crate::cli::ingest::form::Form;
use crate::config::Config;
use crate::service::Contents;
use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use std::path::Path;

/// The key of the metadata that says where a document comes from.
const WATCHED: &str = "watched";

/// Documents that one request lists.
const LISTED: usize = 500;

/// Why a step was not taken.
pub(super) enum Trouble {
    /// It will not be taken in another attempt either.
    Refused(String),
    /// Another attempt may succeed.
    Later(String),
    /// The server is not there.
    Lost(anyhow::Error),
}

/// A document of the dataset, with what the server says about it.
pub(super) struct Listed {
    pub(super) known: Known,
    /// Size and time of its file when it was read.
    pub(super) stamp: Option<Stamp>,
    filename: String,
    /// Whether anything more will happen to it.
    is_final: bool,
    /// Why it could not be read.
    error: Option<String>,
    /// Pages that it is known to have, read or not.
    pages: u64,
}

/// The dataset.
pub(super) struct Library {
    connection: Connection,
    dataset: String,
    /// The watched folder, absolute.
    folder: String,
    /// Its name, for people.
    folder_name: String,
    /// What it keeps when it is moved, where the system says so.
    inode: Option<String>,
    /// Given to each document.
    metadata: Map<String, Value>,
    pub(super) documents: Vec<Listed>,
    /// Whether these may be others by now.
    pub(super) is_stale: bool,
}

impl Library {
    pub(super) fn new(
        connection: Connection,
        dataset: String,
        folder: &Path,
        metadata: Option<&Value>,
    ) -> Self {
        let name = folder.file_name().unwrap_or_default();
        Self {
            connection,
            dataset,
            folder: folder.to_string_lossy().into_owned(),
            folder_name: name.to_string_lossy().into_owned(),
            inode: inode(folder),
            metadata: metadata
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default(),
            documents: Vec::new(),
            is_stale: true,
        }
    }

    /// Finds the server again if it was away, or does not know us any more.
    pub(super) fn renew(&mut self, config: &Config) -> Result<()> {
        match self.connection.get("/auth/me") {
            Ok(_) => Ok(()),
            Err(_) => self.connection.renew(config),
        }
    }

    /// Goes on with another token.
    pub(super) fn sign_in(&mut self, token: String) {
        self.connection.sign_in(token);
    }

    /// Asks for all documents of the dataset.
    pub(super) fn list(&mut self) -> Result<()> {
        let mut documents = Vec::new();
        let mut cursor = String::new();
        loop {
            let dataset = &self.dataset;
            let page = self.connection.get(&format!(
                "/api/documents?dataset_id={dataset}&limit={LISTED}&cursor={cursor}"
            ))?;
            let some = page["documents"].as_array();
            let some = some.context("the server's answer has no documents")?;
            documents.extend(some.iter().map(|one| self.listed(one)));
            match page["next_cursor"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => break,
            }
        }
        self.documents = documents;
        self.is_stale = false;
        Ok(())
    }

    fn listed(&self, document: &Value) -> Listed {
        let word = |field: &str| document[field].as_str().unwrap_or_default().to_owned();
        let watched = &document["metadata"][WATCHED];
        let is_own = watched["folder"].as_str() == Some(&self.folder);
        let path = watched["path"].as_str().filter(|_| is_own);
        let modified = watched["modified"].as_i64();
        let status = word("status");
        Listed {
            stamp: modified
                .zip(document["bytes"].as_u64())
                .map(|(modified, bytes)| Stamp { bytes, modified }),
            known: Known {
                id: word("id"),
                path: path.map(str::to_owned),
                moved_from: self.moved_from(watched),
                sha256: word("sha256"),
            },
            filename: word("filename"),
            is_final: ["ready", "failed"].contains(&status.as_str()),
            error: document["error"].as_str().map(str::to_owned),
            pages: document["page_count"].as_u64().unwrap_or_default(),
        }
    }

    /// Where the file of a document was, if that was in this folder before it was
    /// moved: the folder of then is not there any more, and was the same to the
    /// system.
    fn moved_from(&self, watched: &Value) -> Option<String> {
        let inode = self.inode.as_deref()?;
        let (folder, path) = (watched["folder"].as_str()?, watched["path"].as_str()?);
        let is_same = watched["inode"].as_str() == Some(inode);
        let has_moved = is_same && folder != self.folder && !Path::new(folder).exists();
        has_moved.then(|| format!("{folder}/{path}"))
    }

    /// The documents that are of the folder's files.
    pub(super) fn own(&self) -> impl Iterator<Item = &Listed> {
        self.documents.iter().filter(|one| one.known.path.is_some())
    }

    /// How many of them are in the dataset with pages none of which was read, such
    /// as images.
    pub(super) fn unread(&self) -> usize {
        let is_unread = |one: &&Listed| one.error.is_some() && one.pages > 0;
        self.own().filter(is_unread).count()
    }

    /// The files that could not be read, and why.
    pub(super) fn failed(&self) -> Vec<(String, String)> {
        let failed = self.own().filter_map(|one| {
            let path = one.known.path.clone()?;
            Some((path, one.error.clone()?))
        });
        failed.collect()
    }

    /// How many of the folder's documents are still being read or embedded.
    pub(super) fn unfinished(&self) -> usize {
        self.own().filter(|one| !one.is_final).count()
    }

    /// How many of the whole dataset are, as the server says it now.
    pub(super) fn count_unfinished(&self) -> Result<u64> {
        let dataset = &self.dataset;
        let page = self.connection.get(&format!(
            "/api/documents?dataset_id={dataset}&status=queued,extracting,embedding&limit=1"
        ))?;
        Ok(page["total_count"].as_u64().unwrap_or_default())
    }

    /// Adds a file; its text is read when this returns.
    pub(super) fn add(&mut self, name: &str, found: &Found, contents: &Contents) -> Done {
        let metadata = self.metadata(name, found.stamp);
        let form = form(&found.path, Some(&self.dataset), &metadata)?;
        let (kind, length) = (form.content_type(), form.length());
        let sent = self
            .connection
            .upload("/documents/upload", &kind, length, form);
        let added = self.judged(sent)?;
        let id = added["id"].as_str().unwrap_or_default().to_owned();
        match contents {
            Contents::Whole(sha256) if added["metadata"]["duplicate"].is_null() => {
                self.note(id, name, sha256, found);
            }
            // The other lines of a collection, or somebody else's document.
            _ => self.is_stale = true,
        }
        Ok(())
    }

    /// Gives a document the content of a file; its text is read when this returns.
    pub(super) fn replace(
        &mut self,
        id: &str,
        name: &str,
        found: &Found,
        contents: &Contents,
    ) -> Done {
        let metadata = self.metadata(name, found.stamp);
        let form = form(&found.path, None, &metadata)?;
        let (kind, length) = (form.content_type(), form.length());
        let path = format!("/documents/{id}");
        let sent = self.connection.replace(&path, &kind, length, form);
        self.judged(sent)?;
        self.documents.retain(|one| one.known.id != id);
        if let Contents::Whole(sha256) = contents {
            self.note(id.to_owned(), name, sha256, found);
        }
        Ok(())
    }

    /// Says that a document is of another file now. One whose name says that it
    /// is of another type is read anew.
    pub(super) fn rename(&mut self, id: &str, name: &str, found: &Found) -> Done {
        let filename = file_name(name);
        let body = json!({
            "filename": filename,
            "metadata": self.metadata(name, found.stamp),
        });
        let sent = self
            .connection
            .patch(&format!("/api/documents/{id}"), &body);
        self.judged(sent)?;
        let Some(one) = self.documents.iter_mut().find(|one| one.known.id == id) else {
            return Ok(());
        };
        one.known.path = Some(name.to_owned());
        one.known.moved_from = None;
        one.stamp = Some(found.stamp);
        let extension = |name: &str| Path::new(name).extension().map(|one| one.to_owned());
        let other_type = extension(&one.filename) != extension(filename);
        filename.clone_into(&mut one.filename);
        if other_type {
            one.is_final = false;
            let path = format!("/documents/{id}/reindex");
            let sent = self.connection.post(&path, &json!({}));
            self.judged(sent)?;
        }
        Ok(())
    }

    /// Deletes a document; one that is gone already is as good.
    pub(super) fn remove(&mut self, id: &str) -> Done {
        let sent = self.connection.delete(&format!("/documents/{id}"));
        match self.judged(sent) {
            Err(trouble) if !matches!(&trouble, Trouble::Refused(_)) => return Err(trouble),
            _ => {}
        }
        self.documents.retain(|one| one.known.id != id);
        Ok(())
    }

    /// Remembers a document until the next list tells more.
    fn note(&mut self, id: String, name: &str, sha256: &str, found: &Found) {
        self.documents.push(Listed {
            known: Known {
                id,
                path: Some(name.to_owned()),
                moved_from: None,
                sha256: sha256.to_owned(),
            },
            stamp: Some(found.stamp),
            filename: file_name(name).to_owned(),
            is_final: false,
            error: None,
            pages: 0,
        });
    }

    /// What a document of the file `name` says about itself.
    fn metadata(&self, name: &str, stamp: Stamp) -> Value {
        let mut metadata = self.metadata.clone();
        let folder = match name.rsplit_once('/') {
            Some((parent, _)) => format!("{}/{parent}", self.folder_name),
            None => self.folder_name.clone(),
        };
        metadata.insert("folder".to_owned(), json!(folder));
        let watched = json!({
            "folder": self.folder, "path": name, "modified": stamp.modified,
            "inode": self.inode,
        });
        metadata.insert(WATCHED.to_owned(), watched);
        Value::Object(metadata)
    }

    /// Tells a refusal from a server that is not there, and from a file that
    /// could not be sent.
    fn judged(&self, sent: Result<Value>) -> Result<Value, Trouble> {
        let error = match sent {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        if let Some(refusal) = error.downcast_ref::<Refusal>() {
            let message = refusal.message.clone();
            return Err(match refusal.status.as_u16() {
                400 | 404 | 413 | 415 | 422 => Trouble::Refused(message),
                401 => Trouble::Lost(error),
                _ => Trouble::Later(message),
            });
        }
        Err(match self.connection.get("/health") {
            Ok(_) => Trouble::Later(error.to_string()),
            Err(_) => Trouble::Lost(error),
        })
    }
}

pub(super) type Done = Result<(), Trouble>;

fn form(path: &Path, dataset: Option<&str>, metadata: &Value) -> Result<Form, Trouble> {
    Form::new(path, dataset, Some(metadata)).map_err(|error| Trouble::Later(error.to_string()))
}

fn file_name(name: &str) -> &str {
    name.rsplit_once('/').map_or(name, |(_, last)| last)
}

/// What names a folder on its disk, wherever it is moved there.
#[cfg(unix)]
fn inode(folder: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let found = std::fs::metadata(folder).ok()?;
    Some(found.ino().to_string())
}

/// Nothing does that can be asked for here.
#[cfg(not(unix))]
fn inode(_: &Path) -> Option<String> {
    None
}
