//! The index as callers see it: rows, the graph that a large collection gets
//! beside them, and when each of them answers.

use super::dot::Instructions;
use super::graph::Graph;
use super::rows::{Rows, unit};
use super::{Filter, Hit, Result, VectorEntry, VectorsError, file};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Rows from which on a graph is built: below, comparing all of them takes 5 ms
/// at most, is exact, and costs no memory.
const GRAPH_FROM: usize = 50_000;

/// Rows that one call of [`Vectors::add`] links beside its own, so that a graph
/// that is behind catches up without a long pause.
const LINKED_BESIDE: usize = 256;

/// The graph is asked for this many times what is wanted, and the rows decide.
const GRAPH_SURPLUS: usize = 2;

/// Vectors of one embedding model. Searches may overlap each other; a write
/// waits for them and is short.
pub struct Vectors {
    directory: PathBuf,
    fingerprint: String,
    graph_from: usize,
    instructions: Instructions,
    state: RwLock<State>,
    saved: Mutex<Saved>,
}

/// What the files hold.
struct Saved {
    generation: u64,
    changes: u64,
}

struct State {
    rows: Rows,
    graph: Option<Graph>,
    /// How many rows the graph lacks.
    unlinked: usize,
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
        let loaded = file::load(directory, dimensions, fingerprint).unwrap_or_else(|error| {
            tracing::warn!(%error, "the vector index is begun anew");
            None
        });
        let (state, generation) = match loaded {
            Some((rows, generation)) => {
                let state = State::with_graph(directory, rows, generation);
                (state, generation)
            }
            None => (State::empty(dimensions), 0),
        };
        Ok(Self {
            directory: directory.to_owned(),
            fingerprint: fingerprint.to_owned(),
            graph_from,
            instructions: Instructions::detect(),
            state: RwLock::new(state),
            saved: Mutex::new(Saved {
                generation,
                changes: 0,
            }),
        })
    }

    /// Adds vectors, in place of earlier ones of the same chunks; they are found
    /// at once. Either all are added or, if one is unfit, none.
    pub fn add(&self, entries: &[VectorEntry<'_>]) -> Result<()> {
        let dimensions = self.read().rows.dimensions;
        let units = entries
            .iter()
            .map(|entry| unit(entry.vector, dimensions))
            .collect::<Result<Vec<_>>>()?;
        let mut state = self.write();
        for (entry, unit) in entries.iter().zip(&units) {
            state.remove(entry.chunk);
            state.rows.push(entry, unit);
            state.unlinked += 1;
        }
        state.changes += entries.len() as u64;
        state.link(self.graph_from, entries.len() + LINKED_BESIDE);
        Ok(())
    }

    /// Removes the vectors of chunks; keys that are not here are passed over.
    pub fn remove(&self, chunks: &[u64]) {
        let mut state = self.write();
        for &chunk in chunks {
            state.remove(chunk);
        }
    }

    /// Removes the vectors of all chunks of a document.
    pub fn remove_document(&self, document: u64) {
        let mut state = self.write();
        let rows = &state.rows;
        let of_document = rows.chunks.iter().zip(&rows.documents);
        let chunks: Vec<u64> = of_document
            .filter_map(|(&chunk, &owner)| (owner == document).then_some(chunk))
            .collect();
        for chunk in chunks {
            state.remove(chunk);
        }
    }

    /// The chunks nearest to `query`, best first.
    pub fn search(&self, query: &[f32], filter: &Filter, limit: usize) -> Result<Vec<Hit>> {
        let state = self.read();
        let rows = &state.rows;
        let query = unit(query, rows.dimensions)?;
        let passing = rows.passing(filter);
        if let Some(graph) = &state.graph {
            // Few that pass are reached slowly through a graph and fast one by one.
            let many = passing.len() > self.graph_from.max(rows.len() / 10);
            let near = many.then(|| state.near(graph, &query, &passing, limit));
            match near {
                Some(Ok(places)) => {
                    return Ok(rows.nearest(&query, places.into_iter(), limit, self.instructions));
                }
                Some(Err(error)) => tracing::warn!(%error, "every vector is compared instead"),
                None => {}
            }
        }
        Ok(rows.nearest(&query, passing.into_iter(), limit, self.instructions))
    }

    /// The cosine of `query` and each of the chunks; `None` for those not here.
    pub fn similarities(&self, query: &[f32], chunks: &[u64]) -> Result<Vec<Option<f32>>> {
        let state = self.read();
        let query = unit(query, state.rows.dimensions)?;
        let similarity = |place| self.instructions.dot(&query, state.rows.row(place));
        Ok(chunks
            .iter()
            .map(|&chunk| state.rows.place(chunk).map(similarity))
            .collect())
    }

    /// The vector of each of the chunks, of length one; `None` for those not here.
    pub fn get(&self, chunks: &[u64]) -> Vec<Option<Vec<f32>>> {
        let state = self.read();
        let vector = |place| state.rows.vector(place);
        chunks
            .iter()
            .map(|&chunk| state.rows.place(chunk).map(vector))
            .collect()
    }

    /// Whether the chunk has a vector here.
    pub fn contains(&self, chunk: u64) -> bool {
        self.read().rows.place(chunk).is_some()
    }

    /// Keys of all chunks here, in rising order.
    pub fn keys(&self) -> Vec<u64> {
        let mut keys = self.read().rows.chunks.clone();
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

    /// Writes everything to disk, if there is anything new. Costs a copy of the
    /// whole index: once for many writes. Searches go on meanwhile, unless there
    /// is a graph, which cannot be searched and saved at once.
    pub fn save(&self) -> Result<()> {
        let mut saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        let state = self.read();
        if state.graph.is_none() {
            return self.save_state(&state, &mut saved);
        }
        drop(state);
        self.save_state(&self.write(), &mut saved)
    }

    /// Whether [`Self::save`] has anything to write.
    pub fn is_dirty(&self) -> bool {
        let saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        self.read().changes != saved.changes
    }

    fn save_state(&self, state: &State, saved: &mut Saved) -> Result<()> {
        if state.changes == saved.changes {
            return Ok(());
        }
        let generation = saved.generation + 1;
        if let Some(graph) = &state.graph {
            let temporary = self.directory.join("graph.tmp");
            graph.save(&temporary)?;
            file::replace(&temporary, &file::graph_path(&self.directory, generation))?;
        }
        file::save(&self.directory, &state.rows, &self.fingerprint, generation)?;
        *saved = Saved {
            generation,
            changes: state.changes,
        };
        file::sweep(&self.directory, state.graph.as_ref().map(|_| generation))
    }

    /// Removes everything, on disk with the next [`Self::save`].
    pub fn clear(&self) {
        let mut state = self.write();
        *state = State {
            changes: state.changes + 1,
            ..State::empty(state.rows.dimensions)
        };
    }

    #[cfg(test)]
    pub(super) fn linked(&self) -> usize {
        self.read().graph.as_ref().map_or(0, Graph::len)
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
    fn empty(dimensions: usize) -> Self {
        Self {
            rows: Rows::new(dimensions),
            graph: None,
            unlinked: 0,
            changes: 0,
        }
    }

    /// The rows with the graph of their generation, if there is one that fits.
    fn with_graph(directory: &Path, rows: Rows, generation: u64) -> Self {
        let linked = rows.linked.iter().filter(|&&linked| linked).count();
        let mut state = Self {
            unlinked: rows.len() - linked,
            graph: None,
            rows,
            changes: 0,
        };
        if linked > 0 {
            let path = file::graph_path(directory, generation);
            match Graph::load(&path, state.rows.dimensions) {
                Ok(graph) if graph.len() == linked => state.graph = Some(graph),
                Ok(_) => state.drop_graph(&VectorsError::Damaged("the graph is of other rows")),
                Err(error) => state.drop_graph(&error),
            }
        }
        state
    }

    fn remove(&mut self, chunk: u64) {
        let before = self.rows.len();
        let linked = self.rows.remove(chunk);
        if self.rows.len() == before {
            return;
        }
        self.changes += 1;
        if !linked {
            self.unlinked -= 1;
        } else if let Some(Err(error)) = self.graph.as_ref().map(|graph| graph.remove(chunk)) {
            self.drop_graph(&error);
        }
    }

    /// Links up to `most` rows that the graph lacks, beginning the graph if
    /// there are enough rows for one.
    fn link(&mut self, graph_from: usize, most: usize) {
        if self.unlinked == 0 || (self.graph.is_none() && self.rows.len() < graph_from) {
            return;
        }
        if let Err(error) = self.try_link(most) {
            self.drop_graph(&error);
        }
    }

    fn try_link(&mut self, most: usize) -> Result<()> {
        let graph = match self.graph.take() {
            Some(graph) => graph,
            None => Graph::new(self.rows.dimensions)?,
        };
        // New rows are at the end.
        let behind: Vec<usize> = (0..self.rows.len())
            .rev()
            .filter(|&place| !self.rows.linked[place])
            .take(most)
            .collect();
        for place in behind {
            graph.add(self.rows.chunks[place], &self.rows.vector(place))?;
            self.rows.linked[place] = true;
            self.unlinked -= 1;
        }
        self.graph = Some(graph);
        Ok(())
    }

    /// Without the graph every row is compared, and the graph is built again.
    fn drop_graph(&mut self, error: &VectorsError) {
        tracing::warn!(%error, "the vector graph is begun anew");
        self.graph = None;
        self.rows.linked.fill(false);
        self.unlinked = self.rows.len();
        self.changes += 1;
    }

    /// Rows near `query` by the graph, and all passing rows that it lacks.
    fn near(
        &self,
        graph: &Graph,
        query: &[f32],
        passing: &[usize],
        limit: usize,
    ) -> Result<Vec<usize>> {
        let mut passes = vec![false; self.rows.len()];
        passing.iter().for_each(|&place| passes[place] = true);
        let near = graph.near(query, limit * GRAPH_SURPLUS, |chunk| {
            self.rows.place(chunk).is_some_and(|place| passes[place])
        })?;
        let mut places: Vec<usize> = near
            .into_iter()
            .filter_map(|chunk| self.rows.place(chunk))
            .collect();
        if self.unlinked > 0 {
            let missing = passing.iter().copied();
            places.extend(missing.filter(|&place| !self.rows.linked[place]));
        }
        Ok(places)
    }
}
