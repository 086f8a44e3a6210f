//! Tiles in plain code, for machines without a kernel of their own. Half a
//! panel and four rows at a time: sixteen vectors of four lanes, what NEON and
//! SSE2 can hold.

use super::PANEL;
use super::Tile;
use crate::kernels::cover::Tiled;

const LANES: usize = 16;

/// Computes `rows` rows of one panel.
///
/// # Safety
/// Every row of every tile must lie within the matrices that `tile` points to.
#[allow(unsafe_code)]
pub(super) unsafe fn product(tile: Tile, rows: usize) {
    let mut done = 0;
    while done + 4 <= rows {
        // SAFETY: rows `done..done + 4` exist.
        unsafe { rows_of::<4>(tile.below(done)) };
        done += 4;
    }
    while done < rows {
        // SAFETY: row `done` exists.
        unsafe { rows_of::<1>(tile.below(done)) };
        done += 1;
    }
}

#[allow(unsafe_code)]
unsafe fn rows_of<const R: usize>(tile: Tile) {
    for half in (0..PANEL).step_by(LANES) {
        let mut sums = [[0.0f32; LANES]; R];
        // SAFETY: the caller vouches for `R` rows; `half + LANES` is at most
        // the panel's width, and f32 arrays have the alignment of f32.
        unsafe {
            for (row, sums) in sums.iter_mut().enumerate() {
                *sums = tile
                    .start
                    .add(row * tile.start_stride + half)
                    .cast::<[f32; LANES]>()
                    .read();
            }
            for k in 0..tile.depth {
                let right = tile
                    .right
                    .add(k * tile.right_stride + half)
                    .cast::<[f32; LANES]>()
                    .read();
                for (row, sums) in sums.iter_mut().enumerate() {
                    let left = *tile.left.add(row * tile.left_stride + k);
                    for (sum, right) in sums.iter_mut().zip(right) {
                        *sum += left * right;
                    }
                }
            }
            for (row, sums) in sums.iter().enumerate() {
                tile.out
                    .add(row * tile.out_stride + half)
                    .cast::<[f32; LANES]>()
                    .write(*sums);
            }
        }
    }
}
