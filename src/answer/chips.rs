//! The small numbered links that stand for citations in rendered answers.

use super::cite::{Marker, markers};
use super::sanitise::escape;
use crate::types::{Citation, Passage, slice_chars};
use std::collections::HashMap;

/// Most characters of a title that a chip repeats.
const LONGEST_TITLE: usize = 120;

/// What the chips of an answer say and point to.
pub(super) struct Chips {
    /// What to call each known source.
    names: HashMap<u32, String>,
    /// By the byte at which a marker starts: which citation each number is.
    citations: HashMap<usize, Vec<Option<usize>>>,
}

impl Chips {
    /// While an answer is written: the sources are known, citations not yet.
    pub(super) fn of_sources(passages: &[Passage]) -> Self {
        let name = |(at, passage): (usize, &Passage)| {
            let number = at as u32 + 1;
            (number, name(number, &passage.title, passage.page_number))
        };
        Self {
            names: passages.iter().enumerate().map(name).collect(),
            citations: HashMap::new(),
        }
    }

    /// For a complete answer, whose n-th marked number is its n-th citation;
    /// where that does not hold, the first citation of the number.
    pub(super) fn of_citations(content: &str, citations: &[Citation]) -> Self {
        let mut names = HashMap::new();
        for citation in citations {
            names
                .entry(citation.number)
                .or_insert_with(|| name(citation.number, &citation.title, citation.page_number));
        }
        let mut next = 0;
        let by_marker = markers(content).into_iter().map(|marker| {
            let each = marker.numbers.iter().map(|number| {
                let is_it = |citation: &Citation| citation.number == *number;
                let in_order = Some(next).filter(|at| citations.get(*at).is_some_and(is_it));
                next += 1;
                in_order.or_else(|| citations.iter().position(is_it))
            });
            (marker.range.start, each.collect())
        });
        let citations = by_marker.collect();
        Self { names, citations }
    }

    /// The chips of one marker. The word joiner keeps the first on the line of
    /// its word. Unknown numbers give nothing.
    pub(super) fn html(&self, marker: &Marker) -> String {
        let mut html = String::new();
        for (place, number) in marker.numbers.iter().enumerate() {
            let Some(name) = self.names.get(number) else {
                continue;
            };
            let citation = self.citations.get(&marker.range.start);
            let citation = citation.and_then(|each| each.get(place).copied().flatten());
            let citation =
                citation.map_or_else(String::new, |at| format!(" data-citation=\"{at}\""));
            html.push_str(&format!(
                "\u{2060}<a class=\"c\" href=\"#source-{number}\" data-source=\"{number}\"{citation} \
                 aria-label=\"{}\">{number}</a>",
                escape(name)
            ));
        }
        html
    }
}

fn name(number: u32, title: &str, page: Option<u32>) -> String {
    let title = slice_chars(title, 0..LONGEST_TITLE);
    match page {
        Some(page) => format!("Source {number}, {title}, page {page}"),
        None => format!("Source {number}, {title}"),
    }
}
