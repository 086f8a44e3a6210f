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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Instructions;

    /// Two full blocks of lanes and a rest.
    const WIDTH: usize = 2 * LANES + 6;

    fn numbers(seed: f32) -> Vec<f32> {
        (0..WIDTH).map(|n| 6.0 * (seed + n as f32).sin()).collect()
    }

    #[track_caller]
    fn assert_near(found: &[f32], wanted: impl Iterator<Item = f64>, what: Instructions) {
        for (n, (found, wanted)) in found.iter().zip(wanted).enumerate() {
            let difference = (f64::from(*found) - wanted).abs();
            assert!(
                difference <= 2e-6 * (1.0 + wanted.abs()),
                "{what:?} {n}: {found} {wanted}"
            );
        }
    }

    fn sigmoid(x: f64) -> f64 {
        1.0 / (1.0 + (-x).exp())
    }

    #[test]
    fn gates_norms_and_caps_are_their_definitions() {
        let (x, y) = (numbers(0.5), numbers(1.5));
        let pairs = || {
            x.iter()
                .zip(&y)
                .map(|(x, y)| (f64::from(*x), f64::from(*y)))
        };
        let squares: f64 = pairs().map(|(x, _)| x * x).sum();
        let root = (squares / WIDTH as f64 + 1e-3).sqrt();
        for what in Instructions::available() {
            let mut out = vec![0.0; WIDTH];
            rms_norm(what, &x, &y, 1e-3, &mut out);
            assert_near(&out, pairs().map(|(x, y)| x / root * y), what);
            let run = |change: &dyn Fn(&mut [f32])| {
                let mut out = x.clone();
                change(&mut out);
                out
            };
            let out = run(&|out| rms_norm_in_place(what, out, &y, 1e-3));
            assert_near(&out, pairs().map(|(x, y)| x / root * y), what);
            let out = run(&|out| silu_gate(what, out, &y));
            assert_near(&out, pairs().map(|(x, y)| x * sigmoid(x) * y), what);
            let out = run(&|out| gelu_gate(what, out, &y));
            let inner = |x: f64| (8.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3));
            assert_near(&out, pairs().map(|(x, y)| x * sigmoid(inner(x)) * y), what);
            let out = run(&|out| soft_cap(what, out, 5.0));
            assert_near(&out, pairs().map(|(x, _)| 5.0 * (x / 5.0).tanh()), what);
            let out = run(&|out| add(what, out, &y));
            assert_near(&out, pairs().map(|(x, y)| x + y), what);
            let out = run(&|out| scale(what, out, 3.0));
            assert_near(&out, pairs().map(|(x, _)| 3.0 * x), what);
        }
    }

    #[test]
    fn rotations_turn_pairs_by_their_angles() {
        let head = numbers(0.5);
        let angles: Vec<f32> = (0..WIDTH / 2).map(|n| n as f32 / 3.0).collect();
        let cosines: Vec<f32> = angles.iter().map(|a| a.cos()).collect();
        let sines: Vec<f32> = angles.iter().map(|a| a.sin()).collect();
        let turned = |a: usize, b: usize, pair: usize| {
            let (sine, cosine) = f64::from(angles[pair]).sin_cos();
            let (a, b) = (f64::from(head[a]), f64::from(head[b]));
            [a * cosine - b * sine, b * cosine + a * sine]
        };
        let half = WIDTH / 2;
        for what in Instructions::available() {
            let mut out = head.clone();
            rotate_halves(what, &mut out, &cosines, &sines);
            assert_near(
                &out[..half],
                (0..half).map(|n| turned(n, half + n, n)[0]),
                what,
            );
            assert_near(
                &out[half..],
                (0..half).map(|n| turned(n, half + n, n)[1]),
                what,
            );
            let mut out = head.clone();
            rotate_pairs(what, &mut out, &cosines, &sines);
            let wanted = (0..half).flat_map(|n| turned(2 * n, 2 * n + 1, n));
            assert_near(&out, wanted, what);
        }
    }

    #[test]
    fn softmax_in_pieces_is_the_softmax_of_all() {
        let scores: Vec<f32> = numbers(0.5).into_iter().chain(numbers(9.5)).collect();
        let exponentials = scores.iter().map(|s| f64::from(*s).exp());
        let sum: f64 = exponentials.clone().sum();
        for what in Instructions::available() {
            let mut state = [f32::NEG_INFINITY, 0.0, 1.0];
            let mut found: Vec<f32> = Vec::new();
            for piece in scores.chunks(WIDTH) {
                let mut piece = piece.to_vec();
                online_softmax(what, &mut piece, &mut state);
                scale(what, &mut found, state[2]);
                found.extend(piece);
            }
            scale(what, &mut found, 1.0 / state[1]);
            assert_near(&found, exponentials.clone().map(|e| e / sum), what);
        }
    }
}
