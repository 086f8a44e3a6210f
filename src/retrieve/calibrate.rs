//! Scores that mean something: how likely a passage answers the question, and
//! how likely anything here does. Logistic functions of what both indexes say,
//! and of what the first passage says when it is read, fitted by
//! `tests/bench/fit_calibration.py` on ClapNQ and on XQuAD, there also with every
//! article as a collection of its own and the questions of another asked of it.
//! The intercepts are such that the contract's default threshold, 0.7, lets 95 of
//! 100 right passages pass.
//!
//! At that threshold, in the English sets: with the right passage 0.05-0.1 wrong
//! ones pass; of questions about something else 0.1 % find anything, of ClapNQ's
//! unanswerable ones, whose passages are about the very subject, half.

use super::{Candidate, Reading};

/// Candidates that the best values are taken over.
const LEADERS: usize = 10;

/// What stands for the cosine of a passage that has no vector yet.
const ASSUMED_COSINE: f32 = 0.4;

/// Coefficients of the relevance of a passage.
struct Relevance {
    cosine: f32,
    coverage: f32,
    best_cosine: f32,
    best_coverage: f32,
    intercept: f32,
}

/// Coefficients of whether anything answers, by the scores of the search.
struct Found {
    best_cosine: f32,
    first_coverage: f32,
    intercept: f32,
}

/// Coefficients of whether the first passage answers, by reading it.
struct Read {
    sentence: f32,
    asked: f32,
    intercept: f32,
}

/// For questions that the encoder can read (area under the curve .992-.998).
const RELEVANCE_AT_HOME: Relevance = Relevance {
    cosine: 23.25,
    coverage: 14.91,
    best_cosine: -14.16,
    best_coverage: -10.32,
    intercept: -4.05,
};

/// For those that it cannot, fitted on German and Chinese: words count for more
/// (.989-.991).
const RELEVANCE_ABROAD: Relevance = Relevance {
    cosine: 8.66,
    coverage: 39.17,
    best_cosine: -2.47,
    best_coverage: -18.29,
    intercept: -3.82,
};

/// What the search says for questions that the encoder can read, in force where
/// another model made the vectors than the bundled one, which reads. The fit
/// itself (10.08, 2.25, -5.77) trusts the cosine so much that a question of few
/// but exact words is refused; the sets that it was fitted on have none such.
const FOUND_AT_HOME: Found = Found {
    best_cosine: 14.0,
    first_coverage: 10.0,
    intercept: -10.0,
};

/// Slopes fitted on the German and the Chinese articles (.990); the intercept is
/// lower than fitted there (-9.61), because words that a whole collection shares
/// are more than those of an article.
const FOUND_ABROAD: Found = Found {
    best_cosine: 11.55,
    first_coverage: 30.32,
    intercept: -10.7,
};

/// What reading says. The slopes are fitted on ClapNQ and on XQuAD together, there
/// also with questions asked without their paragraph and without their article.
/// By folds, ClapNQ's area under the curve is .893 and at 10 % false refusals 78 %
/// of the unanswerable are refused (.895 and 75 % by today's ranking, with a balanced
/// accuracy of .831); fitted to XQuAD alone .880 and 73 %. The same
/// folds for other features: the best cosine and the words .874 and 70 %; the first
/// cosine with late interaction over the three least matched tokens .910 and 77 %,
/// which refuses 18 % of XQuAD's questions where this refuses 7 %. The first
/// cosine or the words beside these add nothing; the margin to the second passage
/// a little, but a document that is there twice has none.
///
/// The fitted intercept is -9.3. This one lets as many of XQuAD's own questions
/// pass as were answered before there was reading, but for one in a hundred.
const READ: Read = Read {
    sentence: 7.77,
    asked: 8.15,
    intercept: -8.5,
};

/// What the evidence of whether anything answers says as a share: of questions with
/// this evidence, as many are answered.
struct Likelihood {
    slope: f32,
    intercept: f32,
}

/// Fitted to ClapNQ alone, half of whose questions the documents do not answer
/// although they are about the very subject. A rising function of the evidence, so
/// that it decides nothing. By folds of ten the expected calibration error (of ten
/// bins) is .070 and the Brier score .128, where the logistic function of the
/// evidence itself has .128 and .143; isotonic regression has .054 and .130. On
/// XQuAD's English questions, each asked with and without the paragraph that
/// answers, both fall: .109 to .060, .107 to .087. It was not fitted to these,
/// though the evidence was ([`READ`]).
///
/// It holds for such questions alone. Where those without an answer are about
/// something else it is too low in the middle: of XQuAD's, asked also without the
/// article, 90 % of those at .4 to .6 are answered (the error rises from .053 to
/// .095). Where the encoder knows few of the words it is too high: at .8 to 1, 76 %
/// of the German and 74 % of the Chinese, asked with and without their paragraph.
const LIKELIHOOD: Likelihood = Likelihood {
    slope: 0.83,
    intercept: -0.89,
};

impl Likelihood {
    fn of(&self, evidence: f32) -> f32 {
        logistic(self.slope * evidence + self.intercept)
    }
}

/// How likely each passage answers the question, 0-1. `abroad` is 0 where the
/// encoder knows the question's words and 1 where it does not.
pub(super) fn relevance(candidates: &[Candidate], abroad: f32) -> Vec<f32> {
    let best_cosine = best(candidates, cosine);
    let best_coverage = best(candidates, |candidate| candidate.coverage);
    let evidence = |fit: &Relevance, candidate: &Candidate| {
        fit.cosine * cosine(candidate)
            + fit.coverage * candidate.coverage
            + fit.best_cosine * best_cosine
            + fit.best_coverage * best_coverage
            + fit.intercept
    };
    candidates
        .iter()
        .map(|candidate| {
            let home = evidence(&RELEVANCE_AT_HOME, candidate);
            let away = evidence(&RELEVANCE_ABROAD, candidate);
            logistic(home + (away - home) * abroad)
        })
        .collect()
}

/// From which score on the documents are taken to answer: that of no evidence for
/// either. It lies below one half, because nearly all questions that are answered
/// are to pass (see [`READ`]).
pub fn answerable_bound() -> f32 {
    LIKELIHOOD.of(0.0)
}

/// How likely any of the candidates, best first, answers the question, 0-1: as
/// [`Likelihood`] means it. `unread` is to the bundled model, which read the first
/// of them, what `abroad` is to the one that made the vectors.
pub(super) fn answerable(
    candidates: &[Candidate],
    abroad: f32,
    reading: Option<Reading>,
    unread: f32,
) -> f32 {
    let Some(first) = candidates.first() else {
        return 0.0;
    };
    let best_cosine = best(candidates, cosine);
    let evidence = |fit: &Found| {
        fit.best_cosine * best_cosine + fit.first_coverage * first.coverage + fit.intercept
    };
    let home = evidence(&FOUND_AT_HOME);
    let away = evidence(&FOUND_ABROAD);
    let found = home + (away - home) * abroad;
    let read = reading.map_or(found, |reading| {
        READ.sentence * reading.sentence + READ.asked * reading.asked + READ.intercept
    });
    LIKELIHOOD.of(read + (found - read) * unread)
}

/// Makes the scores fall with the rank, so that a threshold cuts the list and
/// leaves no holes: among the first `shown`, one that is ranked before a better
/// one is worth as much; after them, none is worth more than the one before.
pub(super) fn never_rising(scores: &mut [f32], shown: usize) {
    let shown = shown.min(scores.len());
    for n in (1..shown).rev() {
        scores[n - 1] = scores[n - 1].max(scores[n]);
    }
    for n in shown.max(1)..scores.len() {
        scores[n] = scores[n].min(scores[n - 1]);
    }
}

fn best(candidates: &[Candidate], value: impl Fn(&Candidate) -> f32) -> f32 {
    let leaders = candidates.iter().take(LEADERS);
    leaders.map(value).fold(f32::NEG_INFINITY, f32::max)
}

fn cosine(candidate: &Candidate) -> f32 {
    candidate.cosine.unwrap_or(ASSUMED_COSINE)
}

fn logistic(evidence: f32) -> f32 {
    1.0 / (1.0 + (-evidence).exp())
}

#[cfg(test)]
mod tests {
    use super::{LIKELIHOOD, answerable_bound, logistic, never_rising};

    #[test]
    fn calibrated_score_decides_as_the_evidence_does_and_keeps_its_order() {
        for step in -12_000..=12_000 {
            let evidence = step as f32 / 1_000.0;
            let decided = LIKELIHOOD.of(evidence) >= answerable_bound();
            assert_eq!(decided, logistic(evidence) >= 0.5, "{evidence}");
        }
        let mut before = 0.0;
        for step in -120..=120 {
            let score = LIKELIHOOD.of(step as f32 / 10.0);
            assert!(score > before && score < 1.0, "{step}: {score}");
            before = score;
        }
    }

    #[test]
    fn score_is_the_share_of_answered_questions_that_was_counted() {
        // ClapNQ's questions by their evidence, fifty at a time: its mean, and how
        // many of them are answered.
        let counted = [
            (-3.05, 3),
            (-1.17, 2),
            (0.46, 21),
            (1.91, 37),
            (3.09, 43),
            (4.50, 44),
        ];
        for (evidence, answered) in counted {
            let (score, share) = (LIKELIHOOD.of(evidence), answered as f32 / 50.0);
            assert!((score - share).abs() < 0.1, "{evidence}: {score}, {share}");
        }
    }

    #[test]
    fn no_score_is_below_a_later_one() {
        let mut scores = [0.2, 0.6, 0.4, 0.9, 0.1];
        never_rising(&mut scores, 3);
        assert_eq!(scores, [0.6, 0.6, 0.4, 0.4, 0.1]);
        let mut scores = [0.2, 0.6];
        never_rising(&mut scores, 0);
        assert_eq!(scores, [0.2, 0.2]);
        never_rising(&mut [], 4);
    }
}
