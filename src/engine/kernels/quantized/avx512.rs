//! Tiles in AVX-512 with VNNI. `vpdpbusd` multiplies unsigned by signed bytes,
//! so weights stay unsigned codes, and their zero point is paid for by starting
//! the sum at -zero · (sum of the activations).
//!
//! A register tile is 16 weight rows, a lane each, by up to 8 activation rows.
//! The codes of 32 columns sit in 8 registers and meet each activation row as
//! 8 byte products with a broadcast word; then convert, multiply, add: 10 slots
//! of the two multipliers for 8 useful ones. For few rows the codes are
//! unpacked in registers; for many, a tile becomes a panel once.

use super::{Output, each, with_rows};
use crate::kernels::activations::{Activations, GROUP, RECORD};
use crate::kernels::format::Quantization::{self, *};
use crate::kernels::pack::{Packed, ROWS};
use std::arch::x86_64::*;

/// Panels: codes with zero point 128 and one scale; with zero point 0, scale
/// and minimum; with zero point 128 and a scale per 16 columns; with zero point
/// 0, scale and minimum per 16 columns.
const ONE: u8 = 16;
const MINIMUM: u8 = 17;
const HALVES: u8 = 18;
const BOTH: u8 = 19;

const fn has_minimum(kind: u8) -> bool {
    kind == MINIMUM
        || kind == BOTH
        || kind == Q4_1 as u8
        || kind == Q5_1 as u8
        || kind == Q4K as u8
        || kind == Q5K as u8
        || kind == Q2K as u8
}

const fn has_halves(kind: u8) -> bool {
    kind == HALVES || kind == BOTH || kind == Q6K as u8 || kind == Q3K as u8 || kind == Q2K as u8
}

/// Bytes of the scales of a block of a panel.
const fn panel_scales(kind: u8) -> usize {
    match kind {
        ONE => 64,
        BOTH => 256,
        _ => 128,
    }
}

const fn kind_of(kind: u8) -> Quantization {
    let all = [Q8_0, Q4_0, Q5_0, Q4_1, Q5_1, Q2K, Q3K, Q4K, Q5K, Q6K];
    all[kind as usize]
}

/// The eight code vectors of the 32-column record at `p`.
///
/// # Safety
/// The record of the kind can be read.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
#[allow(unsafe_code)]
unsafe fn codes<const K: u8>(p: *const u8) -> [__m512i; 8] {
    // SAFETY: the caller vouches for the record; all vectors lie inside it.
    let at = |i: usize| unsafe { _mm512_loadu_si512(p.add(i * 64).cast()) };
    let mut v = [_mm512_setzero_si512(); 8];
    if K == Q8_0 as u8 || K >= ONE {
        (0..8).for_each(|i| v[i] = at(i));
        return v;
    }
    if K == Q2K as u8 || K == Q3K as u8 {
        let low = _mm512_set1_epi8(3);
        for i in 0..2 {
            let all = at(i);
            v[4 * i] = _mm512_and_si512(all, low);
            v[4 * i + 1] = _mm512_and_si512(_mm512_srli_epi16::<2>(all), low);
            v[4 * i + 2] = _mm512_and_si512(_mm512_srli_epi16::<4>(all), low);
            v[4 * i + 3] = _mm512_and_si512(_mm512_srli_epi16::<6>(all), low);
        }
    } else {
        let low = _mm512_set1_epi8(15);
        for i in 0..4 {
            let all = at(i);
            v[i] = _mm512_and_si512(all, low);
            v[i + 4] = _mm512_and_si512(_mm512_srli_epi16::<4>(all), low);
        }
    }
    if K == Q5_0 as u8 || K == Q5_1 as u8 || K == Q5K as u8 || K == Q3K as u8 {
        let (plane, bit) = if K == Q3K as u8 {
            (at(2), 4)
        } else {
            (at(4), 16)
        };
        for (i, v) in v.iter_mut().enumerate() {
            let set = _mm512_test_epi8_mask(plane, _mm512_set1_epi8((1u8 << i) as i8));
            *v = _mm512_or_si512(*v, _mm512_maskz_mov_epi8(set, _mm512_set1_epi8(bit)));
        }
    }
    if K == Q6K as u8 {
        let high = _mm512_set1_epi8(48);
        for i in 0..2 {
            let (all, first) = (at(4 + i), 4 * i);
            let parts = [
                _mm512_slli_epi16::<4>(all),
                _mm512_slli_epi16::<2>(all),
                all,
                _mm512_srli_epi16::<2>(all),
            ];
            for (j, part) in parts.into_iter().enumerate() {
                v[first + j] = _mm512_or_si512(v[first + j], _mm512_and_si512(part, high));
            }
        }
    }
    v
}

/// What the first block of a Q4_K or Q5_K unit decodes for all eight: six-bit
/// scales and minima as bytes, and their two factors.
type Six = ([u8; 256], __m512, __m512);

/// Scale, second scale, minimum, second minimum of block `b` of the unit at
/// `s`; those that the kind lacks are zero.
///
/// # Safety
/// `s` points to a unit, or with `b` = 0 to a panel's scales.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
#[allow(unsafe_code)]
unsafe fn scales<const K: u8>(s: *const u8, b: usize, six: &mut Six) -> [__m512; 4] {
    let none = _mm512_setzero_ps();
    // SAFETY: every offset lies inside the unit's scales.
    unsafe {
        let half = |o: usize| _mm512_cvtph_ps(_mm256_loadu_si256(s.add(o).cast()));
        let bytes = |o: usize| _mm_loadu_si128(s.add(o).cast());
        let float = |o: usize| _mm512_loadu_ps(s.add(o).cast());
        if K == ONE {
            [float(0), none, none, none]
        } else if K == MINIMUM {
            [float(0), none, float(64), none]
        } else if K == HALVES {
            [float(0), float(64), none, none]
        } else if K == BOTH {
            [float(0), float(64), float(128), float(192)]
        } else if K == Q6K as u8 || K == Q3K as u8 {
            let whole = |o| _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes(b * 32 + o)));
            let factor = half(256);
            [
                _mm512_mul_ps(factor, whole(0)),
                _mm512_mul_ps(factor, whole(16)),
                none,
                none,
            ]
        } else if K == Q2K as u8 {
            let low = _mm_set1_epi8(15);
            let float = |v| _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(v));
            let scale = |o| float(_mm_and_si128(bytes(b * 32 + o), low));
            let minimum = |o| float(_mm_and_si128(_mm_srli_epi16::<4>(bytes(b * 32 + o)), low));
            let (factor, least) = (half(256), half(288));
            [
                _mm512_mul_ps(factor, scale(0)),
                _mm512_mul_ps(factor, scale(16)),
                _mm512_mul_ps(least, minimum(0)),
                _mm512_mul_ps(least, minimum(16)),
            ]
        } else if K == Q4_1 as u8 || K == Q5_1 as u8 {
            [half(0), none, _mm512_sub_ps(none, half(32)), none]
        } else if K != Q4K as u8 && K != Q5K as u8 {
            [half(0), none, none, none]
        } else {
            if b == 0 {
                *six = six_bits(s);
            }
            let get = |o: usize| {
                let bytes = _mm_loadu_si128(six.0.as_ptr().add(o).cast());
                _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes))
            };
            [
                _mm512_mul_ps(six.1, get(b * 16)),
                none,
                _mm512_mul_ps(six.2, get(128 + b * 16)),
                none,
            ]
        }
    }
}

/// Decodes the scales of a Q4_K or Q5_K unit.
///
/// # Safety
/// `s` points to such a unit.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
#[allow(unsafe_code)]
unsafe fn six_bits(s: *const u8) -> Six {
    // SAFETY: the scales of a unit have 256 bytes, as has the array.
    unsafe {
        let at = |i: usize| _mm512_loadu_si512(s.add(i * 64).cast());
        let half = |o: usize| _mm512_cvtph_ps(_mm256_loadu_si256(s.add(o).cast()));
        let bits = |v, mask: u8| _mm512_and_si512(v, _mm512_set1_epi8(mask as i8));
        let low = |j| bits(at(j), 15);
        let high = |j| bits(_mm512_srli_epi16::<4>(at(j)), 15);
        let upper = at(2);
        let parts = [
            (low(0), _mm512_slli_epi16::<4>(bits(upper, 3))),
            (low(1), bits(upper, 48)),
            (high(0), _mm512_slli_epi16::<2>(bits(upper, 12))),
            (high(1), _mm512_srli_epi16::<2>(bits(upper, 192))),
        ];
        let mut bytes = [0u8; 256];
        for (i, (low, high)) in parts.into_iter().enumerate() {
            let to = bytes.as_mut_ptr().add(i * 64).cast();
            _mm512_storeu_si512(to, _mm512_or_si512(low, high));
        }
        (bytes, half(192), half(224))
    }
}

/// Where block `b` of a tile (of a panel: codes at `w`, scales at `s`) has its
/// scales and codes, and its number in its unit.
#[inline(always)]
fn place<const K: u8>(w: *const u8, s: *const u8, b: usize) -> (*const u8, *const u8, usize) {
    if K >= ONE {
        return (
            s.wrapping_add(b * panel_scales(K)),
            w.wrapping_add(b * 512),
            0,
        );
    }
    let kind = const { kind_of(if K < 10 { K } else { 0 }) };
    let parts = kind.columns() / 32;
    let (scale_bytes, code_bytes) = kind.unit();
    let unit = w.wrapping_add(b / parts * (scale_bytes + code_bytes));
    let record = unit.wrapping_add(scale_bytes + b % parts * (code_bytes / parts));
    (unit, record, b % parts)
}

/// One tile's weights: a packed tile, or a panel's codes and scales.
#[derive(Clone, Copy)]
struct Weights {
    codes: *const u8,
    scales: *const u8,
}

/// Lines to fetch into the second-level cache while a tile is computed.
#[derive(Clone, Copy)]
struct Ahead {
    from: *const u8,
    lines_a_block: usize,
}

/// 16 weight rows by `M` activation rows over `blocks` blocks of 32 columns.
///
/// # Safety
/// `weights` hold so many blocks of kind `K`, `records` so many of `M` rows,
/// and the masked lanes of `M` rows of `out` can be written.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
#[allow(unsafe_code)]
unsafe fn tile<const K: u8, const M: usize>(
    weights: Weights,
    ahead: Ahead,
    mut records: *const u8,
    blocks: usize,
    out: *mut f32,
    stride: usize,
    mask: __mmask16,
) {
    let mut sums = [_mm512_setzero_ps(); M];
    let mut six: Six = ([0; 256], _mm512_setzero_ps(), _mm512_setzero_ps());
    for b in 0..blocks {
        // SAFETY: block `b` lies inside all the buffers; a prefetch may go past.
        unsafe {
            for line in b * ahead.lines_a_block..(b + 1) * ahead.lines_a_block {
                _mm_prefetch::<_MM_HINT_T1>(ahead.from.wrapping_add(line * 64).cast());
            }
            let (scales_at, codes_at, number) = place::<K>(weights.codes, weights.scales, b);
            let [scale, second, minimum, second_minimum] = scales::<K>(scales_at, number, &mut six);
            let v = codes::<K>(codes_at);
            let extra = records.add(32 * M).cast::<i32>();
            each!(M, r, {
                let words = records.add(32 * r).cast::<i32>();
                let word = |i: usize| _mm512_set1_epi32(*words.add(i));
                let row_scale = _mm512_set1_ps(*extra.add(r).cast());
                // Records hold -128·sum; other zero points are powers of two below.
                let start = |p: *const i32| {
                    let sum = _mm512_set1_epi32(*p);
                    if has_minimum(K) {
                        _mm512_setzero_si512()
                    } else if K == Q4_0 as u8 {
                        _mm512_srai_epi32::<4>(sum)
                    } else if K == Q5_0 as u8 {
                        _mm512_srai_epi32::<3>(sum)
                    } else if K == Q6K as u8 {
                        _mm512_srai_epi32::<2>(sum)
                    } else if K == Q3K as u8 {
                        _mm512_srai_epi32::<5>(sum)
                    } else {
                        sum
                    }
                };
                if has_halves(K) {
                    let low = start(extra.add(3 * M + r));
                    let mut i = [low, _mm512_sub_epi32(start(extra.add(M + r)), low)];
                    (0..4).for_each(|g| i[0] = _mm512_dpbusd_epi32(i[0], v[g], word(g)));
                    (4..8).for_each(|g| i[1] = _mm512_dpbusd_epi32(i[1], v[g], word(g)));
                    let part = _mm512_mul_ps(_mm512_cvtepi32_ps(i[0]), scale);
                    let part = _mm512_fmadd_ps(_mm512_cvtepi32_ps(i[1]), second, part);
                    sums[r] = _mm512_fmadd_ps(part, row_scale, sums[r]);
                } else {
                    let mut i = start(extra.add(M + r));
                    (0..8).for_each(|g| i = _mm512_dpbusd_epi32(i, v[g], word(g)));
                    let scale = _mm512_mul_ps(scale, row_scale);
                    sums[r] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(i), scale, sums[r]);
                }
                if has_minimum(K) {
                    let all = _mm512_set1_ps(*extra.add(2 * M + r).cast());
                    if has_halves(K) {
                        let first = *extra.add(3 * M + r) as f32 * (1.0 / 128.0);
                        let first = _mm512_mul_ps(_mm512_set1_ps(first), row_scale);
                        let rest = _mm512_sub_ps(all, first);
                        sums[r] = _mm512_fmadd_ps(minimum, first, sums[r]);
                        sums[r] = _mm512_fmadd_ps(second_minimum, rest, sums[r]);
                    } else {
                        sums[r] = _mm512_fmadd_ps(minimum, all, sums[r]);
                    }
                }
            });
            records = records.add(RECORD * M);
        }
    }
    each!(M, r, {
        // SAFETY: the caller vouches for the masked lanes of the output rows.
        unsafe { _mm512_mask_storeu_ps(out.add(r * stride), mask, sums[r]) }
    });
}

/// Unpacks a tile of kind `K` to a panel of kind `P`.
///
/// # Safety
/// `w` holds `blocks` blocks, `codes_to` 512 bytes and `scales_to` the panel's
/// scale bytes for each.
#[target_feature(enable = "avx512f,avx512bw")]
#[allow(unsafe_code)]
unsafe fn unpack<const K: u8, const P: u8>(
    w: *const u8,
    blocks: usize,
    codes_to: *mut u8,
    scales_to: *mut u8,
) {
    let zero = const { if K < 10 { kind_of(K).zero() } else { 0 } };
    let shift = if P == ONE || P == HALVES {
        128 - zero
    } else {
        0
    };
    let shift = _mm512_set1_epi8(shift as i8);
    let mut six: Six = ([0; 256], _mm512_setzero_ps(), _mm512_setzero_ps());
    for b in 0..blocks {
        // SAFETY: block `b` lies inside all three buffers.
        unsafe {
            let (s, c, number) = place::<K>(w, w, b);
            let all = scales::<K>(s, number, &mut six);
            let to = scales_to.add(b * panel_scales(P)).cast::<f32>();
            match P {
                ONE => _mm512_storeu_ps(to, all[0]),
                MINIMUM => {
                    _mm512_storeu_ps(to, all[0]);
                    _mm512_storeu_ps(to.add(16), all[2]);
                }
                HALVES => {
                    _mm512_storeu_ps(to, all[0]);
                    _mm512_storeu_ps(to.add(16), all[1]);
                }
                _ => (0..4).for_each(|i| _mm512_storeu_ps(to.add(16 * i), all[i])),
            }
            for (i, v) in codes::<K>(c).into_iter().enumerate() {
                let to = codes_to.add(b * 512 + i * 64);
                _mm512_storeu_si512(to.cast(), _mm512_add_epi8(v, shift));
            }
        }
    }
}

/// Tiles `from..to` of the product; `panel` is scratch of the calling thread.
///
/// # Safety
/// The machine has AVX-512 VNNI; `out` holds the activations' rows, and nobody
/// else touches the columns of these tiles.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
#[allow(unsafe_code)]
unsafe fn tiles<const K: u8, const P: u8>(
    w: &Packed,
    x: &Activations,
    out: Output,
    (from, to): (usize, usize),
    panel: &mut Vec<u8>,
) {
    let blocks = w.columns / 32;
    let direct = x.rows <= GROUP || K == P;
    if !direct {
        panel.resize(blocks * (512 + panel_scales(P)), 0);
    }
    let panel_codes = panel.as_mut_ptr();
    let panel_scales = panel_codes.wrapping_add(blocks * 512);
    for t in from..to {
        let missing = ROWS.saturating_sub(w.rows - t * ROWS);
        let mask = (0xffff_u32 >> missing) as __mmask16;
        let bytes = w.tile(t);
        let packed = Weights {
            codes: bytes.as_ptr(),
            scales: bytes.as_ptr(),
        };
        let lines_a_block = bytes
            .len()
            .div_ceil(64 * blocks * x.rows.div_ceil(GROUP).min(4));
        // SAFETY: tile, panel and records are as large as `blocks` asks; the
        // masked lanes are inside the output.
        unsafe {
            if !direct {
                unpack::<K, P>(bytes.as_ptr(), blocks, panel_codes, panel_scales);
            }
            for row in (0..x.rows).step_by(GROUP) {
                let records = x.group(row).as_ptr();
                let rows = GROUP.min(x.rows - row);
                let place = out.start.add(row * out.stride + t * ROWS);
                // The first groups fetch the next tile; a single small one
                // leaves all to the hardware.
                let done = row / GROUP * blocks * lines_a_block * 64;
                let next = packed.codes.wrapping_add(bytes.len() + done);
                let ahead = match x.rows {
                    0..4 => (packed.codes, 0),
                    4..=GROUP => (packed.codes.wrapping_add(4096), lines_a_block),
                    _ if done < bytes.len() => (next, lines_a_block),
                    _ => (packed.codes, 0),
                };
                let ahead = Ahead {
                    from: ahead.0,
                    lines_a_block: ahead.1,
                };
                if direct {
                    with_rows!(
                        rows,
                        tile::<K>(packed, ahead, records, blocks, place, out.stride, mask)
                    );
                } else {
                    let weights = Weights {
                        codes: panel_codes,
                        scales: panel_scales,
                    };
                    with_rows!(
                        rows,
                        tile::<P>(weights, ahead, records, blocks, place, out.stride, mask)
                    );
                }
            }
        }
    }
}

/// Tiles `from..to` of a product.
///
/// # Safety
/// As for [`tiles`].
#[allow(unsafe_code)]
pub(super) unsafe fn product(
    w: &Packed,
    x: &Activations,
    out: Output,
    range: (usize, usize),
    panel: &mut Vec<u8>,
) {
    // SAFETY: passed on from the caller.
    unsafe {
        match w.kind {
            Q8_0 => tiles::<{ Q8_0 as u8 }, { Q8_0 as u8 }>(w, x, out, range, panel),
            Q4_0 => tiles::<{ Q4_0 as u8 }, ONE>(w, x, out, range, panel),
            Q5_0 => tiles::<{ Q5_0 as u8 }, ONE>(w, x, out, range, panel),
            Q4_1 => tiles::<{ Q4_1 as u8 }, MINIMUM>(w, x, out, range, panel),
            Q5_1 => tiles::<{ Q5_1 as u8 }, MINIMUM>(w, x, out, range, panel),
            Q2K => tiles::<{ Q2K as u8 }, BOTH>(w, x, out, range, panel),
            Q3K => tiles::<{ Q3K as u8 }, HALVES>(w, x, out, range, panel),
            Q4K => tiles::<{ Q4K as u8 }, MINIMUM>(w, x, out, range, panel),
            Q5K => tiles::<{ Q5K as u8 }, MINIMUM>(w, x, out, range, panel),
            Q6K => tiles::<{ Q6K as u8 }, HALVES>(w, x, out, range, panel),
        }
    }
}
