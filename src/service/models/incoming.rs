//! Model files that a person hands over: written beside the others, looked
//! into, and put in place whole or not at all.

use super::files::path_of;
use super::{Caller, ModelEvent, Service};
use crate::engine::decoder::inspect;
use crate::engine::encoder::is_encoder;
use crate::error::{ErrorKind, Fault};
use crate::jobs::JobsError;
use std::path::{Path, PathBuf};
use tokio::fs::File;
use tokio::io::{AsyncWriteExt, BufWriter};

/// Folder of files that are still being written, in the folder of models.
const INCOMING: &str = "incoming";

/// What every GGUF file begins with.
const MAGIC: &[u8] = b"GGUF";

/// Longest name of a file, in bytes.
const MAX_NAME: usize = 200;

/// Bytes that are gathered before they are written.
const BUFFER_BYTES: usize = 1024 * 1024;

/// A model file on its way in. Dropping it before [`ModelUpload::finish`]
/// discards it.
pub struct ModelUpload {
    service: Service,
    name: String,
    incoming: Incoming,
    file: BufWriter<File>,
    /// The first bytes, until there are enough of them.
    head: Vec<u8>,
}

/// The file while it is being written.
struct Incoming(PathBuf);

impl Drop for Incoming {
    fn drop(&mut self) {
        // Gone if it is in place.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Clears away what was cut off before.
pub(super) fn clear(models: &Path) {
    // Not there if nothing was ever handed over.
    let _ = std::fs::remove_dir_all(models.join(INCOMING));
}

impl Service {
    /// Begins to take a model file of this name; `bytes` is its size, where the
    /// sender says it.
    pub async fn begin_model_upload(
        &self,
        caller: &Caller,
        name: &str,
        bytes: Option<u64>,
    ) -> Result<ModelUpload, Fault> {
        caller.require_operator()?;
        let name = valid_name(name)?;
        let wanted = name.clone();
        let path = self
            .blocking(move |inner| {
                let models = &inner.models;
                if models.installed_file(&wanted)?.is_some() {
                    let message = format!("{wanted} is installed already; remove it first");
                    return Err(Fault::new(ErrorKind::Conflict, message));
                }
                let folder = models.folder.join(INCOMING);
                std::fs::create_dir_all(&folder).map_err(JobsError::Files)?;
                let free = fs4::available_space(&folder).unwrap_or(u64::MAX);
                let path = folder.join(&wanted);
                match bytes {
                    Some(bytes) if bytes > free => Err(Fault::new(
                        ErrorKind::TooLarge,
                        format!("{wanted} has {bytes} bytes, but only {free} are free on the disk"),
                    )),
                    _ if path.exists() => Err(Fault::new(
                        ErrorKind::Conflict,
                        format!("{wanted} is being uploaded already"),
                    )),
                    _ => Ok(path),
                }
            })
            .await?;
        let file = File::create(&path).await.map_err(JobsError::Files)?;
        Ok(ModelUpload {
            service: self.clone(),
            name,
            incoming: Incoming(path),
            file: BufWriter::with_capacity(BUFFER_BYTES, file),
            head: Vec::new(),
        })
    }
}

impl ModelUpload {
    /// Takes the next bytes.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        if self.head.len() < MAGIC.len() {
            let missing = MAGIC.len() - self.head.len();
            self.head.extend(bytes.iter().take(missing));
            if !MAGIC.starts_with(&self.head) {
                let message = format!("{} is no GGUF file", self.name);
                return Err(Fault::new(ErrorKind::Unsupported, message));
            }
        }
        self.file.write_all(bytes).await.map_err(JobsError::Files)?;
        Ok(())
    }

    /// Looks into the file and puts it in place; gives back its name.
    pub async fn finish(mut self) -> Result<String, Fault> {
        self.file.flush().await.map_err(JobsError::Files)?;
        let written = self.file.get_ref().sync_all().await;
        written.map_err(JobsError::Files)?;
        let Self {
            service,
            name,
            incoming,
            ..
        } = self;
        service
            .blocking(move |inner| {
                check(&incoming.0)?;
                let models = &inner.models;
                if path_of(&models.folder, &name).is_some() {
                    let message = format!("{name} was installed meanwhile");
                    return Err(Fault::new(ErrorKind::Conflict, message));
                }
                let place = models.folder.join(&name);
                std::fs::rename(&incoming.0, place).map_err(JobsError::Files)?;
                tracing::info!(file = name, "the model was handed over");
                models.loader.wake();
                // An error means that nobody listens.
                let _ = models.changes.send(ModelEvent::Changed);
                Ok(name)
            })
            .await
    }
}

/// An error that says why the file cannot be used, if it cannot.
fn check(path: &Path) -> Result<(), Fault> {
    if is_encoder(path) {
        return Ok(());
    }
    let facts = inspect(path)?;
    match facts.unsupported {
        None => Ok(()),
        Some(reason) => Err(Fault::new(ErrorKind::Unsupported, reason)),
    }
}

/// The name becomes that of a file in one folder, and nothing else.
fn valid_name(name: &str) -> Result<String, Fault> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-+".contains(c);
    let fits = name.len() <= MAX_NAME && name.chars().all(plain) && !name.starts_with('.');
    match name.strip_suffix(".gguf") {
        Some(stem) if fits && !stem.is_empty() => Ok(name.to_owned()),
        _ => {
            let message = "name: it must end in .gguf and have only letters, digits and . _ - +";
            Err(Fault::invalid(message).about("name"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::valid_name;

    #[test]
    fn only_plain_names_of_model_files_are_taken() {
        assert!(valid_name("Qwen3-4B.Q4_K_M.gguf").is_ok());
        for name in [
            "model.bin",
            ".gguf",
            ".hidden.gguf",
            "../x.gguf",
            "a/b.gguf",
            "a b.gguf",
        ] {
            assert!(valid_name(name).is_err(), "{name}");
        }
    }
}
