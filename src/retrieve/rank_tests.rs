//! Facts about what of the ranked candidates is given back.

use super::{Candidate, Ranked, order, select};
use crate::engine::encoder::Known;
use crate::retrieve::overview::whole;
use crate::store::StoredChunk;
use crate::types::{Chunk, Omission, Placement, SearchOptions, SearchTimes, SearchType, char_len};

const GATE: &str = "Visitors sign in at the gate.";

pub(in crate::retrieve) fn candidate(key: u64, text: &str, relevance: f32) -> Candidate {
    let chunk = Chunk {
        key,
        document_key: key,
        dataset_key: 1,
        document_id: format!("document {key}").into(),
        index: 0,
        page: 1,
        start: 0,
        end: char_len(text),
        heading_path: Vec::new(),
        text: text.to_owned(),
    };
    let stored = StoredChunk {
        chunk,
        dataset_id: "set".into(),
        external_id: None,
        filename: format!("{key}.txt"),
        title: None,
        paged: false,
        placement: Placement::default(),
    };
    Candidate {
        fused: relevance,
        relevance,
        ..whole(stored)
    }
}

/// The keys of what is given back, and of what is not, with the reasons.
fn selected(
    candidates: Vec<Candidate>,
    options: &SearchOptions,
) -> (Vec<u64>, Vec<(u64, Omission)>) {
    let ranked = Ranked {
        candidates,
        answerable: 1.0,
        reading: None,
        abroad: 0.0,
        known: Known::default(),
        times: SearchTimes::default(),
    };
    let (passages, over) = select(ranked, options, |keys| Ok(vec![None; keys.len()])).unwrap();
    let passages = passages.iter().map(|passage| passage.chunk_key);
    let over = over.iter().map(|one| (one.passage.chunk_key, one.reason));
    (passages.collect(), over.collect())
}

#[test]
fn passages_with_the_same_text_are_shown_once() {
    for search_type in [SearchType::Hybrid, SearchType::Mmr] {
        let candidates = vec![
            candidate(1, GATE, 0.9),
            candidate(2, "VISITORS sign in\n\n at the  gate. ", 0.8),
            candidate(3, "The gate closes at six.", 0.7),
            candidate(4, GATE, 0.6),
            candidate(5, "The canteen opens at noon.", 0.5),
        ];
        let options = SearchOptions {
            search_type,
            k: 2,
            score_threshold: 0.0,
            ..SearchOptions::default()
        };
        let (shown, over) = selected(candidates, &options);
        assert_eq!(shown, [1, 3], "{options:?}");
        let repeated = |key| (key, Omission::Repeated);
        assert_eq!(
            over,
            [repeated(2), repeated(4), (5, Omission::Outranked)],
            "{options:?}"
        );
    }
}

#[test]
fn passages_that_differ_in_one_letter_are_all_shown() {
    let candidates = vec![
        candidate(1, "Das Boot ist schön gestrichen.", 0.9),
        candidate(2, "Das Boot ist schon gestrichen.", 0.8),
    ];
    let (shown, over) = selected(candidates, &SearchOptions::default());
    assert_eq!((&shown[..], over.len()), (&[1, 2][..], 0));
}

#[test]
fn copy_that_is_not_relevant_enough_is_said_to_be_that() {
    let candidates = vec![candidate(1, GATE, 0.9), candidate(2, GATE, 0.2)];
    let (shown, over) = selected(candidates, &SearchOptions::default());
    assert_eq!(shown, [1]);
    assert_eq!(over, [(2, Omission::BelowThreshold)]);
}

#[test]
fn reranker_orders_what_it_read_behind_what_is_named_to_the_letter() {
    let read = |key: u64, fused: f32, reranked: Option<f32>| Candidate {
        reranked,
        ..candidate(key, &format!("The gate number {key} is open."), fused)
    };
    let named = Candidate {
        exact: 1.0,
        ..read(2, 0.8, Some(0.1))
    };
    let candidates = vec![
        named,
        read(1, 0.9, Some(0.2)),
        read(3, 0.7, Some(0.9)),
        read(4, 0.6, Some(0.5)),
        // Beyond what it was given to read, in the order of before.
        read(5, 0.5, None),
        read(6, 0.4, None),
    ];
    let ordered = order(candidates, &SearchOptions::default(), 0.0);
    let keys: Vec<u64> = ordered.iter().map(|one| one.stored.chunk.key).collect();
    assert_eq!(keys, [2, 3, 4, 1, 5, 6]);
}
