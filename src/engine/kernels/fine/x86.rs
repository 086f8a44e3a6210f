//! Tiles and panels in AVX2. The rows of a tile are spelled out by a macro, as
//! in the tiles of floats.

use std::arch::x86_64::*;

use super::{Blocks, FACTOR, GROUP, Pair, RUN, Tile};
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
                let mut dots = [$({ let _ = $row; [_mm256_setzero_si256(); 2] }),*];
                const HEIGHT: usize = [$($row),*].len();
                for run in 0..tile.runs {
                    let rows = tile.left.add(run * HEIGHT);
                    for pair in 0..RUN / 2 {
                        let right = tile.right.add((run * (RUN / 2) + pair) * PANEL);
                        let low = _mm256_loadu_si256(right.cast());
                        let high = _mm256_loadu_si256(right.add(LANES).cast());
                        $(
                            let left = rows.add($row).cast::<i32>().add(pair);
                            let left = _mm256_set1_epi32(left.read_unaligned());
                            dots[$row] = [dot(dots[$row][0], left, low), dot(dots[$row][1], left, high)];
                        )*
                    }
                }
                let scales = [
                    _mm256_loadu_ps(tile.right_scales),
                    _mm256_loadu_ps(tile.right_scales.add(LANES)),
                ];
                $(
                    let scale = _mm256_set1_ps(*tile.left_scales.add($row));
                    let start = tile.start.add($row * tile.start_stride);
                    let out = tile.out.add($row * tile.out_stride);
                    for (at, sum) in dots[$row].into_iter().enumerate() {
                        let sum = _mm256_cvtepi32_ps(sum);
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
const HEIGHTS: [Compute<Tile>; GROUP] = [one, two, three, four, five, six];

/// Computes `rows` rows of one panel, half of it at a time.
///
/// # Safety
/// The machine has AVX2 and FMA; every row lies within the matrices.
#[allow(unsafe_code)]
pub(super) unsafe fn avx2(tile: Tile, rows: usize) {
    // SAFETY: passed on to the caller.
    unsafe { cover_halves(tile, rows, &HEIGHTS) };
}

/// As [`super::portable::widen`], four vectors of eight columns at a time.
#[target_feature(enable = "avx2,fma")]
pub(super) fn widen(blocks: Blocks<'_>, wide: &mut [Pair<i16>], own: &mut [f32; PANEL]) {
    // SAFETY: eight of the 32 numbers behind each pointer are read or written.
    #[allow(unsafe_code)]
    let load = |values: &[f32; PANEL], at| unsafe { _mm256_loadu_ps(values.as_ptr().add(at)) };
    const COLUMNS: [usize; 4] = [0, LANES, 2 * LANES, 3 * LANES];
    let mut largest = [_mm256_setzero_ps(); 4];
    for scales in blocks.scales {
        for (largest, at) in largest.iter_mut().zip(COLUMNS) {
            let size = _mm256_andnot_ps(_mm256_set1_ps(-0.0), load(scales, at));
            *largest = _mm256_max_ps(*largest, size);
        }
    }
    let units = largest.map(|largest| {
        let unit = _mm256_div_ps(_mm256_set1_ps(FACTOR as f32), largest);
        let finite = _mm256_cmp_ps::<_CMP_LT_OQ>(unit, _mm256_set1_ps(f32::INFINITY));
        _mm256_and_ps(unit, finite)
    });
    for (largest, at) in largest.into_iter().zip(COLUMNS) {
        let scale = _mm256_mul_ps(largest, _mm256_set1_ps(2048.0 / FACTOR as f32));
        // SAFETY: as above.
        #[allow(unsafe_code)]
        unsafe {
            _mm256_storeu_ps(own.as_mut_ptr().add(at), scale);
        }
    }
    let mut wide = wide.iter_mut();
    for (pairs, scales) in blocks.each() {
        let mut factors = [_mm256_setzero_si256(); 4];
        for ((factor, unit), at) in factors.iter_mut().zip(units).zip(COLUMNS) {
            let whole = _mm256_cvttps_epi32(_mm256_mul_ps(load(scales, at), unit));
            // Once for each row of a pair.
            *factor = _mm256_blend_epi16::<0b1010_1010>(whole, _mm256_slli_epi32::<16>(whole));
        }
        for (codes, wide) in pairs.iter().zip(&mut wide) {
            // What follows a panel is the next one, which is wanted when this
            // one's product is done: without this, half of the time here is
            // waiting, one hundredth of an encoder's pass.
            let ahead = codes.as_ptr().wrapping_add(blocks.codes.len() * 2 * PANEL);
            _mm_prefetch::<_MM_HINT_T1>(ahead);
            for (factor, at) in factors.into_iter().zip(COLUMNS) {
                // SAFETY: 16 of the 64 codes of a pair of rows.
                #[allow(unsafe_code)]
                unsafe {
                    let codes = _mm_loadu_si128(codes.as_ptr().add(2 * at).cast());
                    let codes = _mm256_slli_epi16::<4>(_mm256_cvtepi8_epi16(codes));
                    let wide = wide.as_mut_ptr().add(2 * at).cast();
                    _mm256_storeu_si256(wide, _mm256_mulhrs_epi16(codes, factor));
                }
            }
        }
    }
}
