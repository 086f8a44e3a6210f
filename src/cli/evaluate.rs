//! `satchel eval`: the arguments of an evaluation.

use super::eval::{self, Collection, ReportFile};
use anyhow::{Result, bail};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Measure retrieval and answers on a published test collection.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  satchel eval --trec cran.all.1400.xml cran.qry.xml cranqrel.trec.txt
  satchel eval --squad xquad.en.json
  satchel eval --beir scifact --json before.json
  satchel eval --beir scifact --against before.json
  satchel eval --clapnq answerable.jsonl unanswerable.jsonl")]
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

pub(super) fn run(options: &Options) -> Result<ExitCode> {
    let collections = collections(options)?;
    if collections.is_empty() {
        bail!("nothing to measure: name a collection with --trec, --beir, --squad or --clapnq");
    }
    let earlier = options.against.as_deref().map(ReportFile::read);
    let earlier = earlier.transpose()?;
    let temporary = std::env::temp_dir().join(format!("satchel-eval-{}", std::process::id()));
    let folder = options.keep.as_ref().unwrap_or(&temporary);
    let measured = measure(&collections, folder, earlier.as_ref());
    if options.keep.is_none() {
        std::fs::remove_dir_all(&temporary)?;
    }
    let measured = measured?;
    if let Some(path) = &options.json {
        measured.write(path)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn measure(
    collections: &[Collection],
    folder: &Path,
    earlier: Option<&ReportFile>,
) -> Result<ReportFile> {
    let out = &mut std::io::stdout();
    let mut reports = Vec::new();
    for collection in collections {
        let folder = folder.join(&collection.name);
        std::fs::create_dir_all(&folder)?;
        let report = eval::run(collection, &folder, out)?;
        if let Some(earlier) = earlier {
            report.print_against(earlier, out)?;
        }
        reports.push(report);
    }
    Ok(ReportFile::new(reports))
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
