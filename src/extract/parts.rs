//! Cuts a text without pages into parts of bounded length, at the borders of
//! paragraphs where there are any.

use super::format::StructuredText;
use super::{Extracted, Heading, pictures};
use crate::types::{Page, char_len};

/// Longest part, in bytes. A character has one to four of them, so a part has
/// at most as many characters, and Latin text has nearly as many.
const MAX_BYTES: usize = 40_000;

/// Turns one text into the pages of an unpaged document.
pub(super) fn cut(file_type: &'static str, source: StructuredText) -> Extracted {
    cut_longer_than(MAX_BYTES, file_type, source)
}

/// The same, for a text that stays whole up to `longest` bytes.
pub(super) fn cut_longer_than(
    longest: usize,
    file_type: &'static str,
    source: StructuredText,
) -> Extracted {
    let StructuredText {
        text,
        headings: marks,
        pictures,
        metadata,
    } = source;
    let mut pictures = pictures.as_slice();
    let mut pages = Vec::new();
    let mut headings = Vec::new();
    let mut marks = marks.into_iter().peekable();
    let mut start = 0;
    let is_long = text.len() > longest;
    while start < text.len() || pages.is_empty() {
        let end = match is_long {
            true => start + length_of_part(&text[start..]),
            false => text.len(),
        };
        let number = pages.len() as u32 + 1;
        while let Some(mark) = marks.next_if(|mark| mark.at < end) {
            headings.push(Heading {
                page: number,
                start: char_len(&text[start..mark.at.max(start)]),
                level: mark.level,
                text: mark.text,
            });
        }
        let here = match end < text.len() {
            true => pictures.partition_point(|picture| picture.at < end),
            false => pictures.len(),
        };
        let (shown, later) = pictures.split_at(here);
        pictures = later;
        let part = text[start..end].trim_end();
        pages.push(Page {
            number,
            text: part.to_owned(),
            outcome: pictures::outcome(part, shown),
        });
        start = end;
    }
    Extracted {
        file_type,
        paged: false,
        pages,
        headings,
        metadata,
    }
}

/// Bytes of the next part: up to the last blank line, else line, else word
/// border in the second half of the longest part, else cut hard.
fn length_of_part(rest: &str) -> usize {
    if rest.len() <= MAX_BYTES {
        return rest.len();
    }
    let longest = rest.floor_char_boundary(MAX_BYTES);
    let half = rest.floor_char_boundary(MAX_BYTES / 2);
    let second = &rest[half..longest];
    let after = |pattern: &str| second.rfind(pattern).map(|at| half + at + pattern.len());
    let blank = after("\n\n").or_else(|| after("\n"));
    blank.or_else(|| after(" ")).unwrap_or(longest)
}

#[cfg(test)]
mod tests {
    use super::{MAX_BYTES, cut};
    use crate::extract::format::StructuredText;
    use crate::extract::markdown;

    fn parts(text: String) -> crate::extract::Extracted {
        let headings = markdown::headings(&text);
        let source = StructuredText {
            text,
            headings,
            ..StructuredText::default()
        };
        cut("markdown", source)
    }

    #[test]
    fn long_text_is_cut_between_paragraphs() {
        let text = "A sentence of a paragraph.\n\n".repeat(5000);
        let cut = parts(text.clone());
        assert!(!cut.paged && cut.pages.len() > 3);
        for page in &cut.pages {
            assert!(page.text.len() <= MAX_BYTES && page.text.ends_with("paragraph."));
        }
        let words = |text: &str| text.split_whitespace().count();
        let kept: usize = cut.pages.iter().map(|page| words(&page.text)).sum();
        assert_eq!(kept, words(&text));
    }

    #[test]
    fn one_line_of_five_megabytes_is_cut_hard() {
        let cut = parts("€".repeat(5_000_000 / 3));
        let kept: usize = cut.pages.iter().map(|page| page.text.chars().count()).sum();
        assert_eq!(kept, 5_000_000 / 3);
        assert!(cut.pages.iter().all(|page| page.text.len() <= MAX_BYTES));
    }

    #[test]
    fn headings_stand_where_their_page_has_them() {
        let text = format!("# A\n\n{}\n\n## B\n\nend", "word ".repeat(12_000));
        let cut = parts(text);
        for heading in &cut.headings {
            let page = &cut.pages[heading.page as usize - 1];
            let line: String = page.text.chars().skip(heading.start).take(4).collect();
            assert!(
                line.trim_start_matches(['#', ' '])
                    .starts_with(&heading.text)
            );
        }
        assert_eq!(cut.headings.len(), 2);
    }
}
