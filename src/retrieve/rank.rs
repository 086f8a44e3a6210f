//! The order of the candidates, what of it passes the threshold, and what of
//! that is given back.

use super::{Candidate, PassedOver, Reading, RetrieveError, calibrate, diversity, mmr};
use crate::engine::encoder::Known;
use crate::types::{Omission, Passage, PassageScores, SearchOptions, SearchTimes, SearchType};
use std::collections::HashSet;

/// The candidates, best first.
#[derive(Debug, Clone)]
pub struct Ranked {
    pub candidates: Vec<Candidate>,
    /// How likely it is that the documents answer the question at all, 0-1.
    pub answerable: f32,
    /// What the first says about the question; `None` where there is none, or
    /// where the bundled model knows none of the question's words.
    pub reading: Option<Reading>,
    /// How far the question's words are from what the embedding model knows, 0-1.
    pub abroad: f32,
    /// The sentences of the first, as they were read.
    pub known: Known,
    pub times: SearchTimes,
}

/// Weight of late interaction against the fused score, both 0-1 over the
/// candidates. As a reranker it is no better than the fused score (alone it
/// costs .04 of Cranfield's nDCG@10); at this weight it gains a little on
/// Cranfield and ClapNQ and takes nothing from XQuAD.
const CLOSE_WEIGHT: f32 = 0.1;

/// What a passage is worth at least that has to the letter all that the question
/// names so: it passes the contract's default threshold.
const EXACT_RELEVANCE: f32 = 0.75;

/// Most passages of which it is said that they were not given back.
const MOST_PASSED_OVER: usize = 50;

/// Orders the candidates and says how relevant each is; `abroad` is 1 where the
/// encoder does not know the question's words.
pub(super) fn order(
    mut candidates: Vec<Candidate>,
    options: &SearchOptions,
    abroad: f32,
) -> Vec<Candidate> {
    let scores = calibrate::relevance(&candidates, abroad);
    for (candidate, score) in candidates.iter_mut().zip(scores) {
        let exact = candidate.exact >= 1.0;
        candidate.relevance = if exact {
            score.max(EXACT_RELEVANCE)
        } else {
            score
        };
    }
    reorder(&mut candidates);
    let mut scores: Vec<f32> = candidates.iter().map(|c| c.relevance).collect();
    if options.search_type != SearchType::Mmr {
        calibrate::never_rising(&mut scores, options.k);
    }
    for (candidate, score) in candidates.iter_mut().zip(scores) {
        candidate.relevance = score;
    }
    candidates
}

/// Lets the reranker order the candidates that it read, or late interaction
/// move those where it was computed.
fn reorder(candidates: &mut [Candidate]) {
    let reranked = candidates
        .iter()
        .take_while(|candidate| candidate.reranked.is_some())
        .count();
    if reranked > 0 {
        let score = |candidate: &Candidate| candidate.reranked.unwrap_or(0.0);
        sort_by(&mut candidates[..reranked], score);
        return;
    }
    let read = candidates
        .iter()
        .take_while(|candidate| candidate.late_interaction.is_some())
        .count();
    let close = |candidate: &Candidate| candidate.late_interaction.unwrap_or(0.0);
    let values = candidates[..read].iter().map(close);
    let (low, high) = values.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    if high <= low {
        return;
    }
    let score = |candidate: &Candidate| {
        let close = (close(candidate) - low) / (high - low);
        CLOSE_WEIGHT * close + (1.0 - CLOSE_WEIGHT) * candidate.fused
    };
    sort_by(&mut candidates[..read], score);
}

/// Best score first, but what the question names to the letter before all.
fn sort_by(candidates: &mut [Candidate], score: impl Fn(&Candidate) -> f32) {
    candidates.sort_by(|a, b| {
        let exact = b.exact.total_cmp(&a.exact);
        exact.then_with(|| score(b).total_cmp(&score(a)))
    });
}

/// What is given back, at most `k` passages that reach the threshold, and the
/// best of what is not.
pub(super) fn select(
    ranked: Ranked,
    options: &SearchOptions,
    vectors: impl FnOnce(&[u64]) -> Result<Vec<Option<Vec<f32>>>, RetrieveError>,
) -> Result<(Vec<Passage>, Vec<PassedOver>), RetrieveError> {
    let reaches = |candidate: &Candidate| candidate.relevance >= options.score_threshold;
    let (passing, below): (Vec<_>, Vec<_>) = ranked.candidates.into_iter().partition(reaches);
    let (mut passing, repeated) = each_text_once(passing);
    // Another order than the fused score's has its own reasons.
    if options.search_type == SearchType::Hybrid && !options.rerank {
        diversity::take_turns(&mut passing);
    }
    let (mut unpicked, mut far) = (Vec::new(), Vec::new());
    if options.search_type == SearchType::Mmr {
        far = passing.split_off(passing.len().min(options.fetch_k.max(options.k)));
        let keys: Vec<u64> = passing.iter().map(|c| c.stored.chunk.key).collect();
        let relevance: Vec<f32> = passing.iter().map(|c| c.fused + c.exact).collect();
        let picked = mmr::pick(&relevance, &vectors(&keys)?, options.lambda_mult, options.k);
        let mut slots: Vec<_> = passing.into_iter().map(Some).collect();
        passing = picked.into_iter().filter_map(|n| slots[n].take()).collect();
        unpicked = slots.into_iter().flatten().collect();
    }
    let beyond = passing.split_off(passing.len().min(options.k));
    let outranked = beyond.into_iter().chain(unpicked).chain(far);
    let outranked = outranked.map(|one| (one, Omission::Outranked));
    let repeated = repeated.into_iter().map(|one| (one, Omission::Repeated));
    let below = below.into_iter().map(|one| (one, Omission::BelowThreshold));
    let passed_over = repeated.chain(outranked).chain(below);
    let passed_over = passed_over.take(MOST_PASSED_OVER);
    let passed_over = passed_over.map(|(candidate, reason)| PassedOver {
        passage: passage(candidate),
        reason,
    });
    Ok((
        passing.into_iter().map(passage).collect(),
        passed_over.collect(),
    ))
}

/// Of candidates with the same text the first, then the others: copies of a
/// document and pages that are the same everywhere say nothing new, and would
/// take the places of those that do.
fn each_text_once(candidates: Vec<Candidate>) -> (Vec<Candidate>, Vec<Candidate>) {
    let mut seen = HashSet::new();
    candidates
        .into_iter()
        .partition(|candidate| seen.insert(folded(&candidate.stored.chunk.text)))
}

/// A text without what two copies of it may differ in: white space and case.
fn folded(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

pub(super) fn passage(candidate: Candidate) -> Passage {
    let stored = candidate.stored;
    let chunk = stored.chunk;
    Passage {
        chunk_key: chunk.key,
        document_id: chunk.document_id,
        external_id: stored.external_id,
        dataset_id: stored.dataset_id,
        title: stored.title.unwrap_or_else(|| stored.filename.clone()),
        filename: stored.filename,
        chunk_index: chunk.index,
        page: chunk.page,
        page_number: stored.paged.then_some(chunk.page),
        start: chunk.start,
        end: chunk.end,
        heading_path: chunk.heading_path,
        placement: stored.placement,
        text: chunk.text,
        score: candidate.relevance,
        scores: PassageScores {
            bm25: candidate.bm25,
            cosine: candidate.cosine,
            fused: candidate.fused,
            late_interaction: candidate.late_interaction,
            reranked: candidate.reranked,
        },
    }
}

#[cfg(test)]
#[path = "rank_tests.rs"]
pub(super) mod tests;
