//! Sequences of whole words, told by patterns: words in order, each one of several
//! (`|`), those that end in `?` as may be.

/// The words of a sentence in lower case, without the marks around them; `can't` and
/// its like are two.
pub(super) fn words(text: &str) -> Vec<String> {
    let plain = text
        .to_lowercase()
        .replace('’', "'")
        .replace("cannot", "can not")
        .replace("can't", "can not")
        .replace("n't", " not");
    let bare = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
    let words = plain.split_whitespace().map(bare);
    words.filter(|word| !word.is_empty()).collect()
}

/// What follows one of the patterns that the words begin with.
pub(super) fn after<'a>(words: &'a [String], patterns: &[&str]) -> Option<&'a [String]> {
    let mut found = patterns.iter().filter_map(|one| matched(one, words));
    Some(&words[found.next()?..])
}

/// How many of the words the pattern takes, if they begin with it.
pub(super) fn matched(pattern: &str, lower: &[String]) -> Option<usize> {
    let mut at = 0;
    for wanted in pattern.split_whitespace() {
        let (words, may_lack) = match wanted.strip_suffix('?') {
            Some(words) => (words, true),
            None => (wanted, false),
        };
        let has = lower.get(at);
        if has.is_some_and(|word| words.split('|').any(|one| one == word)) {
            at += 1;
        } else if !may_lack {
            return None;
        }
    }
    (at > 0).then_some(at)
}
