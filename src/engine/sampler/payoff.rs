//! Whether drafts pay: how often they came true lately, against what a pass
//! over more tokens costs.

/// How fast older outcomes lose weight: about the last sixteen count.
const MEMORY: f32 = 0.94;
/// Outcomes that are assumed before there are any.
const ASSUMED: f32 = 1.0;
/// Matches up to these lengths, and longer ones, are judged apart, beginning
/// with these chances. The last class is not a match's but a small model's.
const CLASSES: [(usize, f32); 5] = [
    (3, 0.4),
    (7, 0.6),
    (15, 0.75),
    (usize::MAX, 0.85),
    (usize::MAX, 0.6),
];

/// How trustworthy a draft is: the class of its match's length, or that it is a
/// small model's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Class(usize);

impl Class {
    pub(super) const OF_MODEL: Self = Self(CLASSES.len() - 1);

    pub(super) fn of(match_length: usize) -> Self {
        let class = CLASSES.iter().position(|(most, _)| match_length <= *most);
        Self(class.unwrap_or_default())
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Outcomes {
    hits: f32,
    trials: f32,
}

/// What is known about the drafts of one answer.
#[derive(Debug, Default)]
pub(super) struct Payoff {
    outcomes: [Outcomes; CLASSES.len()],
}

impl Payoff {
    /// Takes in whether a drafted token came true. Tokens that were drafted
    /// in thought only count as well, so that drafts come back when they
    /// would pay again.
    pub(super) fn record(&mut self, Class(class): Class, hit: bool) {
        let outcomes = &mut self.outcomes[class];
        outcomes.hits = outcomes.hits * MEMORY + f32::from(u8::from(hit));
        outcomes.trials = outcomes.trials * MEMORY + 1.0;
    }

    /// How many drafts give the most tokens for the cost: `costs[n]` is what a
    /// pass over n + 1 tokens costs, in any unit.
    pub(super) fn best_length(&self, class: Class, costs: &[f32]) -> usize {
        let chance = self.chance(class);
        let (mut best, mut best_rate) = (0, 0.0);
        let (mut tokens, mut reached) = (0.0, 1.0);
        for (length, cost) in costs.iter().enumerate() {
            tokens += reached;
            reached *= chance;
            let rate = tokens / cost;
            if rate > best_rate {
                (best, best_rate) = (length, rate);
            }
        }
        best
    }

    fn chance(&self, Class(class): Class) -> f32 {
        let Outcomes { hits, trials } = self.outcomes[class];
        let (_, assumed) = CLASSES[class];
        (hits + assumed * ASSUMED) / (trials + ASSUMED)
    }
}

#[cfg(test)]
mod tests {
    use super::{Class, Payoff};

    /// A machine that is bound by memory: four tokens cost 30 % more than one.
    const MEMORY_BOUND: [f32; 8] = [1.0, 1.1, 1.2, 1.3, 1.5, 1.7, 1.9, 2.1];
    /// A machine that is bound by operations: each token costs the same.
    const OPERATION_BOUND: [f32; 4] = [1.0, 2.0, 3.0, 4.0];

    fn after(outcomes: impl IntoIterator<Item = bool>) -> Payoff {
        let mut payoff = Payoff::default();
        for hit in outcomes {
            payoff.record(Class::of(20), hit);
        }
        payoff
    }

    #[test]
    fn drafts_grow_with_the_chance_that_they_come_true() {
        let lengths = [0, 3, 6, 10].map(|hits| {
            let outcomes = (0..40).map(|trial| trial % 10 < hits);
            after(outcomes).best_length(Class::of(20), &MEMORY_BOUND)
        });
        assert!(lengths.is_sorted(), "{lengths:?}");
        assert_eq!((lengths[0], lengths[3]), (0, 7));
    }

    #[test]
    fn nothing_is_drafted_where_a_token_costs_the_same_in_any_pass() {
        let payoff = after(std::iter::repeat_n(true, 100));
        assert_eq!(payoff.best_length(Class::of(20), &OPERATION_BOUND), 0);
    }

    #[test]
    fn drafts_stop_after_misses_and_return_after_hits() {
        let mut payoff = after(std::iter::repeat_n(false, 40));
        assert_eq!(payoff.best_length(Class::of(20), &MEMORY_BOUND), 0);
        for _ in 0..6 {
            payoff.record(Class::of(20), true);
        }
        assert!(payoff.best_length(Class::of(20), &MEMORY_BOUND) > 0);
    }

    #[test]
    fn classes_of_match_lengths_are_judged_apart() {
        let payoff = after(std::iter::repeat_n(false, 40));
        assert!(payoff.best_length(Class::of(8), &MEMORY_BOUND) > 0);
    }

    #[test]
    fn costs_that_make_no_sense_draft_nothing() {
        let payoff = Payoff::default();
        assert_eq!(payoff.best_length(Class::of(9), &[]), 0);
        assert_eq!(payoff.best_length(Class::of(9), &[f32::NAN; 4]), 0);
    }
}
