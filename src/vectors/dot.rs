//! The inner product of a query with a row of half-precision numbers: nearly
//! all the time of an exact search.

use half::f16;

/// Which instructions this processor has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Instructions {
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

impl Instructions {
    pub(super) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("f16c")
        {
            return Self::Avx2;
        }
        Self::Portable
    }

    /// The inner product of two vectors of the same width.
    pub(super) fn dot(self, query: &[f32], row: &[f16]) -> f32 {
        match self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Avx2` is made by `detect` alone, which saw the features.
            #[allow(unsafe_code)]
            Self::Avx2 => unsafe { dot_avx2(query, row) },
            Self::Portable => dot_portable(query, row),
        }
    }
}

fn dot_portable(query: &[f32], row: &[f16]) -> f32 {
    query.iter().zip(row).map(|(a, b)| a * b.to_f32()).sum()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
fn dot_avx2(query: &[f32], row: &[f16]) -> f32 {
    use std::arch::x86_64::{
        _mm_loadu_si128, _mm256_cvtph_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_setzero_ps,
        _mm256_storeu_ps,
    };
    const LANES: usize = 8;
    const CHAINS: usize = 4;
    let (query_blocks, query_rest) = query.as_chunks::<{ LANES * CHAINS }>();
    let (row_blocks, row_rest) = row.as_chunks::<{ LANES * CHAINS }>();
    let mut sums = [_mm256_setzero_ps(); CHAINS];
    for (q, r) in query_blocks.iter().zip(row_blocks) {
        for (chain, sum) in sums.iter_mut().enumerate() {
            // SAFETY: both blocks hold LANES * CHAINS numbers and chain < CHAINS,
            // so each load ends inside its block; unaligned loads are used.
            #[allow(unsafe_code)]
            let (a, b) = unsafe {
                (
                    _mm256_loadu_ps(q.as_ptr().add(chain * LANES)),
                    _mm_loadu_si128(r.as_ptr().add(chain * LANES).cast()),
                )
            };
            *sum = _mm256_fmadd_ps(a, _mm256_cvtph_ps(b), *sum);
        }
    }
    let mut lanes = [[0.0f32; LANES]; CHAINS];
    for (sum, lane) in sums.iter().zip(&mut lanes) {
        // SAFETY: a lane array holds exactly the eight numbers that are stored.
        #[allow(unsafe_code)]
        unsafe {
            _mm256_storeu_ps(lane.as_mut_ptr(), *sum);
        }
    }
    lanes.as_flattened().iter().sum::<f32>() + dot_portable(query_rest, row_rest)
}

#[cfg(test)]
mod tests {
    use super::{Instructions, dot_portable};
    use half::f16;

    #[test]
    fn fast_and_portable_products_agree() {
        for width in [0, 1, 7, 8, 31, 32, 33, 384] {
            let query: Vec<f32> = (0..width)
                .map(|i| ((i * 7 % 13) as f32 - 6.0) / 9.0)
                .collect();
            let row: Vec<f16> = (0..width)
                .map(|i| f16::from_f32(((i * 5 % 11) as f32 - 5.0) / 7.0))
                .collect();
            let fast = Instructions::detect().dot(&query, &row);
            assert!((fast - dot_portable(&query, &row)).abs() < 1e-4, "{width}");
        }
    }
}
