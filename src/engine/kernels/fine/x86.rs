//! Tiles in AVX-512 with VNNI, and in AVX2 with and without VNNI. The rows of
//! a tile are spelled out by a macro, as in the tiles of floats. The sums in
//! whole numbers fill the registers; those of these sums, needed once in 96
//! rows of the right side, may live in memory.

use std::arch::x86_64::*;

use super::{DEPTH, Tile};
use crate::kernels::cover::{Compute, cover, cover_halves};
use crate::kernels::dense::PANEL;

/// Defines a function that computes a tile of as many rows as are listed, two
/// vectors wide.
macro_rules! tile {
    ($name:ident, $feature:literal, $lanes:literal, $dot:ident,
     ($none:ident, $load:ident, $all:ident),
     ($zero:ident, $float:ident, $add:ident, $loads:ident, $stores:ident, $alls:ident,
      $mul:ident, $fma:ident):
     $($row:literal)*) => {
        #[target_feature(enable = $feature)]
        #[allow(unsafe_code)]
        unsafe fn $name(tile: &Tile) {
            // SAFETY: the caller vouches for the rows, two vectors are no
            // wider than the panel.
            unsafe {
                let mut sums = [$({ let _ = $row; [$zero(), $zero()] }),*];
                for first in (0..tile.pairs).step_by(DEPTH / 2) {
                    let mut dots = [$({ let _ = $row; [$none(), $none()] }),*];
                    for pair in first..tile.pairs.min(first + DEPTH / 2) {
                        let right = tile.right.add(pair * PANEL);
                        let low = $load(right.cast());
                        let high = $load(right.add($lanes).cast());
                        $(
                            let left = tile.left.add($row * tile.left_stride + pair);
                            let left = $all(left.cast::<i32>().read_unaligned());
                            dots[$row] = [$dot(dots[$row][0], left, low), $dot(dots[$row][1], left, high)];
                        )*
                    }
                    $(
                        sums[$row] = [
                            $add(sums[$row][0], $float(dots[$row][0])),
                            $add(sums[$row][1], $float(dots[$row][1])),
                        ];
                    )*
                }
                let scales = [$loads(tile.right_scales), $loads(tile.right_scales.add($lanes))];
                $(
                    let scale = $alls(*tile.left_scales.add($row));
                    let start = tile.start.add($row * tile.start_stride);
                    let out = tile.out.add($row * tile.out_stride);
                    let low = $fma(sums[$row][0], $mul(scale, scales[0]), $loads(start));
                    let high = $fma(sums[$row][1], $mul(scale, scales[1]), $loads(start.add($lanes)));
                    $stores(out, low);
                    $stores(out.add($lanes), high);
                )*
            }
        }
    };
}

macro_rules! tile512 {
    ($name:ident: $($row:literal)*) => {
        tile!($name, "avx512f,avx512bw,avx512vnni", 16, _mm512_dpwssd_epi32,
              (_mm512_setzero_si512, _mm512_loadu_si512, _mm512_set1_epi32),
              (_mm512_setzero_ps, _mm512_cvtepi32_ps, _mm512_add_ps, _mm512_loadu_ps,
               _mm512_storeu_ps, _mm512_set1_ps, _mm512_mul_ps, _mm512_fmadd_ps): $($row)*);
    };
}

macro_rules! tile256 {
    ($feature:literal, $dot:ident, $name:ident: $($row:literal)*) => {
        tile!($name, $feature, 8, $dot,
              (_mm256_setzero_si256, _mm256_loadu_si256, _mm256_set1_epi32),
              (_mm256_setzero_ps, _mm256_cvtepi32_ps, _mm256_add_ps, _mm256_loadu_ps,
               _mm256_storeu_ps, _mm256_set1_ps, _mm256_mul_ps, _mm256_fmadd_ps): $($row)*);
    };
}

/// Tiles of half a panel, one row to six.
macro_rules! heights256 {
    ($heights:ident, $feature:literal, $dot:ident:
     $one:ident $two:ident $three:ident $four:ident $five:ident $six:ident) => {
        tile256!($feature, $dot, $one: 0);
        tile256!($feature, $dot, $two: 0 1);
        tile256!($feature, $dot, $three: 0 1 2);
        tile256!($feature, $dot, $four: 0 1 2 3);
        tile256!($feature, $dot, $five: 0 1 2 3 4);
        tile256!($feature, $dot, $six: 0 1 2 3 4 5);
        const $heights: [Compute<Tile>; 6] = [$one, $two, $three, $four, $five, $six];
    };
}

/// Each sum plus two products.
#[inline]
#[target_feature(enable = "avx2")]
fn dot_avx2(sums: __m256i, left: __m256i, right: __m256i) -> __m256i {
    _mm256_add_epi32(sums, _mm256_madd_epi16(left, right))
}

heights256!(AVX2, "avx2,fma", dot_avx2: one two three four five six);
heights256!(VNNI, "avx2,fma,avxvnni", _mm256_dpwssd_avx_epi32:
    one_vnni two_vnni three_vnni four_vnni five_vnni six_vnni);

tile512!(one_full: 0);
tile512!(two_full: 0 1);
tile512!(three_full: 0 1 2);
tile512!(four_full: 0 1 2 3);
tile512!(five_full: 0 1 2 3 4);
tile512!(six_full: 0 1 2 3 4 5);
tile512!(seven_full: 0 1 2 3 4 5 6);
tile512!(eight_full: 0 1 2 3 4 5 6 7);
tile512!(nine_full: 0 1 2 3 4 5 6 7 8);
tile512!(ten_full: 0 1 2 3 4 5 6 7 8 9);
tile512!(eleven_full: 0 1 2 3 4 5 6 7 8 9 10);
tile512!(twelve_full: 0 1 2 3 4 5 6 7 8 9 10 11);

/// Tiles of a whole panel, one row to twelve.
const FULL: [Compute<Tile>; 12] = [
    one_full,
    two_full,
    three_full,
    four_full,
    five_full,
    six_full,
    seven_full,
    eight_full,
    nine_full,
    ten_full,
    eleven_full,
    twelve_full,
];

/// Computes `rows` rows of one panel.
///
/// # Safety
/// The machine has AVX-512 BW and VNNI; every row lies within the matrices.
#[allow(unsafe_code)]
pub(super) unsafe fn vnni512(tile: Tile, rows: usize) {
    // SAFETY: passed on to the caller.
    unsafe { cover(tile, rows, &FULL) };
}

/// Computes `rows` rows of one panel, half of it at a time.
///
/// # Safety
/// The machine has AVX2, FMA and AVX-VNNI; every row lies within the matrices.
#[allow(unsafe_code)]
pub(super) unsafe fn vnni256(tile: Tile, rows: usize) {
    // SAFETY: passed on to the caller.
    unsafe { cover_halves(tile, rows, &VNNI) };
}

/// Computes `rows` rows of one panel, half of it at a time.
///
/// # Safety
/// The machine has AVX2 and FMA; every row lies within the matrices.
#[allow(unsafe_code)]
pub(super) unsafe fn avx2(tile: Tile, rows: usize) {
    // SAFETY: passed on to the caller.
    unsafe { cover_halves(tile, rows, &AVX2) };
}
