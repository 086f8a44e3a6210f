//! Zip files as containers of other formats: members by name, every unpacked
//! byte counted against one budget. Writes nothing to disk.

use super::ExtractError;
use super::charset;
use std::cell::Cell;
use std::io::{Cursor, Read};
use zip::ZipArchive;
use zip::result::ZipError;

/// How much larger than the file its content may be, above a size that is
/// harmless.
const MAX_RATIO: u64 = 200;
const HARMLESS_BYTES: u64 = 16 * 1024 * 1024;

const SIGNATURES: [&[u8]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];

/// How much may still be unpacked out of one uploaded file, whatever is nested
/// in it.
#[derive(Debug)]
pub(super) struct Budget {
    left: Cell<u64>,
    limit: u64,
}

impl Budget {
    pub(super) fn new(bytes: u64, most: u64) -> Self {
        let limit = (bytes.saturating_mul(MAX_RATIO))
            .max(HARMLESS_BYTES)
            .min(most);
        Self {
            left: Cell::new(limit),
            limit,
        }
    }

    /// Takes `bytes` off, or says that there is no such room.
    pub(super) fn take(&self, bytes: u64) -> Result<(), ExtractError> {
        let left = self.left.get().checked_sub(bytes);
        let left = left.ok_or(ExtractError::TooLargeUnpacked { limit: self.limit })?;
        self.left.set(left);
        Ok(())
    }
}

/// Whether the bytes begin as a zip file does.
pub(super) fn is_zip(bytes: &[u8]) -> bool {
    SIGNATURES.iter().any(|mark| bytes.starts_with(mark))
}

/// The names of the members, if the directory can be read.
pub(super) fn names(bytes: &[u8]) -> Option<Vec<String>> {
    let archive = ZipArchive::new(Cursor::new(bytes)).ok()?;
    let names = archive.file_names().filter_map(Result::ok);
    Some(names.map(|name| name.into_owned()).collect())
}

/// One member, as the directory describes it.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) index: usize,
    pub(super) name: String,
    pub(super) encrypted: bool,
    /// Its name ends as the names of folders do.
    pub(super) folder: bool,
}

/// An open zip file.
pub(super) struct Package<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    budget: &'a Budget,
    /// What the file is called in messages.
    format: &'static str,
}

impl<'a> Package<'a> {
    pub(super) fn open(
        bytes: &'a [u8],
        budget: &'a Budget,
        format: &'static str,
    ) -> Result<Self, ExtractError> {
        let archive = ZipArchive::new(Cursor::new(bytes))
            .map_err(|error| ExtractError::damaged(format, error.to_string()))?;
        Ok(Self {
            archive,
            budget,
            format,
        })
    }

    pub(super) fn damaged(&self, reason: impl Into<String>) -> ExtractError {
        ExtractError::damaged(self.format, reason)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.archive.index_for_name(name).is_some()
    }

    /// Members in the order of the directory, without folders.
    pub(super) fn members(&mut self) -> Vec<Member> {
        let mut members = self.entries();
        members.retain(|member| !member.folder);
        members
    }

    /// Members and folders: a folder may have content, too.
    pub(super) fn entries(&mut self) -> Vec<Member> {
        let all = 0..self.archive.len();
        all.filter_map(|index| {
            let entry = self.archive.by_index_raw(index).ok()?;
            Some(Member {
                index,
                name: entry.name().ok()?.into_owned(),
                encrypted: entry.encrypted(),
                folder: entry.is_dir(),
            })
        })
        .collect()
    }

    /// The first member whose name `wanted` accepts.
    pub(super) fn find(&self, wanted: impl Fn(&str) -> bool) -> Option<String> {
        let mut names = self.archive.file_names().filter_map(Result::ok);
        let found = names.find(|name| wanted(name));
        found.map(|name| name.into_owned())
    }

    /// A member as text; `None` if there is none of this name.
    pub(super) fn part(&mut self, name: &str) -> Result<Option<String>, ExtractError> {
        let bytes = self.bytes(name)?;
        Ok(bytes.map(|bytes| charset::decode(&bytes, None)))
    }

    /// A member's bytes; `None` if there is none of this name.
    pub(super) fn bytes(&mut self, name: &str) -> Result<Option<Vec<u8>>, ExtractError> {
        match self.archive.index_for_name(name) {
            Some(index) => self.bytes_at(index).map(Some),
            None => Ok(None),
        }
    }

    /// The bytes of the member at a place of the directory.
    pub(super) fn bytes_at(&mut self, index: usize) -> Result<Vec<u8>, ExtractError> {
        let (bytes, broken) = self.beginning_at(index)?;
        match broken {
            Some(reason) => Err(self.damaged(reason)),
            None => Ok(bytes),
        }
    }

    /// A member's bytes as far as they can be unpacked, and what is wrong with
    /// the rest.
    pub(super) fn beginning_at(
        &mut self,
        index: usize,
    ) -> Result<(Vec<u8>, Option<String>), ExtractError> {
        let format = self.format;
        let entry = self.archive.by_index(index).map_err(|error| match error {
            ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => ExtractError::Encrypted,
            error => ExtractError::damaged(format, error.to_string()),
        })?;
        let mut bytes = Vec::new();
        let most = self.budget.left.get().saturating_add(1);
        let read = entry.take(most).read_to_end(&mut bytes);
        // What a broken member gave before it broke was unpacked, too.
        self.budget.take(bytes.len() as u64)?;
        Ok((bytes, read.err().map(|error| error.to_string())))
    }
}
