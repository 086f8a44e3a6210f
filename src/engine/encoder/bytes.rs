//! Where a model's bytes are: in the executable, in memory, or in a file that
//! is read piece by piece. Must not know what they mean.

use std::borrow::Cow;
use std::fs::File;
use std::io;

use sha2::Digest;
use sha2::Sha256;

/// Bytes that are hashed at once.
const PIECE: usize = 1 << 20;

/// The bytes of a model file.
pub(super) enum Bytes {
    Memory(Cow<'static, [u8]>),
    Disk { file: File, length: u64 },
}

impl Bytes {
    /// Opens a file.
    pub(super) fn open(path: &std::path::Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        Ok(Self::Disk { file, length })
    }

    /// How many there are.
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::Disk { length, .. } => *length,
        }
    }

    /// Fills `out` with the bytes from `offset` on, wherever others read meanwhile.
    pub(super) fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        match self {
            Self::Memory(bytes) => {
                let from = usize::try_from(offset).ok().and_then(|at| bytes.get(at..));
                let part = from.and_then(|rest| rest.get(..out.len()));
                out.copy_from_slice(part.ok_or(io::ErrorKind::UnexpectedEof)?);
                Ok(())
            }
            Self::Disk { file, .. } => read_file(file, offset, out),
        }
    }

    /// A part that is kept: what is in the executable stays there.
    pub(super) fn part(&self, offset: u64, length: usize) -> io::Result<Cow<'static, [u8]>> {
        if let Self::Memory(Cow::Borrowed(all)) = self
            && let Ok(at) = usize::try_from(offset)
        {
            let part = all.get(at..).and_then(|rest| rest.get(..length));
            return Ok(Cow::Borrowed(part.ok_or(io::ErrorKind::UnexpectedEof)?));
        }
        let mut part = vec![0; length];
        self.read_at(offset, &mut part)?;
        Ok(Cow::Owned(part))
    }

    /// Adds all bytes to a hash.
    pub(super) fn hash(&self, hasher: &mut Sha256) -> io::Result<()> {
        let mut piece = vec![0; PIECE];
        let mut at = 0;
        while at < self.len() {
            let wanted = usize::try_from(self.len() - at).map_or(PIECE, |rest| rest.min(PIECE));
            self.read_at(at, &mut piece[..wanted])?;
            hasher.update(&piece[..wanted]);
            at += wanted as u64;
        }
        Ok(())
    }
}

#[cfg(unix)]
fn read_file(file: &File, offset: u64, out: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, out, offset)
}

#[cfg(windows)]
fn read_file(file: &File, mut offset: u64, mut out: &mut [u8]) -> io::Result<()> {
    while !out.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, out, offset)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                out = &mut out[read..];
                offset += read as u64;
            }
        }
    }
    Ok(())
}

/// Reads the bytes from the start, for those who want a stream.
pub(super) struct Reader<'a> {
    pub(super) bytes: &'a Bytes,
    pub(super) at: u64,
}

impl io::Read for Reader<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let rest = self.bytes.len().saturating_sub(self.at);
        let length = usize::try_from(rest).map_or(out.len(), |rest| rest.min(out.len()));
        self.bytes.read_at(self.at, &mut out[..length])?;
        self.at += length as u64;
        Ok(length)
    }
}

impl io::Seek for Reader<'_> {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        let place = match to {
            io::SeekFrom::Start(place) => Some(place),
            io::SeekFrom::Current(by) => self.at.checked_add_signed(by),
            io::SeekFrom::End(by) => self.bytes.len().checked_add_signed(by),
        };
        self.at = place.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
