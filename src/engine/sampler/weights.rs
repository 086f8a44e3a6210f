//! Passes over whole rows of scores, written so that the compiler makes
//! vector instructions of them: there is one row a token, and vocabularies are
//! large.

/// Exponents below this add less than rounding to a sum of weights.
const NEGLIGIBLE: f32 = -30.0;
/// Sums are made of so many weights in single precision, then in double.
const CHUNK: usize = 256;
const LANES: usize = 16;

/// The index and value of the highest score, the first of equals.
pub(super) fn highest(logits: &[f32]) -> Option<(u32, f32)> {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (chunks, rest) = logits.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, logit) in lanes.iter_mut().zip(chunk) {
            *lane = if *logit > *lane { *logit } else { *lane };
        }
    }
    let mut highest = f32::NEG_INFINITY;
    for logit in lanes.iter().chain(rest) {
        highest = if *logit > highest { *logit } else { highest };
    }
    let token = logits.iter().position(|logit| *logit == highest)?;
    highest.is_finite().then_some((token as u32, highest))
}

/// Puts into `weights` what each score weighs relative to the highest, at a
/// temperature above 0; the sum of all.
pub(super) fn weigh(logits: &[f32], highest: f32, temperature: f32, weights: &mut Vec<f32>) -> f64 {
    weights.clear();
    weights.resize(logits.len(), 0.0);
    let chunks = logits.chunks(CHUNK).zip(weights.chunks_mut(CHUNK));
    chunks
        .map(|(logits, weights)| {
            weigh_chunk(logits, highest, temperature, weights);
            chunk_sum(weights)
        })
        .sum()
}

/// The sum alone of what scores weigh at temperature 1.
pub(super) fn weight_sum(logits: &[f32], highest: f32) -> f64 {
    let mut weights = [0.0; CHUNK];
    let mut sum = 0.0;
    for logits in logits.chunks(CHUNK) {
        let weights = &mut weights[..logits.len()];
        weigh_chunk(logits, highest, 1.0, weights);
        sum += chunk_sum(weights);
    }
    sum
}

/// The index at which weights add up to `share` of their sum.
pub(super) fn index_at(share: f64, weights: &[f32]) -> Option<usize> {
    let mut left = share * weights.chunks(CHUNK).map(chunk_sum).sum::<f64>();
    for (chunk, weights) in weights.chunks(CHUNK).enumerate() {
        let sum = chunk_sum(weights);
        if left < sum {
            let mut last = None;
            for (index, weight) in weights.iter().enumerate() {
                left -= f64::from(*weight);
                if *weight > 0.0 {
                    last = Some(chunk * CHUNK + index);
                }
                if left < 0.0 {
                    return last;
                }
            }
            // Two ways to add the same numbers differ in their last digits.
            return last;
        }
        left -= sum;
    }
    weights.iter().rposition(|weight| *weight > 0.0)
}

fn weigh_chunk(logits: &[f32], highest: f32, temperature: f32, weights: &mut [f32]) {
    for (logit, weight) in logits.iter().zip(weights) {
        *weight = exponential((logit - highest) / temperature);
    }
}

fn chunk_sum(weights: &[f32]) -> f64 {
    let mut lanes = [0.0_f32; LANES];
    let (chunks, rest) = weights.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, weight) in lanes.iter_mut().zip(chunk) {
            *lane += weight;
        }
    }
    let all = lanes.iter().chain(rest);
    all.map(|weight| f64::from(*weight)).sum()
}

/// The exponential function below 0, and 0 for what is negligible or no
/// number: a power of two for the whole part, a series for the rest.
#[inline(always)]
pub(super) fn exponential(exponent: f32) -> f32 {
    /// The Taylor series of 2 to the power of x.
    const SERIES: [f32; 6] = [
        std::f32::consts::LN_2,
        0.240_226_5,
        0.055_504_11,
        0.009_618_129,
        0.001_333_355_8,
        0.000_154_035_3,
    ];
    /// Added to a number it leaves no room for digits behind the point.
    const ROUNDING: f32 = 12_582_912.0;
    let counts = exponent >= NEGLIGIBLE;
    let exponent = if counts { exponent } else { NEGLIGIBLE };
    let power = exponent * std::f32::consts::LOG2_E;
    let shifted = power + ROUNDING;
    let rest = power - (shifted - ROUNDING);
    let [a, b, c, d, e, f] = SERIES;
    let series = 1.0 + rest * (a + rest * (b + rest * (c + rest * (d + rest * (e + rest * f)))));
    let value = f32::from_bits(series.to_bits().wrapping_add(shifted.to_bits() << 23));
    if counts { value } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::{exponential, highest, index_at, weigh, weight_sum};
    use crate::sampler::distribution_tests::scores;

    #[test]
    fn exponential_agrees_with_the_standard_library() {
        for step in 0..300_000 {
            let exponent = step as f32 * -0.0001;
            let (ours, exact) = (exponential(exponent), f64::from(exponent).exp());
            assert!((f64::from(ours) / exact - 1.0).abs() < 4e-6, "{exponent}");
        }
        assert_eq!(exponential(0.0), 1.0);
        for negligible in [-30.1, -1e30, f32::NEG_INFINITY, f32::NAN] {
            assert_eq!(exponential(negligible), 0.0);
        }
    }

    #[test]
    fn highest_score_is_found_at_any_place() {
        for place in 0..70 {
            let mut logits = vec![-1.0; 70];
            (logits[0], logits[place]) = (f32::NAN, 3.0);
            assert_eq!(highest(&logits), Some((place as u32, 3.0)));
        }
    }

    #[test]
    fn sums_agree_for_any_number_of_scores() {
        let mut weights = Vec::new();
        for count in [1, 15, 16, 17, 255, 256, 257, 5000] {
            let logits = scores(count as u64, count, 8.0);
            let (_, top) = highest(&logits).unwrap();
            let exact: f64 = logits
                .iter()
                .map(|logit| f64::from(logit - top).exp())
                .sum();
            let sums = [
                weigh(&logits, top, 1.0, &mut weights),
                weight_sum(&logits, top),
            ];
            assert_eq!(weights.len(), count);
            assert!(sums.iter().all(|sum| (sum / exact - 1.0).abs() < 1e-6));
        }
    }

    #[test]
    fn shares_of_the_sum_lead_to_the_weights_that_hold_them() {
        let mut weights = vec![0.0; 1000];
        for index in [3, 300, 301, 990] {
            weights[index] = 1.0;
        }
        let found = [0.0, 0.2, 0.26, 0.5, 0.74, 0.75, 0.999_999, 1.0];
        let found = found.map(|share| index_at(share, &weights).unwrap());
        assert_eq!(found, [3, 3, 300, 301, 301, 990, 990, 990]);
        assert_eq!(index_at(0.5, &[]), None);
    }
}
