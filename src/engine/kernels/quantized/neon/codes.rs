//! Codes and scales of a quarter of a tile: four weight rows, in registers,
//! from the packed tile or from a panel that was unpacked once.

use crate::kernels::arm::four_halves;
use crate::kernels::format::Quantization::{self, *};
use std::arch::aarch64::*;

/// Panels hold codes less their zero point and f32 scales: one; scale and
/// minimum; a scale per 16 columns; scale and minimum per 16 columns.
pub(super) const ONE: u8 = 16;
pub(super) const MINIMUM: u8 = 17;
pub(super) const HALVES: u8 = 18;
pub(super) const BOTH: u8 = 19;

/// Bytes of the codes of a block of a panel, and of a quarter's.
pub(super) const PANEL_CODES: usize = 512;
pub(super) const QUARTER_CODES: usize = 128;

pub(super) const fn has_minimum(kind: u8) -> bool {
    kind == MINIMUM
        || kind == BOTH
        || kind < ONE && matches!(kind_of(kind), Q4_1 | Q5_1 | Q4K | Q5K | Q2K)
}

pub(super) const fn has_halves(kind: u8) -> bool {
    kind == HALVES || kind == BOTH || kind < ONE && matches!(kind_of(kind), Q6K | Q3K | Q2K)
}

/// Bytes of the scales of a block of a panel.
pub(super) const fn panel_scales(kind: u8) -> usize {
    match kind {
        ONE => 64,
        BOTH => 256,
        _ => 128,
    }
}

pub(super) const fn kind_of(kind: u8) -> Quantization {
    let all = [Q8_0, Q4_0, Q5_0, Q4_1, Q5_1, Q2K, Q3K, Q4K, Q5K, Q6K];
    all[kind as usize]
}

/// One tile's weights: a packed tile, or a panel's codes and scales.
#[derive(Clone, Copy)]
pub(super) struct Weights {
    pub(super) codes: *const u8,
    pub(super) scales: *const u8,
}

/// A block of 32 columns of a tile: where its codes and scales are, and its
/// number in its unit.
#[derive(Clone, Copy)]
pub(super) struct Place {
    codes: *const u8,
    scales: *const u8,
    part: usize,
}

impl Weights {
    /// Block `b` of weights of kind `K`.
    #[inline(always)]
    pub(super) fn block<const K: u8>(self, b: usize) -> Place {
        if K >= ONE {
            return Place {
                codes: self.codes.wrapping_add(b * PANEL_CODES),
                scales: self.scales.wrapping_add(b * panel_scales(K)),
                part: 0,
            };
        }
        let kind = kind_of(K);
        let parts = kind.columns() / 32;
        let (scale_bytes, code_bytes) = kind.unit();
        let unit = self
            .codes
            .wrapping_add(b / parts * (scale_bytes + code_bytes));
        Place {
            codes: unit.wrapping_add(scale_bytes + b % parts * (code_bytes / parts)),
            scales: unit,
            part: b % parts,
        }
    }
}

/// The codes of quarter `q`, less the zero point: byte 4·r + c of vector g is
/// row r, column 4·g + c. From a panel: whatever order it was written in.
///
/// # Safety
/// The block is one of kind `K`.
#[inline]
#[target_feature(enable = "neon")]
#[allow(unsafe_code)]
pub(super) unsafe fn codes<const K: u8>(place: Place, q: usize) -> [int8x16_t; 8] {
    let start = place.codes;
    if K >= ONE {
        // SAFETY: a quarter has 8 vectors.
        return [0, 1, 2, 3, 4, 5, 6, 7]
            .map(|g| unsafe { vld1q_s8(start.add(q * QUARTER_CODES + 16 * g).cast()) });
    }
    // SAFETY: the caller vouches for the block; its vectors are 64 bytes.
    let at = |i: usize| unsafe { vld1q_u8(start.add(64 * i + 16 * q)) };
    let kind = kind_of(K);
    if K == Q8_0 as u8 {
        let flip = vdupq_n_u8(0x80);
        return [0, 1, 2, 3, 4, 5, 6, 7].map(|g| vreinterpretq_s8_u8(veorq_u8(at(g), flip)));
    }
    let mut v = if matches!(kind, Q2K | Q3K) {
        let low = vdupq_n_u8(3);
        let [a, b] = [at(0), at(1)];
        [
            vandq_u8(a, low),
            vandq_u8(vshrq_n_u8::<2>(a), low),
            vandq_u8(vshrq_n_u8::<4>(a), low),
            vshrq_n_u8::<6>(a),
            vandq_u8(b, low),
            vandq_u8(vshrq_n_u8::<2>(b), low),
            vandq_u8(vshrq_n_u8::<4>(b), low),
            vshrq_n_u8::<6>(b),
        ]
    } else {
        let low = vdupq_n_u8(15);
        let all = [at(0), at(1), at(2), at(3)];
        let [a, b, c, d] = all.map(|v| vandq_u8(v, low));
        let [e, f, g, h] = all.map(|v| vshrq_n_u8::<4>(v));
        [a, b, c, d, e, f, g, h]
    };
    if matches!(kind, Q5_0 | Q5_1 | Q5K) {
        v = with_bits(v, at(4), vdupq_n_u8(16));
    } else if K == Q3K as u8 {
        v = with_bits(v, at(2), vdupq_n_u8(4));
    } else if K == Q6K as u8 {
        let high = vdupq_n_u8(48);
        let [a, b] = [at(4), at(5)];
        let upper = [
            vshlq_n_u8::<4>(a),
            vshlq_n_u8::<2>(a),
            a,
            vshrq_n_u8::<2>(a),
            vshlq_n_u8::<4>(b),
            vshlq_n_u8::<2>(b),
            b,
            vshrq_n_u8::<2>(b),
        ];
        for (v, upper) in v.iter_mut().zip(upper) {
            *v = vorrq_u8(*v, vandq_u8(upper, high));
        }
    }
    let zero = vdupq_n_s8(kind.zero() as i8);
    v.map(|v| vsubq_s8(vreinterpretq_s8_u8(v), zero))
}

/// Sets `bit` in the bytes of vector g where the plane's bit g is set.
#[inline]
#[target_feature(enable = "neon")]
fn with_bits(mut v: [uint8x16_t; 8], plane: uint8x16_t, bit: uint8x16_t) -> [uint8x16_t; 8] {
    for (g, v) in v.iter_mut().enumerate() {
        let set = vtstq_u8(plane, vdupq_n_u8(1 << g));
        *v = vorrq_u8(*v, vandq_u8(set, bit));
    }
    v
}

/// Scale, second scale, minimum and second minimum of the rows of quarter
/// `q`; those that the kind lacks are zero.
///
/// # Safety
/// The block is one of kind `K`.
#[inline]
#[target_feature(enable = "neon")]
#[allow(unsafe_code)]
pub(super) unsafe fn scales<const K: u8>(place: Place, q: usize) -> [float32x4_t; 4] {
    let (s, part) = (place.scales, place.part);
    let none = vdupq_n_f32(0.0);
    // SAFETY: every offset lies inside the scales of a unit or of a panel's
    // block.
    unsafe {
        let float = |o: usize| vld1q_f32(s.add(o + 16 * q).cast());
        let half = |o: usize| four_halves(s.add(o + 8 * q));
        let bytes = |o: usize| {
            let four = s.add(o + 4 * q).cast::<u32>().read_unaligned();
            vreinterpret_u8_u32(vdup_n_u32(four))
        };
        match K {
            ONE => return [float(0), none, none, none],
            MINIMUM => return [float(0), none, float(64), none],
            HALVES => return [float(0), float(64), none, none],
            BOTH => return [float(0), float(64), float(128), float(192)],
            _ => {}
        }
        match kind_of(K) {
            Q8_0 | Q4_0 | Q5_0 => [half(0), none, none, none],
            Q4_1 | Q5_1 => [half(0), none, vnegq_f32(half(32)), none],
            Q6K | Q3K => {
                let factor = half(256);
                let scale = |o: usize| vmulq_f32(factor, signed(bytes(32 * part + o)));
                [scale(0), scale(16), none, none]
            }
            Q2K => {
                let both = [bytes(32 * part), bytes(32 * part + 16)];
                let (factor, least) = (half(256), half(288));
                let scale = |b| vmulq_f32(factor, unsigned(vand_u8(b, vdup_n_u8(15))));
                let minimum = |b| vmulq_f32(least, unsigned(vshr_n_u8::<4>(b)));
                [
                    scale(both[0]),
                    scale(both[1]),
                    minimum(both[0]),
                    minimum(both[1]),
                ]
            }
            Q4K | Q5K => {
                let low = bytes(16 * part);
                // The upper two bits of both, in the lower or the upper nibble.
                let right = vdup_n_s8(-4 * (part as i8 / 4));
                let high = vshl_u8(bytes(128 + 16 * (part % 4)), right);
                let upper = vshl_n_u8::<4>(vand_u8(high, vdup_n_u8(3)));
                let scale = vorr_u8(vand_u8(low, vdup_n_u8(15)), upper);
                let upper = vshl_n_u8::<2>(vand_u8(high, vdup_n_u8(12)));
                let minimum = vorr_u8(vshr_n_u8::<4>(low), upper);
                [
                    vmulq_f32(half(192), unsigned(scale)),
                    none,
                    vmulq_f32(half(224), unsigned(minimum)),
                    none,
                ]
            }
        }
    }
}

/// The first four bytes as floats.
#[inline]
#[target_feature(enable = "neon")]
fn unsigned(bytes: uint8x8_t) -> float32x4_t {
    vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(bytes))))
}

#[inline]
#[target_feature(enable = "neon")]
fn signed(bytes: uint8x8_t) -> float32x4_t {
    let wide = vmovl_s8(vreinterpret_s8_u8(bytes));
    vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide)))
}
