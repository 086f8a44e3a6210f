//! The index as callers see it: rows, the graph that a large collection gets
//! beside them, and when each of them answers.

use super::dot::Instructions;
use super::file::{self, Contents, Edition};
use super::graph::{Copies, Graph, SavedGraph};
use super::rows::{Passes, Rows, unit};
use super::{Filter, Hit, Result, RowFault, VectorEntry, VectorsError};
use std::panic;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread;

/// Rows from which on a graph is built: below, comparing all of them takes 5 ms
/// at most, is exact, and costs no memory.
const GRAPH_FROM: usize = 50_000;

/// Rows that are in memory beside their file for each one of the above.
const IN_MEMORY: usize = 2;

/// Slots of a segment of the graph for each one of the above.
const IN_SEGMENT: usize = 2;

/// Rows that are linked while searches wait: for a few milliseconds.
const LINKED_AT_ONCE: usize = 8;

/// Rows that [`Vectors::catch_up`] links.
const LINKED_AT_MOST: usize = 512;

/// The graph, which knows vectors roughly, is asked for so many times what is
/// wanted and so many more, and the rows decide.
const GRAPH_SURPLUS: (usize, usize) = (2, 40);

/// Vectors of one embedding model. Searches may overlap each other; a write
/// waits for them and is short.
pub struct Vectors {
    directory: PathBuf,
    fingerprint: String,
    sizes: Sizes,
    instructions: Instructions,
    state: RwLock<State>,
    saved: Mutex<Saved>,
}

/// Rows from which on something is done.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    /// From which on there is a graph.
    graph_from: usize,
    /// Up to which they are in memory.
    in_memory: usize,
    /// Slots of a segment of the graph.
    segment: usize,
}

/// What the files hold.
struct Saved {
    edition: Edition,
    changes: u64,
    /// Of the files of the graph's segments.
    checksums: Vec<u32>,
}

impl Saved {
    fn graph(&self) -> SavedGraph<'_> {
        SavedGraph {
            generation: self.edition.generation,
            change: self.changes,
            checksums: &self.checksums,
        }
    }
}

struct State {
    rows: Rows,
    graph: Option<Graph>,
    sizes: Sizes,
    /// Counts changes since the index was opened.
    changes: u64,
}

impl Vectors {
    /// Opens the index in `directory`. Files that are damaged or belong to a
    /// model of another `fingerprint` are thrown away, which shows in [`Self::len`].
    pub fn open(directory: &Path, dimensions: usize, fingerprint: &str) -> Result<Self> {
        Self::open_with(directory, dimensions, fingerprint, GRAPH_FROM)
    }

    pub(super) fn open_with(
        directory: &Path,
        dimensions: usize,
        fingerprint: &str,
        graph_from: usize,
    ) -> Result<Self> {
        std::fs::create_dir_all(directory)?;
        let sizes = Sizes {
            graph_from,
            in_memory: graph_from.saturating_mul(IN_MEMORY),
            segment: graph_from.saturating_mul(IN_SEGMENT),
        };
        let loaded = file::load(directory, dimensions, fingerprint).and_then(|found| {
            let open = |contents| State::open(directory, dimensions, contents, sizes);
            found.map(open).transpose()
        });
        let loaded = loaded.unwrap_or_else(|error| {
            tracing::warn!(%error, "the vector index is begun anew");
            None
        });
        let (state, saved) = match loaded {
            Some(opened) => opened,
            None => State::begin(directory, dimensions, sizes)?,
        };
        Ok(Self {
            directory: directory.to_owned(),
            fingerprint: fingerprint.to_owned(),
            sizes,
            instructions: Instructions::detect(),
            state: RwLock::new(state),
            saved: Mutex::new(saved),
        })
    }

    /// Adds vectors, in place of earlier ones of the same chunks; they are found
    /// at once, and fast after [`Self::catch_up`]. Either all are added or, if one is unfit, none.
    pub fn add(&self, entries: &[VectorEntry<'_>]) -> Result<()> {
        let dimensions = self.read().rows.dimensions;
        let units = entries
            .iter()
            .map(|entry| unit(entry.vector, dimensions))
            .collect::<Result<Vec<_>>>()?;
        self.own_segments_of(entries.iter().map(|entry| entry.chunk));
        let mut state = self.write();
        for (entry, unit) in entries.iter().zip(&units) {
            state.remove(entry.chunk);
            state.changes += 1;
            state.rows.insert(entry, unit)?;
        }
        Ok(())
    }

    /// Links some of the rows that the graph lacks, if there is to be one, a few
    /// at a time: searches go on in between. Whether it is worth calling again.
    pub fn catch_up(&self) -> bool {
        for _ in 0..LINKED_AT_MOST / LINKED_AT_ONCE {
            self.exchange(|state, graph| {
                let next = state.rows.unlinked_slots().take(LINKED_AT_ONCE);
                graph.copies_in_memory(next)
            });
            let mut state = self.write();
            if !state.wants_links() {
                return false;
            }
            if let Err(error) = state.link(LINKED_AT_ONCE) {
                state.drop_graph(&error);
                return false;
            }
        }
        true
    }

    /// Removes the vectors of chunks; keys that are not here are passed over.
    pub fn remove(&self, chunks: &[u64]) {
        self.own_segments_of(chunks.iter().copied());
        let mut state = self.write();
        for &chunk in chunks {
            state.remove(chunk);
        }
    }

    /// The chunks nearest to `query`, best first.
    pub fn search(&self, query: &[f32], filter: &Filter, limit: usize) -> Result<Vec<Hit>> {
        let state = self.read();
        let rows = &state.rows;
        let query = unit(query, rows.dimensions)?;
        let passes = Passes::from(filter);
        if let Some(graph) = &state.graph {
            // Few that pass are reached slowly through a graph and fast one by one.
            let passing = rows.count(filter);
            let many = passing > self.sizes.graph_from.max(rows.len() / 10);
            let all = passing >= rows.len();
            let near = many.then(|| state.near(graph, &query, (&passes, all), limit));
            match near {
                Some(Ok(slots)) => {
                    return rows.nearest(&query, &slots, limit, self.instructions);
                }
                Some(Err(error)) => tracing::warn!(%error, "every vector is compared instead"),
                None => {}
            }
        }
        rows.nearest(&query, &rows.passing(&passes), limit, self.instructions)
    }

    /// The cosine of `query` and each of the chunks; `None` for those not here.
    pub fn similarities(&self, query: &[f32], chunks: &[u64]) -> Result<Vec<Option<f32>>> {
        let state = self.read();
        let query = unit(query, state.rows.dimensions)?;
        let cosine = |slot| -> Result<f32> {
            let cosines = state.rows.cosines(&query, &[slot], self.instructions)?;
            Ok(cosines[0])
        };
        let slots = chunks.iter().map(|&chunk| state.rows.slot(chunk));
        slots.map(|slot| slot.map(cosine).transpose()).collect()
    }

    /// The vector of each of the chunks, of length one; `None` for those not here.
    pub fn get(&self, chunks: &[u64]) -> Result<Vec<Option<Vec<f32>>>> {
        let state = self.read();
        let vector = |slot| state.rows.vector(slot);
        let slots = chunks.iter().map(|&chunk| state.rows.slot(chunk));
        slots.map(|slot| slot.map(vector).transpose()).collect()
    }

    /// What is wrong with the rows of entries, as they lie in the file; an entry
    /// whose chunk is not here, or whose vector is unfit, is passed over.
    pub fn faults(&self, entries: &[VectorEntry<'_>]) -> Vec<(u64, RowFault)> {
        let state = self.read();
        let fault = |entry: &VectorEntry<'_>| {
            let slot = state.rows.slot(entry.chunk)?;
            let unit = unit(entry.vector, state.rows.dimensions).ok()?;
            let fault = state.rows.fault(slot, entry, &unit)?;
            Some((entry.chunk, fault))
        };
        entries.iter().filter_map(fault).collect()
    }

    /// An error if the file of the columns is not what was saved last.
    pub fn check_file(&self) -> Result<()> {
        let saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        if saved.edition.generation == 0 {
            return Ok(());
        }
        let dimensions = self.read().rows.dimensions;
        match file::load(&self.directory, dimensions, &self.fingerprint)? {
            Some(contents) if contents.edition == saved.edition => Ok(()),
            _ => Err(VectorsError::Damaged(
                "its file is not the one that was saved",
            )),
        }
    }

    /// Keys of all chunks here, in rising order.
    pub fn keys(&self) -> Vec<u64> {
        let mut keys: Vec<u64> = self.read().rows.chunks().collect();
        keys.sort_unstable();
        keys
    }

    /// How many vectors there are.
    pub fn len(&self) -> usize {
        self.read().rows.len()
    }

    /// Whether there is no vector.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes to disk the rows that are new, the segments of the graph that changed,
    /// and the columns whole: once for many writes. Full segments go from memory to
    /// their files. Searches go on meanwhile.
    pub fn save(&self) -> Result<()> {
        let mut saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        let state = self.read();
        if state.changes == saved.changes {
            return Ok(());
        }
        let edition = Edition {
            generation: saved.edition.generation + 1,
            ..saved.edition
        };
        let mut checksums = Vec::new();
        if let Some(graph) = &state.graph {
            // A save that was cut off may have left segments of this generation.
            file::sweep(&self.directory, saved.edition, true)?;
            checksums = graph.save(&self.directory, edition.generation, saved.graph())?;
        }
        let vacated = state.rows.sync()?;
        let (directory, fingerprint) = (&self.directory, &self.fingerprint);
        file::save(directory, &state.rows, fingerprint, edition, &checksums)?;
        *saved = Saved {
            edition,
            changes: state.changes,
            checksums,
        };
        let has_graph = state.graph.is_some();
        drop(state);
        if vacated > 0 {
            self.write().rows.release(vacated)?;
        }
        file::sweep(directory, edition, has_graph)?;
        self.exchange(|_, graph| graph.mapped_copies(directory, saved.graph()));
        Ok(())
    }

    /// Saves so that nothing of what was removed is in the files.
    pub fn purge(&self) -> Result<()> {
        self.exchange(|_, graph| graph.copies_of_stale());
        let mut state = self.write();
        state.changes += 1;
        let change = state.changes;
        if let Some(Err(error)) = state.graph.as_mut().map(|graph| graph.purge(change)) {
            state.drop_graph(&error);
        }
        drop(state);
        self.save()?;
        self.read().rows.sync()?;
        Ok(())
    }

    /// Whether [`Self::save`] has anything to write.
    pub fn is_dirty(&self) -> bool {
        let saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        self.read().changes != saved.changes
    }

    #[cfg(test)]
    pub(super) fn linked(&self) -> usize {
        self.read().graph.as_ref().map_or(0, Graph::len)
    }

    /// Which segments of the graph are mapped.
    #[cfg(test)]
    pub(super) fn mapped(&self) -> Vec<bool> {
        self.read()
            .graph
            .as_ref()
            .map_or_else(Vec::new, Graph::is_mapped)
    }

    /// Makes the segments of these chunks ready to be changed.
    fn own_segments_of(&self, chunks: impl Iterator<Item = u64>) {
        self.exchange(|state, graph| {
            graph.copies_in_memory(chunks.filter_map(|chunk| state.rows.slot(chunk)))
        });
    }

    /// Puts copies of segments in their places: searches go on while they are made,
    /// and while what they replace is dropped.
    fn exchange(&self, make: impl FnOnce(&State, &Graph) -> Copies) {
        let state = self.read();
        let copies = state.graph.as_ref().map(|graph| make(&state, graph));
        drop(state);
        let Some(copies) = copies.filter(|copies| !copies.is_empty()) else {
            return;
        };
        let mut state = self.write();
        let replaced = state.graph.as_mut().map(|graph| graph.exchange(copies));
        drop(state);
        drop(replaced);
    }

    // Every change under the lock is complete before anything can panic.
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Begins without rows, beside whatever is in the folder.
    fn begin(directory: &Path, dimensions: usize, sizes: Sizes) -> Result<(Self, Saved)> {
        let edition = Edition {
            generation: 0,
            epoch: file::next_epoch(directory)?,
        };
        let saved = Saved {
            edition,
            changes: 0,
            checksums: Vec::new(),
        };
        let path = file::rows_path(directory, edition.epoch);
        let state = Self {
            rows: Rows::begin(&path, dimensions, sizes.in_memory)?,
            graph: None,
            sizes,
            changes: 0,
        };
        Ok((state, saved))
    }

    /// The rows of an edition with its graph, if there is one that fits.
    fn open(
        directory: &Path,
        dimensions: usize,
        contents: Contents,
        sizes: Sizes,
    ) -> Result<(Self, Saved)> {
        let Contents {
            columns,
            edition,
            segments,
        } = contents;
        let path = file::rows_path(directory, edition.epoch);
        let load = || {
            Graph::load(
                directory,
                edition.generation,
                &segments,
                dimensions,
                sizes.segment,
            )
        };
        // Both are read from end to end; of a million vectors that is 1.3 GB.
        let has_graph = columns.linked.contains(&true);
        let (opened, graph) = thread::scope(|scope| {
            let graph = has_graph.then(|| scope.spawn(load));
            let opened = Rows::open(&path, dimensions, columns, sizes.in_memory);
            (opened, graph.map(|graph| graph.join()))
        });
        let (rows, damaged) = opened?;
        let linked = rows.len() - rows.unlinked;
        let mut state = Self {
            rows,
            graph: None,
            sizes,
            changes: 0,
        };
        if let (true, Some(graph)) = (linked > 0, graph) {
            match graph.unwrap_or_else(|panic| panic::resume_unwind(panic)) {
                Ok(graph) if graph.len() == linked => state.graph = Some(graph),
                Ok(_) => state.drop_graph(&VectorsError::Damaged("the graph is of other rows")),
                Err(error) => state.drop_graph(&error),
            }
        }
        if !damaged.is_empty() {
            tracing::warn!(
                rows = damaged.len(),
                "vectors were damaged and are left out"
            );
            damaged.into_iter().for_each(|chunk| state.remove(chunk));
        }
        let saved = Saved {
            edition,
            changes: 0,
            checksums: segments,
        };
        Ok((state, saved))
    }

    fn remove(&mut self, chunk: u64) {
        let Some((slot, linked)) = self.rows.remove(chunk) else {
            return;
        };
        self.changes += 1;
        let graph = self.graph.as_mut().filter(|_| linked);
        if let Some(Err(error)) = graph.map(|graph| graph.remove(slot, self.changes)) {
            self.drop_graph(&error);
        }
    }

    /// Whether the graph lacks rows; there is none yet while there are few.
    fn wants_links(&self) -> bool {
        self.rows.unlinked > 0 && (self.graph.is_some() || self.rows.len() >= self.sizes.graph_from)
    }

    fn link(&mut self, most: usize) -> Result<()> {
        self.changes += 1;
        let mut graph = match self.graph.take() {
            Some(graph) => graph,
            None => Graph::new(self.rows.dimensions, self.sizes.segment),
        };
        for slot in self.rows.next_unlinked(most) {
            graph.add(slot, &self.rows.vector(slot)?, self.changes)?;
            self.rows.set_linked(slot);
        }
        self.graph = Some(graph);
        Ok(())
    }

    /// Without the graph every row is compared, and the graph is built again.
    fn drop_graph(&mut self, error: &VectorsError) {
        tracing::warn!(%error, "the vector graph is begun anew");
        self.graph = None;
        self.rows.set_all_unlinked();
        self.changes += 1;
    }

    /// Rows near `query` by the graph, and all passing rows that it lacks, rising.
    fn near(
        &self,
        graph: &Graph,
        query: &[f32],
        (passes, all): (&Passes, bool),
        limit: usize,
    ) -> Result<Vec<usize>> {
        let wanted = limit * GRAPH_SURPLUS.0 + GRAPH_SURPLUS.1;
        let mut slots = graph.near(query, wanted, &self.rows, passes, all)?;
        slots.extend(self.rows.passing_unlinked(passes));
        slots.sort_unstable();
        slots.dedup();
        Ok(slots)
    }
}
