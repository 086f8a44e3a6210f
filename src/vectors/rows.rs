//! The vectors themselves: columns of keys beside a matrix of half-precision
//! rows of length one, in no particular order.

use super::dot::Instructions;
use super::{Filter, Hit, Result, VectorEntry, VectorsError};
use half::f16;
use half::slice::HalfFloatSliceExt;
use std::collections::HashMap;

#[derive(Default)]
pub(super) struct Rows {
    pub(super) dimensions: usize,
    pub(super) chunks: Vec<u64>,
    pub(super) documents: Vec<u64>,
    pub(super) datasets: Vec<u64>,
    /// Whether the graph has the row.
    pub(super) linked: Vec<bool>,
    pub(super) values: Vec<f16>,
    places: HashMap<u64, usize>,
}

impl Rows {
    pub(super) fn new(dimensions: usize) -> Self {
        Self {
            dimensions,
            ..Self::default()
        }
    }

    /// Puts the columns together again; `None` if they do not fit each other.
    pub(super) fn from_columns(
        dimensions: usize,
        [chunks, documents, datasets]: [Vec<u64>; 3],
        linked: Vec<bool>,
        values: Vec<f16>,
    ) -> Option<Self> {
        let count = chunks.len();
        let places: HashMap<u64, usize> = chunks.iter().copied().zip(0..).collect();
        let fits = places.len() == count
            && documents.len() == count
            && datasets.len() == count
            && linked.len() == count
            && values.len() == count * dimensions;
        fits.then_some(Self {
            dimensions,
            chunks,
            documents,
            datasets,
            linked,
            values,
            places,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.chunks.len()
    }

    pub(super) fn place(&self, chunk: u64) -> Option<usize> {
        self.places.get(&chunk).copied()
    }

    pub(super) fn row(&self, place: usize) -> &[f16] {
        &self.values[place * self.dimensions..][..self.dimensions]
    }

    pub(super) fn vector(&self, place: usize) -> Vec<f32> {
        let mut vector = vec![0.0; self.dimensions];
        self.row(place).convert_to_f32_slice(&mut vector);
        vector
    }

    /// Appends an entry whose chunk is not here yet.
    pub(super) fn push(&mut self, entry: &VectorEntry<'_>, unit: &[f32]) {
        self.places.insert(entry.chunk, self.chunks.len());
        self.chunks.push(entry.chunk);
        self.documents.push(entry.document);
        self.datasets.push(entry.dataset);
        self.linked.push(false);
        let end = self.values.len();
        self.values.resize(end + self.dimensions, f16::ZERO);
        self.values[end..].convert_from_f32_slice(unit);
    }

    /// Removes a chunk; the last row takes its place. Gives back whether the
    /// graph had it.
    pub(super) fn remove(&mut self, chunk: u64) -> bool {
        let Some(place) = self.places.remove(&chunk) else {
            return false;
        };
        let last = self.chunks.len() - 1;
        self.chunks.swap_remove(place);
        self.documents.swap_remove(place);
        self.datasets.swap_remove(place);
        let linked = self.linked.swap_remove(place);
        let width = self.dimensions;
        self.values
            .copy_within(last * width..(last + 1) * width, place * width);
        self.values.truncate(last * width);
        if place != last {
            self.places.insert(self.chunks[place], place);
        }
        linked
    }

    /// The rows that `filter` lets pass.
    pub(super) fn passing(&self, filter: &Filter) -> Vec<usize> {
        let datasets = filter.datasets.as_ref().map(|keys| sorted(keys));
        let documents = filter.documents.as_ref().map(|keys| sorted(keys));
        let allowed = |keys: &Option<Vec<u64>>, key: u64| {
            keys.as_ref()
                .is_none_or(|keys| keys.binary_search(&key).is_ok())
        };
        (0..self.len())
            .filter(|&place| {
                allowed(&datasets, self.datasets[place])
                    && allowed(&documents, self.documents[place])
            })
            .collect()
    }

    /// The `limit` rows of `places` that are nearest to `query`, best first.
    pub(super) fn nearest(
        &self,
        query: &[f32],
        places: impl Iterator<Item = usize>,
        limit: usize,
        instructions: Instructions,
    ) -> Vec<Hit> {
        let mut hits: Vec<Hit> = places
            .map(|place| Hit {
                chunk: self.chunks[place],
                similarity: instructions.dot(query, self.row(place)),
            })
            .collect();
        let order = |a: &Hit, b: &Hit| {
            b.similarity
                .total_cmp(&a.similarity)
                .then(a.chunk.cmp(&b.chunk))
        };
        if limit > 0 && hits.len() > limit {
            hits.select_nth_unstable_by(limit - 1, order);
        }
        hits.truncate(limit);
        hits.sort_unstable_by(order);
        hits
    }
}

/// `vector` scaled to length one.
pub(super) fn unit(vector: &[f32], dimensions: usize) -> Result<Vec<f32>> {
    if vector.len() != dimensions {
        return Err(VectorsError::Width {
            expected: dimensions,
            given: vector.len(),
        });
    }
    let length = vector
        .iter()
        .map(|x| f64::from(*x).powi(2))
        .sum::<f64>()
        .sqrt();
    if !length.is_finite() || length < 1e-12 {
        return Err(VectorsError::NoDirection);
    }
    Ok(vector
        .iter()
        .map(|x| (f64::from(*x) / length) as f32)
        .collect())
}

fn sorted(keys: &[u64]) -> Vec<u64> {
    let mut keys = keys.to_vec();
    keys.sort_unstable();
    keys
}
