//! What of a layer is not a product: GELU, softmax, layer normalisation, unpacking
//! of weights. Written as plain loops over independent lanes, compiled once per instruction
//! set. Must not know the layer.

#[cfg(test)]
use crate::kernels::Instructions;
use crate::kernels::PANEL;
use crate::kernels::lanes::{LANES, exponential, fma, for_each_instruction_set, larger, together};

for_each_instruction_set! {
    /// The Gaussian error linear unit in its exact, erf-based form, in place.
    gelu => gelu_lanes(values: &mut [f32])
}

for_each_instruction_set! {
    /// Replaces each row's first `width` values by their exponentials (relative
    /// to the largest), those that follow up to a multiple of 16 by next to
    /// nothing, and writes one over the sum to `scales`; the stride must be one.
    exponentials => exponential_rows(rows: &mut [f32], stride: usize, width: usize, scales: &mut [f32])
}

for_each_instruction_set! {
    /// Brings each row to mean zero and variance one, scales and shifts it.
    normalise => normalised_rows(rows: &mut [f32], weight: &[f32], bias: &[f32], epsilon: f32)
}

for_each_instruction_set! {
    /// Multiplies each value.
    multiply => multiply_lanes(values: &mut [f32], factors: &[f32])
}

for_each_instruction_set! {
    /// Unpacks blocks of 32 rows of 32 codes, of which pairs of rows lie column
    /// after column; a block has a scale per column.
    unpack => unpacked_blocks(codes: &[i8], scales: &[f32], values: &mut [f32])
}

/// x Φ(x), with the normal distribution's tail by the formula 26.2.17 of
/// Abramowitz and Stegun (error below 7.5e-8).
#[inline(always)]
fn gelu_lanes<const FUSED: bool>(values: &mut [f32]) {
    const DENSITY: f32 = 0.398_942_3;
    for x in values {
        let size = x.abs();
        let t = 1.0 / fma::<FUSED>(size, 0.231_641_9, 1.0);
        let mut tail = 1.330_274_4;
        for coefficient in [-1.821_255_9, 1.781_477_9, -0.356_563_78, 0.319_381_54, 0.0] {
            tail = fma::<FUSED>(tail, t, coefficient);
        }
        tail *= DENSITY * exponential::<FUSED>(-0.5 * size * size);
        // x Φ(x) is max(x, 0) less |x| times the tail beyond |x|.
        *x = fma::<FUSED>(-size, tail, x.max(0.0));
    }
}

#[inline(always)]
fn exponential_rows<const FUSED: bool>(
    rows: &mut [f32],
    stride: usize,
    width: usize,
    scales: &mut [f32],
) {
    assert!(stride.is_multiple_of(LANES));
    for (row, scale) in rows.chunks_mut(stride).zip(scales) {
        let (blocks, _) = row[..width.next_multiple_of(LANES)].as_chunks_mut::<LANES>();
        let Some((last, blocks)) = blocks.split_last_mut() else {
            continue;
        };
        // What is beyond the width counts for nothing.
        let within = width - blocks.len() * LANES;
        for (lane, value) in last.iter_mut().enumerate() {
            *value = if lane < within {
                *value
            } else {
                f32::NEG_INFINITY
            };
        }
        let mut most = *last;
        for block in &*blocks {
            for lane in 0..LANES {
                most[lane] = larger(most[lane], block[lane]);
            }
        }
        let most = together(most, larger);
        for (last, most) in last.iter_mut().zip([most; LANES]) {
            *last = exponential::<FUSED>(*last - most);
        }
        let mut sums = *last;
        for block in blocks {
            for lane in 0..LANES {
                block[lane] = exponential::<FUSED>(block[lane] - most);
                sums[lane] += block[lane];
            }
        }
        *scale = 1.0 / together(sums, |a, b| a + b);
    }
}

#[inline(always)]
fn normalised_rows<const FUSED: bool>(
    rows: &mut [f32],
    weight: &[f32],
    bias: &[f32],
    epsilon: f32,
) {
    let width = weight.len();
    for row in rows.chunks_exact_mut(width) {
        let mut sums = [0.0; LANES];
        let (blocks, _) = row.as_chunks::<LANES>();
        for block in blocks {
            for lane in 0..LANES {
                sums[lane] += block[lane];
            }
        }
        let mean = together(sums, |a, b| a + b) / width as f32;
        let mut squares = [0.0; LANES];
        for block in blocks {
            for lane in 0..LANES {
                let difference = block[lane] - mean;
                squares[lane] = fma::<FUSED>(difference, difference, squares[lane]);
            }
        }
        let variance = together(squares, |a, b| a + b) / width as f32;
        let scale = 1.0 / (variance + epsilon).sqrt();
        for ((value, weight), bias) in row.iter_mut().zip(weight).zip(bias) {
            *value = fma::<FUSED>((*value - mean) * scale, *weight, *bias);
        }
    }
}

/// Factors have nothing to fuse; the parameter is that of its siblings.
#[inline(always)]
fn multiply_lanes<const FUSED: bool>(values: &mut [f32], factors: &[f32]) {
    for (value, factor) in values.iter_mut().zip(factors) {
        *value *= factor;
    }
}

/// Unpacking has nothing to fuse either.
#[inline(always)]
fn unpacked_blocks<const FUSED: bool>(codes: &[i8], scales: &[f32], values: &mut [f32]) {
    let blocks = codes
        .chunks_exact(PANEL * PANEL)
        .zip(values.chunks_exact_mut(PANEL * PANEL));
    for ((codes, values), scales) in blocks.zip(scales.as_chunks::<PANEL>().0) {
        let pairs = codes.as_chunks::<{ 2 * PANEL }>().0.iter();
        for (codes, values) in pairs.zip(values.as_chunks_mut::<{ 2 * PANEL }>().0) {
            let (even, odd) = values.split_at_mut(PANEL);
            for column in 0..PANEL {
                even[column] = f32::from(codes[2 * column]) * scales[column];
                odd[column] = f32::from(codes[2 * column + 1]) * scales[column];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Φ(x) by the midpoint rule over the density from -12 to x, in f64.
    fn normal_distribution(x: f64) -> f64 {
        let steps = 20_000;
        let width = (x + 12.0) / f64::from(steps);
        let density = |n: i32| (-0.5 * (width * (f64::from(n) + 0.5) - 12.0).powi(2)).exp();
        (0..steps).map(density).sum::<f64>() * width / (2.0 * std::f64::consts::PI).sqrt()
    }

    #[test]
    fn gelu_is_the_exact_form_to_a_millionth() {
        let inputs: Vec<f32> = (-60..=60).map(|n| n as f32 / 10.0).collect();
        for instructions in Instructions::available() {
            let mut outputs = inputs.clone();
            gelu(instructions, &mut outputs);
            for (x, y) in inputs.iter().zip(&outputs) {
                let exact = f64::from(*x) * normal_distribution(f64::from(*x));
                assert!(
                    (f64::from(*y) - exact).abs() < 1e-6,
                    "{instructions:?} {x} {y} {exact}"
                );
            }
        }
    }

    #[test]
    fn exponentials_and_their_scale_make_a_softmax() {
        for instructions in Instructions::available() {
            let scores: Vec<f32> = (0..96).map(|n| (n * n % 23) as f32 * 4.0 - 40.0).collect();
            let mut rows = scores.clone();
            // What lies beyond the width must not count.
            rows[19..32].fill(f32::NAN);
            let mut scales = [0.0; 2];
            exponentials(instructions, &mut rows, 48, 19, &mut scales);
            for ((row, scores), scale) in rows.chunks(48).zip(scores.chunks(48)).zip(scales) {
                let sum: f64 = scores[..19].iter().map(|s| f64::from(*s).exp()).sum();
                for (score, value) in scores[..19].iter().zip(row) {
                    let exact = f64::from(*score).exp() / sum;
                    assert!((f64::from(value * scale) - exact).abs() < 1e-6);
                }
                assert!(row[19..32].iter().all(|value| (0.0..1e-30).contains(value)));
                assert_eq!(row[32..], scores[32..], "other values are left alone");
            }
        }
    }

    #[test]
    fn normalised_row_has_mean_zero_and_variance_one() {
        for instructions in Instructions::available() {
            let mut row: Vec<f32> = (0..64).map(|n| (n * 5 % 17) as f32).collect();
            normalise(instructions, &mut row, &[1.0; 64], &[0.0; 64], 1e-12);
            let mean = row.iter().sum::<f32>() / 64.0;
            let variance = row.iter().map(|v| v * v).sum::<f32>() / 64.0;
            assert!(mean.abs() < 1e-5 && (variance - 1.0).abs() < 1e-4);
        }
    }
}
