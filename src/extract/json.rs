//! JSON, and JSON line by line: each object is a record, one line with its
//! path and the names of its values. Read as a stream: a long list is never
//! held whole.

use super::collection::Collection;
use super::format::{Content, Format, Source, StructuredText};
use super::{ExtractError, Limits, charset, table};
use crate::types::DocumentMetadata;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

pub(super) struct Json;

/// Longest path that is shown, in bytes.
const LONGEST_PATH: usize = 300;
/// How much longer than the file its text may be: paths repeat their names.
const MAX_GROWTH: usize = 20;
const HARMLESS_BYTES: usize = 1024 * 1024;

impl Format for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["json", "jsonl", "ndjson", "geojson"]
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        source.has_extension(self.extensions())
    }

    fn extract(&self, source: &Source<'_>, limits: &Limits) -> Result<Content, ExtractError> {
        charset::refuse_binary(source.bytes)?;
        let text = charset::decode(source.bytes, None);
        let longest = text.len().saturating_mul(MAX_GROWTH).max(HARMLESS_BYTES);
        let mut out = Out {
            limit: longest.min(limits.max_unpacked_bytes as usize),
            ..Out::default()
        };
        let missing = match source.has_extension(&["jsonl", "ndjson"]) {
            true => lines(&text, &mut out)?,
            false => read(&text, false, &mut out).map(|()| None)?,
        };
        let mut collection = Collection::new(limits);
        let text = StructuredText {
            text: out.text.trim().to_owned(),
            ..StructuredText::default()
        };
        collection.add(text, missing)?;
        Ok(collection.finish(false, DocumentMetadata::default()))
    }
}

/// Reads a file of one value a line; gives back which lines are none.
fn lines(text: &str, out: &mut Out) -> Result<Option<String>, ExtractError> {
    let mut bad: Option<(usize, String)> = None;
    let mut count = 0;
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        out.path = format!("line {}", index + 1);
        match read(line, true, out) {
            Ok(()) => {}
            Err(error @ ExtractError::TooLargeUnpacked { .. }) => return Err(error),
            Err(error) => {
                count += 1;
                bad.get_or_insert((index + 1, error.to_string()));
            }
        }
    }
    match bad {
        Some((_, reason)) if out.text.is_empty() => Err(ExtractError::damaged("JSON", reason)),
        Some((line, reason)) => Ok(Some(format!(
            "{count} lines are no JSON, first line {line}: {reason}"
        ))),
        None => Ok(None),
    }
}

fn read(text: &str, as_record: bool, out: &mut Out) -> Result<(), ExtractError> {
    let mut source = serde_json::Deserializer::from_str(text);
    out.record = None;
    let seed = Value { out, as_record };
    let leaf = seed.deserialize(&mut source);
    let leaf = leaf.and_then(|leaf| source.end().map(|()| leaf));
    match leaf {
        Ok(Leaf::Nothing) => Ok(()),
        Ok(Leaf::Scalar(value) | Leaf::List(value)) => {
            out.write(&[(String::new(), value)]);
            Ok(())
        }
        Err(_) if out.length() > out.limit => Err(ExtractError::TooLargeUnpacked {
            limit: out.limit as u64,
        }),
        Err(error) => Err(ExtractError::damaged("JSON", error.to_string())),
    }
}

/// Where the text is written.
#[derive(Default)]
struct Out {
    text: String,
    /// Where the walk is, such as `items[3].name`.
    path: String,
    /// The open record: where its path ends, and its values.
    record: Option<(usize, Vec<(String, String)>)>,
    /// Bytes of the open record.
    pending: usize,
    limit: usize,
}

impl Out {
    fn length(&self) -> usize {
        self.text.len() + self.pending
    }

    /// Adds a value to the open record; gives it back if there is none.
    fn keep(&mut self, value: String) -> Option<String> {
        let Some((base, values)) = &mut self.record else {
            return Some(value);
        };
        let name = self.path.get(*base..).unwrap_or("");
        let name = shortened(name.trim_start_matches('.')).to_owned();
        self.pending += name.len() + value.len();
        values.push((name, value));
        None
    }

    /// Writes values that stand together.
    fn write(&mut self, values: &[(String, String)]) {
        if values.is_empty() {
            return;
        }
        let path = shortened(&self.path);
        let path = (!path.is_empty()).then_some((Cow::Borrowed(""), Cow::Borrowed(path)));
        let values = values.iter();
        let values = values.map(|(name, value)| (Cow::from(name), Cow::from(value)));
        let line = table::line(path.into_iter().chain(values));
        self.text.push_str(&line);
        self.text.push('\n');
    }
}

fn shortened(path: &str) -> &str {
    &path[..path.floor_char_boundary(LONGEST_PATH)]
}

/// What a value is to the one that holds it.
enum Leaf {
    /// It wrote itself, or there is nothing to write.
    Nothing,
    Scalar(String),
    /// A list of scalars.
    List(String),
}

/// A value that is about to be read.
struct Value<'a> {
    out: &'a mut Out,
    /// Whether an object is a record of its own, with all that is in it.
    as_record: bool,
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = Leaf;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Leaf, D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = Leaf;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Leaf, E> {
        Ok(Leaf::Nothing)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Leaf, E> {
        Ok(Leaf::Scalar(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Leaf, E> {
        Ok(Leaf::Scalar(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Leaf, E> {
        Ok(Leaf::Scalar(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Leaf, E> {
        Ok(Leaf::Scalar(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Leaf, E> {
        let value = table::cell(value);
        Ok(match value.is_empty() {
            true => Leaf::Nothing,
            false => Leaf::Scalar(value),
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Leaf, A::Error> {
        let out = self.out;
        let length = out.path.len();
        let mut scalars: Vec<String> = Vec::new();
        let mut bytes = 0;
        let mut index = 0;
        loop {
            out.path.push_str(&format!("[{index}]"));
            let item = Value {
                out,
                as_record: true,
            };
            let leaf = items.next_element_seed(item)?;
            match leaf {
                None => break,
                Some(Leaf::Nothing) => {}
                Some(Leaf::Scalar(value)) => {
                    bytes += value.len();
                    scalars.push(value);
                }
                // A list in a list is a row.
                Some(Leaf::List(value)) => {
                    if let Some(value) = out.keep(value) {
                        out.write(&[(String::new(), value)]);
                    }
                }
            }
            check(out, bytes)?;
            out.path.truncate(length);
            index += 1;
        }
        out.path.truncate(length);
        Ok(match scalars.is_empty() {
            true => Leaf::Nothing,
            false => Leaf::List(scalars.join(", ")),
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Leaf, A::Error> {
        let out = self.out;
        let length = out.path.len();
        let owns = self.as_record && out.record.is_none();
        if owns {
            out.record = Some((length, Vec::new()));
        }
        let mut values: Vec<(String, String)> = Vec::new();
        let mut bytes = 0;
        while let Some(name) = entries.next_key::<String>()? {
            if !out.path.is_empty() {
                out.path.push('.');
            }
            out.path.push_str(&name);
            let entry = Value {
                out,
                as_record: false,
            };
            let leaf = entries.next_value_seed(entry)?;
            if let Leaf::Scalar(value) | Leaf::List(value) = leaf
                && let Some(value) = out.keep(value)
            {
                bytes += name.len() + value.len();
                values.push((name, value));
            }
            check(out, bytes)?;
            out.path.truncate(length);
        }
        if owns {
            values = out
                .record
                .take()
                .map(|(_, values)| values)
                .unwrap_or_default();
            out.pending = 0;
        }
        out.write(&values);
        Ok(Leaf::Nothing)
    }
}

/// Ends a reading that would not end well.
fn check<E: Error>(out: &Out, bytes: usize) -> Result<(), E> {
    match out.length() + bytes > out.limit {
        true => Err(E::custom("its text is too long")),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Out, lines, read};

    fn text(source: &str) -> String {
        let mut out = Out {
            limit: 1 << 20,
            ..Out::default()
        };
        read(source, false, &mut out).unwrap();
        out.text.trim().to_owned()
    }

    #[test]
    fn objects_of_a_list_are_records_with_their_path() {
        let read = text(
            r#"{"site": "North", "pumps": [{"id": "P-40", "flow": {"max": 120, "unit": "l/min"}, "tags": ["a", "b"], "old": null}, {"id": "P-41"}]}"#,
        );
        assert_eq!(
            read,
            "pumps[0];\tid: P-40;\tflow.max: 120;\tflow.unit: l/min;\ttags: a, b\npumps[1];\tid: P-41\nsite: North"
        );
    }

    #[test]
    fn settings_stand_with_their_path() {
        assert_eq!(
            text(r#"{"server": {"host": "a", "tls": {"on": true}}, "name": "x"}"#),
            "server.tls;\ton: true\nserver;\thost: a\nname: x"
        );
    }

    #[test]
    fn lists_of_lists_are_rows() {
        assert_eq!(text("[[1, 2], [3, 4]]"), "[0];\t1, 2\n[1];\t3, 4");
        assert_eq!(text("[1, \"two\"]"), "1, two");
        assert_eq!(text("7"), "7");
    }

    #[test]
    fn bad_lines_are_told_and_the_others_read() {
        let mut out = Out {
            limit: 1 << 20,
            ..Out::default()
        };
        let missing = lines("{\"a\": 1}\nnonsense\n\n{\"a\": 2}\n", &mut out)
            .unwrap()
            .unwrap();
        assert!(
            missing.starts_with("1 lines are no JSON, first line 2"),
            "{missing}"
        );
        assert_eq!(out.text, "line 1;\ta: 1\nline 4;\ta: 2\n");
    }

    #[test]
    fn nesting_without_end_is_refused() {
        let mut out = Out {
            limit: 1 << 20,
            ..Out::default()
        };
        assert!(read(&"[".repeat(100_000), false, &mut out).is_err());
    }
}
