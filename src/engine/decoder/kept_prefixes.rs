//! What prompts begin with, kept on disk over a restart: the keys and values
//! of the blocks that prompts found most often. A file a model, written when
//! the model is let go of and read when it is loaded. Whatever is not exactly
//! of this model, or damaged, is thrown away: it is only a cache.

use super::model_file::ModelFile;
use super::network::{BLOCK_TOKENS, BlockId, Cache};
use super::prefix::Prefixes;
use super::{KvCache, LoadOptions};
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What a file begins with; another layout gets another number.
const MAGIC: &[u8; 16] = b"satchel-prefix-1";
const ENDING: &str = "prefixes";

/// A block that follows none.
const FIRST: u32 = u32::MAX;

/// Bytes of a block before its keys and values: the place of the one before
/// it, how often it was found, its tokens.
const RECORD: usize = 4 * (2 + BLOCK_TOKENS);

const HEADER: usize = MAGIC.len() + 32 + 4;
const CHECKSUM: usize = 32;

/// Where prefixes are kept over a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptPrefixes {
    pub folder: PathBuf,
    /// Most bytes of all files in the folder.
    pub bytes: u64,
}

/// The kept prefixes of a model.
pub(super) struct Keeper {
    kept: KeptPrefixes,
    path: PathBuf,
    fingerprint: [u8; 32],
}

impl Keeper {
    /// That of a model file, if prefixes are to be kept.
    pub(super) fn new(file: &ModelFile, options: &LoadOptions, context: usize) -> Option<Self> {
        let kept = options.kept_prefixes.clone()?;
        let path = kept.folder.join(format!("{}.{ENDING}", file.name));
        let made = match kept.bytes {
            0 => remove(&path).map(|()| None),
            _ => fingerprint(file, options.kv_cache, context).map(Some),
        };
        let fingerprint = made.unwrap_or_else(|error| {
            let file = path.display();
            tracing::warn!(%file, %error, "beginnings of prompts are not kept");
            None
        })?;
        Some(Self {
            kept,
            path,
            fingerprint,
        })
    }

    /// Reads what was kept into the empty cache.
    pub(super) fn restore(&self, cache: &mut Cache, prefixes: &mut Prefixes) {
        match self.read(cache, prefixes) {
            Ok(blocks) => {
                let tokens = blocks * BLOCK_TOKENS;
                tracing::info!(tokens, "beginnings of prompts are known from before");
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                *prefixes = Prefixes::new(cache.blocks());
                let file = self.path.display();
                tracing::warn!(%file, %error, "kept beginnings of prompts are thrown away");
                // What cannot be removed is refused again the next time.
                let _ = fs::remove_file(&self.path);
            }
        }
    }

    /// Removes what was kept.
    pub(super) fn remove(&self) {
        if let Err(error) = remove(&self.path) {
            let file = self.path.display();
            tracing::warn!(%file, %error, "kept beginnings of prompts could not be removed");
        }
    }

    /// Writes what prompts found most often.
    pub(super) fn save(&self, cache: &Cache, prefixes: &Prefixes) {
        if let Err(error) = self.write(cache, prefixes).and_then(|()| self.make_room()) {
            let file = self.path.display();
            tracing::warn!(%file, %error, "beginnings of prompts are not kept");
        }
    }

    fn read(&self, cache: &mut Cache, prefixes: &mut Prefixes) -> io::Result<usize> {
        let file = File::open(&self.path)?;
        let length = file.metadata()?.len();
        let mut input = Checked {
            inner: BufReader::with_capacity(1 << 20, file),
            digest: Sha256::new(),
        };
        if input.bytes::<16>()? != *MAGIC || input.bytes()? != self.fingerprint {
            return Err(refused("they are another model's, or of other settings"));
        }
        let count = u32::from_le_bytes(input.bytes()?) as usize;
        if count > cache.blocks() || length != file_bytes(count, cache) {
            return Err(refused("the file has another size than it says"));
        }
        let mut known: Vec<BlockId> = Vec::with_capacity(count);
        for _ in 0..count {
            let before = match u32::from_le_bytes(input.bytes()?) {
                FIRST => None,
                place => match known.get(place as usize) {
                    Some(block) => Some(*block),
                    None => return Err(refused("a block follows one that is not there")),
                },
            };
            let found = u32::from_le_bytes(input.bytes()?);
            let mut tokens = [0; BLOCK_TOKENS];
            for token in &mut tokens {
                *token = u32::from_le_bytes(input.bytes()?);
            }
            // What nobody asks for any more is forgotten in time.
            let block = prefixes
                .adopt(before, tokens, found / 2)
                .ok_or_else(|| refused("a block comes twice"))?;
            for part in cache.block_mut(block) {
                input.fill(part)?;
            }
            known.push(block);
        }
        let digest = input.digest.finalize();
        let mut checksum = [0; CHECKSUM];
        input.inner.read_exact(&mut checksum)?;
        match digest[..] == checksum {
            true => Ok(count),
            false => Err(refused("the checksum is wrong")),
        }
    }

    fn write(&self, cache: &Cache, prefixes: &Prefixes) -> io::Result<()> {
        let space = self.kept.bytes.saturating_sub(file_bytes(0, cache));
        let blocks = space / (file_bytes(1, cache) - file_bytes(0, cache));
        let found = prefixes.most_found(blocks as usize);
        if found.is_empty() {
            return remove(&self.path);
        }
        fs::create_dir_all(&self.kept.folder)?;
        let unfinished = self.path.with_extension("part");
        let mut output = Checked {
            inner: BufWriter::with_capacity(1 << 20, private(&unfinished)?),
            digest: Sha256::new(),
        };
        output.put(MAGIC)?;
        output.put(&self.fingerprint)?;
        output.put(&(found.len() as u32).to_le_bytes())?;
        let mut places = ahash::AHashMap::new();
        for (place, one) in found.iter().enumerate() {
            places.insert(one.block, place as u32);
            let before = one.before.and_then(|before| places.get(&before));
            output.put(&before.copied().unwrap_or(FIRST).to_le_bytes())?;
            output.put(&one.found.to_le_bytes())?;
            for token in &one.tokens {
                output.put(&token.to_le_bytes())?;
            }
            for part in cache.block(one.block) {
                output.put(part)?;
            }
        }
        let Checked { mut inner, digest } = output;
        inner.write_all(&digest.finalize())?;
        let file = inner.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&unfinished, &self.path)?;
        let tokens = found.len() * BLOCK_TOKENS;
        tracing::info!(tokens, "beginnings of prompts are kept for the next start");
        Ok(())
    }

    /// Removes the oldest files of other models while all are too large.
    fn make_room(&self) -> io::Result<()> {
        let mut others = Vec::new();
        let mut all = 0;
        let entries = match fs::read_dir(&self.kept.folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let path = entry?.path();
            if path.extension().is_some_and(|ending| ending == ENDING) {
                let metadata = fs::metadata(&path)?;
                all += metadata.len();
                if path != self.path {
                    let age = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                    others.push((age, metadata.len(), path));
                }
            }
        }
        others.sort();
        for (_, bytes, path) in others {
            if all <= self.kept.bytes {
                break;
            }
            remove(&path)?;
            all -= bytes;
        }
        Ok(())
    }
}

/// Bytes of a file with so many blocks.
fn file_bytes(blocks: usize, cache: &Cache) -> u64 {
    (HEADER + blocks * (RECORD + cache.block_bytes()) + CHECKSUM) as u64
}

/// Tells apart models, and settings under which the same tokens have other
/// keys and values: the file and its age; how they are kept; the context, which
/// some models' positions depend on.
fn fingerprint(file: &ModelFile, format: KvCache, context: usize) -> io::Result<[u8; 32]> {
    let modified = file.reader.get_ref().metadata()?.modified()?;
    let age = modified.duration_since(SystemTime::UNIX_EPOCH);
    let mut digest = Sha256::new();
    digest.update(format!("{format:?} {context} {age:?}"));
    digest.update(file.digest()?);
    Ok(digest.finalize().into())
}

/// What passes through is part of the checksum.
struct Checked<T> {
    inner: T,
    digest: Sha256,
}

impl<T: Read> Checked<T> {
    fn fill(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.inner.read_exact(bytes)?;
        self.digest.update(&*bytes);
        Ok(())
    }

    fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }
}

impl<T: Write> Checked<T> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.digest.update(bytes);
        self.inner.write_all(bytes)
    }
}

fn refused(reason: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, reason)
}

/// A new file for this user alone: it holds what people asked.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
