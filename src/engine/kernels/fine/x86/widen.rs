//! Panels of eight-bit codes become panels of 11 bits, in AVX2.

use super::{Blocks, FACTOR, Pair};
use crate::kernels::dense::PANEL;
use std::arch::x86_64::*;

/// Numbers of a vector.
const LANES: usize = 8;

/// As [`portable::widen`](super::super::portable::widen), four vectors of eight columns at a time.
#[target_feature(enable = "avx2,fma")]
pub(crate) fn widen(blocks: Blocks<'_>, wide: &mut [Pair<i16>], own: &mut [f32; PANEL]) {
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
