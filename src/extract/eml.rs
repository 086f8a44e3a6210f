//! Messages (.eml) and mailboxes (.mbox): the head and the text of each
//! message, then its attachments, each read as its own format.

use super::collection::Collection;
use super::format::{Content, Format, Source, StructuredText};
use super::markdown::Mark;
use super::{ExtractError, Limits, html, table};
use crate::types::DocumentMetadata;
use mail_parser::{Address, Message, MessageParser, MessagePart, MimeHeaders, PartType};
use std::borrow::Cow;

pub(super) struct Mail;

pub(super) struct Mailbox;

/// What is looked at to find out whether a file is a message.
const HEAD_BYTES: usize = 4096;
/// Messages of a mailbox.
const MAX_MESSAGES: usize = 20_000;
/// Names of recipients that are kept.
const MAX_NAMES: usize = 50;

/// Fields that a message has, and a text with colons hardly ever.
const FIELDS: [&str; 8] = [
    "received:",
    "return-path:",
    "message-id:",
    "mime-version:",
    "delivered-to:",
    "from:",
    "subject:",
    "date:",
];

impl Format for Mail {
    fn name(&self) -> &'static str {
        "eml"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["eml", "mht", "mhtml"]
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        let fields = fields(source.bytes);
        match source.has_extension(self.extensions()) {
            true => fields > 0,
            false => fields > 3 && source.extension.is_empty(),
        }
    }

    fn extract(&self, source: &Source<'_>, limits: &Limits) -> Result<Content, ExtractError> {
        let message = parse(source.bytes)?;
        let title = subject(&message);
        let mut collection = Collection::new(limits);
        add(&mut collection, source, &message, limits)?;
        Ok(collection.finish(
            false,
            DocumentMetadata {
                title,
                ..DocumentMetadata::default()
            },
        ))
    }
}

impl Format for Mailbox {
    fn name(&self) -> &'static str {
        "mbox"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["mbox", "mbx"]
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        let first = source
            .bytes
            .split(|byte| *byte == b'\n')
            .next()
            .unwrap_or(b"");
        let after = source.bytes.get(first.len() + 1..).unwrap_or(b"");
        source.bytes.starts_with(b"From ") && fields(after) > 1
    }

    fn extract(&self, source: &Source<'_>, limits: &Limits) -> Result<Content, ExtractError> {
        let mut collection = Collection::new(limits);
        for (index, bytes) in messages(source.bytes).into_iter().enumerate() {
            if index == MAX_MESSAGES {
                collection.unread(format!("only the first {MAX_MESSAGES} messages are read"))?;
                break;
            }
            match parse(&unquoted(bytes)) {
                Ok(message) => add(&mut collection, source, &message, limits)?,
                Err(error) => collection.unread(format!("message {}: {error}", index + 1))?,
            }
        }
        Ok(collection.finish(false, DocumentMetadata::default()))
    }
}

/// How many of the known fields the head of the file has.
fn fields(bytes: &[u8]) -> usize {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(HEAD_BYTES)]).to_lowercase();
    let lines: Vec<&str> = head
        .lines()
        .take_while(|line| !line.trim().is_empty())
        .collect();
    let present = |field: &&&str| lines.iter().any(|line| line.starts_with(**field));
    FIELDS.iter().filter(present).count()
}

fn parse(bytes: &[u8]) -> Result<Message<'_>, ExtractError> {
    let message = MessageParser::default().parse(bytes);
    message.ok_or_else(|| ExtractError::damaged("mail", "it has no head"))
}

/// The messages of a mailbox: each begins with a line `From ` after an empty
/// line and before the head of a message.
fn messages(bytes: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    let mut start = None;
    let (mut at, mut after_empty) = (0, true);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if after_empty && line.starts_with(b"From ") && is_field(&bytes[at + line.len()..]) {
            if let Some(start) = start {
                found.push(&bytes[start..at]);
            }
            start = Some(at + line.len());
        }
        after_empty = line.iter().all(u8::is_ascii_whitespace);
        at += line.len();
    }
    found.extend(start.map(|start| &bytes[start..]));
    found
}

/// Whether the text begins with `Name:`.
fn is_field(text: &[u8]) -> bool {
    let name = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'-';
    let length = text.iter().take(60).take_while(name).count();
    length > 0 && text.get(length) == Some(&b':')
}

/// A mailbox marks lines of a message that would begin another one by `>`.
fn unquoted(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len());
    for line in message.split_inclusive(|byte| *byte == b'\n') {
        let inner = line.iter().position(|byte| *byte != b'>').unwrap_or(0);
        let quoted = inner > 0 && line[inner..].starts_with(b"From ");
        out.extend_from_slice(if quoted { &line[1..] } else { line });
    }
    out
}

fn subject(message: &Message<'_>) -> Option<String> {
    let subject = message.subject().map(table::cell);
    subject.filter(|subject| !subject.is_empty())
}

/// Adds a message and all that is attached to it.
fn add(
    collection: &mut Collection,
    source: &Source<'_>,
    message: &Message<'_>,
    limits: &Limits,
) -> Result<(), ExtractError> {
    collection.add(text(message), None)?;
    for (index, part) in message.attachments().enumerate() {
        let name = name_of(part, index);
        let bytes = part.contents();
        if bytes.is_empty() {
            collection.unread(format!("{name}: the attachment is empty"))?;
        } else {
            source.budget.take(bytes.len() as u64)?;
            collection.nest(source, &name, bytes, limits)?;
        }
    }
    Ok(())
}

/// What an attachment is called; one without a name gets the extension of its type.
fn name_of(part: &MessagePart<'_>, index: usize) -> String {
    let named = part.attachment_name().map(table::cell);
    if let Some(name) = named.filter(|name| !name.is_empty()) {
        return name;
    }
    if let PartType::Message(message) = &part.body {
        let subject = subject(message).unwrap_or_else(|| "message".to_owned());
        return format!("{subject}.eml");
    }
    let kind = part.content_type();
    let kind = kind.map(|kind| (kind.ctype(), kind.subtype().unwrap_or("")));
    let extension = match kind {
        Some(("text", "plain")) => "txt",
        Some(("text", "html")) => "html",
        Some(("text", "calendar")) => "ics.txt",
        Some((_, subtype)) => subtype,
        None => "bin",
    };
    format!("attachment {}.{extension}", index + 1)
}

/// Head and body of a message.
fn text(message: &Message<'_>) -> StructuredText {
    let mut out = String::new();
    let mut headings = Vec::new();
    if let Some(subject) = subject(message) {
        out.push_str(&format!("# {subject}\n\n"));
        headings.push(Mark {
            at: 0,
            level: 1,
            text: subject,
        });
    }
    let head = [
        ("From", message.from().map(people)),
        ("To", message.to().map(people)),
        ("Cc", message.cc().map(people)),
        ("Date", message.date().map(|date| date.to_rfc3339())),
    ];
    let head = head.into_iter().filter_map(|(name, value)| {
        let value = value.filter(|value| !value.is_empty())?;
        Some((Cow::Borrowed(name), Cow::Owned(value)))
    });
    out.push_str(&table::line(head));
    for body in bodies(message) {
        out.push_str("\n\n");
        out.push_str(body.trim());
    }
    StructuredText {
        text: out.trim().to_owned(),
        headings,
        ..StructuredText::default()
    }
}

/// The texts of a message; of a text in two forms the one without markup.
fn bodies(message: &Message<'_>) -> Vec<String> {
    let plain = message.text_bodies().filter_map(|part| match &part.body {
        PartType::Text(text) => Some(text.to_string()),
        // A message that has no plain form.
        PartType::Html(source) => html::read(source.as_bytes()).ok().map(|read| read.text),
        _ => None,
    });
    let tidy = |text: String| text.replace("\r\n", "\n").replace('\r', "\n");
    plain
        .map(tidy)
        .filter(|text| !text.trim().is_empty())
        .collect()
}

fn people(address: &Address<'_>) -> String {
    let names = address
        .iter()
        .take(MAX_NAMES)
        .map(|one| match (one.name(), one.address()) {
            (Some(name), Some(address)) => format!("{name} <{address}>"),
            (name, address) => name.or(address).unwrap_or("").to_owned(),
        });
    table::cell(&names.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::{fields, messages, unquoted};

    #[test]
    fn mailbox_is_divided_at_lines_that_begin_messages() {
        let source = b"From a Mon\nSubject: A\n\nFrom here on.\n>From there.\n\nFrom b Tue\nSubject: B\n\nb\n";
        let found = messages(source);
        assert_eq!(found.len(), 2);
        assert!(String::from_utf8_lossy(&unquoted(found[0])).ends_with("\nFrom there.\n\n"));
    }

    #[test]
    fn text_with_colons_is_not_a_message() {
        assert_eq!(fields(b"Summary: a\nNext: b\n"), 0);
        assert_eq!(fields(b"From: a\nSubject: b\n\nDate: c"), 2);
    }
}
