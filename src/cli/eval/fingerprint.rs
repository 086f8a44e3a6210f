//! What tells runs over the same questions from runs over other ones.

use serde_json::json;
use sha2::{Digest, Sha256};

/// The hash of the questions in their order, each with the grades of what was
/// judged for it. Scores of two runs belong to each other, one by one, only
/// where both hashes are the same.
pub(super) fn fingerprint<'a>(
    questions: impl IntoIterator<Item = (&'a str, Vec<(&'a str, u32)>)>,
) -> String {
    let mut all = String::new();
    for (question, mut grades) in questions {
        grades.sort_unstable();
        all.push_str(&json!([question, grades]).to_string());
    }
    hash(&all)
}

pub(super) fn hash(words: &str) -> String {
    let digest = Sha256::digest(words);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::fingerprint;

    #[test]
    fn same_questions_judged_alike_have_the_same_fingerprint() {
        let why = ("why", vec![("a", 1), ("b", 0)]);
        let how = ("how", vec![("a", 0)]);
        let of_both = fingerprint([why.clone(), how.clone()]);
        let judged_in_another_order = ("why", vec![("b", 0), ("a", 1)]);
        assert_eq!(of_both, fingerprint([judged_in_another_order, how.clone()]));
        let others = [
            fingerprint([how.clone(), why.clone()]),
            fingerprint([("who", why.1.clone()), how.clone()]),
            fingerprint([("why", vec![("a", 1), ("b", 1)]), how]),
            fingerprint([why]),
        ];
        assert!(!others.contains(&of_both));
    }
}
