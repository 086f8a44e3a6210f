//! XML as office files use it: local names, no entities but the predefined
//! ones. Owns no knowledge of any vocabulary.

use quick_xml::XmlVersion;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::reader::Reader;

/// What a reader of a part meets.
pub(super) enum Node<'a> {
    Open(&'a str, &'a BytesStart<'a>),
    Close(&'a str),
    Text(&'a str),
}

/// Value of the attribute `name`, whatever its prefix.
pub(super) fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = element.attributes().filter_map(Result::ok);
    let found = attributes.find(|attribute| attribute.key.local_name().into_inner() == name)?;
    let value = found.normalized_value(XmlVersion::Implicit1_0).ok()?;
    Some(value.into_owned())
}

/// The relation that an element names: its attribute `id` with a prefix.
pub(super) fn relation(element: &BytesStart<'_>) -> Option<String> {
    let mut attributes = element.attributes().filter_map(Result::ok);
    let found = attributes.find(|attribute| {
        attribute.key.prefix().is_some()
            && matches!(
                attribute.key.local_name().into_inner(),
                "id" | "embed" | "dm"
            )
    })?;
    let value = found.normalized_value(XmlVersion::Implicit1_0).ok()?;
    Some(value.into_owned())
}

/// Value of the attribute `name` as a number.
pub(super) fn number<T: std::str::FromStr>(element: &BytesStart<'_>, name: &str) -> Option<T> {
    attribute(element, name)?.trim().parse().ok()
}

/// The attribute `val`, in which most settings of a Word file have their value.
pub(super) fn value(element: &BytesStart<'_>) -> Option<String> {
    attribute(element, "val")
}

/// The character that a reference stands for.
pub(super) fn referred(reference: &BytesRef<'_>) -> Option<char> {
    match &**reference {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => reference.resolve_char_ref().ok().flatten(),
    }
}

/// Calls `each` with every event of a part. One that ends inside of an element
/// was cut, and says so.
pub(super) fn walk(
    source: &str,
    mut each: impl FnMut(Event<'_>) -> Result<(), String>,
) -> Result<(), String> {
    let mut reader = Reader::from_str(source);
    let mut open = 0_usize;
    loop {
        match reader.read_event() {
            Ok(Event::Eof) if open > 0 => return Err("it ends in the middle".to_owned()),
            Ok(Event::Eof) => return Ok(()),
            Ok(event) => {
                match &event {
                    Event::Start(_) => open += 1,
                    Event::End(_) => open = open.saturating_sub(1),
                    _ => {}
                }
                each(event)?;
            }
            Err(error) => return Err(error.to_string()),
        }
    }
}

/// Calls `each` with every element's begin and end, those of an empty one too,
/// and with every piece of text.
pub(super) fn nodes(
    source: &str,
    mut each: impl FnMut(Node<'_>) -> Result<(), String>,
) -> Result<(), String> {
    walk(source, |event| match event {
        Event::Start(element) => each(Node::Open(element.local_name().into_inner(), &element)),
        Event::Empty(element) => {
            let name = element.local_name().into_inner();
            each(Node::Open(name, &element))?;
            each(Node::Close(name))
        }
        Event::End(element) => each(Node::Close(element.local_name().into_inner())),
        Event::Text(text) => each(Node::Text(&text.xml_content(XmlVersion::Implicit1_0))),
        Event::CData(text) => each(Node::Text(&text.xml_content(XmlVersion::Implicit1_0))),
        Event::GeneralRef(reference) => match referred(&reference) {
            Some(c) => each(Node::Text(c.encode_utf8(&mut [0; 4]))),
            None => Ok(()),
        },
        _ => Ok(()),
    })
}

/// The text of the first element of this name.
pub(super) fn text_of(source: &str, name: &str) -> Option<String> {
    let mut inside = false;
    let mut text = String::new();
    let read = nodes(source, |node| {
        match node {
            Node::Open(open, _) => inside |= open == name && text.is_empty(),
            Node::Close(_) => inside = false,
            Node::Text(part) if inside => text.push_str(part),
            Node::Text(_) => {}
        }
        Ok(())
    });
    let text = one_line(&text);
    (read.is_ok() && !text.is_empty()).then_some(text)
}

/// Text with each run of white space as one blank.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
