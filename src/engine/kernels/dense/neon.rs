//! Tiles in NEON, half a panel wide: up to six rows of four vectors leave room
//! for the right side in the 32 registers. Rows are spelled out by a macro, as
//! in the tiles for x86-64.

use super::Tile;
use crate::kernels::cover::{Compute, cover_halves};
use std::arch::aarch64::*;

macro_rules! tile {
    ($name:ident: $($row:literal)*) => {
        #[target_feature(enable = "neon")]
        #[allow(unsafe_code)]
        unsafe fn $name(tile: &Tile) {
            // SAFETY: the caller vouches for the rows, four vectors are half
            // as wide as the panel.
            unsafe {
                let four = |from: *const f32| [0, 4, 8, 12].map(|at| vld1q_f32(from.add(at)));
                let mut sums = [$(four(tile.start.add($row * tile.start_stride))),*];
                for k in 0..tile.depth {
                    let right = four(tile.right.add(k * tile.right_stride));
                    $(
                        let left = *tile.left.add($row * tile.left_stride + k);
                        sums[$row] = [
                            vfmaq_n_f32(sums[$row][0], right[0], left),
                            vfmaq_n_f32(sums[$row][1], right[1], left),
                            vfmaq_n_f32(sums[$row][2], right[2], left),
                            vfmaq_n_f32(sums[$row][3], right[3], left),
                        ];
                    )*
                }
                $(
                    let out = tile.out.add($row * tile.out_stride);
                    vst1q_f32(out, sums[$row][0]);
                    vst1q_f32(out.add(4), sums[$row][1]);
                    vst1q_f32(out.add(8), sums[$row][2]);
                    vst1q_f32(out.add(12), sums[$row][3]);
                )*
            }
        }
    };
}

tile!(one: 0);
tile!(two: 0 1);
tile!(three: 0 1 2);
tile!(four: 0 1 2 3);
tile!(five: 0 1 2 3 4);
tile!(six: 0 1 2 3 4 5);

/// The tiles of one row, two rows and so on.
const HEIGHTS: [Compute<Tile>; 6] = [one, two, three, four, five, six];

/// Computes `rows` rows of one panel, half of it at a time.
///
/// # Safety
/// The machine has NEON, and every row lies within the matrices.
#[allow(unsafe_code)]
pub(super) unsafe fn product(tile: Tile, rows: usize) {
    // SAFETY: passed on to the caller.
    unsafe { cover_halves(tile, rows, &HEIGHTS) };
}
