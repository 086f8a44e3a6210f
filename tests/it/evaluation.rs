//! `satchel eval` as who tunes retrieval uses it.

use crate::support::{finished, satchel};
use std::path::Path;

/// A collection in BEIR's form: three documents, a query for each of two.
fn collection(folder: &Path) {
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    std::fs::create_dir_all(folder.join("qrels")).unwrap();
    write(
        "corpus.jsonl",
        r#"{"_id":"lamp","title":"Lamp","text":"The lamp of the lighthouse burnt colza oil until 1870."}
{"_id":"keeper","title":"Keeper","text":"Elin Ravn was the first keeper of the lighthouse."}
{"_id":"bread","title":"Bread","text":"Rye bread is baked for an hour and a half."}
"#,
    );
    write(
        "queries.jsonl",
        r#"{"_id":"1","text":"What did the lamp burn?"}
{"_id":"2","text":"Who was the first keeper?"}
"#,
    );
    write(
        "qrels/test.tsv",
        "query-id\tcorpus-id\tscore\n1\tlamp\t1\n2\tkeeper\t1\n",
    );
}

fn eval(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    finished(satchel().current_dir(folder).arg("eval").args(arguments))
}

#[test]
fn two_runs_are_compared_question_by_question() {
    let folder = tempfile::tempdir().unwrap();
    collection(&folder.path().join("tower"));
    let (code, table, errors) = eval(folder.path(), &["--beir", "tower", "--json", "before.json"]);
    assert_eq!(code, 0, "{errors}");
    assert!(
        table.starts_with("tower: 3 documents, 2 questions\n"),
        "{table}"
    );
    assert!(table.contains("hybrid over "), "{table}");
    let file = std::fs::read_to_string(folder.path().join("before.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&file).unwrap();
    let hybrid = &report["collections"][0]["methods"][2];
    assert_eq!(hybrid["name"], "hybrid");
    assert_eq!(hybrid["metrics"][4]["name"], "first");
    assert_eq!(
        hybrid["metrics"][4]["scores"],
        serde_json::json!([1.0, 1.0])
    );
    assert_eq!(report["collections"][0]["answers"]["citation_recall"], 1.0);

    let (code, table, errors) = eval(
        folder.path(),
        &["--beir", "tower", "--against", "before.json"],
    );
    assert_eq!(code, 0, "{errors}");
    assert!(
        table.contains("hybrid: nDCG@10 +0.0000 (+0.0 %), p = 1.0000\n"),
        "{table}"
    );
}

#[test]
fn answers_and_latency_are_compared_and_the_comparison_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let tower = folder.path().join("tower.json");
    collection_with_an_impossible_question(&tower, "When did the first keeper retire?");
    let run = |arguments: &[&str]| {
        let (code, table, errors) = eval(
            folder.path(),
            &[&["--squad", "tower.json"], arguments].concat(),
        );
        assert_eq!(code, 0, "{errors}");
        table
    };
    let table = run(&["--json", "before.json"]);
    assert!(
        table.contains("milliseconds of each step (p50/p95):"),
        "{table}"
    );
    assert!(
        table.contains("each question's answer (quotes):"),
        "{table}"
    );
    let table = run(&["--against", "before.json", "--json", "after.json"]);
    for line in [
        "answers (quotes): answer span +0.0000 (+0.0 %), p = 1.0000 *\n",
        "answers (quotes): citation precision +0.0000",
        "answers (quotes): citation recall +0.0000 (+0.0 %), p = 1.0000\n",
        "answers (quotes): decided rightly +0.0000",
        "answers (quotes): ms all ",
        "hybrid: ms all ",
    ] {
        assert!(table.contains(line), "{line}{table}");
    }
    let written = std::fs::read_to_string(folder.path().join("after.json")).unwrap();
    let written: serde_json::Value = serde_json::from_str(&written).unwrap();
    let report = &written["collections"][0];
    let compared = report["against"]["comparisons"].as_array().unwrap();
    let refusal = compared
        .iter()
        .find(|one| one["measure"] == "refused")
        .unwrap();
    assert_eq!(
        (&refusal["questions"], &refusal["p"], &refusal["test"]),
        (
            &serde_json::json!(1),
            &serde_json::json!(1.0),
            &serde_json::json!("McNemar's exact test")
        )
    );
    let steps = report["answers"]["steps"].as_array().unwrap();
    let names: Vec<_> = steps
        .iter()
        .map(|step| step["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "embedding",
            "keywords",
            "vectors",
            "reading",
            "quoting",
            "all"
        ]
    );
    for step in steps {
        assert_eq!(step["each"].as_array().unwrap().len(), 3, "{step}");
        assert!(step["milliseconds"]["median"].as_f64() <= step["milliseconds"]["p95"].as_f64());
    }
}

#[test]
fn quote_beside_the_words_that_answer_is_no_right_citation() {
    let folder = tempfile::tempdir().unwrap();
    let squad = |answer: &str| {
        let text = format!(
            r#"{{"data":[{{"title":"Lamp","paragraphs":[{{"context":"The lamp of the lighthouse burnt colza oil until 1870. It was lit by hand.",
            "qas":[{{"question":"What did the lamp of the lighthouse burn?","answers":[{{"text":"{answer}"}}]}}]}}]}}]}}"#
        );
        std::fs::write(folder.path().join("tower.json"), text).unwrap();
        let (code, _, errors) = eval(
            folder.path(),
            &["--squad", "tower.json", "--json", "out.json"],
        );
        assert_eq!(code, 0, "{errors}");
        let report = std::fs::read_to_string(folder.path().join("out.json")).unwrap();
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        let answers = report["collections"][0]["answers"].clone();
        let measures = answers["measures"].as_array().unwrap();
        let mean = |name: &str| {
            let measure = measures.iter().find(|one| one["name"] == name).unwrap();
            measure["mean"].as_f64().unwrap()
        };
        let documents = answers["citation_precision"].as_f64().unwrap();
        [
            documents,
            mean("citation precision"),
            mean("citation recall"),
        ]
    };
    let [documents, precision, recall] = squad("colza oil");
    assert!(documents == 1.0 && precision > 0.0 && recall == 1.0);
    assert_eq!(
        squad("acetylene"),
        [1.0, 0.0, 0.0],
        "the document alone is right"
    );
}

#[test]
fn another_embedding_model_is_tried_and_the_runs_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    collection(&folder.path().join("tower"));
    std::fs::write(folder.path().join("other.gguf"), other_model()).unwrap();
    let run = |arguments: &[&str]| {
        let keep = ["--beir", "tower", "--keep", "kept"];
        eval(folder.path(), &[&keep, arguments].concat())
    };
    let (code, table, errors) = run(&["--json", "before.json"]);
    assert_eq!(code, 0, "{errors}");
    assert!(!table.contains("embedding model"), "{table}");
    let other = [
        "--embedder",
        "other.gguf",
        "--against",
        "before.json",
        "--json",
        "after.json",
    ];
    let (code, table, errors) = run(&other);
    assert_eq!(code, 0, "{errors}");
    assert!(table.contains("\nembedding model: "), "{table}");
    assert!(table.contains("keyword: nDCG@10 +0.0000"), "{table}");
    let written = std::fs::read_to_string(folder.path().join("after.json")).unwrap();
    let written: serde_json::Value = serde_json::from_str(&written).unwrap();
    let report = &written["collections"][0];
    assert!(report["embedder"].is_string() && report["against"]["embedder"].is_null());

    for (option, name) in [("--embedder", "nowhere"), ("--reranker", "/nowhere.gguf")] {
        let (code, table, errors) = run(&[option, name]);
        assert!(code != 0 && table.is_empty(), "{table}");
        assert!(errors.contains(option) && errors.contains(name), "{errors}");
    }
    let (code, _, errors) = run(&["--reranker", "other.gguf"]);
    assert!(code != 0 && errors.contains("no reranker"), "{errors}");
}

/// The built-in model made to pool by the first token: its vectors are others.
fn other_model() -> Vec<u8> {
    const KEY: &[u8] = b"bert.pooling_type";
    let mut bytes = include_bytes!("../../models/all-minilm-l6-v2.q8_0.gguf").to_vec();
    let at = bytes.windows(KEY.len()).position(|part| part == KEY);
    let value = at.unwrap() + KEY.len() + 4;
    assert_eq!(bytes[value], 1);
    bytes[value] = 2;
    bytes
}

#[test]
fn runs_over_different_questions_are_not_compared() {
    let folder = tempfile::tempdir().unwrap();
    let tower = folder.path().join("tower");
    collection(&tower);
    let before = r#"{"satchel":"0.0.1","collections":[{"collection":"tower","documents":9,"questions":2,
        "methods":[],"answers":{"answerable":0,"answered":0,"right_source":0,"span_in_first":null,
        "span_in_first_two":null,"span_in_any":null,"citation_precision":0,"citation_recall":0,
        "unanswerable":0,"unanswerable_answered":0}}]}"#;
    std::fs::write(folder.path().join("before.json"), before).unwrap();
    let (code, table, errors) = eval(
        folder.path(),
        &["--beir", "tower", "--against", "before.json"],
    );
    assert_ne!(code, 0);
    assert!(errors.contains("9 documents and 2 questions"), "{errors}");
    assert_eq!(table, "", "it is said before anything is measured");
    let (code, _, errors) = eval(folder.path(), &["--beir", "nowhere"]);
    assert_ne!(code, 0);
    assert!(errors.contains("nowhere/qrels/test.tsv"), "{errors}");
}

/// A collection in SQuAD 2.0's form: the same documents, a question for each of
/// two, and one that none of them answers.
fn collection_with_an_impossible_question(path: &Path, impossible: &str) {
    let text = format!(
        r#"{{"version":"v2.0","data":[
{{"title":"Lamp","paragraphs":[{{"context":"The lamp of the lighthouse burnt colza oil until 1870.","qas":[
    {{"question":"What did the lamp burn?","answers":[{{"text":"colza oil","answer_start":34}}],"is_impossible":false}}]}}]}},
{{"title":"Keeper","paragraphs":[{{"context":"Elin Ravn was the first keeper of the lighthouse.","qas":[
    {{"question":"{impossible}","answers":[],"is_impossible":true}},
    {{"question":"Who was the first keeper?","answers":[{{"text":"Elin Ravn","answer_start":0}}],"is_impossible":false}}]}}]}},
{{"title":"Bread","paragraphs":[{{"context":"Rye bread is baked for an hour and a half.","qas":[]}}]}}]}}"#
    );
    std::fs::write(path, text).unwrap();
}

#[test]
fn rankings_are_measured_on_questions_with_an_answer_and_refusals_on_all() {
    let folder = tempfile::tempdir().unwrap();
    let tower = folder.path().join("tower.json");
    collection_with_an_impossible_question(&tower, "When did the first keeper retire?");
    let (code, table, errors) = eval(
        folder.path(),
        &["--squad", "tower.json", "--json", "before.json"],
    );
    assert_eq!(code, 0, "{errors}");
    assert!(
        table.starts_with(
            "tower: 3 documents, 3 questions\n2 of 3 questions have a relevant passage, "
        ),
        "{table}"
    );
    let file = std::fs::read_to_string(folder.path().join("before.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&file).unwrap();
    let report = &report["collections"][0];
    let first = &report["methods"][2]["metrics"][4];
    assert_eq!(first["scores"], serde_json::json!([1.0, 1.0]));
    assert_eq!(first["mean"], 1.0);
    let refusal = &report["refusal"];
    assert_eq!(
        (&refusal["answerable"], &refusal["unanswerable"]),
        (&serde_json::json!(2), &serde_json::json!(1))
    );
    assert_eq!(refusal["points"][5]["name"], "in force");
    let area = refusal["area"].as_f64().unwrap();
    assert!(
        table.contains(&format!("area under the curve {area:.3}\n")),
        "{table}"
    );
}

#[test]
fn runs_over_as_many_but_other_questions_are_not_compared() {
    let folder = tempfile::tempdir().unwrap();
    let tower = folder.path().join("tower.json");
    let run = |arguments: &[&str]| {
        let squad = ["--squad", "tower.json"];
        eval(folder.path(), &[&squad, arguments].concat())
    };
    collection_with_an_impossible_question(&tower, "When did the first keeper retire?");
    let (code, _, errors) = run(&["--json", "before.json"]);
    assert_eq!(code, 0, "{errors}");
    collection_with_an_impossible_question(&tower, "When was the first keeper born?");
    let (code, _, errors) = run(&["--against", "before.json"]);
    assert_ne!(code, 0);
    assert!(errors.contains("had other questions"), "{errors}");
}
