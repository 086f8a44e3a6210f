//! Passages in their surroundings: where a prompt has room left once all passages
//! are in it, the best are shown with the chunks right before and behind them. A
//! passage that is shown so is a longer span of its page under the same number, so
//! that what a model takes from the surroundings is checked and cited like the rest.

use super::AnswerError;
use super::prompt::{Prompt, PromptBudget, PromptReader, Turn, build};
use crate::types::{Neighbour, Passage, char_len};

/// A prompt with its passages as they are shown there.
#[derive(Debug, Clone, PartialEq)]
pub struct InContext {
    pub prompt: Prompt,
    /// All passages in their order, those without room as they were.
    pub passages: Vec<Passage>,
}

/// Builds the prompt for `question` as [`build`] does and then, if nothing had to be
/// left out, puts neighbours to its passages, the best first. They take the prompt to
/// half of the room at most: questions that follow would otherwise find no room for
/// passages of their own. Where reading takes too long, the last of them go again.
pub fn build_in_context(
    question: &str,
    history: &[Turn],
    passages: &[Passage],
    neighbours: &[Neighbour],
    custom_system: Option<&str>,
    budget: PromptBudget,
    reader: &dyn PromptReader,
) -> Result<InContext, AnswerError> {
    let fit = |passages: &[Passage], reader: &dyn PromptReader| {
        build(question, history, passages, custom_system, budget, reader)
    };
    let plain = fit(passages, reader)?;
    // What an earlier turn shows is read there, whatever stands beside it here.
    let told = history[plain.dropped_turns..].iter();
    let told: Vec<Neighbour> = told.flat_map(|turn| turn.neighbours.clone()).collect();
    let passages = widened(passages, &told);
    let mut chosen = choose(&plain, history, &passages, neighbours, budget, reader);
    // Neighbours go before passages do.
    let patient = |text: &str| reader.count(text);
    while !chosen.is_empty() {
        let passages = widened(&passages, &chosen);
        let mut prompt = fit(&passages, &patient)?;
        if reader.is_quick(&prompt.messages) {
            prompt.turn.neighbours = chosen;
            return Ok(InContext { prompt, passages });
        }
        chosen.pop();
    }
    Ok(InContext {
        prompt: plain,
        passages,
    })
}

/// The passages as longer spans of their pages, together with what stands beside them.
pub fn widened(passages: &[Passage], neighbours: &[Neighbour]) -> Vec<Passage> {
    let mut widened = passages.to_vec();
    for neighbour in neighbours {
        let mut all = widened.iter_mut();
        if let Some(passage) = all.find(|one| one.chunk_key == neighbour.beside) {
            widen(passage, neighbour);
        }
    }
    widened
}

fn widen(passage: &mut Passage, neighbour: &Neighbour) {
    let characters = char_len(&neighbour.text);
    match neighbour.is_before {
        true => {
            passage.start -= characters;
            passage.text.insert_str(0, &neighbour.text);
        }
        false => {
            passage.end += characters;
            passage.text.push_str(&neighbour.text);
        }
    }
}

/// The neighbours for which the prompt has room, those of the best passage first.
/// What the model is shown in another place is not among them.
fn choose(
    prompt: &Prompt,
    history: &[Turn],
    passages: &[Passage],
    neighbours: &[Neighbour],
    budget: PromptBudget,
    reader: &dyn PromptReader,
) -> Vec<Neighbour> {
    let mut chosen: Vec<Neighbour> = Vec::new();
    if prompt.dropped_passages + prompt.slow_passages + prompt.dropped_turns > 0 {
        return chosen;
    }
    let mut taken: Vec<u64> = passages.iter().map(|passage| passage.chunk_key).collect();
    for turn in history {
        taken.extend(turn.shown.iter().map(|(key, _)| *key));
        taken.extend(turn.neighbours.iter().map(|one| one.chunk_key));
    }
    let room = budget.context_tokens.saturating_sub(budget.answer_tokens) / 2;
    let mut tokens = prompt.tokens;
    for (key, _) in &prompt.turn.shown {
        for neighbour in neighbours.iter().filter(|one| one.beside == *key) {
            if taken.contains(&neighbour.chunk_key) {
                continue;
            }
            tokens += reader.count(&neighbour.text);
            if tokens > room {
                return chosen;
            }
            taken.push(neighbour.chunk_key);
            chosen.push(neighbour.clone());
        }
    }
    chosen
}

#[cfg(test)]
#[path = "surroundings_tests.rs"]
mod tests;
