//! The order of passages that are nearly as good as each other: the one of a
//! document that is not shown yet comes first. Must not look at what they say.

use super::Candidate;
use std::collections::HashSet;

/// How much less a passage of another document may be worth, of the fused score,
/// to come before one more of a document that is shown: what the score hardly tells
/// apart, a ninth of what neighbours in wording are worth (`wording::PAIRS_WEIGHT`).
/// The first place is never another's, and where documents are short enough to be
/// one passage, as in the collections that ranking is measured by, nothing moves.
const MARGIN: f32 = 0.03;

/// Lets documents take turns where the fused scores are near. What has more to the
/// letter of what is asked for stays before what has less. Relevance never rises
/// from one place to the next, if it did not before.
pub(super) fn take_turns(candidates: &mut [Candidate]) {
    let mut shown: HashSet<u64> = HashSet::new();
    for place in 0..candidates.len() {
        let document = |one: &Candidate| one.stored.chunk.document_key;
        let (head, rest) = match candidates[place..].split_first() {
            Some(parts) => parts,
            None => return,
        };
        if shown.contains(&document(head)) {
            let near =
                |one: &&Candidate| one.exact >= head.exact && one.fused >= head.fused - MARGIN;
            // In order: behind the first that is far, none is near.
            let mut near = rest.iter().take_while(near);
            if let Some(ahead) = near.position(|one| !shown.contains(&document(one))) {
                let relevance = candidates[place + 1 + ahead].relevance;
                candidates[place..=place + 1 + ahead].rotate_right(1);
                for passed in &mut candidates[place + 1..=place + 1 + ahead] {
                    passed.relevance = passed.relevance.min(relevance);
                }
            }
        }
        shown.insert(document(&candidates[place]));
    }
}

#[cfg(test)]
mod tests {
    use super::take_turns;
    use crate::retrieve::Candidate;
    use crate::retrieve::rank::tests::candidate;

    fn of(document: u64, key: u64, fused: f32) -> Candidate {
        let mut one = candidate(key, "", fused);
        one.stored.chunk.document_key = document;
        one
    }

    fn keys(candidates: &[Candidate]) -> Vec<u64> {
        let keys = candidates.iter().map(|one| one.stored.chunk.key);
        keys.collect()
    }

    #[test]
    fn another_document_comes_first_where_scores_hardly_differ() {
        let mut all = vec![of(1, 1, 0.9), of(1, 2, 0.89), of(2, 3, 0.88), of(1, 4, 0.5)];
        take_turns(&mut all);
        assert_eq!(keys(&all), [1, 3, 2, 4]);
        let relevance: Vec<f32> = all.iter().map(|one| one.relevance).collect();
        assert!(relevance.is_sorted_by(|a, b| a >= b), "{relevance:?}");
    }

    #[test]
    fn what_is_clearly_better_stays_first_whatever_its_document() {
        let mut all = vec![of(1, 1, 0.9), of(1, 2, 0.8), of(2, 3, 0.7)];
        take_turns(&mut all);
        assert_eq!(keys(&all), [1, 2, 3]);
    }

    #[test]
    fn first_place_is_never_anothers() {
        let mut all = vec![of(1, 1, 0.9), of(2, 2, 0.9), of(3, 3, 0.9)];
        take_turns(&mut all);
        assert_eq!(keys(&all), [1, 2, 3]);
        take_turns(&mut []);
    }

    #[test]
    fn what_is_named_to_the_letter_is_not_passed() {
        let named = |document, key, fused| Candidate {
            exact: 1.0,
            ..of(document, key, fused)
        };
        let mut all = vec![named(1, 1, 0.6), named(1, 2, 0.6), of(2, 3, 0.6)];
        take_turns(&mut all);
        assert_eq!(keys(&all), [1, 2, 3]);
    }
}
