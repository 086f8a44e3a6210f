//! From the bytes of an export to its conversations, one after the other, so
//! that a large file is in memory as bytes and not as a tree.

use super::{Foreign, chatgpt, open_webui, own};
use crate::error::{ErrorKind, Fault};
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::fmt;
use std::io::{Cursor, Read};
use zip::ZipArchive;

/// What an archive may hold when it is unpacked, in bytes.
const MOST_UNPACKED: u64 = 512 * 1024 * 1024;

/// Takes the number of a conversation and what it is, or why it cannot be read.
type Take<'a> = dyn FnMut(usize, Result<Foreign, &'static str>) -> Result<(), Fault> + 'a;

/// Hands each conversation of an export on.
pub(super) fn each(file: &[u8], take: &mut Take<'_>) -> Result<(), Fault> {
    let mut reading = Reading {
        take,
        number: 0,
        fault: None,
    };
    match file.starts_with(b"PK\x03\x04") {
        true => archive(file, &mut reading)?,
        false => reading.json(file)?,
    }
    match reading.number {
        0 => Err(unknown()),
        _ => Ok(()),
    }
}

fn unknown() -> Fault {
    Fault::invalid(
        "the file has no conversations that are known here: an export of satchel, \
         conversations.json of ChatGPT, or the chats that Open WebUI exports",
    )
}

/// The members that hold conversations: those of ChatGPT's archive and ours.
fn archive(file: &[u8], reading: &mut Reading<'_>) -> Result<(), Fault> {
    let broken = |error: zip::result::ZipError| {
        Fault::invalid(format!("the archive cannot be read: {error}"))
    };
    let mut archive = ZipArchive::new(Cursor::new(file)).map_err(broken)?;
    let names: Vec<String> = archive
        .file_names()
        .filter_map(Result::ok)
        .filter(|name| is_of_conversations(name))
        .map(Cow::into_owned)
        .collect();
    let mut left = MOST_UNPACKED;
    for name in names {
        let member = archive.by_name(&name).map_err(broken)?;
        let mut bytes = Vec::new();
        let read = member.take(left + 1).read_to_end(&mut bytes);
        let read = read.map_err(|error| Fault::invalid(format!("{name}: {error}")))?;
        left = left.checked_sub(read as u64).ok_or_else(|| {
            let most = MOST_UNPACKED / (1024 * 1024);
            let message = format!("the archive holds more than {most} MiB of conversations");
            Fault::new(ErrorKind::TooLarge, message)
        })?;
        reading.json(&bytes)?;
    }
    Ok(())
}

fn is_of_conversations(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    file.ends_with(".json") && (file.starts_with("conversations") || name.starts_with("sessions/"))
}

/// What a conversation is, told by what only one place calls so.
fn recognised(value: &Value) -> Result<Foreign, &'static str> {
    if value["mapping"].is_object() {
        Ok(chatgpt::conversation(value))
    } else if value["chat"].is_object() || value["history"].is_object() {
        Ok(open_webui::conversation(value))
    } else if value["messages"].is_array() {
        own::conversation(value)
    } else {
        Err("it is none of satchel, ChatGPT or Open WebUI")
    }
}

struct Reading<'a> {
    take: &'a mut Take<'a>,
    /// Conversations so far.
    number: usize,
    /// Why no more is taken.
    fault: Option<Fault>,
}

impl Reading<'_> {
    fn json(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut parser = serde_json::Deserializer::from_slice(bytes);
        let read = Whole(self).deserialize(&mut parser);
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        read.and_then(|()| parser.end())
            .map_err(|error| Fault::invalid(format!("the file is no JSON that is whole: {error}")))
    }

    /// Hands one on; `false` if that failed.
    fn hand_on(&mut self, value: &Value) -> bool {
        self.number += 1;
        if let Err(fault) = (self.take)(self.number, recognised(value)) {
            self.fault = Some(fault);
        }
        self.fault.is_none()
    }
}

/// The whole file: a list of conversations, one conversation, or an object
/// whose `sessions` are such a list.
struct Whole<'a, 'b>(&'a mut Reading<'b>);

impl<'de> DeserializeSeed<'de> for Whole<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Whole<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("conversations")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(value) = list.next_element::<Value>()? {
            if !self.0.hand_on(&value) {
                return Err(A::Error::custom("stopped"));
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut rest = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            if name == "sessions" {
                map.next_value_seed(Whole(self.0))?;
                rest.clear();
            } else {
                rest.insert(name, map.next_value()?);
            }
        }
        let value = Value::Object(rest);
        if recognised(&value).is_ok() && !self.0.hand_on(&value) {
            return Err(A::Error::custom("stopped"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::each;

    fn titles(file: &str) -> Result<Vec<String>, String> {
        let mut found = Vec::new();
        each(file.as_bytes(), &mut |_, foreign| {
            found.push(match foreign {
                Ok(foreign) => foreign.title.unwrap_or_default(),
                Err(reason) => reason.to_owned(),
            });
            Ok(())
        })
        .map_err(|fault| fault.to_string())?;
        Ok(found)
    }

    #[test]
    fn list_object_and_single_conversation_are_read() {
        let one = r#"{"title":"One","messages":[]}"#;
        let all = format!(r#"{{"format":"satchel-chats","sessions":[{one},{one}]}}"#);
        assert_eq!(titles(&all).unwrap(), ["One", "One"]);
        assert_eq!(titles(one).unwrap(), ["One"]);
        let mixed = format!("\u{feff}[{one}, 7]");
        assert_eq!(
            titles(&mixed).unwrap(),
            ["One", "it is none of satchel, ChatGPT or Open WebUI"]
        );
    }

    #[test]
    fn file_of_something_else_is_refused_in_words() {
        for file in [
            "",
            "{",
            "[]",
            "{}",
            "\"chats\"",
            "PK\u{3}\u{4}nothing",
            "[1,2",
        ] {
            assert!(titles(file).is_err(), "{file}");
        }
        assert!(titles("{}").unwrap_err().contains("Open WebUI"));
    }
}
