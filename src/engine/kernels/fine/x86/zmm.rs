//! What a tile does with vectors of 16 numbers.

use super::Tile;
use std::arch::x86_64::*;

/// Numbers of a vector.
pub(super) const LANES: usize = 16;

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn zero() -> __m512i {
    _mm512_setzero_si512()
}

/// Pairs of codes of 16 columns.
///
/// # Safety
/// So many lie there.
#[inline]
#[target_feature(enable = "avx512f")]
#[allow(unsafe_code)]
pub(super) unsafe fn load(codes: *const [i16; 2]) -> __m512i {
    // SAFETY: passed on to the caller.
    unsafe { _mm512_loadu_si512(codes.cast()) }
}

/// A pair of codes in every place.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn spread(pair: i32) -> __m512i {
    _mm512_set1_epi32(pair)
}

/// Each sum plus two products.
#[inline]
#[target_feature(enable = "avx512f,avx512vnni")]
pub(super) fn dot(sums: __m512i, left: __m512i, right: __m512i) -> __m512i {
    _mm512_dpwssd_epi32(sums, left, right)
}

/// Writes two vectors of sums to a row of the output.
///
/// # Safety
/// The tile has the row and is two vectors wide.
#[inline]
#[target_feature(enable = "avx512f")]
#[allow(unsafe_code)]
pub(super) unsafe fn finish(sums: [__m512i; 2], tile: &Tile, row: usize) {
    // SAFETY: passed on to the caller.
    unsafe {
        let scale = _mm512_set1_ps(*tile.left_scales.add(row));
        let start = tile.start.add(row * tile.start_stride);
        let out = tile.out.add(row * tile.out_stride);
        for (at, sum) in [0, LANES].into_iter().zip(sums) {
            let scale = _mm512_mul_ps(scale, _mm512_loadu_ps(tile.right_scales.add(at)));
            let before = _mm512_loadu_ps(start.add(at));
            let sum = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), scale, before);
            _mm512_storeu_ps(out.add(at), sum);
        }
    }
}
