//! What the index finds, and what it survives.

use super::{Filter, Hit, VectorEntry, Vectors, VectorsError};
use std::path::Path;

pub(super) const WIDTH: usize = 48;

/// Vectors that look random and are the same on every machine.
pub(super) fn vector(seed: u64) -> Vec<f32> {
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

pub(super) fn add(vectors: &Vectors, keys: std::ops::Range<u64>) {
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

pub(super) fn open(directory: &Path, graph_from: usize) -> Vectors {
    Vectors::open_with(directory, WIDTH, "model-a", graph_from).unwrap()
}

pub(super) fn keys(hits: &[Hit]) -> Vec<u64> {
    hits.iter().map(|hit| hit.chunk).collect()
}

pub(super) fn link_all(vectors: &Vectors) {
    while vectors.catch_up() {}
}

/// What lies in the folder.
pub(super) fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
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
    let stored = vectors.get(&[123, 9999]).unwrap();
    assert!(stored[0].is_some() && stored[1].is_none());
}

#[test]
fn filter_lets_nothing_else_pass() {
    let folder = tempfile::tempdir().unwrap();
    for graph_from in [usize::MAX, 100] {
        let vectors = open(&folder.path().join(graph_from.to_string()), graph_from);
        add(&vectors, 0..600);
        link_all(&vectors);
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
    add(&graph, 0..2000);
    link_all(&graph);
    graph.remove(&[17, 18, 1999]);
    exact.remove(&[17, 18, 1999]);
    add(&graph, 2000..2010);
    add(&exact, 2000..2010);
    link_all(&graph);
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
    add(&vectors, 0..590);
    assert!(!vectors.catch_up() && vectors.linked() == 0);
    add(&vectors, 590..620);
    assert!(vectors.catch_up());
    assert!((1..620).contains(&vectors.linked()));
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
    link_all(&vectors);
    assert!(vectors.is_dirty());
    vectors.save().unwrap();
    assert!(!vectors.is_dirty());
    vectors.remove(&(30..40).collect::<Vec<_>>());
    vectors.save().unwrap();
    add(&vectors, 900..901);
    drop(vectors);
    let vectors = open(folder.path(), 100);
    assert_eq!((vectors.len(), vectors.linked()), (290, 290));
    let kept: Vec<u64> = (0..30).chain(40..300).collect();
    assert_eq!(vectors.keys(), kept);
    for key in [29, 40, 299] {
        let hits = vectors.search(&vector(key), &Filter::default(), 1).unwrap();
        assert_eq!(keys(&hits), [key]);
    }
    assert_eq!(
        names(folder.path()),
        [
            "graph-2-0.usearch",
            "graph-2-1.usearch",
            "rows-1.f16",
            "vectors.bin"
        ]
    );
}

#[cfg(unix)]
#[test]
fn segment_that_did_not_change_is_not_written_again() {
    use std::os::unix::fs::MetadataExt;
    let folder = tempfile::tempdir().unwrap();
    let file = |generation: u64, segment: u64| {
        let path = format!("graph-{generation}-{segment}.usearch");
        std::fs::File::open(folder.path().join(path)).unwrap()
    };
    let number = |file: &std::fs::File| file.metadata().unwrap().ino();
    let vectors = open(folder.path(), 100);
    add(&vectors, 0..500);
    link_all(&vectors);
    vectors.save().unwrap();
    // Held open, or their numbers would be given to others.
    let written = [0, 1, 2].map(|segment| file(1, segment));
    drop(vectors);
    let vectors = open(folder.path(), 100);
    vectors.remove(&[250]);
    vectors.save().unwrap();
    add(&vectors, 500..510);
    link_all(&vectors);
    vectors.save().unwrap();
    let same = [0, 1, 2].map(|n| number(&file(3, n)) == number(&written[n as usize]));
    assert_eq!(same, [true, false, false]);
    drop(vectors);
    let vectors = open(folder.path(), 100);
    assert_eq!((vectors.len(), vectors.linked()), (509, 509));
}

#[test]
fn graph_files_of_a_save_that_was_cut_off_and_of_earlier_versions_go() {
    let folder = tempfile::tempdir().unwrap();
    let vectors = open(folder.path(), 100);
    add(&vectors, 0..250);
    link_all(&vectors);
    for name in ["graph-1-7.usearch", "graph-1-0.usearch", "graph-1.usearch"] {
        std::fs::write(folder.path().join(name), b"of another time").unwrap();
    }
    vectors.save().unwrap();
    let left = names(folder.path());
    assert_eq!(left[..2], ["graph-1-0.usearch", "graph-1-1.usearch"]);
    assert_eq!(left[2..], ["rows-1.f16", "vectors.bin"]);
    drop(vectors);
    assert_eq!(open(folder.path(), 100).linked(), 250);
}

#[test]
fn what_passes_in_few_segments_is_found_in_them() {
    let folder = tempfile::tempdir().unwrap();
    let vectors = open(folder.path(), 100);
    add(&vectors, 0..1000);
    link_all(&vectors);
    // All of one segment, a little of the next.
    let some = Filter {
        datasets: None,
        documents: Some((40..61).collect()),
    };
    let mut same = 0;
    for seed in 5000..5020 {
        let all = vectors
            .search(&vector(seed), &Filter::default(), 1000)
            .unwrap();
        let passing = all.iter().filter(|hit| (400..610).contains(&hit.chunk));
        let wanted: Vec<u64> = passing.map(|hit| hit.chunk).take(10).collect();
        let found = keys(&vectors.search(&vector(seed), &some, 10).unwrap());
        assert!(found.iter().all(|key| (400..610).contains(key)));
        same += wanted.iter().filter(|key| found.contains(key)).count();
    }
    assert!(same >= 196, "{same} of 200");
}

#[test]
fn missing_or_foreign_graph_is_built_again() {
    let folder = tempfile::tempdir().unwrap();
    let vectors = open(folder.path(), 100);
    add(&vectors, 0..200);
    link_all(&vectors);
    vectors.save().unwrap();
    drop(vectors);
    for damage in [&b""[..], b"no graph"] {
        std::fs::write(folder.path().join("graph-1-0.usearch"), damage).unwrap();
        let vectors = open(folder.path(), 100);
        assert_eq!((vectors.len(), vectors.linked()), (200, 0));
        let hits = vectors.search(&vector(5), &Filter::default(), 1).unwrap();
        assert_eq!(keys(&hits), [5]);
        link_all(&vectors);
        assert_eq!(vectors.linked(), 200);
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
    assert_eq!(
        reopen(WIDTH, "model-a"),
        20,
        "who only looked has harmed nothing"
    );
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
fn damaged_row_is_left_out_and_the_others_stay() {
    let folder = tempfile::tempdir().unwrap();
    for graph_from in [usize::MAX, 100] {
        let directory = folder.path().join(graph_from.to_string());
        let vectors = open(&directory, graph_from);
        add(&vectors, 0..300);
        link_all(&vectors);
        vectors.save().unwrap();
        drop(vectors);
        let path = directory.join("rows-1.f16");
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[7 * WIDTH * 2 + 5] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        let vectors = open(&directory, graph_from);
        assert!(vectors.len() == 299 && !vectors.keys().contains(&7) && vectors.is_dirty());
        bytes.truncate(bytes.len() - 1);
        std::fs::write(&path, &bytes).unwrap();
        drop(vectors);
        assert!(open(&directory, graph_from).is_empty());
    }
}

#[test]
fn whoever_dies_before_saving_leaves_what_was_saved() {
    let folder = tempfile::tempdir().unwrap();
    let vectors = open(folder.path(), 100);
    add(&vectors, 0..150);
    link_all(&vectors);
    vectors.save().unwrap();
    vectors.remove(&(0..50).collect::<Vec<_>>());
    add(&vectors, 500..560);
    link_all(&vectors);
    drop(vectors);
    let vectors = open(folder.path(), 100);
    assert_eq!(vectors.keys(), (0..150).collect::<Vec<_>>());
    for key in [0, 49, 149] {
        let hits = vectors.search(&vector(key), &Filter::default(), 1).unwrap();
        assert!(hits[0].chunk == key && (hits[0].similarity - 1.0).abs() < 1e-3);
    }
}

#[test]
fn slots_of_removed_rows_are_taken_again() {
    let folder = tempfile::tempdir().unwrap();
    let vectors = open(folder.path(), 100);
    add(&vectors, 0..300);
    link_all(&vectors);
    vectors.save().unwrap();
    let size = |name: &str| std::fs::metadata(folder.path().join(name)).unwrap().len();
    let before = size("rows-1.f16");
    for round in 1..6 {
        vectors.remove(&(0..2000).filter(|key| key % 300 < 100).collect::<Vec<_>>());
        vectors.save().unwrap();
        add(&vectors, round * 300..round * 300 + 100);
        link_all(&vectors);
        vectors.save().unwrap();
    }
    assert_eq!((vectors.len(), size("rows-1.f16")), (300, before));
    let hits = vectors
        .search(&vector(1550), &Filter::default(), 1)
        .unwrap();
    assert_eq!(keys(&hits), [1550]);
}

#[test]
fn purged_vector_is_in_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let vectors = open(folder.path(), 100);
    add(&vectors, 0..300);
    link_all(&vectors);
    vectors.save().unwrap();
    // As it lies in the rows, and as the graph knows it.
    let written = |key: u64| {
        let vector = vectors.get(&[key]).unwrap().remove(0).unwrap();
        let codes = super::segment::codes(&vector);
        let codes: Vec<u8> = codes.iter().map(|&code| code as u8).collect();
        [super::values::row_of(&vector), codes]
    };
    let (seven, eight) = (written(7), written(8));
    let held = |forms: &[Vec<u8>]| {
        let files = names(folder.path()).into_iter();
        let contents = files.map(|name| std::fs::read(folder.path().join(name)).unwrap());
        let holds = |bytes: &[u8], form: &[u8]| bytes.windows(form.len()).any(|w| w == form);
        contents
            .filter(|bytes| forms.iter().any(|form| holds(bytes, form)))
            .count()
    };
    assert_eq!((held(&seven), held(&eight)), (2, 2));
    vectors.remove(&[7, 100, 250]);
    vectors.purge().unwrap();
    assert_eq!((held(&seven), held(&eight)), (0, 2));
    drop(vectors);
    let vectors = open(folder.path(), 100);
    assert_eq!((vectors.len(), vectors.linked()), (297, 297));
    vectors.remove(&[8]);
    vectors.purge().unwrap();
    assert_eq!(held(&eight), 0);
    let hits = vectors.search(&vector(9), &Filter::default(), 300).unwrap();
    assert_eq!((hits[0].chunk, hits.len()), (9, 296));
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
fn adding_again_replaces() {
    let folder = tempfile::tempdir().unwrap();
    let vectors = open(folder.path(), 10);
    add(&vectors, 0..20);
    link_all(&vectors);
    add(&vectors, 5..15);
    assert_eq!((vectors.len(), vectors.linked()), (20, 10));
    link_all(&vectors);
    assert_eq!((vectors.len(), vectors.linked()), (20, 20));
    assert_eq!(vectors.keys(), (0..20).collect::<Vec<_>>());
}
