use super::Judge;
use crate::answer::fixtures::{encoder, passage};
use crate::answer::{Verified, verify, verify_judged};
use crate::engine::encoder::{EncoderError, Inference};
use crate::types::{Passage, Support};
use std::cell::RefCell;

const PUMP: &str = "The P-40 pump is mounted on a baseplate. \
    Stop the pump when vibration stays above 7.1 mm/s for more than 10 seconds. \
    Readings are taken on the drive-end bearing housing.";
const OIL: &str = "Change the oil every 2,000 hours. Use grade 46 mineral oil.";
const NOTE: &str = "A note from the workshop: stop the pump when its vibration is above 7.1 mm/s.";

/// Near enough in words and meaning.
const STOP: &str =
    "Stop the pump when vibration stays above 7.1 mm/s for more than 10 seconds [1].";
/// Weak, because it denies and its place does not.
const NOT_ON: &str =
    "Do not keep the pump on when vibration stays above 7.1 mm/s for more than 10 seconds [1].";

const ENTAILED: [f32; 3] = [0.95, 0.04, 0.01];
const OPEN: [f32; 3] = [0.02, 0.95, 0.03];
const DENIED: [f32; 3] = [0.01, 0.04, 0.95];
const UNSURE: [f32; 3] = [0.4, 0.35, 0.25];

/// A judge by a rule, which keeps what it was asked.
struct ByRule<F> {
    rule: F,
    /// The pairs of each call.
    asked: RefCell<Vec<Vec<(String, String)>>>,
}

impl<F: Fn(&str, &str) -> [f32; 3]> Judge for ByRule<F> {
    fn judge(&self, pairs: &[(&str, &str)]) -> Result<Vec<Inference>, EncoderError> {
        let owned = |(premise, claim): &(&str, &str)| ((*premise).to_owned(), (*claim).to_owned());
        let asked = pairs.iter().map(owned).collect();
        self.asked.borrow_mut().push(asked);
        let judged = pairs.iter().map(|(premise, claim)| {
            let [entailment, neutral, contradiction] = (self.rule)(premise, claim);
            Inference {
                entailment,
                neutral,
                contradiction,
            }
        });
        Ok(judged.collect())
    }
}

fn by<F: Fn(&str, &str) -> [f32; 3]>(rule: F) -> ByRule<F> {
    let asked = RefCell::default();
    ByRule { rule, asked }
}

fn passages() -> Vec<Passage> {
    vec![passage("pump", 100, PUMP), passage("oil", 0, OIL)]
}

fn judged(content: &str, judge: &dyn Judge) -> Verified {
    verify_judged(content, &passages(), encoder(), judge).unwrap()
}

fn plain(content: &str) -> Verified {
    verify(content, &passages(), encoder()).unwrap()
}

fn support(verified: &Verified) -> Support {
    let [check] = verified.checks.as_slice() else {
        panic!("{:?}", verified.checks)
    };
    check.support
}

#[test]
fn weak_sentence_that_its_place_entails_is_supported() {
    assert_eq!(support(&plain(NOT_ON)), Support::Weak);
    let verified = judged(NOT_ON, &by(|_, _| ENTAILED));
    assert_eq!(support(&verified), Support::Supported);
    assert_eq!(verified.content, NOT_ON);
    assert!(verified.checks[0].score >= 0.55, "{:?}", verified.checks);
}

#[test]
fn sentence_near_its_place_that_it_contradicts_is_unsupported_and_loses_its_citation() {
    assert_eq!(support(&plain(STOP)), Support::Supported);
    let verified = judged(STOP, &by(|_, _| DENIED));
    assert_eq!(support(&verified), Support::Unsupported);
    assert_eq!(
        verified.content,
        "Stop the pump when vibration stays above 7.1 mm/s for more than 10 seconds."
    );
    assert!(verified.citations.is_empty());
    assert!(verified.checks[0].citations.is_empty());
    assert!(verified.checks[0].score <= 0.4, "{:?}", verified.checks);
}

#[test]
fn clear_neutrality_lowers_by_one_step_and_doubt_changes_nothing() {
    let open = by(|_, _| OPEN);
    let lowered = judged(STOP, &open);
    assert_eq!(support(&lowered), Support::Weak);
    assert_eq!(lowered.content, STOP, "a weak place is still named");
    let lowered = judged(NOT_ON, &open);
    assert_eq!(support(&lowered), Support::Unsupported);
    assert!(lowered.citations.is_empty());
    let unsure = by(|_, _| UNSURE);
    for content in [STOP, NOT_ON, "Use grade 46 mineral oil. Change it [1]."] {
        assert_eq!(judged(content, &unsure), plain(content));
    }
}

#[test]
fn numbers_keep_their_word_against_the_judge() {
    let entailed = by(|_, _| ENTAILED);
    for (number, least) in [("46", Support::Weak), ("8.4", Support::Unsupported)] {
        let content = STOP.replace("7.1", number);
        assert_eq!(support(&plain(&content)), least);
        assert_eq!(support(&judged(&content, &entailed)), least, "{number}");
    }
}

#[test]
fn each_sentence_is_read_once_with_the_neighbours_of_its_place_and_all_at_once() {
    let judge = by(|_, _| ENTAILED);
    judged(
        &format!(
            "{STOP} Use grade 46 mineral oil [2]. The company was founded in Turin by two brothers [1]."
        ),
        &judge,
    );
    let asked = judge.asked.borrow();
    assert_eq!(asked.len(), 1, "one batch: {asked:?}");
    let claims: Vec<&str> = asked[0].iter().map(|(_, claim)| claim.trim()).collect();
    assert_eq!(claims.len(), 2, "what nothing resembles is not read");
    assert!(claims[0].starts_with("Stop the pump") && !claims[0].contains('['));
    let (premise, _) = &asked[0][0];
    assert_eq!(premise, PUMP, "the place and both its neighbours");
    assert_eq!(asked[0][1].0, OIL);
}

#[test]
fn nothing_is_asked_where_there_is_nothing_to_judge() {
    let judge = by(|_, _| ENTAILED);
    let refusal = "The passages do not mention the price [1].";
    assert_eq!(judged(refusal, &judge), plain(refusal));
    assert!(judge.asked.borrow().is_empty());
}

/// Both passages have the words; the judge holds one for what the other is not.
fn with_note(content: &str, rule: impl Fn(&str, &str) -> [f32; 3]) -> Verified {
    let passages = [passage("pump", 100, PUMP), passage("note", 0, NOTE)];
    verify_judged(content, &passages, encoder(), &by(rule)).unwrap()
}

const ABOVE: &str = "Stop the pump when its vibration is above 7.1 mm/s [1].";

#[test]
fn citation_that_its_passage_does_not_entail_is_corrected_to_one_that_does() {
    for other in [OPEN, DENIED] {
        let verified = with_note(ABOVE, |premise, _| match premise == NOTE {
            true => ENTAILED,
            false => other,
        });
        assert_eq!(support(&verified), Support::Supported, "{other:?}");
        assert_eq!(verified.content, ABOVE.replace("[1]", "[2]"));
    }
}

#[test]
fn sentence_that_one_passage_denies_and_none_entails_is_unsupported() {
    let verified = with_note(ABOVE, |premise, _| match premise == NOTE {
        true => UNSURE,
        false => DENIED,
    });
    assert_eq!(support(&verified), Support::Unsupported);
    assert!(verified.citations.is_empty(), "{}", verified.content);
}

#[test]
fn of_two_citations_the_one_that_bears_nothing_out_goes() {
    let twice = ABOVE.replace("[1]", "[1][2]");
    let verified = with_note(&twice, |premise, _| match premise == NOTE {
        true => ENTAILED,
        false => OPEN,
    });
    assert_eq!(support(&verified), Support::Supported);
    assert_eq!(verified.content, ABOVE.replace("[1]", "[2]"));
}
