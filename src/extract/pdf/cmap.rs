//! The map of a font from its codes to characters (`ToUnicode`), read with
//! tolerance for what real files contain.

use std::collections::BTreeMap;
use std::fmt::Write;

/// Most codes that a map may have.
const MAX_CODES: usize = 70_000;

/// UTF-16 units of each code.
pub(super) type CodeMap = BTreeMap<u32, Vec<u16>>;

enum Token<'a> {
    Hex(Vec<u8>),
    Open,
    Close,
    Word(&'a [u8]),
}

/// The section of the map that is being read.
#[derive(PartialEq)]
enum Section {
    Other,
    Characters,
    Ranges,
}

/// Reads a map; what is not understood is passed over.
pub(super) fn parse(source: &[u8]) -> CodeMap {
    let mut map = CodeMap::new();
    let mut section = Section::Other;
    let mut held: Vec<Vec<u8>> = Vec::new();
    let mut list: Option<Vec<Vec<u8>>> = None;
    let mut rest = source;
    while let Some(token) = next_token(&mut rest) {
        if map.len() >= MAX_CODES {
            break;
        }
        match token {
            Token::Word(word) => {
                held.clear();
                list = None;
                section = match word {
                    b"beginbfchar" => Section::Characters,
                    b"beginbfrange" => Section::Ranges,
                    _ => Section::Other,
                };
            }
            Token::Open => list = Some(Vec::new()),
            Token::Close => {
                if let ([low, high], Some(list)) = (held.as_slice(), list.take()) {
                    let codes = code(low)..=code(high);
                    map.extend(codes.zip(list.iter().map(|text| units(text))));
                }
                held.clear();
            }
            Token::Hex(bytes) => match &mut list {
                Some(list) => list.push(bytes),
                None => held.push(bytes),
            },
        }
        match (&section, held.as_slice()) {
            (Section::Characters, [from, to]) => {
                map.insert(code(from), units(to));
                held.clear();
            }
            (Section::Ranges, [low, high, to]) => {
                range(&mut map, code(low), code(high), units(to));
                held.clear();
            }
            (Section::Other, _) => held.clear(),
            _ => {}
        }
    }
    map.retain(|_, text| String::from_utf16(text).is_ok_and(|text| !text.is_empty()));
    map
}

/// Codes in a row, whose last unit counts up.
fn range(map: &mut CodeMap, low: u32, high: u32, first: Vec<u16>) {
    let count = high.saturating_sub(low).min(0xffff);
    for step in 0..=count {
        let mut text = first.clone();
        if let Some(last) = text.last_mut() {
            *last = last.saturating_add(step as u16);
        }
        map.insert(low + step, text);
    }
}

/// Writes a map in the plainest form there is.
pub(super) fn write(map: &CodeMap) -> Vec<u8> {
    let mut out = format!("{} beginbfchar\n", map.len());
    for (code, text) in map {
        let text: String = text.iter().fold(String::new(), |mut hex, unit| {
            // Writing to a string cannot fail.
            let _ = write!(hex, "{unit:04x}");
            hex
        });
        let _ = writeln!(out, "<{code:08x}> <{text}>");
    }
    out.push_str("endbfchar\n");
    out.into_bytes()
}

/// The map of a font whose codes are the characters themselves.
pub(super) fn identity() -> Vec<u8> {
    // Halves of a pair have no character of their own.
    let ranges = "2 beginbfrange\n<00000001> <0000d7ff> <0001>\n<0000e000> <0000ffff> <e000>\n";
    format!("{ranges}endbfrange\n").into_bytes()
}

fn code(bytes: &[u8]) -> u32 {
    let last = &bytes[bytes.len().saturating_sub(4)..];
    last.iter()
        .fold(0, |code, byte| code << 8 | u32::from(*byte))
}

/// UTF-16 of the bytes; some programs write one byte for a Latin character.
fn units(bytes: &[u8]) -> Vec<u16> {
    let padded;
    let bytes = if bytes.len() % 2 == 1 {
        padded = [&[0], bytes].concat();
        padded.as_slice()
    } else {
        bytes
    };
    let units = bytes
        .chunks_exact(2)
        .map(|pair| u16::from(pair[0]) << 8 | u16::from(pair[1]));
    units.filter(|unit| *unit != 0).collect()
}

fn next_token<'a>(rest: &mut &'a [u8]) -> Option<Token<'a>> {
    loop {
        let (first, after) = rest.split_first()?;
        match first {
            b'[' | b']' => {
                *rest = after;
                return Some(if *first == b'[' {
                    Token::Open
                } else {
                    Token::Close
                });
            }
            b'<' if after.first() != Some(&b'<') => {
                let end = after
                    .iter()
                    .position(|byte| *byte == b'>')
                    .unwrap_or(after.len());
                *rest = after.get(end + 1..).unwrap_or(&[]);
                return Some(Token::Hex(hex(&after[..end])));
            }
            b'%' => {
                let end = after.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
                *rest = &after[end.unwrap_or(after.len())..];
            }
            letter if letter.is_ascii_alphabetic() => {
                let end = rest.iter().position(|byte| !byte.is_ascii_alphanumeric());
                let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
                *rest = after;
                return Some(Token::Word(word));
            }
            b'<' => *rest = &after[1..],
            _ => *rest = after,
        }
    }
}

fn hex(digits: &[u8]) -> Vec<u8> {
    let digits: Vec<u8> = digits
        .iter()
        .filter_map(|digit| char::from(*digit).to_digit(16))
        .map(|digit| digit as u8)
        .collect();
    let pairs = digits.chunks(2);
    pairs
        .map(|pair| pair[0] << 4 | pair.get(1).unwrap_or(&0))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{parse, write};

    #[test]
    fn characters_ranges_and_lists_are_read() {
        let source = b"/CIDInit /ProcSet findresource begin << /Registry (Adobe) >> def % note\n\
            1 begincodespacerange <00> <FF> endcodespacerange 2 beginbfchar <01> <0041> <02> <42> endbfchar\n\
            3 beginbfrange <10> <12> <0061> <20> <21> [<00660069> <D83DDE00>] <30> <30> <D800> endbfrange";
        let map = parse(source);
        let text = |code: u32| map.get(&code).map(|text| String::from_utf16_lossy(text));
        assert_eq!(text(1).as_deref(), Some("A"));
        assert_eq!(text(2).as_deref(), Some("B"));
        assert_eq!(text(0x12).as_deref(), Some("c"));
        assert_eq!(text(0x20).as_deref(), Some("fi"));
        assert_eq!(text(0x21).as_deref(), Some("😀"));
        assert_eq!(text(0x30), None);
        assert_eq!(parse(&write(&map)), map);
    }

    #[test]
    fn noise_is_passed_over() {
        assert!(parse(b"<<<<>[[<zz beginbfrange <00> <ffffffff> [").is_empty());
    }
}
