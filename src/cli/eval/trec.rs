//! Test collections in the form of TREC: elements of documents and of queries,
//! and lines of judgements.

use super::collection::read;
use super::{Collection, EvalDocument, EvalQuestion};
use anyhow::{Context, Result, bail, ensure};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// Grades of documents, by the query that they were judged for.
type Judgements = BTreeMap<String, HashMap<String, u32>>;

impl Collection {
    /// `<doc>` elements with `<docno>`, `<title>` and `<text>`, `<top>` elements
    /// with `<num>` and `<title>`, and lines `query 0 document grade`. Queries that
    /// nobody judged are left out, as in [`Collection::beir`].
    pub fn trec(documents: &Path, queries: &Path, judgements: &Path) -> Result<Self> {
        let mut judged = read_judgements(judgements)?;
        let text = read(queries)?;
        let topics: Vec<&str> = elements(&text, "top").collect();
        ensure!(!topics.is_empty(), "{}: no <top> in it", queries.display());
        let numbers = numbers(&topics, &judged)
            .with_context(|| format!("{} and {}", judgements.display(), queries.display()))?;
        let mut questions = Vec::new();
        for (topic, number) in topics.iter().zip(numbers) {
            let Some(grades) = judged.remove(&number) else {
                continue;
            };
            let text = labelled(&field(topic, "title"), "Topic:");
            ensure!(
                !text.is_empty(),
                "{}: query {number} has no <title>",
                queries.display()
            );
            questions.push(EvalQuestion {
                text,
                grades,
                answers: Vec::new(),
                evidence: Vec::new(),
            });
        }
        let collection = Self {
            name: "trec".into(),
            documents: read_documents(documents)?,
            questions,
        };
        collection.checked([documents, queries, judgements])
    }
}

fn read_documents(path: &Path) -> Result<Vec<EvalDocument>> {
    Ok(elements(&read(path)?, "doc")
        .map(|doc| EvalDocument {
            id: field(doc, "docno"),
            title: field(doc, "title"),
            text: field(doc, "text"),
        })
        .filter(|doc| !doc.text.is_empty())
        .collect())
}

fn read_judgements(path: &Path) -> Result<Judgements> {
    let mut judged = Judgements::new();
    for line in read(path)?.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        if let &[query, _, document, grade] = fields.as_slice() {
            let grade: i32 = grade
                .parse()
                .with_context(|| format!("{}: grade of {line:?}", path.display()))?;
            let grades = judged.entry(without_zeros(query)).or_default();
            grades.insert(document.to_owned(), grade.max(0).unsigned_abs());
        }
    }
    Ok(judged)
}

/// What the judgements call the queries: the numbers that the queries say, or,
/// where one is judged that none of them says, their places in the file. So are
/// Cranfield's judged, as 1 to 225, while their numbers go up to 365.
fn numbers(topics: &[&str], judged: &Judgements) -> Result<Vec<String>> {
    let said: Vec<String> = topics
        .iter()
        .map(|topic| without_zeros(&labelled(&field(topic, "num"), "Number:")))
        .collect();
    let places: Vec<String> = (1..=topics.len()).map(|place| place.to_string()).collect();
    let missing_in = |numbers: &[String]| judged.keys().find(|query| !numbers.contains(query));
    let Some(unsaid) = missing_in(&said) else {
        return Ok(said);
    };
    let Some(beyond) = missing_in(&places) else {
        return Ok(places);
    };
    bail!(
        "query {unsaid} is judged, but no <num> says it; and the judgements do not count \
         the queries by their order either, for {beyond} is no place among {}",
        topics.len()
    )
}

/// Topics 51 to 99 of TREC say 051 to 099, their judgements 51 to 99.
fn without_zeros(number: &str) -> String {
    number.trim_start_matches('0').to_owned()
}

/// The text without the label that TREC's earlier topics have before it.
fn labelled(text: &str, label: &str) -> String {
    text.strip_prefix(label).unwrap_or(text).trim().to_owned()
}

/// The insides of all `<name>` elements; they are never nested here.
fn elements<'a>(text: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let mut rest = text;
    std::iter::from_fn(move || {
        let (_, begun) = split_at_tag(rest, &open)?;
        let (inside, after) = split_at_tag(begun, &close)?;
        rest = after;
        Some(inside)
    })
}

/// The text of the first `<name>`; where nothing closes it, as in TREC's earlier
/// topics, it ends at the next tag.
fn field(element: &str, name: &str) -> String {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let begun = split_at_tag(element, &open).map_or("", |(_, begun)| begun);
    let ended = split_at_tag(begun, &close).or_else(|| begun.split_once('<'));
    let text = ended.map_or(begun, |(text, _)| text).trim();
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

/// What is before and after the first such tag, in whatever case it is written.
fn split_at_tag<'a>(text: &'a str, tag: &str) -> Option<(&'a str, &'a str)> {
    let mut tags = text.match_indices('<').map(|(start, _)| start);
    let is_here = |start: usize| {
        let here = text.get(start..start + tag.len());
        here.is_some_and(|here| here.eq_ignore_ascii_case(tag))
    };
    let start = tags.find(|&start| is_here(start))?;
    Some((&text[..start], &text[start + tag.len()..]))
}

#[cfg(test)]
mod tests {
    use super::{Collection, EvalQuestion};
    use anyhow::Result;
    use std::collections::HashMap;

    const DOCUMENTS: &str = "<DOC>\n<DOCNO> D1 </DOCNO>\n<TEXT>\none\n</TEXT>\n</DOC>\n<doc><docno>D2</docno><text>two</text></doc>";

    fn trec(documents: &str, queries: &str, judgements: &str) -> Result<Collection> {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        Collection::trec(
            &file("documents", documents),
            &file("queries", queries),
            &file("judgements", judgements),
        )
    }

    /// The question with the documents that answer it.
    fn answered(question: &EvalQuestion) -> (&str, Vec<&str>) {
        let grades = question.grades.iter();
        let relevant = grades.filter(|(_, grade)| **grade > 0);
        (
            &question.text,
            relevant.map(|(id, _)| id.as_str()).collect(),
        )
    }

    fn refusal(documents: &str, queries: &str, judgements: &str) -> String {
        let error = trec(documents, queries, judgements).unwrap_err();
        format!("{error:#}")
    }

    #[test]
    fn queries_are_numbered_by_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let collection = Collection::trec(
            &file("d", "<doc><docno>7</docno><title>t</title><text>a &lt; b</text></doc><doc><docno>8</docno><text></text></doc>"),
            &file("q", "<top><num> 4</num><title>\nfirst\n</title></top><top><title>second</title></top>"),
            &file("j", "1 0 7 1\n2 0 7 -1\n"),
        )
        .unwrap();
        assert_eq!(collection.documents.len(), 1);
        assert_eq!(collection.documents[0].text, "a < b");
        assert_eq!(collection.questions[0].text, "first");
        assert_eq!(
            collection.questions[0].grades,
            HashMap::from([("7".into(), 1)])
        );
        assert_eq!(
            collection.questions[1].grades,
            HashMap::from([("7".into(), 0)])
        );
    }

    #[test]
    fn queries_have_the_numbers_they_say_where_the_judgements_know_them() {
        let queries = "<top>\n<num> Number: 302 \n<title> Topic: late\n\n<desc> Description:\nmore\n</top>\n\
            <TOP><NUM>301</NUM><TITLE>early</TITLE></TOP>\n\
            <top><num>Number: 051<title>with a zero</top>\n\
            <top><num>9</num><title>unjudged</title></top>";
        let collection = trec(DOCUMENTS, queries, "301 0 D1 1\n302 0 D2 1\n51 0 D2 2\n").unwrap();
        let questions: Vec<_> = collection.questions.iter().map(answered).collect();
        assert_eq!(
            questions,
            [
                ("late", vec!["D2"]),
                ("early", vec!["D1"]),
                ("with a zero", vec!["D2"])
            ]
        );
    }

    #[test]
    fn tags_may_be_in_upper_case_and_beside_letters_of_several_bytes() {
        let documents = "<DOC><DOCNO>D1</DOCNO><TITLE>Größe</TITLE><TEXT>a <é b</TEXT></DOC>";
        let queries = "<TOP><NUM>1</NUM><TITLE>size</TITLE></TOP>";
        let collection = trec(documents, queries, "1 0 D1 1\n").unwrap();
        let document = &collection.documents[0];
        assert_eq!(
            [&*document.id, &document.title, &document.text],
            ["D1", "Größe", "a <é b"]
        );
    }

    #[test]
    fn judged_query_that_is_not_there_is_named() {
        let queries = "<top><num>301</num><title>a</title></top>";
        let error = refusal(DOCUMENTS, queries, "301 0 D1 1\n999 0 D1 1\n");
        assert!(error.contains("query 999 is judged"), "{error}");
        assert!(
            error.contains("queries") && error.contains("judgements"),
            "{error}"
        );
    }

    #[test]
    fn nothing_to_measure_is_an_error() {
        let queries = "<top><num>1</num><title>a</title></top>";
        let without_documents = refusal("<paper></paper>", queries, "1 0 D1 1\n");
        assert!(
            without_documents.contains("documents: no document"),
            "{without_documents}"
        );
        let without_queries = refusal(DOCUMENTS, "<topic></topic>", "1 0 D1 1\n");
        assert!(
            without_queries.contains("queries: no <top>"),
            "{without_queries}"
        );
        let untitled = refusal(DOCUMENTS, "<top><num>1</num></top>", "1 0 D1 1\n");
        assert!(untitled.contains("query 1 has no <title>"), "{untitled}");
        let unjudged = refusal(DOCUMENTS, queries, "");
        assert!(unjudged.contains("no question"), "{unjudged}");
        for judgements in ["1 0 X1 1\n", "1 0 D1 0\n"] {
            let unmatched = refusal(DOCUMENTS, queries, judgements);
            assert!(unmatched.contains("judgements: no document"), "{unmatched}");
        }
    }
}
