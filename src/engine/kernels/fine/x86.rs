//! Tiles and panels in AVX2, tiles also in what adds up while it multiplies:
//! AVX-VNNI and AVX-512 with VNNI. The rows of a tile are spelled out by a
//! macro, as in the tiles of floats.

mod widen;
mod ymm;
mod zmm;

pub(super) use widen::widen;

use super::{Blocks, FACTOR, GROUP, Pair, RUN, Tile};
use crate::kernels::cover::{Compute, cover, cover_halves};
use crate::kernels::dense::PANEL;

/// Defines a function that computes a tile of as many rows as are listed, two
/// vectors wide.
macro_rules! tile {
    ($name:ident, $vectors:ident, $dot:ident, $features:literal: $($row:literal)*) => {
        #[target_feature(enable = $features)]
        #[allow(unsafe_code)]
        unsafe fn $name(tile: &Tile) {
            const HEIGHT: usize = [$($row),*].len();
            // SAFETY: the caller vouches for the rows, two vectors are no
            // wider than the panel.
            unsafe {
                let mut dots = [$({ let _ = $row; [$vectors::zero(); 2] }),*];
                for run in 0..tile.runs {
                    let rows = tile.left.add(run * HEIGHT);
                    for pair in 0..RUN / 2 {
                        let right = tile.right.add((run * (RUN / 2) + pair) * PANEL);
                        let low = $vectors::load(right);
                        let high = $vectors::load(right.add($vectors::LANES));
                        $(
                            let left = rows.add($row).cast::<i32>().add(pair);
                            let left = $vectors::spread(left.read_unaligned());
                            dots[$row] = [
                                $vectors::$dot(dots[$row][0], left, low),
                                $vectors::$dot(dots[$row][1], left, high),
                            ];
                        )*
                    }
                }
                $($vectors::finish(dots[$row], tile, $row);)*
            }
        }
    };
}

/// Defines tiles of one row to six.
macro_rules! tiles {
    ($name:ident, $vectors:ident, $dot:ident, $features:literal) => {
        mod $name {
            use super::*;

            tile!(one, $vectors, $dot, $features: 0);
            tile!(two, $vectors, $dot, $features: 0 1);
            tile!(three, $vectors, $dot, $features: 0 1 2);
            tile!(four, $vectors, $dot, $features: 0 1 2 3);
            tile!(five, $vectors, $dot, $features: 0 1 2 3 4);
            tile!(six, $vectors, $dot, $features: 0 1 2 3 4 5);

            pub(super) const HEIGHTS: [Compute<Tile>; GROUP] = [one, two, three, four, five, six];
        }
    };
}

tiles!(tiles_avx2, ymm, dot, "avx2,fma");
tiles!(tiles_vnni256, ymm, dot_vnni, "avx2,fma,avxvnni");
tiles!(tiles_vnni512, zmm, dot, "avx512f,avx512vnni");

/// Computes `rows` rows of one panel, half of it at a time.
///
/// # Safety
/// The machine has AVX2 and FMA; every row lies within the matrices.
#[allow(unsafe_code)]
pub(super) unsafe fn avx2(tile: Tile, rows: usize) {
    // SAFETY: passed on to the caller.
    unsafe { cover_halves(tile, rows, &tiles_avx2::HEIGHTS) };
}

/// The same with AVX-VNNI.
///
/// # Safety
/// The machine has AVX2, FMA and AVX-VNNI; every row lies within the matrices.
#[allow(unsafe_code)]
pub(super) unsafe fn vnni256(tile: Tile, rows: usize) {
    // SAFETY: passed on to the caller.
    unsafe { cover_halves(tile, rows, &tiles_vnni256::HEIGHTS) };
}

/// Computes `rows` rows of one panel.
///
/// # Safety
/// The machine has AVX-512F and AVX-512 VNNI; every row lies within the matrices.
#[allow(unsafe_code)]
pub(super) unsafe fn vnni512(tile: Tile, rows: usize) {
    // SAFETY: passed on to the caller.
    unsafe { cover(tile, rows, &tiles_vnni512::HEIGHTS) };
}
