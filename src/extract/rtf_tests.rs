//! Small rich texts through the reader.

use super::Reader;

fn text(source: &[u8]) -> String {
    let mut reader = Reader::new();
    reader.read(source).unwrap();
    reader.finish().text
}

#[test]
fn charsets_and_unicode_are_decoded() {
    let source = br"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 A;}{\f1\fcharset204 B;}}\f0 Gr\'f6\'dfe \u8364?5 \f1\'cc\'e8\'f0\par}";
    assert_eq!(text(source), "Größe €5 Мир");
}

#[test]
fn headings_tables_and_hidden_text_are_told_apart() {
    let source = br"{\rtf1{\stylesheet{\s1\outlinelevel0 heading 1;}}{\info{\title T}}{\*\x no}\pard\s1 Pumps\par
\pard\intbl Part\cell Price\cell\row\pard\intbl P-40\cell 12\cell\row\pard {\v hidden}Text {\b bold}.\par}";
    assert_eq!(
        text(source),
        "# Pumps\n\nPart: P-40;\tPrice: 12\n\nText bold."
    );
}

#[test]
fn unclosed_and_overlong_content_ends() {
    assert_eq!(text(b"{\\rtf1 a\\bin99999999999 b"), "a");
    assert_eq!(text(b"{\\rtf1 a\\u"), "a");
    let mut reader = Reader::new();
    assert!(reader.read(&b"{\\rtf1".repeat(100_000)).is_err());
}
