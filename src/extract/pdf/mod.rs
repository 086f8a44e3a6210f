//! PDF: text by pages, in reading order. `flatten` reduces a page to its text
//! operators and its fonts (`fonts`, `cmap`) to what is needed for reading,
//! `glyphs` collects where each character stands, `typeface` knows what its font
//! tells of it, `legible` takes out what no font tells, `columns` finds columns
//! and `layout` lines, `bidi` puts those from right to left in order, `running`
//! takes out running heads and page numbers, `paragraphs` makes readable text of
//! the rest, with what `headings` and `tables` find. `pictures` tells scans, whose
//! text nobody reads here.

mod bidi;
mod claims;
mod cmap;
mod columns;
mod filters;
mod flatten;
mod fonts;
mod glyphs;
mod headings;
mod inflate;
mod layout;
mod legible;
mod paragraphs;
mod pictures;
mod running;
mod tables;
mod typeface;

use super::format::{Content, Format, Source};
use super::{ExtractError, Limits, guard};
use crate::types::{DocumentMetadata, Page, PageOutcome};
use layout::Line;
use paragraphs::Composer;
use pdf_extract::{Document, Object};
use std::time::Instant;

pub(super) struct Pdf;

/// The signature may stand behind some other bytes.
const SIGNATURE_WITHIN: usize = 1024;

/// What a page whose fonts tell nothing about their characters is called.
const UNREADABLE: &str = "its characters are unreadable, it needs OCR";

impl Format for Pdf {
    fn name(&self) -> &'static str {
        "pdf"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["pdf"]
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        let head = &source.bytes[..source.bytes.len().min(SIGNATURE_WITHIN)];
        head.windows(5).any(|window| window == b"%PDF-")
    }

    fn extract(&self, source: &Source<'_>, limits: &Limits) -> Result<Content, ExtractError> {
        let bytes = source.bytes;
        let deadline = Instant::now() + limits.timeout;
        claims::check(bytes)?;
        inflate::check(bytes, limits, deadline)?;
        let mut document = open(bytes)?;
        inflate::check_loaded(&document, limits, deadline)?;
        let pages = document.get_pages();
        if pages.is_empty() {
            return Err(ExtractError::damaged("PDF", "it has no pages"));
        }
        let limit = limits.max_pages;
        if pages.len() as u64 > limit {
            return Err(ExtractError::TooManyPages {
                pages: pages.len() as u64,
                limit,
            });
        }
        let mut read = Vec::with_capacity(pages.len());
        for (number, id) in pages {
            if Instant::now() >= deadline {
                return Err(ExtractError::Timeout {
                    limit: limits.timeout,
                });
            }
            let lines = guard::caught(|| {
                let (pictures, shown) = flatten::page(&mut document, id)?;
                let mut glyphs = glyphs::collect(&document, number, &shown, deadline)?;
                let lost = shown.lost + legible::sift(&mut glyphs, &shown.fonts);
                let lines = layout::lines(&glyphs);
                // Running heads count as text here: they are taken out later.
                let unread = pictures.unread(&lines);
                Ok(ReadPage {
                    lines,
                    unread,
                    lost,
                })
            });
            read.push((number, lines.and_then(|lines| lines)));
        }
        Ok(compose(read, metadata(&document)))
    }
}

fn open(bytes: &[u8]) -> Result<Document, ExtractError> {
    let damaged = |reason: String| ExtractError::damaged("PDF", reason);
    let loaded = guard::caught(|| Document::load_mem(bytes)).map_err(damaged)?;
    let mut document = loaded.map_err(|error| match error {
        pdf_extract::Error::InvalidPassword | pdf_extract::Error::Decryption(_) => {
            ExtractError::Encrypted
        }
        error => damaged(error.to_string()),
    })?;
    if document.is_encrypted() {
        let opened = guard::caught(|| document.decrypt(""));
        if !matches!(opened, Ok(Ok(()))) {
            return Err(ExtractError::Encrypted);
        }
    }
    Ok(document)
}

/// What a page gave before the words of the other pages are known.
struct ReadPage {
    lines: Vec<Line>,
    /// Why it counts as unread whatever its lines say.
    unread: Option<String>,
    /// Characters of words whose font does not tell them.
    lost: usize,
}

impl ReadPage {
    /// What became of the page with this text.
    fn outcome(self, text: String) -> (String, PageOutcome) {
        let has_text = text.chars().any(|c| !c.is_whitespace());
        let outcome = match (self.unread, has_text, self.lost) {
            (Some(reason), ..) => PageOutcome::Failed(reason),
            (None, true, 0) => PageOutcome::Text,
            (None, true, lost) => PageOutcome::Partial(format!(
                "{lost} characters of it are unreadable, for their font does not tell them; they need OCR"
            )),
            (None, false, 0) => PageOutcome::NoText,
            (None, false, _) => PageOutcome::Failed(UNREADABLE.to_owned()),
        };
        (if has_text { text } else { String::new() }, outcome)
    }
}

/// The lines of each page that could be read.
fn lines_of(read: &[(u32, Result<ReadPage, String>)]) -> impl Iterator<Item = &[Line]> + Clone {
    let pages = read.iter().filter_map(|(_, page)| page.as_ref().ok());
    pages.map(|page| page.lines.as_slice())
}

/// Text of all pages: some decisions need the words of the whole document.
fn compose(mut read: Vec<(u32, Result<ReadPage, String>)>, metadata: DocumentMetadata) -> Content {
    let body_size = paragraphs::body_size(lines_of(&read));
    let pages = read.iter_mut();
    let pages = pages.filter_map(|(number, page)| Some((*number, &mut page.as_mut().ok()?.lines)));
    running::remove(&mut pages.collect::<Vec<_>>(), body_size);
    let mut composer = Composer::new(lines_of(&read));
    let pages = read.into_iter().map(|(number, page)| {
        let (text, outcome) = match page {
            Err(reason) => (String::new(), PageOutcome::Failed(reason)),
            Ok(page) => {
                let text = composer.page(number, &page.lines);
                if legible::is_garbage(&text) {
                    composer.forget(number);
                    (String::new(), PageOutcome::Failed(UNREADABLE.to_owned()))
                } else {
                    page.outcome(text)
                }
            }
        };
        Page {
            number,
            text,
            outcome,
        }
    });
    let pages = pages.collect();
    Content::Paged {
        numbered: true,
        pages,
        headings: composer.headings(),
        metadata,
    }
}

fn metadata(document: &Document) -> DocumentMetadata {
    let info = document.trailer.get(b"Info").ok();
    let info = info.and_then(|info| document.dereference(info).ok());
    let title = info
        .and_then(|(_, info)| info.as_dict().ok()?.get(b"Title").ok())
        .and_then(|title| document.dereference(title).ok())
        .and_then(|(_, title)| text_string(title));
    DocumentMetadata {
        title: title.filter(|title| is_title(title)),
        ..DocumentMetadata::default()
    }
}

/// Programs put file names and placeholders where the title belongs.
fn is_title(title: &str) -> bool {
    let lower = title.to_lowercase();
    let placeholder = lower.starts_with("microsoft word") || lower.starts_with("untitled");
    let file_name = title.contains(['\\', '/']) || {
        let dot = lower.rfind('.');
        dot.is_some_and(|dot| (2..=4).contains(&lower[dot + 1..].len()) && !lower.contains(' '))
    };
    title.chars().filter(|c| c.is_alphabetic()).count() > 2 && !placeholder && !file_name
}

fn text_string(object: &Object) -> Option<String> {
    let bytes = object.as_str().ok()?;
    let text = match bytes.strip_prefix(&[0xfe, 0xff]) {
        Some(utf16) => encoding_rs::UTF_16BE.decode(utf16).0,
        None if std::str::from_utf8(bytes).is_ok() => String::from_utf8_lossy(bytes),
        None => encoding_rs::WINDOWS_1252.decode(bytes).0,
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    Some(words.join(" "))
}
