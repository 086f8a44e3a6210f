//! What a tile and a panel are, in plain code: for the tests, and where there are
//! no better instructions.

use super::{Blocks, FACTOR, GROUP, Pair, Tile};
use crate::kernels::cover::Tiled;
use crate::kernels::dense::PANEL;

/// Computes `rows` rows of one panel.
///
/// # Safety
/// Every row must lie within the matrices that `tile` points to.
#[allow(unsafe_code)]
pub(super) unsafe fn product(tile: Tile, rows: usize) {
    for first in (0..rows).step_by(GROUP) {
        let (group, height) = (tile.below(first), GROUP.min(rows - first));
        for row in 0..height {
            for column in 0..PANEL {
                // SAFETY: the row exists, the column is one of the panel's.
                unsafe { one(group.beside(column), (row, height)) };
            }
        }
    }
}

/// The number in the first column of a row of a group of so many.
///
/// # Safety
/// As for [`product`].
#[allow(unsafe_code)]
unsafe fn one(group: Tile, (row, height): (usize, usize)) {
    // SAFETY: passed on to the caller; `runs` runs lie on both sides.
    unsafe {
        let products = (0..group.runs).map(|run| {
            let left = *group.left.add(run * height + row);
            let right = [2 * run, 2 * run + 1].map(|pair| *group.right.add(pair * PANEL));
            let both = left.iter().zip(right.as_flattened());
            both.map(|(a, b)| i32::from(*a) * i32::from(*b))
                .sum::<i32>()
        });
        let scale = *group.left_scales.add(row) * *group.right_scales;
        *group.out.add(row * group.out_stride) =
            *group.start.add(row * group.start_stride) + products.sum::<i32>() as f32 * scale;
    }
}

/// Codes of 11 bits with one scale per column from codes of eight bits with
/// several.
pub(super) fn widen(blocks: Blocks<'_>, wide: &mut [Pair<i16>], own: &mut [f32; PANEL]) {
    let mut largest = [0f32; PANEL];
    for scales in blocks.scales {
        for (largest, scale) in largest.iter_mut().zip(scales) {
            *largest = largest.max(scale.abs());
        }
    }
    let units = largest.map(|largest| FACTOR as f32 / largest);
    let units = units.map(|unit| if unit.is_finite() { unit } else { 0.0 });
    *own = largest.map(|largest| largest * (2048.0 / FACTOR as f32));
    let mut wide = wide.iter_mut();
    for (pairs, scales) in blocks.each() {
        for (codes, wide) in pairs.iter().zip(&mut wide) {
            for (at, (code, wide)) in codes.iter().zip(wide).enumerate() {
                let factor = (scales[at / 2] * units[at / 2]) as i16;
                // What `vpmulhrsw` computes.
                let product = i32::from(i16::from(*code) << 4) * i32::from(factor);
                *wide = (((product >> 14) + 1) >> 1) as i16;
            }
        }
    }
}
