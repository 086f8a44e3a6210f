//! How models that think before they answer mark it. Must not know how an
//! answer is split.

/// The marks that known models write around their thoughts.
const TAGS: [(&str, &str); 4] = [
    ("<think>", "</think>"),
    ("[THINK]", "[/THINK]"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<thinking>", "</thinking>"),
];

/// What a template says about thinking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThinkingTags {
    pub open: &'static str,
    pub close: &'static str,
    /// The template heeds `enable_thinking`; else a model that is not to think
    /// has to be made to close its thoughts at once.
    pub can_switch_off: bool,
}

impl ThinkingTags {
    /// Whether a prompt ends with the opening mark, so that the answer starts
    /// within the thoughts.
    pub fn are_open_at_the_end_of(&self, prompt: &str) -> bool {
        prompt.trim_end().ends_with(self.open)
    }
}

/// The marks that a template's source names.
pub(super) fn tags_in(source: &str) -> Option<(&'static str, &'static str)> {
    TAGS.into_iter()
        .find(|(open, close)| source.contains(open) || source.contains(close))
}

/// Whether a token is such a mark.
pub(super) fn is_tag(text: &str) -> bool {
    TAGS.iter()
        .any(|(open, close)| [*open, *close].contains(&text))
}
