//! Dot products of a quarter of a tile with activations.

use super::codes::has_halves;
use crate::kernels::arm::{dot_with_four, multiply_pairs};
use std::arch::aarch64::*;

/// NEON alone.
pub(super) struct Neon;

/// NEON with dot products of four bytes.
pub(super) struct Dotprod;

/// How 32 codes of four weight rows meet 32 codes of one row of activations.
pub(super) trait Dots {
    /// The dot products of both halves of the columns.
    ///
    /// # Safety
    /// The machine has the instructions.
    #[allow(unsafe_code)]
    unsafe fn dots(v: [int8x16_t; 8], x: [int8x16_t; 2]) -> [int32x4_t; 2];
}

impl Dots for Dotprod {
    #[inline]
    #[target_feature(enable = "neon,dotprod")]
    #[allow(unsafe_code)]
    unsafe fn dots(v: [int8x16_t; 8], x: [int8x16_t; 2]) -> [int32x4_t; 2] {
        [0, 1].map(|half| {
            let x = x[half];
            let sum = dot_with_four::<0>(vdupq_n_s32(0), v[4 * half], x);
            let sum = dot_with_four::<1>(sum, v[4 * half + 1], x);
            let sum = dot_with_four::<2>(sum, v[4 * half + 2], x);
            dot_with_four::<3>(sum, v[4 * half + 3], x)
        })
    }
}

impl Dots for Neon {
    #[inline]
    #[target_feature(enable = "neon")]
    #[allow(unsafe_code)]
    unsafe fn dots(v: [int8x16_t; 8], x: [int8x16_t; 2]) -> [int32x4_t; 2] {
        [0, 1].map(|half| {
            let words = vreinterpretq_s32_s8(x[half]);
            let [a, b, c, d] = [
                v[4 * half],
                v[4 * half + 1],
                v[4 * half + 2],
                v[4 * half + 3],
            ];
            let sums = [vdupq_n_s32(0); 2];
            let four = [
                vdupq_laneq_s32::<0>(words),
                vdupq_laneq_s32::<1>(words),
                vdupq_laneq_s32::<2>(words),
                vdupq_laneq_s32::<3>(words),
            ];
            let sums = with_products(sums, [a, b], [four[0], four[1]]);
            let sums = with_products(sums, [c, d], [four[2], four[3]]);
            vpaddq_s32(sums[0], sums[1])
        })
    }
}

/// Adds the products of bytes, two neighbours each, of rows 0 and 1 and of
/// rows 2 and 3. Two products fit into 16 bits: codes are at least -128 and
/// activations between -127 and 127.
#[inline]
#[target_feature(enable = "neon")]
fn with_products(sums: [int32x4_t; 2], v: [int8x16_t; 2], x: [int32x4_t; 2]) -> [int32x4_t; 2] {
    let x = x.map(|x| vreinterpretq_s8_s32(x));
    let low = vmull_s8(vget_low_s8(v[0]), vget_low_s8(x[0]));
    let low = vmlal_s8(low, vget_low_s8(v[1]), vget_low_s8(x[1]));
    let high = vmlal_high_s8(vmull_high_s8(v[0], x[0]), v[1], x[1]);
    [vpadalq_s16(sums[0], low), vpadalq_s16(sums[1], high)]
}

/// Codes in the order that [`pair_dots`] takes: of vectors 2h and 2h + 1, the
/// first becomes rows 0 and 1, columns 8·h to 8·h + 7, the second rows 2 and 3.
#[inline]
#[target_feature(enable = "neon")]
pub(super) fn alternate(v: [int8x16_t; 8]) -> [int8x16_t; 8] {
    let v = v.map(|v| vreinterpretq_s32_s8(v));
    let first = |h: usize| vreinterpretq_s8_s32(vzip1q_s32(v[2 * h], v[2 * h + 1]));
    let second = |h: usize| vreinterpretq_s8_s32(vzip2q_s32(v[2 * h], v[2 * h + 1]));
    [
        first(0),
        second(0),
        first(1),
        second(1),
        first(2),
        second(2),
        first(3),
        second(3),
    ]
}

/// The dot products with the pair of rows at `x`: of each row, those of both
/// halves of the columns; for kinds without halves the first is of all.
///
/// # Safety
/// The machine has I8MM, and 64 bytes can be read.
#[inline]
#[target_feature(enable = "neon,i8mm")]
#[allow(unsafe_code)]
pub(super) unsafe fn pair_dots<const K: u8>(
    v: [int8x16_t; 8],
    x: *const i8,
) -> [[int32x4_t; 2]; 2] {
    let none = vdupq_n_s32(0);
    let mut sums = [[none; 2]; 2];
    for c in 0..4 {
        // SAFETY: four times sixteen bytes.
        let x = unsafe { vld1q_s8(x.add(16 * c)) };
        let half = if has_halves(K) { c / 2 } else { 0 };
        sums[half] = [
            multiply_pairs(sums[half][0], x, v[2 * c]),
            multiply_pairs(sums[half][1], x, v[2 * c + 1]),
        ];
    }
    let row = |half: [int32x4_t; 2]| {
        let [a, b] = half.map(|v| vreinterpretq_s64_s32(v));
        [vzip1q_s64(a, b), vzip2q_s64(a, b)].map(|v| vreinterpretq_s32_s64(v))
    };
    let (first, second) = (row(sums[0]), row(sums[1]));
    [[first[0], second[0]], [first[1], second[1]]]
}
