//! Mathematics in the notation of TeX -> MathML. Formulas that cannot be read,
//! or are too large to be one, are left to be shown as they stand.

use math_core::{LatexToMathML, MathCoreConfig, MathDisplay};
use std::sync::LazyLock;

/// Longest formula, in bytes, and deepest nesting of its braces: the reader of
/// formulas is recursive.
const MAX_FORMULA: usize = 1_000;
const MAX_DEPTH: usize = 24;

static CONVERTER: LazyLock<Option<LatexToMathML>> =
    LazyLock::new(|| LatexToMathML::new(MathCoreConfig::default()).ok());

/// The formula as MathML.
pub(super) fn mathml(formula: &str, block: bool) -> Option<String> {
    let formula = formula.trim();
    if formula.is_empty() || formula.len() > MAX_FORMULA || depth(formula) > MAX_DEPTH {
        return None;
    }
    let display = match block {
        true => MathDisplay::Block,
        false => MathDisplay::Inline,
    };
    let converted = CONVERTER
        .as_ref()?
        .convert_with_local_state(formula, display);
    Some(converted.ok()?.mathml)
}

/// The formula between the delimiters that `source` begins and ends with.
pub(super) fn inside(source: &str) -> &str {
    for (open, close) in [("$$", "$$"), ("\\[", "\\]"), ("\\(", "\\)"), ("$", "$")] {
        let inner = source.strip_prefix(open);
        if let Some(inner) = inner.and_then(|rest| rest.strip_suffix(close)) {
            return inner;
        }
    }
    source
}

fn depth(formula: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for c in formula.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::{MAX_DEPTH, MAX_FORMULA, inside, mathml};

    #[test]
    fn formula_becomes_mathml() {
        let html = mathml("\\frac{1}{2} x^2", false).unwrap();
        assert!(
            html.starts_with("<math") && html.contains("<mfrac>"),
            "{html}"
        );
        assert!(mathml("x", true).unwrap().contains("display=\"block\""));
    }

    #[test]
    fn what_is_no_formula_is_none() {
        assert_eq!(mathml("\\nosuchcommand{", false), None);
        assert_eq!(mathml(&"x".repeat(MAX_FORMULA + 1), false), None);
        let deep = "{".repeat(MAX_DEPTH + 1) + &"}".repeat(MAX_DEPTH + 1);
        assert_eq!(mathml(&deep, false), None);
        assert!(mathml(&"\\sqrt".repeat(150), false).is_none());
    }

    #[test]
    fn delimiters_are_taken_off() {
        for source in ["$x$", "$$x$$", "\\(x\\)", "\\[x\\]", "x"] {
            assert_eq!(inside(source), "x");
        }
    }
}
