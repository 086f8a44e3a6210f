//! What was said already, and what that costs a token's score.

use super::SamplingOptions;
use ahash::AHashMap;
use std::collections::VecDeque;

/// The repetition penalty looks back over so many tokens of prompt and answer.
/// llama.cpp does the same; over the whole prompt, as other engines do it, the
/// penalty would fall on every word of the passages that an answer quotes.
const REPETITION_WINDOW: usize = 64;

/// The tokens that penalties fall on. Repetition counts the last tokens of
/// prompt and answer; presence and frequency count the whole answer, as the
/// API that they come from says.
pub(super) struct History {
    recent: VecDeque<u32>,
    recent_counts: AHashMap<u32, u32>,
    answer_counts: AHashMap<u32, u32>,
    answer_length: u64,
}

impl History {
    pub(super) fn new(prompt: &[u32]) -> Self {
        let mut history = Self {
            recent: VecDeque::with_capacity(REPETITION_WINDOW + 1),
            recent_counts: AHashMap::with_capacity(2 * REPETITION_WINDOW),
            answer_counts: AHashMap::new(),
            answer_length: 0,
        };
        for token in &prompt[prompt.len().saturating_sub(REPETITION_WINDOW)..] {
            history.remember(*token);
        }
        history
    }

    /// Takes in a token of the answer.
    pub(super) fn accept(&mut self, token: u32) {
        self.remember(token);
        *self.answer_counts.entry(token).or_default() += 1;
        self.answer_length += 1;
    }

    /// How many tokens the answer has.
    pub(super) fn answer_length(&self) -> u64 {
        self.answer_length
    }

    fn remember(&mut self, token: u32) {
        self.recent.push_back(token);
        *self.recent_counts.entry(token).or_default() += 1;
        if self.recent.len() <= REPETITION_WINDOW {
            return;
        }
        let left = self.recent.pop_front();
        if let Some(count) = left.and_then(|token| self.recent_counts.get_mut(&token)) {
            *count -= 1;
        }
    }

    /// Lowers the scores of what was said.
    pub(super) fn penalise(&self, logits: &mut [f32], options: &SamplingOptions) {
        let repetition = options.repetition_penalty;
        if repetition != 1.0 {
            let present = self.recent_counts.iter().filter(|(_, count)| **count > 0);
            for (token, _) in present {
                if let Some(logit) = logits.get_mut(*token as usize) {
                    *logit = if *logit > 0.0 {
                        *logit / repetition
                    } else {
                        *logit * repetition
                    };
                }
            }
        }
        let (presence, frequency) = (options.presence_penalty, options.frequency_penalty);
        if presence == 0.0 && frequency == 0.0 {
            return;
        }
        for (token, count) in &self.answer_counts {
            if let Some(logit) = logits.get_mut(*token as usize) {
                *logit -= presence + frequency * *count as f32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{History, REPETITION_WINDOW, SamplingOptions};

    fn repetition(penalty: f32) -> SamplingOptions {
        SamplingOptions {
            repetition_penalty: penalty,
            ..SamplingOptions::default()
        }
    }

    #[test]
    fn repetition_lowers_positive_and_negative_scores_of_prompt_and_answer() {
        let mut history = History::new(&[0]);
        history.accept(1);
        let mut logits = [3.0, -3.0, 3.0];
        history.penalise(&mut logits, &repetition(1.5));
        assert_eq!(logits, [2.0, -4.5, 3.0]);
    }

    #[test]
    fn repetition_forgets_what_lies_far_back() {
        let mut history = History::new(&[0, 1]);
        for _ in 0..REPETITION_WINDOW - 1 {
            history.accept(2);
        }
        let mut logits = [2.0; 4];
        history.penalise(&mut logits, &repetition(2.0));
        assert_eq!(logits, [2.0, 1.0, 1.0, 2.0]);
    }

    #[test]
    fn presence_and_frequency_count_the_whole_answer_but_not_the_prompt() {
        let mut history = History::new(&[0]);
        for _ in 0..100 {
            history.accept(1);
        }
        history.accept(2);
        let mut logits = [0.0; 3];
        let options = SamplingOptions {
            presence_penalty: 0.5,
            frequency_penalty: 0.25,
            ..SamplingOptions::default()
        };
        history.penalise(&mut logits, &options);
        assert_eq!(logits, [0.0, -25.5, -0.75]);
    }

    #[test]
    fn tokens_beyond_the_scores_are_ignored() {
        let mut history = History::new(&[9]);
        history.accept(7);
        let mut logits = [1.0];
        history.penalise(&mut logits, &repetition(2.0));
        assert_eq!(logits, [1.0]);
    }
}
