//! Tiles in AVX2, with the byte products of AVX-VNNI where there are some. A
//! tile is unpacked to codes and f32 scales first, whatever the number of
//! activation rows; then 8 weight rows meet up to 4 activation rows.

use super::portable::{Block, unpack};
use super::{Output, each};
use crate::kernels::activations::{Activations, GROUP, RECORD};
use crate::kernels::format::Quantization::{self, *};
use crate::kernels::pack::{Packed, ROWS};
use std::arch::x86_64::*;

/// Activation rows of a register tile.
const HEIGHT: usize = 4;

/// How a kind's codes and scales are to be used.
const fn has_minimum(kind: u8) -> bool {
    kind == Q4_1 as u8
        || kind == Q5_1 as u8
        || kind == Q4K as u8
        || kind == Q5K as u8
        || kind == Q2K as u8
}

const fn has_halves(kind: u8) -> bool {
    kind == Q6K as u8 || kind == Q3K as u8 || kind == Q2K as u8
}

/// How far -128·sum is shifted to make -zero·sum.
const fn zero_shift(kind: u8) -> i32 {
    if kind == Q4_0 as u8 {
        4
    } else if kind == Q5_0 as u8 {
        3
    } else if kind == Q6K as u8 {
        2
    } else if kind == Q3K as u8 {
        5
    } else {
        0
    }
}

/// Rows of one group of activations.
#[derive(Clone, Copy)]
struct Rows {
    records: *const u8,
    /// Rows in the group, and the first of those to take.
    in_group: usize,
    first: usize,
}

macro_rules! kernel {
    ($tile:ident, $tiles:ident, $features:literal, $vnni:literal, $dot:expr) => {
        /// 8 weight rows by `M` activation rows.
        ///
        /// # Safety
        /// `panel` holds the blocks; the rows lie in their group's records;
        /// `lanes` is 0 or 8.
        #[target_feature(enable = $features)]
        #[allow(unsafe_code)]
        unsafe fn $tile<const K: u8, const M: usize>(
            panel: &[Block],
            lanes: usize,
            rows: Rows,
        ) -> [[f32; 8]; M] {
            // Without VNNI, 8-bit codes are multiplied as size and sign.
            const fn signed<const K: u8>() -> bool {
                !$vnni && K == Q8_0 as u8
            }
            let mut sums = [_mm256_setzero_ps(); M];
            let mut records = rows.records;
            for block in panel {
                // SAFETY: the caller vouches for the records; the codes and
                // scales of a block are as long as the offsets ask.
                unsafe {
                    let g = rows.in_group;
                    let extra = records.add(32 * g).cast::<f32>().add(rows.first);
                    let words = records.add(32 * rows.first).cast::<i32>();
                    let start = |slot: usize, r: usize| {
                        if has_minimum(K) || signed::<K>() {
                            _mm256_setzero_si256()
                        } else {
                            let sum = extra.add(slot * g + r).cast::<i32>().read();
                            _mm256_set1_epi32(sum >> zero_shift(K))
                        }
                    };
                    let scale = |i: usize| _mm256_loadu_ps(block.scales[i].as_ptr().add(lanes));
                    let mut dots = [_mm256_setzero_si256(); M];
                    each!(M, r, {
                        dots[r] = start(if has_halves(K) { 3 } else { 1 }, r)
                    });
                    for j in [0, 2, 4, 6] {
                        let at = |i: usize| block.codes.as_ptr().add((j + i) * 64 + lanes * 4);
                        let v = [
                            _mm256_loadu_si256(at(0).cast()),
                            _mm256_loadu_si256(at(1).cast()),
                        ];
                        each!(M, r, {
                            let x = [
                                _mm256_set1_epi32(*words.add(8 * r + j)),
                                _mm256_set1_epi32(*words.add(8 * r + j + 1)),
                            ];
                            dots[r] = $dot(signed::<K>(), dots[r], v, x);
                        });
                        if j == 2 && has_halves(K) {
                            each!(M, r, {
                                let factor = _mm256_mul_ps(scale(0), _mm256_set1_ps(*extra.add(r)));
                                sums[r] =
                                    _mm256_fmadd_ps(_mm256_cvtepi32_ps(dots[r]), factor, sums[r]);
                                dots[r] = _mm256_sub_epi32(start(1, r), start(3, r));
                            });
                        }
                    }
                    let last = scale(if has_halves(K) { 1 } else { 0 });
                    each!(M, r, {
                        let row_scale = _mm256_set1_ps(*extra.add(r));
                        let factor = _mm256_mul_ps(last, row_scale);
                        sums[r] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dots[r]), factor, sums[r]);
                        if has_minimum(K) {
                            let all = _mm256_set1_ps(*extra.add(2 * g + r));
                            let first = extra.add(3 * g + r).cast::<i32>().read() as f32;
                            let first = _mm256_mul_ps(_mm256_set1_ps(first / 128.0), row_scale);
                            sums[r] = _mm256_fmadd_ps(scale(2), first, sums[r]);
                            sums[r] = _mm256_fmadd_ps(scale(3), _mm256_sub_ps(all, first), sums[r]);
                        }
                    });
                    records = records.add(RECORD * g);
                }
            }
            let mut out = [[0.0; 8]; M];
            each!(M, r, {
                // SAFETY: eight numbers.
                unsafe { _mm256_storeu_ps(out[r].as_mut_ptr(), sums[r]) }
            });
            out
        }

        /// # Safety
        /// The machine has these instructions; otherwise as for [`product`].
        #[target_feature(enable = $features)]
        #[allow(unsafe_code)]
        unsafe fn $tiles<const K: u8>(
            w: &Packed,
            x: &Activations,
            out: Output,
            (from, to): (usize, usize),
        ) {
            let mut panel: Vec<Block> = (0..w.columns / 32).map(|_| Block::EMPTY).collect();
            for t in from..to {
                let tile = w.tile(t);
                panel
                    .iter_mut()
                    .enumerate()
                    .for_each(|(b, block)| unpack(KINDS[K as usize], tile, b, block));
                let mut row = 0;
                while row < x.rows {
                    let group = row / GROUP * GROUP;
                    let rows = Rows {
                        records: x.group(group).as_ptr(),
                        in_group: GROUP.min(x.rows - group),
                        first: row - group,
                    };
                    let left = rows.in_group - rows.first;
                    for lanes in (0..ROWS.min(w.rows - t * ROWS)).step_by(8) {
                        let width = 8.min(w.rows - t * ROWS - lanes);
                        let put = |r: usize, values: &[f32; 8]| {
                            // SAFETY: a row and columns of the output.
                            unsafe {
                                let place =
                                    out.start.add((row + r) * out.stride + t * ROWS + lanes);
                                std::ptr::copy_nonoverlapping(values.as_ptr(), place, width);
                            }
                        };
                        // SAFETY: the rows lie in their group.
                        unsafe {
                            if left >= HEIGHT {
                                let values = $tile::<K, HEIGHT>(&panel, lanes, rows);
                                values.iter().enumerate().for_each(|(r, v)| put(r, v));
                            } else {
                                put(0, &$tile::<K, 1>(&panel, lanes, rows)[0]);
                            }
                        }
                    }
                    row += if left >= HEIGHT { HEIGHT } else { 1 };
                }
            }
        }
    };
}

const KINDS: [Quantization; 10] = [Q8_0, Q4_0, Q5_0, Q4_1, Q5_1, Q2K, Q3K, Q4K, Q5K, Q6K];

/// Two vectors of codes by two of activations, onto `sum`. `vpmaddubsw`
/// saturates at 16 bits: codes below 64 allow adding two of its results before
/// they are widened; 8-bit codes need the longer form.
#[inline]
#[target_feature(enable = "avx2")]
fn dot(signed: bool, sum: __m256i, v: [__m256i; 2], x: [__m256i; 2]) -> __m256i {
    let ones = _mm256_set1_epi16(1);
    if !signed {
        let pairs = _mm256_add_epi16(
            _mm256_maddubs_epi16(v[0], x[0]),
            _mm256_maddubs_epi16(v[1], x[1]),
        );
        return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, ones));
    }
    let flip = _mm256_set1_epi8(-128);
    let wide = |v: __m256i, x: __m256i| {
        let v = _mm256_xor_si256(v, flip);
        let pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(v), _mm256_sign_epi8(x, v));
        _mm256_madd_epi16(pairs, ones)
    };
    let both = _mm256_add_epi32(wide(v[0], x[0]), wide(v[1], x[1]));
    _mm256_add_epi32(sum, both)
}

#[inline]
#[target_feature(enable = "avx2,avxvnni")]
fn dot_vnni(_: bool, sum: __m256i, v: [__m256i; 2], x: [__m256i; 2]) -> __m256i {
    _mm256_dpbusd_avx_epi32(_mm256_dpbusd_avx_epi32(sum, v[0], x[0]), v[1], x[1])
}

kernel!(tile_avx2, tiles_avx2, "avx2,fma", false, dot);
kernel!(tile_vnni, tiles_vnni, "avx2,fma,avxvnni", true, dot_vnni);

/// Tiles `from..to` of a product.
///
/// # Safety
/// The machine has AVX2 and FMA, and AVX-VNNI if so asked; `out` holds the
/// activations' rows, and nobody else touches the columns of these tiles.
#[allow(unsafe_code)]
pub(super) unsafe fn product<const VNNI: bool>(
    w: &Packed,
    x: &Activations,
    out: Output,
    range: (usize, usize),
) {
    macro_rules! by_kind {
        ($($kind:ident)*) => {
            match w.kind {
                $($kind if VNNI => tiles_vnni::<{ $kind as u8 }>(w, x, out, range),
                $kind => tiles_avx2::<{ $kind as u8 }>(w, x, out, range),)*
            }
        };
    }
    // SAFETY: passed on from the caller.
    unsafe { by_kind!(Q8_0 Q4_0 Q5_0 Q4_1 Q5_1 Q2K Q3K Q4K Q5K Q6K) }
}
