//! The sentences of a Markdown text: what a reader would call prose, without
//! code, markup and markers, each with its place in the text.

use super::markdown::Markdown;
use crate::extract::sentences;
use pulldown_cmark::{Event, Tag, TagEnd};
use std::ops::Range;

/// A sentence of an answer.
#[derive(Debug)]
pub(super) struct Statement {
    /// Its words, without markup and markers.
    pub(super) plain: String,
    /// Its bytes in the text, markers that belong to it included.
    pub(super) range: Range<usize>,
    /// The byte after its last character and the markup that this closes.
    pub(super) text_end: usize,
    /// Which of the text's markers belong to it.
    pub(super) markers: Vec<usize>,
    /// Headings, of text and of tables, state nothing.
    pub(super) is_heading: bool,
}

/// The sentences of `markdown`, in order, without overlaps. The row of a table
/// counts as one.
pub(super) fn statements(markdown: &Markdown<'_>) -> Vec<Statement> {
    let mut reader = Reader::default();
    for (event, range) in markdown.events() {
        reader.event(markdown, event, range);
    }
    reader.flush(markdown);
    reader.found
}

/// A run of text that no sentence leaves.
#[derive(Default)]
struct Run {
    plain: String,
    /// For each character of `plain`, the bytes that it comes from.
    places: Vec<Range<usize>>,
    /// Markers, with the number of characters before them.
    markers: Vec<(usize, usize)>,
}

#[derive(Default)]
struct Reader {
    run: Run,
    is_heading: bool,
    in_code: bool,
    in_row: bool,
    found: Vec<Statement>,
}

impl Reader {
    fn event(&mut self, markdown: &Markdown<'_>, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(tag) => self.start(markdown, &tag),
            Event::End(tag) => self.end(markdown, tag, range),
            Event::Text(_) if self.in_code => {}
            Event::Text(text) | Event::Html(text) => self.text(markdown, &text, range),
            Event::Code(code) | Event::InlineMath(code) | Event::DisplayMath(code) => {
                self.push(&code, |_| range.clone());
            }
            Event::SoftBreak | Event::HardBreak => self.push(" ", |_| range.clone()),
            _ => {}
        }
    }

    fn start(&mut self, markdown: &Markdown<'_>, tag: &Tag<'_>) {
        match tag {
            Tag::Emphasis | Tag::Strong | Tag::Strikethrough => {}
            Tag::Link { .. } | Tag::Image { .. } => {}
            Tag::TableCell => {
                if let Some(last) = self.run.places.last().cloned() {
                    self.push(" ", |_| last.end..last.end);
                }
            }
            _ => {
                self.flush(markdown);
                self.in_code = matches!(tag, Tag::CodeBlock(_));
                self.in_row = matches!(tag, Tag::TableHead | Tag::TableRow);
                self.is_heading = matches!(tag, Tag::Heading { .. } | Tag::TableHead);
            }
        }
    }

    fn end(&mut self, markdown: &Markdown<'_>, tag: TagEnd, range: Range<usize>) {
        match tag {
            TagEnd::Emphasis
            | TagEnd::Strong
            | TagEnd::Strikethrough
            | TagEnd::Link
            | TagEnd::Image => {
                if let Some(last) = self.run.places.last_mut() {
                    last.end = last.end.max(range.end);
                }
            }
            TagEnd::TableCell => {}
            _ => {
                self.flush(markdown);
                (self.in_code, self.in_row, self.is_heading) = (false, false, false);
            }
        }
    }

    fn text(&mut self, markdown: &Markdown<'_>, text: &str, range: Range<usize>) {
        if !markdown.is_verbatim(text, &range) {
            self.push(text, |_| range.clone());
            return;
        }
        let first = markdown
            .markers
            .partition_point(|m| m.range.start < range.start);
        let mut at = range.start;
        for (index, marker) in markdown.markers.iter().enumerate().skip(first) {
            if marker.range.end > range.end {
                break;
            }
            self.verbatim(markdown.text, at..marker.range.start);
            while self.run.plain.ends_with(char::is_whitespace) {
                self.run.plain.pop();
                self.run.places.pop();
            }
            self.run.markers.push((self.run.places.len(), index));
            at = marker.range.end;
        }
        self.verbatim(markdown.text, at..range.end);
    }

    fn verbatim(&mut self, text: &str, range: Range<usize>) {
        let start = range.start;
        let part = &text[range];
        let mut ends = part
            .char_indices()
            .map(|(at, c)| start + at..start + at + c.len_utf8());
        self.push(part, |_| ends.next().unwrap_or(start..start));
    }

    fn push(&mut self, text: &str, mut place: impl FnMut(char) -> Range<usize>) {
        for c in text.chars() {
            self.run.plain.push(c);
            self.run.places.push(place(c));
        }
    }

    /// Splits the run that ends here into sentences.
    fn flush(&mut self, markdown: &Markdown<'_>) {
        let run = std::mem::take(&mut self.run);
        let mut spans = sentences(&run.plain);
        if self.in_row {
            spans = spans
                .first()
                .map(|first| first.start..run.places.len())
                .into_iter()
                .collect();
        }
        if spans.is_empty() {
            self.found.extend(markers_alone(&run, markdown));
        }
        let characters: Vec<char> = run.plain.chars().collect();
        for (at, span) in spans.iter().enumerate() {
            let next = spans.get(at + 1).map_or(usize::MAX, |next| next.start);
            let earliest = if at == 0 { 0 } else { span.start + 1 };
            let own = run
                .markers
                .iter()
                .filter(|(position, _)| (earliest..=next).contains(position));
            let markers: Vec<usize> = own.map(|(_, index)| *index).collect();
            let text_end = run.places[span.end - 1].end;
            let mut range = run.places[span.start].start..text_end;
            for index in &markers {
                let marker = &markdown.markers[*index].range;
                range = range.start.min(marker.start)..range.end.max(marker.end);
            }
            self.found.push(Statement {
                plain: characters[span.clone()].iter().collect(),
                range,
                text_end,
                markers,
                is_heading: self.is_heading,
            });
        }
    }
}

/// Markers of a block that has no words.
fn markers_alone(run: &Run, markdown: &Markdown<'_>) -> Option<Statement> {
    let indexes: Vec<usize> = run.markers.iter().map(|(_, index)| *index).collect();
    let (first, last) = (indexes.first()?, indexes.last()?);
    let range = markdown.markers[*first].range.start..markdown.markers[*last].range.end;
    Some(Statement {
        plain: String::new(),
        text_end: range.end,
        range,
        markers: indexes,
        is_heading: false,
    })
}

#[cfg(test)]
mod tests {
    use super::{Statement, statements};
    use crate::answer::markdown::Markdown;

    fn read(text: &str) -> Vec<Statement> {
        statements(&Markdown::new(text))
    }

    fn spans(text: &str) -> Vec<&str> {
        read(text).into_iter().map(|s| &text[s.range]).collect()
    }

    #[test]
    fn marker_belongs_to_the_sentence_before_it() {
        let text = "It stops [1]. It starts. [2][3] It **runs.** [4] End";
        assert_eq!(
            spans(text),
            [
                "It stops [1].",
                "It starts. [2][3]",
                "It **runs.** [4]",
                "End"
            ]
            .map(|s| s.trim_start_matches("**"))
        );
        let markers: Vec<_> = read(text).into_iter().map(|s| s.markers).collect();
        assert_eq!(markers, [vec![0], vec![1, 2], vec![3], vec![]]);
        assert_eq!(read(text)[0].plain, "It stops.");
    }

    #[test]
    fn markup_is_no_part_of_the_words() {
        let text = "**Stop** the [pump](http://a.test/b.c) at `7.1`. Go *on*.";
        let found = read(text);
        assert_eq!(found[0].plain, "Stop the pump at 7.1.");
        assert_eq!(&text[found[1].range.clone()], "Go *on*.");
        let text = "Stop [it](http://a.test)";
        assert_eq!(read(text)[0].text_end, text.len());
    }

    #[test]
    fn code_is_left_out_and_rows_are_whole() {
        let text = "Use this:\n\n```\na = 1. B = 2.\n```\n\n| A. b | C |\n|---|---|\n| x. Y | 2 |\n\n- one\n- two";
        let plain: Vec<_> = read(text)
            .into_iter()
            .map(|s| (s.plain, s.is_heading))
            .collect();
        let expected = [
            ("Use this:", false),
            ("A. b C", true),
            ("x. Y 2", false),
            ("one", false),
            ("two", false),
        ];
        assert_eq!(
            plain,
            expected.map(|(text, heading)| (text.to_owned(), heading))
        );
    }

    #[test]
    fn sentences_of_any_text_are_in_order_and_apart() {
        let text =
            "[1] Ä. **B [2].** C\n\n> q [3]\n\n1. x\n   y. Z\n\n# H [4]\n\n![i](u) &amp; \\* k [9]";
        let mut end = 0;
        for statement in read(text) {
            assert!(statement.range.start >= end, "{statement:?}");
            end = statement.range.end;
            assert!(text.get(statement.range).is_some());
        }
    }
}
