//! `satchel eval`: how good retrieval is on a published test collection, with
//! the same code that answers questions; or on the gold set of a data folder.

mod against;
mod answers;
mod bench;
mod collection;
mod compare;
mod features;
mod fingerprint;
pub(super) mod gold;
mod measures;
mod metrics;
mod models;
mod refusal;
mod report;
mod trec;

pub use against::{Against, Asked, Compared};
pub use collection::{Collection, EvalDocument, EvalQuestion};
pub use compare::{Comparison, Test, compare, compare_yes_or_no};
pub use features::{Among, features};
pub use metrics::{ndcg, percentile, recall, reciprocal_rank};
pub use models::Models;
pub use refusal::{Point, Refusal};
pub use report::{
    AnswersReport, METRICS, MethodReport, MetricReport, Milliseconds, RefusalPoint, RefusalReport,
    Report, ReportFile, StepReport,
};

use crate::retrieve::Ranked;
use crate::types::{SearchOptions, SearchScope, SearchType};
use anyhow::Result;
use bench::Bench;
use measures::Stopwatch;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

/// Passages that are ranked for a question, and documents that are looked through.
const DEPTH: usize = 100;

/// Passages that are ranked where the first of them are of fewer documents.
const DEEPER: usize = 1000;

/// Passages that reranking reads.
const RERANKED: usize = 20;

/// A way of searching that is measured.
struct Method {
    name: &'static str,
    search_type: SearchType,
    rerank: bool,
}

const METHODS: [Method; 4] = [
    Method {
        name: "similarity",
        search_type: SearchType::Similarity,
        rerank: false,
    },
    Method {
        name: "keyword",
        search_type: SearchType::Keyword,
        rerank: false,
    },
    Method {
        name: "hybrid",
        search_type: SearchType::Hybrid,
        rerank: false,
    },
    Method {
        name: "hybrid+rerank",
        search_type: SearchType::Hybrid,
        rerank: true,
    },
];

/// Measures each way of searching and the answers, and prints a line for each.
/// The collection is indexed in `folder`.
pub fn run(
    collection: &Collection,
    models: &Models,
    folder: &Path,
    out: &mut dyn Write,
) -> Result<Report> {
    let bench = Bench::build(folder, collection, models)?;
    let mut report = Report {
        collection: collection.name.clone(),
        documents: collection.documents.len(),
        questions: collection.questions.len(),
        questions_sha256: Some(collection.fingerprint()),
        embedder: models.embedder().map(str::to_owned),
        reranker: models.reranker().map(str::to_owned),
        ..Report::default()
    };
    writeln!(
        out,
        "{}: {} documents, {} questions",
        report.collection, report.documents, report.questions
    )?;
    models.print(out)?;
    let answerable = collection.answerable().count();
    if answerable < report.questions {
        writeln!(
            out,
            "{answerable} of {} questions have a relevant passage, and rankings are measured on these",
            report.questions
        )?;
    }
    report::print_head(out)?;
    for method in &METHODS {
        let measured = measure(&bench, collection, method)?;
        measured.print(out)?;
        report.methods.push(measured);
    }
    report::print_steps(&report.methods, out)?;
    report.print_gains(out)?;
    report.answers = answers::measure(&bench, collection)?;
    answers::print(&report.answers, out)?;
    report.refusal = refusal::measure(&bench, collection)?;
    if let Some(refusal) = &report.refusal {
        refusal::print(refusal, out)?;
    }
    Ok(report)
}

fn measure(bench: &Bench, collection: &Collection, method: &Method) -> Result<MethodReport> {
    let (mut scores, mut took) = (Vec::new(), Stopwatch::default());
    for question in collection.answerable() {
        let begun = Instant::now();
        let ranked = rank(bench, &question.text, method)?;
        took.note_search(&ranked.times);
        took.note("all", begun.elapsed().as_secs_f64() * 1000.0);
        let ids = documents_of(&ranked);
        let more = deeper(bench, &question.text, method, &ranked, DEPTH)?;
        let all = followed_by(&ids, more.as_ref().map_or_else(Vec::new, documents_of));
        let first = ids.first().and_then(|id| question.grades.get(*id));
        scores.push([
            ndcg(&ids, &question.grades, 10),
            recall(&ids, &question.grades, 10),
            recall(&all, &question.grades, DEPTH),
            reciprocal_rank(&ids, &question.grades),
            f64::from(u8::from(first.is_some_and(|&grade| grade > 0))),
        ]);
    }
    Ok(MethodReport::new(method.name, &scores, took.report()))
}

/// A longer ranking, where the first one is full of passages of fewer documents
/// than are looked through. It is made for the recall of documents alone: what is
/// found by it stands behind what the first one found.
fn deeper(
    bench: &Bench,
    text: &str,
    method: &Method,
    ranked: &Ranked,
    depth: usize,
) -> Result<Option<Ranked>> {
    if ranked.candidates.len() < depth || documents_of(ranked).len() >= depth {
        return Ok(None);
    }
    let unread = Method {
        rerank: false,
        ..*method
    };
    rank_to(bench, &bench.scope, text, &unread, DEEPER).map(Some)
}

fn followed_by<'a>(first: &[&'a str], then: Vec<&'a str>) -> Vec<&'a str> {
    let added = then.into_iter().filter(|id| !first.contains(id));
    first.iter().copied().chain(added).collect()
}

fn rank(bench: &Bench, text: &str, method: &Method) -> Result<Ranked> {
    rank_in(bench, &bench.scope, text, method)
}

fn rank_in(bench: &Bench, scope: &SearchScope, text: &str, method: &Method) -> Result<Ranked> {
    rank_to(bench, scope, text, method, DEPTH)
}

fn rank_to(
    bench: &Bench,
    scope: &SearchScope,
    text: &str,
    method: &Method,
    k: usize,
) -> Result<Ranked> {
    let options = SearchOptions {
        search_type: method.search_type,
        rerank: method.rerank,
        k,
        fetch_k: RERANKED,
        score_threshold: 0.0,
        ..SearchOptions::default()
    };
    let begun = Instant::now();
    let question = bench.retriever.encode(text)?;
    let encoding_ms = begun.elapsed().as_secs_f64() * 1000.0;
    let mut ranked = bench.retriever.rank(text, &question, scope, &options)?;
    ranked.times.embedding_ms += encoding_ms;
    Ok(ranked)
}

/// The documents in the order of their best passages.
fn documents_of(ranked: &Ranked) -> Vec<&str> {
    let mut ids: Vec<&str> = Vec::new();
    for candidate in &ranked.candidates {
        if let Some(id) = candidate.stored.external_id.as_deref()
            && !ids.contains(&id)
        {
            ids.push(id);
        }
    }
    ids
}

#[cfg(test)]
mod tests {
    use super::{
        Bench, Collection, DEEPER, EvalDocument, METHODS, Models, RERANKED, deeper, documents_of,
        followed_by, rank_to,
    };

    #[test]
    fn documents_behind_the_passages_of_another_are_looked_through() {
        // More passages than are ranked at first, all of one document.
        let about = (0..450).map(|n| format!("The lamp burnt colza oil in its year {n}. "));
        let document = |id: &str, text: String| EvalDocument {
            id: id.into(),
            title: String::new(),
            text,
        };
        let collection = Collection {
            name: "tower".into(),
            documents: vec![
                document("long", about.collect()),
                document("short", "Rye bread is baked for an hour.".into()),
            ],
            questions: Vec::new(),
        };
        let folder = tempfile::tempdir().unwrap();
        let bench = Bench::build(folder.path(), &collection, &Models::default()).unwrap();
        let (question, method) = ("What did the lamp burn?", &METHODS[0]);
        let of_first = |k: usize| rank_to(&bench, &bench.scope, question, method, k).unwrap();
        let first = of_first(RERANKED);
        assert_eq!(documents_of(&first), ["long"]);
        let more = deeper(&bench, question, method, &first, RERANKED).unwrap();
        let all = followed_by(&documents_of(&first), documents_of(more.as_ref().unwrap()));
        assert_eq!(all, ["long", "short"]);
        let whole = of_first(DEEPER);
        let none = deeper(&bench, question, method, &whole, DEEPER).unwrap();
        assert!(none.is_none(), "all that there is was ranked");
    }
}
