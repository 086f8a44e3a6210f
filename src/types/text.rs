//! Character spans. A span counts Unicode scalar values, never bytes, so that
//! every client can apply it.

use std::ops::Range;

/// Length of `text` in Unicode scalar values.
pub fn char_len(text: &str) -> usize {
    text.chars().count()
}

/// The part of `text` between two character positions; positions past the end
/// mean the end.
pub fn slice_chars(text: &str, span: Range<usize>) -> &str {
    let byte = |position: usize| {
        text.char_indices()
            .nth(position)
            .map_or(text.len(), |(at, _)| at)
    };
    let start = byte(span.start);
    let end = byte(span.end.max(span.start));
    &text[start..end]
}

#[cfg(test)]
mod tests {
    use super::slice_chars;

    #[test]
    fn slices_count_characters_not_bytes() {
        assert_eq!(slice_chars("añb€c", 1..4), "ñb€");
        assert_eq!(slice_chars("abc", 2..9), "c");
        assert_eq!(slice_chars("abc", 7..9), "");
    }
}
