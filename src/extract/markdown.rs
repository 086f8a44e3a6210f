//! Markdown: the source is kept as the text, but for tables, whose rows are
//! written like those of all formats; front matter becomes metadata, headings
//! become sections.

use super::format::{Content, Format, Source, StructuredText};
use super::table::{self, Row};
use super::{ExtractError, Limits, charset};
use crate::types::DocumentMetadata;

pub(super) struct Markdown;

impl Format for Markdown {
    fn name(&self) -> &'static str {
        "markdown"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["md", "markdown", "mdown", "mkd", "mdx"]
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        source.has_extension(self.extensions())
    }

    fn extract(&self, source: &Source<'_>, _limits: &Limits) -> Result<Content, ExtractError> {
        charset::refuse_binary(source.bytes)?;
        let source = charset::decode(source.bytes, None);
        let (mut metadata, body) = front_matter(&source);
        let text = with_rows(body.trim_start_matches('\n').trim_end());
        let headings = headings(&text);
        if metadata.title.is_none() {
            metadata.title = title(&headings);
        }
        Ok(Content::Flowing(StructuredText {
            text,
            headings,
            pictures: Vec::new(),
            metadata,
        }))
    }
}

/// A heading in one text: byte position, level, and its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) at: usize,
    pub(super) level: u8,
    pub(super) text: String,
}

/// The only heading of the top level, if there is just one: the title.
pub(super) fn title(headings: &[Mark]) -> Option<String> {
    let mut top = headings.iter().filter(|heading| heading.level == 1);
    match (top.next(), top.next()) {
        (Some(only), None) => Some(only.text.clone()),
        _ => None,
    }
}

/// The headings of a Markdown text, outside of code blocks.
pub(super) fn headings(text: &str) -> Vec<Mark> {
    let mut found = Vec::new();
    let mut fence = Fence::default();
    let mut previous: Option<(usize, &str)> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim();
        if fence.holds(trimmed) {
            previous = None;
        } else if let Some((level, title)) = atx(line) {
            found.push(Mark {
                at,
                level,
                text: plain(title),
            });
            previous = None;
        } else if let (Some((start, title)), Some(level)) = (previous, underline(trimmed)) {
            found.push(Mark {
                at: start,
                level,
                text: plain(title),
            });
            previous = None;
        } else {
            previous = can_be_underlined(line).then_some((at, trimmed));
        }
        at += line.len();
    }
    found.retain(|heading| !heading.text.is_empty());
    found
}

/// The mark of the block of code that is open, if one is.
#[derive(Default)]
struct Fence(Option<char>);

impl Fence {
    /// Whether the next line is one of code, or a fence of it.
    fn holds(&mut self, trimmed: &str) -> bool {
        let mark = trimmed.chars().next().filter(|c| matches!(c, '`' | '~'));
        let is_fence = mark.is_some_and(|c| trimmed.starts_with(&String::from(c).repeat(3)));
        if is_fence && (self.0.is_none() || self.0 == mark) {
            self.0 = if self.0.is_some() { None } else { mark };
            return true;
        }
        self.0.is_some()
    }
}

/// The same text with its tables as rows that can be answered from alone.
pub(super) fn with_rows(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut fence = Fence::default();
    let all: Vec<&str> = text.lines().collect();
    let mut at = 0;
    while let Some(line) = all.get(at) {
        let rule = all.get(at + 1).copied().unwrap_or("");
        if fence.holds(line.trim()) || !(is_row(line) && is_rule(rule, line)) {
            lines.push((*line).to_owned());
            at += 1;
            continue;
        }
        let end = all[at + 2..].iter().position(|line| !is_row(line));
        let end = end.map_or(all.len(), |length| at + 2 + length);
        let names = cells(line).iter().map(|name| plain(name)).collect();
        let below = all[at + 2..end].iter().map(|line| cells(line));
        let rows: Vec<Row> = std::iter::once(names).chain(below).collect();
        lines.extend(table::lines(&rows));
        at = end;
    }
    lines.join("\n").trim_end().to_owned()
}

fn is_row(line: &str) -> bool {
    let is_code = line.starts_with("    ") || line.starts_with('\t');
    let is_barred = line.trim_start().starts_with('|');
    (is_barred || !is_code) && line.replace("\\|", "").contains('|')
}

/// Whether a line is the rule below the names of a table's columns: parts of
/// dashes, as many as there are names where no bars at its ends say that it is one.
fn is_rule(line: &str, names: &str) -> bool {
    let part = |part: &String| {
        let dashes = part.trim_start_matches(':').trim_end_matches(':');
        !dashes.is_empty() && dashes.bytes().all(|byte| byte == b'-')
    };
    let parts = cells(line);
    let is_barred = line.trim_start().starts_with('|');
    let fits = is_barred || parts.len() == cells(names).len();
    line.contains('|') && parts.iter().all(part) && fits
}

/// The cells of a row; bars that are escaped part none.
fn cells(line: &str) -> Row {
    const BAR: char = '\u{1}';
    let line = line.trim().replace("\\|", &String::from(BAR));
    let inner = line.strip_prefix('|').unwrap_or(&line);
    let inner = inner.strip_suffix('|').unwrap_or(inner);
    let cells = inner.split('|');
    cells
        .map(|text| table::cell(&text.replace(BAR, "|")))
        .collect()
}

/// `## Title ##` -> level and title.
fn atx(line: &str) -> Option<(u8, &str)> {
    let body = line.trim_start_matches(' ');
    if line.len() - body.len() > 3 {
        return None;
    }
    let rest = body.trim_start_matches('#');
    let level = body.len() - rest.len();
    let spaced = rest.starts_with([' ', '\t']) || rest.trim().is_empty();
    if !(1..=6).contains(&level) || !spaced {
        return None;
    }
    let title = rest.trim();
    let title = match title.trim_end_matches('#') {
        cut if cut.ends_with(' ') || cut.is_empty() => cut.trim_end(),
        _ => title,
    };
    Some((level as u8, title))
}

/// A line of `=` or `-` below a title.
fn underline(trimmed: &str) -> Option<u8> {
    let all = |mark: char| trimmed.len() >= 3 && trimmed.chars().all(|c| c == mark);
    if all('=') {
        Some(1)
    } else if all('-') {
        Some(2)
    } else {
        None
    }
}

fn can_be_underlined(line: &str) -> bool {
    let trimmed = line.trim();
    let structural = trimmed.starts_with(['>', '|', '-', '*', '+', '<', '=']);
    !trimmed.is_empty() && !structural && trimmed.chars().count() <= 200
}

/// The words of a heading without inline marks and link targets.
fn plain(title: &str) -> String {
    let mut out = String::with_capacity(title.len());
    let mut rest = title;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        match c {
            ']' if after.starts_with('(') => {
                rest = after.find(')').map_or("", |end| &after[end + 1..]);
                continue;
            }
            '\\' => {
                let escaped = after.chars().next();
                out.extend(escaped);
                rest = escaped.map_or("", |c| &after[c.len_utf8()..]);
                continue;
            }
            '[' | ']' | '*' | '`' => {}
            c => out.push(c),
        }
        rest = after;
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Takes `---` front matter of `key: value` lines off the top of a document.
fn front_matter(source: &str) -> (DocumentMetadata, &str) {
    let none = (DocumentMetadata::default(), source);
    let Some(rest) = source.strip_prefix("---\n") else {
        return none;
    };
    let mut at = 0;
    for line in rest.split_inclusive('\n') {
        let fence = matches!(line.trim_end(), "---" | "...");
        if fence {
            let body = &rest[at + line.len()..];
            return (parse_front_matter(&rest[..at]), body);
        }
        let shaped =
            line.trim().is_empty() || line.contains(':') || line.starts_with([' ', '\t', '-', '#']);
        if !shaped {
            return none;
        }
        at += line.len();
    }
    none
}

fn parse_front_matter(block: &str) -> DocumentMetadata {
    let mut metadata = DocumentMetadata::default();
    let mut list_of: Option<String> = None;
    for line in block.lines() {
        if let (Some(key), Some(item)) = (&list_of, line.trim().strip_prefix("- ")) {
            let list = metadata.other.entry(key.clone());
            let list = list.or_insert_with(|| serde_json::Value::Array(Vec::new()));
            if let Some(items) = list.as_array_mut() {
                items.push(unquoted(item).into());
            }
            continue;
        }
        if line.starts_with([' ', '\t', '#']) {
            continue;
        }
        let Some((key, value)) = line.split_once(':') else {
            continue;
        };
        let (key, value) = (key.trim().to_owned(), value.trim());
        list_of = value.is_empty().then(|| key.clone());
        if !key.is_empty() && !value.is_empty() {
            set(&mut metadata, key, value);
        }
    }
    metadata
}

fn set(metadata: &mut DocumentMetadata, key: String, value: &str) {
    let text = Some(unquoted(value));
    match key.as_str() {
        "title" => metadata.title = text,
        "module" => metadata.module = text,
        "chapter" => metadata.chapter = text,
        "section" => metadata.section = text,
        "page_url" | "url" => metadata.page_url = text,
        _ => {
            metadata.other.insert(key, scalar(value));
        }
    }
}

/// A value as written: a quoted text, a list in brackets, or a plain text.
fn scalar(value: &str) -> serde_json::Value {
    let inner = value
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    match inner {
        Some(inner) => inner.split(',').map(unquoted).collect::<Vec<_>>().into(),
        None => unquoted(value).into(),
    }
}

fn unquoted(value: &str) -> String {
    let value = value.trim();
    let bare = |mark: char| {
        value
            .strip_prefix(mark)
            .and_then(|rest| rest.strip_suffix(mark))
    };
    bare('"').or_else(|| bare('\'')).unwrap_or(value).to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Markdown, headings};
    use crate::extract::Limits;
    use crate::extract::archive::Budget;
    use crate::extract::format::{Content, Format, Source, StructuredText};

    fn read(source: &str) -> StructuredText {
        let budget = Budget::new(0, u64::MAX);
        let source = Source::new(source.as_bytes(), "a.md", &budget);
        match Markdown.extract(&source, &Limits::default()) {
            Ok(Content::Flowing(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn front_matter_becomes_metadata_and_is_not_text() {
        let read = read(
            "---\ntitle: \"Pumps: a guide\"\nmodule: 2\nchapter: Flow\npage_url: https://x.org/p\ntags: [a, b]\nauthors:\n  - Ann\n  - Bo\n---\n\n# Pumps\n\nText.\n",
        );
        assert_eq!(read.text, "# Pumps\n\nText.");
        let metadata = read.metadata;
        assert_eq!(metadata.title.as_deref(), Some("Pumps: a guide"));
        assert_eq!(metadata.module.as_deref(), Some("2"));
        assert_eq!(metadata.page_url.as_deref(), Some("https://x.org/p"));
        assert_eq!(metadata.other["tags"], serde_json::json!(["a", "b"]));
        assert_eq!(metadata.other["authors"], serde_json::json!(["Ann", "Bo"]));
    }

    #[test]
    fn a_rule_at_the_top_is_not_front_matter() {
        let source = "---\nJust a sentence without a colon\n---\nand more";
        assert_eq!(read(source).text, source);
    }

    #[test]
    fn headings_in_code_are_not_headings() {
        let found =
            headings("# A\n\n```sh\n# not\n```\n\nB *b*\n===\n\n## [C](x) `d` ##\n\n    # code\n");
        let found: Vec<_> = found.iter().map(|h| (h.level, h.text.as_str())).collect();
        assert_eq!(found, [(1, "A"), (1, "B b"), (2, "C d")]);
    }

    #[test]
    fn rows_of_tables_carry_the_names_of_their_columns() {
        let source = "# Pumps\n\n| **Pump** | Bar |\n|:---|---:|\n| P-40 | 16 |\n| P-41 \\| B | 25 |\n\nText.\n\n\
            Seal | Price\n--- | ---\nS-7 | 42\nS-8 |\n\n## Next\n";
        let read = read(source);
        assert_eq!(
            read.text,
            "# Pumps\n\nPump: P-40;\tBar: 16\nPump: P-41 | B;\tBar: 25\n\nText.\n\n\
             Seal: S-7;\tPrice: 42\nSeal: S-8\n\n## Next"
        );
        let next = read.headings.last().unwrap();
        assert!(read.text[next.at..].starts_with("## Next"));
    }

    #[test]
    fn bars_in_code_and_text_are_no_tables() {
        for source in [
            "```sh\na | b\n--- | ---\nc | d\n```",
            "    a | b\n    --- | ---",
            "cat a | grep b\n\nTitle | part\n---\n\ntext",
            "a | b | c\n--- | ---\nd | e",
        ] {
            assert_eq!(read(source).text, source);
        }
    }

    #[test]
    fn the_only_top_heading_is_the_title() {
        assert_eq!(
            read("# One\n\n## Two\n").metadata.title.as_deref(),
            Some("One")
        );
        assert_eq!(read("# One\n\n# Two\n").metadata.title, None);
    }
}
