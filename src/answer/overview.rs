//! Questions about whole documents, and their answer without a chat model: the
//! first statement of each section.

use super::candidates::{candidates, is_statement};
use super::listing::ListLanguage;
use super::quotes::{Quote, QuotedAnswer, compose};
use super::terms::terms;
use crate::types::Passage;
use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

/// Passages that an overview is made of.
pub const OVERVIEW_PASSAGES: usize = 8;

/// What asks for one wherever it stands, in lower case.
const PHRASES: &str = "tl;dr|tldr|what is this document about|what is the document about|\
    what is this file about|what's in this document|what's in this file|what's in this text|\
    worum geht es|de qué trata|de que trata|de quoi parle|de quoi traite|讲了什么|讲的是什么|\
    何について書かれて";

/// Requests for one, as whole words, unless they stand in a question for something
/// else: "who can summarise", "is there an overview". An overview with a definite
/// article is one that somebody has written.
const REQUESTS: &str = "summarise|summarize|summarising|summarizing|summarised|summarized|\
    an overview|a short overview|a brief overview|a quick overview|a summary|a short summary|\
    a brief summary|a quick summary|a concise summary|key points|main points|main topics|in a nutshell|\
    zusammenfassen|zusammenfasst|zusammenfasse|eine zusammenfassung|eine kurze zusammenfassung|\
    überblick über|\
    résume|résumes|résumer|résumez|résumons|un résumé|un bref résumé|un court résumé|résumé du|\
    résumé de ce|résumé de cette|\
    un resumen|un breve resumen|resumir|resumas|resuma|resúmeme|resúmelo";

/// Requests that are something else in the middle of a question: in "when did the
/// plant resume operations" nobody asks for a summary.
const OPENINGS: &str = "overview of|summary of|zusammenfassung|resumen|\
    resume el|resume la|resume los|resume las|resume lo|resume este|resume esta|resume esto|resumez|\
    resume estos|resume estas|resume ese|resume esa|\
    resume ce|resume cet|resume cette|resume le|resume les|resume moi";

/// Requests that have "zusammen" behind them.
const DIVIDED: &str = "fasse|fass|fassen sie";

/// Requests in scripts without blanks.
const UNSPACED: [&str; 6] = ["总结", "總結", "摘要", "概括", "要約", "概要を教えて"];

/// Words that may stand before an opening.
const POLITE: &str = "please now then just so and bitte nun jetzt mal und por favor ahora y s'il te \
    vous plaît plait et maintenant";

/// Words before a request that ask for something else.
const ASKING_ELSE: &str = "who whom whose when where which why many much wer wem wen wessen wann wo \
    warum wieso welche welcher welches welchen welchem viele qui quand où pourquoi combien quel \
    quelle quels quelles quién quiénes cuándo dónde qué cuál cuáles cuánto cuántos cuántas";
const ASKING_ELSE_UNSPACED: [&str; 11] = [
    "谁",
    "何时",
    "时候",
    "哪",
    "多少",
    "为什么",
    "誰",
    "いつ",
    "どこ",
    "どの",
    "なぜ",
];

/// Beginnings of questions whether something is so, or how somebody else does it.
const WHETHER: &str = "is|are|was|were|does|did|do|has|have|had|how does|how did|ist|sind|war|gibt|hat|\
    enthält|steht|est|y a-t-il|contient|es|hay|existe|contiene|tiene";

/// Words that say of somebody, and not of a document, what "what is … about" asks.
const OF_SOMEBODY: &str = "worried concerned excited angry upset happy sad sure certain curious \
    complaining talking asking writing speaking thinking arguing warned told asked";

/// Whether the question asks for what is in a document, and not for a place in it.
pub fn asks_for_overview(question: &str) -> bool {
    let lower = question.trim().nfkc().collect::<String>().to_lowercase();
    let any = |list: &'static str, asks: fn(&str, &str) -> bool| {
        list.split('|')
            .any(|words| places(&lower, words).any(|(before, after)| asks(before, after)))
    };
    is_about(&lower)
        || PHRASES.split('|').any(|phrase| lower.contains(phrase))
        || any(REQUESTS, |before, _| is_request(before))
        || any(OPENINGS, |before, _| is_opening(before))
        || any(DIVIDED, |before, after| {
            is_request(before) && has_word(after, "zusammen")
        })
        || asks_unspaced(&lower)
}

/// "What is the report about?", but not "what is she worried about?".
fn is_about(lower: &str) -> bool {
    let asked = lower.trim_end_matches(['?', ' ']).strip_suffix(" about");
    let begins = ["what is ", "what's ", "what are "];
    let asked = asked.filter(|asked| begins.iter().any(|begin| asked.starts_with(begin)));
    asked.is_some_and(|asked| {
        let last = asked.unicode_words().next_back();
        last.is_some_and(|last| !has_word(OF_SOMEBODY, last))
    })
}

/// Wherever the whole words stand: what is before them in their clause, and what
/// is behind them.
fn places<'a>(lower: &'a str, words: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> + 'a {
    let joins = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    lower.match_indices(words).filter_map(move |(at, found)| {
        let (before, after) = (&lower[..at], &lower[at + found.len()..]);
        let whole = !joins(before.chars().next_back()) && !joins(after.chars().next());
        let clause = before
            .rsplit(['.', ',', ';', ':', '!', '?', '¿', '\n'])
            .next();
        whole.then(|| (clause.unwrap_or(before).trim(), after))
    })
}

fn is_request(before: &str) -> bool {
    let whether = |one: &str| {
        let rest = before.strip_prefix(one);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    };
    let asks_else = before
        .unicode_words()
        .any(|word| has_word(ASKING_ELSE, word));
    !asks_else && !WHETHER.split('|').any(whether)
}

fn is_opening(before: &str) -> bool {
    before.unicode_words().all(|word| has_word(POLITE, word))
}

/// Without blanks nobody knows what stands before a request: it opens the question,
/// or nothing else is asked.
fn asks_unspaced(lower: &str) -> bool {
    let asks_else = ASKING_ELSE_UNSPACED.iter().any(|word| lower.contains(word));
    let bare = lower.trim_start_matches(['请', '帮', '我']);
    let mut requests = UNSPACED.iter();
    requests.any(|word| bare.starts_with(word) || (!asks_else && bare.contains(word)))
}

fn has_word(text: &str, word: &str) -> bool {
    text.split_whitespace()
        .any(|one| one.trim_end_matches(['.', '!', '?', ',']) == word)
}

/// Words with which an overview is asked for, and those for documents as such: where
/// there are no others, all that there is is meant.
const OF_ALL: &str = "summarise summarize summary summaries overview key main point points topics \
    nutshell tl dr tldr give show make write get create want need like please kindly short brief quick \
    concise briefly shortly document documents file files text texts everything all collection dataset \
    library content contents together here \
    zusammen zusammenfassen zusammenfassung zusammenfasst zusammenfasse fasse fass fassen gib geben gebt \
    mach mache machen erstelle erstellen bitte kurz kurze kurzen mir überblick übersicht dokument dokumente \
    dokumenten datei dateien texte texten unterlagen alles alle allen sämtliche inhalt inhalte \
    sammlung geht worum kannst könntest können könnten meine meinen meiner unsere unseren unserer diesen diesem dieses \
    résume résumez résumer résumé bref court peux pouvez moi donne fais faites document documents \
    fichier fichiers texte textes tout tous cet quoi parle parlent traitent \
    resumen resume resumir resumas resuma breve puedes haz hazme dame este estos estas documento documentos archivo archivos \
    texto textos todo todos todas trata tratan";
/// The same in scripts without blanks.
const OF_ALL_UNSPACED: [&str; 27] = [
    "总结",
    "摘要",
    "概括",
    "要約",
    "一下",
    "所有",
    "全部",
    "这些",
    "这份",
    "文件",
    "文档",
    "文書",
    "资料",
    "内容",
    "してください",
    "すべて",
    "して",
    "この",
    "请",
    "帮",
    "我",
    "的",
    "を",
    "の",
    "把",
    "都",
    "吧",
];

/// Whether a question for an overview has no subject but the documents there are:
/// "summarise", "give me an overview of all documents".
pub fn means_all_documents(question: &str) -> bool {
    let mut rest = question.nfkc().collect::<String>().to_lowercase();
    for word in OF_ALL_UNSPACED {
        rest = rest.replace(word, " ");
    }
    let known = terms(OF_ALL);
    rest.unicode_words().all(|word| {
        let said = terms(word);
        // Without blanks a character alone is no term, but says something.
        let is_sign = said.is_empty() && !word.is_ascii() && word.chars().nth(1).is_none();
        !is_sign && said.iter().all(|term| known.contains(term))
    })
}

/// In which language it is said what an overview leaves out.
pub fn overview_language(question: &str) -> ListLanguage {
    let lower = question.to_lowercase();
    let mut words = lower.unicode_words();
    match words.any(|word| has_word(GERMAN, word)) {
        true => ListLanguage::German,
        false => ListLanguage::English,
    }
}

/// Words of German requests.
const GERMAN: &str = "zusammen zusammenfassen zusammenfasst zusammenfasse zusammenfassung überblick \
    übersicht worum";

/// Whether `question` names a document that is called `name`: all words of the
/// name, or of its file name without the ending, are in it.
pub fn names_document(question: &str, name: &str) -> bool {
    let asked = terms(question);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let all_in = |name: &str| {
        let wanted = terms(&name.replace(['_', '-'], " "));
        !wanted.is_empty() && wanted.iter().all(|term| asked.contains(term))
    };
    all_in(name) || all_in(stem)
}

/// The first statement of each passage, word for word; `None` if there is none.
pub fn overview(passages: &[Passage]) -> Option<QuotedAnswer> {
    let passages = &passages[..passages.len().min(OVERVIEW_PASSAGES)];
    let mut quotes: Vec<Quote> = Vec::new();
    for sentence in candidates(passages) {
        let known = quotes.iter().any(|quote| quote.passage == sentence.passage);
        if known || !is_statement(&sentence) {
            continue;
        }
        let offset = passages[sentence.passage].start;
        quotes.push(Quote {
            passage: sentence.passage,
            start: offset + sentence.span.start,
            end: offset + sentence.span.end,
            text: sentence.text,
            score: 1.0,
        });
    }
    (!quotes.is_empty()).then(|| compose(quotes, passages))
}

#[cfg(test)]
mod tests {
    use super::{
        asks_for_overview, means_all_documents, names_document, overview, overview_language,
    };
    use crate::answer::fixtures::passage;
    use crate::answer::listing::ListLanguage;

    #[test]
    fn overviews_are_told_from_questions() {
        for question in [
            "Summarise the report",
            "Can you summarize this?",
            "What is this paper about?",
            "Fasse das Dokument zusammen",
            "De qué trata el informe?",
            "résume ce texte",
            "总结一下这份文件",
            "What is this about?",
            "What are these documents about?",
            "ＴＬ；ＤＲ",
            "Resume este documento",
            "Resumez ce document",
            "这份文件讲了什么？",
            "要約して",
        ] {
            assert!(asks_for_overview(question), "{question}");
        }
        for question in [
            "What is the limit?",
            "What are the keepers worried about?",
            "Where is her résumé?",
            "Qui a lu le résumé des conditions ?",
            "Who was the first keeper?",
            "What do people complain about?",
            "Wie lange dauert es?",
        ] {
            assert!(!asks_for_overview(question), "{question}");
        }
    }

    #[test]
    fn requests_for_a_summary_are_known_in_the_middle_of_a_sentence_too() {
        for question in [
            "Please summarize it.",
            "This is long. Could you give me an overview?",
            "For the file that I sent, summarise who did what",
            "Give me an overview of how the pump works",
            "What are the key points of the contract?",
            "What does it say, in a nutshell?",
            "How would you summarise the report?",
            "Overview of the handbook",
            "Summary of the handbook, please",
            "Could you write a brief summary of the contract?",
            "What is lighthouse.md about?",
            "What is it about?",
            "Bitte fass das Dokument kurz zusammen!",
            "Fassen Sie den Vertrag zusammen.",
            "Kannst du mir das zusammenfassen?",
            "Gib mir einen Überblick über den Vertrag",
            "Worum geht es in dem Brief?",
            "Peux-tu résumer ce texte ?",
            "Fais-moi un résumé du document",
            "Resume cette page",
            "¿Puedes resumir el informe?",
            "Por favor, resume este documento",
            "¿De qué trata?",
            "Hazme un resumen del contrato",
            "请帮我总结谁做了什么",
            "この文書を要約してください",
        ] {
            assert!(asks_for_overview(question), "{question}");
        }
    }

    #[test]
    fn words_of_a_summary_in_another_question_ask_for_none() {
        for question in [
            "When did the plant resume operations?",
            "Can the pump resume the cycle after a stop?",
            "Where is the résumé of Anna Smith kept?",
            "Which summaries did the auditor file?",
            "Which table summarizes the costs?",
            "Who can summarise the findings for the board?",
            "How does the author summarise the results?",
            "What does the overview of costs say about rent?",
            "Is there an overview of the valves?",
            "Who wrote a summary of the costs?",
            "Does the report end with a summary?",
            "What does the summary of the report say?",
            "Does the plan contain an overview of costs?",
            "How many key points does the plan list?",
            "Who presented the main topics?",
            "When did he publish Physics in a Nutshell?",
            "What is the keeper worried about?",
            "What is the letter complaining about?",
            "Wer schrieb die Zusammenfassung?",
            "Wer gab einen Überblick über die Kosten?",
            "Gibt es eine Zusammenfassung der Kosten?",
            "Wie viel Öl ist in dem Fasse im Hof?",
            "Wie erfasse ich die Kosten zusammen mit dem Druck?",
            "Fass 12 enthält welches Öl?",
            "Qui a écrit le résumé ?",
            "Quel tableau résume les coûts ?",
            "¿Quién escribió el resumen?",
            "¿Qué tabla resume los costes?",
            "年度总结是什么时候发布的？",
            "谁写了摘要？",
        ] {
            assert!(!asks_for_overview(question), "{question}");
        }
    }

    #[test]
    fn overview_without_a_subject_is_of_all_documents() {
        for question in [
            "Summarise",
            "Please summarize everything.",
            "Summarise all of my documents",
            "Give me a short overview of these files, please",
            "What are the key points?",
            "What is this document about?",
            "TL;DR",
            "Fasse alle Dokumente kurz zusammen!",
            "Gib mir einen Überblick über die Unterlagen",
            "Worum geht es in diesen Dateien?",
            "Résume tous les documents",
            "Haz un resumen de todos los documentos",
            "总结一下所有文件",
            "请帮我总结这些文档。",
        ] {
            assert!(asks_for_overview(question), "{question}");
            assert!(means_all_documents(question), "{question}");
        }
        for question in [
            "Summarise the chronicle",
            "Give me an overview of the baking of sourdough loaves",
            "Summarise the documents about heating",
            "What are the key points of the contract?",
            "Summarise Lighthouse_Report.pdf",
            "Fasse die Verträge zusammen",
            "总结一下第三章",
            "Skerry Point Summarise it",
        ] {
            assert!(!means_all_documents(question), "{question}");
        }
    }

    #[test]
    fn german_request_is_told_in_german_what_is_left_out() {
        assert_eq!(
            overview_language("Fasse alles zusammen"),
            ListLanguage::German
        );
        assert_eq!(
            overview_language("Summarise everything"),
            ListLanguage::English
        );
    }

    #[test]
    fn document_is_named_by_its_title_or_file() {
        assert!(names_document(
            "Summarise the lighthouse report",
            "Lighthouse_Report.pdf"
        ));
        assert!(names_document(
            "summary of Sourdough at the Ember bakery",
            "Sourdough at the Ember bakery"
        ));
        assert!(!names_document(
            "Summarise the report",
            "Lighthouse_Report.pdf"
        ));
        assert!(!names_document("Summarise it", "of.pdf"));
    }

    #[test]
    fn each_section_gives_its_first_statement() {
        let passages = [
            passage("a", 10, "# Lamp\n\nThe lamp burns colza oil. It is bright."),
            passage(
                "a",
                90,
                "## Keepers\n\nThe first keeper was Tobias Grenn. He stayed.",
            ),
        ];
        let answer = overview(&passages).unwrap();
        assert_eq!(
            answer.content,
            "The lamp burns colza oil. [1]\n\nThe first keeper was Tobias Grenn. [2]"
        );
        assert_eq!(answer.citations[0].start, 18);
        assert!(overview(&[passage("a", 0, "# Lamp")]).is_none());
    }
}
