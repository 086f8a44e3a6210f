//! What a pass over a few tokens costs: with one token the weights are read
//! for one product, and a few more cost little; how little is measured.

use std::time::Duration;

/// Tokens of a pass up to which costs are kept.
const LARGEST: usize = 64;
/// What another token costs in terms of the first, while unmeasured.
const SHARE: f32 = 0.1;
/// Weight that a measurement keeps when a new one arrives.
const MEMORY: f32 = 0.9;

/// Measured seconds by number of tokens.
#[derive(Default)]
pub(super) struct PassCosts {
    seconds: Vec<Option<f32>>,
}

impl PassCosts {
    /// Remembers a pass over `tokens` tokens.
    pub(super) fn note(&mut self, tokens: usize, took: Duration) {
        if tokens == 0 || tokens > LARGEST {
            return;
        }
        self.seconds.resize(LARGEST + 1, None);
        let known = &mut self.seconds[tokens];
        let took = took.as_secs_f32();
        *known = Some(known.map_or(took, |usual| usual * MEMORY + took * (1.0 - MEMORY)));
    }

    /// Costs for one of `writing` sequences, each with one token: without a
    /// draft, with one, and so on to `drafts`. What is not measured follows
    /// from the nearest smaller pass that is.
    pub(super) fn of(&self, writing: usize, drafts: usize) -> Vec<f32> {
        (writing..=writing + drafts)
            .map(|tokens| self.estimate(tokens))
            .collect()
    }

    fn estimate(&self, tokens: usize) -> f32 {
        let known = self.seconds.iter().take(tokens + 1).enumerate().rev();
        let nearest = known
            .filter_map(|(n, seconds)| Some((n, (*seconds)?)))
            .next();
        let (measured, seconds) = nearest.unwrap_or((1, 1.0));
        let relative = |tokens: usize| 1.0 + SHARE * (tokens as f32 - 1.0);
        seconds * relative(tokens) / relative(measured)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_those_measured_and_estimates_between_them() {
        let mut costs = PassCosts::default();
        assert_eq!(costs.of(1, 2), [1.0, 1.1, 1.2]);
        costs.note(1, Duration::from_millis(100));
        costs.note(3, Duration::from_millis(150));
        let found = costs.of(1, 3);
        assert!((found[0] - 0.1).abs() < 1e-6 && (found[1] - 0.11).abs() < 1e-6);
        assert!((found[2] - 0.15).abs() < 1e-6 && found[3] > found[2]);
    }
}
