//! Markdown as this module reads it: one set of extensions, and citation
//! markers hidden from the parser, so that `[1]: x` defines no link and
//! `[1](x)` is none. Offsets always refer to the unchanged text.

use super::cite::{Marker, markers};
use pulldown_cmark::{Event, OffsetIter, Options, Parser};
use std::ops::Range;

/// Stands for the first three bytes of a marker. It is punctuation, as a
/// bracket is, so emphasis opens and closes as it would beside the marker.
const MASK: &str = "※";
/// Stands for each further byte of a marker.
const FILL: &str = ",";

/// A Markdown text with its markers.
pub(super) struct Markdown<'a> {
    pub(super) text: &'a str,
    masked: String,
    pub(super) markers: Vec<Marker>,
}

impl<'a> Markdown<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let markers = markers(text);
        let mut masked = String::with_capacity(text.len());
        for marker in &markers {
            masked.push_str(&text[masked.len()..marker.range.start]);
            masked.push_str(MASK);
            masked.push_str(&FILL.repeat(marker.range.len() - MASK.len()));
        }
        masked.push_str(&text[masked.len()..]);
        let masked = with_dollars(masked);
        Self {
            text,
            masked,
            markers,
        }
    }

    /// The parser's events with the bytes that each comes from.
    pub(super) fn events(&self) -> OffsetIter<'_> {
        let options = Options::ENABLE_TABLES
            | Options::ENABLE_STRIKETHROUGH
            | Options::ENABLE_TASKLISTS
            | Options::ENABLE_FOOTNOTES
            | Options::ENABLE_MATH;
        Parser::new_ext(&self.masked, options).into_offset_iter()
    }

    /// Whether `parsed`, which the parser took from `range`, is that part of
    /// the text unchanged, so that offsets inside it are known.
    pub(super) fn is_verbatim(&self, parsed: &str, range: &Range<usize>) -> bool {
        self.masked.get(range.clone()) == Some(parsed)
    }

    /// The markers that lie in `range`.
    pub(super) fn markers_in(&self, range: &Range<usize>) -> &[Marker] {
        let first = self
            .markers
            .partition_point(|marker| marker.range.start < range.start);
        let past = self
            .markers
            .partition_point(|marker| marker.range.end <= range.end);
        &self.markers[first..past.max(first)]
    }

    /// `parsed` with the hidden markers of `range` back in their places.
    pub(super) fn restore(&self, parsed: &str, range: &Range<usize>) -> String {
        if self.is_verbatim(parsed, range) {
            return self.text[range.clone()].to_owned();
        }
        let mut restored = parsed.to_owned();
        for marker in self.markers_in(range) {
            let hidden = &self.masked[marker.range.clone()];
            restored = restored.replacen(hidden, &self.text[marker.range.clone()], 1);
        }
        restored
    }
}

/// The other notation of formulas, `\(x\)` and `\[x\]`, in dollars, which the
/// parser knows: as long as before, so that all offsets stay. Code is left alone.
fn with_dollars(text: String) -> String {
    if !text.contains("\\(") && !text.contains("\\[") {
        return text;
    }
    let mut changed = String::with_capacity(text.len());
    let mut fenced = false;
    for line in text.split_inclusive('\n') {
        let begins = line.trim_start();
        if begins.starts_with("```") || begins.starts_with("~~~") {
            fenced = !fenced;
        }
        match fenced || line.contains('`') {
            true => changed.push_str(line),
            false => push_with_dollars(&mut changed, line),
        }
    }
    changed
}

/// Only what opens and closes on one line is taken for a formula.
fn push_with_dollars(changed: &mut String, line: &str) {
    let mut rest = line;
    while let Some(at) = rest.find("\\(").into_iter().chain(rest.find("\\[")).min() {
        let (opened, inner) = rest.split_at(at + 2);
        let close = if opened.ends_with('(') { "\\)" } else { "\\]" };
        let Some(length) = inner.find(close) else {
            break;
        };
        changed.push_str(&rest[..at]);
        changed.push_str("$$");
        changed.push_str(&inner[..length]);
        changed.push_str("$$");
        rest = &inner[length + 2..];
    }
    changed.push_str(rest);
}

/// Whether an event opens (1), closes (-1) or lies inside (0) an element.
pub(super) fn nesting(event: &Event<'_>) -> isize {
    match event {
        Event::Start(_) => 1,
        Event::End(_) => -1,
        _ => 0,
    }
}
