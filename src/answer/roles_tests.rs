use super::Roles;
use crate::extract::sentences;
use crate::types::slice_chars;
use serde_json::Value;

fn are_turned_round(claim: &str, source: &str) -> bool {
    Roles::of(claim).are_turned_round(&Roles::of(source))
}

#[test]
fn names_and_numbers_that_changed_places_are_seen() {
    for [claim, source] in [
        ["Acme paid Bolt.", "In 2019 Bolt paid Acme 4 million."],
        [
            "Ada Wren succeeded Tobias Grenn.",
            "Tobias Grenn succeeded Ada Wren.",
        ],
        [
            "Acme was bought by Bolt.",
            "In March Bolt was bought by Acme.",
        ],
        [
            "Turin lies south of Milan.",
            "Today Milan lies south of Turin.",
        ],
        [
            "The rate rose from 7 percent to 5.",
            "The rate rose from 5 percent to 7.",
        ],
        ["Der Graf schlug den König.", "Der König schlug den Graf."],
    ] {
        assert!(are_turned_round(claim, source), "{claim} {source}");
    }
}

#[test]
fn what_means_the_same_in_another_order_is_no_change_of_places() {
    for [claim, source] in [
        ["Acme paid Bolt.", "Acme has paid Bolt."],
        ["Acme paid Bolt.", "Bolt was paid by Acme."],
        [
            "Paris is the capital of France.",
            "France's capital is Paris.",
        ],
        ["Ada married Bo.", "In 1990 Bo married Ada."],
        [
            "Milan signed a treaty with Turin.",
            "In 1990 Turin signed a treaty with Milan.",
        ],
        [
            "Grenn retired in 1990.",
            "In 1990 the keeper Grenn retired.",
        ],
        ["Sizes are 7 mm, 5 mm.", "Sizes are 5 mm, 7 mm."],
        [
            "Ada won gold and Bo won silver.",
            "Bo won silver and Ada won gold.",
        ],
        ["Bolt paid Acme.", "Acme paid Bolt what Bolt had paid Acme."],
        ["Den König schlug der Graf.", "Der Graf schlug den König."],
        ["Pumps feed Valves.", "Valves feed pumps."],
    ] {
        assert!(!are_turned_round(claim, source), "{claim} {source}");
    }
}

fn read(path: &str) -> Option<String> {
    let path = format!("{}/../shared/data/{path}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).ok();
    if text.is_none() {
        println!("skipped: {path} is not here");
    }
    text
}

fn all_sentences(text: &str) -> Vec<&str> {
    let ranges = sentences(text).into_iter();
    ranges.map(|range| slice_chars(text, range)).collect()
}

/// Each sentence that people wrote from a passage, against each of the passage.
#[test]
fn what_people_write_from_a_passage_turns_nothing_round() {
    let Some(text) = read("clapnq/answerable.jsonl") else {
        return;
    };
    let (mut written, mut alarms) = (0, Vec::new());
    for line in text.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let of = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let passage = of(&record["passages"][0]["text"]);
        let answer = of(&record["output"][0]["answer"]);
        for claim in all_sentences(&answer) {
            written += 1;
            let own = all_sentences(&passage);
            alarms.extend(
                own.into_iter()
                    .filter(|source| are_turned_round(claim, source))
                    .map(|source| format!("{claim} | {source}")),
            );
        }
    }
    assert!(written > 150, "{written}");
    assert!(alarms.len() * 100 < written, "of {written}: {alarms:#?}");
}

/// Two names of a sentence in each other's place, and the sentence without what
/// follows its last comma.
#[test]
fn names_that_are_exchanged_in_real_sentences_are_seen_and_shorter_ones_are_not() {
    let Some(text) = read("xquad/xquad.en.json") else {
        return;
    };
    let data: Value = serde_json::from_str(&text).unwrap();
    let (mut exchanged, mut seen, mut alarms) = (0, 0, Vec::new());
    for article in data["data"].as_array().unwrap() {
        for paragraph in article["paragraphs"].as_array().unwrap() {
            for source in all_sentences(paragraph["context"].as_str().unwrap()) {
                let shorter = source.rsplit_once(',').map_or(source, |(before, _)| before);
                if are_turned_round(shorter, source) || are_turned_round(source, shorter) {
                    alarms.push(source.to_owned());
                }
                let Some(other) = with_names_exchanged(source) else {
                    continue;
                };
                exchanged += 1;
                seen += usize::from(are_turned_round(&other, source));
            }
        }
    }
    println!("{seen} of {exchanged} exchanged names are seen");
    assert!(alarms.is_empty(), "{alarms:#?}");
    assert!(
        exchanged > 20 && seen * 3 > exchanged * 2,
        "{seen} of {exchanged}"
    );
}

/// The sentence with two names exchanged that have a word of five small letters
/// or more right between them, as a verb would stand: "Ada succeeded Bo".
fn with_names_exchanged(source: &str) -> Option<String> {
    let words: Vec<&str> = source.split(' ').collect();
    let is_name = |word: &str| {
        let mut letters = word.chars();
        letters.next().is_some_and(char::is_uppercase) && letters.all(char::is_lowercase)
    };
    let is_small = |word: &str| word.len() >= 5 && word.chars().all(|c| c.is_ascii_lowercase());
    let at = (1..words.len().saturating_sub(2)).find(|&at| {
        is_name(words[at])
            && is_small(words[at + 1])
            && is_name(words[at + 2])
            && words[at] != words[at + 2]
    })?;
    let mut other = words.clone();
    other.swap(at, at + 2);
    Some(other.join(" "))
}
