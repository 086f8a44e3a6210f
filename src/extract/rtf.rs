//! Rich text (.rtf): paragraphs, headings by their outline level, tables and
//! the title. An own reader: the format is a list of control words.

use super::blocks::Blocks;
use super::format::{Content, Format, Source};
use super::table::{self, Row};
use super::{ExtractError, Limits, charset, markdown, pictures};
use encoding_rs::{Encoding, WINDOWS_1252};
use std::collections::HashMap;

pub(super) struct Rtf;

const SIGNATURE: &[u8] = b"{\\rtf";
/// Units in which pictures are measured, to a centimetre.
const UNITS: f64 = 1440.0 / 2.54;
/// Groups inside each other.
const MAX_DEPTH: usize = 1000;

/// Groups that hold no text of the document.
const SKIPPED: [&str; 22] = [
    "colortbl",
    "nonshppict",
    "object",
    "header",
    "headerl",
    "headerr",
    "headerf",
    "footer",
    "footerl",
    "footerr",
    "footerf",
    "filetbl",
    "revtbl",
    "listtable",
    "listoverridetable",
    "rsidtbl",
    "xmlnstbl",
    "themedata",
    "datastore",
    "latentstyles",
    "generator",
    "fldinst",
];

impl Format for Rtf {
    fn name(&self) -> &'static str {
        "rtf"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["rtf"]
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        source.bytes.starts_with(SIGNATURE)
    }

    fn extract(&self, source: &Source<'_>, _limits: &Limits) -> Result<Content, ExtractError> {
        let mut reader = Reader::new();
        reader.read(source.bytes)?;
        let title = table::cell(&reader.title);
        let mut text = reader.finish();
        text.metadata.title = match title.is_empty() {
            true => markdown::title(&text.headings),
            false => Some(title),
        };
        Ok(Content::Flowing(text))
    }
}

/// What a group is about.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Body,
    Skipped,
    Title,
    Note,
    Fonts,
    Styles,
}

/// What holds until a group ends.
#[derive(Clone)]
struct State {
    place: Place,
    encoding: &'static Encoding,
    /// Bytes that follow a Unicode character for older programs.
    fallback: usize,
    level: Option<u8>,
    in_table: bool,
    /// Number of the font or of the style that is being described.
    number: i32,
    hidden: bool,
}

struct Reader {
    states: Vec<State>,
    state: State,
    page: &'static Encoding,
    fonts: HashMap<i32, &'static Encoding>,
    styles: HashMap<i32, u8>,
    /// Bytes of the document's charset that are not decoded yet.
    bytes: Vec<u8>,
    paragraph: String,
    row: Row,
    rows: Vec<Row>,
    title: String,
    /// Name of the style that is being described.
    style: String,
    note: String,
    notes: Vec<String>,
    blocks: Blocks,
    /// Width and height of the open picture, in centimetres.
    picture: Option<(Option<f64>, Option<f64>)>,
    skip: usize,
    high_surrogate: Option<u16>,
    /// A group that has just begun: `\*` says that it may be ignored.
    ignorable: bool,
}

impl Reader {
    fn new() -> Self {
        Self {
            states: Vec::new(),
            state: State {
                place: Place::Body,
                encoding: WINDOWS_1252,
                fallback: 1,
                level: None,
                in_table: false,
                number: 0,
                hidden: false,
            },
            page: WINDOWS_1252,
            fonts: HashMap::new(),
            styles: HashMap::new(),
            bytes: Vec::new(),
            paragraph: String::new(),
            row: Row::new(),
            rows: Vec::new(),
            title: String::new(),
            style: String::new(),
            note: String::new(),
            notes: Vec::new(),
            blocks: Blocks::default(),
            picture: None,
            skip: 0,
            high_surrogate: None,
            ignorable: false,
        }
    }

    fn read(&mut self, source: &[u8]) -> Result<(), ExtractError> {
        let mut at = 0;
        while let Some(byte) = source.get(at) {
            at += 1;
            match byte {
                b'{' => {
                    self.flush();
                    if self.states.len() >= MAX_DEPTH {
                        return Err(ExtractError::damaged(
                            "RTF",
                            "its groups are nested too deeply",
                        ));
                    }
                    self.states.push(self.state.clone());
                    self.skip = 0;
                }
                b'}' => {
                    self.flush();
                    self.skip = 0;
                    self.ignorable = false;
                    match self.states.pop() {
                        Some(state) => {
                            let left = std::mem::replace(&mut self.state, state).place;
                            if left == Place::Note && self.state.place != Place::Note {
                                self.end_note();
                            }
                            if self.state.place != Place::Skipped {
                                self.end_picture();
                            }
                        }
                        None => break,
                    }
                }
                b'\\' => at = self.control(source, at),
                b'\r' | b'\n' => {}
                byte => self.byte(*byte),
            }
        }
        self.flush();
        Ok(())
    }

    /// A control word or symbol at `at`; gives back where it ends.
    fn control(&mut self, source: &[u8], at: usize) -> usize {
        let Some(first) = source.get(at) else {
            return at;
        };
        if !first.is_ascii_alphabetic() {
            return self.symbol(source, at, *first);
        }
        let rest = &source[at..];
        let length = rest
            .iter()
            .take(32)
            .take_while(|byte| byte.is_ascii_alphabetic())
            .count();
        let word = std::str::from_utf8(&rest[..length]).unwrap_or("");
        let digits = &rest[length..];
        let negative = digits.first() == Some(&b'-');
        let digits = &digits[usize::from(negative)..];
        let count = digits
            .iter()
            .take(10)
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let value = std::str::from_utf8(&digits[..count])
            .ok()
            .and_then(|text| text.parse::<i64>().ok());
        let value = value.map(|value| if negative { -value } else { value });
        let mut end = at + length + usize::from(negative && count > 0) + count;
        end += usize::from(source.get(end) == Some(&b' '));
        match (word, value) {
            ("bin", Some(length)) => end.saturating_add(usize::try_from(length).unwrap_or(0)),
            _ => {
                self.word(word, value.map(|value| value as i32));
                end
            }
        }
    }

    fn symbol(&mut self, source: &[u8], at: usize, symbol: u8) -> usize {
        match symbol {
            b'\'' => {
                let digits = source.get(at + 1..at + 3).unwrap_or(b"");
                let code = std::str::from_utf8(digits).ok();
                if let Some(code) = code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
                    self.byte(code);
                }
                return at + 1 + digits.len();
            }
            b'*' => self.ignorable = true,
            b'~' => self.text(" "),
            b'_' => self.text("-"),
            b'\n' | b'\r' => self.end_paragraph(),
            b'\\' | b'{' | b'}' => self.byte(symbol),
            _ => {}
        }
        at + 1
    }

    fn word(&mut self, word: &str, value: Option<i32>) {
        let number = value.unwrap_or(0);
        if word != "u" {
            self.flush();
        }
        let ignorable = std::mem::take(&mut self.ignorable);
        match word {
            "fonttbl" => self.state.place = Place::Fonts,
            "stylesheet" => self.state.place = Place::Styles,
            "title" if self.state.place == Place::Skipped => self.state.place = Place::Title,
            "footnote" => self.state.place = Place::Note,
            "info" => self.state.place = Place::Skipped,
            "pict" => {
                if matches!(self.state.place, Place::Body | Place::Note) {
                    self.picture = Some((None, None));
                }
                self.state.place = Place::Skipped;
            }
            "picwgoal" | "pichgoal" => {
                if let Some((wide, high)) = &mut self.picture {
                    let side = if word == "picwgoal" { wide } else { high };
                    *side = value.map(|value| f64::from(value) / UNITS);
                }
            }
            _ if SKIPPED.contains(&word) => self.state.place = Place::Skipped,
            // A picture that is shown, a list's number, a link's text.
            "shppict" | "pntext" | "listtext" | "shptxt" | "fldrslt" => {}
            _ if ignorable => self.state.place = Place::Skipped,
            "ansicpg" => {
                self.page = charset::code_page(number);
                self.state.encoding = self.page;
            }
            "f" if self.state.place == Place::Fonts => self.state.number = number,
            "f" => self.state.encoding = self.fonts.get(&number).copied().unwrap_or(self.page),
            "fcharset" => {
                if let Some(encoding) = charset::of_font(number) {
                    self.fonts.insert(self.state.number, encoding);
                }
            }
            "s" if self.state.place == Place::Styles => self.state.number = number,
            "s" => self.state.level = self.styles.get(&number).copied(),
            "outlinelevel" => {
                let level = u8::try_from(number)
                    .ok()
                    .filter(|level| *level < 9)
                    .map(|l| l + 1);
                match (self.state.place, level) {
                    (Place::Styles, Some(level)) => {
                        self.styles.insert(self.state.number, level);
                    }
                    _ => self.state.level = level,
                }
            }
            "pard" => (self.state.level, self.state.in_table) = (None, false),
            "plain" => (self.state.hidden, self.state.encoding) = (false, self.page),
            "v" => self.state.hidden = value != Some(0),
            "intbl" => self.state.in_table = true,
            "uc" => self.state.fallback = usize::try_from(number).unwrap_or(1).min(8),
            "u" => self.unicode(number),
            "par" | "sect" | "page" => self.end_paragraph(),
            "cell" | "nestcell" => self.end_cell(),
            "row" | "nestrow" => self.end_row(),
            "line" => self.text("\n"),
            "tab" => self.text(" "),
            "emdash" => self.text("—"),
            "endash" => self.text("–"),
            "bullet" => self.text("•"),
            "lquote" => self.text("‘"),
            "rquote" => self.text("’"),
            "ldblquote" => self.text("“"),
            "rdblquote" => self.text("”"),
            "emspace" | "enspace" | "qmspace" => self.text(" "),
            _ => {}
        }
    }

    fn byte(&mut self, byte: u8) {
        match self.skip {
            0 => self.bytes.push(byte),
            _ => self.skip -= 1,
        }
    }

    /// Decodes what stands in the document's charset.
    fn flush(&mut self) {
        if !self.bytes.is_empty() {
            let bytes = std::mem::take(&mut self.bytes);
            let text = self.state.encoding.decode_without_bom_handling(&bytes).0;
            self.text(&text);
        }
    }

    fn unicode(&mut self, number: i32) {
        self.flush();
        self.skip = self.state.fallback;
        let unit = number as u16;
        let units = match self.high_surrogate.take() {
            Some(high) => vec![high, unit],
            None if (0xd800..0xdc00).contains(&unit) => {
                self.high_surrogate = Some(unit);
                return;
            }
            None => vec![unit],
        };
        let text: String = char::decode_utf16(units).filter_map(Result::ok).collect();
        self.text(&text);
    }

    fn text(&mut self, text: &str) {
        if self.state.hidden {
            return;
        }
        match self.state.place {
            Place::Body => self.paragraph.extend(text.chars().filter(shown)),
            Place::Title => self.title.extend(text.chars().filter(shown)),
            Place::Note => self.note.extend(text.chars().filter(shown)),
            Place::Styles => self.name_style(text),
            Place::Skipped | Place::Fonts => {}
        }
    }

    /// Styles of headings are known by their names, in all languages' files.
    fn name_style(&mut self, text: &str) {
        self.style.push_str(text);
        if let Some((name, _)) = self.style.split_once(';') {
            let name = name.trim().to_lowercase();
            let level = match name.as_str() {
                "title" => Some(1),
                name => name
                    .strip_prefix("heading ")
                    .and_then(|level| level.parse().ok()),
            };
            if let Some(level) = level {
                self.styles.insert(self.state.number, level);
            }
            self.style.clear();
        }
    }

    /// A note stands at the end; its number stays where it was called.
    fn end_note(&mut self) {
        let note = table::cell(&std::mem::take(&mut self.note));
        if !note.is_empty() {
            let number = self.notes.len() + 1;
            self.notes.push(format!("[^{number}]: {note}"));
            self.text(&format!("[^{number}]"));
        }
    }

    fn end_picture(&mut self) {
        if let Some((wide, high)) = self.picture.take() {
            let sides = wide.zip(high);
            let share = sides.map(|(wide, high)| pictures::share_of_sheet(wide, high));
            self.blocks.picture_within(share, "");
        }
    }

    fn end_paragraph(&mut self) {
        self.note.push(' ');
        if self.state.place != Place::Body {
            return;
        }
        if self.state.in_table {
            self.paragraph.push(' ');
            return;
        }
        self.end_table();
        let text = std::mem::take(&mut self.paragraph);
        match self.state.level {
            Some(level) => self.blocks.heading(level, &text),
            None => self.blocks.paragraph(&text),
        }
    }

    fn end_cell(&mut self) {
        if self.state.place == Place::Body {
            let text = std::mem::take(&mut self.paragraph);
            self.row.push(table::cell(&text));
        }
    }

    fn end_row(&mut self) {
        if !self.row.is_empty() && self.state.place == Place::Body {
            self.rows.push(std::mem::take(&mut self.row));
        }
    }

    fn end_table(&mut self) {
        self.end_row();
        if !self.rows.is_empty() {
            self.blocks.table(&std::mem::take(&mut self.rows));
        }
    }

    fn finish(mut self) -> super::format::StructuredText {
        self.state.place = Place::Body;
        self.state.in_table = false;
        self.end_paragraph();
        for note in std::mem::take(&mut self.notes) {
            self.blocks.paragraph(&note);
        }
        self.blocks.finish()
    }
}

/// No control characters but the end of a line.
fn shown(c: &char) -> bool {
    !c.is_control() || *c == '\n'
}

#[cfg(test)]
#[path = "rtf_tests.rs"]
mod tests;
