//! ARM instructions for the kernels: those that Rust 1.95 offers no function
//! for, as assembly, and the conversion of half-precision numbers.

use half::f16;
use std::arch::aarch64::*;
use std::arch::asm;

/// Each lane of `sum` plus the dot product of its four bytes of `a` with four
/// bytes number `FOUR` of `b` (`vdotq_laneq_s32`).
#[inline]
#[target_feature(enable = "neon,dotprod")]
pub(super) fn dot_with_four<const FOUR: i32>(
    mut sum: int32x4_t,
    a: int8x16_t,
    b: int8x16_t,
) -> int32x4_t {
    // SAFETY: an instruction of dotprod on registers, without other effects.
    #[allow(unsafe_code)]
    unsafe {
        asm!(
            "sdot {sum:v}.4s, {a:v}.16b, {b:v}.4b[{four}]",
            sum = inout(vreg) sum,
            a = in(vreg) a,
            b = in(vreg) b,
            four = const FOUR,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sum
}

/// Adds the product of two rows of eight bytes each, `a`, with two columns of
/// eight bytes each, `b`, to a 2 x 2 matrix (`vmmlaq_s32`).
#[inline]
#[target_feature(enable = "neon,i8mm")]
pub(super) fn multiply_pairs(mut sum: int32x4_t, a: int8x16_t, b: int8x16_t) -> int32x4_t {
    // SAFETY: an instruction of i8mm on registers, without other effects.
    #[allow(unsafe_code)]
    unsafe {
        asm!(
            "smmla {sum:v}.4s, {a:v}.16b, {b:v}.16b",
            sum = inout(vreg) sum,
            a = in(vreg) a,
            b = in(vreg) b,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sum
}

/// The four half-precision numbers at `from`.
///
/// # Safety
/// Eight bytes can be read there.
#[inline]
#[target_feature(enable = "neon")]
#[allow(unsafe_code)]
pub(super) unsafe fn four_halves(from: *const u8) -> float32x4_t {
    // SAFETY: passed on to the caller.
    let bytes = unsafe { vld1_u8(from) };
    vcvt_f32_f16(vreinterpret_f16_u8(bytes))
}

/// Writes as floats what `halves` holds. Unlike the crate `half`, this needs
/// no arithmetic in half precision: the conversion is part of NEON.
pub(super) fn to_floats(halves: &[f16], floats: &mut [f32]) {
    let (fours, rest) = halves.as_chunks::<4>();
    let (to, to_rest) = floats.as_chunks_mut::<4>();
    for (four, to) in fours.iter().zip(to) {
        // SAFETY: four numbers on both sides; this target always has NEON.
        #[allow(unsafe_code)]
        unsafe {
            vst1q_f32(to.as_mut_ptr(), four_halves(four.as_ptr().cast()));
        }
    }
    for (half, float) in rest.iter().zip(to_rest) {
        *float = half.to_f32();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_becomes_the_float_that_it_is() {
        let halves: Vec<f16> = (0..=u16::MAX).map(f16::from_bits).collect();
        for halves in [&halves[..], &halves[..7]] {
            let mut floats = vec![-1.0; halves.len()];
            to_floats(halves, &mut floats);
            for (half, float) in halves.iter().zip(floats) {
                let same = half.to_f32().to_bits() == float.to_bits();
                assert!(same || half.is_nan() && float.is_nan(), "{half} {float}");
            }
        }
    }
}
