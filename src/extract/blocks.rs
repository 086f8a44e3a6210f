//! Paragraphs, headings, items of lists and tables as Markdown, for formats
//! that name these things.

use super::format::StructuredText;
use super::markdown::Mark;
use super::pictures::{self, Picture};
use super::table::{self, Row};
use super::xml::one_line;

/// Deepest level that Markdown has.
const MAX_HEADING: u8 = 6;
/// Deepest list that is shown as one.
const MAX_INDENT: usize = 8;

#[derive(Default)]
pub(super) struct Blocks {
    text: String,
    headings: Vec<Mark>,
    pictures: Vec<Picture>,
    after_item: bool,
}

impl Blocks {
    pub(super) fn paragraph(&mut self, text: &str) {
        let lines: Vec<String> = text.lines().map(one_line).collect();
        let lines: Vec<&str> = lines
            .iter()
            .map(String::as_str)
            .filter(|l| !l.is_empty())
            .collect();
        self.push(&lines.join("\n"), false);
    }

    pub(super) fn heading(&mut self, level: u8, text: &str) {
        let text = one_line(text);
        if text.is_empty() {
            return;
        }
        let level = level.clamp(1, MAX_HEADING);
        let marks = "#".repeat(usize::from(level));
        let at = self.push(&format!("{marks} {text}"), false);
        self.headings.push(Mark { at, level, text });
    }

    /// An item of a list; `depth` is 0 for the outermost.
    pub(super) fn item(&mut self, depth: usize, label: &str, text: &str) {
        let text = one_line(text);
        if !text.is_empty() {
            let indent = "  ".repeat(depth.min(MAX_INDENT));
            self.push(&format!("{indent}{label} {text}"), true);
        }
    }

    pub(super) fn table(&mut self, rows: &[Row]) {
        self.push(&table::join(&table::lines(rows)), false);
    }

    /// A picture that covers this share of a page, with what describes it.
    pub(super) fn picture(&mut self, share: Option<f64>, description: &str) {
        let words = pictures::words(description);
        let at = self.push(&words, false);
        self.note_picture(at, share, &words);
    }

    /// A picture in what comes next, which has the words that describe it.
    pub(super) fn picture_within(&mut self, share: Option<f64>, words: &str) {
        self.note_picture(self.text.len(), share, words);
    }

    fn note_picture(&mut self, at: usize, share: Option<f64>, words: &str) {
        self.pictures.push(Picture {
            at,
            ..Picture::new(share, words)
        });
    }

    /// Adds a block; gives back where it begins.
    fn push(&mut self, block: &str, item: bool) -> usize {
        if block.is_empty() {
            return self.text.len();
        }
        if !self.text.is_empty() {
            let close = item && self.after_item;
            self.text.push_str(if close { "\n" } else { "\n\n" });
        }
        let at = self.text.len();
        self.text.push_str(block);
        self.after_item = item;
        at
    }

    pub(super) fn finish(self) -> StructuredText {
        StructuredText {
            text: self.text,
            headings: self.headings,
            pictures: self.pictures,
            ..StructuredText::default()
        }
    }
}
