//! Rendering while the answer is written: block by block, at a cost that stays
//! linear in the length of the answer.

use super::chips::Chips;
use super::cite::complete_until;
use super::render::{Block, Growth, blocks};
use crate::types::Passage;

/// The open block is rendered anew when it has grown by one part in so many.
const RENDERS_PER_LENGTH: usize = 48;
/// From so many characters on, a line can no longer turn out to be the marker
/// of a list item, which would join it to the block before.
const TELLING: usize = 12;

/// Renders a growing Markdown text. A block that is finished is never rendered
/// again.
pub struct BlockStream {
    chips: Chips,
    /// The text from the start of the first unfinished block.
    pending: String,
    /// Index of that block.
    first: usize,
    /// Length of `pending` when it was rendered last.
    rendered: usize,
    /// What was given out for the unfinished blocks.
    given: Vec<String>,
}

impl BlockStream {
    /// A stream whose markers number `sources`.
    pub fn new(sources: &[Passage]) -> Self {
        Self {
            chips: Chips::of_sources(sources),
            pending: String::new(),
            first: 0,
            rendered: 0,
            given: Vec::new(),
        }
    }

    /// Takes the next token; gives the top-level blocks that changed, each with
    /// its index and its whole HTML.
    pub fn push(&mut self, token: &str) -> Vec<(usize, String)> {
        self.pending.push_str(token);
        let grown = self.pending.len() - self.rendered;
        if grown * RENDERS_PER_LENGTH < self.pending.len() {
            return Vec::new();
        }
        self.update(false)
    }

    /// The blocks that the end of the text changes.
    pub fn finish(&mut self) -> Vec<(usize, String)> {
        self.update(true)
    }

    fn update(&mut self, last: bool) -> Vec<(usize, String)> {
        let visible = if last {
            self.pending.len()
        } else {
            complete_until(&self.pending)
        };
        let growth = match last {
            true => Growth::Complete,
            false => Growth::Growing,
        };
        let mut found = blocks(&self.pending[..visible], &self.chips, &[], growth);
        let telling = last || found.last().is_some_and(|block| self.is_telling(block));
        if found.len() > 1 && !telling {
            found.pop();
        }
        let changed = self.changed(&found);
        self.given = found.iter().map(|block| block.html.clone()).collect();
        if let Some((open, finished)) = found.split_last() {
            self.pending.drain(..open.start);
            self.first += finished.len();
            self.given.drain(..finished.len());
        }
        self.rendered = self.pending.len();
        changed
    }

    fn is_telling(&self, block: &Block) -> bool {
        let text = self.pending[block.start..].trim_start();
        text.contains('\n') || text.chars().count() >= TELLING
    }

    fn changed(&self, found: &[Block]) -> Vec<(usize, String)> {
        let numbered = found.iter().enumerate();
        numbered
            .filter(|(at, block)| self.given.get(*at) != Some(&block.html))
            .map(|(at, block)| (self.first + at, block.html.clone()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::BlockStream;
    use std::collections::BTreeMap;

    fn tokens(text: &str) -> Vec<String> {
        let chars: Vec<char> = text.chars().collect();
        chars.chunks(3).map(|part| part.iter().collect()).collect()
    }

    /// What a page shows after all tokens, and how often each block came.
    fn shown(tokens: &[String]) -> (Vec<String>, Vec<usize>) {
        let mut stream = BlockStream::new(&[]);
        let (mut blocks, mut times) = (BTreeMap::new(), BTreeMap::new());
        let mut take = |changed: Vec<(usize, String)>| {
            for (index, html) in changed {
                *times.entry(index).or_insert(0) += 1;
                blocks.insert(index, html);
            }
        };
        for token in tokens {
            take(stream.push(token));
        }
        take(stream.finish());
        (
            blocks.into_values().collect(),
            times.into_values().collect(),
        )
    }

    #[test]
    fn blocks_add_up_to_the_whole_answer() {
        for text in [
            "One *two*.\n\nThree.\n\n- a\n- b\n\n  c\n\n```\nx = 1\n\ny\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nEnd.",
            "1. a\n\n2. b\n\n10. c\n\nNow a paragraph that ends the list.",
            "Head\n====\n\n> quote\nlazy\n\n---\n\n    code\n\n    more\n\n<div>\n\nx",
            "",
        ] {
            let whole =
                crate::answer::render(text, &crate::types::AnswerMode::NothingFound, &[], &[]);
            assert_eq!(shown(&tokens(text)).0.concat(), whole, "{text}");
        }
    }

    #[test]
    fn unfinished_marker_is_not_shown() {
        let mut stream = BlockStream::new(&[]);
        assert_eq!(
            stream.push("So it is [1"),
            [(0, "<p>So it is</p>".to_owned())]
        );
    }

    #[test]
    fn finished_block_is_never_sent_again() {
        let text = "First paragraph of the answer.\n\n".repeat(40);
        let (blocks, times) = shown(&tokens(&text));
        assert_eq!(blocks.len(), 40);
        assert!(times.iter().all(|times| *times <= 20), "{times:?}");
    }

    #[test]
    fn long_answer_stays_cheap() {
        let paragraph = "word ".repeat(20_000);
        let (_, times) = shown(&tokens(&paragraph));
        assert!(times[0] < 500, "{times:?}");
    }
}
