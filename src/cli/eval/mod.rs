//! `satchel eval`: how good retrieval is on a published test collection, with
//! the same code that answers questions; or on the gold set of a data folder.

mod answers;
mod bench;
mod collection;
mod compare;
mod features;
mod fingerprint;
pub(super) mod gold;
mod metrics;
mod refusal;
mod report;
mod trec;

pub use collection::{Collection, EvalDocument, EvalQuestion};
pub use compare::{Comparison, compare};
pub use features::{Among, features};
pub use metrics::{ndcg, percentile, recall, reciprocal_rank};
pub use refusal::{Point, Refusal};
pub use report::{
    AnswersReport, METRICS, MethodReport, MetricReport, Milliseconds, RefusalPoint, RefusalReport,
    Report, ReportFile,
};

use crate::retrieve::Ranked;
use crate::types::{SearchOptions, SearchScope, SearchType};
use anyhow::Result;
use bench::Bench;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

/// Passages that are ranked for a question.
const DEPTH: usize = 100;

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
pub fn run(collection: &Collection, folder: &Path, out: &mut dyn Write) -> Result<Report> {
    let bench = Bench::build(folder, collection)?;
    let mut report = Report {
        collection: collection.name.clone(),
        documents: collection.documents.len(),
        questions: collection.questions.len(),
        questions_sha256: Some(collection.fingerprint()),
        methods: Vec::new(),
        answers: AnswersReport::default(),
        refusal: None,
    };
    writeln!(
        out,
        "{}: {} documents, {} questions",
        report.collection, report.documents, report.questions
    )?;
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
    let (mut scores, mut millis) = (Vec::new(), Vec::new());
    for question in collection.answerable() {
        let begun = Instant::now();
        let ranked = rank(bench, &question.text, method)?;
        millis.push(begun.elapsed().as_secs_f64() * 1000.0);
        let ids = documents_of(&ranked);
        let first = ids.first().and_then(|id| question.grades.get(*id));
        scores.push([
            ndcg(&ids, &question.grades, 10),
            recall(&ids, &question.grades, 10),
            recall(&ids, &question.grades, DEPTH),
            reciprocal_rank(&ids, &question.grades),
            f64::from(u8::from(first.is_some_and(|&grade| grade > 0))),
        ]);
    }
    Ok(MethodReport::new(method.name, &scores, millis))
}

fn rank(bench: &Bench, text: &str, method: &Method) -> Result<Ranked> {
    rank_in(bench, &bench.scope, text, method)
}

fn rank_in(bench: &Bench, scope: &SearchScope, text: &str, method: &Method) -> Result<Ranked> {
    let options = SearchOptions {
        search_type: method.search_type,
        rerank: method.rerank,
        k: DEPTH,
        fetch_k: RERANKED,
        score_threshold: 0.0,
        ..SearchOptions::default()
    };
    let question = bench.retriever.encode(text)?;
    Ok(bench.retriever.rank(text, &question, scope, &options)?)
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
