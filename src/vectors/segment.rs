//! A segment of the graph: an HNSW (Malkov and Yashunin 2016) over some of the
//! rows, which knows vectors as one byte a number. It answers which slots are
//! near; how near is computed from the rows. A segment is in memory or mapped
//! from its file, whose pages then belong to the system's file cache. A mapped one
//! cannot be written to: before its first change it is copied into memory. Its
//! file may get other names or lose them all, but must never be written in place
//! or cut, and must be known to be whole before: usearch believes what it maps,
//! and follows links in it unchecked. Whether it is whole is not found out here.

use super::{Result, VectorsError};
use std::path::Path;
use usearch::{Index, IndexOptions, MetricKind, ScalarKind};

/// Searches that may be in a segment at once; more are answered from the rows.
const THREADS: usize = 32;

/// A number this many times the one that a vector of length one has in the mean
/// gets the largest code; larger ones are cut. Of the bundled model's numbers
/// none is, and a step of the code is a 21st of the mean.
const LARGEST: f32 = 6.0;

/// Candidates that are looked at for the neighbours of a new node. In a hundred
/// thousand vectors of two unlike subjects 128 leave some out of reach: recall@10
/// is .983-.995 and hardly more where more are asked for, with 256 it is .9995-1. Twice as many
/// neighbours do less (.9955) and cost 40 % more memory.
const EXPANSION_ADD: usize = 256;

/// Whether segments are mapped. Windows removes and renames no file that is
/// mapped, which each save does.
const MAPS: bool = cfg!(unix);

/// Keys from here on are not slots: see [`Segment::purge`].
const FILLERS: u64 = 1 << 62;

pub(super) struct Segment {
    index: Index,
    dimensions: usize,
    /// Nodes that no row has, which new rows take in an order of usearch's own.
    free: usize,
    /// How many of them may still hold the vector of a removed row.
    stale: usize,
    /// The change of the index that changed it last; 0: none since it was opened.
    changed_by: u64,
    /// Whether it is mapped.
    mapped: bool,
}

impl Segment {
    pub(super) fn new(dimensions: usize) -> Result<Self> {
        let segment = Self {
            index: Index::new(&options(dimensions)).map_err(failed)?,
            dimensions,
            free: 0,
            stale: 0,
            changed_by: 0,
            mapped: false,
        };
        segment.reserve(1024)?;
        Ok(segment)
    }

    pub(super) fn len(&self) -> usize {
        self.index.size()
    }

    /// Whether it is as it was after a change of the index.
    pub(super) fn is_as_after(&self, change: u64) -> bool {
        self.changed_by <= change
    }

    pub(super) fn is_mapped(&self) -> bool {
        self.mapped
    }

    /// Whether the memory or the file has vectors of removed rows.
    pub(super) fn is_stale(&self) -> bool {
        self.stale > 0
    }

    /// Whether this is the other one, mapped or in memory: a change always gets a
    /// number of its own. New ones without rows have none.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        (self.changed_by, self.len()) == (other.changed_by, other.len())
    }

    /// The same in memory.
    pub(super) fn in_memory(&self) -> Result<Self> {
        let mut bytes = vec![0; self.index.serialized_length()];
        self.index.save_to_buffer(&mut bytes).map_err(failed)?;
        let index = Index::new(&options(self.dimensions)).map_err(failed)?;
        index.load_from_buffer(&bytes).map_err(failed)?;
        let segment = Self {
            index,
            mapped: false,
            ..*self
        };
        segment.reserve_for_nodes()?;
        Ok(segment)
    }

    /// The same, mapped from `path`, which it was saved to; `None` where nothing
    /// is mapped.
    pub(super) fn mapped(&self, path: &Path) -> Result<Option<Self>> {
        if !MAPS {
            return Ok(None);
        }
        let opened = Self::open(path, self.dimensions)?;
        if (opened.len(), opened.free) != (self.len(), self.free) {
            return Err(VectorsError::Damaged("the graph is not what was saved"));
        }
        Ok(Some(Self {
            stale: self.stale,
            changed_by: self.changed_by,
            ..opened
        }))
    }

    /// Before any change.
    fn make_own(&mut self) -> Result<()> {
        if self.mapped {
            *self = self.in_memory()?;
        }
        Ok(())
    }

    /// Must not overlap with a search.
    pub(super) fn add(&mut self, slot: usize, unit: &[f32], change: u64) -> Result<()> {
        self.make_own()?;
        self.changed_by = change;
        self.insert(slot as u64, &codes(unit))
    }

    fn insert(&mut self, key: u64, codes: &[i8]) -> Result<()> {
        if self.index.size() + 1 > self.index.capacity() {
            self.reserve(self.index.capacity() * 2)?;
        }
        self.index.add(key, codes).map_err(failed)?;
        // Which of the free nodes it took is not known: perhaps none of the stale ones.
        self.free = self.free.saturating_sub(1);
        self.stale = self.stale.min(self.free);
        Ok(())
    }

    /// Must not overlap with a search. The vector stays in the memory and in
    /// what is saved until another takes its node.
    pub(super) fn remove(&mut self, slot: usize, change: u64) -> Result<()> {
        self.make_own()?;
        self.changed_by = change;
        let removed = self.index.remove(slot as u64).map_err(failed)?;
        self.free += removed;
        self.stale += removed;
        Ok(())
    }

    /// Leaves nothing of what was removed: gives all free nodes to vectors that
    /// say nothing, and takes those out again. Must not overlap with a search.
    pub(super) fn purge(&mut self, change: u64) -> Result<()> {
        if self.stale == 0 {
            return Ok(());
        }
        self.make_own()?;
        self.changed_by = change;
        let count = self.free;
        let filler = vec![1; self.dimensions];
        for key in (FILLERS..).take(count) {
            self.insert(key, &filler)?;
        }
        for key in (FILLERS..).take(count) {
            self.free += self.index.remove(key).map_err(failed)?;
        }
        Ok(())
    }

    /// About `limit` slots near what `codes` stand for among those that `passes`
    /// allows, each with its distance, which tells order and no more.
    pub(super) fn near(
        &self,
        codes: &[i8],
        limit: usize,
        passes: impl Fn(usize) -> bool,
    ) -> Result<Vec<(f32, usize)>> {
        let allowed = |key| key < FILLERS && passes(key as usize);
        let matches = self.index.filtered_search(codes, limit, allowed);
        let matches = matches.map_err(failed)?;
        let slots = matches.keys.into_iter().map(|key| key as usize);
        Ok(matches.distances.into_iter().zip(slots).collect())
    }

    pub(super) fn save(&self, path: &Path) -> Result<()> {
        self.index.save(&text(path)?).map_err(failed)
    }

    /// Opens a file that is known to be whole. Refuses one of other dimensions or
    /// another kind, which opening would silently take over.
    pub(super) fn open(path: &Path, dimensions: usize) -> Result<Self> {
        let path = text(path)?;
        let found = Index::metadata(&path).map_err(failed)?;
        let wanted = options(dimensions);
        if found.dimensions != dimensions as u64
            || found.quantization != wanted.quantization
            || found.metric != wanted.metric
        {
            return Err(VectorsError::Damaged("the graph is of another kind"));
        }
        let index = Index::new(&wanted).map_err(failed)?;
        if MAPS {
            index.view(&path).map_err(failed)?;
        } else {
            index.load(&path).map_err(failed)?;
        }
        let segment = Self {
            index,
            dimensions,
            free: found.count_deleted as usize,
            stale: found.count_deleted as usize,
            changed_by: 0,
            mapped: MAPS,
        };
        segment.reserve_for_nodes()?;
        Ok(segment)
    }

    /// Makes place for its nodes, and one more if it may get one.
    fn reserve_for_nodes(&self) -> Result<()> {
        let nodes = self.len() + self.free;
        match self.mapped {
            true => self.reserve(nodes),
            false => self.reserve((nodes + 1).next_power_of_two()),
        }
    }

    /// The call's own answer says nothing of success: the capacity does.
    fn reserve(&self, capacity: usize) -> Result<()> {
        self.index
            .reserve_capacity_and_threads(capacity, THREADS)
            .map_err(failed)?;
        if self.index.capacity() < capacity {
            return Err(VectorsError::Graph("there is no memory for it".into()));
        }
        Ok(())
    }
}

fn options(dimensions: usize) -> IndexOptions {
    IndexOptions {
        dimensions,
        metric: MetricKind::IP,
        quantization: ScalarKind::I8,
        connectivity: 16,
        expansion_add: EXPANSION_ADD,
        expansion_search: 128,
        multi: false,
    }
}

/// A vector of length one as one byte a number, all on one scale: their inner
/// products are in the order of the cosines.
pub(super) fn codes(unit: &[f32]) -> Vec<i8> {
    let mean = 1.0 / (unit.len() as f32).sqrt();
    let scale = f32::from(i8::MAX) / (LARGEST * mean);
    let code = |x: &f32| (x * scale).round().clamp(-127.0, 127.0) as i8;
    unit.iter().map(code).collect()
}

fn failed(error: impl std::fmt::Display) -> VectorsError {
    VectorsError::Graph(error.to_string())
}

fn text(path: &Path) -> Result<String> {
    let text = path.to_str().map(str::to_owned);
    text.ok_or(VectorsError::Damaged("its path is not Unicode"))
}
