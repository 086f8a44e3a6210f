//! Whether the drafts of a small model pay, for one answer.

use super::payoff::{Class, Payoff};

/// After so many tokens without a draft one is tried, so that drafts come back
/// when they would pay again.
const TRIED_EVERY: u32 = 32;

/// What is known about a small model's drafts for one answer.
#[derive(Debug, Default)]
pub struct DraftPayoff {
    payoff: Payoff,
    undrafted: u32,
}

impl DraftPayoff {
    /// How many tokens to draft now: `costs[n]` is what drafting n tokens and a
    /// pass over n + 1 cost together, in any unit.
    pub fn length(&mut self, costs: &[f32]) -> usize {
        let best = self.payoff.best_length(Class::OF_MODEL, costs);
        if best > 0 || costs.len() < 2 {
            return best;
        }
        self.undrafted += 1;
        usize::from(self.undrafted.is_multiple_of(TRIED_EVERY))
    }

    /// Says how many tokens were drafted, and how many of them were accepted.
    pub fn verified(&mut self, drafted: usize, accepted: usize) {
        for _ in 0..accepted {
            self.payoff.record(Class::OF_MODEL, true);
        }
        if accepted < drafted {
            self.payoff.record(Class::OF_MODEL, false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::DraftPayoff;

    /// A small model costs a tenth of the large one's pass.
    const COSTS: [f32; 5] = [1.0, 1.15, 1.3, 1.45, 1.6];

    #[test]
    fn good_drafts_grow_and_bad_ones_end_but_for_a_try_now_and_then() {
        let mut payoff = DraftPayoff::default();
        for _ in 0..20 {
            payoff.verified(2, 2);
        }
        assert_eq!(payoff.length(&COSTS), 4);
        for _ in 0..40 {
            payoff.verified(2, 0);
        }
        let drafted: usize = (0..96).map(|_| payoff.length(&COSTS)).sum();
        assert_eq!(drafted, 3);
    }

    #[test]
    fn model_as_slow_as_the_large_one_never_drafts_but_for_the_tries() {
        let mut payoff = DraftPayoff::default();
        let drafted: usize = (0..64).map(|_| payoff.length(&[1.0, 2.1, 3.2])).sum();
        assert_eq!(drafted, 2);
        assert_eq!(payoff.length(&[1.0]), 0, "there is no room for a draft");
    }
}
