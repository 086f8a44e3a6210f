//! Bounds what a PDF unpacks to before anything is unpacked into memory.

use super::claims::{after_name, names};
use super::filters::Filter;
use crate::extract::{ExtractError, Limits};
use pdf_extract::{Document, Object};
use std::io::{Read, sink};
use std::time::Instant;

/// Filters of one stream. Nothing real has as many.
const MOST_FILTERS: usize = 32;
/// Shorter results are what any bytes give before they make no sense, and are
/// not tried for another filter.
const LEAST_RESULT: u64 = 16;

/// Counts the unpacked size of every compressed stream of the file.
pub(super) fn check(bytes: &[u8], limits: &Limits, deadline: Instant) -> Result<(), ExtractError> {
    let mut room = Room::new(limits, deadline);
    room.lzw = names_lzw(bytes);
    let mut at = 0;
    while let Some(found) = find(&bytes[at..], b"stream") {
        let is_end = bytes[..at + found].ends_with(b"end");
        at += found + b"stream".len();
        let mut body = &bytes[at..];
        while let [b' ' | b'\t', rest @ ..] = body {
            body = rest;
        }
        body = body.strip_prefix(b"\r").unwrap_or(body);
        body = body.strip_prefix(b"\n").unwrap_or(body);
        if !is_end {
            room.take(body)?;
        }
    }
    Ok(())
}

/// Counts again what only a file that was loaded shows: streams that were
/// encrypted, and those that were packed several times.
pub(super) fn check_loaded(
    document: &Document,
    limits: &Limits,
    deadline: Instant,
) -> Result<(), ExtractError> {
    let mut room = Room::new(limits, deadline);
    for object in document.objects.values() {
        let Object::Stream(stream) = object else {
            continue;
        };
        let names = stream.filters().unwrap_or_default();
        if names.len() > 1 || document.was_encrypted() {
            room.take_named(&stream.content, &names)?;
        }
    }
    Ok(())
}

/// Whether the file has the name of the filter, any letter of which may be
/// written as its number.
fn names_lzw(bytes: &[u8]) -> bool {
    names(bytes).any(|rest| after_name(rest, b"LZWDecode").is_some())
}

/// What may still be unpacked, and until when it may be counted.
struct Room<'a> {
    left: u64,
    /// Whether a stream may be packed with LZW.
    lzw: bool,
    limits: &'a Limits,
    deadline: Instant,
}

impl<'a> Room<'a> {
    fn new(limits: &'a Limits, deadline: Instant) -> Self {
        Self {
            left: limits.max_unpacked_bytes,
            lzw: false,
            limits,
            deadline,
        }
    }

    fn take(&mut self, body: &[u8]) -> Result<(), ExtractError> {
        let headless = self.count(body, &[Filter::Flate { headed: false }])?;
        self.left -= self.most(body, &mut Vec::new())?.max(headless);
        Ok(())
    }

    /// The same with the filters of these names, each of whose results is held.
    fn take_named(&mut self, body: &[u8], names: &[&[u8]]) -> Result<(), ExtractError> {
        let mut most = 0;
        for early in [true, false] {
            let filters = names.iter().map_while(|name| Filter::named(name, early));
            let chain: Vec<Filter> = filters.collect();
            for length in 1..=chain.len() {
                most = self.count(body, &chain[..length])?.max(most);
            }
        }
        self.left -= most;
        Ok(())
    }

    /// The most bytes that a stream can unpack to, by whatever filters after
    /// those of `chain`. Its dictionary is not asked, which may be written so
    /// that only its reader finds what it says: bytes that were not packed with
    /// a filter make no sense to it after a few. To LZW a plain picture may, which
    /// is why it is tried on nothing that was unpacked by another than ASCII85.
    fn most(&self, body: &[u8], chain: &mut Vec<Filter>) -> Result<u64, ExtractError> {
        let mut most = 0;
        let lzw = self.lzw && chain.iter().all(|one| matches!(one, Filter::Ascii85));
        for filter in Filter::ALL {
            if matches!(filter, Filter::Lzw { .. }) && !lzw {
                continue;
            }
            chain.push(filter);
            let count = self.count(body, chain)?;
            if count >= LEAST_RESULT {
                most = self.most(body, chain)?.max(most).max(count);
            }
            chain.pop();
        }
        Ok(most)
    }

    /// The bytes that a stream gives before it ends or breaks.
    fn count(&self, body: &[u8], chain: &[Filter]) -> Result<u64, ExtractError> {
        if Instant::now() >= self.deadline {
            let limit = self.limits.timeout;
            return Err(ExtractError::Timeout { limit });
        }
        let mut counted = Counter(0);
        if chain.len() <= MOST_FILTERS {
            let mut source: Box<dyn Read + '_> = Box::new(body);
            for filter in chain {
                source = filter.open(source);
            }
            let _ = std::io::copy(&mut source.take(self.left + 1), &mut counted);
        }
        if chain.len() > MOST_FILTERS || counted.0 > self.left {
            let limit = self.limits.max_unpacked_bytes;
            return Err(ExtractError::TooLargeUnpacked { limit });
        }
        Ok(counted.0)
    }
}

/// Counts what is written, also when the writer ends in an error.
struct Counter(u64);

impl std::io::Write for Counter {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        let written = sink().write(buffer)?;
        self.0 += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::names_lzw;

    #[test]
    fn the_name_of_the_filter_is_found_however_it_is_written() {
        assert!(names_lzw(b"<</Filter/LZWDecode>>"));
        assert!(names_lzw(b"<</Filter[/L#5aWDecod#65 /FlateDecode]>>"));
        assert!(!names_lzw(b"<</Filter/LZW>> LZWDecode /L#5bWDecode"));
    }
}
