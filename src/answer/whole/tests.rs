use super::{WholeBudget, WholeRead, WholeReading};
use crate::answer::fixtures::passage;
use crate::types::Passage;

/// A word is a token.
fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

/// The instructions take about 150 tokens of a context.
const BUDGET: WholeBudget = WholeBudget {
    context_tokens: 600,
    answer_tokens: 50,
    notes_tokens: 40,
    most_parts: 20,
};

/// Passages of 50 words.
fn book(passages: usize) -> Vec<Passage> {
    let one = |n: usize| {
        let text = format!("Keeper number{n} came. {}", "It snowed again. ".repeat(15));
        passage("book", n * 1000, &text)
    };
    (0..passages).map(one).collect()
}

fn begin(passages: usize, budget: WholeBudget) -> WholeReading {
    WholeReading::new("Summarise the book", None, book(passages), budget, &words)
}

/// Reads to the end with a model that writes what `write` makes of a prompt; what
/// was read, and which parts these were.
fn read(
    mut reading: WholeReading,
    write: impl Fn(&str) -> String,
) -> (WholeRead, Vec<(usize, usize, bool)>) {
    let mut parts = Vec::new();
    while let Some(part) = reading.part() {
        let told = part.reading;
        parts.push((told.number, told.of, told.of_notes));
        let prompt: usize = part.messages.iter().map(|(_, text)| words(text)).sum();
        assert!(
            prompt + BUDGET.notes_tokens <= BUDGET.context_tokens,
            "{prompt}"
        );
        reading.take(&write(&part.messages[1].1), false, &words);
    }
    (reading.finish(), parts)
}

/// One note on each passage, which names it.
fn note_all(prompt: &str) -> String {
    let names = prompt
        .split_whitespace()
        .filter(|word| word.starts_with("number"));
    let names = names.filter(|word| !word.contains('='));
    let line = |(name, number): (&str, usize)| format!("- {name} came in winter [{number}]\n");
    names.zip(1..).map(line).collect()
}

#[test]
fn documents_with_room_in_one_prompt_are_read_in_no_parts() {
    let (whole, parts) = read(begin(6, BUDGET), |_| panic!("nothing is to be noted"));
    assert_eq!(parts, []);
    assert_eq!((whole.passages, whole.given), (book(6), None));
}

#[test]
fn notes_stand_in_place_of_the_text_of_the_passages_that_they_rest_on() {
    let (whole, parts) = read(begin(14, BUDGET), |prompt| {
        let last = prompt.matches("<passage").count();
        format!("The keepers came in winter. [{last}]\nThey left. [{last}]\n")
    });
    assert_eq!(parts[0], (1, parts.len(), false));
    assert!(parts.len() > 1, "{parts:?}");
    let given = whole.given.unwrap();
    assert_eq!(given.len(), parts.len());
    assert_eq!(whole.passages.len(), given.len());
    for (noted, passage) in given.iter().zip(&whole.passages) {
        assert_eq!(noted.text, "The keepers came in winter.\nThey left.");
        assert_eq!(noted.chunk_key, passage.chunk_key);
        assert!(passage.text.contains("It snowed"), "{}", passage.text);
    }
    assert_eq!(whole.passages.last(), book(14).last());
    assert!(whole.passages.is_sorted_by_key(|passage| passage.start));
    assert_eq!((whole.too_long, whole.beyond), (0, 0));
}

#[test]
fn notes_that_are_too_many_are_read_again() {
    let (whole, parts) = read(begin(130, BUDGET), note_all);
    let again = parts.iter().filter(|(_, _, of_notes)| *of_notes).count();
    assert!(again > 1 && again * 2 < parts.len(), "{parts:?}");
    let given = whole.given.unwrap();
    let length: usize = given.iter().map(|one| words(&one.text)).sum();
    assert!(!given.is_empty() && length < BUDGET.context_tokens);
}

#[test]
fn model_that_never_comes_to_the_point_is_not_asked_for_ever() {
    // Notes that are as long as what they are about.
    let long = |prompt: &str| -> String {
        let line = |number| format!("{} [{number}]\n", "Snow fell again and again. ".repeat(12));
        (1..=prompt.matches("<passage").count()).map(line).collect()
    };
    let mut reading = begin(130, BUDGET);
    let mut asked = 0;
    while let Some(part) = reading.part() {
        asked += 1;
        assert!(asked < 100);
        reading.take(&long(&part.messages[1].1), false, &words);
    }
    assert!(reading.finish().given.is_some());
}

#[test]
fn documents_with_nothing_worth_a_note_leave_no_passage() {
    let (whole, parts) = read(begin(14, BUDGET), |_| "none".to_owned());
    assert!(parts.len() > 1);
    assert_eq!((whole.passages.len(), whole.given), (0, Some(Vec::new())));
}

#[test]
fn documents_that_are_longer_than_the_bound_are_read_in_so_many_parts_and_it_is_counted() {
    let budget = WholeBudget {
        most_parts: 3,
        ..BUDGET
    };
    let reading = begin(100, budget);
    assert_eq!(reading.part().unwrap().reading.of, 3);
    let (whole, _) = read(reading, |_| "They came. [1]".to_owned());
    assert!(whole.beyond > 50 && whole.beyond < 95, "{}", whole.beyond);
}

#[test]
fn documents_of_which_nothing_was_read_are_named() {
    let letter = |n: usize| {
        let text = "It snowed again. ".repeat(17);
        passage(&format!("letter {n}"), n * 1000, &text)
    };
    let budget = WholeBudget {
        most_parts: 2,
        ..BUDGET
    };
    let begin = |letters: usize| {
        let letters = (0..letters).map(letter).collect();
        WholeReading::new("Summarise all", None, letters, budget, &words)
    };
    let (whole, parts) = read(begin(40), note_all_letters);
    assert_eq!(parts.iter().filter(|(_, _, of_notes)| !of_notes).count(), 2);
    assert_eq!(whole.unread.documents, whole.beyond);
    assert!(whole.unread.documents > 10, "{:?}", whole.unread);
    assert_eq!(whole.unread.names[0], "letter 1", "the first is read");
    let (whole, _) = read(begin(4), |_| panic!("there is room for all"));
    assert_eq!(whole.unread.documents, 0);
}

/// One note on the first passage.
fn note_all_letters(_: &str) -> String {
    "They wrote of snow. [1]".to_owned()
}

#[test]
fn context_without_room_for_a_passage_has_no_parts_and_loses_none_here() {
    let budget = WholeBudget {
        context_tokens: 180,
        ..BUDGET
    };
    let (whole, parts) = read(begin(14, budget), |_| panic!("nothing is to be noted"));
    assert_eq!(parts, []);
    assert_eq!((whole.passages, whole.too_long), (book(14), 0));
}

#[test]
fn same_documents_are_read_in_the_same_parts() {
    let prompts = || {
        let mut reading = begin(40, BUDGET);
        let mut prompts = Vec::new();
        while let Some(part) = reading.part() {
            reading.take(&note_all(&part.messages[1].1), false, &words);
            prompts.push(part.messages);
        }
        prompts
    };
    assert_eq!(prompts(), prompts());
}
