//! What is said of two makings of one answer.

use super::{Change, DifferenceKind, Found, Made, Side, changes, differences};
use crate::types::{
    AnswerMode, AnswerRecord, FinishReason, Omission, RecordedDocument, RecordedModel,
    RecordedPart, RecordedPassage, RecordedRetrieval, RecordedScope, RecordedWriting,
    SearchOptions, SentenceCheck, Support,
};

fn passage(document: &str, index: u32, text: &str) -> RecordedPassage {
    RecordedPassage {
        rank: 0,
        chunk: u64::from(index),
        document_id: document.into(),
        filename: format!("{document}.md"),
        chunk_index: index,
        page_number: None,
        sha256: text.to_owned(),
        score: 0.8,
        prompt_number: None,
        told_before: false,
        shown_with: Vec::new(),
        omitted: None,
    }
}

fn made(content: &str, passages: &[RecordedPassage]) -> Made {
    let model = || RecordedModel {
        name: "encoder".to_owned(),
        fingerprint: "abc".to_owned(),
    };
    let shown = passages.iter().enumerate();
    let shown = shown.map(|(place, passage)| RecordedPassage {
        rank: place + 1,
        ..passage.clone()
    });
    let mut documents: Vec<RecordedDocument> = Vec::new();
    for passage in passages {
        if documents.iter().all(|one| one.id != passage.document_id) {
            documents.push(document(passage.document_id.as_str(), "as it was"));
        }
    }
    let record = AnswerRecord {
        version: "1".to_owned(),
        mode: AnswerMode::Quotes,
        finish_reason: FinishReason::Stop,
        scope: RecordedScope::default(),
        search: SearchOptions::default(),
        retrieval: RecordedRetrieval {
            embedder: model(),
            reader: model(),
            reranker: None,
            analysis: "words".to_owned(),
        },
        searched_for: None,
        answerable: Some(0.9),
        answered: Some(true),
        checks: Some(Vec::new()),
        writing: None,
        entailment_model: None,
        shown: shown.collect(),
        skipped: Vec::new(),
        considered: Vec::new(),
        ranked: 4,
        documents,
    };
    Made {
        content: content.to_owned(),
        record,
    }
}

fn document(id: &str, content: &str) -> RecordedDocument {
    RecordedDocument {
        id: id.into(),
        filename: format!("{id}.md"),
        sha256: content.to_owned(),
    }
}

fn kinds(first: &Made, again: &Made, now: &[RecordedDocument]) -> Vec<&'static str> {
    let found = differences(first, again, now, false).into_iter();
    found.map(|one| one.kind.as_str()).collect()
}

#[test]
fn nothing_differs_between_an_answer_and_itself() {
    let one = made(
        "It burns oil.",
        &[passage("a", 0, "oil"), passage("b", 3, "gas")],
    );
    let now = one.record.documents.clone();
    assert_eq!(kinds(&one, &one, &now), [] as [&str; 0]);
    assert!(changes(&one.content, &one.content).is_empty());
}

#[test]
fn passages_are_told_as_gone_new_changed_and_moved() {
    let (a, b, c) = (
        passage("a", 0, "x"),
        passage("a", 1, "y"),
        passage("a", 2, "z"),
    );
    let first = made("It is so.", &[a.clone(), b.clone(), c.clone()]);
    let now = first.record.documents.clone();
    let shorter = made("It is so.", &[a.clone(), c.clone()]);
    assert_eq!(kinds(&first, &shorter, &now), ["passage_gone"]);
    assert_eq!(kinds(&shorter, &first, &now), ["passage_new"]);
    let turned = made("It is so.", &[b.clone(), a.clone(), c.clone()]);
    let moved = ["passage_moved", "passage_moved"];
    assert_eq!(kinds(&first, &turned, &now), moved);
    let other = passage("a", 1, "other words");
    let changed = made("It is so.", &[a.clone(), other, c.clone()]);
    assert_eq!(kinds(&first, &changed, &now), ["passage_changed"]);
}

#[test]
fn passage_with_the_same_text_is_the_same_wherever_it_stands_in_its_document() {
    let first = made("It is so.", &[passage("a", 0, "x"), passage("a", 1, "y")]);
    let again = made("It is so.", &[passage("a", 4, "x"), passage("a", 0, "y")]);
    let now = first.record.documents.clone();
    assert_eq!(kinds(&first, &again, &now), [] as [&str; 0]);
}

#[test]
fn document_that_is_gone_or_replaced_is_named() {
    let first = made("It is so.", &[passage("a", 0, "x"), passage("b", 0, "y")]);
    let again = made("It is so.", &[passage("b", 0, "y")]);
    let now = [document("b", "another content")];
    let found = differences(&first, &again, &now, false);
    let texts: Vec<&str> = found.iter().map(|one| one.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "a.md is not there any more",
            "b.md has another content",
            "passage 0 of a.md is not found any more, for its document is gone",
        ]
    );
    assert_eq!(found[0].document_id, Some("a".into()));
    assert!(found.iter().all(|one| one.kind.is_of_outcome()));
}

#[test]
fn passage_that_is_found_and_no_longer_used_is_told() {
    let first = made("It is so.", &[passage("a", 0, "x")]);
    let mut again = first.clone();
    let mut skipped = again.record.shown.remove(0);
    skipped.omitted = Some(Omission::LeftOut);
    again.record.skipped.push(skipped);
    let now = first.record.documents.clone();
    assert_eq!(kinds(&first, &again, &now), ["passage_use"]);
}

#[test]
fn what_it_was_made_with_is_told_and_is_not_of_the_outcome() {
    let first = made("It is so.", &[]);
    let mut again = first.clone();
    again.record.version = "2".to_owned();
    again.record.retrieval.embedder.fingerprint = "def".to_owned();
    let found = differences(&first, &again, &[], false);
    let told: Vec<_> = found.iter().map(|one| one.kind).collect();
    assert_eq!(told, [DifferenceKind::Version, DifferenceKind::Embedder]);
    assert!(!found.iter().any(|one| one.kind.is_of_outcome()));
    assert_eq!(found[0].text, "satchel's version: first 1, now 2");
}

#[test]
fn entailment_model_that_is_another_or_gone_is_told_where_a_chat_model_wrote() {
    let judged = |name: &str, writing: bool| {
        let mut made = made("It is so.", &[]);
        made.record.writing = writing.then(written);
        made.record.entailment_model = (!name.is_empty()).then(|| RecordedModel {
            name: name.to_owned(),
            fingerprint: format!("hash of {name}"),
        });
        made
    };
    let (first, other, none) = (judged("a", true), judged("b", true), judged("", true));
    assert_eq!(kinds(&first, &first, &[]), [] as [&str; 0]);
    assert_eq!(kinds(&first, &other, &[]), ["entailment_model"]);
    let found = differences(&first, &none, &[], false);
    assert_eq!(found[0].text, "entailment model: first a, now none");
    assert_eq!(found[0].first.as_deref(), Some("hash of a"));
    assert_eq!(found[0].again, None);
    assert!(!found[0].kind.is_of_outcome());
    let quoted = judged("", false);
    assert_eq!(kinds(&judged("a", false), &quoted, &[]), [] as [&str; 0]);
}

/// How a chat model wrote.
fn written() -> RecordedWriting {
    RecordedWriting {
        model: RecordedModel {
            name: "writer".to_owned(),
            fingerprint: "abc".to_owned(),
        },
        file: "writer.gguf".to_owned(),
        quantization: "Q8_0".to_owned(),
        device: "cpu".to_owned(),
        context_tokens: 4096,
        prompt_sha256: "def".to_owned(),
        prompt_tokens: 10,
        temperature: 0.2,
        top_p: 0.9,
        seed: 1,
        max_tokens: 512,
        parts: Vec::new(),
        thinking_tokens: None,
        slow_passages: 0,
        earlier: Vec::new(),
        raw: None,
    }
}

#[test]
fn first_sentence_that_differs_is_quoted_and_the_others_are_lined_up() {
    let first = made("It burns oil. It is high. It is old.", &[]);
    let again = made("It burns oil. It is 41 metres high. It is old.", &[]);
    let found = differences(&first, &again, &[], false);
    assert_eq!(found[0].text, "the answer differs from its sentence 2 on");
    assert_eq!(found[0].first.as_deref(), Some("It is high."));
    let line = |side, sentence: &str| Change {
        side,
        sentence: sentence.to_owned(),
    };
    assert_eq!(
        changes(&first.content, &again.content),
        [
            line(Side::Both, "It burns oil."),
            line(Side::First, "It is high."),
            line(Side::Again, "It is 41 metres high."),
            line(Side::Both, "It is old."),
        ]
    );
}

/// An answer of sentences, each with what checking it found.
fn checked(sentences: &[(&str, Support)]) -> Made {
    let mut content = String::new();
    let mut checks = Vec::new();
    for (sentence, support) in sentences {
        let start = content.len();
        content += sentence;
        checks.push(SentenceCheck {
            start,
            end: content.len(),
            support: *support,
            citations: Vec::new(),
            score: 0.5,
        });
        content.push(' ');
    }
    let mut made = made(&content, &[]);
    made.record.checks = Some(checks);
    made
}

#[test]
fn sentence_that_is_borne_out_otherwise_is_told_though_its_markers_went() {
    use Support::{Supported, Unsupported, Weak};
    let first = checked(&[("It burns oil [1].", Supported), ("It is high [2].", Weak)]);
    let again = checked(&[("It burns oil.", Unsupported), ("It is high [1].", Weak)]);
    let found = differences(&first, &again, &[], false);
    let told: Vec<_> = found.iter().map(|one| one.kind).collect();
    assert_eq!(told, [DifferenceKind::Verdict, DifferenceKind::Answer]);
    let text = "\"It burns oil.\" was supported and is unsupported";
    assert_eq!(found[0].text, text);
    assert_eq!(found[0].again.as_deref(), Some("unsupported"));
    assert!(found[0].kind.is_of_outcome());
    let other = checked(&[
        ("It burns oil [1].", Supported),
        ("It is high [2].", Supported),
    ]);
    assert_eq!(kinds(&first, &other, &[]), ["verdict"]);
}

#[test]
fn question_that_is_answered_no_more_is_told() {
    let first = made("It is so.", &[]);
    let mut again = first.clone();
    again.record.answered = Some(false);
    let found = differences(&first, &again, &[], false);
    assert_eq!(found[0].kind.as_str(), "answered");
    assert_eq!(found[0].text, "the question is answered: first yes, now no");
    assert!(found[0].kind.is_of_outcome());
}

#[test]
fn record_that_is_older_than_verdicts_is_read_and_compared_without_them() {
    let again = checked(&[("It burns oil [1].", Support::Weak)]);
    let mut older = serde_json::to_value(&again.record).unwrap();
    for name in ["answered", "checks"] {
        older.as_object_mut().unwrap().remove(name).unwrap();
    }
    let first = Made {
        content: again.content.clone(),
        record: serde_json::from_value(older).unwrap(),
    };
    assert_eq!((first.record.answered, &first.record.checks), (None, &None));
    assert_eq!(first.record.answerable, Some(0.9));
    assert_eq!(kinds(&first, &again, &[]), [] as [&str; 0]);
}

#[test]
fn first_part_whose_notes_or_prompt_differ_is_named() {
    let part = |prompt: &str, notes: &str| RecordedPart {
        first_chunk: 7,
        passages: 3,
        of_notes: false,
        prompt_sha256: prompt.to_owned(),
        prompt_tokens: 900,
        notes_sha256: notes.to_owned(),
    };
    let told = |first: &[RecordedPart], again: &[RecordedPart]| {
        let mut found = Found(Vec::new());
        found.of_parts(first, again);
        let texts = found.0.into_iter().map(|one| (one.kind, one.text));
        texts.collect::<Vec<_>>()
    };
    let first = [part("a", "x"), part("b", "y"), part("c", "z")];
    assert_eq!(told(&first, &first), []);
    let other = [part("a", "x"), part("b", "other"), part("other", "z")];
    let notes = "notes on part 2: not the same".to_owned();
    assert_eq!(told(&first, &other), [(DifferenceKind::Notes, notes)]);
    let fewer = [part("other", "x")];
    let texts: Vec<String> = told(&first, &fewer).into_iter().map(|one| one.1).collect();
    assert_eq!(
        texts,
        [
            "parts that notes were taken on: first 3, now 1",
            "prompt of part 1: not the same"
        ]
    );
}
