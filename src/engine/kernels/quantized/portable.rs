//! The products in plain code, for machines without kernels of their own, and
//! the unpacking of tiles that the narrower kernels share.

use super::Output;
use crate::kernels::activations::{Activations, GROUP, RECORD};
use crate::kernels::format::Quantization::{self, *};
use crate::kernels::format::half;
use crate::kernels::pack::{Packed, ROWS};

/// 32 columns of a tile: raw codes, and per row scale, second scale, minimum
/// and second minimum.
pub(super) struct Block {
    pub(super) codes: [u8; 512],
    pub(super) scales: [[f32; ROWS]; 4],
}

impl Block {
    pub(super) const EMPTY: Self = Self {
        codes: [0; 512],
        scales: [[0.0; ROWS]; 4],
    };
}

/// Unpacks block `b` of a tile.
#[inline(always)]
pub(super) fn unpack(kind: Quantization, tile: &[u8], b: usize, block: &mut Block) {
    let parts = kind.columns() / 32;
    let (scale_bytes, code_bytes) = kind.unit();
    let unit = &tile[b / parts * (scale_bytes + code_bytes)..][..scale_bytes + code_bytes];
    let (scales, codes) = unit.split_at(scale_bytes);
    let record = &codes[b % parts * (code_bytes / parts)..][..code_bytes / parts];
    unpack_codes(kind, record, &mut block.codes);
    unpack_scales(kind, scales, b % parts, &mut block.scales);
}

#[inline(always)]
fn unpack_codes(kind: Quantization, record: &[u8], codes: &mut [u8; 512]) {
    for (g, to) in codes.as_chunks_mut::<64>().0.iter_mut().enumerate() {
        let vector = |i: usize| {
            record[64 * i..]
                .first_chunk::<64>()
                .expect("a whole record")
        };
        match kind {
            Q8_0 => *to = *vector(g),
            Q2K | Q3K => {
                let from = vector(g / 4);
                (0..64).for_each(|i| to[i] = from[i] >> (g % 4 * 2) & 3);
            }
            _ => {
                let from = vector(g % 4);
                (0..64).for_each(|i| to[i] = from[i] >> (g / 4 * 4) & 15);
            }
        }
        match kind {
            Q5_0 | Q5_1 | Q5K => {
                let from = vector(4);
                (0..64).for_each(|i| to[i] |= (from[i] >> g & 1) << 4);
            }
            Q3K => {
                let from = vector(2);
                (0..64).for_each(|i| to[i] |= (from[i] >> g & 1) << 2);
            }
            Q6K => {
                let from = vector(4 + g / 4);
                (0..64).for_each(|i| to[i] |= (from[i] >> (g % 4 * 2) & 3) << 4);
            }
            _ => {}
        }
    }
}

#[inline(always)]
fn unpack_scales(kind: Quantization, s: &[u8], part: usize, scales: &mut [[f32; ROWS]; 4]) {
    let half_at = |o: usize, r: usize| half(&s[o + 2 * r..]);
    for r in 0..ROWS {
        let all = match kind {
            Q8_0 | Q4_0 | Q5_0 => [half_at(0, r), half_at(0, r), 0.0, 0.0],
            Q4_1 | Q5_1 => {
                let (scale, minimum) = (half_at(0, r), -half_at(32, r));
                [scale, scale, minimum, minimum]
            }
            Q4K | Q5K => {
                let low = s[part * 16 + r];
                let high = s[128 + part % 4 * 16 + r] >> (part / 4 * 4);
                let scale = half_at(192, r) * f32::from(low & 15 | (high & 3) << 4);
                let minimum = half_at(224, r) * f32::from(low >> 4 | (high >> 2 & 3) << 4);
                [scale, scale, minimum, minimum]
            }
            Q6K | Q3K => {
                let scale = |o: usize| half_at(256, r) * f32::from(s[part * 32 + o + r] as i8);
                [scale(0), scale(16), 0.0, 0.0]
            }
            Q2K => {
                let both = |o: usize| s[part * 32 + o + r];
                let scale = |o| half_at(256, r) * f32::from(both(o) & 15);
                let minimum = |o| half_at(288, r) * f32::from(both(o) >> 4);
                [scale(0), scale(16), minimum(0), minimum(16)]
            }
        };
        (0..4).for_each(|i| scales[i][r] = all[i]);
    }
}

/// The values of row `row` of a matrix.
pub(crate) fn row_values(w: &Packed, row: usize, values: &mut [f32]) {
    let (tile, r) = (w.tile(row / ROWS), row % ROWS);
    let mut block = Block::EMPTY;
    for (b, values) in values[..w.columns].chunks_exact_mut(32).enumerate() {
        unpack(w.kind, tile, b, &mut block);
        for (c, value) in values.iter_mut().enumerate() {
            let code = block.codes[c / 4 * 64 + r * 4 + c % 4];
            let code = i16::from(code) - i16::from(w.kind.zero());
            let (scale, minimum) = (block.scales[c / 16][r], block.scales[2 + c / 16][r]);
            *value = scale * f32::from(code) - minimum;
        }
    }
}

/// Tiles `from..to` of a product.
///
/// # Safety
/// `out` holds the activations' rows, and nobody else touches the columns of
/// these tiles.
#[allow(unsafe_code)]
pub(super) unsafe fn product(w: &Packed, x: &Activations, out: Output, (from, to): (usize, usize)) {
    let blocks = w.columns / 32;
    let zero = i32::from(w.kind.zero());
    let mut panel: Vec<Block> = (0..blocks).map(|_| Block::EMPTY).collect();
    for t in from..to {
        for (b, block) in panel.iter_mut().enumerate() {
            unpack(w.kind, w.tile(t), b, block);
        }
        let columns = ROWS.min(w.rows - t * ROWS);
        for row in 0..x.rows {
            let group = x.group(row / GROUP * GROUP);
            let (r, rows) = (row % GROUP, GROUP.min(x.rows - row / GROUP * GROUP));
            let mut sums = [0f32; ROWS];
            for (block, record) in panel.iter().zip(group.chunks_exact(RECORD * rows)) {
                add_block(block, zero, record, (r, rows), &mut sums);
            }
            // SAFETY: row `row` and the tile's columns lie in the output.
            unsafe {
                let place = out.start.add(row * out.stride + t * ROWS);
                std::ptr::copy_nonoverlapping(sums.as_ptr(), place, columns);
            }
        }
    }
}

fn add_block(
    block: &Block,
    zero: i32,
    record: &[u8],
    (r, rows): (usize, usize),
    sums: &mut [f32; ROWS],
) {
    let codes = &record[32 * r..][..32];
    let slot = 32 * rows + 4 * r;
    let scale = f32::from_le_bytes([
        record[slot],
        record[slot + 1],
        record[slot + 2],
        record[slot + 3],
    ]);
    let activation = |c: usize| i32::from(codes[c] as i8);
    let halves = [0, 16].map(|from| (from..from + 16).map(activation).sum::<i32>() as f32);
    let mut dots = [[0i32; ROWS]; 2];
    for c in 0..32 {
        for (lane, dot) in dots[c / 16].iter_mut().enumerate() {
            let code = i32::from(block.codes[c / 4 * 64 + lane * 4 + c % 4]) - zero;
            *dot += code * activation(c);
        }
    }
    for (lane, sum) in sums.iter_mut().enumerate() {
        for half in 0..2 {
            *sum += scale
                * (block.scales[half][lane] * dots[half][lane] as f32
                    - block.scales[2 + half][lane] * halves[half]);
        }
    }
}
