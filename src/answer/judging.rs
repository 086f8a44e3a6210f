//! A judge's word on the places that seem to bear a sentence out. Words and
//! meaning choose these places, because they are cheap; the judge reads only the
//! sentence with them. Must not search for places, nor change the answer.

use super::evidence::{Evidence, sort, strength, weaker};
use super::verify::choose;
use crate::engine::encoder::{EncoderError, Entailment, Inference};
use crate::types::{Passage, Support, slice_chars};

/// From what probability on a place entails a sentence, or contradicts it: four
/// to one against all else. Such models are surer of themselves than they are
/// right, and a wrong word here vouches for a sentence or takes its citation
/// away, while below it what words and meaning say stands. Chosen and not fitted:
/// no model's quality was measured here.
const ENTAILED: f32 = 0.8;
const CONTRADICTED: f32 = 0.8;

/// From what probability on a place says nothing of a sentence. Higher, because a
/// sentence that adds one word to its place counts as open too, and one that
/// leans on the sentence before it cannot be told from such a one.
const OPEN: f32 = 0.9;

/// Says what premises, the first of each pair, say of hypotheses.
pub trait Judge {
    /// One judgement for each pair, in their order.
    fn judge(&self, pairs: &[(&str, &str)]) -> Result<Vec<Inference>, EncoderError>;
}

impl Judge for Entailment {
    fn judge(&self, pairs: &[(&str, &str)]) -> Result<Vec<Inference>, EncoderError> {
        self.infer(pairs)
    }
}

/// A sentence of the answer with what may bear it out.
pub(super) struct Claim<'a> {
    pub(super) text: &'a str,
    /// The sources that it names.
    pub(super) cited: Vec<u32>,
    /// The best of each passage, best first.
    pub(super) evidence: Vec<Evidence>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Entailed,
    Contradicted,
    Open,
    Undecided,
}

/// Leaves each claim with the evidence that was judged, and its support by the
/// judgement; a claim for which there is none as it is. What would be cited is
/// judged, all claims' at once; where none of it bears the claim out, the next
/// best passage has one chance, all claims' at once again.
pub(super) fn judge_claims(
    claims: &mut [Claim<'_>],
    passages: &[Passage],
    judge: &dyn Judge,
) -> Result<(), EncoderError> {
    let mut trials: Vec<Trial> = claims.iter().map(Trial::of).collect();
    for _ in 0..2 {
        let texts: Vec<(&str, &str)> = trials
            .iter()
            .zip(&*claims)
            .flat_map(|(trial, claim)| trial.open.iter().map(move |one| (one, claim.text)))
            .map(|(evidence, text)| (premise(passages, evidence), text))
            .collect();
        if texts.is_empty() {
            break;
        }
        let mut judged = judge.judge(&texts)?.into_iter();
        for trial in &mut trials {
            trial.hear(&mut judged);
        }
    }
    for (claim, trial) in claims.iter_mut().zip(trials) {
        if let Some(judged) = trial.end() {
            claim.evidence = judged;
        }
    }
    Ok(())
}

/// The place and its neighbours in the passage.
fn premise<'p>(passages: &'p [Passage], evidence: &Evidence) -> &'p str {
    let passage = passages.get(evidence.passage);
    passage.map_or("", |passage| {
        slice_chars(&passage.text, evidence.around.clone())
    })
}

/// The evidence of a claim while it is judged.
struct Trial {
    /// To be judged next.
    open: Vec<Evidence>,
    judged: Vec<(Evidence, Verdict)>,
    /// Not judged yet, best first.
    left: Vec<Evidence>,
}

impl Trial {
    fn of(claim: &Claim<'_>) -> Self {
        let chosen = choose(&claim.cited, &claim.evidence);
        let chosen: Vec<usize> = chosen.iter().map(|one| one.passage).collect();
        // There is one evidence of each passage.
        let (open, left) = claim
            .evidence
            .iter()
            .filter(|one| one.support != Support::Unsupported)
            .cloned()
            .partition(|one| chosen.contains(&one.passage));
        Self {
            open,
            judged: Vec::new(),
            left,
        }
    }

    /// Takes the judgements on what is open, and opens what may have a chance.
    fn hear(&mut self, judged: &mut impl Iterator<Item = Inference>) {
        let open = std::mem::take(&mut self.open);
        for (evidence, inference) in open.into_iter().zip(judged) {
            let verdict = verdict(inference);
            self.judged.push((under(evidence, verdict), verdict));
        }
        let stands = |(one, _): &(Evidence, Verdict)| one.support == Support::Supported;
        if !self.left.is_empty() && !self.judged.iter().any(stands) {
            self.open.push(self.left.remove(0));
        }
    }

    /// What was judged, best first; nothing if there was nothing to judge. Where
    /// one place denies a sentence, only a place that entails it still bears it
    /// out.
    fn end(self) -> Option<Vec<Evidence>> {
        let denied = self
            .judged
            .iter()
            .any(|(_, verdict)| *verdict == Verdict::Contradicted);
        let last = self.judged.into_iter().map(|(evidence, verdict)| {
            match denied && verdict != Verdict::Entailed {
                true => evidence.with(Support::Unsupported),
                false => evidence,
            }
        });
        let mut last: Vec<Evidence> = last.collect();
        sort(&mut last);
        (!last.is_empty()).then_some(last)
    }
}

fn verdict(inference: Inference) -> Verdict {
    match inference {
        one if one.entailment >= ENTAILED => Verdict::Entailed,
        one if one.contradiction >= CONTRADICTED => Verdict::Contradicted,
        one if one.neutral >= OPEN => Verdict::Open,
        _ => Verdict::Undecided,
    }
}

/// The evidence with the support that it has under the verdict. Numbers keep
/// their word: such models read them badly.
fn under(evidence: Evidence, verdict: Verdict) -> Evidence {
    let support = match verdict {
        Verdict::Entailed => weaker(Support::Supported, evidence.most),
        Verdict::Contradicted => Support::Unsupported,
        Verdict::Open if strength(evidence.support) > strength(Support::Weak) => Support::Weak,
        Verdict::Open => Support::Unsupported,
        Verdict::Undecided => evidence.support,
    };
    evidence.with(support)
}

#[cfg(test)]
#[path = "judging_tests.rs"]
mod tests;
