//! Reading whole documents that no prompt has room for: part by part, with notes
//! on each part, which then stand in place of the text of the passages that they
//! rest on. Says what a chat model is to be given next and takes what it wrote;
//! must not run one.

mod notes;
mod parts;
#[cfg(test)]
mod tests;

use super::leads::LeftUnread;
use super::prompt::{PER_MESSAGE, fenced, system_prompt, turn};
use crate::types::{PartReading, Passage, Role};
use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

/// How often notes that are too many for one prompt are read again to be made
/// fewer. Each time leaves about a seventh; what is too much even then is left out
/// of the prompt as passages are.
const MOST_ROUNDS: usize = 3;

/// What the model has room for, in tokens, and how much it is to read.
#[derive(Debug, Clone, Copy)]
pub struct WholeBudget {
    pub context_tokens: usize,
    /// Kept free for the answer.
    pub answer_tokens: usize,
    /// Kept free for the notes on one part.
    pub notes_tokens: usize,
    pub most_parts: usize,
}

/// Counts the tokens of a text.
pub(super) type Count<'a> = &'a dyn Fn(&str) -> usize;

/// Whole documents while they are read.
pub struct WholeReading {
    question: String,
    passages: Vec<Passage>,
    /// Tokens that passages may have in the prompt of the answer.
    answer_room: usize,
    /// Tokens that they may have in the prompt of a part.
    part_room: usize,
    most_parts: usize,
    /// What there is to read: the passages, or the notes in their place.
    given: Vec<Given>,
    parts: Vec<Range<usize>>,
    /// The part that comes next.
    next: usize,
    /// What was noted so far, by the places of the passages.
    notes: BTreeMap<usize, Vec<String>>,
    /// How often all was read.
    rounds: usize,
    too_long: usize,
    beyond: usize,
    unread: LeftUnread,
}

/// Something to read.
struct Given {
    /// Place of the passage.
    place: usize,
    /// The passage, or the same with notes in place of its text.
    passage: Passage,
}

/// A part that is to be read next.
#[derive(Debug, Clone)]
pub struct Part {
    pub reading: PartReading,
    pub passages: usize,
    /// Names the first of them in the indexes.
    pub first_chunk: u64,
    pub messages: Vec<(Role, String)>,
}

/// Whole documents that were read.
#[derive(Debug, Clone)]
pub struct WholeRead {
    /// The passages that an answer may rest on, in reading order; none if nothing
    /// was worth a note.
    pub passages: Vec<Passage>,
    /// The same with what the model is to be given in place of their text;
    /// `None`: their text.
    pub given: Option<Vec<Passage>>,
    /// Passages for which there was no room in any part.
    pub too_long: usize,
    /// Passages for which there were not enough parts.
    pub beyond: usize,
    /// Documents of which no passage was read.
    pub unread: LeftUnread,
}

impl WholeReading {
    /// Begins to read the passages, which are in reading order. Where they all
    /// have room in the prompt of an answer, there are no parts.
    pub fn new(
        question: &str,
        custom_system: Option<&str>,
        passages: Vec<Passage>,
        budget: WholeBudget,
        count: Count<'_>,
    ) -> Self {
        let beside = |messages: &[(Role, String)]| -> usize {
            let lengths = messages.iter().map(|(_, text)| count(text) + PER_MESSAGE);
            lengths.sum()
        };
        let answering = [
            (Role::System, system_prompt(custom_system)),
            (Role::User, turn(question, &[]).content),
        ];
        let answer_room = budget
            .context_tokens
            .saturating_sub(budget.answer_tokens + beside(&answering));
        let noting = notes::prompt(question, std::iter::empty());
        let part_room = budget
            .context_tokens
            .saturating_sub(budget.notes_tokens + beside(&noting));
        let mut reading = Self {
            question: question.to_owned(),
            answer_room,
            // What is too long for the answer's prompt is then never one part.
            part_room: part_room.min(answer_room),
            most_parts: budget.most_parts,
            given: Vec::new(),
            parts: Vec::new(),
            next: 0,
            notes: BTreeMap::new(),
            rounds: 0,
            too_long: 0,
            beyond: 0,
            unread: LeftUnread::default(),
            passages,
        };
        let all = reading.passages.iter().cloned().enumerate();
        let given = all.map(|(place, passage)| Given { place, passage });
        let given = given.collect();
        reading.begin_round(given, count);
        reading
    }

    /// How many passages the documents have.
    pub fn passages(&self) -> usize {
        self.passages.len()
    }

    /// How many documents they are of.
    pub fn documents(&self) -> usize {
        let all = self.passages.iter().map(|passage| &passage.document_id);
        all.collect::<HashSet<_>>().len()
    }

    /// The part that is to be read now; `None`: all is read.
    pub fn part(&self) -> Option<Part> {
        let given = &self.given[self.parts.get(self.next)?.clone()];
        let passages = given.iter().map(|one| &one.passage);
        Some(Part {
            reading: PartReading {
                number: self.next + 1,
                of: self.parts.len(),
                of_notes: self.rounds > 0,
            },
            passages: given.len(),
            first_chunk: given.first()?.passage.chunk_key,
            messages: notes::prompt(&self.question, passages),
        })
    }

    /// Takes what the model wrote about the part. `is_cut`: it had no room for more.
    pub fn take(&mut self, written: &str, is_cut: bool, count: Count<'_>) {
        let Some(range) = self.parts.get(self.next).cloned() else {
            return;
        };
        let given = &self.given[range];
        let passages: Vec<&Passage> = given.iter().map(|one| &one.passage).collect();
        for note in notes::read(written, is_cut, &passages) {
            let place = given[note.passage].place;
            self.notes.entry(place).or_default().push(note.text);
        }
        self.next += 1;
        if self.next < self.parts.len() {
            return;
        }
        self.rounds += 1;
        let notes = std::mem::take(&mut self.notes).into_iter();
        let given = notes.map(|(place, lines)| Given {
            place,
            passage: Passage {
                text: lines.join("\n"),
                ..self.passages[place].clone()
            },
        });
        let given = given.collect();
        self.begin_round(given, count);
    }

    /// What an answer can be written from, once all is read.
    pub fn finish(self) -> WholeRead {
        let Self {
            passages,
            given,
            rounds,
            too_long,
            beyond,
            unread,
            ..
        } = self;
        let (passages, given) = match rounds {
            0 => (passages, None),
            _ => {
                let places = given.iter().map(|one| one.place);
                let noted = places.map(|place| passages[place].clone()).collect();
                let given = given.into_iter().map(|one| one.passage);
                (noted, Some(given.collect()))
            }
        };
        WholeRead {
            passages,
            given,
            too_long,
            beyond,
            unread,
        }
    }

    /// Divides what there is to read into parts, if it is too much for a prompt.
    fn begin_round(&mut self, mut given: Vec<Given>, count: Count<'_>) {
        (self.parts, self.next) = (Vec::new(), 0);
        let numbered = given.iter().zip(1..);
        let lengths = numbered.map(|(one, number)| count(&fenced(number, &one.passage)));
        let lengths: Vec<usize> = lengths.collect();
        let is_too_much = lengths.iter().sum::<usize>() > self.answer_room;
        let divided = match is_too_much && self.rounds < MOST_ROUNDS {
            true => {
                let documents = documents(&given);
                parts::divide(&lengths, &documents, self.part_room, self.most_parts)
            }
            false => parts::Division::default(),
        };
        // In a context without room for one passage nothing can be noted; the
        // prompt of the answer then leaves out what it must.
        if !divided.parts.is_empty() {
            self.parts = divided.parts;
            self.too_long += divided.too_long;
            self.beyond += divided.beyond;
            let mut kept = divided.kept.into_iter().peekable();
            let mut place = 0;
            given.retain(|_| {
                place += 1;
                kept.next_if(|kept| *kept + 1 == place).is_some()
            });
            if self.rounds == 0 {
                self.unread = unread(&self.passages, &given);
            }
        }
        self.given = given;
    }
}

/// Which of the documents each is of, counted from 0.
fn documents(given: &[Given]) -> Vec<usize> {
    let (mut found, mut number) = (Vec::with_capacity(given.len()), 0);
    for (at, one) in given.iter().enumerate() {
        let document = &one.passage.document_id;
        number += usize::from(at > 0 && given[at - 1].passage.document_id != *document);
        found.push(number);
    }
    found
}

/// The documents of which nothing is given to be read.
fn unread(passages: &[Passage], given: &[Given]) -> LeftUnread {
    let read = given.iter().map(|one| &one.passage.document_id);
    let mut known: HashSet<_> = read.collect();
    let mut unread = LeftUnread::default();
    for passage in passages {
        if known.insert(&passage.document_id) {
            unread.add(passage);
        }
    }
    unread
}
