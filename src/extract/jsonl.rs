//! `.jsonl` files: one document a line, `{"id", "title", "text", "metadata"}`. The
//! known keys of the metadata may also stand beside the text.

use super::error::ExtractError;
use crate::types::DocumentMetadata;
use serde::Deserialize;
use std::io::{BufRead, Read};

/// Longest line, in bytes.
const MAX_LINE_BYTES: u64 = 64 * 1024 * 1024;

/// One document of a `.jsonl` file.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonlRecord {
    pub id: Option<String>,
    pub title: Option<String>,
    pub text: String,
    pub metadata: DocumentMetadata,
    /// 1 for the first line of the file.
    pub line: usize,
}

/// A line as written.
#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    id: Option<Id>,
    #[serde(default)]
    title: Option<String>,
    text: String,
    #[serde(default)]
    metadata: Option<DocumentMetadata>,
    module: Option<String>,
    chapter: Option<String>,
    section: Option<String>,
    page_url: Option<String>,
}

/// Many collections number their documents.
#[derive(Deserialize)]
#[serde(untagged)]
enum Id {
    Text(String),
    Number(serde_json::Number),
}

/// The documents of a `.jsonl` file, line by line. A line that is no document
/// is an error of its own and does not end the reading; blank lines are passed over.
pub fn jsonl_records<R: BufRead>(
    mut reader: R,
) -> impl Iterator<Item = Result<JsonlRecord, ExtractError>> {
    let mut line = 0;
    let mut ended = false;
    let mut buffer = Vec::new();
    std::iter::from_fn(move || {
        while !ended {
            line += 1;
            buffer.clear();
            let read = reader
                .by_ref()
                .take(MAX_LINE_BYTES)
                .read_until(b'\n', &mut buffer);
            match read {
                Ok(0) => return None,
                Ok(count) if count as u64 == MAX_LINE_BYTES => {
                    ended = true;
                    return Some(Err(ExtractError::TooLarge {
                        bytes: count as u64,
                        limit: MAX_LINE_BYTES,
                    }));
                }
                Ok(_) if buffer.iter().all(u8::is_ascii_whitespace) => {}
                Ok(_) => return Some(record(&buffer, line)),
                Err(error) => {
                    ended = true;
                    return Some(Err(ExtractError::Read(error.to_string())));
                }
            }
        }
        None
    })
}

fn record(bytes: &[u8], line: usize) -> Result<JsonlRecord, ExtractError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let parsed: Line = serde_json::from_slice(bytes).map_err(|error| ExtractError::Record {
        line,
        reason: error.to_string(),
    })?;
    let id = parsed.id.map(|id| match id {
        Id::Text(text) => text,
        Id::Number(number) => number.to_string(),
    });
    let beside = DocumentMetadata {
        title: parsed.title.clone(),
        module: parsed.module,
        chapter: parsed.chapter,
        section: parsed.section,
        page_url: parsed.page_url,
        ..DocumentMetadata::default()
    };
    let metadata = beside.or(parsed.metadata.unwrap_or_default());
    Ok(JsonlRecord {
        id,
        title: parsed.title,
        text: parsed.text,
        metadata,
        line,
    })
}

#[cfg(test)]
mod tests {
    use super::{JsonlRecord, jsonl_records};
    use crate::extract::ExtractError;

    fn read(source: &str) -> Vec<Result<JsonlRecord, ExtractError>> {
        jsonl_records(source.as_bytes()).collect()
    }

    #[test]
    fn each_line_is_a_document() {
        let found = read(
            "{\"id\":7,\"title\":\"T\",\"text\":\"a\",\"metadata\":{\"chapter\":\"2\",\"x\":1}}\n\n{\"id\":\"b\",\"text\":\"ü\"}",
        );
        let first = found[0].as_ref().unwrap();
        assert_eq!(
            (first.id.as_deref(), first.title.as_deref()),
            (Some("7"), Some("T"))
        );
        assert_eq!(first.metadata.chapter.as_deref(), Some("2"));
        assert_eq!(first.metadata.title.as_deref(), Some("T"));
        assert_eq!(first.metadata.other["x"], 1);
        let second = found[1].as_ref().unwrap();
        assert_eq!((second.text.as_str(), second.line), ("ü", 3));
    }

    #[test]
    fn known_keys_may_stand_beside_the_text_and_win() {
        let found = read(
            r#"{"text":"a","module":"M","page_url":"https://x","metadata":{"module":"N","section":"S"}}"#,
        );
        let metadata = &found[0].as_ref().unwrap().metadata;
        assert_eq!(metadata.module.as_deref(), Some("M"));
        assert_eq!(metadata.section.as_deref(), Some("S"));
        assert_eq!(metadata.page_url.as_deref(), Some("https://x"));
    }

    #[test]
    fn a_bad_line_is_named_and_the_rest_is_read() {
        let found = read("{\"text\":\"a\"}\nnonsense\n{\"title\":\"no text\"}\n{\"text\":\"d\"}\n");
        assert_eq!(found.len(), 4);
        let message = found[2].as_ref().unwrap_err().to_string();
        assert!(
            message.contains("line 3") && message.contains("text"),
            "{message}"
        );
        assert!(found[1].is_err() && found[3].is_ok());
    }
}
