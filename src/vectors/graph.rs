//! The graph (HNSW) over the rows of a large collection. It answers which
//! chunks are near; how near is computed from the rows.

use super::{Result, VectorsError};
use std::path::Path;
use usearch::{Index, IndexOptions, MetricKind, ScalarKind};

/// Searches that may be in the graph at once; more are answered from the rows.
const THREADS: usize = 32;

pub(super) struct Graph {
    index: Index,
}

impl Graph {
    pub(super) fn new(dimensions: usize) -> Result<Self> {
        let index = Index::new(&options(dimensions)).map_err(failed)?;
        let graph = Self { index };
        graph.reserve(1024)?;
        Ok(graph)
    }

    pub(super) fn len(&self) -> usize {
        self.index.size()
    }

    /// Must not overlap with a search.
    pub(super) fn add(&self, chunk: u64, vector: &[f32]) -> Result<()> {
        if self.index.size() + 1 > self.index.capacity() {
            self.reserve(self.index.capacity() * 2)?;
        }
        self.index.add(chunk, vector).map_err(failed)
    }

    /// Must not overlap with a search.
    pub(super) fn remove(&self, chunk: u64) -> Result<()> {
        self.index.remove(chunk).map_err(failed)?;
        Ok(())
    }

    /// About `limit` chunks near `query` among those that `passes` allows.
    pub(super) fn near(
        &self,
        query: &[f32],
        limit: usize,
        passes: impl Fn(u64) -> bool,
    ) -> Result<Vec<u64>> {
        let matches = self.index.filtered_search(query, limit, passes);
        Ok(matches.map_err(failed)?.keys)
    }

    pub(super) fn save(&self, path: &Path) -> Result<()> {
        self.index.save(&text(path)?).map_err(failed)
    }

    /// Reads a graph and refuses one of other dimensions or another kind, which
    /// loading would silently take over.
    pub(super) fn load(path: &Path, dimensions: usize) -> Result<Self> {
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
        index.load(&path).map_err(failed)?;
        let graph = Self { index };
        graph.reserve((graph.len() + 1).next_power_of_two())?;
        Ok(graph)
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
        quantization: ScalarKind::F16,
        connectivity: 16,
        expansion_add: 128,
        expansion_search: 128,
        multi: false,
    }
}

fn failed(error: impl std::fmt::Display) -> VectorsError {
    VectorsError::Graph(error.to_string())
}

fn text(path: &Path) -> Result<String> {
    let text = path.to_str().map(str::to_owned);
    text.ok_or(VectorsError::Damaged("its path is not Unicode"))
}
