//! What a decoder's layer does besides products, a row at a time: norms,
//! gates, rotations, soft caps, the exponentials of attention.

use super::lanes::{LANES, exponential, fma, for_each_instruction_set};

for_each_instruction_set! {
    /// Root-mean-square norm of a row (Zhang and Sennrich, 2019).
    rms_norm => rms_norm_lanes(row: &[f32], weight: &[f32], epsilon: f32, out: &mut [f32])
}

for_each_instruction_set! {
    /// The same, in place.
    rms_norm_in_place => rms_norm_in_place_lanes(row: &mut [f32], weight: &[f32], epsilon: f32)
}

for_each_instruction_set! {
    /// `gate` becomes SiLU(gate) · up (Shazeer, 2020: SwiGLU).
    silu_gate => silu_gate_lanes(gate: &mut [f32], up: &[f32])
}

for_each_instruction_set! {
    /// `gate` becomes GELU(gate) · up, GELU in its tanh form.
    gelu_gate => gelu_gate_lanes(gate: &mut [f32], up: &[f32])
}

for_each_instruction_set! {
    /// Turns pairs (i, n/2 + i) of a head's values.
    rotate_halves => rotate_halves_lanes(head: &mut [f32], cosines: &[f32], sines: &[f32])
}

for_each_instruction_set! {
    /// Turns pairs (2i, 2i + 1) of a head's values.
    rotate_pairs => rotate_pairs_lanes(head: &mut [f32], cosines: &[f32], sines: &[f32])
}

for_each_instruction_set! {
    /// c · tanh(x / c) of each value.
    soft_cap => soft_cap_lanes(values: &mut [f32], cap: f32)
}

for_each_instruction_set! {
    /// Adds `more` to `values`.
    add => add_lanes(values: &mut [f32], more: &[f32])
}

for_each_instruction_set! {
    /// One step of a softmax that sees its scores in pieces (Milakov and
    /// Gimelshein, 2018): `scores` become their exponentials relative to the
    /// largest so far; `state` is that largest, the sum of the exponentials,
    /// and what earlier sums are to be multiplied with.
    online_softmax => online_softmax_lanes(scores: &mut [f32], state: &mut [f32; 3])
}

for_each_instruction_set! {
    /// Multiplies each value.
    scale => scale_lanes(values: &mut [f32], factor: f32)
}

#[inline(always)]
fn rms_norm_lanes<const FUSED: bool>(row: &[f32], weight: &[f32], epsilon: f32, out: &mut [f32]) {
    let factor = norm_factor::<FUSED>(row, epsilon);
    for ((out, x), weight) in out.iter_mut().zip(row).zip(weight) {
        *out = x * factor * weight;
    }
}

#[inline(always)]
fn rms_norm_in_place_lanes<const FUSED: bool>(row: &mut [f32], weight: &[f32], epsilon: f32) {
    let factor = norm_factor::<FUSED>(row, epsilon);
    for (x, weight) in row.iter_mut().zip(weight) {
        *x = *x * factor * weight;
    }
}

/// One over the root of the mean square.
#[inline(always)]
fn norm_factor<const FUSED: bool>(row: &[f32], epsilon: f32) -> f32 {
    let mut squares = [0.0; LANES];
    let (blocks, rest) = row.as_chunks::<LANES>();
    for block in blocks {
        for lane in 0..LANES {
            squares[lane] = fma::<FUSED>(block[lane], block[lane], squares[lane]);
        }
    }
    let rest: f32 = rest.iter().map(|x| x * x).sum();
    let mean = (squares.iter().sum::<f32>() + rest) / row.len() as f32;
    1.0 / (mean + epsilon).sqrt()
}

/// x / (1 + e^-y).
#[inline(always)]
fn times_sigmoid<const FUSED: bool>(x: f32, y: f32) -> f32 {
    x / (1.0 + exponential::<FUSED>((-y).min(87.0)))
}

#[inline(always)]
fn silu_gate_lanes<const FUSED: bool>(gate: &mut [f32], up: &[f32]) {
    for (gate, up) in gate.iter_mut().zip(up) {
        *gate = times_sigmoid::<FUSED>(*gate, *gate) * up;
    }
}

#[inline(always)]
fn gelu_gate_lanes<const FUSED: bool>(gate: &mut [f32], up: &[f32]) {
    // 2 · sqrt(2 / pi); tanh(y) is 2 · sigmoid(2y) - 1.
    const SCALE: f32 = 1.595_769;
    for (gate, up) in gate.iter_mut().zip(up) {
        let x = *gate;
        let y = SCALE * fma::<FUSED>(0.044_715 * x * x, x, x);
        *gate = times_sigmoid::<FUSED>(x, y) * up;
    }
}

#[inline(always)]
fn rotate_halves_lanes<const FUSED: bool>(head: &mut [f32], cosines: &[f32], sines: &[f32]) {
    let pairs = cosines.len();
    let (low, high) = head[..2 * pairs].split_at_mut(pairs);
    let angles = cosines.iter().zip(sines);
    for ((a, b), (cosine, sine)) in low.iter_mut().zip(high).zip(angles) {
        let turned = fma::<FUSED>(*a, *cosine, -*b * sine);
        *b = fma::<FUSED>(*b, *cosine, *a * sine);
        *a = turned;
    }
}

#[inline(always)]
fn rotate_pairs_lanes<const FUSED: bool>(head: &mut [f32], cosines: &[f32], sines: &[f32]) {
    let angles = cosines.iter().zip(sines);
    for ([a, b], (cosine, sine)) in head.as_chunks_mut::<2>().0.iter_mut().zip(angles) {
        let turned = fma::<FUSED>(*a, *cosine, -*b * sine);
        *b = fma::<FUSED>(*b, *cosine, *a * sine);
        *a = turned;
    }
}

#[inline(always)]
fn soft_cap_lanes<const FUSED: bool>(values: &mut [f32], cap: f32) {
    for value in values {
        let y = 2.0 * *value / cap;
        *value = cap * (times_sigmoid::<FUSED>(2.0, y) - 1.0);
    }
}

#[inline(always)]
fn add_lanes<const FUSED: bool>(values: &mut [f32], more: &[f32]) {
    for (value, more) in values.iter_mut().zip(more) {
        *value += more;
    }
}

#[inline(always)]
fn scale_lanes<const FUSED: bool>(values: &mut [f32], factor: f32) {
    for value in values {
        *value *= factor;
    }
}

#[inline(always)]
fn online_softmax_lanes<const FUSED: bool>(scores: &mut [f32], state: &mut [f32; 3]) {
    let (blocks, rest) = scores.as_chunks_mut::<LANES>();
    let mut most = [f32::NEG_INFINITY; LANES];
    for block in &*blocks {
        for lane in 0..LANES {
            most[lane] = most[lane].max(block[lane]);
        }
    }
    let largest = most.iter().chain(&*rest).fold(state[0], |a, b| a.max(*b));
    if largest == f32::NEG_INFINITY {
        // Nothing may be seen yet.
        scores.fill(0.0);
        state[2] = 1.0;
        return;
    }
    let mut sums = [0.0; LANES];
    for block in blocks {
        for lane in 0..LANES {
            block[lane] = exponential::<FUSED>(block[lane] - largest);
            sums[lane] += block[lane];
        }
    }
    let mut sum: f32 = sums.iter().sum();
    for value in rest {
        *value = exponential::<FUSED>(*value - largest);
        sum += *value;
    }
    let factor = exponential::<FUSED>(state[0] - largest);
    *state = [largest, state[1] * factor + sum, factor];
}
