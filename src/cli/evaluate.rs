//! `satchel eval`: the arguments of an evaluation.

use super::connection::Connection;
use super::eval::{self, Asked, Collection, Models, Report, ReportFile};
use crate::config::Config;
use anyhow::{Result, bail};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Measure retrieval and answers on a published test collection, or on the data folder's gold set.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  satchel eval --trec cran.all.1400.xml cran.qry.xml cranqrel.trec.txt
  satchel eval --squad xquad.en.json
  satchel eval --beir scifact --json before.json
  satchel eval --beir scifact --against before.json
  satchel eval --beir scifact --embedder bge-small-en-v1.5 --against before.json
  satchel eval --clapnq answerable.jsonl unanswerable.jsonl
  satchel eval --gold --json before.json
  satchel feedback gold > gold.jsonl
  satchel eval --gold gold.jsonl --against before.json")]
pub(super) struct Options {
    /// TREC: documents, queries and judgements
    #[arg(long, num_args = 3, value_names = ["DOCUMENTS", "QUERIES", "QRELS"])]
    trec: Option<Vec<PathBuf>>,
    /// BEIR: a folder with corpus.jsonl, queries.jsonl and qrels/test.tsv
    #[arg(long, value_name = "DIR")]
    beir: Option<PathBuf>,
    /// SQuAD-style JSON: each paragraph is a document
    #[arg(long, value_name = "FILE")]
    squad: Option<PathBuf>,
    /// ClapNQ-style lines: questions that their passages answer, and others
    #[arg(long, num_args = 2, value_names = ["ANSWERABLE", "UNANSWERABLE"])]
    clapnq: Option<Vec<PathBuf>>,
    /// Questions with the passages that people marked, of FILE or else all that there are, asked of
    /// the data folder's own documents
    #[arg(long, num_args = 0..=1, value_name = "FILE")]
    gold: Option<Option<PathBuf>>,
    /// Find the passages of a collection with this embedding model: a file or folder, else an
    /// installed model's name [default: the built-in one]
    #[arg(long, value_name = "PATH|NAME")]
    embedder: Option<String>,
    /// Rerank the passages of a collection with this model, named likewise [default: late
    /// interaction of the built-in one]
    #[arg(long, value_name = "PATH|NAME")]
    reranker: Option<String>,
    /// Keep the ingested collection here, for the next time
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Write what was measured here, with the scores of every question
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Compare with what an earlier run wrote, and say what chance could explain
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
}

pub(super) fn run(config: &Config, options: &Options) -> Result<ExitCode> {
    let collections = collections(options)?;
    if collections.is_empty() && options.gold.is_none() {
        bail!(
            "nothing to measure: name a collection with --trec, --beir, --squad or --clapnq, \
             or take the data folder's own with --gold"
        );
    }
    let earlier = options.against.as_deref().map(ReportFile::read);
    let earlier = earlier.transpose()?;
    if let Some(earlier) = &earlier {
        comparable(&collections, earlier)?;
    }
    let models = models(config, options)?;
    let temporary = std::env::temp_dir().join(format!("satchel-eval-{}", std::process::id()));
    let folder = options.keep.as_ref().unwrap_or(&temporary);
    let measured = measure(&collections, &models, folder, earlier.as_ref());
    if options.keep.is_none() && temporary.exists() {
        std::fs::remove_dir_all(&temporary)?;
    }
    let mut reports = measured?;
    if let Some(file) = &options.gold {
        let connection = Connection::open(config)?;
        let out = &mut std::io::stdout();
        let gold = eval::gold::run(&connection, file.as_deref(), earlier.as_ref(), out)?;
        reports.push(gold);
    }
    let measured = ReportFile::new(reports);
    if let Some(path) = &options.json {
        measured.write(path)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// An error if the earlier run asked other questions, before this one takes its
/// time. The gold set is looked at where it is read.
fn comparable(collections: &[Collection], earlier: &ReportFile) -> Result<()> {
    for collection in collections {
        let questions_sha256 = collection.fingerprint();
        earlier.of_the_same(Asked {
            collection: &collection.name,
            documents: collection.documents.len(),
            questions: collection.questions.len(),
            questions_sha256: Some(&questions_sha256),
        })?;
    }
    Ok(())
}

fn models(config: &Config, options: &Options) -> Result<Models> {
    let (embedder, reranker) = (options.embedder.as_deref(), options.reranker.as_deref());
    if options.gold.is_some() && (embedder.is_some() || reranker.is_some()) {
        bail!(
            "--embedder and --reranker are for collections: the gold set is asked of the data \
             folder's own server, with the models of its settings (--embedding-model, \
             --rerank-model)"
        );
    }
    Models::open(config, embedder, reranker)
}

fn measure(
    collections: &[Collection],
    models: &Models,
    folder: &Path,
    earlier: Option<&ReportFile>,
) -> Result<Vec<Report>> {
    let out = &mut std::io::stdout();
    let mut reports = Vec::new();
    for collection in collections {
        let folder = models.folder(&folder.join(&collection.name));
        std::fs::create_dir_all(&folder)?;
        let mut report = eval::run(collection, models, &folder, out)?;
        if let Some(earlier) = earlier {
            report.compare_with(earlier, out)?;
        }
        reports.push(report);
    }
    Ok(reports)
}

fn collections(options: &Options) -> Result<Vec<Collection>> {
    let mut collections = Vec::new();
    if let Some([documents, queries, judgements]) = options.trec.as_deref() {
        collections.push(Collection::trec(documents, queries, judgements)?);
    }
    if let Some(folder) = &options.beir {
        collections.push(Collection::beir(folder)?);
    }
    if let Some(path) = &options.squad {
        collections.push(Collection::squad(path)?);
    }
    if let Some([answerable, unanswerable]) = options.clapnq.as_deref() {
        collections.push(Collection::clapnq(answerable, unanswerable)?);
    }
    Ok(collections)
}
