use super::{Verified, is_refusal, refuses, verify};
use crate::answer::fixtures::{encoder, passage};
use crate::answer::markers;
use crate::types::{Passage, Support, slice_chars};

const PUMP: &str = "The P-40 pump is mounted on a baseplate. \
    Stop the pump when vibration stays above 7.1 mm/s for more than 10 seconds. \
    Readings are taken on the drive-end bearing housing.";
const OIL: &str = "Change the oil every 2,000 hours. Use grade 46 mineral oil.";

fn passages() -> Vec<Passage> {
    vec![passage("pump", 100, PUMP), passage("oil", 0, OIL)]
}

fn check(content: &str) -> Verified {
    verify(content, &passages(), encoder()).unwrap()
}

fn supports(verified: &Verified) -> Vec<Support> {
    verified.checks.iter().map(|check| check.support).collect()
}

#[test]
fn supported_sentence_keeps_its_marker_and_gets_the_exact_place() {
    let content =
        "The pump has to be stopped when vibration is above 7.1 mm/s for more than 10 seconds [1].";
    let verified = check(content);
    assert_eq!(verified.content, content);
    assert_eq!(supports(&verified), [Support::Supported]);
    let citation = &verified.citations[0];
    assert!(citation.text.starts_with("Stop the pump when"));
    assert_eq!(
        slice_chars(PUMP, citation.start - 100..citation.end - 100),
        citation.text
    );
}

#[test]
fn wrong_marker_is_corrected() {
    let verified = check("Change the oil every 2,000 hours [1].");
    assert_eq!(verified.content, "Change the oil every 2,000 hours [2].");
    assert_eq!(verified.citations[0].number, 2);
}

#[test]
fn missing_marker_is_added_after_the_sentence() {
    let verified = check("**Use grade 46 mineral oil.** Is that all?");
    assert_eq!(
        verified.content,
        "**Use grade 46 mineral oil.** [2] Is that all?"
    );
    assert_eq!(verified.checks.len(), 1);
}

#[test]
fn invention_loses_its_marker_and_is_marked() {
    let verified =
        check("The company was founded by two brothers in Turin [1]. Use grade 46 oil [2].");
    assert_eq!(
        verified.content,
        "The company was founded by two brothers in Turin. Use grade 46 oil [2]."
    );
    assert_eq!(
        supports(&verified),
        [Support::Unsupported, Support::Supported]
    );
    assert!(verified.checks[0].citations.is_empty());
}

#[test]
fn number_that_no_passage_has_is_unsupported() {
    let verified =
        check("Stop the pump when vibration stays above 8.4 mm/s for more than 10 seconds [1].");
    assert_eq!(supports(&verified), [Support::Unsupported]);
}

#[test]
fn number_from_another_place_is_weak() {
    let verified =
        check("Stop the pump when vibration stays above 46 mm/s for more than 10 seconds [1].");
    assert_eq!(supports(&verified), [Support::Weak]);
}

#[test]
fn denial_of_what_a_passage_says_is_weak() {
    let verified = check(
        "Do not stop the pump when vibration stays above 7.1 mm/s for more than 10 seconds [1].",
    );
    assert_eq!(supports(&verified), [Support::Weak]);
}

#[test]
fn greetings_headings_code_and_refusals_are_not_checked() {
    let verified = check(
        "Sure, here is what I found:\n\n# Pump stop rules\n\n```\nif v > 9.9 { stop() }\n```\n\n\
         The passages do not mention the price [1]. I hope this helps!",
    );
    assert!(verified.checks.is_empty(), "{:?}", verified.checks);
    assert!(verified.content.contains("mention the price. I hope"));
}

#[test]
fn list_items_and_table_rows_are_checked() {
    let verified = check(
        "Oil:\n\n- Change the oil every 2,000 hours\n- Use grade 46 mineral oil\n\n\
         | Part | Rule |\n|---|---|\n| Pump | Stop the pump above 7.1 mm/s vibration |\n",
    );
    assert_eq!(supports(&verified), [Support::Supported; 3]);
    assert!(
        verified.content.contains("2,000 hours [2]\n- Use"),
        "{}",
        verified.content
    );
    assert!(
        verified.content.contains("vibration [1] |"),
        "{}",
        verified.content
    );
}

#[test]
fn every_marked_number_has_its_citation_and_every_span_its_sentence() {
    let verified = check(
        "Ändere: use grade 46 mineral oil [2][1]. Stop the pump above 7.1 mm/s vibration [1, 2]. Change the oil every 2,000 hours.",
    );
    let marked: Vec<u32> = markers(&verified.content)
        .into_iter()
        .flat_map(|m| m.numbers)
        .collect();
    let cited: Vec<u32> = verified.citations.iter().map(|c| c.number).collect();
    assert_eq!(marked, cited);
    assert_eq!(marked, [2, 1, 2], "{}", verified.content);
    for check in &verified.checks {
        let sentence = slice_chars(&verified.content, check.start..check.end);
        assert!(sentence.ends_with([']', '.']), "{sentence}");
        assert_eq!(markers(sentence).len(), 1, "{sentence}");
    }
}

#[test]
fn any_text_is_survived() {
    for content in [
        "",
        "[1]",
        "[1][2] [2]",
        "\u{0}[1]",
        "[1]\n\n[2] x",
        "> [1]\n- [2]\n# [1] a",
        "a [1] b [2] c [1]. d",
    ] {
        let verified = check(content);
        let marked = markers(&verified.content)
            .iter()
            .map(|m| m.numbers.len())
            .sum::<usize>();
        assert_eq!(
            marked,
            verified.citations.len(),
            "{content:?} {}",
            verified.content
        );
    }
    assert!(
        verify("Use oil [1].", &[], encoder())
            .unwrap()
            .citations
            .is_empty()
    );
}

#[test]
fn refusals_are_recognised() {
    assert!(is_refusal("The passages do not answer this question."));
    assert!(is_refusal("The documents don't mention who painted it."));
    assert!(is_refusal("Die Dokumente enthalten keine Angabe dazu."));
    assert!(!is_refusal("Stop the pump above 7.1 mm/s."));
}

#[test]
fn sentences_that_share_words_with_a_refusal_are_checked() {
    let verified =
        check("The textile mill was unable to pay [1]. The source code does not include tests.");
    assert_eq!(supports(&verified), [Support::Unsupported; 2]);
    assert!(!is_refusal("The textile mill was unable to pay."));
}

#[test]
fn denial_that_a_named_passage_makes_itself_is_a_claim() {
    let text = "The documents do not include the price of the pump.";
    let content = "The documents do not include the price of the pump [1].";
    let verified = verify(content, &[passage("note", 0, text)], encoder()).unwrap();
    assert_eq!(supports(&verified), [Support::Supported]);
    assert_eq!(verified.content, content);
    let verified = check("The documents do not include the price of the pump.");
    assert!(verified.checks.is_empty(), "{:?}", verified.checks);
}

#[test]
fn sentences_that_begin_like_a_greeting_are_checked() {
    let verified = check("Surely the tower was built by monks. Thanksgiving falls on a Thursday.");
    assert_eq!(supports(&verified), [Support::Unsupported; 2]);
}

#[test]
fn answer_of_one_word_is_held_against_the_passages() {
    let verified = check("Baseplate.");
    assert_eq!(verified.content, "Baseplate. [1]");
    assert_ne!(supports(&verified), [Support::Unsupported]);
    assert!(verified.citations[0].text.ends_with("on a baseplate."));
    for content in ["Turin.", "It was 47.", "**Turin**"] {
        let verified = check(content);
        assert_eq!(supports(&verified), [Support::Unsupported], "{content}");
        assert_eq!(verified.content, content);
    }
    let verified = check("Hello! Yes.\n\n**Overview**\n\nSteps:\n\n- Baseplate");
    assert_eq!(verified.checks.len(), 1, "{:?}", verified.checks);
}

#[test]
fn dates_and_scaled_numbers_agree_however_they_are_written() {
    let text = "The tower opened on 2024-03-05. It cost 1,500,000 euros.";
    let support = |content: &str| {
        let verified = verify(content, &[passage("tower", 0, text)], encoder());
        supports(&verified.unwrap())[0]
    };
    let content = "The tower opened on 5 March 2024 and cost 1.5 million euros [1].";
    assert_ne!(support(content), Support::Unsupported);
    for (right, wrong) in [("5 March", "3 May"), ("million", "billion")] {
        let content = content.replace(right, wrong);
        assert_eq!(support(&content), Support::Unsupported, "{content}");
    }
}

#[test]
fn sentence_that_stands_in_two_passages_is_borne_out_by_the_one_it_names() {
    let tail = &PUMP[PUMP.find("Stop").unwrap()..];
    let passages = [passage("pump", 100, PUMP), passage("copy", 40, tail)];
    let sentence = "Stop the pump when vibration stays above 7.1 mm/s for more than 10 seconds";
    for (number, document, start) in [(1, "pump", 141), (2, "copy", 40)] {
        let content = format!("{sentence} [{number}].");
        let verified = verify(&content, &passages, encoder()).unwrap();
        assert_eq!(verified.content, content);
        assert_eq!(supports(&verified), [Support::Supported]);
        let citation = &verified.citations[0];
        assert_eq!(citation.document_id.as_str(), document);
        assert!(citation.text.starts_with("Stop the pump"));
        assert_eq!(citation.start, start);
    }
}

#[test]
fn sentence_with_names_in_each_others_place_is_weak() {
    let text = "In 2019 Bolt paid Acme four million pounds for the mill. The mill was old.";
    let passages = [passage("sale", 0, text)];
    let support = |content: &str| supports(&verify(content, &passages, encoder()).unwrap());
    let told = "Bolt paid Acme four million pounds for the mill [1].";
    assert_eq!(support(told), [Support::Supported]);
    let shorter = "In 2019 Bolt paid Acme four million [1].";
    assert_eq!(support(shorter), [Support::Supported]);
    let turned = "Acme paid Bolt four million pounds for the mill [1].";
    assert_eq!(support(turned), [Support::Weak]);
}

#[test]
fn answer_refuses_that_denies_before_it_states_anything() {
    for content in [
        "The passages do not say how loud the pump is.",
        "Unfortunately, the documents do not mention the price. Use grade 46 mineral oil [2].",
        "Based on the provided passages, I am unable to determine the price [1].",
        "Die Dokumente enthalten keine Angabe dazu.",
    ] {
        assert!(refuses(&check(content)), "{content}");
    }
    for content in [
        "Use grade 46 mineral oil [2].",
        "Use grade 46 mineral oil [2]. The passages do not mention its price.",
        "The company was founded by two brothers in Turin [1].",
        "",
    ] {
        assert!(!refuses(&check(content)), "{content}");
    }
    let long = format!(
        "The passages do not say it. {}",
        "They tell of pumps. ".repeat(25)
    );
    assert!(!refuses(&check(&long)));
}
