//! Random numbers that depend on nothing but a request's seed and a token's
//! position: Philox 4x32-10, the counter-based generator of Salmon et al.,
//! "Parallel random numbers: as easy as 1, 2, 3" (SC 2011). There is no state
//! to advance, so neither neighbours in a batch nor drafts change an answer.

const ROUNDS: usize = 10;
const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const KEY_STEPS: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

/// The random numbers of one request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Random {
    key: [u32; 2],
}

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self { key: halves(seed) }
    }

    /// A number from 0 up to, not including, 1 for the token at `position`.
    pub(super) fn uniform(self, position: u64) -> f64 {
        let [low, high] = halves(position);
        let [first, second, _, _] = philox([low, high, 0, 0], self.key);
        let bits = (u64::from(first) << 32 | u64::from(second)) >> 11;
        bits as f64 / (1u64 << 53) as f64
    }
}

fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for round in 0..ROUNDS {
        if round > 0 {
            key = [
                key[0].wrapping_add(KEY_STEPS[0]),
                key[1].wrapping_add(KEY_STEPS[1]),
            ];
        }
        let [low_a, high_a] = halves(u64::from(MULTIPLIERS[0]) * u64::from(counter[0]));
        let [low_b, high_b] = halves(u64::from(MULTIPLIERS[1]) * u64::from(counter[2]));
        counter = [
            high_b ^ counter[1] ^ key[0],
            low_b,
            high_a ^ counter[3] ^ key[1],
            low_a,
        ];
    }
    counter
}

/// The lower and the upper half of `number`.
fn halves(number: u64) -> [u32; 2] {
    [number as u32, (number >> 32) as u32]
}

#[cfg(test)]
mod tests {
    use super::{Random, philox};

    #[test]
    fn generator_gives_the_published_known_answers() {
        assert_eq!(
            philox([0; 4], [0; 2]),
            [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
        );
        assert_eq!(
            philox([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox(
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0]
            ),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn numbers_lie_between_zero_and_one_and_differ_by_seed_and_position() {
        let numbers: Vec<f64> = (0..100)
            .flat_map(|seed| (0..100).map(move |position| Random::new(seed).uniform(position)))
            .collect();
        assert!(numbers.iter().all(|number| (0.0..1.0).contains(number)));
        let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
        let mut sorted = numbers;
        sorted.sort_by(f64::total_cmp);
        sorted.dedup();
        assert_eq!(sorted.len(), 10_000);
    }
}
