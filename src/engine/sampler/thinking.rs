//! What a reasoning model thinks, apart from what it answers.

use super::stop::open_end;

/// The texts around a model's thinking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThinkingTags {
    pub open: String,
    pub close: String,
}

impl Default for ThinkingTags {
    fn default() -> Self {
        Self {
            open: "<think>".to_owned(),
            close: "</think>".to_owned(),
        }
    }
}

/// A piece of a stream, taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Split {
    pub thinking: String,
    pub answer: String,
    /// The budget is spent: the caller writes the closing tag in the model's
    /// place. Said once.
    pub close_now: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Only white space so far; an opening tag may come.
    Start,
    /// Thinking without text so far; a template may have opened it already.
    Opened,
    Thinking,
    /// White space between thinking and answer.
    Closed,
    Answer,
}

/// Takes a stream apart. Thinking stands at its beginning or not at all, so
/// that an answer about such tags is not mistaken for it. Tags and the white
/// space around them are dropped.
#[derive(Debug)]
pub struct ThinkingFilter {
    tags: ThinkingTags,
    part: Part,
    held: String,
    budget: Option<usize>,
    tokens: usize,
}

impl ThinkingFilter {
    /// `inside` says that the prompt has opened the thinking already; `budget`
    /// is the most tokens that it may have.
    pub fn new(tags: ThinkingTags, inside: bool, budget: Option<usize>) -> Self {
        Self {
            tags,
            part: if inside { Part::Opened } else { Part::Start },
            held: String::new(),
            budget,
            tokens: 0,
        }
    }

    /// Whether the model is thinking.
    pub fn is_thinking(&self) -> bool {
        matches!(self.part, Part::Opened | Part::Thinking)
    }

    /// How many tokens the thinking had, tags not included where they are
    /// tokens of their own.
    pub fn thinking_tokens(&self) -> usize {
        self.tokens
    }

    /// Takes in the text of one token, which may be empty.
    pub fn push(&mut self, text: &str) -> Split {
        let mut split = Split::default();
        let was_thinking = self.is_thinking();
        self.held.push_str(text);
        self.advance(&mut split);
        if was_thinking && self.is_thinking() {
            self.tokens += 1;
        }
        if self.is_thinking() && self.budget.is_some_and(|budget| self.tokens >= budget) {
            self.budget = None;
            split.close_now = true;
        }
        split
    }

    /// What is left when no text follows.
    pub fn finish(&mut self) -> Split {
        let held = std::mem::take(&mut self.held);
        let mut split = Split::default();
        match self.part {
            Part::Opened => split.thinking = held.trim().to_owned(),
            Part::Thinking => split.thinking = held.trim_end().to_owned(),
            Part::Start | Part::Answer => split.answer = held,
            Part::Closed => {}
        }
        split
    }

    /// Goes through parts until the held text is used up or undecided.
    fn advance(&mut self, split: &mut Split) {
        loop {
            let before = self.part;
            match self.part {
                Part::Start => self.pass_opening(Part::Answer),
                Part::Opened => self.pass_opening(Part::Thinking),
                Part::Thinking => self.think(&mut split.thinking),
                Part::Closed => self.pass_white_space(),
                Part::Answer => split.answer.push_str(&std::mem::take(&mut self.held)),
            }
            if self.part == before {
                return;
            }
        }
    }

    /// Drops an opening tag; without one, `otherwise` begins.
    fn pass_opening(&mut self, otherwise: Part) {
        let text = self.held.trim_start();
        if let Some(rest) = text.strip_prefix(self.tags.open.as_str()) {
            self.held = rest.to_owned();
            // A tag that follows an opened one changes nothing but is dropped.
            self.part = match self.part {
                Part::Start => Part::Opened,
                _ => Part::Thinking,
            };
            return;
        }
        let undecided = self.tags.open.starts_with(text);
        if !undecided {
            if otherwise == Part::Thinking {
                self.held = text.to_owned();
            }
            self.part = otherwise;
        }
    }

    fn pass_white_space(&mut self) {
        let text = self.held.trim_start();
        if text.len() < self.held.len() {
            self.held = text.to_owned();
        }
        if !self.held.is_empty() {
            self.part = Part::Answer;
        }
    }

    /// Passes thinking on, but for what may be its end.
    fn think(&mut self, thinking: &mut String) {
        if let Some(end) = self.held.find(&self.tags.close) {
            thinking.push_str(self.held[..end].trim_end());
            self.held.drain(..end + self.tags.close.len());
            self.part = Part::Closed;
            return;
        }
        let open = open_end(&self.held, std::iter::once(self.tags.close.as_str()));
        let sure = self.held[..self.held.len() - open].trim_end().len();
        thinking.extend(self.held.drain(..sure));
    }
}
