//! The order of the first candidates by how they word what is asked. Both indexes
//! see a passage as a bag: of words without accents, or of one meaning. Which of two
//! passages about the same subject answers is seen in what stands together, and which
//! of two words that differ in accents is meant in how they are spelled.

use super::{Candidate, RetrieveError, Retriever};
use crate::extract::sentence_bytes;
use crate::lexical::Wording;
use std::ops::Range;

/// Candidates that are looked at. No more than calibration takes its best values
/// over (`calibrate::LEADERS`), which then do not depend on their order.
pub(super) const LOOKED_AT: usize = 10;

/// Weights beside the fused score of pairs of words that are neighbours in both,
/// and of the question's words in one sentence. First paragraphs at 0, at .2 both,
/// .3, .4 and .5: XQuAD .956, .965, .968, .969 and .968; other articles of SQuAD
/// .860, .868, .872, .874 and .873; ClapNQ's first passages .940, .940, .933, .927
/// and .927, where .007 is one question. The first three or five alone give the
/// same; pairs alone .961-.964 of XQuAD, the sentence alone .956-.961.
const PAIRS_WEIGHT: f32 = 0.3;
const SENTENCE_WEIGHT: f32 = 0.3;

/// Weight of the question's words that a passage spells as they are asked where
/// another of the first has them with other accents alone. More than the vectors'
/// part of the fused score (`fuse::DENSE_WEIGHT`): where a name is all that is asked
/// for, meaning does not outweigh its spelling; of a longer question a word is but
/// a share. Not fitted, for no collection that we measure by tells accents apart.
const SPELLING_WEIGHT: f32 = 0.6;

impl Retriever {
    /// Orders the first candidates, best first, by how they word what is asked.
    pub(super) fn weigh_wording(
        &self,
        query: &str,
        candidates: &mut [Candidate],
    ) -> Result<(), RetrieveError> {
        let wordings = self.wordings(query, candidates)?;
        let spelling_weight = spelling_weight(&wordings);
        for (candidate, wording) in candidates.iter_mut().zip(wordings) {
            candidate.fused += PAIRS_WEIGHT * wording.pairs
                + SENTENCE_WEIGHT * wording.sentence
                + spelling_weight * wording.spelling;
        }
        for candidate in candidates.iter_mut() {
            candidate.fused /= 1.0 + PAIRS_WEIGHT + SENTENCE_WEIGHT + spelling_weight;
        }
        sort(candidates);
        Ok(())
    }

    /// Orders the first candidates of a search by keywords alone, best first, by
    /// how they spell what is asked.
    pub(super) fn weigh_spelling(
        &self,
        query: &str,
        candidates: &mut [Candidate],
    ) -> Result<(), RetrieveError> {
        let wordings = self.wordings(query, candidates)?;
        let weight = spelling_weight(&wordings);
        for (candidate, wording) in candidates.iter_mut().zip(wordings) {
            candidate.fused += weight * wording.spelling;
        }
        for candidate in candidates.iter_mut() {
            candidate.fused /= 1.0 + weight;
        }
        sort(candidates);
        Ok(())
    }

    /// How each of the first candidates words what is asked.
    fn wordings(
        &self,
        query: &str,
        candidates: &[Candidate],
    ) -> Result<Vec<Wording>, RetrieveError> {
        let first = candidates.len().min(LOOKED_AT);
        let texts: Vec<(&str, Vec<Range<usize>>)> = candidates[..first]
            .iter()
            .map(|candidate| candidate.stored.chunk.text.as_str())
            .map(|text| (text, sentence_bytes(text)))
            .collect();
        Ok(self.lexical.wordings(query, &texts)?)
    }
}

/// Where accents tell nothing apart, scores are what they are without them.
fn spelling_weight(wordings: &[Wording]) -> f32 {
    let accents_tell = wordings.iter().any(|wording| wording.spelling > 0.0);
    if accents_tell { SPELLING_WEIGHT } else { 0.0 }
}

/// Best first; what is named to the letter before all.
fn sort(candidates: &mut [Candidate]) {
    candidates.sort_by(|a, b| {
        let exact = b.exact.total_cmp(&a.exact);
        exact.then_with(|| b.fused.total_cmp(&a.fused))
    });
}
