//! The data folder: one process owns it at a time. The owner holds a lock on
//! `.lock` and, when it serves, writes its address there, so that the command
//! line finds it. Also keeps the instance's secret.

use crate::config::Config;
use crate::error::{ErrorKind, Fault};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::net::SocketAddr;
use std::path::Path;

const LOCK: &str = ".lock";
const SECRET: &str = "secret.key";

/// Bytes of the secret that signs tokens.
const SECRET_BYTES: usize = 32;

/// An owned data folder; dropping it gives it up.
#[derive(Debug)]
pub struct DataFolder {
    lock: File,
    secret: Vec<u8>,
}

impl DataFolder {
    /// Makes the folder if need be and takes it. [`ErrorKind::Conflict`] if
    /// another process has it.
    pub fn take(config: &Config) -> Result<Self, Fault> {
        let folder = &config.data_dir;
        let failed = |what: &str, error: io::Error| {
            let message = format!(
                "cannot {what} the data folder {}: {error}",
                folder.display()
            );
            Fault::new(ErrorKind::Storage, message)
        };
        fs::create_dir_all(folder).map_err(|error| failed("make", error))?;
        fs::create_dir_all(config.models()).map_err(|error| failed("write to", error))?;
        let lock = open_lock(folder).map_err(|error| failed("write to", error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let message = format!("the data folder {} is in use", folder.display());
                return Err(Fault::new(ErrorKind::Conflict, message));
            }
            Err(TryLockError::Error(error)) => return Err(failed("lock", error)),
        }
        lock.set_len(0).map_err(|error| failed("write to", error))?;
        let secret = secret(folder).map_err(|error| failed("keep the secret in", error))?;
        Ok(Self { lock, secret })
    }

    /// The secret that signs this instance's tokens.
    pub fn secret(&self) -> &[u8] {
        &self.secret
    }

    /// Writes down where the owner serves.
    pub fn publish(&self, address: SocketAddr) -> io::Result<()> {
        let mut lock = &self.lock;
        lock.set_len(0)?;
        lock.seek(SeekFrom::Start(0))?;
        lock.write_all(address.to_string().as_bytes())?;
        lock.sync_all()
    }

    /// Where the process that owns `folder` serves; `None` if nobody owns it
    /// or its owner does not serve.
    pub fn server_of(folder: &Path) -> Option<SocketAddr> {
        let mut lock = File::open(folder.join(LOCK)).ok()?;
        match lock.try_lock_shared() {
            Err(TryLockError::WouldBlock) => {}
            _ => return None,
        }
        let mut text = String::new();
        lock.read_to_string(&mut text).ok()?;
        text.trim().parse().ok()
    }

    /// The secret of a folder that another process owns, to speak to that process.
    pub fn secret_of(folder: &Path) -> io::Result<Vec<u8>> {
        fs::read(folder.join(SECRET))
    }
}

fn open_lock(folder: &Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(folder.join(LOCK))
}

/// Reads the secret, or makes it, readable for the owner alone.
fn secret(folder: &Path) -> io::Result<Vec<u8>> {
    let path = folder.join(SECRET);
    match fs::read(&path) {
        Ok(bytes) if bytes.len() == SECRET_BYTES => return Ok(bytes),
        Ok(_) => return Err(io::Error::other(format!("{SECRET} is damaged; remove it"))),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Err(_) => {}
    }
    let mut bytes = vec![0; SECRET_BYTES];
    rand::fill(bytes.as_mut_slice());
    let temporary = folder.join(format!("{SECRET}.new"));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&temporary)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, &path)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::DataFolder;
    use crate::config::Config;
    use crate::error::{ErrorKind, Kind};

    #[test]
    fn folder_has_one_owner_and_tells_where_it_serves() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config {
            data_dir: folder.path().to_owned(),
            ..Config::default()
        };
        let owner = DataFolder::take(&config).unwrap();
        let refused = DataFolder::take(&config).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Conflict);
        assert_eq!(DataFolder::server_of(folder.path()), None);
        let address = "127.0.0.1:4711".parse().unwrap();
        owner.publish(address).unwrap();
        assert_eq!(DataFolder::server_of(folder.path()), Some(address));
        let secret = owner.secret().to_vec();
        drop(owner);
        assert_eq!(DataFolder::server_of(folder.path()), None);
        let again = DataFolder::take(&config).unwrap();
        assert_eq!(again.secret(), secret);
    }
}
