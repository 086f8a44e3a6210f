//! Everything that somebody has, as one ZIP archive: JSON beside the original
//! files. It is written while it is being sent and needs no room of its own.

use super::custody::{DataOf, Holder};
use super::exported::{document_json, records_json, session_json};
use super::{Caller, Inner, Service};
use crate::error::{ErrorKind, Fault};
use crate::store::{Branch, MessageFilter};
use crate::types::{Time, Viewer};
use futures_util::Stream;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, StreamWriter, ZipWriter};

/// Bytes that are sent at once.
const PIECE: usize = 64 * 1024;

/// Pieces that wait for a slow reader before the archive waits for it.
const BACKLOG: usize = 4;

/// The bytes of an archive. It breaks off with an error if it cannot be made whole.
pub struct Archive(Receiver<io::Result<Vec<u8>>>);

impl Stream for Archive {
    type Item = io::Result<Vec<u8>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context)
    }
}

impl Service {
    /// Everything that somebody has: conversations with all their messages, also
    /// those deleted softly, feedback, documents with their original files,
    /// datasets, the account with its keys and sign-ins, and what the audit log
    /// says of it.
    pub async fn export(&self, caller: &Caller, of: DataOf) -> Result<Archive, Fault> {
        let caller = caller.clone();
        let holder = self
            .blocking(move |inner| inner.holder(&caller, &of))
            .await?;
        let (sender, receiver) = channel(BACKLOG);
        let inner = Arc::clone(&self.inner);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = inner.write_archive(&holder, Pipe::new(sender.clone())) {
                tracing::error!(%error, "an export broke off");
                // An error means that nobody reads any more.
                let _ = sender.blocking_send(Err(io::Error::other("the export broke off")));
            }
        });
        Ok(Archive(receiver))
    }
}

pub(super) type Zip = ZipWriter<StreamWriter<Pipe>>;

impl Inner {
    fn write_archive(&self, holder: &Holder, pipe: Pipe) -> Result<(), Fault> {
        let Holder { tenant, user } = holder;
        let mut zip = ZipWriter::new_stream(pipe);
        let manifest = json!({
            "format": "satchel-export",
            "version": 1,
            "tenant_id": tenant,
            "user_id": user,
            "created_at": Time::now().to_string(),
        });
        add_json(&mut zip, "manifest.json", &manifest)?;
        self.export_people(&mut zip, holder)?;
        for id in self.store.session_ids(tenant, user.as_ref())? {
            let Some(session) = self.store.session(tenant, &id)? else {
                continue;
            };
            let all = MessageFilter {
                branch: Branch::All,
                deleted_too: true,
                ..MessageFilter::default()
            };
            let messages = self.store.messages(tenant, &session.id, &all)?;
            let name = format!("sessions/{}.json", session.uuid);
            add_json(&mut zip, &name, &session_json(&session, &messages))?;
            let records = self.store.answer_records(tenant, &session.id)?;
            if !records.is_empty() {
                let name = format!("answers/{}.json", session.uuid);
                add_json(&mut zip, &name, &records_json(&records))?;
            }
        }
        for id in self.store.document_ids(tenant, user.as_ref())? {
            let Some(document) = self
                .store
                .document(&Viewer::whole_tenant(tenant.clone()), &id)?
            else {
                continue;
            };
            let name = format!("documents/{id}/document.json");
            let versions = self.store.document_versions(document.key)?;
            add_json(&mut zip, &name, &document_json(&document, &versions))?;
            let name = format!("documents/{id}/original/{}", plain_name(&document.filename));
            match File::open(self.jobs.pipeline().originals.path(&id)) {
                Ok(file) => add_file(&mut zip, &name, file)?,
                // Deleted meanwhile; `doctor` tells of those that are missing.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(broken(error)),
            }
        }
        let pipe = zip.finish().map_err(broken)?.into_inner();
        pipe.finish().map_err(broken)
    }
}

pub(super) fn add_json(zip: &mut Zip, name: &str, value: &Value) -> Result<(), Fault> {
    let text = serde_json::to_vec_pretty(value)
        .map_err(|error| Fault::internal(format!("{name} has no JSON form: {error}")))?;
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    zip.start_file(name, options).map_err(broken)?;
    zip.write_all(&text).map_err(broken)
}

fn add_file(zip: &mut Zip, name: &str, mut file: File) -> Result<(), Fault> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .large_file(true);
    zip.start_file(name, options).map_err(broken)?;
    io::copy(&mut file, zip).map_err(broken)?;
    Ok(())
}

/// A file name that can leave no folder on any system.
fn plain_name(name: &str) -> String {
    let plain = |c: char| {
        if c.is_control() || "/\\:*?\"<>|".contains(c) {
            '_'
        } else {
            c
        }
    };
    let name: String = name.chars().map(plain).collect();
    match name.trim_matches(['.', ' ']) {
        "" => "original".to_owned(),
        name => name.to_owned(),
    }
}

fn broken(error: impl std::fmt::Display) -> Fault {
    Fault::new(ErrorKind::Storage, format!("writing an archive: {error}"))
}

/// Where the archive is written to: pieces on their way to the reader.
pub(super) struct Pipe {
    sender: Sender<io::Result<Vec<u8>>>,
    piece: Vec<u8>,
}

impl Pipe {
    fn new(sender: Sender<io::Result<Vec<u8>>>) -> Self {
        Self {
            sender,
            piece: Vec::with_capacity(PIECE),
        }
    }

    fn send(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE));
        self.sender
            .blocking_send(Ok(piece))
            .map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    }

    fn finish(mut self) -> io::Result<()> {
        self.send()
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.send()?;
        }
        Ok(bytes.len())
    }

    /// Pieces go out when they are full.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::plain_name;

    #[test]
    fn file_name_in_an_archive_leaves_no_folder() {
        for (name, plain) in [
            ("report.pdf", "report.pdf"),
            ("../../etc/passwd", "_.._etc_passwd"),
            ("C:\\x", "C__x"),
            ("..", "original"),
            ("", "original"),
        ] {
            assert_eq!(plain_name(name), plain, "{name}");
        }
    }
}
