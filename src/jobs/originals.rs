//! The folder of uploaded files. A file is written under a temporary name and
//! moved to its document's id when it is whole, before the document's row is
//! committed: so a row always has its file, and a file without a row is left
//! over from an upload that was never acknowledged. What is to take the place
//! of an original lies beside it, under the id and the hash, until the row has
//! that hash.

use crate::types::DocumentId;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Name of the subfolder for files that are still being written.
const INCOMING: &str = "incoming";

/// Name of the subfolder for files that are to replace originals.
const REPLACING: &str = "replacing";

/// Handle on the folder.
#[derive(Debug, Clone)]
pub struct Originals {
    root: PathBuf,
}

impl Originals {
    /// Opens or makes the folder and clears away unfinished uploads.
    pub fn open(root: &Path) -> io::Result<Self> {
        let incoming = root.join(INCOMING);
        if incoming.exists() {
            fs::remove_dir_all(&incoming)?;
        }
        fs::create_dir_all(&incoming)?;
        fs::create_dir_all(root.join(REPLACING))?;
        Ok(Self {
            root: root.to_owned(),
        })
    }

    /// Where the original of a document is. Ids are UUIDs made here, so no
    /// path can leave the folder.
    pub fn path(&self, id: &DocumentId) -> PathBuf {
        // The last characters of a UUIDv7 are random: they spread evenly.
        let text = id.as_str();
        let shard = &text[text.len().saturating_sub(2)..];
        self.root.join(shard).join(text)
    }

    /// A place for a file that is being written.
    pub fn incoming(&self, id: &DocumentId) -> PathBuf {
        self.root.join(INCOMING).join(id.as_str())
    }

    /// Makes the whole, synced file `incoming` the original of `id`.
    pub fn adopt(&self, incoming: &Path, id: &DocumentId) -> io::Result<()> {
        let path = self.path(id);
        let shard = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(shard)?;
        fs::rename(incoming, &path)?;
        File::open(shard)?.sync_all()
    }

    /// Keeps the whole, synced file `incoming` as what is to replace the
    /// original of `id`.
    pub fn stage(&self, incoming: &Path, id: &DocumentId, hash: &str) -> io::Result<()> {
        let staged = self.staged(id, hash);
        fs::rename(incoming, &staged)?;
        File::open(self.root.join(REPLACING))?.sync_all()
    }

    /// Replaces the original of `id` by what was staged, unless that is done.
    pub fn settle(&self, id: &DocumentId, hash: &str) -> io::Result<()> {
        gone(self.adopt(&self.staged(id, hash), id))
    }

    /// Discards what was staged.
    pub fn unstage(&self, id: &DocumentId, hash: &str) -> io::Result<()> {
        gone(fs::remove_file(self.staged(id, hash)))
    }

    /// Ends what was cut off: what was staged replaces the original if that is
    /// what its document `has`, and is discarded otherwise.
    pub fn settle_all<E: From<io::Error>>(
        &self,
        has: impl Fn(&DocumentId) -> Result<Option<String>, E>,
    ) -> Result<(), E> {
        for file in fs::read_dir(self.root.join(REPLACING))? {
            let file = file?;
            let name = file.file_name();
            let name = name.to_string_lossy();
            let (id, hash) = name.split_once('.').unwrap_or((&name, ""));
            let id = DocumentId::from(id.to_owned());
            if has(&id)?.is_some_and(|content| content == hash) {
                self.settle(&id, hash)?;
            } else {
                fs::remove_file(file.path())?;
            }
        }
        Ok(())
    }

    fn staged(&self, id: &DocumentId, hash: &str) -> PathBuf {
        let name = format!("{}.{hash}", id.as_str());
        self.root.join(REPLACING).join(name)
    }

    /// Stores `bytes` as the original of `id`.
    pub fn put(&self, id: &DocumentId, bytes: &[u8]) -> io::Result<()> {
        let incoming = self.incoming(id);
        File::create(&incoming)?.write_all(bytes)?;
        let path = self.path(id);
        fs::create_dir_all(path.parent().unwrap_or(&self.root))?;
        fs::rename(&incoming, &path)
    }

    /// Removes the original of `id`, if it is there.
    pub fn remove(&self, id: &DocumentId) -> io::Result<()> {
        gone(fs::remove_file(self.path(id)))
    }

    /// Removes the originals that belong to none of `documents`.
    pub fn sweep(&self, documents: &[DocumentId]) -> io::Result<()> {
        let known: HashSet<&str> = documents.iter().map(DocumentId::as_str).collect();
        for shard in fs::read_dir(&self.root)? {
            let shard = shard?;
            let own = [INCOMING, REPLACING].map(OsStr::new);
            if !shard.file_type()?.is_dir() || own.contains(&shard.file_name().as_os_str()) {
                continue;
            }
            for file in fs::read_dir(shard.path())? {
                let file = file?;
                let name = file.file_name();
                if !name.to_str().is_some_and(|name| known.contains(name)) {
                    tracing::info!(file = %name.display(), "removing an original without a document");
                    fs::remove_file(file.path())?;
                }
            }
        }
        Ok(())
    }
}

/// That a file was not there is as good as that it was removed.
fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::Originals;
    use crate::types::DocumentId;

    #[test]
    fn file_without_a_document_is_swept_and_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let originals = Originals::open(folder.path()).unwrap();
        let (kept, lost) = (DocumentId::generate(), DocumentId::generate());
        originals.put(&kept, b"kept").unwrap();
        originals.put(&lost, b"lost").unwrap();
        originals.sweep(std::slice::from_ref(&kept)).unwrap();
        assert_eq!(std::fs::read(originals.path(&kept)).unwrap(), b"kept");
        assert!(!originals.path(&lost).exists());
    }

    #[test]
    fn replacement_that_was_cut_off_is_ended_or_undone_as_the_row_says() {
        let folder = tempfile::tempdir().unwrap();
        let originals = Originals::open(folder.path()).unwrap();
        let (committed, lost) = (DocumentId::generate(), DocumentId::generate());
        for id in [&committed, &lost] {
            originals.put(id, b"old").unwrap();
            let incoming = originals.incoming(id);
            std::fs::write(&incoming, b"new").unwrap();
            originals.stage(&incoming, id, "of-new").unwrap();
        }
        let originals = Originals::open(folder.path()).unwrap();
        originals
            .settle_all(|id| {
                let hash = if *id == committed { "of-new" } else { "of-old" };
                Ok::<_, std::io::Error>(Some(hash.to_owned()))
            })
            .unwrap();
        let read = |id| std::fs::read(originals.path(id)).unwrap();
        assert_eq!(read(&committed), b"new");
        assert_eq!(read(&lost), b"old");
        originals.settle(&lost, "of-new").unwrap();
        assert_eq!(read(&lost), b"old", "it was discarded");
    }

    #[test]
    fn unfinished_upload_is_gone_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let originals = Originals::open(folder.path()).unwrap();
        let incoming = originals.incoming(&DocumentId::generate());
        std::fs::write(&incoming, b"half").unwrap();
        Originals::open(folder.path()).unwrap();
        assert!(!incoming.exists());
    }
}
