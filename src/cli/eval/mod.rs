//! `satchel eval`: how good retrieval is on a published test collection, with
//! the same code that answers questions.

mod answers;
mod bench;
mod collection;
mod features;
mod metrics;
mod refusal;

pub use collection::{Collection, EvalDocument, EvalQuestion};
pub use features::{Among, features};
pub use metrics::{ndcg, recall, reciprocal_rank};
pub use refusal::{Point, Refusal};

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

/// Measures each way of searching and prints a line for each. The collection is
/// indexed in `folder`.
pub fn run(collection: &Collection, folder: &Path, out: &mut dyn Write) -> Result<()> {
    let bench = Bench::build(folder, collection)?;
    writeln!(
        out,
        "{}: {} documents, {} questions",
        collection.name,
        collection.documents.len(),
        collection.questions.len()
    )?;
    writeln!(
        out,
        "{:<14} {:>8} {:>8} {:>8} {:>8} {:>9}",
        "", "nDCG@10", "R@100", "MRR", "first", "ms"
    )?;
    for method in &METHODS {
        measure(&bench, collection, method, out)?;
    }
    answers::measure(&bench, collection, out)?;
    refusal::measure(&bench, collection, out)
}

fn measure(
    bench: &Bench,
    collection: &Collection,
    method: &Method,
    out: &mut dyn Write,
) -> Result<()> {
    let mut sums = [0.0; 4];
    let started = Instant::now();
    for question in &collection.questions {
        let ranked = rank(bench, &question.text, method)?;
        let ids = documents_of(&ranked);
        let first = ids.first().and_then(|id| question.grades.get(*id));
        let scores = [
            ndcg(&ids, &question.grades, 10),
            recall(&ids, &question.grades, DEPTH),
            reciprocal_rank(&ids, &question.grades),
            f64::from(u8::from(first.is_some_and(|&grade| grade > 0))),
        ];
        sums.iter_mut()
            .zip(scores)
            .for_each(|(sum, score)| *sum += score);
    }
    let count = collection.questions.len().max(1) as f64;
    let [ndcg, recall, reciprocal, first] = sums.map(|sum| sum / count);
    let millis = started.elapsed().as_secs_f64() * 1000.0 / count;
    let name = method.name;
    writeln!(
        out,
        "{name:<14} {ndcg:>8.4} {recall:>8.4} {reciprocal:>8.4} {first:>8.4} {millis:>9.2}"
    )?;
    Ok(())
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
