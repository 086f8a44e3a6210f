//! Tiles in AVX2. The rows of a tile are spelled out by a macro, as in the
//! tiles of floats. The sums in whole numbers fill the registers; those of
//! these sums, needed once in 96 rows of the right side, may live in memory.

use std::arch::x86_64::*;

use super::{DEPTH, Tile};
use crate::kernels::cover::{Compute, cover_halves};
use crate::kernels::dense::PANEL;

/// Numbers of a vector; a tile is two vectors wide.
const LANES: usize = 8;

/// Defines a function that computes a tile of as many rows as are listed.
macro_rules! tile {
    ($name:ident: $($row:literal)*) => {
        #[target_feature(enable = "avx2,fma")]
        #[allow(unsafe_code)]
        unsafe fn $name(tile: &Tile) {
            // SAFETY: the caller vouches for the rows, two vectors are no
            // wider than the panel.
            unsafe {
                let mut sums = [$({ let _ = $row; [_mm256_setzero_ps(); 2] }),*];
                for first in (0..tile.pairs).step_by(DEPTH / 2) {
                    let mut dots = [$({ let _ = $row; [_mm256_setzero_si256(); 2] }),*];
                    for pair in first..tile.pairs.min(first + DEPTH / 2) {
                        let right = tile.right.add(pair * PANEL);
                        let low = _mm256_loadu_si256(right.cast());
                        let high = _mm256_loadu_si256(right.add(LANES).cast());
                        $(
                            let left = tile.left.add($row * tile.left_stride + pair);
                            let left = _mm256_set1_epi32(left.cast::<i32>().read_unaligned());
                            dots[$row] = [dot(dots[$row][0], left, low), dot(dots[$row][1], left, high)];
                        )*
                    }
                    $(
                        sums[$row] = [
                            _mm256_add_ps(sums[$row][0], _mm256_cvtepi32_ps(dots[$row][0])),
                            _mm256_add_ps(sums[$row][1], _mm256_cvtepi32_ps(dots[$row][1])),
                        ];
                    )*
                }
                let scales = [
                    _mm256_loadu_ps(tile.right_scales),
                    _mm256_loadu_ps(tile.right_scales.add(LANES)),
                ];
                $(
                    let scale = _mm256_set1_ps(*tile.left_scales.add($row));
                    let start = tile.start.add($row * tile.start_stride);
                    let out = tile.out.add($row * tile.out_stride);
                    for (at, sum) in sums[$row].into_iter().enumerate() {
                        let before = _mm256_loadu_ps(start.add(at * LANES));
                        let scale = _mm256_mul_ps(scale, scales[at]);
                        _mm256_storeu_ps(out.add(at * LANES), _mm256_fmadd_ps(sum, scale, before));
                    }
                )*
            }
        }
    };
}

/// Each sum plus two products.
#[inline]
#[target_feature(enable = "avx2")]
fn dot(sums: __m256i, left: __m256i, right: __m256i) -> __m256i {
    _mm256_add_epi32(sums, _mm256_madd_epi16(left, right))
}

tile!(one: 0);
tile!(two: 0 1);
tile!(three: 0 1 2);
tile!(four: 0 1 2 3);
tile!(five: 0 1 2 3 4);
tile!(six: 0 1 2 3 4 5);

/// Tiles of half a panel, one row to six.
const HEIGHTS: [Compute<Tile>; 6] = [one, two, three, four, five, six];

/// Computes `rows` rows of one panel, half of it at a time.
///
/// # Safety
/// The machine has AVX2 and FMA; every row lies within the matrices.
#[allow(unsafe_code)]
pub(super) unsafe fn avx2(tile: Tile, rows: usize) {
    // SAFETY: passed on to the caller.
    unsafe { cover_halves(tile, rows, &HEIGHTS) };
}
