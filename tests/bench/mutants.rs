//! Mutants of files: always the same ones for the same seed. Bytes are
//! flipped, cut, moved and repeated, numbers made large, and members of zip
//! files changed likewise inside of a file that stays a zip file.

use std::io::{Cursor, Read, Write};

/// Longest file that mutations may grow to.
const LONGEST: usize = 4 * 1024 * 1024;

/// What formats trip over.
const TOKENS: [&[u8]; 16] = [
    b"4294967295",
    b"-1",
    b"99999999999999999999",
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"<a><b><c>",
    b"</p></p>",
    b"]]>",
    b"&#x110000;",
    b"[[[[[[[[",
    b"{{{{{{{{",
    b"\"",
    b"\n\n",
    b"\\u-10180?\\'",
    b"PK\x03\x04",
    b"Content-Type: multipart/mixed; boundary=\"\"\n\n--\n",
];

/// A small generator of numbers, good enough to scatter changes.
struct Chance(u64);

impl Chance {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `end`, 0 if there is none.
    fn below(&mut self, end: usize) -> usize {
        match end {
            0 => 0,
            end => ((self.next() >> 16) % end as u64) as usize,
        }
    }
}

/// The mutant of `original` that belongs to `seed`.
pub(crate) fn mutant(original: &[u8], seed: u64) -> Vec<u8> {
    let mut chance = Chance::new(seed);
    if original.starts_with(b"PK")
        && chance.below(4) > 0
        && let Some(changed) = inside_of_zip(original, &mut chance)
    {
        return changed;
    }
    changed(original, &mut chance)
}

fn changed(original: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = original.to_vec();
    for _ in 0..=chance.below(6) {
        change(&mut bytes, chance);
        bytes.truncate(LONGEST);
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, chance: &mut Chance) {
    let at = chance.below(bytes.len());
    let end = (at + chance.below(200)).min(bytes.len());
    match chance.below(9) {
        0 => {
            for _ in 0..=chance.below(32) {
                let at = chance.below(bytes.len());
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << chance.below(8);
                }
            }
        }
        1 => bytes.truncate(at),
        2 => drop(bytes.drain(at..end)),
        3 => {
            let piece = bytes[at..end].to_vec();
            let times = 1 + chance.below(200);
            bytes.splice(at..at, piece.repeat(times));
        }
        4 => {
            let token = TOKENS[chance.below(TOKENS.len())];
            bytes.splice(at..at, token.repeat(1 + chance.below(40)));
        }
        5 => {
            let piece: Vec<u8> = bytes.drain(at..end).collect();
            let to = chance.below(bytes.len());
            bytes.splice(to..to, piece);
        }
        6 => enlarge_number(bytes, at),
        7 => {
            let noise: Vec<u8> = (at..end).map(|_| chance.below(256) as u8).collect();
            bytes.splice(at..end, noise);
        }
        _ => {
            // An element that opens again and again.
            let open = bytes[at..]
                .iter()
                .position(|byte| *byte == b'<')
                .map(|found| at + found);
            if let Some(open) = open
                && let Some(length) = bytes[open..].iter().position(|byte| *byte == b'>')
            {
                let tag = bytes[open..=open + length].to_vec();
                bytes.splice(open..open, tag.repeat(1 + chance.below(5000)));
            }
        }
    }
}

/// Puts a large number in the place of the next one.
fn enlarge_number(bytes: &mut Vec<u8>, at: usize) {
    let start = bytes[at..].iter().position(u8::is_ascii_digit);
    if let Some(start) = start.map(|start| at + start) {
        let length = bytes[start..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        bytes.splice(start..start + length, *b"1000000");
    }
}

/// The same zip file with one member changed; `None` if it cannot be opened.
fn inside_of_zip(original: &[u8], chance: &mut Chance) -> Option<Vec<u8>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(original)).ok()?;
    let chosen = chance.below(archive.len());
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).ok()?;
        let name = entry.name().ok()?.into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).ok()?;
        if index == chosen {
            content = changed(&content, chance);
        }
        // What names the type stands unpacked at the beginning.
        let method = match name == "mimetype" {
            true => zip::CompressionMethod::Stored,
            false => zip::CompressionMethod::Deflated,
        };
        let options = zip::write::SimpleFileOptions::default().compression_method(method);
        writer.start_file(name, options).ok()?;
        writer.write_all(&content).ok()?;
    }
    Some(writer.finish().ok()?.into_inner())
}
