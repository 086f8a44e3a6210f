//! The graph over the rows of a large collection, in segments of neighbouring
//! slots. Each is searched, and what they found is put together: a search that
//! begins far away finds its way among a hundred thousand vectors, but not among
//! a million (recall@10 .61 in one graph, .99 in ten). A segment that did not
//! change is not written again.
//!
//! A segment that is opened is mapped from its file and takes hardly any memory.
//! One that was made in memory is exchanged for its file when it was saved and
//! another began after it: slots are given out rising, so that all but the last
//! are full and stay as they are, but for what is deleted, while exchanging the
//! last would copy it back with the next row. So a long ingestion keeps one
//! segment in memory and those that changed since the last save. Whoever is to
//! change a mapped segment makes a copy first. Either copy is made while searches
//! go on, and put in its place in no time.

use super::rows::{Passes, Rows};
use super::segment::{Segment, codes};
use super::{Result, VectorsError, file};
use std::collections::BTreeSet;
use std::path::Path;

/// Where fewer than one row of a segment in so many passes, these are compared one
/// by one: a search that may give back almost nothing goes through everything.
const SPARSE: usize = 10;

pub(super) struct Graph {
    dimensions: usize,
    /// Slots of a segment.
    share: usize,
    segments: Vec<Segment>,
}

/// Where a graph was saved last.
#[derive(Debug, Clone, Copy)]
pub(super) struct SavedGraph<'a> {
    pub(super) generation: u64,
    /// The last change of the index that is in it.
    pub(super) change: u64,
    /// Of its segments' files.
    pub(super) checksums: &'a [u32],
}

/// Segments that are to take the places of the same ones, by number.
pub(super) type Copies = Vec<(usize, Segment)>;

impl Graph {
    pub(super) fn new(dimensions: usize, share: usize) -> Self {
        Self {
            dimensions,
            share,
            segments: Vec::new(),
        }
    }

    /// How many rows it has.
    pub(super) fn len(&self) -> usize {
        self.segments.iter().map(Segment::len).sum()
    }

    /// Must not overlap with a search.
    pub(super) fn add(&mut self, slot: usize, unit: &[f32], change: u64) -> Result<()> {
        while self.segments.len() <= slot / self.share {
            self.segments.push(Segment::new(self.dimensions)?);
        }
        self.segments[slot / self.share].add(slot, unit, change)
    }

    /// Must not overlap with a search. See [`Segment::remove`].
    pub(super) fn remove(&mut self, slot: usize, change: u64) -> Result<()> {
        match self.segments.get_mut(slot / self.share) {
            Some(segment) => segment.remove(slot, change),
            None => Ok(()),
        }
    }

    /// Leaves nothing of what was removed. Must not overlap with a search.
    pub(super) fn purge(&mut self, change: u64) -> Result<()> {
        let mut segments = self.segments.iter_mut();
        segments.try_for_each(|segment| segment.purge(change))
    }

    #[cfg(test)]
    pub(super) fn is_mapped(&self) -> Vec<bool> {
        self.segments.iter().map(Segment::is_mapped).collect()
    }

    /// About `limit` slots near `unit` among those that pass, in no order. `all`:
    /// every row passes.
    pub(super) fn near(
        &self,
        unit: &[f32],
        limit: usize,
        rows: &Rows,
        passes: &Passes,
        all: bool,
    ) -> Result<Vec<usize>> {
        let codes = codes(unit);
        let (mut found, mut slots) = (Vec::new(), Vec::new());
        for (number, segment) in self.segments.iter().enumerate() {
            if segment.len() == 0 {
                continue;
            }
            if !all {
                let first = number * self.share;
                let passing = rows.passing_in(first..first + self.share, passes);
                if passing.len() * SPARSE < segment.len() {
                    slots.extend(passing);
                    continue;
                }
            }
            found.extend(segment.near(&codes, limit, |slot| rows.passes(slot, passes))?);
        }
        if limit > 0 && found.len() > limit {
            found.select_nth_unstable_by(limit - 1, |a, b| a.0.total_cmp(&b.0));
            found.truncate(limit);
        }
        slots.extend(found.into_iter().map(|(_, slot)| slot));
        Ok(slots)
    }

    /// Copies in memory of the mapped segments that the slots belong to. One that
    /// cannot be made is left out: the change itself fails then, and says why.
    pub(super) fn copies_in_memory(&self, slots: impl Iterator<Item = usize>) -> Copies {
        let numbers: BTreeSet<usize> = slots.map(|slot| slot / self.share).collect();
        self.copies_of(numbers.into_iter())
    }

    /// Copies in memory of the mapped segments that [`Self::purge`] changes.
    pub(super) fn copies_of_stale(&self) -> Copies {
        let numbers = 0..self.segments.len();
        self.copies_of(numbers.filter(|&number| self.segments[number].is_stale()))
    }

    fn copies_of(&self, numbers: impl Iterator<Item = usize>) -> Copies {
        let copy = |number: usize| {
            let segment = self.segments.get(number)?;
            let copy = segment.is_mapped().then(|| segment.in_memory());
            Some((number, copy?.ok()?))
        };
        numbers.filter_map(copy).collect()
    }

    /// Mapped ones of the segments in memory that are as `saved` has them, but for
    /// the last. One that cannot be mapped stays in memory.
    pub(super) fn mapped_copies(&self, directory: &Path, saved: SavedGraph<'_>) -> Copies {
        let mut copies = Vec::new();
        let full = self.segments.split_last().map_or(&[][..], |(_, full)| full);
        for (number, segment) in full.iter().enumerate() {
            if segment.is_mapped() || segment.len() == 0 || !segment.is_as_after(saved.change) {
                continue;
            }
            let path = file::segment_path(directory, saved.generation, number);
            match segment.mapped(&path) {
                Ok(copy) => copies.extend(copy.map(|copy| (number, copy))),
                Err(error) => tracing::warn!(%error, number, "a segment stays in memory"),
            }
        }
        copies
    }

    /// Puts copies in their places, unless what they were made of has changed. Gives
    /// back what is to be dropped, which takes longer. Must not overlap with a search.
    pub(super) fn exchange(&mut self, copies: Copies) -> Copies {
        let exchange = |(number, mut copy): (usize, Segment)| {
            if let Some(segment) = self.segments.get_mut(number)
                && segment.is_same(&copy)
            {
                std::mem::swap(segment, &mut copy);
            }
            (number, copy)
        };
        copies.into_iter().map(exchange).collect()
    }

    /// Writes the segments that changed since it was saved last; the others' files
    /// get another name. Gives back the files' checksums by number, 0 for a segment
    /// without rows, which has no file.
    pub(super) fn save(
        &self,
        directory: &Path,
        generation: u64,
        last: SavedGraph<'_>,
    ) -> Result<Vec<u32>> {
        let mut checksums = vec![0; self.segments.len()];
        for (number, segment) in self.segments.iter().enumerate() {
            if segment.len() == 0 {
                continue;
            }
            let path = file::segment_path(directory, generation, number);
            let old = file::segment_path(directory, last.generation, number);
            if segment.is_as_after(last.change)
                && let Some(&checksum) = last.checksums.get(number)
                // A file system without second names gets a second file.
                && std::fs::hard_link(old, &path).is_ok()
            {
                checksums[number] = checksum;
                continue;
            }
            let temporary = directory.join("graph.tmp");
            segment.save(&temporary)?;
            checksums[number] = file::checksum(&temporary)?;
            file::replace(&temporary, &path)?;
        }
        Ok(checksums)
    }

    /// Opens the graph of a generation. The files are compared with their checksums,
    /// by reading them once: a few tenths of a second for a million rows. usearch
    /// would take what is damaged as it is, and a search could end the process.
    pub(super) fn load(
        directory: &Path,
        generation: u64,
        checksums: &[u32],
        dimensions: usize,
        share: usize,
    ) -> Result<Self> {
        let mut graph = Self::new(dimensions, share);
        for (number, &checksum) in checksums.iter().enumerate() {
            let path = file::segment_path(directory, generation, number);
            // One without rows has no file; whether all rows are there is checked by who asks.
            if !path.try_exists()? {
                graph.segments.push(Segment::new(dimensions)?);
                continue;
            }
            if file::checksum(&path)? != checksum {
                return Err(VectorsError::Damaged("the graph is not what was saved"));
            }
            graph.segments.push(Segment::open(&path, dimensions)?);
        }
        match graph.len() {
            0 => Err(VectorsError::Damaged("the graph is gone")),
            _ => Ok(graph),
        }
    }
}
