//! Documents that were changed at random, always in the same way: each is read
//! or refused, in time. Many more are tried by `cargo run --example fuzz`.

#[path = "../bench/mutants.rs"]
mod make;

use satchel::extract::{Limits, extract};
use std::path::Path;
use std::time::{Duration, Instant};

/// Mutants of each document.
const EACH: u64 = 8;

#[test]
fn mutants_of_every_document_are_read_or_refused_in_time() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/documents");
    let folder = tempfile::tempdir().unwrap();
    let mut names: Vec<String> = std::fs::read_dir(&root)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with("damaged-") && name != "make.py")
        .collect();
    names.sort();
    assert!(names.len() > 25, "{}", names.len());
    let limits = Limits {
        timeout: Duration::from_secs(10),
        ..Limits::default()
    };
    for (index, name) in names.iter().enumerate() {
        let original = std::fs::read(root.join(name)).unwrap();
        let path = folder.path().join(name);
        for number in 0..EACH {
            let seed = index as u64 * EACH + number;
            std::fs::write(&path, make::mutant(&original, seed)).unwrap();
            let started = Instant::now();
            if let Err(error) = extract(&path, name, &limits) {
                assert!(!error.to_string().is_empty());
            }
            assert!(started.elapsed() < limits.timeout, "{name}, seed {seed}");
        }
    }
}
