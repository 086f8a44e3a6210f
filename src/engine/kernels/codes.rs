//! Signed 8-bit codes with one scale per 32 numbers, and the numbers that they
//! stand for. Must not know what the numbers mean.

use super::lanes::for_each_instruction_set;
use half::f16;

/// Numbers that share a scale.
pub(crate) const SHARING: usize = 32;

for_each_instruction_set! {
    /// Rows of 32 codes, each column with a scale of its own.
    decode_columns => decode_columns_lanes(codes: &[u8], scales: &[f32; SHARING], out: &mut [f32])
}

for_each_instruction_set! {
    /// The 32 codes at the start of each row, `stride` apart, each row with a
    /// scale of its own; `out` has the same stride.
    decode_rows => decode_rows_lanes(codes: &[u8], stride: usize, scales: &[f32], out: &mut [f32])
}

/// Up to 32 numbers as codes from -127 to 127; gives their scale. What is
/// beyond half precision in units of the scale is cut off.
pub(crate) fn encode(numbers: &[f32], codes: &mut [u8]) -> f16 {
    let largest = numbers.iter().fold(0f32, |most, x| most.max(x.abs()));
    // Rounding the scale first costs nothing but the outermost code.
    let scale = f16::from_f32((largest / 127.0).min(f16::MAX.to_f32()));
    let inverse = match scale.to_f32() {
        0.0 => 0.0,
        scale => 1.0 / scale,
    };
    for (code, number) in codes.iter_mut().zip(numbers) {
        let rounded = (number * inverse).round_ties_even().clamp(-127.0, 127.0);
        *code = (rounded as i8).cast_unsigned();
    }
    scale
}

#[inline(always)]
fn decode_columns_lanes<const FUSED: bool>(codes: &[u8], scales: &[f32; SHARING], out: &mut [f32]) {
    let rows = codes.as_chunks::<SHARING>().0;
    for (out, codes) in out.as_chunks_mut::<SHARING>().0.iter_mut().zip(rows) {
        for ((out, code), scale) in out.iter_mut().zip(codes).zip(scales) {
            *out = f32::from(code.cast_signed()) * scale;
        }
    }
}

#[inline(always)]
fn decode_rows_lanes<const FUSED: bool>(
    codes: &[u8],
    stride: usize,
    scales: &[f32],
    out: &mut [f32],
) {
    let rows = codes.chunks(stride).zip(out.chunks_mut(stride));
    for ((codes, out), scale) in rows.zip(scales) {
        let (Some(codes), Some(out)) = (
            codes.first_chunk::<SHARING>(),
            out.first_chunk_mut::<SHARING>(),
        ) else {
            return;
        };
        for (out, code) in out.iter_mut().zip(codes) {
            *out = f32::from(code.cast_signed()) * scale;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Instructions;

    #[test]
    fn numbers_come_back_within_half_a_step() {
        let numbers: Vec<f32> = (0..32).map(|n| (n as f32 * 1.7).sin() * 3.0).collect();
        let mut codes = [0; 32];
        let scale = encode(&numbers, &mut codes).to_f32();
        for (number, code) in numbers.iter().zip(codes) {
            let back = f32::from(code.cast_signed()) * scale;
            assert!((number - back).abs() <= scale * 0.51, "{number} {back}");
        }
    }

    #[test]
    fn nothing_and_the_impossible_have_finite_codes() {
        for numbers in [[0.0; 4], [1e-9; 4], [1e30, -1e30, 0.0, 1.0]] {
            let mut codes = [9; 4];
            let scale = encode(&numbers, &mut codes).to_f32();
            let back = codes.map(|code| f32::from(code.cast_signed()) * scale);
            assert!(back.iter().all(|number| number.is_finite()), "{back:?}");
        }
    }

    #[test]
    fn every_instruction_set_decodes_the_same() {
        let codes: Vec<u8> = (0..96 * 5).map(|n| (n * 37 % 255) as u8).collect();
        let scales: [f32; 32] = std::array::from_fn(|n| 0.01 * n as f32 + 0.003);
        for instructions in Instructions::available() {
            let mut out = vec![0.0; codes.len()];
            decode_columns(instructions, &codes, &scales, &mut out);
            for (n, out) in out.iter().enumerate() {
                assert_eq!(*out, f32::from(codes[n].cast_signed()) * scales[n % 32]);
            }
            let mut out = vec![0.0; codes.len()];
            decode_rows(instructions, &codes[32..], 96, &scales[..5], &mut out[32..]);
            for (n, out) in out.iter().enumerate() {
                let wanted = match n % 96 / 32 {
                    1 => f32::from(codes[n].cast_signed()) * scales[n / 96],
                    _ => 0.0,
                };
                assert_eq!(*out, wanted, "{n}");
            }
        }
    }
}
