//! What is asked for all of, and what is not.

use super::{ListLanguage, asks_for_list};

/// Language, question, the thing, the thing with what narrows it down.
const LISTS: &[(ListLanguage, &str, &str, &str)] = {
    use ListLanguage::{English, German};
    &[
        (English, "List all keepers", "keepers", "keepers"),
        (
            English,
            "list every keeper of the lighthouse.",
            "keeper",
            "keeper of the lighthouse",
        ),
        (
            English,
            "Please name all the error codes of the pump!",
            "error codes",
            "error codes of the pump",
        ),
        (
            English,
            "Can you list the different keepers?",
            "keepers",
            "keepers",
        ),
        (
            English,
            "Could you please give me a list of all keepers",
            "keepers",
            "keepers",
        ),
        (English, "Which keepers are there?", "keepers", "keepers"),
        (
            English,
            "What kinds of lamps are there in the tower?",
            "lamps",
            "lamps in the tower",
        ),
        (
            English,
            "What are all the deadlines in the contract?",
            "deadlines",
            "deadlines in the contract",
        ),
        (
            English,
            "Show me all deadlines that are mentioned in the documents",
            "deadlines",
            "deadlines",
        ),
        (
            English,
            "How many keepers are there in these documents?",
            "keepers",
            "keepers",
        ),
        (
            English,
            "How many keepers are mentioned?",
            "keepers",
            "keepers",
        ),
        (
            English,
            "How many keepers do the documents mention?",
            "keepers",
            "keepers",
        ),
        (
            English,
            "Which keepers are named in the report?",
            "keepers",
            "keepers",
        ),
        (German, "Liste alle Wärter auf", "Wärter", "Wärter"),
        (
            German,
            "Nenne mir bitte alle Wärter des Leuchtturms.",
            "Wärter",
            "Wärter des Leuchtturms",
        ),
        (
            German,
            "Bitte nennen Sie alle Fristen im Vertrag",
            "Fristen",
            "Fristen im Vertrag",
        ),
        (
            German,
            "Kannst du mir alle Fehlercodes auflisten?",
            "Fehlercodes",
            "Fehlercodes",
        ),
        (
            German,
            "Gib mir eine Liste aller Wärter",
            "Wärter",
            "Wärter",
        ),
        (German, "Welche Wärter gibt es?", "Wärter", "Wärter"),
        (
            German,
            "Welche Arten von Lampen gibt es im Turm?",
            "Lampen",
            "Lampen im Turm",
        ),
        (
            German,
            "Wie viele Wärter gibt es in den Dokumenten?",
            "Wärter",
            "Wärter",
        ),
        (
            German,
            "Wie viele Wärter werden in diesem Bericht genannt?",
            "Wärter",
            "Wärter",
        ),
    ]
};

#[test]
fn thing_is_told_from_the_words_around_it() {
    for &(language, question, head, words) in LISTS {
        let found = asks_for_list(question);
        let found = found.unwrap_or_else(|| panic!("{question}: not recognised"));
        assert_eq!(
            (found.head.as_str(), found.words.as_str()),
            (head, words),
            "{question}"
        );
        assert_eq!(found.language, language, "{question}");
    }
}

#[test]
fn all_that_is_known_of_something_is_no_list() {
    for question in [
        "Give me all the details of the contract",
        "List all documents",
        "Show all information about the lamp",
        "Nenne alle Einzelheiten zum Vertrag",
        "List all health and safety rules",
        "List price of the pump?",
        "List the year in which the tower was built",
        "List all",
        "",
    ] {
        assert_eq!(asks_for_list(question), None, "{question}");
    }
}

/// Questions of XQuAD that sound like one for a list, or like any other.
const OF_ONE_PASSAGE: &[&str] = &[
    "How many extended metropolitan areas are there?",
    "How many different species of ctenohore are there?",
    "How many chloroplast lineages are there?",
    "Name a luxury division of Toyota.",
    "Name one of the causes of immunodeficiency.",
    "Name a common autoimmune disease.",
    "Name an extra that was added to the production of the compacts.",
    "Name one way the Plowshares organization temporarily close GCSB Waihopai?",
    "Name the other way that the Plowshares organization temporarily closed?",
    "What are the three construction subsectors?",
    "What are the attacks on teachers causing?",
    "What are the hairs on ctenophores called?",
    "What are the most powerful class of anti-inflammatory drugs?",
    "What are the first buildings the university built knows as today?",
    "What are the two principal Asian-American groups living in the west side neighborhood of Fresno?",
    "What are the exceptions in the constitution that require special considerations to amend?",
    "The fact that not all fossils may be found globally at the same time causes the principle to become what?",
    "Wie viele erweiterte Metropolregionen gibt es?",
    "Wie viele Baumarten gibt es im Amazonas-Regenwald?",
    "Wie viel Nahrung nimmt eine Rippenqualle an einem Tag zu sich?",
    "Wie viele verschiedene Arten von Rippenquallen gibt es?",
    "Wie viele Prüfungsausschüsse gibt es in Indien?",
    "Wie viele Chloroplasten-Entwicklungslinien gibt es?",
    "Welche Moleküle des adaptiven Immunsystems gibt es nur bei Wirbeltieren mit Kiefer?",
    "Wofür gibt es noch weitere Kategorien?",
    "Nennen Sie eine der Ursachen für Immunschwäche.",
    "Nennen Sie eine häufige Autoimmunerkrankung.",
    "Nennen Sie ein Luxussegment von Toyota.",
    "Nennen Sie ein Ausstattungsmerkmal, das zur Produktion der Kleinwagen hinzugefügt wurde.",
    "Nennen Sie eine Aktion, die die Ploughshares-Organisation nutzte, um GCSB Waihopai vorübergehend zu schließen.",
    "In welchen Bezirken sind die Autokennzeichen alle vom gleichen Typ?",
    "Die Tatsache, dass nicht alle Fossilien gleichzeitig global zu finden sind, führt dazu, dass das Prinzip was wird?",
];

#[test]
fn question_that_one_passage_answers_is_no_list() {
    assert!(OF_ONE_PASSAGE.len() >= 30);
    for question in OF_ONE_PASSAGE {
        assert_eq!(asks_for_list(question), None, "{question}");
    }
}

/// Question, the thing, the thing with what narrows it down.
const OTHER_LANGUAGES: &[[&str; 3]] = &[
    ["Liste todos los guardas", "guardas", "guardas"],
    [
        "Enumera las tarifas del puerto",
        "tarifas",
        "tarifas puerto",
    ],
    ["¿Cuáles son todos los plazos?", "plazos", "plazos"],
    ["¿Puedes listar todos los plazos?", "plazos", "plazos"],
    ["¿Qué guardas se mencionan?", "guardas", "guardas"],
    [
        "Énumérez tous les gardiens du phare",
        "gardiens",
        "gardiens phare",
    ],
    ["Quels sont tous les délais ?", "délais", "délais"],
    ["Donne-moi la liste des gardiens", "gardiens", "gardiens"],
    ["Enumerez tous les gardiens", "gardiens", "gardiens"],
    ["列出所有守卫", "守卫", "守卫"],
    ["请列出合同中的所有期限。", "期限", "合同 期限"],
    ["灯塔的守卫有哪些？", "守卫", "灯塔 守卫"],
    ["灯台の守衛をすべて挙げてください。", "守衛", "灯台 守衛"],
    ["守衛の一覧", "守衛", "守衛"],
    ["Ｌｉｓｔ ａｌｌ ｋｅｅｐｅｒｓ", "keepers", "keepers"],
];

#[test]
fn lists_are_asked_for_in_the_other_languages_of_the_page_too() {
    for &[question, head, words] in OTHER_LANGUAGES {
        let found = asks_for_list(question);
        let found = found.unwrap_or_else(|| panic!("{question}: not recognised"));
        assert_eq!(
            (found.head.as_str(), found.words.as_str()),
            (head, words),
            "{question}"
        );
    }
}

#[test]
fn other_questions_in_the_other_languages_are_no_lists() {
    for question in [
        "¿Quién escribió la lista de todos los guardas?",
        "¿Qué temperatura hay?",
        "¿Cuál es el plazo?",
        "Enumera todos los documentos",
        "Nombre una división de lujo de Toyota.",
        "¿Cuántos guardas hay?",
        "Qui a écrit la liste de tous les gardiens ?",
        "Quels sont les délais du contrat ?",
        "Citez toutes les informations",
        "Combien de gardiens y a-t-il ?",
        "谁列出了所有守卫？",
        "列出所有文件",
        "塔高多少米？",
        "一覧は誰が書きましたか",
        "塔の高さを教えてください",
    ] {
        assert_eq!(asks_for_list(question), None, "{question}");
    }
}
