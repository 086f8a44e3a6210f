//! The passages that may answer: found by the indexes, read from the database,
//! with every score that ranking and calibration need.

use super::exact::Exact;
use super::fuse::{Scores, dense_weight, fuse};
use super::{RetrieveError, Retriever, milliseconds, wording};
use crate::engine::encoder::{Encoding, Reranker, late_interaction};
use crate::lexical;
use crate::store::StoredChunk;
use crate::types::{SearchScope, SearchTimes, SearchType};
use crate::vectors;
use std::collections::HashMap;
use std::time::Instant;

/// How many hits each index is asked for at least: both scales are taken over
/// them.
const POOL: usize = 100;

/// A passage that may answer, with its scores.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub stored: StoredChunk,
    /// `None` where keywords did not find it.
    pub bm25: Option<f32>,
    /// `None` where it has no vector yet.
    pub cosine: Option<f32>,
    /// The share of the question's terms that it holds, by weight.
    pub coverage: f32,
    /// The share of its identifiers and phrases that it holds to the letter.
    pub exact: f32,
    /// What it is ranked by: both scores, and how it words what is asked.
    pub fused: f32,
    /// Present where it was read closely.
    pub late_interaction: Option<f32>,
    /// Present where the reranker read it, 0-1.
    pub reranked: Option<f32>,
    /// How likely it answers the question, 0-1.
    pub relevance: f32,
}

/// The question as the indexes are asked.
pub(super) struct Asked<'a> {
    pub(super) query: &'a str,
    /// The question's vector.
    pub(super) vector: &'a [f32],
    /// 1 where the encoder does not know the question's words.
    pub(super) abroad: f32,
}

impl Candidate {
    /// The words that people gave the passage as its subject: the title of the
    /// document, if it has one, and the headings.
    pub(super) fn titles(&self) -> String {
        let title = self.stored.title.as_deref().unwrap_or_default();
        let headings = self.stored.chunk.heading_path.join(" ");
        format!("{title} {headings}")
    }
}

impl Retriever {
    /// The `wanted` best candidates by the search type's own score, best first.
    pub(super) fn candidates(
        &self,
        asked: &Asked<'_>,
        scope: &SearchScope,
        search_type: SearchType,
        wanted: usize,
        times: &mut SearchTimes,
    ) -> Result<Vec<Candidate>, RetrieveError> {
        let Asked {
            query,
            vector,
            abroad,
        } = *asked;
        let keys = self.store.scope_keys(scope)?;
        if keys.datasets.is_empty() || keys.documents.as_ref().is_some_and(Vec::is_empty) {
            return Ok(Vec::new());
        }
        let pool = wanted.max(POOL);
        let mut found: HashMap<u64, Scores> = HashMap::new();
        let started = Instant::now();
        if search_type != SearchType::Similarity {
            let filter = lexical::Filter {
                datasets: Some(keys.datasets.clone()),
                documents: keys.documents.clone(),
            };
            for hit in self.lexical.search(query, &filter, pool)? {
                let bm25 = Some(hit.score);
                found.insert(hit.chunk, Scores { bm25, cosine: None });
            }
            times.keywords_ms = milliseconds(started);
        }
        let started = Instant::now();
        if search_type != SearchType::Keyword {
            let filter = vectors::Filter {
                datasets: Some(keys.datasets.clone()),
                documents: keys.documents,
            };
            for hit in self.vectors.search(vector, &filter, pool)? {
                let bm25 = found.get(&hit.chunk).and_then(|scores| scores.bm25);
                let cosine = Some(hit.similarity);
                found.insert(hit.chunk, Scores { bm25, cosine });
            }
            times.vectors_ms = milliseconds(started);
        }
        let mut scored = self.score(vector, found, search_type, dense_weight(abroad))?;
        let exact = Exact::of(query);
        let kept = wanted.max(wording::LOOKED_AT);
        if exact.is_empty() {
            scored.truncate(kept);
        }
        let mut read = self.read(query, &scored, &keys.datasets, &exact)?;
        read.sort_by(|a, b| b.exact.total_cmp(&a.exact));
        read.truncate(kept);
        match search_type {
            SearchType::Hybrid | SearchType::Mmr => self.weigh_wording(query, &mut read)?,
            SearchType::Keyword => self.weigh_spelling(query, &mut read)?,
            SearchType::Similarity => {}
        }
        read.truncate(wanted);
        Ok(read)
    }

    /// Fills in the cosines that the vector index was not asked for, and orders
    /// by the search type's score.
    fn score(
        &self,
        vector: &[f32],
        found: HashMap<u64, Scores>,
        search_type: SearchType,
        dense_weight: f32,
    ) -> Result<Vec<(u64, Scores, f32)>, RetrieveError> {
        let (keys, mut scores): (Vec<u64>, Vec<Scores>) = found.into_iter().unzip();
        let words_alone = (search_type == SearchType::Keyword).then(|| fuse(&scores, 0.0));
        let cosines = self.vectors.similarities(vector, &keys)?;
        for (scores, cosine) in scores.iter_mut().zip(cosines) {
            scores.cosine = match &self.embedder {
                Some(embedder) => cosine.map(|cosine| embedder.scale.of(cosine)),
                None => cosine,
            };
        }
        let fused = words_alone.unwrap_or_else(|| fuse(&scores, dense_weight));
        let mut scored: Vec<(u64, Scores, f32)> = keys
            .into_iter()
            .zip(scores)
            .zip(fused)
            .map(|((key, scores), fused)| (key, scores, fused))
            .collect();
        scored.sort_by(|a, b| b.2.total_cmp(&a.2).then(a.0.cmp(&b.0)));
        Ok(scored)
    }

    /// Reads the passages; those that are gone are left out.
    fn read(
        &self,
        query: &str,
        scored: &[(u64, Scores, f32)],
        datasets: &[u64],
        exact: &Exact,
    ) -> Result<Vec<Candidate>, RetrieveError> {
        let keys: Vec<u64> = scored.iter().map(|(key, _, _)| *key).collect();
        let by_key: HashMap<u64, (Scores, f32)> = scored
            .iter()
            .map(|&(key, scores, fused)| (key, (scores, fused)))
            .collect();
        let mut chunks = self.store.chunks_by_key(&keys)?;
        chunks.retain(|stored| datasets.contains(&stored.chunk.dataset_key));
        let texts: Vec<String> = chunks.iter().map(with_titles).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let coverage = self.lexical.coverage(query, &texts)?;
        let shares: Vec<f32> = texts.iter().map(|text| exact.share(text)).collect();
        Ok(chunks
            .into_iter()
            .zip(coverage.into_iter().zip(shares))
            .filter_map(|(stored, (coverage, exact))| {
                let &(scores, fused) = by_key.get(&stored.chunk.key)?;
                Some(Candidate {
                    stored,
                    bm25: scores.bm25,
                    cosine: scores.cosine,
                    coverage,
                    exact,
                    fused,
                    late_interaction: None,
                    reranked: None,
                    relevance: 0.0,
                })
            })
            .collect())
    }

    /// Compares each token of the question with each of the first `count`
    /// candidates' tokens.
    pub(super) fn read_closely(
        &self,
        question: &Encoding,
        candidates: &mut [Candidate],
        count: usize,
    ) -> Result<(), RetrieveError> {
        let first = candidates.len().min(count);
        let candidates = &mut candidates[..first];
        let texts = texts(candidates);
        let encodings = self.encoder.encode(&texts)?;
        for (candidate, encoding) in candidates.iter_mut().zip(&encodings) {
            let score = late_interaction(&question.tokens, &encoding.tokens);
            candidate.late_interaction = Some(score);
        }
        Ok(())
    }
}

fn texts(candidates: &[Candidate]) -> Vec<&str> {
    let texts = candidates.iter();
    texts.map(|one| one.stored.chunk.text.as_str()).collect()
}

/// Lets the reranker read the question with each of the first `count` candidates.
pub(super) fn rerank(
    reranker: &Reranker,
    query: &str,
    candidates: &mut [Candidate],
    count: usize,
) -> Result<(), RetrieveError> {
    let first = candidates.len().min(count);
    let candidates = &mut candidates[..first];
    let scores = reranker.scores(query, &texts(candidates))?;
    for (candidate, score) in candidates.iter_mut().zip(scores) {
        candidate.reranked = Some(1.0 / (1.0 + (-score).exp()));
    }
    Ok(())
}

/// A passage with what stands above it, as the keyword index sees it.
pub(super) fn with_titles(stored: &StoredChunk) -> String {
    let title = stored.title.as_deref().unwrap_or_default();
    let headings = stored.chunk.heading_path.join(" ");
    let (name, text) = (&stored.filename, &stored.chunk.text);
    format!("{title} {name} {headings} {text}")
}
