//! What differs between two makings of one answer. Must not make any.

use super::difference::{Change, Difference, DifferenceKind, Side};
use crate::answer::markers;
use crate::extract::sentences;
use crate::types::{
    AnswerMode, AnswerRecord, RecordedDocument, RecordedPart, RecordedPassage, RecordedWriting,
    Support, slice_chars,
};
use std::collections::HashSet;

/// Sentences of each answer that are compared; what follows counts as one.
const MOST_SENTENCES: usize = 400;

/// Characters of a sentence by which it is named.
const NAMED_BY: usize = 80;

/// An answer with how it came about.
#[derive(Debug, Clone, PartialEq)]
pub struct Made {
    pub content: String,
    pub record: AnswerRecord,
}

/// What differs, what it was made with first. `documents` are those of the
/// first answer that are there now; `past_is_lost` says that something of the
/// conversation could not be sent as it was.
pub(super) fn differences(
    first: &Made,
    again: &Made,
    documents: &[RecordedDocument],
    past_is_lost: bool,
) -> Vec<Difference> {
    let mut found = Found(Vec::new());
    found.of_making(&first.record, &again.record);
    found.of_writing(
        first.record.writing.as_ref(),
        again.record.writing.as_ref(),
        past_is_lost,
    );
    found.of_judging(&first.record, &again.record);
    found.of_documents(&first.record, documents);
    found.of_passages(&first.record, &again.record, documents);
    found.of_answer(first, again);
    found.0
}

struct Found(Vec<Difference>);

impl Found {
    /// Notes two values, unless they are the same.
    fn pair(&mut self, kind: DifferenceKind, what: &str, first: &str, again: &str) {
        if first != again {
            self.note(
                kind,
                format!("{what}: first {}, now {}", shown(first), shown(again)),
                Some(first),
                Some(again),
            );
        }
    }

    fn note(
        &mut self,
        kind: DifferenceKind,
        text: String,
        first: Option<&str>,
        again: Option<&str>,
    ) {
        self.0.push(Difference {
            kind,
            text,
            first: first.map(str::to_owned),
            again: again.map(str::to_owned),
            document_id: None,
            chunk_index: None,
        });
    }

    fn about(&mut self, kind: DifferenceKind, passage: &RecordedPassage, text: String) {
        self.0.push(Difference {
            kind,
            text,
            first: None,
            again: None,
            document_id: Some(passage.document_id.clone()),
            chunk_index: Some(passage.chunk_index),
        });
    }

    fn of_making(&mut self, first: &AnswerRecord, again: &AnswerRecord) {
        use DifferenceKind::{
            Analysis, Datasets, Embedder, Reader, Reranker, SearchedFor, Version,
        };
        self.pair(Version, "satchel's version", &first.version, &again.version);
        let (old, new) = (&first.retrieval, &again.retrieval);
        for (kind, what, old, new) in [
            (Embedder, "embedding model", &old.embedder, &new.embedder),
            (
                Reader,
                "model that reads sentences",
                &old.reader,
                &new.reader,
            ),
        ] {
            if old.fingerprint != new.fingerprint {
                let text = format!("{what}: first {}, now {}", old.name, new.name);
                self.note(kind, text, Some(&old.fingerprint), Some(&new.fingerprint));
            }
        }
        if first.search.rerank {
            let name = |name: &Option<String>| name.clone().unwrap_or_default();
            let (old, new) = (name(&old.reranker), name(&new.reranker));
            self.pair(Reranker, "reranking model", &old, &new);
        }
        self.pair(Analysis, "keyword index", &old.analysis, &new.analysis);
        let searched = |record: &AnswerRecord| {
            let ids = record.scope.searched.iter().map(ToString::to_string);
            let mut ids: Vec<String> = ids.collect();
            ids.sort();
            ids.join(" ")
        };
        let what = "datasets searched";
        self.pair(Datasets, what, &searched(first), &searched(again));
        let words = |record: &AnswerRecord| record.searched_for.clone().unwrap_or_default();
        self.pair(SearchedFor, "searched for", &words(first), &words(again));
    }

    fn of_writing(
        &mut self,
        first: Option<&RecordedWriting>,
        again: Option<&RecordedWriting>,
        past_is_lost: bool,
    ) {
        use DifferenceKind::{Conversation, Model, Prompt};
        let (Some(first), Some(again)) = (first, again) else {
            // That there is none any more is told by the mode.
            return;
        };
        if first.model.fingerprint != again.model.fingerprint {
            let text = format!("chat model: first {}, now {}", first.file, again.file);
            let prints = (&first.model.fingerprint, &again.model.fingerprint);
            self.note(Model, text, Some(prints.0), Some(prints.1));
        }
        self.pair(Model, "chat model runs on", &first.device, &again.device);
        let context = |writing: &RecordedWriting| writing.context_tokens.to_string();
        let what = "chat model's context in tokens";
        self.pair(Model, what, &context(first), &context(again));
        if past_is_lost {
            let text = "the conversation before the question cannot be sent as it was";
            self.note(Conversation, text.to_owned(), None, None);
        }
        if first.prompt_sha256 != again.prompt_sha256 {
            let text = format!(
                "prompt: first {} tokens, now {}; not the same ones",
                first.prompt_tokens, again.prompt_tokens
            );
            let hashes = (&first.prompt_sha256, &again.prompt_sha256);
            self.note(Prompt, text, Some(hashes.0), Some(hashes.1));
        }
        self.of_parts(&first.parts, &again.parts);
    }

    /// Of documents that were read part by part, the first part that differs.
    fn of_parts(&mut self, first: &[RecordedPart], again: &[RecordedPart]) {
        let count = |parts: &[RecordedPart]| parts.len().to_string();
        let what = "parts that notes were taken on";
        self.pair(DifferenceKind::Notes, what, &count(first), &count(again));
        let mut pairs = first.iter().zip(again).zip(1..);
        let Some(((old, new), number)) = pairs.find(|((old, new), _)| old != new) else {
            return;
        };
        let (what, old, new) = match old.prompt_sha256 == new.prompt_sha256 {
            true => ("notes on part", &old.notes_sha256, &new.notes_sha256),
            false => ("prompt of part", &old.prompt_sha256, &new.prompt_sha256),
        };
        let text = format!("{what} {number}: not the same");
        self.note(DifferenceKind::Notes, text, Some(old), Some(new));
    }

    /// Whether another model judged what a chat model wrote.
    fn of_judging(&mut self, first: &AnswerRecord, again: &AnswerRecord) {
        if first.writing.is_none() || again.writing.is_none() {
            return;
        }
        let [old, new] = [first, again].map(|record| record.entailment_model.as_ref());
        let prints = [old, new].map(|model| model.map(|model| model.fingerprint.as_str()));
        if prints[0] != prints[1] {
            let names = [old, new].map(|model| model.map_or("", |model| model.name.as_str()));
            let [old, new] = names.map(shown);
            let text = format!("entailment model: first {old}, now {new}");
            self.note(DifferenceKind::EntailmentModel, text, prints[0], prints[1]);
        }
    }

    fn of_documents(&mut self, first: &AnswerRecord, now: &[RecordedDocument]) {
        for document in &first.documents {
            let present = now.iter().find(|one| one.id == document.id);
            let (kind, text, hash) = match present {
                None => (
                    DifferenceKind::DocumentGone,
                    format!("{} is not there any more", document.filename),
                    None,
                ),
                Some(one) if one.sha256 != document.sha256 => (
                    DifferenceKind::DocumentReplaced,
                    format!("{} has another content", document.filename),
                    Some(one.sha256.clone()),
                ),
                Some(_) => continue,
            };
            self.0.push(Difference {
                kind,
                text,
                first: Some(document.sha256.clone()),
                again: hash,
                document_id: Some(document.id.clone()),
                chunk_index: None,
            });
        }
    }

    fn of_passages(
        &mut self,
        first: &AnswerRecord,
        again: &AnswerRecord,
        now: &[RecordedDocument],
    ) {
        let (old, new) = (first.found(), again.found());
        let pairs = matched(&old, &new);
        for (place, passage) in old.iter().enumerate() {
            if pairs.iter().all(|(from, _)| *from != place) {
                let text = format!(
                    "{} is not found any more{}",
                    name(passage),
                    why(passage, again, now)
                );
                self.about(DifferenceKind::PassageGone, passage, text);
            }
        }
        for (place, passage) in new.iter().enumerate() {
            if pairs.iter().all(|(_, to)| *to != place) {
                let text = format!("{} is found as number {}", name(passage), passage.rank);
                self.about(DifferenceKind::PassageNew, passage, text);
            }
        }
        let mut order: Vec<usize> = pairs.iter().map(|(_, to)| *to).collect();
        order.sort_unstable();
        for (place, (from, to)) in pairs.iter().enumerate() {
            let (before, after) = (old[*from], new[*to]);
            if before.sha256 != after.sha256 {
                let text = format!("{} has another text", name(before));
                self.about(DifferenceKind::PassageChanged, before, text);
            }
            if order[place] != *to {
                let (rank, now) = (before.rank, after.rank);
                let text = format!("{} was number {rank} and is number {now}", name(before));
                self.about(DifferenceKind::PassageMoved, before, text);
            }
            if before.omitted.is_none() != after.omitted.is_none() {
                let text = match after.omitted {
                    None => format!("{} is used for the answer now", name(before)),
                    Some(_) => format!("{} is not used for the answer any more", name(before)),
                };
                self.about(DifferenceKind::PassageUse, before, text);
            }
        }
    }

    fn of_answer(&mut self, first: &Made, again: &Made) {
        use DifferenceKind::{Answer, Answered, Finish, Mode};
        let mode = |made: &Made| match &made.record.mode {
            AnswerMode::Quotes => "quotes",
            AnswerMode::Model { .. } => "a chat model",
            AnswerMode::NothingFound => "nothing found",
        };
        self.pair(Mode, "answered by", mode(first), mode(again));
        let finish = |made: &Made| made.record.finish_reason.as_str();
        self.pair(Finish, "the answer ended by", finish(first), finish(again));
        let answered = |made: &Made| made.record.answered;
        if let (Some(old), Some(new)) = (answered(first), answered(again)) {
            let [old, new] = [old, new].map(|answered| if answered { "yes" } else { "no" });
            self.pair(Answered, "the question is answered", old, new);
        }
        self.of_verdicts(first, again);
        if first.content == again.content {
            return;
        }
        let (old, new) = (parts(&first.content), parts(&again.content));
        let same = old.iter().zip(&new).take_while(|(old, new)| old == new);
        let at = same.count();
        let text = format!("the answer differs from its sentence {} on", at + 1);
        let sentence = |parts: &[&str]| parts.get(at).map(ToString::to_string);
        let (old, new) = (sentence(&old), sentence(&new));
        self.note(Answer, text, old.as_deref(), new.as_deref());
    }
}

impl Found {
    /// Sentences that both answers have, of which checking found something else.
    fn of_verdicts(&mut self, first: &Made, again: &Made) {
        let mut new = verdicts(again);
        for (sentence, was) in verdicts(first) {
            let Some(place) = new.iter().position(|(other, _)| *other == sentence) else {
                continue;
            };
            let (_, is) = new.remove(place);
            if was != is {
                let (was, is) = (was.as_str(), is.as_str());
                let named: String = sentence.chars().take(NAMED_BY).collect();
                let text = format!("\"{named}\" was {was} and is {is}");
                self.note(DifferenceKind::Verdict, text, Some(was), Some(is));
            }
        }
    }
}

/// The sentences that were checked, without their markers, and what was found.
fn verdicts(made: &Made) -> Vec<(String, Support)> {
    let checks = made.record.checks.iter().flatten();
    let checked = checks.map(|check| {
        let sentence = slice_chars(&made.content, check.start..check.end);
        let (mut bare, mut at) = (String::new(), 0);
        for marker in markers(sentence) {
            bare.push_str(sentence[at..marker.range.start].trim_end());
            at = marker.range.end;
        }
        bare.push_str(&sentence[at..]);
        (bare.trim().to_owned(), check.support)
    });
    checked.collect()
}

fn shown(value: &str) -> &str {
    match value {
        "" => "none",
        value => value,
    }
}

fn name(passage: &RecordedPassage) -> String {
    let (file, chunk) = (&passage.filename, passage.chunk_index);
    match passage.page_number {
        Some(page) => format!("passage {chunk} of {file} (page {page})"),
        None => format!("passage {chunk} of {file}"),
    }
}

/// Why a passage is found no more, as far as that is known.
fn why(passage: &RecordedPassage, again: &AnswerRecord, now: &[RecordedDocument]) -> &'static str {
    let same = |one: &RecordedPassage| one.chunk == passage.chunk;
    if now.iter().all(|one| one.id != passage.document_id) {
        ", for its document is gone"
    } else if again.considered.iter().any(same) {
        ", for others are taken"
    } else {
        ""
    }
}

/// Which passage is which: of the same document the one with the same text,
/// else the one in the same place. In the order of the first list.
fn matched(old: &[&RecordedPassage], new: &[&RecordedPassage]) -> Vec<(usize, usize)> {
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    for by_text in [true, false] {
        for (from, before) in old.iter().enumerate() {
            if pairs.iter().any(|(known, _)| *known == from) {
                continue;
            }
            let taken: HashSet<usize> = pairs.iter().map(|(_, to)| *to).collect();
            let found = new.iter().enumerate().position(|(to, after)| {
                let same = match by_text {
                    true => before.sha256 == after.sha256,
                    false => before.chunk_index == after.chunk_index,
                };
                same && before.document_id == after.document_id && !taken.contains(&to)
            });
            pairs.extend(found.map(|to| (from, to)));
        }
    }
    pairs.sort_unstable();
    pairs
}

/// The sentences of a text.
fn parts(text: &str) -> Vec<&str> {
    let mut ranges = sentences(text);
    let more = ranges.len() > MOST_SENTENCES;
    ranges.truncate(MOST_SENTENCES);
    let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    let byte = |at: usize| starts.get(at).copied().unwrap_or(text.len());
    let mut parts: Vec<&str> = ranges
        .iter()
        .map(|range| &text[byte(range.start)..byte(range.end)])
        .collect();
    if let Some(last) = ranges.last().filter(|_| more) {
        parts.push(&text[byte(last.end)..]);
    }
    parts
}

/// The sentences of two answers in order, each with who has it; none if both
/// are the same.
pub(super) fn changes(first: &str, again: &str) -> Vec<Change> {
    if first == again {
        return Vec::new();
    }
    let (old, new) = (parts(first), parts(again));
    // How many sentences two rests have in common, at their best.
    let mut common = vec![vec![0_usize; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i][j] = match old[i] == new[j] {
                true => common[i + 1][j + 1] + 1,
                false => common[i + 1][j].max(common[i][j + 1]),
            };
        }
    }
    let mut changes = Vec::new();
    let mut add = |side: Side, sentence: &str| {
        let sentence = sentence.to_owned();
        changes.push(Change { side, sentence });
    };
    let (mut i, mut j) = (0, 0);
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            add(Side::Both, old[i]);
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || (i < old.len() && common[i + 1][j] >= common[i][j + 1]) {
            add(Side::First, old[i]);
            i += 1;
        } else {
            add(Side::Again, new[j]);
            j += 1;
        }
    }
    changes
}

#[cfg(test)]
#[path = "differing_tests.rs"]
mod tests;
