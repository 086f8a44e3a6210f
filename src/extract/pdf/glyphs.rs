//! Collects the characters of a page with their places, turned so that each
//! text runs to the right and up is up, whatever its direction on the page.
//! Vertical lines are lines that run down, turned like others.

use super::typeface::Shown;
use pdf_extract::{Document, MediaBox, OutputDev, OutputError, Transform, output_doc_page};
use std::fmt;
use std::time::Instant;
use unicode_normalization::UnicodeNormalization;

/// Characters of one page.
const MAX_GLYPHS: usize = 1_000_000;

/// Characters below each other that are a line and no column of a table.
const STACK: usize = 4;

/// Stands for a character that the font does not tell.
const UNKNOWN: &str = "\u{fffd}";

/// What the decoder gives for a code that no character has. Line ends that were
/// left in a string are such codes, and all codes of some fonts.
pub(super) const NOTHING: &str = "\0";

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
    /// Number of its font on the page.
    pub(super) font: usize,
    pub(super) bold: bool,
}

/// The characters of a page, in the order in which it shows them.
pub(super) fn collect(
    document: &Document,
    page: u32,
    shown: &Shown,
    deadline: Instant,
) -> Result<Vec<Glyph>, String> {
    let mut collector = Collector {
        glyphs: Vec::new(),
        shown,
        strings: Box::new(shown.strings()),
        font: 0,
        start: None,
        deadline,
        gave_up: None,
    };
    let outcome = output_doc_page(document, &mut collector, page);
    match (outcome, collector.gave_up) {
        (_, Some(reason)) => Err(reason.to_owned()),
        (Err(error), None) => Err(error.to_string()),
        (Ok(()), None) => {
            let mut glyphs = collector.glyphs;
            turn_stacked(&mut glyphs);
            Ok(glyphs)
        }
    }
}

/// Turns vertical lines that are shown character by character, each at a place of
/// its own, where most ideographs of a page stand so.
fn turn_stacked(glyphs: &mut [Glyph]) {
    let is_below = |a: &Glyph, b: &Glyph| {
        let aside = (a.x + a.width / 2.0) - (b.x + b.width / 2.0);
        let step = a.y - b.y;
        let upright = a.turn == 0 && b.turn == 0;
        upright && aside.abs() < 0.3 * a.size && (0.7 * a.size..1.6 * a.size).contains(&step)
    };
    let ideographs = |glyphs: &[Glyph]| {
        let found = glyphs
            .iter()
            .filter(|glyph| glyph.text.contains(is_unspaced));
        found.count()
    };
    let stacks = glyphs
        .chunk_by(is_below)
        .filter(|stack| stack.len() >= STACK);
    let stacked: usize = stacks.map(ideographs).sum();
    if stacked * 2 <= ideographs(glyphs) {
        return;
    }
    for stack in glyphs.chunk_by_mut(is_below) {
        let is_line = stack.len() > 1 || stack.iter().all(|glyph| glyph.text.contains(is_unspaced));
        if !is_line || stack[0].turn != 0 {
            continue;
        }
        let mut below: Option<f64> = None;
        for glyph in stack.iter_mut().rev() {
            // From the middle of the character's top, as vertical fonts have it.
            let (top, middle) = (glyph.y + 0.88 * glyph.size, glyph.x + glyph.width / 2.0);
            glyph.width = below.map_or(glyph.size, |below| top - below);
            (glyph.x, glyph.y, glyph.turn) = (-top, middle, 3);
            below = Some(top);
        }
    }
}

/// Characters of scripts that have no spaces between words, and their signs.
pub(super) fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{3000}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{ff01}'..='\u{ff65}' | '\u{20000}'..='\u{3ffff}')
}

struct Collector<'a> {
    glyphs: Vec<Glyph>,
    shown: &'a Shown,
    strings: Box<dyn Iterator<Item = usize> + 'a>,
    /// The font of the string that is being shown.
    font: usize,
    /// Where a line that runs downwards begins.
    start: Option<(f64, f64)>,
    deadline: Instant,
    gave_up: Option<&'static str>,
}

impl Collector<'_> {
    fn stop(&mut self, reason: &'static str) -> Result<(), OutputError> {
        self.gave_up = Some(reason);
        Err(OutputError::from(fmt::Error))
    }
}

impl OutputDev for Collector<'_> {
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
        let face = self.shown.fonts.get(self.font).copied().unwrap_or_default();
        let size = font_size.abs() * place.m21.hypot(place.m22);
        // Vertical text runs against the axis that points up.
        let (ahead, up) = match face.vertical {
            true => (-place.m21, -place.m22),
            false => (place.m11, place.m12),
        };
        let (m31, m32) = self.origin(place, face.vertical);
        let along = font_size * ahead.hypot(up);
        let sign = if font_size < 0.0 { -1.0 } else { 1.0 };
        let angle = (sign * up).atan2(sign * ahead);
        let turn = (angle / std::f64::consts::FRAC_PI_2)
            .round()
            .rem_euclid(4.0) as u8;
        let (x, y) = match turn {
            0 => (m31, m32),
            1 => (m32, -m31),
            2 => (-m31, -m32),
            _ => (-m32, m31),
        };
        let glyph = Glyph {
            text: readable(text).unwrap_or_else(|| UNKNOWN.to_owned()),
            x,
            y,
            width: (width * along).abs(),
            size,
            turn,
            font: self.font,
            bold: face.bold,
        };
        let measurable = [x, y, glyph.width, size].into_iter().all(f64::is_finite);
        if !measurable || size <= 0.0 || glyph.text.is_empty() {
            return Ok(());
        }
        match self.repeats(&glyph) {
            // Bold type is sometimes made by showing a character twice.
            true => self
                .glyphs
                .last_mut()
                .into_iter()
                .for_each(|last| last.bold = true),
            false => self.glyphs.push(glyph),
        }
        Ok(())
    }

    /// A string begins.
    fn begin_word(&mut self) -> Result<(), OutputError> {
        self.font = self.strings.next().unwrap_or(self.font);
        Ok(())
    }

    fn end_word(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    /// The place of what follows is set anew.
    fn end_line(&mut self) -> Result<(), OutputError> {
        self.start = None;
        Ok(())
    }
}

impl Collector<'_> {
    /// Where a character stands. The decoder moves the characters of a vertical
    /// line to the side by as much as they go up.
    fn origin(&mut self, place: &Transform, vertical: bool) -> (f64, f64) {
        if !vertical {
            self.start = None;
            return (place.m31, place.m32);
        }
        let (x, y) = *self.start.get_or_insert((place.m31, place.m32));
        let aside = (place.m31 - x) * place.m11 + (place.m32 - y) * place.m12;
        let steps = aside / (place.m11 * place.m11 + place.m12 * place.m12);
        (x + steps * place.m21, y + steps * place.m22)
    }

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
    // A table of codes has zero where it knows no character.
    if text == NOTHING {
        return Some(NOTHING.to_owned());
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
            '\u{2e80}'..='\u{2fdf}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}'
            // Signs as they stand in vertical text.
            | '\u{fe10}'..='\u{fe19}' | '\u{fe30}'..='\u{fe48}' => {
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

#[cfg(test)]
mod tests {
    use super::{Glyph, turn_stacked};
    use crate::extract::pdf::layout;

    #[test]
    fn characters_that_are_placed_below_each_other_are_read_downwards() {
        let mut glyphs = Vec::new();
        for (column, text) in ["打开阀门检查油位", "启动电机前请注意"].iter().enumerate()
        {
            for (row, c) in text.chars().enumerate() {
                glyphs.push(Glyph {
                    text: c.to_string(),
                    x: 300.0 + 20.0 * column as f64,
                    y: 700.0 - 12.0 * row as f64,
                    width: 10.0,
                    size: 10.0,
                    turn: 0,
                    font: 0,
                    bold: false,
                });
            }
        }
        turn_stacked(&mut glyphs);
        let lines = layout::lines(&glyphs);
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["启动电机前请注意", "打开阀门检查油位"]);
    }
}
