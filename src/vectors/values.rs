//! The numbers of the rows: half-precision vectors by slot, in a file that
//! grows and is written in place. While there are few they are in memory too.
//! Which slot belongs to which chunk is not known here.

use super::dot::Instructions;
use super::{Result, VectorsError};
use half::f16;
use half::slice::HalfFloatSliceExt;
use std::fs::{File, OpenOptions};
use std::path::Path;

/// Neighbouring rows that are fetched with one read: 48 KiB at a width of 384.
const ROWS_A_READ: usize = 64;

/// Rows of one width in a file without a header.
pub(super) struct Values {
    dimensions: usize,
    file: File,
    /// A copy of all rows, by slot; given up for good when they are many.
    memory: Option<Vec<f16>>,
    /// Rows up to which the copy is kept.
    most_in_memory: usize,
}

impl Values {
    /// Begins an empty file at `path`.
    pub(super) fn begin(path: &Path, dimensions: usize, most_in_memory: usize) -> Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true);
        Ok(Self {
            dimensions,
            file: options.open(path)?,
            memory: Some(Vec::new()),
            most_in_memory,
        })
    }

    /// Opens the file at `path` as `slots` rows; what lies behind them was never
    /// referred to and is cut off. The bytes of each row are shown to `visit`.
    pub(super) fn open(
        path: &Path,
        dimensions: usize,
        slots: usize,
        most_in_memory: usize,
        mut visit: impl FnMut(usize, &[u8]),
    ) -> Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let length = byte_offset(slots, dimensions);
        if file.metadata()?.len() < length {
            return Err(VectorsError::Damaged("the file of its rows is cut off"));
        }
        file.set_len(length)?;
        let mut values = Self {
            dimensions,
            file,
            memory: None,
            most_in_memory,
        };
        let mut memory = (slots <= most_in_memory).then(Vec::new);
        for start in (0..slots).step_by(ROWS_A_READ) {
            let bytes = values.bytes(start, ROWS_A_READ.min(slots - start))?;
            for (row, slot) in bytes.chunks_exact(row_bytes(dimensions)).zip(start..) {
                visit(slot, row);
            }
            if let Some(memory) = &mut memory {
                memory.extend(halves(&bytes));
            }
        }
        values.memory = memory;
        Ok(values)
    }

    /// Writes the row of a slot: an earlier one, or the next one behind the last.
    pub(super) fn put(&mut self, slot: usize, row: &[u8]) -> Result<()> {
        write_at(&self.file, row, byte_offset(slot, self.dimensions))?;
        let Some(memory) = &mut self.memory else {
            return Ok(());
        };
        let start = slot * self.dimensions;
        memory.resize(memory.len().max(start + self.dimensions), f16::ZERO);
        let place = memory[start..].iter_mut().take(self.dimensions);
        place.zip(halves(row)).for_each(|(to, half)| *to = half);
        if memory.len() / self.dimensions > self.most_in_memory {
            self.memory = None;
        }
        Ok(())
    }

    /// Leaves nothing of these rows.
    pub(super) fn wipe(&mut self, slots: &[usize]) -> Result<()> {
        let nothing = vec![0; row_bytes(self.dimensions)];
        slots.iter().try_for_each(|&slot| self.put(slot, &nothing))
    }

    /// The numbers of a row.
    pub(super) fn vector(&self, slot: usize) -> Result<Vec<f32>> {
        let mut vector = vec![0.0; self.dimensions];
        match &self.memory {
            Some(memory) => {
                memory[slot * self.dimensions..][..self.dimensions]
                    .convert_to_f32_slice(&mut vector);
            }
            None => self.read(slot, 1)?.convert_to_f32_slice(&mut vector),
        }
        Ok(vector)
    }

    /// The bytes of a row as they lie in the file.
    pub(super) fn stored(&self, slot: usize) -> Result<Vec<u8>> {
        self.bytes(slot, 1)
    }

    /// The inner products of `query` with the rows of `slots`, which rise.
    pub(super) fn products(
        &self,
        query: &[f32],
        slots: &[usize],
        instructions: Instructions,
    ) -> Result<Vec<f32>> {
        let width = self.dimensions;
        if let Some(memory) = &self.memory {
            let row = |&slot: &usize| &memory[slot * width..][..width];
            let product = |slot| instructions.dot(query, row(slot));
            return Ok(slots.iter().map(product).collect());
        }
        let mut products = Vec::with_capacity(slots.len());
        let mut left = slots;
        while let Some(&first) = left.first() {
            let near = left.partition_point(|&slot| slot < first + ROWS_A_READ);
            let (now, later) = left.split_at(near);
            let rows = self.read(first, now[near - 1] - first + 1)?;
            let product =
                |&slot: &usize| instructions.dot(query, &rows[(slot - first) * width..][..width]);
            products.extend(now.iter().map(product));
            left = later;
        }
        Ok(products)
    }

    /// Returns when what was written is on the disk.
    pub(super) fn sync(&self) -> Result<()> {
        Ok(self.file.sync_data()?)
    }

    fn read(&self, slot: usize, count: usize) -> Result<Vec<f16>> {
        Ok(halves(&self.bytes(slot, count)?).collect())
    }

    fn bytes(&self, slot: usize, count: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; count * row_bytes(self.dimensions)];
        read_at(&self.file, &mut bytes, byte_offset(slot, self.dimensions))?;
        Ok(bytes)
    }
}

/// A vector as its row lies on the disk.
pub(super) fn row_of(vector: &[f32]) -> Vec<u8> {
    let mut row = vec![f16::ZERO; vector.len()];
    row.convert_from_f32_slice(vector);
    row.iter().flat_map(|half| half.to_le_bytes()).collect()
}

fn halves(bytes: &[u8]) -> impl Iterator<Item = f16> {
    let (pairs, _) = bytes.as_chunks();
    pairs.iter().map(|pair| f16::from_le_bytes(*pair))
}

fn row_bytes(dimensions: usize) -> usize {
    dimensions * size_of::<f16>()
}

fn byte_offset(slot: usize, dimensions: usize) -> u64 {
    slot as u64 * row_bytes(dimensions) as u64
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(unix)]
fn write_at(file: &File, bytes: &[u8], offset: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> std::io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, offset)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            count => {
                bytes = &mut bytes[count..];
                offset += count as u64;
            }
        }
    }
    Ok(())
}

#[cfg(windows)]
fn write_at(file: &File, mut bytes: &[u8], mut offset: u64) -> std::io::Result<()> {
    while !bytes.is_empty() {
        let count = std::os::windows::fs::FileExt::seek_write(file, bytes, offset)?;
        bytes = &bytes[count..];
        offset += count as u64;
    }
    Ok(())
}
