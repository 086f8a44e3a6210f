//! Markdown: the source is kept as the text, so that spans are exact; front
//! matter becomes metadata, headings become sections.

use super::format::{Content, Format, Source, StructuredText};
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
        let text = body.trim_start_matches('\n').trim_end().to_owned();
        let headings = headings(&text);
        if metadata.title.is_none() {
            metadata.title = title(&headings);
        }
        Ok(Content::Flowing(StructuredText {
            text,
            headings,
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
    let mut fence: Option<char> = None;
    let mut previous: Option<(usize, &str)> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim();
        let mark = trimmed.chars().next().filter(|c| matches!(c, '`' | '~'));
        let is_fence = mark.is_some_and(|c| trimmed.starts_with(&String::from(c).repeat(3)));
        if is_fence && (fence.is_none() || fence == mark) {
            fence = if fence.is_some() { None } else { mark };
            previous = None;
        } else if fence.is_none() {
            if let Some((level, title)) = atx(line) {
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
        }
        at += line.len();
    }
    found.retain(|heading| !heading.text.is_empty());
    found
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
    fn the_only_top_heading_is_the_title() {
        assert_eq!(
            read("# One\n\n## Two\n").metadata.title.as_deref(),
            Some("One")
        );
        assert_eq!(read("# One\n\n# Two\n").metadata.title, None);
    }
}
