//! Markdown of an answer -> HTML that is safe to insert into the page, with the
//! marks that make it checkable: a span per checked sentence, a chip per
//! citation. Raw HTML is shown as text. What is written here passes an
//! allow list once more, so that a fault in this file is not yet a hole.

use super::chips::Chips;
use super::cite::markers;
use super::highlight::highlight;
use super::markdown::{Markdown, nesting};
use super::mathematics::{inside, mathml};
use super::sanitise::{MAX_NESTING, escape, is_safe_link, sanitise};
use crate::types::{AnswerMode, Citation, SentenceCheck, Support};
use pulldown_cmark::{Alignment, CodeBlockKind, Event, HeadingLevel, Tag, TagEnd};
use std::ops::Range;

/// Longest text that is parsed as Markdown, in bytes; what is longer is no
/// answer of a model and is shown as it is.
const MAX_MARKDOWN: usize = 512 * 1024;

/// Renders a whole answer.
pub fn render(
    content: &str,
    mode: &AnswerMode,
    citations: &[Citation],
    checks: &[SentenceCheck],
) -> String {
    let chips = Chips::of_citations(content, citations);
    let sentences = byte_spans(content, checks);
    if *mode == AnswerMode::Quotes {
        return quotes(content, &chips, &sentences);
    }
    blocks(content, &chips, &sentences, Growth::Complete)
        .into_iter()
        .map(|block| block.html)
        .collect()
}

/// Whether more of a text may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Growth {
    /// Its last block may be written on: what takes long waits for its end.
    Growing,
    Complete,
}

/// A top-level block of Markdown and its HTML.
pub(super) struct Block {
    /// First byte of the block in the text.
    pub(super) start: usize,
    pub(super) html: String,
}

/// A checked sentence: its bytes in the text and what the check found.
pub(super) struct Sentence {
    bytes: Range<usize>,
    support: Support,
}

/// Renders each top-level block of `content`.
pub(super) fn blocks(
    content: &str,
    chips: &Chips,
    sentences: &[Sentence],
    growth: Growth,
) -> Vec<Block> {
    if content.len() > MAX_MARKDOWN {
        let html = format!("<p>{}</p>", escape(content));
        return vec![Block { start: 0, html }];
    }
    let markdown = Markdown::new(content);
    let mut writer = Writer::new(&markdown, chips, sentences);
    let (mut found, mut depth, mut start) = (Vec::new(), 0, 0);
    for (event, range) in markdown.events() {
        // Blank lines at the end belong to no block.
        writer.is_open = growth == Growth::Growing && range.end >= content.trim_end().len();
        if depth == 0 {
            // The indentation of a block belongs to it.
            start = content[..range.start].rfind('\n').map_or(0, |at| at + 1);
        }
        depth += nesting(&event);
        writer.event(event, range);
        if depth == 0 {
            let html = sanitise(&writer.take());
            found.push(Block { start, html });
        }
    }
    found
}

/// Quotes are not Markdown: their characters are shown as they are. A paragraph
/// without a citation and a checked sentence is no quote, but what is said of them.
fn quotes(content: &str, chips: &Chips, sentences: &[Sentence]) -> String {
    let markdown = Markdown::new(content);
    let mut writer = Writer::new(&markdown, chips, sentences);
    let mut start = 0;
    for paragraph in content.split("\n\n") {
        let range = start..start + paragraph.len();
        start = range.end + 2;
        if paragraph.trim().is_empty() {
            continue;
        }
        let is_in = |sentence: &Sentence| range.contains(&sentence.bytes.start);
        let is_quote = sentences.iter().any(is_in) || !markers(paragraph).is_empty();
        let (before, behind) = match is_quote {
            true => ("<blockquote class=\"quote\"><p>", "</p></blockquote>"),
            false => ("<p>", "</p>"),
        };
        writer.out.push_str(before);
        writer.verbatim(range);
        writer.leave_sentence();
        writer.out.push_str(behind);
    }
    sanitise(&writer.take())
}

/// Character spans of `checks` as byte spans of `content`, in order, without
/// overlaps.
fn byte_spans(content: &str, checks: &[SentenceCheck]) -> Vec<Sentence> {
    let mut offsets: Vec<usize> = content.char_indices().map(|(at, _)| at).collect();
    offsets.push(content.len());
    let byte = |position: usize| offsets.get(position).copied().unwrap_or(content.len());
    let mut reached = 0;
    checks
        .iter()
        .map(|check| {
            let start = byte(check.start).max(reached);
            let bytes = start..byte(check.end).max(start);
            reached = bytes.end;
            Sentence {
                bytes,
                support: check.support,
            }
        })
        .collect()
}

struct Writer<'a> {
    markdown: &'a Markdown<'a>,
    chips: &'a Chips,
    sentences: &'a [Sentence],
    out: String,
    /// Closing tags of the open elements; empty for one that was left out.
    open: Vec<&'static str>,
    /// The sentence whose span is open.
    sentence: Option<usize>,
    /// Chips that wait for the end of the link around them.
    waiting: String,
    in_link: bool,
    in_table_head: bool,
    /// How the columns of the table are set, and which one is next.
    columns: Vec<Alignment>,
    column: usize,
    /// The code of the block that is open, and its language.
    code: Option<(String, String)>,
    /// Whether the present element may still be written on.
    is_open: bool,
}

impl<'a> Writer<'a> {
    fn new(markdown: &'a Markdown<'a>, chips: &'a Chips, sentences: &'a [Sentence]) -> Self {
        Self {
            markdown,
            chips,
            sentences,
            out: String::new(),
            open: Vec::new(),
            sentence: None,
            waiting: String::new(),
            in_link: false,
            in_table_head: false,
            columns: Vec::new(),
            column: 0,
            code: None,
            is_open: false,
        }
    }

    fn take(&mut self) -> String {
        std::mem::take(&mut self.out)
    }

    fn event(&mut self, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(tag) => {
                self.leave_sentence();
                self.start(tag, &range);
            }
            Event::End(tag) => {
                self.leave_sentence();
                self.end(tag);
            }
            Event::Text(text) if self.code.is_some() => {
                let code = self.markdown.restore(&text, &range);
                if let Some((all, _)) = &mut self.code {
                    all.push_str(&code);
                }
            }
            Event::Text(text) if self.markdown.is_verbatim(&text, &range) => self.verbatim(range),
            Event::Text(text) => {
                self.enter_sentence(range.start);
                self.out.push_str(&escape(&text));
            }
            Event::Code(code) => {
                self.enter_sentence(range.start);
                let code = self.markdown.restore(&code, &range);
                self.out
                    .push_str(&format!("<code>{}</code>", escape(&code)));
            }
            Event::InlineHtml(html) if is_line_break(&html) => self.out.push_str("<br>"),
            Event::Html(_) | Event::InlineHtml(_) => self.verbatim(range),
            Event::SoftBreak => self.out.push('\n'),
            Event::HardBreak => self.out.push_str("<br>"),
            Event::Rule => self.out.push_str("<hr>"),
            Event::TaskListMarker(done) => self.out.push_str(if done { "☑ " } else { "☐ " }),
            Event::InlineMath(_) => self.formula(range, false),
            Event::DisplayMath(_) => self.formula(range, true),
            Event::FootnoteReference(label) => {
                self.enter_sentence(range.start);
                self.out.push_str(&footnote_mark(&label));
            }
        }
    }

    fn start(&mut self, tag: Tag<'_>, range: &Range<usize>) {
        if self.open.len() >= MAX_NESTING {
            self.open.push("");
            return;
        }
        let (opening, closing) = match tag {
            Tag::Paragraph | Tag::HtmlBlock => ("<p>", "</p>"),
            Tag::Heading { level, .. } => heading(level),
            Tag::BlockQuote(_) => ("<blockquote>", "</blockquote>"),
            Tag::CodeBlock(kind) => {
                let language = language(&kind);
                self.out.push_str(&code_block(&language));
                self.code = Some((String::new(), language));
                ("", "</code></pre>")
            }
            Tag::List(Some(first)) if first != 1 => {
                self.out.push_str(&format!("<ol start=\"{first}\">"));
                ("", "</ol>")
            }
            Tag::List(Some(_)) => ("<ol>", "</ol>"),
            Tag::List(None) => ("<ul>", "</ul>"),
            Tag::Item => ("<li>", "</li>"),
            Tag::Table(columns) => {
                self.columns = columns;
                ("<table>", "</tbody></table>")
            }
            Tag::TableHead => {
                self.column = 0;
                self.in_table_head = true;
                ("<thead><tr>", "</tr></thead><tbody>")
            }
            Tag::TableRow => {
                self.column = 0;
                ("<tr>", "</tr>")
            }
            Tag::TableCell => self.cell(),
            Tag::Emphasis => ("<em>", "</em>"),
            Tag::Strong => ("<strong>", "</strong>"),
            Tag::Strikethrough => ("<del>", "</del>"),
            Tag::Link { dest_url, .. } => {
                let url = self.markdown.restore(&dest_url, range);
                if is_safe_link(&url) && !self.in_link {
                    self.in_link = true;
                    self.out.push_str(&link(&url));
                    ("", "</a>")
                } else {
                    ("", "")
                }
            }
            // An image would be fetched from elsewhere: a link with its description stays.
            Tag::Image { dest_url, .. } if !self.in_link && is_safe_link(&dest_url) => {
                self.in_link = true;
                let url = self.markdown.restore(&dest_url, range);
                self.out.push_str(&link(&url));
                ("", "</a>")
            }
            Tag::FootnoteDefinition(label) => {
                let (label, number) = (escape(&label), note_number(&label));
                let note =
                    format!("<div class=\"footnote\" data-note=\"{number}\"><sup>{label}</sup> ");
                self.out.push_str(&note);
                ("", "</div>")
            }
            _ => ("", ""),
        };
        self.out.push_str(opening);
        self.open.push(closing);
    }

    fn end(&mut self, tag: TagEnd) {
        if let (TagEnd::CodeBlock, Some((code, language))) =
            (tag, self.code.take_if(|_| tag == TagEnd::CodeBlock))
        {
            let shown = match self.is_open {
                true => None,
                false => highlight(&code, &language),
            };
            self.out.push_str(&shown.unwrap_or_else(|| escape(&code)));
        }
        if tag == TagEnd::Image && self.out.ends_with(END_OF_LINK_TAG) {
            self.out.push_str("image");
        }
        self.out.push_str(self.open.pop().unwrap_or_default());
        match tag {
            TagEnd::TableHead => self.in_table_head = false,
            TagEnd::Link | TagEnd::Image if self.closes_link() => {
                self.in_link = false;
                self.out.push_str(&std::mem::take(&mut self.waiting));
            }
            _ => {}
        }
    }

    /// Whether the element that was just closed was a link that was written.
    fn closes_link(&self) -> bool {
        self.in_link && self.out.ends_with("</a>")
    }

    fn cell(&mut self) -> (&'static str, &'static str) {
        let alignment = self.columns.get(self.column).copied();
        self.column += 1;
        match (self.in_table_head, alignment) {
            (true, Some(Alignment::Center)) => ("<th scope=\"col\" class=\"center\">", "</th>"),
            (true, Some(Alignment::Right)) => ("<th scope=\"col\" class=\"end\">", "</th>"),
            (true, _) => ("<th scope=\"col\">", "</th>"),
            (false, Some(Alignment::Center)) => ("<td class=\"center\">", "</td>"),
            (false, Some(Alignment::Right)) => ("<td class=\"end\">", "</td>"),
            (false, _) => ("<td>", "</td>"),
        }
    }

    /// A formula, or what was taken for one, as it stands.
    fn formula(&mut self, range: Range<usize>, block: bool) {
        let text = &self.markdown.text[range.clone()];
        let next = self.markdown.text[range.end..].chars().next();
        // Between two sums of money is no formula.
        let is_money = !block && next.is_some_and(char::is_alphanumeric);
        let stands_alone = block && !text.starts_with("\\(");
        let formula = match is_money {
            true => None,
            false => mathml(inside(text), stands_alone),
        };
        match formula {
            Some(formula) => {
                self.enter_sentence(range.start);
                self.out.push_str(&formula);
            }
            None => self.verbatim(range),
        }
    }

    /// Text that stands in the source as it is shown: cut at markers and at
    /// the ends of sentences.
    fn verbatim(&mut self, range: Range<usize>) {
        let markdown = self.markdown;
        let mut at = range.start;
        for marker in markdown.markers_in(&range) {
            self.text(at..marker.range.start);
            at = marker.range.end;
            self.enter_sentence(marker.range.start);
            let chips = self.chips.html(marker);
            if self.in_link {
                self.waiting.push_str(&chips);
            } else {
                self.out.truncate(self.out.trim_end().len());
                self.out.push_str(&chips);
            }
        }
        self.text(at..range.end);
    }

    fn text(&mut self, range: Range<usize>) {
        let mut at = range.start;
        while at < range.end {
            let until = self.enter_sentence(at).min(range.end);
            self.out.push_str(&escape(&self.markdown.text[at..until]));
            at = until;
        }
    }

    /// Opens the span of the sentence at `position`, if there is one, and
    /// gives where the next change is due.
    fn enter_sentence(&mut self, position: usize) -> usize {
        let index = self.sentences.partition_point(|s| s.bytes.end <= position);
        let Some(next) = self.sentences.get(index) else {
            self.leave_sentence();
            return usize::MAX;
        };
        if position < next.bytes.start {
            self.leave_sentence();
            return next.bytes.start;
        }
        if self.sentence != Some(index) {
            self.leave_sentence();
            self.sentence = Some(index);
            let class = match next.support {
                Support::Supported => "s",
                Support::Weak => "s weak",
                Support::Unsupported => "s none",
            };
            let span = format!("<span class=\"{class}\" data-sentence=\"{index}\">");
            self.out.push_str(&span);
        }
        next.bytes.end
    }

    fn leave_sentence(&mut self) {
        if self.sentence.take().is_some() {
            self.out.push_str("</span>");
        }
    }
}

/// The page has headings of its own above an answer.
fn heading(level: HeadingLevel) -> (&'static str, &'static str) {
    match level {
        HeadingLevel::H1 => ("<h3>", "</h3>"),
        HeadingLevel::H2 => ("<h4>", "</h4>"),
        HeadingLevel::H3 => ("<h5>", "</h5>"),
        _ => ("<h6>", "</h6>"),
    }
}

fn language(kind: &CodeBlockKind<'_>) -> String {
    match kind {
        CodeBlockKind::Fenced(info) => info
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || "+#-_".contains(*c))
            .take(20)
            .collect(),
        CodeBlockKind::Indented => String::new(),
    }
}

/// The mark of a footnote in the text.
fn footnote_mark(label: &str) -> String {
    let (label, number) = (escape(label), note_number(label));
    format!("<sup><a class=\"fn\" href=\"#note-{number}\">{label}</a></sup>")
}

/// A number for the label of a footnote, the same wherever it stands.
fn note_number(label: &str) -> u32 {
    label.parse().unwrap_or_else(|_| {
        let bytes = label.bytes();
        bytes.fold(1_000, |sum: u32, byte| {
            sum.wrapping_mul(31).wrapping_add(byte.into())
        })
    })
}

fn code_block(language: &str) -> String {
    if language.is_empty() {
        return "<pre><code>".to_owned();
    }
    format!("<pre data-language=\"{language}\"><code>")
}

/// With what the opening tag of a link ends.
const END_OF_LINK_TAG: &str = " rel=\"noopener noreferrer nofollow\">";

fn link(url: &str) -> String {
    format!("<a href=\"{}\"{END_OF_LINK_TAG}", escape(url))
}

fn is_line_break(html: &str) -> bool {
    let inner = html.trim_start_matches('<').trim_end_matches('>');
    inner
        .trim_end_matches('/')
        .trim()
        .eq_ignore_ascii_case("br")
}

#[cfg(test)]
#[path = "render_tests.rs"]
mod tests;
