//! Collects the characters of a page with their places, turned so that each
//! text runs to the right and up is up, whatever its direction on the page.

use pdf_extract::{Document, MediaBox, OutputDev, OutputError, Transform, output_doc_page};
use std::fmt;
use std::time::Instant;
use unicode_normalization::UnicodeNormalization;

/// Characters of one page.
const MAX_GLYPHS: usize = 1_000_000;

/// Stands for a character that the font does not tell.
const UNKNOWN: &str = "\u{fffd}";

/// A character where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Glyph {
    pub(super) text: String,
    /// Left end and base line.
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) size: f64,
    /// Quarter turns of the text against the page.
    pub(super) turn: u8,
}

/// The characters of a page, in the order in which it shows them.
pub(super) fn collect(
    document: &Document,
    page: u32,
    deadline: Instant,
) -> Result<Vec<Glyph>, String> {
    let mut collector = Collector {
        glyphs: Vec::new(),
        deadline,
        gave_up: None,
    };
    let outcome = output_doc_page(document, &mut collector, page);
    match (outcome, collector.gave_up) {
        (_, Some(reason)) => Err(reason.to_owned()),
        (Err(error), None) => Err(error.to_string()),
        (Ok(()), None) => Ok(collector.glyphs),
    }
}

struct Collector {
    glyphs: Vec<Glyph>,
    deadline: Instant,
    gave_up: Option<&'static str>,
}

impl Collector {
    fn stop(&mut self, reason: &'static str) -> Result<(), OutputError> {
        self.gave_up = Some(reason);
        Err(OutputError::from(fmt::Error))
    }
}

impl OutputDev for Collector {
    fn begin_page(
        &mut self,
        _page: u32,
        _media_box: &MediaBox,
        _art_box: Option<(f64, f64, f64, f64)>,
    ) -> Result<(), OutputError> {
        Ok(())
    }

    fn end_page(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    fn output_character(
        &mut self,
        place: &Transform,
        width: f64,
        _spacing: f64,
        font_size: f64,
        text: &str,
    ) -> Result<(), OutputError> {
        if self.glyphs.len() >= MAX_GLYPHS {
            return self.stop("it has too many characters");
        }
        if self.glyphs.len().is_multiple_of(4096) && Instant::now() >= self.deadline {
            return self.stop("reading it took too long");
        }
        let size = font_size.abs() * place.m21.hypot(place.m22);
        let along = font_size * place.m11.hypot(place.m12);
        let sign = if font_size < 0.0 { -1.0 } else { 1.0 };
        let angle = (sign * place.m12).atan2(sign * place.m11);
        let turn = (angle / std::f64::consts::FRAC_PI_2)
            .round()
            .rem_euclid(4.0) as u8;
        let (x, y) = match turn {
            0 => (place.m31, place.m32),
            1 => (place.m32, -place.m31),
            2 => (-place.m31, -place.m32),
            _ => (-place.m32, place.m31),
        };
        let glyph = Glyph {
            text: readable(text).unwrap_or_else(|| UNKNOWN.to_owned()),
            x,
            y,
            width: (width * along).abs(),
            size,
            turn,
        };
        let measurable = [x, y, glyph.width, size].into_iter().all(f64::is_finite);
        if measurable && size > 0.0 && !glyph.text.is_empty() && !self.repeats(&glyph) {
            self.glyphs.push(glyph);
        }
        Ok(())
    }

    fn begin_word(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    fn end_word(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), OutputError> {
        Ok(())
    }
}

impl Collector {
    /// Bold type is sometimes made by showing a character twice.
    fn repeats(&self, glyph: &Glyph) -> bool {
        self.glyphs.last().is_some_and(|last| {
            let near = glyph.size * 0.08;
            last.text == glyph.text
                && (last.x - glyph.x).abs() < near
                && (last.y - glyph.y).abs() < near
        })
    }
}

/// Ligatures as letters, shapes of letters as the letters themselves, every
/// kind of space as a space. The decoder gives
/// nothing where it does not know a character: that must not go unnoticed.
fn readable(text: &str) -> Option<String> {
    if text.is_empty() {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{fb00}' => out.push_str("ff"),
            '\u{fb01}' => out.push_str("fi"),
            '\u{fb02}' => out.push_str("fl"),
            '\u{fb03}' => out.push_str("ffi"),
            '\u{fb04}' => out.push_str("ffl"),
            '\u{fb05}' | '\u{fb06}' => out.push_str("st"),
            // Ideographs' parts, Hebrew and Arabic letters as they are joined.
            '\u{2e80}'..='\u{2fdf}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' => {
                out.extend(std::iter::once(c).nfkc());
            }
            '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}' | '\0' => {}
            // Symbol fonts have their bullets in the private use area.
            '\u{f0b7}' | '\u{f0a7}' | '\u{f076}' | '\u{f0d8}' | '\u{f0fc}' => out.push('•'),
            c if c.is_whitespace() => out.push(' '),
            c => out.push(c),
        }
    }
    Some(out)
}
