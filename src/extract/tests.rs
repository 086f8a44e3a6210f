//! Whole files through the whole module.

use super::{ExtractError, Extracted, Limits, SplitOptions, extract, sentences, split};
use crate::types::PageOutcome;
use std::path::{Path, PathBuf};
use std::time::Instant;

fn shared(path: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let path = root.join(path);
    if !path.exists() {
        eprintln!("skipped: {} is absent", path.display());
        return None;
    }
    Some(path)
}

fn read(path: &Path) -> Result<Extracted, ExtractError> {
    let name = path.file_name().unwrap().to_str().unwrap();
    extract(path, name, &Limits::default())
}

#[test]
fn real_pdfs_are_read_whole() {
    let files = [
        ("pdf/hhs-2022.pdf", 160, 30_000),
        ("pdf/nih-protocol.pdf", 28, 7_000),
        ("pdf/ntsb-report.pdf", 3, 450),
        ("pdf/nvda-10q-2023q3.pdf", 52, 23_000),
    ];
    for (file, pages, words) in files {
        let Some(path) = shared(file) else { return };
        let started = Instant::now();
        let read = read(&path).unwrap();
        let took = started.elapsed();
        assert_eq!(
            (read.file_type, read.paged, read.pages.len()),
            ("pdf", true, pages)
        );
        let numbers = read.pages.iter().map(|page| page.number);
        assert!(numbers.eq(1..=pages as u32));
        let found: usize = read
            .pages
            .iter()
            .map(|page| page.text.split_whitespace().count())
            .sum();
        assert!(found > words, "{file}: {found} words");
        let count = |text: &str| text.split_whitespace().count() * 4 / 3;
        let chunks = split(&read, &SplitOptions::default(), &count);
        let quotes: usize = read
            .pages
            .iter()
            .map(|page| sentences(&page.text).len())
            .sum();
        eprintln!(
            "{file}: {pages} pages, {found} words, {} headings, {} chunks, {quotes} sentences, {took:?}",
            read.headings.len(),
            chunks.len()
        );
        assert!(
            read.pages
                .iter()
                .all(|page| !matches!(page.outcome, PageOutcome::Failed(_)))
        );
        if let Ok(folder) = std::env::var("SATCHEL_DUMP") {
            let name = path.file_stem().unwrap().to_str().unwrap();
            let text: String = read
                .pages
                .iter()
                .map(|p| format!("\u{c}[{} {:?}]\n{}\n", p.number, p.outcome, p.text))
                .collect();
            std::fs::write(format!("{folder}/{name}.own.txt"), text).unwrap();
            let heads: String = read
                .headings
                .iter()
                .map(|h| format!("{} {} {}\n", h.page, h.level, h.text))
                .collect();
            std::fs::write(format!("{folder}/{name}.head.txt"), heads).unwrap();
            let parts: String = chunks
                .iter()
                .map(|c| {
                    format!(
                        "<<{} {} {:?}>>\n{}\n",
                        c.page, c.tokens, c.heading_path, c.text
                    )
                })
                .collect();
            std::fs::write(format!("{folder}/{name}.chunks.txt"), parts).unwrap();
            let parts: String = read
                .pages
                .iter()
                .flat_map(|p| {
                    sentences(&p.text)
                        .into_iter()
                        .map(|r| format!("¶ {}\n", crate::types::slice_chars(&p.text, r)))
                })
                .collect();
            std::fs::write(format!("{folder}/{name}.sent.txt"), parts).unwrap();
        }
    }
}
