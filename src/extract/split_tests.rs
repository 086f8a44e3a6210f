use super::{SplitOptions, split};
use crate::extract::format::StructuredText;
use crate::extract::{Extracted, markdown, parts};
use crate::types::{NewChunk, slice_chars};
use std::cell::Cell;

/// A token a word, and one for each four characters of it.
fn count(text: &str) -> usize {
    let tokens = |word: &str| word.chars().count().div_ceil(4);
    text.split_whitespace().map(tokens).sum()
}

fn document(text: &str) -> Extracted {
    let source = StructuredText {
        text: text.to_owned(),
        headings: markdown::headings(text),
        ..StructuredText::default()
    };
    parts::cut("markdown", source)
}

fn chunks(text: &str) -> Vec<NewChunk> {
    let document = document(text);
    let chunks = split(&document, &SplitOptions::default(), &count);
    check(&document, &chunks, &SplitOptions::default());
    chunks
}

/// What must hold of every document: spans are exact, no chunk is too long,
/// every character that is not white space is in a chunk.
fn check(document: &Extracted, chunks: &[NewChunk], options: &SplitOptions) {
    for page in &document.pages {
        let characters: Vec<char> = page.text.chars().collect();
        let mut covered = vec![false; characters.len()];
        let mut last_start = None;
        for chunk in chunks.iter().filter(|chunk| chunk.page == page.number) {
            let text: String = characters[chunk.start..chunk.end].iter().collect();
            assert_eq!(text, chunk.text);
            assert_eq!(text.trim(), text);
            assert!(
                count(&text) <= options.max_tokens,
                "{} tokens",
                count(&text)
            );
            assert!(last_start < Some(chunk.start), "chunks do not advance");
            last_start = Some(chunk.start);
            covered[chunk.start..chunk.end].fill(true);
        }
        let missing = characters.iter().zip(covered);
        let missing: String = missing
            .filter(|(c, covered)| !covered && !c.is_whitespace())
            .map(|(c, _)| c)
            .collect();
        assert_eq!(missing, "");
    }
}

/// Numbers that look random and are the same each time (Knuth's MMIX constants).
fn random(seed: &mut u64, below: u64) -> u64 {
    *seed = seed
        .wrapping_mul(6364136223846793005)
        .wrapping_add(1442695040888963407);
    (*seed >> 33) % below
}

fn random_text(seed: &mut u64) -> String {
    let pieces = [
        "word ",
        "Sätze ",
        "long-compound ",
        ". ",
        ".\n",
        "\n\n",
        "# Head\n\n",
        "\n- item ",
        "| a | b |\n",
        "装置は。",
        "…",
        "x",
        "7.1 ",
        "\t",
        "Supercalifragilistic",
        "? ",
        "e.g. ",
        "\n## Sub\n",
        "😀 ",
    ];
    let length = random(seed, 3000);
    let pick = |_| pieces[random(seed, pieces.len() as u64) as usize];
    (0..length).map(pick).collect()
}

#[test]
fn whatever_the_text_spans_are_exact_and_nothing_is_lost() {
    let mut seed = 7;
    for _ in 0..60 {
        let document = document(&random_text(&mut seed));
        let max_tokens = 20 + random(&mut seed, 300) as usize;
        let options = SplitOptions {
            max_tokens,
            target_tokens: max_tokens * 4 / 5,
            overlap_tokens: random(&mut seed, 40) as usize,
            min_tokens: random(&mut seed, 60) as usize,
        };
        check(&document, &split(&document, &options, &count), &options);
    }
}

#[test]
fn a_short_document_is_one_chunk() {
    let text = "# Title\n\nA sentence.\n\n## More\n\nAnother one.";
    let chunks = chunks(text);
    assert_eq!(chunks.len(), 1);
    assert_eq!(
        (chunks[0].text.as_str(), chunks[0].heading_path.clone()),
        (text, vec!["Title".to_owned()])
    );
}

#[test]
fn chunks_carry_the_headings_above_them_and_do_not_cross_sections() {
    let body = "This sentence fills the section with some words of no importance. ".repeat(8);
    let text = format!(
        "# Guide\n\n{body}\n\n## Pumps\n\n{body}\n\n### Small\n\n{body}\n\n## Valves\n\n{body}"
    );
    let chunks = chunks(&text);
    let paths: Vec<String> = chunks
        .iter()
        .map(|chunk| chunk.heading_path.join(" > "))
        .collect();
    assert_eq!(
        paths,
        [
            "Guide",
            "Guide > Pumps",
            "Guide > Pumps > Small",
            "Guide > Valves"
        ]
    );
    assert!(chunks[1].text.starts_with("## Pumps"));
}

#[test]
fn consecutive_chunks_share_whole_sentences() {
    let text: String = (0..80)
        .map(|n| format!("Sentence number {n} says a thing about water. "))
        .collect();
    let chunks = chunks(&text);
    assert!(chunks.len() > 3);
    for pair in chunks.windows(2) {
        assert!(pair[1].start < pair[0].end, "no overlap");
        let shared = slice_chars(&text, pair[1].start..pair[0].end);
        assert!(
            shared.starts_with("Sentence number") && shared.ends_with('.'),
            "{shared}"
        );
        assert!(count(shared) <= SplitOptions::default().overlap_tokens);
    }
    let shortest = chunks.iter().map(|chunk| chunk.tokens).min();
    assert!(shortest > Some(100), "{shortest:?}");
}

#[test]
fn chunks_end_with_paragraphs_where_they_can() {
    let paragraph =
        "A paragraph has a few sentences. They are short ones. This ends it. ".repeat(4);
    let text = format!("{}\n\n", paragraph.trim()).repeat(6);
    for chunk in chunks(&text) {
        assert!(chunk.text.ends_with("This ends it."));
        assert!(
            chunk.text.starts_with("A paragraph")
                || chunk.text.starts_with("They")
                || chunk.text.starts_with("This")
        );
    }
}

#[test]
fn a_monstrous_sentence_is_cut_between_words() {
    let text = "word ".repeat(4000);
    for chunk in chunks(&text) {
        assert!(chunk.text.split(' ').all(|word| word == "word"));
    }
}

#[test]
fn a_large_line_without_spaces_is_cut_hard_and_in_linear_work() {
    let text = "ab€d".repeat(1_000_000);
    let asked = Cell::new(0);
    let count_one = |text: &str| {
        asked.set(asked.get() + text.len());
        1
    };
    let document = document(&text);
    let chunks = split(&document, &SplitOptions::default(), &count_one);
    assert!(
        chunks
            .iter()
            .all(|chunk| chunk.text.chars().count() <= 254 * 8)
    );
    assert!(
        asked.get() < text.len() * 10,
        "{} bytes counted",
        asked.get()
    );
}
