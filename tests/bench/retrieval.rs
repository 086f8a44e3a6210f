//! Measures retrieval on the test collections that lie beside the project, or
//! prints the features that its calibration is fitted on:
//! `retrieval DATA [features|parts|apart] COLLECTION [FOLDER]`, where COLLECTION
//! is `cranfield`, `clapnq` or the name of an XQuAD language; `parts` prints the
//! features of each of its articles as a small collection, `apart` those of its
//! questions asked without the paragraph, and without the article, that answers.

use anyhow::{Context, Result};
use satchel::cli::eval::{self, Among, Collection, Models};
use std::path::{Path, PathBuf};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let has = |word: &str| arguments.iter().any(|argument| argument == word);
    let plain: Vec<&String> = arguments
        .iter()
        .filter(|argument| !["features", "parts", "apart"].contains(&argument.as_str()))
        .collect();
    let &[data, name, ref rest @ ..] = plain.as_slice() else {
        println!("usage: retrieval DATA [features|parts|apart] cranfield|clapnq|en|de|zh [FOLDER]");
        return Ok(());
    };
    let collection = collection(Path::new(data), name)?;
    let temporary = tempfile::tempdir()?;
    let folder = match rest.first() {
        Some(folder) => PathBuf::from(folder).join(name),
        None => temporary.path().to_owned(),
    };
    std::fs::create_dir_all(&folder).context("cannot make the folder")?;
    let out = &mut std::io::stdout();
    if has("parts") {
        eval::features(&collection.by_title(), &[Among::All], &folder, out)
    } else if has("apart") {
        let ways = [Among::Unjudged, Among::OtherTitles];
        eval::features(&[collection], &ways, &folder, out)
    } else if has("features") {
        eval::features(&[collection], &[Among::All], &folder, out)
    } else {
        eval::run(&collection, &Models::default(), &folder, out).map(drop)
    }
}

fn collection(data: &Path, name: &str) -> Result<Collection> {
    let file = |folder: &str, file: &str| data.join(folder).join(file);
    match name {
        "cranfield" => Collection::trec(
            &file(name, "cran.all.1400.xml"),
            &file(name, "cran.qry.xml"),
            &file(name, "cranqrel.trec.txt"),
        ),
        "clapnq" => Collection::clapnq(
            &file(name, "answerable.jsonl"),
            &file(name, "unanswerable.jsonl"),
        ),
        language => Collection::squad(&file("xquad", &format!("xquad.{language}.json"))),
    }
}
