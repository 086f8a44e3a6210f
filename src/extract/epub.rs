//! Books (.epub): the chapters in the order in which they are read, each a
//! page with its title.

use super::archive::{Package, is_zip};
use super::collection::Collection;
use super::format::{Content, Format, Source};
use super::xml::{self, Node};
use super::{ExtractError, Limits, guard, html, office};
use crate::types::DocumentMetadata;
use std::collections::HashMap;

pub(super) struct Epub;

const CONTAINER: &str = "META-INF/container.xml";
/// Where the type stands in a file that is made as the standard asks.
const TYPE_WITHIN: usize = 100;
/// Entries of a book's order of reading.
const MAX_CHAPTERS: usize = 10_000;

impl Format for Epub {
    fn name(&self) -> &'static str {
        "epub"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["epub"]
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        let head = &source.bytes[..source.bytes.len().min(TYPE_WITHIN)];
        let named = String::from_utf8_lossy(head).contains("application/epub+zip");
        let is_book = |names: &[String]| names.iter().any(|name| name == CONTAINER);
        let readable = || source.members().is_none_or(is_book);
        is_zip(source.bytes) && (named || (source.has_extension(self.extensions()) && readable()))
    }

    fn extract(&self, source: &Source<'_>, limits: &Limits) -> Result<Content, ExtractError> {
        let mut package = Package::open(source.bytes, source.budget, "EPUB")?;
        if package.has("META-INF/rights.xml") {
            return Err(ExtractError::Encrypted);
        }
        let main = main_part(&mut package)?;
        let outline = package.part(&main)?;
        let outline =
            outline.ok_or_else(|| package.damaged("its list of chapters is not there"))?;
        let chapters = chapters(&outline, &main).map_err(|reason| package.damaged(reason))?;
        let mut collection = Collection::new(limits);
        for chapter in &chapters {
            let bytes = match package.bytes(chapter) {
                Ok(Some(bytes)) => bytes,
                Ok(None) => {
                    collection.unread(format!("{chapter} is not in the book"))?;
                    continue;
                }
                Err(error @ ExtractError::TooLargeUnpacked { .. }) => return Err(error),
                Err(error) => {
                    collection.unread(format!("{chapter}: {error}"))?;
                    continue;
                }
            };
            let missing = is_cut(&bytes).then(|| format!("{chapter}: it ends in the middle"));
            match guard::caught(|| html::chapter(&bytes)) {
                Ok(Ok(mut text)) => match text.metadata.title.take() {
                    Some(title) if text.headings.is_empty() => {
                        collection.add_named(&title, text, missing)?;
                    }
                    _ => collection.add(text, missing)?,
                },
                Ok(Err(error)) => collection.unread(format!("{chapter}: {error}"))?,
                Err(reason) => collection.unread(format!("{chapter}: {reason}"))?,
            }
        }
        Ok(collection.finish(
            true,
            DocumentMetadata {
                title: xml::text_of(&outline, "title"),
                ..DocumentMetadata::default()
            },
        ))
    }
}

/// Whether a chapter begins as HTML and does not end as such; its reader would
/// take what is there for the whole.
fn is_cut(bytes: &[u8]) -> bool {
    let has = |tag: &[u8]| {
        let mut windows = bytes.windows(tag.len());
        windows.any(|window| window.eq_ignore_ascii_case(tag))
    };
    has(b"<html") && !has(b"</html")
}

/// Name of the part that lists the chapters.
fn main_part(package: &mut Package<'_>) -> Result<String, ExtractError> {
    let container = package.part(CONTAINER)?.unwrap_or_default();
    let mut main = None;
    let read = xml::nodes(&container, |node| {
        if let Node::Open("rootfile", element) = node {
            main = main.take().or_else(|| xml::attribute(element, "full-path"));
        }
        Ok(())
    });
    let named = main.filter(|_| read.is_ok());
    // A book whose container is damaged still has its list somewhere.
    let found = named.or_else(|| package.find(|name| name.ends_with(".opf")));
    found.ok_or_else(|| package.damaged("its list of chapters is not there"))
}

/// Names of the chapters in the order of reading.
fn chapters(outline: &str, main: &str) -> Result<Vec<String>, String> {
    let folder = main.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut items: HashMap<String, String> = HashMap::new();
    let mut spine = Vec::new();
    xml::nodes(outline, |node| {
        let Node::Open(name, element) = node else {
            return Ok(());
        };
        let value = |name| xml::attribute(element, name).unwrap_or_default();
        match name {
            // The table of contents repeats the titles of the chapters.
            "item" if !value("properties").split(' ').any(|word| word == "nav") => {
                let target = decoded(&value("href"));
                items.insert(value("id"), office::resolve(folder, &target));
            }
            "itemref" if spine.len() < MAX_CHAPTERS => spine.push(value("idref")),
            _ => {}
        }
        Ok(())
    })?;
    let named: Vec<String> = spine
        .iter()
        .filter_map(|id| items.get(id).cloned())
        .collect();
    match named.is_empty() {
        true => Err("it has no chapters".to_owned()),
        false => Ok(named),
    }
}

/// A relative address without its percent signs and without its fragment.
fn decoded(address: &str) -> String {
    let address = address.split('#').next().unwrap_or("");
    let mut bytes = Vec::with_capacity(address.len());
    let mut rest = address.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let pair = after
            .get(..2)
            .and_then(|pair| std::str::from_utf8(pair).ok());
        let code = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match (first, code) {
            (b'%', Some(code)) => {
                bytes.push(code);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn addresses_of_chapters_are_decoded() {
        assert_eq!(decoded("Kapitel%20%C3%9C.xhtml#a"), "Kapitel Ü.xhtml");
        assert_eq!(decoded("50%"), "50%");
    }
}
