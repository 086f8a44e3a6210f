//! Scores that mean something: how likely a passage answers the question, and
//! how likely anything here does.

use super::Candidate;

/// How likely the passage answers the question, 0-1.
pub(super) fn relevance(candidate: &Candidate) -> f32 {
    candidate.fused
}

/// How likely any of the candidates answers the question, 0-1.
pub(super) fn answerable(candidates: &[Candidate]) -> f32 {
    let cosines = candidates.iter().filter_map(|candidate| candidate.cosine);
    cosines.fold(0.0, f32::max)
}

/// Raises scores so that none is below one that is ranked after it: a threshold
/// then cuts the list and leaves no holes.
pub(super) fn never_rising(scores: &mut [f32]) {
    let mut best = 0.0f32;
    for score in scores.iter_mut().rev() {
        best = best.max(*score);
        *score = best;
    }
}
