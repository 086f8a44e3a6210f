//! Code with its words told apart, as HTML spans of a few classes that the page
//! gives a look to. What takes too long is shown plain.

use super::sanitise::escape;
use std::sync::LazyLock;
use std::time::Duration;
use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxSet};

/// Longest code that is looked at, in bytes, and longest line of it.
const MAX_CODE: usize = 48 * 1024;
const MAX_LINE: usize = 2_000;

/// What one block may cost of this thread's own time, so that the same code looks
/// the same on a busy machine. The grammars are full of backtracking.
const LONGEST: Duration = Duration::from_millis(100);

static SYNTAXES: LazyLock<SyntaxSet> = LazyLock::new(SyntaxSet::load_defaults_newlines);

/// What scopes are shown as; of those that fit, the innermost counts.
static CLASSES: LazyLock<Vec<(Scope, &str)>> = LazyLock::new(|| {
    [
        ("comment", "hl-c"),
        ("string", "hl-s"),
        ("constant", "hl-n"),
        ("keyword.operator", ""),
        ("keyword", "hl-k"),
        ("storage", "hl-k"),
        ("variable.language", "hl-k"),
        ("entity.name.function", "hl-f"),
        ("entity.name.class", "hl-t"),
        ("entity.name.struct", "hl-t"),
        ("entity.name.tag", "hl-k"),
    ]
    .into_iter()
    .filter_map(|(scope, class)| Some((Scope::new(scope).ok()?, class)))
    .collect()
});

/// The code as HTML; `None` where the language is not known or the code is too
/// much to look at.
pub(super) fn highlight(code: &str, language: &str) -> Option<String> {
    if code.len() > MAX_CODE || language.is_empty() {
        return None;
    }
    let syntax = SYNTAXES.find_syntax_by_token(language)?;
    let mut state = ParseState::new(syntax);
    let mut stack = ScopeStack::new();
    let mut html = String::with_capacity(code.len() * 2);
    let end = thread_time() + LONGEST;
    for line in code.split_inclusive('\n') {
        if line.len() > MAX_LINE || thread_time() > end {
            return None;
        }
        let mut at = 0;
        for (position, change) in state.parse_line(line, &SYNTAXES).ok()? {
            write(&mut html, line.get(at..position)?, class_of(&stack));
            at = position;
            stack.apply(&change).ok()?;
        }
        write(&mut html, line.get(at..)?, class_of(&stack));
    }
    Some(html)
}

/// How long this thread has been at work.
#[cfg(unix)]
fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        time.tv_nsec.unsigned_abs() as u32,
    )
}

/// Elsewhere it counts as at work all the time.
#[cfg(not(unix))]
fn thread_time() -> Duration {
    static BEGUN: LazyLock<std::time::Instant> = LazyLock::new(std::time::Instant::now);
    BEGUN.elapsed()
}

fn class_of(stack: &ScopeStack) -> &'static str {
    let innermost_first = stack.as_slice().iter().rev();
    let mut found = innermost_first.filter_map(|scope| {
        let mut classes = CLASSES.iter();
        classes.find(|(known, _)| known.is_prefix_of(*scope))
    });
    found.next().map_or("", |(_, class)| *class)
}

fn write(html: &mut String, text: &str, class: &str) {
    if text.is_empty() {
        return;
    }
    if class.is_empty() || text.trim().is_empty() {
        html.push_str(&escape(text));
    } else {
        html.push_str(&format!("<span class=\"{class}\">{}</span>", escape(text)));
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_LINE, highlight};

    #[test]
    fn words_are_told_apart_and_everything_is_escaped() {
        let code = "// a <b>\nfn main() { let s = \"x & y\"; }\n";
        let html = highlight(code, "rust").unwrap();
        assert!(html.contains("<span class=\"hl-c\">"), "{html}");
        assert!(html.contains("<span class=\"hl-k\">fn</span>"), "{html}");
        assert!(html.contains("main</span>"), "{html}");
        assert!(
            html.contains("x &amp; y") && html.contains("a &lt;b&gt;"),
            "{html}"
        );
    }

    #[test]
    fn unknown_language_and_too_long_a_line_stay_plain() {
        assert_eq!(highlight("x", "no-such-language"), None);
        assert_eq!(highlight("x", ""), None);
        assert_eq!(highlight(&"x".repeat(MAX_LINE + 1), "rust"), None);
    }
}
