//! Rewrites font dictionaries so that the font decoder, which ends in a panic
//! on much that real files contain, reads them: only what it uses is kept, and
//! that in the one form it understands.

use super::{cmap, typeface};
use pdf_extract::{Dictionary, Document, Object, Stream};

/// Codes of simple fonts are one byte.
const CODES: i64 = 256;
/// Character widths of one composite font.
const MAX_WIDTHS: usize = 70_000;
/// Encodings that the decoder knows by name.
const KNOWN_ENCODINGS: [&[u8]; 3] = [
    b"WinAnsiEncoding",
    b"MacRomanEncoding",
    b"MacExpertEncoding",
];

/// The font, rewritten; `None` where nothing can be read with it.
pub(super) fn readable(document: &Document, font: &Object) -> Option<Dictionary> {
    let font = Resolver(document).object(font)?.as_dict().ok()?;
    let from = Resolver(document);
    let subtype = from.name(font, b"Subtype")?.to_vec();
    let base = from.name(font, b"BaseFont").unwrap_or(b"Unnamed");
    let mut made = Dictionary::new();
    made.set("Type", Object::Name(b"Font".to_vec()));
    made.set("Subtype", Object::Name(subtype.clone()));
    made.set("BaseFont", Object::Name(base.to_vec()));
    let to_unicode = to_unicode(&from, font);
    let has_map = to_unicode.is_some();
    if let Some(map) = to_unicode {
        made.set("ToUnicode", map);
    }
    if subtype == b"Type0" {
        composite(&from, font, &mut made)?;
        return Some(made);
    }
    let is_drawn = subtype == b"Type3";
    match encoding(&from, font) {
        Some(encoding) => made.set("Encoding", encoding),
        None if is_drawn => made.set("Encoding", Dictionary::new()),
        None => {}
    }
    widths(&from, font, &mut made, is_drawn);
    if let Some(descriptor) = from.dictionary(font, b"FontDescriptor") {
        let mut kept = descriptor.clone();
        kept.remove(b"FontFile2");
        if has_map {
            // The font program is asked for its encoding only; the map says more.
            kept.remove(b"FontFile");
            kept.remove(b"FontFile3");
        }
        made.set("FontDescriptor", kept);
    }
    Some(made)
}

/// Reads entries through references.
pub(super) struct Resolver<'a>(pub(super) &'a Document);

impl<'a> Resolver<'a> {
    pub(super) fn object(&self, object: &'a Object) -> Option<&'a Object> {
        self.0.dereference(object).ok().map(|(_, object)| object)
    }

    pub(super) fn entry(&self, dictionary: &'a Dictionary, key: &[u8]) -> Option<&'a Object> {
        self.object(dictionary.get(key).ok()?)
    }

    pub(super) fn name(&self, dictionary: &'a Dictionary, key: &[u8]) -> Option<&'a [u8]> {
        self.entry(dictionary, key)?.as_name().ok()
    }

    pub(super) fn dictionary(
        &self,
        dictionary: &'a Dictionary,
        key: &[u8],
    ) -> Option<&'a Dictionary> {
        self.entry(dictionary, key)?.as_dict().ok()
    }

    pub(super) fn array(&self, dictionary: &'a Dictionary, key: &[u8]) -> Option<Vec<&'a Object>> {
        let array = self.entry(dictionary, key)?.as_array().ok()?;
        array.iter().map(|object| self.object(object)).collect()
    }
}

pub(super) fn number(object: &Object) -> Option<f32> {
    match object {
        Object::Integer(value) => Some(*value as f32),
        Object::Real(value) => value.is_finite().then_some(*value),
        _ => None,
    }
}

/// The map from codes to characters, written anew.
fn to_unicode(from: &Resolver<'_>, font: &Dictionary) -> Option<Object> {
    let stream = from.0.dereference(font.get(b"ToUnicode").ok()?).ok()?.1;
    let stream = stream.as_stream().ok()?;
    let source = stream.decompressed_content().ok()?;
    let map = cmap::parse(&source);
    let written = || Stream::new(Dictionary::new(), cmap::write(&map));
    (!map.is_empty()).then(|| Object::Stream(written()))
}

/// The encoding of a simple font.
fn encoding<'a>(from: &Resolver<'a>, font: &'a Dictionary) -> Option<Object> {
    let known = |name: &[u8]| KNOWN_ENCODINGS.contains(&name);
    match from.entry(font, b"Encoding")? {
        Object::Name(name) if known(name) => Some(Object::Name(name.clone())),
        // The default table has the same letters as the standard encoding.
        Object::Name(name) if name == b"StandardEncoding" => Some(Dictionary::new().into()),
        Object::Dictionary(given) => {
            let mut made = Dictionary::new();
            if let Some(base) = from.name(given, b"BaseEncoding").filter(|name| known(name)) {
                made.set("BaseEncoding", Object::Name(base.to_vec()));
            }
            if let Some(differences) = from.array(given, b"Differences") {
                made.set("Differences", within_codes(&differences));
            }
            Some(made.into())
        }
        _ => None,
    }
}

/// The names of glyphs whose code is a byte.
fn within_codes(differences: &[&Object]) -> Vec<Object> {
    let mut code = 0;
    let mut kept = Vec::new();
    for object in differences {
        match object {
            Object::Integer(next) => {
                code = *next;
                if (0..CODES).contains(&code) {
                    kept.push(Object::Integer(code));
                }
            }
            Object::Name(_) => {
                if (0..CODES).contains(&code) {
                    kept.push((*object).clone());
                }
                code = code.saturating_add(1);
            }
            _ => {}
        }
    }
    kept
}

/// Widths of a simple font, as many as it says there are.
fn widths<'a>(from: &Resolver<'a>, font: &'a Dictionary, made: &mut Dictionary, complete: bool) {
    let first = from
        .entry(font, b"FirstChar")
        .and_then(|first| first.as_i64().ok());
    let given = from.array(font, b"Widths");
    let (mut first, given) = match (first, given) {
        (Some(first), Some(given)) => (first.clamp(0, CODES - 1), given),
        _ if complete => (0, Vec::new()),
        _ => return,
    };
    let room = (CODES - first) as usize;
    let given = given.into_iter().take(room);
    let mut widths: Vec<f32> = given.map(|width| number(width).unwrap_or(0.0)).collect();
    if complete {
        // A drawn font without a width for a code stops the decoder.
        let mut all = vec![0.0; first as usize];
        all.append(&mut widths);
        all.resize(CODES as usize, 0.0);
        widths = all;
        first = 0;
    }
    if widths.is_empty() {
        return;
    }
    made.set("FirstChar", first);
    made.set("LastChar", first + widths.len() as i64 - 1);
    let widths: Vec<Object> = widths.into_iter().map(Object::Real).collect();
    made.set("Widths", widths);
}

/// A composite font: its encoding and the one font it is made of.
fn composite<'a>(from: &Resolver<'a>, font: &'a Dictionary, made: &mut Dictionary) -> Option<()> {
    let descendants = from.array(font, b"DescendantFonts")?;
    let descendant = descendants.first()?.as_dict().ok()?;
    let given = from.entry(font, b"Encoding");
    let codes_are_characters = writes_characters(from, font);
    if codes_are_characters && !made.has(b"ToUnicode") {
        made.set(
            "ToUnicode",
            Stream::new(Dictionary::new(), cmap::identity()),
        );
    }
    let encoding = match given {
        Some(Object::Stream(stream)) => Object::Stream(stream.clone()),
        // Other names stand for tables that the decoder does not have. The
        // codes keep their width, and the map to characters is still used.
        _ => Object::Name(b"Identity-H".to_vec()),
    };
    made.set("Encoding", encoding);
    let mut single = Dictionary::new();
    single.set("Type", Object::Name(b"Font".to_vec()));
    single.set("FontDescriptor", Dictionary::new());
    let default = from
        .entry(descendant, b"DW")
        .and_then(number)
        .unwrap_or(1000.0);
    single.set("DW", default as i64);
    let vertical = typeface::is_vertical(from, font);
    if vertical {
        single.set("DW", advance_downwards(from, descendant));
    }
    // The widths of such a font are told by other codes, which are not known.
    let widths = from.array(descendant, b"W");
    if let Some(given) = widths.filter(|_| !codes_are_characters && !vertical) {
        single.set("W", composite_widths(from, &given));
    }
    made.set("DescendantFonts", vec![Object::Dictionary(single)]);
    Some(())
}

/// How far a character moves up, which is less than nothing: the decoder, which
/// knows no vertical text, takes it for a width, and `glyphs` turns it.
fn advance_downwards(from: &Resolver<'_>, descendant: &Dictionary) -> i64 {
    let given = from.array(descendant, b"DW2");
    let advance = given.and_then(|given| number(given.get(1)?));
    advance
        .filter(|advance| *advance < 0.0)
        .map_or(-1000, |advance| advance as i64)
}

/// Whether the codes of an encoding are UTF-16, as in `UniGB-UCS2-H`. Such a
/// font is one that the reader brings, and has no map of its own.
/// Whether the codes of a composite font are the characters themselves.
pub(super) fn writes_characters(from: &Resolver<'_>, font: &Dictionary) -> bool {
    matches!(from.entry(font, b"Encoding"), Some(Object::Name(name)) if is_utf16(name))
}

fn is_utf16(name: &[u8]) -> bool {
    let has = |part: &[u8]| name.windows(part.len()).any(|window| window == part);
    name.starts_with(b"Uni") && (has(b"-UCS2-") || has(b"-UTF16-"))
}

/// `first [w w w]` and `first last w`, all written in the first form.
fn composite_widths<'a>(from: &Resolver<'a>, given: &[&'a Object]) -> Vec<Object> {
    let mut made = Vec::new();
    let mut room = MAX_WIDTHS;
    let mut rest = given;
    while let [first, second, after @ ..] = rest {
        let Ok(start) = first.as_i64() else { break };
        let widths: Vec<Object> = match (second, after) {
            (Object::Array(list), _) => {
                rest = after;
                let list = list.iter().take(room);
                let width = |object| from.object(object).and_then(number).unwrap_or(0.0);
                list.map(|object| Object::Real(width(object))).collect()
            }
            (Object::Integer(last), [width, after @ ..]) => {
                rest = after;
                let count = usize::try_from(last - start + 1).unwrap_or(0).min(room);
                vec![Object::Real(number(width).unwrap_or(0.0)); count]
            }
            _ => break,
        };
        room -= widths.len();
        made.push(Object::Integer(start));
        made.push(Object::Array(widths));
    }
    made
}
