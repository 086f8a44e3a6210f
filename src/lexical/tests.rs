//! What the index finds, and what it survives.

use super::{Filter, Lexical, LexicalDocument};
use std::path::Path;

fn chunk(chunk: u64, dataset: u64, text: &str) -> LexicalDocument<'_> {
    LexicalDocument {
        chunk,
        document: chunk / 10,
        dataset,
        title: "Manual manual.pdf",
        headings: "",
        text,
    }
}

fn filled(directory: &Path) -> Lexical {
    let lexical = Lexical::open(directory).unwrap();
    lexical
        .add(&[
            chunk(10, 1, "The Curtiss P-40 Warhawk was a fighter aircraft."),
            chunk(
                11,
                1,
                "Error E-1042 means that the valve is stuck; see getUserName().",
            ),
            chunk(
                20,
                2,
                "Version 7.1 adds a fighter to the fleet of aircraft carriers.",
            ),
            chunk(21, 2, "黑豹队的防守只丢了308分。"),
        ])
        .unwrap();
    lexical.commit().unwrap();
    lexical
}

fn found(lexical: &Lexical, question: &str) -> Vec<u64> {
    let hits = lexical.search(question, &Filter::default(), 10).unwrap();
    hits.iter().map(|hit| hit.chunk).collect()
}

#[test]
fn names_and_numbers_are_found_however_they_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let lexical = filled(folder.path());
    for question in ["P-40", "p40", "What is the P 40?", "warhawks"] {
        assert_eq!(found(&lexical, question).first(), Some(&10), "{question}");
    }
    for question in ["E-1042", "e1042", "1042", "user name", "getusername"] {
        assert_eq!(found(&lexical, question).first(), Some(&11), "{question}");
    }
    assert_eq!(found(&lexical, "7.1").first(), Some(&20));
    assert_eq!(found(&lexical, "黑豹队丢了多少分？").first(), Some(&21));
}

#[test]
fn single_character_is_found_inside_words_where_nothing_else_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let lexical = filled(folder.path());
    lexical
        .add(&[
            chunk(31, 3, "책상 위에 검은고양이가 있다"),
            chunk(32, 3, "灯台と黒猫"),
        ])
        .unwrap();
    lexical.commit().unwrap();
    for (question, chunk) in [("猫", 32), ("台", 32), ("灯", 32), ("豹", 21), ("책", 31)] {
        assert_eq!(found(&lexical, question), [chunk], "{question}");
        assert_eq!(
            lexical
                .coverage(question, &["黒猫 灯台 黑豹队 책상"])
                .unwrap(),
            [1.0]
        );
    }
    assert!(found(&lexical, "狐").is_empty());
    assert_eq!(found(&lexical, "猫 aircraft carriers").first(), Some(&20));
    assert!(!found(&lexical, "aircraftと").contains(&32), "a particle");
}

#[test]
fn large_index_is_not_searched_for_words_of_grammar() {
    let folder = tempfile::tempdir().unwrap();
    let lexical = filled(folder.path());
    let clauses = |question: &str, chunks: u64| lexical.clauses(question, chunks);
    let question = "what is the fighter of the fleet";
    assert!(clauses(question, 100) > clauses(question, 1_000_000));
    assert_eq!(
        clauses(question, 1_000_000),
        clauses("fighter fleet", 1_000_000)
    );
    assert_eq!(clauses("what is it", 100), clauses("what is it", 1_000_000));
}

#[test]
fn no_character_of_a_question_is_a_syntax_error() {
    let folder = tempfile::tempdir().unwrap();
    let lexical = filled(folder.path());
    for question in [
        "",
        " ",
        "\"",
        "\"\"",
        "AND OR NOT",
        "title:(",
        "a* b~2 ^3 [1 TO 2]",
        "\\",
        "text:\"x",
        "+-!(){}[]^\"~*?:\\/",
        "\"valve\"",
        "\0\u{feff}",
        "🦀",
        "' OR 1=1 --",
        "\"黑\"",
        "\"a-b\"",
    ] {
        lexical.search(question, &Filter::default(), 5).unwrap();
        lexical.coverage(question, &["text"]).unwrap();
    }
    let long = "aircraft fighter ".repeat(10_000) + &"word ".repeat(100);
    assert_eq!(found(&lexical, &long).len(), 2);
}

#[test]
fn quotation_marks_prefer_the_phrase() {
    let folder = tempfile::tempdir().unwrap();
    let lexical = Lexical::open(folder.path()).unwrap();
    lexical
        .add(&[
            chunk(
                1,
                1,
                "aircraft of the fighter wing, a fighter, an aircraft, fighter",
            ),
            chunk(
                2,
                1,
                "one fighter aircraft stood beside the long and empty runway there",
            ),
        ])
        .unwrap();
    lexical.commit().unwrap();
    assert_eq!(found(&lexical, "fighter aircraft").first(), Some(&1));
    assert_eq!(found(&lexical, "“fighter aircraft”").first(), Some(&2));
}

#[test]
fn filter_lets_nothing_else_pass() {
    let folder = tempfile::tempdir().unwrap();
    let lexical = filled(folder.path());
    let search = |datasets: Option<Vec<u64>>, documents: Option<Vec<u64>>| -> Vec<u64> {
        let filter = Filter {
            datasets,
            documents,
        };
        let hits = lexical
            .search("fighter aircraft manual", &filter, 10)
            .unwrap();
        let mut keys: Vec<u64> = hits.iter().map(|hit| hit.chunk).collect();
        keys.sort_unstable();
        keys
    };
    assert_eq!(search(None, None), [10, 11, 20, 21]);
    assert_eq!(search(Some(vec![1]), None), [10, 11]);
    assert_eq!(search(Some(vec![1, 2]), Some(vec![2])), [20, 21]);
    assert_eq!(search(Some(vec![1]), Some(vec![2])), [0; 0]);
    assert_eq!(search(Some(Vec::new()), None), [0; 0]);
}

#[test]
fn removed_chunks_are_not_found_and_adding_twice_is_adding_once() {
    let folder = tempfile::tempdir().unwrap();
    let lexical = filled(folder.path());
    lexical.add(&[chunk(20, 2, "replaced")]).unwrap();
    lexical.remove(&[10]).unwrap();
    lexical.commit().unwrap();
    assert_eq!(lexical.chunk_keys().unwrap(), [11, 20, 21]);
    assert_eq!(found(&lexical, "fighter"), [0; 0]);
    lexical.remove_document(2).unwrap();
    lexical.commit().unwrap();
    lexical.release_writer().unwrap();
    assert_eq!(lexical.chunk_keys().unwrap(), [11]);
    lexical.clear().unwrap();
    assert!(lexical.is_empty());
    lexical.add(&[chunk(30, 2, "anew")]).unwrap();
    lexical.commit().unwrap();
    assert_eq!(lexical.chunk_keys().unwrap(), [30]);
}

#[test]
fn what_was_committed_is_there_after_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    let lexical = filled(folder.path());
    lexical.add(&[chunk(99, 9, "never committed")]).unwrap();
    drop(lexical);
    let lexical = Lexical::open(folder.path()).unwrap();
    assert_eq!(lexical.chunk_keys().unwrap(), [10, 11, 20, 21]);
    assert_eq!(found(&lexical, "valve"), [11]);
}

#[test]
fn damaged_index_is_begun_anew() {
    for ending in ["json", "idx", "term", "fast", "pos", "store"] {
        let folder = tempfile::tempdir().unwrap();
        drop(filled(folder.path()));
        let mut damaged = 0;
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|e| e == ending) {
                let mut bytes = std::fs::read(&path).unwrap();
                bytes[0] ^= 0x55;
                std::fs::write(&path, bytes).unwrap();
                damaged += 1;
            }
        }
        if damaged == 0 {
            continue;
        }
        let lexical = Lexical::open(folder.path()).unwrap();
        assert!(lexical.is_empty(), "{ending}");
        lexical.add(&[chunk(1, 1, "sound")]).unwrap();
        lexical.commit().unwrap();
        assert_eq!(found(&lexical, "sound"), [1]);
    }
}

#[test]
fn subjects_of_a_question_are_its_words_without_grammar() {
    let folder = tempfile::tempdir().unwrap();
    let lexical = filled(folder.path());
    let question = "What is the range of the Warhawks?";
    let subjects = lexical.subjects(question, "Curtiss P-40 Warhawk");
    let found: Vec<(&str, bool)> = subjects
        .iter()
        .map(|subject| (&question[subject.span.clone()], subject.known))
        .collect();
    assert_eq!(found, [("range", false), ("Warhawks", true)]);
    assert!(lexical.subjects("What is the?", "").is_empty());
}

#[test]
fn coverage_counts_subjects_more_than_grammar() {
    let folder = tempfile::tempdir().unwrap();
    let lexical = filled(folder.path());
    let shares = lexical
        .coverage(
            "What is the Warhawk?",
            &["a warhawk", "what is the matter", "The Warhawk is what"],
        )
        .unwrap();
    assert!(
        shares[0] > 0.7 && shares[1] < 0.3 && shares[2] == 1.0,
        "{shares:?}"
    );
}

#[test]
fn word_of_another_language_is_found_by_its_own_stem() {
    let folder = tempfile::tempdir().unwrap();
    let lexical = Lexical::open(folder.path()).unwrap();
    let german = "Die alten Häuser am Hafen wurden im Sommer verkauft.";
    let english = "The house of the harbour was sold to the trust in summer.";
    lexical
        .add(&[chunk(1, 1, german), chunk(2, 1, english)])
        .unwrap();
    lexical.commit().unwrap();
    assert_eq!(found(&lexical, "Wann wurde das Haus verkauft?"), [1]);
    // Of a question that is too short to tell its language, as it is written.
    assert_eq!(found(&lexical, "alten Häuser"), [1]);
    let coverage = lexical.coverage("Wann wurde das Haus verkauft?", &[german]);
    // All but "wann" and "das", which carry grammar.
    assert!(coverage.unwrap()[0] > 0.75);
}

#[test]
fn compound_is_found_by_the_words_that_it_is_made_of() {
    let folder = tempfile::tempdir().unwrap();
    let lexical = Lexical::open(folder.path()).unwrap();
    lexical
        .add(&[
            chunk(
                1,
                1,
                "Der Präsident wurde im Jahr 2012 zum zweiten Mal gewählt.",
            ),
            chunk(
                2,
                1,
                "Die Waldbrände haben im Jahr 2012 viele Tiere getötet.",
            ),
            chunk(3, 1, "The forest was sold in 2012 to a maker of furniture."),
        ])
        .unwrap();
    lexical.commit().unwrap();
    let question = "Wie groß war der Schaden durch die Brände?";
    assert_eq!(found(&lexical, question).first(), Some(&2));
    // An English question has no pieces.
    assert_eq!(
        found(&lexical, "What was burnt in the brand of that summer?"),
        [3]
    );
}

#[test]
fn words_that_stand_together_in_question_and_text_are_told_from_words_apart() {
    let folder = tempfile::tempdir().unwrap();
    let lexical = filled(folder.path());
    let sentences = |text: &'static str| {
        let ends = text.match_indices('.').map(|(at, _)| at + 1);
        let starts = [0].into_iter().chain(ends.clone());
        (text, starts.zip(ends).map(|(a, b)| a..b).collect())
    };
    let texts = [
        sentences("It is old. The old fighter aircraft was sold."),
        sentences("The aircraft is old. A fighter was sold."),
        sentences("Nothing of it."),
        ("", Vec::new()),
    ];
    let question = "Where is the fighter aircraft?";
    let wordings = lexical.wordings(question, &texts).unwrap();
    assert!(wordings[0].pairs > wordings[1].pairs, "{wordings:?}");
    assert!(wordings[0].sentence > wordings[1].sentence, "{wordings:?}");
    assert_eq!(wordings[2], wordings[3]);
    let whole = lexical.wordings("fighter aircraft", &texts).unwrap()[0];
    assert_eq!((whole.pairs, whole.sentence), (1.0, 1.0));
    let nothing = lexical.wordings("?!", &texts).unwrap()[0];
    assert_eq!((nothing.pairs, nothing.sentence), (0.0, 0.0));
}

/// What each text gains in `question` by how it spells its words.
fn spellings(lexical: &Lexical, question: &str, texts: &[&str]) -> Vec<f32> {
    let texts: Vec<_> = texts.iter().map(|text| (*text, Vec::new())).collect();
    let wordings = lexical.wordings(question, &texts).unwrap();
    wordings.iter().map(|wording| wording.spelling).collect()
}

#[test]
fn word_with_the_accents_of_the_question_is_told_from_one_with_others() {
    let folder = tempfile::tempdir().unwrap();
    let lexical = filled(folder.path());
    let texts = [
        "Herr Müller kam.",
        "Herr MULLER kam.",
        // As some programs encode it.
        "Herr Mu\u{308}ller kam.",
        "Müllers Hut.",
        "Niemand kam.",
    ];
    let gains = |question: &str| spellings(&lexical, question, &texts);
    assert_eq!(gains("müller"), [1.0, 0.0, 1.0, 0.0, 0.0]);
    assert_eq!(gains("Mu\u{308}ller"), gains("müller"));
    assert_eq!(gains("Muller"), [0.0, 1.0, 0.0, 0.0, 0.0]);
    // Who asks for both has no preference, and of a longer question it is a part.
    assert_eq!(gains("Müller oder Muller?"), [0.0; 5]);
    let part = gains("Wann kam Müller?");
    assert!(part[0] > 0.0 && part[0] < 1.0 && part[1] == 0.0, "{part:?}");
}

#[test]
fn spelling_says_nothing_where_no_text_has_other_accents() {
    let folder = tempfile::tempdir().unwrap();
    let lexical = filled(folder.path());
    for (question, texts) in [
        // Found by folding alone: there is nothing that it stands behind.
        ("Beyonce", ["Beyoncé sang.", "BEYONCÉ danced."]),
        ("Café", ["The café is open.", "The Cafés are closed."]),
        ("p40", ["The P-40 flew – high.", "The p40 flew."]),
        ("final", ["The ﬁnal act.", "The fi\u{ad}nal act."]),
        ("running", ["He runs – fast.", "He is running."]),
        ("防守", ["黑豹队的防守。", "防守。"]),
        ("?!", ["Müller", "Muller"]),
    ] {
        assert_eq!(
            spellings(&lexical, question, &texts),
            [0.0, 0.0],
            "{question}"
        );
    }
}
