//! XML as the parts of a Word document use it: local names, no entities but
//! the predefined ones.

use quick_xml::XmlVersion;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::reader::Reader;

/// Value of the attribute `name`, whatever its prefix.
pub(super) fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = element.attributes().filter_map(Result::ok);
    let found = attributes.find(|attribute| attribute.key.local_name().into_inner() == name)?;
    let value = found.normalized_value(XmlVersion::Implicit1_0).ok()?;
    Some(value.into_owned())
}

/// The attribute `val`, in which most settings have their value.
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

/// Calls `each` with every event of a part.
pub(super) fn walk(
    source: &str,
    mut each: impl FnMut(Event<'_>) -> Result<(), String>,
) -> Result<(), String> {
    let mut reader = Reader::from_str(source);
    loop {
        match reader.read_event() {
            Ok(Event::Eof) => return Ok(()),
            Ok(event) => each(event)?,
            Err(error) => return Err(error.to_string()),
        }
    }
}

/// The text of the first element of this name.
pub(super) fn text_of(source: &str, name: &str) -> Option<String> {
    let mut inside = false;
    let mut text = String::new();
    let read = walk(source, |event| {
        match event {
            Event::Start(start) => inside |= start.local_name().into_inner() == name,
            Event::End(_) => inside = false,
            Event::Text(part) if inside => {
                text.push_str(&part.xml_content(XmlVersion::Implicit1_0))
            }
            Event::GeneralRef(reference) if inside => text.extend(referred(&reference)),
            _ => {}
        }
        Ok(())
    });
    let text = text.trim().to_owned();
    (read.is_ok() && !text.is_empty()).then_some(text)
}
