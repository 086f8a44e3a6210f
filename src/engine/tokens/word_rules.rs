//! How families of models cut text into words before merging, by the name in
//! `tokenizer.ggml.pre`. The expressions are those that the models' publishers
//! trained with. Must not cut anything itself.

use super::words::{LastSpace, Stage};

/// What a model's words are and what goes with them.
#[derive(Debug, Clone)]
pub(super) struct WordRule {
    pub(super) stages: Vec<Stage>,
    /// A word that is a token is not merged from its parts.
    pub(super) whole_words: bool,
    /// A prompt starts with BOS where the file does not say.
    pub(super) adds_bos: bool,
    /// Characters are composed first (NFC).
    pub(super) composes: bool,
}

impl Default for WordRule {
    /// GPT-2's, the oldest.
    fn default() -> Self {
        words(vec![gpt2()])
    }
}

/// English endings, in either case.
const ENDINGS: &str = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const LOWER_ENDINGS: &str = "'s|'t|'re|'ve|'m|'ll|'d";
const CAPITALS: &str = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]";
const SMALL: &str = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]";
const ONE_DIGIT: &str = r"\p{N}";
const THREE_DIGITS: &str = r"\p{N}{1,3}";
/// Han and kana.
const HAN: &str = r"[\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+";
/// Han, Hangul and what stands between.
const EAST: &str = r"[\x{0800}-\x{9FA5}\x{AC00}-\x{D7FF}]+";

/// The rule of that name.
pub(super) fn named(name: &str) -> Option<WordRule> {
    let rule = match name {
        "gpt-2" | "gpt2" | "phi-2" | "gigachat" | "a.x-4.0" | "mellum" | "jais" | "exaone4"
        | "trillion" | "granite-docling" | "roberta-bpe" | "jina-es" | "jina-de" | "jina-v2-es"
        | "jina-v2-de" | "jina-v2-code" | "jina-v1-en" => WordRule::default(),
        "olmo" | "mpt" | "modern-bert" => composing(words(vec![gpt2()])),
        "smollm" | "starcoder" | "refact" | "command-r" | "codeshell" | "exaone" | "minerva-7b"
        | "mellum2" => words(vec![alone(ONE_DIGIT), gpt2()]),
        "llama-bpe" | "llama3" | "llama-v3" | "falcon3" | "falcon-h1" | "pixtral" | "midm-2.0"
        | "lfm2" | "jina-v5-nano" => starting(whole(words(vec![modern(THREE_DIGITS)]))),
        "smollm3" => whole(words(vec![modern(THREE_DIGITS)])),
        "smaug-bpe" | "dbrx" | "chatglm-bpe" | "glm4" => words(vec![modern(THREE_DIGITS)]),
        "minicpm5" => whole(words(vec![alone(THREE_DIGITS), modern(r"\p{N}+")])),
        "qwen2" | "deepseek-r1-qwen" | "megrez" | "kormo" | "f2llmv2" => {
            composing(words(vec![modern(ONE_DIGIT)]))
        }
        "qwen35" => composing(words(vec![with_marks()])),
        "stablelm2" | "hunyuan" | "solar-open" | "grok-2" | "bailingmoe" | "bailingmoe2"
        | "llada-moe" => words(vec![modern(ONE_DIGIT)]),
        "seed-coder" => words(vec![modern_with(ENDINGS, r"\p{L}+", ONE_DIGIT, "")]),
        "tekken" => starting(whole(words(vec![cased("", ONE_DIGIT)]))),
        "gpt-4o" | "llama4" | "kanana2" | "minimax-m2" => {
            words(vec![cased(&format!("{ENDINGS}?"), THREE_DIGITS)])
        }
        "deepseek-llm" => words(deepseek_llm()),
        "deepseek-coder" => words(vec![
            alone(r"[\r\n]"),
            alone(r"\s?\p{L}+"),
            alone(r"\s?\p{P}+"),
            alone(EAST),
            alone(ONE_DIGIT),
        ]),
        "deepseek-v3" | "hunyuan-dense" | "joyai-llm" => {
            words(vec![alone(THREE_DIGITS), alone(HAN), deepseek_v3()])
        }
        "falcon" => words(vec![
            alone(r"[\p{P}\$\+<=>\^~\|`]+"),
            gpt2(),
            alone("[0-9][0-9][0-9]"),
        ]),
        "bloom" | "gpt3-finnish" | "poro-chat" => words(vec![bloom()]),
        "viking" => words(vec![bloom(), alone(ONE_DIGIT)]),
        "default" => words(vec![
            alone(r"[\p{P}\$\+<=>\^~\|]+"),
            gpt2(),
            alone(r"\p{N}+"),
            alone("[0-9][0-9][0-9]"),
        ]),
        _ => return None,
    };
    Some(rule)
}

fn words(stages: Vec<Stage>) -> WordRule {
    WordRule {
        stages,
        whole_words: false,
        adds_bos: false,
        composes: false,
    }
}

fn whole(rule: WordRule) -> WordRule {
    WordRule {
        whole_words: true,
        ..rule
    }
}

fn starting(rule: WordRule) -> WordRule {
    WordRule {
        adds_bos: true,
        ..rule
    }
}

fn composing(rule: WordRule) -> WordRule {
    WordRule {
        composes: true,
        ..rule
    }
}

/// What matches stands alone.
fn alone(pattern: &str) -> Stage {
    Stage {
        pattern: pattern.to_owned(),
        last_space: LastSpace::Stays,
    }
}

fn in_line(pattern: String) -> Stage {
    Stage {
        pattern,
        last_space: LastSpace::GoesOnInLine,
    }
}

/// Endings, letters, digits, the rest, each with the space before it.
fn gpt2() -> Stage {
    Stage {
        pattern: format!(r"{LOWER_ENDINGS}| ?\p{{L}}+| ?\p{{N}}+| ?[^\s\p{{L}}\p{{N}}]+|\s+"),
        last_space: LastSpace::GoesOn,
    }
}

/// As since Llama 3: letters take any one sign before them, line ends belong
/// to the sign before them, digits come in groups.
fn modern(digits: &str) -> Stage {
    modern_with(ENDINGS, r"\p{L}+", digits, r"[\r\n]*")
}

fn modern_with(endings: &str, letters: &str, digits: &str, tail: &str) -> Stage {
    in_line(format!(
        r"{endings}|[^\r\n\p{{L}}\p{{N}}]?{letters}|{digits}| ?[^\s\p{{L}}\p{{N}}]+{tail}|\s*[\r\n]+|\s+"
    ))
}

/// As `modern`, combining marks belong to their letters.
fn with_marks() -> Stage {
    in_line(format!(
        r"{ENDINGS}|[^\r\n\p{{L}}\p{{N}}]?[\p{{L}}\p{{M}}]+|{ONE_DIGIT}| ?[^\s\p{{L}}\p{{M}}\p{{N}}]+[\r\n]*|\s*[\r\n]+|\s+"
    ))
}

/// As `modern`, a capital within a word starts another.
fn cased(endings: &str, digits: &str) -> Stage {
    let before = r"[^\r\n\p{L}\p{N}]?";
    in_line(format!(
        r"{before}{CAPITALS}*{SMALL}+{endings}|{before}{CAPITALS}+{SMALL}*{endings}|{digits}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|\s*[\r\n]+|\s+"
    ))
}

fn deepseek_v3() -> Stage {
    in_line(
        r"[!-/:-@\[-`{-~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+"
            .to_owned(),
    )
}

fn deepseek_llm() -> Vec<Stage> {
    vec![
        alone(r"[\r\n]"),
        // Letters that have a case, but for mathematical ones.
        alone(r"\s?[\p{Lu}\p{Ll}\p{Lt}--\x{1D400}-\x{1D7FF}]+"),
        // Signs of ASCII, of its full-width forms, quotation marks, CJK stops.
        alone(r"\s?[!-/:-~\x{FF01}-\x{FF0F}\x{FF1A}-\x{FF5E}\x{2018}-\x{201F}\x{3000}-\x{3002}]+"),
        alone(r"\s+$"),
        alone(EAST),
        alone(r"\p{N}+"),
    ]
}

/// Everything up to a space or a stop.
fn bloom() -> Stage {
    alone(r" ?[^(\s|.,!?…。，、।۔،)]+")
}

#[cfg(test)]
mod tests {
    use super::named;
    use crate::tokens::words::WordCutter;

    fn words<'a>(rule: &str, text: &'a str) -> Vec<&'a str> {
        WordCutter::new(&named(rule).unwrap().stages)
            .unwrap()
            .cut(text)
    }

    /// Text in which much of what the rules tell apart stands side by side.
    fn mixtures() -> impl Iterator<Item = String> {
        let parts = [
            " ", " ", "\n", "\r\n", "\t", "\u{a0}", "\u{3000}", "a", "Bc", "é", "e\u{301}", "ß",
            "'s", "'LL", "'", "1", "42", "٣", "½", "我", "か", "한", "ไ", "ा", "!", "...", "/",
            "=>", "$", "🦊", "\u{200d}", "_", "，", "“", "<|", "Ǆ", "ǅ",
        ];
        let mut state = 1_u64;
        let mut next = move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) as usize
        };
        (0..3000).map(move |_| {
            (0..next() % 12)
                .map(|_| parts[next() % parts.len()])
                .collect()
        })
    }

    #[test]
    fn words_are_those_of_expressions_that_look_ahead() {
        use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
        use tokenizers::{OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer};
        for name in [
            "gpt-2",
            "smollm",
            "llama-bpe",
            "qwen2",
            "qwen35",
            "tekken",
            "gpt-4o",
            "deepseek-v3",
            "falcon",
        ] {
            let stages = named(name).unwrap().stages;
            let looking_ahead: Vec<Split> = stages
                .iter()
                .map(|stage| {
                    let pattern = match stage.pattern.strip_suffix(r"|\s+") {
                        Some(before) => format!(r"{before}|\s+(?!\S)|\s+"),
                        None => stage.pattern.clone(),
                    };
                    let isolated = tokenizers::SplitDelimiterBehavior::Isolated;
                    Split::new(SplitPattern::Regex(pattern), isolated, false).unwrap()
                })
                .collect();
            let cutter = WordCutter::new(&stages).unwrap();
            for text in mixtures() {
                let mut splits = PreTokenizedString::from(text.as_str());
                for split in &looking_ahead {
                    split.pre_tokenize(&mut splits).unwrap();
                }
                let expected = splits.get_splits(OffsetReferential::Original, OffsetType::Byte);
                let expected: Vec<&str> = expected.into_iter().map(|(word, ..)| word).collect();
                assert_eq!(cutter.cut(&text), expected, "{name}: {text:?}");
            }
        }
    }

    #[test]
    fn every_rule_is_valid_and_loses_nothing() {
        for name in [
            "gpt-2",
            "olmo",
            "smollm",
            "llama-bpe",
            "smollm3",
            "smaug-bpe",
            "minicpm5",
            "qwen2",
            "qwen35",
            "stablelm2",
            "seed-coder",
            "tekken",
            "gpt-4o",
            "deepseek-llm",
            "deepseek-coder",
            "deepseek-v3",
            "falcon",
            "bloom",
            "viking",
            "default",
        ] {
            let cutter = WordCutter::new(&named(name).unwrap().stages).unwrap();
            for text in mixtures() {
                let words = cutter.cut(&text);
                assert_eq!(words.concat(), text, "{name}");
                assert!(words.iter().all(|word| !word.is_empty() || text.is_empty()));
            }
        }
    }

    #[test]
    fn each_family_cuts_endings_numbers_and_line_ends_its_own_way() {
        let text = "I'LL pay 1234 euro\n\n now";
        for (rule, expected) in [
            ("gpt-2", "I|'|LL| pay| 1234| euro|\n\n| now"),
            ("smollm", "I|'|LL| pay| |1|2|3|4| euro|\n\n| now"),
            ("llama-bpe", "I|'LL| pay| |123|4| euro|\n\n| now"),
            ("qwen2", "I|'LL| pay| |1|2|3|4| euro|\n\n| now"),
            ("tekken", "I|'LL| pay| |1|2|3|4| euro|\n\n| now"),
            ("gpt-4o", "I'LL| pay| |123|4| euro|\n\n| now"),
            ("deepseek-v3", "I|'LL| pay| |123|4| euro|\n\n| now"),
            ("deepseek-llm", "I|'|LL| pay| |1234| euro|\n|\n| now"),
            ("deepseek-coder", "I|'|LL| pay| |1|2|3|4| euro|\n|\n| now"),
            ("falcon", "I|'|LL| pay| |123|4| euro|\n\n| now"),
        ] {
            assert_eq!(words(rule, text).join("|"), expected, "{rule}");
        }
    }
}
