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

/// A question, one that leans on it, and what is then searched for.
type Pair = (&'static str, &'static str, &'static str);

fn assert_carried(pairs: &[Pair], answer: &str) {
    for (earlier, question, wanted) in pairs {
        let before = Before {
            question: earlier,
            answer,
        };
        let searched = carried_over(question, before);
        assert_eq!(searched.as_deref(), Some(*wanted), "{earlier} {question}");
    }
}

#[test]
fn ellipsis_only_takes_the_place_of_what_is_of_its_kind() {
    assert_carried(
        &[
            (
                "How high is the pressure of the P-40 pump?",
                "What about the P-60?",
                "How high is the pressure of the P-60 pump",
            ),
            (
                "What does error E-1042 mean?",
                "And E-1043?",
                "What does error E-1043 mean",
            ),
            (
                "What was the revenue in 2022 in Norway?",
                "and in 2023?",
                "What was the revenue in 2023 in Norway",
            ),
            (
                "How many people live in Norway?",
                "And in 2020?",
                "How many people live in Norway in 2020",
            ),
            (
                "When does the museum in Oslo open on Saturday?",
                "And on Sunday?",
                "When does the museum in Oslo open on Sunday",
            ),
            (
                "When does the museum in Oslo open?",
                "And on Sunday?",
                "When does the museum in Oslo open on Sunday",
            ),
            (
                "How much does the Basic plan cost?",
                "And the Pro plan?",
                "How much does the Pro plan cost",
            ),
            (
                "Who was the first keeper of Skerry Point?",
                "And the second?",
                "Who was the second keeper of Skerry Point",
            ),
            (
                "How tall is the tower of Skerry Point?",
                "And at Marrow Point?",
                "How tall is the tower at Marrow Point",
            ),
            (
                "Skerry Point How high is its tower?",
                "And of Marrow Point?",
                "of Marrow Point How high is its tower",
            ),
            (
                "What does the contract say about termination?",
                "And about liability?",
                "What does the contract say about liability",
            ),
            (
                "When was the Lindesnes lighthouse built?",
                "By whom?",
                "When was the Lindesnes lighthouse built By whom",
            ),
            (
                "What changed in version 3.2?",
                "Thanks! And in 3.3?",
                "What changed in 3.3",
            ),
        ],
        "",
    );
}

#[test]
fn german_ellipsis_keeps_the_nouns_that_it_does_not_replace() {
    assert_carried(
        &[
            (
                "Wie hoch war der Umsatz 2022?",
                "Und 2023?",
                "Wie hoch war der Umsatz 2023",
            ),
            (
                "Wie hoch war der Umsatz in 2022?",
                "Und im Jahr 2023?",
                "Wie hoch war der Umsatz im Jahr 2023",
            ),
            (
                "Welche Öffnungszeiten hat das Museum?",
                "Und am Wochenende?",
                "Welche Öffnungszeiten hat das Museum am Wochenende",
            ),
            (
                "Was kostet der Basis-Tarif?",
                "Und der Pro-Tarif?",
                "Was kostet der Pro-Tarif",
            ),
            (
                "Wie hoch ist der Turm in Lindesnes?",
                "Und der Leuchtturm?",
                "Wie hoch ist der Leuchtturm in Lindesnes",
            ),
            (
                "Wie lange gilt die Garantie für Pumpen?",
                "Und für Dichtungen?",
                "Wie lange gilt die Garantie für Dichtungen",
            ),
            (
                "Was kostet das Abo in Deutschland?",
                "Danke. Und in der Schweiz?",
                "Was kostet das Abo in der Schweiz",
            ),
            (
                "Wer leitet die Abteilung Einkauf?",
                "Seit wann?",
                "Wer leitet die Abteilung Einkauf Seit wann",
            ),
            (
                "Wann wurde der Vertrag unterschrieben?",
                "Von wem?",
                "Wann wurde der Vertrag unterschrieben Von wem",
            ),
        ],
        "",
    );
}

#[test]
fn pronoun_stands_for_identifiers_and_for_names_with_small_words_in_them() {
    assert_carried(
        &[
            (
                "What does error E-1042 mean?",
                "How do I fix it?",
                "E-1042 How do I fix it?",
            ),
            (
                "What is the pressure of the P-40 pump?",
                "And its weight?",
                "P-40 And its weight?",
            ),
            (
                "Was bedeutet der Fehler E-1042?",
                "Wie behebe ich ihn?",
                "Fehler E-1042 Johann Wolfgang von Goethe Tragödie Wie behebe ich ihn?",
            ),
            (
                "Who wrote Faust?",
                "When was he born?",
                "Faust Johann Wolfgang von Goethe Tragödie When was he born?",
            ),
            (
                "Wer schrieb Faust?",
                "In welcher Stadt wurde er geboren?",
                "Faust Johann Wolfgang von Goethe Tragödie In welcher Stadt wurde er geboren?",
            ),
            (
                "Wer schrieb Faust?",
                "Wie viele Kinder hatte er?",
                "Faust Johann Wolfgang von Goethe Tragödie Wie viele Kinder hatte er?",
            ),
            (
                "Wer schrieb Faust?",
                "Wie hieß sein Vater?",
                "Faust Johann Wolfgang von Goethe Tragödie Wie hieß sein Vater?",
            ),
            (
                "Who wrote Faust?",
                "And who was his successor?",
                "Faust Johann Wolfgang von Goethe Tragödie And who was his successor?",
            ),
            (
                "How do I start the P-40?",
                "What should I do if it overheats?",
                "P-40 What should I do if it overheats?",
            ),
            (
                "How do I start the P-40?",
                "Is it possible to clean it?",
                "P-40 Is it possible to clean it?",
            ),
            (
                "How do I start the P-40?",
                "How long does it take to charge?",
                "P-40 How long does it take to charge?",
            ),
        ],
        "Die Tragödie ist von Johann Wolfgang von Goethe.",
    );
}

#[test]
fn new_question_gets_no_words_of_the_conversation() {
    for question in [
        "What is the refund policy?",
        "How do I reset my password?",
        "Who is the mayor of Oslo?",
        "List all keepers of the tower",
        "Summarise these documents",
        "Fasse diese Dokumente zusammen",
        "Does it rain a lot in Bergen?",
        "Is it possible to cancel the subscription?",
        "How long does it take to charge the battery?",
        "What is a chunk and how is it made?",
        "What are the rules and how are they checked?",
        "Does the pump lose its oil?",
        "And does the pump have a warranty?",
        "And how do I reset my password?",
        "Okay, what is the refund policy?",
        "Was sind die Regeln und wie werden sie geprüft?",
        "Was muss ich tun, damit die Pumpe läuft?",
        "Welche Pumpen gibt es?",
        "Gibt es einen Rabatt für Studierende?",
        "Und wie lange ist die Garantie?",
        "Wie kann ich mein Passwort ändern?",
        "Welche Rechte hat der Käufer und wann verliert er seine Rechte?",
        "Thanks!",
    ] {
        assert_eq!(
            after("Who leads Nordic Pumps AS?", question),
            None,
            "{question}"
        );
    }
}

#[test]
fn names_are_runs_of_capitals_and_numbers() {
    assert_eq!(
        names("E-1042 and P-40 leak. The house of Ludwig van Beethoven, in Bonn - Germany."),
        ["E-1042", "P-40", "Ludwig van Beethoven", "Bonn - Germany"]
    );
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
