//! A document of parts: slides, sheets, chapters, attachments, members of an
//! archive. Each part becomes a page, or several if it is long, and what cannot
//! be read becomes a page that says why.

use super::format::{Content, Source, StructuredText};
use super::{ExtractError, Extracted, Heading, Limits, guard, parts};
use crate::types::{DocumentMetadata, Page, PageOutcome};

/// Containers inside containers that are opened.
const MAX_DEPTH: u8 = 4;
/// Longest part that stays one page, in bytes.
const MAX_PART_BYTES: usize = 200_000;

pub(super) struct Collection {
    pages: Vec<Page>,
    headings: Vec<Heading>,
    /// No part was cut: page numbers count the parts.
    whole: bool,
    max_pages: u64,
}

impl Collection {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            pages: Vec::new(),
            headings: Vec::new(),
            whole: true,
            max_pages: limits.max_pages,
        }
    }

    fn push(&mut self, text: String, outcome: PageOutcome) -> Result<(), ExtractError> {
        let pages = self.pages.len() as u64 + 1;
        if pages > self.max_pages {
            let limit = self.max_pages;
            return Err(ExtractError::TooManyPages { pages, limit });
        }
        self.pages.push(Page {
            number: pages as u32,
            text,
            outcome,
        });
        Ok(())
    }

    fn name_next(&mut self, name: &str) {
        self.headings.push(Heading {
            page: self.pages.len() as u32 + 1,
            start: 0,
            level: 1,
            text: name.to_owned(),
        });
    }

    /// Adds a part that was read; `missing` says what of it was not.
    pub(super) fn add(
        &mut self,
        text: StructuredText,
        missing: Option<String>,
    ) -> Result<(), ExtractError> {
        let is_empty = text.text.trim().is_empty();
        let cut = parts::cut_longer_than(MAX_PART_BYTES, "part", text);
        self.whole &= cut.pages.len() == 1;
        let first = self.pages.len() as u32;
        for page in cut.pages {
            let outcome = match (page.outcome, &missing) {
                (PageOutcome::Text, None) if is_empty => PageOutcome::NoText,
                (PageOutcome::Text, Some(missing)) if is_empty => {
                    PageOutcome::Failed(missing.clone())
                }
                (PageOutcome::Text, Some(missing)) => PageOutcome::Partial(missing.clone()),
                (PageOutcome::Partial(note), Some(missing)) => {
                    PageOutcome::Partial(format!("{missing}; {note}"))
                }
                (PageOutcome::Failed(note), Some(missing)) => {
                    PageOutcome::Failed(format!("{missing}; {note}"))
                }
                (outcome, _) => outcome,
            };
            self.push(page.text, outcome)?;
        }
        let moved = cut.headings.into_iter().map(|heading| Heading {
            page: heading.page + first,
            ..heading
        });
        self.headings.extend(moved);
        Ok(())
    }

    /// Adds a part with a name that stands above all of its headings.
    pub(super) fn add_named(
        &mut self,
        name: &str,
        text: StructuredText,
        missing: Option<String>,
    ) -> Result<(), ExtractError> {
        self.name_next(name);
        let text = StructuredText {
            headings: text.headings.into_iter().map(one_deeper).collect(),
            ..text
        };
        self.add(text, missing)
    }

    /// Records a part that was not read.
    pub(super) fn unread(&mut self, reason: impl Into<String>) -> Result<(), ExtractError> {
        self.push(String::new(), PageOutcome::Failed(reason.into()))
    }

    /// Adds a file that is inside of the document, read as its own format. One
    /// that cannot be read is recorded; one that asks for too much ends it all.
    pub(super) fn nest(
        &mut self,
        outer: &Source<'_>,
        name: &str,
        bytes: &[u8],
        limits: &Limits,
    ) -> Result<(), ExtractError> {
        if outer.depth >= MAX_DEPTH {
            return self.unread(format!("{name}: it is nested too deeply"));
        }
        let inner = outer.inside(name, bytes);
        let read = guard::caught(|| super::read_source(&inner, limits));
        match read {
            Ok(Ok(extracted)) => self.take_in(name, extracted),
            Ok(Err(error)) if is_excess(&error) => Err(error),
            Ok(Err(error)) => self.unread(format!("{name}: {error}")),
            Err(reason) => self.unread(format!("{name}: {reason}")),
        }
    }

    fn take_in(&mut self, name: &str, extracted: Extracted) -> Result<(), ExtractError> {
        self.name_next(name);
        self.whole = false;
        let before = self.pages.len() as u32;
        let single = extracted.pages.len() == 1;
        for page in extracted.pages {
            let told = |reason: String| match single {
                true => format!("{name}: {reason}"),
                false => format!("{name}, {}: {reason}", page.number),
            };
            let outcome = match page.outcome {
                PageOutcome::Failed(reason) => PageOutcome::Failed(told(reason)),
                PageOutcome::Partial(reason) => PageOutcome::Partial(told(reason)),
                outcome => outcome,
            };
            self.push(page.text, outcome)?;
        }
        let moved = extracted.headings.into_iter().map(|heading| Heading {
            page: heading.page + before,
            level: heading.level.saturating_add(1),
            ..heading
        });
        self.headings.extend(moved);
        Ok(())
    }

    /// The document; `numbered` if the original counts these parts as pages.
    pub(super) fn finish(self, numbered: bool, metadata: DocumentMetadata) -> Content {
        Content::Paged {
            numbered: numbered && self.whole,
            pages: self.pages,
            headings: self.headings,
            metadata,
        }
    }
}

fn one_deeper(mark: super::markdown::Mark) -> super::markdown::Mark {
    super::markdown::Mark {
        level: mark.level.saturating_add(1),
        ..mark
    }
}

/// Errors that concern the whole file and not the part that showed them.
fn is_excess(error: &ExtractError) -> bool {
    matches!(
        error,
        ExtractError::TooLargeUnpacked { .. }
            | ExtractError::TooManyPages { .. }
            | ExtractError::Timeout { .. }
    )
}
