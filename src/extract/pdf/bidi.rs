//! Text that is written from right to left: a page shows its characters in the
//! order in which they are seen, a reader and the search need that in which
//! they are written. Must not look at places, only at the text of one line.

/// Bytes of the longest line that is put in order; none of a book has more.
const LONGEST: usize = 10_000;

/// Whether a character belongs to a script that is written from right to left.
pub(super) fn is_rtl(c: char) -> bool {
    // Their digits are written from left to right like all others.
    let digit = matches!(c, '\u{660}'..='\u{669}' | '\u{6f0}'..='\u{6f9}');
    let letter =
        matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}');
    letter && !digit
}

/// Whether a text as a whole is written from right to left.
pub(super) fn leans_left(text: &str) -> bool {
    let (mut there, mut all) = (0_usize, 0_usize);
    for c in text.chars().filter(|c| c.is_alphabetic()) {
        all += 1;
        there += usize::from(is_rtl(c));
    }
    there * 2 > all
}

/// The characters of a line, given from left to right, as they are written.
pub(super) fn logical(seen: &str) -> String {
    if seen.len() > LONGEST || !seen.contains(is_rtl) {
        return seen.to_owned();
    }
    let characters: Vec<char> = seen.chars().collect();
    let written = match leans_left(seen) {
        true => turned(&characters),
        false => with_turned_parts(&characters),
    };
    written.into_iter().collect()
}

/// A line from left to right, in which some words run the other way.
fn with_turned_parts(seen: &[char]) -> Vec<char> {
    let mut out = Vec::with_capacity(seen.len());
    let mut rest = seen;
    while let Some(start) = rest.iter().position(|c| is_rtl(*c)) {
        let end = rest[start..]
            .iter()
            .position(|c| is_ltr(*c) || *c == '\t')
            .map_or(rest.len(), |length| start + length);
        let last = rest[..end].iter().rposition(|c| is_rtl(*c));
        let end = last.map_or(end, |last| last + 1);
        out.extend(&rest[..start]);
        out.extend(turned(&rest[start..end]));
        rest = &rest[end..];
    }
    out.extend(rest);
    out
}

/// A text from right to left; words and numbers in it that run the other way
/// keep their order.
fn turned(seen: &[char]) -> Vec<char> {
    let mut out: Vec<char> = seen.iter().rev().copied().collect();
    let mut start = 0;
    while start < out.len() {
        if !is_ltr(out[start]) && !is_of_number(out[start]) {
            start += 1;
            continue;
        }
        let end = end_of_part(&out[start..]) + start;
        out[start..end].reverse();
        start = end;
    }
    mirror(&mut out);
    out
}

/// The length of the part at the start that runs from left to right: words with
/// what stands between them, or a number with its signs.
fn end_of_part(text: &[char]) -> usize {
    let limit = text.iter().position(|c| is_rtl(*c) || *c == '\t');
    let text = &text[..limit.unwrap_or(text.len())];
    let has_words = text.iter().any(|c| is_ltr(*c));
    let limit = match has_words {
        true => text.len(),
        // Two numbers in a row follow the direction of the text around them.
        false => text
            .iter()
            .position(|c| c.is_whitespace())
            .unwrap_or(text.len()),
    };
    let inside = |c: &char| is_ltr(*c) || is_of_number(*c);
    let last = text[..limit].iter().rposition(inside);
    last.map_or(1, |last| last + 1)
}

fn is_ltr(c: char) -> bool {
    c.is_alphabetic() && !is_rtl(c)
}

/// Digits, and the signs that belong to the number beside them.
fn is_of_number(c: char) -> bool {
    c.is_numeric() || matches!(c, '%' | '‰' | '°' | '#' | '$' | '€' | '£' | '¥' | '₪')
}

/// Brackets are shown mirrored. Some programs write what is shown and some what
/// is meant: the first bracket of a line, which opens, tells which.
fn mirror(text: &mut [char]) {
    let first = text.iter().find(|c| opposite(**c).is_some());
    if !first.is_some_and(|c| matches!(c, ')' | ']' | '}' | '»' | '>')) {
        return;
    }
    for c in text {
        *c = opposite(*c).unwrap_or(*c);
    }
}

fn opposite(c: char) -> Option<char> {
    Some(match c {
        '(' => ')',
        ')' => '(',
        '[' => ']',
        ']' => '[',
        '{' => '}',
        '}' => '{',
        '<' => '>',
        '>' => '<',
        '«' => '»',
        '»' => '«',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{is_rtl, logical};

    /// How a line is seen that is written in these parts, from right to left.
    fn seen(parts: &[&str]) -> String {
        let turned = |part: &&str| match part.contains(is_rtl) {
            true => part.chars().rev().collect(),
            false => (*part).to_owned(),
        };
        parts.iter().rev().map(turned).collect()
    }

    #[test]
    fn words_and_numbers_of_other_direction_keep_their_order() {
        for parts in [
            ["משאבה ", "P-40", " הוא ", "16", " בר."].as_slice(),
            &["هو ", "25%", " من ", "Hydra", " في ", "2023/05/12"],
            &["بند ", "7", " ", "24", " ساعة"],
        ] {
            assert_eq!(logical(&seen(parts)), parts.concat());
        }
    }

    #[test]
    fn brackets_open_before_they_close_however_they_are_written() {
        let written = "שעות (לפחות) כאן";
        let meant = seen(&[written]);
        assert_eq!(logical(&meant), written);
        let shown: String = meant
            .chars()
            .map(|c| super::opposite(c).unwrap_or(c))
            .collect();
        assert_eq!(logical(&shown), written);
    }

    #[test]
    fn turned_words_inside_a_line_from_left_to_right_are_put_in_order() {
        let inner = seen(&["שסתום ", "40", " היניקה"]);
        let line = format!("The valve {inner}, as it is called.");
        assert_eq!(
            logical(&line),
            "The valve שסתום 40 היניקה, as it is called."
        );
        assert_eq!(logical("plain (text) 40"), "plain (text) 40");
    }
}
