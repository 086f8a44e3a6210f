//! Facts about what is shown beside passages, and what is not.

use super::{InContext, build_in_context};
use crate::answer::fixtures::passage;
use crate::answer::{PromptBudget, PromptReader, Turn};
use crate::types::{Neighbour, Passage, Role};

/// Words of each neighbour.
const NEARBY: usize = 10;

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

/// Reads a word a second.
struct Slow(usize);

impl PromptReader for Slow {
    fn count(&self, text: &str) -> usize {
        words(text)
    }

    fn is_quick(&self, messages: &[(Role, String)]) -> bool {
        messages.iter().map(|(_, text)| words(text)).sum::<usize>() <= self.0
    }
}

fn fit(
    room: usize,
    history: &[Turn],
    passages: &[Passage],
    neighbours: &[Neighbour],
    reader: &dyn PromptReader,
) -> InContext {
    let budget = PromptBudget {
        context_tokens: room,
        answer_tokens: 0,
    };
    let question = "What now?";
    build_in_context(
        question, history, passages, neighbours, None, budget, reader,
    )
    .unwrap()
}

/// Passages of one page, a thousand characters apart.
fn passages(count: usize) -> Vec<Passage> {
    let text = |n: usize| format!("Passage text {n} {}", "word ".repeat(50).trim_end());
    (1..=count)
        .map(|n| passage("manual", n * 1000, &text(n)))
        .collect()
}

fn before(beside: u64) -> Neighbour {
    Neighbour {
        chunk_key: beside - 500,
        beside,
        is_before: true,
        text: "before ".repeat(NEARBY),
    }
}

fn behind(beside: u64) -> Neighbour {
    Neighbour {
        chunk_key: beside + 500,
        beside,
        is_before: false,
        text: " behind".repeat(NEARBY),
    }
}

fn keys(shown: &InContext) -> Vec<u64> {
    let beside = shown.prompt.turn.neighbours.iter();
    beside.map(|one| one.chunk_key).collect()
}

#[test]
fn prompt_shows_the_neighbours_of_a_passage_when_there_is_room() {
    let passages = passages(1);
    let shown = fit(4000, &[], &passages, &[before(1000), behind(1000)], &words);
    let content = &shown.prompt.turn.content;
    assert!(content.contains("before before Passage text 1"));
    assert!(content.contains("word behind behind"));
    assert_eq!(content.matches("<passage ").count(), 1);
    assert_eq!(shown.prompt.used, [(0, 1)]);
    assert_eq!(shown.prompt.turn.shown, [(1000, 1)]);
    assert_eq!(keys(&shown), [500, 1500]);
    let (wide, plain) = (&shown.passages[0], &passages[0]);
    assert_eq!(wide.start, plain.start - "before ".len() * NEARBY);
    assert_eq!(wide.end, plain.end + " behind".len() * NEARBY);
    assert_eq!(wide.text.chars().count(), wide.end - wide.start);
}

#[test]
fn neighbours_are_left_out_when_the_room_is_full() {
    let passages = passages(2);
    let plain = fit(4000, &[], &passages, &[], &words);
    let beside = [before(1000), behind(1000), before(2000)];
    // Half of the room stays free for the questions that follow.
    let full = 2 * plain.prompt.tokens;
    let fitted = |room: usize| fit(room, &[], &passages, &beside, &words);
    assert_eq!(fitted(full + 2 * NEARBY - 1), plain);
    assert_eq!(keys(&fitted(full + 2 * NEARBY)), [500]);
    let wide = fitted(full + 4 * NEARBY);
    assert_eq!(keys(&wide), [500, 1500]);
    assert_eq!(wide.passages[1], passages[1]);
    assert_eq!(wide.prompt.used, plain.prompt.used);
}

#[test]
fn neighbours_that_take_too_long_go_and_passages_stay() {
    let passages = passages(2);
    let plain = fit(4000, &[], &passages, &[], &words);
    let messages = plain.prompt.messages.iter();
    let length: usize = messages.map(|(_, text)| words(text)).sum();
    let beside = [before(1000), before(2000)];
    let hurried = |seconds| fit(4000, &[], &passages, &beside, &Slow(seconds));
    assert_eq!(hurried(length), plain);
    assert_eq!(keys(&hurried(length + NEARBY)), [500]);
    assert_eq!(keys(&hurried(length + 2 * NEARBY)), [500, 1500]);
    let left_out = hurried(length - 1);
    assert_eq!(left_out.prompt.slow_passages, 1);
    assert!(keys(&left_out).is_empty());
}

#[test]
fn what_is_shown_as_a_passage_is_not_shown_beside_another() {
    let passages = passages(3);
    let next = Neighbour {
        chunk_key: 2000,
        ..behind(1000)
    };
    // The chunk between the second and the third goes with the better of them.
    let beside = [next, behind(2000), before(3000)];
    let shown = fit(4000, &[], &passages, &beside, &words);
    assert_eq!(shown.prompt.turn.neighbours, [behind(2000)]);
    assert_eq!(shown.passages[2], passages[2]);
}

#[test]
fn passage_that_an_earlier_turn_shows_stays_as_it_is_shown_there() {
    let passages = passages(1);
    let beside = [before(1000), behind(1000)];
    let first = fit(4000, &[], &passages, &beside[..1], &words);
    let history = [
        first.prompt.turn.clone(),
        Turn::plain(Role::Assistant, "So [1]."),
    ];
    let second = fit(4000, &history, &passages, &beside, &words);
    assert_eq!(second.prompt.messages[..2], first.prompt.messages[..]);
    assert!(keys(&second).is_empty());
    // By what the model was shown its answer is checked.
    assert_eq!(second.passages, first.passages);
    assert_ne!(second.passages, passages);
}
