//! The answer to a question for all that there is of something, without a chat
//! model: each statement of the documents about it, word for word.

use super::candidates::{candidates, is_statement};
use super::listing::ListLanguage;
use super::quotes::{Quote, QuotedAnswer, compose};
use crate::types::Passage;
use std::collections::HashSet;

/// Statements that are shown.
const LISTED: usize = 40;

/// All statements about something, and how many there are.
#[derive(Debug, Clone)]
pub struct Statements {
    /// The first [`LISTED`], in the order of the passages.
    quotes: Vec<Quote>,
    found: usize,
    documents: usize,
    /// There are more passages than were looked through.
    cut: bool,
    language: ListLanguage,
}

impl Statements {
    /// The statements of `passages` for which `is_one` holds, each once, and the
    /// passages that have those that are shown. `cut` is whether there are more
    /// passages. `None`: there is none.
    pub fn of(
        passages: Vec<Passage>,
        language: ListLanguage,
        cut: bool,
        is_one: impl Fn(&str) -> bool,
    ) -> Option<(Self, Vec<Passage>)> {
        let mut quotes: Vec<Quote> = Vec::new();
        for sentence in candidates(&passages) {
            if !is_statement(&sentence) || !is_one(&sentence.text) {
                continue;
            }
            let offset = passages[sentence.passage].start;
            let quote = Quote {
                passage: sentence.passage,
                start: offset + sentence.span.start,
                end: offset + sentence.span.end,
                text: sentence.text,
                score: 1.0,
            };
            quotes.push(quote);
        }
        let found = quotes.len();
        if found == 0 {
            return None;
        }
        let sources = quotes.iter().map(|quote| &passages[quote.passage]);
        let documents = sources.map(|passage| &passage.document_id);
        let documents = documents.collect::<HashSet<_>>().len();
        quotes.truncate(LISTED);
        let passages = with_quotes(passages, &mut quotes);
        let statements = Self {
            quotes,
            found,
            documents,
            cut,
            language,
        };
        Some((statements, passages))
    }

    /// Whether there is but one: a search may know better.
    pub fn is_single(&self) -> bool {
        self.found == 1
    }

    /// A paragraph for each statement with its citation, and how many there are.
    pub fn answer(&self, passages: &[Passage]) -> QuotedAnswer {
        let mut answer = compose(self.quotes.clone(), passages);
        answer.content.push_str("\n\n");
        answer.content.push_str(&self.count());
        answer
    }

    fn count(&self) -> String {
        let (found, shown, documents) = (self.found, self.quotes.len(), self.documents);
        let all = shown == found && !self.cut;
        match self.language {
            ListLanguage::English => {
                let from = match documents {
                    1 => "1 document".to_owned(),
                    _ => format!("{documents} documents"),
                };
                let least = if self.cut { "at least " } else { "" };
                match all {
                    true if found == 1 => "This is the only statement.".to_owned(),
                    true => format!("These are {found} statements from {from}."),
                    false => format!(
                        "These are the first {shown} of {least}{found} statements from {from}."
                    ),
                }
            }
            ListLanguage::German => {
                let from = match documents {
                    1 => "1 Dokument".to_owned(),
                    _ => format!("{documents} Dokumenten"),
                };
                let least = if self.cut { "mindestens " } else { "" };
                match all {
                    true if found == 1 => "Das ist die einzige Aussage.".to_owned(),
                    true => format!("Das sind {found} Aussagen aus {from}."),
                    false => format!(
                        "Das sind die ersten {shown} von {least}{found} Aussagen aus {from}."
                    ),
                }
            }
        }
    }
}

/// The passages that have a quote, to which the quotes then refer.
pub(super) fn with_quotes(passages: Vec<Passage>, quotes: &mut [Quote]) -> Vec<Passage> {
    let mut kept = Vec::new();
    for (index, passage) in passages.into_iter().enumerate() {
        let mut own = quotes.iter_mut().filter(|quote| quote.passage == index);
        if let Some(first) = own.next() {
            first.passage = kept.len();
            own.for_each(|quote| quote.passage = kept.len());
            kept.push(passage);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::{LISTED, Statements};
    use crate::answer::fixtures::passage;
    use crate::answer::listing::ListLanguage::{English, German};
    use crate::types::Passage;

    fn passages() -> Vec<Passage> {
        vec![
            passage(
                "a",
                10,
                "# Keepers\n\nThe first keeper was Tobias Grenn. He kept bees.",
            ),
            passage("a", 90, "The lamp burns colza oil."),
            passage(
                "b",
                0,
                "The last keeper was Ada Wren. The first keeper was Tobias Grenn.",
            ),
        ]
    }

    #[test]
    fn each_statement_is_quoted_once_with_its_place_and_counted() {
        let has = |text: &str| text.contains("keeper");
        let (statements, sources) = Statements::of(passages(), English, false, has).unwrap();
        assert_eq!(sources.len(), 2, "what has no statement is no source");
        let answer = statements.answer(&sources);
        assert_eq!(
            answer.content,
            "The first keeper was Tobias Grenn. [1]\n\nThe last keeper was Ada Wren. [2]\n\n\
             These are 2 statements from 2 documents."
        );
        assert_eq!((answer.citations.len(), answer.checks.len()), (2, 2));
        assert_eq!(
            (answer.citations[0].start, answer.citations[1].start),
            (21, 0)
        );
    }

    #[test]
    fn one_statement_is_single_and_none_is_no_list() {
        let of = |word: &str| Statements::of(passages(), German, false, |text| text.contains(word));
        let (statements, sources) = of("lamp").unwrap();
        assert!(statements.is_single());
        assert_eq!(
            statements.answer(&sources).content,
            "The lamp burns colza oil. [1]\n\nDas ist die einzige Aussage."
        );
        assert!(of("anchor").is_none());
    }

    #[test]
    fn what_is_cut_says_so() {
        let many: String = (0..LISTED + 5)
            .map(|n| format!("Keeper number {n} served for a year. "))
            .collect();
        let of = |cut, language| {
            let all = vec![passage("a", 0, &many)];
            let (statements, sources) = Statements::of(all, language, cut, |_| true).unwrap();
            let answer = statements.answer(&sources);
            assert_eq!(answer.citations.len(), LISTED);
            answer.content.rsplit("\n\n").next().unwrap().to_owned()
        };
        assert_eq!(
            of(false, English),
            "These are the first 40 of 45 statements from 1 document."
        );
        assert_eq!(
            of(true, German),
            "Das sind die ersten 40 von mindestens 45 Aussagen aus 1 Dokument."
        );
    }
}
