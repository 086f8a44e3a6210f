//! Weights as they lie in memory, whatever their type, and products with
//! several of them at once. Quantized weights meet 8-bit activations, floats
//! meet floats.

use super::activations::Activations;
#[cfg(target_arch = "aarch64")]
use super::arm;
use super::buffer::Buffer;
use super::dense::{Instructions, Onto, PANEL, Rows, RowsMut, panel_product};
use super::disjoint::Disjoint;
use super::format::Quantization;
use super::level::Level;
use super::pack::{Packed, ROWS, pack_tile, tile_bytes};
use super::pool::Pool;
use super::quantized::{Output, row_values, share};
#[cfg(not(target_arch = "aarch64"))]
use half::slice::HalfFloatSliceExt;
use std::io;
use std::sync::{Mutex, PoisonError};

/// Columns of float weights that are unpacked at once.
const DEPTH: usize = 256;

/// Tiles that a thread takes at once: a panel's worth.
const TILES: usize = PANEL / ROWS;

/// How weights are stored in the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Storage {
    F32,
    F16,
    Bf16,
    Quantized(Quantization),
}

impl Storage {
    /// Bytes of a row in the file; nothing if the columns are no whole blocks.
    pub(crate) fn row_bytes(self, columns: usize) -> Option<usize> {
        match self {
            Self::F32 => Some(columns * 4),
            Self::F16 | Self::Bf16 => Some(columns * 2),
            Self::Quantized(kind) => columns
                .is_multiple_of(kind.columns())
                .then(|| kind.row_bytes(columns)),
        }
    }

    /// Bytes of a float.
    fn width(self) -> usize {
        if self == Self::F32 { 4 } else { 2 }
    }
}

/// Floats in panels of 32 rows: [panel][column][row].
struct Floats {
    storage: Storage,
    rows: usize,
    columns: usize,
    data: Buffer,
}

enum Kind {
    Packed(Packed),
    Floats(Floats),
}

/// A matrix of weights: [rows, columns]; products have `rows` columns.
pub(crate) struct Matrix(Kind);

/// Activations: [rows, columns], as floats and, where quantized weights are to
/// be met, as codes.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a> {
    pub(crate) rows: usize,
    pub(crate) floats: &'a [f32],
    pub(crate) stride: usize,
    pub(crate) codes: &'a Activations,
}

/// A product and the column of the output where it starts.
pub(crate) struct Product<'a> {
    pub(crate) matrix: &'a Matrix,
    pub(crate) column: usize,
}

/// What a thread keeps from product to product.
#[derive(Default)]
pub(crate) struct PanelScratch {
    panel: Vec<u8>,
    floats: Vec<f32>,
}

impl Matrix {
    /// Reads a matrix: `read(offset, bytes)` fills bytes from the file, where
    /// rows follow each other. Threads share the work.
    pub(crate) fn read(
        storage: Storage,
        (rows, columns): (usize, usize),
        workers: &mut Workers,
        read: impl Fn(u64, &mut [u8]) -> io::Result<()> + Sync,
    ) -> io::Result<Self> {
        let row_bytes = storage
            .row_bytes(columns)
            .ok_or_else(|| io::Error::other(format!("{columns} columns are no whole blocks")))?;
        let (mut data, height, part) = match storage {
            Storage::Quantized(kind) => {
                let packed = Packed::zeroed(kind, rows, columns);
                (packed.data, ROWS, tile_bytes(kind, columns))
            }
            _ => {
                let part = PANEL * columns * storage.width();
                (Buffer::zeroed(rows.div_ceil(PANEL) * part), PANEL, part)
            }
        };
        let failure = Mutex::new(None);
        let target = Disjoint::new(&mut data[..]);
        // Some hundred kilobytes at a time keep the disk and a core busy.
        let parts = (1 << 18) / part.max(1) + 1;
        let pieces = rows.div_ceil(height).div_ceil(parts);
        let (instructions, scratch) = (workers.instructions, &workers.scratch);
        workers.pool.each(pieces, 1, |thread, piece| {
            let first = piece * parts * height;
            let count = (rows - first).min(parts * height);
            let mut scratch = scratch[thread]
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            scratch.panel.resize(count * row_bytes, 0);
            let source = &mut scratch.panel[..];
            if let Err(error) = read((first * row_bytes) as u64, source) {
                *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                return;
            }
            for (n, rows) in source.chunks(height * row_bytes).enumerate() {
                // SAFETY: each tile and panel is written by whoever read its rows.
                #[allow(unsafe_code)]
                let to = unsafe { target.part((piece * parts + n) * part, part) };
                match storage {
                    Storage::Quantized(kind) => {
                        pack_tile(instructions, kind, rows, row_bytes, to);
                    }
                    _ => interleave(storage.width(), rows, row_bytes, to),
                }
            }
        });
        if let Some(error) = failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error);
        }
        Ok(Self(match storage {
            Storage::Quantized(kind) => Kind::Packed(Packed {
                kind,
                rows,
                columns,
                data,
            }),
            _ => Kind::Floats(Floats {
                storage,
                rows,
                columns,
                data,
            }),
        }))
    }

    /// Rows: the width of a product.
    pub(crate) fn rows(&self) -> usize {
        match &self.0 {
            Kind::Packed(packed) => packed.rows,
            Kind::Floats(floats) => floats.rows,
        }
    }

    /// Columns: the width of what it is multiplied with.
    pub(crate) fn columns(&self) -> usize {
        match &self.0 {
            Kind::Packed(packed) => packed.columns,
            Kind::Floats(floats) => floats.columns,
        }
    }

    /// Whether it meets codes.
    pub(crate) fn is_quantized(&self) -> bool {
        matches!(self.0, Kind::Packed(_))
    }

    /// The values of a row.
    pub(crate) fn row(&self, row: usize, values: &mut [f32]) {
        match &self.0 {
            Kind::Packed(packed) => row_values(packed, row, values),
            Kind::Floats(floats) => {
                let from = row / PANEL * floats.columns * PANEL + row % PANEL;
                for (column, value) in values[..floats.columns].iter_mut().enumerate() {
                    *value = floats.value(from + column * PANEL);
                }
            }
        }
    }

    fn panels(&self) -> usize {
        self.rows().div_ceil(PANEL)
    }
}

/// Rows of floats of `width` bytes to a panel.
fn interleave(width: usize, rows: &[u8], row_bytes: usize, panel: &mut [u8]) {
    for (r, row) in rows.chunks_exact(row_bytes).enumerate() {
        for (column, value) in row.chunks_exact(width).enumerate() {
            panel[(column * PANEL + r) * width..][..width].copy_from_slice(value);
        }
    }
}

impl Floats {
    fn value(&self, at: usize) -> f32 {
        let width = self.storage.width();
        let bytes = &self.data[at * width..][..width];
        match self.storage {
            Storage::F32 => f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]),
            Storage::Bf16 => half::bf16::from_le_bytes([bytes[0], bytes[1]]).to_f32(),
            _ => half::f16::from_le_bytes([bytes[0], bytes[1]]).to_f32(),
        }
    }

    /// Values `from..from + out.len()` of the data.
    fn unpack(&self, from: usize, out: &mut [f32]) {
        let halves = || {
            // SAFETY: aligned to 64 bytes, two bytes each, and every pattern
            // of bits is a number.
            #[allow(unsafe_code)]
            unsafe {
                std::slice::from_raw_parts(
                    self.data.as_ptr().cast::<half::f16>(),
                    self.data.len() / 2,
                )
            }
        };
        match self.storage {
            Storage::F32 => out.copy_from_slice(&self.data.floats()[from..][..out.len()]),
            Storage::Bf16 => {
                for (value, half) in out.iter_mut().zip(&halves()[from..]) {
                    *value = f32::from_bits(u32::from(half.to_bits()) << 16);
                }
            }
            _ => {
                let halves = &halves()[from..][..out.len()];
                #[cfg(target_arch = "aarch64")]
                arm::to_floats(halves, out);
                #[cfg(not(target_arch = "aarch64"))]
                halves.convert_to_f32_slice(out);
            }
        }
    }

    /// Columns `panel · 32 ..` of the product.
    ///
    /// # Safety
    /// Nobody else touches these columns of `out`.
    #[allow(unsafe_code)]
    unsafe fn share(
        &self,
        instructions: Instructions,
        input: Input<'_>,
        (out, stride, column): (&Disjoint<'_, f32>, usize, usize),
        panel: usize,
        scratch: &mut Vec<f32>,
    ) {
        scratch.resize(DEPTH * PANEL + input.rows * PANEL, 0.0);
        let (right, sums) = scratch.split_at_mut(DEPTH * PANEL);
        for from in (0..self.columns).step_by(DEPTH) {
            let depth = DEPTH.min(self.columns - from);
            let start = (panel * self.columns + from) * PANEL;
            self.unpack(start, &mut right[..depth * PANEL]);
            panel_product(
                instructions,
                (input.rows, depth),
                Rows {
                    values: &input.floats[from..],
                    stride: input.stride,
                },
                Rows {
                    values: right,
                    stride: PANEL,
                },
                if from == 0 { Onto::Zero } else { Onto::Output },
                RowsMut {
                    values: sums,
                    stride: PANEL,
                },
            );
        }
        let width = PANEL.min(self.rows - panel * PANEL);
        for (row, sums) in sums.chunks_exact(PANEL).enumerate() {
            // SAFETY: passed on to the caller.
            let to = unsafe { out.part(row * stride + column + panel * PANEL, width) };
            to.copy_from_slice(&sums[..width]);
        }
    }
}

/// The threads and what each keeps.
pub(crate) struct Workers {
    pub(crate) pool: Pool,
    pub(crate) level: Level,
    pub(crate) instructions: Instructions,
    scratch: Vec<Mutex<PanelScratch>>,
}

impl Workers {
    /// So many threads; 0: one a core.
    pub(crate) fn new(threads: usize) -> io::Result<Self> {
        Ok(Self::with(Pool::new(threads)?))
    }

    /// The calling thread and no other.
    pub(crate) fn alone() -> Self {
        Self::with(Pool::alone())
    }

    fn with(pool: Pool) -> Self {
        Self {
            scratch: (0..pool.size()).map(|_| Mutex::default()).collect(),
            pool,
            level: Level::detect(),
            instructions: Instructions::detect(),
        }
    }
}

/// Computes x · Wᵀ for each matrix, all into one output of rows `stride` wide.
pub(crate) fn products(
    workers: &mut Workers,
    input: Input<'_>,
    products: &[Product<'_>],
    out: &mut [f32],
    stride: usize,
) {
    for product in products {
        let matrix = product.matrix;
        assert!(product.column + matrix.rows() <= stride && input.rows * stride <= out.len());
        let depth = matrix.columns();
        let spans = input.floats.len() >= (input.rows.max(1) - 1) * input.stride + depth;
        assert!(matrix.is_quantized() || spans);
    }
    let panels: usize = products.iter().map(|one| one.matrix.panels()).sum();
    let (level, instructions) = (workers.level, workers.instructions);
    let scratch = &workers.scratch;
    // Few rows: long runs, which the memory likes. Many: short ones, so that
    // nobody waits long at the end.
    let threads = scratch.len();
    let chunk = if threads == 1 {
        panels
    } else if input.rows <= super::GROUP {
        panels.div_ceil(threads * 6)
    } else {
        2
    };
    let shared = Disjoint::new(out);
    workers.pool.each(panels, chunk, |thread, item| {
        let mut scratch = scratch[thread]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut panel = item;
        for product in products {
            let count = product.matrix.panels();
            if panel >= count {
                panel -= count;
                continue;
            }
            // SAFETY: each item is its panel's 32 columns of the output.
            #[allow(unsafe_code)]
            unsafe {
                match &product.matrix.0 {
                    Kind::Packed(packed) => {
                        let out = Output::within(&shared, product.column, stride);
                        let tiles = (panel * TILES, (panel * TILES + TILES).min(packed.tiles()));
                        share(level, packed, input.codes, out, tiles, &mut scratch.panel);
                    }
                    Kind::Floats(floats) => {
                        let place = (&shared, stride, product.column);
                        floats.share(instructions, input, place, panel, &mut scratch.floats);
                    }
                }
            }
            return;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whole numbers that all formats hold and whose sums are exact.
    fn number(n: usize) -> f32 {
        ((n * 7 + n / 5) % 9) as f32 - 4.0
    }

    #[test]
    fn product_with_floats_of_any_width_is_exact() {
        let (rows, columns, m) = (PANEL + 5, DEPTH + 9, 7);
        let input: Vec<f32> = (0..m * columns).map(|n| number(n + 3)).collect();
        let weights: Vec<f32> = (0..rows * columns).map(number).collect();
        let wanted: Vec<f32> = (0..m * rows)
            .map(|at| {
                let left = &input[at / rows * columns..][..columns];
                let right = &weights[at % rows * columns..][..columns];
                left.iter().zip(right).map(|(a, b)| a * b).sum()
            })
            .collect();
        let bytes = |storage| -> Vec<u8> {
            let one = |x: &f32| match storage {
                Storage::F16 => half::f16::from_f32(*x).to_le_bytes().to_vec(),
                Storage::Bf16 => half::bf16::from_f32(*x).to_le_bytes().to_vec(),
                _ => x.to_le_bytes().to_vec(),
            };
            weights.iter().flat_map(one).collect()
        };
        let mut workers = Workers::new(2).unwrap();
        for storage in [Storage::F32, Storage::F16, Storage::Bf16] {
            let file = bytes(storage);
            let read = |from: u64, to: &mut [u8]| {
                to.copy_from_slice(&file[from as usize..][..to.len()]);
                Ok(())
            };
            let matrix = Matrix::read(storage, (rows, columns), &mut workers, read).unwrap();
            for instructions in Instructions::available() {
                workers.instructions = instructions;
                let input = Input {
                    rows: m,
                    floats: &input,
                    stride: columns,
                    codes: &Activations::with_capacity(0, 0),
                };
                let one = Product {
                    matrix: &matrix,
                    column: 0,
                };
                let mut out = vec![f32::NAN; m * rows];
                products(&mut workers, input, &[one], &mut out, rows);
                assert_eq!(out, wanted, "{storage:?} {instructions:?}");
            }
        }
    }
}
