//! Drafts without a model: an answer over documents repeats its prompt, so
//! what followed the last tokens where they stood before may follow again. The
//! idea is Saxena's "Prompt lookup decoding" (2023); here the match is found
//! by an index that grows with the text, and drafts are only made where they
//! pay.

use super::payoff::{Class, Payoff};
use ahash::AHashMap;

/// Tokens that must agree before anything is drafted.
const SHORTEST_MATCH: usize = 3;
/// A match is not measured further back than this.
const LONGEST_MATCH: usize = 32;
/// So many earlier places are compared, latest first: it bounds a step's work.
const PLACES: usize = 16;
/// No place, at the end of a chain of places.
const NONE: u32 = u32::MAX;

/// The text so far and what it suggests for its next tokens.
pub struct PromptLookup {
    tokens: Vec<u32>,
    /// The latest place behind each run of [`SHORTEST_MATCH`] tokens.
    latest: AHashMap<[u32; SHORTEST_MATCH], u32>,
    /// For each place the one before it that is behind the same run.
    earlier: Vec<u32>,
    drafts: Vec<u32>,
    payoff: Payoff,
    /// What the last drafts, or the draft that was not worth it, came from.
    class: Option<Class>,
    /// The token that would have been drafted first.
    expected: Option<u32>,
    drafted: u64,
    accepted: u64,
}

impl PromptLookup {
    /// An index of `prompt`, to be extended by the answer.
    pub fn new(prompt: &[u32]) -> Self {
        let mut lookup = Self {
            tokens: Vec::with_capacity(prompt.len()),
            latest: AHashMap::with_capacity(prompt.len()),
            earlier: Vec::with_capacity(prompt.len()),
            drafts: Vec::new(),
            payoff: Payoff::default(),
            class: None,
            expected: None,
            drafted: 0,
            accepted: 0,
        };
        for token in prompt {
            lookup.extend(*token);
        }
        lookup
    }

    /// Takes in a token of the answer, each one, in order.
    pub fn push(&mut self, token: u32) {
        if let (Some(expected), Some(class)) = (self.expected.take(), self.class) {
            self.payoff.record(class, expected == token);
        }
        self.extend(token);
    }

    /// Tokens that may come next, at most one less than `costs` has entries,
    /// and none if they do not pay: `costs[n]` is what a pass over n + 1 tokens
    /// of this text costs now, in any unit.
    pub fn draft(&mut self, costs: &[f32]) -> &[u32] {
        self.drafts.clear();
        self.expected = None;
        self.class = None;
        let Some((place, match_length)) = self.longest_match() else {
            return &self.drafts;
        };
        let class = Class::of(match_length);
        self.class = Some(class);
        let length = self.payoff.best_length(class, costs);
        if length == 0 {
            self.expected = self.tokens.get(place).copied();
        }
        for offset in 0..length {
            // Text that runs into its own end goes on in circles.
            let next = match self.tokens.get(place + offset) {
                Some(token) => Some(*token),
                None => self.drafts.get(place + offset - self.tokens.len()).copied(),
            };
            self.drafts.extend(next);
        }
        &self.drafts
    }

    /// Says how many of the last drafts were looked at, if the caller cut them
    /// short, and how many of these were accepted; to be said before the
    /// tokens are pushed.
    pub fn verified(&mut self, drafted: usize, accepted: usize) {
        self.drafted += drafted as u64;
        self.accepted += accepted as u64;
        let Some(class) = self.class else {
            return;
        };
        for _ in 0..accepted {
            self.payoff.record(class, true);
        }
        if accepted < drafted {
            self.payoff.record(class, false);
        }
    }

    /// How many tokens were drafted so far.
    pub fn drafted(&self) -> u64 {
        self.drafted
    }

    /// How many drafts were accepted so far.
    pub fn accepted(&self) -> u64 {
        self.accepted
    }

    fn extend(&mut self, token: u32) {
        let place = self.tokens.len() as u32;
        let run = self.tokens.last_chunk::<SHORTEST_MATCH>();
        let before = run.and_then(|run| self.latest.insert(*run, place));
        self.earlier.push(before.unwrap_or(NONE));
        self.tokens.push(token);
    }

    /// The place behind the longest earlier text that equals the end of the
    /// text, the latest of equals, and the length of that text.
    fn longest_match(&self) -> Option<(usize, usize)> {
        let run = self.tokens.last_chunk::<SHORTEST_MATCH>()?;
        let mut place = self.latest.get(run).copied().unwrap_or(NONE);
        let mut best: Option<(usize, usize)> = None;
        for _ in 0..PLACES {
            if place == NONE {
                break;
            }
            let before = place as usize;
            let length = common_end(&self.tokens[..before], &self.tokens);
            if best.is_none_or(|(_, longest)| length > longest) {
                best = Some((before, length));
            }
            place = self.earlier[before];
        }
        best
    }
}

/// How many last tokens two texts have in common.
fn common_end(left: &[u32], right: &[u32]) -> usize {
    let pairs = left.iter().rev().zip(right.iter().rev());
    pairs
        .take(LONGEST_MATCH)
        .take_while(|(left, right)| left == right)
        .count()
}

#[cfg(test)]
mod tests {
    use super::PromptLookup;
    use crate::sampler::random::Random;

    /// Costs as measured on a CPU that is bound by memory.
    const COSTS: [f32; 9] = [1.0, 1.02, 1.1, 1.25, 1.4, 1.55, 1.7, 1.85, 2.0];

    fn lookup(tokens: &[u32]) -> PromptLookup {
        PromptLookup::new(tokens)
    }

    #[test]
    fn continuation_of_the_longest_match_is_drafted() {
        let text = [7, 1, 2, 3, 40, 41, 42, 43, 8, 1, 2, 3, 50, 51, 7, 1, 2, 3];
        let mut lookup = lookup(&text);
        assert_eq!(lookup.draft(&COSTS).first(), Some(&40));
    }

    #[test]
    fn latest_of_equally_long_matches_is_drafted() {
        let text = [5, 1, 2, 3, 40, 6, 1, 2, 3, 50, 7, 1, 2, 3];
        assert_eq!(lookup(&text).draft(&COSTS).first(), Some(&50));
    }

    #[test]
    fn two_tokens_are_no_match() {
        assert!(lookup(&[1, 2, 3, 4, 5, 2, 3]).draft(&COSTS).is_empty());
        assert!(lookup(&[]).draft(&COSTS).is_empty());
        assert!(lookup(&[1, 1]).draft(&COSTS).is_empty());
    }

    #[test]
    fn repetition_is_drafted_beyond_its_end() {
        let mut lookup = lookup(&[1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3]);
        let drafts = lookup.draft(&[1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
        assert_eq!(drafts, [1, 2, 3, 1, 2, 3, 1]);
    }

    #[test]
    fn never_more_is_drafted_than_there_are_costs() {
        let text: Vec<u32> = (0..50).chain(0..20).collect();
        for most in 0..9 {
            assert!(lookup(&text).draft(&COSTS[..most]).len() <= most.saturating_sub(1));
        }
    }

    /// Writes `answer` with drafts as an engine would; how many passes it took
    /// and what they cost.
    fn write(lookup: &mut PromptLookup, answer: &[u32]) -> (usize, f32) {
        let (mut at, mut passes, mut cost) = (0, 0, 0.0);
        while at < answer.len() {
            let drafts = lookup.draft(&COSTS);
            let rest = &answer[at..];
            let room = drafts.len().min(rest.len() - 1);
            let pairs = drafts[..room].iter().zip(rest);
            let accepted = pairs.take_while(|(draft, token)| draft == token).count();
            lookup.verified(room, accepted);
            for token in &rest[..=accepted] {
                lookup.push(*token);
            }
            at += accepted + 1;
            passes += 1;
            cost += COSTS[room];
        }
        (passes, cost)
    }

    /// Tokens without any structure.
    fn noise(seed: u64, length: u64) -> impl Iterator<Item = u32> {
        let random = Random::new(seed);
        (0..length).map(move |at| (random.uniform(at) * 100_000.0) as u32)
    }

    #[test]
    fn answer_that_copies_costs_less_than_half() {
        let prompt: Vec<u32> = noise(1, 2000).collect();
        let mut answer = Vec::new();
        for quote in 0..10 {
            answer.extend(noise(100 + quote, 8));
            let start = 150 * quote as usize;
            answer.extend_from_slice(&prompt[start..start + 40]);
        }
        let (passes, cost) = write(&mut lookup(&prompt), &answer);
        assert!(passes * 3 < answer.len(), "{passes} of {}", answer.len());
        assert!(cost * 2.0 < answer.len() as f32, "{cost}");
    }

    #[test]
    fn answer_that_copies_nothing_costs_nothing_more() {
        let prompt: Vec<u32> = noise(1, 2000).collect();
        let answer: Vec<u32> = noise(2, 500).collect();
        let mut lookup = lookup(&prompt);
        let (passes, cost) = write(&mut lookup, &answer);
        assert_eq!((passes, cost), (500, 500.0));
        assert_eq!(lookup.drafted(), 0);
    }

    #[test]
    fn misleading_matches_turn_drafts_off_and_true_ones_on_again() {
        // After 1 2 3 something else follows each time.
        let misleading: Vec<u32> = (1000..1200).flat_map(|next| [1, 2, 3, next]).collect();
        let quote: Vec<u32> = noise(3, 300).collect();
        let mut lookup = lookup(&quote);
        let (_, cost) = write(&mut lookup, &misleading);
        assert!(cost < misleading.len() as f32 * 1.02, "{cost}");
        let (passes, _) = write(&mut lookup, &quote);
        assert!(passes * 3 < quote.len(), "{passes}");
        assert!(lookup.accepted() > 200);
    }
}
