//! The rows as a table: columns of keys beside a file of half-precision vectors
//! of length one. A row's place is its slot, which it keeps. The slot of a
//! removed row is taken again when the saved columns name it no more, so that
//! what is on the disk fits together whenever the process dies.

use super::dot::Instructions;
use super::values::{Values, row_of};
use super::{Filter, Hit, Result, RowFault, VectorEntry, VectorsError};
use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

/// In the place of a chunk's key: the slot is free.
const NOBODY: u64 = u64::MAX;

/// What is known of each slot but its vector.
#[derive(Default)]
pub(super) struct Columns {
    pub(super) chunks: Vec<u64>,
    pub(super) documents: Vec<u64>,
    pub(super) datasets: Vec<u64>,
    /// CRC-32 of the vector.
    pub(super) checksums: Vec<u32>,
    /// Whether the graph has the row.
    pub(super) linked: Vec<bool>,
}

pub(super) struct Rows {
    pub(super) dimensions: usize,
    columns: Columns,
    values: Values,
    slots: HashMap<u64, u32>,
    /// How many rows each document and each dataset has.
    of_document: HashMap<u64, u32>,
    of_dataset: HashMap<u64, u32>,
    /// Slots that nothing names.
    free: Vec<u32>,
    /// Slots that only the saved columns name.
    vacated: Vec<u32>,
    /// How many rows the graph lacks, and a slot before which there are none.
    pub(super) unlinked: usize,
    unlinked_from: usize,
}

impl Rows {
    /// Begins without rows; `path` is the file of the vectors.
    pub(super) fn begin(path: &Path, dimensions: usize, most_in_memory: usize) -> Result<Self> {
        let values = Values::begin(path, dimensions, most_in_memory)?;
        Ok(Self::of(dimensions, Columns::default(), values))
    }

    /// Puts saved columns and the vectors at `path` together. Gives back also
    /// the chunks whose vectors are not what they were: they are not here.
    pub(super) fn open(
        path: &Path,
        dimensions: usize,
        columns: Columns,
        most_in_memory: usize,
    ) -> Result<(Self, Vec<u64>)> {
        let mut dirty = Vec::new();
        let mut damaged = Vec::new();
        let slots = columns.chunks.len();
        let values = Values::open(path, dimensions, slots, most_in_memory, |slot, row| {
            if columns.chunks[slot] == NOBODY {
                if row.iter().any(|&byte| byte != 0) {
                    dirty.push(slot);
                }
            } else if crc32fast::hash(row) != columns.checksums[slot] {
                damaged.push(columns.chunks[slot]);
            }
        })?;
        let mut rows = Self::of(dimensions, columns, values);
        // The process died before these were wiped.
        rows.values.wipe(&dirty)?;
        if rows.slots.len() + rows.free.len() != slots {
            return Err(VectorsError::Damaged("a chunk has two rows"));
        }
        Ok((rows, damaged))
    }

    fn of(dimensions: usize, columns: Columns, values: Values) -> Self {
        let mut rows = Self {
            dimensions,
            values,
            slots: HashMap::with_capacity(columns.chunks.len()),
            of_document: HashMap::new(),
            of_dataset: HashMap::new(),
            free: Vec::new(),
            vacated: Vec::new(),
            unlinked: 0,
            unlinked_from: 0,
            columns,
        };
        let columns = &rows.columns;
        for (slot, &chunk) in (0..).zip(&columns.chunks) {
            let at = slot as usize;
            if chunk == NOBODY {
                rows.free.push(slot);
                continue;
            }
            rows.slots.insert(chunk, slot);
            rows.unlinked += usize::from(!columns.linked[at]);
            *rows.of_document.entry(columns.documents[at]).or_default() += 1;
            *rows.of_dataset.entry(columns.datasets[at]).or_default() += 1;
        }
        rows
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn columns(&self) -> &Columns {
        &self.columns
    }

    pub(super) fn slot(&self, chunk: u64) -> Option<usize> {
        self.slots.get(&chunk).map(|&slot| slot as usize)
    }

    /// The keys of all chunks, in no order.
    pub(super) fn chunks(&self) -> impl Iterator<Item = u64> {
        self.slots.keys().copied()
    }

    pub(super) fn vector(&self, slot: usize) -> Result<Vec<f32>> {
        self.values.vector(slot)
    }

    /// What is wrong with the row of an entry, whose vector is `unit`.
    pub(super) fn fault(
        &self,
        slot: usize,
        entry: &VectorEntry<'_>,
        unit: &[f32],
    ) -> Option<RowFault> {
        let columns = &self.columns;
        let place = (columns.documents[slot], columns.datasets[slot]);
        let row = row_of(unit);
        match self.values.stored(slot) {
            Ok(stored) if crc32fast::hash(&stored) == columns.checksums[slot] => {
                if stored != row {
                    Some(RowFault::Other)
                } else if place != (entry.document, entry.dataset) {
                    Some(RowFault::Misplaced)
                } else {
                    None
                }
            }
            // Also where it cannot be read at all.
            _ => Some(RowFault::Damaged),
        }
    }

    /// Adds an entry whose chunk is not here yet.
    pub(super) fn insert(&mut self, entry: &VectorEntry<'_>, unit: &[f32]) -> Result<()> {
        let row = row_of(unit);
        let slot = match self.free.last() {
            Some(&slot) => slot as usize,
            None => self.columns.chunks.len(),
        };
        let name = u32::try_from(slot).map_err(|_| VectorsError::Full)?;
        self.values.put(slot, &row)?;
        self.free.pop();
        let columns = &mut self.columns;
        if slot == columns.chunks.len() {
            columns.push();
        }
        columns.chunks[slot] = entry.chunk;
        columns.documents[slot] = entry.document;
        columns.datasets[slot] = entry.dataset;
        columns.checksums[slot] = crc32fast::hash(&row);
        columns.linked[slot] = false;
        self.slots.insert(entry.chunk, name);
        *self.of_document.entry(entry.document).or_default() += 1;
        *self.of_dataset.entry(entry.dataset).or_default() += 1;
        self.unlinked += 1;
        self.unlinked_from = self.unlinked_from.min(slot);
        Ok(())
    }

    /// Removes a chunk; gives back the slot that it had and whether the graph
    /// has it.
    pub(super) fn remove(&mut self, chunk: u64) -> Option<(usize, bool)> {
        let name = self.slots.remove(&chunk)?;
        let slot = name as usize;
        let columns = &mut self.columns;
        columns.chunks[slot] = NOBODY;
        let linked = std::mem::take(&mut columns.linked[slot]);
        decrease(&mut self.of_document, columns.documents[slot]);
        decrease(&mut self.of_dataset, columns.datasets[slot]);
        self.unlinked -= usize::from(!linked);
        self.vacated.push(name);
        Some((slot, linked))
    }

    pub(super) fn set_linked(&mut self, slot: usize) {
        if !std::mem::replace(&mut self.columns.linked[slot], true) {
            self.unlinked -= 1;
        }
    }

    pub(super) fn set_all_unlinked(&mut self) {
        self.columns.linked.fill(false);
        self.unlinked = self.len();
        self.unlinked_from = 0;
    }

    /// Up to `most` slots that the graph lacks, the lowest ones.
    pub(super) fn next_unlinked(&mut self, most: usize) -> Vec<usize> {
        let slots: Vec<usize> = self.unlinked_slots().take(most).collect();
        if let Some(&first) = slots.first() {
            self.unlinked_from = first;
        }
        slots
    }

    /// Slots that the graph lacks, rising.
    pub(super) fn unlinked_slots(&self) -> impl Iterator<Item = usize> {
        let columns = &self.columns;
        let slots = self.unlinked_from..columns.linked.len();
        slots
            .filter(|&slot| !columns.linked[slot] && columns.chunks[slot] != NOBODY)
            .take(self.unlinked)
    }

    /// Returns when the vectors are on the disk, and says how many vacated
    /// slots columns that are saved now name no more.
    pub(super) fn sync(&self) -> Result<usize> {
        self.values.sync()?;
        Ok(self.vacated.len())
    }

    /// Wipes the first `count` vacated slots, which may be taken from now on.
    pub(super) fn release(&mut self, count: usize) -> Result<()> {
        let names: Vec<u32> = self
            .vacated
            .drain(..count.min(self.vacated.len()))
            .collect();
        let slots: Vec<usize> = names.iter().map(|&name| name as usize).collect();
        self.free.extend(names);
        self.values.wipe(&slots)
    }

    /// About how many rows pass: never fewer than do.
    pub(super) fn count(&self, filter: &Filter) -> usize {
        let sum = |counts: &HashMap<u64, u32>, keys: &Option<Vec<u64>>| {
            keys.as_ref().map_or(self.len(), |keys| {
                let rows = keys.iter().filter_map(|key| counts.get(key));
                rows.map(|&count| count as usize).sum()
            })
        };
        let of_datasets = sum(&self.of_dataset, &filter.datasets);
        of_datasets.min(sum(&self.of_document, &filter.documents))
    }

    /// The slots that pass, rising.
    pub(super) fn passing(&self, passes: &Passes) -> Vec<usize> {
        self.passing_in(0..self.columns.chunks.len(), passes)
    }

    /// The slots of a range that pass, rising.
    pub(super) fn passing_in(&self, slots: Range<usize>, passes: &Passes) -> Vec<usize> {
        let slots = slots.start..slots.end.min(self.columns.chunks.len());
        slots.filter(|&slot| self.passes(slot, passes)).collect()
    }

    /// The slots that pass and that the graph lacks, rising.
    pub(super) fn passing_unlinked(&self, passes: &Passes) -> Vec<usize> {
        let slots = self.unlinked_slots();
        slots.filter(|&slot| self.passes(slot, passes)).collect()
    }

    pub(super) fn passes(&self, slot: usize, passes: &Passes) -> bool {
        let columns = &self.columns;
        columns.chunks[slot] != NOBODY
            && allowed(&passes.datasets, columns.datasets[slot])
            && allowed(&passes.documents, columns.documents[slot])
    }

    /// The cosines of `query` and the rows of `slots`, which rise.
    pub(super) fn cosines(
        &self,
        query: &[f32],
        slots: &[usize],
        instructions: Instructions,
    ) -> Result<Vec<f32>> {
        self.values.products(query, slots, instructions)
    }

    /// The `limit` rows of `slots`, which rise, that are nearest to `query`, best first.
    pub(super) fn nearest(
        &self,
        query: &[f32],
        slots: &[usize],
        limit: usize,
        instructions: Instructions,
    ) -> Result<Vec<Hit>> {
        let cosines = self.cosines(query, slots, instructions)?;
        let mut hits: Vec<Hit> = slots
            .iter()
            .zip(cosines)
            .map(|(&slot, similarity)| Hit {
                chunk: self.columns.chunks[slot],
                similarity,
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
        Ok(hits)
    }
}

impl Columns {
    fn push(&mut self) {
        self.chunks.push(NOBODY);
        self.documents.push(0);
        self.datasets.push(0);
        self.checksums.push(0);
        self.linked.push(false);
    }
}

/// A filter with its keys in order.
pub(super) struct Passes {
    datasets: Option<Vec<u64>>,
    documents: Option<Vec<u64>>,
}

impl From<&Filter> for Passes {
    fn from(filter: &Filter) -> Self {
        let sorted = |keys: &Option<Vec<u64>>| {
            let mut keys = keys.clone();
            keys.iter_mut().for_each(|keys| keys.sort_unstable());
            keys
        };
        Self {
            datasets: sorted(&filter.datasets),
            documents: sorted(&filter.documents),
        }
    }
}

fn allowed(keys: &Option<Vec<u64>>, key: u64) -> bool {
    keys.as_ref()
        .is_none_or(|keys| keys.binary_search(&key).is_ok())
}

fn decrease(counts: &mut HashMap<u64, u32>, key: u64) {
    if let Some(count) = counts.get_mut(&key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&key);
        }
    }
}

/// Whether a vector can be compared: it is finite and not zero.
pub fn has_direction(vector: &[f32]) -> bool {
    length(vector).is_some()
}

/// The length of a vector that can be compared.
fn length(vector: &[f32]) -> Option<f64> {
    let squares = vector.iter().map(|x| f64::from(*x).powi(2));
    let length = squares.sum::<f64>().sqrt();
    (length.is_finite() && length >= 1e-12).then_some(length)
}

/// `vector` scaled to length one.
pub(super) fn unit(vector: &[f32], dimensions: usize) -> Result<Vec<f32>> {
    if vector.len() != dimensions {
        return Err(VectorsError::Width {
            expected: dimensions,
            given: vector.len(),
        });
    }
    let length = length(vector).ok_or(VectorsError::NoDirection)?;
    Ok(vector
        .iter()
        .map(|x| (f64::from(*x) / length) as f32)
        .collect())
}
