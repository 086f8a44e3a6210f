//! What a tile is, in plain code: for the tests, and where there are no better
//! instructions.

use super::{DEPTH, Tile};
use crate::kernels::cover::Tiled;
use crate::kernels::dense::PANEL;

/// Computes `rows` rows of one panel.
///
/// # Safety
/// Every row must lie within the matrices that `tile` points to.
#[allow(unsafe_code)]
pub(super) unsafe fn product(tile: Tile, rows: usize) {
    for row in 0..rows {
        for column in 0..PANEL {
            // SAFETY: the row exists, the column is one of the panel's.
            unsafe { one(tile.below(row).beside(column)) };
        }
    }
}

/// The first number of a tile.
///
/// # Safety
/// As for [`product`].
#[allow(unsafe_code)]
unsafe fn one(tile: Tile) {
    // SAFETY: passed on to the caller; `pairs` pairs lie on both sides.
    unsafe {
        let mut sum = 0.0;
        for first in (0..tile.pairs).step_by(DEPTH / 2) {
            let pairs = first..tile.pairs.min(first + DEPTH / 2);
            let products = pairs.map(|pair| {
                let left = (*tile.left.add(pair)).map(i32::from);
                let right = (*tile.right.add(pair * PANEL)).map(i32::from);
                left[0] * right[0] + left[1] * right[1]
            });
            sum += products.sum::<i32>() as f32;
        }
        *tile.out = *tile.start + sum * (*tile.left_scales * *tile.right_scales);
    }
}
