//! Segments of the graph that are mapped from their files: when they are, what
//! changing them does, and what damage to their files does. Only Unix maps.

use super::rows::unit;
use super::segment::{Segment, codes};
use super::tests::{WIDTH, add, keys, link_all, names, open, vector};
use super::{Filter, Hit, Vectors};
use std::cell::Cell;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const ALL: Filter = Filter {
    datasets: None,
    documents: None,
};

/// An index of 500 vectors, saved: segments of 200 slots, the last is half full.
fn saved(directory: &Path) -> Vectors {
    let vectors = open(directory, 100);
    add(&vectors, 0..500);
    link_all(&vectors);
    vectors.save().unwrap();
    vectors
}

fn reopened(directory: &Path) -> Vectors {
    drop(saved(directory));
    open(directory, 100)
}

/// What fifty questions find.
fn found(vectors: &Vectors) -> Vec<Vec<Hit>> {
    let seeds = 5000..5050;
    seeds
        .map(|seed| vectors.search(&vector(seed), &ALL, 10).unwrap())
        .collect()
}

fn first(vectors: &Vectors, key: u64) -> u64 {
    vectors.search(&vector(key), &ALL, 1).unwrap()[0].chunk
}

/// How a vector is written in the files of the graph.
fn written(vectors: &Vectors, key: u64) -> Vec<u8> {
    let vector = vectors.get(&[key]).unwrap().remove(0).unwrap();
    let codes = codes(&vector);
    codes.iter().map(|&code| code as u8).collect()
}

/// How many files hold these bytes.
fn holding(directory: &Path, bytes: &[u8]) -> usize {
    let paths = names(directory)
        .into_iter()
        .map(|name| directory.join(name));
    paths
        .map(|path| std::fs::read(path).unwrap())
        .filter(|contents| contents.windows(bytes.len()).any(|window| window == bytes))
        .count()
}

#[cfg(unix)]
#[test]
fn full_segments_are_mapped_after_a_save_and_all_at_opening() {
    let folder = tempfile::tempdir().unwrap();
    let vectors = saved(folder.path());
    assert_eq!(vectors.mapped(), [true, true, false]);
    let before = found(&vectors);
    drop(vectors);
    let vectors = open(folder.path(), 100);
    assert_eq!(vectors.mapped(), [true, true, true]);
    assert!(!vectors.is_dirty());
    assert_eq!(found(&vectors), before);
    for key in [0, 199, 200, 399, 400, 499] {
        assert_eq!(first(&vectors, key), key);
    }
    assert_eq!(vectors.mapped(), [true, true, true]);
}

#[cfg(unix)]
#[test]
fn segment_in_memory_finds_what_its_mapped_one_finds() {
    let folder = tempfile::tempdir().unwrap();
    let vectors = open(folder.path(), 100);
    add(&vectors, 0..500);
    link_all(&vectors);
    let before = found(&vectors);
    assert_eq!(vectors.mapped(), [false; 3]);
    vectors.save().unwrap();
    assert_eq!(vectors.mapped(), [true, true, false]);
    assert_eq!(found(&vectors), before);
}

#[cfg(unix)]
#[test]
fn segment_that_is_to_change_comes_into_memory_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let vectors = reopened(folder.path());
    vectors.remove(&[250, 7000]);
    assert_eq!(vectors.mapped(), [true, false, true]);
    add(&vectors, 500..501);
    assert_eq!(vectors.mapped(), [true, false, true]);
    link_all(&vectors);
    assert_eq!(vectors.mapped(), [true, false, false]);
    vectors.save().unwrap();
    assert_eq!(vectors.mapped(), [true, true, false]);
}

#[test]
fn reopened_index_is_added_to_and_removed_from() {
    let folder = tempfile::tempdir().unwrap();
    let vectors = reopened(folder.path());
    vectors.remove(&[3, 250, 499]);
    add(&vectors, 500..720);
    add(&vectors, 300..310);
    link_all(&vectors);
    let check = |vectors: &Vectors| {
        assert_eq!((vectors.len(), vectors.linked()), (717, 717));
        for key in [0, 249, 305, 498, 500, 719] {
            assert_eq!(first(vectors, key), key);
        }
        for key in [3, 250, 499] {
            assert_ne!(first(vectors, key), key);
        }
    };
    check(&vectors);
    vectors.save().unwrap();
    check(&vectors);
    drop(vectors);
    let vectors = open(folder.path(), 100);
    check(&vectors);
    // Takes the slots that were left.
    add(&vectors, 1000..1010);
    link_all(&vectors);
    vectors.save().unwrap();
    drop(vectors);
    let vectors = open(folder.path(), 100);
    assert_eq!((vectors.len(), vectors.linked()), (727, 727));
    assert_eq!(first(&vectors, 1009), 1009);
}

#[test]
fn vector_purged_from_a_mapped_segment_is_in_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let vectors = reopened(folder.path());
    let (gone, kept) = (written(&vectors, 7), written(&vectors, 8));
    let holding = |form: &[u8]| holding(folder.path(), form);
    assert_eq!((holding(&gone), holding(&kept)), (1, 1));
    // It stays in the file, which is opened again with what nothing names.
    vectors.remove(&[7]);
    vectors.save().unwrap();
    assert_eq!(holding(&gone), 1);
    drop(vectors);
    let vectors = open(folder.path(), 100);
    vectors.purge().unwrap();
    assert_eq!((holding(&gone), holding(&kept)), (0, 1));
    drop(vectors);
    let vectors = open(folder.path(), 100);
    assert_eq!((vectors.len(), vectors.linked()), (499, 499));
    assert_eq!(first(&vectors, 8), 8);
}

#[test]
fn second_purge_leaves_no_more_than_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let vectors = reopened(folder.path());
    let gone = written(&vectors, 8);
    vectors.remove(&[7]);
    vectors.purge().unwrap();
    if cfg!(unix) {
        assert_eq!(vectors.mapped(), [true, true, true]);
    }
    vectors.remove(&[8]);
    vectors.save().unwrap();
    // It takes the node of one of the two, and nobody knows whose.
    add(&vectors, 900..901);
    link_all(&vectors);
    vectors.purge().unwrap();
    assert_eq!(holding(folder.path(), &gone), 0);
    assert_eq!(first(&vectors, 900), 900);
}

#[test]
fn file_that_a_later_save_removes_does_not_disturb_searches() {
    let folder = tempfile::tempdir().unwrap();
    let vectors = reopened(folder.path());
    let before = found(&vectors);
    for round in 1..4 {
        add(&vectors, 900..901);
        link_all(&vectors);
        vectors.remove(&[900]);
        vectors.save().unwrap();
        let generation = format!("graph-{}-0.usearch", round + 1);
        assert_eq!(names(folder.path())[0], generation);
        assert_eq!(found(&vectors), before);
    }
    // Even if nothing has a name any more.
    for name in names(folder.path()) {
        if name.starts_with("graph-") {
            std::fs::remove_file(folder.path().join(name)).unwrap();
        }
    }
    assert_eq!(found(&vectors), before);
}

#[test]
fn damaged_segment_is_noticed_at_opening_and_the_graph_is_built_again() {
    let folder = tempfile::tempdir().unwrap();
    drop(saved(folder.path()));
    let path = folder.path().join("graph-1-1.usearch");
    let sound = std::fs::read(&path).unwrap();
    let flipped = [
        0,
        9,
        200,
        200 * WIDTH + 70,
        sound.len() / 2,
        sound.len() - 3,
    ]
    .map(|at| {
        let mut bytes = sound.clone();
        bytes[at] ^= 0x40;
        bytes
    });
    // Sizes and magic are right, links lead anywhere.
    let mut wild = sound.clone();
    let links = wild.len() - 4000;
    wild[links..].fill(0xFF);
    let cut = [0, 1, 100, 5000, sound.len() - 1].map(|length| sound[..length].to_vec());
    let longer = [&sound[..], &[0; 16]].concat();
    let damages = flipped.into_iter().chain(cut).chain([wild, longer]);
    for damage in damages {
        std::fs::write(&path, &damage).unwrap();
        let vectors = open(folder.path(), 100);
        assert_eq!((vectors.len(), vectors.linked()), (500, 0));
        assert!(vectors.is_dirty());
        assert_eq!(first(&vectors, 250), 250);
    }
    std::fs::write(&path, &sound).unwrap();
    assert_eq!(
        open(folder.path(), 100).linked(),
        500,
        "nothing was thrown away"
    );
    std::fs::remove_file(&path).unwrap();
    let vectors = open(folder.path(), 100);
    assert_eq!(vectors.linked(), 0);
    link_all(&vectors);
    vectors.save().unwrap();
    drop(vectors);
    let vectors = open(folder.path(), 100);
    assert_eq!((vectors.len(), vectors.linked()), (500, 500));
    assert_eq!(first(&vectors, 250), 250);
}

#[test]
fn segment_of_another_time_is_not_taken_for_the_saved_one() {
    let folder = tempfile::tempdir().unwrap();
    let vectors = saved(folder.path());
    let file = |generation: u64| {
        let name = format!("graph-{generation}-2.usearch");
        folder.path().join(name)
    };
    let earlier = std::fs::read(file(1)).unwrap();
    // As many rows as before.
    vectors.remove(&[450]);
    vectors.save().unwrap();
    add(&vectors, 600..601);
    link_all(&vectors);
    vectors.save().unwrap();
    drop(vectors);
    std::fs::write(file(3), earlier).unwrap();
    let vectors = open(folder.path(), 100);
    assert_eq!((vectors.len(), vectors.linked()), (500, 0));
    assert_eq!(first(&vectors, 600), 600);
}

#[test]
fn folder_of_an_earlier_version_is_begun_anew() {
    use sha2::{Digest, Sha256};
    let folder = tempfile::tempdir().unwrap();
    drop(saved(folder.path()));
    let path = folder.path().join("vectors.bin");
    let mut bytes = std::fs::read(&path).unwrap();
    assert_eq!(bytes[8..12], 3u32.to_le_bytes());
    bytes[8..12].copy_from_slice(&2u32.to_le_bytes());
    let body = bytes.len() - 32;
    let digest = Sha256::digest(&bytes[..body]);
    bytes[body..].copy_from_slice(&digest);
    std::fs::write(&path, &bytes).unwrap();
    let vectors = open(folder.path(), 100);
    assert_eq!((vectors.len(), vectors.linked()), (0, 0));
    add(&vectors, 0..300);
    link_all(&vectors);
    vectors.save().unwrap();
    drop(vectors);
    let vectors = open(folder.path(), 100);
    assert_eq!((vectors.len(), vectors.linked()), (300, 300));
}

#[test]
fn mapped_segment_lets_thirty_searches_in_at_once() {
    const SEARCHES: usize = 30;
    let folder = tempfile::tempdir().unwrap();
    drop(saved(folder.path()));
    let path = folder.path().join("graph-1-0.usearch");
    let segment = Segment::open(&path, WIDTH).unwrap();
    assert_eq!(segment.is_mapped(), cfg!(unix));
    let inside = AtomicUsize::new(0);
    let search = || {
        let entered = Cell::new(false);
        let until = Instant::now() + Duration::from_secs(20);
        let passes = |_| {
            if !entered.replace(true) {
                inside.fetch_add(1, Ordering::SeqCst);
                while inside.load(Ordering::SeqCst) < SEARCHES && Instant::now() < until {
                    std::thread::yield_now();
                }
            }
            true
        };
        let query = codes(&unit(&vector(7), WIDTH).unwrap());
        segment.near(&query, 1, passes).unwrap()[0].1
    };
    std::thread::scope(|scope| {
        let searches: Vec<_> = (0..SEARCHES).map(|_| scope.spawn(search)).collect();
        for search in searches {
            assert_eq!(search.join().unwrap(), 7);
        }
    });
    assert_eq!(inside.into_inner(), SEARCHES);
}

#[test]
fn many_search_mapped_segments_at_once_while_they_change() {
    let folder = tempfile::tempdir().unwrap();
    let vectors = reopened(folder.path());
    let expected = found(&vectors);
    std::thread::scope(|scope| {
        let searchers: Vec<_> = (0..24)
            .map(|_| scope.spawn(|| found(&vectors) == expected))
            .collect();
        for searcher in searchers {
            assert!(searcher.join().unwrap());
        }
        let searchers: Vec<_> = (0..8)
            .map(|thread| {
                let vectors = &vectors;
                scope.spawn(move || {
                    let own = (0..400).filter(|key| key % 8 == thread && key % 50 != 0);
                    own.filter(|&key| first(vectors, key) == key).count()
                })
            })
            .collect();
        // Into memory and back to the file, again and again.
        for round in 0..8 {
            vectors.remove(&[round * 50]);
            add(&vectors, 2000 + round..2001 + round);
            link_all(&vectors);
            vectors.save().unwrap();
        }
        let right: usize = searchers.into_iter().map(|one| one.join().unwrap()).sum();
        assert_eq!(right, 392);
    });
    assert_eq!((vectors.len(), vectors.linked()), (500, 500));
    let hits = vectors.search(&vector(9), &ALL, 500).unwrap();
    assert!(!keys(&hits).contains(&350));
}
