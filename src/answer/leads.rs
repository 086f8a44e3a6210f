//! The answer to a question about many whole documents without a chat model: what
//! each of them says first, word for word; and what is said of those that an
//! answer leaves out. Must not choose the documents.

use super::candidates::{Candidate, candidates, is_statement, one_line};
use super::listing::ListLanguage;
use super::quotes::{Quote, QuotedAnswer, compose_with};
use super::statements::with_quotes;
use crate::types::{DocumentId, Passage, slice_chars};
use std::collections::HashSet;
use std::ops::Range;

/// Longest lead of two sentences, in characters; where it would be longer, one does.
const LONGEST: usize = 400;

/// Documents that are named where they are left out.
const NAMED: usize = 10;

/// What each of many documents says first.
#[derive(Debug, Clone)]
pub struct Leads {
    /// One a document, in the order of the documents.
    quotes: Vec<Quote>,
    /// Documents of which nothing is quoted.
    more: usize,
    language: ListLanguage,
}

impl Leads {
    /// The leads of the documents that these passages begin, of `documents` in all,
    /// and the passages that have them. `None`: none says anything.
    pub fn of(
        passages: Vec<Passage>,
        documents: usize,
        language: ListLanguage,
    ) -> Option<(Self, Vec<Passage>)> {
        let all = candidates(&passages);
        let (mut quotes, mut quoted) = (Vec::new(), HashSet::<&DocumentId>::new());
        for (at, first) in all.iter().enumerate() {
            let passage = &passages[first.passage];
            if !is_statement(first) || !quoted.insert(&passage.document_id) {
                continue;
            }
            let span = with_next(first, all.get(at + 1));
            quotes.push(Quote {
                passage: first.passage,
                start: passage.start + span.start,
                end: passage.start + span.end,
                text: slice_chars(&passage.text, span).to_owned(),
                score: 1.0,
            });
        }
        if quotes.is_empty() {
            return None;
        }
        let more = documents.saturating_sub(quotes.len());
        let passages = with_quotes(passages, &mut quotes);
        let leads = Self {
            quotes,
            more,
            language,
        };
        Some((leads, passages))
    }

    /// A paragraph for each document under its name, and how many more there are.
    pub fn answer(&self, passages: &[Passage]) -> QuotedAnswer {
        let title = |passage| Some(title(passage));
        let mut answer = compose_with(self.quotes.clone(), passages, title);
        if self.more > 0 {
            answer.content.push_str("\n\n");
            answer.content.push_str(&self.rest());
        }
        answer
    }

    fn rest(&self) -> String {
        match (self.language, self.more) {
            (ListLanguage::English, 1) => {
                "And 1 more document, of which nothing is quoted here.".to_owned()
            }
            (ListLanguage::English, more) => {
                format!("And {more} more documents, of which nothing is quoted here.")
            }
            (ListLanguage::German, 1) => {
                "Und 1 weiteres Dokument, aus dem hier nichts zitiert ist.".to_owned()
            }
            (ListLanguage::German, more) => {
                format!("Und {more} weitere Dokumente, aus denen hier nichts zitiert ist.")
            }
        }
    }
}

/// The characters of a statement and of the one right behind it, if both are
/// short.
fn with_next(first: &Candidate, next: Option<&Candidate>) -> Range<usize> {
    let next = next.filter(|next| {
        let follows = next.passage == first.passage && next.place == first.place + 1;
        follows && is_statement(next) && next.span.end - first.span.start <= LONGEST
    });
    first.span.start..next.map_or(first.span.end, |next| next.span.end)
}

fn title(passage: &Passage) -> &str {
    match passage.title.trim() {
        "" => &passage.filename,
        title => title,
    }
}

/// Documents of which a chat model read nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LeftUnread {
    /// Their names, as far as they are known.
    pub names: Vec<String>,
    /// How many there are in all.
    pub documents: usize,
}

impl LeftUnread {
    /// Takes in a document that a passage is of.
    pub(super) fn add(&mut self, passage: &Passage) {
        self.documents += 1;
        if self.names.len() < NAMED {
            self.names.push(title(passage).to_owned());
        }
    }

    /// Says which they are; `None`: there is none.
    pub fn note(&self, language: ListLanguage) -> Option<String> {
        if self.documents == 0 {
            return None;
        }
        // As code, so that nothing in a name is taken for markup or for a citation.
        let plain = |name: &String| format!("`{}`", one_line(&name.replace('`', "")));
        let names: Vec<String> = self.names.iter().map(plain).collect();
        let more = self.documents.saturating_sub(names.len());
        let more = match (language, more, names.is_empty()) {
            (_, 0, _) => None,
            (ListLanguage::English, 1, true) => Some("1 document".to_owned()),
            (ListLanguage::English, more, true) => Some(format!("{more} documents")),
            (ListLanguage::English, 1, false) => Some("1 more document".to_owned()),
            (ListLanguage::English, more, false) => Some(format!("{more} more documents")),
            (ListLanguage::German, 1, true) => Some("1 Dokument".to_owned()),
            (ListLanguage::German, more, true) => Some(format!("{more} Dokumente")),
            (ListLanguage::German, 1, false) => Some("1 weiteres Dokument".to_owned()),
            (ListLanguage::German, more, false) => Some(format!("{more} weitere Dokumente")),
        };
        let all: Vec<String> = names.into_iter().chain(more).collect();
        Some(match language {
            ListLanguage::English => format!("Not read for this answer: {}.", all.join(", ")),
            ListLanguage::German => {
                format!("Für diese Antwort nicht gelesen: {}.", all.join(", "))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Leads, LeftUnread};
    use crate::answer::fixtures::passage;
    use crate::answer::listing::ListLanguage::{English, German};
    use crate::types::Passage;

    fn beginnings() -> Vec<Passage> {
        vec![
            passage("bees", 0, "# Bees"),
            passage("bees", 40, "Bees dance [2] well. They sting. They fly."),
            passage("map", 0, "# A map"),
            passage("ants", 7, "# Ants\n\nAnts leave a trail of scent."),
        ]
    }

    #[test]
    fn each_document_is_quoted_under_its_name_and_the_rest_is_counted() {
        let (leads, sources) = Leads::of(beginnings(), 30, English).unwrap();
        assert_eq!(sources.len(), 2, "what has no quote is no source");
        let answer = leads.answer(&sources);
        assert_eq!(
            answer.content,
            "bees:\n\nBees dance (2) well. [1]\n\nants:\n\nAnts leave a trail of scent. [2]\n\n\
             And 28 more documents, of which nothing is quoted here."
        );
        assert_eq!((answer.citations.len(), answer.checks.len()), (2, 2));
        assert_eq!(answer.citations[1].start, 15);
        assert_eq!(answer.checks[0].start, 7, "behind the name");
    }

    #[test]
    fn two_short_sentences_are_one_lead_and_a_long_one_stands_alone() {
        let long = format!("{}is so.", "The tower of the harbour ".repeat(15));
        let texts = [
            "The first lamp burnt oil. The second lamp was electric.".to_owned(),
            format!("{long} The second lamp was electric."),
        ];
        let quoted = texts.map(|text| {
            let (leads, sources) = Leads::of(vec![passage("a", 0, &text)], 1, German).unwrap();
            leads.answer(&sources).citations[0].text.clone()
        });
        assert_eq!(
            quoted[0],
            "The first lamp burnt oil. The second lamp was electric."
        );
        assert_eq!(quoted[1], long);
    }

    #[test]
    fn documents_that_say_nothing_have_no_leads() {
        assert!(Leads::of(vec![passage("map", 0, "# A map")], 9, English).is_none());
    }

    #[test]
    fn documents_that_were_not_read_are_named_up_to_a_number() {
        let mut unread = LeftUnread::default();
        assert_eq!(unread.note(English), None);
        unread.add(&passage("ants", 0, "Ants."));
        assert_eq!(
            unread.note(English).unwrap(),
            "Not read for this answer: `ants`."
        );
        for n in 0..12 {
            unread.add(&passage(&format!("bees {n}"), 0, "Bees."));
        }
        let note = unread.note(German).unwrap();
        assert!(
            note.starts_with("Für diese Antwort nicht gelesen: `ants`, `bees 0`,"),
            "{note}"
        );
        assert!(note.ends_with("`bees 8`, 3 weitere Dokumente."), "{note}");
        let unnamed = LeftUnread {
            documents: 40,
            ..LeftUnread::default()
        };
        assert_eq!(
            unnamed.note(English).unwrap(),
            "Not read for this answer: 40 documents."
        );
    }
}
