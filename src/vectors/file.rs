//! The rows on disk: one file, written beside the old one and renamed over it,
//! closed by a digest. A graph lies beside it under the same generation.

use super::rows::Rows;
use super::{Result, VectorsError};
use half::f16;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"satchelV";
const VERSION: u32 = 1;
const DIGEST: usize = 32;
const NAME: &str = "vectors.bin";

/// What a file says before its rows.
struct Header {
    generation: u64,
    count: usize,
}

/// Where the graph of a generation lies.
pub(super) fn graph_path(directory: &Path, generation: u64) -> PathBuf {
    directory.join(format!("graph-{generation}.usearch"))
}

/// Writes the rows so that at any moment the old or the new file is whole.
pub(super) fn save(
    directory: &Path,
    rows: &Rows,
    fingerprint: &str,
    generation: u64,
) -> Result<()> {
    let temporary = directory.join("vectors.tmp");
    let mut out = Digesting {
        inner: BufWriter::with_capacity(1 << 16, File::create(&temporary)?),
        digest: Sha256::new(),
    };
    out.write_all(MAGIC)?;
    out.write_all(&VERSION.to_le_bytes())?;
    out.write_all(&generation.to_le_bytes())?;
    for number in [fingerprint.len(), rows.dimensions, rows.len()] {
        out.write_all(&(number as u64).to_le_bytes())?;
    }
    out.write_all(fingerprint.as_bytes())?;
    for column in [&rows.chunks, &rows.documents, &rows.datasets] {
        for key in column {
            out.write_all(&key.to_le_bytes())?;
        }
    }
    for &linked in &rows.linked {
        out.write_all(&[u8::from(linked)])?;
    }
    for value in &rows.values {
        out.write_all(&value.to_le_bytes())?;
    }
    let Digesting { mut inner, digest } = out;
    inner.write_all(&digest.finalize())?;
    let file = inner.into_inner().map_err(|error| error.into_error())?;
    file.sync_all()?;
    replace(&temporary, &directory.join(NAME))
}

/// Reads the rows and their generation; `None` if there is no file. A file that
/// is damaged, or of another model, is an error.
pub(super) fn load(
    directory: &Path,
    dimensions: usize,
    fingerprint: &str,
) -> Result<Option<(Rows, u64)>> {
    let mut bytes = Vec::new();
    match File::open(directory.join(NAME)) {
        Ok(mut file) => file.read_to_end(&mut bytes)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let Some((body, digest)) = bytes.split_last_chunk::<DIGEST>() else {
        return Err(VectorsError::Damaged("its file is cut off"));
    };
    if Sha256::digest(body).as_slice() != digest {
        return Err(VectorsError::Damaged("its file does not match its digest"));
    }
    let mut rest = Cursor(body);
    let header = rest
        .header(dimensions, fingerprint)
        .ok_or(VectorsError::Damaged("it is of another version or model"))?;
    let rows = rest
        .rows(header.count, dimensions)
        .ok_or(VectorsError::Damaged("its columns do not fit"))?;
    Ok(Some((rows, header.generation)))
}

/// Flushes `from` to the disk and puts it in the place of `to`.
pub(super) fn replace(from: &Path, to: &Path) -> Result<()> {
    File::open(from)?.sync_all()?;
    std::fs::rename(from, to)?;
    if let Some(folder) = to.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Removes graphs of generations other than `current`.
pub(super) fn sweep(directory: &Path, current: Option<u64>) -> Result<()> {
    let keep = current.map(|generation| graph_path(directory, generation));
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let graph = path.extension().is_some_and(|e| e == "usearch");
        if graph && Some(&path) != keep.as_ref() {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// What is left to read.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    fn number(&mut self) -> Option<u64> {
        let (head, rest) = self.0.split_first_chunk::<8>()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*head))
    }

    /// `None` unless the file is of this version and model.
    fn header(&mut self, dimensions: usize, fingerprint: &str) -> Option<Header> {
        let known = self.take(MAGIC.len())? == MAGIC && self.take(4)? == VERSION.to_le_bytes();
        let generation = self.number()?;
        let name = usize::try_from(self.number()?).ok()?;
        let width = self.number()?;
        let count = usize::try_from(self.number()?).ok()?;
        let ours = self.take(name)? == fingerprint.as_bytes() && width == dimensions as u64;
        (known && ours).then_some(Header { generation, count })
    }

    fn column(&mut self, count: usize) -> Option<Vec<u64>> {
        let bytes = self.take(count.checked_mul(8)?)?;
        let (numbers, _) = bytes.as_chunks::<8>();
        Some(numbers.iter().map(|n| u64::from_le_bytes(*n)).collect())
    }

    fn rows(&mut self, count: usize, dimensions: usize) -> Option<Rows> {
        let keys = [
            self.column(count)?,
            self.column(count)?,
            self.column(count)?,
        ];
        let linked = self.take(count)?.iter().map(|&byte| byte != 0).collect();
        let (halves, _) = self
            .take(count.checked_mul(dimensions)?.checked_mul(2)?)?
            .as_chunks();
        let values = halves.iter().map(|h| f16::from_le_bytes(*h)).collect();
        Rows::from_columns(dimensions, keys, linked, values)
    }
}

/// Passes bytes on and sums them up.
struct Digesting<W> {
    inner: W,
    digest: Sha256,
}

impl<W: Write> Write for Digesting<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.digest.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}
