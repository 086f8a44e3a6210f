//! What the index finds, and what it survives.

use super::{Filter, Hit, VectorEntry, Vectors, VectorsError};
use std::path::Path;

const WIDTH: usize = 48;

/// Vectors that look random and are the same on every machine.
fn vector(seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..WIDTH)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        })
        .collect()
}

fn add(vectors: &Vectors, keys: std::ops::Range<u64>) {
    let made: Vec<(u64, Vec<f32>)> = keys.map(|key| (key, vector(key))).collect();
    let entries: Vec<VectorEntry<'_>> = made
        .iter()
        .map(|(key, vector)| VectorEntry {
            chunk: *key,
            document: key / 10,
            dataset: key % 2,
            vector,
        })
        .collect();
    vectors.add(&entries).unwrap();
}

fn open(directory: &Path, graph_from: usize) -> Vectors {
    Vectors::open_with(directory, WIDTH, "model-a", graph_from).unwrap()
}

fn keys(hits: &[Hit]) -> Vec<u64> {
    hits.iter().map(|hit| hit.chunk).collect()
}

#[test]
fn nearest_is_found_first_with_its_cosine() {
    let folder = tempfile::tempdir().unwrap();
    let vectors = open(folder.path(), usize::MAX);
    add(&vectors, 0..500);
    let doubled: Vec<f32> = vector(123).iter().map(|x| x * 2.0).collect();
    let hits = vectors.search(&doubled, &Filter::default(), 5).unwrap();
    assert_eq!(hits.len(), 5);
    assert_eq!(hits[0].chunk, 123);
    assert!((hits[0].similarity - 1.0).abs() < 1e-3);
    assert!(
        hits.windows(2)
            .all(|pair| pair[0].similarity >= pair[1].similarity)
    );
    let given = vectors
        .similarities(&doubled, &[hits[3].chunk, 9999])
        .unwrap();
    assert_eq!(given, [Some(hits[3].similarity), None]);
    let stored = vectors.get(&[123, 9999]);
    assert!(stored[0].is_some() && stored[1].is_none());
}

#[test]
fn filter_lets_nothing_else_pass() {
    let folder = tempfile::tempdir().unwrap();
    for graph_from in [usize::MAX, 100] {
        let vectors = open(&folder.path().join(graph_from.to_string()), graph_from);
        add(&vectors, 0..600);
        let odd = Filter {
            datasets: Some(vec![1]),
            documents: None,
        };
        let hits = vectors.search(&vector(100), &odd, 50).unwrap();
        assert!(hits.len() == 50 && hits.iter().all(|hit| hit.chunk % 2 == 1));
        let one = Filter {
            datasets: Some(vec![0, 1]),
            documents: Some(vec![7]),
        };
        let mut found = keys(&vectors.search(&vector(100), &one, 50).unwrap());
        found.sort_unstable();
        assert_eq!(found, (70..80).collect::<Vec<_>>());
        let none = Filter {
            datasets: Some(Vec::new()),
            documents: None,
        };
        assert!(vectors.search(&vector(100), &none, 50).unwrap().is_empty());
    }
}

#[test]
fn graph_finds_what_comparing_all_finds() {
    let folder = tempfile::tempdir().unwrap();
    let exact = open(&folder.path().join("exact"), usize::MAX);
    let graph = open(&folder.path().join("graph"), 300);
    add(&exact, 0..2000);
    for start in (0..2000).step_by(100) {
        add(&graph, start..start + 100);
    }
    graph.remove(&[17, 18, 1999]);
    exact.remove(&[17, 18, 1999]);
    add(&graph, 2000..2010);
    add(&exact, 2000..2010);
    assert_eq!(graph.linked(), 2007);
    let mut same = 0;
    for seed in 5000..5050 {
        let wanted = keys(&exact.search(&vector(seed), &Filter::default(), 10).unwrap());
        let found = keys(&graph.search(&vector(seed), &Filter::default(), 10).unwrap());
        same += wanted.iter().filter(|key| found.contains(key)).count();
    }
    assert!(same >= 490, "{same} of 500");
}

#[test]
fn rows_that_the_graph_lacks_are_found_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let vectors = open(folder.path(), 600);
    for start in (0..590).step_by(10) {
        add(&vectors, start..start + 10);
    }
    assert_eq!(vectors.linked(), 0);
    add(&vectors, 590..620);
    assert!(vectors.linked() < 620);
    for key in [0, 300, 619] {
        let hits = vectors.search(&vector(key), &Filter::default(), 1).unwrap();
        assert_eq!(keys(&hits), [key]);
    }
}

#[test]
fn saved_index_comes_back_with_its_graph() {
    let folder = tempfile::tempdir().unwrap();
    let vectors = open(folder.path(), 100);
    add(&vectors, 0..300);
    assert!(vectors.is_dirty());
    vectors.save().unwrap();
    assert!(!vectors.is_dirty());
    vectors.remove_document(3);
    vectors.save().unwrap();
    add(&vectors, 900..901);
    drop(vectors);
    let vectors = open(folder.path(), 100);
    assert_eq!((vectors.len(), vectors.linked()), (290, 290));
    assert!(!vectors.contains(30) && !vectors.contains(900) && vectors.contains(40));
    let graphs = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(graphs, 2, "one file of rows and one graph");
}

#[test]
fn missing_or_foreign_graph_is_built_again() {
    let folder = tempfile::tempdir().unwrap();
    let vectors = open(folder.path(), 100);
    add(&vectors, 0..200);
    vectors.save().unwrap();
    drop(vectors);
    for damage in [&b""[..], b"no graph"] {
        std::fs::write(folder.path().join("graph-1.usearch"), damage).unwrap();
        let vectors = open(folder.path(), 100);
        assert_eq!((vectors.len(), vectors.linked()), (200, 0));
        let hits = vectors.search(&vector(5), &Filter::default(), 1).unwrap();
        assert_eq!(keys(&hits), [5]);
        add(&vectors, 200..201);
        assert_eq!(vectors.linked(), 201);
    }
}

#[test]
fn files_of_another_model_or_damaged_ones_are_thrown_away() {
    let folder = tempfile::tempdir().unwrap();
    let vectors = open(folder.path(), usize::MAX);
    add(&vectors, 0..20);
    vectors.save().unwrap();
    drop(vectors);
    let reopen = |width, model| Vectors::open(folder.path(), width, model).unwrap().len();
    assert_eq!(reopen(WIDTH, "model-a"), 20);
    assert_eq!(reopen(WIDTH, "model-b"), 0);
    assert_eq!(reopen(WIDTH + 1, "model-a"), 0);
    let path = folder.path().join("vectors.bin");
    let sound = std::fs::read(&path).unwrap();
    for at in [0, 9, 40, sound.len() / 2, sound.len() - 1] {
        let mut bytes = sound.clone();
        bytes[at] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(reopen(WIDTH, "model-a"), 0);
        std::fs::write(&path, &sound[..at]).unwrap();
        assert_eq!(reopen(WIDTH, "model-a"), 0);
    }
}

#[test]
fn unfit_vectors_are_refused_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let vectors = open(folder.path(), usize::MAX);
    let (good, mut nan) = (vector(1), vector(2));
    nan[3] = f32::NAN;
    let entry = |chunk, vector| VectorEntry {
        chunk,
        document: 0,
        dataset: 0,
        vector,
    };
    let zero = [0.0; WIDTH];
    for bad in [&nan[..], &zero, &good[1..]] {
        assert!(vectors.add(&[entry(1, &good), entry(2, bad)]).is_err());
        assert!(vectors.search(bad, &Filter::default(), 1).is_err());
    }
    assert!(vectors.is_empty());
    let error = vectors
        .search(&good[1..], &Filter::default(), 1)
        .unwrap_err();
    assert!(matches!(error, VectorsError::Width { .. }));
}

#[test]
fn adding_again_replaces_and_clearing_empties() {
    let folder = tempfile::tempdir().unwrap();
    let vectors = open(folder.path(), 10);
    add(&vectors, 0..20);
    add(&vectors, 5..15);
    assert_eq!((vectors.len(), vectors.linked()), (20, 20));
    assert_eq!(vectors.keys(), (0..20).collect::<Vec<_>>());
    vectors.clear();
    vectors.save().unwrap();
    assert!(open(folder.path(), 10).is_empty());
}
