//! PDF: text by pages, in reading order. `flatten` reduces a page to its text
//! operators and its fonts (`fonts`, `cmap`) to what is needed for reading,
//! `glyphs` collects where each character stands, `columns` finds columns and
//! `layout` lines, `bidi` puts those from right to left in order, `running`
//! takes out running heads and page numbers, `paragraphs` makes readable text
//! of the rest.

mod bidi;
mod claims;
mod cmap;
mod columns;
mod filters;
mod flatten;
mod fonts;
mod glyphs;
mod inflate;
mod layout;
mod paragraphs;
mod running;

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
                flatten::page(&mut document, id)?;
                let glyphs = glyphs::collect(&document, number, deadline)?;
                Ok(layout::lines(&glyphs))
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

/// Text of all pages: some decisions need the words of the whole document.
fn compose(mut read: Vec<(u32, Result<Vec<Line>, String>)>, metadata: DocumentMetadata) -> Content {
    let lines = read.iter().filter_map(|(_, lines)| lines.as_deref().ok());
    let body_size = paragraphs::body_size(lines);
    let lines = read.iter_mut();
    let lines = lines.filter_map(|(number, lines)| Some((*number, lines.as_mut().ok()?)));
    running::remove(&mut lines.collect::<Vec<_>>(), body_size);
    let lines = read.iter().filter_map(|(_, lines)| lines.as_deref().ok());
    let mut composer = Composer::new(lines);
    let pages = read.into_iter().map(|(number, lines)| {
        let (text, outcome) = match lines {
            Err(reason) => (String::new(), PageOutcome::Failed(reason)),
            Ok(lines) => {
                let text = composer.page(number, &lines);
                match text.chars().any(|c| !c.is_whitespace()) {
                    true if is_garbage(&text) => {
                        composer.forget(number);
                        (String::new(), PageOutcome::Failed(UNREADABLE.to_owned()))
                    }
                    true => (text, PageOutcome::Text),
                    false => (String::new(), PageOutcome::NoText),
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

/// Visible characters of a page, from which on their kinds say something.
const JUDGED: usize = 20;

/// Whether the characters are not those that the page shows: they are unknown,
/// or nearly all are signs, as where the codes of a font are only numbers.
fn is_garbage(text: &str) -> bool {
    let unknown = |c: char| {
        matches!(c, '\u{fffd}' | '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..) || c.is_control()
    };
    let (mut all, mut wrong, mut signs) = (0_usize, 0_usize, 0_usize);
    for c in text.chars().filter(|c| !c.is_whitespace()) {
        all += 1;
        wrong += usize::from(unknown(c));
        // Rules and leaders are drawn with signs, too.
        signs += usize::from(!c.is_alphanumeric() && !matches!(c, '_' | '-' | '.'));
    }
    wrong * 5 > all || (all >= JUDGED && signs * 10 > all * 6)
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
