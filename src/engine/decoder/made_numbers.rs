//! Random numbers for made-up models: the same on every machine.

/// SplitMix64.
pub(super) struct MadeNumbers(u64);

impl MadeNumbers {
    /// The same seed makes the same numbers.
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 random bits.
    pub(super) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Evenly distributed over -1 to 1.
    pub(super) fn signed(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    }

    /// So many numbers, evenly distributed over `middle` ± `reach`.
    pub(super) fn around(&mut self, middle: f32, reach: f32, count: usize) -> Vec<f32> {
        (0..count).map(|_| middle + reach * self.signed()).collect()
    }
}
