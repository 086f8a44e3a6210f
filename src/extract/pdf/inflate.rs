//! Bounds what a PDF unpacks to before anything is unpacked into memory.

use crate::extract::ExtractError;
use flate2::read::ZlibDecoder;
use std::io::{Read, sink};

/// Counts the unpacked size of every compressed stream of the file.
pub(super) fn check(bytes: &[u8], limit: u64) -> Result<(), ExtractError> {
    let mut left = limit;
    let mut at = 0;
    while let Some(found) = find(&bytes[at..], b"stream") {
        at += found + b"stream".len();
        let mut body = &bytes[at..];
        body = body.strip_prefix(b"\r").unwrap_or(body);
        body = body.strip_prefix(b"\n").unwrap_or(body);
        if !is_zlib(body) {
            continue;
        }
        let mut decoder = ZlibDecoder::new(body).take(left + 1);
        // A broken stream counts with what it gave before it broke.
        let mut counted = Counter(0);
        let _ = std::io::copy(&mut decoder, &mut counted);
        left = left
            .checked_sub(counted.0)
            .ok_or(ExtractError::TooLargeUnpacked { limit })?;
    }
    Ok(())
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

fn is_zlib(body: &[u8]) -> bool {
    matches!(body, [first, second, ..]
        if first & 0x0f == 8 && (u16::from(*first) * 256 + u16::from(*second)) % 31 == 0)
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}
