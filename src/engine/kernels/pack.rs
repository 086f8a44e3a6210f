//! The layout of packed weights. Lossless, and (Q3_K apart) exactly the file's
//! size:
//!
//!   tile   = 16 rows, units one after the other: one file block of each row
//!   unit   = the scales of the 16 rows, then their codes, 32 columns at a time
//!   vector = 64 bytes; byte 4·r + c is row r, column 4·g + c of 32 (g = 0..8)
//!
//! A tile is one sequential stream, which the hardware's prefetcher follows at
//! the memory's bandwidth; a separate region for scales cost a fifth of it.

use super::buffer::Buffer;
use super::format::{BLOCK, Quantization, signed_six_bits, six_bits};
use super::lanes::for_each_instruction_set;
use Quantization::*;

/// Rows in a tile.
pub(crate) const ROWS: usize = 16;

for_each_instruction_set! {
    /// Packs 16 rows of the file, each `row_bytes` long, into a tile. Rows that
    /// are missing from the last tile count as zero.
    pack_tile => pack_any(kind: Quantization, rows: &[u8], row_bytes: usize, tile: &mut [u8])
}

/// One copy per kind, so that the choice is made outside of the loops. They are
/// compiled per instruction set and have nothing to multiply.
#[inline(always)]
fn pack_any<const FUSED: bool>(kind: Quantization, rows: &[u8], row_bytes: usize, tile: &mut [u8]) {
    match kind {
        Q8_0 => pack::<{ Q8_0 as u8 }>(kind, rows, row_bytes, tile),
        Q4_0 => pack::<{ Q4_0 as u8 }>(kind, rows, row_bytes, tile),
        Q5_0 => pack::<{ Q5_0 as u8 }>(kind, rows, row_bytes, tile),
        Q4_1 => pack::<{ Q4_1 as u8 }>(kind, rows, row_bytes, tile),
        Q5_1 => pack::<{ Q5_1 as u8 }>(kind, rows, row_bytes, tile),
        Q2K => pack::<{ Q2K as u8 }>(kind, rows, row_bytes, tile),
        Q3K => pack::<{ Q3K as u8 }>(kind, rows, row_bytes, tile),
        Q4K => pack::<{ Q4K as u8 }>(kind, rows, row_bytes, tile),
        Q5K => pack::<{ Q5K as u8 }>(kind, rows, row_bytes, tile),
        Q6K => pack::<{ Q6K as u8 }>(kind, rows, row_bytes, tile),
    }
}

#[inline(always)]
fn pack<const KIND: u8>(kind: Quantization, rows: &[u8], row_bytes: usize, tile: &mut [u8]) {
    debug_assert_eq!(KIND, kind as u8);
    let (scale_bytes, code_bytes) = kind.unit();
    let parts = kind.columns() / BLOCK;
    let units = tile.chunks_exact_mut(scale_bytes + code_bytes);
    for (u, unit) in units.enumerate() {
        let (scales, codes) = unit.split_at_mut(scale_bytes);
        let records = codes.chunks_exact_mut(code_bytes / parts);
        for (part, record) in records.enumerate() {
            let mut vectors = [[0u8; 64]; 8];
            for (r, row) in rows.chunks_exact(row_bytes).enumerate() {
                let block = &row[u * kind.bytes()..][..kind.bytes()];
                let mut columns = [0; BLOCK];
                kind.codes(block, part, &mut columns);
                for (g, four) in columns.as_chunks::<4>().0.iter().enumerate() {
                    vectors[g][4 * r..4 * r + 4].copy_from_slice(four);
                }
            }
            join(kind, &vectors, record);
        }
        for (r, row) in rows.chunks_exact(row_bytes).enumerate() {
            pack_scales(kind, &row[u * kind.bytes()..][..kind.bytes()], r, scales);
        }
    }
}

/// Puts the codes of 32 columns into as few bits as they have.
#[inline(always)]
fn join(kind: Quantization, v: &[[u8; 64]; 8], record: &mut [u8]) {
    match kind {
        Q8_0 => {
            for (to, from) in record.chunks_exact_mut(64).zip(v) {
                to.copy_from_slice(from);
            }
        }
        Q2K | Q3K => {
            for i in 0..2 {
                let w = &v[4 * i..4 * i + 4];
                for lane in 0..64 {
                    record[64 * i + lane] = w[0][lane] & 3
                        | (w[1][lane] & 3) << 2
                        | (w[2][lane] & 3) << 4
                        | (w[3][lane] & 3) << 6;
                }
            }
        }
        _ => {
            for i in 0..4 {
                for lane in 0..64 {
                    record[64 * i + lane] = v[i][lane] & 15 | v[i + 4][lane] << 4;
                }
            }
        }
    }
    match kind {
        Q5_0 | Q5_1 | Q5K => bit_plane(v, 4, &mut record[256..]),
        Q3K => bit_plane(v, 2, &mut record[128..]),
        Q6K => {
            for i in 0..2 {
                let w = &v[4 * i..4 * i + 4];
                for lane in 0..64 {
                    record[256 + 64 * i + lane] = w[0][lane] >> 4
                        | w[1][lane] >> 4 << 2
                        | w[2][lane] >> 4 << 4
                        | w[3][lane] >> 4 << 6;
                }
            }
        }
        _ => {}
    }
}

/// Bit `bit` of vector g becomes bit g.
#[inline(always)]
fn bit_plane(v: &[[u8; 64]; 8], bit: u8, plane: &mut [u8]) {
    for lane in 0..64 {
        plane[lane] = (0..8).fold(0, |all, g| all | (v[g][lane] >> bit & 1) << g);
    }
}

#[inline(always)]
fn pack_scales(kind: Quantization, block: &[u8], r: usize, scales: &mut [u8]) {
    let mut half = |to: usize, from: usize| {
        scales[to + 2 * r..][..2].copy_from_slice(&block[from..from + 2]);
    };
    match kind {
        Q8_0 | Q4_0 | Q5_0 => half(0, 0),
        Q4_1 | Q5_1 => {
            half(0, 0);
            half(32, 2);
        }
        Q4K | Q5K => {
            half(192, 0);
            half(224, 2);
            for j in 0..8 {
                let (scale, minimum) = six_bits(&block[4..16], j);
                scales[j * 16 + r] = scale & 15 | (minimum & 15) << 4;
                scales[128 + j % 4 * 16 + r] |= (scale >> 4 | minimum >> 4 << 2) << (j / 4 * 4);
            }
        }
        Q6K => {
            half(256, 208);
            (0..16).for_each(|j| scales[j * 16 + r] = block[192 + j]);
        }
        Q3K => {
            half(256, 108);
            for j in 0..16 {
                scales[j * 16 + r] = signed_six_bits(&block[96..108], j) as u8;
            }
        }
        Q2K => {
            half(256, 80);
            half(288, 82);
            (0..16).for_each(|j| scales[j * 16 + r] = block[j]);
        }
    }
}

/// Bytes of a tile of so many columns.
pub(crate) const fn tile_bytes(kind: Quantization, columns: usize) -> usize {
    let (scales, codes) = kind.unit();
    columns / kind.columns() * (scales + codes)
}

/// A packed matrix of `rows` x `columns` weights.
pub(crate) struct Packed {
    pub(crate) kind: Quantization,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) data: Buffer,
}

impl Packed {
    /// Room for a matrix, all zero.
    pub(crate) fn zeroed(kind: Quantization, rows: usize, columns: usize) -> Self {
        assert!(columns.is_multiple_of(kind.columns()));
        let bytes = rows.div_ceil(ROWS) * tile_bytes(kind, columns);
        Self {
            kind,
            rows,
            columns,
            data: Buffer::zeroed(bytes),
        }
    }

    /// Packs rows of the file.
    #[cfg(test)]
    pub(crate) fn pack(kind: Quantization, rows: usize, columns: usize, source: &[u8]) -> Self {
        let mut packed = Self::zeroed(kind, rows, columns);
        let row_bytes = kind.row_bytes(columns);
        let tiles = packed.data.chunks_exact_mut(tile_bytes(kind, columns));
        for (tile, rows) in tiles.zip(source.chunks(ROWS * row_bytes)) {
            pack_tile(super::Instructions::detect(), kind, rows, row_bytes, tile);
        }
        packed
    }

    /// Tiles of 16 rows.
    pub(crate) fn tiles(&self) -> usize {
        self.rows.div_ceil(ROWS)
    }

    /// The bytes of a tile.
    pub(crate) fn tile(&self, tile: usize) -> &[u8] {
        let bytes = tile_bytes(self.kind, self.columns);
        &self.data[tile * bytes..][..bytes]
    }
}
