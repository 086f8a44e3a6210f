//! What a tile does with vectors of eight numbers.

use super::Tile;
use std::arch::x86_64::*;

/// Numbers of a vector.
pub(super) const LANES: usize = 8;

#[inline]
#[target_feature(enable = "avx2,fma")]
pub(super) fn zero() -> __m256i {
    _mm256_setzero_si256()
}

/// Pairs of codes of 8 columns.
///
/// # Safety
/// So many lie there.
#[inline]
#[target_feature(enable = "avx2,fma")]
#[allow(unsafe_code)]
pub(super) unsafe fn load(codes: *const [i16; 2]) -> __m256i {
    // SAFETY: passed on to the caller.
    unsafe { _mm256_loadu_si256(codes.cast()) }
}

/// A pair of codes in every place.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(super) fn spread(pair: i32) -> __m256i {
    _mm256_set1_epi32(pair)
}

/// Each sum plus two products.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn dot(sums: __m256i, left: __m256i, right: __m256i) -> __m256i {
    _mm256_add_epi32(sums, _mm256_madd_epi16(left, right))
}

/// The same in one instruction.
#[inline]
#[target_feature(enable = "avx2,avxvnni")]
pub(super) fn dot_vnni(sums: __m256i, left: __m256i, right: __m256i) -> __m256i {
    _mm256_dpwssd_avx_epi32(sums, left, right)
}

/// Writes two vectors of sums to a row of the output.
///
/// # Safety
/// The tile has the row and is two vectors wide.
#[inline]
#[target_feature(enable = "avx2,fma")]
#[allow(unsafe_code)]
pub(super) unsafe fn finish(sums: [__m256i; 2], tile: &Tile, row: usize) {
    // SAFETY: passed on to the caller.
    unsafe {
        let scale = _mm256_set1_ps(*tile.left_scales.add(row));
        let start = tile.start.add(row * tile.start_stride);
        let out = tile.out.add(row * tile.out_stride);
        for (at, sum) in [0, LANES].into_iter().zip(sums) {
            let scale = _mm256_mul_ps(scale, _mm256_loadu_ps(tile.right_scales.add(at)));
            let before = _mm256_loadu_ps(start.add(at));
            let sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum), scale, before);
            _mm256_storeu_ps(out.add(at), sum);
        }
    }
}
