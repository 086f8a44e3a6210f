//! What lies in the folder: the columns in one file, written beside the old one
//! and renamed over it, closed by a digest; the rows that they name in a second
//! (`values`), the segments of their generation's graph in others. The columns
//! hold a checksum of each row and of each segment's file.

use super::rows::{Columns, Rows};
use super::{Result, VectorsError};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"satchelV";
/// 3: with checksums of the segments. A file of another version is begun anew
/// from what the database holds.
const VERSION: u32 = 3;
const DIGEST: usize = 32;
const NAME: &str = "vectors.bin";
const ROWS: &str = "rows-";
const ROWS_END: &str = ".f16";
const GRAPH: &str = "graph-";
const GRAPH_END: &str = ".usearch";

/// Which files belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edition {
    /// Rises with each save.
    pub(super) generation: u64,
    /// Rises when the rows are begun anew.
    pub(super) epoch: u64,
}

/// What the file of the columns says.
pub(super) struct Contents {
    pub(super) columns: Columns,
    pub(super) edition: Edition,
    /// Checksums of the files of the graph's segments; see [`checksum`].
    pub(super) segments: Vec<u32>,
}

/// The CRC-32 of a file. It is read and not mapped: what is read through a mapping
/// counts as the process's memory.
pub(super) fn checksum(path: &Path) -> Result<u32> {
    let mut reader = BufReader::with_capacity(1 << 18, File::open(path)?);
    let mut hasher = crc32fast::Hasher::new();
    loop {
        let bytes = reader.fill_buf()?;
        if bytes.is_empty() {
            return Ok(hasher.finalize());
        }
        hasher.update(bytes);
        let count = bytes.len();
        reader.consume(count);
    }
}

/// Where a segment of a generation's graph lies.
pub(super) fn segment_path(directory: &Path, generation: u64, segment: usize) -> PathBuf {
    directory.join(format!("{GRAPH}{generation}-{segment}{GRAPH_END}"))
}

/// Where the rows of an epoch lie.
pub(super) fn rows_path(directory: &Path, epoch: u64) -> PathBuf {
    directory.join(format!("{ROWS}{epoch}{ROWS_END}"))
}

/// An epoch whose rows overwrite nothing that is there.
pub(super) fn next_epoch(directory: &Path) -> Result<u64> {
    let mut next = 1;
    for entry in std::fs::read_dir(directory)? {
        let name = entry?.file_name();
        let epoch = name.to_str().and_then(|name| number(name, ROWS, ROWS_END));
        next = next.max(epoch.map_or(1, |epoch| epoch.saturating_add(1)));
    }
    Ok(next)
}

/// Writes the columns so that at any moment the old or the new file is whole.
/// The rows that they name must be on the disk, and so must the segments whose
/// checksums are given.
pub(super) fn save(
    directory: &Path,
    rows: &Rows,
    fingerprint: &str,
    edition: Edition,
    segments: &[u32],
) -> Result<()> {
    let temporary = directory.join("vectors.tmp");
    let mut out = Digesting {
        inner: BufWriter::with_capacity(1 << 16, File::create(&temporary)?),
        digest: Sha256::new(),
    };
    let columns = rows.columns();
    out.write_all(MAGIC)?;
    out.write_all(&VERSION.to_le_bytes())?;
    for number in [edition.generation, edition.epoch] {
        out.write_all(&number.to_le_bytes())?;
    }
    let slots = columns.chunks.len();
    for number in [fingerprint.len(), rows.dimensions, slots, segments.len()] {
        out.write_all(&(number as u64).to_le_bytes())?;
    }
    out.write_all(fingerprint.as_bytes())?;
    for column in [&columns.chunks, &columns.documents, &columns.datasets] {
        for key in column {
            out.write_all(&key.to_le_bytes())?;
        }
    }
    for checksum in segments.iter().chain(&columns.checksums) {
        out.write_all(&checksum.to_le_bytes())?;
    }
    for &linked in &columns.linked {
        out.write_all(&[u8::from(linked)])?;
    }
    let Digesting { mut inner, digest } = out;
    inner.write_all(&digest.finalize())?;
    let file = inner.into_inner().map_err(|error| error.into_error())?;
    file.sync_all()?;
    replace(&temporary, &directory.join(NAME))
}

/// Reads the columns and what belongs to them; `None` if there is no file. A
/// file that is damaged, or of another model, is an error.
pub(super) fn load(
    directory: &Path,
    dimensions: usize,
    fingerprint: &str,
) -> Result<Option<Contents>> {
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
    let contents = rest
        .contents(header)
        .ok_or(VectorsError::Damaged("its columns do not fit"))?;
    Ok(Some(contents))
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

/// Removes graphs and rows of other editions; of this one, the graph stays if
/// there is one.
pub(super) fn sweep(directory: &Path, edition: Edition, has_graph: bool) -> Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let old_rows = number(name, ROWS, ROWS_END).is_some_and(|epoch| epoch != edition.epoch);
        let old_graph = generation(name).is_some_and(|one| one != edition.generation || !has_graph);
        if old_rows || old_graph {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The generation of a segment's file, or of a graph that was one file.
fn generation(name: &str) -> Option<u64> {
    let name = name.strip_prefix(GRAPH)?.strip_suffix(GRAPH_END)?;
    name.split('-').next()?.parse().ok()
}

fn number(name: &str, start: &str, end: &str) -> Option<u64> {
    name.strip_prefix(start)?.strip_suffix(end)?.parse().ok()
}

/// What stands before the columns.
struct Header {
    edition: Edition,
    slots: usize,
    segments: usize,
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
        let epoch = self.number()?;
        let name = usize::try_from(self.number()?).ok()?;
        let width = self.number()?;
        let slots = usize::try_from(self.number()?).ok()?;
        let segments = usize::try_from(self.number()?).ok()?;
        let ours = self.take(name)? == fingerprint.as_bytes() && width == dimensions as u64;
        let header = Header {
            edition: Edition { generation, epoch },
            slots,
            segments,
        };
        (known && ours).then_some(header)
    }

    fn keys(&mut self, slots: usize) -> Option<Vec<u64>> {
        let (numbers, _) = self.take(slots.checked_mul(8)?)?.as_chunks::<8>();
        Some(numbers.iter().map(|n| u64::from_le_bytes(*n)).collect())
    }

    fn checksums(&mut self, count: usize) -> Option<Vec<u32>> {
        let (sums, _) = self.take(count.checked_mul(4)?)?.as_chunks::<4>();
        Some(sums.iter().map(|n| u32::from_le_bytes(*n)).collect())
    }

    fn contents(&mut self, header: Header) -> Option<Contents> {
        let slots = header.slots;
        let chunks = self.keys(slots)?;
        let documents = self.keys(slots)?;
        let datasets = self.keys(slots)?;
        let segments = self.checksums(header.segments)?;
        let checksums = self.checksums(slots)?;
        let linked = self.take(slots)?.iter().map(|&byte| byte != 0).collect();
        let columns = Columns {
            chunks,
            documents,
            datasets,
            checksums,
            linked,
        };
        self.0.is_empty().then_some(Contents {
            columns,
            edition: header.edition,
            segments,
        })
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
