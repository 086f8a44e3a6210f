use super::sentences;
use crate::types::slice_chars;

fn split(text: &str) -> Vec<String> {
    let ranges = sentences(text).into_iter();
    ranges
        .map(|range| slice_chars(text, range).to_owned())
        .collect()
}

#[test]
fn abbreviations_initials_and_numbers_do_not_end_a_sentence() {
    let text = "Dr. J. R. Smith of Acme Inc. (see Fig. 3, e.g. No. 5) paid 7.1 million in the U.S. market. It grew.";
    assert_eq!(split(text), [&text[..text.len() - 9], "It grew."]);
    let text = "It holds in the U.S. The rest, i.e. Europe, does not. Smith et al. (2010) agree.";
    assert_eq!(split(text).len(), 3);
    assert_eq!(
        split("Is it? No. It is not."),
        ["Is it?", "No.", "It is not."]
    );
    assert_eq!(split("Vitamin C. The rest."), ["Vitamin C.", "The rest."]);
}

#[test]
fn german_dates_and_abbreviations_hold_together() {
    let text = "Am 3. Oktober ist z. B. frei. Das gilt bzw. galt d.h. immer.";
    assert_eq!(split(text).len(), 2, "{:?}", split(text));
}

#[test]
fn numbering_stays_with_what_it_numbers() {
    assert_eq!(
        split("1. First thing. 2. Second thing."),
        ["1. First thing.", "2. Second thing."]
    );
    assert_eq!(
        split("Note 2. Summary of things."),
        ["Note 2. Summary of things."]
    );
    assert_eq!(
        split("Strategy 1.1.2. Choices are good."),
        ["Strategy 1.1.2. Choices are good."]
    );
}

#[test]
fn wrapped_lines_are_one_sentence_and_blank_lines_end_one() {
    let text = "This sentence is wrapped\nover two lines. Next\n\nlast part without stop\n\nend";
    assert_eq!(
        split(text),
        [
            "This sentence is wrapped\nover two lines.",
            "Next",
            "last part without stop",
            "end"
        ]
    );
}

#[test]
fn headings_items_and_rows_are_units() {
    let text = "# Pumps\nThey move water.\n- one item\n- two items\n  go on here\n\n| a | b |\n| c | d |\nNet income\t12\nText: \n1. one\n2. two";
    assert_eq!(
        split(text),
        [
            "# Pumps",
            "They move water.",
            "- one item",
            "- two items\n  go on here",
            "| a | b |",
            "| c | d |",
            "Net income\t12",
            "Text:",
            "1. one",
            "2. two"
        ]
    );
}

#[test]
fn lower_case_text_with_spaced_stops_is_split() {
    let text = "experimental investigation of the\nwing in a slipstream .\n  an experimental study was\nmade .  the results hold at mach 2 . 5 and more .";
    assert_eq!(split(text).len(), 3, "{:?}", split(text));
    assert_eq!(
        split("it is so. and it is not, e.g. here. fine then").len(),
        3
    );
}

#[test]
fn east_asian_sentences_need_no_space() {
    assert_eq!(
        split("装置は安全です。故障？はい！終わり"),
        ["装置は安全です。", "故障？", "はい！", "終わり"]
    );
}

#[test]
fn address_lines_above_a_paragraph_are_no_part_of_it() {
    let text = "Aircraft Accident Bureau\nZone Sud\nThe airplane collided with the ground in bad weather conditions near the town. It burned.";
    assert_eq!(split(text).len(), 4, "{:?}", split(text));
}

#[test]
fn quotes_and_ellipses_stay_inside() {
    assert_eq!(
        split("He said \"Stop.\" Then he left... slowly. Done"),
        ["He said \"Stop.\"", "Then he left... slowly.", "Done"]
    );
}

#[test]
fn ranges_count_characters_and_cover_everything() {
    let text = "Ünö. Zwö «é». \t x\n\n…\n# Ä\n----\n€ 5. Ω";
    let characters: Vec<char> = text.chars().collect();
    let mut covered = vec![0; characters.len()];
    for range in sentences(text) {
        assert!(
            !characters[range.start].is_whitespace() && !characters[range.end - 1].is_whitespace()
        );
        range.for_each(|at| covered[at] += 1);
    }
    for (c, times) in characters.iter().zip(covered) {
        assert!(
            times <= 1 && (times == 1 || c.is_whitespace()),
            "{c:?} {times}"
        );
    }
}
