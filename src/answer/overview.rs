//! Questions about whole documents, and their answer without a chat model: the
//! first statement of each section.

use super::candidates::{candidates, is_statement};
use super::quotes::{Quote, QuotedAnswer, compose};
use super::terms::terms;
use crate::types::Passage;

/// Passages that an overview is made of.
pub const OVERVIEW_PASSAGES: usize = 8;

/// What asks for one, in lower case.
const SUMMARY: [&str; 30] = [
    "summari",
    "tl;dr",
    "tldr",
    "overview of",
    "an overview",
    "key points",
    "main points",
    "main topics",
    "in a nutshell",
    "what is this document about",
    "what is the document about",
    "what is this file about",
    "what is it about",
    "what's in this",
    "zusammenfass",
    "fasse ",
    "fass das",
    "überblick über",
    "worum geht es",
    "resumen",
    "resume ",
    "resume el",
    "de qué trata",
    "résum",
    "de quoi parle",
    "de quoi traite",
    "总结",
    "摘要",
    "概括",
    "要約",
];

/// Whether the question asks for what is in a document, and not for a place in it.
pub fn asks_for_overview(question: &str) -> bool {
    let lower = question.trim().to_lowercase();
    let about =
        lower.starts_with("what is ") && lower.trim_end_matches(['?', ' ']).ends_with(" about");
    about || SUMMARY.iter().any(|words| lower.contains(words))
}

/// Whether `question` names a document that is called `name`: all words of the
/// name, or of its file name without the ending, are in it.
pub fn names_document(question: &str, name: &str) -> bool {
    let asked = terms(question);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let all_in = |name: &str| {
        let wanted = terms(&name.replace(['_', '-'], " "));
        !wanted.is_empty() && wanted.iter().all(|term| asked.contains(term))
    };
    all_in(name) || all_in(stem)
}

/// The first statement of each passage, word for word; `None` if there is none.
pub fn overview(passages: &[Passage]) -> Option<QuotedAnswer> {
    let passages = &passages[..passages.len().min(OVERVIEW_PASSAGES)];
    let mut quotes: Vec<Quote> = Vec::new();
    for sentence in candidates(passages) {
        let known = quotes.iter().any(|quote| quote.passage == sentence.passage);
        if known || !is_statement(&sentence) {
            continue;
        }
        let offset = passages[sentence.passage].start;
        quotes.push(Quote {
            passage: sentence.passage,
            start: offset + sentence.span.start,
            end: offset + sentence.span.end,
            text: sentence.text,
            score: 1.0,
        });
    }
    (!quotes.is_empty()).then(|| compose(quotes, passages))
}

#[cfg(test)]
mod tests {
    use super::{asks_for_overview, names_document, overview};
    use crate::answer::fixtures::passage;

    #[test]
    fn overviews_are_told_from_questions() {
        for question in [
            "Summarise the report",
            "Can you summarize this?",
            "What is this paper about?",
            "Fasse das Dokument zusammen",
            "De qué trata el informe?",
            "résume ce texte",
            "总结一下这份文件",
        ] {
            assert!(asks_for_overview(question), "{question}");
        }
        for question in [
            "What is the limit?",
            "Who was the first keeper?",
            "What do people complain about?",
            "Wie lange dauert es?",
        ] {
            assert!(!asks_for_overview(question), "{question}");
        }
    }

    #[test]
    fn document_is_named_by_its_title_or_file() {
        assert!(names_document(
            "Summarise the lighthouse report",
            "Lighthouse_Report.pdf"
        ));
        assert!(names_document(
            "summary of Sourdough at the Ember bakery",
            "Sourdough at the Ember bakery"
        ));
        assert!(!names_document(
            "Summarise the report",
            "Lighthouse_Report.pdf"
        ));
        assert!(!names_document("Summarise it", "of.pdf"));
    }

    #[test]
    fn each_section_gives_its_first_statement() {
        let passages = [
            passage("a", 10, "# Lamp\n\nThe lamp burns colza oil. It is bright."),
            passage(
                "a",
                90,
                "## Keepers\n\nThe first keeper was Tobias Grenn. He stayed.",
            ),
        ];
        let answer = overview(&passages).unwrap();
        assert_eq!(
            answer.content,
            "The lamp burns colza oil. [1]\n\nThe first keeper was Tobias Grenn. [2]"
        );
        assert_eq!(answer.citations[0].start, 18);
        assert!(overview(&[passage("a", 0, "# Lamp")]).is_none());
    }
}
