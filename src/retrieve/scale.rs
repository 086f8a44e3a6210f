//! Cosines of one embedding model on the scale of another. Models differ in
//! what they call alike: unrelated texts have a cosine of 0.05 in one and of
//! 0.75 in another, and what was fitted to the bundled model's would mean
//! nothing with another's. A straight line through two known points brings them
//! together: texts that belong together, and texts that do not.

use crate::engine::encoder::{Encoder, EncoderError};

/// Questions, and passages that answer them.
const PAIRS: [(&str, &str); 8] = [
    (
        "When does the lease of the warehouse end?",
        "The lease of the warehouse ends on 31 March and may be renewed once.",
    ),
    (
        "How many days of holiday do employees get?",
        "Every employee is entitled to twenty-eight days of paid leave a year.",
    ),
    (
        "Why does the pump stop?",
        "If the filter is clogged the pump loses pressure and switches itself off.",
    ),
    (
        "Who wrote the symphony?",
        "The symphony was composed in Vienna by a young pupil of Haydn.",
    ),
    (
        "What do bees do in winter?",
        "During the cold months the colony gathers in a cluster and lives on honey.",
    ),
    (
        "How is the password changed?",
        "To choose a new password, open the settings and enter the old one first.",
    ),
    (
        "What causes tides in the sea?",
        "The water rises and falls because of the attraction of the moon and the sun.",
    ),
    (
        "How long must the bread be baked?",
        "Loaves stay in the oven for forty minutes, until the crust is brown.",
    ),
];

/// Least distance of the two points that a line is drawn through.
const LEAST_SPREAD: f32 = 0.02;

/// A straight line from cosines to cosines.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    factor: f32,
    shift: f32,
}

impl Scale {
    /// From the cosines of `other` to those that `familiar` would give.
    pub(super) fn between(other: &Encoder, familiar: &Encoder) -> Result<Self, EncoderError> {
        Ok(Self::through(points(other)?, points(familiar)?))
    }

    /// The line through two points: cosines of texts that do not belong
    /// together, and of texts that do.
    fn through(other: [f32; 2], familiar: [f32; 2]) -> Self {
        let spread = other[1] - other[0];
        // A model that cannot tell the pairs apart is left as it is.
        let factor = match spread > LEAST_SPREAD {
            true => (familiar[1] - familiar[0]) / spread,
            false => 1.0,
        };
        Self {
            factor,
            shift: familiar[0] - factor * other[0],
        }
    }

    /// A cosine on the familiar scale.
    pub(super) fn of(self, cosine: f32) -> f32 {
        (self.factor * cosine + self.shift).clamp(-1.0, 1.0)
    }
}

/// The mean cosines of questions with others' passages and with their own.
fn points(encoder: &Encoder) -> Result<[f32; 2], EncoderError> {
    let passages = PAIRS.map(|(_, passage)| passage);
    let passages = encoder.embed_passages(&passages)?;
    let mut sums = [0.0; 2];
    for (at, (question, _)) in PAIRS.iter().enumerate() {
        let question = encoder.embed_query(question)?;
        for (place, passage) in passages.iter().enumerate() {
            let cosine: f32 = question.iter().zip(passage).map(|(a, b)| a * b).sum();
            sums[usize::from(at == place)] += cosine;
        }
    }
    let pairs = PAIRS.len() as f32;
    Ok([sums[0] / (pairs * (pairs - 1.0)), sums[1] / pairs])
}

#[cfg(test)]
mod tests {
    use super::{Scale, points};
    use crate::engine::encoder::Encoder;

    #[test]
    fn line_brings_both_points_where_they_belong() {
        let scale = Scale::through([0.75, 0.90], [0.05, 0.60]);
        assert!((scale.of(0.75) - 0.05).abs() < 1e-6);
        assert!((scale.of(0.90) - 0.60).abs() < 1e-6);
        assert_eq!(scale.of(10.0), 1.0);
    }

    #[test]
    fn model_that_tells_nothing_apart_keeps_its_spread() {
        let scale = Scale::through([0.90, 0.91], [0.05, 0.60]);
        assert!((scale.of(0.95) - scale.of(0.90) - 0.05).abs() < 1e-6);
    }

    #[test]
    fn bundled_model_is_on_its_own_scale_and_tells_the_pairs_apart() {
        let encoder = Encoder::bundled().unwrap();
        let [apart, together] = points(&encoder).unwrap();
        assert!(apart < 0.15 && together > 0.45, "{apart} {together}");
        let scale = Scale::between(&encoder, &encoder).unwrap();
        assert!((scale.of(0.4) - 0.4).abs() < 1e-4);
    }
}
