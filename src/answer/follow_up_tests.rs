use super::{Before, carried_over, is_faithful, names};

fn after(earlier: &str, question: &str) -> Option<String> {
    let before = Before {
        question: earlier,
        answer: "The tower was lit by Elin Ravn, a widow, from 1871 on.",
    };
    carried_over(question, before)
}

#[test]
fn ellipsis_takes_the_place_of_what_it_replaces() {
    for (earlier, question, wanted) in [
        (
            "What was the revenue in 2023?",
            "And in 2022?",
            "What was the revenue in 2022",
        ),
        (
            "What is the capital of France?",
            "and of Germany?",
            "What is the capital of Germany",
        ),
        (
            "What is the capital of France?",
            "What about Germany?",
            "What is the capital of Germany",
        ),
        (
            "How long is the warranty for pumps in Norway?",
            "and for seals?",
            "How long is the warranty for seals in Norway",
        ),
        (
            "Who leads Nordic Pumps AS?",
            "And Baltic Valves?",
            "Who leads Baltic Valves",
        ),
        (
            "Was kostet die Wartung von Pumpen?",
            "Und von Ventilen?",
            "Was kostet die Wartung von Ventilen",
        ),
        (
            "What was the revenue of 2023?",
            "And 2022?",
            "What was the revenue of 2022",
        ),
        (
            "Who was the first keeper?",
            "Why?",
            "Who was the first keeper Why",
        ),
    ] {
        assert_eq!(
            after(earlier, question).as_deref(),
            Some(wanted),
            "{question}"
        );
    }
}

#[test]
fn pronoun_brings_the_names_that_it_stands_for() {
    let she = after(
        "Who was the first keeper of the lighthouse?",
        "When did she die?",
    );
    assert_eq!(
        she.as_deref(),
        Some("first keeper lighthouse Elin Ravn 1871 When did she die?")
    );
    let it = after(
        "When was the Lindesnes lighthouse built?",
        "How tall is it?",
    );
    assert_eq!(it.as_deref(), Some("Lindesnes How tall is it?"));
}

#[test]
fn that_and_there_stand_for_what_was_said() {
    let earlier = "When was the Lindesnes lighthouse built?";
    for question in [
        "What does that mean?",
        "How did that happen?",
        "Why is that important?",
        "Was that the first one of its kind?",
        "That means what?",
        "Can you explain what that means in practice?",
        "Which keeper said that?",
        "What happened after that?",
    ] {
        let wanted = format!("Lindesnes {question}");
        assert_eq!(after(earlier, question), Some(wanted), "{question}");
    }
    // The answer may have named the place.
    assert_eq!(
        after(earlier, "Who lives there?").as_deref(),
        Some("Lindesnes Elin Ravn 1871 Who lives there?")
    );
    for question in [
        "Who was the man that lives in the tower?",
        "Which rules say that the lamp is lit at dusk?",
        "Does that pump work under water?",
        "Who did that work for the harbour?",
        "When was that house built?",
        "Did the keeper report that the lamp works?",
        "Is there a harbour?",
        "How many keepers are there?",
        "Are there rules that apply to keepers?",
    ] {
        assert_eq!(after(earlier, question), None, "{question}");
    }
}

#[test]
fn more_is_asked_of_the_same_subject() {
    let earlier = "Who was the first keeper of the lighthouse?";
    for question in ["Tell me more", "tell me more, please!", "Erzähl mir mehr."] {
        assert_eq!(
            after(earlier, question).as_deref(),
            Some("first keeper lighthouse Elin Ravn 1871"),
            "{question}"
        );
    }
    assert_eq!(after(earlier, "Tell me more about the harbour"), None);
    assert_eq!(carried_over("Tell me more", Before::default()), None);
}

#[test]
fn polite_address_stands_for_nobody_who_was_named() {
    let earlier = "Wann wurde der Leuchtturm Lindesnes gebaut?";
    for question in [
        "Können Sie mir sagen, wann der Turm verkauft wurde?",
        "Könnten Sie bitte erklären, wie hoch die Gebühren sind?",
        "Was empfehlen Sie für die Wartung?",
        "Haben Sie Ihre Öffnungszeiten geändert?",
        "Wie erreiche ich Ihren Kundendienst?",
    ] {
        assert_eq!(after(earlier, question), None, "{question}");
    }
    for question in [
        "Wann starb sie?",
        "Sie starb wann?",
        "Danke. Sie starb wann?",
        "Können Sie mir sagen, wann sie starb?",
        "Haben Sie dazu mehr?",
    ] {
        let searched = after(earlier, question).unwrap_or_default();
        assert!(searched.contains("Lindesnes"), "{question}: {searched}");
    }
}

#[test]
fn question_that_stands_for_itself_is_left_alone() {
    for question in [
        "What is a chunk?",
        "Who was the first keeper of the lighthouse?",
        "And who was the first keeper of the lighthouse?",
        "When did Elin Ravn leave her post?",
        "In which year was the lamp changed to oil?",
        "What did Tesla do after he left school?",
        "Wann verließ Elin Ravn ihre Stelle?",
        "谁是这座灯塔的第一位看守人以及她是哪一年上任的？",
    ] {
        assert_eq!(
            after("How tall is the tower?", question),
            None,
            "{question}"
        );
    }
    assert_eq!(carried_over("And in 2022?", Before::default()), None);
}

#[test]
fn names_are_runs_of_capitals_and_numbers() {
    assert_eq!(
        names("When did Elin Ravn meet Olav V in 1958? Nobody knows. It was told by Berg."),
        ["Elin Ravn", "Olav V", "1958", "Berg"]
    );
    assert!(names("The keeper lit the lamp. It burnt.").is_empty());
}

#[test]
fn rewriting_may_not_bring_in_what_nobody_said() {
    let said = [
        "Who was the first keeper?",
        "Elin Ravn was the first keeper.",
    ];
    let asked = "When did she retire?";
    assert!(is_faithful("When did Elin Ravn retire?", asked, &said));
    assert!(!is_faithful(
        "When did Marie Curie retire in Paris?",
        asked,
        &said
    ));
    assert!(!is_faithful("Who was Elin Ravn?", asked, &said));
    assert!(!is_faithful(
        "When did Elin Ravn retire?\nIn 1902.",
        asked,
        &said
    ));
    assert!(!is_faithful("", asked, &said));
}
